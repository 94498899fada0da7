/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_private.h - what the files of the fake host share.
 *
 * harness.c: life cycle; harness_step.c: clock and loop; harness_host.c: host functions of any thread; harness_batch.c: batches and what
 * reads them; harness_emit.c: emitters, outputs; harness_hold.c: records that are held; harness_shard.c: lanes and state; harness_conf.c: options.
 * The lock guards what host functions of any thread touch; all else belongs to the home thread. */
#ifndef WEIR_HOST_HARNESS_PRIVATE_H
#define WEIR_HOST_HARNESS_PRIVATE_H

#include "harness.h"

#include "config/errors.h"
#include "record/arena.h"
#include "record/json.h"
#include "record/strbuf.h"
#include "record/subject.h"

#include <pthread.h>
#include <stdatomic.h>

#define HARNESS_FDS_MAX     64
#define HARNESS_METRICS_MAX 64
#define HARNESS_STRIDE_PAD                                                                                   \
    24 /* strides are larger than the struct: an index instead of weir_record_at goes wrong */

/* One malloc each, so that ASan sees a byte too far and the bytes can be poisoned one by one. */
struct harness_piece {
    struct harness_piece *next;
    void *ptr;
    size_t len;
    bool guarded; /* by guard.h; a list that begins so goes on so */
};

enum batch_state { BATCH_HELD, BATCH_OFFERED, BATCH_LENT, BATCH_DONE, BATCH_GIVEN_UP };

struct weir_batch {
    struct harness *harness;
    struct weir_batch *next;
    enum batch_state state;
    uint32_t count, attempt;
    uint32_t room; /* of a group */
    uint64_t bytes;
    char *records; /* stride sizeof(struct weir_record) + HARNESS_STRIDE_PAD */
    struct harness_piece *pieces;
    struct weir_result *results; /* texts in the arena */
    struct json_doc **docs;
    const char **doc_whys;
    struct arena arena;
};

struct harness_lane {
    struct harness_shard pub;
    struct weir_shard shard;
    struct harness_lane *next;
    struct harness_piece *pieces;
    bool open, any; /* any: last_seq holds something */
    bool preset;
    uint64_t last_seq;
    struct harness_piece *preset_data;
};

struct out_entry {
    struct harness_out pub;
    struct harness_piece *pieces;
    struct weir_buf *owner;
};

struct harness_group { /* records a transform holds */
    struct harness_group *next;
    struct weir_batch *batch;
    int64_t until;
    void *opaque;
};

struct weir_emitter {
    struct harness *harness;
    struct weir_batch *batch; /* transforms: process */
    bool apart;               /* transforms: release, serve */
    bool gave;                /* transforms: something was held or given away */
    uint8_t *seen;            /* transforms: SEEN_* per input */
    uint32_t *subs;
    uint32_t room;
    uint64_t bytes_room;
    bool any, full, paused;
    bool refused; /* emit answered AGAIN: poll has to return */
    bool over;    /* the call that it was for has returned */
};

struct weir_problems {
    struct strbuf text;
};

struct kept_text { /* render: one buffer per template */
    const struct weir_template *template;
    struct strbuf text;
    struct kept_text *next;
};

struct kv {
    struct kv *next;
    size_t key_len, value_len;
    char *key, *value;
};

struct harness_conf; /* harness_conf.c */

struct harness {
    struct weir_ctx ctx; /* first: a ctx is a harness */
    struct weir_host host;
    struct weir_instance instance;
    const struct weir_ops *ops;
    char *name;
    struct harness_conf *conf_store;
    const void *conf;
    void *self;
    bool created, opened;
    _Atomic bool threads_may; /* from open to the end of close */
    bool guarded;             /* harness_guard */
    bool brimful;             /* harness_brimful */
    bool after_again;         /* the last emit was answered so, and nothing came since */

    pthread_t home;
    _Atomic(const char *) inside; /* the callback that runs; NULL: none */
    _Atomic int64_t since;        /* real ms */
    int status;                   /* of the last callback */
    struct weir_result failure;
    struct strbuf failure_why, failure_type;

    pthread_mutex_t lock;
    struct strbuf log;
    struct harness_health health;
    int64_t metrics[HARNESS_METRICS_MAX];
    size_t held, pieces_held, bufs;
    struct weir_buf *dead;
    int event;
    _Atomic bool woken;

    struct {
        int fd;
        uint32_t events;
    } fds[HARNESS_FDS_MAX];
    uint32_t n_fds;
    int64_t wake_at;
    uint32_t lends, lends_most; /* in_flight; 0: instance.in_flight */
    bool clock_stopped;
    int64_t mono_shift, wall_shift; /* or the time itself, when stopped */

