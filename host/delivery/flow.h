/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.h - what all stages of one pipeline share: its books, its budget, the way for dead letters, and its failure.
 *
 * The part of a pipeline that delivery needs to know; the pipeline itself (engine/) holds one and gives it its hands.
 * Threads: any. */
#ifndef WEIR_HOST_FLOW_H
#define WEIR_HOST_FLOW_H

#include "config/conf.h"
#include "instance/instance.h"
#include "ledger.h"
#include "record/batch.h"
#include "record/budget.h"

#include <stdatomic.h>
#include <stdbool.h>

struct outlet;
struct pipeline;

struct flow_counts { /* what no part of it counts for itself */
    _Atomic uint64_t commits, commit_failures, state_failures;
};

struct flow {
    const struct pipeline_conf *conf;
    struct pipeline *pipeline;    /* whose it is: for instances, never looked into here */
    const struct weir_host *host; /* what its instances may ask for */
    struct weir_around around;    /* what sinks may know of it */
    struct budget budget;
    struct ledger ledger;
    struct outlet *dead;        /* for dead letters; NULL: none; may belong to another flow */
    struct instance *instances; /* all that were made for it */
    _Atomic uint64_t rejects_in_row;
    _Atomic uint64_t letters; /* dead letters that were handed over, ever */
    _Atomic bool ending;      /* end once they have arrived */
    _Atomic bool failed;      /* end without */
    char *_Atomic failure;    /* why it ends so, once it is known */
    struct flow_counts counts;
    void (*on_fail)(struct flow *); /* has every thread look; any thread */
    void (*hand_over)(struct outlet *,
                      struct weir_batch *); /* to an outlet wherever it lives; references it */
};

void flow_init(struct flow *, const struct pipeline_conf *, struct pipeline *, const struct weir_host *);
void flow_free(struct flow *);
/* Any thread, the first one counts: the pipeline can not go on; logs why. */
__attribute__((format(printf, 2, 3))) void flow_fail(struct flow *, const char *format, ...);
/* The same without a word: what the reason is was said by another flow. */
void flow_abandon(struct flow *);
bool flow_failed(const struct flow *);
/* The same, but the dead letters on their way are delivered before the end; nothing else is. */
__attribute__((format(printf, 2, 3))) void flow_end(struct flow *, const char *format, ...);
/* It ends, in either way. */
bool flow_ending(const struct flow *);
/* An instance of the section for this pipeline, on that loop, with its share of memory. */
struct instance *flow_instance(struct flow *, const struct section_conf *, struct loop *, uint32_t worker);

#endif
