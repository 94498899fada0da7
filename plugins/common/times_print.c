/* SPDX-License-Identifier: BSD-2-Clause */
/* times_print.c - times by pattern, as rfc3339 and as numbers (times.h). */
#define WEIR_API 1
#include "calendar.h"
#include "times_private.h"

struct civil {
    int year, month, day, year_day, weekday, of_day; /* of_day: seconds */
    int32_t ns, offset;
    int64_t sec; /* %s */
    bool minus;  /* before a 0 there, too */
    const char *zone;
};

static bool to_civil(const struct zone *zone, struct times_point t, struct civil *c)
{
    if (t.sec < TIMES_FIRST || t.sec > TIMES_LAST)
        return false;
    c->zone = "UTC";
    c->offset = zone ? zone_at(zone, t.sec, &c->zone) : 0;
    c->sec = t.sec;
    c->minus = false;
    c->ns = t.ns;
    int64_t local = t.sec + c->offset, day = calendar_day_of(local);
    if (local < TIMES_FIRST || local > TIMES_LAST)
        return false;
    c->of_day = (int)(local - day * DAY_SECONDS);
    c->weekday = calendar_weekday(day);
    c->year = (int)calendar_year_of(day);
    c->year_day = (int)(day - calendar_year(c->year)) + 1;
    for (c->month = 12; calendar_month(c->year, c->month) >= c->year_day;)
        c->month--;
    c->day = c->year_day - calendar_month(c->year, c->month);
    return true;
}

static char *put(char *out, const char *text, size_t n)
{
    memcpy(out, text, n);
    return out + n;
}

static char *put_digits(char *out, int64_t v, int width)
{
    for (int i = width; i-- > 0; v /= 10)
        out[i] = (char)('0' + v % 10);
    return out + width;
}

static char *put_number(char *out, int64_t v)
{
    char digits[20];
    int n = 0;
    int64_t size = v < 0 ? -v : v;
    do
        digits[n++] = (char)('0' + size % 10);
    while (size /= 10);
    if (v < 0)
        *out++ = '-';
    while (n)
        *out++ = digits[--n];
    return out;
}

/* Offsets of old, by the sun, have seconds. */
static char *put_offset(char *out, int32_t offset, const char *between)
{
    int seconds = offset < 0 ? -offset : offset;
    *out++ = offset < 0 ? '-' : '+';
    out = put_digits(out, seconds / 3600, 2);
    out = put(out, between, strlen(between));
    out = put_digits(out, seconds / 60 % 60, 2);
    if (seconds % 60 == 0)
        return out;
    out = put(out, between, strlen(between));
    return put_digits(out, seconds % 60, 2);
}

static char *put_pattern(char *out, const char *p, const struct civil *c);

static char *put_letter(char *out, char letter, const struct civil *c)
{
    int hour = c->of_day / 3600;
    switch (letter) {
    case 'Y':
        return put_digits(out, c->year, 4);
    case 'y':
        return put_digits(out, c->year % 100, 2);
    case 'm':
        return put_digits(out, c->month, 2);
    case 'd':
        return put_digits(out, c->day, 2);
    case 'e':
        return c->day > 9 ? put_digits(out, c->day, 2) : put_digits(put(out, " ", 1), c->day, 1);
    case 'j':
        return put_digits(out, c->year_day, 3);
    case 'b':
        return put(out, times_months[c->month - 1], 3);
    case 'B':
        return put(out, times_months[c->month - 1], strlen(times_months[c->month - 1]));
    case 'a':
        return put(out, times_weekdays[c->weekday], 3);
    case 'A':
        return put(out, times_weekdays[c->weekday], strlen(times_weekdays[c->weekday]));
    case 'H':
        return put_digits(out, hour, 2);
    case 'I':
        return put_digits(out, (hour + 11) % 12 + 1, 2);
    case 'p':
        return put(out, hour < 12 ? "AM" : "PM", 2);
    case 'M':
        return put_digits(out, c->of_day / 60 % 60, 2);
    case 'S':
        return put_digits(out, c->of_day % 60, 2);
    case 'L':
        return put_digits(out, c->ns / 1000000, 3);
    case 'f':
        return put_digits(out, c->ns / 1000, 6);
    case 'N':
        return put_digits(out, c->ns, 9);
    case 's':
        return put_number(c->minus && !c->sec ? put(out, "-", 1) : out, c->sec);
    case 'z':
        return put_offset(out, c->offset, "");
    case ':':
        return put_offset(out, c->offset, ":");
    case 'Z':
        return put(out, c->zone, strlen(c->zone));
    case '%':
        return put(out, "%", 1);
    default:
        return put_pattern(out, times_whole(letter), c);
    }
}

