/* SPDX-License-Identifier: BSD-2-Clause */
/* closest.h - the known word an operator probably meant.  Pure functions, any thread. */
#ifndef WEIR_HOST_CLOSEST_H
#define WEIR_HOST_CLOSEST_H

#include <stddef.h>

/* The word of list (ends in NULL) nearest to word[n], or NULL when none is near enough to be worth a question.
 * Borrows from the list. */
const char *closest_word(const char *word, size_t n, const char *const *list);

#endif
