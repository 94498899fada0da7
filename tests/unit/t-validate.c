/* SPDX-License-Identifier: BSD-2-Clause */
/* t-validate.c - the transform validate: what fits a schema, what is said of what does not, which schemas are refused.
 *
 * That keywords mean what JSON Schema says is compared with its published tests and another validator by
 * tests/gates/t-schema.sh; here stand sentences, limits and the exactness of numbers. */
#include "harness.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static char options[8000];

static const char *with_schema(const char *schema, const char *more)
{
    size_t n = (size_t)snprintf(options, sizeof options, "%sschema = %s\n", more, schema);
    assert_true(n < sizeof options);
    return options;
}

/* One value: NULL that it passes, or the reason. */
static void judged(const char *schema, const char *value, const char *why)
{
    struct harness *h = harness_start("validate", WEIR_TRANSFORM, with_schema(schema, ""));
    assert_int_equal(harness_process(h, harness_values(h, &value, 1)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 1);
    const struct harness_out *o = harness_out(h, 0);
    if (o->how == HARNESS_REJECT)
        assert_string_equal(o->result.why, why ? why : "(it passes)");
    else
        assert_null(why);
    assert_int_equal(o->how, why ? HARNESS_REJECT : HARNESS_PASS);
    harness_free(h);
}

static void a_fault_names_its_place_and_its_rule(void **state)
{
    const char *user =
        "{\"properties\":{\"user\":{\"required\":[\"age\"],\"properties\":{\"age\":{\"minimum\":0}}}}}";
    (void)state;
    judged(user, "{\"user\":{\"age\":3}}", NULL);
    judged(user, "{\"user\":{\"age\":-3}}", ".user.age is -3, but must be at least 0");
    judged(user, "{\"user\":{}}", ".user.age is missing");
    judged("{\"type\":\"object\"}", "[]", "the value is an array, but must be an object");
    judged("{\"required\":[\"a b\"]}", "{}", ".\"a b\" is missing");
    judged("{\"items\":{\"items\":{\"type\":[\"integer\",\"null\"]}}}", "[[1,null],[2.0,\"x\"]]",
           "[1][1] is \"x\", but must be an integer or null");
    judged("{\"properties\":{\"a b\":{\"enum\":[1,\"x\",null]}}}", "{\"a b\":2}",
           ".\"a b\" is 2, but must be one of 1, \"x\", null");
    judged("{\"const\":{\"a\":1}}", "{\"a\":2}", "the value is an object, but must be that an object");
    judged("{\"additionalProperties\":false,\"properties\":{\"a\":{}}}", "{\"a\":1,\"b\":2}",
           ".b is not allowed");
    judged("{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}",
           "the name of .ab has 2 characters, but must have at most 1");
    judged("{\"pattern\":\"^[a-z]+$\"}", "\"ab\\n\"",
           "the value is \"ab\\n\", but must be something that matches ^[a-z]+$");
    judged("{\"format\":\"date\"}", "\"2023-02-29\"",
           "the value is \"2023-02-29\", but must be a date, YYYY-MM-DD");
    judged("{\"minItems\":2}", "[1]", "the value has 1 element, but must have at least 2");
    judged("{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},0,{\"b\":2.0,\"\\u0061\":1}]",
           "the value has the same element at 0 and 2, but each must be another");
    judged("{\"contains\":{\"type\":\"string\"},\"maxContains\":2}", "[\"a\",\"b\",1,\"c\"]",
           "the value has 3 elements that fit `contains`, but must have at most 2");
    judged("{\"dependentRequired\":{\"card\":[\"name\"]}}", "{\"card\":1}",
           ".name is missing, but must stand beside .card");
    judged("{\"not\":{\"type\":\"null\"}}", "null", "the value fits the schema of `not`, but must not");
    judged("{\"oneOf\":[{\"type\":\"string\"},{\"minimum\":1},{\"type\":\"integer\"}]}", "2",
           "the value fits the schemas 2 and 3 of oneOf, but must fit one alone");
}

static void three_faults_are_told(void **state)
{
    (void)state;
    judged("{\"additionalProperties\":{\"type\":\"string\"}}",
           "{\"a\":1,\"b\":\"x\",\"c\":2,\"d\":3,\"e\":4}",
           ".a is 1, but must be a string; .c is 2, but must be a string; .d is 3, but must be a string");
    judged("{\"type\":\"object\",\"required\":[\"a\",\"b\"],\"properties\":{\"c\":{\"type\":\"null\"}}}",
           "{\"c\":true}", ".c is true, but must be null; .a is missing; .b is missing");
}

static void what_was_meant_is_guessed_from_what_goes_deepest(void **state)
{
    const char *pay = "{\"properties\":{\"pay\":{\"anyOf\":["
                      "{\"required\":[\"iban\"],\"properties\":{\"iban\":{\"type\":\"string\"}}},"
                      "{\"required\":[\"card\"],\"properties\":{\"card\":{\"required\":[\"no\"]}}}]}}}";
    (void)state;
    judged(pay, "{\"pay\":{}}", ".pay fits none of the 2 schemas of anyOf");
    judged(pay, "{\"pay\":{\"card\":{}}}",
           ".pay fits none of the 2 schemas of anyOf, number 2 being the nearest; .pay.card.no is missing");
}

static void long_values_and_paths_are_cut(void **state)
{
    char value[3000], *p = value;
    (void)state;
    p += snprintf(p, 10, "{\"a\":\"");
    for (int i = 0; i < 1000; i++)
        p += snprintf(p, 3, "\xc3\xa9");
    (void)snprintf(p, 3, "\"}");
    judged(
        "{\"additionalProperties\":{\"type\":\"null\"}}", value,
        ".a is "
        "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9..., but "
        "must be null");
}

/* Two objects of the same 1,200 members, in the order of the other one turned round, each key with an escape. */
static void comparing_needs_no_memory(void **state)
{
    enum { KEYS = 1200, ROOM = KEYS * 2 * 320 };
    char *value = malloc(ROOM);
    struct rusage before, after;
    size_t n = 0;
    (void)state;
    assert_non_null(value);
    for (int i = 0; i < 2 * KEYS; i++)
        n += (size_t)snprintf(value + n, ROOM - n, "%s\"\\u0061%d%0300d\":1",
                              i == 0      ? "[{"
                              : i == KEYS ? "},{"
                                          : ",",
                              i < KEYS ? i : 2 * KEYS - 1 - i, 0);
    assert_true(snprintf(value + n, ROOM - n, "}]") == 2);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    judged("{\"uniqueItems\":true}", value,
           "the value has the same element at 0 and 1, but each must be another");
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 100 << 10); /* KiB */
    free(value);
}

