/* SPDX-License-Identifier: BSD-2-Clause */
/* t-fields.c - the transform fields: what is kept, removed, renamed and set, in which order, and what is refused. */
#include "one_value.h"

#define expect(options, in, out) expect_becomes("fields", options, in, out)
#define refused(options, why)    expect_problem("fields", options, why)

static void a_value_is_set(void **state)
{
    (void)state;
    expect("set.b = x\n", "{ \"a\": 1.0 }", "{ \"a\": 1.0,\"b\":\"x\" }");
    expect("set.a = \n", "{\"a\":1}", "{\"a\":\"\"}");
    expect("set.a = say \\\"{{hi}}\\\"\n", "{\"a\":1}", "{\"a\":\"say \\\\\\\"{hi}\\\\\\\"\"}");
    expect("set.a = {.b}\n", "{\"a\":1,\"b\":1e400}", "{\"a\":1e400,\"b\":1e400}");
    expect("set.a = {.b}\n", "{\"b\":[1, {\"c\":null}]}",
           "{\"b\":[1, {\"c\":null}],\"a\":[1, {\"c\":null}]}");
    expect("set.a = {.b}\n", "{\"a\":1,\"b\":null}", "{\"a\":null,\"b\":null}");
    expect("set.a = {.b}!\n", "{\"a\":1,\"b\":7.50}", "{\"a\":\"7.50!\",\"b\":7.50}");
    expect("set.a = {.b|none}\n", "{\"a\":1}", "{\"a\":\"none\"}");
    expect("set.x.y.z = {.a}\n", "{\"a\":1}", "{\"a\":1,\"x\":{\"y\":{\"z\":1}}}");
    expect("set.x.y = {.a}\nset.x.z = 1\n", "{\"a\":1,\"x\":null}", "{\"a\":1,\"x\":{\"y\":1,\"z\":\"1\"}}");
    expect("set.\"odd key\" = v\nset.l[-1].s = v\n", "{\"l\":[1,{}]}",
           "{\"l\":[1,{\"s\":\"v\"}],\"odd key\":\"v\"}");
    expect("set.a = {.b}\nset.b = {.a}\n", "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}");
    expect("set.a = v\n", NULL, "(tombstone)");
    expect("set.a = {.s}\n", "{\"s\":\"\\ud800\"}", "{\"s\":\"\\ud800\",\"a\":\"\\ud800\"}");
    expect("set.a = {.s}.\n", "{\"s\":\"\\ud800\"}", "{\"s\":\"\\ud800\",\"a\":\"\xef\xbf\xbd.\"}");
    expect("set.a = v\n", "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":\"v\"}");
}

static void metadata_of_the_record_is_set(void **state)
{
    struct weir_record r = harness_record("user-7", "{}");
    (void)state;
    r.partition = 3;
    r.offset = 42;
    r.time_ms = 1700000000123;
    expect_output("fields",
                  "set.m.topic = {topic}\njson.m.partition = {partition}\njson.m.offset = {offset}\n"
                  "json.m.ts = {time:%s%L}\nset.m.key = {key}\nset.m.env = prod\n",
                  &r,
                  "{\"m\":{\"topic\":\"t\",\"key\":\"user-7\",\"env\":\"prod\",\"partition\":3,\"offset\":42,"
                  "\"ts\":1700000000123}}");
}

static void json_text_is_set(void **state)
{
    (void)state;
    expect("json.a = true\njson.b = {{\"x\":[1.50, null]}}\n", "{}",
           "{\"a\":true,\"b\":{\"x\":[1.50, null]}}");
    expect("json.p = {.p}\n", "{\"p\":\"{\\\"a\\\":[1]}\"}", "{\"p\":{\"a\":[1]}}");
    expect("json.n = {.n}\n", "{\"n\":\"12345678901234567890\"}", "{\"n\":12345678901234567890}");
    expect("json.n = {.n}\n", "{\"n\":\"007\"}", "json.n: what {.n} gives is not JSON");
    expect("json.n = {.n}\n", "{\"n\":\"1},{\"}", "json.n: what {.n} gives is not JSON");
    expect("json.n = {.n}\non-missing = null\n", "{}", "{\"n\":null}");
    expect("json.o = {{\"v\":{.v}}}\n", "{\"v\":1e400}", "{\"v\":1e400,\"o\":{\"v\":1e400}}");
}

