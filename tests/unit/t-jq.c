/* SPDX-License-Identifier: BSD-2-Clause */
/* t-jq.c - the transform jq: what a program gives, what stays byte for byte, what it can not reach. */
#include "harness.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct harness *start(const char *filter, const char *more)
{
    char options[4000];
    assert_true(snprintf(options, sizeof options, "filter = %s\n%s", filter, more) < (int)sizeof options);
    return harness_start("jq", WEIR_TRANSFORM, options);
}

/* One value: what came out, or the reason, each with | behind it. */
static void process(struct harness *h, const char *in, const char *out)
{
    char text[6000];
    size_t n = 0;
    text[0] = '\0';
    assert_int_equal(harness_process(h, harness_values(h, &in, 1)), WEIR_OK);
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct harness_out *o = harness_out(h, i);
        const char *value = harness_out_value(h, i);
        const char *shown = o->how == HARNESS_REJECT ? o->result.why : value ? value : "(tombstone)";
        n += (size_t)snprintf(text + n, sizeof text - n, "%s|", shown);
        assert_true(n < sizeof text);
        assert_int_equal(o->record.sub, i);
    }
    harness_out_clear(h);
    assert_string_equal(text, out);
}

static void expect(const char *filter, const char *more, const char *in, const char *out)
{
    struct harness *h = start(filter, more);
    process(h, in, out);
    harness_free(h);
}

static void none_one_or_several_records(void **state)
{
    struct harness *h = start(".items[] | {sku, n: (.n + 1)}", "");
    (void)state;
    process(h, "{\"items\":[{\"sku\":\"a\",\"n\":1},{\"sku\":\"b\",\"n\":2}]}",
            "{\"sku\":\"a\",\"n\":2}|{\"sku\":\"b\",\"n\":3}|");
    process(h, "{\"items\":[]}", "");
    process(h, NULL, "(tombstone)|");
    process(h, "{\"items\":1}", "Cannot iterate over number (1)|");
    process(h, "{\"items\":[{\"n\":1},3]}",
            "Cannot index number with string \"sku\"|"); /* and nothing of the first one */
    process(h, "{\"items\":[{\"n\":1.50}]}", "{\"sku\":null,\"n\":2.5}|");
    harness_free(h);
    expect("range(1e12)", "max-records = 3\n", "0",
           "the program gives more records than max-records allows|");
    expect("[range(1000)]", "max-bytes = 1K\n", "0", "the program gives more bytes than max-bytes allows|");
    expect("., .a", "raw = yes\n", "{\"a\":\"x\\ty\"}", "{\"a\":\"x\\ty\"}|x\ty|");
    expect("null, empty, true", "raw = yes\n", "0", "null|true|");
    expect(".a", "raw = yes\n", "{\"a\":\"\"}", "|"); /* no bytes, and no tombstone */
}

static void what_comes_out_as_it_came_keeps_its_bytes(void **state)
{
    static const char in[] =
        " {\"z\":1.0, \"a\":[1e400,123456789012345678901234567890,-0,0.10],\"s\":\"\\u0061\",\"s\":2} ";
    struct harness *h = start("select(.z == 1)", "");
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, &(const char *){in}, 1)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_PASS);
    harness_free(h);
    expect("., .", "", in,
           " {\"z\":1.0, \"a\":[1e400,123456789012345678901234567890,-0,0.10],\"s\":\"\\u0061\",\"s\":2} |"
           " {\"z\":1.0, \"a\":[1e400,123456789012345678901234567890,-0,0.10],\"s\":\"\\u0061\",\"s\":2} |");
}

