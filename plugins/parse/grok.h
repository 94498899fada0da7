/* SPDX-License-Identifier: BSD-2-Clause */
/* grok.h - patterns with names: %{IP:client} becomes the regex that IP stands for, in a group that is the field client.
 *
 * Pure but for memory (host->mem); any thread.  A pattern is expanded once, into one regex of PCRE2. */
#ifndef WEIR_PLUGINS_PARSE_GROK_H
#define WEIR_PLUGINS_PARSE_GROK_H

#include <weir/plugin.h>

#include <stdbool.h>

/* A named regex; it may refer to others by %{NAME}. */
struct grok_name {
    const char *name, *regex;
};
/* Those that are there without being defined, sorted by name; grok_names.c. */
extern const struct grok_name grok_names[];
extern const size_t grok_names_count;

struct grok_field {
    struct weir_slice name; /* lies in the pattern, or a definition */
    int type;               /* TYPE_*, or GROK_UNTYPED */
};
enum { GROK_UNTYPED = -1, GROK_LEVELS = 32, GROK_FIELDS = 1000 };
#define GROK_TEXT_MAX 65535u /* bytes of the regex */

struct grok {
    struct weir_ctx *ctx;
    char *regex; /* field k is its group of the name __k */
    size_t len, room;
    struct grok_field *fields;
    size_t n_fields;
};

/* Expands a pattern.  defined: the operator's own names, which beat the others; it and pattern are borrowed for as long
 * as the result is used.  False: why (cap bytes) is a sentence, and there is nothing to free. */
bool grok_expand(struct grok *, struct weir_ctx *, const char *pattern, const struct weir_map *defined,
                 char *why, size_t cap);
void grok_free(struct grok *);
/* The field that a group's name stands for; NULL: it is a name that the pattern gave itself. */
const struct grok_field *grok_field(const struct grok *, const char *group);

#endif
