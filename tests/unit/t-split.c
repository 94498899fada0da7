/* SPDX-License-Identifier: BSD-2-Clause */
/* t-split.c - the transform split: what comes out of an array or of lines. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One value through one configuration: what comes out, each followed by a line feed; or why it failed. */
static void expect(const char *options, const char *in, const char *out)
{
    struct harness *h = harness_start("split", WEIR_TRANSFORM, options);
    char text[2000];
    size_t n = 0;
    text[0] = '\0';
    assert_int_equal(harness_process(h, harness_values(h, &in, 1)), WEIR_OK);
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct harness_out *o = harness_out(h, i);
        const char *value = harness_out_value(h, i);
        const char *shown = o->how == HARNESS_REJECT ? o->result.why : value ? value : "(tombstone)";
        assert_true(n < sizeof text);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s|", shown);
        assert_int_equal(o->record.sub, i);
    }
    assert_string_equal(text, out);
    harness_free(h);
}

static void elements_of_an_array(void **state)
{
    (void)state;
    expect("", "[1,2.50,\"a\"]", "1|2.50|\"a\"|");
    expect("", " [ {\"a\":[1,2]} , [3,4],\n\"x,]\\\"\\\\\" ,null,true, -1e400 ] ",
           "{\"a\":[1,2]}|[3,4]|\"x,]\\\"\\\\\"|null|true|-1e400|");
    expect("", "[]", "");
    expect("", "[ ]", "");
    expect("", "[[[]],[{}]]", "[[]]|[{}]|");
    expect("field = .a.b\n", "{\"a\":{\"b\":[1,{\"c\":2}],\"d\":3}}", "1|{\"c\":2}|");
    expect("", NULL, "(tombstone)|");
}

static void the_record_around_an_element_may_stay(void **state)
{
    (void)state;
    expect("field = .a.b\nkeep = record\n", "{\"a\":{ \"b\":[1,{\"c\":2}],\"d\":1.00}}",
           "{\"a\":{ \"b\":1,\"d\":1.00}}|{\"a\":{ \"b\":{\"c\":2},\"d\":1.00}}|");
    expect("field = .a\nkeep = record\n", "{\"a\":[]}", "");
}

static void what_is_no_array(void **state)
{
    (void)state;
    expect("", "{}", "the value is not an array|");
    expect("field = .a\n", "{}", "the field is missing|");
    expect("field = .a\n", "{\"a\":1}", "the field is not an array|");
    expect("field = .a.b\n", "{\"a\":{\"b\":[1]},\"a\":5}",
           "a name above a field stands twice in its object, and the field below the one that is not meant|");
    expect("field = .a\non-missing = keep\n", "{\"a\":1}", "{\"a\":1}|");
    expect("field = .a\non-missing = drop\n", "{\"a\":1}", "");
    struct harness *h = harness_start("split", WEIR_TRANSFORM, "on-missing = keep\n");
    const char *bad = "[1,";
    assert_int_equal(harness_process(h, harness_values(h, &bad, 1)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT);
    harness_free(h);
}

static void more_than_is_allowed_is_a_record_error(void **state)
{
    char in[3000];
    size_t n = (size_t)snprintf(in, sizeof in, "{\"a\":[");
    (void)state;
    for (int i = 0; i < 500; i++)
        n += (size_t)snprintf(in + n, sizeof in - n, "%d,", i % 10);
    (void)snprintf(in + n - 1, sizeof in - n + 1, "],\"b\":\"%0100d\"}", 0);
    expect("field = .a\nmax-records = 499\n", in, "the array has more than max-records elements|");
    expect("field = .a\nmax-bytes = 50K\nkeep = record\n", in,
           "its elements would become more than max-bytes|");
    expect("by = line\nmax-records = 2\n", "a\nb\n", "a|b|");
    expect("by = line\nmax-records = 2\n", "a\nb\nc", "it has more than max-records lines|");
}

static void lines_of_a_text(void **state)
{
    (void)state;
    expect("by = line\n", "a\nb\r\n\nc", "a|b||c|");
    expect("by = line\n", "a\n", "a|");
    expect("by = line\n", "\n", "|");
    expect("by = line\n", "", "");
    expect("by = line\n", "a\r", "a\r|");
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    assert_non_null(strstr(harness_check("split", WEIR_TRANSFORM, "by = line\nfield = .a\n"), "whole value"));
    assert_non_null(strstr(harness_check("split", WEIR_TRANSFORM, "keep = record\n"), "needs field"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_of_an_array), cmocka_unit_test(the_record_around_an_element_may_stay),
        cmocka_unit_test(what_is_no_array),     cmocka_unit_test(more_than_is_allowed_is_a_record_error),
        cmocka_unit_test(lines_of_a_text),      cmocka_unit_test(options_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
