/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c - what a sink that keeps positions wrote since its last commit is void: it drops that, and the source reads
 * it again.
 *
 * Reading pauses and everything on its way comes to its end, which says nothing now; the sink aborts; the books go back
 * to where they were at its last commit; the source gives its lanes back and opens them where its own store says.  So a
 * record counts once, however often it was read.  Home thread of the source, except replay_ask. */
#include "intake.h"

#include "instance/call.h"
#include "pipeline.h"
#include "report/clock.h"
#include "report/log.h"

#include <inttypes.h>
#include <stdlib.h>

void replay_ask(struct intake *in, const char *who, const char *why)
{
    if (!atomic_exchange(&in->commit.voided, true))
        log_line(WEIR_LOG_WARNING, who, "gives up what it wrote since the last commit, it is read again: %s",
                 why);
    loop_wake(&in->loop);
}

bool replay_wanted(const struct intake *in)
{
    return atomic_load(&in->commit.voided);
}

void replay_keep(struct intake *in)
{
    struct pipeline *p = in->pipeline;
    ledger_keep(&p->flow.ledger);
    in->commit.replays.tries = 0;
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i]->flow ==
            &p->flow) /* dead letters that other readers share are counted as they come */
            outlet_books_keep(p->outlets[i]);
}

static void books_back(struct intake *in)
{
    struct pipeline *p = in->pipeline;
    uint64_t again = ledger_void(&p->flow.ledger);
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i]->flow == &p->flow)
            outlet_books_void(p->outlets[i]);
    commit_keeper_void(p);
    log_line(WEIR_LOG_INFO, p->flow.conf->label,
             "%" PRIu64 " records are read again from the last commit, and counted once", again);
}

void replay_begin(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    c->phase = COMMIT_VOID;
    /* the first time at once: mostly it is a rebalance, or an outage that is over */
    c->due_ms = c->replays.tries ? now + backoff_next(&c->replays, 0) : now;
    c->replays.tries += c->replays.tries == 0;
}

/* The sink answered: runs on its thread, so it only carries the answer over. */
struct answer {
    struct task task;
    struct intake *intake;
    int status;
    char *why;
};

static void answered(struct task *t)
{
    struct answer *a = (struct answer *)t;
    struct commit *c = &a->intake->commit;
    const char *label = a->intake->pipeline->flow.conf->label;
    c->waiting_for--;
    c->failed = a->status != WEIR_OK;
    if (a->status == WEIR_RETRY && c->backoff.tries == 0)
        log_line(WEIR_LOG_WARNING, label, "a sink could not drop what it wrote, trying on: %s", a->why);
    else if (c->failed && a->status != WEIR_RETRY)
        flow_fail(&a->intake->pipeline->flow, "a sink can not drop what it wrote: %s", a->why);
    free(a->why);
    free(a);
}

static void carry(void *arg, int status, const char *why)
{
    struct answer *a = xcalloc(1, sizeof *a);
    *a = (struct answer){.task = {.run = answered}, .intake = arg, .status = status, .why = xstrdup(why)};
    loop_post(&a->intake->loop, &a->task);
}

static void ask_abort(struct intake *in)
{
    struct commit *c = &in->commit;
    struct outlet *o = in->pipeline->keeper;
    c->phase = COMMIT_ABORTS;
    c->failed = false;
    c->waiting_for = 1;
    lane_abort(o->lane, o, carry, in);
}

/* The sink has dropped it: books and source go back. */
static void aborted(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    if (c->failed) { /* said once */
        c->phase = COMMIT_VOID;
        c->due_ms = now + KEEPER_AGAIN_MS;
        (void)backoff_next(&c->backoff, 0);
        return;
    }
    c->backoff.tries = 0;
    c->rejected = c->keeping = false;
    for (struct revoke *r = in->revokes; r; r = r->next)
        r->lost = true; /* what was drained of them is void too: there is nothing to commit before they go */
    books_back(in);
    in->ended = false;
    if (!atomic_load(&in->pipeline->stop))
        in->draining = false;
    atomic_store(&c->voided, false);
    c->phase = COMMIT_REWINDS;
}

static void rewind_source(struct intake *in, int64_t now)
{
    const struct weir_ops *ops = in->instance->ops;
    (void)revoke_tick(in, now); /* what it had given back before */
    instance_clear_failure(in->instance);
    int status = ops->rewind ? call_rewind(in->instance) : WEIR_FATAL;
    if (status == WEIR_AGAIN)
        return; /* its group is in the middle of something */
    if (status != WEIR_OK)
        flow_fail(&in->pipeline->flow, "[source] can not go back to the last commit: %s",
                  instance_why(in->instance));
    (void)revoke_tick(in, now); /* gives the lanes back at once: nothing of them is on its way */
    in->commit.phase = COMMIT_NONE;
    in->commit.due_ms = now + in->pipeline->flow.conf->commit_ms;
}

void replay_tick(struct intake *in, int64_t now)
{
    struct commit *c = &in->commit;
    if (c->phase == COMMIT_VOID && now >= c->due_ms && ledger_idle(&in->pipeline->flow.ledger))
        ask_abort(in);
    if (c->phase == COMMIT_ABORTS && !c->waiting_for)
        aborted(in, now);
    if (c->phase == COMMIT_REWINDS)
        rewind_source(in, now);
}
