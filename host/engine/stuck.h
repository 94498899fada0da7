/* SPDX-License-Identifier: BSD-2-Clause */
/* stuck.h - a pipeline that does not get on: how that is noticed, said once, and shown to those who ask.
 *
 * A shard is stuck that has records waiting while its watermark has not moved for `stuck.after`; a callback hangs that
 * has not returned for as long, or for HUNG_MS; a loop stands still that is in no callback and does not turn.  Ages
 * are counted in turns of the watch, not by the clock: while the whole process stands still (SIGSTOP, a machine
 * asleep) nothing becomes stuck.  Nothing on the way of a record takes part in it: the watch looks at numbers that are
 * kept anyway.
 * Owns: the watch's memory in pipelines, shards, outlets, instances and loops.  Thread: main ticks; the rest says. */
#ifndef WEIR_HOST_STUCK_H
#define WEIR_HOST_STUCK_H

#include "record/strbuf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct instance;
struct loop;
struct pipeline;

#define STUCK_TURN_MS 1000 /* between two looks; a longer gap counts as one */
#define HUNG_MS                                                                                              \
    60000 /* no callback and no turn of a loop takes so long, or stuck.after when that is shorter */

struct stuck {                     /* of one pipeline */
    uint64_t ended, commits;       /* as last seen; main */
    bool said;                     /* that it is stuck; main */
    _Atomic bool on;               /* it is */
    _Atomic uint32_t shards;       /* so many are stuck */
    _Atomic int64_t ack_age_ms;    /* since a record was last acknowledged */
    _Atomic int64_t commit_age_ms; /* since positions were last stored */
    pthread_mutex_t lock;       /* of the next two; taken by the watch and by those who ask, by nobody else */
    struct strbuf section, why; /* while it is: "sink es", and a sentence */
};

void stuck_init(struct stuck *);
void stuck_free(struct stuck *);
/* Main thread: elapsed_ms since the last call. */
void stuck_tick(struct pipeline *, int64_t elapsed_ms);

/* Any thread: why it is stuck; false: it is not.  Appends to what is given. */
bool stuck_why(struct pipeline *, struct strbuf *ret_section, struct strbuf *ret_why);
/* Any thread: the callback that hangs in the instance, and since when; NULL: none does. */
const char *stuck_hung(const struct pipeline *, const struct instance *, int64_t *ret_ms);
/* Any thread: the loop stands still outside of any callback for so many ms; 0: it does not. */
int64_t stuck_still(const struct pipeline *, const struct loop *);

/* stuck_cause.c, main thread: what most likely holds the pipeline up; section may stay empty. */
void stuck_cause(const struct pipeline *, struct strbuf *ret_section, struct strbuf *ret_why);
/* "75 s", "5 min", "3 h" */
void stuck_duration(struct strbuf *, int64_t ms);

#endif