static char *put_pattern(char *out, const char *p, const struct civil *c)
{
    for (; *p; p++) {
        if (*p != '%') {
            *out++ = *p;
            continue;
        }
        out = put_letter(out, *++p, c);
        p += *p == ':';
    }
    return out;
}

/* With so many digits of a fraction as it needs, in groups of three. */
static char *put_rfc3339(char *out, const struct civil *c)
{
    out = put_pattern(out, "%FT%T", c);
    if (c->ns)
        out = put_pattern(out, c->ns % 1000 ? ".%N" : c->ns % 1000000 ? ".%f" : ".%L", c);
    return c->offset ? put_offset(out, c->offset, ":") : put(out, "Z", 1);
}

/* In units of so many nanoseconds; a number of them may have more than 64 bits. */
static char *put_unix(char *out, struct times_point t, int digits, int32_t unit_ns)
{
    int64_t whole = t.sec, rest = t.ns / unit_ns;
    if (whole < 0) {
        whole = -whole;
        *out++ = '-';
        if (rest) { /* 2 s before 1970 and half a second later is 1.5 s before */
            whole--;
            rest = 1000000000 / unit_ns - rest;
        }
    }
    return whole ? put_digits(put_number(out, whole), rest, digits) : put_number(out, rest);
}

/* Nanoseconds of the last digit that the pattern's fraction has. */
static int32_t finest(const char *p)
{
    int32_t unit = 1;
    for (; *p; p++)
        if (*p == '%' && *++p != '%')
            unit = *p == 'L' ? 1000000 : *p == 'f' ? 1000 : unit;
    return unit;
}

/* Before 1970: -2 seconds and half a second later are %s.%L of -1.500. */
static void count_back(struct civil *c, int32_t unit)
{
    c->ns -= c->ns % unit;
    if (c->sec >= 0 || !c->ns)
        return;
    c->minus = true;
    c->sec++;
    c->ns = 1000000000 - c->ns;
}

/* A text; NULL: the time is beyond the calendar. */
static char *put_text(char *out, const struct times_format *f, const struct zone *zone, struct times_point t)
{
    struct civil c;
    if (f->kind == TIMES_RFC3339 && zone && zone_at(zone, t.sec, NULL) % 60 != 0)
        zone = NULL; /* rfc3339 has no offsets by the sun */
    if (!to_civil(zone, t, &c))
        return NULL;
    if (times_is_fractional(f))
        count_back(&c, finest(f->pattern));
    return f->kind == TIMES_RFC3339 ? put_rfc3339(out, &c) : put_pattern(out, f->pattern, &c);
}

size_t times_print(const struct times_format *f, const struct zone *zone, struct times_point t, char *out)
{
    char *end;
    switch (f->kind) {
    case TIMES_UNIX:
        end = put_number(out, t.sec);
        break;
    case TIMES_UNIX_MS:
        end = put_unix(out, t, 3, 1000000);
        break;
    case TIMES_UNIX_US:
        end = put_unix(out, t, 6, 1000);
        break;
    case TIMES_UNIX_NS:
        end = put_unix(out, t, 9, 1);
        break;
    default:
        end = put_text(out, f, zone, t);
    }
    return end ? (size_t)(end - out) : 0;
}
