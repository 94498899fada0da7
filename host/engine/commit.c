/* SPDX-License-Identifier: BSD-2-Clause */
/* commit.c - makes positions durable: every `commit`, at a rebalance, and at the end.
 *
 * Where no sink holds anything back, the watermarks are stored as they stand and the source is told.  Where a sink is
 * final only at commit() (a file that must reach the disk), reading pauses, everything on its way comes to its end,
 * the sinks commit, and what they put into the state is stored in one transaction with the positions: so a restart
 * finds both of the same moment.  Until they are stored nothing is read and no sink is called again that has committed:
 * its next call tells a sink that its commit is durable.
 *
 * A sink that keeps the positions itself (Kafka's transactions: the keeper) commits last: what the others put is stored
 * before it, so a crash in between repeats records in them and loses none; its positions are stored as a copy after it.
 * Until it is known how its commit ended, nothing is read.  Home thread of the source; sinks answer by a task. */
#include "intake.h"

#include "instance/call.h"
#include "gate.h"
#include "pipeline.h"
#include "report/clock.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define DATA_MAX 1024 /* bytes a source may add to a position */

static void room_for(struct commit *c, uint32_t n)
{
    if (n <= c->room)
        return;
    c->room = n;
    c->shards = xrealloc(c->shards, n * sizeof(struct shard *));
    c->next = xrealloc(c->next, n * sizeof *c->next);
    c->positions = xrealloc(c->positions, n * sizeof *c->positions);
}

void commit_free(struct commit *c)
{
    free(c->shards);
    free(c->next);
    free(c->positions);
    arena_free(&c->arena);
    strbuf_free(&c->why);
}

/* The source can not say where a shard resumes: nothing is committed before it can, since a position without what
 * belongs to it would have the next start read from somewhere else. */
static bool unplaced(struct intake *in)
{
    struct commit *c = &in->commit;
    if (!c->unplaced)
        log_line(WEIR_LOG_ERROR, in->instance->who,
                 "can not tell its position, nothing is committed until it can: %s",
                 instance_why(in->instance));
    atomic_fetch_add(&in->pipeline->flow.counts.commit_failures, 1);
    c->unplaced = true;
    c->n = 0;
    return false;
}

/* Lists the watermarks beyond what was committed, with what the source adds to them; false: there is no telling. */
static bool collect(struct intake *in)
{
    struct commit *c = &in->commit;
    const struct weir_ops *ops = in->instance->ops;
    room_for(c, in->pipeline->flow.ledger.n_shards);
    c->n = ledger_watermarks(&in->pipeline->flow.ledger, c->shards, c->next, c->room);
    arena_reset(&c->arena);
    for (uint32_t i = 0; i < c->n; i++) {
        struct weir_position *p = &c->positions[i];
        *p = (struct weir_position){.struct_size = sizeof *p,
                                    .flags = WEIR_POS_STORED,
                                    .shard = &c->shards[i]->pub,
                                    .next = c->next[i]};
        if (!ops->position)
            continue;
        char *out = arena_alloc(&c->arena, DATA_MAX);
        size_t len = 0;
        instance_clear_failure(in->instance);
        if (call_position(in->instance, p->shard, p->next, out, DATA_MAX, &len) != WEIR_OK || len > DATA_MAX)
            return unplaced(in);
        p->data = (struct weir_slice){out, len};
    }
    c->unplaced = false;
    return true;
}

/* Tells what became of a write to the state; returns ok. */
static bool stored(struct intake *in, bool ok)
{
    struct commit *c = &in->commit;
    struct pipeline *p = in->pipeline;
    if (!ok && state_lost(p->state))
        flow_fail(&p->flow, "%s", c->why.data);
    else if (!ok && !c->state_failing)
        log_line(WEIR_LOG_ERROR, p->flow.conf->label, "%s; positions are not moved until it works again",
                 c->why.data);
    else if (ok && c->state_failing)
        log_line(WEIR_LOG_NOTICE, p->flow.conf->label, "the state file can be written again");
    c->state_failing = !ok;
    in->instance->put &= !ok;
    atomic_fetch_add(ok ? &p->flow.counts.commits : &p->flow.counts.state_failures, 1);
    return ok;
}

