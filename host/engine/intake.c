/* SPDX-License-Identifier: BSD-2-Clause */
/* intake.c - the turn of the source's thread: read while there is room, commit, give lanes back, drain, end. */
#include "intake.h"

#include "emitter.h"
#include "instance/call.h"
#include "pipeline.h"
#include "report/clock.h"
#include "report/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MS   100   /* longest wait of a blocking poll: commits and signals are not kept waiting longer */
#define RETRY_MS  30000 /* longest wait of a source in trouble */
#define PAUSED_MS 250   /* how often a paused source is polled, so that it keeps its session */
#define GIVING_MS                                                                                            \
    20 /* how often lanes to be given back are looked at: idleness is told of all together only */

/* Room in the budget, or nothing open any more: any thread. */
static void wake(void *arg)
{
    loop_wake(&((struct intake *)arg)->loop);
}

/* What a batch of this sink holds when it is full, arrays included. */
static uint64_t batch_room(const struct section_conf *s)
{
    if (conf_promises(s) & WEIR_STREAM) /* lent as chunks come */
        return CHUNK_BYTES + CHUNK_RECORDS * 128;
    uint64_t bytes = (uint64_t)s->batch_bytes, arrays = (uint64_t)s->batch_records * 512;
    return bytes + (arrays < 2 * bytes ? arrays : 2 * bytes);
}

/* What keeps a sink busy: all it may have in flight, one more that fills, and what the source is about to hand over. */
static size_t ahead(const struct flow *f, const struct section_conf *s, uint32_t in_flight)
{
    uint64_t most = ((uint64_t)(in_flight + 1) * batch_room(s) + CHUNK_BYTES) * (uint64_t)f->conf->workers;
    uint64_t half = (uint64_t)f->conf->memory / 2;
    return (size_t)(most < half ? most : half);
}

/* What the busiest sink needs.  To read further ahead costs memory and gains nothing; transforms may need more than what
 * they are given. */
static void limit_ahead(struct flow *f)
{
    size_t most = (size_t)f->conf->workers * CHUNK_BYTES;
    bool keeps =
        false; /* a sink in a process of its own: what it took until its commit is memory well used */
    for (size_t i = 0; i < f->conf->n_sinks; i++) {
        const struct section_conf *sink = &f->conf->sinks[i];
        size_t n = ahead(f, sink, (uint32_t)sink->in_flight);
        most = n > most ? n : most;
        keeps |= sink->isolate && (conf_promises(sink) & WEIR_COMMITS);
    }
    if (f->conf->n_transforms == 0 && !keeps)
        f->budget.limit = most;
}

void intake_widen(struct flow *f, const struct section_conf *s, uint32_t in_flight)
{
    budget_widen(&f->budget, ahead(f, s, in_flight));
}

void intake_init(struct intake *in, struct pipeline *p)
{
    memset(in, 0, sizeof *in);
    in->pipeline = p;
    loop_init(&in->loop);
    in->instance = flow_instance(&p->flow, &p->flow.conf->source, &in->loop, 0);
    in->n_builders = (uint32_t)p->flow.conf->workers;
    in->builders = xcalloc(in->n_builders, sizeof *in->builders);
    in->max_records = CHUNK_RECORDS;
    in->max_bytes = p->flow.budget.limit / 8 < CHUNK_BYTES ? p->flow.budget.limit / 8 : CHUNK_BYTES;
    limit_ahead(&p->flow);
    in->backoff = (struct backoff){.initial_ms = 100, .max_ms = RETRY_MS};
    in->commit.backoff = (struct backoff){.initial_ms = 100, .max_ms = SILENCE_MS};
    in->commit.replays = in->commit.backoff;
    p->flow.budget.on_room = p->flow.ledger.on_idle = wake;
    p->flow.budget.arg = p->flow.ledger.arg = in;
}

static void revokes_free(struct revoke *r)
{
    struct revoke *next;
    for (; r; r = next) {
        next = r->next;
        free(r->shards);
        free(r);
    }
}

void intake_free(struct intake *in)
{
    loop_run_tasks(&in->loop); /* answers of sinks that came after the end */
    in->pipeline->flow.budget.on_room = NULL;
    instance_free(in->instance);
    revokes_free(in->revokes);
    revokes_free(in->left);
    commit_free(&in->commit);
    free(in->builders);
    loop_free(&in->loop);
}

