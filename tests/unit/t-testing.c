/* SPDX-License-Identifier: BSD-2-Clause */
/* t-testing.c - the parts of weir test: what a test file says, what is the same, and how a difference is told.  Whole
 * tests are run by gates/t-test.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "testing/cluster.h"
#include "testing/compare.h"
#include "testing/faults.h"
#include "testing/outputs.h"
#include "testing/script.h"

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct weir_slice of(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

/* ---- comparing ------------------------------------------------------------------------------------------------- */
static void json_is_compared_as_json(void **state)
{
    static const struct {
        const char *wanted, *got;
        bool same;
    } rows[] = {
        {"{\"a\":1,\"b\":[true,null]}", " { \"b\" : [ true , null ] , \"a\" : 1 } ", true},
        {"{\"a\":1}", "{\"a\":1.0}", false}, /* a number is its text */
        {"{\"a\":1}", "{\"a\":\"1\"}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
        {"{\"\\u0061\":\"\\u00e9\"}", "{\"a\":\"\xc3\xa9\"}",
         true}, /* how a string is escaped is no matter */
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}", true},
        {"{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}",
         false}, /* of two of a name the order tells which is which */
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1,2,3]", false},
        {"{\"a\":{}}", "{\"a\":[]}", false},
        {"1", "1.0", false}, /* no object, no array: bytes */
        {"1 ", "1", false},
        {"GET /", "GET /", true},
        {"GET /", "{\"a\":1}", false},
        {"", "", true},
        {"{\"a\":1", "{\"a\":1", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (compare_body(of(rows[i].wanted), of(rows[i].got), NULL) != rows[i].same)
            fail_msg("%s and %s", rows[i].wanted, rows[i].got);
}

static void differences_name_the_field(void **state)
{
    struct strbuf why = {0};
    (void)state;
    assert_false(compare_body(of("{\"a\":{\"b\":[1,{\"odd key\":2}]},\"c\":3}"),
                              of("{\"a\":{\"b\":[1,{\"odd key\":5}]},\"d\":4}"), &why));
    assert_string_equal(why.data, "  .a.b[1].\"odd key\" is 5, not 2\n"
                                  "  .c is missing: 3\n"
                                  "  .d is not expected: 4\n");
    strbuf_free(&why);
}

static void many_differences_are_counted(void **state)
{
    struct strbuf wanted = {0}, got = {0}, why = {0};
    (void)state;
    for (int i = 0; i < 30; i++) {
        strbuf_printf(&wanted, "%c%d", i ? ',' : '[', i);
        strbuf_printf(&got, "%c%d", i ? ',' : '[', i + 1);
    }
    strbuf_str(&wanted, "]");
    strbuf_str(&got, "]");
    assert_false(compare_body(of(wanted.data), of(got.data), &why));
    assert_non_null(strstr(why.data, "  and 10 differences more\n"));
    strbuf_free(&wanted);
    strbuf_free(&got);
    strbuf_free(&why);
}

static void only_what_is_named_is_compared(void **state)
{
    struct strbuf why = {0};
    (void)state;
    assert_true(compare_named(of("{\"_id\":\"a\"}"), of("{\"op\":\"index\",\"_id\":\"a\"}"), &why));
    assert_int_equal(why.len, 0);
    assert_false(
        compare_named(of("{\"_id\":\"a\",\"routing\":\"b\"}"), of("{\"op\":\"index\",\"_id\":\"a\"}"), &why));
    assert_string_equal(why.data, "  .routing is missing: \"b\"\n");
    strbuf_free(&why);
}

/* ---- lists of records ------------------------------------------------------------------------------------------ */
/* Words separated by blanks, each a record. */
static char *told(const char *wanted, const char *got, bool ordered)
{
    static char text[2000];
    struct wanted w[20];
    const struct wanted *list[20];
    struct outputs outputs = {0};
    struct strbuf out = {0};
    size_t n = 0;
    for (const char *p = wanted; *p; p += strcspn(p, " "), p += *p == ' ') {
        w[n] = (struct wanted){.line = (int)n + 1, .body = {p, strcspn(p, " ")}};
        list[n] = &w[n];
        n++;
    }
    for (const char *p = got; *p; p += strcspn(p, " "), p += *p == ' ')
        (void)outputs_add(&outputs, (struct weir_slice){p, strcspn(p, " ")}, of("{}"));
    bool same = outputs_compare(&outputs, list, n, ordered, "es", &out);
    assert_int_equal(same, out.len == 0);
    snprintf(text, sizeof text, "%s", out.len ? out.data : "");
    strbuf_free(&out);
    outputs_free(&outputs);
    return text;
}

static void what_is_equal_is_passed_over(void **state)
{
    (void)state;
    assert_string_equal(told("a b c", "a b c", true), "");
    assert_string_equal(told("", "", true), "");
    assert_string_equal(told("a b c d", "a c d", true), "es: record 2 is missing (line 2)\n  - b\n");
    assert_string_equal(told("a c d", "a b c d", true), "es: record 2 is not expected\n  + b\n");
    assert_string_equal(told("a b c", "a x c", true),
                        "es: record 2 is not as expected (line 2)\n  - b\n  + x\n");
    assert_string_equal(told("b a", "a b", true),
                        "es: record 1 is missing (line 1)\n  - b\nes: record 2 is not expected\n  + b\n");
}

static void without_order_each_finds_its_own(void **state)
{
    (void)state;
    assert_string_equal(told("b a", "a b", false), "");
    assert_string_equal(told("a a b", "b a", false), "es: record 2 is missing (line 2)\n  - a\n");
    assert_string_equal(told("c a", "a b", false),
                        "es: record 2 is not as expected (line 1)\n  - c\n  + b\n");
}

static void a_long_difference_is_cut(void **state)
{
    (void)state;
    char *text = told("", "a b c d e f g h i j k l", true);
    assert_non_null(strstr(text, "es: 2 records more differ\n"));
}

/* ---- values ---------------------------------------------------------------------------------------------------- */
static void times_are_read(void **state)
{
    int64_t ms;
    (void)state;
    assert_true(script_time("1970-01-01T00:00:00Z", &ms));
    assert_int_equal(ms, 0);
    assert_true(script_time("2026-02-28T23:59:59.250Z", &ms));
    assert_int_equal(ms, INT64_C(1772323199250));
    assert_true(script_time("1969-12-31T23:59:59.999Z", &ms));
    assert_int_equal(ms, -1);
    static const char *const bad[] = {"",
                                      "2026-02-30T00:00:00Z",
                                      "2026-02-01T24:00:00Z",
                                      "2026-02-01 00:00:00Z",
                                      "2026-02-01T00:00:00",
                                      "2026-2-1T00:00:00Z",
                                      "2026-02-01T00:00:00Zz",
                                      "2026-02-01T00:00:00.5Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (script_time(bad[i], &ms))
            fail_msg("\"%s\" is taken for a time", bad[i]);
}

static void faults_are_read(void **state)
{
    struct arena arena = {0};
    struct fault f = {0};
    char why[512];
    (void)state;
    assert_true(script_fault(&arena, "429 at request 1", &f, why, sizeof why));
    assert_true(f.code == 429 && !f.type[0] && !f.of_records && !f.cut && f.first == 1 && f.last == 1);
    f = (struct fault){0};
    assert_true(script_fault(&arena, "400  mapper_parsing_exception at records 2-3", &f, why, sizeof why));
    assert_true(f.code == 400 && f.of_records && f.first == 2 && f.last == 3);
    assert_string_equal(f.type, "mapper_parsing_exception");
    f = (struct fault){0};
    assert_true(script_fault(&arena, "cut at requests 1-2", &f, why, sizeof why));
    assert_true(f.cut && f.last == 2);
    f = (struct fault){0};
    assert_true(script_fault(&arena, "_TRANSPORT at request 1", &f, why, sizeof why));
    assert_string_equal(f.type, "_TRANSPORT");
    static const char *const bad[] = {"",
                                      "429",
                                      "429 at",
                                      "429 at request",
                                      "429 at request 0",
                                      "429 at request 3-2",
                                      "429 at request x",
                                      "429x at request 1",
                                      "at request 1",
                                      "429 at requestss 1",
                                      "429 at batch 1",
                                      "429 at request 1 now",
                                      "cut at record 1",
                                      "cut",
                                      "4290000000 at request 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f = (struct fault){0};
        if (script_fault(&arena, bad[i], &f, why, sizeof why))
            fail_msg("\"%s\" is taken for a fault", bad[i]);
    }
    arena_free(&arena);
}

static void faults_come_when_they_are_due(void **state)
{
    const struct fault one = {.first = 2, .last = 3, .code = 1},
                       two = {.of_records = true, .first = 1, .last = 1, .code = 2};
    const struct fault *const both[] = {&one, &two};
    struct faults f = {.items = both, .n = 2};
    (void)state;
    assert_null(faults_request(&f));
    assert_ptr_equal(faults_record(&f), &two);
    assert_ptr_equal(faults_request(&f), &one);
    assert_null(faults_record(&f));
    assert_ptr_equal(faults_request(&f), &one);
    assert_null(faults_request(&f));
}

/* ---- files ----------------------------------------------------------------------------------------------------- */
/* Reads the text as FOLDER/web.test.ini; gives what is wrong with it, one line each. */
static char *read_script(const char *text, struct script *script)
{
    static char said[4000];
    const char *path = scratch_path("web.test.ini");
    struct problems problems = {.file = path};
    FILE *err = fmemopen(said, sizeof said, "w");
    assert_non_null(err);
    scratch_rewrite("web.test.ini", text);
    memset(said, 0, sizeof said);
    bool good = script_read(path, script, &problems);
    problem_print(&problems, err);
    fclose(err);
    assert_int_equal(good, said[0] == 0);
    problem_free(&problems);
    return said;
}

static void a_test_is_read(void **state)
{
    struct script s;
    (void)state;
    const char *said = read_script("[tests]\n"
                                   "clock = 2026-01-01T00:00:00Z\n"
                                   "env.ES = all\n"
                                   "[test one]\n"
                                   "input = {\"a\":1} ; a comment\n"
                                   "with = {\"key\":\"k\",\"timestamp\":\"1970-01-01T00:00:01Z\"}\n"
                                   "record = {\"topic\":\"t\",\"value\":null}\n"
                                   "env.ES = mine\n"
                                   "expect.es = {\"a\":1}\n"
                                   "with = {\"_id\":\"1\"}\n"
                                   "expect-dead = x\n"
                                   "because = no  reason\n"
                                   "ignore = archive\n"
                                   "[test two]\n"
                                   "clock = 2027-01-01T00:00:00Z\n"
                                   "pipeline = /other.ini\n"
                                   "input = x\n",
                                   &s);
    assert_string_equal(said, "");
    assert_int_equal(s.n, 2);
    const struct script_test *t = &s.tests[0];
    assert_string_equal(t->name, "one");
    assert_non_null(strstr(t->pipeline, "/web.ini"));
    assert_int_equal(t->n_given, 2);
    assert_int_equal(t->given[0].record.value.len, 7);
    assert_int_equal(t->given[0].record.time_ms, 1000);
    assert_int_equal(t->given[0].said, 1u << GIVEN_TIME);
    assert_null(t->given[1].record.value.ptr);
    assert_int_equal(t->given[1].said, 1u << GIVEN_TOPIC);
    assert_int_equal(t->n_wanted, 2);
    assert_string_equal(t->wanted[0].sink, "es");
    assert_int_equal(t->wanted[0].with.len, 11);
    assert_true(t->wanted[1].dead);
    assert_string_equal(t->wanted[1].because, "no  reason");
    assert_string_equal(t->env[0].value, "mine"); /* before that of [tests] */
    assert_string_equal(t->ignore[0], "archive");
    assert_int_equal(t->clock_ms, INT64_C(1767225600000));
    assert_string_equal(s.tests[1].pipeline, "/other.ini");
    assert_int_equal(s.tests[1].clock_ms, INT64_C(1798761600000));
    script_free(&s);
}

static void files_are_read_line_by_line(void **state)
{
    struct script s;
    (void)state;
    scratch_rewrite("in.ndjson", "{\"value\":\"one\"}\n{\"value\":\"two\"}");
    assert_string_equal(
        read_script("[test a]\nrecord-file = in.ndjson\ninput-file = in.ndjson\nexpect-file.es = in.ndjson\n",
                    &s),
        "");
    assert_int_equal(s.tests[0].n_given, 4);
    assert_memory_equal(s.tests[0].given[1].record.value.ptr, "two", 3);
    assert_int_equal(s.tests[0].given[3].record.value.len, 15);
    assert_int_equal(s.tests[0].n_wanted, 2);
    script_free(&s);
}

/* Each mistake is told with its line and a sentence. */
static void mistakes_are_told(void **state)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"", "there is no [test NAME]"},
        {"[sink]\nplugin = std\n", ":1: unknown section [sink]; a test file has [tests] and [test NAME]"},
        {"[test]\ninput = x\n", ":1: [test] needs a name"},
        {"[test a]\n", ":1: [test a] gives no record: input is missing"},
        {"[test a]\ninput = x\n[test a]\ninput = x\n", ":3: [test a] stands twice, first in line 1"},
        {"[test a]\ninput = x\n[tests]\nclock = 2026-01-01T00:00:00Z\n", ":3: [tests] is for all tests"},
        {"[tests]\ninput = x\n", ":2: [tests] input is of one test"},
        {"[test a]\ninput = x\nexcept = x\n",
         ":3: [test a] unknown option \"except\"; did you mean \"expect\"?"},
        {"[test a]\ninput.es = x\n", ":2: [test a] unknown option \"input.es\""},
        {"[test a]\ninput = x\nenv = x\n", ":3: [test a] env needs a name"},
        {"[test a]\nwith = {}\ninput = x\n",
         ":2: [test a] with says more of the record of the line above it"},
        {"[test a]\ninput = x\nwith = {}\nwith = {}\n", ":4: [test a] with says more"},
        {"[test a]\ninput = x\nexpect = x\nwith = {\"value\":null}\n",
         ":4: [test a] with says what the value is"},
        {"[test a]\ninput = x\nwith = {\"kee\":1}\n", ":3: [test a] with: unknown key \"kee\""},
        {"[test a]\ninput = x\nwith = 5\n", ":3: [test a] with: it is a JSON object like"},
        {"[test a]\ninput = x\nwith = {\"timestamp\":\"now\"}\n",
         ":3: [test a] with: \"timestamp\" is milliseconds"},
        {"[test a]\nrecord = {\"value\":5}\n", ":2: [test a] record: \"value\" must be a string"},
        {"[test a]\ninput = x\nexpect = x\nbecause = y\n",
         ":4: [test a] because says why a record is a dead letter"},
        {"[test a]\ninput = x\nfault = soon\n", ":3: [test a] fault: \"soon\" is no fault"},
        {"[test a]\ninput = x\nclock = noon\n", ":3: [test a] clock: \"noon\" is no time like"},
        {"[test a]\ninput = x\nfile = relative text\n", ":3: [test a] file says what ${file:/path} is"},
        {"[test a]\ninput-file = nowhere\n", "can not be read: No such file"},
    };
    struct script s;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *said = read_script(rows[i].text, &s);
        if (!strstr(said, rows[i].said))
            fail_msg("of\n%s it says\n%s and not\n%s", rows[i].text, said, rows[i].said);
        script_free(&s);
    }
}