/* Writes what was put, by sinks too, and the first n of the positions collected. */
static bool store_state(struct intake *in, uint32_t n)
{
    struct commit *c = &in->commit;
    struct state *state = in->pipeline->state;
    if (!n && !state_dirty(state))
        return true;
    struct state_position *rows = xcalloc(n + 1, sizeof *rows);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct state_position){c->shards[i]->pub.id, c->next[i], c->positions[i].data};
    c->why.len = 0;
    bool ok = state_commit(state, in->instance->info.reader, rows, n, &c->why);
    free(rows);
    return stored(in, ok);
}

bool commit_store_puts(struct intake *in)
{
    in->commit.why.len = 0;
    return stored(in, state_store(in->pipeline->state, in->instance->owner, &in->commit.why));
}

/* Stores what was collected, then tells the source. */
static bool store(struct intake *in, bool final)
{
    struct commit *c = &in->commit;
    struct pipeline *p = in->pipeline;
    const struct weir_ops *ops = in->instance->ops;
    bool replayable = conf_promises(&p->flow.conf->source) & WEIR_REPLAYABLE;
    for (uint32_t i = 0; p->gate && i < c->n; i++)
        p->gate->commit(p->gate, p->state, c->shards[i], c->next[i]);
    if (!store_state(in, replayable && !p->gate ? c->n : 0)) /* one that can not be used again is not kept */
        return false;
    uint32_t open = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        ledger_committed(&p->flow.ledger, c->shards[i], c->next[i]);
        /* of a lane that was given back the source heard by revoked(), of a keeper's positions not at all: what it
         * committed to its own store could go back behind the keeper's next */
        if (!c->shards[i]->closed && !p->keeper)
            c->positions[open++] = c->positions[i];
    }
    if (ops->committed && (open || final) && !p->gate)
        (void)call_committed(in->instance, c->positions, open, sizeof *c->positions, final);
    return true;
}

/* A sink answered: runs on the sink's thread, so it only carries the answer over. */
struct answer {
    struct task task;
    struct commit_mark *mark;
    int status;
    char *why;
};

static void answered(struct task *t)
{
    struct answer *a = (struct answer *)t;
    struct intake *in = a->mark->intake;
    in->commit.waiting_for--;
    a->mark->done = a->status == WEIR_OK;
    in->commit.rejected |= a->status == WEIR_REJECT && replay_wanted(in);
    bool later =
        a->status == WEIR_RETRY || a->status == WEIR_AGAIN || a->status == WEIR_SPLIT || in->commit.rejected;
    if (a->status != WEIR_OK && !later)
        flow_fail(&in->pipeline->flow, "a sink can not commit: %s", a->why);
    if (a->status != WEIR_OK) {
        atomic_fetch_add(&in->pipeline->flow.counts.commit_failures, 1);
        if (!in->commit.failed && in->commit.backoff.tries == 0 && !in->commit.rejected)
            log_line(WEIR_LOG_WARNING, in->pipeline->flow.conf->label,
                     "a sink could not commit, trying on: %s", a->why);
        in->commit.failed = true;
    }
    free(a->why);
    free(a);
}

static void carry(void *arg, int status, const char *why)
{
    struct answer *a = xcalloc(1, sizeof *a);
    struct commit_mark *mark = arg;
    *a = (struct answer){.task = {.run = answered}, .mark = mark, .status = status, .why = xstrdup(why)};
    loop_post(&mark->intake->loop, &a->task);
}

/* A sink has committed in this round, and waits for the positions to be stored. */
static bool some_done(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->marks[i].done)
            return true;
    return false;
}

