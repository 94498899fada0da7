/* SPDX-License-Identifier: BSD-2-Clause */
/* commit.c - makes positions durable: every `commit`, at a rebalance, and at the end.
 *
 * Where no sink holds anything back, the watermarks are stored as they stand and the source is told.  Where a sink is
 * final only at commit() (a file that must reach the disk), reading pauses, everything on its way comes to its end,
 * the sinks commit, and what they put into the state is stored in one transaction with the positions: so a restart
 * finds both of the same moment.  Until they are stored nothing is read and no sink is called again that has committed:
 * its next call tells a sink that its commit is durable.  Home thread of the source; sinks answer by a task. */
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

/* Stores what was collected, then tells the source. */
static bool store(struct intake *in, bool final)
{
    struct commit *c = &in->commit;
    struct pipeline *p = in->pipeline;
    const struct weir_ops *ops = in->instance->ops;
    bool replayable = conf_promises(&p->flow.conf->source) & WEIR_REPLAYABLE;
    uint32_t n = replayable && !p->gate ? c->n : 0; /* a position that can not be used again is not kept */
    for (uint32_t i = 0; p->gate && i < c->n; i++)
        p->gate->commit(p->gate, p->state, c->shards[i], c->next[i]);
    if (n || state_dirty(p->state)) {
        struct state_position *rows = xcalloc(n + 1, sizeof *rows);
        for (uint32_t i = 0; i < n; i++)
            rows[i] = (struct state_position){c->shards[i]->pub.id, c->next[i], c->positions[i].data};
        c->why.len = 0;
        bool ok = state_commit(p->state, in->instance->info.reader, rows, n, &c->why);
        free(rows);
        if (!ok && state_lost(p->state))
            flow_fail(&p->flow, "%s", c->why.data);
        else if (!ok && !c->state_failing)
            log_line(WEIR_LOG_ERROR, p->flow.conf->label, "%s; positions are not moved until it works again",
                     c->why.data);
        else if (ok && c->state_failing)
            log_line(WEIR_LOG_NOTICE, p->flow.conf->label, "the state file can be written again");
        c->state_failing = !ok;
        atomic_fetch_add(ok ? &p->flow.counts.commits : &p->flow.counts.state_failures, 1);
        if (!ok)
            return false;
    }
    uint32_t open = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        ledger_committed(&p->flow.ledger, c->shards[i], c->next[i]);
        if (!c->shards[i]->closed) /* of a lane that was given back the source heard by revoked() */
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
    bool later = a->status == WEIR_RETRY || a->status == WEIR_AGAIN || a->status == WEIR_SPLIT;
    if (a->status != WEIR_OK && !later)
        flow_fail(&in->pipeline->flow, "a sink can not commit: %s", a->why);
    if (a->status != WEIR_OK) {
        atomic_fetch_add(&in->pipeline->flow.counts.commit_failures, 1);
        if (!in->commit.failed && in->commit.backoff.tries == 0)
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

static void ask_sinks(struct intake *in)
{
    struct pipeline *p = in->pipeline;
    struct commit *c = &in->commit;
    c->phase = COMMIT_SINKS;
    c->failed = !some_done(p) && !collect(in); /* in a further round nothing has moved */
    if (c->failed)
        return;
    struct weir_commit commit = {.struct_size = sizeof commit,
                                 .stride = sizeof *c->positions,
                                 .count = c->n,
                                 .positions = c->positions,
                                 .source = p->flow.conf->source.plugin->info.name};
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i]->commits && !p->marks[i].done) {
            c->waiting_for++;
            p->marks[i].committing = taken(p, p->outlets[i]);
            lane_commit(p->outlets[i]->lane, p->outlets[i], &commit, carry, &p->marks[i]);
        }
}

static void finish(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    bool ok = !c->failed && store(in, false);
    c->failed = !ok; /* what sinks put for it must not be stored without it */
    c->phase = some_done(in->pipeline) && !ok ? COMMIT_AGAIN : COMMIT_NONE;
    c->due_ms = now + (ok ? in->pipeline->flow.conf->commit_ms : backoff_next(&c->backoff, 0));
    if (ok) {
        if (c->backoff.tries)
            log_line(WEIR_LOG_NOTICE, in->pipeline->flow.conf->label, "commits again");
        c->backoff.tries = 0;
        for (uint32_t i = 0; i < in->pipeline->n_outlets; i++) {
            struct commit_mark *m = &in->pipeline->marks[i];
            m->done = false;
            m->committed = m->committing;
        }
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

static void start(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    c->due_ms = now + in->pipeline->flow.conf->commit_ms;
    if (!collect(in))
        return;
    if (sinks_behind(in->pipeline)) {
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
    if ((c->phase == COMMIT_DRAINS && ledger_idle(&in->pipeline->flow.ledger)) ||
        (c->phase == COMMIT_AGAIN && now >= c->due_ms && !flow_failed(&in->pipeline->flow)))
        ask_sinks(in);
    if (c->phase == COMMIT_SINKS && !c->waiting_for)
        finish(in, now);
    return c->phase != COMMIT_NONE;
}

void commit_soon(struct intake *in)
{
    if (in->commit.phase == COMMIT_NONE)
        in->commit.due_ms = 0;
}

bool commit_settled(struct intake *in)
{
    struct commit *c = &in->commit;
    if (c->phase != COMMIT_NONE || sinks_behind(in->pipeline) || state_dirty(in->pipeline->state))
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
    bool busy = in->commit.phase == COMMIT_SINKS; /* a sink reads the positions of a commit under way */
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