int intake_shard_open(struct intake *in, const struct weir_shard *desc, const struct weir_shard **ret,
                      struct weir_position *ret_position)
{
    struct pipeline *p = in->pipeline;
    struct instance *i = in->instance;
    if (!desc->id.len || desc->id.len > 1024)
        return WEIR_FATAL;
    struct shard *s = ledger_shard_new(&p->flow.ledger, desc);
    struct weir_position found = {.struct_size = sizeof found, .shard = &s->pub};
    int stored = state_position(p->state, i->info.reader, desc->id, &found.next, &i->state_value);
    if (stored == WEIR_FATAL) { /* to start over would be wrong without a word */
        strbuf_printf(&i->failure.why, "the stored position of %.*s can not be read", (int)desc->id.len,
                      (const char *)desc->id.ptr);
        return WEIR_FATAL;
    }
    if (stored == WEIR_OK && !p->gate) {
        found.flags = WEIR_POS_STORED | ((p->exact && !p->keeper) || p->taken_over ? WEIR_POS_OWNED : 0);
        found.data = (struct weir_slice){i->state_value.data, i->state_value.len};
    }
    uint32_t size = ret_position->struct_size;
    memcpy(ret_position, &found, size && size < sizeof found ? size : sizeof found);
    if (size)
        ret_position->struct_size = size;
    *ret = &s->pub;
    return WEIR_OK;
}

/* Everything that must be open before the first record: sinks that cut their target back to the last commit. */
static bool sinks_ready(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i]->commits && !atomic_load(&p->outlets[i]->opened))
            return false;
    return true;
}

/* Opens the source; false: not yet, *at is when to try again. */
static bool open_source(struct intake *in, int64_t now, int64_t *at)
{
    struct instance *i = in->instance;
    if (i->opened)
        return true;
    *at = now + 10;
    if (!sinks_ready(in->pipeline))
        return false;
    *at = i->open_at;
    if (now < i->open_at)
        return false;
    int status = instance_open(i);
    if (status == WEIR_RETRY)
        *at = i->open_at;
    else if (status != WEIR_OK)
        flow_fail(&in->pipeline->flow, "[source] can not be opened: %s", instance_why(i));
    return status == WEIR_OK;
}

static void polled(struct intake *in, int status, int64_t now)
{
    struct instance *i = in->instance;
    if (status == WEIR_END) {
        in->ended = true;
    } else if (status == WEIR_RETRY) {
        if (!i->speaks)
            instance_health(i, WEIR_DEGRADED, i->failure.code, instance_why(i));
        in->backoff.max_ms = instance_patience(i, RETRY_MS);
        in->retry_at = now + backoff_next(&in->backoff, i->failure.retry_after_ms);
    } else if (status < 0) {
        flow_fail(&in->pipeline->flow, "[source] %s", instance_why(i));
    } else if (status > WEIR_END) {
        flow_fail(&in->pipeline->flow,
                  "[source] poll returned %d, which means nothing: a fault of the plugin", status);
    } else if (in->backoff.tries) {
        in->backoff.tries = 0;
        if (!i->speaks)
            instance_health(i, WEIR_UP, 0, NULL);
    }
}

/* One poll; returns its status.  Paused: the session is kept, nothing is read. */
static int poll_source(struct intake *in, bool paused, int64_t now)
{
    struct instance *i = in->instance;
    struct weir_emitter e = {.instance = i, .intake = in};
    struct weir_poll p = {.struct_size = sizeof p,
                          .max_records = in->max_records,
                          .max_bytes = in->max_bytes,
                          .timeout_ms = paused ? 0 : IDLE_MS,
                          .flags = (paused ? WEIR_POLL_PAUSED : 0) |
                                   (in->pipeline->until_end ? WEIR_POLL_TO_END : 0)};
    in->room_records = in->max_records;
    in->room_bytes = in->max_bytes;
    i->ready = 0;
    instance_clear_failure(i);
    int status = call_poll(i, &e, &p);
    intake_hand_over(in);
    polled(in, status, now);
    return status;
}

void intake_flush(struct intake *in)
{
    bool want = in->draining || in->full || in->commit.phase != COMMIT_NONE;
    for (const struct revoke *r = in->revokes; r; r = r->next)
        want |= !r->lost;
    if (want == in->flushing)
        return;
    in->flushing = want;
    for (struct lane *l = in->pipeline->lanes; l; l = l->next)
        lane_flush(l, want);
}

static void begin_drain(struct intake *in, int64_t now)
{
    in->draining = true;
    /* the end of a bounded source is no hurry: only a stop has a deadline */
    in->drain_until = atomic_load(&in->pipeline->stop) ? now + in->pipeline->flow.conf->drain_ms : INT64_MAX;
}

