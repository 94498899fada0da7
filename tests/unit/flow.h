/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.h - a source that counts and a sink that obeys, for tests that run a whole pipeline on its threads. */
#ifndef WEIR_TESTS_FLOW_H
#define WEIR_TESTS_FLOW_H

#include "rig.h"

#include <poll.h>
#include <time.h>

#define LANES 6

struct src { /* conf and self of the source */
    struct weir_ctx *ctx;
    uint32_t n_lanes;
    uint64_t count;           /* records of each lane */
    size_t value_size, large; /* large: size of the very first record */
    int retries, fatal,
        bad_every; /* polls that say RETRY; poll that says FATAL; every so many-th record is bad */
    bool endless;  /* AGAIN at the end, not END */
    bool puts;     /* state_put before the first record */
    _Atomic int lost_positions; /* so often position() does not know it; -1: never does */
    uint32_t drain_ms;          /* of the revoke */
    bool comes_back;            /* lane 0 is given to us again at once */
    const struct weir_shard *lanes[LANES];
    uint64_t next[LANES];
    bool gone[LANES];
    _Atomic int revoke; /* the test wants lane 0 taken away */
    _Atomic uint64_t emitted[LANES], committed[LANES], revoked_next;
    _Atomic int polls, paused, revoked, finals, closed;
};

static int src_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct src *s = (struct src *)(uintptr_t)conf;
    s->ctx = ctx;
    *self = s;
    return WEIR_OK;
}

static int src_lane(struct src *s, uint32_t i)
{
    static const char ids[] = "abcdef";
    struct weir_shard desc = {
        .struct_size = sizeof desc, .partition = (int32_t)i, .id = {ids + i, 1}, .topic = {"t", 1}};
    struct weir_position at = {.struct_size = sizeof at};
    if (s->ctx->host->shard_open(s->ctx, &desc, &s->lanes[i], &at) != WEIR_OK)
        return WEIR_FATAL;
    s->next[i] = at.flags & WEIR_POS_STORED ? at.next : 0;
    s->ctx->host->shard_end(s->ctx, s->lanes[i], s->count);
    return WEIR_OK;
}

static int src_open(void *self)
{
    struct src *s = self;
    for (uint32_t i = 0; i < s->n_lanes; i++)
        if (src_lane(s, i) != WEIR_OK)
            return WEIR_FATAL;
    if (s->puts)
        (void)s->ctx->host->state_put(s->ctx, (struct weir_slice){"name", 4}, (struct weir_slice){"src", 3});
    return WEIR_OK;
}

static int src_emit(struct src *s, struct weir_emitter *e, uint32_t lane)
{
    static char filler[6 << 20];
    for (int k = 0; k < 50 && s->next[lane] < s->count; k++) {
        uint64_t seq = s->next[lane];
        uint32_t taken = 0;
        size_t size = seq == 0 && lane == 0 && s->large ? s->large : s->value_size;
        struct weir_record r = {.shard = s->lanes[lane],
                                .value = {filler, size},
                                .seq = seq,
                                .next = seq + 1,
                                .time_ms = WEIR_NO_TIME};
        struct weir_run run = {.struct_size = sizeof run, .stride = sizeof r, .count = 1, .records = &r};
        struct weir_result bad = {.status = WEIR_REJECT, .why = "undecodable"};
        int status = WEIR_OK;
        if (s->bad_every && seq % (uint64_t)s->bad_every == 0)
            taken = s->ctx->host->emit_bad(e, &r, sizeof r, &bad) == WEIR_OK;
        else
            status = s->ctx->host->emit(e, &run, &taken);
        s->next[lane] += taken;
        atomic_store(&s->emitted[lane], s->next[lane]);
        if (status != WEIR_OK)
            return status;
    }
    return WEIR_OK;
}

static int src_poll(void *self, struct weir_emitter *e, const struct weir_poll *poll)
{
    struct src *s = self;
    bool more = false;
    int n = atomic_fetch_add(&s->polls, 1);
    if (atomic_exchange(&s->revoke, 0)) {
        s->gone[0] = true;
        if (s->ctx->host->shard_revoke(s->ctx, &s->lanes[0], 1, s->drain_ms) != WEIR_OK)
            return WEIR_FATAL;
    }
    if (poll->flags & WEIR_POLL_PAUSED) {
        atomic_fetch_add(&s->paused, 1);
        return WEIR_AGAIN;
    }
    if (n < s->retries)
        return WEIR_RETRY;
    if (s->fatal && n >= s->fatal)
        return WEIR_FATAL;
    for (uint32_t i = 0; i < s->n_lanes; i++) {
        if (s->gone[i])
            continue;
        int status = src_emit(s, e, i);
        if (status < 0)
            return status;
        more |= s->next[i] < s->count;
    }
    return more ? WEIR_OK : s->endless ? WEIR_AGAIN : WEIR_END;
}

