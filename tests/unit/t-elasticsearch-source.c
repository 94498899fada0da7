/* SPDX-License-Identifier: BSD-2-Clause */
/* t-elasticsearch-source.c - the elasticsearch source against a scripted server: what it asks, and what it does when
 * pages are lost, cut off, too large or only part of the truth. */
#include "harness.h"

#include "es_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WAIT 60000 /* ms; far longer than a pass takes */

struct es_test {
    struct es_server *server;
    struct harness *h;
};

static struct es_test begin(const char *options)
{
    struct es_test t = {es_server_start(), NULL};
    char text[1024];
    snprintf(text, sizeof text, "%sindex = a, b*\n%s", es_server_option(t.server), options);
    t.h = harness_start("elasticsearch", WEIR_SOURCE, text);
    return t;
}

static void end(struct es_test *t)
{
    harness_free(t->h);
    es_server_stop(t->server);
}

static void say(struct es_test *t, int status, const char *body)
{
    es_server_say(t->server, (struct es_answer){.status = status, .body = body});
}

static bool is_over(struct harness *h, void *ret_status)
{
    int *status = ret_status;
    *status = harness_poll(h, 1000, 1 << 20, 0, 0);
    return *status == WEIR_END || *status == WEIR_FATAL;
}

static int run(struct es_test *t)
{
    int status = WEIR_OK;
    assert_true(harness_run_until(t->h, is_over, &status, WAIT));
    return status;
}

static void expect_asked(struct es_test *t, size_t i, const char *head, const char *body)
{
    const struct es_asked *asked = es_server_asked(t->server, i);
    if (strncmp(asked->head, head, strlen(head)) != 0)
        fail_msg("request %zu: %.100s", i, asked->head);
    if (body)
        assert_string_equal(asked->body, body);
}

static void expect_failure(struct es_test *t, int status, const char *why)
{
    const struct weir_result *r = harness_failure(t->h);
    assert_non_null(r);
    assert_int_equal(r->status, status);
    if (!strstr(r->why, why))
        fail_msg("%s", r->why);
}

#define HIT(id, source, sort)                                                                                \
    "{\"_index\":\"b1\",\"_id\":\"" id "\",\"_score\":null,\"_source\":" source ",\"sort\":[" sort "]}"
#define PAGE(hits)                                                                                           \
    "{\"pit_id\":\"p2\",\"took\":1,\"timed_out\":false,\"_shards\":{\"total\":1,\"failed\":0},"              \
    "\"hits\":{\"total\":{\"value\":2,\"relation\":\"eq\"},\"hits\":[" hits "]}}"
#define SCROLLED(hits) "{\"_scroll_id\":\"s1\",\"hits\":{\"total\":2,\"hits\":[" hits "]}}"
#define GONE           "{\"error\":{\"type\":\"search_phase_execution_exception\",\"reason\":\"gone\"},\"status\":404}"
#define NO_HANDLER     "{\"error\":\"no handler found for uri\"}"

static void a_pass_by_point_in_time(void **state)
{
    struct es_test t = begin("");
    (void)state;
    say(&t, 200, "{\"id\":\"p\\\"1\"}");
    say(&t, 200, PAGE(HIT("1", "{ \"n\" : 1.0 }", "0") "," HIT("\\u00e9\\/2", "{\"n\":[{}]}", "7")));
    say(&t, 200, PAGE(""));
    say(&t, 200, "{}");
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 2);
    assert_string_equal(harness_out_value(t.h, 0), "{ \"n\" : 1.0 }");
    assert_string_equal(harness_out_value(t.h, 1), "{\"n\":[{}]}");
    assert_string_equal(harness_out(t.h, 1)->record.key.ptr, "\xc3\xa9/2");
    assert_string_equal(harness_out(t.h, 1)->record.topic.ptr, "b1");
    assert_int_equal(harness_out(t.h, 1)->record.seq, 1);
    assert_int_equal(harness_shard(t.h, "a,b*")->end, 2);
    expect_asked(&t, 0, "POST /a,b*/_pit?keep_alive=300s HTTP/1.1\r\n", "");
    expect_asked(&t, 1, "POST /_search?allow_partial_search_results=false HTTP",
                 "{\"size\":1000,\"track_total_hits\":true,\"sort\":[\"_shard_doc\"],"
                 "\"pit\":{\"id\":\"p\\\"1\",\"keep_alive\":\"300s\"}}");
    expect_asked(&t, 2, "POST /_search?",
                 "{\"size\":1000,\"track_total_hits\":false,\"sort\":[\"_shard_doc\"],"
                 "\"pit\":{\"id\":\"p2\",\"keep_alive\":\"300s\"},\"search_after\":[7]}");
    expect_asked(&t, 3, "DELETE /_pit HTTP", "{\"id\":\"p2\"}");
    end(&t);
}