static void a_default_fills_what_is_missing_or_null(void **state)
{
    const char *options = "default.a = x\ndefault-json.b.c = 0\n";
    (void)state;
    expect(options, "{}", "{\"a\":\"x\",\"b\":{\"c\":0}}");
    expect(options, "{\"a\":null,\"b\":{\"c\":null}}", "{\"a\":\"x\",\"b\":{\"c\":0}}");
    expect(options, "{\"a\":false,\"b\":{\"c\":\"\"}}", "{\"a\":false,\"b\":{\"c\":\"\"}}");
    expect("default.a = {.b}\n", "{\"b\":2}", "{\"b\":2,\"a\":2}");
    expect("default.a = {.b}\n", "{\"a\":1}", "{\"a\":1}");
    expect("default.a.b = x\n", "{\"a\":7}",
           "a field can't be set: what should hold it is no object, or its value is not JSON, or nests too "
           "deeply there");
}

static void fields_are_renamed_in_place(void **state)
{
    (void)state;
    expect("rename.a = z\n", "{ \"a\" : 1, \"b\":2}", "{ \"z\" : 1, \"b\":2}");
    expect("rename.a.b = odd \" name\n", "{\"a\":{\"b\":1}}", "{\"a\":{\"odd \\\" name\":1}}");
    expect("rename.a = b\n", "{\"b\":0,\"a\":1,\"b\":2}", "{\"b\":1}");
    expect("rename.a = b\nrename.b = c\n", "{\"a\":1,\"b\":2}", "{\"b\":1,\"c\":2}");
    expect("rename.a = x\nrename.a.b = y\n", "{\"a\":{\"b\":1}}", "{\"x\":{\"y\":1}}");
    expect("rename.a = x\n", "{\"a\":1,\"a\":2}", "{\"x\":2}");
    expect("rename.a = x\nset.x.n = 1\nset.a = {.b}\n", "{\"a\":{},\"b\":2}",
           "{\"x\":{\"n\":\"1\"},\"b\":2,\"a\":2}");
}

static void fields_are_removed(void **state)
{
    (void)state;
    expect("remove = .a, .b.c, .missing, .b.c.d\n", "{\"a\":1, \"b\":{\"c\":2,\"d\":3}, \"e\":4}",
           "{ \"b\":{\"d\":3}, \"e\":4}");
    expect("remove = .b, .b.c\n", "{\"a\":1,\"b\":{\"c\":2}}", "{\"a\":1}");
    expect("remove = .l[0], .l[1], .l[-1]\n", "{\"l\":[1,2,3,4]}", "{\"l\":[3]}");
    expect("remove = .a, .[\"a\"]\n", "{\"a\":1,\"a\":2,\"b\":3}", "{\"b\":3}");
    expect("remove = .a\n", "[1]", "[1]");
    expect("remove = .a\n", "no", "the value is not JSON: a word that is not true, false or null");
    expect("remove = .a\nrename.b = a\n", "{\"a\":1,\"b\":2}", "{\"a\":2}");
    expect("remove = .a\nset.c = {.a}\n", "{\"a\":1}", "{\"c\":1}");
    expect("remove = .a\nrename.a = b\n", "{\"a\":1}", "rename.a: remove takes that field away");
    expect("remove = .c, .a\nrename.a.b = c\n", "{\"a\":{\"b\":1},\"c\":2}",
           "rename.a.b: remove takes that field away");
    expect("remove = .a.b\nrename.a = c\n", "{\"a\":{\"b\":1}}", "{\"c\":{}}");
}

