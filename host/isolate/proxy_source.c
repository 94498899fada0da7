/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy_source.c - a source in another process: what it reads handed to the host, its lanes, and what its end leaves.
 *
 * Records are the host's once they are here, so the end of that process loses none of them.  Its lanes are given back
 * as at a rebalance: all that is on its way arrives and is committed, then the next process opens them where the state
 * says.  For that the bytes beside a position are known here for the end of each poll.  Home thread. */
#include "proxy.h"

#include "report/clock.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define DATA_MAX 1024 /* bytes beside a position */

struct lane_there { /* a lane of the plugin */
    struct lane_there *next;
    uint64_t number;
    const struct weir_shard *shard; /* the host's */
    uint64_t generation;
    bool given_back;
    bool began, known; /* something of it came; and the bytes beside: */
    uint64_t resume;
    size_t len;
    char data[DATA_MAX];
};

struct given_back { /* one shard_revoke, which the host answers in turn */
    struct given_back *next;
    uint64_t generation; /* that asked for it; 0: its end did */
    uint64_t n, numbers[];
};

struct emitted { /* what they lie in */
    char *body;
    struct arena headers;
};

static struct lane_there *by_number(const struct proxy *p, uint64_t number)
{
    struct lane_there *l = p->lanes;
    while (l && (l->number != number || l->generation != p->generation))
        l = l->next;
    return l;
}

static struct lane_there *by_shard(const struct proxy *p, const struct weir_shard *s)
{
    struct lane_there *l = p->lanes;
    while (l && l->shard != s)
        l = l->next;
    return l;
}

/* ---- records ---- */

static void emitted_free(void *opaque)
{
    struct emitted *e = opaque;
    arena_free(&e->headers);
    free(e->body);
    free(e);
}

static bool read_record(struct proxy *p, struct unpack *from, struct arena *headers, struct weir_record *r)
{
    uint64_t number;
    bool same_topic;
    if (!unpack_record(from, headers, r, &number, &same_topic))
        return false;
    const struct lane_there *l = by_number(p, number);
    if (!l)
        return false;
    r->shard = l->shard;
    if (same_topic)
        r->topic = l->shard->topic;
    return true;
}

/* What came, on its way to the host. */
struct coming {
    struct proxy *proxy;
    struct unpack *from;
    struct emitted *emitted;
    struct weir_buf *buf;
    struct weir_record *records; /* a run of them */
    uint32_t n, most;
};

static void hand_over(struct coming *c)
{
    const struct proxy *p = c->proxy;
    uint32_t taken = 0;
    const struct weir_run run = {.struct_size = sizeof run,
                                 .stride = sizeof *c->records,
                                 .count = c->n,
                                 .records = c->records,
                                 .owner = c->buf};
    /* there is room for all of them: its process was told how much */
    c->from->bad |= c->n && (p->host->emit(p->emitter, &run, &taken) < 0 || taken < c->n);
    c->n = 0;
}

static void take_bad(struct coming *c)
{
    const struct proxy *p = c->proxy;
    struct weir_record r;
    struct weir_result why;
    c->from->bad |= !read_record(c->proxy, c->from, &c->emitted->headers, &r) ||
                    !unpack_result(c->from, &why) ||
                    p->host->emit_bad(p->emitter, &r, sizeof r, &why) != WEIR_OK;
}

static void take_skip(struct coming *c)
{
    const struct proxy *p = c->proxy;
    const struct lane_there *l = by_number(p, unpack_number(c->from));
    uint64_t next = unpack_number(c->from);
    c->from->bad |= !l;
    if (!c->from->bad)
        p->host->shard_skip(p->ctx, l->shard, next);
}

static void take_deed(struct coming *c)
{
    uint64_t did = unpack_number(c->from);
    if (did == WIRE_DID_EMIT && c->n < c->most && c->proxy->emitter) {
        c->from->bad |= !read_record(c->proxy, c->from, &c->emitted->headers, &c->records[c->n++]);
        return;
    }
    hand_over(c);
    if (did == WIRE_DID_REJECT && c->proxy->emitter)
        take_bad(c);
    else if (did == WIRE_DID_SKIP)
        take_skip(c);
    else
        c->from->bad = true;
}

static void take_resumes(struct proxy *p, struct unpack *from)
{
    uint64_t n = unpack_number(from);
    for (uint64_t i = 0; i < n && !from->bad; i++) {
        struct lane_there *l = by_number(p, unpack_number(from));
        uint64_t resume = unpack_number(from);
        struct weir_slice data = unpack_slice(from);
        from->bad |= !l || data.len > DATA_MAX;
        if (from->bad)
            return;
        l->began = true;
        l->known = data.ptr != NULL;
        l->resume = resume;
        l->len = data.len;
        if (data.len)
            memcpy(l->data, data.ptr, data.len);
    }
}

