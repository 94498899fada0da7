/* SPDX-License-Identifier: BSD-2-Clause */
/* t-flatten.c - the transform flatten: names, twins of names, arrays, limits. */
#include "one_value.h"

#include <stdlib.h>

#define expect(options, in, out) expect_becomes("flatten", options, in, out)

static void names_say_where_a_field_stood(void **state)
{
    (void)state;
    expect("", "{\"a\":{\"b\":1}}", "{\"a.b\":1}");
    expect("", " { \"a\" : { \"b\" : 1.50 , \"c\":{\"d\":\"x, }\"}, \"e\":null } , \"f\":[ 1, {\"g\":2} ] } ",
           "{\"a.b\":1.50,\"a.c.d\":\"x, }\",\"a.e\":null,\"f\":[ 1, {\"g\":2} ]}");
    expect("delimiter = _\n", "{\"a\":{\"b\":{\"c\":-1e400}},\"d\":true}", "{\"a_b_c\":-1e400,\"d\":true}");
    expect("delimiter = \" \\\" \"\n", "{\"a\":{\"b\":1}}", "{\"a \\\\\\\" b\":1}");
    expect("delimiter = ::\n", "{\"a\":{\"\":{\"b\":9223372036854775808}}}",
           "{\"a::::b\":9223372036854775808}");
    expect("", "{}", "{}");
    expect("", "{\"a\":{},\"b\":{\"c\":{}}}", "{}");
    expect("", "{\"a\":{},\"b\":[]}", "{\"b\":[]}");
    expect("", NULL, "(tombstone)");
}

static void names_keep_what_they_say(void **state)
{
    (void)state;
    expect("", "{\"\\u0061\\/\\n\":{\"\xc3\xa9\":1}}", "{\"a/\\n.\xc3\xa9\":1}");
    expect("", "{\"\\ud800\":{\"b\":\"\\ud800\"}}", "{\"\xef\xbf\xbd.b\":\"\\ud800\"}");
}

static void arrays_may_be_flattened(void **state)
{
    const char *options = "arrays = index\n";
    (void)state;
    expect(options, "{\"a\":[1,{\"b\":2},[3, []]],\"c\":[]}", "{\"a.0\":1,\"a.1.b\":2,\"a.2.0\":3}");
    expect(
        options, "{\"a\":[0,1,2,3,4,5,6,7,8,9,10]}",
        "{\"a.0\":0,\"a.1\":1,\"a.2\":2,\"a.3\":3,\"a.4\":4,\"a.5\":5,\"a.6\":6,\"a.7\":7,\"a.8\":8,\"a.9\":"
        "9,\"a.10\":10}");
    expect(options, "{\"a\":[1,1],\"a.1\":2}", "{\"a.0\":1,\"a.1\":2}");
}

static void of_one_name_the_last_stays(void **state)
{
    (void)state;
    expect("", "{\"a.b\":1,\"a\":{\"b\":2},\"c\":3}", "{\"a.b\":2,\"c\":3}");
    expect("", "{\"a\":{\"b\":2},\"c\":3,\"a.b\":{}}", "{\"a.b\":2,\"c\":3}");
    expect("", "{\"a\":{\"b\":2},\"a.b\":1}", "{\"a.b\":1}");
    expect("", "{\"a\":{\"c\":1,\"d\":{\"e\":1}},\"b\":0,\"a\":{\"d\":{\"x\":2}}}", "{\"b\":0,\"a.d.x\":2}");
    expect("", "{\"a\":{\"c\":1},\"a\":{}}", "{}");
    expect("", "{\"a\":{},\"a\":{\"c\":1}}", "{\"a.c\":1}");
    expect("", "{\"a\":{\"c\":1},\"\\u0061\":7}", "{\"a\":7}");
    expect("delimiter = --\n", "{\"a-\":{\"b\":1},\"a\":{\"-b\":2}}", "{\"a---b\":2}");
    expect("delimiter =\n", "{\"a\":{\"bc\":1},\"ab\":{\"c\":2},\"b\":3}", "{\"abc\":2,\"b\":3}");
}

/* So many names are sorted. */
static void of_many_names_the_last_stays(void **state)
{
    char in[4000], out[4000];
    size_t n = 0, k = 0;
    (void)state;
    n += (size_t)snprintf(in + n, sizeof in - n, "{\"o\":{");
    k += (size_t)snprintf(out + k, sizeof out - k, "{");
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 60; i++) {
            n += (size_t)snprintf(in + n, sizeof in - n, "\"n%d\":{%s\"v\":%d},", i, i % 3 ? "" : "\"w\":0,",
                                  round);
            if (round == 1 && i % 3 == 0)
                k += (size_t)snprintf(out + k, sizeof out - k, "\"o.n%d.w\":0,", i);
            if (round == 1)
                k += (size_t)snprintf(out + k, sizeof out - k, "\"o.n%d.v\":1,", i);
        }
    (void)snprintf(in + n - 1, sizeof in - n + 1, "}}");
    (void)snprintf(out + k - 1, sizeof out - k + 1, "}");
    expect("", in, out);
}

