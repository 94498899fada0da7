/* SPDX-License-Identifier: BSD-2-Clause */
/* outlet_results.c - what becomes of a batch that came home: booked, tried again, split, or a dead letter.
 *
 * Home thread of the outlet.  Here and nowhere else an outcome of a sink turns into an entry of the books. */
#include "outlet.h"

#include "deadletter.h"
#include "flow.h"
#include "ledger.h"
#include "report/clock.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

void outlet_wait(struct outlet *o, struct delivery *d, int64_t due_ms)
{
    struct delivery **at = &o->waiting;
    d->due_ms = due_ms;
    /* one at a time: what waits and shares a shard with it comes after it, or it would have been held back */
    while (!o->one_at_a_time && *at && (o->in_turn ? (*at)->turn < d->turn : (*at)->due_ms <= due_ms))
        at = &(*at)->next;
    d->next = *at;
    *at = d;
    if (!d->part)
        o->waiting_whole++;
}

/* The answer to a batch, record by record. */
struct answer {
    const struct weir_result **of; /* NULL: delivered */
    uint32_t retry, reject, split, fatal, duplicate;
    uint32_t retry_after_ms;
    const struct weir_result *first; /* the first that is not OK, for the log */
};

static void count_status(struct answer *a, const struct weir_result *r)
{
    if (r->status == WEIR_OK)
        a->duplicate += r->code == WEIR_DUPLICATE;
    else if (r->status == WEIR_RETRY)
        a->retry++;
    else if (r->status == WEIR_REJECT)
        a->reject++;
    else if (r->status == WEIR_SPLIT)
        a->split++;
    else if (!a->fatal++) /* what means nothing is no success either */
        a->first = r;
    if (r->status != WEIR_OK && !a->first)
        a->first = r;
    if (r->status == WEIR_RETRY && r->retry_after_ms > a->retry_after_ms)
        a->retry_after_ms = r->retry_after_ms;
}