/* Records of this pipeline that the outlet took so far: into a shared one others put theirs too. */
static uint64_t taken(const struct pipeline *p, const struct outlet *o)
{
    return atomic_load(o->flow == &p->flow ? &o->books.in : &p->flow.letters);
}

static void ask_sink(struct intake *in, uint32_t i)
{
    struct pipeline *p = in->pipeline;
    struct commit *c = &in->commit;
    struct weir_commit commit = {.struct_size = sizeof commit,
                                 .stride = sizeof *c->positions,
                                 .count = c->n,
                                 .positions = c->positions,
                                 .source = p->flow.conf->source.plugin->info.name,
                                 .token = {c->token_len ? c->token : NULL, c->token_len}};
    c->waiting_for++;
    p->marks[i].committing = taken(p, p->outlets[i]);
    lane_commit(p->outlets[i]->lane, p->outlets[i], &commit, carry, &p->marks[i]);
}

static void ask_sinks(struct intake *in)
{
    struct pipeline *p = in->pipeline;
    struct commit *c = &in->commit;
    c->phase = COMMIT_SINKS;
    c->token_len = 0;
    c->failed = !c->keeping && !some_done(p) && !collect(in); /* in a further round nothing has moved */
    for (uint32_t i = 0; i < p->n_outlets && !c->failed; i++)
        if (p->outlets[i]->commits && p->outlets[i] != p->keeper && !p->marks[i].done)
            ask_sink(in, i);
}

/* All others have committed: what they put is stored, so that it is never behind what the keeper makes final. */
static void ask_keeper(struct intake *in)
{
    struct pipeline *p = in->pipeline;
    struct commit *c = &in->commit;
    uint32_t i = 0;
    while (i < p->n_outlets && p->outlets[i] != p->keeper)
        i++;
    if (i == p->n_outlets || p->marks[i].done)
        return;
    c->failed = !store_state(in, 0);
    if (c->failed)
        return;
    c->keeping = true;
    /* A token of now is no right to lanes that were given back before it: a member that has joined again could put
     * its old positions over those of the new owner.  So a try after that has none. */
    if (replay_wanted(in) || !in->instance->ops->token ||
        call_token(in->instance, c->token, sizeof c->token, &c->token_len) != WEIR_OK)
        c->token_len = 0; /* the sink gives up what it has not asked to be final yet */
    ask_sink(in, i);
}

/* The others have committed, the keeper did not and will not: what it took is read again. */
static void finish_rejected(struct intake *in)
{
    struct commit *c = &in->commit;
    for (uint32_t i = 0; i < in->pipeline->n_outlets; i++) {
        struct commit_mark *m = &in->pipeline->marks[i];
        m->committed = m->done ? m->committing : m->committed;
        m->done = false;
    }
    c->keeping = c->rejected = false;
    c->phase = COMMIT_NONE;
}

static void finish(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    if (c->rejected) {
        finish_rejected(in);
        return;
    }
    bool ok = !c->failed && store(in, false), more = some_done(in->pipeline) || c->keeping;
    c->failed = !ok; /* what sinks put for it must not be stored without it */
    c->phase = more && !ok ? COMMIT_AGAIN : COMMIT_NONE;
    c->due_ms = now + (ok ? in->pipeline->flow.conf->commit_ms : backoff_next(&c->backoff, 0));
    if (ok) {
        if (c->backoff.tries)
            log_line(WEIR_LOG_NOTICE, in->pipeline->flow.conf->label, "commits again");
        c->backoff.tries = 0;
        c->keeping = false;
        if (in->pipeline->keeper)
            replay_keep(in);
        for (uint32_t i = 0; i < in->pipeline->n_outlets; i++) {
            struct commit_mark *m = &in->pipeline->marks[i];
            m->done = false;
            m->committed = m->committing;
        }
    } else if (c->keeping) {
        c->due_ms = now + KEEPER_AGAIN_MS; /* each try of it takes its time */
    }
}

