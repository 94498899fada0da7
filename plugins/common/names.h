/* SPDX-License-Identifier: BSD-2-Clause */
/* names.h - names that stand in an option's name where the host expects a path: set.tenant, set."x-request-id".
 *
 * Used by the transforms header and key.  Pure functions: any thread. */
#ifndef WEIR_PLUGINS_NAMES_H
#define WEIR_PLUGINS_NAMES_H

#include <weir/helpers.h>

/* The one name that field->name is, which *ret borrows; NULL, or why it is none. */
const char *name_of(const struct weir_field *, struct weir_slice *ret);
/* Whether each of the fields is such a name, and no two are the same; else a problem is told of option PREFIX.NAME.
 * ctx: of check. */
void names_check(struct weir_ctx *, struct weir_problems *, const char *prefix, const struct weir_fields *);

#endif
