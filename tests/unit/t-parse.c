/* SPDX-License-Identifier: BSD-2-Clause */
/* t-parse.c - the transform parse: where the text comes from, where the result goes, types, json and logfmt. */
#include "parse_test.h"

static void logfmt(void **state)
{
    (void)state;
    PARSE_ROWS("format = logfmt\n",
               {"level=info msg=\"a \\\"b\\\"\" took=0.50 ok", "{\"level\":\"info\",\"msg\":\"a \\\"b\\\"\","
                                                               "\"took\":\"0.50\",\"ok\":true}"},
               {" a=1\tb=2 \n", "{\"a\":\"1\",\"b\":\"2\"}"}, {"a=", "{\"a\":\"\"}"},
               {"a=\"\" b", "{\"a\":\"\",\"b\":true}"}, {"a=b=c d=x\"y", "{\"a\":\"b=c\",\"d\":\"x\\\"y\"}"},
               {"a=\"\\u00e4\\ud83d\\ude00\\ud800\\n\\q\\u12\"", "{\"a\":\"ä😀\xef\xbf\xbd\\nqu12\"}"},
               {"a=1 b=2 a=3", "{\"b\":\"2\",\"a\":\"3\"}"}, {"a=1 a=2 a=3", "{\"a\":\"3\"}"},
               {"a=\"1", "! quote of the field a is not closed"}, {"a=\"1\\\"", "! not closed"},
               {"a=\"1\\", "! not closed"}, {"a=\"1\"b", "! behind the closing quote of the field a"},
               {"=1", "! at byte 0 stands no key"}, {"a=1 \"b\"=2", "! at byte 4 stands no key"},
               {"GET / 200", "! no key=value"}, {"", "! no key=value"}, {" ", "! no key=value"},
               {"a=\xff", "! the field a is not UTF-8"},
               {"\xff=a", "! the name of its field 1 is not UTF-8"});
    PARSE_ROWS(
        "format = logfmt\ntypes = auto\n",
        {"a=1 b=-0.50 c=1e400 d=007 e=true f=TRUE g=\"5\" h=.5 i=+1 j=null k=9223372036854775808 l= m=-",
         "{\"a\":1,\"b\":-0.50,\"c\":1e400,\"d\":\"007\",\"e\":true,\"f\":\"TRUE\",\"g\":\"5\",\"h\":\".5\","
         "\"i\":\"+1\",\"j\":\"null\",\"k\":9223372036854775808,\"l\":\"\",\"m\":\"-\"}"});
}

/* Every length up to some blocks of eight bytes, with each odd character at every place. */
static void odd_characters_anywhere(void **state)
{
    static const struct {
        const char *is, *json;
    } odd[] = {{"\"", "\\\""},   {"\\", "\\\\"}, {"\x1f", "\\u001f"},
               {"\x7f", "\x7f"}, {"~", "~"},     {"\xc2\x80", "\xc2\x80"}};
    static const char plain[] = "abcdefghijklmnopqrst";
    (void)state;
    for (size_t o = 0; o < sizeof odd / sizeof odd[0]; o++) {
        struct harness *h = harness_start("parse", WEIR_TRANSFORM, "format = logfmt\n");
        for (int n = 0; n < 20; n++)
            for (int at = 0; at <= n; at++) {
                char in[64], out[64];
                const char *value = in;
                (void)snprintf(in, sizeof in, "k=x%.*s%s%.*s", at, plain, odd[o].is, n - at, plain + at);
                (void)snprintf(out, sizeof out, "{\"k\":\"x%.*s%s%.*s\"}", at, plain, odd[o].json, n - at,
                               plain + at);
                harness_out_clear(h);
                assert_int_equal(harness_process(h, harness_values(h, &value, 1)), WEIR_OK);
                assert_string_equal(harness_out_value(h, 0), out);
            }
        harness_free(h);
    }
}

