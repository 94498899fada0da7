/* SPDX-License-Identifier: BSD-2-Clause */
/* t-times.c - times as texts and numbers, and zones, against what the C library says of them. */
#define WEIR_API 1
#include "../../plugins/common/times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct times_format format_of(const char *text)
{
    struct times_format f;
    char why[300] = "";
    if (!times_format(&f, text, why, sizeof why))
        fail_msg("%s: %s", text, why);
    return f;
}

static struct zone *zone_of(const char *name)
{
    char why[300] = "";
    struct zone *z = zone_open(name, why, sizeof why);
    if (!z)
        fail_msg("%s: %s", name, why);
    return z;
}

/* Reads text by one format and prints it by another; the reason, when it can't be read. */
static void expect(const char *from, const char *zone, const char *text, const char *to, const char *out)
{
    struct times_format f = format_of(from), t = format_of(to);
    struct zone *z = zone ? zone_of(zone) : NULL;
    struct times_point at;
    char printed[TIMES_TEXT_MAX + 1], why[300];
    assert_true(times_readable(&f, why, sizeof why));
    size_t n = strlen(text);
    char *exact = malloc(n + 1); /* no NUL behind it that ASan would let be read */
    assert_non_null(exact);
    memcpy(exact, text, n);
    exact = realloc(exact, n ? n : 1);
    const char *bad = times_read(&f, z, 1769853600, (struct weir_slice){exact, n}, &at);
    if (!bad)
        printed[times_print(&t, z, at, printed)] = '\0';
    if (strcmp(bad ? bad : printed, out) != 0)
        fail_msg("%s by %s to %s is \"%s\", not \"%s\"", text, from, to, bad ? bad : printed, out);
    free(exact);
    zone_free(z);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    expect("unix", NULL, "1700000000", "rfc3339", "2023-11-14T22:13:20Z");
    expect("unix", NULL, "1700000000.123456789", "rfc3339", "2023-11-14T22:13:20.123456789Z");
    expect("unix", NULL, "1.7e9", "unix-ms", "1700000000000");
    expect("unix", NULL, "17000000000000E-4", "unix", "1700000000");
    expect("unix", NULL, "0", "rfc3339", "1970-01-01T00:00:00Z");
    expect("unix", NULL, "-0", "unix-ns", "0");
    expect("unix", NULL, "-0.000000001", "unix-ns", "-1");
    expect("unix", NULL, "-0.5", "unix", "-1");
    expect("unix", NULL, "-0.5", "unix-ms", "-500");
    expect("unix", NULL, "-0.5", "rfc3339", "1969-12-31T23:59:59.500Z");
    expect("unix", NULL, "-1.25", "unix-us", "-1250000");
    expect("unix-ms", NULL, "1700000000123", "unix-ns", "1700000000123000000");
    expect("unix-ms", NULL, "1700000000123.000001", "unix-ns", "1700000000123000001");
    expect("unix-us", NULL, "-1", "rfc3339", "1969-12-31T23:59:59.999999Z");
    expect("unix-ns", NULL, "253402300799999999999", "rfc3339", "9999-12-31T23:59:59.999999999Z");
    expect("unix-ns", NULL, "253402300799999999999", "unix-ns", "253402300799999999999");
    expect("unix-ns", NULL, "-62135596800000000000", "rfc3339", "0001-01-01T00:00:00Z");
    expect("unix-ns", NULL, "-62135596799999999999", "unix-ns", "-62135596799999999999");
    expect("unix-ns", NULL, "-1", "unix-ms", "-1");
    expect("unix-ns", NULL, "1999999", "unix-ms", "1");
    expect("unix", NULL, "1700000000.1234567890000000000000000000000000000000000000000000", "unix-ns",
           "1700000000123456789");
    expect("unix", NULL, "0000000000000000000000000000000000000000000000000000000000000001", "unix", "1");
}

