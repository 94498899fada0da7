/* SPDX-License-Identifier: BSD-2-Clause */
/* outlet.c - takes records in, lends batches to the sink, and brings completions home.
 *
 * Home thread of the outlet's instance; outlet_complete may come from any thread and only posts. */
#include "outlet.h"

#include "config/host_options.h"
#include "deadletter.h"
#include "flow.h"
#include "instance/call.h"
#include "ledger.h"
#include "record/expr.h"
#include "report/clock.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define DELIVERY_TURNS (UINT64_C(1) << 24) /* more than a batch has records, so that each half has a place */

struct outlet *outlet_new(struct flow *f, const struct section_conf *s, struct loop *loop, uint32_t worker)
{
    struct outlet *o = xcalloc(1, sizeof *o);
    uint32_t promises = conf_promises(s);
    o->flow = f;
    o->conf = s;
    o->instance = flow_instance(f, s, loop, worker);
    o->dead_letters = s->dead_letter;
    o->one_at_a_time = f->conf->order == ORDER_SHARD && !(promises & WEIR_ORDERED);
    o->in_turn = f->conf->order == ORDER_SHARD && !o->one_at_a_time && (promises & WEIR_IN_TURN);
    o->streams = promises & WEIR_STREAM;
    o->commits = promises & WEIR_COMMITS;
    o->most = o->one_at_a_time ? 1 : o->instance->info.in_flight;
    o->tail = &o->head;
    outlet_look(o);
    o->instance->outlet = o;
    pthread_mutex_init(&o->lock, NULL);
    return o;
}