/* ---- the stand-in for Elasticsearch ---------------------------------------------------------------------------- */
static void a_bulk_is_answered_item_by_item(void **state)
{
    const struct fault bad = {.of_records = true, .first = 2, .last = 2, .code = 400, .type = "too_\"odd"};
    const struct fault *const all[] = {&bad};
    struct faults faults = {.items = all, .n = 1};
    struct outputs outputs = {0};
    struct strbuf answer = {0};
    (void)state;
    cluster_bulk(&outputs, &faults,
                 of("{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"n\":1}\n"
                    "{\"create\":{\"_index\":\"a\"}}\n{\"n\":2}\n"
                    "{\"delete\":{\"_index\":\"a\",\"_id\":\"3\"}}\n"),
                 &answer);
    assert_string_equal(answer.data, "{\"took\":1,\"errors\":true,\"items\":[{\"index\":{\"status\":201}},"
                                     "{\"create\":{\"status\":400,\"error\":{\"type\":\"too_\\\"odd\","
                                     "\"reason\":\"a fault of the test\"}}},{\"delete\":{\"status\":200}}]}");
    assert_int_equal(outputs.n, 2);
    assert_memory_equal(outputs.items[0].body.ptr, "{\"n\":1}", 7);
    static const char beside[] = "{\"op\":\"index\",\"_index\":\"a\",\"_id\":\"1\"}";
    assert_int_equal(outputs.items[0].beside.len, sizeof beside - 1);
    assert_memory_equal(outputs.items[0].beside.ptr, beside, sizeof beside - 1);
    assert_null(outputs.items[1].body.ptr);
    strbuf_free(&answer);
    outputs_free(&outputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_compared_as_json),
        cmocka_unit_test(differences_name_the_field),
        cmocka_unit_test(many_differences_are_counted),
        cmocka_unit_test(only_what_is_named_is_compared),
        cmocka_unit_test(what_is_equal_is_passed_over),
        cmocka_unit_test(without_order_each_finds_its_own),
        cmocka_unit_test(a_long_difference_is_cut),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(faults_are_read),
        cmocka_unit_test(faults_come_when_they_are_due),
        cmocka_unit_test_setup_teardown(a_test_is_read, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(files_are_read_line_by_line, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(mistakes_are_told, scratch_make, scratch_remove),
        cmocka_unit_test(a_bulk_is_answered_item_by_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
