/* SPDX-License-Identifier: BSD-2-Clause */
/* t-parse-lines.c - the transform parse: csv and syslog, with what the world sends instead of them. */
#include "parse_test.h"

static void csv(void **state)
{
    (void)state;
    PARSE_ROWS(
        "format = csv\ncolumns = a,b,c\n",
        {"1,x y,\"q,\"\"r\"\"\"", "{\"a\":\"1\",\"b\":\"x y\",\"c\":\"q,\\\"r\\\"\"}"},
        {"1,2,3\r\n", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}"}, {",,", "{\"a\":\"\",\"b\":\"\",\"c\":\"\"}"},
        {",\"\",\"\"\"\"", "{\"a\":\"\",\"b\":\"\",\"c\":\"\\\"\"}"},
        {"\"a\r\nb\n\",5\" x, y ", "{\"a\":\"a\\r\\nb\\n\",\"b\":\"5\\\" x\",\"c\":\" y \"}"},
        {"1,2", "! it has 2 fields, and columns names 3"}, {"", "! it has 1 fields"},
        {"1,2,3,", "! more than the 3"}, {"1,2,3\n4", "! a second line begins behind the field c"},
        {"1,\"2,3", "! the quote of the field b is not closed"}, {"1,\"", "! the quote of the field b"},
        {"1,\"2\"x,3", "! something stands behind the quotes of the field b"},
        {"1,\"2\" ,3", "! something stands behind"}, {"1,\xe4,3", "! the field b is not UTF-8"},
        {"1,2\n,3", "! a second line begins behind the field b"}, {"1,\"\"\"", "! not closed"});
    PARSE_ROWS("format = csv\ncolumns = a,b\ndelimiter = tab\nquote = none\ntypes = auto\n",
               {"\"1\"\t1.50", "{\"a\":\"\\\"1\\\"\",\"b\":1.50}"},
               {"\xff"
                "a\xff\t2",
                "! the field a is not UTF-8"});
    PARSE_ROWS("format = csv\ncolumns = a,b\ndelimiter = \";\"\nquote = single\ntypes.a = integer\n",
               {"'7';'it''s'", "{\"a\":7,\"b\":\"it's\"}"}, {";x", "{\"a\":null,\"b\":\"x\"}"},
               {"x;y", "! the field a is \"x\", which is no integer"});
    PARSE_ROWS("format = csv\ncolumns = a\n", {"", "{\"a\":\"\"}"}, {"\n", "{\"a\":\"\"}"},
               {"a.b", "{\"a\":\"a.b\"}"});
    PARSE_ROWS("format = csv\ncolumns = a,b,a\n", {"1,2,3", "{\"b\":\"2\",\"a\":\"3\"}"});
}

static void rfc5424(void **state)
{
    (void)state;
    PARSE_ROWS(
        "format = syslog\n",
        {"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
         "[exampleSDID@32473 iut=\"3\" eventSource=\"App\\]\\\"\\\\\\x\"][p@1] \xef\xbb\xbf\xc3\xa4",
         "{\"facility\":\"local4\",\"severity\":\"notice\",\"timestamp\":\"2003-10-11T22:14:15.003Z\","
         "\"host\":\"mymachine.example.com\",\"app\":\"evntslog\",\"msgid\":\"ID47\",\"data\":{"
         "\"exampleSDID@32473\":{\"iut\":\"3\",\"eventSource\":\"App]\\\"\\\\\\\\x\"},\"p@1\":{}},"
         "\"message\":\"\xc3\xa4\"}"},
        {"<0>1 - - - - - -", "{\"facility\":\"kern\",\"severity\":\"emerg\",\"message\":\"\"}"},
        {"<34>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.\n",
         "{\"facility\":\"auth\",\"severity\":\"crit\",\"timestamp\":\"2003-08-24T05:14:15.000003-07:00\","
         "\"host\":\"192.0.2.1\",\"app\":\"myproc\",\"procid\":\"8710\",\"message\":\"%% It's time.\"}"},
        {"<13>1 - h a - - [o ip=\"1\" ip=\"2\"]", "{\"facility\":\"user\",\"severity\":\"notice\",\"host\":"
                                                  "\"h\",\"app\":\"a\",\"data\":{\"o\":{\"ip\":\"2\"}},"
                                                  "\"message\":\"\"}"},
        {"<13>1 2026-02-30T00:00:00Z h a - - - m", "! the timestamp is \"2026-02-30T00:00:00Z\": "},
        {"<13>1 2026-02-03 h a - - - m", "! the timestamp is"},
        {"<13>1 - h a -", "! msgid, or - for none, is missing"},
        {"<13>1 - h a - -", "! structured data, or - for none, is missing"},
        {"<13>1 - h a - - x", "! structured data"}, {"<13>1 - h a - - [", "! does not end"},
        {"<13>1 - h a - - [a", "! does not end"}, {"<13>1 - h a - - [a b", "! does not end"},
        {"<13>1 - h a - - [a b=\"c]", "! does not end"}, {"<13>1 - h a - - [a b=\"c\\\"]", "! does not end"},
        {"<13>1 - h a - - [a b=\"c\"]x", "! no space"},
        {"<13>1 - h\xff a - - -", "! the field host is not UTF-8"});
    PARSE_ROWS("format = syslog\nsyslog = rfc5424\ntypes.procid = integer\n",
               {"<13>1 - - - 12 - -",
                "{\"facility\":\"user\",\"severity\":\"notice\",\"procid\":12,\"message\":\"\"}"},
               {"<13>Jan  2 03:04:05 h a: m", "! does not begin with"},
               {"<192>1 - - - - - -", "! does not begin with"});
}

