/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy_sink.c - a sink in another process: batches sent, results handed on, and what its end leaves behind.
 *
 * A batch that had no answer is tried again by the host.  What a sink that commits had answered for since its last
 * commit may have ended with it: these batches are kept and written to the next process before anything else, less the
 * records that it refused; the host hears of them no more.
 * A batch that ends the process again and again is taken apart: one at a time, in halves, until a single record is
 * left, and that is rejected.  Home thread. */
#include "proxy.h"

#include "record/batch.h"
#include "report/clock.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define SUSPECT  2   /* ends in a row, by its own fault, before batches come one at a time */
#define CLEAN    32  /* batches in a row that went well: nothing is suspected any more */
#define AGAIN_MS 100 /* before what was refused is written once more */

struct lent {
    struct lent *next;
    struct weir_batch *batch;
    uint64_t id;
    uint64_t generation; /* of the process that has it; 0: none */
    bool answered;       /* the host has its results: it waits for the commit */
    bool writing;        /* that process has not answered yet */
    int64_t due_ms;      /* answered: not written again before */
    uint8_t *refused;    /* records that it must not get again; NULL: none */
};

static void lent_free(struct lent *l)
{
    batch_unref(l->batch);
    free(l->refused);
    free(l);
}

static bool commits(const struct proxy *p)
{
    return p->instance->ops->commit != NULL;
}

/* ---- to the plugin ---- */

static bool hand_out(struct proxy *p, struct lent *l)
{
    p->body.len = 0;
    pack_records(&p->body, l->batch->records, l->batch->count, l->refused);
    l->generation = p->generation;
    l->writing = true;
    l->id = ++p->ids;
    p->flushed = false;
    return proxy_send(p, WIRE_WRITE, l->id, l->batch->attempt, &p->body);
}

static bool some_writing(const struct proxy *p)
{
    for (const struct lent *l = p->lent; l; l = l->next)
        if (l->writing)
            return true;
    return false;
}

/* What the process before it had answered for. */
static bool write_again(struct proxy *p, int64_t now)
{
    for (struct lent *l = p->lent; l; l = l->next)
        if (l->answered && l->generation != p->generation && (now < l->due_ms || !hand_out(p, l)))
            return false;
    return true;
}

int proxy_write(void *self, struct weir_batch *batch)
{
    struct proxy *p = self;
    if (p->broken)
        return proxy_fail(p, WEIR_FATAL);
    if (p->state != PROXY_OPEN || (p->guilty >= SUSPECT && some_writing(p)) ||
        !write_again(p, clock_mono_ms()))
        return WEIR_AGAIN; /* it is called again when that changes */
    struct lent *l = xcalloc(1, sizeof *l), **at = &p->lent;
    l->batch = batch;
    if (!hand_out(p, l)) {
        free(l);
        return proxy_fail(p, WEIR_RETRY);
    }
    batch_ref(batch);
    while (*at)
        at = &(*at)->next;
    *at = l;
    return WEIR_OK;
}

int proxy_flush(void *self)
{
    struct proxy *p = self;
    if (!p->flushed && p->state == PROXY_OPEN)
        (void)proxy_send(p, WIRE_FLUSH, 0, 0, NULL);
    p->flushed = true;
    return WEIR_OK;
}

/* ---- results ---- */

static void drop(struct proxy *p, struct lent *gone)
{
    struct lent **at = &p->lent;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    lent_free(gone);
}

static void note_refused(struct lent *l, const struct weir_result *r)
{
    if (r->status == WEIR_OK)
        return;
    if (!l->refused)
        l->refused = xcalloc(l->batch->count, 1);
    for (uint32_t i = 0; i < l->batch->count; i++)
        if (r->index == WEIR_ALL || r->index == i)
            l->refused[i] = 1;
}

static bool nothing_left(const struct lent *l)
{
    uint32_t n = 0;
    for (uint32_t i = 0; l->refused && i < l->batch->count; i++)
        n += l->refused[i];
    return n == l->batch->count;
}

/* Of a batch that the host has the results of already: it has to take it as it did before. */
static void written_again(struct proxy *p, struct lent *l, const struct weir_result *results, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        if (results[i].status == WEIR_OK)
            continue;
        if (results[i].status == WEIR_RETRY || results[i].status == WEIR_SPLIT) {
            l->generation = 0;
            l->due_ms = p->again_at = clock_mono_ms() + AGAIN_MS;
            continue;
        }
        struct strbuf why = {0};
        strbuf_printf(&why, "after its process was started again it refused what it had taken before: %s",
                      results[i].why ? results[i].why : "no reason given");
        proxy_break(p, why.data);
        strbuf_free(&why);
        return;
    }
    p->restarts.tries = 0;
}

