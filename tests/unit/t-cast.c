/* SPDX-License-Identifier: BSD-2-Clause */
/* t-cast.c - the transform cast: what each type makes of each value, and that no digit is lost unsaid. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One value through one configuration: what comes out, why it failed, or "(dropped)". */
static void expect(const char *options, const char *in, const char *out)
{
    struct harness *h = harness_start("cast", WEIR_TRANSFORM, options);
    const char *got = "(dropped)";
    assert_int_equal(harness_process(h, harness_values(h, &in, 1)), WEIR_OK);
    if (harness_out_count(h)) {
        const struct harness_out *o = harness_out(h, 0);
        const char *value = harness_out_value(h, 0);
        got = o->how == HARNESS_REJECT ? o->result.why : value ? value : "(tombstone)";
    }
    assert_string_equal(got, out);
    harness_free(h);
}

struct row {
    const char *in, *out; /* out NULL: it can't become one */
};

/* The same as a field and as the whole value. */
static void becomes(const char *type, const struct row *rows, size_t n)
{
    char options[100], in[3000], out[3000];
    for (size_t i = 0; i < n; i++) {
        const struct row *row = &rows[i];
        (void)snprintf(options, sizeof options, "to = %s\non-error = null\n", type);
        expect(options, row->in, row->out ? row->out : "null");
        (void)snprintf(options, sizeof options, "as.a = %s\non-error = null\n", type);
        (void)snprintf(in, sizeof in, "{\"a\": %s,\"b\":1.50}", row->in);
        (void)snprintf(out, sizeof out, "{\"a\": %s,\"b\":1.50}", row->out ? row->out : "null");
        expect(options, in, out);
    }
}
#define BECOMES(type, ...)                                                                                   \
    becomes(type, (const struct row[]){__VA_ARGS__},                                                         \
            sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row))

static void whole_numbers_of_a_size(void **state)
{
    (void)state;
    BECOMES("int8", {"127", "127"}, {"128", NULL}, {"-128", "-128"}, {"-129", NULL}, {"\"127\"", "127"},
            {"\"128\"", NULL}, {"127.9", "127"}, {"128.1", NULL}, {"-0.5", "0"}, {"-0", "0"}, {"1.5e1", "15"},
            {"true", "1"}, {"false", "0"}, {"null", "null"}, {"[1]", NULL}, {"{}", NULL});
    BECOMES("int16", {"32767", "32767"}, {"32768", NULL}, {"-32768", "-32768"}, {"-32769", NULL});
    BECOMES("int32", {"2147483647", "2147483647"}, {"2147483648", NULL}, {"-2147483648", "-2147483648"},
            {"-2147483649", NULL}, {"\"+007\"", "7"}, {"\" 7\\n\"", "7"}, {"\"-7\"", "-7"}, {"\"\"", NULL},
            {"\" \"", NULL}, {"\"-\"", NULL}, {"\"7.0\"", NULL}, {"\"7e0\"", NULL}, {"\"0x7\"", NULL},
            {"\"7 7\"", NULL}, {"\"\\ud800\"", NULL}, {"\"7\\u0000\"", NULL}, {"1e400", NULL},
            {"-1e400", NULL}, {"1e-400", "0"}, {"1e99999999999999999999", NULL},
            {"1e-99999999999999999999", "0"}, {"0e99999999999999999999", "0"});
    BECOMES("int64", {"9223372036854775807", "9223372036854775807"}, {"9223372036854775808", NULL},
            {"-9223372036854775808", "-9223372036854775808"}, {"-9223372036854775809", NULL},
            {"\"9223372036854775808\"", NULL}, {"99999999999999999999", NULL},
            {"9007199254740993.0", "9007199254740993"}, {"1e18", "1000000000000000000"}, {"0.00001e5", "1"},
            {"123456.789e2", "12345678"});
}

static void whole_numbers_of_any_size(void **state)
{
    char zeros[1002], wide[1200];
    (void)state;
    BECOMES("integer", {"12", "12"}, {"\"12\"", "12"}, {"\"007\"", "7"}, {"12.0", "12"}, {"\"12.00\"", "12"},
            {"1.5", NULL}, {"\"1.5\"", NULL}, {"1e-1", NULL}, {"1e3", "1000"}, {"-0", "0"}, {"true", "1"},
            {"9223372036854775808", "9223372036854775808"},
            {"\"123456789012345678901234567890\"", "123456789012345678901234567890"}, {"1e1000", NULL},
            {"1e999999999999", NULL}, {"\"x\"", NULL}, {"[]", NULL});
    memset(zeros, '0', 999);
    zeros[999] = '\0';
    (void)snprintf(wide, sizeof wide, "1%s", zeros);
    BECOMES("integer", {"1e999", wide}, {wide, wide});
}