#define NOTICE "{\"facility\":\"user\",\"severity\":\"notice\","
#define NOON   "\"timestamp\":\"2026-01-01T12:00:00Z\","

static void rfc3164(void **state)
{
    (void)state;
    PARSE_ROWS(
        "format = syslog\n",
        {"<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
         "{\"facility\":\"auth\",\"severity\":\"crit\",\"timestamp\":\"2025-10-11T22:14:15Z\",\"host\":"
         "\"mymachine\","
         "\"app\":\"su\",\"message\":\"'su root' failed\"}"},
        {"<13>Jan  1 12:00:00 h sshd[42]: x: y\n",
         NOTICE NOON "\"host\":\"h\",\"app\":\"sshd\",\"procid\":\"42\",\"message\":\"x: y\"}"},
        {"Jan 1 12:00:00 h kernel: [ 1.5] up",
         "{" NOON "\"host\":\"h\",\"app\":\"kernel\",\"message\":\"[ 1.5] up\"}"},
        {"<13>Jan  1 12:00:00 su[7]: x", NOTICE NOON "\"app\":\"su\",\"procid\":\"7\",\"message\":\"x\"}"},
        {"<13>Jan  1 12:00:00 h no program here",
         NOTICE NOON "\"host\":\"h\",\"message\":\"no program here\"}"},
        {"<13>Jan  1 12:00:00 h http://x y", NOTICE NOON "\"host\":\"h\",\"message\":\"http://x y\"}"},
        {"<13>Jan  1 12:00:00 h a[b c]: d", NOTICE NOON "\"host\":\"h\",\"message\":\"a[b c]: d\"}"},
        {"<13>Jan  1 12:00:00 h", NOTICE NOON "\"host\":\"h\",\"message\":\"\"}"},
        {"<13>Jan  1 12:00:00", NOTICE NOON "\"message\":\"\"}"},
        {"<13>2026-01-01T12:00:00.5+01:00 h a[1] b",
         NOTICE "\"timestamp\":\"2026-01-01T12:00:00.5+01:00\",\"host\":\"h\",\"app\":\"a\",\"procid\":\"1\","
                "\"message\":\"b\"}"},
        {"<13>Jan 01 2026 12:00:00: %ASA-6-302013: Built",
         NOTICE NOON "\"app\":\"%ASA-6-302013\",\"message\":\"Built\"}"},
        {"<13>Jan 01 2026 12:00:00 fw : %ASA-6-302013: Built",
         NOTICE NOON "\"host\":\"fw\",\"app\":\"%ASA-6-302013\",\"message\":\"Built\"}"},
        {"<13>Jan  1 12:00:00.250 h a: b",
         NOTICE "\"timestamp\":\"2026-01-01T12:00:00.250Z\",\"host\":\"h\",\"app\":\"a\",\"message\":\"b\"}"},
        {"<13>just text", NOTICE "\"message\":\"just text\"}"}, {"<13>", NOTICE "\"message\":\"\"}"},
        {"<13>Foo 99 12:00:00 h a: b", NOTICE "\"message\":\"Foo 99 12:00:00 h a: b\"}"},
        {"<13>1 message", NOTICE "\"message\":\"1 message\"}"}, {"<999>x", "! neither a priority nor a time"},
        {"<>x", "! neither"}, {"just text", "! neither"}, {"", "! neither"}, {"<13", "! neither"},
        {"<13>Jan  1 12:00:00 h a: \xff", "! the field message is not UTF-8"});
    PARSE_ROWS(
        "format = syslog\nzone = +02:00\n",
        {"<13>Jan  1 14:00:00 h a: b", NOTICE NOON "\"host\":\"h\",\"app\":\"a\",\"message\":\"b\"}"},
        {"<13>2026-01-01T14:00:00 h a: b", NOTICE NOON "\"host\":\"h\",\"app\":\"a\",\"message\":\"b\"}"});
    PARSE_ROWS("format = syslog\nsyslog = rfc3164\n",
               {"<13>1 - - - - - -", NOTICE "\"message\":\"1 - - - - - -\"}"});
}