static void read_answer(struct answer *a, const struct delivery *d)
{
    static const struct weir_result beside = {
        .index = WEIR_ALL,
        .status = WEIR_FATAL,
        .why = "the plugin answered for a record that its batch does not hold"};
    uint32_t count = d->batch->count;
    memset(a, 0, sizeof *a);
    a->of = xcalloc(count ? count : 1, sizeof(struct weir_result *));
    for (uint32_t k = 0; k < d->n_results; k++) {
        const struct weir_result *r = &d->results[k];
        if (r->index != WEIR_ALL && r->index >= count)
            r = &beside;
        for (uint32_t i = r->index == WEIR_ALL ? 0 : r->index; i < count; i++) {
            a->of[i] = r;
            if (r->index != WEIR_ALL)
                break;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        if (a->of[i])
            count_status(a, a->of[i]);
}

static bool gave_up(const struct outlet *o, const struct delivery *d, int64_t now)
{
    return o->conf->retry_for_ms >= 0 && now - d->since_ms >= o->conf->retry_for_ms;
}

/* For ever is longer than the number holds. */
static uint32_t one_more(uint32_t attempt)
{
    return attempt < UINT32_MAX ? attempt + 1 : attempt;
}

/* Another kind of trouble begins with short waits again: a server that was away for long answers that it is starting
 * for a moment only. */
static int64_t retry_at(const struct outlet *o, struct delivery *d, const struct answer *a, int64_t now)
{
    struct backoff b = {.initial_ms = o->conf->retry_initial_ms,
                        .max_ms = instance_patience(o->instance, o->conf->retry_max_ms)};
    uint32_t health = o->instance->health;
    if (health != d->health)
        d->waits = 0;
    d->health = health;
    return now + backoff_wait(&b, d->waits++, a->retry_after_ms);
}

static void book_delivered(struct outlet *o, const struct weir_batch *b, const struct answer *a)
{
    uint32_t bad = a ? a->retry + a->reject + a->split + a->fatal : 0;
    uint32_t good = b->count - bad, duplicate = a ? a->duplicate : 0;
    enum outcome outcome = o->dead_letters ? DEAD_LETTERED : DELIVERED;
    if (!good)
        return;
    if (!bad) {
        ledger_end_all(b, outcome);
    } else {
        uint8_t *mark = xmalloc(b->count);
        for (uint32_t i = 0; i < b->count; i++)
            mark[i] = !a->of[i] || a->of[i]->status == WEIR_OK;
        ledger_end_marked(b, mark, outcome);
        free(mark);
    }
    atomic_fetch_add_explicit(&o->books.delivered, good - duplicate, memory_order_relaxed);
    atomic_fetch_add_explicit(&o->books.duplicate, duplicate, memory_order_relaxed);
    if (o->dead_letters)
        return;
    atomic_store_explicit(&o->rejects_in_row, 0, memory_order_relaxed);
    atomic_store_explicit(&o->flow->rejects_in_row, 0, memory_order_relaxed);
}

/* The record goes to the sink again: later, or in a smaller batch; alone it can not be split. */
static bool again(const struct delivery *d, const struct weir_result *r, bool up)
{
    return r && ((r->status == WEIR_RETRY && !up) || (r->status == WEIR_SPLIT && d->batch->count > 1));
}

/* Copies of the records to try again: the batch they came in goes home and its memory with it. */
static void retry_part(struct outlet *o, struct delivery *d, const struct answer *a, bool up, int64_t due)
{
    struct weir_batch *some = batch_new(d->batch->budget, a->retry + a->split);
    for (uint32_t i = 0; i < d->batch->count; i++) {
        if (!again(d, a->of[i], up))
            continue;
        batch_append_again(some, d->batch, i);
        struct origin *origin = &some->origins[some->count - 1];
        *origin = ledger_bundle_apart(*origin, some->budget);
    }
    batch_seal(some);
    struct delivery *part = outlet_delivery(o, some);
    part->part = true;
    part->turn = d->turn;
    part->turns = d->turns;
    part->attempt = one_more(d->attempt);
    part->since_ms = d->since_ms;
    part->waits = d->waits;
    part->health = d->health;
    outlet_wait(o, part, due);
}

static void reject(struct outlet *o, const struct delivery *d, const struct answer *a, bool up)
{
    struct rejects rejects;
    char why[512];
    rejects_begin(&rejects, o->flow, o->conf);
    rejects.in_row = &o->rejects_in_row;
    for (uint32_t i = 0; i < d->batch->count; i++) {
        if (!a->of[i] || a->of[i]->status == WEIR_OK || again(d, a->of[i], up))
            continue;
        struct weir_result r = *a->of[i];
        const char *said = r.why ? r.why : "no reason given";
        if (r.status == WEIR_RETRY)
            snprintf(why, sizeof why, "given up after %u tries: %s", one_more(d->attempt), said);
        else if (r.status == WEIR_SPLIT)
            snprintf(why, sizeof why, "too large for the destination: %s", said);
        if (r.status != WEIR_REJECT)
            r.why = why;
        rejects_add(&rejects, d->batch, i, &r, one_more(d->attempt));
        if (o->flow->dead && !o->dead_letters)
            atomic_fetch_add_explicit(&o->books.dead, 1, memory_order_relaxed);
    }
    rejects_send(&rejects);
}

/* Too large: both halves are offered instead, the first one first. */
static void split(struct outlet *o, struct delivery *d, uint32_t attempt, int64_t due)
{
    uint32_t half = d->batch->count / 2;
    struct delivery *first = outlet_delivery(o, batch_slice(d->batch, 0, half));
    struct delivery *second = outlet_delivery(o, batch_slice(d->batch, half, d->batch->count - half));
    first->turns = second->turns = d->turns / 2;
    first->turn = d->turn;
    second->turn = d->turn + d->turns / 2;
    first->attempt = second->attempt = attempt;
    first->since_ms = second->since_ms = d->since_ms;
    first->waits = second->waits = d->waits;
    first->health = second->health = d->health;
    outlet_wait(o, o->one_at_a_time ? second : first,
                due); /* one at a time, the last to wait is the first to go */
    outlet_wait(o, o->one_at_a_time ? first : second, due);
}

/* Says once that the sink is in trouble, when the plugin itself says nothing of its health. */
static void say_trouble(struct outlet *o, const struct answer *a, uint32_t count)
{
    struct instance *in = o->instance;
    if (a->retry && a->retry < count) /* of some only: the sink is well, but somebody may ask why they wait */
        instance_error(in, a->first->code, a->first->why);
    if (!in->speaks && a->retry == count)
        instance_health(in, WEIR_DEGRADED, a->first->code, a->first->why);
    else if (!in->speaks && in->health != WEIR_UP && !a->retry)
        instance_health(in, WEIR_UP, 0, NULL);
}

/* What is neither delivered nor fatal: rejected, or tried again.  True: the delivery itself waits. */
static bool settle_rest(struct outlet *o, struct delivery *d, const struct answer *a)
{
    int64_t now = clock_mono_ms(), due = now;
    bool up = gave_up(o, d, now);
    uint32_t count = d->batch->count, smaller = count > 1 ? a->split : 0, later = up ? 0 : a->retry;
    if (later + smaller < a->retry + a->split + a->reject)
        reject(o, d, a, up);
    if (later)
        due = retry_at(o, d, a, now);
    atomic_fetch_add_explicit(&o->books.retried, later, memory_order_relaxed);
    if (smaller && later + smaller == count) {
        split(o, d, later ? one_more(d->attempt) : d->attempt, due);
    } else if (later == count) {
        d->attempt = one_more(d->attempt);
        outlet_wait(o, d, due);
        return true;
    } else if (later + smaller) {
        retry_part(o, d, a, up, due);
    }
    return false;
}

static void settle_answer(struct outlet *o, struct delivery *d)
{
    struct answer a;
    bool keep = false;
    read_answer(&a, d);
    book_delivered(o, d->batch, &a);
    say_trouble(o, &a, d->batch->count);
    if (a.fatal)
        flow_fail(o->flow, "[%s] %s", o->conf->title,
                  a.first->why ? a.first->why : "the plugin gave no reason");
    else
        keep = settle_rest(o, d, &a);
    free(a.of);
    if (!keep)
        outlet_delivery_free(d);
}

void outlet_settle(struct outlet *o, struct delivery *d)
{
    if (d->n_results) {
        settle_answer(o, d);
        return;
    }
    book_delivered(o, d->batch, NULL);
    if (!o->instance->speaks && o->instance->health != WEIR_UP)
        instance_health(o->instance, WEIR_UP, 0, NULL);
    outlet_delivery_free(d);
}
