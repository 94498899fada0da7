/* SPDX-License-Identifier: BSD-2-Clause */
/* types.c - see types.h. */
#define WEIR_API 1
#include "types.h"

#include <string.h>
#include <strings.h>

const char *const type_names[] = {"string", "integer", "number", "boolean", NULL};
const char *const types_names[] = {"string", "auto", NULL};

void types_init(struct types *t, struct weir_ctx *ctx, const struct weir_map *names, int64_t others)
{
    *t = (struct types){.others = others ? TYPE_AUTO : TYPE_STRING};
    if (!names->count)
        return;
    t->items = ctx->host->mem(ctx, NULL, names->count * sizeof *t->items);
    for (; t->count < names->count; t->count++) {
        const struct weir_pair *p = &names->items[t->count];
        int type = 0;
        while (strcmp(type_names[type], p->value) != 0)
            type++;
        t->items[t->count] = (struct type_of){{p->name, strlen(p->name)}, type};
    }
}

void types_free(struct types *t, struct weir_ctx *ctx)
{
    if (t->items)
        ctx->host->mem(ctx, t->items, 0);
}

int types_find(const struct types *t, struct weir_slice name)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].name.len == name.len && memcmp(t->items[i].name.ptr, name.ptr, name.len) == 0)
            return t->items[i].type;
    return t->others;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* What stands behind the digits of a number; NULL: something else than point and exponent. */
static bool is_tail(const char *p, const char *end, int type)
{
    const char *from;
    if (type == TYPE_INTEGER)
        return p == end;
    if (p < end && *p == '.') {
        from = ++p;
        p = digits(p, end);
        if (p == from)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        from = p;
        p = digits(p, end);
        if (p == from)
            return false;
    }
    return p == end;
}

static size_t write_number(int type, struct weir_slice text, char *out)
{
    const char *p = text.ptr, *end = p + text.len, *first, *behind;
    char *to = out;
    if (*p == '-')
        *to++ = *p++;
    else if (*p == '+' && type != TYPE_AUTO)
        p++;
    first = p;
    behind = digits(p, end);
    if (!is_tail(behind, end, type) || (behind == first && (behind == end || *behind != '.')))
        return 0;
    while (behind - first > 1 && *first == '0')
        first++;
    if (type == TYPE_AUTO && (first != p || behind == first)) /* as a postal code: no number by itself */
        return 0;
    if (behind == first)
        *to++ = '0';
    memcpy(to, first, (size_t)(end - first));
    return (size_t)(to - out) + (size_t)(end - first);
}

static bool is_word(struct weir_slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

static size_t put(char *out, const char *word)
{
    size_t n = strlen(word);
    memcpy(out, word, n);
    return n;
}

static size_t write_boolean(struct weir_slice text, char *out)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (is_word(text, yes[i]))
            return put(out, "true");
        if (is_word(text, no[i]))
            return put(out, "false");
    }
    return 0;
}

static bool is(struct weir_slice text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

size_t type_write(int type, struct weir_slice text, char *out)
{
    if (type == TYPE_STRING || (type == TYPE_AUTO && !text.len))
        return 0;
    if (!text.len)
        return put(out, "null");
    if (type == TYPE_AUTO && (is(text, "true") || is(text, "false"))) {
        memcpy(out, text.ptr, text.len);
        return text.len;
    }
    return type == TYPE_BOOLEAN ? write_boolean(text, out) : write_number(type, text, out);
}
