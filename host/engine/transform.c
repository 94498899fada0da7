/* SPDX-License-Identifier: BSD-2-Clause */
/* transform.c - runs one stage and books what it did: dropped inputs, further copies, rejects.
 *
 * Home thread of the worker.  What a failed call emitted is thrown away as if it had not run. */
#include "transform.h"

#include "delivery/ledger.h"
#include "instance/call.h"
#include "mirror.h"
#include "pipeline.h"
#include "record/expr.h"
#include "report/log.h"

#include <stdlib.h>

/* A quarter of what may flow, shared by all that hold: so they never fill the budget alone, and what is beside them
 * goes on. */
static uint64_t hold_share(const struct flow *f)
{
    uint64_t n = 0;
    for (size_t i = 0; i < f->conf->n_transforms; i++)
        n += (conf_promises(&f->conf->transforms[i]) & WEIR_HOLDS) != 0;
    return n ? f->budget.limit / 4 / n / (uint64_t)f->conf->workers : 0;
}

struct transform *transform_new(struct pipeline *p, const struct section_conf *s, struct loop *loop,
                                uint32_t worker)
{
    struct transform *t = xcalloc(1, sizeof *t);
    t->conf = s;
    t->instance = flow_instance(&p->flow, s, loop, worker);
    t->one_to_one = conf_promises(s) & WEIR_ONE_TO_ONE;
    t->keeps = (conf_promises(s) & WEIR_HOLDS) && t->instance->ops->release && !s->part_key;
    uint64_t share = hold_share(&p->flow), asked = (uint64_t)s->hold_bytes;
    holds_init(&t->holds, (uint64_t)s->hold_records, asked && asked < share ? asked : share, s->hold_ms);
    return t;
}

void transform_free(struct transform *t)
{
    instance_free(t->instance);
    holds_free(&t->holds);
    free(t);
}

struct concern { /* which inputs `when` sends through process */
    uint8_t *each;
    uint32_t *map;
    struct weir_batch *batch;
};

/* seen: the inputs as they are, whatever part of them process is given as the value. */
static void judge(struct transform *t, struct weir_emitter *e, const struct weir_batch *seen,
                  struct concern *c)
{
    struct instance *in = t->instance;
    struct batch_subject subject;
    c->each = xcalloc(e->in->count, 1);
    c->map = xmalloc(e->in->count * sizeof *c->map);
    c->batch = batch_selection(e->in->budget, e->in->count);
    batch_subject_init(&subject, seen, in->loop, &in->scratch);
    for (uint32_t i = 0; i < e->in->count; i++) {
        in->match_why.len = 0;
        enum expr_result r = expr_match(t->conf->when, batch_subject_at(&subject, i), &in->match_why);
        arena_reset(&in->scratch);
        if (r == EXPR_FALSE)
            continue;
        c->each[i] = 1; /* an error is the record's: it is rejected below and not passed */
        if (r == EXPR_TRUE) {
            c->map[c->batch->count] = i;
            batch_select(c->batch, e->in, i);
        } else {
            struct weir_result why = {
                .index = i, .status = WEIR_REJECT, .type = "when", .why = in->match_why.data};
            e->rejected[i] = 1;
            rejects_add(&e->rejects, e->in, i, &why, 1);
        }
    }
    e->map = c->map;
    e->concerned = c->each;
    e->mapped = c->batch->count;
}

static void concern_free(struct concern *c)
{
    free(c->each);
    free(c->map);
    batch_unref(c->batch);
}

static int call(struct transform *t, struct weir_emitter *e, struct weir_batch *seen)
{
    struct concern c = {0};
    struct instance *in = t->instance;
    int status = WEIR_OK;
    instance_clear_failure(in);
    if (t->conf->when && expr_wants_text(t->conf->when))
        batch_print_edits(seen);
    if (t->conf->when)
        judge(t, e, seen, &c);
    e->process = c.batch ? c.batch : e->in;
    in->emitter = e;
    if (e->process->count)
        status = call_process(in, e->process, e);
    in->emitter = NULL;
    if (status == WEIR_OK)
        emitter_pass_unconcerned(e, e->in->count);
    else if (status == WEIR_RETRY)
        emitter_undo(e);
    if (t->conf->when)
        concern_free(&c);
    return status;
}

/* Enters into the books what the stage did to the copies of each input. */
static void book(struct transform *t, const struct weir_emitter *e)
{
    uint32_t n = e->in->count, dropped = 0, more = 0;
    uint8_t *none = xcalloc(n, 1);
    uint32_t *extra = xcalloc(n, sizeof *extra);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t copies = e->outputs[i] + e->rejected[i] + (e->held ? e->held[i] : 0);
        none[i] = copies == 0;
        dropped += copies == 0;
        extra[i] = copies > 1 ? copies - 1 : 0;
        more += extra[i];
    }
    if (more)
        ledger_add_copies(&t->instance->pipeline->flow.ledger, e->in, extra, 0);
    if (dropped)
        ledger_end_marked(e->in, none, DROPPED);
    free(none);
    free(extra);
}

/* process refused the whole chunk: every input becomes a dead letter. */
static void reject_all(struct transform *t, struct weir_emitter *e)
{
    struct weir_result why = {
        .status = WEIR_REJECT, .code = t->instance->failure.code, .why = instance_why(t->instance)};
    rejects_begin(&e->rejects, &t->instance->pipeline->flow, t->conf);
    for (uint32_t i = 0; i < e->in->count; i++)
        rejects_add(&e->rejects, e->in, i, &why, 1);
    rejects_send(&e->rejects);
}