void outlet_free(struct outlet *o)
{
    outlet_pending_free(o);
    instance_free(o->instance);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

struct outlet_sum outlet_books_sum(const struct outlet *o)
{
    const struct outlet_books *b = &o->books;
    return (struct outlet_sum){.in = atomic_load(&b->in) - o->voided.in,
                               .delivered = atomic_load(&b->delivered) - o->voided.delivered,
                               .duplicate = atomic_load(&b->duplicate) - o->voided.duplicate,
                               .dead = atomic_load(&b->dead) - o->voided.dead};
}

void outlet_books_keep(struct outlet *o)
{
    o->kept = outlet_books_sum(o);
}

void outlet_books_void(struct outlet *o)
{
    struct outlet_sum now = outlet_books_sum(o);
    o->voided.in += now.in - o->kept.in;
    o->voided.delivered += now.delivered - o->kept.delivered;
    o->voided.duplicate += now.duplicate - o->kept.duplicate;
    o->voided.dead += now.dead - o->kept.dead;
}

struct delivery *outlet_delivery(struct outlet *o, struct weir_batch *takes)
{
    struct delivery *d = xcalloc(1, sizeof *d);
    d->outlet = o;
    d->batch = takes;
    d->since_ms = clock_mono_ms();
    return d;
}

void outlet_delivery_free(struct delivery *d)
{
    if (!d)
        return;
    batch_unref(d->batch);
    arena_free(&d->arena);
    free(d);
}

/* The records of the chunk that `when` wants, as a list of indexes; errors become dead letters. */
static uint32_t *wanted(struct outlet *o, struct weir_batch *chunk, uint32_t *ret_n, uint64_t *ret_bytes)
{
    struct instance *in = o->instance;
    struct batch_subject subject;
    uint8_t *unwanted = xcalloc(chunk->count, 1);
    uint32_t *index = xmalloc(chunk->count * sizeof *index), n = 0;
    struct rejects rejects;
    rejects_begin(&rejects, o->flow, o->conf);
    rejects.in_row = &o->rejects_in_row;
    batch_subject_init(&subject, chunk, in->loop, &in->scratch);
    for (uint32_t i = 0; i < chunk->count; i++) {
        in->match_why.len = 0;
        enum expr_result r = expr_match(o->conf->when, batch_subject_at(&subject, i), &in->match_why);
        arena_reset(&in->scratch);
        if (r == EXPR_TRUE) {
            index[n++] = i;
            *ret_bytes += record_bytes(&chunk->records[i]);
        } else if (r == EXPR_FALSE) {
            unwanted[i] = 1;
        } else {
            struct weir_result why = {
                .index = i, .status = WEIR_REJECT, .type = "when", .why = in->match_why.data};
            rejects_add(&rejects, chunk, i, &why, 1);
        }
    }
    ledger_end_marked(chunk, unwanted, DROPPED);
    free(unwanted);
    rejects_send(&rejects);
    *ret_n = n;
    return index;
}

void outlet_take(struct outlet *o, struct weir_batch *chunk)
{
    uint32_t n = chunk->count, *index = NULL;
    uint64_t bytes = chunk->bytes;
    if (o->conf->when) {
        bytes = 0;
        index = wanted(o, chunk, &n, &bytes);
        if (!n) {
            free(index);
            return;
        }
    }
    if (!o->pending_records)
        o->pending_since = clock_mono_ms();
    atomic_fetch_add_explicit(&o->books.in, n, memory_order_relaxed);
    outlet_pending_add(o, chunk, index, n, bytes);
    o->look_again = true;
}

struct sight {
    int64_t lent, retrying;
    uint32_t records;
};

static void see(struct sight *s, const struct delivery *list, bool lent)
{
    for (const struct delivery *d = list; d; d = d->next) {
        if (lent && d->lent_ms < s->lent)
            s->lent = d->lent_ms;
        if (!d->attempt)
            continue;
        s->records += d->batch->count;
        if (d->since_ms < s->retrying)
            s->retrying = d->since_ms;
    }
}

/* The lists are changed by this thread only, so it reads them without the lock. */
void outlet_look(struct outlet *o)
{
    struct sight s = {.lent = INT64_MAX, .retrying = INT64_MAX};
    struct outlet_glance *g = &o->glance;
    see(&s, o->lent, true);
    see(&s, o->waiting, false);
    see(&s, o->offered, false);
    atomic_store_explicit(&g->in_flight, o->in_flight, memory_order_relaxed);
    atomic_store_explicit(&g->lent_since_ms, s.lent, memory_order_relaxed);
    atomic_store_explicit(&g->retrying, s.records, memory_order_relaxed);
    atomic_store_explicit(&g->retrying_since_ms, s.retrying, memory_order_relaxed);
}

static void list_lent(struct outlet *o, struct delivery *d)
{
    d->lent_ms = clock_mono_ms();
    pthread_mutex_lock(&o->lock);
    d->lent = true;
    d->next = o->lent;
    o->lent = d;
    o->in_flight++;
    pthread_mutex_unlock(&o->lock);
}

static void unlist_lent(struct outlet *o, struct delivery *d)
{
    pthread_mutex_lock(&o->lock);
    struct delivery **at = &o->lent;
    while (*at && *at != d)
        at = &(*at)->next;
    if (*at)
        *at = d->next;
    d->next = NULL; /* what was lent beside it may be freed before it goes out again */
    o->in_flight--;
    pthread_mutex_unlock(&o->lock);
}

/* The delivery of a batch that the sink holds, which it does no longer now; NULL: it holds no such batch. */
static struct delivery *take_back(struct outlet *o, const struct weir_batch *batch)
{
    pthread_mutex_lock(&o->lock);
    struct delivery *d = o->lent;
    while (d && (d->batch != batch || !d->lent))
        d = d->next;
    if (d)
        d->lent = false;
    pthread_mutex_unlock(&o->lock);
    return d;
}

static void came_home(struct task *t)
{
    struct delivery *d = (struct delivery *)t; /* task is its first member */
    struct outlet *o = d->outlet;
    unlist_lent(o, d);
    o->look_again = true;
    outlet_settle(o, d);
    outlet_look(o);
}

int outlet_complete(struct instance *in, struct weir_batch *batch, const struct weir_result *results,
                    uint32_t n, uint32_t stride)
{
    struct delivery *d = in->outlet ? take_back(in->outlet, batch) : NULL;
    if (!d) {
        if (in->outlet)
            flow_fail(in->outlet->flow,
                      "[%s] the plugin completed a batch that it does not hold: a fault of the plugin",
                      in->section->title);
        return WEIR_FATAL;
    }
    static const struct weir_result nonsense = {
        .index = WEIR_ALL,
        .status = WEIR_FATAL,
        .why = "the plugin gave more results than its batch has records: a fault of the plugin"};
    if (n > batch->count || (n && stride < offsetof(struct weir_result, retry_after_ms))) {
        results = &nonsense;
        n = 1;
        stride = sizeof nonsense;
    }
    d->n_results = n;
    d->results = n ? arena_alloc(&d->arena, n * sizeof *d->results) : NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct weir_result *r = &d->results[i];
        memset(r, 0, sizeof *r);
        memcpy(r, (const char *)results + (size_t)i * stride, stride < sizeof *r ? stride : sizeof *r);
        r->why = r->why ? arena_copy(&d->arena, r->why, strlen(r->why)) : NULL;
        r->type = r->type ? arena_copy(&d->arena, r->type, strlen(r->type)) : NULL;
    }
    d->task.run = came_home;
    loop_post(in->loop, &d->task);
    return WEIR_OK;
}

