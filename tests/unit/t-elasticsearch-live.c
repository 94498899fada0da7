/* SPDX-License-Identifier: BSD-2-Clause */
/* t-elasticsearch-live.c - the elasticsearch plugin on real servers: ES and OPENSEARCH in the environment say where
 * (tests/services/up writes them); without either it is skipped. */
#include "harness.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT 30000

static const char *base;    /* of the server under test */
static char index_name[64]; /* new for each test */

/* ---- a small client of its own -------------------------------------------------------------------------------- */
static char reply[1 << 20];
static size_t reply_len;

static size_t take(char *p, size_t size, size_t n, void *unused)
{
    (void)unused;
    size *= n;
    if (size > sizeof reply - 1 - reply_len)
        return 0;
    memcpy(reply + reply_len, p, size);
    reply_len += size;
    reply[reply_len] = '\0';
    return size;
}

static long ask(const char *method, const char *path, const char *body)
{
    CURL *easy = curl_easy_init();
    struct curl_slist *type = curl_slist_append(NULL, "Content-Type: application/json");
    char url[512];
    long status = 0;
    reply_len = 0;
    reply[0] = '\0';
    snprintf(url, sizeof url, "%s%s", base, path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, type);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    if (body)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(type);
    curl_easy_cleanup(easy);
    return status;
}

static long ask_index(const char *method, const char *rest, const char *body)
{
    char path[256];
    snprintf(path, sizeof path, "/%s%s", index_name, rest);
    return ask(method, path, body);
}

static int new_index(void **state)
{
    static unsigned number;
    (void)state;
    snprintf(index_name, sizeof index_name, "weir-%d-%u", (int)getpid(), number++);
    return 0;
}

static int drop_index(void **state)
{
    (void)state;
    ask_index("DELETE", "", NULL);
    return 0;
}

static struct harness *begin(uint32_t kind, const char *options)
{
    char text[1024];
    snprintf(text, sizeof text, "url = %s\nindex = %s\n%s", base, index_name, options);
    return harness_start("elasticsearch", kind, text);
}

static struct weir_batch *write_records(struct harness *h, const struct weir_record *r, uint32_t n)
{
    struct weir_batch *b = harness_batch(h, r, n);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    return b;
}

static struct weir_batch *write_values(struct harness *h, const char *const *values, uint32_t n)
{
    struct weir_batch *b = harness_values(h, values, n);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    return b;
}

/* ---- sink ----------------------------------------------------------------------------------------------------- */
static void a_repeat_is_a_duplicate(void **state)
{
    const char *const values[] = {"{\"a\":1}", "{\"a\":2}"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct harness *h = begin(WEIR_SINK, "op = create\n");
        struct weir_batch *b = write_values(h, values, 2);
        assert_int_equal(harness_failed(b), 0);
        assert_int_equal(harness_result(b, 1).code, i ? WEIR_DUPLICATE : 0);
        harness_free(h);
    }
    ask_index("POST", "/_refresh", NULL);
    assert_int_equal(ask_index("GET", "/_count", NULL), 200);
    assert_non_null(strstr(reply, "\"count\":2,"));
}

static void a_mapping_conflict_costs_one_record(void **state)
{
    const char *const values[] = {"{\"n\":1}", "{\"n\":\"x\"}", "{\"n\":3}", "{\"n\":1,\"\":2}",
                                  "{\"a..b\":1}"};
    struct harness *h = begin(WEIR_SINK, "");
    (void)state;
    struct weir_batch *b = write_values(h, values, 3);
    assert_int_equal(harness_failed(b), 1);
    assert_int_equal(harness_result(b, 1).status, WEIR_REJECT);
    assert_int_equal(harness_result(b, 1).code, 400);
    assert_non_null(strstr(harness_result(b, 1).type, "parsing_exception"));
    assert_non_null(strstr(harness_result(b, 1).why, "failed to parse field [n]"));
    b = write_values(h, values + 3, 2);
    assert_int_equal(harness_result(b, 0).status, WEIR_REJECT);
    assert_int_equal(harness_result(b, 1).status, WEIR_REJECT);
    harness_free(h);
}

