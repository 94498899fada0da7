/* SPDX-License-Identifier: BSD-2-Clause */
/* t-key.c - the transform key: an object of fields, a text, none. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A value with the key "old" through one configuration: the key then. */
static void expect(const char *options, const char *value, const char *key)
{
    struct harness *h = harness_start("key", WEIR_TRANSFORM, options);
    struct weir_record record = harness_record("old", value);
    const char *shown = "(dropped)";
    assert_int_equal(harness_process(h, harness_batch(h, &record, 1)), WEIR_OK);
    if (harness_out_count(h)) {
        const struct harness_out *o = harness_out(h, 0);
        shown = o->how == HARNESS_REJECT ? o->result.why : o->record.key.ptr ? o->record.key.ptr : "(none)";
        if (o->how != HARNESS_REJECT && value)
            assert_string_equal(harness_out_value(h, 0), value);
    }
    if (strcmp(shown, key) != 0)
        fail_msg("%s of %s: \"%s\", not \"%s\"", options, value ? value : "a tombstone", shown, key);
    harness_free(h);
}

static void an_object_of_fields(void **state)
{
    const char *options = "field.id = {.user.id}\nfield.region = {.region}\n";
    (void)state;
    expect(options, "{\"region\":\"e\\u0075\",\"user\":{\"id\":9223372036854775808.00}}",
           "{\"id\":9223372036854775808.00,\"region\":\"e\\u0075\"}");
    expect(options, "{\"user\":{\"id\":[1, {}]},\"region\":null}", "{\"id\":[1, {}],\"region\":null}");
    expect(options, "{\"user\":{\"id\":1,\"id\":2},\"region\":\"\\ud800\"}",
           "{\"id\":2,\"region\":\"\\ud800\"}");
    expect("field.at = {topic}-{.n}\nfield.\"a b\" = {.n}\n", "{\"n\":1e400}",
           "{\"at\":\"t-1e400\",\"a b\":1e400}");
    expect("field.all = {.}\n", " [1] ", "{\"all\":[1]}");
}

static void a_text(void **state)
{
    (void)state;
    expect("template = {.user}-{.id}\n", "{\"user\":\"a\",\"id\":7.0}", "a-7.0");
    expect("template = {key}+\n", "no json", "old+");
    expect("template = {.a|}\n", "{}", "");
}

static void no_key(void **state)
{
    (void)state;
    expect("remove = yes\n", "no json", "(none)");
    expect("remove = yes\n", NULL, "(none)");
}

static void what_is_missing(void **state)
{
    const char *text =
        "{.id} is missing: the JSON value has no such field; a default is written {...|default}";
    (void)state;
    expect("field.n = {.id}\n", "{}", "the key's {.id} is missing");
    expect("field.n = {.id}\non-missing = keep\n", "{}", "old");
    expect("field.n = {.id}\non-missing = drop\n", "{}", "(dropped)");
    expect("field.n = {.id}\nfield.m = 1{.id}\nfield.o = {.o}\non-missing = null\n", "{\"o\":1}",
           "{\"n\":null,\"m\":null,\"o\":1}");
    expect("template = {.id}\n", "{}", text);
    expect("template = {.id}\non-missing = keep\n", "{}", "old");
    expect("template = {.id}\non-missing = drop\n", "{}", "(dropped)");
    expect("template = {.id}\non-missing = null\n", "{}", "(none)");
    expect("field.n = {.id}\n", NULL, "old"); /* a tombstone keeps the key it is for */
    expect("template = {.id}\n", NULL, "old");
}

static void what_is_no_json(void **state)
{
    struct harness *h = harness_start("key", WEIR_TRANSFORM, "field.n = {.id}\non-missing = keep\n");
    const char *bad[] = {"{", "{\"id\":1}"};
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, bad, 2)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT);
    assert_string_equal(harness_out(h, 0)->result.type, "json");
    assert_string_equal(harness_out(h, 1)->record.key.ptr, "{\"n\":1}");
    harness_free(h);
    expect("field.n = {key}-{topic}\n", "no json", "{\"n\":\"old-t\"}");
}

static void a_text_that_is_not_utf8_is_no_member(void **state)
{
    struct harness *h = harness_start("key", WEIR_TRANSFORM, "field.n = {key}\n");
    struct weir_record record = harness_record("\xff", "{}");
    (void)state;
    assert_int_equal(harness_process(h, harness_batch(h, &record, 1)), WEIR_OK);
    assert_string_equal(harness_out(h, 0)->result.why, "{key} of the key is not UTF-8");
    harness_free(h);
}

static void refused(const char *options, const char *said)
{
    const char *all = harness_check("key", WEIR_TRANSFORM, options);
    if (!strstr(all, said))
        fail_msg("%s: %s", options, all);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    refused("", "one of field.NAME, template and remove is needed");
    refused("field.a = {.a}\nremove = yes\n", "exclude each other");
    refused("template = {.a}\nremove = yes\n", "exclude each other");
    refused("field.a.b = {.a}\n", "field.a.b: a name with other characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_of_fields),
        cmocka_unit_test(a_text),
        cmocka_unit_test(no_key),
        cmocka_unit_test(what_is_missing),
        cmocka_unit_test(what_is_no_json),
        cmocka_unit_test(a_text_that_is_not_utf8_is_no_member),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
