/* SPDX-License-Identifier: BSD-2-Clause */
/* letter.h - a dead letter read back: what delivery/deadletter.h wrote into its headers, and the record as it was.
 *
 * Pure functions, any thread; everything in a letter borrows from the record it was read from. */
#ifndef WEIR_HOST_LETTER_H
#define WEIR_HOST_LETTER_H

#include "record/arena.h"

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

struct letter {
    struct weir_slice topic, connector, stage, plugin, type, message, trace;
    int64_t partition, offset;
    struct weir_slice section; /* "sink es", from the trace; NULL: another program's letter */
    int64_t code;              /* likewise; 0: none */
    int64_t attempts;          /* how often it was redriven */
    /* where they differ from the above: */
    struct weir_slice shard, record_topic; /* ptr NULL: they do not */
    int64_t record_partition, record_offset;
    uint32_t own; /* headers before the reason, which are the record's own */
};

/* False: the record is no dead letter. */
bool letter_read(const struct weir_record *, struct letter *ret);
/* Makes *r, of which it was read, the record it was: topic, partition, offset, seq, headers (in the arena).  The shard
 * is the caller's. */
void letter_restore(const struct letter *, struct weir_record *r, struct arena *);
/* Id of the lane the record was read from, in the arena. */
struct weir_slice letter_shard(const struct letter *, struct arena *);
/* The source could not decode it, so that it is no record that could be sent. */
bool letter_undecoded(const struct letter *);

bool slice_is(struct weir_slice, const char *text);

#endif