static void a_line_feed_deletes_nothing(void **state)
{
    char evil[256];
    struct weir_record r[2] = {harness_record("victim", "{\"a\":1}"), harness_record("evil", evil)};
    struct harness *h = begin(WEIR_SINK, "id = {key}\n");
    (void)state;
    snprintf(evil, sizeof evil, "{\"a\":1}\n{\"delete\":{\"_index\":\"%s\",\"_id\":\"victim\"}}", index_name);
    struct weir_batch *b = write_records(h, r, 2);
    assert_int_equal(harness_result(b, 0).status, WEIR_OK);
    assert_int_equal(harness_result(b, 1).status, WEIR_REJECT);
    assert_int_equal(ask_index("GET", "/_doc/victim", NULL), 200);
    harness_free(h);
}

static void an_older_version_changes_nothing(void **state)
{
    struct weir_record r[] = {harness_record("k", "{\"v\":7}"), harness_record("k", "{\"v\":5}"),
                              harness_record("k", "{\"v\":7}")};
    struct harness *h = begin(WEIR_SINK, "id = {key}\nversion = {.v}\n");
    (void)state;
    struct weir_batch *b = write_records(h, r, 3);
    assert_int_equal(harness_failed(b), 0);
    assert_int_equal(harness_result(b, 1).code, WEIR_DUPLICATE);
    assert_int_equal(harness_result(b, 2).code, WEIR_DUPLICATE);
    ask_index("GET", "/_doc/k", NULL);
    assert_non_null(strstr(reply, "\"_version\":7"));
    harness_free(h);
}

static void updates_upserts_and_deletes(void **state)
{
    struct weir_record r = harness_record("k", "{\"v\":1}"), gone = harness_record("k", NULL);
    struct harness *h = begin(WEIR_SINK, "id = {key}\nop = update\n");
    struct weir_batch *b;
    (void)state;

    ask_index("PUT", "", NULL);
    b = write_records(h, &r, 1);
    assert_int_equal(harness_result(b, 0).status, WEIR_REJECT);
    assert_string_equal(harness_result(b, 0).type, "document_missing_exception");
    harness_free(h);
    h = begin(WEIR_SINK, "id = {key}\nop = upsert\n");
    assert_int_equal(harness_failed(write_records(h, &r, 1)), 0);
    assert_int_equal(ask_index("GET", "/_doc/k", NULL), 200);
    assert_int_equal(harness_failed(write_records(h, &gone, 1)), 0);
    assert_int_equal(ask_index("GET", "/_doc/k", NULL), 404);
    assert_int_equal(harness_failed(write_records(h, &gone, 1)), 0); /* gone already */
    harness_free(h);
}

static void long_and_odd_ids_are_taken(void **state)
{
    char key[900];
    struct harness *h = begin(WEIR_SINK, "id = {key}\nrouting = {key}\n");
    (void)state;
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    struct weir_record r[] = {harness_record(key, "{\"v\":1}"),
                              harness_record("a\"\\\t\xc3\xa9", "{\"v\":1}")};
    struct weir_batch *b = write_records(h, r, 2);
    assert_int_equal(harness_result(b, 0).status, WEIR_REJECT); /* its routing is too long */
    assert_int_equal(harness_result(b, 1).status, WEIR_OK);
    harness_free(h);
    h = begin(WEIR_SINK, "id = {key}\n");
    assert_int_equal(harness_failed(write_records(h, r, 2)), 0);
    harness_free(h);
}

static void a_write_block_is_waited_for(void **state)
{
    const char *const values[] = {"{\"a\":1}"};
    struct harness *h = begin(WEIR_SINK, "");
    (void)state;
    assert_int_equal(ask_index("PUT", "", "{\"settings\":{\"index.blocks.write\":true}}"), 200);
    struct weir_batch *b = write_values(h, values, 1);
    assert_int_equal(harness_result(b, 0).status, WEIR_RETRY);
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
    assert_int_equal(ask_index("PUT", "/_settings", "{\"index.blocks.write\":false}"), 200);
    assert_int_equal(harness_failed(write_values(h, values, 1)), 0);
    assert_int_equal(harness_health(h).state, WEIR_UP);
    harness_free(h);
}

