/* SPDX-License-Identifier: BSD-2-Clause */
/* steps.h - a path as an operator wrote it, step by step: what weir_path keeps for itself, and rules between options
 * and the names of `keep` need.  Pure. */
#ifndef WEIR_PLUGINS_STEPS_H
#define WEIR_PLUGINS_STEPS_H

#include <stdbool.h>

#include <weir/plugin.h>

#define STEPS_MAX 64 /* as many as the host takes */

struct steps { /* borrows from the text */
    size_t count;
    struct step {
        struct weir_slice name;
        bool index; /* name is the number in brackets */
    } at[STEPS_MAX];
};

/* .user."odd name"["other"][0]; the first dot may be missing.  False: it is no path, or one with a backslash in a name,
 * which is left to the host. */
bool steps_read(const char *text, struct steps *ret);
bool steps_equal(const struct steps *, const struct steps *);
/* Whether the path leads to inner from outer, or both are one. */
bool steps_within(const struct steps *inner, const struct steps *outer);
/* The path with another last name. */
void steps_rename(struct steps *, const char *name);

#endif
