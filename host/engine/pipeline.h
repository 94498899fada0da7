/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline.h - one pipeline while it runs: the parts, how they are wired, and how it ends.
 *
 * Owns: intake, lanes, outlets, ledger, budget, state.  Threads: built and freed by one thread (main); the functions
 * below say which may be called from others. */
#ifndef WEIR_HOST_PIPELINE_H
#define WEIR_HOST_PIPELINE_H

#include "config/conf.h"
#include "delivery/ledger.h"
#include "delivery/outlet.h"
#include "delivery/state.h"
#include "intake.h"
#include "lane.h"
#include "record/budget.h"

struct pipeline {
    const struct pipeline_conf *conf;
    bool until_end;
    struct budget budget;
    struct ledger ledger;
    struct state *state;
    struct intake intake;
    struct lane **workers;
    struct lane *lanes;      /* all, workers included */
    struct outlet **outlets; /* all, the dead-letter one included */
    uint32_t n_outlets;
    struct outlet *dead; /* NULL: none */
    bool commits;        /* some sink is final only at commit() */
    bool exact;          /* and repeats nothing */
    _Atomic uint64_t rejects_in_row;
    _Atomic bool stop;   /* drain and end */
    _Atomic bool failed; /* end without */
    _Atomic bool done;   /* the intake's thread is through */
    int done_fd;         /* borrowed eventfd that is written then; -1: none */
};

/* Builds a pipeline; nothing runs yet.  NULL and a sentence in why. */
struct pipeline *pipeline_new(const struct pipeline_conf *, const char *state_dir, bool until_end,
                              struct strbuf *why);
void pipeline_start(struct pipeline *);
/* Any thread: stop reading, deliver what was read (up to `drain`), commit, end. */
void pipeline_stop(struct pipeline *);
/* Any thread, once: the pipeline can not go on; logs why. */
__attribute__((format(printf, 2, 3))) void pipeline_fail(struct pipeline *, const char *format, ...);
bool pipeline_failed(const struct pipeline *);
/* Waits for the end, joins all threads.  True: everything read is accounted for. */
bool pipeline_join(struct pipeline *);
bool pipeline_done(const struct pipeline *);
/* The intake's thread is through. */
void pipeline_set_done(struct pipeline *);
void pipeline_free(struct pipeline *);

/* Bytes a section's plugin may keep for itself. */
uint64_t pipeline_share(const struct pipeline *, const struct section_conf *);
/* Any thread: hands a chunk to an outlet wherever it lives; references it. */
void pipeline_to_outlet(struct pipeline *, struct outlet *, struct weir_batch *chunk);

#endif
