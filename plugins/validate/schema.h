/* SPDX-License-Identifier: BSD-2-Clause */
/* schema.h - a JSON Schema, compiled: the subset of draft 2020-12 that docs/parsing.md lists.
 *
 * schema_compile reads the text and every keyword of it; what it does not know is an error with its place, so that no
 * rule is silently left out.  A compiled schema belongs to one thread: its regexes hold what they last found. */
#ifndef WEIR_VALIDATE_SCHEMA_H
#define WEIR_VALIDATE_SCHEMA_H

#include "../common/jsontree.h"
#include "../common/regex.h"
#include "number.h"

#include <stdbool.h>

#define SCHEMA_BYTES_MAX (1u << 20) /* of its text */
#define SCHEMA_COUNT_MAX 10000u     /* schemas in it */
#define SCHEMA_NO_LIMIT  UINT64_MAX

struct schema;
struct format;

/* A number as it stands in the schema, for sentences too. */
struct bound {
    struct number number;
    struct weir_slice text; /* ptr NULL: the keyword is not there */
};

struct count_bounds {
    uint64_t min, max; /* 0, SCHEMA_NO_LIMIT: no bound */
};

struct schema_list {
    const struct schema **items;
    size_t count;
};

/* A member that properties, required, dependentRequired or dependentSchemas name. */
struct schema_name {
    struct weir_slice name, text;              /* text: as it stands in the schema, with quotes */
    const struct schema *property, *dependent; /* or NULL */
    const uint32_t *needs;                     /* numbers of the names that must be there if this one is */
    uint32_t n_needs;
    bool required;
};

/* By name: slots has the number + 1 of a name, 0: free. */
struct schema_names {
    struct schema_name *items;
    uint32_t *slots;
    uint32_t count, mask;
};

struct schema_pattern {
    struct regex *regex;
    struct weir_slice text;
    const struct schema *schema; /* patternProperties */
};

struct schema {
    const struct jsontree *at; /* where it stands */
    uint32_t mark;             /* while it is compiled */
    bool never;                /* the schema `false` */
    bool unique;
    uint32_t types;               /* bits 1 << WEIR_JSON_*, and SCHEMA_INTEGER; 0: any */
    const struct jsontree *enums; /* the array, or NULL */
    const struct jsontree *constant;
    struct bound minimum, maximum, above, below, multiple;
    struct count_bounds length, items_count, members, contained;
    struct schema_pattern pattern; /* regex NULL: none */
    const struct format *format;
    struct schema_names names;
    struct schema_pattern *patterns;
    size_t n_patterns;
    const struct schema *additional, *property_names, *items, *contains, *negated, *condition, *then,
        *otherwise, *ref;
    struct schema_list prefix, all, any, one;
};
#define SCHEMA_INTEGER 0x100u

/* The number of a name, or -1. */
int64_t schema_find_name(const struct schema_names *, struct weir_slice name);

struct schema_file; /* everything that a schema is made of */

/* Called with each thing that is wrong: the line and the column, counted from 1, and a sentence. */
typedef void schema_problem(void *opaque, unsigned line, unsigned column, const char *text);

/* Compiles the text, which is borrowed for its life.  NULL: something is wrong, told by problem(), 20 times at most.
 * formats: `format` is a rule; else it is let be.  Of ctx only what check has too is used. */
struct schema_file *schema_compile(struct weir_ctx *, struct weir_slice text, bool formats, schema_problem *,
                                   void *opaque);
const struct schema *schema_top(const struct schema_file *);
void schema_free(struct schema_file *); /* NULL: nothing */

/* ---- format.c --------------------------------------------------------------------------------------------------- */
struct format {
    const char *name, *means; /* means: as in "it must be MEANS" */
    bool (*fits)(const char *p, const char *end);
};
/* NULL: there is none of that name. */
const struct format *format_named(struct weir_slice name);
extern const char format_names[]; /* "a, b, c" */

#endif
