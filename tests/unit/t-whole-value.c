/* SPDX-License-Identifier: BSD-2-Clause */
/* t-whole-value.c - the transforms hoist and extract: a value into a field, and a field into the value. */
#include "one_value.h"

#define hoisted(options, in, out)   expect_becomes("hoist", options, in, out)
#define extracted(options, in, out) expect_becomes("extract", options, in, out)

static void any_json_becomes_a_field(void **state)
{
    const char *options = "field = v\n";
    (void)state;
    hoisted(options, "{\"a\":1}", "{\"v\":{\"a\":1}}");
    hoisted(options, " [1e400, \"\\ud800\"]\n", "{\"v\": [1e400, \"\\ud800\"]\n}");
    hoisted(options, "9223372036854775808", "{\"v\":9223372036854775808}");
    hoisted(options, "null", "{\"v\":null}");
    hoisted("field = say \"x\"\n", "\"\"", "{\"say \\\"x\\\"\":\"\"}");
    hoisted(options, NULL, "(tombstone)");
    hoisted(options, "", "the value is not JSON: empty");
    hoisted(options, "{} {}", "the value is not JSON: something stands behind the value");
}

static void any_text_becomes_a_string(void **state)
{
    const char *options = "field = message\nas = text\n";
    (void)state;
    hoisted(options, "GET \"/\"\n", "{\"message\":\"GET \\\"/\\\"\\n\"}");
    hoisted(options, "", "{\"message\":\"\"}");
    hoisted(options, "{\"a\":1}", "{\"message\":\"{\\\"a\\\":1}\"}");
    hoisted(options, "\xff", "the value is not UTF-8, and can not become a JSON string");
    hoisted(options, NULL, "(tombstone)");
}

static void what_nests_to_the_limit_has_no_room(void **state)
{
    char in[2001], out[2100];
    (void)state;
    memset(in, ' ', sizeof in);
    memset(in, '[', 499);
    memcpy(in + 499, "\"[[\\\"[[\"", 8);
    memset(in + 1300, ']', 499);
    in[1800] = '\0';
    (void)snprintf(out, sizeof out, "{\"v\":%s}", in);
    hoisted("field = v\n", in, out);
    memset(in, '[', 500);
    in[500] = '7';
    memset(in + 501, ' ', 799);
    memset(in + 1300, ']', 500);
    hoisted("field = v\n", in, "the value would nest deeper than 500 levels");
}

static void a_field_becomes_the_value(void **state)
{
    const char *options = "field = .a.b\n";
    (void)state;
    extracted(options, "{\"a\":{\"b\":{ \"c\": 1.0 }}}", "{ \"c\": 1.0 }");
    extracted(options, "{\"a\":{\"b\":1e400}}", "1e400");
    extracted(options, "{\"a\":{\"b\":\"x\\ud800\"}}", "\"x\\ud800\"");
    extracted(options, "{\"a\":{\"b\":1},\"a\":{\"b\":2,\"b\":3}}", "3");
    extracted("field = .\n", " [1] ", "[1]");
    extracted("field = .[-1]\n", "[1,2]", "2");
    extracted(options, NULL, "(tombstone)");
    extracted(options, "{\"a\":", "the value is not JSON: the text ends where a value must stand");
}

static void a_string_becomes_its_text(void **state)
{
    const char *options = "field = .m\nas = text\n";
    (void)state;
    extracted(options, "{\"m\":\"say \\\"hi\\\"\\n\\u00e9\"}", "say \"hi\"\n\xc3\xa9");
    extracted(options, "{\"m\":\"plain\"}", "plain");
    extracted(options, "{\"m\":\"\"}", "");
    extracted(options, "{\"m\":\"\\ud800\"}", "\xef\xbf\xbd");
    extracted(options, "{\"m\":1.50}", "1.50");
    extracted(options, "{\"m\":[\"a\"]}", "[\"a\"]");
}

static void a_missing_field_follows_on_missing(void **state)
{
    (void)state;
    extracted("field = .a\n", "{}", "the field is missing");
    extracted("field = .a\n", "{\"a\":null}", "the field is null");
    extracted("field = .a.b\n", "{\"a\":\"x\"}", "the field is missing");
    extracted("field = .a.b\non-missing = keep\n", "{\"a\":{\"b\":1},\"a\":\"x\"}", HIDDEN);
    extracted("field = .a\non-missing = keep\n", "{ }", "{ }");
    extracted("field = .a\non-missing = drop\n", "{\"a\":null}", "(dropped)");
    extracted("field = .a\non-missing = null\n", "{}", "(tombstone)");
    extracted("field = .a\non-missing = null\n", "{\"a\":null}", "(tombstone)");
    extracted("field = .a\non-missing = null\n", "7", "(tombstone)");
}

static void metadata_stays(void **state)
{
    const struct weir_header headers[] = {{{"n", 1}, {"v", 1}}};
    struct weir_record r = harness_record("key", "{\"a\":\"x\"}");
    (void)state;
    r.headers = headers;
    r.n_headers = 1;
    r.time_ms = 5;
    const struct {
        const char *plugin, *options;
    } both[] = {
        {"extract", "field = .a\n"}, {"extract", "field = .a\nas = text\n"}, {"hoist", "field = v\n"}};
    for (size_t i = 0; i < 3; i++) {
        struct harness *h = harness_start(both[i].plugin, WEIR_TRANSFORM, both[i].options);
        assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
        const struct harness_out *o = harness_out(h, 0);
        assert_string_equal(o->record.key.ptr, "key");
        assert_string_equal(o->record.headers[0].value.ptr, "v");
        assert_int_equal(o->record.time_ms, 5);
        assert_true(harness_ops(h)->promises & WEIR_ONE_TO_ONE);
        harness_free(h);
    }
}

static void a_name_is_needed(void **state)
{
    (void)state;
    expect_problem("hoist", "", "field");
    expect_problem("extract", "", "field");
    expect_problem("hoist", "field = \xff\n", "UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_json_becomes_a_field),
        cmocka_unit_test(any_text_becomes_a_string),
        cmocka_unit_test(what_nests_to_the_limit_has_no_room),
        cmocka_unit_test(a_field_becomes_the_value),
        cmocka_unit_test(a_string_becomes_its_text),
        cmocka_unit_test(a_missing_field_follows_on_missing),
        cmocka_unit_test(metadata_stays),
        cmocka_unit_test(a_name_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