/* The call ended well; what it emitted is ready, or NULL. */
static struct weir_batch *settle(struct weir_emitter *e)
{
    hold_settle(e);
    rejects_send(&e->rejects);
    e->out->several |= e->several;
    batch_seal(e->out);
    if (e->out->count)
        return e->out;
    batch_unref(e->out);
    return NULL;
}

/* It did not. */
static void discard(struct weir_emitter *e)
{
    hold_discard(e);
    rejects_discard(&e->rejects);
    batch_unref(e->out);
}

/* What a call that held or gave away records may not return. */
static int vouch(struct transform *t, const struct weir_emitter *e, int status)
{
    if (!e->gave || status == WEIR_OK || status == WEIR_FATAL)
        return status;
    flow_fail(
        &t->instance->pipeline->flow,
        "[%s] returned %d after it held or gave away records, and it can not be called again with them: a "
        "fault of the plugin",
        t->conf->title, status);
    return WEIR_FATAL;
}

/* Takes the reference of `in`, which is seen or its mirror. */
static int run(struct transform *t, struct weir_batch *in, struct weir_batch *seen,
               struct weir_batch **ret_out)
{
    struct pipeline *p = t->instance->pipeline;
    struct weir_emitter e = {.instance = t->instance, .in = in, .one_to_one = t->one_to_one};
    *ret_out = NULL;
    if (!t->one_to_one)
        batch_print_edits(in);
    batch_seal(in);
    e.out = batch_new(in->budget, in->count);
    e.outputs = xcalloc(in->count, sizeof *e.outputs);
    e.rejected = xcalloc(in->count, 1);
    if (t->keeps) {
        e.holds = &t->holds;
        e.held = xcalloc(in->count, sizeof *e.held);
    }
    rejects_begin(&e.rejects, &p->flow, t->conf);
    batch_descend(e.out, in);
    e.out->several = in->several;
    int status = vouch(t, &e, call(t, &e, seen));
    batch_seal(in); /* it grew by what was printed for when and process */
    if (status == WEIR_OK) {
        book(t, &e);
        *ret_out = settle(&e);
    } else {
        discard(&e);
        if (status == WEIR_REJECT)
            reject_all(t, &e);
        else if (status != WEIR_RETRY)
            flow_fail(&p->flow, "[%s] %s", t->conf->title, instance_why(t->instance));
    }
    free(e.outputs);
    free(e.rejected);
    free(e.held);
    if (status != WEIR_RETRY)
        batch_unref(in);
    return status;
}

/* The same of the records' keys. */
static int run_mirrored(struct transform *t, struct weir_batch *in, struct weir_batch **ret_out)
{
    struct weir_batch *mirror = mirror_new(in);
    int status = run(t, mirror, in, ret_out);
    if (status == WEIR_RETRY) {
        batch_unref(mirror);
        return status;
    }
    if (*ret_out)
        mirror_turn(*ret_out, in);
    batch_unref(in);
    return status;
}

int transform_run(struct transform *t, struct weir_batch *in, struct weir_batch **ret_out)
{
    return t->conf->part_key ? run_mirrored(t, in, ret_out) : run(t, in, in, ret_out);
}

/* A call without inputs; what it gives comes from groups alone. */
static void begin_apart(struct transform *t, struct weir_emitter *e)
{
    struct flow *f = &t->instance->pipeline->flow;
    *e = (struct weir_emitter){.instance = t->instance, .holds = t->keeps ? &t->holds : NULL};
    e->out = batch_new(&f->budget, 16);
    rejects_begin(&e->rejects, f, t->conf);
    instance_clear_failure(t->instance);
    t->instance->emitter = e;
}

static void end_apart(struct transform *t, struct weir_emitter *e, int status, struct weir_batch **ret_out)
{
    t->instance->emitter = NULL;
    *ret_out = NULL;
    if (status == WEIR_OK) {
        *ret_out = settle(e);
        return;
    }
    discard(e);
    flow_fail(&t->instance->pipeline->flow, "[%s] %s", t->conf->title, instance_why(t->instance));
}

void transform_release(struct transform *t, int64_t now, bool all, struct weir_batch **ret_out)
{
    struct weir_emitter e;
    uint32_t why;
    int status = WEIR_OK;
    begin_apart(t, &e);
    struct hold *g = holds_due_first(&t->holds, now, all, &why);
    for (; g && status == WEIR_OK; g = holds_due_next(&t->holds, now, all, &why)) {
        e.awaited = g;
        status = call_release(t->instance, &e, g->records, g->opaque, why);
        if (status == WEIR_OK && e.awaited) {
            flow_fail(&t->instance->pipeline->flow,
                      "[%s] kept records that it was told to give away: a fault of the plugin",
                      t->conf->title);
            status = WEIR_FATAL;
        }
    }
    end_apart(t, &e, status, ret_out);
}

void transform_serve(struct transform *t, uint32_t why, struct weir_batch **ret_out)
{
    struct weir_emitter e;
    begin_apart(t, &e);
    int status = call_serve(t->instance, &e, why);
    end_apart(t, &e, status == WEIR_FATAL || e.gave ? vouch(t, &e, status) : WEIR_OK, ret_out);
}
