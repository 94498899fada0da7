/* SPDX-License-Identifier: BSD-2-Clause */
/* decimal.h - numbers as the text they are: read from any usual spelling, cut to whole numbers, printed as JSON.
 *
 * Nothing is rounded here: digits are moved, never computed.  Any thread. */
#ifndef WEIR_PLUGINS_DECIMAL_H
#define WEIR_PLUGINS_DECIMAL_H

#include <stdbool.h>
#include <weir/helpers.h>

#define DECIMAL_WHOLE_MAX 1000 /* digits of a whole number that an exponent makes */

struct decimal {
    bool negative, has_point;
    struct weir_slice whole, fraction; /* digits; whole without zeros at its front, both may be empty */
    struct weir_slice exponent;        /* as written, from its e on */
    int64_t power;                     /* the exponent; kept within +-DECIMAL_POWER_MAX */
    size_t significant;                /* digits from the first to the last that is not 0; 0: it is zero */
};
#define DECIMAL_POWER_MAX INT64_C(1000000000000)

/* A number of JSON's grammar, or with a plus, zeros at its front, or no digit on one side of its point.  False: it is
 * none.  What *ret points to is the text's. */
bool decimal_read(struct weir_slice text, struct decimal *ret);
/* As a JSON number, every digit kept, into out of text.len + 2 bytes; gives the length. */
size_t decimal_print(const struct decimal *, char *out);

/* Whether both have the same digits from the first to the last that is not 0, wherever their points are. */
bool decimal_same_digits(const struct decimal *, const struct decimal *);

enum decimal_cut { DECIMAL_EXACT, DECIMAL_CUT, DECIMAL_TOO_LONG };
/* The whole number that is left without the fraction, plain digits with their sign, into out of decimal_whole_room()
 * bytes: EXACT, CUT (it had a fraction), or TOO_LONG, and nothing is written. */
enum decimal_cut decimal_whole(const struct decimal *, char *out, size_t *ret_len);
size_t decimal_whole_room(const struct decimal *);
/* Whether a whole number as decimal_whole writes it is one of so many bits, with sign. */
bool decimal_fits(struct weir_slice whole, unsigned bits);

#endif