/* A string with an escape, and 300 patterns that look at it. */
static void a_string_is_read_once_for_all(void **state)
{
    enum { LENGTH = 400000, PATTERNS = 300 };
    char *value = malloc(LENGTH + 16), *schema = malloc(PATTERNS * 20 + 32);
    struct rusage before, after;
    size_t n = 0;
    (void)state;
    assert_true(value && schema);
    assert_true(snprintf(value, LENGTH + 16, "\"\\u0061%0*d\"", LENGTH, 0) > LENGTH);
    for (int i = 0; i < PATTERNS; i++)
        n += (size_t)snprintf(schema + n, 32, "%s{\"pattern\":\"^a\"}", i ? "," : "{\"allOf\":[");
    assert_true(snprintf(schema + n, 8, "]}") == 2);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    judged(schema, value, NULL);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 50 << 10); /* KiB; 300 copies are 117 MB */
    free(schema);
    free(value);
}

static void numbers_are_compared_by_their_digits(void **state)
{
    (void)state;
    judged("{\"maximum\":9223372036854775807}", "9223372036854775807", NULL);
    judged("{\"maximum\":9223372036854775807}", "9223372036854775808",
           "the value is 9223372036854775808, but must be at most 9223372036854775807");
    judged("{\"exclusiveMinimum\":9007199254740992}", "9007199254740993", NULL);
    judged("{\"minimum\":0.1}", "0.1", NULL);
    judged("{\"minimum\":0.1}", "0.10000000000000000001", NULL);
    judged("{\"exclusiveMaximum\":0.1}", "0.09999999999999999999999", NULL);
    judged("{\"maximum\":1e400}", "1e401", "the value is 1e401, but must be at most 1e400");
    judged("{\"maximum\":1e400}", "10e399", NULL);
    judged("{\"minimum\":1e-400}", "0", "the value is 0, but must be at least 1e-400");
    judged("{\"minimum\":0}", "-0", NULL);
    judged("{\"maximum\":-1}", "-1.5e0", NULL);
    judged("{\"maximum\":-1}", "-0.5", "the value is -0.5, but must be at most -1");
    judged("{\"type\":\"integer\"}", "1e400", NULL);
    judged("{\"type\":\"integer\"}", "12.50e1", NULL);
    judged("{\"type\":\"integer\"}", "12.5", "the value is 12.5, but must be an integer");
    judged("{\"type\":\"integer\"}", "1e-1", "the value is 1e-1, but must be an integer");
    judged("{\"multipleOf\":0.01}", "19.99", NULL);
    judged("{\"multipleOf\":0.01}", "19.999", "the value is 19.999, but must be a multiple of 0.01");
    judged("{\"multipleOf\":3}", "1e400", "the value is 1e400, but must be a multiple of 3");
    judged("{\"multipleOf\":7}", "123456789012345678901234567890", NULL);
    judged("{\"multipleOf\":7}", "123456789012345678901234567891",
           "the value is 123456789012345678901234567891, but must be a multiple of 7");
    judged("{\"multipleOf\":20}", "50", "the value is 50, but must be a multiple of 20");
    judged("{\"multipleOf\":1e3}", "-5000", NULL);
    judged("{\"enum\":[1.0]}", "100e-2", NULL);
    judged("{\"const\":0}", "-0.000", NULL);
    judged("{\"const\":1e999999999999999999999}", "1", "the value is 1, but must be 1e999999999999999999999");
}

