/* SPDX-License-Identifier: BSD-2-Clause */
/* find_sums.c - numbers that carry a sum: cards and IBANs; see find.h.
 *
 * A number may stand in groups, with a space or a hyphen between them, and among other groups: from each group on, the
 * longest row of them is one that has a right sum. */
#define WEIR_API 1
#include "find.h"

#include <stdbool.h>

#define IBAN_MIN   15
#define IBAN_MAX   34
#define CARD_MIN   13
#define CARD_MAX   19
/* Digits of a number with an exponent.  A double has 17 and is printed without zeros at its end, so with fewer than the
 * least there would be four of them and more, which a card rarely has and a measurement often. */
#define SCALED_MIN 12
#define SCALED_MAX 40

/* First four digits, and how many such a number has: what the large issuers give out. */
static const struct issuer {
    unsigned low, high, least, most;
} issuers[] = {
    {4000, 4999, 13, 19}, {5100, 5599, 16, 16}, {2221, 2720, 16, 16}, {3400, 3499, 15, 15},
    {3700, 3799, 15, 15}, {3000, 3059, 14, 19}, {3600, 3699, 14, 19}, {3800, 3999, 14, 19},
    {3528, 3589, 16, 19}, {6000, 6999, 16, 19}, {5000, 5099, 13, 19}, {5600, 5899, 13, 19},
    {2200, 2204, 16, 19}, {8100, 8299, 16, 16}, {9792, 9792, 16, 16},
};

static bool is_card(const char *digits, size_t n)
{
    unsigned sum = 0, head = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[i] - '0');
        head = i < 4 ? head * 10 + d : head;
        if ((n - i) % 2 == 0)
            d = d > 4 ? 2 * d - 9 : 2 * d;
        sum += d;
    }
    if (sum % 10 != 0)
        return false;
    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
        if (head >= issuers[i].low && head <= issuers[i].high)
            return n >= issuers[i].least && n <= issuers[i].most;
    }
    return false;
}

static bool is_iban(const char *p, size_t n)
{
    unsigned rest = 0;
    for (size_t i = 0; i < n; i++) {
        char c = p[(i + 4) % n];
        rest = is_digit(c) ? (rest * 10 + (unsigned)(c - '0')) % 97
                           : (rest * 100 + (unsigned)((c | 0x20) - 'a') + 10) % 97;
    }
    return rest == 1;
}

struct kind {
    int (*of)(char);
    bool (*good)(const char *, size_t);
    size_t least, most;
};
static const struct kind card = {is_digit, is_card, CARD_MIN, CARD_MAX},
                         iban = {is_alnum, is_iban, IBAN_MIN, IBAN_MAX};

/* The number that begins with the group at i ends there; i: there is none. */
static size_t number_ends(const struct kind *kind, struct weir_slice text, size_t i)
{
    const char *p = text.ptr;
    char joined[IBAN_MAX];
    size_t n = 0, at = i, best = i;
    for (;;) {
        while (at < text.len && kind->of(p[at])) {
            if (n == kind->most)
                return best;
            joined[n++] = p[at++];
        }
        if (n >= kind->least && kind->good(joined, n))
            best = at;
        if (at + 1 >= text.len || (p[at] != ' ' && p[at] != '-') || !kind->of(p[at + 1]))
            return best;
        at++;
    }
}

/* Digits within a word or behind a decimal point are no card. */
static bool may_begin(const char *p, size_t i)
{
    return i == 0 || !(is_alnum(p[i - 1]) || (p[i - 1] == '.' && i > 1 && is_digit(p[i - 2])));
}

/* Behind the exponent whose e is at `at`, which *ret is; at: it is none. */
static size_t exponent_ends(struct weir_slice text, size_t at, int *ret)
{
    const char *p = text.ptr;
    size_t i = at + 1;
    bool negative = i < text.len && p[i] == '-';
    i += negative || (i < text.len && p[i] == '+');
    if (i == text.len || !is_digit(p[i]))
        return at;
    for (*ret = 0; i < text.len && is_digit(p[i]); i++)
        *ret = *ret < 1000 ? *ret * 10 + (p[i] - '0') : *ret;
    *ret = negative ? -*ret : *ret;
    return i < text.len && is_letter(p[i]) ? at : i;
}

/* Whether the n digits, of which `whole` stand before the point, are a card when the exponent has moved it. */
static bool is_scaled_card(const char *digits, size_t n, size_t whole, int exponent)
{
    char made[SCALED_MAX + CARD_MAX];
    int64_t point = (int64_t)whole + exponent;
    while (n && digits[n - 1] == '0')
        n--;
    for (; n && digits[0] == '0'; digits++, n--)
        point--;
    if (point < CARD_MIN || point > CARD_MAX || (int64_t)n > point)
        return false;
    memset(made, '0', sizeof made);
    memcpy(made, digits, n);
    return is_card(made, (size_t)point);
}

/* The e at `at` stands behind a digit: if the number around it is a card, as a double is printed (with one digit before its
 * point, or none: 4.111111111111111E15), adds it.  Gives what is behind it, or at. */
static size_t find_scaled(struct weir_slice text, size_t at, struct matches *to)
{
    const char *p = text.ptr;
    char digits[SCALED_MAX];
    size_t from = at, n, begin, end;
    bool point;
    int exponent;
    while (from > 0 && is_digit(p[from - 1]))
        from--;
    point = from > 1 && p[from - 1] == '.' && is_digit(p[from - 2]);
    begin = point ? from - 2 : from;
    n = at - from + point;
    if (n < SCALED_MIN || n > SCALED_MAX || !may_begin(p, begin))
        return at;
    digits[0] = p[begin];
    memcpy(digits + point, p + from, at - from);
    end = exponent_ends(text, at, &exponent);
    if (end == at || !is_scaled_card(digits, n, point ? 1 : n, exponent))
        return at;
    matches_add(to, begin, end - begin);
    return end;
}

void find_cards(struct weir_slice text, struct matches *to)
{
    const char *p = text.ptr;
    for (size_t i = 0; i + CARD_MIN <= text.len;) {
        size_t end = i;
        if (!is_digit(p[i])) {
            i++;
            continue;
        }
        if (may_begin(p, i))
            end = number_ends(&card, text, i);
        if (end > i && (end == text.len || !is_letter(p[end])))
            matches_add(to, i, end - i);
        for (i = end > i ? end : i; i < text.len && is_digit(p[i]);)
            i++;
        if (i < text.len && (p[i] | 0x20) == 'e')
            i = find_scaled(text, i, to);
    }
}

void find_ibans(struct weir_slice text, struct matches *to)
{
    const char *p = text.ptr;
    for (size_t i = 0; i + IBAN_MIN <= text.len; i++) {
        size_t end;
        if (!is_digit(p[i + 2]) || !is_digit(p[i + 3]) || !is_letter(p[i]) || !is_letter(p[i + 1]) ||
            (i > 0 && is_alnum(p[i - 1])))
            continue;
        end = number_ends(&iban, text, i);
        if (end > i) {
            matches_add(to, i, end - i);
            i = end - 1;
        }
    }
}
