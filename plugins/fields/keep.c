/* SPDX-License-Identifier: BSD-2-Clause */
/* keep.c - see keep.h.
 *
 * What is written never is more than what was read, so the room is known; of a name that stands more than once in an
 * object the last one is meant, and what the others gave is taken out again. */
#define WEIR_API 1
#include "keep.h"

#include "../common/jsonscan.h"
#include "../common/steps.h"

#include <stdbool.h>

struct keep {
    struct keep *next, *child; /* siblings; the names beneath */
    bool whole;                /* all of it stays */
    size_t at, n; /* in the object that is being written: its member with the comma behind it; n 0: none */
    size_t len;
    char name[];
};

struct writer {
    struct each *e;
    const char *end; /* of the text */
    char *out;
    size_t n;
};

const char *keep_refuses(const char *path)
{
    struct steps s;
    if (path[0] != '.' || !steps_read(path, &s) || !s.count)
        return "is no path such as .user.id; a name in quotes holds no comma and no backslash here";
    for (size_t i = 0; i < s.count; i++)
        if (s.at[i].index)
            return "names an element of an array; an array stays whole, or not at all";
    return NULL;
}

static struct keep *node_new(struct weir_ctx *ctx, struct weir_slice name)
{
    struct keep *k = ctx->host->mem(ctx, NULL, sizeof *k + name.len);
    memset(k, 0, sizeof *k);
    k->len = name.len;
    if (name.len)
        memcpy(k->name, name.ptr, name.len);
    return k;
}

static struct keep *find(const struct keep *of, const void *name, size_t len)
{
    struct keep *c = of->child;
    while (c && (c->len != len || memcmp(c->name, name, len) != 0))
        c = c->next;
    return c;
}

struct keep *keep_new(struct weir_ctx *ctx, const struct weir_list *paths)
{
    struct keep *root = node_new(ctx, (struct weir_slice){NULL, 0});
    for (size_t i = 0; i < paths->count; i++) {
        struct keep *at = root;
        struct steps s;
        (void)steps_read(paths->items[i], &s);
        for (size_t k = 0; k < s.count; k++) {
            struct weir_slice name = s.at[k].name;
            struct keep *c = find(at, name.ptr, name.len);
            if (!c) {
                c = node_new(ctx, name);
                c->next = at->child;
                at->child = c;
            }
            at = c;
        }
        at->whole = true;
    }
    return root;
}

void keep_free(struct weir_ctx *ctx, struct keep *k)
{
    struct keep *next;
    for (struct keep *c = k->child; c; c = next) {
        next = c->next;
        keep_free(ctx, c);
    }
    ctx->host->mem(ctx, k, 0);
}

static struct keep *find_key(struct writer *w, const struct keep *of, struct weir_slice key)
{
    if (!memchr(key.ptr, '\\', key.len))
        return find(of, (const char *)key.ptr + 1, key.len - 2);
    const struct weir_span span = {key.ptr, key.len, WEIR_JSON_STRING, 0};
    struct weir_slice name = w->e->ctx->host->json_string(w->e->ctx, &span);
    return find(of, name.ptr, name.len);
}

static void put(struct writer *w, const void *from, const char *to)
{
    size_t n = (size_t)(to - (const char *)from);
    memcpy(w->out + w->n, from, n);
    w->n += n;
}

/* An earlier member of the same name. */
static void take_out(struct writer *w, struct keep *of, struct keep *gone)
{
    size_t behind = gone->at + gone->n;
    memmove(w->out + gone->at, w->out + behind, w->n - behind);
    w->n -= gone->n;
    for (struct keep *c = of->child; c; c = c->next)
        if (c->at > gone->at)
            c->at -= gone->n;
    gone->n = 0;
}

/* The object whose first byte p is, without what is not named in `of`; gives what is behind it. */
static const char *put_object(struct writer *w, struct keep *of, const char *p)
{
    struct jsonscan_item item;
    for (struct keep *c = of->child; c; c = c->next)
        c->n = 0;
    w->out[w->n++] = '{';
    for (p++; jsonscan_item(&p, w->end, true, &item);) {
        struct keep *c = find_key(w, of, item.key);
        size_t from, open;
        if (c && c->n)
            take_out(w, of, c);
        if (!c || (!c->whole && *item.value != '{')) {
            p = jsonscan_end(item.value, w->end);
            continue;
        }
        from = w->n;
        put(w, item.key.ptr, item.value);
        open = w->n;
        if (c->whole) {
            p = jsonscan_end(item.value, w->end);
            put(w, item.value, p);
        } else {
            p = put_object(w, c, item.value);
            if (w->n == open + 2) { /* {}: nothing of it stays */
                w->n = from;
                continue;
            }
        }
        w->out[w->n++] = ',';
        c->at = from;
        c->n = w->n - from;
    }
    w->n -= w->out[w->n - 1] == ',';
    w->out[w->n++] = '}';
    return p;
}

struct weir_slice keep_only(struct keep *k, struct each *e, const struct weir_span *object)
{
    struct writer w = {.e = e, .end = (const char *)object->ptr + object->len};
    w.out = each_alloc(e, object->len + 1);
    (void)put_object(&w, k, object->ptr);
    return (struct weir_slice){w.out, w.n};
}
