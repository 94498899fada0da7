/* SPDX-License-Identifier: BSD-2-Clause */
/* compiled.h - option values that are compiled when the file is read: templates, expressions, paths, and lists and groups
 * of them.
 *
 * Owns: what was compiled, until the store ends.  Thread: the caller's; what it gives is read by any. */
#ifndef WEIR_HOST_COMPILED_H
#define WEIR_HOST_COMPILED_H

#include "option.h"

/* WEIR_T_TEMPLATE (flags: WEIR_F_NAME, WEIR_F_FIELD), WEIR_T_EXPR or WEIR_T_PATH.  NULL and a sentence in why[cap]. */
void *compiled_new(struct option_store *, uint32_t type, uint32_t flags, const char *text, size_t len,
                   char *why, size_t cap);
/* Appends the paths of a comma separated list.  False and a sentence in why[cap]. */
bool compiled_paths(struct option_store *, struct weir_paths *, const char *text, size_t len, char *why,
                    size_t cap);
/* Appends one member of a group: the field's name, as written behind the prefix, and the value; text lives as long as
 * the store.  False and a sentence in why[cap]. */
bool compiled_field(struct option_store *, const struct weir_option *, struct weir_fields *, const char *name,
                    const char *text, size_t len, char *why, size_t cap);
void compiled_free(struct option_store *);

#endif
