/* SPDX-License-Identifier: BSD-2-Clause */
/* t-elasticsearch.c - the elasticsearch sink and source against a server that says what the script tells it to. */
#include "harness.h"

#include "es_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define WAIT 5000

struct es_test {
    struct es_server *server;
    struct harness *h;
};

static struct es_test begin(const char *options)
{
    struct es_test t = {es_server_start(), NULL};
    char text[4096];
    snprintf(text, sizeof text, "%sindex = idx\n%s", es_server_option(t.server), options);
    t.h = harness_start("elasticsearch", WEIR_SINK, text);
    return t;
}

static void end(struct es_test *t)
{
    harness_free(t->h);
    es_server_stop(t->server);
}

static void write_all(struct es_test *t, struct weir_batch *b)
{
    assert_int_equal(harness_write(t->h, b), WEIR_OK);
    assert_true(harness_run_until(t->h, harness_idle, NULL, WAIT));
}

static struct weir_batch *write_values(struct es_test *t, const char *const *values, uint32_t n)
{
    struct weir_batch *b = harness_values(t->h, values, n);
    write_all(t, b);
    return b;
}

static void say(struct es_test *t, int status, const char *body)
{
    es_server_say(t->server, (struct es_answer){.status = status, .body = body});
}

static const char *const THREE[] = {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}"};

static void expect(struct weir_batch *b, uint32_t i, int status, uint32_t code, const char *type)
{
    struct weir_result r = harness_result(b, i);
    assert_int_equal(r.status, status);
    assert_int_equal(r.code, code);
    if (type)
        assert_string_equal(r.type ? r.type : "", type);
}

/* ---- what is sent --------------------------------------------------------------------------------------------- */
static void sends_identity_as_id(void **state)
{
    struct es_test t = begin("");
    (void)state;
    struct weir_batch *b = write_values(&t, THREE, 2);
    const struct es_asked *asked = es_server_asked(t.server, 0);
    assert_int_equal(harness_failed(b), 0);
    assert_memory_equal(asked->head, "POST /_bulk?filter_path=errors,", 31);
    assert_non_null(strstr(asked->head, "Content-Type: application/x-ndjson\r\n"));
    assert_null(strstr(asked->head, "Expect:"));
    assert_non_null(strstr(asked->body, "{\"a\":1}\n{\"index\":{\"_index\":\"idx\",\"_id\":"));
    assert_int_equal(harness_health(t.h).state, WEIR_UP);
    end(&t);
}

