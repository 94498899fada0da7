/* SPDX-License-Identifier: BSD-2-Clause */
/* lane.c - the turn of a downstream thread: chunks through the transforms, then to the sinks; sinks served. */
#include "lane.h"

#include "delivery/ledger.h"
#include "instance/call.h"
#include "pipeline.h"
#include "report/clock.h"
#include "report/log.h"
#include "transform.h"

#include <stdlib.h>
#include <time.h>

#define INTERRUPT_MS 100 /* how often a callback that blocks is interrupted while its lane ends */

struct handover { /* a chunk on its way into a lane */
    struct task task;
    struct handover *next;
    struct lane *lane;
    struct outlet *outlet; /* NULL: the worker's transforms */
    struct weir_batch *chunk;
    uint32_t stage; /* transforms it is through */
    int64_t due;    /* the next one asked to be left alone until then */
    uint32_t tries; /* so often in a row */
};

struct lane *lane_new(struct pipeline *p, const char *name)
{
    struct lane *l = xcalloc(1, sizeof *l);
    loop_init(&l->loop);
    l->pipeline = p;
    l->name = name;
    l->queue_tail = &l->queue;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->end, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&l->end_lock, NULL);
    return l;
}

static void handover_free(struct handover *h)
{
    batch_unref(h->chunk);
    free(h);
}

void lane_drop(struct lane *l)
{
    struct handover *h;
    l->closed = true;
    loop_run_tasks(&l->loop);
    while ((h = l->queue) != NULL) {
        l->queue = h->next;
        handover_free(h);
    }
    l->queue_tail = &l->queue;
    for (struct outlet *o = l->outlets; o; o = o->next)
        outlet_pending_free(o);
}

void lane_free(struct lane *l)
{
    for (uint32_t i = 0; i < l->n_transforms; i++)
        transform_free(l->transforms[i]);
    free(l->transforms);
    free(l->routes);
    pthread_cond_destroy(&l->end);
    pthread_mutex_destroy(&l->end_lock);
    loop_free(&l->loop);
    free(l);
}

/* A chunk left the transforms: a copy for every sink. */
static void fan_out(struct lane *l, struct weir_batch *chunk)
{
    if (chunk->several)
        ledger_number(&l->pipeline->flow.ledger, chunk);
    batch_print_edits(chunk);
    batch_seal(chunk);
    if (l->n_routes > 1)
        ledger_add_copies(&l->pipeline->flow.ledger, chunk, NULL, l->n_routes - 1);
    for (uint32_t i = 0; i < l->n_routes; i++) {
        if (l->routes[i]->lane == l)
            outlet_take(l->routes[i], chunk);
        else
            lane_to_outlet(l->routes[i]->lane, l->routes[i], chunk);
    }
    batch_unref(chunk);
}

/* Takes one chunk through the stages it still has before it; false: a stage asked to wait. */
static bool advance(struct lane *l, struct handover *h, int64_t now)
{
    while (h->chunk && h->stage < l->n_transforms) {
        struct weir_batch *out;
        struct transform *t = l->transforms[h->stage];
        int status = transform_run(t, h->chunk, &out);
        if (status == WEIR_RETRY) {
            struct backoff b = {.initial_ms = 100, .max_ms = instance_patience(t->instance, 30000)};
            if (!t->instance->speaks)
                instance_health(t->instance, WEIR_DEGRADED, t->instance->failure.code,
                                instance_why(t->instance));
            h->due = now + backoff_wait(&b, h->tries++, t->instance->failure.retry_after_ms);
            return false;
        }
        if (h->tries && !t->instance->speaks)
            instance_health(t->instance, WEIR_UP, 0, NULL);
        h->tries = 0;
        h->chunk = out;
        h->stage++;
    }
    if (h->chunk)
        fan_out(l, h->chunk);
    h->chunk = NULL;
    return true;
}

static void arrive(struct task *t)
{
    struct handover *h = (struct handover *)t; /* its first member */
    if (h->outlet || h->lane->closed) {
        if (!h->lane->closed)
            outlet_take(h->outlet, h->chunk);
        handover_free(h);
        return;
    }
    h->next = NULL;
    *h->lane->queue_tail = h;
    h->lane->queue_tail = &h->next;
}

static void hand_over(struct lane *l, struct outlet *o, struct weir_batch *chunk)
{
    struct handover *h = xcalloc(1, sizeof *h);
    *h = (struct handover){.task = {.run = arrive}, .lane = l, .outlet = o, .chunk = chunk};
    loop_post(&l->loop, &h->task);
}

void lane_chunk(struct lane *l, struct weir_batch *chunk)
{
    if (l->started)
        hand_over(l, NULL, chunk);
    else /* a worker with nothing of its own to do */
        fan_out(l, chunk);
}

