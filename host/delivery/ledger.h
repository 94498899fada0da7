/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.h - the books: what was read, how each record ended, and up to where each shard is final.
 *
 * Every record a source emits has an entry with the number of its copies on the way.  A copy ends in one outcome;
 * an entry is final when its last copy ended, in the worst outcome of them.  A shard's watermark passes final
 * entries only, in order, without gaps: it is the only thing that is ever committed.  A record that nobody ends
 * stays open for ever and is reported as undelivered: forgetting is never success.
 * Threads: any; one lock, taken once per batch, never per record, and never while a plugin is called.  What metrics
 * show is written under the lock and read without it: ledger_glance. */
#ifndef WEIR_HOST_LEDGER_H
#define WEIR_HOST_LEDGER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

enum outcome {
    DROPPED = 0,
    DELIVERED,
    DEAD_LETTERED
}; /* the higher one is the worse one; open: undelivered */

struct segment;
struct budget;
struct weir_batch;
struct origin;

struct shard_watch { /* engine/stuck.c's; main thread */
    uint64_t watermark;
    int64_t age_ms;
};

/* The host's side of a lane; lives until its source has left it and no record of it is open. */
struct shard {
    struct weir_shard pub;      /* first: what plugins see */
    struct shard *next;         /* in the ledger's list */
    uint32_t number;            /* 0, 1, ...: chooses the worker */
    _Atomic bool closed;        /* revoked: what is still open of it belongs to somebody else */
    _Atomic bool stored;        /* watermark says something */
    _Atomic uint64_t watermark; /* resume here */
    uint64_t committed;         /* what was stored last */
    bool committed_any;
    uint64_t written;                          /* next of the last record read, 0: none was; source thread */
    _Atomic uint64_t begin;                    /* where it started, once something is known */
    _Atomic uint64_t reached;                  /* next of the last record read; before that, begin */
    _Atomic uint64_t end;                      /* as the source knows it */
    _Atomic bool has_begin, has_end, has_read; /* has_read: a record of it came */
    struct segment *head, *tail;               /* not yet passed, oldest first */
    struct segment *building;                  /* of the batch being filled; source thread */
    bool revoked;                              /* its source gives it back; source thread */
    uint32_t refs;     /* its source, and segments of it in batches that are not done */
    uint32_t redriven; /* how often its records were redriven, for the dead letters */
    struct shard_watch watch;
};

struct books {                                         /* counts of source records */
    uint64_t read, delivered, dead, dropped, returned; /* returned: given back at a rebalance */
    uint64_t open;
};

struct ledger_counts { /* changed under the lock; taken never falls: what was given back is counted apart */
    _Atomic uint64_t taken, delivered, dead, dropped, returned, open;
};

struct ledger {
    pthread_mutex_t lock;
    pthread_mutex_t list_lock; /* of the list of shards: also taken, inside the other, to change it */
    struct ledger_counts counts;
    struct books kept, voided; /* the books at the last ledger_keep; what was taken out by ledger_void */
    struct shard *shards;      /* newest first */
    _Atomic uint32_t n_shards;
    uint32_t numbered;            /* shards that ever were */
    _Atomic uint64_t letters;     /* copies that ended as dead letters */
    uint64_t batches;             /* not yet final */
    struct ledger_batch *open;    /* these */
    struct weir_batch *unbundled; /* inputs of bundles that all ended, to be let go of without the lock */
    void (*on_idle)(void *arg);   /* called, without the lock, when nothing is open any more */
    void *arg;
};

struct entry;
struct ledger_batch {
    struct ledger *ledger;
    uint32_t count, room;
    uint32_t open;
    struct entry *entries;
    struct segment *segments;        /* newest first */
    struct segment **index;          /* by number */
    uint32_t refs;                   /* open entries and segments in queues */
    struct weir_batch *bundled;      /* of bundles: what they are made of, one after the other; else NULL */
    uint32_t *ends;                  /* where the inputs of each bundle end in it */
    uint32_t *numbered;              /* outputs of each entry that have a number; NULL: none has */
    struct ledger_batch *next, **at; /* in the ledger's list of open ones */
};

void ledger_init(struct ledger *);
void ledger_free(struct ledger *);

/* Source thread: fills a batch of entries, then publishes it. */
struct ledger_batch *ledger_batch_new(struct ledger *, uint32_t room);
/* Adds the record's entry with one copy and gives its index; the batch grows as needed. */
uint32_t ledger_add(struct ledger_batch *, struct shard *, uint64_t next);
/* From here on the entries count; an empty batch is freed and false returned. */
bool ledger_open(struct ledger_batch *);

