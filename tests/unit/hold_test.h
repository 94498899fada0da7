/* SPDX-License-Identifier: BSD-2-Clause */
/* hold_test.h - a rig whose transforms hold records, and what their tests say again and again. */
#ifndef WEIR_TESTS_HOLD_TEST_H
#define WEIR_TESTS_HOLD_TEST_H

#include "engine/transform.h"
#include "report/clock.h"
#include "rig.h"

enum what { MERGE, DROP, PASS, REJECT, NOTHING, KEEP };

struct stage { /* conf and self of the fake transform */
    struct weir_ctx *ctx;
    int (*process)(struct stage *, const struct weir_batch *, struct weir_emitter *);
    struct weir_batch *group;
    enum what what; /* release does with a group */
    int64_t until;
    int status; /* that process returns */
    uint32_t released, why;
};

static inline int stage_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct stage *s = (struct stage *)(uintptr_t)conf;
    s->ctx = ctx;
    *self = s;
    return WEIR_OK;
}

static inline int stage_process(void *self, const struct weir_batch *in, struct weir_emitter *e)
{
    struct stage *s = self;
    return s->process(s, in, e);
}

/* "a+b+c" out of a group. */
static inline int merge(struct stage *s, struct weir_emitter *e, struct weir_batch *group)
{
    char text[256];
    size_t n = 0;
    struct weir_view v = {.struct_size = sizeof v};
    assert_int_equal(s->ctx->host->view(s->ctx, group, &v), WEIR_OK);
    struct weir_record r = *weir_record_at(&v, 0);
    for (uint32_t i = 0; i < v.count; i++) {
        const struct weir_record *one = weir_record_at(&v, i);
        text[n] = '+';
        n += i > 0;
        memcpy(text + n, one->value.ptr, one->value.len);
        n += one->value.len;
    }
    r.value = (struct weir_slice){text, n};
    r.seq = r.next = 999; /* not its to say */
    return s->ctx->host->emit_held(e, group, &r, sizeof r, NULL);
}

static inline int give(struct stage *s, struct weir_emitter *e, struct weir_batch *group, enum what what)
{
    const struct weir_result why = {.status = WEIR_REJECT, .why = "no"};
    const struct weir_host *host = s->ctx->host;
    return what == MERGE    ? merge(s, e, group)
           : what == DROP   ? host->emit_held(e, group, NULL, 0, NULL)
           : what == PASS   ? host->pass_held(e, group)
           : what == REJECT ? host->reject_held(e, group, &why)
                            : WEIR_OK;
}

static inline int stage_release(void *self, struct weir_emitter *e, struct weir_batch *group, void *opaque,
                                uint32_t why)
{
    struct stage *s = self;
    assert_ptr_equal(opaque, s);
    s->released++;
    s->why = why;
    return give(s, e, group, s->what);
}

static const struct weir_ops holder = {.struct_size = sizeof holder,
                                       .kind = WEIR_TRANSFORM,
                                       .promises = WEIR_HOLDS,
                                       .create = stage_create,
                                       .process = stage_process,
                                       .destroy = rig_destroy,
                                       .release = stage_release};

static struct rig rig;

static inline int setup(void **state)
{
    if (scratch_make(state))
        return -1;
    rig_init(&rig);
    rig_sink(&rig, "sink", &rig_full, NULL);
    return 0;
}

static inline int teardown(void **state)
{
    for (struct lane *l = rig.p->lanes; l; l = l->next)
        for (uint32_t i = 0; i < l->n_transforms; i++)
            instance_close(l->transforms[i]->instance);
    for (uint32_t i = 0; i < rig.p->n_outlets; i++)
        outlet_close(rig.p->outlets[i]);
    rig_free(&rig);
    return scratch_remove(state);
}

static inline struct transform *stage_at(uint32_t i)
{
    return rig.p->workers[0]->transforms[i];
}

static inline void build(struct stage *stages, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        rig_transform(&rig, "transform held", &holder, &stages[i]);
    rig_build(&rig);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(instance_open(stage_at(i)->instance), WEIR_OK);
}

/* One stage with its limits. */
static inline void build_limited(struct stage *s, int64_t records, int64_t bytes)
{
    struct section_conf *conf = rig_transform(&rig, "transform held", &holder, s);
    conf->hold_records = records;
    conf->hold_bytes = bytes;
    rig_build(&rig);
    assert_int_equal(instance_open(stage_at(0)->instance), WEIR_OK);
}

/* Three records a, b, c; or from seq on. */
static inline struct weir_batch *three(uint64_t seq)
{
    const struct rig_record records[] = {{0, seq, "a"}, {0, seq + 1, "b"}, {0, seq + 2, "c"}};
    return rig_chunk(&rig, records, 3);
}

static inline struct weir_batch *run(uint32_t stage, struct weir_batch *in)
{
    struct weir_batch *out;
    assert_int_equal(transform_run(stage_at(stage), in, &out), WEIR_OK);
    return out;
}

static inline struct weir_batch *release(uint32_t stage, int64_t in_ms, bool all)
{
    struct weir_batch *out;
    transform_release(stage_at(stage), clock_mono_ms() + in_ms, all, &out);
    return out;
}

static inline void holds(const struct weir_batch *b, uint32_t i, uint64_t seq, const char *value)
{
    assert_int_equal(b->records[i].seq, seq);
    assert_int_equal(b->records[i].next, seq + 1);
    assert_int_equal(b->records[i].value.len, strlen(value));
    assert_memory_equal(b->records[i].value.ptr, value, strlen(value));
}

static inline void books_say(uint64_t open, uint64_t delivered, uint64_t dropped, uint64_t dead)
{
    struct books b = ledger_books(&rig.p->flow.ledger);
    assert_int_equal(b.open, open);
    assert_int_equal(b.delivered, delivered);
    assert_int_equal(b.dropped, dropped);
    assert_int_equal(b.dead, dead);
}

static inline uint64_t watermark(void)
{
    struct shard *s = rig_shard(&rig, 0);
    ledger_advance(&rig.p->flow.ledger);
    return s->stored ? s->watermark : 0;
}

static inline void deliver(struct weir_batch *out)
{
    ledger_end_all(out, DELIVERED);
    batch_unref(out);
}

static inline void all_is_done(void)
{
    assert_true(ledger_idle(&rig.p->flow.ledger));
    assert_int_equal(rig.p->flow.budget.used, 0);
}

static inline int hold_all(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < in->count; i++)
        assert_int_equal(s->ctx->host->hold(e, i, &s->group, s->until, s), WEIR_OK);
    return s->status;
}
/* Those that were handed to the dead-letter sink. */
static inline const struct weir_batch *letters(void)
{
    struct outlet *dead = rig.p->flow.dead;
    loop_run_tasks(&dead->lane->loop);
    assert_non_null(dead->head);
    return dead->head->chunk;
}

/* The sinks' part of it. */
static inline void refuse(const struct weir_batch *out, uint32_t i)
{
    const struct weir_result why = {.status = WEIR_REJECT, .why = "too long"};
    struct rejects rejects;
    rejects_begin(&rejects, &rig.p->flow, &rig.sinks[0]);
    rejects_add(&rejects, out, i, &why, 1);
    rejects_send(&rejects);
}

#endif
