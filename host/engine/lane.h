/* SPDX-License-Identifier: BSD-2-Clause */
/* lane.h - a home thread downstream of the source: a worker with its transforms, or a sink that blocks.
 *
 * Owns: its loop, the transform chain of a worker, the outlets that live here.  A worker's lane hands every chunk
 * that left its transforms to each sink; a sink that blocks, or serves all workers, has a lane of its own. */
#ifndef WEIR_HOST_LANE_H
#define WEIR_HOST_LANE_H

#include "delivery/outlet.h"
#include "instance/loop.h"

struct pipeline;
struct transform;

struct lane {
    struct loop loop;
    struct pipeline *pipeline;
    struct lane *next; /* of the pipeline */
    pthread_t thread;
    bool started;
    pthread_mutex_t end_lock; /* of ended */
    pthread_cond_t end;       /* by the monotonic clock */
    bool ended;               /* the thread is through */
    bool quitting;            /* it was told to; who joins it */
    bool closed;              /* its instances are: what still comes is dropped and stays undelivered */
    const char *name;
    struct outlet *outlets; /* that live here */
    /* a worker: */
    struct transform **transforms;
    uint32_t n_transforms;
    struct outlet **routes; /* one a sink */
    uint32_t n_routes;
    struct handover *queue, **queue_tail; /* chunks not yet through the transforms */
    bool flushing;                        /* transforms are to hold nothing back */
};

struct lane *lane_new(struct pipeline *, const char *name);
void lane_free(struct lane *);
/* Starts the thread; outlets and transforms were put in before. */
void lane_start(struct lane *);
/* Has the lane close its instances and end, and interrupts what blocks it; may be called again and again. */
void lane_quit(struct lane *);
/* The same, then waits for it. */
void lane_join(struct lane *);
/* When no lane runs any more: lets go of all records that are still on their way into this one. */
void lane_drop(struct lane *);
/* One turn on the lane's thread, after its tasks; returns when it wants the next one. */
int64_t lane_turn(struct lane *, int64_t now_ms);

/* Any thread: a chunk for the worker's transforms; takes the reference. */
void lane_chunk(struct lane *, struct weir_batch *chunk);
/* Any thread: a chunk for one outlet; references it. */
void lane_to_outlet(struct lane *, struct outlet *, struct weir_batch *chunk);
/* Any thread: outlets stop (or start again) waiting for fuller batches, and transforms holding records. */
void lane_flush(struct lane *, bool on);
/* Any thread: commits an outlet; done runs on the lane's thread with the status, why borrowed. */
void lane_commit(struct lane *, struct outlet *, const struct weir_commit *,
                 void (*done)(void *arg, int status, const char *why), void *arg);
/* The same for its abort. */
void lane_abort(struct lane *, struct outlet *, void (*done)(void *arg, int status, const char *why),
                void *arg);

#endif