static void a_pass_by_scroll_where_there_is_none(void **state)
{
    struct es_test t = begin("query = {\"match_all\":{}}\nfields = a, b.*\n");
    (void)state;
    say(&t, 400, NO_HANDLER);
    say(&t, 200, SCROLLED(HIT("1", "{}", "0")));
    say(&t, 200, SCROLLED(""));
    say(&t, 200, "{}");
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 1);
    expect_asked(&t, 1, "POST /a,b*/_search?allow_partial_search_results=false&scroll=300s HTTP",
                 "{\"size\":1000,\"track_total_hits\":true,\"sort\":[\"_doc\"],\"query\":{\"match_all\":{}},"
                 "\"_source\":[\"a\",\"b.*\"]}");
    expect_asked(&t, 2, "POST /_search/scroll HTTP", "{\"scroll\":\"300s\",\"scroll_id\":\"s1\"}");
    expect_asked(&t, 3, "DELETE /_search/scroll HTTP", "{\"scroll_id\":\"s1\"}");
    end(&t);
}

static void with_sort_every_way_is_tried(void **state)
{
    struct es_test t = begin("sort = n:desc, at\n");
    (void)state;
    say(&t, 400, NO_HANDLER);
    say(&t, 404, NO_HANDLER);
    say(&t, 200, PAGE(HIT("1", "{}", "5,6")));
    say(&t, 200, PAGE(""));
    assert_int_equal(run(&t), WEIR_END);
    expect_asked(&t, 1, "POST /a,b*/_search/point_in_time?keep_alive=300s HTTP", NULL);
    expect_asked(&t, 3, "POST /a,b*/_search?allow_partial_search_results=false HTTP",
                 "{\"size\":1000,\"track_total_hits\":false,\"sort\":[{\"n\":\"desc\"},{\"at\":\"asc\"}],"
                 "\"search_after\":[5,6]}");
    assert_int_equal(es_server_count(t.server), 4);
    end(&t);
}

static void a_lost_point_in_time_is_opened_again(void **state)
{
    struct es_test t = begin("sort = n\n");
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, PAGE(HIT("1", "{}", "5,99")));
    say(&t, 404, GONE);
    say(&t, 200, "{\"id\":\"p3\"}");
    say(&t, 200, PAGE(HIT("2", "{}", "6,1")));
    say(&t, 200, PAGE(""));
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 2);
    /* the tie-breaker of the old one means nothing to the new one */
    expect_asked(&t, 4, "POST /_search?",
                 "{\"size\":1000,\"track_total_hits\":false,\"sort\":[{\"n\":\"asc\"}],"
                 "\"pit\":{\"id\":\"p3\",\"keep_alive\":\"300s\"},\"search_after\":[5]}");
    end(&t);
}

static void a_lost_point_in_time_without_sort_is_fatal(void **state)
{
    struct es_test t = begin("");
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, PAGE(HIT("1", "{}", "5")));
    say(&t, 404, GONE);
    assert_int_equal(run(&t), WEIR_FATAL);
    assert_int_equal(harness_out_count(t.h), 1);
    expect_failure(&t, WEIR_FATAL, "the point in time is gone");
    end(&t);
}