static void numbers_that_are_no_times(void **state)
{
    (void)state;
    expect("unix", NULL, "253402300800", "unix", "it is not of the years 1 to 9999");
    expect("unix", NULL, "-62135596801", "unix", "it is not of the years 1 to 9999");
    expect("unix", NULL, "9223372036854775808", "unix", "it is not of the years 1 to 9999");
    expect("unix", NULL, "1e400", "unix", "it is not of the years 1 to 9999");
    expect("unix", NULL, "1e99999999999999999999", "unix", "it is not of the years 1 to 9999");
    expect("unix", NULL, "0e99999999999999999999", "unix", "0");
    expect("unix", NULL, "1e-400", "unix", "it is finer than a nanosecond");
    expect("unix-ns", NULL, "0.5", "unix", "it is finer than a nanosecond");
    expect("unix", NULL, "1.0000000000000000000000000000000000000000000000001", "unix",
           "it is finer than a nanosecond");
    expect("unix", NULL, "", "unix", "it is not a number");
    expect("unix", NULL, "-", "unix", "it is not a number");
    expect("unix", NULL, "1.", "unix", "it is not a number");
    expect("unix", NULL, "1e", "unix", "it is not a number");
    expect("unix", NULL, "1e+", "unix", "it is not a number");
    expect("unix", NULL, " 1", "unix", "it is not a number");
    expect("unix", NULL, "1x", "unix", "it is not a number");
}