/* What jq gives is written by jq: numbers are doubles. */
static void what_is_made_is_written_anew(void **state)
{
    (void)state;
    expect(
        ".x = 1", "",
        "{\"a\":9223372036854775808,\"b\":1e400,\"c\":0.10,\"d\":1.0,\"e\":9007199254740993,\"f\":-1e400,"
        "\"g\":0.1}",
        "{\"a\":9223372036854776000,\"b\":1.7976931348623157e+308,\"c\":0.1,\"d\":1,\"e\":9007199254740992,"
        "\"f\":-1.7976931348623157e+308,\"g\":0.1,\"x\":1}|");
    expect(".x = 1", "", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2,\"x\":1}|");
    expect("[., nan, infinite]", "", "\"\\u0000\\ud83d\\ude00\"",
           "[\"\\u0000😀\",null,1.7976931348623157e+308]|");
    expect("[.]", "", "\"\\ud800\"", "Invalid \\uXXXX\\uXXXX surrogate pair escape at line 1, column 8|");
}

static void levels_of_nesting(void **state)
{
    char deep[1100], text[1200];
    (void)state;
    memset(deep, '[', 256);
    memset(deep + 256, ']', 256);
    deep[512] = '\0';
    (void)snprintf(text, sizeof text, "%s|", deep);
    expect(".", "", deep, text);
    (void)snprintf(text, sizeof text, "[%s]|", deep);
    expect("[.]", "", deep, text);
    expect("[[.]]", "", deep, "the program gives a value with more than 257 levels|");
    expect("[., \"<skipped\"] | .[1:]", "", deep, "[\"<skipped\"]|");
    memset(deep, '[', 257);
    memset(deep + 257, ']', 257);
    deep[514] = '\0';
    expect(".", "", deep, "Exceeds depth limit for parsing at line 1, column 257|");
    memset(deep, '[', 501);
    memset(deep + 501, ']', 501);
    deep[1002] = '\0';
    expect(".", "", deep, "the value is not JSON: nested deeper than weir reads|");
}

#define SLICE(s) ((struct weir_slice){s, sizeof s - 1})

static void variables_are_the_other_parts_of_a_record(void **state)
{
    const struct weir_header headers[] = {
        {SLICE("a"), SLICE("1")}, {SLICE("n"), {NULL, 0}}, {SLICE("a"), SLICE("2")}};
    struct weir_record r = harness_record("k\xff", "{\"a\":1}");
    struct harness *h = start("[$topic, $key, $partition, $offset, $time, $headers, .a]", "");
    (void)state;
    r.headers = headers;
    r.n_headers = 3;
    r.time_ms = 1000;
    r.partition = 3;
    r.offset = 77;
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    assert_string_equal(harness_out_value(h, 0),
                        "[\"t\",\"k\xef\xbf\xbd\",3,77,1000,{\"a\":\"2\",\"n\":null},1]");
    assert_int_equal(harness_out(h, 0)->record.n_headers, 3);
    r.time_ms = WEIR_NO_TIME;
    r.key.ptr = NULL;
    r.key.len = 0;
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    assert_string_equal(harness_out_value(h, 1), "[\"t\",null,3,77,null,{\"a\":\"2\",\"n\":null},1]");
    harness_free(h);
    h = start("select($offset == 0)", "");
    process(h, "1.0", "1.0|");
    process(h, "1.0", "");
    harness_free(h);
    h = start("now", "");
    harness_stop_clock(h, 86400500);
    process(h, "1", "86400.5|");
    harness_free(h);
}

static void a_program_reaches_nothing_outside(void **state)
{
    struct harness *h;
    (void)state;
    assert_int_equal(setenv("WEIR_TEST_SECRET", "hunter2", 1), 0);
    expect("[env, $ENV, env.WEIR_TEST_SECRET, $ENV.WEIR_TEST_SECRET]", "", "0", "[{},{},null,null]|");
    expect("[input_filename, get_search_list]", "", "0", "[null,[]]|");
    expect("input", "", "0", "input is not available|");
    expect("inputs", "", "0", "input is not available|");
    expect("\"a\" | modulemeta", "", "0", "modulemeta is not available|");
    expect("1, halt, 2", "", "0", "the program called halt|");
    h = start("1, halt_error", "");
    process(h, "0", "the program called halt|");
    process(h, "1", "the program called halt|");
    harness_free(h);
    h = start("debug, stderr", "");
    process(h, "{\"a\":1}", "{\"a\":1}|{\"a\":1}|");
    assert_int_equal(harness_logged(h, "{\"a\":1}"), 2);
    harness_free(h);
}

