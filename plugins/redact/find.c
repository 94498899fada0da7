/* SPDX-License-Identifier: BSD-2-Clause */
/* find.c - mail and IP addresses, and what all patterns share; see find.h. */
#define WEIR_API 1
#include "find.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>

#define QUOTED_MAX 64 /* bytes of the local part of an address in quotes */

const char *const find_names[] = {"card", "mail", "ip", "iban", "token", NULL};

void find_in(uint32_t which, struct weir_slice text, struct matches *to)
{
    static void (*const finders[])(struct weir_slice, struct matches *) = {find_cards, find_mails, find_ips,
                                                                           find_ibans, find_tokens};
    for (size_t i = 0; i < sizeof finders / sizeof finders[0]; i++) {
        if (which & 1u << i)
            finders[i](text, to);
    }
}

void matches_add(struct matches *m, size_t at, size_t len)
{
    if (m->count == m->room) {
        m->room = m->room ? m->room * 2 : 16;
        m->items = m->ctx->host->mem(m->ctx, m->items, m->room * sizeof *m->items);
    }
    m->items[m->count++] = (struct match){at, len};
}

static int by_place(const void *a, const void *b)
{
    size_t x = ((const struct match *)a)->at, y = ((const struct match *)b)->at;
    return x < y ? -1 : x > y;
}

void matches_tidy(struct matches *m)
{
    size_t n = 0;
    if (m->count < 2)
        return;
    qsort(m->items, m->count, sizeof *m->items, by_place);
    for (size_t i = 1; i < m->count; i++) {
        struct match *last = &m->items[n], next = m->items[i];
        if (next.at >= last->at + last->len)
            m->items[++n] = next;
        else if (next.at + next.len > last->at + last->len)
            last->len = next.at + next.len - last->at;
    }
    m->count = n + 1;
}

void matches_free(struct matches *m)
{
    if (m->items)
        m->ctx->host->mem(m->ctx, m->items, 0);
}

/* ---- mail ------------------------------------------------------------------------------------------------------ */
/* What addresses are made of where they stand in logs and URLs; = and / and the like, which the standard allows too, are
 * what stands beside them there. */
static bool is_local(const char *p, size_t i)
{
    char c = p[i];
    if (is_alnum(c) || (unsigned char)c >= 0x80)
        return true;
    if (c == '\'')
        return i > 0 && is_alnum(p[i - 1]);
    return c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '~';
}

static bool is_domain(char c)
{
    return is_alnum(c) || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

static size_t local_begins(const char *p, size_t at)
{
    size_t i = at;
    if (i > 0 && p[i - 1] == '"') {
        for (i--; i > 0 && at - i < QUOTED_MAX;) {
            if (p[--i] == '"')
                return i;
        }
        return at;
    }
    while (i > 0 && is_local(p, i - 1))
        i--;
    return i;
}

/* Where the domain that begins at i ends: at least two labels, the last one of two characters or more, the first of them no
 * digit.  Labels behind it that are none are cut off: a@b.de.1. */
static size_t domain_ends(const char *p, size_t i, size_t n)
{
    size_t begin = i, label;
    while (i < n && is_domain(p[i]))
        i++;
    for (; i > begin; i = label > begin ? label - 1 : begin) {
        while (i > begin && (p[i - 1] == '.' || p[i - 1] == '-'))
            i--;
        for (label = i; label > begin && p[label - 1] != '.';)
            label--;
        if (label > begin && i - label >= 2 && !is_digit(p[label]))
            return i;
    }
    return begin;
}

/* Two that overlap, as in a@b.de@c.de, are made one later. */
void find_mails(struct weir_slice text, struct matches *to)
{
    const char *p = text.ptr;
    for (size_t i = 0; i < text.len; i++) {
        const char *sign = memchr(p + i, '@', text.len - i);
        size_t begin, end;
        if (!sign)
            return;
        i = (size_t)(sign - p);
        begin = local_begins(p, i);
        end = domain_ends(p, i + 1, text.len);
        if (begin < i && end > i + 1)
            matches_add(to, begin, end - begin);
    }
}

/* ---- IP addresses ---------------------------------------------------------------------------------------------- */
static bool is_address(int family, const char *p, size_t n)
{
    char text[INET6_ADDRSTRLEN + 1];
    struct in6_addr room;
    if (n >= sizeof text)
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    return inet_pton(family, text, &room) == 1;
}

/* Four numbers, which may have zeros before them; not a part of a longer row. */
static bool is_four(const char *p, size_t n)
{
    size_t parts = 0, value = 0, digits = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && is_digit(p[i])) {
            value = value * 10 + (size_t)(p[i] - '0');
            if (++digits > 3)
                return false;
        } else if (digits && value <= 255) {
            parts++;
            value = digits = 0;
        } else {
            return false;
        }
    }
    return parts == 4;
}

