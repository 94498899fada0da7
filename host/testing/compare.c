/* SPDX-License-Identifier: BSD-2-Clause */
/* compare.c - two JSON trees side by side (compare.h). */
#include "compare.h"

#include "dlq/text.h"
#include "record/json.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 200 /* bytes of a value */

struct compare {
    struct arena arena;
    struct strbuf *why; /* NULL: the first difference is enough */
    struct strbuf path;
    unsigned differ;
};

static bool same_bytes(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void shown(struct strbuf *out, struct weir_slice text)
{
    if (!text_shown(out, text, SHOWN_MAX))
        strbuf_str(out, "...");
}

/* wanted or got is NULL: it is missing, or there is one too many. */
static void differs(struct compare *c, const struct json_node *wanted, const struct json_node *got)
{
    if (c->differ++ >= COMPARE_LINES_MAX || !c->why)
        return;
    strbuf_printf(c->why, "  %s ", c->path.len ? c->path.data : ".");
    if (!wanted) {
        strbuf_str(c->why, "is not expected: ");
        shown(c->why, got->text);
    } else if (!got) {
        strbuf_str(c->why, "is missing: ");
        shown(c->why, wanted->text);
    } else {
        strbuf_str(c->why, "is ");
        shown(c->why, got->text);
        strbuf_str(c->why, ", not ");
        shown(c->why, wanted->text);
    }
    strbuf_char(c->why, '\n');
}

/* Enters a member or an element; gives the length of the path to go back to. */
static size_t enter_member(struct compare *c, struct weir_slice key)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t before = c->path.len;
    struct weir_slice name = json_string(&c->arena, key);
    bool odd = name.len == 0;
    for (size_t i = 0; i < name.len; i++)
        odd |= !memchr(plain, ((const char *)name.ptr)[i], sizeof plain - 1);
    strbuf_char(&c->path, '.');
    shown(&c->path, odd ? key : name);
    return before;
}

static void leave(struct compare *c, size_t before)
{
    c->path.len = before;
    if (c->path.data)
        c->path.data[before] = 0;
}

static void compare(struct compare *, const struct json_node *wanted, const struct json_node *got);

static bool same_key(struct compare *c, const struct json_node *a, const struct json_node *b)
{
    return same_bytes(a->key, b->key) ||
           same_bytes(json_string(&c->arena, a->key), json_string(&c->arena, b->key));
}

/* The member of `in` that stands where m does among those of its name. */
static const struct json_node *counterpart(struct compare *c, const struct json_node *m,
                                           const struct json_node *of, const struct json_node *in)
{
    unsigned before = 0;
    for (const struct json_node *n = of->child; n != m; n = n->next)
        before += same_key(c, n, m);
    for (const struct json_node *n = in->child; n; n = n->next)
        if (same_key(c, n, m) && before-- == 0)
            return n;
    return NULL;
}

/* named: got may have other members. */
static void compare_objects(struct compare *c, const struct json_node *wanted, const struct json_node *got,
                            bool named)
{
    for (const struct json_node *m = wanted->child; m; m = m->next) {
        size_t before = enter_member(c, m->key);
        const struct json_node *other = counterpart(c, m, wanted, got);
        if (other)
            compare(c, m, other);
        else
            differs(c, m, NULL);
        leave(c, before);
    }
    for (const struct json_node *m = named ? NULL : got->child; m; m = m->next) {
        size_t before = enter_member(c, m->key);
        if (!counterpart(c, m, got, wanted))
            differs(c, NULL, m);
        leave(c, before);
    }
}

static void compare_arrays(struct compare *c, const struct json_node *wanted, const struct json_node *got)
{
    const struct json_node *w = wanted->child, *g = got->child;
    for (unsigned i = 0; w || g; i++) {
        size_t before = c->path.len;
        strbuf_printf(&c->path, "[%u]", i);
        if (w && g)
            compare(c, w, g);
        else
            differs(c, w, g);
        leave(c, before);
        w = w ? w->next : NULL;
        g = g ? g->next : NULL;
    }
}

static void compare(struct compare *c, const struct json_node *wanted, const struct json_node *got)
{
    bool same = wanted->type == got->type;
    if (same && wanted->type == WEIR_JSON_OBJECT)
        compare_objects(c, wanted, got, false);
    else if (same && wanted->type == WEIR_JSON_ARRAY)
        compare_arrays(c, wanted, got);
    else if (!same || (!same_bytes(wanted->text, got->text) &&
                       (wanted->type != WEIR_JSON_STRING || !same_bytes(json_string(&c->arena, wanted->text),
                                                                        json_string(&c->arena, got->text)))))
        differs(c, wanted, got);
}

/* Its tree, when it is an object or an array. */
static struct json_doc *tree(struct compare *c, struct weir_slice text)
{
    struct json_doc *doc = text.len ? json_parse(&c->arena, text.ptr, text.len, NULL) : NULL;
    return doc && doc->root->child ? doc : NULL;
}

static bool ended(struct compare *c)
{
    if (c->why && c->differ > COMPARE_LINES_MAX)
        strbuf_printf(c->why, "  and %u differences more\n", c->differ - COMPARE_LINES_MAX);
    arena_free(&c->arena);
    strbuf_free(&c->path);
    return c->differ == 0;
}

bool compare_body(struct weir_slice wanted, struct weir_slice got, struct strbuf *why)
{
    struct compare c = {.why = why};
    struct json_doc *w = tree(&c, wanted), *g = w ? tree(&c, got) : NULL;
    if (g)
        compare(&c, w->root, g->root);
    else
        c.differ = !same_bytes(wanted, got); /* what it is stands beside it anyway */
    return ended(&c);
}

bool compare_named(struct weir_slice with, struct weir_slice got, struct strbuf *why)
{
    struct compare c = {.why = why};
    struct json_doc *w = json_parse(&c.arena, with.ptr, with.len, NULL),
                    *g = json_parse(&c.arena, got.ptr, got.len, NULL);
    if (w && g)
        compare_objects(&c, w->root, g->root, true);
    return ended(&c);
}
