/* SPDX-License-Identifier: BSD-2-Clause */
/* decimal.c - see decimal.h. */
#define WEIR_API 1
#include "decimal.h"

struct reader {
    const char *p, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct weir_slice read_digits(struct reader *r)
{
    const char *from = r->p;
    while (r->p < r->end && is_digit(*r->p))
        r->p++;
    return (struct weir_slice){from, (size_t)(r->p - from)};
}

static bool read_any(struct reader *r, char a, char b)
{
    if (r->p == r->end || (*r->p != a && *r->p != b))
        return false;
    r->p++;
    return true;
}

/* Nothing, or an exponent. */
static bool read_exponent(struct reader *r, struct decimal *ret)
{
    const char *from = r->p;
    struct weir_slice digits;
    bool down;
    if (!read_any(r, 'e', 'E'))
        return true;
    down = r->p < r->end && *r->p == '-';
    (void)read_any(r, '+', '-');
    digits = read_digits(r);
    for (size_t i = 0; i < digits.len && ret->power < DECIMAL_POWER_MAX; i++)
        ret->power = ret->power * 10 + (((const char *)digits.ptr)[i] - '0');
    if (ret->power > DECIMAL_POWER_MAX)
        ret->power = DECIMAL_POWER_MAX;
    if (down)
        ret->power = -ret->power;
    ret->exponent = (struct weir_slice){from, (size_t)(r->p - from)};
    return digits.len > 0;
}

/* Digit i of whole and fraction as one row. */
static char digit(const struct decimal *d, size_t i)
{
    return i < d->whole.len ? ((const char *)d->whole.ptr)[i]
                            : ((const char *)d->fraction.ptr)[i - d->whole.len];
}

/* Zeros before the first other digit; n: there is none. */
static size_t zeros_before(const struct decimal *d, size_t n)
{
    size_t i = 0;
    while (i < n && digit(d, i) == '0')
        i++;
    return i;
}

static void count_significant(struct decimal *d)
{
    size_t n = d->whole.len + d->fraction.len, first = zeros_before(d, n);
    while (n > first && digit(d, n - 1) == '0')
        n--;
    d->significant = n - first;
}

bool decimal_read(struct weir_slice text, struct decimal *ret)
{
    struct reader r = {text.ptr, (const char *)text.ptr + text.len};
    bool some;
    memset(ret, 0, sizeof *ret);
    if (!text.len)
        return false;
    ret->negative = *r.p == '-';
    (void)read_any(&r, '+', '-');
    ret->whole = read_digits(&r);
    some = ret->whole.len > 0;
    while (ret->whole.len && *(const char *)ret->whole.ptr == '0') {
        ret->whole.ptr = (const char *)ret->whole.ptr + 1;
        ret->whole.len--;
    }
    ret->has_point = read_any(&r, '.', '.');
    ret->fraction = read_digits(&r); /* none where there is no point */
    some = some || ret->fraction.len > 0;
    if (!some || !read_exponent(&r, ret) || r.p != r.end)
        return false;
    count_significant(ret);
    return true;
}

bool decimal_same_digits(const struct decimal *a, const struct decimal *b)
{
    size_t i = zeros_before(a, a->whole.len + a->fraction.len);
    size_t k = zeros_before(b, b->whole.len + b->fraction.len), n = a->significant;
    if (n != b->significant)
        return false;
    for (; n; n--) {
        if (digit(a, i++) != digit(b, k++))
            return false;
    }
    return true;
}

static size_t put(char *out, size_t at, struct weir_slice s)
{
    if (s.len)
        memcpy(out + at, s.ptr, s.len);
    return at + s.len;
}

size_t decimal_print(const struct decimal *d, char *out)
{
    size_t n = 0;
    if (d->negative)
        out[n++] = '-';
    if (!d->whole.len)
        out[n++] = '0';
    n = put(out, n, d->whole);
    if (d->fraction.len) {
        out[n++] = '.';
        n = put(out, n, d->fraction);
    }
    return put(out, n, d->exponent);
}

size_t decimal_whole_room(const struct decimal *d)
{
    return d->whole.len + DECIMAL_WHOLE_MAX + 2;
}

enum decimal_cut decimal_whole(const struct decimal *d, char *out, size_t *ret_len)
{
    size_t n = d->whole.len + d->fraction.len, first = zeros_before(d, n), len = 0, left;
    int64_t point = (int64_t)d->whole.len + d->power; /* so many of the digits stand before the point */
    if (first == n || point <= (int64_t)first) {
        out[0] = '0';
        *ret_len = 1;
        return first == n ? DECIMAL_EXACT : DECIMAL_CUT;
    }
    left = (size_t)point - first;
    if (left > DECIMAL_WHOLE_MAX && left > d->whole.len)
        return DECIMAL_TOO_LONG;
    if (d->negative)
        out[len++] = '-';
    for (size_t i = first; i < (size_t)point; i++)
        out[len++] = i < n ? digit(d, i) : '0';
    *ret_len = len;
    for (size_t i = (size_t)point; i < n; i++) {
        if (digit(d, i) != '0')
            return DECIMAL_CUT;
    }
    return DECIMAL_EXACT;
}

bool decimal_fits(struct weir_slice whole, unsigned bits)
{
    const char *p = whole.ptr;
    size_t n = whole.len;
    bool negative = n && *p == '-';
    uint64_t value = 0, most = (UINT64_C(1) << (bits - 1)) - (negative ? 0 : 1);
    if (negative) {
        p++;
        n--;
    }
    if (n > 19)
        return false;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (uint64_t)(p[i] - '0');
    return value <= most;
}