void proxy_emit(struct proxy *p, struct message *m, struct unpack *from)
{
    struct coming c = {.proxy = p, .from = from, .most = (uint32_t)m->frame.a};
    from->bad |= m->frame.a > m->frame.len;
    if (from->bad)
        return;
    c.emitted = xcalloc(1, sizeof *c.emitted);
    c.emitted->body = m->body;
    m->body = NULL;
    c.buf = p->host->buf_wrap(p->ctx, (size_t)m->frame.len, emitted_free, c.emitted);
    c.records = xcalloc(c.most, sizeof *c.records);
    take_resumes(p, from);
    while (!from->bad && from->at < from->end)
        take_deed(&c);
    if (!from->bad)
        hand_over(&c);
    p->host->buf_unref(c.buf);
    free(c.records);
}

/* ---- lanes ---- */

void proxy_shard_open(struct proxy *p, const struct frame *f, struct unpack *from)
{
    struct weir_shard desc;
    const struct weir_shard *shard = NULL;
    struct weir_position at = {.struct_size = sizeof at};
    struct strbuf body = {0};
    uint64_t number;
    if (!unpack_shard(from, &desc, &number))
        return;
    int status = p->host->shard_open(p->ctx, &desc, &shard, &at);
    if (status == WEIR_OK) {
        struct lane_there *l = xcalloc(1, sizeof *l);
        l->number = number = ++p->ids;
        l->shard = shard;
        l->generation = p->generation;
        l->next = p->lanes;
        p->lanes = l;
        pack_number(&body, at.flags);
        pack_number(&body, at.next);
        pack_slice(&body, at.data);
    } else {
        pack_text(&body, instance_why(p->instance));
    }
    const struct frame reply = {
        .type = WIRE_REPLY, .id = f->id, .status = status, .a = number, .len = body.len};
    (void)proxy_send_frame(p, &reply, &body);
    strbuf_free(&body);
}

static void remember(struct proxy *p, struct given_back *g)
{
    *p->given_tail = g;
    p->given_tail = &g->next;
}

/* Gives lanes back to the host; a lane that was given back before is left out. */
static void give_back(struct proxy *p, struct given_back *g, uint32_t drain_ms)
{
    const struct weir_shard **shards = xcalloc((size_t)g->n, sizeof *shards);
    uint32_t n = 0;
    for (uint64_t i = 0; i < g->n; i++) {
        struct lane_there *l = p->lanes;
        while (l && l->number != g->numbers[i])
            l = l->next;
        if (!l || l->given_back)
            continue;
        l->given_back = true;
        shards[n++] = l->shard;
    }
    remember(p, g);
    (void)p->host->shard_revoke(p->ctx, shards, n, drain_ms);
    free(shards);
}

static struct given_back *given_new(uint64_t generation, uint64_t n)
{
    struct given_back *g = xcalloc(1, sizeof *g + (size_t)n * sizeof *g->numbers);
    g->generation = generation;
    g->n = n;
    return g;
}

void proxy_shard_revoke(struct proxy *p, const struct frame *f, struct unpack *from)
{
    from->bad |= f->a > f->len;
    if (from->bad)
        return;
    struct given_back *g = given_new(p->generation, f->a);
    for (uint64_t i = 0; i < g->n; i++)
        g->numbers[i] = unpack_number(from);
    if (from->bad)
        free(g);
    else
        give_back(p, g, f->b < UINT32_MAX ? (uint32_t)f->b : UINT32_MAX);
}

void proxy_shard_say(struct proxy *p, const struct frame *f, struct unpack *from)
{
    const struct lane_there *l = by_number(p, f->a);
    from->bad |= !l;
    if (from->bad)
        return;
    if (f->type == WIRE_SHARD_END)
        p->host->shard_end(p->ctx, l->shard, f->b);
    else
        p->host->shard_begin(p->ctx, l->shard, f->b);
}

/* Where it resumes behind all that came of it can be said. */
static bool can_commit(const struct proxy *p, const struct lane_there *l)
{
    return !l->began || l->known || !p->instance->ops->position;
}

static void give_back_these(struct proxy *p, bool committable, uint32_t drain_ms)
{
    uint64_t n = 0;
    for (const struct lane_there *l = p->lanes; l; l = l->next)
        n += !l->given_back && can_commit(p, l) == committable;
    if (!n)
        return;
    struct given_back *g = given_new(0, n);
    n = 0;
    for (const struct lane_there *l = p->lanes; l; l = l->next)
        if (!l->given_back && can_commit(p, l) == committable)
            g->numbers[n++] = l->number;
    give_back(p, g, drain_ms);
}

void proxy_source_died(struct proxy *p)
{
    /* read again from their last commit; first, for no other is committed while one can not tell where it is */
    give_back_these(p, false, 0);
    /* as long as it takes: what was read is here, and only the next process waits for it */
    give_back_these(p, true, UINT32_MAX);
}

/* ---- callbacks ---- */