static void characters_are_code_points(void **state)
{
    (void)state;
    judged("{\"maxLength\":2}", "\"\xf0\x9f\x98\x80\xc3\xa9\"", NULL);
    judged("{\"maxLength\":1}", "\"\\ud83d\\ude00\"", NULL);
    judged("{\"maxLength\":1}", "\"\\ud83d\"", NULL);
    judged("{\"maxLength\":1}", "\"\\ud83d\\ud83d\"", "the value has 2 characters, but must have at most 1");
    judged("{\"const\":\"a/\xc3\xa9\"}", "\"\\u0061\\/\\u00e9\"", NULL);
    judged("{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"\\u0061\":1}",
           ".\"\\u0061\" is 1, but must be null");
    judged("{\"pattern\":\"^.$\"}", "\"\\u0000\"", NULL);
}

static void each_of_two_members_of_one_name_must_fit(void **state)
{
    (void)state;
    judged("{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"a\":1,\"a\":null}",
           ".a is 1, but must be null");
    judged("{\"properties\":{\"a\":{\"type\":\"null\"}}}", "{\"a\":null,\"a\":1}",
           ".a is 1, but must be null");
}

static void a_schema_that_calls_itself_ends(void **state)
{
    const char *list =
        "{\"$ref\":\"#/$defs/l\",\"$defs\":{\"l\":{\"type\":[\"array\",\"null\"],\"items\":{\"$ref\":\"#/"
        "$defs/l\"}}}}";
    const char *twice =
        "{\"anyOf\":[{\"additionalProperties\":{\"$ref\":\"#\"},\"maxProperties\":0},"
        "{\"additionalProperties\":{\"$ref\":\"#\"},\"minProperties\":9},{\"type\":\"null\"}]}";
    char deep[3000], *p = deep;
    (void)state;
    judged(list, "[[],[null,[[]]]]", NULL);
    judged(list, "[[],[null,[[3]]]]", "[1][1][0][0] is 3, but must be an array or null");
    for (int i = 0; i < 499; i++)
        *p++ = '[';
    memset(p, ']', 499);
    p[499] = '\0';
    judged(list, deep, NULL);
    judged(twice, "null", NULL);
    /* Both of the first are tried at each of 60 levels: 2^60 times. */
    twice = "{\"anyOf\":[{\"required\":[\"x\"],\"additionalProperties\":{\"$ref\":\"#\"}},"
            "{\"minProperties\":1,\"required\":[\"x\"],\"additionalProperties\":{\"$ref\":\"#\"}},{\"type\":"
            "\"null\"}]}";
    p = deep;
    for (int i = 0; i < 60; i++)
        p += snprintf(p, 10, "{\"a\":");
    p += snprintf(p, 10, "1");
    memset(p, '}', 60);
    p[60] = '\0';
    judged(twice, deep, "the schema takes too many steps for it");
}

