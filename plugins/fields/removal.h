/* SPDX-License-Identifier: BSD-2-Clause */
/* removal.h - fields that go, all at once.
 *
 * Edits follow each other, so that of two elements the second is another one when the first has gone: where it matters,
 * the value is written anew without them.  Home thread only. */
#ifndef WEIR_PLUGINS_FIELDS_REMOVAL_H
#define WEIR_PLUGINS_FIELDS_REMOVAL_H

#include "../common/each.h"

#include <stdbool.h>

struct removal {
    const struct weir_paths *paths;
    const struct weir_path *whole; /* . */
    struct gone {
        const struct weir_path *path;
        const char *at, *end;
        bool element; /* or it is not known what it is */
    } * gone;         /* room for all */
    size_t n;
};

void removal_init(struct removal *, struct weir_ctx *, const struct weir_paths *,
                  const struct weir_path *whole);
void removal_free(struct removal *, struct weir_ctx *);
/* Gathers the edits; what is not OK is to be returned. */
int removal_one(struct removal *, struct each *);
/* Whether it took what the record had there, in this record. */
bool removal_takes(const struct removal *, const struct weir_span *);

#endif
