/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy.h - what stands in weir for a plugin in another process: the line to it, and how it is started again.
 *
 * Thread: the home thread of the instance, except proxy_interrupt. */
#ifndef WEIR_HOST_PROXY_H
#define WEIR_HOST_PROXY_H

#include "instance/instance.h"
#include "pack.h"
#include "process.h"
#include "wire.h"

enum proxy_state {
    PROXY_GONE,    /* no process */
    PROXY_READY,   /* it stands; its plugin is not open */
    PROXY_OPENING, /* open was called */
    PROXY_OPEN
};

struct lent;
struct overlay;
struct lane_there;
struct given_back;

struct proxy {
    struct instance *instance;
    const struct weir_host *host;
    struct weir_ctx *ctx;
    const struct isolate_conf *conf;
    struct process process;
    struct line line;
    enum proxy_state state;
    uint64_t ids, setup_id, open_id;
    struct strbuf body, why; /* of what is sent; why it is not well */
    bool broken;             /* for good: why says it */
    bool spoke;              /* its plugin said how it is since it was opened */

    struct backoff restarts;
    int64_t again_at; /* start it, or open it, not before */
    uint32_t starts;  /* so far */
    uint32_t guilty;  /* ends in a row that were its own fault */
    uint32_t good;    /* batches that went well since the last of them */
    int64_t ping_at;  /* the next look at it */
    int64_t asked_ms; /* a ping has no answer since then; 0: there is none */
    uint64_t ping_id;
    bool interrupted; /* because of that */

    struct lent *lent;     /* a sink's batches, oldest first */
    bool flushed;          /* it knows that there is nothing more for now */
    uint64_t generation;   /* of its process */
    uint32_t slice, tries; /* a transform: records that one call brings; times that one alone ended it */
    struct weir_emitter *emitter; /* a source's, while poll runs */
    struct lane_there *lanes;     /* that it has open, or gives back */
    struct given_back *given, **given_tail;
    struct overlay *puts; /* of a sink that commits: since its last commit */
};

#define PROXY_TICK_MS 1000 /* between two looks at a process */

/* proxy.c */
int proxy_create(struct weir_ctx *, const void *conf, void **self);
int proxy_open(void *self);
int proxy_service(void *self, uint32_t why);
void proxy_interrupt(void *self);
void proxy_close(void *self);
void proxy_destroy(void *self);
/* Sends; false: it is gone, which proxy_died was told. */
bool proxy_send(struct proxy *, uint32_t type, uint64_t id, uint64_t a, const struct strbuf *body);
bool proxy_send_frame(struct proxy *, const struct frame *, const struct strbuf *body);
/* Calls and waits; NULL: it is gone, and why says how.  The message's rest after the result of a failure is in *ret. */
struct message *proxy_call(struct proxy *, uint32_t type, uint64_t a, const struct strbuf *body,
                           struct unpack *ret);
/* Looks whether it is alive and not too large, once in a while. */
void proxy_look(struct proxy *, int64_t now);
/* Takes in all that came; stops at the answer to `id`, which it gives. */
struct message *proxy_take_all(struct proxy *, uint64_t id);
struct message *proxy_call_frame(struct proxy *, const struct frame *, const struct strbuf *body,
                                 struct unpack *ret);
/* Attaches why to a negative return. */
int proxy_fail(struct proxy *, int status);
/* It can not go on with this process; reason NULL: it ended by itself. */
void proxy_died(struct proxy *, const char *reason);
/* Sets why, for good. */
void proxy_break(struct proxy *, const char *why);

/* proxy_take.c: what came, apart from answers to calls. */
void proxy_take(struct proxy *, struct message *);

/* proxy_state.c: keyed bytes. */
void proxy_state_put(struct proxy *, struct unpack *);
void proxy_state_get(struct proxy *, const struct frame *, struct unpack *);
void proxy_state_scan(struct proxy *, const struct frame *, struct unpack *);
void proxy_state_commit(struct proxy *); /* they hold */
void proxy_state_forget(struct proxy *); /* they never were */

/* proxy_transform.c */
int proxy_process(void *self, const struct weir_batch *, struct weir_emitter *);

/* proxy_source.c */
int proxy_poll(void *self, struct weir_emitter *, const struct weir_poll *);
int proxy_position(void *self, const struct weir_shard *, uint64_t next, void *out, size_t cap,
                   size_t *ret_len);
int proxy_committed(void *self, const struct weir_position *, uint32_t n, uint32_t stride, uint32_t final);
int proxy_revoked(void *self, const struct weir_position *, uint32_t n, uint32_t stride);
void proxy_emit(struct proxy *, struct message *, struct unpack *); /* takes the body */
void proxy_shard_open(struct proxy *, const struct frame *, struct unpack *);
void proxy_shard_revoke(struct proxy *, const struct frame *, struct unpack *);
void proxy_shard_say(struct proxy *, const struct frame *, struct unpack *);
void proxy_source_died(struct proxy *);
void proxy_source_free(struct proxy *);

/* proxy_sink.c */
int proxy_write(void *self, struct weir_batch *);
int proxy_flush(void *self);
int proxy_commit(void *self, const struct weir_commit *);
void proxy_complete(struct proxy *, const struct frame *, struct unpack *);
void proxy_sink_opened(struct proxy *);
void proxy_sink_died(struct proxy *, bool guilty);
void proxy_sink_tick(struct proxy *);
void proxy_sink_free(struct proxy *);

#endif
