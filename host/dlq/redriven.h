/* SPDX-License-Identifier: BSD-2-Clause */
/* redriven.h - which dead letters were redriven: runs of positions of each lane of the dead letters.
 *
 * Kept in the redrive's state, stored in one transaction with what sinks put there.  Owns: the runs.
 * Thread: loaded and freed by the main thread, between them the source's thread. */
#ifndef WEIR_HOST_REDRIVEN_H
#define WEIR_HOST_REDRIVEN_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

struct state;
struct redriven;

/* What the state says; NULL: it can not be read, which was logged. */
struct redriven *redriven_load(struct state *);
void redriven_free(struct redriven *);
/* The letter at this place of that lane was redriven. */
bool redriven_has(struct redriven *, struct weir_slice shard, uint64_t seq);
/* It goes on its way now; in order of reading.  lane: its number; when that is another than before, the source lost the lane and
 * reads it anew; what became of what was taken before is not known then. */
void redriven_take(struct redriven *, uint32_t lane, struct weir_slice shard, uint64_t seq, uint64_t next);
/* One is left where it is: what is taken next is no continuation of what was taken before. */
void redriven_leave(struct redriven *, struct weir_slice shard);
/* What was taken before `next` is final: puts it into the state. */
void redriven_commit(struct redriven *, struct state *, uint32_t lane, struct weir_slice shard,
                     uint64_t next);
/* The lane ends at `end`: if more than that was redriven, it is another file or topic now, and what is known of it is
 * forgotten (True). */
bool redriven_check(struct redriven *, struct state *, struct weir_slice shard, uint64_t end);

#endif
