/* SPDX-License-Identifier: BSD-2-Clause */
/* told.h - one outlet with a sink that does what the test says, and a clock that stands still. */
#ifndef WEIR_TESTS_TOLD_H
#define WEIR_TESTS_TOLD_H

#include "report/clock.h"
#include "rig.h"

struct fake { /* conf and self of the sink */
    struct weir_ctx *ctx;
    int status;                  /* write's */
    const char *why;             /* its reason */
    struct weir_batch *held[16]; /* taken and not given back, oldest first */
    int n_held, flushes, opens;
    int open_status;
    char said[2048]; /* every batch written: [a0 a1][b0] */
};

static inline int fake_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct fake *f = (struct fake *)(uintptr_t)conf;
    f->ctx = ctx;
    *self = f;
    return WEIR_OK;
}

static inline int fake_open(void *self)
{
    struct fake *f = self;
    f->opens++;
    return f->open_status;
}

static inline void note(struct fake *f, const struct weir_batch *b)
{
    size_t n = strlen(f->said);
    for (uint32_t i = 0; i < b->count; i++)
        n += (size_t)snprintf(f->said + n, sizeof f->said - n, "%s%c%u", i ? " " : "[",
                              *(const char *)b->records[i].shard->id.ptr, (unsigned)b->records[i].seq);
    if (n + 2 > sizeof f->said)
        abort();
    f->said[n] = ']';
}

static inline int fake_write(void *self, struct weir_batch *b)
{
    struct fake *f = self;
    if (f->status == WEIR_AGAIN)
        return WEIR_AGAIN;
    note(f, b);
    if (f->status != WEIR_OK) {
        struct weir_result r = {.why = f->why, .code = 7};
        (f->ctx->host->fail)(f->ctx, &r);
        return f->status;
    }
    f->held[f->n_held++] = b;
    return WEIR_OK;
}

static inline int fake_flush(void *self)
{
    ((struct fake *)self)->flushes++;
    return WEIR_OK;
}

#define FAKE                                                                                                 \
    .kind = WEIR_SINK, .create = fake_create, .open = fake_open, .write = fake_write, .flush = fake_flush,   \
    .destroy = rig_destroy
static const struct weir_ops plain = {.struct_size = sizeof plain, FAKE};
static const struct weir_ops ordered = {.struct_size = sizeof ordered, .promises = WEIR_ORDERED, FAKE};

static int64_t now;
static inline int64_t stopped_clock(void)
{
    return now;
}

static struct rig rig;
static struct fake sink, dead;
static struct section_conf *conf;
static struct outlet *o;

static int setup(void **state)
{
    if (scratch_make(state))
        return -1;
    now = 1000000;
    clock_replace(stopped_clock, stopped_clock);
    sink = dead = (struct fake){.status = WEIR_OK};
    rig_init(&rig);
    conf = rig_sink(&rig, "sink", &plain, &sink);
    return 0;
}

static int teardown(void **state)
{
    for (uint32_t i = 0; i < rig.p->n_outlets; i++)
        outlet_close(rig.p->outlets[i]);
    for (struct lane *l = rig.p->lanes; l; l = l->next)
        lane_drop(l);
    uint64_t used = rig.p->flow.budget.used;
    rig_free(&rig);
    clock_replace(NULL, NULL);
    return scratch_remove(state) || used;
}

static inline void build(void)
{
    rig_build(&rig);
    o = rig.p->outlets[0];
}

static inline void build_parallel(void) /* the sink keeps order itself: batches side by side */
{
    conf->ops = &ordered;
    build();
}

static inline int64_t tick(void)
{
    loop_run_tasks(&o->lane->loop);
    int64_t at = outlet_tick(o, now);
    if (rig.p->flow.dead)
        (void)outlet_tick(rig.p->flow.dead, now);
    return at;
}

static inline void offer(const struct rig_record *records, uint32_t n)
{
    struct weir_batch *b = rig_chunk(&rig, records, n);
    outlet_take(o, b);
    batch_unref(b);
}
#define OFFER(...)                                                                                           \
    offer((const struct rig_record[]){__VA_ARGS__},                                                          \
          sizeof((const struct rig_record[]){__VA_ARGS__}) / sizeof(struct rig_record))

static inline void many(unsigned shard, uint64_t first, uint32_t n)
{
    struct rig_record *records = calloc(n, sizeof *records);
    for (uint32_t i = 0; i < n; i++)
        records[i] = (struct rig_record){shard, first + i, "x"};
    offer(records, n);
    free(records);
}

/* Gives back the oldest batch that is held. */
static inline int complete(struct fake *f, const struct weir_result *results, uint32_t n)
{
    struct weir_batch *b = f->held[0];
    assert_true(f->n_held > 0);
    memmove(f->held, f->held + 1, sizeof *f->held * (size_t)--f->n_held);
    return f->ctx->host->complete(f->ctx, b, results, n, sizeof *results);
}

static inline void answer(uint32_t index, int status)
{
    struct weir_result r = {.index = index, .status = status, .why = "as told"};
    assert_int_equal(complete(&sink, &r, 1), WEIR_OK);
    (void)tick();
}

static inline void fine(void)
{
    assert_int_equal(complete(&sink, NULL, 0), WEIR_OK);
    (void)tick();
}

static inline void said(const char *what)
{
    assert_string_equal(sink.said, what);
    memset(sink.said, 0, sizeof sink.said);
}

static inline struct books books(void)
{
    return ledger_books(&rig.p->flow.ledger);
}

static inline void all_delivered(uint64_t n)
{
    assert_int_equal(books().delivered, n);
    assert_int_equal(books().open, 0);
    assert_int_equal(rig.p->flow.budget.used, 0);
    assert_true(ledger_idle(&rig.p->flow.ledger));
}

#endif
