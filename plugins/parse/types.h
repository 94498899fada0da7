/* SPDX-License-Identifier: BSD-2-Clause */
/* types.h - which members become numbers and booleans, and how their text is read.
 *
 * Pure but for types_init and types_free; home thread. */
#ifndef WEIR_PLUGINS_PARSE_TYPES_H
#define WEIR_PLUGINS_PARSE_TYPES_H

#include <weir/plugin.h>

#include <stdbool.h>

enum { TYPE_STRING, TYPE_INTEGER, TYPE_NUMBER, TYPE_BOOLEAN, TYPE_AUTO };
extern const char *const type_names[];  /* values of types.NAME */
extern const char *const types_names[]; /* values of types: string, auto */

struct type_of {
    struct weir_slice name;
    int type;
};
struct types {
    struct type_of *items;
    size_t count;
    int others; /* TYPE_STRING or TYPE_AUTO */
};

/* names is borrowed. */
void types_init(struct types *, struct weir_ctx *, const struct weir_map *names, int64_t others);
void types_free(struct types *, struct weir_ctx *);
int types_find(const struct types *, struct weir_slice name);

/* Writes the text as JSON of that type to out (text.len + 5 bytes at least), and gives its length: numbers keep their
 * text but for what JSON does not allow (a plus, zeros before the first digit, a point without a digit before it); an
 * empty text is null.  0: it is none. */
size_t type_write(int type, struct weir_slice text, char *out);

#endif
