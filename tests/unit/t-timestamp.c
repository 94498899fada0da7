/* SPDX-License-Identifier: BSD-2-Clause */
/* t-timestamp.c - the transform timestamp; how times are read and printed is
 * t-times.c's. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One value through one configuration: what comes out, "(dropped)", or why it
 * failed. */
static void expect(const char *options, const char *in, const char *out)
{
    struct harness *h = harness_start("timestamp", WEIR_TRANSFORM, options);
    const char *shown = "(dropped)";
    assert_int_equal(harness_process(h, harness_values(h, &in, 1)), WEIR_OK);
    if (harness_out_count(h))
        shown = harness_out(h, 0)->how == HARNESS_REJECT ? harness_out(h, 0)->result.why
                                                         : harness_out_value(h, 0);
    assert_string_equal(shown ? shown : "(tombstone)", out);
    harness_free(h);
}

static void a_field_becomes_another_format(void **state)
{
    const char *log = "field = .time\nfrom = %d/%b/%Y:%T %z\nto = rfc3339\n";
    (void)state;
    expect(log, "{\"time\":\"31/Jan/2026:10:00:00 +0100\",\"n\":1.00}",
           "{\"time\":\"2026-01-31T09:00:00Z\",\"n\":1.00}");
    expect("field = .t\nfrom = rfc3339\nto = unix-ms\n", "{\"t\":\"2026-01-31T09:00:00.1239Z\"}",
           "{\"t\":1769850000123}");
    expect("field = .t\nfrom = unix\nto = %F\n", "{\"t\":1.7e9}", "{\"t\":\"2023-11-14\"}");
    expect("field = .t\nfrom = unix\nto = %F\n", "{\"t\":\"1700000000\"}", "{\"t\":\"2023-11-14\"}");
    expect("field = .t\nfrom = %Y%m%d\nto = rfc3339\n", "{\"t\":20260131}",
           "{\"t\":\"2026-01-31T00:00:00Z\"}");
    expect("field = .a[1]\nfrom = unix\nto = unix-ns\n", "{\"a\":[1,2,3]}", "{\"a\":[1,2000000000,3]}");
    expect("field = .\nfrom = unix\nto = rfc3339\n", " 0 ", " \"1970-01-01T00:00:00Z\" ");
    expect("field = .t\nfrom = unix\nto = %F \"%%\"\n", "{\"t\":0}", "{\"t\":\"1970-01-01 \\\"%\\\"\"}");
    expect("field = .t\nfrom = %F\nto = unix\n", "{\"t\":\"\\u0032026-01-31\"}", "{\"t\":1769817600}");
}

static void it_may_be_written_elsewhere(void **state)
{
    const char *options = "field = .time\nfrom = unix\nto = %F\ninto = .day\n";
    (void)state;
    expect(options, "{\"time\":0}", "{\"time\":0,\"day\":\"1970-01-01\"}");
    expect(options, "{\"time\":0,\"day\":[1]}", "{\"time\":0,\"day\":\"1970-01-01\"}");
    expect("field = .time\nfrom = unix\nto = %F\ninto = .at.day\n", "{\"time\":0}",
           "{\"time\":0,\"at\":{\"day\":\"1970-01-01\"}}");
    expect("field = .time\nfrom = unix\nto = %F\ninto = .time.day\n", "{\"time\":0}",
           "a field can't be set: what should hold it is no object, or its value is not JSON, or nests too "
           "deeply there");
}

static void zones_of_texts(void **state)
{
    (void)state;
    expect("field = .t\nfrom = %F %R\nfrom-zone = Europe/Berlin\nto = rfc3339\n",
           "{\"t\":\"2026-07-01 12:00\"}", "{\"t\":\"2026-07-01T10:00:00Z\"}");
    expect("field = .t\nfrom = %F %R\nfrom-zone = Europe/Berlin\nto = "
           "rfc3339\nto-zone = America/New_York\n",
           "{\"t\":\"2026-07-01 12:00\"}", "{\"t\":\"2026-07-01T06:00:00-04:00\"}");
    expect("field = .t\nfrom = unix\nto = rfc3339\nto-zone = +05:30\n", "{\"t\":0}",
           "{\"t\":\"1970-01-01T05:30:00+05:30\"}");
}

static void the_whole_value_is_text(void **state)
{
    (void)state;
    expect("from = rfc3339\nto = unix\n", "2026-01-31T09:00:00Z", "1769850000");
    expect("from = unix\nto = rfc3339\n", "0", "1970-01-01T00:00:00Z");
    expect("from = unix\nto = rfc3339\n", "\"0\"",
           "by from = unix the time can't be read: it is not a number");
    expect("from = unix\nto = rfc3339\n", "", "by from = unix the time can't be read: it is not a number");
    expect("from = unix\nto = rfc3339\n", NULL, "(tombstone)");
}

static void what_is_no_time(void **state)
{
    const char *options = "field = .t\nfrom = rfc3339\nto = unix\n";
    (void)state;
    expect(options, "{\"t\":\"2026-02-30T00:00:00Z\"}",
           "by from = rfc3339 the time can't be read: there is no such day");
    expect(options, "{\"t\":\"\"}",
           "by from = rfc3339 the time can't be read: it does not read like the "
           "format");
    expect(options, "{\"t\":\"\\ud800\"}",
           "by from = rfc3339 the time can't be read: it does not read like the "
           "format");
    expect("field = .t\nfrom = unix\nto = unix\n", "{\"t\":1e400}",
           "by from = unix the time can't be read: it is not of the years 1 to "
           "9999");
    expect("field = .t\nfrom = unix\nto = %F\nto-zone = +01:00\n", "{\"t\":253402300799}",
           "the time can't be printed: it is not of the years 1 to 9999");
    expect("field = .t\nfrom = unix\nto = unix-ms\n", "{\"t\":1,\"t\":2}", "{\"t\":2000}");
}