static void numbers_keep_their_text(void **state)
{
    (void)state;
    BECOMES("number", {"1.50", "1.50"}, {"1E+5", "1E+5"}, {"1e400", "1e400"}, {"\"1e400\"", "1e400"},
            {"\"12\"", "12"}, {"\"0.10\"", "0.10"}, {"\"+012.50E05\"", "12.50E05"}, {"\".5\"", "0.5"},
            {"\"5.\"", "5"}, {"\"-.5e-3\"", "-0.5e-3"}, {"\"9223372036854775808\"", "9223372036854775808"},
            {"\"00\"", "0"}, {"\"-0\"", "-0"}, {"\".\"", NULL}, {"\"1e\"", NULL}, {"\"1e+\"", NULL},
            {"\"1.2.3\"", NULL}, {"\"1,5\"", NULL}, {"\"NaN\"", NULL}, {"\"Infinity\"", NULL},
            {"\"--1\"", NULL}, {"\"e5\"", NULL}, {"true", "1"}, {"false", "0"}, {"{}", NULL});
}

static void floats_are_the_nearest_and_say_so(void **state)
{
    (void)state;
    BECOMES("float64", {"5", "5.0"}, {"-0", "-0.0"}, {"0.1", "0.1"}, {"1.50", "1.50"}, {"1E5", "1E5"},
            {"\"5\"", "5.0"}, {"\" 5.25 \"", "5.25"}, {"9223372036854775808", "9.223372036854776e+18"},
            {"9007199254740993", "9007199254740992.0"}, {"0.12345678901234567890", "0.12345678901234568"},
            {"1e400", NULL}, {"-1e400", NULL}, {"\"1e400\"", NULL}, {"1e-400", NULL}, {"0e-400", "0e-400"},
            {"5e-324", "5e-324"}, {"4.94e-324", "5e-324"},
            {"1.7976931348623157e308", "1.7976931348623157e308"}, {"true", "1.0"}, {"false", "0.0"},
            {"\"NaN\"", NULL}, {"\"-Infinity\"", NULL}, {"\"\"", NULL}, {"\"1f\"", NULL}, {"[]", NULL});
    BECOMES("float32", {"0.1", "0.1"}, {"16777217", "16777216.0"}, {"123456789", "1.2345679e+08"},
            {"3.5e38", NULL}, {"1e-50", NULL}, {"1e-45", "1e-45"}, {"0.333333333333", "0.33333334"},
            {"3.4028235e38", "3.4028235e38"}, {"3.40282347e38", "3.4028235e+38"});
}

static void booleans(void **state)
{
    (void)state;
    BECOMES("boolean", {"true", "true"}, {"false", "false"}, {"1", "true"}, {"0", "false"}, {"0.0", "false"},
            {"0e5", "false"}, {"-0", "false"}, {"0.1", "true"}, {"-3", "true"}, {"1e-400", "true"},
            {"\"true\"", "true"}, {"\"FALSE\"", "false"}, {"\"Yes\"", "true"}, {"\"no\"", "false"},
            {"\"on\"", "true"}, {"\"off\"", "false"}, {"\"1\"", "true"}, {"\" 0 \"", "false"},
            {"\"2\"", NULL}, {"\"\"", NULL}, {"\"t\"", NULL}, {"\"truely\"", NULL}, {"[]", NULL},
            {"{}", NULL});
}

static void strings_have_the_text_that_was_there(void **state)
{
    (void)state;
    BECOMES("string", {"1.50", "\"1.50\""}, {"1e400", "\"1e400\""},
            {"9223372036854775808", "\"9223372036854775808\""}, {"true", "\"true\""}, {"false", "\"false\""},
            {"null", "null"}, {"\"\\u00e9\\ud800\"", "\"\\u00e9\\ud800\""}, {"[1]", NULL},
            {"{\"a\":1}", NULL});
}

