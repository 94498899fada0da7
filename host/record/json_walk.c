/* SPDX-License-Identifier: BSD-2-Clause */
/* json_walk.c - a JSON text's scalars, depth first (json_walk.h).  Thread: the caller's. */
#include "json_walk.h"

#include "json.h"

/* The path so far stands in path; the tree's depth is bounded by the reader. */
struct walk {
    struct strbuf *path;
    int (*each)(void *opaque, struct weir_slice path, const struct weir_span *);
    void *opaque;
};

/* An answer has thousands of elements: printf would take more time than reading them. */
static void add_index(struct strbuf *path, size_t index)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + index % 10);
        index /= 10;
    } while (index > 0);
    strbuf_add(path, digits + at, sizeof digits - at);
}

static int walk_node(struct walk *w, const struct json_node *node)
{
    size_t base = w->path->len, index = 0;
    if (node->type != WEIR_JSON_ARRAY && node->type != WEIR_JSON_OBJECT) {
        struct weir_span span = {node->text.ptr, node->text.len, node->type, 0};
        return w->each(w->opaque, (struct weir_slice){w->path->data, w->path->len}, &span);
    }
    for (const struct json_node *child = node->child; child; child = child->next, index++) {
        if (base)
            strbuf_char(w->path, '.');
        if (child->key.ptr)
            strbuf_add(w->path, (const char *)child->key.ptr + 1, child->key.len - 2);
        else
            add_index(w->path, index);
        int status = walk_node(w, child);
        w->path->len = base;
        if (status != WEIR_OK)
            return status;
    }
    return WEIR_OK;
}

int json_walk(struct arena *arena, struct strbuf *path, struct weir_slice json,
              int (*each)(void *opaque, struct weir_slice path, const struct weir_span *), void *opaque)
{
    arena_reset(arena);
    struct json_doc *doc = json_parse(arena, json.ptr, json.len, NULL);
    struct walk w = {path, each, opaque};
    path->len = 0;
    return doc ? walk_node(&w, doc->root) : WEIR_REJECT;
}