static bool in_four(char c)
{
    return is_digit(c) || c == '.';
}

static bool in_six(char c)
{
    return in_four(c) || c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A row of such characters, as far as it may be an address: what ends a sentence or a name beside it does not count. */
static void add_six(struct weir_slice text, size_t begin, size_t end, struct matches *to)
{
    const char *p = text.ptr, *first = memchr(p + begin, ':', end - begin), *last;
    if (first && begin > 0 && is_letter(p[begin - 1])) { /* std::abc, addr:ADDRESS */
        begin = (size_t)(first - p) + 1;
        if (begin < end && p[begin] == ':')
            return;
    }
    if (end < text.len && is_letter(p[end])) {
        while (end > begin && p[end - 1] != ':')
            end--;
    }
    while (end > begin &&
           (p[end - 1] == '.' || (p[end - 1] == ':' && !(end - begin > 1 && p[end - 2] == ':'))))
        end--;
    if (end - begin < 3)
        return;
    first = memchr(p + begin, ':', end - begin);
    last = memrchr(p + begin, ':', end - begin);
    if (!first || first == last)
        return;
    if (is_address(AF_INET6, p + begin, end - begin))
        matches_add(to, begin, end - begin);
    else if (is_address(AF_INET6, first + 1, end - (size_t)(first + 1 - p))) /* host:ADDRESS */
        matches_add(to, (size_t)(first + 1 - p), end - (size_t)(first + 1 - p));
    else if (is_address(AF_INET6, p + begin, (size_t)(last - p) - begin)) /* ADDRESS:port */
        matches_add(to, begin, (size_t)(last - p) - begin);
}

static void add_four(const char *p, size_t begin, size_t end, struct matches *to)
{
    while (end > begin && p[end - 1] == '.')
        end--;
    while (begin < end && p[begin] == '.')
        begin++;
    if (is_four(p + begin, end - begin))
        matches_add(to, begin, end - begin);
}

/* A row ends before two dots. */
static size_t four_ends(const char *p, size_t i, size_t n)
{
    size_t end = i;
    while (end < n && in_four(p[end]) && !(end > i && p[end] == '.' && end + 1 < n && p[end + 1] == '.'))
        end++;
    return end;
}

void find_ips(struct weir_slice text, struct matches *to)
{
    const char *p = text.ptr;
    size_t n = text.len, end;
    for (size_t i = 0; i<n; i = end> i ? end : i + 1) {
        end = four_ends(p, i, n);
        if (end - i >= 7 && (i == 0 || (p[i - 1] | 0x20) != 'v') && (end == n || !is_letter(p[end])))
            add_four(p, i, end, to);
    }
    if (!n || !memchr(p, ':', n))
        return;
    for (size_t i = 0; i<n; i = end> i ? end : i + 1) {
        for (end = i; end < n && in_six(p[end]);)
            end++;
        if (end > i)
            add_six(text, i, end, to);
    }
}