/* Ends one copy of each record of the batch, in the ledger that it is of. */
void ledger_end_all(const struct weir_batch *, enum outcome);
/* Ends one copy of those records whose mark[i] is not 0. */
void ledger_end_marked(const struct weir_batch *, const uint8_t *mark, enum outcome);
/* Adds extra[i] copies to the records of the batch; extra NULL: `all` to each. */
void ledger_add_copies(struct ledger *, const struct weir_batch *, const uint32_t *extra, uint32_t all);

/* bundle.c: records made of several.  A bundle stands for one copy of each record it is made of: when it is final they
 * end too, in its outcome.  It is in no shard and in no count. */
/* Takes the reference of inputs, a chunk with its origins, to which those of each bundle are appended. */
struct ledger_batch *ledger_bundles_new(struct ledger *, struct weir_batch *inputs);
/* Adds a bundle with one copy, of what was appended to inputs since the one before, and gives its index. */
uint32_t ledger_bundle_add(struct ledger_batch *);
/* From here on they count; or never: what they are made of stays open. */
void ledger_bundles_open(struct ledger_batch *);
void ledger_bundles_discard(struct ledger_batch *);
/* Nobody will end one any more: what they are made of stays open, but its memory, the source's among it, goes. */
void ledger_bundles_leave(struct ledger *);
/* What the record with that origin is made of: records first .. end - 1 of a batch, borrowed while a copy of it is open;
 * of NULL: it is no bundle. */
struct inputs {
    const struct weir_batch *of;
    uint32_t first, end;
};
struct inputs ledger_bundle_inputs(struct origin);
/* One copy of that bundle ends and goes on as a copy of each of its inputs, which have those in its stead. */
void ledger_unbundle(struct origin);
/* The same copy as one of another bundle, of copies of its own: for one that stays when those of its call are gone.
 * Gives that one; of what is no bundle, itself. */
struct origin ledger_bundle_apart(struct origin, struct budget *);
/* Gives the records of a chunk, which may be several of one input of the source, the next numbers in `sub`. */
void ledger_number(struct ledger *, struct weir_batch *chunk);

struct shard *ledger_shard_new(struct ledger *, const struct weir_shard *);
/* What is open of the shard is no longer ours: taken out of the books, and later ends of it are ignored. */
void ledger_shard_close(struct ledger *, struct shard *);
/* Its source says no more of it: freed, now or when the last record of it that is still on its way came to an end. */
void ledger_shard_leave(struct ledger *, struct shard *);
/* All shards, newest first, for a short look at their atomic fields; none comes or goes before ledger_shards_done.
 * No batch waits for it, but for one whose end frees a shard. */
struct shard *ledger_shards(const struct ledger *);
void ledger_shards_done(const struct ledger *);
/* Nothing of the shard is open. */
bool ledger_shard_idle(struct ledger *, const struct shard *);
/* Source's thread: the shard resumes at next once all that was read of it is final, what is not open yet included. */
void ledger_shard_skip(struct ledger *, struct shard *, uint64_t next);
/* Nothing of the shard was read yet, and what will be begins here. */
void ledger_shard_begin(struct ledger *, struct shard *, uint64_t next);
/* The shard's end as its source knows it now. */
void ledger_shard_end(struct ledger *, struct shard *, uint64_t end);
bool ledger_idle(struct ledger *);
struct books ledger_books(struct ledger *);
/* The same without the lock: each number is right, but while records flow they need not add up.  read counts what
 * was given back too, so that no number but open ever falls. */
struct books ledger_glance(const struct ledger *);

/* Nothing is open: notes the books as they are. */
void ledger_keep(struct ledger *);
/* Nothing is open: what ended since ledger_keep does not count in ledger_books, for it is read again; gives how many
 * records that are.  ledger_glance counts them: what it gives never falls. */
uint64_t ledger_void(struct ledger *);

/* How far reading is behind the ends that are known, in positions; false: no end is known. */
bool ledger_lag(struct ledger *, uint64_t *ret_lag, uint64_t *ret_size);

/* Moves every shard's watermark as far as it goes: else that is done only when a commit asks. */
void ledger_advance(struct ledger *);
/* Moves every shard's watermark and lists those that are beyond what was committed; at most cap of them, in ret.
 * ledger_committed says that they are stored. */
uint32_t ledger_watermarks(struct ledger *, struct shard **ret, uint64_t *ret_next, uint32_t cap);
void ledger_committed(struct ledger *, struct shard *, uint64_t next);

#endif