static void all_payloads_and_gzip(void **state)
{
    const char *const values[] = {"no \"json\"\n\x01 \xc3\xa9", "{\"a\" : 1 }\r\n"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct harness *h = begin(WEIR_SINK, i ? "payload = record\ncompress = gzip\n" : "payload = wrap\n");
        assert_int_equal(harness_failed(write_values(h, values, 2)), 0);
        harness_free(h);
    }
}

/* ---- source --------------------------------------------------------------------------------------------------- */
static bool is_over(struct harness *h, void *count)
{
    (void)h;
    return harness_poll(h, 1000, 1 << 20, 0, 0) == WEIR_END || harness_out_count(h) >= *(size_t *)count;
}

static int final_status;
static bool ended(struct harness *h, void *unused)
{
    (void)unused;
    final_status = harness_poll(h, 1000, 1 << 20, 0, 0);
    return final_status == WEIR_END || final_status < 0;
}

/* Three shards: the order of a pass must hold across them. */
static void fill(size_t n)
{
    ask_index("PUT", "", "{\"settings\":{\"index.number_of_shards\":3}}");
    struct harness *h = begin(WEIR_SINK, "id = {key}\n");
    struct weir_record *r = calloc(n, sizeof *r);
    char(*values)[64] = calloc(n, sizeof *values), (*keys)[32] = calloc(n, sizeof *keys);
    assert_true(r && values && keys);
    for (size_t i = 0; i < n; i++) {
        /* bytes that a reprint would change: spaces, escapes, number forms, order of keys */
        snprintf(values[i], sizeof values[i], "{ \"z\":1.50e+1,\"n\":%zu, \"a\":\"\\u00e9\\/\" }", i);
        snprintf(keys[i], sizeof keys[i], "k\"%zu", i);
        r[i] = harness_record(keys[i], values[i]);
    }
    for (size_t i = 0; i < n; i += 1000)
        assert_int_equal(harness_failed(write_records(h, r + i, (uint32_t)(n - i < 1000 ? n - i : 1000))), 0);
    harness_free(h);
    free(r);
    free(values);
    free(keys);
    ask_index("POST", "/_refresh", NULL);
}

static void expect_all(struct harness *h, size_t first, size_t n, size_t of)
{
    char *seen = calloc(of, 1);
    for (size_t i = 0; i < n; i++) {
        const struct harness_out *out = harness_out(h, first + i);
        char key[32], value[64];
        unsigned long number;
        assert_int_equal(sscanf(out->record.key.ptr, "k\"%lu", &number), 1);
        snprintf(key, sizeof key, "k\"%lu", number);
        snprintf(value, sizeof value, "{ \"z\":1.50e+1,\"n\":%lu, \"a\":\"\\u00e9\\/\" }", number);
        assert_string_equal(out->record.key.ptr, key);
        assert_string_equal(out->record.value.ptr, value);
        assert_string_equal(out->record.topic.ptr, index_name);
        assert_true(number < of && !seen[number]);
        seen[number] = 1;
    }
    free(seen);
}

static void reads_every_document_once_byte_for_byte(void **state)
{
    (void)state;
    fill(2500);
    for (int i = 0; i < 2; i++) {
        struct harness *h =
            begin(WEIR_SOURCE, i ? "sort = n\nbatch = 700\ncompress = gzip\n" : "batch = 700\n");
        assert_true(harness_run_until(h, ended, NULL, WAIT));
        assert_int_equal(final_status, WEIR_END);
        assert_int_equal(harness_out_count(h), 2500);
        expect_all(h, 0, 2500, 2500);
        harness_free(h);
    }
}