static void errors_are_of_the_record(void **state)
{
    struct harness *h = start("if .bad then error(.bad) else .ok end", "");
    (void)state;
    process(h, "{\"bad\":\"no stock\"}", "no stock|");
    process(h, "{\"bad\":{\"code\":3}}", "{\"code\":3}|");
    process(h, "{\"ok\":1}", "1|");
    process(h, "no JSON", "the value is not JSON: a word that is not true, false or null|");
    process(h, "NaN", "the value is not JSON: this can not start a value|");
    harness_free(h);
    expect("error(.a)", "", "{}", "error(null)|");
    expect("1, (.a | error)", "", "{}", "error(null)|");
    expect("try error(.b) catch .c", "", "{\"b\":{\"c\":4}}", "4|");
    expect("error(empty)", "", "{}", "");
}

static void says(const char *options, const char *text)
{
    const char *said = harness_check("jq", WEIR_TRANSFORM, options);
    if (!strstr(said, text))
        fail_msg("\"%s\" is not in \"%s\"", text, said);
}

static void a_bad_program_is_a_mistake_of_the_configuration(void **state)
{
    static const char file[] = "file = $/bad.jq\n";
    (void)state;
    says("", "it needs filter or file, one of them");
    says("filter = .\nfile = a\n", "it needs filter or file, one of them");
    says("filter = {a:}\n", "filter: filter:1: syntax error, unexpected '}'");
    says("filter = .a | foo(1)\n", "filter: filter:1: foo/1 is not defined");
    says("filter = $nobody\n", "filter: filter:1: $nobody is not defined");
    says("filter = .) | (.a\n", "");
    says("file = /\n", "it is not a file");
    says(scratch_options(file), "No such file");
    scratch_rewrite("bad.jq", "def f: 1;\n\n.a | g # g?\n");
    says(scratch_options(file), "/bad.jq:3: g/0 is not defined");
    scratch_rewrite("bad.jq", "import \"a\" as a; .");
    says(scratch_options(file), "/bad.jq:1: syntax error, unexpected import");
    scratch_rewrite("bad.jq", "# doubles\ndef twice: . * 2; # of a number\n.a |= twice # and that is all");
    assert_string_equal(harness_check("jq", WEIR_TRANSFORM, scratch_options(file)), "");
    struct harness *h = harness_start("jq", WEIR_TRANSFORM, scratch_options(file));
    process(h, "{\"a\":2}", "{\"a\":4}|");
    harness_free(h);
}

/* What stands in the home of whoever runs it would go before jq's own definitions. */
static void a_home_changes_no_program(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", scratch_dir, 1), 0);
    expect("ascii_upcase", "", "\"a\"", "\"A\"|");
    assert_int_equal(mkdir(scratch_path(".jq"), 0700), 0); /* modules */
    scratch_write(".jq/.jq", "def ascii_upcase: \"another\";", O_TRUNC);
    expect("ascii_upcase", "", "\"a\"", "\"A\"|");
    assert_int_equal(unlink(scratch_path(".jq/.jq")), 0);
    assert_int_equal(rmdir(scratch_path(".jq")), 0);
    scratch_write(".jq", "def ascii_upcase: \"another\";", O_TRUNC);
    says("filter = ascii_upcase\n", "/.jq is there, which libjq reads into every program");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_one_or_several_records),
        cmocka_unit_test(what_comes_out_as_it_came_keeps_its_bytes),
        cmocka_unit_test(what_is_made_is_written_anew),
        cmocka_unit_test(levels_of_nesting),
        cmocka_unit_test(variables_are_the_other_parts_of_a_record),
        cmocka_unit_test(a_program_reaches_nothing_outside),
        cmocka_unit_test(errors_are_of_the_record),
        cmocka_unit_test_setup_teardown(a_home_changes_no_program, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_bad_program_is_a_mistake_of_the_configuration, scratch_make,
                                        scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