static void elements_go_all_at_once(void **state)
{
    (void)state;
    expect("remove = .l[-1], .l[-2]\n", "{\"l\":[1,2,3]}", "{\"l\":[1]}");
    expect("remove = .l[2], .l[-2]\n", "{\"l\":[1, 2, 3 ]}", "{\"l\":[1 ]}");
    expect("remove = .l[0], .l[1]\n", " {\"l\": [1, 2, 3], \"m\":1} ", " {\"l\": [ 3], \"m\":1} ");
    expect("remove = .l[0], .l[1], .l\n", "{\"l\":[1,2,3],\"m\":1}", "{\"m\":1}");
    expect("remove = .l[-1], .l[-2].x\n", "{\"l\":[{\"x\":1},{\"x\":2},{\"x\":3}]}",
           "{\"l\":[{\"x\":1},{}]}");
    expect("remove = .l[0], .l[-1], .l[1].x, .a.b\n",
           "{\"a\":{\"b\":0},\"l\":[1,{\"x\":1,\"y\":[ ],\"\\u0078\":2},3],\"a\":{\"b\":1,\"c\":2}}",
           "{\"l\":[{\"y\":[ ]}],\"a\":{\"c\":2}}");
    expect("remove = .l[0][0], .l[0][-1], .l[1]\n", "{\"l\":[[1,2,3],4],\"n\":1.0}",
           "{\"l\":[[2]],\"n\":1.0}");
    expect("remove = .[0], .[1]\nset.[0] = x\n", "[1,2,3]", "[\"x\"]");
    expect("remove = .l[0], .l[1]\nkeep-in = .l\n", "{\"l\":[1,2,3]}",
           "keep-in is for keep, and not for remove");
}

static void fields_are_kept(void **state)
{
    (void)state;
    expect("keep = .c, .a\n", "{ \"a\" : 1.0, \"b\":2, \"c\":[{\"}\":\"]\"}] }",
           "{\"a\" : 1.0,\"c\":[{\"}\":\"]\"}]}");
    expect("keep = .a.b, .a.c.d, .x\n", "{\"a\":{\"z\":0,\"c\":{\"d\":1,\"e\":2},\"b\":{}},\"y\":[]}",
           "{\"a\":{\"c\":{\"d\":1},\"b\":{}}}");
    expect("keep = .a.b\nkeep = .a\n", "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1,\"c\":2}}");
    expect("keep = .a.b, .c\n", "{\"a\":5,\"c\":1}", "{\"c\":1}");
    expect("keep = .a.b, .c\n", "{\"a\":{\"x\":1},\"d\":1}", "{}");
    expect("keep = .a\nset.t = {.b}\n", "{\"a\":1,\"b\":2}", "{\"a\":1,\"t\":2}");
    expect("keep = .a\nkeep-in = .v.w\n", "{\"u\":0,\"v\":{\"w\":{\"a\":1,\"b\":2},\"z\":3}}",
           "{\"u\":0,\"v\":{\"w\":{\"a\":1},\"z\":3}}");
    expect("keep = .\"a b\", .[\"c\"]\n", "{\"a b\":1,\"\\u0063\":2,\"\\u0061\":3}",
           "{\"a b\":1,\"\\u0063\":2}");
    expect("keep = .a\n", "[1]", "keep: there is no object to keep fields of");
    expect("keep = .a\non-missing = keep\n", "[1]", "[1]");
    expect("keep = .a\nkeep-in = .x\n", "{}", "keep: the field of keep-in is missing");
    expect("keep = .a\n", " {} ", " {} ");
}

