/* SPDX-License-Identifier: BSD-2-Clause */
/* errors.h - what an error of a destination means: the table of its plugin, and error.NAME of the operator before it.
 *
 * One classifier for all sinks.  Constant after it was built; any thread. */
#ifndef WEIR_HOST_ERRORS_H
#define WEIR_HOST_ERRORS_H

#include "../record/arena.h"
#include "../record/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#include <weir/plugin.h>

struct errors_set { /* the operator's rows; a zeroed one has none */
    const struct weir_error *rows;
    size_t count;
};

/* Values of error.NAME. */
extern const char *const errors_words[];

/* Rows out of error.NAME = CLASS, kept by the arena.  A name that is no error of the plugin is told to
 * problem(opaque, name, sentence) and left out; table NULL: there are none. */
struct errors_set errors_set_make(struct arena *, const struct weir_errors *table, const struct weir_map *,
                                  void (*problem)(void *opaque, const char *name, const char *text),
                                  void *opaque);
/* The row that holds: the operator's by name, by code, then the first of the table that fits, then "try again".
 * Never NULL; lives as long as both. */
const struct weir_error *errors_classify(const struct weir_errors *table, const struct errors_set *,
                                         const struct weir_fault *);

/* Row i of the table, host-sized. */
void errors_row(const struct weir_errors *, uint32_t i, struct weir_error *ret);
/* Is the table fit to be used?  False and why. */
bool errors_valid(const struct weir_errors *, char *why, size_t cap);
/* "retry every 10s at most", "retry, 5 tries", "split": what a row leads to, as the manual says it. */
void errors_print_class(const struct weir_error *, struct strbuf *out);
/* "429", "500 to 599", "none"; "" for any. */
void errors_print_code(const struct weir_error *, struct strbuf *out);
/* "create, version"; "" for everywhere. */
void errors_print_where(const struct weir_errors *, const struct weir_error *, struct strbuf *out);

#endif