/* Hands the batch to the sink; false: it can take nothing more just now. */
static bool lend(struct outlet *o, struct delivery *d)
{
    struct instance *in = o->instance;
    d->n_results = 0;
    arena_reset(&d->arena);
    struct weir_batch *batch = d->batch;
    batch->attempt = d->attempt;
    list_lent(o, d);
    outlet_look(o);
    instance_clear_failure(in);
    int status = call_write(in, batch);
    if (status != WEIR_AGAIN)
        atomic_fetch_add_explicit(&o->glance.batches, 1, memory_order_relaxed);
    if (status == WEIR_OK)
        return true;
    if (status == WEIR_AGAIN && take_back(o, batch)) {
        unlist_lent(o, d);
        o->offered = d;
        outlet_look(o);
        return false;
    }
    struct weir_result all = {.index = WEIR_ALL,
                              .status = status,
                              .retry_after_ms = in->failure.retry_after_ms,
                              .code = in->failure.code,
                              .type = in->failure.type.len ? in->failure.type.data : NULL,
                              .why = instance_why(in)};
    (void)outlet_complete(in, batch, &all, 1, sizeof all);
    return true;
}

/* Enough to be worth a batch, or old enough. */
static bool worth_sending(const struct outlet *o, int64_t now)
{
    return o->pending_records &&
           (o->flushing || !o->conf->linger_ms || o->pending_records >= (uint64_t)o->conf->batch_records ||
            o->pending_bytes >= (uint64_t)o->conf->batch_bytes ||
            now - o->pending_since >= o->conf->linger_ms);
}

/* A delivery that waits earlier has records of the same shard. */
static bool held_back(const struct outlet *o, const struct delivery *d)
{
    const struct weir_shard *last = NULL;
    for (uint32_t i = 0; i < d->batch->count && o->waiting != d; i++) {
        const struct weir_shard *s = d->batch->records[i].shard;
        if (s != last && outlet_holds(o, d, s))
            return true;
        last = s;
    }
    return false;
}

static struct delivery *due_retry(struct outlet *o, int64_t now)
{
    for (struct delivery **at = &o->waiting; *at; at = &(*at)->next) {
        struct delivery *d = *at;
        if (d->due_ms > now && o->in_turn)
            return NULL; /* nothing overtakes the first */
        if (d->due_ms > now || (o->one_at_a_time && held_back(o, d)))
            continue;
        *at = d->next;
        if (!d->part)
            o->waiting_whole--;
        return d;
    }
    return NULL;
}

/* When the next retry comes due; one that is due already waits for a delivery to come home. */
static int64_t next_retry(const struct outlet *o, int64_t now)
{
    int64_t at = INT64_MAX;
    for (const struct delivery *d = o->waiting; d; d = d->next)
        if (d->due_ms > now && d->due_ms < at)
            at = d->due_ms;
    return at;
}

