/* SPDX-License-Identifier: BSD-2-Clause */
/* groups.h - records a transform holds, in groups by lane and key, until they go on as one.
 *
 * Used by multiline and merge.  Home thread only.  The records are the host's (hold); here is which group is whose. */
#ifndef WEIR_PLUGINS_GROUPS_H
#define WEIR_PLUGINS_GROUPS_H

#include "table.h"

struct group {
    struct entry entry;
    struct weir_batch *held; /* NULL: none yet */
    uint32_t records;
    uint64_t bytes; /* of their values */
    int64_t until;  /* the user's */
};

struct groups {
    struct weir_ctx *ctx;
    struct table table;
    struct weir_slice before, between, behind; /* what is written around and between the values */
    char *key;                                 /* of the record that is looked at */
    char *text;                                /* the values of a group, joined */
    size_t key_cap, text_cap;
};

void groups_init(struct groups *, struct weir_ctx *);
void groups_free(struct groups *);
/* The group of that key in that lane; NULL: there is none. */
struct group *groups_find(struct groups *, const struct weir_shard *, struct weir_slice key);
/* The same; a new one if there is none, and then a record is held in it at once. */
struct group *groups_at(struct groups *, const struct weir_shard *, struct weir_slice key);
/* Holds input i, whose value has so many bytes, in it, until that time at the latest. */
int groups_hold(struct groups *, struct group *, struct weir_emitter *, uint32_t i, size_t bytes,
                int64_t until);
/* Gives what is in it away: one record goes on as it is; of several it has their values, joined, and else all of the
 * first.  The group is gone then.  alone: one record is joined too. */
int groups_close(struct groups *, struct group *, struct weir_emitter *, int alone);

#endif
