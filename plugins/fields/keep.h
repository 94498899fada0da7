/* SPDX-License-Identifier: BSD-2-Clause */
/* keep.h - an object with the named fields alone.
 *
 * The names are a tree that is made once; a record's object is gone through once beside it.  Home thread only. */
#ifndef WEIR_PLUGINS_FIELDS_KEEP_H
#define WEIR_PLUGINS_FIELDS_KEEP_H

#include "../common/each.h"

struct keep;

/* NULL, or what is wrong with one of the paths. */
const char *keep_refuses(const char *path);
/* Paths that keep_refuses has nothing against. */
struct keep *keep_new(struct weir_ctx *, const struct weir_list *paths);
void keep_free(struct weir_ctx *, struct keep *);
/* What stays of an object, as JSON text that stays until the next record. */
struct weir_slice keep_only(struct keep *, struct each *, const struct weir_span *object);

#endif
