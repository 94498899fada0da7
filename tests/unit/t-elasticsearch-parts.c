/* SPDX-License-Identifier: BSD-2-Clause */
/* t-elasticsearch-parts.c - parts of the elasticsearch plugin that need no server: spans of a search answer, ids, the
 * pool of nodes. */
#include "../../plugins/elasticsearch/es.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- hits ----------------------------------------------------------------------------------------------------- */
static bool read_copy(const char *text, size_t len, struct es_page *page, char **ret_copy)
{
    const char *why = NULL;
    bool good;
    *ret_copy = malloc(len + 1); /* its end is the allocation's: a read behind it is noticed */
    assert_non_null(*ret_copy);
    memcpy(*ret_copy, text, len);
    good = hits_read(*ret_copy, len, 2, page, &why);
    assert_true(good || why);
    return good;
}

static const char WHOLE[] = "{\"_scroll_id\":\"s\",\"pit_id\":\"a\\u0041\",\"timed_out\":true,\"_shards\":{"
                            "\"failed\":2,\"x\":[]},\"hits\":{\"total\":7,"
                            "\"hits\":[{\"_id\":\"\\ud83d\\ude00\\ud800x\",\"_source\":{\"a\":\"]}\\\"\","
                            "\"b\":[{}, 1e5]},\"sort\":[1,\"\\\"]\"]}]}}";

static void finds_the_spans(void **state)
{
    struct es_page page;
    char *copy, head[64];
    (void)state;
    assert_true(read_copy(WHOLE, sizeof WHOLE - 1, &page, &copy));
    assert_int_equal(page.count, 1);
    assert_int_equal(page.total, 7);
    assert_true(page.timed_out && page.has_hits && page.shards_failed == 2);
    assert_int_equal(page.pit_id.len, 2);
    assert_memory_equal(page.pit_id.ptr, "aA", 2);
    assert_int_equal(page.hits[0].id.len, 8);
    assert_memory_equal(page.hits[0].id.ptr, "\xf0\x9f\x98\x80\xef\xbf\xbdx", 8);
    assert_int_equal(page.hits[0].source.len, strlen("{\"a\":\"]}\\\"\",\"b\":[{}, 1e5]}"));
    assert_int_equal(hits_sort_head(page.hits[0].sort, 1, head, sizeof head), 3);
    assert_memory_equal(head, "[1]", 3);
    assert_int_equal(hits_sort_head(page.hits[0].sort, 2, head, sizeof head), 9);
    assert_memory_equal(head, "[1,\"\\\"]\"]", 9);
    assert_int_equal(hits_sort_head(page.hits[0].sort, 3, head, sizeof head), 0);
    assert_int_equal(hits_sort_head(page.hits[0].sort, 2, head, 8), 0);
    hits_free(&page);
    free(copy);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof WHOLE - 1; len++) {
        struct es_page page;
        char *copy;
        assert_false(read_copy(WHOLE, len, &page, &copy));
        hits_free(&page);
        free(copy);
    }
}

/* Whatever stands there, reading ends and stays inside. */
static void any_changed_byte_is_survived(void **state)
{
    static const char bytes[] = "\"{}[],:\\u0x \xff\n";
    char text[sizeof WHOLE];
    (void)state;
    for (size_t i = 0; i < sizeof WHOLE - 1; i++)
        for (size_t k = 0; k < sizeof bytes; k++) {
            struct es_page page;
            char *copy;
            memcpy(text, WHOLE, sizeof WHOLE);
            text[i] = bytes[k];
            (void)read_copy(text, sizeof WHOLE - 1, &page, &copy);
            hits_free(&page);
            free(copy);
        }
}

static void depth_has_a_limit(void **state)
{
    char *deep = malloc(100000);
    struct es_page page;
    const char *why = NULL;
    (void)state;
    assert_non_null(deep);
    memset(deep, '[', 100000);
    memcpy(deep, "{\"x\":", 5);
    assert_false(hits_read(deep, 100000, 1, &page, &why));
    assert_string_equal(why, "a value is nested too deeply");
    hits_free(&page);
    free(deep);
}

