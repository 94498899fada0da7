/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.c - see scan.h.  Home thread only. */
#define WEIR_API 1
#include "scan.h"

#define DEPTH_MAX 512 /* the host reads 500 levels at the most */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The quote that ends the string at p: one behind an even number of backslashes. */
static const char *closing_quote(const char *p, const char *end)
{
    const char *from = p++;
    for (; (p = memchr(p, '"', (size_t)(end - p))) != NULL; p++) {
        const char *back = p;
        while (back - 1 > from && back[-1] == '\\')
            back--;
        if ((p - back) % 2 == 0)
            return p;
    }
    return end - 1; /* it is none: valid text does not come here */
}

static void read_string(struct scan *s, struct token *ret)
{
    const char *from = s->p;
    s->p = closing_quote(from, s->end) + 1;
    ret->span = (struct weir_span){from, (size_t)(s->p - from), WEIR_JSON_STRING, 0};
    while (s->p < s->end && is_space(*s->p))
        s->p++;
    ret->name = s->p < s->end && *s->p == ':';
}

static uint32_t type_of(char first)
{
    switch (first) {
    case 't':
        return WEIR_JSON_TRUE;
    case 'f':
        return WEIR_JSON_FALSE;
    case 'n':
        return WEIR_JSON_NULL;
    default:
        return WEIR_JSON_NUMBER;
    }
}

bool scan_next(struct scan *s, struct token *ret)
{
    const char *from;
    while (s->p < s->end && (is_space(*s->p) || *s->p == ',' || *s->p == ':'))
        s->p++;
    if (s->p >= s->end)
        return false;
    memset(ret, 0, sizeof *ret);
    from = s->p;
    switch (*from) {
    case '"':
        read_string(s, ret);
        return true;
    case '{':
    case '}':
    case '[':
    case ']':
        ret->bracket = *s->p++;
        ret->span =
            (struct weir_span){from, 1, *from == '{' || *from == '}' ? WEIR_JSON_OBJECT : WEIR_JSON_ARRAY, 0};
        return true;
    default:
        while (s->p < s->end && !is_space(*s->p) && *s->p != ',' && *s->p != ']' && *s->p != '}')
            s->p++;
        ret->span = (struct weir_span){from, (size_t)(s->p - from), type_of(*from), 0};
        return true;
    }
}

/* FNV-1a of the decoded name, begun by the number of its object. */
static uint64_t hash_name(struct weir_ctx *ctx, const struct weir_span *span, uint64_t object)
{
    struct weir_slice text = {(const char *)span->ptr + 1, span->len - 2};
    uint64_t h = UINT64_C(14695981039346656037) ^ (object * UINT64_C(0x9e3779b97f4a7c15));
    if (memchr(text.ptr, '\\', text.len))
        text = ctx->host->json_string(ctx, span);
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ ((const unsigned char *)text.ptr)[i]) * UINT64_C(1099511628211);
    return h ? h : 1;
}

static bool insert(struct names *n, uint64_t h)
{
    size_t i = (size_t)(h ^ h >> 32) & (n->room - 1);
    while (n->slots[i] && n->slots[i] != h)
        i = (i + 1) & (n->room - 1);
    if (n->slots[i])
        return false;
    n->slots[i] = h;
    n->count++;
    return true;
}

static void make_room(struct names *n)
{
    uint64_t *old = n->slots;
    size_t room = n->room;
    if (n->count * 2 < room)
        return;
    n->room = room ? room * 2 : 128;
    n->slots = n->ctx->host->mem(n->ctx, NULL, n->room * sizeof *n->slots);
    memset(n->slots, 0, n->room * sizeof *n->slots);
    n->count = 0;
    for (size_t i = 0; i < room; i++) {
        if (old[i])
            (void)insert(n, old[i]);
    }
    if (old)
        n->ctx->host->mem(n->ctx, old, 0);
}

bool names_differ(struct names *n, struct weir_slice json)
{
    struct scan s = {json.ptr, (const char *)json.ptr + json.len};
    struct token t;
    uint64_t objects[DEPTH_MAX], seen = 0;
    size_t depth = 0;
    if (n->count)
        memset(n->slots, 0, n->room * sizeof *n->slots);
    n->count = 0;
    while (scan_next(&s, &t)) {
        if (t.bracket == '{' || t.bracket == '[') {
            if (depth == DEPTH_MAX)
                return false;
            objects[depth++] = ++seen;
        } else if (t.bracket) {
            depth--;
        } else if (t.name) {
            make_room(n);
            if (!insert(n, hash_name(n->ctx, &t.span, objects[depth - 1])))
                return false;
        }
    }
    return true;
}

void names_free(struct names *n)
{
    if (n->slots)
        n->ctx->host->mem(n->ctx, n->slots, 0);
}
