/* SPDX-License-Identifier: BSD-2-Clause */
/* trial.h - one thing that is tried with a plugin, in a process of its own: what it needs, how it tells what it found.
 *
 * A trial drives instances by the fake host of harness/, which finds most by itself and ends the process.  A thread
 * watches that callbacks come back.  Thread: the main thread of the child, unless said otherwise. */
#ifndef WEIR_HOST_TRIAL_H
#define WEIR_HOST_TRIAL_H

#include "../harness/harness.h"

#define TRIAL_TEXT_MAX   1500
#define TRIAL_POLL_MS    3000  /* that poll may come back late */
#define TRIAL_RETURN_MS  10000 /* for every other callback */
#define TRIAL_STOP_MS    3000  /* after interrupt */
#define TRIAL_ANSWER_MS  10000 /* for a batch to be complete after flush, for a source to reach its end */
#define TRIAL_TROUBLE_MS 3000  /* the same while the plugin says that the other end is not well */
#define TRIAL_RECORDS    2000  /* read of a source; what comes behind is not looked at */
#define TRIAL_SOURCE     (1u << WEIR_SOURCE)
#define TRIAL_TRANSFORM  (1u << WEIR_TRANSFORM)
#define TRIAL_SINK       (1u << WEIR_SINK)
#define TRIAL_RULE(rule) ((uint64_t)1 << (rule))

struct trial_row {
    uint32_t kinds;
    bool opens;     /* reads or writes with sources and sinks */
    uint64_t rules; /* TRIAL_RULE: kept when it comes to its end, unless it said that one was not tried */
    void (*run)(void);
};
/* What the child was started for. */
struct trial_subject {
    const char *file, *options;
    uint32_t kind;
    int out; /* pipe to the parent */
};

/* In the child: loads the plugin, runs the trial, tells, does not return.  row NULL: only tells which kinds it is. */
__attribute__((noreturn)) void trial_child(const struct trial_subject *, const struct trial_row *);

/* The plugin breaks a rule; does not return.  Any thread. */
__attribute__((noreturn, format(printf, 2, 3))) void trial_broken(enum rule, const char *format, ...);
/* The rule was not tried here, and why. */
__attribute__((format(printf, 2, 3))) void trial_skip(enum rule, const char *format, ...);
/* Nothing can be tried, and why; does not return. */
__attribute__((noreturn, format(printf, 1, 2))) void trial_unable(const char *format, ...);

/* An instance that is guarded and watched: loaded, created too, opened too. */
struct harness *trial_load(void);
struct harness *trial_created(void);
struct harness *trial_start(void);
/* As trial_start from trial_load; false and the reason in why[TRIAL_TEXT_MAX] when it does not open. */
bool trial_open(struct harness *, char *why);
/* close and destroy, with all that has to be in order then. */
void trial_end(struct harness *);
/* Nothing came of it for so long; the reason is at the other end, and nothing can be tried, when the plugin says by its
 * health or its status that it has none.  Returns when it has. */
void trial_far_end(const struct harness *);
/* Entries of a folder of /proc. */
size_t trial_entries(const char *folder);
/* Waits a moment for threads of this process to become so few; how many there are. */
size_t trial_threads_down(size_t to);
/* Longest a poll may last from now on, in ms. */
void trial_poll_limit(int64_t ms);
const struct weir_ops *trial_ops(void);

/* What the rows of conform.c run; try_NAME.c. */
void try_life(void);
void try_leak(void);
void try_allocation(void);
void try_sink(void);
void try_sink_close(void);
void try_sink_interrupt(void);
void try_sink_pair(void);
void try_transform(void);
void try_transform_pair(void);
void try_source(void);
void try_source_small(void);
void try_source_paused(void);
void try_source_interrupt(void);
void try_source_resume(void);
void try_source_pair(void);

/* The kind's usual work, as far as the instance goes along; false: it gave up with a status, which is its right where
 * something failed.  For try_leak and try_allocation. */
bool sink_work(struct harness *);
bool transform_work(struct harness *);
bool source_work(struct harness *);

#endif
