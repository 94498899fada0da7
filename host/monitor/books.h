/* SPDX-License-Identifier: BSD-2-Clause */
/* books.h - a pipeline's account at its end, as people read it: every record read ends in one column. */
#ifndef WEIR_HOST_BOOKS_H
#define WEIR_HOST_BOOKS_H

#include "engine/readers.h"

#include <stdbool.h>
#include <stdio.h>

/* `web: read 1000 = delivered 990 + ...`, then a line for every sink.  False: the columns do not add up, which is
 * said: it is a fault of weir. */
bool books_print(struct pipeline *, FILE *);
/* The same of each pipeline of a file, and of the dead-letter sink that they share. */
bool books_print_all(const struct readers *, FILE *);

#endif
