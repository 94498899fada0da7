/* SPDX-License-Identifier: BSD-2-Clause */
/* times.h - points in time as text and as numbers: read and printed exactly, without floating point, the C library's
 * locale, or TZ.
 *
 * Used by the transforms timestamp and parse.  Pure functions: any thread.  The calendar is the Gregorian one, also
 * before it began; years are 1 to 9999; there are no leap seconds. */
#ifndef WEIR_PLUGINS_TIMES_H
#define WEIR_PLUGINS_TIMES_H

#include <stdbool.h>

#include "zones.h"

#include <weir/helpers.h>

struct times_point {
    int64_t sec; /* since 1970, UTC, before it below 0 */
    int32_t ns;  /* and so many nanoseconds later: 0 to 999999999 */
};

enum times_kind { TIMES_PATTERN, TIMES_RFC3339, TIMES_UNIX, TIMES_UNIX_MS, TIMES_UNIX_US, TIMES_UNIX_NS };
struct times_format {
    enum times_kind kind;
    const char *pattern; /* borrowed */
    uint32_t says;       /* what of a time the pattern says: times.c's own */
    char twice;          /* a letter that says again what was said, which printing bears; 0: none */
};
#define TIMES_PATTERN_MAX 128  /* bytes of a pattern */
#define TIMES_TEXT_MAX    2048 /* more than any pattern prints */
#define TIMES_LETTERS     "%Y %y %m %d %e %j %b %B %a %A %H %I %p %M %S %L %f %N %s %z %:z %Z %F %T %R and %%"

/* What an operator wrote: unix, unix-ms, unix-us, unix-ns, rfc3339 or a pattern.  False: why says what is wrong. */
bool times_format(struct times_format *ret, const char *text, char *why, size_t cap);
/* Whether a text of that format tells one moment; false: why says what is missing or said twice. */
bool times_readable(const struct times_format *, char *why, size_t cap);
/* A number, and no text, is what the format prints. */
static inline bool times_is_number(const struct times_format *f)
{
    return f->kind >= TIMES_UNIX;
}

/* It has no year, so times_read needs near. */
bool times_needs_near(const struct times_format *);

/* Reads the whole of text.  zone: of a text that names none (NULL: UTC); near: a text without a year is of the year that
 * brings it closest to these seconds since 1970.  NULL, or why it can't be read (static text). */
const char *times_read(const struct times_format *, const struct zone *, int64_t near, struct weir_slice text,
                       struct times_point *ret);
/* Prints into out, TIMES_TEXT_MAX bytes, in that zone (NULL: UTC); what is finer than the format is cut off.  Gives the
 * length; 0: the text would not be of the years 1 to 9999. */
size_t times_print(const struct times_format *, const struct zone *, struct times_point, char *out);

struct times_point times_of_ms(int64_t ms);
int64_t times_to_ms(struct times_point); /* what is finer is cut off, towards the past */

#endif