uint32_t outlet_more(struct outlet *o, uint32_t n)
{
    if (n > IN_FLIGHT_MAX)
        n = IN_FLIGHT_MAX;
    if (n > o->most && !o->one_at_a_time && !o->conf->in_flight_said)
        o->most = n;
    return o->most;
}

static struct delivery *next_delivery(struct outlet *o, int64_t now)
{
    struct delivery *d = o->offered;
    struct weir_batch *b = NULL;
    o->offered = NULL;
    if (d && o->in_turn && o->waiting && o->waiting->turn < d->turn) { /* something came back before it */
        outlet_wait(o, d, now);
        d = NULL;
    }
    if (d)
        return d;
    if (o->in_flight >= o->most)
        return NULL;
    if ((d = due_retry(o, now)) != NULL)
        return d;
    if (o->in_flight + o->waiting_whole >= o->most || (o->waiting && o->in_turn))
        return NULL;
    if (o->waiting && o->one_at_a_time)
        b = outlet_form_unheld(o);
    else if (worth_sending(o, now))
        b = outlet_form(o);
    if (!b)
        return NULL;
    o->pending_since = now;
    d = outlet_delivery(o, b);
    d->turns = DELIVERY_TURNS;
    d->turn = o->turns += DELIVERY_TURNS;
    return d;
}

static bool open_now(struct outlet *o, int64_t now)
{
    struct instance *in = o->instance;
    if (in->opened)
        return true;
    if (now < in->open_at)
        return false;
    int status = instance_open(in);
    if (status == WEIR_OK)
        atomic_store(&o->opened, true);
    else if (status != WEIR_RETRY)
        flow_fail(o->flow, "[%s] can not be opened: %s", o->conf->title, instance_why(in));
    return status == WEIR_OK;
}

static void service(struct outlet *o)
{
    struct instance *in = o->instance;
    uint32_t why = in->ready;
    if (!why || !in->opened)
        return;
    in->ready = 0;
    instance_clear_failure(in);
    if (in->ops->service && call_service(in, why) == WEIR_FATAL)
        flow_fail(o->flow, "[%s] %s", o->conf->title, instance_why(in));
}

int64_t outlet_tick(struct outlet *o, int64_t now)
{
    struct delivery *d;
    if (o->stopped || flow_failed(o->flow) || (!o->dead_letters && flow_ending(o->flow))) {
        o->stopped = true;
        service(o);
        return INT64_MAX;
    }
    if (!open_now(o, now))
        return o->instance->open_at;
    service(o);
    while ((d = next_delivery(o, now)) != NULL)
        if (!lend(o, d))
            return now + 100; /* it calls wake when it can; this is for one that forgets */
    bool room = o->in_flight + o->waiting_whole < o->most;
    if (o->flushing && o->in_flight && (!o->pending_records || !room) && o->instance->ops->flush)
        (void)call_flush(o->instance);
    int64_t at = next_retry(o, now), lingers = o->pending_since + o->conf->linger_ms;
    bool by_linger = !o->waiting || !o->one_at_a_time; /* else the rest goes as soon as it may */
    return o->pending_records && room && by_linger && lingers < at ? lingers : at;
}

void outlet_flush(struct outlet *o, bool on)
{
    o->flushing = on;
}

static void give_up(struct delivery *list)
{
    struct delivery *next;
    for (; list; list = next) {
        next = list->next;
        outlet_delivery_free(list);
    }
}

void outlet_close(struct outlet *o)
{
    instance_close(o->instance);
    loop_run_tasks(o->instance->loop); /* what it completed while closing */
    pthread_mutex_lock(&o->lock);
    struct delivery *lent = o->lent;
    o->lent = NULL;
    pthread_mutex_unlock(&o->lock);
    give_up(lent);
    give_up(o->waiting);
    outlet_delivery_free(o->offered);
    o->waiting = o->offered = NULL;
    o->in_flight = o->waiting_whole = 0;
    outlet_look(o);
    outlet_pending_free(o);
}