static void types_of_fields(void **state)
{
    (void)state;
    PARSE_ROWS(
        "format = logfmt\ntypes.i = integer\ntypes.n = number\ntypes.b = boolean\ntypes.s = string\n",
        {"i=007 n=.50 b=Yes s=1", "{\"i\":7,\"n\":0.50,\"b\":true,\"s\":\"1\"}"},
        {"i=-0 n=-00.5e+7 b=OFF", "{\"i\":-0,\"n\":-0.5e+7,\"b\":false}"},
        {"i=+18446744073709551616 n=1e400 b=0", "{\"i\":18446744073709551616,\"n\":1e400,\"b\":false}"},
        {"i= n= b= s=", "{\"i\":null,\"n\":null,\"b\":null,\"s\":\"\"}"}, {"i=\"12\"", "{\"i\":12}"},
        {"i=1.0", "! the field i is \"1.0\", which is no integer"}, {"i=-", "! no integer"},
        {"i=0x1", "! no integer"}, {"n=1.", "! no number"}, {"n=1e", "! no number"}, {"n=NaN", "! no number"},
        {"n=-.", "! no number"}, {"n=+-1", "! no number"}, {"n=1e+", "! no number"}, {"n=e5", "! no number"},
        {"b=2", "! no boolean"}, {"b=1 s", "{\"b\":true,\"s\":true}"});
}

static void json_in_a_string(void **state)
{
    (void)state;
    PARSE_ROWS("format = json\nfield = .log\n",
               {"{\"log\":\"{\\\"a\\\":1.0,\\\"b\\\":[1e400, 2]}\",\"t\":1}",
                "{\"t\":1,\"a\":1.0,\"b\":[1e400, 2]}"},
               {"{ \"t\" : 1 , \"log\":\" { } \" }", "{ \"t\" : 1 }"},
               {"{\"log\":\"{\\\"t\\\":2,\\\"log\\\":3}\",\"t\":1}", "{\"t\":2,\"log\":3}"},
               {"{\"log\":\"{\\\"a\\\":1,\\\"a\\\":2}\"}", "{\"a\":2}"},
               {"{\"a\\u0062\":0,\"log\":\"{\\\"\\\\u0061b\\\":1}\"}", "{\"ab\":1}"},
               {"{\"a\\\"\":0,\"log\":\"{\\\"a\\\\\\\"\\\":1}\"}", "{\"a\\\"\":1}"},
               {"{\"log\":\"[1]\"}", "! no members"}, {"{\"log\":\"{\"}", "! not JSON"},
               {"{\"log\":\"{}x\"}", "! not JSON"}, {"{\"log\":\"\"}", "! not JSON"},
               {"{\"log\":{\"a\":1}}", "{\"log\":{\"a\":1}}"}, {"{}", "{}"}, {"x", "! "},
               {"{\"log\":\"{\\\"a\\\":\\\"\\\\ud800\\\"}\"}", "{\"a\":\"\\ud800\"}"});
    PARSE_ROWS("format = json\nfield = .a.log\nkeep-field = yes\n",
               {"{\"a\":{\"log\":\"{\\\"x\\\":1}\"}}", "{\"a\":{\"log\":\"{\\\"x\\\":1}\"},\"x\":1}"});
    PARSE_ROWS("format = json\nfield = .a.log\n",
               {"{\"a\":{\"log\":\"{\\\"x\\\":1}\",\"y\":2}}", "{\"a\":{\"y\":2},\"x\":1}"},
               {"{\"a\":{\"log\":\"{\\\"a\\\":{\\\"log\\\":3}}\",\"y\":2}}", "{\"a\":{\"log\":3}}"});
    PARSE_ROWS("format = json\nfield = .a.log\nbeside = .a\n",
               {"{\"a\":{\"log\":\"{\\\"x\\\":1}\",\"y\":2}}", "{\"a\":{\"y\":2,\"x\":1}}"});
    PARSE_ROWS("format = json\nfield = .a\nbeside = .b\n", {"{\"a\":\"{}\"}", "{\"b\":{}}"},
               {"{\"a\":\"{}\",\"b\":[]}", "! what is to get the members is not an object"});
    PARSE_ROWS("format = json\nfield = .log\ninto = .log\n",
               {"{\"log\":\"[1,{\\\"a\\\":1.0}]\",\"t\":1}", "{\"log\":[1,{\"a\":1.0}],\"t\":1}"});
    PARSE_ROWS("format = json\nfield = .log\ninto = .parsed\n",
               {"{\"log\":\"5\",\"t\":1}", "{\"t\":1,\"parsed\":5}"},
               {"{\"parsed\":{\"old\":1},\"log\":\"{}\"}", "{\"parsed\":{}}"});
    PARSE_ROWS("format = json\nfield = .log\ninto = .parsed\nkeep-field = yes\n",
               {"{\"log\":\"5\"}", "{\"log\":\"5\",\"parsed\":5}"});
    PARSE_ROWS("format = json\nfield = .\ninto = .a\n", {"\"[1]\"", "{\"a\":[1]}"});
    PARSE_ROWS("format = json\nfield = .\nbeside = .a.b\n",
               {"\"{\\\"c\\\":1}\"", "{\"a\":{\"b\":{\"c\":1}}}"});
    PARSE_ROWS("format = json\nfield = .a\nbeside = .a.b\n",
               {"{\"a\":\"{\\\"c\\\":1}\",\"z\":2}", "{\"z\":2,\"a\":{\"b\":{\"c\":1}}}"});
    PARSE_ROWS("format = json\nfield = .\n", {"\"{\\\"a\\\":1}\"", "{\"a\":1}"}, {"{}", "{}"});
    PARSE_ROWS("format = json\n", {" {\"a\":1} ", " {\"a\":1} "}, {"{", "! not JSON"});
}

