/* SPDX-License-Identifier: BSD-2-Clause */
/* times.c - see times.h: formats, and reading. */
#define WEIR_API 1
#include "times.h"

#include "calendar.h"
#include "times_private.h"

#include <strings.h>

const char *const times_months[] = {"January", "February", "March",     "April",   "May",      "June",
                                    "July",    "August",   "September", "October", "November", "December"};
const char *const times_weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

/* ---- formats ---------------------------------------------------------------------------------------------------- */

enum {
    SAYS_YEAR = 1,
    SAYS_MONTH = 2,
    SAYS_DAY = 4,
    SAYS_YEAR_DAY = 8,
    SAYS_WEEKDAY = 0x10,
    SAYS_HOUR = 0x20,
    SAYS_HALF_HOUR = 0x40, /* the hour of 12 */
    SAYS_HALF = 0x80,      /* AM, PM */
    SAYS_MINUTE = 0x100,
    SAYS_SECOND = 0x200,
    SAYS_FRACTION = 0x400,
    SAYS_ZONE = 0x800,
    SAYS_UNIX = 0x1000,
};

static const struct {
    char letter;
    uint16_t says;
} letters[] = {
    {'Y', SAYS_YEAR},
    {'y', SAYS_YEAR},
    {'m', SAYS_MONTH},
    {'b', SAYS_MONTH},
    {'B', SAYS_MONTH},
    {'d', SAYS_DAY},
    {'e', SAYS_DAY},
    {'j', SAYS_YEAR_DAY},
    {'a', SAYS_WEEKDAY},
    {'A', SAYS_WEEKDAY},
    {'H', SAYS_HOUR},
    {'I', SAYS_HALF_HOUR},
    {'p', SAYS_HALF},
    {'M', SAYS_MINUTE},
    {'S', SAYS_SECOND},
    {'L', SAYS_FRACTION},
    {'f', SAYS_FRACTION},
    {'N', SAYS_FRACTION},
    {'z', SAYS_ZONE},
    {'Z', SAYS_ZONE},
    {'s', SAYS_UNIX},
    {'%', 0},
    {'F', SAYS_YEAR | SAYS_MONTH | SAYS_DAY},
    {'T', SAYS_HOUR | SAYS_MINUTE | SAYS_SECOND},
    {'R', SAYS_HOUR | SAYS_MINUTE},
};

const char *times_whole(char letter)
{
    return letter == 'F' ? "%Y-%m-%d" : letter == 'T' ? "%H:%M:%S" : letter == 'R' ? "%H:%M" : NULL;
}

static bool refuse(const char *reason, char *why, size_t cap)
{
    (void)snprintf(why, cap, "%s", reason);
    return false;
}

/* Takes a letter of the pattern into account; false: there is no such. */
static bool take_letter(struct times_format *f, char letter, char *why, size_t cap)
{
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (letters[i].letter != letter)
            continue;
        if (f->says & letters[i].says)
            f->twice = letter;
        f->says |= letters[i].says;
        return true;
    }
    return refuse("the letters of a time are " TIMES_LETTERS, why, cap);
}

static bool take_pattern(struct times_format *f, char *why, size_t cap)
{
    if (strlen(f->pattern) > TIMES_PATTERN_MAX) {
        (void)snprintf(why, cap, "a pattern has at most %d bytes", TIMES_PATTERN_MAX);
        return false;
    }
    for (const char *p = f->pattern; *p; p++) {
        if (*p != '%')
            continue;
        p++;
        if (p[0] == ':' && p[1] == 'z')
            p++;
        if (!take_letter(f, *p, why, cap))
            return false;
    }
    return true;
}

bool times_format(struct times_format *ret, const char *text, char *why, size_t cap)
{
    static const char *const names[] = {"rfc3339", "unix", "unix-ms", "unix-us", "unix-ns"};
    *ret = (struct times_format){.pattern = text};
    for (int i = 0; i < 5; i++)
        if (strcmp(text, names[i]) == 0) {
            ret->kind = (enum times_kind)(TIMES_RFC3339 + i);
            return true;
        }
    if (strchr(text, '%'))
        return take_pattern(ret, why, cap);
    return refuse("a format is unix, unix-ms, unix-us, unix-ns, rfc3339, or a pattern of " TIMES_LETTERS, why,
                  cap);
}

