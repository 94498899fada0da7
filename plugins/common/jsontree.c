/* SPDX-License-Identifier: BSD-2-Clause */
/* jsontree.c - see jsontree.h. */
#define WEIR_API 1
#include "jsontree.h"

#include <stdbool.h>
#include <string.h>

struct reader {
    const char *at, *end;
    jsontree_memory *memory;
    void *opaque;
    unsigned depth;
};

static bool read_value(struct reader *r, struct jsontree *node);

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The next byte that is no white space; '\0' at the end. */
static char look(struct reader *r)
{
    while (r->at < r->end && is_space(*r->at))
        r->at++;
    return r->at < r->end ? *r->at : '\0';
}

static int hex(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* The number behind \u at p, or -1. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex(p[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The byte behind the escape at p; NULL: it is none. */
static const char *skip_escape(const char *p, const char *end)
{
    if (end - p < 2)
        return NULL;
    if (p[1] == 'u')
        return hex4(p + 2, end) >= 0 ? p + 6 : NULL;
    return memchr("\"\\/bfnrt", p[1], 8) ? p + 2 : NULL;
}

static bool read_string(struct reader *r, struct weir_slice *ret)
{
    const char *from = r->at, *p = from + 1, *next;
    while (p < r->end && *p != '"' && (unsigned char)*p >= 0x20) {
        next = *p == '\\' ? skip_escape(p, r->end) : p + 1;
        if (!next)
            break;
        p = next;
    }
    if (p == r->end || *p != '"') {
        r->at = p;
        return false;
    }
    r->at = p + 1;
    *ret = (struct weir_slice){from, (size_t)(r->at - from)};
    return true;
}

static bool read_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static bool read_number(struct reader *r)
{
    const char *p = r->at + (*r->at == '-'), *from = p;
    p = skip_digits(p, r->end);
    bool good = p > from && (*from != '0' || p == from + 1);
    if (good && p < r->end && *p == '.') {
        from = p + 1;
        p = skip_digits(from, r->end);
        good = p > from;
    }
    if (good && p < r->end && (*p == 'e' || *p == 'E')) {
        from = p + 1;
        if (from < r->end && (*from == '+' || *from == '-'))
            from++;
        p = skip_digits(from, r->end);
        good = p > from;
    }
    r->at = good ? p : r->at;
    return good;
}

static bool read_key(struct reader *r, struct weir_slice *ret)
{
    if (look(r) != '"' || !read_string(r, ret) || look(r) != ':')
        return false;
    r->at++;
    return true;
}

/* Members or elements, to the bracket that closes them. */
static bool read_children(struct reader *r, struct jsontree *node, char closing)
{
    struct jsontree **last = &node->child;
    r->at++;
    if (look(r) == closing) {
        r->at++;
        return true;
    }
    for (;;) {
        struct jsontree *child = r->memory(r->opaque, sizeof *child);
        memset(child, 0, sizeof *child);
        if ((closing == '}' && !read_key(r, &child->key)) || !read_value(r, child))
            return false;
        *last = child;
        last = &child->next;
        node->count++;
        char c = look(r);
        if (c != ',' && c != closing)
            return false;
        r->at++;
        if (c == closing)
            return true;
    }
}

static bool read_container(struct reader *r, struct jsontree *node, uint32_t type, char closing)
{
    node->type = type;
    if (r->depth == JSONTREE_DEPTH_MAX)
        return false;
    r->depth++;
    bool good = read_children(r, node, closing);
    r->depth--;
    return good;
}

static bool read_scalar(struct reader *r, struct jsontree *node, char c)
{
    struct weir_slice text;
    node->type = c == '"'   ? WEIR_JSON_STRING
                 : c == 't' ? WEIR_JSON_TRUE
                 : c == 'f' ? WEIR_JSON_FALSE
                 : c == 'n' ? WEIR_JSON_NULL
                            : WEIR_JSON_NUMBER;
    switch (node->type) {
    case WEIR_JSON_STRING:
        return read_string(r, &text);
    case WEIR_JSON_TRUE:
        return read_word(r, "true");
    case WEIR_JSON_FALSE:
        return read_word(r, "false");
    case WEIR_JSON_NULL:
        return read_word(r, "null");
    default:
        return c != '\0' && read_number(r);
    }
}

static bool read_value(struct reader *r, struct jsontree *node)
{
    char c = look(r);
    const char *from = r->at;
    bool good = c == '{'   ? read_container(r, node, WEIR_JSON_OBJECT, '}')
                : c == '[' ? read_container(r, node, WEIR_JSON_ARRAY, ']')
                           : read_scalar(r, node, c);
    node->text = (struct weir_slice){from, (size_t)(r->at - from)};
    return good;
}

struct jsontree *jsontree_read(struct weir_slice json, jsontree_memory *memory, void *opaque, size_t *ret_at)
{
    const char *from = json.len ? json.ptr : "";
    struct reader r = {from, from + json.len, memory, opaque, 0};
    struct jsontree *root = memory(opaque, sizeof *root);
    memset(root, 0, sizeof *root);
    bool good = read_value(&r, root);
    if (good) {
        (void)look(&r);
        good = r.at == r.end;
    }
    if (!good && ret_at)
        *ret_at = (size_t)(r.at - from);
    return good ? root : NULL;
}

/* ---- strings ------------------------------------------------------------------------------------------------- */
/* The character of the escape whose backslash is at *p, which moves behind it. */
static uint32_t escape(const char **p, const char *end)
{
    static const char names[] = "bfnrt", means[] = "\b\f\n\r\t";
    const char *at = *p + 1;
    char c = at < end ? *at : '\\';
    *p = at < end ? at + 1 : end;
    if (c != 'u') {
        const char *name = memchr(names, c, sizeof names - 1);
        return (uint32_t)(unsigned char)(name ? means[name - names] : c);
    }
    int32_t high = hex4(*p, end), low;
    if (high < 0)
        return 0xfffd;
    *p += 4;
    if (high < 0xd800 || high > 0xdfff)
        return (uint32_t)high;
    if (high > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return 0xfffd;
    low = hex4(*p + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *p += 6;
    return 0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

struct weir_slice jsontree_string(struct weir_slice text, jsontree_memory *memory, void *opaque)
{
    const char *p = (const char *)text.ptr + 1, *end = p + text.len - 2;
    char *out, *to;
    if (!memchr(p, '\\', text.len - 2))
        return (struct weir_slice){p, text.len - 2};
    out = to = memory(opaque, text.len); /* no escape is shorter than what it means */
    while (p < end) {
        if (*p == '\\')
            to = put_utf8(to, escape(&p, end));
        else
            *to++ = *p++;
    }
    return (struct weir_slice){out, (size_t)(to - out)};
}

struct meaning { /* the bytes that a string means, one by one */
    const char *p, *end;
    char made[4]; /* of one escape, or a byte that stands for itself */
    int n, at;
};

static struct meaning meaning_of(struct weir_slice text)
{
    const char *p = (const char *)text.ptr + 1;
    return (struct meaning){.p = p, .end = p + text.len - 2};
}

/* -1: that was all. */
static int next_byte(struct meaning *m)
{
    if (m->at == m->n) {
        if (m->p == m->end)
            return -1;
        m->at = 0;
        m->n = 1;
        if (*m->p == '\\')
            m->n = (int)(put_utf8(m->made, escape(&m->p, m->end)) - m->made);
        else
            m->made[0] = *m->p++;
    }
    return (unsigned char)m->made[m->at++];
}

bool jsontree_same_string(struct weir_slice a, struct weir_slice b)
{
    struct meaning x = meaning_of(a), y = meaning_of(b);
    int c, d;
    if (a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0)
        return true;
    if (!memchr(a.ptr, '\\', a.len) && !memchr(b.ptr, '\\', b.len))
        return false;
    do {
        c = next_byte(&x);
        d = next_byte(&y);
    } while (c == d && c >= 0);
    return c == d;
}

size_t jsontree_length(struct weir_slice text)
{
    const char *p = (const char *)text.ptr + 1, *end = p + text.len - 2;
    size_t n = 0;
    while (p < end) {
        if (*p == '\\')
            (void)escape(&p, end);
        else
            do
                p++;
            while (p < end && ((unsigned char)*p & 0xc0) == 0x80);
        n++;
    }
    return n;
}
