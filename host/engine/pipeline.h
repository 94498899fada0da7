/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline.h - one pipeline while it runs: the parts, how they are wired, and how it ends.
 *
 * Owns: intake, lanes, outlets, state, and the flow that stages share (delivery/flow.h).  Threads: built and freed by one thread (main); the functions
 * below say which may be called from others. */
#ifndef WEIR_HOST_PIPELINE_H
#define WEIR_HOST_PIPELINE_H

#include "config/conf.h"
#include "delivery/flow.h"
#include "delivery/outlet.h"
#include "delivery/state.h"
#include "intake.h"
#include "lane.h"

struct hang {                      /* hang.c; main thread */
    int64_t stopped_at, failed_at; /* when it was seen, mono ms; 0: not yet */
    bool found;
};

struct pipeline {
    struct flow flow; /* what its stages share */
    bool until_end;
    struct state *state;
    struct gate *gate; /* borrowed; NULL: none.  Put in before the start */
    struct intake intake;
    struct lane **workers;
    struct lane *lanes;      /* all, workers included */
    struct outlet **outlets; /* all, the dead-letter one included */
    uint32_t n_outlets;
    bool commits;      /* some sink is final only at commit() */
    bool exact;        /* and repeats nothing */
    _Atomic bool stop; /* drain and end */
    _Atomic bool done; /* the intake's thread is through */
    int done_fd;       /* borrowed eventfd that is written then; -1: none */
    bool left_some;    /* records were undelivered when the drain ended; read after the join */
    struct hang hang;
};

/* Builds a pipeline; nothing runs yet.  NULL and a sentence in why. */
struct pipeline *pipeline_new(const struct pipeline_conf *, const char *state_dir, bool until_end,
                              struct strbuf *why);
void pipeline_start(struct pipeline *);
/* Any thread: stop reading, deliver what was read (up to `drain`), commit, end. */
void pipeline_stop(struct pipeline *);
/* Waits for the end, joins all threads.  True: everything read is accounted for. */
bool pipeline_join(struct pipeline *);
bool pipeline_done(const struct pipeline *);
/* The intake's thread is through. */
void pipeline_set_done(struct pipeline *);
void pipeline_free(struct pipeline *);

#endif