static void rfc3339_is_read_and_printed(void **state)
{
    (void)state;
    expect("rfc3339", NULL, "2026-01-31T10:00:00Z", "unix", "1769853600");
    expect("rfc3339", NULL, "2026-01-31t10:00:00.5z", "rfc3339", "2026-01-31T10:00:00.500Z");
    expect("rfc3339", NULL, "2026-01-31 10:00:00,000001+02:00", "rfc3339", "2026-01-31T08:00:00.000001Z");
    expect("rfc3339", NULL, "2026-01-31T10:00:00-0330", "rfc3339", "2026-01-31T13:30:00Z");
    expect("rfc3339", "+05:30", "2026-01-31T10:00:00", "rfc3339", "2026-01-31T10:00:00+05:30");
    expect("rfc3339", "+05:30", "2026-01-31T10:00:00", "unix", "1769833800");
    expect("rfc3339", NULL, "2016-12-31T23:59:60Z", "rfc3339", "2017-01-01T00:00:00Z");
    expect("rfc3339", NULL, "2024-02-29T00:00:00Z", "%j", "060");
    expect("rfc3339", NULL, "1900-02-29T00:00:00Z", "unix", "there is no such day");
    expect("rfc3339", NULL, "2026-02-30T00:00:00Z", "unix", "there is no such day");
    expect("rfc3339", NULL, "2026-04-31T00:00:00Z", "unix", "there is no such day");
    expect("rfc3339", NULL, "0001-01-01T00:00:00+00:01", "unix", "it is not of the years 1 to 9999");
    const char *const bad[] = {"",
                               "2026-01-31",
                               "2026-01-31T10:00:00.Z",
                               "2026-01-31T10:00:00.1234567890Z",
                               "2026-01-31T24:00:00Z",
                               "2026-01-31T10:60:00Z",
                               "2026-01-31T10:00:61Z",
                               "2026-13-01T10:00:00Z",
                               "2026-1-31T10:00:00Z",
                               "0000-01-01T10:00:00Z",
                               "2026-01-31T10:00:00+24:00",
                               "2026-01-31T10:00:00+1",
                               "2026-01-31T10:00:00 Z",
                               "2026-01-31T10:00:00Zx"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect("rfc3339", NULL, bad[i], "unix", "it does not read like the format");
}

static void patterns_are_read_and_printed(void **state)
{
    (void)state;
    expect("%d/%b/%Y:%H:%M:%S %z", NULL, "31/Jan/2026:10:00:00 +0100", "unix", "1769850000");
    expect("%b %e %H:%M:%S", NULL, "Jan  2 10:00:00", "rfc3339", "2026-01-02T10:00:00Z");
    expect("%b %e %H:%M:%S", NULL, "Dec 31 23:59:59", "rfc3339", "2025-12-31T23:59:59Z");
    expect("%b %e", NULL, "Feb 29", "%F", "2024-02-29");
    expect("%A, %d %B %Y %T %Z", NULL, "saturday, 31 JANUARY 2026 10:00:00 GMT", "%a %e %b %y %R",
           "Sat 31 Jan 26 10:00");
    expect("%a %d/%m/%y %I:%M %p", NULL, "Sat 31/1/26 12:05 am", "%I:%M %p %H%%", "12:05 AM 00%");
    expect("%F %I:%M%p", NULL, "2026-01-31 12:05PM", "%I:%M %p %H", "12:05 PM 12");
    expect("%Y.%j", NULL, "2024.366", "%F %A", "2024-12-31 Tuesday");
    expect("%Y%m%d%H%M%S%L", NULL, "20260131100000123", "%L %f %N", "123 123000 123000000");
    expect("%s.%f", NULL, "-1.25", "unix-ms", "-1250");
    expect("%s", NULL, "-0", "%s", "0");
    expect("unix", NULL, "-1.25", "%s.%f", "-1.250000");
    expect("unix", NULL, "-0.5", "%s,%L%Z", "-0,500UTC");
    expect("%s.%L", NULL, "-0.500", "unix", "-1");
    expect("unix", NULL, "-0.0004", "%s.%L", "-0.001");
    expect("unix", NULL, "-1.9999996", "%s.%f%%L", "-2.000000%L");
    expect("unix", NULL, "-2", "%s.%N", "-2.000000000");
    expect("unix", NULL, "-0.5", "%T.%L %s", "23:59:59.500 -1");
    expect("%y-%m-%d", NULL, "69-01-01", "%Y", "1969");
    expect("%y-%m-%d", NULL, "68-01-01", "%Y", "2068");
    expect("%Y", NULL, "2026", "rfc3339", "2026-01-01T00:00:00Z");
    expect("%FT%T%:z", "-03:30", "2026-01-31T10:00:00Z", "%FT%T%:z %z %Z",
           "2026-01-31T06:30:00-03:30 -0330 -03:30");
    expect("%F", NULL, "2026-2-3", "%e|%d|%B|%A", " 3|03|February|Tuesday");
    expect("%a %F", NULL, "Sun 2026-01-31", "unix", "that day is another weekday");
    expect("%Y %j", NULL, "2026 366", "unix", "there is no such day");
    expect("%F %Z", NULL, "2026-01-31 CET", "unix", "it does not read like the format");
    expect("%F", NULL, "2026-01-31 ", "unix", "it does not read like the format");
    expect("%F", NULL, "0000-01-31", "unix", "it does not read like the format");
    expect("%s", NULL, "999999999999", "unix", "it is not of the years 1 to 9999");
}

static void refused(const char *text, const char *said)
{
    struct times_format f;
    char why[300] = "";
    if (times_format(&f, text, why, sizeof why))
        assert_false(times_readable(&f, why, sizeof why));
    if (!strstr(why, said))
        fail_msg("%s: %s", text, why);
}

static void formats_that_tell_no_time_are_refused(void **state)
{
    char text[TIMES_PATTERN_MAX + 10];
    (void)state;
    refused("unix-s", "a format is unix, unix-ms");
    refused("%Q", "the letters of a time are");
    refused("%Y-%", "the letters of a time are");
    refused("%:Y", "the letters of a time are");
    refused("%F %d", "%d says a part of the time a second time");
    refused("%H:%M", "it tells no day");
    refused("%m", "it tells no day");
    refused("%Y %d", "a day and no month");
    refused("%F %I", "tell the hour together");
    refused("%F %H %p", "can not stand beside it");
    refused("%F %j", "%j is a day of the year");
    refused("%s %Y", "%s is a whole time");
    memset(text, 'x', sizeof text);
    text[0] = '%';
    text[1] = 'Y';
    text[sizeof text - 1] = '\0';
    refused(text, "at most 128 bytes");
}

static uint64_t seed = 20260131;

static int64_t any(int64_t low, int64_t high)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return low + (int64_t)((seed >> 16) % (uint64_t)(high - low + 1));
}

static void the_calendar_is_that_of_the_c_library(void **state)
{
    static const char pattern[] = "%Y-%m-%d %e %j %b %B %a %A %H %I %p %M %S %y";
    struct times_format f = format_of(pattern);
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char ours[TIMES_TEXT_MAX + 1], theirs[200];
        struct times_point t = {any(-30610224000, 253402300799),
                                0}; /* from the year 1000 on, with four digits there */
        time_t sec = (time_t)t.sec;
        struct tm tm;
        assert_non_null(gmtime_r(&sec, &tm));
        ours[times_print(&f, NULL, t, ours)] = '\0';
        assert_true(strftime(theirs, sizeof theirs, pattern, &tm) > 0);
        assert_string_equal(ours, theirs);
        struct times_format read = format_of(i % 2 ? "%a %Y-%m-%d %H:%M:%S" : "%A %Y %j %I:%M:%S %p");
        struct times_point back;
        size_t n = times_print(&read, NULL, t, ours);
        assert_null(times_read(&read, NULL, 0, (struct weir_slice){ours, n}, &back));
        assert_true(back.sec == t.sec);
    }
}

