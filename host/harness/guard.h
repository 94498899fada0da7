/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.h - memory of which the processor says who touches it out of turn: each piece ends at a page that nobody may
 * touch, and becomes constant, or nobody's, when the contract says so.
 *
 * Any thread; guard_find in a signal handler too, which does not lock. */
#ifndef WEIR_HOST_GUARD_H
#define WEIR_HOST_GUARD_H

#include "rule.h"

#include <stddef.h>

struct guard_rules {   /* broken by who touches */
    enum rule beside;  /* what is not the piece's */
    enum rule written; /* by writing what is constant */
    enum rule gone;
};
enum guard_state { GUARD_OPEN, GUARD_CONSTANT, GUARD_GONE };

/* Not aligned unless n is a multiple of the alignment. */
void *guard_alloc(size_t n, const struct guard_rules *);
void guard_set(void *, enum guard_state);
void guard_free(void *);
/* The piece at that address, or beside it: the rule that a touch breaks, and *ret_what, which follows "it".  RULES: no
 * piece is near. */
enum rule guard_find(const void *address, const char **ret_what);

#endif