static int ask(struct proxy *p, const struct weir_poll *poll)
{
    struct unpack from;
    p->body.len = 0;
    pack_number(&p->body, poll->max_records);
    pack_number(&p->body, poll->max_bytes);
    pack_number(&p->body, poll->timeout_ms);
    pack_number(&p->body, poll->flags);
    struct message *m = proxy_call(p, WIRE_POLL, 0, &p->body, &from);
    if (!m)
        return WEIR_AGAIN; /* the next process goes on, when its lanes are free */
    int status = m->frame.status;
    if (status >= 0)
        p->restarts.tries = 0;
    message_free(m);
    return status;
}

int proxy_poll(void *self, struct weir_emitter *emitter, const struct weir_poll *poll)
{
    struct proxy *p = self;
    int status = WEIR_OK;
    p->emitter = emitter;
    if (p->state != PROXY_GONE)
        (void)proxy_take_all(p, 0);
    if (p->state != PROXY_GONE)
        proxy_look(p, clock_mono_ms());
    if (p->state == PROXY_GONE && (p->lanes || clock_mono_ms() < p->again_at))
        status = WEIR_AGAIN;
    else if (p->state != PROXY_OPEN)
        status = proxy_open(p);
    if (status == WEIR_OK && !p->broken)
        status = ask(p, poll);
    p->emitter = NULL;
    return p->broken ? proxy_fail(p, WEIR_FATAL) : status;
}

int proxy_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                   size_t *ret_len)
{
    struct proxy *p = self;
    struct unpack from;
    const struct lane_there *l = by_shard(p, shard);
    if (!l)
        return WEIR_FATAL;
    if (p->state == PROXY_OPEN && l->generation == p->generation) {
        const struct frame f = {.type = WIRE_POSITION, .a = l->number, .b = next};
        struct message *m = proxy_call_frame(p, &f, NULL, &from);
        if (m) {
            int status = m->frame.status;
            struct weir_slice data = status == WEIR_OK ? unpack_slice(&from) : (struct weir_slice){NULL, 0};
            if (status == WEIR_OK && (from.bad || data.len > cap))
                status = WEIR_FATAL;
            if (status == WEIR_OK && data.len)
                memcpy(out, data.ptr, data.len);
            *ret_len = data.len;
            message_free(m);
            return status;
        }
    }
    if (l->known && l->resume == next && l->len <= cap) {
        memcpy(out, l->data, l->len);
        *ret_len = l->len;
        return WEIR_OK;
    }
    p->why.len = 0;
    strbuf_str(&p->why, "its process ended; what it had read arrives first");
    return proxy_fail(p, WEIR_RETRY);
}

/* Those of lanes that its process has. */
static void pack_positions(struct proxy *p, const struct weir_position *positions, uint32_t n,
                           uint32_t stride)
{
    p->body.len = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct weir_position *at =
            (const struct weir_position *)(const void *)((const char *)positions + (size_t)i * stride);
        const struct lane_there *l = by_shard(p, at->shard);
        if (!l || l->generation != p->generation)
            continue;
        pack_number(&p->body, l->number);
        pack_number(&p->body, at->flags);
        pack_number(&p->body, at->next);
        pack_slice(&p->body, at->data);
    }
}

int proxy_committed(void *self, const struct weir_position *positions, uint32_t n, uint32_t stride,
                    uint32_t final)
{
    struct proxy *p = self;
    struct unpack from;
    if (p->state != PROXY_OPEN)
        return WEIR_OK; /* the next process hears of later ones */
    pack_positions(p, positions, n, stride);
    struct message *m = proxy_call(p, WIRE_COMMITTED, final, &p->body, &from);
    int status = m ? m->frame.status : WEIR_OK;
    message_free(m);
    return status;
}

static void forget(struct proxy *p, const struct given_back *g)
{
    for (uint64_t i = 0; i < g->n; i++) {
        struct lane_there **at = &p->lanes;
        while (*at && (*at)->number != g->numbers[i])
            at = &(*at)->next;
        struct lane_there *gone = *at;
        if (gone)
            *at = gone->next;
        free(gone);
    }
}

int proxy_revoked(void *self, const struct weir_position *positions, uint32_t n, uint32_t stride)
{
    struct proxy *p = self;
    struct given_back *g = p->given;
    struct unpack from;
    int status = WEIR_OK;
    if (!g)
        return WEIR_FATAL;
    p->given = g->next;
    if (!p->given)
        p->given_tail = &p->given;
    if (g->generation == p->generation && p->state == PROXY_OPEN) {
        pack_positions(p, positions, n, stride);
        struct message *m = proxy_call(p, WIRE_REVOKED, 0, &p->body, &from);
        status = m ? m->frame.status : WEIR_OK;
        message_free(m);
    }
    forget(p, g);
    free(g);
    p->host->wake(p->ctx); /* a process that waits for them may start */
    return status;
}

void proxy_source_free(struct proxy *p)
{
    struct given_back *g;
    while ((g = p->given) != NULL) {
        p->given = g->next;
        free(g);
    }
    while (p->lanes) {
        struct lane_there *next = p->lanes->next;
        free(p->lanes);
        p->lanes = next;
    }
}
