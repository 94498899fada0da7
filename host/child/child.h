/* SPDX-License-Identifier: BSD-2-Clause */
/* child.h - inside the process of an isolated plugin: the host as that plugin sees it.
 *
 * The plugin is driven by the same instance, loop and services as in weir itself; only what belongs to the engine goes
 * over the line: batches and their results, keyed bytes, health, metrics, log lines.  One process has one plugin, so
 * what is here is there once.  Threads: main is the plugin's home thread; one more waits for the alarm. */
#ifndef WEIR_HOST_CHILD_H
#define WEIR_HOST_CHILD_H

#include "config/conf.h"
#include "instance/instance.h"
#include "instance/loop.h"
#include "isolate/pack.h"
#include "isolate/wire.h"
#include "record/batch.h"

struct child_lent { /* a batch in the plugin's hands */
    struct task task;
    struct child_lent *next;
    uint64_t id;
    struct weir_batch *batch;
};

struct child {
    struct line line;
    struct loop loop;
    struct instance inbox; /* no plugin: the line's descriptor, for the loop */
    struct instance *instance;
    struct pipeline_conf *conf;
    struct weir_around around;
    struct arena setup;                  /* what conf and around point to */
    struct message *later, **later_tail; /* came while an answer was waited for */
    struct budget budget;                /* counts, and limits nothing: weir watches the whole process */
    uint64_t questions;
    _Atomic uint32_t health; /* as told last */
    int64_t *told;           /* metrics as told last */
    bool closed;
    bool flushing; /* a sink: nothing more comes for now */
    bool woke;     /* a source: weir knows that it wants to be polled */

    pthread_mutex_t lock; /* of lent */
    struct child_lent *lent;
    struct child_lent *offered, **offered_tail; /* write said AGAIN, or they wait behind one */
};
extern struct child child;

/* child_host.c: the table the plugin gets. */
const struct weir_host *child_host(void);
/* Sends; the end of the process when weir is gone. */
void child_send(uint32_t type, uint64_t id, int32_t status, uint64_t a, uint64_t b,
                const struct strbuf *body);
/* Asks weir and waits; the answer, to be freed. */
struct message *child_ask(uint32_t type, uint64_t a, const struct strbuf *body);
void child_tell_metrics(void);

/* child_sink.c */
void child_write(struct message *); /* takes its body */
void child_offer(void);             /* what write refused before */
bool child_holds(void);             /* the plugin has batches */
int child_commit(struct unpack *);
int child_complete(struct weir_ctx *, struct weir_batch *, const struct weir_result *, uint32_t n,
                   uint32_t stride);

/* child_transform.c: what the plugin did, appended; takes the message's body. */
int child_process(struct message *, struct strbuf *did);
int child_pass(struct weir_emitter *, uint32_t first, uint32_t n);
int child_emit_from(struct weir_emitter *, uint32_t parent, const struct weir_record *, size_t size,
                    struct weir_buf *);
int child_emit_edit(struct weir_emitter *, uint32_t parent, const struct weir_edit *, uint32_t n,
                    uint32_t stride, const char **ret_why);
int child_reject(struct weir_emitter *, uint32_t parent, const struct weir_result *);

/* child_source.c */
int child_poll(struct unpack *);
void child_tell_source(void); /* what a callback emitted; behind each of them */
int child_position(const struct message *, struct strbuf *data);
int child_committed(const struct message *, struct unpack *);
int child_revoked(struct unpack *);
int child_emit(struct weir_emitter *, const struct weir_run *, uint32_t *ret_taken);
int child_emit_bad(struct weir_emitter *, const struct weir_record *, size_t size,
                   const struct weir_result *);
int child_shard_open(struct weir_ctx *, const struct weir_shard *, const struct weir_shard **,
                     struct weir_position *);
int child_shard_revoke(struct weir_ctx *, const struct weir_shard *const *, uint32_t n, uint32_t drain_ms);
void child_shard_end(struct weir_ctx *, const struct weir_shard *, uint64_t end);
void child_shard_begin(struct weir_ctx *, const struct weir_shard *, uint64_t next);
void child_shard_skip(struct weir_ctx *, const struct weir_shard *, uint64_t next);

/* child_batch.c: a batch out of what came, whose body it takes; NULL: it is none. */
struct weir_batch *child_batch(struct message *);
/* weir's shard of that number and description, as the plugin sees it. */
const struct weir_shard *child_shard(const struct weir_shard *, uint64_t number);

#endif
