/* SPDX-License-Identifier: BSD-2-Clause */
/* number.h - integers, sizes, durations, yes and no, as operators write them.  Pure.
 *
 * Each gives NULL when the whole text was read, else a sentence (static) that says what is expected. */
#ifndef WEIR_HOST_NUMBER_H
#define WEIR_HOST_NUMBER_H

#include <stdint.h>

#define NUMBER_WHY 512 /* enough for any reason in this folder */

const char *number_integer(const char *text, int64_t *ret);
const char *number_double(const char *text, double *ret);
const char *number_bool(const char *text, int64_t *ret);
/* Digits, then nothing, K, M or G (1024 each). */
const char *number_size(const char *text, int64_t *ret);
/* Digits and ms, s, m, h or d; 0 alone; in milliseconds. */
const char *number_duration(const char *text, int64_t *ret);

#endif