bool times_readable(const struct times_format *f, char *why, size_t cap)
{
    uint32_t says = f->says;
    uint32_t day = says & (SAYS_MONTH | SAYS_DAY);
    if (f->kind != TIMES_PATTERN)
        return true;
    if (f->twice) {
        (void)snprintf(why, cap, "%%%c says a part of the time a second time", f->twice);
        return false;
    }
    if (says & SAYS_UNIX)
        return !(says & ~(uint32_t)(SAYS_UNIX | SAYS_FRACTION | SAYS_ZONE)) ||
               refuse("%s is a whole time; nothing but a fraction can stand beside it", why, cap);
    if ((says & SAYS_HOUR) && (says & (SAYS_HALF | SAYS_HALF_HOUR)))
        return refuse("%H is an hour of the whole day; %I and %p can not stand beside it", why, cap);
    if (!(says & SAYS_HALF) != !(says & SAYS_HALF_HOUR))
        return refuse("%I and %p tell the hour together", why, cap);
    if (day && (says & SAYS_YEAR_DAY))
        return refuse("%j is a day of the year; a month and a day can not stand beside it", why, cap);
    if (!(says & SAYS_YEAR) && day != (SAYS_MONTH | SAYS_DAY))
        return refuse("it tells no day: a year is needed, or a month and a day", why, cap);
    if ((says & SAYS_DAY) && !(says & SAYS_MONTH))
        return refuse("it tells a day and no month", why, cap);
    return true;
}

bool times_needs_near(const struct times_format *f)
{
    return f->kind == TIMES_PATTERN && !(f->says & (SAYS_YEAR | SAYS_UNIX));
}

