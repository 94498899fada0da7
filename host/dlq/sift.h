/* SPDX-License-Identifier: BSD-2-Clause */
/* sift.h - goes through dead letters as a pipeline's gate: which of them a command speaks of.
 *
 * Owns: scratch memory, the ends of lanes it saw.  Thread: the source's while the pipeline runs, else main. */
#ifndef WEIR_HOST_SIFT_H
#define WEIR_HOST_SIFT_H

#include "engine/gate.h"
#include "letter.h"
#include "record/arena.h"
#include "record/expr.h"
#include "redriven.h"

struct sift_counts {
    uint64_t letters;   /* all */
    uint64_t foreign;   /* what is no dead letter */
    uint64_t others;    /* of other pipelines, which may share the place */
    uint64_t redriven;  /* before */
    uint64_t unwanted;  /* by stage, where */
    uint64_t unjudged;  /* where failed */
    uint64_t undecoded; /* by the source */
    uint64_t homeless;  /* the sink they were rejected by is not there any more */
    uint64_t wanted;
};

struct sift_end { /* of a lane */
    struct sift_end *after;
    uint64_t next;
    size_t len;
    char id[];
};

struct found {
    struct shard *from;             /* lane of the dead letters */
    const struct letter *letter;    /* borrowed for the call */
    const struct weir_record *read; /* as it lies there */
    struct weir_record *record;     /* as it was, but for the shard */
    bool redriven;                  /* before */
};

struct sift {
    struct gate gate;              /* first */
    const struct weir_expr *where; /* over the record, reason headers included; NULL: all */
    const char *stage;             /* "TASK_PUT"; NULL: all */
    const char *of;                /* the pipeline whose they are */
    bool all;                      /* those redriven before too */
    struct redriven *redriven;     /* what was; from sift_ready on */
    const struct sift_end *until;  /* do not look beyond; NULL: no limit */
    struct sift_end *ends;         /* of what was seen */
    struct sift_counts counts;
    struct arena arena;  /* of one letter */
    struct strbuf other; /* the first other pipeline */
    /* True: it is taken in. */
    bool (*found)(struct sift *, const struct found *);
};

/* of: the pipeline whose dead letters it speaks of; borrowed. */
void sift_init(struct sift *, const char *of, bool (*found)(struct sift *, const struct found *));
void sift_free(struct sift *);
/* Tells of what is of other pipelines. */
void sift_say_others(const struct sift *);
/* For struct passing: loads what was redriven. */
bool sift_ready(struct gate *, struct state *);
/* The end of that lane, 0: it was not seen. */
uint64_t sift_end_of(const struct sift_end *, struct weir_slice id);
void sift_ends_free(struct sift_end *);

#endif