void lane_to_outlet(struct lane *l, struct outlet *o, struct weir_batch *chunk)
{
    batch_ref(chunk);
    hand_over(l, o, chunk);
}

/* The transforms are open; false: not yet, *at is when to try again. */
static bool ready(struct lane *l, int64_t now, int64_t *at)
{
    for (uint32_t i = 0; i < l->n_transforms; i++) {
        struct instance *in = l->transforms[i]->instance;
        if (in->opened)
            continue;
        if (now < in->open_at) {
            *at = in->open_at;
            return false;
        }
        int status = instance_open(in);
        if (status == WEIR_OK)
            continue;
        if (status != WEIR_RETRY)
            flow_fail(&l->pipeline->flow, "[%s] can not be opened: %s", in->section->title, instance_why(in));
        *at = status == WEIR_RETRY ? in->open_at : INT64_MAX;
        return false;
    }
    return true;
}

/* One chunk a turn, so that sinks are served in between; returns when it wants the next turn. */
static int64_t work(struct lane *l, int64_t now)
{
    int64_t at = INT64_MAX;
    struct handover *h = l->queue;
    if (!ready(l, now, &at) || !h || flow_ending(&l->pipeline->flow))
        return at;
    if (h->due > now || !advance(l, h, now))
        return h->due;
    l->queue = h->next;
    if (!l->queue)
        l->queue_tail = &l->queue;
    handover_free(h);
    return l->queue ? now : INT64_MAX;
}

static void close_all(struct lane *l)
{
    for (struct outlet *o = l->outlets; o; o = o->next)
        outlet_close(o);
    for (uint32_t i = 0; i < l->n_transforms; i++)
        instance_close(l->transforms[i]->instance);
    lane_drop(l);
    loop_end(&l->loop);
}

/* What a stage gave without an input goes on from there, before all that has not reached that stage yet. */
static void put_first(struct lane *l, struct weir_batch *chunk, uint32_t stage)
{
    if (!chunk)
        return;
    struct handover *h = xcalloc(1, sizeof *h);
    *h = (struct handover){.lane = l, .chunk = chunk, .stage = stage, .next = l->queue};
    if (!l->queue)
        l->queue_tail = &h->next;
    l->queue = h;
}

/* A chunk stands between two stages: nothing may overtake it. */
static bool between(const struct lane *l)
{
    return l->queue && l->queue->stage > 0;
}

/* A transform that asked to be called; one with groups is called with an emitter for them. */
static void serve(struct lane *l, uint32_t stage)
{
    struct instance *in = l->transforms[stage]->instance;
    struct weir_batch *out = NULL;
    uint32_t why = in->ready;
    in->ready = 0;
    instance_clear_failure(in);
    if (in->ops->serve)
        transform_serve(l->transforms[stage], why, &out);
    else if (in->ops->service && call_service(in, why) == WEIR_FATAL)
        flow_fail(&l->pipeline->flow, "[%s] %s", in->section->title, instance_why(in));
    put_first(l, out, stage + 1);
}

/* Transforms that asked to be called, and groups that can be held no longer; returns when it wants the next turn. */
static int64_t serve_transforms(struct lane *l, int64_t now)
{
    int64_t at = INT64_MAX;
    for (uint32_t i = 0; i < l->n_transforms && !between(l) && !flow_ending(&l->pipeline->flow); i++) {
        struct transform *t = l->transforms[i];
        struct weir_batch *out;
        bool all = l->flushing && !l->queue;
        if (!t->instance->opened)
            continue;
        if (t->instance->ready)
            serve(l, i);
        if (between(l) || !t->holds.first)
            continue;
        if (all || holds_at(&t->holds, now) <= now) {
            transform_release(t, now, all, &out);
            put_first(l, out, i + 1);
        }
        int64_t wants = holds_at(&t->holds, now);
        at = wants < at ? wants : at;
    }
    return at;
}

static bool holding(const struct lane *l)
{
    for (uint32_t i = 0; i < l->n_transforms; i++)
        if (l->transforms[i]->holds.first)
            return true;
    return false;
}

/* What a dead-letter sink of several readers put is durable before any of them stores its positions: so no dead letter
 * is cut off that a position counts on. */
static bool store_puts(struct instance *in)
{
    return state_commit(in->pipeline->state, "", NULL, 0, &in->failure.why);
}

int64_t lane_turn(struct lane *l, int64_t now)
{
    int64_t held = serve_transforms(l, now), at = work(l, now);
    at = held < at ? held : at;
    if (l->flushing && !l->queue && at > now && holding(l) && !flow_ending(&l->pipeline->flow))
        at = now;
    for (struct outlet *o = l->outlets; o; o = o->next) {
        int64_t wants = outlet_tick(o, now);
        at = wants < at ? wants : at;
    }
    if (l->pipeline->only_letters && l->outlets && state_dirty(l->pipeline->state))
        (void)store_puts(l->outlets->instance); /* a failure is told by the commit that meets it too */
    return at;
}