static void the_year_is_that_of_the_record(void **state)
{
    struct harness *h = harness_start("parse", WEIR_TRANSFORM, "format = syslog\n");
    struct weir_record r = harness_record(NULL, "Dec 31 23:59:59 h a: b");
    (void)state;
    r.time_ms = INT64_C(1577836800000); /* 2020-01-01T00:00:00Z */
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    assert_string_equal(
        harness_out_value(h, 0),
        "{\"timestamp\":\"2019-12-31T23:59:59Z\",\"host\":\"h\",\"app\":\"a\",\"message\":\"b\"}");
    harness_free(h);
}

/* Instructions would count it exactly; a parser that goes over its text anew for each of these would need hours. */
static void what_invites_to_look_again_and_again(void **state)
{
    static const struct {
        const char *options, *before, *again;
    } rows[] = {
        {"format = csv\ncolumns = a\n", "\"", "\"\""},
        {"format = csv\ncolumns = a,b\n", "", ",\""},
        {"format = logfmt\n", "a=\"", "\\\""},
        {"format = logfmt\n", "", "a=\"\" "},
        {"format = logfmt\n", "", "\""},
        {"format = syslog\n", "<13>Jan  1 12:00:00 h ", "a[:"},
        {"format = syslog\n", "<13>1 - - - - - ", "[a b=\"\"]"},
        {"format = syslog\n", "<13>1 - - - - - [a", " b=\"\\\""},
        {"format = syslog\n", "<13>1 - - - - - [a b=\"", "\\]"},
        {"format = json\nfield = .a\n", "{\"a\":\"{", "\\\"a\\\":1,"},
        {"format = json\nfield = .a\n", "{\"a\":\"", "["},
    };
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE + 64);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = (size_t)snprintf(text, 64, "%s", rows[i].before), step = strlen(rows[i].again);
        for (; n + step < SIZE; n += step)
            memcpy(text + n, rows[i].again, step);
        text[n] = '\0';
        struct harness *h = harness_start("parse", WEIR_TRANSFORM, rows[i].options);
        const char *in = text;
        assert_int_equal(harness_process(h, harness_values(h, &in, 1)), WEIR_OK);
        assert_int_equal(harness_out_count(h), 1);
        harness_free(h);
    }
    free(text);
}

static void options_that_contradict_are_refused(void **state)
{
    static const struct {
        const char *options, *why;
    } rows[] = {
        {"format = csv\n", "needs the names of the columns"},
        {"format = csv\ncolumns = a\ndelimiter = ab\n", "one ASCII character"},
        {"format = csv\ncolumns = a\nquote = comma\n", "beside the delimiter"},
        {"format = syslog\ncolumns = a\n", "format = csv"},
        {"format = syslog\nzone = Mars/Phobos\n", "zone"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!strstr(harness_check("parse", WEIR_TRANSFORM, rows[i].options), rows[i].why))
            fail_msg("%s: %s", rows[i].options, harness_check("parse", WEIR_TRANSFORM, rows[i].options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv),
        cmocka_unit_test(rfc5424),
        cmocka_unit_test(rfc3164),
        cmocka_unit_test(the_year_is_that_of_the_record),
        cmocka_unit_test(what_invites_to_look_again_and_again),
        cmocka_unit_test(options_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
