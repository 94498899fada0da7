/* SPDX-License-Identifier: BSD-2-Clause */
/* hold.h - records that a transform keeps beyond the call that brought them, in groups, until it gives these away.
 *
 * A group is a chunk of records with their origins.  While the call lasts that brought them, their bytes are its
 * input's; what is still held at its end is copied, so that nothing of their batches is pinned.  The copies are charged
 * to the budget, and the books keep them open.  A group that is given away in the call that began it costs no memory:
 * its own serves the next one.  Home thread of the worker. */
#ifndef WEIR_HOST_HOLD_H
#define WEIR_HOST_HOLD_H

#include "emitter.h"

struct hold { /* a group */
    struct hold *next, **at;
    struct hold *next_new,
        **at_new; /* among those with records that are not copied; at_new NULL: not there */
    struct holds *of;
    struct weir_batch *records; /* NULL: a spare without */
    uint32_t own;               /* of them, the first so many are copied */
    struct weir_batch *pin; /* the input its bytes were in when the plugin looked at them; NULL: it did not */
    bool seen;              /* in this call */
    void *opaque;           /* the plugin's */
    int64_t since, until;
    size_t bytes; /* of holds.bytes */
};

struct holds {          /* all groups of a transform */
    struct hold *first; /* the oldest one */
    struct hold **last;
    struct hold *cursor; /* of a walk through them: what is given away meanwhile is left out */
    struct hold *fresh;  /* those that got records in this call */
    struct hold *spare;  /* given away: for the next ones */
    size_t spare_bytes;
    uint64_t records, bytes;
    uint64_t max_records, max_bytes;
    int64_t max_ms;
    int64_t soonest; /* no group's time comes before it */
    bool full;       /* it was too much, and is not yet half of it */
};

/* The plugin gets to see something of that batch, which may be a group. */
static inline void hold_shown(const struct weir_batch *b)
{
    struct hold *g = b->hold;
    if (g)
        g->seen = true;
}

/* Limits: records, bytes, and how long a group may be held. */
void holds_init(struct holds *, uint64_t max_records, uint64_t max_bytes, int64_t max_ms);
/* Drops all groups; what is in them stays undelivered. */
void holds_free(struct holds *);
/* When one has to be given away at the latest: now, if too much is held. */
int64_t holds_at(struct holds *, int64_t now_ms);
/* A walk, oldest first, through the groups that must be given away now; all: each must.  NULL: there is none (left). */
struct hold *holds_due_first(struct holds *, int64_t now_ms, bool all, uint32_t *ret_why);
struct hold *holds_due_next(struct holds *, int64_t now_ms, bool all, uint32_t *ret_why);

/* The call went well: what it made of groups counts from here on. */
void hold_settle(struct weir_emitter *);
/* It did not: what it gave away stays undelivered. */
void hold_discard(struct weir_emitter *);

#endif
