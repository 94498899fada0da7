/* SPDX-License-Identifier: BSD-2-Clause */
/* t-header.c - the transform header: what is set, replaced, added and removed. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct weir_header pair(const char *name, const char *value)
{
    return (struct weir_header){{name, strlen(name)}, {value, value ? strlen(value) : 0}};
}

static const char *shown_of(const struct harness_out *o, char *out, size_t cap)
{
    size_t n = 0;
    if (o->how == HARNESS_REJECT)
        return o->result.why;
    out[0] = '\0';
    for (uint32_t i = 0; i < o->record.n_headers; i++) {
        const struct weir_header *h = &o->record.headers[i];
        n += (size_t)snprintf(out + n, cap - n, "%s%.*s=%.*s", i ? " " : "", (int)h->name.len,
                              (const char *)h->name.ptr, h->value.ptr ? (int)h->value.len : 6,
                              h->value.ptr ? (const char *)h->value.ptr : "(null)");
        assert_true(n < cap);
    }
    return out;
}

/* A record with the value and the headers a=1, b=2, a=3, x-id=7 through one configuration: its headers then. */
static void expect(const char *options, const char *value, const char *out)
{
    struct weir_header headers[] = {pair("a", "1"), pair("b", "2"), pair("a", "3"), pair("x-id", "7")};
    struct weir_record record = harness_record("key", value);
    struct harness *h = harness_start("header", WEIR_TRANSFORM, options);
    char text[500];
    record.headers = headers;
    record.n_headers = 4;
    assert_int_equal(harness_process(h, harness_batch(h, &record, 1)), WEIR_OK);
    const char *shown = harness_out_count(h) ? shown_of(harness_out(h, 0), text, sizeof text) : "(dropped)";
    if (strcmp(shown, out) != 0)
        fail_msg("%s of %s: \"%s\", not \"%s\"", options, value ? value : "a tombstone", shown, out);
    if (harness_out_count(h) && harness_out(h, 0)->how != HARNESS_REJECT) {
        assert_string_equal(harness_out(h, 0)->record.key.ptr, "key");
        if (value)
            assert_string_equal(harness_out_value(h, 0), value);
        else
            assert_null(harness_out_value(h, 0));
    }
    harness_free(h);
}

static void headers_are_set(void **state)
{
    (void)state;
    expect("set.c = {.n}\n", "{\"n\":1.00}", "a=1 b=2 a=3 x-id=7 c=1.00");
    expect("set.c = {.n}-{topic}\nset.d =\n", "{\"n\":{\"m\":[1, 2]}}",
           "a=1 b=2 a=3 x-id=7 c={\"m\":[1, 2]}-t d=");
    expect("set.\"x.y-z\" = v\n", "no json", "a=1 b=2 a=3 x-id=7 x.y-z=v");
    expect("set.c = {header:a}\n", "1", "a=1 b=2 a=3 x-id=7 c=3");
}

static void those_of_the_name_are_replaced_kept_or_added_to(void **state)
{
    (void)state;
    expect("set.a = 9\n", "1", "b=2 x-id=7 a=9");
    expect("set.a = 9\nset.c = 8\nexisting = keep\n", "1", "a=1 b=2 a=3 x-id=7 c=8");
    expect("set.a = 9\nexisting = add\n", "1", "a=1 b=2 a=3 x-id=7 a=9");
    expect("set.\"x-id\" = {header:x-id}0\n", "1", "a=1 b=2 a=3 x-id=70");
}

static void headers_are_removed(void **state)
{
    (void)state;
    expect("remove = a\n", "1", "b=2 x-id=7");
    expect("remove = x-*, b\n", "1", "a=1 a=3");
    expect("remove = *\n", "1", "");
    expect("remove = *i*\n", "1", "a=1 b=2 a=3");
    expect("remove = x-*d*d, A, ab, *x, aa*\n", "1", "a=1 b=2 a=3 x-id=7");
    expect("remove = x-*d, *b*\n", "1", "a=1 a=3");
    expect("remove = a\nset.a = 9\nexisting = keep\n", "1", "b=2 x-id=7 a=9");
    expect("remove = none\n", NULL, "a=1 b=2 a=3 x-id=7");
}

static void what_is_missing(void **state)
{
    const char *why = "{.n} is missing: the JSON value has no such field; a default is written {...|default}";
    (void)state;
    expect("set.a = {.n}\n", "{}", why);
    expect("set.a = {.n}\non-missing = drop\n", "{}", "(dropped)");
    expect("set.a = {.n}\nset.c = 1\non-missing = keep\n", "{}", "a=1 b=2 a=3 x-id=7 c=1");
    expect("set.a = {.n}\non-missing = null\n", "{}", "b=2 x-id=7 a=(null)");
    expect("set.a = {.n|none}\n", "{}", "b=2 x-id=7 a=none");
    expect("set.a = {.n}\nset.c = 1\n", NULL, "a=1 b=2 a=3 x-id=7 c=1");
    expect("remove = a\n", NULL, "b=2 x-id=7");
}

static void refused(const char *options, const char *said)
{
    const char *all = harness_check("header", WEIR_TRANSFORM, options);
    if (!strstr(all, said))
        fail_msg("%s: %s", options, all);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    refused("", "there is nothing to do");
    refused("set.x-id = 1\n", "it reads like .user.id, .tags[0] or .\"odd-name\"");
    refused("set.a.b = 1\n", "set.a.b: a name with other characters");
    refused("set.a[0] = 1\n", "set.a[0]: a name with other characters");
    refused("set.\"a\".b = 1\n", "a name with other characters");
    refused("set.\"a\\u0020\" = 1\n", "can not hold a backslash");
    refused("set.\"\" = 1\n", "the name is empty");
    refused("set.a = 1\nset.\"a\" = 2\n", "set.\"a\": this name is there twice");
    refused("set.a = {x}\n", "unknown field");
}

static void headers_are_looked_at(void **state)
{
    struct harness *h = harness_start("header", WEIR_TRANSFORM, "remove = a\n");
    (void)state;
    assert_false(harness_promises(h) & WEIR_NO_HEADERS);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_set),
        cmocka_unit_test(those_of_the_name_are_replaced_kept_or_added_to),
        cmocka_unit_test(headers_are_removed),
        cmocka_unit_test(what_is_missing),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(headers_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