/* Nothing is left out and nothing comes twice when an answer is no good. */
static void a_bad_page_is_asked_for_again(void **state)
{
    static const struct es_answer bad[] = {
        {.body = "{\"timed_out\":true,\"hits\":{\"hits\":[]}}"},
        {.body = "{\"_shards\":{\"failed\":1},\"hits\":{\"hits\":[]}}"},
        {.body = "{\"hits\":{\"hits\":[" HIT("9", "{}", "9")},
        {.body = "{}"},
        {.body = "<html>"},
        {.body = ""},
        {.status = 503, .body = "{}"},
        {.status = 429, .body = "{}"},
        {.status = 401, .body = "{}"},
        {.body = PAGE(HIT("9", "{}", "9")), .flags = ES_SERVER_CUT},
        {.flags = ES_SERVER_CLOSE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct es_test t = begin("");
        say(&t, 200, "{\"id\":\"p1\"}");
        say(&t, 200, PAGE(HIT("1", "{}", "5")));
        es_server_say(t.server, bad[i]);
        say(&t, 200, PAGE(HIT("2", "{}", "6")));
        say(&t, 200, PAGE(""));
        assert_int_equal(run(&t), WEIR_END);
        assert_int_equal(harness_out_count(t.h), 2);
        assert_string_equal(es_server_asked(t.server, 2)->body, es_server_asked(t.server, 3)->body);
        end(&t);
    }
}

/* A scroll has moved on although its answer never came. */
static void a_lost_page_of_a_scroll_is_fatal(void **state)
{
    static const struct es_answer bad[] = {
        {.body = SCROLLED(HIT("9", "{}", "9")), .flags = ES_SERVER_CUT},
        {.flags = ES_SERVER_CLOSE},
        {.status = 502, .body = "{}"},
        {.body = "{\"hits\":{\"hits\":["},
        {.body = "{\"_shards\":{\"failed\":1},\"hits\":{\"hits\":[]}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct es_test t = begin("");
        say(&t, 400, NO_HANDLER);
        say(&t, 200, SCROLLED(HIT("1", "{}", "0")));
        es_server_say(t.server, bad[i]);
        assert_int_equal(run(&t), WEIR_FATAL);
        assert_int_equal(harness_out_count(t.h), 1);
        end(&t);
    }
}

static void a_page_too_large_is_asked_for_in_halves(void **state)
{
    struct es_test t = {es_server_start(), NULL};
    char *big = malloc(9 << 20), options[128];
    (void)state;
    assert_non_null(big);
    memset(big, ' ', 9 << 20);
    big[(9 << 20) - 1] = '\0';
    snprintf(options, sizeof options, "%sindex = a\nbatch = 3\n", es_server_option(t.server));
    t.h = harness_load("elasticsearch", WEIR_SOURCE, options);
    harness_instance(t.h)->budget = 6 << 20;
    assert_int_equal(harness_create(t.h), WEIR_OK);
    assert_int_equal(harness_open(t.h), WEIR_OK);
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, big);
    say(&t, 200, PAGE(HIT("1", "{}", "5")));
    say(&t, 200, big);
    assert_int_equal(run(&t), WEIR_FATAL);
    expect_failure(&t, WEIR_FATAL, "a document is too large: the answer is larger than 2097152 bytes");
    assert_int_equal(strncmp(es_server_asked(t.server, 1)->body, "{\"size\":3,", 10), 0);
    assert_int_equal(strncmp(es_server_asked(t.server, 2)->body, "{\"size\":1,", 10), 0);
    end(&t);
    free(big);
}

static void a_document_without_source_is_a_bad_record(void **state)
{
    struct es_test t = begin("");
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200,
        PAGE(HIT("1", "{}", "1") ",{\"_index\":\"b1\",\"_id\":\"2\",\"sort\":[2]}," HIT("3", "{}", "3")));
    say(&t, 200, PAGE(""));
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 3);
    assert_int_equal(harness_out(t.h, 1)->how, HARNESS_BAD);
    assert_string_equal(harness_out(t.h, 1)->result.type, "no_source");
    assert_int_equal(harness_out(t.h, 2)->record.seq, 2);
    end(&t);
}

static void a_refused_search_says_why(void **state)
{
    struct es_test t = begin("");
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 400,
        "{\"error\":{\"type\":\"parsing_exception\",\"reason\":\"unknown query [x]\"},\"status\":400}");
    assert_int_equal(run(&t), WEIR_FATAL);
    expect_failure(&t, WEIR_FATAL, "unknown query [x]");
    end(&t);
}

static void ties_are_an_error_across_pages_too(void **state)
{
    struct es_test t = begin("sort = n\n");
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, PAGE(HIT("1", "{}", "5,1")));
    say(&t, 200, PAGE(HIT("2", "{}", "5,2")));
    assert_int_equal(run(&t), WEIR_FATAL);
    expect_failure(&t, WEIR_FATAL, "sort is not unique: two documents have [5]");
    end(&t);
}