static int src_committed(void *self, const struct weir_position *p, uint32_t n, uint32_t stride,
                         uint32_t final)
{
    struct src *s = self;
    for (uint32_t i = 0; i < n;
         i++, p = (const struct weir_position *)(const void *)((const char *)p + stride))
        atomic_store(&s->committed[p->shard->partition], p->next);
    if (final)
        atomic_fetch_add(&s->finals, 1);
    return WEIR_OK;
}

static int src_revoked(void *self, const struct weir_position *p, uint32_t n, uint32_t stride)
{
    struct src *s = self;
    (void)stride;
    atomic_store(&s->revoked_next, n ? p->next : 0);
    if (s->comes_back) {
        if (src_lane(s, 0) != WEIR_OK)
            abort();
        s->gone[0] = false;
    }
    atomic_fetch_add(&s->revoked, 1);
    return WEIR_OK;
}

static void src_interrupt(void *self)
{
    (void)self;
}

static void src_close(void *self)
{
    atomic_fetch_add(&((struct src *)self)->closed, 1);
}

static int src_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                        size_t *ret_len)
{
    struct src *s = self;
    (void)shard;
    if (s->lost_positions) {
        s->lost_positions -= s->lost_positions > 0;
        return WEIR_RETRY;
    }
    *ret_len = (size_t)snprintf(out, cap, "%llu", (unsigned long long)next);
    return WEIR_OK;
}

static const struct weir_ops src_ops = {.struct_size = sizeof src_ops,
                                        .kind = WEIR_SOURCE,
                                        .promises = WEIR_REPLAYABLE | WEIR_OWN_POSITION,
                                        .create = src_create,
                                        .open = src_open,
                                        .poll = src_poll,
                                        .position = src_position,
                                        .committed = src_committed,
                                        .revoked = src_revoked,
                                        .interrupt = src_interrupt,
                                        .close = src_close,
                                        .destroy = rig_destroy};

/* ---- the sink ---- */
enum { GOES = 0, HOLDS, HOLDS_LANE_0 };

struct snk { /* conf; an instance for every worker */
    uint32_t promises;
    _Atomic int mode;
    int delay_ms;       /* each batch is held so long */
    int reject_every;   /* of the records of a lane */
    int commit_retries; /* commits that say RETRY */
    bool blocks;        /* write waits for interrupt */
    _Atomic bool deaf;  /* and does not hear it */
    bool own_thread;    /* completes from a thread of its own */
    bool puts;          /* something into the state with each batch */
    _Atomic uint64_t records, last[LANES], out_of_order;
    _Atomic int workers[LANES]; /* bits of those that saw the lane */
    _Atomic int commits, wrong_commits, blocked;
};

struct snk_self {
    struct weir_ctx *ctx;
    struct snk *conf;
    struct weir_batch *held[16];
    int n;
    bool interrupted, threaded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
};

static int snk_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct snk_self *s = calloc(1, sizeof *s);
    s->ctx = ctx;
    s->conf = (struct snk *)(uintptr_t)conf;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->cond, NULL);
    *self = s;
    return WEIR_OK;
}

static void snk_complete(struct snk_self *s, struct weir_batch *b)
{
    struct weir_view v = {.struct_size = sizeof v};
    struct weir_result results[5000];
    uint32_t n = 0;
    (void)s->ctx->host->view(s->ctx, b, &v);
    for (uint32_t i = 0; i < v.count && s->conf->reject_every; i++)
        if (weir_record_at(&v, i)->seq % (uint64_t)s->conf->reject_every == 0)
            results[n++] = (struct weir_result){.index = i, .status = WEIR_REJECT, .why = "as told"};
    if (s->ctx->host->complete(s->ctx, b, results, n, sizeof *results) != WEIR_OK)
        abort();
}

static void snk_note(struct snk_self *s, const struct weir_batch *b, struct weir_view *v)
{
    (void)s->ctx->host->view(s->ctx, b, v);
    for (uint32_t i = 0; i < v->count; i++) {
        const struct weir_record *r = weir_record_at(v, i);
        int lane = r->shard->partition;
        uint64_t last = atomic_exchange(&s->conf->last[lane], r->seq + 1);
        if (last > r->seq)
            atomic_fetch_add(&s->conf->out_of_order, 1);
        atomic_fetch_or(&s->conf->workers[lane], 1 << s->ctx->host->instance(s->ctx)->worker);
    }
    atomic_fetch_add(&s->conf->records, v->count);
}