/* Each text alone is searched in a few milliseconds. */
static void many_patterns_of_one_record_share_a_time(void **state)
{
    static const char text[] = "\"xxxxxxxxxxxxxxxx-\",";
    enum { TEXTS = 20000, LEN = sizeof text - 1 };
    char *value = malloc((size_t)TEXTS * LEN + 2);
    (void)state;
    assert_non_null(value);
    value[0] = '[';
    for (size_t i = 0; i < TEXTS; i++)
        memcpy(value + 1 + i * LEN, text, LEN);
    memcpy(value + (size_t)TEXTS * LEN, "]", 2);
    judged("{\"items\":{\"not\":{\"pattern\":\"(x+x+)+[yz]\"}}}", value,
           "the regex took more steps than it may");
    judged("{\"items\":{\"not\":{\"pattern\":\"y\"}}}", value, NULL); /* none of which is slow */
    value[LEN] = ']';
    value[LEN + 1] = '\0';
    judged("{\"items\":{\"not\":{\"pattern\":\"(x+x+)+[yz]\"}}}", value, NULL);
    free(value);
}

static void what_becomes_of_what_does_not_fit(void **state)
{
    const char *in[] = {"{\"a\":1.00}", "{\"a\":\"x\"}", NULL, "{\"a\":", "{ \"a\" : 1e400 }"};
    const char *schema = "{\"properties\":{\"a\":{\"type\":\"number\"}}}";
    struct harness *h = harness_start("validate", WEIR_TRANSFORM, with_schema(schema, "on-invalid = drop\n"));
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, in, 5)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 4);
    assert_string_equal(harness_out_value(h, 0), in[0]);
    assert_null(harness_out_value(h, 1));
    assert_int_equal(harness_out(h, 2)->how, HARNESS_REJECT);
    assert_string_equal(harness_out_value(h, 3), in[4]);
    assert_int_equal(harness_metric(h, 0), 1);
    harness_free(h);
    h = harness_start("validate", WEIR_TRANSFORM, with_schema(schema, "on-invalid = tag\nheader = why\n"));
    assert_false(harness_promises(h) & WEIR_NO_HEADERS);
    assert_int_equal(harness_process(h, harness_values(h, in, 2)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_PASS);
    const struct weir_record *r = &harness_out(h, 1)->record;
    assert_int_equal(r->n_headers, 1);
    assert_string_equal(r->headers[0].name.ptr, "why");
    assert_string_equal(r->headers[0].value.ptr, ".a is \"x\", but must be a number");
    assert_string_equal(r->value.ptr, in[1]);
    harness_free(h);
}

static void refused(const char *schema, const char *why)
{
    const char *said = harness_check("validate", WEIR_TRANSFORM, with_schema(schema, ""));
    if (!strstr(said, why))
        fail_msg("%s: \"%s\" is not in \"%s\"", schema, why, said);
}