static void positions_are_known_for_each_record(void **state)
{
    struct es_test t = begin("sort = n\n");
    const struct harness_shard *shard;
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, PAGE(HIT("1", "{}", "5,1") "," HIT("2", "{}", "\"x]\\\"\",2")));
    say(&t, 200, PAGE(""));
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_commit(t.h, true), WEIR_OK);
    shard = harness_shard(t.h, "a,b*|n");
    assert_int_equal(shard->committed, 2);
    assert_int_equal(shard->data.len, strlen("[\"x]\\\"\"]"));
    assert_memory_equal(shard->data.ptr, "[\"x]\\\"\"]", shard->data.len);
    end(&t);
}

/* ---- slices --------------------------------------------------------------------------------------------------- */
/* How many requests hold that text. */
static size_t asked_for(struct es_test *t, const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < es_server_count(t->server); i++)
        n += strstr(es_server_asked(t->server, i)->body, text) != NULL;
    return n;
}

static void slices_share_a_point_in_time(void **state)
{
    struct es_test t = begin("slice = 3\n");
    size_t i;
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, PAGE(HIT("1", "{}", "0")));
    say(&t, 200, PAGE(HIT("2", "{}", "0")));
    say(&t, 200, PAGE(""));
    for (i = 0; i < 2; i++)
        say(&t, 200, PAGE(""));
    say(&t, 200, "{}");
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 2);
    assert_int_equal(harness_out(t.h, 0)->record.seq, 0);
    assert_int_equal(harness_out(t.h, 1)->record.seq, 0);
    assert_ptr_not_equal(harness_out(t.h, 0)->record.shard, harness_out(t.h, 1)->record.shard);
    assert_int_equal(harness_shard_count(t.h), 3);
    assert_non_null(harness_shard(t.h, "a,b*#0/3"));
    assert_non_null(harness_shard(t.h, "a,b*#2/3"));
    /* one begin, a page for each and one more for the two that had hits, one end */
    assert_int_equal(es_server_count(t.server), 7);
    expect_asked(&t, 0, "POST /a,b*/_pit?", "");
    expect_asked(&t, 6, "DELETE /_pit HTTP", "{\"id\":\"p2\"}");
    assert_true(asked_for(&t, "\"sort\":[\"_shard_doc\"],\"slice\":{\"id\":0,\"max\":3},") >= 1);
    assert_true(asked_for(&t, "\"slice\":{\"id\":1,\"max\":3},") >= 1);
    assert_true(asked_for(&t, "\"slice\":{\"id\":2,\"max\":3},") >= 1);
    assert_int_equal(asked_for(&t, "\"search_after\":[0]"), 2);
    end(&t);
}

static bool two_held(struct harness *h, void *server)
{
    (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    return es_server_held(server) == 2;
}

/* The first page is held back, and the second one is asked for nevertheless. */
static void slices_are_asked_for_at_the_same_time(void **state)
{
    struct es_test t = begin("slice = 2\n");
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    es_server_say(t.server, (struct es_answer){.body = PAGE(HIT("1", "{}", "1")), .flags = ES_SERVER_HOLD});
    say(&t, 200, PAGE(""));
    assert_true(harness_run_until(t.h, two_held, t.server, WAIT));
    assert_int_equal(es_server_count(t.server), 1);
    es_server_release(t.server);
    say(&t, 200, PAGE(""));
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 1);
    end(&t);
}

static void each_slice_has_a_scroll_of_its_own(void **state)
{
    struct es_test t = begin("slice = 2\n");
    (void)state;
    say(&t, 400, NO_HANDLER);
    say(&t, 200, SCROLLED(HIT("1", "{}", "0")));
    say(&t, 200, "{\"_scroll_id\":\"s2\",\"hits\":{\"total\":0,\"hits\":[]}}");
    for (int i = 0; i < 3; i++)
        say(&t, 200, "{\"hits\":{\"hits\":[]}}");
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 1);
    assert_int_equal(asked_for(&t, "\"sort\":[\"_doc\"],\"slice\":{\"id\":0,\"max\":2}"), 1);
    assert_int_equal(asked_for(&t, "\"sort\":[\"_doc\"],\"slice\":{\"id\":1,\"max\":2}"), 1);
    assert_int_equal(asked_for(&t, "{\"scroll\":\"300s\",\"scroll_id\":\"s1\"}"), 1);
    assert_int_equal(asked_for(&t, "{\"scroll_id\":\"s1\"}"), 1);
    assert_int_equal(asked_for(&t, "{\"scroll_id\":\"s2\"}"), 1);
    end(&t);
}

