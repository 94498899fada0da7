/* SPDX-License-Identifier: BSD-2-Clause */
/* judge.h - does a value fit a schema, and if not, where and why.
 *
 * Home thread only.  Steps are counted, for schemas that call themselves can make a value take for ever; so is depth. */
#ifndef WEIR_VALIDATE_JUDGE_H
#define WEIR_VALIDATE_JUDGE_H

#include "schema.h"

#define JUDGE_STEPS   1000000u /* and 16 for each byte of the value */
#define JUDGE_DEPTH   3000u    /* schemas within schemas */
#define JUDGE_TOLD    3u       /* so many faults are told */
#define JUDGE_WHY_MAX 480u

/* Where a value stands: the places above it are those of the callers. */
struct place {
    const struct place *above; /* NULL: the top */
    const struct jsontree *at;
    uint32_t index; /* of an element */
    bool name;      /* it is about the name of the member */
};

struct judge {
    jsontree_memory *memory; /* what it needs for one value */
    void *opaque;
    struct weir_slice quoted, text; /* the string that was read last, for several rules may look at it */
    uint64_t steps;                 /* that are left */
    struct regex_time time;         /* of all patterns together */
    unsigned depth;
    unsigned quiet;   /* above 0: within anyOf and the like, where a fault is none yet */
    unsigned deepest; /* quiet: of the places of faults */
    unsigned told;
    const char *stop; /* NULL, or why it can't be said whether the value fits */
    size_t len;
    char why[JUDGE_WHY_MAX]; /* the faults, "; " between them */
};

/* Whether the value fits.  If not, stop says why it can't be told, or why says what is wrong. */
bool judge_value(struct judge *, const struct schema *, const struct jsontree *value);

/* ---- equal.c --------------------------------------------------------------------------------------------------- */
/* Are they the same, as JSON Schema has it: 1.0 is 1, the order of members makes no difference. */
bool judge_equal(struct judge *, const struct jsontree *, const struct jsontree *);
/* Two elements that are equal: true, and their places. */
bool judge_find_twins(struct judge *, const struct jsontree *array, uint32_t *ret_first,
                      uint32_t *ret_second);

/* ---- say.c: faults, each a sentence ----------------------------------------------------------------------------- */
/* ".user.age is -3, but must be " and the rest; each returns false. */
__attribute__((format(printf, 3, 4))) bool say_must(struct judge *, const struct place *, const char *format,
                                                    ...);
/* ".user.age " and the rest. */
__attribute__((format(printf, 3, 4))) bool say_that(struct judge *, const struct place *, const char *format,
                                                    ...);
/* ".user.age is missing" for a member of what is there, and for which other one (NULL: any) it is needed; names are their
 * texts, with quotes. */
bool say_missing(struct judge *, const struct place *, struct weir_slice name,
                 const struct weir_slice *beside);
/* Must be one of these types, of these values, that value. */
bool say_types(struct judge *, const struct place *, uint32_t types);
bool say_values(struct judge *, const struct place *, const struct jsontree *first, bool several);
/* Must have so many of something. */
bool say_count(struct judge *, const struct place *, uint64_t has, const struct count_bounds *,
               const char *one, const char *many);

#endif