static void mistakes_of_a_schema_are_found_by_check(void **state)
{
    (void)state;
    refused("{\"type\":\"object\"", "schema:1:17: it ends in the middle of the schema");
    refused("{\"type\" \"object\"}", "schema:1:9: it is not JSON from here on");
    refused("{\"title\":\"\\x\"}", "schema:1:11: it is not JSON");
    refused("{\"maximun\":1}", "schema:1:2: unknown keyword \"maximun\"");
    refused("{\"x-owner\":\"me\",\"minimum\":\"1\"}", "schema:1:27: \"minimum\" must be a number");
    refused("{\"type\":\"int\"}", "\"int\" is no type");
    refused("{\"properties\":{\"a\":3}}", "a schema must stand here");
    refused("{\"properties\":{\"a\":{},\"a\":{}}}", "the key \"a\" stands here twice");
    refused("{\"items\":[{}]}", "\"prefixItems\"");
    refused("{\"unevaluatedProperties\":false}", "\"additionalProperties\"");
    refused("{\"dependencies\":{}}", "\"dependentRequired\"");
    refused("{\"pattern\":\"(\"}", "it is no regex: ");
    refused("{\"format\":\"uri\"}", "the format \"uri\" is not known");
    refused("{\"$ref\":\"other.json#/a\"}", "a place of this file alone");
    refused("{\"$ref\":\"#/$defs/a\"}", "leads nowhere");
    refused("{\"$ref\":\"#\"}", "leads back to itself");
    refused("{\"allOf\":[{\"anyOf\":[{\"$ref\":\"#/allOf/0\"}]}]}", "leads back to itself");
    refused("{\"then\":{}}", "without \"if\"");
    refused("{\"minContains\":2}", "without \"contains\"");
    refused("{\"multipleOf\":0}", "above 0");
    refused("{\"minLength\":-1}", "0 or more");
    refused("{\"minLength\":1.5}", "0 or more");
    refused("{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}", "that draft is not known");
    refused("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$ref\":\"#/$defs/"
            "a\",\"type\":\"null\",\"$defs\":{\"a\":{}}}",
            "beside \"$ref\" means nothing");
    refused("{\"enum\":[]}", "nothing fits it");
    assert_string_equal(
        harness_check("validate", WEIR_TRANSFORM, with_schema("{\"format\":\"uri\"}", "format = ignore\n")),
        "");
    assert_string_equal(harness_check("validate", WEIR_TRANSFORM, "schema = /nowhere/a.json\n"),
                        "schema: can't read /nowhere/a.json: No such file or directory\n");
}

static void a_schema_may_be_a_file(void **state)
{
    const char *value = "{\"a\":1}";
    char line[5000];
    scratch_append("a.json", "{\n  \"type\": \"object\",\n  \"required\": [\"b\"]\n}\n");
    (void)state;
    (void)snprintf(line, sizeof line, "schema = %s\n", scratch_path("a.json"));
    assert_string_equal(harness_check("validate", WEIR_TRANSFORM, line), "");
    struct harness *h = harness_start("validate", WEIR_TRANSFORM, line);
    assert_int_equal(harness_process(h, harness_values(h, &value, 1)), WEIR_OK);
    assert_string_equal(harness_out(h, 0)->result.why, ".b is missing");
    harness_free(h);
    scratch_append("b.json", "{\n  \"title\": \"\xc3\xa9\",\n  \"description\": \"\xff\"\n}\n");
    (void)snprintf(line, sizeof line, "schema = %s\n", scratch_path("b.json"));
    assert_non_null(strstr(harness_check("validate", WEIR_TRANSFORM, line), "b.json:3:18: it is not UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_names_its_place_and_its_rule),
        cmocka_unit_test(three_faults_are_told),
        cmocka_unit_test(what_was_meant_is_guessed_from_what_goes_deepest),
        cmocka_unit_test(long_values_and_paths_are_cut),
        cmocka_unit_test(comparing_needs_no_memory),
        cmocka_unit_test(a_string_is_read_once_for_all),
        cmocka_unit_test(numbers_are_compared_by_their_digits),
        cmocka_unit_test(characters_are_code_points),
        cmocka_unit_test(each_of_two_members_of_one_name_must_fit),
        cmocka_unit_test(a_schema_that_calls_itself_ends),
        cmocka_unit_test(many_patterns_of_one_record_share_a_time),
        cmocka_unit_test(what_becomes_of_what_does_not_fit),
        cmocka_unit_test(mistakes_of_a_schema_are_found_by_check),
        cmocka_unit_test_setup_teardown(a_schema_may_be_a_file, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