bool times_is_fractional(const struct times_format *f)
{
    return !f->twice && (f->says & ~(uint32_t)SAYS_ZONE) == (SAYS_UNIX | SAYS_FRACTION);
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

struct parts { /* of a time, as a text says them */
    int year, month, day, year_day, weekday, hour, half, minute, second;
    int32_t ns, offset;
    int64_t unix_sec;
    bool has_offset, negative; /* negative: the sign of unix_sec */
};

struct reader {
    const char *p, *end;
    struct parts parts;
};

static const char *const unlike = "it does not read like the format";

static bool next_is(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* A number of least to most digits. */
static bool number(struct reader *r, int least, int most, int *ret)
{
    int n = 0, v = 0;
    for (; n < most && r->p < r->end && times_is_digit(*r->p); n++)
        v = v * 10 + (*r->p++ - '0');
    *ret = v;
    return n >= least;
}

static bool between(struct reader *r, int least, int most, int low, int high, int *ret)
{
    return number(r, least, most, ret) && *ret >= low && *ret <= high;
}

static bool fraction(struct reader *r)
{
    int n = 0;
    int32_t v = 0;
    for (; n < 9 && r->p < r->end && times_is_digit(*r->p); n++)
        v = v * 10 + (*r->p++ - '0');
    bool any = n > 0;
    for (; n < 9; n++)
        v *= 10;
    r->parts.ns = v;
    return any;
}

static size_t starts(const struct reader *r, const char *word, size_t n)
{
    return (size_t)(r->end - r->p) >= n && strncasecmp(r->p, word, n) == 0 ? n : 0;
}

/* One of the words, or the first three letters of one. */
static bool word(struct reader *r, const char *const *words, int n, int *ret)
{
    for (int i = 0; i < n; i++) {
        size_t taken = starts(r, words[i], strlen(words[i]));
        taken = taken ? taken : starts(r, words[i], 3);
        if (taken) {
            r->p += taken;
            *ret = i;
            return true;
        }
    }
    return false;
}

static bool more_offset(struct reader *r)
{
    return next_is(r, ':') || (r->p < r->end && times_is_digit(*r->p));
}

/* Z, +hh, +hhmm, +hh:mm, and with seconds */
static bool offset(struct reader *r)
{
    int h, m = 0, s = 0;
    r->parts.has_offset = true;
    if (next_is(r, 'Z') || next_is(r, 'z'))
        return true;
    int sign = next_is(r, '-') ? -1 : 1;
    if ((sign > 0 && !next_is(r, '+')) || !between(r, 2, 2, 0, 23, &h))
        return false;
    if (more_offset(r) && (!between(r, 2, 2, 0, 59, &m) || (more_offset(r) && !between(r, 2, 2, 0, 59, &s))))
        return false;
    r->parts.offset = sign * (h * 3600 + m * 60 + s);
    return true;
}

/* Other names than these mean several offsets. */
static bool zone_name(struct reader *r)
{
    static const char *const names[] = {"UTC", "GMT", "Z"};
    r->parts.has_offset = true;
    for (int i = 0; i < 3; i++) {
        size_t n = starts(r, names[i], strlen(names[i]));
        r->p += n;
        if (n)
            return true;
    }
    return false;
}

static bool unix_seconds(struct reader *r)
{
    struct parts *t = &r->parts;
    const char *from;
    t->negative = next_is(r, '-');
    for (from = r->p; r->p < r->end && times_is_digit(*r->p) && r->p - from < 12; r->p++)
        t->unix_sec = t->unix_sec * 10 + (*r->p - '0');
    return r->p > from;
}

static bool short_year(struct reader *r)
{
    if (!number(r, 2, 2, &r->parts.year))
        return false;
    r->parts.year += r->parts.year < 69 ? 2000 : 1900;
    return true;
}

static bool month_name(struct reader *r)
{
    int i;
    if (!word(r, times_months, 12, &i))
        return false;
    r->parts.month = i + 1;
    return true;
}

static bool half(struct reader *r)
{
    r->parts.half = starts(r, "PM", 2) ? 12 : 0;
    if (!starts(r, "PM", 2) && !starts(r, "AM", 2))
        return false;
    r->p += 2;
    return true;
}

static bool half_hour(struct reader *r)
{
    if (!between(r, 1, 2, 1, 12, &r->parts.hour))
        return false;
    r->parts.hour %= 12;
    return true;
}

static bool read_pattern(struct reader *, const char *pattern);

static bool letter(struct reader *r, char c)
{
    struct parts *t = &r->parts;
    switch (c) {
    case 'Y':
        return between(r, 4, 4, 1, 9999, &t->year);
    case 'y':
        return short_year(r);
    case 'm':
        return between(r, 1, 2, 1, 12, &t->month);
    case 'b':
    case 'B':
        return month_name(r);
    case 'e':
        (void)next_is(r, ' ');
        return between(r, 1, 2, 1, 31, &t->day);
    case 'd':
        return between(r, 1, 2, 1, 31, &t->day);
    case 'j':
        return between(r, 1, 3, 1, 366, &t->year_day);
    case 'a':
    case 'A':
        return word(r, times_weekdays, 7, &t->weekday);
    case 'H':
        return between(r, 1, 2, 0, 23, &t->hour);
    case 'I':
        return half_hour(r);
    case 'p':
        return half(r);
    case 'M':
        return between(r, 1, 2, 0, 59, &t->minute);
    case 'S':
        return between(r, 1, 2, 0, 60,
                       &t->second); /* 60: a leap second, which is the first of the next minute */
    case 'L':
    case 'f':
    case 'N':
        return fraction(r);
    case 's':
        return unix_seconds(r);
    case 'z':
        return offset(r);
    case 'Z':
        return zone_name(r);
    case '%':
        return next_is(r, '%');
    default:
        return read_pattern(r, times_whole(c));
    }
}

static bool read_pattern(struct reader *r, const char *p)
{
    for (; *p; p++) {
        if (*p != '%') {
            if (!next_is(r, *p))
                return false;
            continue;
        }
        p += p[1] == ':' ? 2 : 1;
        if (!letter(r, *p))
            return false;
    }
    return true;
}

/* 2026-01-31T10:00:00[.123]Z; a space or a small t may stand for the T, a comma for the point, nothing for the Z. */
static bool read_rfc3339(struct reader *r)
{
    struct parts *t = &r->parts;
    if (!between(r, 4, 4, 1, 9999, &t->year) || !next_is(r, '-') || !between(r, 2, 2, 1, 12, &t->month) ||
        !next_is(r, '-') || !between(r, 2, 2, 1, 31, &t->day))
        return false;
    if (!next_is(r, 'T') && !next_is(r, 't') && !next_is(r, ' '))
        return false;
    if (!between(r, 2, 2, 0, 23, &t->hour) || !next_is(r, ':') || !between(r, 2, 2, 0, 59, &t->minute) ||
        !next_is(r, ':') || !between(r, 2, 2, 0, 60, &t->second))
        return false;
    if ((next_is(r, '.') || next_is(r, ',')) && !fraction(r))
        return false;
    return r->p == r->end || offset(r);
}

/* ---- from parts to a moment -------------------------------------------------------------------------------------- */

/* The day since 1970; false: there is none. */
static bool day_of(const struct parts *t, int64_t year, int64_t *ret)
{
    int month = t->month ? t->month : 1, day = t->day ? t->day : 1;
    *ret = calendar_year(year);
    if (t->year_day) {
        *ret += t->year_day - 1;
        return t->year_day <= calendar_month(year, 13);
    }
    *ret += calendar_month(year, month) + day - 1;
    return day <= calendar_month(year, month + 1) - calendar_month(year, month);
}

static void on_day(const struct parts *t, const struct zone *zone, int64_t day, struct times_point *ret)
{
    int64_t local = day * DAY_SECONDS + (t->hour + t->half) * 3600 + t->minute * 60 + t->second;
    ret->sec = local - (t->has_offset ? t->offset : zone ? zone_of_local(zone, local) : 0);
    ret->ns = t->ns;
}

/* Of the years around near that which brings it closest to it. */
static bool closest(const struct parts *t, const struct zone *zone, int64_t near, struct times_point *ret)
{
    near = near < TIMES_FIRST ? TIMES_FIRST : near > TIMES_LAST ? TIMES_LAST : near;
    int64_t around = calendar_year_of(calendar_day_of(near)), best = INT64_MAX, day;
    int reach = t->month == 2 && t->day == 29 ? 8 : 1; /* 1896 to 1904 had none */
    for (int64_t year = around - reach; year <= around + reach; year++) {
        struct times_point at;
        if (year < 1 || year > 9999 || !day_of(t, year, &day))
            continue;
        on_day(t, zone, day, &at);
        int64_t far = at.sec < near ? near - at.sec : at.sec - near;
        if (far < best) {
            best = far;
            *ret = at;
        }
    }
    return best < INT64_MAX;
}

static const char *from_parts(const struct times_format *f, const struct parts *t, const struct zone *zone,
                              int64_t near, struct times_point *ret)
{
    int64_t day;
    if (f->says & SAYS_UNIX) {
        bool back = t->negative && t->ns > 0;
        *ret = (struct times_point){t->negative ? -t->unix_sec - back : t->unix_sec,
                                    back ? 1000000000 - t->ns : t->ns};
        return times_in_range(ret);
    }
    if (t->year ? !day_of(t, t->year, &day) : !closest(t, zone, near, ret))
        return "there is no such day";
    if (t->year)
        on_day(t, zone, day, ret);
    if (f->says & SAYS_WEEKDAY) {
        int64_t local = ret->sec + (t->has_offset ? t->offset : zone ? zone_at(zone, ret->sec, NULL) : 0);
        if (calendar_weekday(calendar_day_of(local - (t->second == 60))) != t->weekday)
            return "that day is another weekday";
    }
    return times_in_range(ret);
}

const char *times_read(const struct times_format *f, const struct zone *zone, int64_t near,
                       struct weir_slice text, struct times_point *ret)
{
    struct reader r = {.p = text.ptr};
    if (f->kind >= TIMES_UNIX)
        return text.len ? times_read_number(f->kind, text, ret) : "it is not a number";
    if (!text.len)
        return unlike;
    r.end = r.p + text.len;
    if (!(f->kind == TIMES_RFC3339 ? read_rfc3339(&r) : read_pattern(&r, f->pattern)) || r.p != r.end)
        return unlike;
    return from_parts(f, &r.parts, zone, near, ret);
}

struct times_point times_of_ms(int64_t ms)
{
    int64_t behind = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;
    return (struct times_point){(ms - behind) / 1000, (int32_t)behind * 1000000};
}

int64_t times_to_ms(struct times_point t)
{
    return t.sec * 1000 + t.ns / 1000000;
}