static void a_field_may_be_flattened_alone(void **state)
{
    const char *options = "field = .x.y\n";
    (void)state;
    expect(options, "{ \"a\":{\"b\":1}, \"x\":{\"y\": {\"c\":{\"d\":2}} } }",
           "{ \"a\":{\"b\":1}, \"x\":{\"y\": {\"c.d\":2} } }");
    expect(options, "{\"x\":{}}", "the field is missing");
    expect(options, "{\"x\":{\"y\":[]}}", "the field is not an object");
    expect("field = .x.y\non-missing = keep\n", "{}", "{}");
    expect("field = .x.y\non-missing = null\n", "{}", "{\"x\":{\"y\":null}}");
    expect("field = .x\non-missing = drop\n", "{\"x\":1}", "(dropped)");
}

static void what_a_name_not_meant_holds_does_not_come_out(void **state)
{
    (void)state;
    expect("", "{\"u\":{\"s\":1},\"u\":5}", "{\"u\":5}");
    expect("field = .u.c\non-missing = keep\n", "{\"u\":{\"c\":{\"s\":1}},\"u\":5}", HIDDEN);
    expect("field = .u\n", "{\"u\":{\"s\":{\"t\":1}},\"u\":{\"a\":{\"b\":1}}}", "{\"u\":{\"a.b\":1}}");
}

static void what_is_no_object(void **state)
{
    (void)state;
    expect("", "[1]", "the value is not an object");
    expect("on-missing = keep\n", "7", "7");
    expect("on-missing = drop\n", "7", "(dropped)");
    expect("on-missing = null\n", "7", "null");
    expect("", "{\"a\":", "the value is not JSON: the text ends where a value must stand");
    expect("on-missing = keep\n", "{\"a\"}", "the value is not JSON: a colon is missing behind a name");
}

static void what_grows_has_a_limit(void **state)
{
    char in[3000];
    size_t n = (size_t)snprintf(in, sizeof in, "{\"%0200d\":{", 0);
    (void)state;
    for (int i = 0; i < 200; i++)
        n += (size_t)snprintf(in + n, sizeof in - n, "\"%d\":%d,", i, i);
    (void)snprintf(in + n - 1, sizeof in - n + 1, "}}");
    expect("max-bytes = 30K\n", in, "the value would become more than max-bytes, 30720");
    struct harness *h = harness_start("flatten", WEIR_TRANSFORM, "max-bytes = 50K\n");
    const char *values[] = {in, in};
    assert_int_equal(harness_process(h, harness_values(h, values, 2)), WEIR_OK);
    assert_int_equal(harness_out(h, 1)->record.value.len, 200 * (200 + 1 + 4) + 490 * 2 + 1);
    harness_free(h);
}

/* A pass that began again at each level, or compared each name with each, would need minutes. */
static void depth_and_width_cost_no_square(void **state)
{
    enum { DEEP = 490, WIDE = 20000, MOST = DEEP * 6 + WIDE * 16 };
    char *in = malloc(MOST);
    size_t n = 0;
    (void)state;
    for (int i = 0; i < DEEP; i++)
        n += (size_t)snprintf(in + n, MOST - n, "{\"\":");
    n += (size_t)snprintf(in + n, MOST - n, "{");
    for (int i = 0; i < WIDE; i++)
        n += (size_t)snprintf(in + n, MOST - n, "\"%d.\":0,", i % (WIDE / 2));
    in[n - 1] = '}';
    memset(in + n, '}', DEEP);
    in[n + DEEP] = '\0';
    struct harness *h = harness_start("flatten", WEIR_TRANSFORM, "max-bytes = 128M\n");
    const char *value = in;
    assert_int_equal(harness_process(h, harness_values(h, &value, 1)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_EMIT);
    n = 0;
    for (const char *p = harness_out_value(h, 0); *p; p++)
        n += *p == ':';
    assert_int_equal(n, WIDE / 2);
    harness_free(h);
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_say_where_a_field_stood),
        cmocka_unit_test(names_keep_what_they_say),
        cmocka_unit_test(arrays_may_be_flattened),
        cmocka_unit_test(of_one_name_the_last_stays),
        cmocka_unit_test(of_many_names_the_last_stays),
        cmocka_unit_test(a_field_may_be_flattened_alone),
        cmocka_unit_test(what_a_name_not_meant_holds_does_not_come_out),
        cmocka_unit_test(what_is_no_object),
        cmocka_unit_test(what_grows_has_a_limit),
        cmocka_unit_test(depth_and_width_cost_no_square),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
