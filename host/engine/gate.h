/* SPDX-License-Identifier: BSD-2-Clause */
/* gate.h - what may stand between a pipeline's source and its books: a look at each record before it is taken in.
 *
 * The way of dead letters back into their pipeline (dlq/).  A pipeline with a gate reads its source from the beginning,
 * and neither the source nor the state hears of positions: what was done is the gate's to remember.
 * Thread: the source's, except that the gate is put in before the pipeline starts. */
#ifndef WEIR_HOST_GATE_H
#define WEIR_HOST_GATE_H

#include "delivery/ledger.h"

#include <stdbool.h>

struct state;

struct gate {
    /* May change the record, identity included; what it points to then need only live until the next call, except
     * for the shard, which must outlive the pipeline.  False: it is not taken in. */
    bool (*admit)(struct gate *, struct shard *from, struct weir_record *);
    /* The source could not make a record of something. */
    void (*bad)(struct gate *);
    /* What was taken in of that shard before `next` is final: puts what it wants to be stored with that. */
    void (*commit)(struct gate *, struct state *, struct shard *, uint64_t next);
};

#endif