/* A sink that commits has taken records since it last did.  A record enters its count before it can be final, so
 * watermarks collected before this says no hold nothing that is not durable. */
static bool sinks_behind(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_outlets; i++) {
        const struct outlet *o = p->outlets[i];
        if (o->commits && taken(p, o) != p->marks[i].committed)
            return true;
    }
    return false;
}

bool commit_keeper_behind(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i] == p->keeper && taken(p, p->keeper) != p->marks[i].committed)
            return true;
    return false;
}

void commit_keeper_void(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i] == p->keeper)
            p->marks[i].committed = taken(p, p->keeper);
}

static void start(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    c->due_ms = now + in->pipeline->flow.conf->commit_ms;
    if (!collect(in))
        return;
    if (sinks_behind(in->pipeline) || (in->pipeline->keeper && c->n)) {
        c->phase = COMMIT_DRAINS;
    } else if (c->n || state_dirty(in->pipeline->state)) {
        (void)store(in, false);
    }
}

bool commit_tick(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    if (c->phase == COMMIT_NONE && now >= c->due_ms && !flow_failed(&in->pipeline->flow))
        start(in, now);
    if (replay_wanted(in) && (c->phase == COMMIT_NONE || c->phase == COMMIT_DRAINS))
        replay_begin(in, now);
    if ((c->phase == COMMIT_DRAINS && ledger_idle(&in->pipeline->flow.ledger)) ||
        (c->phase == COMMIT_AGAIN && now >= c->due_ms && !flow_failed(&in->pipeline->flow)))
        ask_sinks(in);
    if (c->phase == COMMIT_SINKS && !c->waiting_for && !c->failed)
        ask_keeper(in);
    if (c->phase == COMMIT_SINKS && !c->waiting_for)
        finish(in, now);
    replay_tick(in, now);
    return c->phase != COMMIT_NONE;
}

void commit_soon(struct intake *in)
{
    if (in->commit.phase == COMMIT_NONE)
        in->commit.due_ms = 0;
}

/* A sink in a process of its own: what it took since its commit is kept for it, in case that process ends. */
static bool keeps_records(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i]->commits && p->outlets[i]->conf->isolate &&
            taken(p, p->outlets[i]) != p->marks[i].committed)
            return true;
    return false;
}

void commit_for_room(struct intake *in)
{
    struct flow *f = &in->pipeline->flow;
    if (budget_full(&f->budget) && ledger_idle(&f->ledger) && keeps_records(in->pipeline))
        commit_soon(in);
}

bool commit_settled(struct intake *in)
{
    struct commit *c = &in->commit;
    if (c->phase != COMMIT_NONE || replay_wanted(in) || sinks_behind(in->pipeline) ||
        state_dirty(in->pipeline->state))
        return false;
    room_for(c, in->pipeline->flow.ledger.n_shards);
    return ledger_watermarks(&in->pipeline->flow.ledger, c->shards, c->next, c->room) == 0;
}

void commit_store_now(struct intake *in)
{
    if (collect(in))
        (void)store(in, false);
}

void commit_final(struct intake *in)
{
    const struct weir_ops *ops = in->instance->ops;
    /* a sink reads the positions of a commit under way; those of a keeper are stored after it and no other way */
    bool busy = in->commit.phase == COMMIT_SINKS || (in->pipeline->keeper && !commit_settled(in));
    bool known = !busy && collect(in);
    if (known && !in->commit.failed && !sinks_behind(in->pipeline)) {
        if (!store(in, true))
            flow_fail(&in->pipeline->flow,
                      "the last positions were not stored: what they stand for is read again");
    } else { /* what the sinks did not make durable by now stays where it was */
        if (!in->pipeline->left_some)
            flow_fail(&in->pipeline->flow,
                      "the last commit did not succeed before the end: what came after the one "
                      "before it is read again at the next start");
        if (ops->committed)
            (void)call_committed(in->instance, NULL, 0, sizeof(struct weir_position), true);
    }
    state_forget(in->pipeline->state);
}
