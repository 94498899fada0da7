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
#include "stuck.h"

struct hang {                      /* hang.c; main thread */
    int64_t stopped_at, failed_at; /* when it was seen, mono ms; 0: not yet */
    bool found;
};

struct commit_mark { /* of one outlet: what it had taken at the commit under way, and at the last */
    struct intake *intake;
    uint64_t committing, committed;
    bool done; /* it committed, and the positions are not stored yet */
};

struct pipeline {
    struct flow flow; /* what its stages share */
    bool until_end;
    bool taken_over; /* its positions were another reader's before this run */
    struct state *state;
    struct gate *gate; /* borrowed; NULL: none.  Put in before the start */
    struct intake intake;
    struct lane **workers;
    struct lane *lanes;      /* all, workers included */
    struct outlet **outlets; /* all, the dead-letter one included */
    uint32_t n_outlets;
    struct commit_mark *marks; /* one an outlet; the source's thread */
    struct pipeline *letters;  /* whose the dead-letter outlet is, if not of this one */
    bool only_letters;         /* no source, no sinks: dead letters of several readers */
    struct readers *readers;   /* these; else NULL */
    bool commits;              /* some sink is final only at commit() */
    bool exact;                /* and repeats nothing */
    struct outlet *keeper;     /* of the sink with WEIR_KEEPS_POSITION; NULL: none */
    _Atomic bool stop;         /* drain and end */
    _Atomic bool done;         /* the intake's thread is through; of only_letters: the sink's */
    int done_fd;               /* borrowed eventfd that is written then; -1: none */
    bool left_some;            /* records were undelivered when the drain ended; read after the join */
    struct hang hang;
    struct stuck stuck;
};

/* Builds a pipeline; nothing runs yet.  Takes the state.  letters: borrowed, has the dead-letter sink for it; NULL:
 * it has its own. */
struct pipeline *pipeline_new(const struct pipeline_conf *, struct state *, struct pipeline *letters,
                              bool until_end);
/* The same with nothing but the dead-letter sink, for readers that share it; ended with pipeline_end_letters. */
struct pipeline *pipeline_new_letters(const struct pipeline_conf *, struct state *);
void pipeline_start(struct pipeline *);
/* Any thread: stop reading, deliver what was read (up to `drain`), commit, end. */
void pipeline_stop(struct pipeline *);
/* When none of its readers runs any more: has it end, and interrupts what blocks it; again and again until it is done. */
void pipeline_quit_letters(struct pipeline *);
/* The same, then waits for it. */
void pipeline_end_letters(struct pipeline *);
/* Waits for the end, joins all threads.  True: everything read is accounted for. */
bool pipeline_join(struct pipeline *);
bool pipeline_done(const struct pipeline *);
/* Its last thread is through. */
void pipeline_set_done(struct pipeline *);
void pipeline_free(struct pipeline *);

#endif