/* Both meet it, and it is opened again once. */
static void a_point_in_time_lost_by_all_slices_is_opened_once(void **state)
{
    struct es_test t = begin("slice = 2\nsort = n\n");
    struct es_answer gone = {.status = 404, .body = GONE, .flags = ES_SERVER_HOLD};
    size_t opened = 0;
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, PAGE(HIT("1", "{}", "5,99")));
    say(&t, 200, PAGE(HIT("2", "{}", "6,99")));
    es_server_say(t.server, gone);
    es_server_say(t.server, gone);
    assert_true(harness_run_until(t.h, two_held, t.server, WAIT)); /* the next page of each */
    es_server_release(t.server);
    say(&t, 200, "{\"id\":\"p3\"}");
    say(&t, 200, PAGE(""));
    say(&t, 200, PAGE(""));
    say(&t, 200, "{}");
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(harness_out_count(t.h), 2);
    for (size_t i = 0; i < es_server_count(t.server); i++)
        opened += strncmp(es_server_asked(t.server, i)->head, "POST /a,b*/_pit?", 16) == 0;
    assert_int_equal(opened, 2);
    assert_int_equal(asked_for(&t, "\"slice\":{\"field\":\"n\",\"id\":0,\"max\":2},\"pit\":{\"id\":\"p3\""),
                     1);
    assert_int_equal(asked_for(&t, "\"slice\":{\"field\":\"n\",\"id\":1,\"max\":2},\"pit\":{\"id\":\"p3\""),
                     1);
    /* behind the last document, without the tie-breaker of the old one */
    assert_int_equal(asked_for(&t, "\"id\":\"p3\",\"keep_alive\":\"300s\"},\"search_after\":[6]}"), 1);
    end(&t);
}

static void slices_with_sort_need_a_point_in_time(void **state)
{
    struct es_test t = begin("slice = 2\nsort = n\n");
    (void)state;
    say(&t, 400, NO_HANDLER);
    say(&t, 400, NO_HANDLER);
    assert_int_equal(run(&t), WEIR_FATAL);
    expect_failure(&t, WEIR_FATAL, "no point in time");
    end(&t);
}

/* "slices " and the SHA-256 of "a|n" */
static const char division_key[] = "slices 7ef33d7dff784b9a5f949f702bc21bdf"
                                   "910ad596cbf2eb89dafea12244e52318";

/* Loads it with the division that is stored; how open ends. */
static int open_with(struct es_test *t, const char *options, struct weir_slice division, const char *position)
{
    char text[512];
    snprintf(text, sizeof text, "%sindex = a\n%s", es_server_option(t->server), options);
    t->h = harness_load("elasticsearch", WEIR_SOURCE, text);
    harness_state_set(t->h, division_key, division);
    if (position)
        harness_preset(t->h, "a|n#1/2", 7, (struct weir_slice){position, strlen(position)});
    assert_int_equal(harness_create(t->h), WEIR_OK);
    return harness_open(t->h);
}

static void another_number_of_slices_is_refused(void **state)
{
    struct es_test t = {es_server_start(), NULL};
    static const char *const other[] = {"sort = n\n", "sort = n\nslice = 3\n", "sort = n\nslice = 5\n"};
    struct weir_slice two = {"2", 1};
    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_int_equal(open_with(&t, other[i], two, NULL), WEIR_FATAL);
        expect_failure(&t, WEIR_FATAL, "the stored positions are those of slice = 2; with slice = ");
        harness_free(t.h);
    }
    assert_int_equal(open_with(&t, "sort = n\nslice = 2\n", (struct weir_slice){"1", 1}, NULL), WEIR_FATAL);
    harness_free(t.h);
    /* without sort there are no positions, and another order has its own */
    assert_int_equal(open_with(&t, "slice = 3\n", two, NULL), WEIR_OK);
    harness_free(t.h);
    assert_int_equal(open_with(&t, "slice = 3\nsort = m\n", two, NULL), WEIR_OK);
    end(&t);
}