/* The drain is over: all is final and committed, or the time is up. */
static bool drained(struct intake *in, int64_t now)
{
    struct pipeline *p = in->pipeline;
    if (atomic_load(&p->stop) && in->drain_until == INT64_MAX)
        in->drain_until = now + p->flow.conf->drain_ms;
    if (ledger_idle(&p->flow.ledger) && !in->revokes && !in->held) {
        if (!p->commits || commit_settled(in))
            return true;
        commit_soon(in);
        (void)commit_tick(in, now);
    }
    return now >= in->drain_until;
}

/* The pipeline gives up, and only dead letters are still delivered: those on their way, up to `drain`. */
static bool letters_left(struct intake *in, int64_t now)
{
    const struct flow *f = &in->pipeline->flow;
    if (!in->ends_at)
        in->ends_at = now + f->conf->drain_ms;
    if (atomic_load(&f->letters) == atomic_load(&f->ledger.letters) || now >= in->ends_at)
        return false;
    loop_wait_deaf(&in->loop, GIVING_MS); /* the source is not asked any more */
    return true;
}

/* One turn; returns false when the pipeline is through. */
static bool turn(struct intake *in)
{
    struct pipeline *p = in->pipeline;
    int64_t now = clock_mono_ms(), at = now + IDLE_MS;
    loop_run_tasks(&in->loop);
    if (flow_failed(&p->flow))
        return false;
    if (flow_ending(&p->flow))
        return letters_left(in, now);
    if ((in->ended || atomic_load(&p->stop)) && !in->draining)
        begin_drain(in, now);
    if (in->draining && !in->instance->opened)
        return false;
    if (!open_source(in, now, &at)) {
        if (flow_failed(&p->flow))
            return false;
        loop_wait(&in->loop, at > now + IDLE_MS ? IDLE_MS : at > now ? at - now : 0);
        return true;
    }
    if (now >= in->advance_at) {
        ledger_advance(&p->flow.ledger);
        in->advance_at = now + STUCK_TURN_MS;
    }
    commit_for_room(in);
    bool giving_back = revoke_tick(in, now), committing = commit_tick(in, now);
    if (in->draining && drained(in, now))
        return false;
    /* with nothing on its way it is the source's own buffer that fills it, and only reading on empties that */
    in->full = budget_full(&p->flow.budget) && !ledger_idle(&p->flow.ledger) && !budget_wait(&p->flow.budget);
    intake_flush(in);
    bool paused = in->draining || committing || in->full || in->held || (giving_back && p->commits);
    if (in->retry_at > now) {
        loop_wait_deaf(&in->loop, in->retry_at - now < IDLE_MS ? in->retry_at - now : IDLE_MS);
        return true;
    }
    int status = poll_source(in, paused, now);
    bool took = in->room_records < in->max_records;
    if (paused)
        loop_wait_deaf(&in->loop, giving_back ? GIVING_MS : PAUSED_MS); /* it may not read what it hears of */
    else if (status == WEIR_AGAIN && !took)
        loop_wait(&in->loop, IDLE_MS);
    return true;
}

static void say_gap(struct intake *in)
{
    struct pipeline *p = in->pipeline;
    uint64_t open = ledger_books(&p->flow.ledger).open;
    p->left_some =
        open > 0; /* even if a sink completes them while it closes: the last commit is over by then */
    if (open && !flow_ending(&p->flow))
        log_line(WEIR_LOG_ERROR, p->flow.conf->label,
                 "%" PRIu64 " records were not delivered within drain = %gs; their positions are not "
                 "committed, they are read again at the next start",
                 open, (double)p->flow.conf->drain_ms / 1000);
}

static void *intake_main(void *arg)
{
    struct intake *in = arg;
    loop_begin(&in->loop);
    while (turn(in))
        ;
    intake_leave_held(in);
    say_gap(in);
    if (in->instance->opened)
        commit_final(in);
    loop_end(&in->loop); /* who is slow from here on is a lane */
    for (struct lane *l = in->pipeline->lanes; l; l = l->next)
        lane_join(l);
    for (struct lane *l = in->pipeline->lanes; l; l = l->next)
        lane_drop(l); /* records on their way may lie in memory that the source takes with it, */
    ledger_bundles_leave(&in->pipeline->flow.ledger); /* and so may those that others were made of */
    instance_close(in->instance);
    pipeline_set_done(in->pipeline);
    return NULL;
}

void intake_start(struct intake *in)
{
    if (pthread_create(&in->thread, NULL, intake_main, in) != 0)
        die("cannot start a thread");
    pthread_setname_np(in->thread, "weir source");
    in->started = true;
}
