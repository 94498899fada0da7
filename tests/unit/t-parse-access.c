/* SPDX-License-Identifier: BSD-2-Clause */
/* t-parse-access.c - the format access of the transform parse: lines as web servers write them, and nearly. */
#include "parse_test.h"

#define TIME     "[22/Nov/2026:00:56:29 +0100]"
#define TIME_UTC "\"time\":\"2026-11-21T23:56:29Z\""

static void common_and_combined(void **state)
{
    (void)state;
    PARSE_ROWS(
        "format = access\n",
        {"203.0.113.9 - ann " TIME " \"GET /a?b=c HTTP/1.1\" 200 2326",
         "{\"client\":\"203.0.113.9\",\"user\":\"ann\"," TIME_UTC ",\"method\":\"GET\",\"path\":\"/a?b=c\","
         "\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":2326}"},
        {"::1 id - " TIME " \"POST / HTTP/2.0\" 304 - \"https://x/\" \"curl/8\"\r\n",
         "{\"client\":\"::1\",\"ident\":\"id\"," TIME_UTC ",\"method\":\"POST\",\"path\":\"/\",\"protocol\":"
         "\"HTTP/2.0\",\"status\":304,\"referer\":\"https://x/\",\"agent\":\"curl/8\"}"},
        {"h - - " TIME " \"GET /\" 200 18446744073709551616 \"-\" \"\"",
         "{\"client\":\"h\"," TIME_UTC ",\"method\":\"GET\",\"path\":\"/\",\"status\":200,\"bytes\":"
         "18446744073709551616,\"agent\":\"\"}"},
        {"h - - [29/Feb/2024:23:59:60 -0830] \"-\" 408 0 \"-\" \"-\"",
         "{\"client\":\"h\",\"time\":\"2024-03-01T08:30:00Z\",\"status\":408,\"bytes\":0}"});
}

static void names_of_users_hold_spaces(void **state)
{
    (void)state;
    PARSE_ROWS(
        "format = access\n",
        {"h - ann lee [x] " TIME " \"-\" 200 -",
         "{\"client\":\"h\",\"user\":\"ann lee [x]\"," TIME_UTC ",\"status\":200}"},
        {"h - \"\" " TIME " \"-\" 200 -", "{\"client\":\"h\",\"user\":\"\"," TIME_UTC ",\"status\":200}"},
        {"10.0.0.1, 10.0.0.2 - ann " TIME " \"-\" 200 -",
         "{\"client\":\"10.0.0.1, 10.0.0.2\",\"user\":\"ann\"," TIME_UTC ",\"status\":200}"});
}

static void virtual_hosts_stand_before_it_all(void **state)
{
    (void)state;
    PARSE_ROWS(
        "format = access\n",
        {"www.example.com:443 h - ann " TIME " \"-\" 200 5",
         "{\"vhost\":\"www.example.com\",\"port\":443,\"client\":\"h\",\"user\":\"ann\"," TIME_UTC
         ",\"status\":200,\"bytes\":5}"},
        {"www.example.com h - ann lee " TIME " \"-\" 200 5",
         "{\"vhost\":\"www.example.com\",\"client\":\"h\",\"user\":\"ann lee\"," TIME_UTC ",\"status\":200,"
         "\"bytes\":5}"},
        {"[::1]:80 h id ann " TIME " \"-\" 200 5",
         "{\"vhost\":\"[::1]\",\"port\":80,\"client\":\"h\",\"ident\":\"id\",\"user\":\"ann\"," TIME_UTC
         ",\"status\":200,\"bytes\":5}"});
}

#define HEAD     "h - - " TIME " \"-\" 200 5"
#define HEAD_OUT "{\"client\":\"h\"," TIME_UTC ",\"status\":200,\"bytes\":5"

static void more_may_stand_behind(void **state)
{
    (void)state;
    PARSE_ROWS("format = access\n",
               {HEAD " \"r\" \"a\" \"10.0.0.1, ::1\" 0.005 -  x",
                HEAD_OUT ",\"referer\":\"r\",\"agent\":\"a\",\"extra1\":\"10.0.0.1, ::1\",\"extra2\":"
                         "\"0.005\",\"extra4\":\"\",\"extra5\":\"x\"}"},
               {HEAD " 0.005", HEAD_OUT ",\"extra1\":\"0.005\"}"},
               {HEAD " \"x\"", HEAD_OUT ",\"extra1\":\"x\"}"},
               {HEAD " \"x\" 1", HEAD_OUT ",\"extra1\":\"x\",\"extra2\":\"1\"}"}, {HEAD " ", HEAD_OUT "}"});
    PARSE_ROWS("format = access\ncolumns = forwarded, took\ntypes.took = number\ntypes.extra3 = integer\n",
               {HEAD " \"r\" \"a\" \"x\" 0.005 07",
                HEAD_OUT ",\"referer\":\"r\",\"agent\":\"a\",\"forwarded\":\"x\",\"took\":"
                         "0.005,\"extra3\":7}"},
               {HEAD " \"r\" \"a\" - x", "! the field took is \"x\", which is no number"});
}

