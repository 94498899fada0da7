/* SPDX-License-Identifier: BSD-2-Clause */
/* outlet.h - the way into one sink instance: batching, batches in flight, results, retries.
 *
 * Owns: records waiting for the sink (by reference), batches lent to it, retries that wait.  Thread: the home
 * thread of the instance, except outlet_complete and the counters, which any thread may use. */
#ifndef WEIR_HOST_OUTLET_H
#define WEIR_HOST_OUTLET_H

#include "instance/instance.h"
#include "record/batch.h"

struct flow;

struct outlet_books { /* this sink's own count of records */
    _Atomic uint64_t in, delivered, duplicate, dead, retried;
};

struct outlet_glance {             /* what those who look from other threads see; the home thread writes it */
    _Atomic uint64_t batches;      /* lent to the sink, retries included */
    _Atomic uint32_t in_flight;    /* of them, not answered yet */
    _Atomic int64_t lent_since_ms; /* the oldest of these; INT64_MAX: there is none */
    _Atomic uint32_t retrying;     /* records that were refused and wait, or are on their way again */
    _Atomic int64_t retrying_since_ms; /* first try of the oldest of these; INT64_MAX: there is none */
};

struct outlet_watch { /* engine/stuck.c's */
    uint64_t ended;
    int64_t lent, retrying;
    bool said;
    _Atomic int64_t ack_age_ms, answer_age_ms, retry_age_ms;
};

struct outlet_sum {
    uint64_t in, delivered, duplicate, dead;
};

struct pending { /* records of one chunk that wait: index[first..count), or first..count themselves */
    struct pending *next;
    struct weir_batch *chunk;
    uint32_t *index; /* NULL: all */
    uint32_t first, count;
    uint64_t bytes; /* of what is left, roughly */
};

struct delivery {     /* one batch on its way through the sink */
    struct task task; /* brings it home */
    struct outlet *outlet;
    struct weir_batch *batch;
    struct delivery *next;
    struct weir_result *results; /* copies */
    uint32_t n_results;
    struct arena arena;   /* of the copies */
    bool lent;            /* and not given back; under the outlet's lock */
    bool part;            /* records picked out of a batch for a retry: others flow past it */
    uint64_t turn, turns; /* in_turn: its place, and how many places it may divide */
    uint32_t attempt;
    uint32_t waits, health; /* retries since the trouble is of this kind: the wait grows with them */
    int64_t since_ms;       /* first try */
    int64_t lent_ms;        /* this try */
    int64_t due_ms;         /* a retry: not before */
};

struct outlet {
    struct instance *instance;
    const struct section_conf *conf;
    struct flow *flow;
    struct lane *lane;   /* its home */
    struct outlet *next; /* on the same lane */
    bool dead_letters;   /* what it delivers ends as dead-lettered */
    bool one_at_a_time;  /* order = shard and the sink does not keep order itself */
    bool in_turn;        /* the same, but it keeps order of what comes in order: retries go before all else */
    bool streams;        /* WEIR_STREAM: batches are not merged */
    bool commits;        /* WEIR_COMMITS */
    bool flushing;       /* do not linger */
    bool stopped;        /* the pipeline failed: write nothing more */
    bool look_again;     /* something may be formed beside held shards */

    struct pending *head, **tail;
    uint64_t pending_records, pending_bytes;
    int64_t pending_since;

    pthread_mutex_t lock;     /* of lent: complete comes from any thread */
    struct delivery *lent;    /* in the sink's hands, or on the way home */
    struct delivery *offered; /* write said AGAIN */
    struct delivery *waiting; /* retries: by due time, or, one at a time, in the order of their records */
    uint32_t in_flight, waiting_whole;
    uint32_t most;  /* batches that may be in flight */
    uint64_t turns; /* given to deliveries so far */
    struct outlet_books books;
    struct outlet_glance glance;
    struct outlet_watch watch;
    struct outlet_sum kept, voided;  /* outlet_books_keep, outlet_books_void: the source's thread */
    _Atomic uint64_t rejects_in_row; /* of this sink, for stop-after */
    _Atomic bool opened;
};

struct outlet *outlet_new(struct flow *, const struct section_conf *, struct loop *, uint32_t worker);
/* After outlet_close, any thread. */
void outlet_free(struct outlet *);
/* Takes in the records of a chunk that its `when` wants; the others end as dropped. Borrows the chunk (references it). */
void outlet_take(struct outlet *, struct weir_batch *chunk);
/* Does what can be done now; returns the time at which it wants to be called again, INT64_MAX: when something comes. */
int64_t outlet_tick(struct outlet *, int64_t now_ms);
void outlet_flush(struct outlet *, bool on);
/* Closes the instance; batches in flight are given up and stay undelivered. */
void outlet_close(struct outlet *);
/* Host service `complete`: any thread. */
int outlet_complete(struct instance *, struct weir_batch *, const struct weir_result *, uint32_t n,
                    uint32_t stride);

/* The sink would gain from n batches in flight; how many it gets.  Home thread. */
uint32_t outlet_more(struct outlet *, uint32_t n);

/* Nothing is on its way: notes the books; what came since does not count, for it comes again.  The counters themselves
 * never fall. */
void outlet_books_keep(struct outlet *);
void outlet_books_void(struct outlet *);
/* The books without what is void: when the source's thread has ended. */
struct outlet_sum outlet_books_sum(const struct outlet *);

/* outlet_results.c: a delivery came home. */
void outlet_settle(struct outlet *, struct delivery *);
struct delivery *outlet_delivery(struct outlet *, struct weir_batch *takes);
void outlet_delivery_free(struct delivery *);
void outlet_wait(struct outlet *, struct delivery *, int64_t due_ms);

/* Writes the glance; after every change of what is lent or waits. */
void outlet_look(struct outlet *);

/* outlet_form.c: the next batch out of what waits, or NULL. */
struct weir_batch *outlet_form(struct outlet *);
struct weir_batch *outlet_form_unheld(struct outlet *);
/* Some delivery that waits, before `until` (NULL: any), has records of the shard. */
bool outlet_holds(const struct outlet *, const struct delivery *until, const struct weir_shard *);
void outlet_pending_add(struct outlet *, struct weir_batch *chunk, uint32_t *index, uint32_t count,
                        uint64_t bytes);
void outlet_pending_free(struct outlet *);

#endif