static void resumes_behind_the_last_committed(void **state)
{
    size_t some = 1500;
    uint64_t next;
    char data[1024], id[128];
    struct weir_slice position = {data, 0};
    const struct harness_shard *shard;
    struct harness *h;
    char options[1024];
    (void)state;
    fill(2500);
    h = begin(WEIR_SOURCE, "sort = n:desc\nbatch = 400\n");
    snprintf(id, sizeof id, "%s|n:desc", index_name);
    assert_true(harness_run_until(h, is_over, &some, WAIT));
    harness_commit(h, false);
    shard = harness_shard(h, id);
    assert_non_null(shard);
    next = shard->committed;
    assert_int_equal(next, harness_out_count(h));
    assert_int_equal(shard->end, 2500);
    position.len = shard->data.len;
    memcpy(data, shard->data.ptr, position.len);
    harness_free(h);
    snprintf(options, sizeof options, "url = %s\nindex = %s\nsort = n:desc\nbatch = 400\n", base, index_name);
    h = harness_load("elasticsearch", WEIR_SOURCE, options);
    harness_preset(h, id, next, position);
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    assert_true(harness_run_until(h, ended, NULL, WAIT));
    if (final_status != WEIR_END)
        fail_msg("%s", harness_failure(h)->why);
    assert_int_equal(harness_out_count(h), 2500 - next);
    expect_all(h, 0, 2500 - next, 2500 - next);
    assert_int_equal(harness_out(h, 0)->record.seq, next);
    harness_free(h);
}

/* Each document in one slice only, and all slices together are the whole, however many shards there are. */
static void slices_together_are_the_whole(void **state)
{
    static const char *const ways[] = {"slice = 3\nbatch = 100\n", "slice = 3\nbatch = 100\nsort = n\n",
                                       "slice = 5\nbatch = 100\nsort = n:desc\ncompress = gzip\n"};
    (void)state;
    fill(2500);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct harness *h = begin(WEIR_SOURCE, ways[i]);
        assert_true(harness_run_until(h, ended, NULL, WAIT));
        if (final_status != WEIR_END)
            fail_msg("%s", harness_failure(h)->why);
        assert_int_equal(harness_out_count(h), 2500);
        expect_all(h, 0, 2500, 2500);
        harness_free(h);
    }
}

/* What was committed of each slice and what a second run reads are together the whole. */
static void slices_resume_each_at_its_own_place(void **state)
{
    enum { SLICES = 5 };
    static char data[SLICES][1024];
    size_t some = 700, len[SLICES], first;
    uint64_t next[SLICES];
    char id[SLICES][128], options[1024], *seen = calloc(2500, 1);
    unsigned long number;
    struct harness *h;
    (void)state;
    fill(2500);
    h = begin(WEIR_SOURCE, "sort = n\nslice = 5\nbatch = 50\n");
    assert_true(harness_run_until(h, is_over, &some, WAIT));
    harness_commit(h, false);
    first = harness_out_count(h);
    assert_true(first < 2500);
    for (size_t i = 0; i < first; i++) {
        assert_int_equal(sscanf(harness_out(h, i)->record.key.ptr, "k\"%lu", &number), 1);
        assert_int_equal(seen[number]++, 0);
    }
    for (size_t i = 0; i < SLICES; i++) {
        const struct harness_shard *shard;
        snprintf(id[i], sizeof id[i], "%s|n#%zu/5", index_name, i);
        shard = harness_shard(h, id[i]);
        next[i] = shard->committed;
        len[i] = shard->data.len;
        memcpy(data[i], shard->data.ptr, len[i]);
    }
    harness_free(h);
    snprintf(options, sizeof options, "url = %s\nindex = %s\nsort = n\nslice = 5\nbatch = 50\n", base,
             index_name);
    h = harness_load("elasticsearch", WEIR_SOURCE, options);
    for (size_t i = 0; i < SLICES; i++)
        if (next[i] > 0)
            harness_preset(h, id[i], next[i], (struct weir_slice){data[i], len[i]});
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    assert_true(harness_run_until(h, ended, NULL, WAIT));
    assert_int_equal(final_status, WEIR_END);
    assert_int_equal(harness_out_count(h), 2500 - first);
    for (size_t i = 0; i < harness_out_count(h); i++) {
        assert_int_equal(sscanf(harness_out(h, i)->record.key.ptr, "k\"%lu", &number), 1);
        assert_int_equal(seen[number]++, 0);
    }
    harness_free(h);
    free(seen);
}