static void *snk_thread(void *arg)
{
    struct snk_self *s = arg;
    struct weir_batch *b = s->held[0];
    s->n = 0;
    snk_complete(s, b);
    return NULL;
}

/* A plugin's threads have ended when close returns. */
static void snk_join(struct snk_self *s)
{
    if (s->threaded && pthread_join(s->thread, NULL))
        abort();
    s->threaded = false;
}

static void snk_close(void *self)
{
    snk_join(self);
}

static int snk_block(struct snk_self *s)
{
    pthread_mutex_lock(&s->lock);
    s->interrupted = false; /* one that came before is forgotten: the host has to try again */
    atomic_fetch_add(&s->conf->blocked, 1);
    while (!s->interrupted)
        pthread_cond_wait(&s->cond, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return WEIR_RETRY;
}

static int snk_write(void *self, struct weir_batch *b)
{
    struct snk_self *s = self;
    struct weir_view v = {.struct_size = sizeof v};
    int mode = atomic_load(&s->conf->mode);
    if (s->conf->blocks)
        return snk_block(s);
    if (s->conf->puts)
        (void)s->ctx->host->state_put(s->ctx, (struct weir_slice){"half", 4}, (struct weir_slice){"1", 1});
    snk_note(s, b, &v);
    if (s->conf->delay_ms || mode == HOLDS ||
        (mode == HOLDS_LANE_0 && weir_record_at(&v, 0)->shard->partition == 0 &&
         weir_record_at(&v, 0)->seq == 0)) {
        s->held[s->n++] = b;
        s->ctx->host->wake_at(s->ctx,
                              s->ctx->host->mono_ms(s->ctx) + (s->conf->delay_ms ? s->conf->delay_ms : 5));
    } else if (s->conf->own_thread) {
        snk_join(s);
        s->held[0] = b;
        s->threaded = true;
        if (pthread_create(&s->thread, NULL, snk_thread, s))
            abort();
    } else {
        snk_complete(s, b);
    }
    return WEIR_OK;
}

static int snk_service(void *self, uint32_t why)
{
    struct snk_self *s = self;
    (void)why;
    if (atomic_load(&s->conf->mode) == GOES)
        while (s->n)
            snk_complete(s, s->held[--s->n]);
    else
        s->ctx->host->wake_at(s->ctx, s->ctx->host->mono_ms(s->ctx) + 5);
    return WEIR_OK;
}

/* Final are exactly the records the positions say: what is stored with them must agree. */
static int snk_commit(void *self, const struct weir_commit *c)
{
    struct snk_self *s = self;
    char text[32];
    int n = atomic_fetch_add(&s->conf->commits, 1);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct weir_position *p = (const struct weir_position *)c->positions + i;
        if (atomic_load(&s->conf->last[p->shard->partition]) != p->next)
            atomic_fetch_add(&s->conf->wrong_commits, 1);
    }
    size_t len = (size_t)snprintf(text, sizeof text, "%lu", (unsigned long)atomic_load(&s->conf->records));
    (void)s->ctx->host->state_put(s->ctx, (struct weir_slice){"n", 1}, (struct weir_slice){text, len});
    return n < s->conf->commit_retries ? WEIR_RETRY : WEIR_OK;
}

static void snk_interrupt(void *self)
{
    struct snk_self *s = self;
    pthread_mutex_lock(&s->lock);
    s->interrupted = !s->conf->deaf;
    pthread_cond_broadcast(&s->cond);
    pthread_mutex_unlock(&s->lock);
}

static void snk_destroy(void *self)
{
    struct snk_self *s = self;
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->cond);
    free(s);
}

static uint32_t snk_promise(const void *conf)
{
    return ((const struct snk *)conf)->promises;
}

static const struct weir_ops snk_ops = {.struct_size = sizeof snk_ops,
                                        .kind = WEIR_SINK,
                                        .promise = snk_promise,
                                        .create = snk_create,
                                        .write = snk_write,
                                        .service = snk_service,
                                        .commit = snk_commit,
                                        .interrupt = snk_interrupt,
                                        .close = snk_close,
                                        .destroy = snk_destroy};

static inline int64_t flow_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the condition holds; far longer than anything here takes, on a machine that has hardly any time for it. */
#define AWAIT(condition)                                                                                     \
    do {                                                                                                     \
        int64_t limit_ = flow_ms() + 60000;                                                                  \
        while (!(condition)) {                                                                               \
            if (flow_ms() > limit_)                                                                          \
                fail_msg("in vain: %s", #condition);                                                         \
            (void)poll(NULL, 0, 2);                                                                          \
        }                                                                                                    \
    } while (0)

#endif