static void a_slice_goes_on_where_it_was(void **state)
{
    struct es_test t = {es_server_start(), NULL};
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    for (int i = 0; i < 2; i++)
        say(&t, 200, PAGE(""));
    assert_int_equal(open_with(&t, "sort = n\nslice = 2\n", (struct weir_slice){"2", 1}, "[41]"), WEIR_OK);
    assert_int_equal(run(&t), WEIR_END);
    assert_int_equal(asked_for(&t, "\"search_after\""), 1);
    assert_int_equal(asked_for(&t, "\"id\":1,\"max\":2},\"pit\":{\"id\":\"p1\",\"keep_alive\":\"300s\"},"
                                   "\"search_after\":[41]}"),
                     1);
    end(&t);
}

/* The number is stored with the first positions, not before. */
static void the_number_of_slices_is_kept_with_the_positions(void **state)
{
    struct es_test t = {es_server_start(), NULL};
    char text[512];
    (void)state;
    say(&t, 200, "{\"id\":\"p1\"}");
    say(&t, 200, PAGE(HIT("1", "{}", "1")));
    say(&t, 200, PAGE(HIT("1", "{}", "2")));
    for (int i = 0; i < 2; i++)
        say(&t, 200, PAGE(""));
    snprintf(text, sizeof text, "%sindex = a\nsort = n\nslice = 2\n", es_server_option(t.server));
    t.h = harness_start("elasticsearch", WEIR_SOURCE, text);
    assert_int_equal(run(&t), WEIR_END);
    assert_null(harness_state_get(t.h, division_key).ptr);
    assert_int_equal(harness_commit(t.h, true), WEIR_OK);
    assert_int_equal(harness_state_get(t.h, division_key).len, 1);
    assert_memory_equal(harness_state_get(t.h, division_key).ptr, "2", 1);
    assert_int_equal(harness_shard(t.h, "a|n#0/2")->data.len, 3);
    assert_int_equal(harness_shard(t.h, "a|n#1/2")->data.len, 3);
    assert_memory_not_equal(harness_shard(t.h, "a|n#0/2")->data.ptr, harness_shard(t.h, "a|n#1/2")->data.ptr,
                            3);
    end(&t);
}

static void too_many_slices_for_the_memory(void **state)
{
    struct es_test t = {es_server_start(), NULL};
    char text[256];
    (void)state;
    snprintf(text, sizeof text, "%sindex = a\nslice = 4\n", es_server_option(t.server));
    t.h = harness_load("elasticsearch", WEIR_SOURCE, text);
    harness_instance(t.h)->budget = 11 << 20;
    assert_int_equal(harness_create(t.h), WEIR_FATAL);
    expect_failure(&t, WEIR_FATAL, "slice = 4 needs 12 MiB");
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_by_point_in_time),
        cmocka_unit_test(a_pass_by_scroll_where_there_is_none),
        cmocka_unit_test(with_sort_every_way_is_tried),
        cmocka_unit_test(a_lost_point_in_time_is_opened_again),
        cmocka_unit_test(a_lost_point_in_time_without_sort_is_fatal),
        cmocka_unit_test(a_bad_page_is_asked_for_again),
        cmocka_unit_test(a_lost_page_of_a_scroll_is_fatal),
        cmocka_unit_test(a_page_too_large_is_asked_for_in_halves),
        cmocka_unit_test(a_document_without_source_is_a_bad_record),
        cmocka_unit_test(a_refused_search_says_why),
        cmocka_unit_test(ties_are_an_error_across_pages_too),
        cmocka_unit_test(positions_are_known_for_each_record),
        cmocka_unit_test(slices_share_a_point_in_time),
        cmocka_unit_test(slices_are_asked_for_at_the_same_time),
        cmocka_unit_test(each_slice_has_a_scroll_of_its_own),
        cmocka_unit_test(a_point_in_time_lost_by_all_slices_is_opened_once),
        cmocka_unit_test(slices_with_sort_need_a_point_in_time),
        cmocka_unit_test(another_number_of_slices_is_refused),
        cmocka_unit_test(a_slice_goes_on_where_it_was),
        cmocka_unit_test(the_number_of_slices_is_kept_with_the_positions),
        cmocka_unit_test(too_many_slices_for_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
