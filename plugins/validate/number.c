/* SPDX-License-Identifier: BSD-2-Clause */
/* number.c - see number.h. */
#define WEIR_API 1
#include "number.h"

#define EXPONENT_MAX INT64_C(1000000000000000000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What stands behind e or E. */
static int64_t read_exponent(const char *p, const char *end)
{
    bool negative = p < end && *p == '-';
    int64_t value = 0;
    for (p += p < end && (*p == '-' || *p == '+'); p < end; p++)
        value = value < EXPONENT_MAX / 10 ? value * 10 + (*p - '0') : EXPONENT_MAX;
    return negative ? -value : value;
}

struct number number_read(struct weir_slice text)
{
    struct number n = {0};
    const char *p = text.ptr, *end = p + text.len, *point = NULL, *behind;
    n.negative = p < end && *p == '-';
    p += n.negative;
    for (behind = p; behind < end && (is_digit(*behind) || *behind == '.'); behind++) {
        if (*behind == '.')
            point = behind;
        if (*behind < '1' || *behind > '9')
            continue;
        n.first = n.first ? n.first : behind;
        n.last = behind;
    }
    if (!n.first)
        return (struct number){0};
    int64_t exponent = behind < end ? read_exponent(behind + 1, end) : 0;
    const char *units = point ? point : behind; /* right behind the digit of weight 1 */
    n.top = exponent + (n.first < units ? units - n.first : units - n.first + 1);
    n.low = exponent + (n.last < units ? units - n.last - 1 : units - n.last);
    return n;
}

/* The digit at *p, which moves to the next one; 0 behind the last. */
static int next_digit(const char **p, const char *last)
{
    if (*p > last)
        return 0;
    int digit = *(*p)++ - '0';
    if (*p <= last && **p == '.')
        (*p)++;
    return digit;
}

static int compare_size(const struct number *a, const struct number *b)
{
    const char *p = a->first, *q = b->first;
    if (a->top != b->top)
        return a->top < b->top ? -1 : 1;
    while (p <= a->last || q <= b->last) {
        int d = next_digit(&p, a->last) - next_digit(&q, b->last);
        if (d != 0)
            return d;
    }
    return 0;
}

int number_compare(const struct number *a, const struct number *b)
{
    if (!a->first || !b->first)
        return a->first ? (a->negative ? -1 : 1) : b->first ? (b->negative ? 1 : -1) : 0;
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? compare_size(b, a) : compare_size(a, b);
}

bool number_is_integer(const struct number *n)
{
    return !n->first || n->low >= 0;
}

uint64_t number_hash(const struct number *n)
{
    uint64_t hash = n->first ? (uint64_t)n->top * 2 + n->negative : 0;
    const char *p = n->first;
    while (p && p <= n->last)
        hash = hash * 31 + (uint64_t)next_digit(&p, n->last);
    return hash;
}

/* Its digits as a number. */
static uint64_t digits_of(const struct number *n)
{
    uint64_t value = 0;
    const char *p = n->first;
    while (p <= n->last)
        value = value * 10 + (uint64_t)next_digit(&p, n->last);
    return value;
}

bool number_can_divide(const struct number *n)
{
    return n->first && !n->negative && n->top - n->low <= 9;
}

/* 10^power modulo m; m below 2^32, so that nothing overflows. */
static uint64_t power_of_ten(int64_t power, uint64_t m)
{
    uint64_t value = 1 % m, base = 10 % m;
    for (; power > 0; power /= 2) {
        if (power % 2)
            value = value * base % m;
        base = base * base % m;
    }
    return value;
}

bool number_is_multiple(const struct number *a, const struct number *divisor)
{
    uint64_t m = digits_of(divisor), rest = 0;
    if (!a->first)
        return true;
    if (a->low < divisor->low) /* its last digit is not 0, and every multiple's there is */
        return false;
    for (const char *p = a->first; p <= a->last;)
        rest = (rest * 10 + (uint64_t)next_digit(&p, a->last)) % m;
    return rest * power_of_ten(a->low - divisor->low, m) % m == 0;
}