/* An answer full of empty hits would take thirty times its own size. */
static void more_hits_than_asked_for_are_refused(void **state)
{
    static const char three[] = "{\"hits\":{\"hits\":[{},{},{}]}}";
    char text[sizeof three];
    struct es_page page;
    const char *why = NULL;
    (void)state;
    memcpy(text, three, sizeof three);
    assert_true(hits_read(text, sizeof three - 1, 3, &page, &why));
    hits_free(&page);
    assert_false(hits_read(text, sizeof three - 1, 2, &page, &why));
    assert_string_equal(why, "it has more hits than were asked for");
    assert_int_equal(page.count, 2);
    hits_free(&page);
}

/* ---- ids ------------------------------------------------------------------------------------------------------ */
static void hash_of_known_texts(void **state)
{
    static const struct {
        const char *text, *hash;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char hash[64], million[1000];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sha256_hex(cases[i].text, strlen(cases[i].text), hash);
        assert_memory_equal(hash, cases[i].hash, 64);
    }
    memset(million, 'a', sizeof million);
    sha256_hex(million, 1000, hash);
    assert_memory_equal(hash, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3", 64);
}

static void a_shortened_id_keeps_whole_characters(void **state)
{
    char text[700], id[ES_ID_MAX];
    (void)state;
    for (size_t lead = 0; lead < 2; lead++) {
        memset(text, 'x', lead);
        for (size_t i = lead; i + 1 < sizeof text; i += 2)
            memcpy(text + i, "\xc3\xa9", 2);
        size_t n = id_shorten(text, sizeof text - 1 - lead, id);
        assert_true(n <= ES_ID_MAX && id[n - 65] == '~');
        assert_int_equal((unsigned char)id[n - 66], 0xa9);
    }
}

static void base64_of_known_texts(void **state)
{
    static const char *const cases[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    char out[16];
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        bytes_base64(cases[i][0], strlen(cases[i][0]), out);
        assert_string_equal(out, cases[i][1]);
    }
}

/* ---- nodes ---------------------------------------------------------------------------------------------------- */
static void nodes_rest_and_come_back(void **state)
{
    struct es_node list[3] = {{0}};
    struct es_nodes nodes = {list, 3, 0};
    (void)state;
    assert_int_equal(nodes_pick(&nodes, 0), 0);
    assert_int_equal(nodes_pick(&nodes, 0), 1);
    assert_int_equal(nodes_pick(&nodes, 0), 2);
    nodes_failed(&nodes, 0, 10, 0);
    assert_int_equal(nodes_pick(&nodes, 20), 1);
    nodes_failed(&nodes, 1, 20, 0);
    nodes_failed(&nodes, 2, 30, 0);
    assert_int_equal(nodes_pick(&nodes, 31), 0); /* all rest: the one that failed longest ago */
    for (int i = 0; i < 20; i++)
        nodes_failed(&nodes, 0, 40, 0);
    assert_int_equal(list[0].rest_until, 60040); /* never longer than a minute */
    assert_false(nodes_awake(&nodes, 41));
    nodes_worked(&nodes, 0);
    assert_true(nodes_awake(&nodes, 41));
    assert_int_equal(nodes_pick(&nodes, 41), 0);
    nodes_failed(&nodes, 0, 100, 90000); /* what it wishes for is longer than it would rest */
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(nodes_pick(&nodes, 90099), 1 + i % 2);
    assert_int_equal(nodes_pick(&nodes, 90100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_spans),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(any_changed_byte_is_survived),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(more_hits_than_asked_for_are_refused),
        cmocka_unit_test(hash_of_known_texts),
        cmocka_unit_test(a_shortened_id_keeps_whole_characters),
        cmocka_unit_test(base64_of_known_texts),
        cmocka_unit_test(nodes_rest_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
