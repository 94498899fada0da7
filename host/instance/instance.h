/* SPDX-License-Identifier: BSD-2-Clause */
/* instance.h - one running instance of a plugin: its context, its home thread, what the host keeps for it.
 *
 * Owns: the plugin's self, scratch memory of the services, last failure, health.  Thread: home, except wake,
 * health and metrics, which any thread of the plugin's may touch. */
#ifndef WEIR_HOST_INSTANCE_H
#define WEIR_HOST_INSTANCE_H

#include "config/conf.h"
#include "loop.h"
#include "record/arena.h"
#include "record/strbuf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <weir/plugin.h>

struct pipeline;

struct instance_place {        /* where an instance lives and what it is given */
    struct pipeline *pipeline; /* handed through to the services */
    const struct pipeline_conf *conf;
    const struct weir_host *host;
    struct loop *loop;
    uint32_t worker;
    uint64_t budget; /* bytes it may keep for itself */
};

struct backoff { /* exponential with full jitter */
    int64_t initial_ms, max_ms;
    uint32_t tries;
};
/* The next wait in ms; wish_ms: what the other end asked for, 0: nothing. */
int64_t backoff_next(struct backoff *, int64_t wish_ms);
/* The same for a number of tries counted elsewhere. */
int64_t backoff_wait(const struct backoff *, uint32_t tries, int64_t wish_ms);

/* Longest wait between tries while the other end does not answer at all: they cost little then, and it is to be noticed
 * soon when it is back. */
#define SILENCE_MS 4000

struct failure { /* why the last callback returned what it did */
    uint32_t code;
    uint32_t retry_after_ms;
    struct strbuf why, type;
};

#define TOLD_MAX 512 /* bytes of a reason kept for those who ask */
struct told {        /* how an instance is, for those who look from other threads */
    uint32_t state;  /* WEIR_UP ...; 0: it said nothing yet */
    uint32_t code;
    int64_t since_ms;     /* it is in that state */
    char why[TOLD_MAX];   /* of the state; empty: none was given */
    char error[TOLD_MAX]; /* the last answer that was no success, whatever the state */
};

struct instance_watch { /* engine/stuck.c's */
    int64_t since;
    bool said;
    _Atomic int64_t inside_ms;
};

struct rendered { /* the last text of one template */
    const struct weir_template *template;
    struct strbuf text;
};
#define RENDERED_MAX 16

struct instance {
    struct weir_ctx ctx; /* first: a plugin's ctx is its instance */
    const struct weir_ops *ops;
    struct weir_ops *own_ops; /* what stands for the plugin's (isolate/); NULL: ops are the plugin's */
    const struct section_conf *section;
    struct pipeline *pipeline;
    struct loop *loop;
    struct instance *next_in_loop;
    void *self;
    struct weir_instance info;
    char *who;   /* "web [sink es]", for the log */
    char *owner; /* of its keyed bytes in the state */
    bool put;    /* some that are not stored yet; home thread */
    pthread_mutex_t
        self_lock; /* of the next two: interrupt comes from any thread, destroy must wait for it */
    pthread_cond_t left;
    uint32_t interrupting;
    bool created;
    _Atomic bool opened;
    int64_t open_at; /* not before, while open asks for RETRY */
    struct backoff open_backoff;

    struct outlet *outlet;         /* a sink's; else NULL */
    struct instance *next_in_flow; /* all of a pipeline */
    _Atomic(const char *) calling; /* the callback that runs, call.h */
    _Atomic int64_t calling_since; /* mono ms */
    struct weir_emitter *emitter;  /* a transform's, while process runs; else NULL */
    _Atomic bool wake;
    uint32_t ready;  /* WEIR_WHY_*: service is due */
    int64_t wake_at; /* INT64_MAX: never */

    struct failure failure;
    pthread_mutex_t health_lock;
    _Atomic uint32_t health;   /* changed under the lock */
    _Atomic bool speaks;       /* the plugin reports its health itself */
    bool troubled;             /* trouble was logged, its end was not */
    pthread_mutex_t told_lock; /* of told, held for a copy only */
    struct told told;
    struct instance_watch watch;
    _Atomic uint64_t restarts; /* of the process it is isolated in */
    _Atomic int64_t *metrics;

    struct arena scratch; /* of one service call */
    struct arena walked;  /* the text of json_walk */
    bool walking;         /* it runs */
    struct arena parsed;  /* of record_parse */
    struct strbuf text, string, line;
    struct strbuf match_why, render_why;
    struct strbuf state_value;
    struct rendered rendered[RENDERED_MAX];
};

/* Makes an instance that lives on the loop; nothing of the plugin runs yet. */
struct instance *instance_new(const struct section_conf *, const struct instance_place *);
/* Home thread: create, unless that was done. */
int instance_create(struct instance *);
/* Home thread: create and open.  WEIR_OK: it is open.  WEIR_RETRY: not before open_at; the reason was logged once.
 * Other: can not run, the reason is in failure. */
int instance_open(struct instance *);
/* Home thread: close and destroy. */
void instance_close(struct instance *);
/* Any thread, after instance_close. */
void instance_free(struct instance *);

/* Any thread: has a blocking callback return soon; does nothing before create and once close has begun. */
void instance_interrupt(struct instance *);

/* The longest wait before the next try: max_ms, less while nobody answers, or where nobody else is loaded by a try. */
int64_t instance_patience(const struct instance *, int64_t max_ms);

/* Forgets the last failure; before a callback whose failure matters. */
void instance_clear_failure(struct instance *);
/* The failure's sentence, or a general one. */
const char *instance_why(const struct instance *);
/* Logs a change of health; the same state and reason again say nothing. */
void instance_health(struct instance *, uint32_t state, uint32_t code, const char *why);
/* Keeps an answer that is no reason for another state: some records of a batch were refused. */
void instance_error(struct instance *, uint32_t code, const char *why);
/* Any thread: a copy of how it is. */
void instance_told(const struct instance *, struct told *ret);
/* "not connected", ... for a person, and the short name that metrics and health bodies have; state 0 too. */
const char *instance_state_text(uint32_t state);
const char *instance_state_name(const struct instance *, uint32_t state);

#endif