static void *lane_main(void *arg)
{
    struct lane *l = arg;
    loop_begin(&l->loop);
    while (!l->loop.quit) {
        loop_run_tasks(&l->loop);
        int64_t at = lane_turn(l, clock_mono_ms()), now = clock_mono_ms();
        loop_wait(&l->loop, l->loop.quit ? 0 : at == INT64_MAX ? -1 : at > now ? at - now : 0);
    }
    close_all(l);
    if (l->pipeline->only_letters)
        pipeline_set_done(l->pipeline);
    pthread_mutex_lock(&l->end_lock);
    l->ended = true;
    pthread_cond_signal(&l->end);
    pthread_mutex_unlock(&l->end_lock);
    return NULL;
}

void lane_start(struct lane *l)
{
    if (pthread_create(&l->thread, NULL, lane_main, l) != 0)
        die("cannot start a thread");
    pthread_setname_np(l->thread, l->name);
    l->started = true;
}

struct order { /* something for the lane's thread to do once */
    struct task task;
    struct lane *lane;
    bool on;
};

static struct order *order_new(struct lane *l, void (*run)(struct task *))
{
    struct order *o = xcalloc(1, sizeof *o);
    o->task.run = run;
    o->lane = l;
    return o;
}

static void do_quit(struct task *t)
{
    struct order *o = (struct order *)t;
    o->lane->loop.quit = true;
    free(o);
}

/* Waits for a moment; true: the thread is through.  Not pthread_timedjoin_np, which goes by the wall clock. */
static bool lane_ended(struct lane *l)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += INTERRUPT_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&l->end_lock);
    if (!l->ended)
        (void)pthread_cond_timedwait(&l->end, &l->end_lock, &until);
    bool ended = l->ended;
    pthread_mutex_unlock(&l->end_lock);
    return ended;
}

void lane_quit(struct lane *l)
{
    if (l->started && !l->quitting)
        loop_post(&l->loop, &order_new(l, do_quit)->task);
    l->quitting = true;
    for (uint32_t i = 0; i < l->n_transforms; i++)
        instance_interrupt(l->transforms[i]->instance);
    for (struct outlet *o = l->outlets; o; o = o->next)
        instance_interrupt(o->instance);
}

void lane_join(struct lane *l)
{
    if (!l->started)
        return;
    do /* again and again: an interrupt may come just before the callback that blocks */
        lane_quit(l);
    while (!lane_ended(l));
    pthread_join(l->thread, NULL);
    l->started = false;
}

static void do_flush(struct task *t)
{
    struct order *order = (struct order *)t;
    order->lane->flushing = order->on;
    for (struct outlet *o = order->lane->outlets; o; o = o->next)
        outlet_flush(o, order->on);
    free(order);
}

void lane_flush(struct lane *l, bool on)
{
    if (!l->started)
        return;
    struct order *o = order_new(l, do_flush);
    o->on = on;
    loop_post(&l->loop, &o->task);
}

struct commit_order {
    struct task task;
    struct outlet *outlet;
    struct weir_commit commit;
    bool drops; /* abort, instead */
    void (*done)(void *arg, int status, const char *why);
    void *arg;
};

static void do_commit(struct task *t)
{
    struct commit_order *c = (struct commit_order *)t;
    struct instance *in = c->outlet->instance;
    int status = WEIR_OK;
    instance_clear_failure(in);
    if (!in->opened)
        status = WEIR_RETRY;
    else if (c->drops && in->ops->abort)
        status = call_abort(in);
    else if (!c->drops && in->ops->commit)
        status = call_commit(in, &c->commit);
    if (status == WEIR_OK && in->pipeline->only_letters && !store_puts(in))
        status = WEIR_RETRY;
    c->done(c->arg, status, in->opened ? instance_why(in) : "it is not open yet");
    free(c);
}

void lane_commit(struct lane *l, struct outlet *outlet, const struct weir_commit *commit,
                 void (*done)(void *arg, int status, const char *why), void *arg)
{
    struct commit_order *c = xcalloc(1, sizeof *c);
    *c = (struct commit_order){
        .task = {.run = do_commit}, .outlet = outlet, .commit = *commit, .done = done, .arg = arg};
    loop_post(&l->loop, &c->task);
}

void lane_abort(struct lane *l, struct outlet *outlet, void (*done)(void *arg, int status, const char *why),
                void *arg)
{
    struct commit_order *c = xcalloc(1, sizeof *c);
    *c = (struct commit_order){
        .task = {.run = do_commit}, .outlet = outlet, .drops = true, .done = done, .arg = arg};
    loop_post(&l->loop, &c->task);
}