    struct weir_batch *batches;
    struct harness_group *groups; /* oldest first */
    size_t dropped;               /* records of groups */
    uint64_t next_seq;
    struct harness_lane *lanes;
    struct harness_lane default_lane;
    struct out_entry **outs;
    size_t n_outs, outs_room;
    struct weir_emitter emitter; /* of the last poll or process */
    struct weir_poll poll;
    bool poll_ready, ended; /* poll_ready: the last poll gave something */

    struct kept_text *kept;
    struct strbuf string, print, why;
    struct arena scratch;
    struct arena parse;
    struct kv *state;
    bool state_broken;
    char token[WEIR_TOKEN_MAX];
    size_t token_len;
};

/* Ends the test: what the plugin, or the test, did against the rules. */
__attribute__((noreturn, format(printf, 2, 3))) void harness_die(const struct harness *, const char *format,
                                                                 ...);

/* The plugin broke a rule: told to harness_on_broken, or the test ends. */
__attribute__((noreturn, format(printf, 3, 4))) void harness_breaks(const struct harness *, enum rule,
                                                                    const char *format, ...);

static inline struct harness *harness_of(struct weir_ctx *ctx)
{
    return (struct harness *)(void *)ctx;
}
/* Home thread and inside a callback, or the test ends; `what` is the host function's name. */
void harness_home(const struct harness *, const char *what);
/* Any thread and time, but not in interrupt or a release. */
void harness_loud(const struct harness *, const char *what);
/* Any thread, but only between open and the end of close, or inside a callback. */
void harness_any(const struct harness *, const char *what);
void harness_enter(struct harness *, const char *callback);
int harness_leave(struct harness *, int status);

void harness_fill_host(struct harness *);    /* harness_host.c */
void harness_fill_step(struct weir_host *);  /* harness_step.c */
void harness_fill_batch(struct weir_host *); /* harness_batch.c */
void harness_fill_emit(struct weir_host *);  /* harness_emit.c */
void harness_fill_hold(struct weir_host *);  /* harness_hold.c */
void harness_fill_shard(struct weir_host *); /* harness_shard.c */

struct harness *harness_check_emitter(struct weir_emitter *, bool transform, const char *what);
void harness_check_parent(struct weir_emitter *, uint32_t parent, const char *what);
/* Checks a record that is emitted, and keeps it as an output with the identity of another one. */
struct out_entry *harness_out_made(struct harness *, enum harness_how, const struct weir_record *,
                                   const struct weir_record *identity, struct weir_buf *owner);
void harness_out_result(struct harness *, struct out_entry *, const struct weir_result *);
/* What a transform's call may return. */
void harness_check_status(const struct weir_emitter *, const char *callback, int status);
/* Appends a deep copy to a group; NULL: a new one. */
struct weir_batch *harness_batch_append(struct harness *, struct weir_batch *, const struct weir_record *);
void harness_groups_free(struct harness *);

struct weir_slice harness_copy(struct harness_piece **, struct weir_slice);
void harness_pieces_free(struct harness_piece *);
void harness_pieces_poison(struct harness_piece *);
void harness_record_copy(struct harness_piece **, struct weir_record *to, const struct weir_record *from);
struct weir_record *harness_record_at(const struct weir_batch *, uint32_t i);
void harness_results_take(struct weir_batch *, const struct weir_result *, uint32_t n, uint32_t stride);
void harness_batch_finish(struct weir_batch *);  /* poisons */
void harness_batch_give_up(struct weir_batch *); /* after close, if it is lent */
void harness_batches_free(struct harness *);
void harness_lanes_free(struct harness *);
struct harness_lane *harness_lane_of(struct harness *, const struct weir_shard *, const char *what);
bool harness_buf_holds(const struct weir_buf *, struct weir_slice);
void harness_buf_keep(struct weir_buf *);
void harness_buf_drop(struct weir_buf *);
void harness_buf_named(struct weir_buf *); /* by a record that was emitted: constant from now on */
void harness_bufs_free(struct harness *);  /* those without a reference */
void harness_release(void (*release)(void *opaque), void *opaque);

/* Parses options into the plugin's struct; NULL and lines in problems when something is wrong. */
struct harness_conf *harness_conf_parse(const struct weir_ops *, const char *plugin, const char *options,
                                        struct strbuf *problems);
const struct errors_set *harness_conf_errors(const struct harness_conf *);
const void *harness_conf_struct(const struct harness_conf *);
bool harness_conf_intact(const struct harness_conf *); /* as it was parsed */
void harness_conf_free(struct harness_conf *);

#endif
