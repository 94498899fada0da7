/* SPDX-License-Identifier: BSD-2-Clause */
/* times_number.c - times since 1970 as decimal numbers, read without rounding (times.h). */
#define WEIR_API 1
#include "times_private.h"

#define KEPT   40 /* digits of a number: more than any has that is a time */
#define DIGITS 21 /* of nanoseconds between the years 1 and 9999 */

/* A decimal number, [-]d[.d][e[+-]d]: its digits without zeros around them, times ten to the shift. */
struct decimal {
    bool negative, lost; /* lost: there were more digits */
    int n, shift;
    char digits[KEPT];
};

static const char *take_digits(struct decimal *d, const char *p, const char *end, int behind)
{
    const char *from = p;
    for (; p < end && times_is_digit(*p) && d->shift > -10000; p++) {
        d->shift -= behind;
        if (*p == '0' && d->n == 0)
            continue;
        if (d->n < KEPT) {
            d->digits[d->n++] = *p;
        } else {
            d->lost |= *p != '0';
            d->shift++;
        }
    }
    return p > from ? p : NULL;
}

static const char *take_exponent(struct decimal *d, const char *p, const char *end)
{
    int e = 0, sign = 1;
    if (p < end && (*p == '-' || *p == '+'))
        sign = *p++ == '-' ? -1 : 1;
    if (p == end)
        return NULL;
    for (; p < end && times_is_digit(*p); p++)
        e = e < 10000 ? e * 10 + (*p - '0') : e;
    d->shift += sign * e;
    return p;
}

static bool read_decimal(struct decimal *d, struct weir_slice text)
{
    const char *p = text.ptr, *end = p + text.len;
    *d = (struct decimal){0};
    if (p < end && *p == '-') {
        d->negative = true;
        p++;
    }
    p = take_digits(d, p, end, 0);
    if (p && p < end && *p == '.')
        p = take_digits(d, p + 1, end, 1);
    if (p && p < end && (*p == 'e' || *p == 'E'))
        p = take_exponent(d, p + 1, end);
    for (; d->n && d->digits[d->n - 1] == '0'; d->n--)
        d->shift++;
    return p == end;
}

const char *times_in_range(const struct times_point *t)
{
    return t->sec >= TIMES_FIRST && t->sec <= TIMES_LAST ? NULL : "it is not of the years 1 to 9999";
}

const char *times_read_number(enum times_kind kind, struct weir_slice text, struct times_point *ret)
{
    struct decimal d;
    char ns[DIGITS];
    *ret = (struct times_point){0, 0};
    if (!read_decimal(&d, text))
        return "it is not a number";
    int zeros = d.shift + 9 - 3 * (int)(kind - TIMES_UNIX);
    if (d.n == 0)
        return NULL;
    if (d.n + zeros > DIGITS)
        return times_in_range(&(struct times_point){INT64_MAX, 0});
    if (d.lost || zeros < 0)
        return "it is finer than a nanosecond";
    memset(ns, '0', sizeof ns);
    memcpy(ns + DIGITS - zeros - d.n, d.digits, (size_t)d.n);
    for (int i = 0; i < DIGITS - 9; i++)
        ret->sec = ret->sec * 10 + (ns[i] - '0');
    for (int i = DIGITS - 9; i < DIGITS; i++)
        ret->ns = ret->ns * 10 + (ns[i] - '0');
    if (d.negative) {
        ret->sec = -ret->sec - (ret->ns > 0);
        ret->ns = ret->ns ? 1000000000 - ret->ns : 0;
    }
    return times_in_range(ret);
}