static void what_happens_where_one_is_missing(void **state)
{
    (void)state;
    expect("as.a = int8\n", "{\"b\":1}", "{\"b\":1}");
    expect("as.a = int8\non-missing = null\n", "{\"b\":1}", "{\"b\":1,\"a\":null}");
    expect("as.a = int8\non-missing = drop\n", "{\"b\":1}", "(dropped)");
    expect("as.a.b = int8\non-missing = reject\n", "{\"a\":1}", "the field .a.b is missing");
    expect("as.a = int8\non-missing = reject\n", "{\"a\":null}", "{\"a\":null}");
}

static void what_happens_where_one_can_not_be_cast(void **state)
{
    const char *both = "as.a = int8\nas.b = string\n";
    (void)state;
    expect(both, "{\"a\":300,\"b\":2}", "the field .a can't become int8: it is out of range");
    expect(both, "{\"a\":3,\"b\":[]}", "the field .b can't become string: it is an array");
    expect("as.a = int8\nas.b = string\non-error = keep\n", "{\"a\":300,\"b\":2}", "{\"a\":300,\"b\":\"2\"}");
    expect("as.a = int8\nas.b = string\non-error = drop\n", "{\"a\":300,\"b\":2}", "(dropped)");
    expect("as.a = int8\nas.b = string\non-error = null\n", "{\"a\":300,\"b\":2}",
           "{\"a\":null,\"b\":\"2\"}");
    expect("to = int32\n", "\"x\"", "the value can't become int32: the text is no number");
    expect("to = int32\n", "{}", "the value can't become int32: it is an object");
    expect("to = int32\non-error = keep\n", "\"x\"", "\"x\"");
    expect("to = int32\non-error = drop\n", "\"x\"", "(dropped)");
}

static void what_else_comes_along(void **state)
{
    struct harness *h = harness_start("cast", WEIR_TRANSFORM, "as.a = int8\n");
    const char *in[] = {"{\"a\":1}", NULL, "{\"a\":", "{\"a\":\"2\"}"};
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, in, 4)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 4);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_PASS); /* nothing was changed */
    assert_null(harness_out_value(h, 1));
    assert_int_equal(harness_out(h, 2)->how, HARNESS_REJECT);
    assert_string_equal(harness_out_value(h, 3), "{\"a\":2}");
    harness_free(h);
    expect("as.a = int8\n", "{\"a\":1,\"b\":0,\"a\":\"2\"}", "{\"b\":0,\"a\":2}");
    expect("as.a[-1] = string\nas.\"odd key\" = int8\n", "{\"a\":[1,2],\"odd key\":\"3\"}",
           "{\"a\":[1,\"2\"],\"odd key\":3}");
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(harness_check("cast", WEIR_TRANSFORM, ""), "nothing is to be cast"));
    assert_non_null(strstr(harness_check("cast", WEIR_TRANSFORM, "to = int8\nas.a = int8\n"), "one of them"));
    assert_string_not_equal(harness_check("cast", WEIR_TRANSFORM, "as.a = none\n"), "");
    assert_string_not_equal(harness_check("cast", WEIR_TRANSFORM, "as.a = int31\n"), "");
    assert_non_null(strstr(harness_check("cast", WEIR_TRANSFORM, "as.a = int8\nas.\"a\" = string\n"),
                           "as.\"a\": as.a is the same field"));
    assert_non_null(strstr(harness_check("cast", WEIR_TRANSFORM, "as.b.c = int8\nas.b[\"c\"] = int8\n"),
                           "as.b.c is the same field"));
    assert_string_equal(harness_check("cast", WEIR_TRANSFORM, "as.a = int32\nas.b = int32\nas.b.a = int8\n"),
                        "");
    assert_string_equal(harness_check("cast", WEIR_TRANSFORM, "as.a = int32\nas.b.c = number\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_of_a_size),
        cmocka_unit_test(whole_numbers_of_any_size),
        cmocka_unit_test(numbers_keep_their_text),
        cmocka_unit_test(floats_are_the_nearest_and_say_so),
        cmocka_unit_test(booleans),
        cmocka_unit_test(strings_have_the_text_that_was_there),
        cmocka_unit_test(what_happens_where_one_is_missing),
        cmocka_unit_test(what_happens_where_one_can_not_be_cast),
        cmocka_unit_test(what_else_comes_along),
        cmocka_unit_test(options_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
