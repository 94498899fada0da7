/* SPDX-License-Identifier: BSD-2-Clause */
/* regex_subst.c - replacing what a regex fits: see regex.h.
 *
 * A replacement is read once, into parts; PCRE2's own pcre2_substitute has another syntax (no \$, unknown groups found at
 * run time only), and searches where none of regex.c's limits over a whole text hold. */
#define WEIR_API 1
#include "regex.h"

#include <weir/helpers.h>

struct part { /* a piece of text, then a group */
    size_t begin, len;
    uint32_t group;
    bool grouped;
};

struct regex_subst {
    struct weir_ctx *ctx;
    struct regex *re;
    char *text; /* of all parts */
    struct part *parts;
    size_t n_parts, n_text;
    char *out;
    size_t len, cap, max;
};

/* ---- reading --------------------------------------------------------------------------------------------------- */

struct reader {
    struct regex_subst *s;
    const char *from, *at;
    char *why;
    size_t cap;
};

WEIR_PRINTF(2, 3) static bool wrong(struct reader *r, const char *format, ...)
{
    va_list ap;
    size_t column = 1;
    int n;
    for (const char *p = r->from; p < r->at; p++)
        column += ((unsigned char)*p & 0xc0) != 0x80;
    n = snprintf(r->why, r->cap, "column %zu: ", column);
    va_start(ap, format);
    if (n > 0 && (size_t)n < r->cap)
        (void)vsnprintf(r->why + n, r->cap - (size_t)n, format, ap);
    va_end(ap);
    return false;
}

/* The part ends with that group, and another begins. */
static void group_add(struct reader *r, uint32_t group)
{
    struct regex_subst *s = r->s;
    struct part *last = &s->parts[s->n_parts - 1];
    last->group = group;
    last->grouped = true;
    s->parts[s->n_parts++] = (struct part){.begin = s->n_text};
}

static void char_add(struct reader *r, char c)
{
    struct regex_subst *s = r->s;
    s->text[s->n_text++] = c;
    s->parts[s->n_parts - 1].len++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of the digits as many as make a group that there is, one at the least. */
static bool read_number(struct reader *r, const char *p, bool all)
{
    uint32_t group = (uint32_t)(*p - '0'), most = regex_groups(r->s->re);
    const char *first = p++;
    for (; is_digit(*p) && (all || group * 10 + (uint32_t)(*p - '0') <= most); p++)
        group = group > most ? group : group * 10 + (uint32_t)(*p - '0');
    if (group > most)
        return wrong(r, "there is no group %.*s, for the regex has %u",
                     p - first < 20 ? (int)(p - first) : 20, first, most);
    group_add(r, group);
    r->at = p;
    return true;
}

static bool read_name(struct reader *r, const char *p)
{
    size_t n = 0;
    uint32_t group;
    while (is_name(p[n]))
        n++;
    group = regex_named(r->s->re, p, n);
    if (!group)
        return wrong(r, "the regex has no group named '%.*s'", (int)(n < 64 ? n : 64), p);
    group_add(r, group);
    r->at = p + n;
    return true;
}

static bool read_dollar(struct reader *r)
{
    const char *p = r->at + 1;
    bool braced = *p == '{';
    if (*p == '$') {
        char_add(r, '$');
        r->at = p + 1;
        return true;
    }
    p += braced;
    if (!is_name(*p))
        return wrong(r, "behind $ comes the number or the name of a group; a dollar sign itself is $$");
    if (!(is_digit(*p) ? read_number(r, p, braced) : read_name(r, p)))
        return false;
    if (braced && *r->at != '}')
        return wrong(r, "a } is missing here");
    r->at += braced;
    return true;
}

static bool read_all(struct reader *r)
{
    while (*r->at) {
        if (*r->at == '$') {
            if (!read_dollar(r))
                return false;
            continue;
        }
        if (*r->at == '\\') {
            if (r->at[1] != '\\' && r->at[1] != '$')
                return wrong(r, "a backslash stands before $ or another one; a backslash itself is \\\\");
            r->at++;
        }
        char_add(r, *r->at++);
    }
    return true;
}

struct regex_subst *regex_subst_compile(struct regex *re, struct weir_ctx *ctx, const char *replacement,
                                        char *why, size_t cap)
{
    struct regex_subst *s = ctx->host->mem(ctx, NULL, sizeof *s);
    struct reader r = {s, replacement, replacement, why, cap};
    size_t n =
        strlen(replacement) + 1; /* a group takes two characters at the least, so there are fewer parts */
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->re = re;
    s->text = ctx->host->mem(ctx, NULL, n);
    s->parts = ctx->host->mem(ctx, NULL, n * sizeof *s->parts);
    s->parts[s->n_parts++] = (struct part){0};
    if (read_all(&r))
        return s;
    regex_subst_free(s);
    return NULL;
}

void regex_subst_free(struct regex_subst *s)
{
    if (!s)
        return;
    s->ctx->host->mem(s->ctx, s->text, 0);
    s->ctx->host->mem(s->ctx, s->parts, 0);
    if (s->out)
        s->ctx->host->mem(s->ctx, s->out, 0);
    s->ctx->host->mem(s->ctx, s, 0);
}

/* ---- replacing ------------------------------------------------------------------------------------------------- */

static bool put(struct regex_subst *s, const void *p, size_t n)
{
    if (n > s->max - s->len)
        return false;
    if (n > s->cap - s->len) {
        s->cap = s->len + n < 256 ? 256 : (s->len + n) / 2 * 3;
        s->out = s->ctx->host->mem(s->ctx, s->out, s->cap);
    }
    if (n)
        memcpy(s->out + s->len, p, n);
    s->len += n;
    return true;
}

static bool put_parts(struct regex_subst *s)
{
    struct weir_slice group;
    for (size_t i = 0; i < s->n_parts; i++) {
        const struct part *p = &s->parts[i];
        if (!put(s, s->text + p->begin, p->len))
            return false;
        if (p->grouped && regex_group(s->re, p->group, &group) && !put(s, group.ptr, group.len))
            return false;
    }
    return true;
}

int regex_replace(struct regex_subst *s, struct weir_slice text, bool valid, uint32_t most, size_t max,
                  struct weir_slice *ret)
{
    struct weir_slice whole;
    const char *p = text.ptr ? text.ptr : "", *end = p + text.len, *begin;
    uint32_t n = 0;
    int r;
    text.ptr = p;
    *ret = text;
    s->len = 0;
    s->max = max;
    regex_begin(s->re, text, valid);
    for (; (r = regex_next(s->re)) == REGEX_FOUND; n++) {
        (void)regex_group(s->re, 0, &whole);
        begin = whole.ptr;
        if (!put(s, p, (size_t)(begin - p)) || !put_parts(s))
            return REGEX_TOO_LONG;
        p = begin + whole.len;
        if (n + 1 == most) {
            n++;
            break;
        }
    }
    if (r < 0 || !n)
        return r;
    if (!put(s, p, (size_t)(end - p)))
        return REGEX_TOO_LONG;
    *ret = (struct weir_slice){s->out ? s->out : "", s->len};
    return REGEX_FOUND;
}
