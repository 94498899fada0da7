/* SPDX-License-Identifier: BSD-2-Clause */
/* t-elasticsearch-options.c - what the elasticsearch plugin says to its options: mistakes, promises, the live check, secrets. */
#include "harness.h"

#include "es_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void check_refuses(void **state)
{
    static const struct {
        uint32_t kind;
        const char *options, *says;
    } cases[] = {
        {WEIR_SINK, "url = 127.0.0.1:9200\nindex = i\n", "url: \"127.0.0.1:9200\" does not start with http"},
        {WEIR_SINK, "url = http://u:secret@h\nindex = i\n", "use username and password"},
        {WEIR_SINK, "url = http://:9200\nindex = i\n", "names no host"},
        {WEIR_SINK, "url = http://h?x\nindex = i\n", "holds ? or #"},
        {WEIR_SINK, "url = http://h\nindex = i\nop = update\n", "id: update, upsert and delete need id"},
        {WEIR_SINK, "url = http://h\nindex = i\nop = create\nversion = {offset}\n",
         "version: only op = index"},
        {WEIR_SINK, "url = http://h\nindex = i\ndata-stream = yes\nop = update\nid = x\n", "data-stream: "},
        {WEIR_SINK, "url = http://h\nindex = i\ntombstone = delete\n", "tombstone: delete needs id"},
        {WEIR_SINK, "url = http://h\nindex = i\npassword = x\n", "password needs username"},
        {WEIR_SINK, "url = http://h\nindex = i\nusername = x\napi-key = y\n", "use either api-key or"},
        {WEIR_SINK, "url = http://h\nindex = i\nca-file = /x\n", "no url starts with https"},
        {WEIR_SOURCE, "url = http://h\nindex = i\nquery = {\"a\":}\n", "query: is no valid JSON"},
        {WEIR_SOURCE, "url = http://h\nindex = i\nquery = 3\n", "query: is no JSON object"},
        {WEIR_SOURCE, "url = http://h\nindex = a/b\n", "is no name of an index"},
        {WEIR_SOURCE, "url = http://h\nindex = a\nsort = _id\n", "is no field of a document"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *said = harness_check("elasticsearch", cases[i].kind, cases[i].options);
        if (!strstr(said, cases[i].says))
            fail_msg("case %zu: \"%s\"", i, said);
        assert_null(strstr(said, "secret"));
    }
    assert_string_equal(harness_check("elasticsearch", WEIR_SINK, "url = http://h:1/p/\nindex = i\n"), "");
    assert_string_equal(
        harness_check("elasticsearch", WEIR_SOURCE, "url = https://h\nindex = i*\nsort = a:desc, b\n"), "");
}

static uint32_t promised(const char *options)
{
    char text[256];
    uint32_t promises;
    struct harness *h;
    snprintf(text, sizeof text, "url = http://h\nindex = i\n%s", options);
    h = harness_load("elasticsearch", WEIR_SINK, text);
    promises = harness_promises(h);
    harness_free(h);
    return promises & (WEIR_IDEMPOTENT | WEIR_ORDERED);
}

static void promises_follow_from_the_options(void **state)
{
    (void)state;
    assert_int_equal(promised(""), WEIR_IDEMPOTENT | WEIR_ORDERED);
    assert_int_equal(promised("op = create\n"), WEIR_IDEMPOTENT | WEIR_ORDERED);
    assert_int_equal(promised("op = create\nid = {key}\n"), WEIR_IDEMPOTENT);
    assert_int_equal(promised("id = {key}\n"), 0);
    assert_int_equal(promised("id = {key}\nversion = {offset}\n"), WEIR_IDEMPOTENT | WEIR_ORDERED);
    assert_int_equal(promised("id = {key}\nop = update\n"), 0);
    assert_int_equal(promised("data-stream = yes\n"), WEIR_ORDERED);
}

static void probe_needs_no_root_page(void **state)
{
    struct es_server *server = es_server_start();
    char options[128];
    struct harness *h;
    (void)state;
    snprintf(options, sizeof options, "%sindex = i\nusername = u\n", es_server_option(server));
    h = harness_start("elasticsearch", WEIR_SINK, options);
    es_server_say(server, (struct es_answer){.status = 405, .body = "{}"});
    assert_string_equal(harness_probe(h), "");
    es_server_say(server, (struct es_answer){.status = 401, .body = "{}"});
    assert_non_null(strstr(harness_probe(h), "username: "));
    harness_free(h);
    es_server_stop(server);
}

static void a_silent_server_is_given_up(void **state)
{
    struct es_server *server = es_server_start();
    const char *const values[] = {"{}"};
    char options[128];
    struct harness *h;
    struct weir_batch *b;
    (void)state;
    snprintf(options, sizeof options, "%sindex = i\ntimeout = 1s\n", es_server_option(server));
    h = harness_start("elasticsearch", WEIR_SINK, options);
    es_server_say(server, (struct es_answer){.flags = ES_SERVER_HOLD});
    b = harness_values(h, values, 1);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_true(harness_run_until(h, harness_idle, NULL, 60000));
    assert_int_equal(harness_result(b, 0).status, WEIR_RETRY);
    assert_non_null(strstr(harness_result(b, 0).why, "timed out"));
    harness_free(h);
    es_server_stop(server);
}

static void a_changed_secret_is_used_at_once(void **state)
{
    char path[] = "/tmp/t-elasticsearch.XXXXXX", options[256];
    const char *const values[] = {"{}"};
    struct es_server *server = es_server_start();
    int fd = mkstemp(path);
    struct harness *h;
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "aaaa", 4, 0), 4);
    snprintf(options, sizeof options, "%sindex = i\napi-key = ${file:%s}\n", es_server_option(server), path);
    h = harness_start("elasticsearch", WEIR_SINK, options);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(harness_write(h, harness_values(h, values, 1)), WEIR_OK);
        assert_true(harness_run_until(h, harness_idle, NULL, 60000));
        assert_int_equal(pwrite(fd, "bbbb", 4, 0), 4);
    }
    assert_non_null(strstr(es_server_asked(server, 0)->head, "ApiKey aaaa\r\n"));
    assert_non_null(strstr(es_server_asked(server, 1)->head, "ApiKey bbbb\r\n"));
    close(fd);
    unlink(path);
    harness_free(h);
    es_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_refuses),
        cmocka_unit_test(promises_follow_from_the_options),
        cmocka_unit_test(probe_needs_no_root_page),
        cmocka_unit_test(a_changed_secret_is_used_at_once),
        cmocka_unit_test(a_silent_server_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