static void what_is_missing(void **state)
{
    static const char *const in[] = {"{}", "{\"t\":null}", "{\"t\":true}", "{\"t\":[1]}"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        expect("field = .t\nfrom = unix\nto = %F\n", in[i], in[i]);
        expect("field = .t\nfrom = unix\nto = %F\non-missing = drop\n", in[i], "(dropped)");
        expect("field = .t\nfrom = unix\nto = %F\non-missing = null\n", in[i], "{\"t\":null}");
        expect("field = .t\nfrom = unix\nto = %F\non-missing = reject\n", in[i],
               i ? "the field with the time is neither a text nor a number"
                 : "the field with the time is missing");
    }
    expect("field = .t\nfrom = unix\nto = %F\ninto = .d\non-missing = null\n", "{\"t\":true}",
           "{\"t\":true,\"d\":null}");
    expect("field = .t\nfrom = unix\nto = record\non-missing = drop\n", "{}", "(dropped)");
}

static void the_records_own_time_is_set(void **state)
{
    static const char *const in[] = {"{\"t\":\"1969-12-31T23:59:59.9999Z\"}",
                                     "{\"t\":\"2026-01-31T09:00:00.123Z\"}", "{}"};
    static const int64_t times[] = {-1, 1769850000123, WEIR_NO_TIME};
    struct weir_header header = {{"h", 1}, {"v", 1}};
    struct weir_record records[3];
    (void)state;
    struct harness *h =
        harness_start("timestamp", WEIR_TRANSFORM, "field = .t\nfrom = rfc3339\nto = record\n");
    for (int i = 0; i < 3; i++) {
        records[i] = harness_record("k", in[i]);
        records[i].headers = &header;
        records[i].n_headers = 1;
    }
    assert_int_equal(harness_process(h, harness_batch(h, records, 3)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct weir_record *r = &harness_out(h, i)->record;
        assert_true(r->time_ms == times[i]);
        assert_string_equal(harness_out_value(h, i), in[i]);
        assert_string_equal(r->key.ptr, "k");
        assert_int_equal(r->n_headers, 1);
    }
    harness_free(h);
}

static void the_records_own_time_is_written(void **state)
{
    struct harness *h = harness_start("timestamp", WEIR_TRANSFORM,
                                      "from = record\nto = rfc3339\ninto = .at\non-missing = null\n");
    struct weir_record records[] = {harness_record(NULL, "{}"), harness_record(NULL, "{\"n\":1}"),
                                    harness_record(NULL, NULL)};
    (void)state;
    records[0].time_ms = -1;
    assert_int_equal(harness_process(h, harness_batch(h, records, 3)), WEIR_OK);
    assert_string_equal(harness_out_value(h, 0), "{\"at\":\"1969-12-31T23:59:59.999Z\"}");
    assert_string_equal(harness_out_value(h, 1), "{\"n\":1,\"at\":null}");
    assert_null(harness_out_value(h, 2));
    harness_free(h);
}

static void a_text_without_a_year_is_near_the_record(void **state)
{
    struct harness *h = harness_start("timestamp", WEIR_TRANSFORM, "from = %b %e %T\nto = rfc3339\n");
    struct weir_record records[] = {harness_record(NULL, "Dec 31 23:59:59"),
                                    harness_record(NULL, "Jan  1 00:00:00")};
    (void)state;
    harness_stop_clock(h, 1769850000000);
    records[0].time_ms = 946684800000; /* 2000-01-01 */
    assert_int_equal(harness_process(h, harness_batch(h, records, 2)), WEIR_OK);
    assert_string_equal(harness_out_value(h, 0), "1999-12-31T23:59:59Z");
    assert_string_equal(harness_out_value(h, 1), "2026-01-01T00:00:00Z");
    harness_free(h);
}

static void refused(const char *options, const char *said)
{
    const char *all = harness_check("timestamp", WEIR_TRANSFORM, options);
    if (!strstr(all, said))
        fail_msg("%s: %s", options, all);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    refused("from = %Q\nto = unix\n", "from: the letters of a time are %Y");
    refused("from = %H\nto = unix\n", "from: it tells no day");
    refused("from = unix\nto = iso\n", "to: a format is unix");
    refused("from = unix\nto = %H %H\nfrom-zone = Berlin\n",
            "from-zone: /usr/share/zoneinfo/Berlin can't be read");
    refused("from = unix\nto = unix\nto-zone = +1\n", "to-zone: a zone is UTC");
    refused("field = .t\nfrom = record\nto = unix\ninto = .t\n", "field: from = record reads no field");
    refused("from = record\nto = record\n", "nothing to do");
    refused("from = record\nto = unix\n", "into: from = record needs into");
    refused("field = .t\nfrom = unix\nto = record\ninto = .t\n",
            "into: to = record sets the record's own time");
    refused("from = unix\nto = unix\ninto = .t\n", "into: without field");
    refused("field = .t\nfrom = unix\nto = record\non-missing = null\n", "on-missing: null sets a field");
    assert_string_equal(
        harness_check("timestamp", WEIR_TRANSFORM, "from = unix\nto = %H %H\nto-zone = Asia/Tokyo\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_becomes_another_format),
        cmocka_unit_test(it_may_be_written_elsewhere),
        cmocka_unit_test(zones_of_texts),
        cmocka_unit_test(the_whole_value_is_text),
        cmocka_unit_test(what_is_no_time),
        cmocka_unit_test(what_is_missing),
        cmocka_unit_test(the_records_own_time_is_set),
        cmocka_unit_test(the_records_own_time_is_written),
        cmocka_unit_test(a_text_without_a_year_is_near_the_record),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
