/* SPDX-License-Identifier: BSD-2-Clause */
/* number.h - JSON numbers by their text: compared, divided and told apart exactly, however long or large.
 *
 * No state, no memory; any thread.  Exponents beyond eighteen digits are taken as the largest of eighteen. */
#ifndef WEIR_VALIDATE_NUMBER_H
#define WEIR_VALIDATE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

/* 0.d1d2...dn times 10^top, and d1d2...dn times 10^low; d1 and dn are not 0.  The digits lie in the text, which is
 * borrowed, and a decimal point may stand between them. */
struct number {
    const char *first, *last; /* d1, dn; NULL: the number is 0 */
    int64_t top, low;
    bool negative;
};

/* text: a number of JSON's grammar. */
struct number number_read(struct weir_slice text);
/* Below, equal to or above 0 as a is below, equal to or above b. */
int number_compare(const struct number *a, const struct number *b);
bool number_is_integer(const struct number *);
/* Numbers that are equal have equal hashes. */
uint64_t number_hash(const struct number *);
/* Can it divide: above 0, and of nine digits at most? */
bool number_can_divide(const struct number *);
/* Is a a whole multiple of divisor, which can divide? */
bool number_is_multiple(const struct number *a, const struct number *divisor);

#endif
