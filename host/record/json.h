/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h - the JSON view of a record: checked and parsed once, edited in place, printed once.
 *
 * Owns: a strict RFC 8259 reader over borrowed bytes, a tree of spans into them, edits on that tree, and
 * the printer, which copies every untouched byte as it stood (white space, number texts, escapes, key order).
 * Numbers are never converted unless a caller asks.  Source: RFC 8259; what is accepted where the RFC leaves a
 * choice stands in docs/json.md (duplicate keys, depth, lone surrogates, numbers, BOM).
 * Thread: pure functions; a document has one writer at a time and any number of readers while nobody writes. */
#ifndef WEIR_HOST_JSON_H
#define WEIR_HOST_JSON_H

#include "arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/plugin.h> /* struct weir_slice, WEIR_JSON_* */

#define JSON_DEPTH_MAX 500 /* deeper nesting is not JSON to weir; a limit of the reader, not of the RFC */

struct json_error {
    size_t offset;   /* byte at which reading stopped */
    const char *why; /* static text, for example "invalid UTF-8" */
};

/* One value of the tree.  `text` is its exact bytes: quotes, braces and inner white space included.  After an
 * edit, text of a changed scalar is the new bytes; text of a container with edits below is stale: json_node_text. */
struct json_node {
    struct weir_slice text;
    struct weir_slice key;      /* member of an object: the key's exact bytes with quotes; else ptr NULL */
    struct json_node *next;     /* sibling in order, or NULL */
    struct json_node *child;    /* first member or element, or NULL */
    uint32_t type;              /* WEIR_JSON_* */
    uint32_t flags;             /* private to json*.c */
    struct json_origin *origin; /* private to json*.c */
};

struct json_doc {
    struct json_node *root;
    struct weir_slice source; /* the bytes it was parsed from, borrowed */
    bool edited;              /* something differs from source */
};

/* Checks that the bytes are one strict JSON text (any value; white space around it is fine, a leading BOM is an
 * error).  ret_newlines (may be NULL) says whether CR or LF stand between tokens: such a text is not one line.
 * ret_type (may be NULL) gives the type of the top value.  Returns false and fills *error (may be NULL). */
bool json_check(const void *p, size_t n, uint32_t *ret_type, bool *ret_newlines, struct json_error *error);

/* Parses strictly; same acceptance as json_check.  Borrows the bytes and the arena for the document's life.
 * Returns NULL and fills *error (may be NULL) when it is not JSON. */
struct json_doc *json_parse(struct arena *, const void *p, size_t n, struct json_error *error);

/* Member of an object by its key's decoded bytes; with duplicate keys the last one wins (as jq does).
 * NULL when absent or when the node is no object. */
struct json_node *json_member(const struct json_node *, const char *key, size_t len);
/* Element of an array; a negative index counts from the end.  NULL when absent or no array. */
struct json_node *json_element(const struct json_node *, int64_t index);

/* Decoded bytes of a string node (or of a key span): borrows from the node where there are no escapes, else from
 * the arena.  A lone surrogate escape becomes U+FFFD, as jq does.  `text` includes the quotes. */
struct weir_slice json_string(struct arena *, struct weir_slice text);
/* The same; false: it has half a surrogate pair, which is no character and stands in *ret as U+FFFD. */
bool json_string_whole(struct arena *, struct weir_slice text, struct weir_slice *ret);
/* Value of a number node as a double, correctly rounded, any locale. */
double json_number(struct weir_slice text);

/* Writes the JSON string for n arbitrary UTF-8 bytes, quotes included, and returns its length; with out NULL only
 * counts.  Escapes only what RFC 8259 section 7 demands.  The bytes must be valid UTF-8 (json_utf8_valid). */
size_t json_quote(char *out, const void *p, size_t n);
bool json_utf8_valid(const void *p, size_t n);
/* First byte that is not part of valid UTF-8, n when all are: for error texts. */
size_t json_utf8_prefix(const void *p, size_t n);

/* Edits.  Paths are compiled by path.h.  `value` is JSON text that json_check accepts; it is copied into the arena.
 * json_set replaces the value at the path, or adds the member; what is to hold it and is absent or null becomes an
 * object, but for the whole value and what is to be an array; json_remove takes a member or element out; json_rename
 * gives a member another key, in the place of the member that had that key, if any.  With duplicate keys, on the whole
 * path, the last one is meant and the others go.  They return false, changing nothing, when the path leads nowhere (or
 * value is not JSON, or would nest too deeply there). */
struct json_path;
struct json_node *json_find(const struct json_node *root, const struct json_path *);
/* Where json_find finds nothing: whether something stands there below a member that is not meant, since its key stands
 * again behind it.  A reader that prefers the first of them sees it, and no edit reaches it. */
bool json_is_hidden(const struct json_node *root, const struct json_path *);
#define JSON_HIDDEN                                                                                          \
    "a name above a field stands twice in its object, and the field below the one that is not meant"
bool json_set(struct arena *, struct json_doc *, const struct json_path *, struct weir_slice value);
bool json_remove(struct arena *, struct json_doc *, const struct json_path *);
bool json_rename(struct arena *, struct json_doc *, const struct json_path *, struct weir_slice key);
/* An edit as a plugin gives it: NULL, or a static sentence that says why it can't be. */
const char *json_apply(struct arena *, struct json_doc *, const struct weir_edit *);

/* Bytes json_print will write. */
size_t json_printed_size(const struct json_doc *);
/* Prints into out (json_printed_size bytes): untouched spans are copied as they stood. */
void json_print(const struct json_doc *, char *out);
/* Text of one value after all edits: borrows from the node, or, when edits lie below it, printed into the arena. */
struct weir_slice json_node_text(struct arena *, const struct json_node *);
/* Copies one JSON text without the white space between its tokens; returns the bytes written, at most n.
 * The text must have passed json_check. */
size_t json_minify(char *out, const void *p, size_t n);

#endif
