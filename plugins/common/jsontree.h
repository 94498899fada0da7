/* SPDX-License-Identifier: BSD-2-Clause */
/* jsontree.h - JSON text as a tree, for plugins that need its structure and not only the value at a path.
 *
 * What is JSON the host decides: the text of a span that host->json gave has passed its reader, and this one finds
 * where things are.  Other text is read with the same strictness, but for UTF-8, which is not looked at: host->json_walk
 * says whether it is JSON, and this one where it is not.  Numbers and strings stay text.  No state; any thread. */
#ifndef WEIR_PLUGINS_JSONTREE_H
#define WEIR_PLUGINS_JSONTREE_H

#include <stdbool.h>

#include <weir/plugin.h>

#define JSONTREE_DEPTH_MAX 500 /* as the host's */

struct jsontree {
    struct weir_slice text;        /* its exact bytes, borrowed */
    struct weir_slice key;         /* of a member: the key's exact bytes with quotes; else ptr NULL */
    struct jsontree *next, *child; /* sibling in order; first member or element; or NULL */
    uint32_t type;                 /* WEIR_JSON_* */
    uint32_t count;                /* of children */
};

/* Gives n bytes, aligned for any type, never NULL, that live as long as what is made of them. */
typedef void *jsontree_memory(void *opaque, size_t n);

/* The tree over the text; NULL: no JSON, or too deep, *ret_at (may be NULL) is the byte at which that showed. */
struct jsontree *jsontree_read(struct weir_slice json, jsontree_memory *, void *opaque, size_t *ret_at);

/* What a string or a key means; borrows from its text where there is no escape.  Half a surrogate pair reads as
 * U+FFFD. */
struct weir_slice jsontree_string(struct weir_slice text, jsontree_memory *, void *opaque);
/* Whether two strings or keys mean the same; needs no memory. */
bool jsontree_same_string(struct weir_slice a, struct weir_slice b);
/* Its characters (code points), by its text. */
size_t jsontree_length(struct weir_slice text);

#endif