static void of_names_that_repeat_the_last_is_kept(void **state)
{
    (void)state;
    expect("keep = .a, .b\n", "{\"a\":1,\"b\":2,\"a\":3,\"c\":4,\"b\":5}", "{\"a\":3,\"b\":5}");
    expect("keep = .a.x, .b\n", "{\"a\":{\"x\":1},\"b\":2,\"a\":{\"y\":1}}", "{\"b\":2}");
    expect("keep = .a.x, .b\n", "{\"b\":2,\"a\":{\"x\":1},\"a\":7}", "{\"b\":2}");
    expect("keep = .a.x, .a.y, .b\n", "{\"a\":{\"y\":0},\"b\":2,\"a\":{\"x\":1,\"y\":2,\"x\":3}}",
           "{\"b\":2,\"a\":{\"y\":2,\"x\":3}}");
}

/* A reader that prefers the first of two names must not see what was taken away. */
static void what_a_name_not_meant_holds_does_not_stay(void **state)
{
    const char *hidden = "{\"user\":{\"ssn\":1},\"user\":5}";
    (void)state;
    expect("remove = .user.ssn\n", hidden, HIDDEN);
    expect("remove = .ip, .user.ssn\n", hidden, HIDDEN);
    expect("remove = .user.ssn\n", "{\"user\":{\"ssn\":1},\"user\":{\"id\":2}}", HIDDEN);
    expect("remove = .a[0].ssn\n", "{\"a\":[{\"ssn\":1}],\"a\":[]}", HIDDEN);
    expect("rename.user.ssn = id\non-missing = keep\n", hidden, HIDDEN);
    expect("set.a = {.user.ssn}\non-missing = keep\n", hidden, HIDDEN);
    expect("default.user.ssn = x\n", "{\"user\":{\"ssn\":1},\"user\":{}}", HIDDEN);
    expect("keep = .id\nkeep-in = .user.card\non-missing = keep\n",
           "{\"user\":{\"card\":{\"ssn\":1}},\"user\":5}", HIDDEN);
    expect("keep = .id\nkeep-in = .user\non-missing = keep\n", hidden, "{\"user\":5}");
    expect("remove = .user.ssn\n", "{\"user\":{\"ssn\":1},\"user\":{\"ssn\":2,\"id\":3}}",
           "{\"user\":{\"id\":3}}");
    expect("rename.user.ssn = id\n", "{\"user\":{\"ssn\":1},\"user\":{\"ssn\":2,\"id\":3}}",
           "{\"user\":{\"id\":2}}");
    expect("set.user.ssn = x\n", "{\"user\":{\"ssn\":1},\"user\":null}", "{\"user\":{\"ssn\":\"x\"}}");
    expect("remove = .user.ssn\n", "{\"n\":1,\"user\":{},\"n\":2}", "{\"n\":1,\"user\":{},\"n\":2}");
}

static void a_missing_source_follows_on_missing(void **state)
{
    const char *in = "{\"a\":1,\"b\":2}";
    (void)state;
    expect("set.b = {.x}\n", in, "set.b: the field of {.x} is missing");
    expect("set.b = a{.x}\n", in,
           "{.x} is missing: the JSON value has no such field; a default is written {...|default}");
    expect("rename.x = y\n", in, "rename.x: the field is missing");
    expect("set.b = {.x}\nset.c = {.a}\nrename.x = y\non-missing = keep\n", in, "{\"a\":1,\"b\":2,\"c\":1}");
    expect("set.b = a{.x}\non-missing = keep\n", in, in);
    expect("set.c = {.a}\nset.b = {.x}\non-missing = drop\n", in, "(dropped)");
    expect("set.b = {.x}\nset.c.d = a{.x}\nrename.x = y\non-missing = null\n", in,
           "{\"a\":1,\"b\":null,\"y\":null,\"c\":{\"d\":null}}");
    expect("set.a = x\n", "[]",
           "a field can't be set: what should hold it is no object, or its value is not JSON, or nests too "
           "deeply there");
    expect("set.a = {.b}\n", "{\"b\":", "the value is not JSON: the text ends where a value must stand");
}

