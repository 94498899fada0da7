/* SPDX-License-Identifier: BSD-2-Clause */
/* number.c - reading and printing of numbers with units (number.h, option.h). */
#include "number.h"

#include "option.h"

#include <stdbool.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit sizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

const char *number_integer(const char *text, int64_t *ret)
{
    char *end;
    if (!((text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] >= '0' && text[1] <= '9')))
        return "must be a whole number";
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno == ERANGE)
        return "is too large a number";
    if (*end)
        return "must be a whole number";
    *ret = value;
    return NULL;
}

const char *number_double(const char *text, double *ret)
{
    char *end;
    if (text[0] == 0 || strspn(text, "0123456789.+-eE") != strlen(text))
        return "must be a number";
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return "must be a number";
    *ret = value;
    return NULL;
}

const char *number_bool(const char *text, int64_t *ret)
{
    if (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0)
        *ret = 1;
    else if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
        *ret = 0;
    else
        return "must be yes or no";
    return NULL;
}

/* Digits into *ret_value and the text behind them; false when there are none or too many. */
static bool digits(const char *text, int64_t *ret_value, const char **ret_rest)
{
    int64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return false;
    }
    *ret_value = value;
    *ret_rest = at;
    return at > text;
}

static bool with_unit(const char *text, const struct unit *units, size_t n, int64_t *ret)
{
    int64_t value;
    const char *rest;
    if (!digits(text, &value, &rest))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rest, units[i].name) == 0)
            return !__builtin_mul_overflow(value, units[i].factor, ret);
    }
    if (value == 0 && !*rest) {
        *ret = 0;
        return true;
    }
    return false;
}

const char *number_size(const char *text, int64_t *ret)
{
    return with_unit(text, sizes, sizeof sizes / sizeof sizes[0], ret)
               ? NULL
               : "must be a size: a whole number of bytes, or with K, M or G, like 64M";
}

const char *number_duration(const char *text, int64_t *ret)
{
    return with_unit(text, durations, sizeof durations / sizeof durations[0], ret)
               ? NULL
               : "must be a duration: a whole number with ms, s, m, h or d, like 30s";
}

static void print_unit(int64_t value, const struct unit *units, size_t n, char *out, size_t cap)
{
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        if (value != 0 && value % units[i].factor == 0)
            best = i;
    }
    snprintf(out, cap, "%lld%s", (long long)(value / units[best].factor), value ? units[best].name : "");
}

void option_print_size(int64_t bytes, char *out, size_t cap)
{
    print_unit(bytes, sizes, sizeof sizes / sizeof sizes[0], out, cap);
}

void option_print_duration(int64_t ms, char *out, size_t cap)
{
    print_unit(ms, durations, sizeof durations / sizeof durations[0], out, cap);
}
