/* SPDX-License-Identifier: BSD-2-Clause */
/* fields.h - what the files of the transform fields share. */
#ifndef WEIR_PLUGINS_FIELDS_H
#define WEIR_PLUGINS_FIELDS_H

#include "../common/each.h"

#include <stdbool.h>

struct fields_conf {
    struct weir_list keep;
    const struct weir_path *keep_in;
    struct weir_paths remove;
    struct weir_fields rename, set, json, fill, fill_json; /* fill: default. */
    int64_t on_missing;
};

/* rules.c: what options say together, and each alone where the host can't know. */
int fields_check(struct weir_ctx *, const void *conf, struct weir_problems *);
/* The order in which the renames take no field from each other; NULL where they go round.  Memory of the host's. */
const struct weir_field **rename_order(struct weir_ctx *, const struct weir_fields *);

/* assign.c: set, json, default. */
struct assign {
    const struct weir_field *field;
    const char *option;         /* "set." */
    struct weir_slice constant; /* JSON text, the host's memory; ptr NULL: made for each record */
    bool json;                  /* what is rendered is JSON text */
    bool fill;                  /* only where there is nothing */
};
/* The text of a template without a field into out (as long as it at most); false: it has one. */
bool assign_text(const char *template, char *out, size_t *ret_len);
void assign_init(struct assign *, struct weir_ctx *, const char *option, const struct weir_field *);
void assign_free(struct assign *, struct weir_ctx *);
/* Gathers the edit; what is not OK is to be returned. */
int assign_one(const struct assign *, struct each *, int64_t on_missing);

#endif