/* More slices than shards: only then the server divides by the field. */
static void slices_with_sort_need_a_number(void **state)
{
    struct harness *h;
    (void)state;
    fill(10);
    h = begin(WEIR_SOURCE, "sort = a.keyword\nslice = 5\n");
    assert_true(harness_run_until(h, ended, NULL, WAIT));
    assert_int_equal(final_status, WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "the first field of sort must be a number or a date"));
    harness_free(h);
}

static void a_query_and_fields(void **state)
{
    struct harness *h;
    (void)state;
    fill(100);
    h = begin(WEIR_SOURCE, "query = {\"range\":{\"n\":{\"gte\":90}}}\nfields = n\n");
    assert_true(harness_run_until(h, ended, NULL, WAIT));
    assert_int_equal(harness_out_count(h), 10);
    assert_int_equal(strncmp(harness_out_value(h, 0), "{\"n\":9", 6), 0);
    harness_free(h);
    h = begin(WEIR_SOURCE, "query = {\"no_such_query\":{}}\n");
    assert_true(harness_run_until(h, ended, NULL, WAIT));
    assert_int_equal(final_status, WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "no_such_query"));
    harness_free(h);
}

static void a_sort_that_is_not_unique_is_an_error(void **state)
{
    struct harness *h;
    (void)state;
    fill(10);
    h = begin(WEIR_SOURCE, "sort = z\n");
    assert_true(harness_run_until(h, ended, NULL, WAIT));
    assert_int_equal(final_status, WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "sort is not unique"));
    harness_free(h);
}

static void a_missing_index_is_waited_for(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct harness *h = begin(WEIR_SOURCE, i ? "sort = n\n" : "");
        assert_true(harness_run_until(h, ended, NULL, WAIT));
        assert_int_equal(final_status, WEIR_RETRY);
        assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
        harness_free(h);
    }
}

static void probe_says_nothing(void **state)
{
    struct harness *h = begin(WEIR_SINK, "");
    (void)state;
    assert_string_equal(harness_probe(h), "");
    harness_free(h);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, new_index, drop_index)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(a_repeat_is_a_duplicate),
        LIVE(a_mapping_conflict_costs_one_record),
        LIVE(a_line_feed_deletes_nothing),
        LIVE(an_older_version_changes_nothing),
        LIVE(updates_upserts_and_deletes),
        LIVE(long_and_odd_ids_are_taken),
        LIVE(a_write_block_is_waited_for),
        LIVE(all_payloads_and_gzip),
        LIVE(reads_every_document_once_byte_for_byte),
        LIVE(resumes_behind_the_last_committed),
        LIVE(slices_together_are_the_whole),
        LIVE(slices_resume_each_at_its_own_place),
        LIVE(slices_with_sort_need_a_number),
        LIVE(a_query_and_fields),
        LIVE(a_sort_that_is_not_unique_is_an_error),
        LIVE(a_missing_index_is_waited_for),
        LIVE(probe_says_nothing),
    };
    const char *const names[] = {"ES", "OPENSEARCH"};
    int failed = 0, ran = 0;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (int i = 0; i < 2; i++) {
        base = getenv(names[i]);
        if (!base || !*base)
            continue;
        failed += cmocka_run_group_tests_name(names[i], tests, NULL, NULL);
        ran++;
    }
    if (ran == 0)
        puts("skipped: neither ES nor OPENSEARCH says where a server is; tests/services/up starts them");
    return ran == 0 ? 77 : failed;
}
