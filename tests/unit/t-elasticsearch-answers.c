/* SPDX-License-Identifier: BSD-2-Clause */
/* t-elasticsearch-answers.c - what the elasticsearch sink makes of answers, however wrong. */
#include "es_test.h"

#include <time.h>

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

/* What the operator says goes before the table: for records and requests, by name before by status. */
static void the_operator_classifies(void **state)
{
    struct es_test t = begin("op = create\non-conflict = reject\nerror.mapper_parsing_exception = retry\n"
                             "error.400 = duplicate\nerror.409 = duplicate\nerror.404 = fatal\n"
                             "error.503 = split\n");
    (void)state;
    say(&t, 200,
        ITEMS(ITEM("create", 400, ERROR("mapper_parsing_exception", "x")) "," ITEM(
            "create", 400, ERROR("other", "x")) "," ITEM("create", 409, ERROR("version_conflict", "x"))));
    struct weir_batch *b = write_values(&t, THREE, 3);
    expect(b, 0, WEIR_RETRY, 400, "mapper_parsing_exception");
    expect(b, 1, WEIR_OK, WEIR_DUPLICATE, NULL);
    expect(b, 2, WEIR_OK, WEIR_DUPLICATE, NULL);
    assert_int_equal(harness_health(t.h).state, WEIR_DEGRADED);
    say(&t, 503, "{}");
    expect(write_values(&t, THREE, 2), 0, WEIR_SPLIT, 503, NULL);
    say(&t, 404, "{}");
    expect(write_values(&t, THREE, 2), 0, WEIR_FATAL, 404, NULL);
    end(&t);
}

/* RFC 9110 allows a date as well as seconds. */
static void a_server_says_when_to_come_back(void **state)
{
    char date[64];
    time_t at = time(NULL) + 60;
    struct tm tm;
    struct es_test t = begin("");
    (void)state;
    assert_true(
        strftime(date, sizeof date, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&at, &tm)) > 0);
    static const char *const none[] = {"Retry-After: soon\r\n", "Retry-After: -5\r\n",
                                       "Retry-After: Thu, 01 Jan 1998 00:00:00 GMT\r\n"};
    es_server_say(t.server, (struct es_answer){503, date, "{}", 0});
    uint32_t after = harness_result(write_values(&t, THREE, 1), 0).retry_after_ms;
    assert_in_range(after, 50000, 60000);
    es_server_say(t.server, (struct es_answer){503, "Retry-After: 99999999999\r\n", "{}", 0});
    assert_in_range(harness_result(write_values(&t, THREE, 1), 0).retry_after_ms, 0, 600000);
    for (size_t i = 0; i < 3; i++) {
        es_server_say(t.server, (struct es_answer){503, none[i], "{}", 0});
        assert_int_equal(harness_result(write_values(&t, THREE, 1), 0).retry_after_ms, 0);
    }
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
        "{\"took\":3,\"errors\":false}",
        "{\"took\":3,\"errors\":false,\"items\":[]}",
        "{\"took\":3,\"errors\":false,\"items\":[" ITEM("index", 201, "") "," ITEM("index", 201, "") "]}",
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
        {418, "", "teapot", WEIR_SPLIT, 0, 0},
        {422, "", "{\"error\":{\"type\":\"new_exception\",\"reason\":\"x\"}}", WEIR_SPLIT, 0, 0},
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

/* A request above what the server lets be at work at one time is never taken, however long it waits. */
static void a_large_request_refused_as_busy_is_halved(void **state)
{
    struct es_test t = begin("");
    char *big = malloc(700000);
    const char *in[] = {big, big};
    (void)state;
    assert_non_null(big);
    snprintf(big, 700000, "{\"a\":\"%0699000d\"}", 1);
    for (uint32_t attempt = 0; attempt < 10; attempt++) {
        struct weir_batch *b = harness_values(t.h, attempt % 2 ? in : THREE, 2);
        harness_set_attempt(b, attempt / 2);
        say(&t, 429, "{}");
        write_all(&t, b);
        expect(b, 0, attempt == 9 ? WEIR_SPLIT : WEIR_RETRY, 429, NULL);
    }
    end(&t);
    t = begin("error.429 = retry\n"); /* what the operator says holds */
    struct weir_batch *b = harness_values(t.h, in, 2);
    harness_set_attempt(b, 9);
    say(&t, 429, "{}");
    write_all(&t, b);
    expect(b, 0, WEIR_RETRY, 429, NULL);
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
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_items_to_records_by_place),
        cmocka_unit_test(a_fault_of_the_server_is_not_retried_for_ever),
        cmocka_unit_test(conflicts_follow_the_option),
        cmocka_unit_test(the_operator_classifies),
        cmocka_unit_test(a_server_says_when_to_come_back),
        cmocka_unit_test(a_missing_document_is_deleted),
        cmocka_unit_test(a_wrong_answer_is_no_success),
        cmocka_unit_test(whole_requests_follow_the_table),
        cmocka_unit_test(a_broken_connection_is_retried),
        cmocka_unit_test(a_request_cut_off_again_and_again_is_halved),
        cmocka_unit_test(a_large_request_refused_as_busy_is_halved),
        cmocka_unit_test(an_early_413_is_understood),
        cmocka_unit_test(a_huge_answer_is_refused),
        cmocka_unit_test(counts_the_failure_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