static void answered(struct proxy *p, struct lent *l, const struct weir_result *results, uint64_t n)
{
    struct weir_batch *batch = l->batch;
    l->answered = true;
    for (uint64_t i = 0; i < n; i++)
        note_refused(l, &results[i]);
    bool keep = commits(p) && !nothing_left(l);
    (void)p->host->complete(p->ctx, batch, results, (uint32_t)n, sizeof *results);
    if (!keep)
        drop(p, l);
    if (!n) {
        p->restarts.tries = 0;
        p->guilty = ++p->good >= CLEAN ? 0 : p->guilty;
    }
}

void proxy_complete(struct proxy *p, const struct frame *f, struct unpack *from)
{
    struct lent *l = p->lent;
    while (l && (l->id != f->id || !l->writing))
        l = l->next;
    from->bad |= !l || f->a > l->batch->count;
    if (from->bad)
        return;
    struct weir_result *results = xcalloc((size_t)f->a, sizeof *results);
    for (uint64_t i = 0; i < f->a; i++)
        (void)unpack_result(from, &results[i]);
    if (!from->bad) {
        bool alone = p->guilty >= SUSPECT;
        l->writing = false;
        if (p->asked_ms) { /* the ping waits behind batches, each of which may take its time */
            p->asked_ms = clock_mono_ms();
            p->interrupted = false;
        }
        if (l->answered)
            written_again(p, l, results, f->a);
        else
            answered(p, l, results, f->a);
        if (alone)
            p->host->wake(p->ctx); /* the next one may come */
    }
    free(results);
}

/* ---- commit ---- */

static void pack_commit(struct strbuf *to, const struct weir_commit *c)
{
    to->len = 0;
    pack_text(to, c->source);
    pack_number(to, c->count);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct weir_position *at =
            (const struct weir_position *)(const void *)((const char *)c->positions + (size_t)i * c->stride);
        pack_number(to, at->flags);
        pack_number(to, at->next);
        pack_slice(to, at->data);
        pack_shard(to, at->shard, (uint64_t)(uintptr_t)at->shard);
    }
}

int proxy_commit(void *self, const struct weir_commit *commit)
{
    struct proxy *p = self;
    struct unpack rest;
    if (p->broken)
        return proxy_fail(p, WEIR_FATAL);
    if (p->state != PROXY_OPEN || !write_again(p, clock_mono_ms()) || some_writing(p)) {
        p->why.len = 0;
        strbuf_str(&p->why, "its process was started again, and what was lost with it is not written yet");
        return proxy_fail(p, WEIR_RETRY);
    }
    pack_commit(&p->body, commit);
    struct message *m = proxy_call(p, WIRE_COMMIT, 0, &p->body, &rest);
    if (!m)
        return proxy_fail(p, WEIR_RETRY);
    int status = m->frame.status;
    message_free(m);
    if (status == WEIR_OK) {
        struct lent *next;
        for (struct lent *l = p->lent; l; l = next) {
            next = l->next;
            lent_free(l); /* all of them were answered */
        }
        p->lent = NULL;
        proxy_state_commit(p);
    }
    return status;
}

/* ---- its end, and its next start ---- */

void proxy_sink_opened(struct proxy *p)
{
    (void)write_again(p, clock_mono_ms());
}

void proxy_sink_tick(struct proxy *p)
{
    (void)write_again(p, clock_mono_ms());
}

/* What the host is told of a batch that had no answer. */
static struct weir_result verdict(const struct proxy *p, const struct lent *l, bool guilty)
{
    struct weir_result r = {.index = WEIR_ALL, .status = WEIR_RETRY, .why = p->why.data};
    if (!guilty || p->guilty <= SUSPECT)
        return r;
    r.status = l->batch->count > 1 ? WEIR_SPLIT : WEIR_REJECT;
    r.type = "plugin_crash";
    return r;
}

void proxy_sink_died(struct proxy *p, bool guilty)
{
    struct lent *next;
    proxy_state_forget(p);
    for (struct lent *l = p->lent; l; l = next) {
        next = l->next;
        l->writing = false;
        if (l->answered)
            continue;
        struct weir_result r = verdict(p, l, guilty);
        struct weir_batch *batch = l->batch;
        l->answered = true;
        (void)p->host->complete(p->ctx, batch, &r, 1, sizeof r);
        drop(p, l);
    }
}

void proxy_sink_free(struct proxy *p)
{
    struct lent *next;
    for (struct lent *l = p->lent; l; l = next) {
        next = l->next;
        lent_free(l);
    }
    p->lent = NULL;
}