static void what_is_not_json_lacks_nothing(void **state)
{
    static const char *const policies[] = {"keep", "drop", "null", "reject"};
    char options[100];
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        (void)snprintf(options, sizeof options, "set.x = {.a}-{.b}\non-missing = %s\n", policies[i]);
        expect(options, "no",
               i == 3 ? "{.a} is missing: a word that is not true, false or null; a default is written "
                        "{...|default}"
                      : "the value is not JSON: a word that is not true, false or null");
        (void)snprintf(options, sizeof options, "json.x = {.a}\non-missing = %s\n", policies[i]);
        expect(options, "no",
               i == 3 ? "{.a} is missing: a word that is not true, false or null; a default is written "
                        "{...|default}"
                      : "the value is not JSON: a word that is not true, false or null");
    }
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    refused("", "nothing to do");
    refused("json.a = nope\n", "json.a: the value is not JSON");
    refused("default-json.a = {{1}}\n", "default-json.a: the value is not JSON");
    refused("json.a = \"x\"\n", "quotes around all of it are taken off, and set.a = TEXT makes a string");
    refused("default-json.a.b = \"x\"\n", "and default.a.b = TEXT makes a string");
    refused("set.a = {.b\n", "column");
    refused("rename.a[0] = x\n", "rename.a[0]: an element of an array has no name");
    refused("rename.a = c\nrename.b = c\n", "rename.b: rename.a gives another field this name");
    refused("rename.a = b\nrename.\"a\" = c\n", "rename.\"a\": rename.a is the same field");
    refused("rename.a = b\nrename.b = a\n", "go round");
    refused("rename.a = b\ndefault.b = 1\n", "default.b: rename.a makes that field");
    refused("rename.a = b\ndefault-json.b.c = 1\n", "default-json.b.c: rename.a makes that field");
    refused("set.a = 1\ndefault.a = 2\n", "default.a: set.a writes there too");
    refused("set.a = 1\njson.a = 2\n", "json.a: set.a writes there too");
    refused("set.a.b = 1\nset.a[\"b\"] = 2\n", "set.a[\"b\"]: set.a.b writes there too");
    refused("json.a.b = 1\ndefault.a = 2\n", "default.a: json.a.b writes there too");
    refused("keep = .a\nrename.a = b\n", "two stages");
    refused("keep = .a[0]\n", "\".a[0]\" names an element");
    refused("keep = a\n", "\"a\" is no path");
    refused("keep = .\n", "\".\" is no path");
    refused("keep = .\"a\n", "is no path");
    assert_string_equal(harness_check("fields", WEIR_TRANSFORM, "set.a = 1\njson.b = 2\nset.a.b = 3\n"), "");
}

static void many_records_go_through_one_instance(void **state)
{
    const char *in[] = {"{\"a\":1}", NULL, "no", "{}", "{\"a\":2}", "{\"b\":1}"};
    struct harness *h =
        harness_start("fields", WEIR_TRANSFORM, "remove = .a\nset.c = {.a}\non-missing = drop\n");
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, in, 6)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 4);
    assert_string_equal(harness_out_value(h, 0), "{\"c\":1}");
    assert_null(harness_out_value(h, 1));
    assert_int_equal(harness_out(h, 2)->how, HARNESS_REJECT);
    assert_string_equal(harness_out_value(h, 3), "{\"c\":2}");
    assert_true(harness_ops(h)->promises & WEIR_ONE_TO_ONE);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_set),
        cmocka_unit_test(metadata_of_the_record_is_set),
        cmocka_unit_test(json_text_is_set),
        cmocka_unit_test(a_default_fills_what_is_missing_or_null),
        cmocka_unit_test(fields_are_renamed_in_place),
        cmocka_unit_test(fields_are_removed),
        cmocka_unit_test(elements_go_all_at_once),
        cmocka_unit_test(fields_are_kept),
        cmocka_unit_test(of_names_that_repeat_the_last_is_kept),
        cmocka_unit_test(what_a_name_not_meant_holds_does_not_stay),
        cmocka_unit_test(a_missing_source_follows_on_missing),
        cmocka_unit_test(what_is_not_json_lacks_nothing),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(many_records_go_through_one_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
