/* SPDX-License-Identifier: BSD-2-Clause */
/* t-transforms.c - the transforms filter and case. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct harness *run(const char *plugin, const char *options, const char *const *values, uint32_t n)
{
    struct harness *h = harness_start(plugin, WEIR_TRANSFORM, options);
    assert_int_equal(harness_process(h, harness_values(h, values, n)), WEIR_OK);
    return h;
}

/* One value through one configuration: what comes out, or why not. */
static void expect(const char *plugin, const char *options, const char *in, const char *out)
{
    struct harness *h = run(plugin, options, &in, 1);
    assert_int_equal(harness_out_count(h), 1);
    if (harness_out(h, 0)->how == HARNESS_REJECT)
        assert_string_equal(harness_out(h, 0)->result.why, out);
    else if (out)
        assert_string_equal(harness_out_value(h, 0), out);
    else
        assert_null(harness_out_value(h, 0));
    harness_free(h);
}

static void filter_keeps_what_matches(void **state)
{
    const char *in[] = {"{\"s\":500}", "{\"s\":200}", "{\"s\":501}", "{\"s\":502}", "{}"};
    struct harness *h = run("filter", "when = .s >= 500\n", in, 5);
    (void)state;
    assert_int_equal(harness_out_count(h), 3);
    assert_int_equal(harness_out(h, 0)->parent, 0);
    assert_int_equal(harness_out(h, 1)->parent, 2);
    assert_int_equal(harness_out(h, 2)->parent, 3);
    assert_int_equal(harness_out(h, 2)->how, HARNESS_PASS);
    harness_free(h);
}

static void filter_rejects_with_the_reason_of_each(void **state)
{
    const char *in[] = {"{\"a\":{}}", "{\"a\":\"x\"}", "{\"a\":[]}", "no json"};
    struct harness *h = run("filter", "when = .a | startswith(\"x\")\n", in, 4);
    (void)state;
    assert_int_equal(harness_out_count(h), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct harness_out *o = harness_out(h, i);
        assert_int_equal(o->how, o->parent == 1 ? HARNESS_PASS : HARNESS_REJECT);
        if (o->how == HARNESS_REJECT)
            assert_true(strlen(o->result.why) > 5);
    }
    harness_free(h);
}

/* Without it the host prints what earlier stages edited before each of them, instead of once behind all. */
static void one_output_at_most_is_promised(void **state)
{
    const char *one[] = {"{\"s\":\"a\"}"};
    struct harness *f = run("filter", "when = .s == \"a\"\n", one, 1);
    assert_true(harness_ops(f)->promises & WEIR_ONE_TO_ONE);
    harness_free(f);
    struct harness *c = run("case", "to = upper\nfield = .s\n", one, 1);
    assert_true(harness_ops(c)->promises & WEIR_ONE_TO_ONE);
    harness_free(c);
    (void)state;
}

static void filter_needs_an_expression(void **state)
{
    (void)state;
    assert_string_not_equal(harness_check("filter", WEIR_TRANSFORM, ""), "");
}

static void case_of_the_whole_value(void **state)
{
    (void)state;
    expect("case", "to = upper\n", "abc @[`{ xyz 09", "ABC @[`{ XYZ 09");
    expect("case", "to = lower\n", "ABC @[`{ XYZ 09", "abc @[`{ xyz 09");
    expect("case", "to = upper\n", "ABC", "ABC");
    expect("case", "to = upper\n", "", "");
    expect("case", "to = upper\n", NULL, NULL);
    expect("case", "to = upper\n",
           "stra\xc3\x9f"
           "e \xc3\xa9",
           "STRASSE \xc3\x89");
    expect("case", "to = lower\n", "\xce\x9f\xce\x94\xce\x9f\xce\xa3", "\xce\xbf\xce\xb4\xce\xbf\xcf\x82");
    expect("case", "to = upper\n", "a\xff", "the text is not UTF-8, so it has no upper and lower case");
}

static void case_grows_beyond_its_buffer(void **state)
{
    char in[2001], out[4001];
    (void)state;
    for (size_t i = 0; i < 1000; i++)
        memcpy(in + 2 * i, "\xc5\x89", 2); /* one letter that becomes two, of three bytes */
    in[2000] = '\0';
    for (size_t i = 0; i < 1000; i++)
        memcpy(out + 3 * i, "\xca\xbcN", 3);
    out[3000] = '\0';
    expect("case", "to = upper\n", in, out);
}

static void case_of_a_field(void **state)
{
    const char *options = "to = upper\nfield = .a.b\n";
    (void)state;
    expect("case", options, "{ \"a\": {\"b\":\"x\\u00e9y\", \"c\":1.00} }",
           "{ \"a\": {\"b\":\"X\xc3\x89Y\", \"c\":1.00} }");
    expect("case", options, "{\"a\":{\"b\":\"XY\"}}", "{\"a\":{\"b\":\"XY\"}}");
    expect("case", options, "{\"a\":{\"b\":7}}", "{\"a\":{\"b\":7}}");
    expect("case", options, "{\"a\":{}}", "{\"a\":{}}");
    expect("case", options, NULL, NULL);
    expect("case", "to = upper\nfield = .a\non-missing = reject\n", "{}", "the field is missing");
    expect("case", "to = upper\nfield = .a\non-missing = reject\n", "{\"a\":[]}",
           "the field is not a string");
}

static void case_rejects_what_is_no_json(void **state)
{
    const char *in[] = {"{\"a\":\"x\"}", "no", "{\"a\":\"Y\"}"};
    struct harness *h = run("case", "to = upper\nfield = .a\n", in, 3);
    (void)state;
    assert_int_equal(harness_out_count(h), 3);
    assert_string_equal(harness_out_value(h, 0), "{\"a\":\"X\"}");
    assert_int_equal(harness_out(h, 1)->how, HARNESS_REJECT);
    assert_int_equal(harness_out(h, 2)->how, HARNESS_PASS);
    harness_free(h);
}

static void case_passes_runs_around_a_change(void **state)
{
    const char *in[] = {"A", "B", "c", "D", NULL, "e"};
    const char *out[] = {"A", "B", "C", "D", NULL, "E"};
    struct harness *h = run("case", "to = upper\n", in, 6);
    (void)state;
    assert_int_equal(harness_out_count(h), 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(harness_out(h, i)->parent, i);
        if (out[i])
            assert_string_equal(harness_out_value(h, i), out[i]);
    }
    harness_free(h);
}

static void case_needs_a_direction(void **state)
{
    (void)state;
    assert_string_not_equal(harness_check("case", WEIR_TRANSFORM, "field = .a\n"), "");
    assert_string_not_equal(harness_check("case", WEIR_TRANSFORM, "to = title\n"), "");
    assert_string_equal(harness_check("case", WEIR_TRANSFORM, "to = lower\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filter_keeps_what_matches),
        cmocka_unit_test(filter_rejects_with_the_reason_of_each),
        cmocka_unit_test(one_output_at_most_is_promised),
        cmocka_unit_test(filter_needs_an_expression),
        cmocka_unit_test(case_of_the_whole_value),
        cmocka_unit_test(case_grows_beyond_its_buffer),
        cmocka_unit_test(case_of_a_field),
        cmocka_unit_test(case_rejects_what_is_no_json),
        cmocka_unit_test(case_passes_runs_around_a_change),
        cmocka_unit_test(case_needs_a_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
