/* SPDX-License-Identifier: BSD-2-Clause */
/* times_private.h - what the parts of times share. */
#ifndef WEIR_PLUGINS_TIMES_PRIVATE_H
#define WEIR_PLUGINS_TIMES_PRIVATE_H

#include "times.h"

#define TIMES_FIRST (-62135596800) /* 0001-01-01T00:00:00Z */
#define TIMES_LAST  253402300799   /* 9999-12-31T23:59:59Z */

extern const char *const times_months[12], *const times_weekdays[7];
/* What %F, %T and %R stand for; NULL: another letter. */
const char *times_whole(char letter);

static inline bool times_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* It says seconds since 1970 and a fraction of them, and no other part of a time. */
bool times_is_fractional(const struct times_format *);

/* NULL, or the sentence that it is none of them. */
const char *times_in_range(const struct times_point *);
/* [-]d[.d][e[+-]d] of TIMES_UNIX and the like. */
const char *times_read_number(enum times_kind, struct weir_slice text, struct times_point *ret);

#endif
