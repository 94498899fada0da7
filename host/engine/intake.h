/* SPDX-License-Identifier: BSD-2-Clause */
/* intake.h - the source's side of a pipeline: polling under the budget, shards, commits, rebalances, the drain.
 *
 * Owns: the source instance, batches being filled, the commit in progress, lanes being given back.  Thread: its own,
 * the home thread of the source; it is also the pipeline's conductor: what starts, commits and ends it runs here. */
#ifndef WEIR_HOST_INTAKE_H
#define WEIR_HOST_INTAKE_H

#include "delivery/ledger.h"
#include "instance/instance.h"
#include "instance/loop.h"
#include "record/batch.h"

#define CHUNK_RECORDS 2048 /* most records of one chunk: arrays stay in the cache */
#define KEEPER_AGAIN_MS                                                                                      \
    200 /* a commit or abort of the keeper that was not answered is asked for again after that */
#define CHUNK_BYTES (1024 * 1024) /* and bytes, unless one record alone is larger */

struct flow;
struct pipeline;

struct builder { /* the chunk being filled for one worker */
    struct weir_batch *chunk;
    struct ledger_batch *books;
    uint32_t room; /* records of the last chunk: the next holds about as many, and need not grow to it */
};

struct revoke { /* lanes on their way out */
    struct revoke *next;
    struct shard **shards;
    uint32_t n;
    int64_t deadline;
    bool lost; /* no drain, no commit */
};

enum commit_phase {
    COMMIT_NONE,
    COMMIT_DRAINS,
    COMMIT_SINKS,
    COMMIT_AGAIN,   /* a sink, or the state, wants another try before anything else is done */
    COMMIT_VOID,    /* replay.c: what is on its way ends */
    COMMIT_ABORTS,  /* the keeper drops it */
    COMMIT_REWINDS, /* the source goes back */
};

struct commit { /* commit.c */
    enum commit_phase phase;
    int64_t due_ms;
    uint32_t
        waiting_for; /* sinks that have not answered; guarded by being changed on the intake's thread only */
    _Atomic bool failed; /* one of them wants another try */
    struct backoff backoff;
    struct shard **shards;
    uint64_t *next;
    uint32_t n, room;
    struct weir_position *positions;
    struct arena arena;
    struct strbuf why;
    _Atomic bool state_failing;
    _Atomic bool unplaced; /* the source could not tell a position */
    char token[WEIR_TOKEN_MAX];
    size_t token_len;
    _Atomic bool voided;    /* the keeper asked for a replay */
    bool keeping;           /* the keeper's commit may have happened: until it says, nothing else is done */
    bool rejected;          /* it did not, and a replay is wanted */
    struct backoff replays; /* of those without a commit between them */
};

struct intake {
    struct pipeline *pipeline;
    struct loop loop;
    pthread_t thread;
    bool started;
    struct instance *instance;
    struct builder *builders; /* one a worker */
    uint32_t n_builders;
    uint32_t max_records;
    uint64_t max_bytes;
    uint64_t room_bytes; /* left in this poll */
    uint32_t room_records;
    bool ended; /* the source has no more */
    _Atomic bool draining;
    bool flushing;       /* sinks were told not to linger */
    bool held;           /* what was read waits until the state has what belongs to it */
    bool full;           /* the budget is used up: nothing more comes before they send */
    int64_t drain_until; /* INT64_MAX: as long as it takes */
    int64_t ends_at;     /* latest time, once only dead letters are delivered; 0: not so */
    int64_t retry_at;    /* poll said RETRY */
    int64_t advance_at;  /* watermarks are moved then, so that the watch for stuck shards sees it */
    struct backoff backoff;
    struct commit commit;
    struct revoke *revokes;
    struct revoke *left; /* given back: their shards are to be left */
};

void intake_init(struct intake *, struct pipeline *);
void intake_free(struct intake *);
void intake_start(struct intake *);
/* Any thread: that sink may have so many batches in flight from now on, and they have to be read. */
void intake_widen(struct flow *, const struct section_conf *sink, uint32_t in_flight);
/* Host services of the source; home thread. */
int intake_shard_open(struct intake *, const struct weir_shard *, const struct weir_shard **ret,
                      struct weir_position *ret_position);
int intake_shard_revoke(struct intake *, const struct weir_shard *const *, uint32_t n, uint32_t drain_ms);

/* Has sinks send what they hold back while something waits for it (a drain, a commit, lanes given back), else not. */
void intake_flush(struct intake *);

/* intake_emit.c */
void intake_hand_over(struct intake *);
/* The same, whether the state has what belongs to it or not. */
void intake_hand_over_at_once(struct intake *);
/* At the end: what was read and still waits for the state is not delivered, and stands so in the books. */
void intake_leave_held(struct intake *);

/* commit.c: called each turn of the loop; true while reading must wait. */
bool commit_tick(struct intake *, int64_t now);
/* Has a commit done as soon as can be. */
void commit_soon(struct intake *);
/* The same where memory is used up by what sinks in processes of their own keep until their commit. */
void commit_for_room(struct intake *);
/* Stores the watermarks as they stand, without asking sinks. */
void commit_store_now(struct intake *);
/* Stores what the source put, and no position.  False: it can't be written just now, which was said. */
bool commit_store_puts(struct intake *);
/* Nothing is under way and everything that can be committed is. */
bool commit_settled(struct intake *);
/* The last one: stores watermarks and tells the source it is final. */
void commit_final(struct intake *);
void commit_free(struct commit *);

/* The keeper has taken records since its last commit; these are void. */
bool commit_keeper_behind(const struct pipeline *);
void commit_keeper_void(struct pipeline *);

/* replay.c.  Any thread: what the keeper took since its last commit is void; who asks and why are logged. */
void replay_ask(struct intake *, const char *who, const char *why);
bool replay_wanted(const struct intake *);
/* The keeper has committed: the books of this moment are good. */
void replay_keep(struct intake *);
void replay_begin(struct intake *, int64_t now);
void replay_tick(struct intake *, int64_t now);

/* revoke.c: lanes that are to be given back; true while some are. */
bool revoke_tick(struct intake *, int64_t now);

#endif