static void what_becomes_of_the_others(void **state)
{
    (void)state;
    PARSE_ROWS("format = logfmt\non-error = drop\n", {"a", "-"}, {"a=1", "{\"a\":\"1\"}"});
    PARSE_ROWS("format = logfmt\nfield = .a\non-missing = reject\n", {"{}", "! the field is missing"},
               {"{\"a\":1}", "! the field is not a string"});
    PARSE_ROWS("format = logfmt\nfield = .a\non-missing = null\n", {"{\"b\":1}", "{\"b\":1,\"a\":null}"});
    PARSE_ROWS("format = logfmt\nfield = .a\non-missing = drop\n", {"{}", "-"});
    struct harness *h = harness_start("parse", WEIR_TRANSFORM, "format = logfmt\non-error = keep\n");
    const char *const in[] = {"a", "b"};
    assert_int_equal(harness_process(h, harness_values(h, in, 2)), WEIR_OK);
    assert_string_equal(harness_out_value(h, 0), "a");
    assert_int_equal(harness_metric(h, 0), 2);
    assert_int_equal(harness_logged(h, "no key=value in it; further ones are counted only"), 1);
    harness_free(h);
}

static void more_than_is_allowed(void **state)
{
    static char text[8192], *p = text;
    (void)state;
    for (int i = 0; i <= 1000; i++)
        p += snprintf(p, (size_t)(text + sizeof text - p), "k%d= ", i);
    parse_rows("format = logfmt\n", &(struct parse_row){text, "! it has more than 1000 fields"}, 1);
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    assert_non_null(
        strstr(harness_check("parse", WEIR_TRANSFORM, "format = json\ninto = .a\n"), "needs field"));
    assert_non_null(
        strstr(harness_check("parse", WEIR_TRANSFORM, "format = json\nkeep-field = yes\n"), "needs field"));
    assert_non_null(
        strstr(harness_check("parse", WEIR_TRANSFORM, "format = json\ntypes = auto\n"), "types of its own"));
    assert_non_null(
        strstr(harness_check("parse", WEIR_TRANSFORM, "format = logfmt\ntypes.a = float\n"), "float"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt),
        cmocka_unit_test(odd_characters_anywhere),
        cmocka_unit_test(types_of_fields),
        cmocka_unit_test(json_in_a_string),
        cmocka_unit_test(what_becomes_of_the_others),
        cmocka_unit_test(more_than_is_allowed),
        cmocka_unit_test(options_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
