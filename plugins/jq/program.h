/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h - a program in jq, as this transform has it compiled.
 *
 * Home thread only: a jq_state belongs to one instance. */
#ifndef WEIR_PLUGINS_JQ_PROGRAM_H
#define WEIR_PLUGINS_JQ_PROGRAM_H

#include <jq.h>
#include <jv.h>
#include <stdbool.h>

#include <weir/helpers.h>

struct program {
    struct weir_ctx *ctx;
    jq_state *jq;
    unsigned variables; /* 1 << n: the program may look at the n-th of them */
    const char *name;   /* of its file; NULL: it stands in the option */
    char why[400];      /* why it does not compile */
};

/* Compiles the text; name: of its file, or NULL.  False: why says what jq says.  program_free in any case. */
bool program_make(struct program *, struct weir_ctx *, const char *text, const char *name);
void program_free(struct program *);
/* What the program is given for that record, whose value was parsed; takes the value. */
jv program_input(const struct program *, const struct weir_record *, jv value);

#endif
