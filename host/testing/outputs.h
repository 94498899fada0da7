/* SPDX-License-Identifier: BSD-2-Clause */
/* outputs.h - what came out of a test's pipeline at one place: a sink, or the dead letters.
 *
 * Owns: copies.  One thread at a time: a sink's while the pipeline runs, then main. */
#ifndef WEIR_HOST_OUTPUTS_H
#define WEIR_HOST_OUTPUTS_H

#include "record/arena.h"
#include "record/strbuf.h"
#include "script.h"

#include <stdbool.h>

struct output {
    struct weir_slice body;   /* the value, the line, the document; ptr NULL: none */
    struct weir_slice beside; /* JSON object of all else that is known of it */
    const char *reason;       /* of a dead letter; else NULL */
};

struct outputs {
    struct arena arena;
    struct output *items;
    size_t n;
};

/* Copies body and beside; gives the new item. */
struct output *outputs_add(struct outputs *, struct weir_slice body, struct weir_slice beside);
void outputs_free(struct outputs *);

/* Compares with what is wanted, in order; in_order false: in any.  Appends what differs to out, under the name of the
 * place; false: something does. */
bool outputs_compare(const struct outputs *, const struct wanted *const *wanted, size_t n, bool in_order,
                     const char *place, struct strbuf *out);

#endif
