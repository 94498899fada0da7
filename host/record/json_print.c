/* SPDX-License-Identifier: BSD-2-Clause */
/* json_print.c - a document after its edits as text: what nobody touched is copied as it stood.
 *
 * A container whose text is stale is printed from that text with its children laid over it.  White space and
 * commas between two children belong to the second one, so they go with it when it is removed; the first child that
 * is left loses its comma.  Added members follow the last child; the white space before the closing bracket stays.  Recursion goes down stale containers only, and those lie on the paths of edits, which
 * have at most 64 steps.  Owns: nothing.  Thread: any, while nobody edits the document. */
#include "json_private.h"
#include "json_scan.h"

struct out {
    char *to; /* NULL: only count */
    size_t size;
};

static void put(struct out *o, const void *p, size_t n)
{
    if (o->to != NULL && n > 0)
        memcpy(o->to + o->size, p, n);
    o->size += n;
}

static void put_range(struct out *o, const char *from, const char *to)
{
    put(o, from, (size_t)(to - from));
}

static const char *end_of(struct weir_slice s)
{
    return (const char *)s.ptr + s.len;
}

/* Where a value and its key stood in the parent's text. */
static struct weir_slice old_text(const struct json_node *node)
{
    return node->origin != NULL ? node->origin->text : node->text;
}

static struct weir_slice old_key(const struct json_node *node)
{
    return node->origin != NULL ? node->origin->key : node->key;
}

/* Start of the white space that ends at p; something else stands before it. */
static const char *space_before(const char *p)
{
    while (scan_is_space((uint8_t)p[-1]))
        p--;
    return p;
}

/* The white space and the comma before a child that begins at p. */
static void put_gap(struct out *o, const char *p, bool first)
{
    const char *from = space_before(p);

    if (from[-1] == ',') { /* not so for the very first child */
        const char *comma = from - 1;
        put_range(o, space_before(comma), comma);
        if (!first)
            put(o, ",", 1);
    }
    put_range(o, from, p);
}

static void put_value(struct out *o, const struct json_node *node);

/* A child with a new key or a new value, but for the gap before it. */
static void put_changed(struct out *o, const struct json_node *node)
{
    put(o, node->key.ptr, node->key.len);
    if (node->key.ptr != NULL)
        put_range(o, end_of(old_key(node)), old_text(node).ptr);
    put_value(o, node);
}

/* Members that the text does not have. */
static void put_added(struct out *o, const struct json_node *node, bool first)
{
    for (; node != NULL; node = node->next, first = false) {
        if (!first)
            put(o, ",", 1);
        put(o, node->key.ptr, node->key.len);
        put(o, ":", 1);
        put_value(o, node);
    }
}

static void put_container(struct out *o, const struct json_node *node)
{
    const char *done = node->text.ptr; /* what lies before it in the text is printed */
    const char *close = end_of(node->text) - 1, *kept = done + 1;
    const struct json_node *c = node->child;
    bool first = true;

    for (; c != NULL && !(c->flags & NODE_ADDED); c = c->next) {
        const char *begin = c->key.ptr != NULL ? old_key(c).ptr : old_text(c).ptr;
        if (c->flags & NODE_GAP) {
            put_range(o, done, kept);
            put_gap(o, begin, first);
            done = begin;
        }
        kept = end_of(old_text(c));
        if (c->flags & (NODE_NEW_KEY | NODE_NEW_VALUE | NODE_DIRTY)) {
            put_range(o, done, begin);
            put_changed(o, c);
            done = kept;
        }
        first = false;
    }
    if (c != NULL || node->flags & NODE_GAP_AT_END) {
        put_range(o, done, kept);
        put_added(o, c, first);
        done = space_before(close);
    }
    put_range(o, done, close + 1);
}

static void put_value(struct out *o, const struct json_node *node)
{
    if (node->flags & NODE_DIRTY)
        put_container(o, node);
    else
        put(o, node->text.ptr, node->text.len);
}

static void put_doc(struct out *o, const struct json_doc *doc)
{
    struct weir_slice top = old_text(doc->root);

    put_range(o, doc->source.ptr, top.ptr);
    put_value(o, doc->root);
    put_range(o, end_of(top), end_of(doc->source));
}

size_t json_printed_size(const struct json_doc *doc)
{
    struct out o = {NULL, 0};

    if (!doc->edited)
        return doc->source.len;
    put_doc(&o, doc);
    return o.size;
}

void json_print(const struct json_doc *doc, char *out)
{
    struct out o = {out, 0};

    if (doc->edited)
        put_doc(&o, doc);
    else
        put(&o, doc->source.ptr, doc->source.len);
}

struct weir_slice json_node_text(struct arena *arena, const struct json_node *node)
{
    struct out o = {NULL, 0};

    if (!(node->flags & NODE_DIRTY))
        return node->text;
    put_value(&o, node);
    o.to = arena_alloc(arena, o.size);
    o.size = 0;
    put_value(&o, node);
    return (struct weir_slice){o.to, o.size};
}
