/* SPDX-License-Identifier: BSD-2-Clause */
/* hits.c - finds the spans of a search answer: each hit's _source, _id, _index and sort values, byte for byte.
 *
 * Reads structure only and trusts nothing: every step is bounded, nesting too.  A document is not looked into;
 * whether it is sound JSON is for those who use it.  Pure functions; no thread of its own. */
#include "es.h"

#include <stdlib.h>

#define DEPTH_MAX 1000

struct scan {
    char *p, *end;
    uint32_t most; /* hits */
    const char *why;
};

static bool fail(struct scan *s, const char *why)
{
    if (!s->why)
        s->why = why;
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* The bytes between the quotes. */
static bool take_string(struct scan *s, struct weir_slice *ret)
{
    char *start;
    if (!take(s, '"'))
        return fail(s, "a string is missing");
    start = s->p;
    for (; s->p < s->end; s->p++) {
        if (*s->p == '\\')
            s->p++;
        else if (*s->p == '"') {
            *ret = (struct weir_slice){start, (size_t)(s->p - start)};
            s->p++;
            return true;
        }
    }
    s->p = s->end;
    return fail(s, "a string has no end");
}

static bool skip_scalar(struct scan *s)
{
    char *start = s->p;
    while (s->p < s->end && !strchr(",]} \t\r\n", *s->p) && *s->p != '"' && *s->p != '{' && *s->p != '[')
        s->p++;
    return s->p > start || fail(s, "a value is missing");
}

/* Any value with all in it; its exact bytes. */
static bool take_value(struct scan *s, struct weir_slice *ret)
{
    char open[DEPTH_MAX], *start;
    size_t depth = 0;
    struct weir_slice unused;
    skip_space(s);
    start = s->p;
    do {
        skip_space(s);
        if (s->p == s->end)
            return fail(s, "the answer ends inside a value");
        if (*s->p == '{' || *s->p == '[') {
            if (depth == DEPTH_MAX)
                return fail(s, "a value is nested too deeply");
            open[depth++] = *s->p++ == '{' ? '}' : ']';
        } else if (*s->p == '}' || *s->p == ']') {
            if (depth == 0 || open[--depth] != *s->p++)
                return fail(s, "brackets do not match");
        } else if (*s->p == '"') {
            if (!take_string(s, &unused))
                return false;
        } else if (depth > 0 && (*s->p == ',' || *s->p == ':')) {
            s->p++;
        } else if (!skip_scalar(s)) {
            return false;
        }
    } while (depth > 0);
    *ret = (struct weir_slice){start, (size_t)(s->p - start)};
    return true;
}

/* Steps to the next member of an object whose brace was taken, *count of them already; false at its end and at an
 * error (s->why). */
static bool next_member(struct scan *s, size_t *count, struct weir_slice *key)
{
    if (take(s, '}'))
        return false;
    if ((*count)++ > 0 && !take(s, ','))
        return fail(s, "a comma is missing");
    if (!take_string(s, key))
        return false;
    return take(s, ':') || fail(s, "a colon is missing");
}

static bool next_element(struct scan *s, size_t *count)
{
    if (take(s, ']'))
        return false;
    if ((*count)++ > 0 && !take(s, ','))
        return fail(s, "a comma is missing");
    return true;
}

static bool is(struct weir_slice text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

/* ---- strings -------------------------------------------------------------------------------------------------- */
static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int c = p[i];
        int digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

/* The escape at p, behind its backslash; gives where it ends, NULL when it is none. */
static const char *take_escape(const char *p, const char *end, uint32_t *ret)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = p < end && *p ? strchr(from, *p) : NULL;
    int high, low;
    if (at) {
        *ret = (uint32_t)(unsigned char)to[at - from];
        return p + 1;
    }
    if (p == end || *p != 'u' || (high = hex4(p + 1, end)) < 0)
        return NULL;
    p += 5;
    *ret = (uint32_t)high;
    if (high < 0xd800 || high > 0xdfff)
        return p;
    *ret = 0xfffd; /* half a pair */
    if (high < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' && (low = hex4(p + 2, end)) >= 0xdc00 &&
        low <= 0xdfff) {
        *ret = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
        p += 6;
    }
    return p;
}

/* Decodes in place: what is decoded is never longer than its escapes. */
static bool decode(struct scan *s, struct weir_slice *text)
{
    char *start = (char *)(uintptr_t)text->ptr, *to;
    const char *from, *end = start + text->len;
    to = memchr(start, '\\', text->len);
    if (!to)
        return true;
    for (from = to; from < end;) {
        uint32_t c;
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from = take_escape(from + 1, end, &c);
        if (!from)
            return fail(s, "a string holds an unknown escape");
        to = put_utf8(to, c);
    }
    text->len = (size_t)(to - start);
    return true;
}

/* ---- the answer ----------------------------------------------------------------------------------------------- */
static bool take_text(struct scan *s, struct weir_slice *ret)
{
    return take_string(s, ret) && decode(s, ret);
}

static bool take_count(struct scan *s, uint64_t *ret)
{
    struct weir_slice text;
    uint64_t n = 0;
    if (!take_value(s, &text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = ((const char *)text.ptr)[i];
        if (c < '0' || c > '9' || i >= 18)
            return fail(s, "a count is no number");
        n = n * 10 + (uint64_t)(c - '0');
    }
    *ret = n;
    return true;
}

static bool take_hit(struct scan *s, struct es_hit *hit)
{
    struct weir_slice key, unused;
    size_t n = 0;
    if (!take(s, '{'))
        return fail(s, "a hit is no object");
    while (next_member(s, &n, &key)) {
        bool good = is(key, "_source")  ? take_value(s, &hit->source)
                    : is(key, "sort")   ? take_value(s, &hit->sort)
                    : is(key, "_id")    ? take_text(s, &hit->id)
                    : is(key, "_index") ? take_text(s, &hit->index)
                                        : take_value(s, &unused);
        if (!good)
            return false;
    }
    return !s->why;
}

static bool take_hit_list(struct scan *s, struct es_page *page)
{
    size_t n = 0;
    if (!take(s, '['))
        return fail(s, "hits.hits is no list");
    page->has_hits = true;
    while (next_element(s, &n)) {
        if (page->count == s->most) /* "{}" takes three bytes there and eighty here */
            return fail(s, "it has more hits than were asked for");
        if (page->count == page->cap) {
            uint32_t cap = page->cap ? page->cap * 2 : 256;
            struct es_hit *more = realloc(page->hits, cap * sizeof *more);
            if (!more)
                return fail(s, "out of memory");
            page->hits = more;
            page->cap = cap;
        }
        memset(&page->hits[page->count], 0, sizeof *page->hits);
        if (!take_hit(s, &page->hits[page->count]))
            return false;
        page->count++;
    }
    return !s->why;
}

/* total is a number up to Elasticsearch 6 and an object with value since. */
static bool take_total(struct scan *s, struct es_page *page)
{
    struct weir_slice key, unused;
    uint64_t value = 0;
    size_t n = 0;
    skip_space(s);
    if (s->p < s->end && *s->p == '{') {
        s->p++;
        while (next_member(s, &n, &key))
            if (!(is(key, "value") ? take_count(s, &value) : take_value(s, &unused)))
                return false;
    } else if (!take_count(s, &value)) {
        return false;
    }
    page->total = (int64_t)value;
    return !s->why;
}

static bool take_hits(struct scan *s, struct es_page *page)
{
    struct weir_slice key, unused;
    size_t n = 0;
    if (!take(s, '{'))
        return fail(s, "hits is no object");
    while (next_member(s, &n, &key)) {
        bool good = is(key, "hits")    ? take_hit_list(s, page)
                    : is(key, "total") ? take_total(s, page)
                                       : take_value(s, &unused);
        if (!good)
            return false;
    }
    return !s->why;
}

static bool take_shards(struct scan *s, struct es_page *page)
{
    struct weir_slice key, unused;
    size_t n = 0;
    if (!take(s, '{'))
        return fail(s, "_shards is no object");
    while (next_member(s, &n, &key))
        if (!(is(key, "failed") ? take_count(s, &page->shards_failed) : take_value(s, &unused)))
            return false;
    return !s->why;
}

static bool take_answer(struct scan *s, struct es_page *page)
{
    struct weir_slice key, value;
    size_t n = 0;
    if (!take(s, '{'))
        return fail(s, "the answer is no object");
    while (next_member(s, &n, &key)) {
        bool good;
        if (is(key, "hits")) {
            good = take_hits(s, page);
        } else if (is(key, "_shards")) {
            good = take_shards(s, page);
        } else if (is(key, "pit_id") || is(key, "id")) {
            good = take_text(s, &page->pit_id);
        } else if (is(key, "_scroll_id")) {
            good = take_text(s, &page->scroll_id);
        } else {
            good = take_value(s, &value);
            page->timed_out = page->timed_out || (good && is(key, "timed_out") && is(value, "true"));
        }
        if (!good)
            return false;
    }
    skip_space(s);
    return !s->why && (s->p == s->end || fail(s, "something follows the answer"));
}

bool hits_read(char *text, size_t len, uint32_t most, struct es_page *ret, const char **why)
{
    struct scan s = {text, text + len, most, NULL};
    memset(ret, 0, sizeof *ret);
    ret->total = -1;
    if (take_answer(&s, ret))
        return true;
    *why = s.why ? s.why : "the answer is cut off";
    return false;
}

size_t hits_sort_head(struct weir_slice array, uint32_t n, char *out, size_t cap)
{
    char *start = (char *)(uintptr_t)array.ptr; /* only read */
    struct scan s = {start, start, 0, NULL};
    struct weir_slice value;
    size_t count = 0, len = 0;
    if (array.len == 0)
        return 0;
    s.end = start + array.len;
    if (!take(&s, '['))
        return 0;
    while (count < n && next_element(&s, &count)) {
        if (!take_value(&s, &value) || len + value.len + 2 > cap)
            return 0;
        out[len++] = count == 1 ? '[' : ',';
        memcpy(out + len, value.ptr, value.len);
        len += value.len;
    }
    if (s.why || count < n || n == 0)
        return 0;
    out[len++] = ']';
    return len;
}

void hits_free(struct es_page *page)
{
    free(page->hits);
    memset(page, 0, sizeof *page);
}
