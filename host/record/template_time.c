/* SPDX-License-Identifier: BSD-2-Clause */
/* template_time.c - the part of strftime that {time:...} knows, in UTC, without the C library's locks and locales.
 *
 * Thread: pure functions, any thread. */
#include "template_private.h"

#include <string.h>

#define MS_PER_DAY 86400000

struct civil {
    int year, month, day; /* month and day from 1 */
    int year_day;         /* from 1 */
    int weekday;          /* 1 Monday .. 7 Sunday */
    int iso_year, week;   /* ISO 8601 */
    int second_of_day;
    int ms; /* of the second */
};

bool time_format_knows(char c)
{
    return c != '\0' && strchr("YymdHMSLjGVusFT%", c) != NULL;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 0000-01-01 to the first of that year (proleptic Gregorian calendar), for years from 1. */
static int64_t days_before_year(int64_t year)
{
    int64_t y = year - 1;
    return 366 + y * 365 + y / 4 - y / 100 + y / 400; /* 366: year 0 */
}

static int weeks_of_year(int year)
{
    /* 53 when the year begins on a Thursday, or is leap and begins on a Wednesday; 0000-01-01 was a Saturday. */
    int first = (int)((days_before_year(year) + 5) % 7); /* 0 Monday */
    return first == 3 || (first == 2 && is_leap(year)) ? 53 : 52;
}

static void set_week(struct civil *c)
{
    int week = (c->year_day - c->weekday + 10) / 7;
    c->iso_year = c->year;
    if (week == 0) {
        c->iso_year--;
        week = weeks_of_year(c->iso_year);
    } else if (week > weeks_of_year(c->year)) {
        c->iso_year++;
        week = 1;
    }
    c->week = week;
}

static bool to_civil(int64_t ms, struct civil *c)
{
    static const short before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t day = ms / MS_PER_DAY - (ms % MS_PER_DAY < 0);
    int64_t of_day = ms % MS_PER_DAY + (ms % MS_PER_DAY < 0 ? MS_PER_DAY : 0);
    int64_t since_zero = day + 719528; /* 0000-01-01 to 1970-01-01 */
    if (since_zero < days_before_year(1) || since_zero >= days_before_year(10000))
        return false;
    int64_t year = since_zero * 400 / 146097;
    while (days_before_year(year + 1) <= since_zero)
        year++;
    while (days_before_year(year) > since_zero)
        year--;
    c->year = (int)year;
    c->year_day = (int)(since_zero - days_before_year(year)) + 1;
    int leap = is_leap(c->year);
    c->month = 12;
    while (c->year_day <= before_month[c->month - 1] + (c->month > 2 ? leap : 0))
        c->month--;
    c->day = c->year_day - before_month[c->month - 1] - (c->month > 2 ? leap : 0);
    c->weekday = (int)((since_zero + 5) % 7) + 1;
    c->second_of_day = (int)(of_day / 1000);
    c->ms = (int)(of_day % 1000);
    return true;
}

static void put_digits(struct strbuf *out, int n, int width)
{
    char digits[8];
    for (int i = width; i-- > 0; n /= 10)
        digits[i] = (char)('0' + n % 10);
    strbuf_add(out, digits, (size_t)width);
}

static void put_day(struct strbuf *out, const struct civil *c)
{
    put_digits(out, c->year, 4);
    strbuf_char(out, '-');
    put_digits(out, c->month, 2);
    strbuf_char(out, '-');
    put_digits(out, c->day, 2);
}

static void put_clock(struct strbuf *out, int second)
{
    put_digits(out, second / 3600, 2);
    strbuf_char(out, ':');
    put_digits(out, second / 60 % 60, 2);
    strbuf_char(out, ':');
    put_digits(out, second % 60, 2);
}

static void put_week(struct strbuf *out, char letter, struct civil *c)
{
    set_week(c);
    put_digits(out, letter == 'V' ? c->week : c->iso_year, letter == 'V' ? 2 : 4);
}

static void put_letter(struct strbuf *out, char letter, struct civil *c, int64_t ms)
{
    switch (letter) {
    case 'Y':
        put_digits(out, c->year, 4);
        break;
    case 'y':
        put_digits(out, c->year % 100, 2);
        break;
    case 'm':
        put_digits(out, c->month, 2);
        break;
    case 'd':
        put_digits(out, c->day, 2);
        break;
    case 'H':
        put_digits(out, c->second_of_day / 3600, 2);
        break;
    case 'M':
        put_digits(out, c->second_of_day / 60 % 60, 2);
        break;
    case 'S':
        put_digits(out, c->second_of_day % 60, 2);
        break;
    case 'L':
        put_digits(out, c->ms, 3);
        break;
    case 'j':
        put_digits(out, c->year_day, 3);
        break;
    case 'G':
    case 'V':
        put_week(out, letter, c);
        break;
    case 'u':
        put_digits(out, c->weekday, 1);
        break;
    case 's':
        strbuf_printf(out, "%lld", (long long)(ms / 1000 - (ms % 1000 < 0)));
        break;
    case 'F':
        put_day(out, c);
        break;
    case 'T':
        put_clock(out, c->second_of_day);
        break;
    default:
        strbuf_char(out, letter);
    }
}

bool time_format_print(struct strbuf *out, struct weir_slice format, int64_t ms)
{
    const char *p = format.ptr, *end = p + format.len;
    struct civil c;
    if (!to_civil(ms, &c))
        return false;
    for (; p < end; p++)
        if (end - p >= 4 && memcmp(p, "%s%L", 4) == 0) { /* one number: side by side -1 ms were -1 and 999 */
            strbuf_printf(out, "%lld", (long long)ms);
            p += 3;
        } else if (*p == '%') {
            put_letter(out, *++p, &c, ms);
        } else {
            strbuf_char(out, *p);
        }
    return true;
}