static void makes_each_kind_of_action(void **state)
{
    static const struct {
        const char *options, *body;
    } cases[] = {
        {"op = create\nid = {key}\n", "{\"create\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n{\"a\":1}\n"},
        {"op = update\nid = {key}\n", "{\"update\":{\"retry_on_conflict\":3,\"_index\":\"idx\",\"_id\":"
                                      "\"k\\\"\"}}\n{\"doc\":{\"a\":1}}\n"},
        {"op = upsert\nid = {key}\n",
         "{\"update\":{\"retry_on_conflict\":3,\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n"
         "{\"doc\":{\"a\":1},\"doc_as_upsert\":true}\n"},
        {"op = delete\nid = {key}\n", "{\"delete\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n"},
        {"id = {key}\nversion = {.a}\nrouting = r\n",
         "{\"index\":{\"_index\":\"idx\",\"_id\":\"k\\\"\",\"routing\":\"r\",\"version\":1,\"version_type\":"
         "\"external\"}}\n"
         "{\"a\":1}\n"},
        {"data-stream = yes\nid = {key}\n",
         "{\"create\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n{\"a\":1}\n"},
        {"payload = wrap\nid = {key}\n",
         "{\"index\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n{\"message\":\"{\\\"a\\\":1}\"}\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct es_test t = begin(cases[i].options);
        struct weir_record r = harness_record("k\"", "{\"a\":1}");
        write_all(&t, harness_batch(t.h, &r, 1));
        assert_string_equal(es_server_asked(t.server, 0)->body, cases[i].body);
        end(&t);
    }
}

/* A value that brings an action of its own must stay one document. */
static void line_feed_in_a_value_makes_no_action(void **state)
{
    struct es_test t = begin("");
    (void)state;
    const char *in[] = {"{\"a\":1}\n{\"delete\":{\"_id\":\"x\"}}", "{\"a\":\n1,\r\n\"b\" : [ 1 ]}\n",
                        "{\"a\":\"x\n\"}"};
    struct weir_batch *b = write_values(&t, in, 3);
    const char *body = es_server_asked(t.server, 0)->body, *lf = body;
    size_t lines = 0;
    for (; (lf = strchr(lf, '\n')) != NULL; lf++)
        lines++;
    assert_int_equal(lines, 2);
    assert_non_null(strstr(body, "\n{\"a\":1,\"b\":[1]}\n"));
    expect(b, 0, WEIR_REJECT, 0, "refused_by_weir");
    expect(b, 1, WEIR_OK, 0, NULL);
    expect(b, 2, WEIR_REJECT, 0, "refused_by_weir");
    end(&t);
}

static void refuses_what_the_server_would(void **state)
{
    static const char *const bad[] = {
        "", "[1]", "3", "{\"a\":01}", "\xef\xbb\xbf{}", "{} x", "{\"a\":\"\xff\"}"};
    struct es_test t = begin("");
    (void)state;
    struct weir_batch *b = write_values(&t, bad, 7);
    assert_int_equal(harness_failed(b), 7);
    assert_int_equal(es_server_count(t.server), 0); /* nothing to send: complete at once */
    assert_string_equal(harness_result(b, 1).why,
                        "the value is JSON but not an object; payload = wrap or record takes it");
    end(&t);
}

static void refuses_index_names(void **state)
{
    static const char *const names[] = {"Upper", "a b", "-a", "_a", "a*", "a,b", "a#", "a:b", "ok-1", NULL};
    struct es_server *server = es_server_start();
    char options[256], value[64];
    (void)state;
    snprintf(options, sizeof options, "%sindex = {.i}\n", es_server_option(server));
    struct harness *h = harness_start("elasticsearch", WEIR_SINK, options);
    for (size_t i = 0; names[i]; i++) {
        const char *in[] = {value};
        struct weir_batch *b;
        snprintf(value, sizeof value, "{\"i\":\"%s\"}", names[i]);
        b = harness_values(h, in, 1);
        harness_write(h, b);
        assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
        assert_int_equal(harness_result(b, 0).status, names[i + 1] ? WEIR_REJECT : WEIR_OK);
    }
    harness_free(h);
    es_server_stop(server);
}

static void shortens_long_ids(void **state)
{
    struct es_test t = begin("id = {key}\n");
    char key[2000];
    (void)state;
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    struct weir_record r[2] = {harness_record(key, "{}"), harness_record(key + 1, "{}")};
    write_all(&t, harness_batch(t.h, r, 2));
    const char *body = es_server_asked(t.server, 0)->body;
    const char *first = strstr(body, "\"_id\":\"") + 7, *second = strstr(first, "\"_id\":\"") + 7;
    assert_int_equal(strcspn(first, "\""), 512);
    assert_memory_equal(first, second, 447);
    assert_memory_not_equal(first, second, 512);
    end(&t);
}

static void tombstones_do_what_the_option_says(void **state)
{
    static const struct {
        const char *options;
        const char *body;
        int status;
    } cases[] = {
        {"id = {key}\n", "{\"delete\":{\"_index\":\"idx\",\"_id\":\"k\"}}\n", WEIR_OK},
        {"", NULL, WEIR_REJECT},
        {"id = {key}\ntombstone = reject\n", NULL, WEIR_REJECT},
        {"id = {key}\ntombstone = drop\n", NULL, WEIR_OK},
        {"data-stream = yes\nid = {key}\n", NULL, WEIR_REJECT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct es_test t = begin(cases[i].options);
        struct weir_record r = harness_record("k", NULL);
        struct weir_batch *b = harness_batch(t.h, &r, 1);
        write_all(&t, b);
        assert_int_equal(harness_result(b, 0).status, cases[i].status);
        assert_int_equal(es_server_count(t.server), cases[i].body ? 1 : 0);
        if (cases[i].body)
            assert_string_equal(es_server_asked(t.server, 0)->body, cases[i].body);
        end(&t);
    }
}

static void sends_credentials(void **state)
{
    static const struct {
        const char *options, *header;
    } cases[] = {
        {"username = u\npassword = p:w\n", "Authorization: Basic dTpwOnc=\r\n"},
        {"api-key = aWQ6a2V5\n", "Authorization: ApiKey aWQ6a2V5\r\n"},
        {"api-key = id:key\n", "Authorization: ApiKey aWQ6a2V5\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct es_test t = begin(cases[i].options);
        write_values(&t, THREE, 1);
        assert_non_null(strstr(es_server_asked(t.server, 0)->head, cases[i].header));
        end(&t);
    }
}

static void compresses(void **state)
{
    struct es_test t = begin("compress = gzip\nid = i\n");
    char plain[256];
    uLongf len = sizeof plain;
    z_stream z;
    (void)state;
    for (size_t i = 0; i < 2; i++) { /* the second time with what the first left behind */
        write_values(&t, THREE + i, 1);
        const struct es_asked *asked = es_server_asked(t.server, i);
        assert_non_null(strstr(asked->head, "Content-Encoding: gzip\r\n"));
        memset(&z, 0, sizeof z);
        assert_int_equal(inflateInit2(&z, 31), Z_OK);
        z.next_in = (Bytef *)asked->body;
        z.avail_in = (uInt)asked->body_len;
        z.next_out = (Bytef *)plain;
        z.avail_out = (uInt)len;
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        plain[z.total_out] = '\0';
        inflateEnd(&z);
        assert_non_null(strstr(plain, THREE[i]));
    }
    end(&t);
}

/* ---- what is answered ----------------------------------------------------------------------------------------- */
#define ITEM(op, status, error) "{\"" op "\":{\"status\":" #status error "}}"
#define ERROR(type, reason)     ",\"error\":{\"type\":\"" type "\",\"reason\":\"" reason "\"}"
#define ITEMS(list)             "{\"took\":3,\"errors\":true,\"items\":[" list "]}"

static void maps_items_to_records_by_place(void **state)
{
    struct es_test t = begin("");
    (void)state;
    const char *in[] = {"{\"a\":1}", "no json", "{\"a\":2}", "{\"a\":3}", "{\"a\":4}"};
    say(&t, 200,
        ITEMS(ITEM("index", 201, "") "," ITEM(
            "index", 429,
            ERROR("es_rejected_execution_exception",
                  "busy")) "," ITEM("index", 400,
                                    ERROR("document_parsing_exception",
                                          "bad \\u00e9")) "," ITEM("index", 500, ERROR("weird", "?"))));
    struct weir_batch *b = write_values(&t, in, 5);
    expect(b, 0, WEIR_OK, 0, NULL);
    expect(b, 1, WEIR_REJECT, 0, "refused_by_weir");
    expect(b, 2, WEIR_RETRY, 429, "es_rejected_execution_exception");
    expect(b, 3, WEIR_REJECT, 400, "document_parsing_exception");
    assert_string_equal(harness_result(b, 3).why, "bad \xc3\xa9");
    expect(b, 4, WEIR_RETRY, 500, "weird");
    end(&t);
}

static void a_fault_of_the_server_is_not_retried_for_ever(void **state)
{
    struct es_test t = begin("");
    (void)state;
    for (uint32_t attempt = 0; attempt < 5; attempt++) {
        struct weir_batch *b = harness_values(t.h, THREE, 1);
        harness_set_attempt(b, attempt);
        say(&t, 200, ITEMS(ITEM("index", 500, ERROR("not_x_content_exception", "poison"))));
        write_all(&t, b);
        expect(b, 0, attempt < 4 ? WEIR_RETRY : WEIR_REJECT, 500, "not_x_content_exception");
    }
    end(&t);
}

static void conflicts_follow_the_option(void **state)
{
    const char *conflict = ITEMS(ITEM("create", 409, ERROR("version_conflict_engine_exception", "there")));
    const char *update = ITEMS(ITEM("update", 409, ERROR("version_conflict_engine_exception", "there")));
    (void)state;
    struct es_test t = begin("op = create\n");
    say(&t, 200, conflict);
    expect(write_values(&t, THREE, 1), 0, WEIR_OK, WEIR_DUPLICATE, NULL);
    end(&t);
    t = begin("op = create\non-conflict = reject\n");
    say(&t, 200, conflict);
    expect(write_values(&t, THREE, 1), 0, WEIR_REJECT, 409, "version_conflict_engine_exception");
    end(&t);
    t = begin("op = update\nid = i\n");
    say(&t, 200, update);
    expect(write_values(&t, THREE, 1), 0, WEIR_RETRY, 409, "version_conflict_engine_exception");
    end(&t);
}

static void a_missing_document_is_deleted(void **state)
{
    struct es_test t = begin("op = delete\nid = i\n");
    (void)state;
    say(&t, 200,
        ITEMS(ITEM("delete", 404, "") "," ITEM("delete", 404, ERROR("index_not_found_exception", "no"))));
    struct weir_batch *b = write_values(&t, THREE, 2);
    expect(b, 0, WEIR_OK, 0, NULL);
    expect(b, 1, WEIR_RETRY, 404, "index_not_found_exception");
    assert_true(harness_result(b, 1).retry_after_ms >= 10000);
    assert_int_equal(harness_health(t.h).state, WEIR_DEGRADED);
    end(&t);
}

/* An answer that does not fit what was sent is unknown, never success. */
static void a_wrong_answer_is_no_success(void **state)
{
    static const char *const bodies[] = {
        ITEMS(ITEM("index", 201, "")),
        ITEMS(ITEM("index", 201, "") "," ITEM("index", 201, "") "," ITEM("index", 201, "") "," ITEM("index",
                                                                                                    201, "")),
        ITEMS(ITEM("index", 201, "") ",{}," ITEM("index", 201, "")),
        "{\"took\":3,\"errors\":true,\"items\":[" ITEM("index", 201, ""),
        "{\"errors\":false,\"items\":[",
        "{\"took\":3}",
        "[]",
        "",
        "<html>fine</html>",
        "{\"errors\":true,\"items\":[{\"index\":201},{\"index\":201},{\"index\":201}]}",
    };
    struct es_test t = begin("");
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct weir_batch *b;
        say(&t, 200, bodies[i]);
        b = write_values(&t, THREE, 3);
        for (uint32_t k = 0; k < 3; k++)
            assert_int_equal(harness_result(b, k).status, WEIR_RETRY);
    }
    end(&t);
}

static void whole_requests_follow_the_table(void **state)
{
    static const struct {
        int status;
        const char *headers, *body;
        int result;
        uint32_t after, health;
    } cases[] = {
        {429, "Retry-After: 7\r\n",
         "{\"error\":{\"type\":\"es_rejected_execution_exception\",\"reason\":\"x\"}}", WEIR_RETRY, 7000,
         WEIR_DEGRADED},
        {503, "", "{}", WEIR_RETRY, 0, WEIR_DEGRADED},
        {502, "", "<html>", WEIR_RETRY, 0, WEIR_DEGRADED},
        {401, "", "{}", WEIR_RETRY, 10000, WEIR_DENIED},
        {403, "", "{\"error\":{\"type\":\"security_exception\",\"reason\":\"x\"}}", WEIR_RETRY, 10000,
         WEIR_DENIED},
        {404, "", "nope", WEIR_RETRY, 10000, WEIR_DEGRADED},
        {405, "", "", WEIR_RETRY, 10000, WEIR_DEGRADED},
        {302, "Location: http://127.0.0.1:1/\r\n", "", WEIR_RETRY, 10000, WEIR_DEGRADED},
        {413, "", "", WEIR_SPLIT, 0, 0},
        {400, "", "{\"error\":{\"type\":\"illegal_argument_exception\",\"reason\":\"x\"}}", WEIR_SPLIT, 0, 0},
    };
    struct es_test t = begin("");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct es_answer answer = {cases[i].status, cases[i].headers, cases[i].body, 0};
        struct weir_batch *b;
        es_server_say(t.server, answer);
        b = write_values(&t, THREE, 2);
        expect(b, 1, cases[i].result, (uint32_t)cases[i].status, NULL);
        assert_int_equal(harness_result(b, 1).retry_after_ms, cases[i].after);
        if (cases[i].health)
            assert_int_equal(harness_health(t.h).state, cases[i].health);
        es_server_say(t.server, answer);
        b = write_values(&t, THREE, 1);
        expect(b, 0, cases[i].result == WEIR_SPLIT ? WEIR_REJECT : WEIR_RETRY, (uint32_t)cases[i].status,
               NULL);
    }
    end(&t);
}

static void a_broken_connection_is_retried(void **state)
{
    struct es_test t = begin("");
    (void)state;
    for (int i = 0; i < 2; i++) {
        es_server_say(t.server, (struct es_answer){.flags = i ? ES_SERVER_CLOSE : ES_SERVER_CUT});
        struct weir_batch *b = write_values(&t, THREE, 3);
        expect(b, 0, WEIR_RETRY, 0, NULL);
        expect(b, 2, WEIR_RETRY, 0, NULL);
        assert_int_equal(harness_health(t.h).state, WEIR_CONNECTING);
    }
    assert_int_equal(harness_failed(write_values(&t, THREE, 3)), 0);
    assert_int_equal(harness_health(t.h).state, WEIR_UP);
    end(&t);
}

/* Something in between that cuts large requests off instead of saying 413. */
static void a_request_cut_off_again_and_again_is_halved(void **state)
{
    struct es_test t = begin("");
    char *big = malloc(200000);
    const char *in[] = {big, big};
    (void)state;
    assert_non_null(big);
    snprintf(big, 200000, "{\"a\":\"%0199000d\"}", 1);
    for (uint32_t attempt = 0; attempt < 6; attempt++) {
        struct weir_batch *b = harness_values(t.h, attempt % 2 ? in : THREE, 2);
        harness_set_attempt(b, attempt / 2);
        es_server_say(t.server, (struct es_answer){.flags = ES_SERVER_CLOSE});
        write_all(&t, b);
        expect(b, 0, attempt == 5 ? WEIR_SPLIT : WEIR_RETRY, 0,
               NULL); /* small ones never: the server is down */
    }
    end(&t);
    free(big);
}

static void an_early_413_is_understood(void **state)
{
    struct es_test t = begin("");
    char *big = malloc(4 << 20);
    const char *in[] = {big, big};
    (void)state;
    assert_non_null(big);
    memset(big, 'x', 4 << 20);
    memcpy(big, "{\"a\":\"", 6);
    memcpy(big + (4 << 20) - 3, "\"}", 3);
    es_server_say(t.server, (struct es_answer){.status = 413, .body = "", .flags = ES_SERVER_EARLY});
    struct weir_batch *b = write_values(&t, in, 2);
    /* Reset while sending or read in time: never success, never reject. */
    assert_true(harness_result(b, 0).status == WEIR_SPLIT || harness_result(b, 0).status == WEIR_RETRY);
    free(big);
    end(&t);
}

static void a_huge_answer_is_refused(void **state)
{
    struct es_test t = begin("");
    char *big = malloc(3 << 20);
    (void)state;
    assert_non_null(big);
    memset(big, ' ', 3 << 20);
    big[(3 << 20) - 1] = '\0';
    big[0] = '{';
    say(&t, 200, big);
    struct weir_batch *b = write_values(&t, THREE, 2);
    expect(b, 0, WEIR_SPLIT, 0, NULL);
    end(&t);
    free(big);
}

static void counts_the_failure_store(void **state)
{
    struct es_test t = begin("data-stream = yes\n");
    (void)state;
    say(&t, 200,
        "{\"errors\":false,\"took\":1,\"items\":[{\"create\":{\"status\":201}},"
        "{\"create\":{\"failure_store\":\"used\",\"status\":201}}]}");
    assert_int_equal(harness_failed(write_values(&t, THREE, 2)), 0);
    assert_int_equal(harness_metric(t.h, 5), 1);
    end(&t);
}

/* ---- several at a time, several nodes ------------------------------------------------------------------------- */
static void takes_as_many_batches_as_in_flight(void **state)
{
    struct es_server *server = es_server_start();
    char options[128];
    struct harness *h;
    struct weir_batch *b[3];
    (void)state;
    snprintf(options, sizeof options, "%sindex = idx\n", es_server_option(server));
    h = harness_load("elasticsearch", WEIR_SINK, options);
    harness_instance(h)->in_flight = 2;
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    es_server_say(server, (struct es_answer){.flags = ES_SERVER_HOLD});
    es_server_say(server, (struct es_answer){.flags = ES_SERVER_HOLD});
    for (int i = 0; i < 3; i++) {
        b[i] = harness_values(h, THREE, 3);
        assert_int_equal(harness_write(h, b[i]), i < 2 ? WEIR_OK : WEIR_AGAIN);
    }
    assert_false(harness_completed(b[0]));
    es_server_release(server);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    assert_int_equal(harness_write(h, b[2]), WEIR_OK);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    assert_int_equal(es_server_count(server), 3);
    harness_free(h);
    es_server_stop(server);
}

static void closing_gives_up_what_is_on_its_way(void **state)
{
    struct es_test t = begin("");
    (void)state;
    es_server_say(t.server, (struct es_answer){.flags = ES_SERVER_HOLD});
    struct weir_batch *b = harness_values(t.h, THREE, 1);
    assert_int_equal(harness_write(t.h, b), WEIR_OK);
    harness_step(t.h, 100);
    harness_close(t.h);
    assert_false(harness_completed(b));
    end(&t);
}

static void a_dead_node_rests(void **state)
{
    struct es_server *good = es_server_start(), *dead = es_server_start();
    char options[256];
    uint32_t failed = 0;
    (void)state;
    snprintf(options, sizeof options, "url = http://127.0.0.1:%d, http://127.0.0.1:%d/\nindex = idx\n",
             es_server_port(dead), es_server_port(good));
    es_server_stop(dead);
    struct harness *h = harness_start("elasticsearch", WEIR_SINK, options);
    harness_stop_clock(h, 1000000);
    for (int i = 0; i < 5; i++) {
        struct weir_batch *b = harness_values(h, THREE, 1);
        harness_write(h, b);
        assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
        failed += harness_failed(b);
    }
    assert_int_equal(failed, 1); /* its first request only */
    assert_int_equal(es_server_count(good), 4);
    harness_advance(h, 1000);
    for (int i = 0; i < 2; i++) {
        struct weir_batch *b = harness_values(h, THREE, 1);
        harness_write(h, b);
        assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
        failed += harness_failed(b);
    }
    assert_int_equal(failed, 2); /* tried again after a second */
    harness_free(h);
    es_server_stop(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_identity_as_id),
        cmocka_unit_test(makes_each_kind_of_action),
        cmocka_unit_test(line_feed_in_a_value_makes_no_action),
        cmocka_unit_test(refuses_what_the_server_would),
        cmocka_unit_test(refuses_index_names),
        cmocka_unit_test(shortens_long_ids),
        cmocka_unit_test(tombstones_do_what_the_option_says),
        cmocka_unit_test(sends_credentials),
        cmocka_unit_test(compresses),
        cmocka_unit_test(maps_items_to_records_by_place),
        cmocka_unit_test(a_fault_of_the_server_is_not_retried_for_ever),
        cmocka_unit_test(conflicts_follow_the_option),
        cmocka_unit_test(a_missing_document_is_deleted),
        cmocka_unit_test(a_wrong_answer_is_no_success),
        cmocka_unit_test(whole_requests_follow_the_table),
        cmocka_unit_test(a_broken_connection_is_retried),
        cmocka_unit_test(a_request_cut_off_again_and_again_is_halved),
        cmocka_unit_test(an_early_413_is_understood),
        cmocka_unit_test(a_huge_answer_is_refused),
        cmocka_unit_test(counts_the_failure_store),
        cmocka_unit_test(takes_as_many_batches_as_in_flight),
        cmocka_unit_test(closing_gives_up_what_is_on_its_way),
        cmocka_unit_test(a_dead_node_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