static void broken_requests_stay_whole(void **state)
{
    (void)state;
#define REQUEST(r) "h - - " TIME " \"" r "\" 400 5"
#define WHOLE(r)   "{\"client\":\"h\"," TIME_UTC ",\"request\":\"" r "\",\"status\":400,\"bytes\":5}"
    PARSE_ROWS("format = access\n", {REQUEST("GET /a b HTTP/1.1"), WHOLE("GET /a b HTTP/1.1")},
               {REQUEST(""), WHOLE("")}, {REQUEST("GET"), WHOLE("GET")}, {REQUEST("GET "), WHOLE("GET ")},
               {REQUEST("GET  HTTP/1.1"), WHOLE("GET  HTTP/1.1")},
               {REQUEST("GET / SIP/2.0"), WHOLE("GET / SIP/2.0")},
               {REQUEST("GET / HTTP/1.1 "), WHOLE("GET / HTTP/1.1 ")},
               {REQUEST("G=T / HTTP/1.1"), WHOLE("G=T / HTTP/1.1")},
               {REQUEST("\\x16\\x03\\x01\\x00"), WHOLE("\\u0016\\u0003\\u0001\\u0000")},
               {REQUEST("\\x80\\xff"), WHOLE("\\\\x80\\\\xff")},
               {REQUEST("a \\\"b\\\" \\\\ \\n \\q"), WHOLE("a \\\"b\\\" \\\\ \\n \\\\q")},
               {REQUEST("\\xC3\\xA9"), WHOLE("\xc3\xa9")});
    PARSE_ROWS("format = access\n",
               {REQUEST("GET /\\xe2\\x82\\xac\\\" HTTP/1.0"),
                "{\"client\":\"h\"," TIME_UTC
                ",\"method\":\"GET\",\"path\":\"/\xe2\x82\xac\\\"\",\"protocol\":\"HTTP/1.0\","
                "\"status\":400,\"bytes\":5}"});
}

static void types_of_numbers_may_be_others(void **state)
{
    (void)state;
    PARSE_ROWS("format = access\ntypes = auto\ntypes.status = string\n",
               {"5:80 10 - 7 " TIME " \"GET 1 HTTP/1.1\" 200 5 \"1\" \"2\" 3 true",
                "{\"vhost\":\"5\",\"port\":80,\"client\":\"10\",\"user\":\"7\"," TIME_UTC
                ",\"method\":\"GET\",\"path\":\"1\","
                "\"protocol\":\"HTTP/"
                "1.1\",\"status\":\"200\",\"bytes\":5,\"referer\":\"1\",\"agent\":\"2\",\"extra1\":3,"
                "\"extra2\":true}"});
}

static void what_is_no_such_line(void **state)
{
    (void)state;
    PARSE_ROWS("format = access\n", {"", "! not access: there is no time"},
               {"GET / 200", "! there is no time"},
               {"h - - [22/Nov/2026:00:56:29 +010]", "! there is no time"},
               {"h - - [22/Nox/2026:00:56:29 +0100] \"-\" 200 5", "! its time can't be read"},
               {"h - - [30/Feb/2026:00:56:29 +0100] \"-\" 200 5", "! its time can't be read"},
               {"h - " TIME " \"-\" 200 5", "! it ends before the time"},
               {TIME " \"-\" 200 5", "! there is no time"}, {" " TIME, "! it ends before the time"},
               {"  x " TIME, "! it has no client"}, {"h - - " TIME, "! it ends before the request"},
               {"h - - " TIME " GET", "! the request does not stand in quotes"},
               {"h - - " TIME " \"GET", "! the quote of the request is not closed"},
               {"h - - " TIME " \"GET\\\"", "! not closed"}, {"h - - " TIME " \"GET\\\\\\\"", "! not closed"},
               {"h - - " TIME " \"-\"", "! it ends before the status"},
               {"h - - " TIME " \"-\" x", "! the field status is \"x\", which is no number"},
               {"h - - " TIME " \"-\" 200", "! it ends before the bytes"},
               {"h - - " TIME " \"-\" 200 -5", "! the field bytes is \"-5\", which is no number"},
               {HEAD " \"r", "! the quote of the referer is not closed"},
               {HEAD " \"r\" \"a", "! the quote of the agent is not closed"},
               {HEAD " \"r\" \"a\"b", "! something stands behind a closing quote"},
               {HEAD " \"r\" \"a\xff\"", "! the field agent is not UTF-8"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(common_and_combined),
        cmocka_unit_test(names_of_users_hold_spaces),
        cmocka_unit_test(virtual_hosts_stand_before_it_all),
        cmocka_unit_test(more_may_stand_behind),
        cmocka_unit_test(broken_requests_stay_whole),
        cmocka_unit_test(types_of_numbers_may_be_others),
        cmocka_unit_test(what_is_no_such_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
