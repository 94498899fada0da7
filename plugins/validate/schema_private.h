/* SPDX-License-Identifier: BSD-2-Clause */
/* schema_private.h - what schema*.c share and nobody else includes. */
#ifndef WEIR_VALIDATE_SCHEMA_PRIVATE_H
#define WEIR_VALIDATE_SCHEMA_PRIVATE_H

#include "schema.h"

struct schema_block; /* memory, freed with the file */

struct schema_file {
    struct weir_ctx *ctx;
    struct schema_block *blocks;
    const struct jsontree *root;
    struct weir_slice text, id; /* id: of the whole, ptr NULL: none */
    struct schema **schemas;    /* all of them, the top one first */
    uint32_t count, room;
    bool ref_alone; /* drafts in which what stands beside $ref means nothing */
};

struct compiler {
    struct schema_file *file;
    bool formats;
    unsigned told; /* problems so far */
    schema_problem *problem;
    void *opaque;
};

void *schema_memory(void *file, size_t n); /* zeroed; a jsontree_memory */
/* Something is wrong at that text, which is a part of the file's. */
__attribute__((format(printf, 3, 4))) void schema_tell(struct compiler *, struct weir_slice at,
                                                       const char *format, ...);
/* What a string of the file means, and whether it is this. */
struct weir_slice schema_string(struct compiler *, struct weir_slice text);
bool schema_is(struct weir_slice s, const char *text);

/* The schema that stands there, to be compiled later where it is new; NULL after a problem. */
const struct schema *schema_at(struct compiler *, const struct jsontree *);
/* What "#/..." names; NULL after a problem. */
const struct jsontree *schema_ref(struct compiler *, const struct jsontree *ref);
/* Reads all keywords of an object. */
void schema_read_words(struct compiler *, struct schema *);
/* The number of the name that this text (with quotes) means, which is added where it is new. */
uint32_t schema_add_name(struct compiler *, struct schema_names *, struct weir_slice text);
/* A key that stands twice is a problem. */
void schema_check_keys(struct compiler *, const struct jsontree *object);

#endif