/* What the C library says of the zone at any moment, and that a wall clock is read back. */
static void compare_zone(const char *name)
{
    struct zone *z = zone_of(name);
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
    for (int i = 0; i < 5000; i++) {
        time_t sec = (time_t)any(-4000000000, 8000000000);
        struct tm tm;
        const char *abbreviation;
        int32_t offset = zone_at(z, sec, &abbreviation);
        assert_non_null(localtime_r(&sec, &tm));
        if (offset != tm.tm_gmtoff || strcmp(abbreviation, tm.tm_zone) != 0)
            fail_msg("%s at %lld is %d %s, not %ld %s", name, (long long)sec, (int)offset, abbreviation,
                     tm.tm_gmtoff, tm.tm_zone);
        int64_t local = sec + offset, back = local - zone_of_local(z, local);
        assert_true(back == sec || (back < sec && back + zone_at(z, back, NULL) == local));
    }
    zone_free(z);
}

static void zones_are_those_of_the_c_library(void **state)
{
    static const char *const names[] = {"Europe/Berlin",        "America/New_York",
                                        "Australia/Lord_Howe",  "Asia/Kolkata",
                                        "Africa/Casablanca",    "America/St_Johns",
                                        "Europe/Dublin",        "Asia/Gaza",
                                        "America/Sao_Paulo",    "Pacific/Apia",
                                        "Antarctica/Troll",     "Etc/GMT+5",
                                        "America/Scoresbysund", "UTC"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        compare_zone(names[i]);
    unsetenv("TZ");
    tzset();
}

static void a_clock_that_is_set(void **state)
{
    (void)state;
    expect("%F %R", "Europe/Berlin", "2026-03-29 01:59", "%s %Z", "1774745940 CET");
    expect("%F %R", "Europe/Berlin", "2026-03-29 02:30", "%F %R %Z",
           "2026-03-29 03:30 CEST"); /* there was no 02:30 */
    expect("%F %R", "Europe/Berlin", "2026-03-29 03:00", "%s %Z", "1774746000 CEST");
    expect("%F %R", "Europe/Berlin", "2026-10-25 02:30", "%F %R %Z",
           "2026-10-25 02:30 CEST"); /* the first of two */
    expect("%F %R", "Europe/Berlin", "2026-10-25 03:00", "%F %R %Z", "2026-10-25 03:00 CET");
    expect("%F %R", "Pacific/Apia", "2011-12-30 12:00", "%F %R",
           "2011-12-31 12:00"); /* a day that was left out */
    expect("rfc3339", "Europe/Berlin", "1880-01-01T00:00:00", "rfc3339",
           "1879-12-31T23:06:32Z"); /* by the sun */
    expect("rfc3339", "Europe/Berlin", "1880-01-01T00:00:00", "%z %:z", "+005328 +00:53:28");
    expect("%F %T%z", "Europe/Berlin", "1880-01-01 00:00:00+005328", "unix", "-2840144008");
}

static void zones_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",     "Europe", "Europe/Berlim", "../../etc/passwd", "/etc/localtime", "+2",       "+24:00",
        "+02:", "+02:0",  "+02:60",        "+0200x",           "zone.tab",       "tzdata.zi"};
    char why[300];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why[0] = '\0';
        assert_null(zone_open(bad[i], why, sizeof why));
        assert_true(why[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(numbers_that_are_no_times),
        cmocka_unit_test(rfc3339_is_read_and_printed),
        cmocka_unit_test(patterns_are_read_and_printed),
        cmocka_unit_test(formats_that_tell_no_time_are_refused),
        cmocka_unit_test(the_calendar_is_that_of_the_c_library),
        cmocka_unit_test(zones_are_those_of_the_c_library),
        cmocka_unit_test(a_clock_that_is_set),
        cmocka_unit_test(zones_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
