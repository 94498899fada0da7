/* SPDX-License-Identifier: BSD-2-Clause */
/* deadletter.h - records that never can succeed, on their way to the [dead-letter] sink with the reason.
 *
 * A dead letter is a copy of the record as it was read, with ten headers more, named as Kafka Connect names them, and
 * with headers of weir's own where those ten would not say all of the record's identity; the copy that was rejected
 * lives on in it and ends when the dead-letter sink has it.  Without that section, or when it rejects too,
 * the pipeline fails.  Thread: any; the collected records belong to the caller until rejects_send. */
#ifndef WEIR_HOST_DEADLETTER_H
#define WEIR_HOST_DEADLETTER_H

#include "config/conf.h"
#include "record/batch.h"

struct flow;

#define DEADLETTER_ERRORS    "__connect.errors."     /* of the ten, which come in a row: topic first */
#define DEADLETTER_ATTEMPTS  "weir.redrive.attempts" /* how often it was redriven; without it: never */
/* What topic, partition and offset of the ten do not say; each is left out where they do. */
#define DEADLETTER_SHARD     "weir.shard" /* id of its lane; without it: topic/partition */
#define DEADLETTER_TOPIC     "weir.topic" /* of the record: what {topic} prints */
#define DEADLETTER_PARTITION "weir.partition"
#define DEADLETTER_OFFSET    "weir.offset"

struct rejects {
    struct flow *flow;
    const struct section_conf *section; /* that rejects */
    struct weir_batch *chunk;           /* NULL: none yet */
    bool lost;                          /* there is no way for them */
    _Atomic uint64_t *in_row;           /* counts towards stop-after */
    struct origin *bundles;             /* that become letters of what they were made of */
    uint32_t n_bundles, bundles_room;
};

void rejects_begin(struct rejects *, struct flow *, const struct section_conf *);
/* Record i of the batch, for the reason given; of one that was made of several records, each of those. */
void rejects_add(struct rejects *, const struct weir_batch *, uint32_t i, const struct weir_result *,
                 uint32_t attempts);
/* The same for a record that is in no batch. */
void rejects_add_record(struct rejects *, const struct weir_record *, struct origin,
                        const struct weir_result *, uint32_t attempts);
/* Hands them to the dead-letter sink. */
void rejects_send(struct rejects *);
/* Forgets them: the call that rejected them is taken back. */
void rejects_discard(struct rejects *);

#endif
