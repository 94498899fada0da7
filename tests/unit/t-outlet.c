/* SPDX-License-Identifier: BSD-2-Clause */
/* t-outlet.c - the way into a sink, with a sink that does what the test says and a clock that stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/expr.h"
#include "report/clock.h"
#include "rig.h"

#include <pthread.h>

struct fake { /* conf and self of the sink */
    struct weir_ctx *ctx;
    int status;                  /* write's */
    const char *why;             /* its reason */
    struct weir_batch *held[16]; /* taken and not given back, oldest first */
    int n_held, flushes, opens;
    int open_status;
    char said[2048]; /* every batch written: [a0 a1][b0] */
};

static int fake_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct fake *f = (struct fake *)(uintptr_t)conf;
    f->ctx = ctx;
    *self = f;
    return WEIR_OK;
}

static int fake_open(void *self)
{
    struct fake *f = self;
    f->opens++;
    return f->open_status;
}

static void note(struct fake *f, const struct weir_batch *b)
{
    size_t n = strlen(f->said);
    for (uint32_t i = 0; i < b->count; i++)
        n += (size_t)snprintf(f->said + n, sizeof f->said - n, "%s%c%u", i ? " " : "[",
                              *(const char *)b->records[i].shard->id.ptr, (unsigned)b->records[i].seq);
    if (n + 2 > sizeof f->said)
        abort();
    f->said[n] = ']';
}

static int fake_write(void *self, struct weir_batch *b)
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

static int fake_flush(void *self)
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
static int64_t stopped_clock(void)
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
    uint64_t used = rig.p->budget.used;
    rig_free(&rig);
    clock_replace(NULL, NULL);
    return scratch_remove(state) || used;
}

static void build(void)
{
    rig_build(&rig);
    o = rig.p->outlets[0];
}

static void build_parallel(void) /* the sink keeps order itself: batches side by side */
{
    conf->ops = &ordered;
    build();
}

static int64_t tick(void)
{
    loop_run_tasks(&o->lane->loop);
    int64_t at = outlet_tick(o, now);
    if (rig.p->dead)
        (void)outlet_tick(rig.p->dead, now);
    return at;
}

static void offer(const struct rig_record *records, uint32_t n)
{
    struct weir_batch *b = rig_chunk(&rig, records, n);
    outlet_take(o, b);
    batch_unref(b);
}
#define OFFER(...)                                                                                           \
    offer((const struct rig_record[]){__VA_ARGS__},                                                          \
          sizeof((const struct rig_record[]){__VA_ARGS__}) / sizeof(struct rig_record))

static void many(unsigned shard, uint64_t first, uint32_t n)
{
    struct rig_record *records = calloc(n, sizeof *records);
    for (uint32_t i = 0; i < n; i++)
        records[i] = (struct rig_record){shard, first + i, "x"};
    offer(records, n);
    free(records);
}

/* Gives back the oldest batch that is held. */
static int complete(struct fake *f, const struct weir_result *results, uint32_t n)
{
    struct weir_batch *b = f->held[0];
    assert_true(f->n_held > 0);
    memmove(f->held, f->held + 1, sizeof *f->held * (size_t)--f->n_held);
    return f->ctx->host->complete(f->ctx, b, results, n, sizeof *results);
}

static void answer(uint32_t index, int status)
{
    struct weir_result r = {.index = index, .status = status, .why = "as told"};
    assert_int_equal(complete(&sink, &r, 1), WEIR_OK);
    (void)tick();
}

static void fine(void)
{
    assert_int_equal(complete(&sink, NULL, 0), WEIR_OK);
    (void)tick();
}

static void said(const char *what)
{
    assert_string_equal(sink.said, what);
    memset(sink.said, 0, sizeof sink.said);
}

static struct books books(void)
{
    return ledger_books(&rig.p->ledger);
}

static void all_delivered(uint64_t n)
{
    assert_int_equal(books().delivered, n);
    assert_int_equal(books().open, 0);
    assert_int_equal(rig.p->budget.used, 0);
    assert_true(ledger_idle(&rig.p->ledger));
}

/* ---- batching ---- */
static void a_batch_has_no_more_records_than_it_may(void **state)
{
    (void)state;
    conf->batch_records = 3;
    conf->in_flight = 8;
    build_parallel();
    many(0, 0, 5);
    many(0, 5, 3);
    (void)tick();
    said("[a0 a1 a2][a3 a4 a5][a6 a7]");
    for (int i = 0; i < 3; i++)
        fine();
    all_delivered(8);
    assert_int_equal(o->books.in, 8);
    assert_int_equal(o->books.delivered, 8);
}

static void a_batch_stays_below_its_bytes_but_for_one_large_record(void **state)
{
    (void)state;
    conf->batch_bytes = 10;
    conf->in_flight = 8;
    build_parallel();
    OFFER({0, 0, "12345"}, {0, 1, "12345"}, {0, 2, "1"}, {0, 3, "123456789012345"}, {0, 4, "1"});
    OFFER({0, 5, "123456789"}, {0, 6, "12"});
    (void)tick();
    said("[a0 a1][a2][a3][a4 a5][a6]");
    assert_int_equal(o->pending_bytes, 0);
    for (int i = 0; i < 5; i++)
        fine();
    all_delivered(7);
}

static void records_linger_until_it_is_worth_it(void **state)
{
    (void)state;
    conf->linger_ms = 200;
    conf->batch_records = 4;
    build();
    many(0, 0, 2);
    assert_int_equal(tick(), now + 200);
    now += 150;
    many(0, 2, 1);
    assert_int_equal(tick(), now + 50);
    said("");
    now += 50;
    (void)tick();
    said("[a0 a1 a2]");
    fine();
    many(0, 3, 4); /* full: at once */
    (void)tick();
    said("[a3 a4 a5 a6]");
    fine();
    many(0, 7, 1);
    outlet_flush(o, true);
    (void)tick();
    said("[a7]");
    assert_int_equal(sink.flushes, 1);
    fine();
    all_delivered(8);
}

static void no_more_batches_are_lent_than_may_be(void **state)
{
    (void)state;
    conf->in_flight = 2;
    conf->batch_records = 1;
    build_parallel();
    many(0, 0, 4);
    assert_int_equal(tick(), INT64_MAX);
    said("[a0][a1]");
    fine();
    said("[a2]");
    outlet_flush(o, true);
    (void)tick();
    assert_true(sink.flushes > 0); /* more waits, but nothing more comes while the sink holds all it may */
    for (int i = 0; i < 3; i++)
        fine();
    all_delivered(4);
}

static void a_sink_that_keeps_no_order_gets_one_batch_at_a_time(void **state)
{
    (void)state;
    conf->in_flight = 4;
    conf->batch_records = 1;
    build();
    many(0, 0, 2);
    (void)tick();
    said("[a0]");
    fine();
    said("[a1]");
    fine();
    all_delivered(2);
}

static void again_offers_the_same_batch(void **state)
{
    (void)state;
    build();
    sink.status = WEIR_AGAIN;
    many(0, 0, 2);
    assert_true(tick() > now);
    said("");
    many(0, 2, 1);
    sink.status = WEIR_OK;
    (void)tick();
    said("[a0 a1]");
    fine();
    said("[a2]");
    fine();
    all_delivered(3);
}

static void when_drops_what_the_sink_does_not_want(void **state)
{
    char why[256];
    (void)state;
    struct weir_expr *when = expr_compile(". > 1", why, sizeof why);
    conf->when = when;
    rig_dead(&rig, &plain, &dead);
    build();
    OFFER({0, 0, "1"}, {0, 1, "2"}, {0, 2, "no json"}, {0, 3, "3"});
    (void)tick();
    said("[a1 a3]");
    fine();
    assert_string_equal(dead.said, "[a2]");
    assert_int_equal(complete(&dead, NULL, 0), WEIR_OK);
    (void)tick();
    assert_int_equal(books().dropped, 1);
    assert_int_equal(books().delivered, 2);
    assert_int_equal(books().dead, 1);
    expr_free(when);
}

/* ---- retries ---- */
static void only_failed_records_are_sent_again(void **state)
{
    (void)state;
    build();
    many(0, 0, 4);
    (void)tick();
    struct weir_result r[2] = {{.index = 1, .status = WEIR_RETRY, .why = "busy"},
                               {.index = 3, .status = WEIR_RETRY, .why = "busy", .retry_after_ms = 700}};
    assert_int_equal(complete(&sink, r, 2), WEIR_OK);
    assert_int_equal(books().delivered, 0); /* not before it came home */
    assert_int_equal(tick(), now + 700);
    assert_int_equal(books().delivered, 2);
    memset(sink.said, 0, sizeof sink.said);
    now += 699;
    (void)tick();
    said("");
    now += 1;
    (void)tick();
    said("[a1 a3]");
    assert_int_equal(sink.held[0]->attempt, 1);
    fine();
    all_delivered(4);
    assert_int_equal(o->books.retried, 2);
}

static void a_shard_waits_for_its_retry_and_others_flow(void **state)
{
    (void)state;
    build();
    OFFER({0, 0, "x"}, {1, 0, "x"}, {0, 1, "x"});
    (void)tick();
    said("[a0 b0 a1]");
    OFFER({0, 2, "x"}, {1, 1, "x"}, {2, 0, "x"});
    OFFER({0, 3, "x"});
    OFFER({1, 2, "x"}, {0, 4, "x"});
    answer(2, WEIR_RETRY); /* a1 */
    said("[b1 c0 b2]");
    fine();
    OFFER({1, 3, "x"});
    (void)tick();
    said("[b3]");
    fine();
    now += 2000;
    (void)tick();
    said("[a1]");
    fine();
    said("[a2 a3 a4]"); /* in one batch, and no empty one for what was emptied on the way */
    fine();
    said("");
    all_delivered(10);
}

static void picking_past_a_held_shard_keeps_limits_and_order(void **state)
{
    (void)state;
    conf->batch_bytes = 10;
    build();
    OFFER({0, 0, "x"});
    (void)tick();
    said("[a0]");
    OFFER({1, 0, "12345678"}, {1, 1, "1234"}, {1, 2, "1"}, {0, 1, "x"}, {1, 3, "1"});
    answer(0, WEIR_RETRY);
    /* the whole batch waits: nothing flows */
    said("");
    now += 2000;
    (void)tick();
    said("[a0]");
    fine();
    said("[b0]");
    fine();
    said("[b1 b2 a1 b3]");
    fine();
    OFFER({0, 2, "x"}, {1, 4, "x"});
    (void)tick();
    said("[a2 b4]");
    OFFER({1, 5, "12345678"}, {1, 6, "1234"}, {1, 7, "1"}, {0, 3, "x"}, {1, 8, "1"});
    answer(0, WEIR_RETRY); /* a2 alone: b flows, each batch below its bytes, b7 not before b6 */
    said("[b5]");
    fine();
    said("[b6 b7 b8]");
    fine();
    now += 2000;
    (void)tick();
    said("[a2]");
    fine();
    said("[a3]");
    fine();
    all_delivered(13);
    assert_int_equal(o->pending_bytes, 0);
    assert_int_equal(o->pending_records, 0);
}

static void side_by_side_a_retry_does_not_hold_up_what_lingers(void **state)
{
    (void)state;
    conf->linger_ms = 200;
    build_parallel();
    many(0, 0, 2);
    now += 200;
    (void)tick();
    struct weir_result r = {.index = 0, .status = WEIR_RETRY, .retry_after_ms = 60000};
    assert_int_equal(complete(&sink, &r, 1), WEIR_OK);
    (void)tick();
    said("[a0 a1]");
    many(1, 0, 1);
    assert_int_equal(tick(), now + 200);
    now += 200;
    assert_int_equal(tick(), now - 200 + 60000);
    said("[b0]");
    fine();
    now += 60000;
    (void)tick();
    said("[a0]");
    fine();
    all_delivered(3);
}

static void a_batch_refused_as_a_whole_backs_off(void **state)
{
    int64_t last = 0;
    (void)state;
    build();
    sink.status = WEIR_RETRY;
    sink.why = "down";
    many(0, 0, 2);
    many(1, 0, 2);
    (void)tick();
    for (int k = 0; k < 8; k++) { /* each wait is between half of the cap and the cap, which doubles to 1 s */
        int64_t cap = 100 << k < 1000 ? 100 << k : 1000, at = tick();
        assert_in_range(at - now, cap / 2, cap);
        assert_true(cap < 1000 || at - now >= last / 2);
        last = at - now;
        now = at - 1;
        assert_int_equal(tick(), at);
        now = at;
        (void)tick();
    }
    sink.status = WEIR_OK;
    memset(sink.said, 0, sizeof sink.said);
    now = tick();
    (void)tick();
    said("[a0 a1 b0 b1]");
    assert_int_equal(o->instance->health, WEIR_DEGRADED);
    fine();
    assert_int_equal(o->instance->health, WEIR_UP);
    all_delivered(4);
}

static void a_due_retry_does_not_spin_while_the_sink_is_full(void **state)
{
    (void)state;
    conf->in_flight = 1;
    build_parallel();
    many(0, 0, 2);
    (void)tick();
    many(1, 0, 1);
    answer(0, WEIR_RETRY);
    said("[a0 a1][b0]");
    now += 5000; /* a0 is due, b0 still out */
    assert_int_equal(tick(), INT64_MAX);
    fine();
    said("[a0]");
    fine();
    all_delivered(3);
}

static void retry_for_gives_up_to_the_dead_letters(void **state)
{
    (void)state;
    conf->retry_for_ms = 3000;
    rig_dead(&rig, &plain, &dead);
    build();
    sink.status = WEIR_RETRY;
    sink.why = "down";
    many(0, 0, 2);
    int64_t start = now;
    while (now < start + 10000 && !dead.n_held) {
        int64_t at = tick();
        now = at > now && at < now + 1000 ? at : now + 100;
    }
    assert_in_range(now - start, 3000, 4200);
    (void)tick();
    assert_string_equal(dead.said, "[a0 a1]");
    const struct weir_record *r = &dead.held[0]->records[0];
    const struct weir_header *message = &r->headers[8];
    assert_memory_equal(message->value.ptr, "given up after ", 15);
    assert_int_equal(complete(&dead, NULL, 0), WEIR_OK);
    (void)tick();
    assert_int_equal(books().dead, 2);
    assert_int_equal(o->books.dead, 2);
    assert_int_equal(books().open, 0);
}

/* ---- split, reject, fatal ---- */
static void split_halves_down_to_one_record_which_is_rejected(void **state)
{
    (void)state;
    rig_dead(&rig, &plain, &dead);
    build();
    many(0, 0, 5);
    many(0, 5, 1);
    (void)tick();
    answer(WEIR_ALL, WEIR_SPLIT); /* a0 ... a5 */
    answer(WEIR_ALL, WEIR_SPLIT); /* a0 a1 a2 */
    fine();                       /* a0 */
    answer(WEIR_ALL, WEIR_SPLIT); /* a1 a2 */
    answer(WEIR_ALL, WEIR_SPLIT); /* a1 alone */
    fine();                       /* a2 */
    fine();                       /* a3 a4 a5 */
    said("[a0 a1 a2 a3 a4 a5][a0 a1 a2][a0][a1 a2][a1][a2][a3 a4 a5]");
    assert_string_equal(dead.said, "[a1]");
    assert_int_equal(complete(&dead, NULL, 0), WEIR_OK);
    (void)tick();
    assert_int_equal(books().delivered, 5);
    assert_int_equal(books().dead, 1);
    assert_int_equal(books().open, 0);
}

static void halves_keep_their_order_when_the_first_fails(void **state)
{
    (void)state;
    build();
    OFFER({0, 0, "x"}, {0, 1, "x"}, {0, 2, "x"}, {1, 0, "x"});
    OFFER({0, 3, "x"});
    (void)tick();
    said("[a0 a1 a2 b0 a3]");
    answer(WEIR_ALL, WEIR_SPLIT);
    said("[a0 a1]");
    answer(1, WEIR_RETRY); /* a1 waits, so the half behind it does */
    said("");
    now += 2000;
    (void)tick();
    said("[a1]");
    answer(WEIR_ALL, WEIR_RETRY);
    said("");
    now += 2000;
    (void)tick();
    said("[a1]");
    fine();
    said("[a2 b0 a3]");
    fine();
    all_delivered(5);
}

static void records_too_large_among_others_go_again_in_a_smaller_batch(void **state)
{
    (void)state;
    rig_dead(&rig, &plain, &dead);
    build();
    many(0, 0, 4);
    (void)tick();
    struct weir_result r[2] = {{.index = 1, .status = WEIR_SPLIT}, {.index = 3, .status = WEIR_SPLIT}};
    assert_int_equal(complete(&sink, r, 2), WEIR_OK);
    (void)tick();
    said("[a0 a1 a2 a3][a1 a3]");
    answer(0, WEIR_SPLIT);
    said("[a1]");
    answer(0, WEIR_SPLIT);
    assert_string_equal(dead.said, "[a1]");
    assert_int_equal(books().delivered, 3);
}

static void a_dead_letter_has_ten_headers_and_its_bytes(void **state)
{
    static const char *const names[] = {"topic",
                                        "partition",
                                        "offset",
                                        "connector.name",
                                        "task.id",
                                        "stage",
                                        "class.name",
                                        "exception.class.name",
                                        "exception.message",
                                        "exception.stacktrace"};
    static const char *const values[] = {
        "t", "1", "41", "rig", "0", "TASK_PUT", "fake", "mapper", "bad field", "[sink] attempts 1, code 400"};
    (void)state;
    rig_dead(&rig, &plain, &dead);
    build();
    OFFER({1, 40, "good"}, {1, 41, "bad"});
    (void)tick();
    struct weir_result r = {
        .index = 1, .status = WEIR_REJECT, .code = 400, .type = "mapper", .why = "bad field"};
    assert_int_equal(complete(&sink, &r, 1), WEIR_OK);
    (void)tick();
    assert_int_equal(dead.n_held, 1);
    const struct weir_record *d = &dead.held[0]->records[0];
    assert_int_equal(d->n_headers, 10);
    for (int i = 0; i < 10; i++) {
        char name[64];
        snprintf(name, sizeof name, "__connect.errors.%s", names[i]);
        assert_int_equal(d->headers[i].name.len, strlen(name));
        assert_memory_equal(d->headers[i].name.ptr, name, strlen(name));
        assert_int_equal(d->headers[i].value.len, strlen(values[i]));
        assert_memory_equal(d->headers[i].value.ptr, values[i], strlen(values[i]));
    }
    assert_memory_equal(d->value.ptr, "bad", 3);
    assert_int_equal(d->seq, 41);
    assert_int_equal(books().delivered, 1);
    assert_int_equal(books().open, 1); /* until the dead-letter sink has it */
    assert_int_equal(complete(&dead, NULL, 0), WEIR_OK);
    (void)tick();
    assert_int_equal(books().dead, 1);
    assert_int_equal(books().open, 0);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    char why[2000];
    (void)state;
    rig_dead(&rig, &plain, &dead);
    build();
    many(0, 0, 1);
    (void)tick();
    memset(why, 'x', sizeof why);
    memcpy(why + 1022, "\xe2\x82\xac", 3);
    why[sizeof why - 1] = 0;
    struct weir_result r = {.index = 0, .status = WEIR_REJECT, .why = why};
    assert_int_equal(complete(&sink, &r, 1), WEIR_OK);
    (void)tick();
    assert_int_equal(dead.held[0]->records[0].headers[8].value.len, 1022);
}

static void without_dead_letters_a_reject_stops_the_pipeline(void **state)
{
    (void)state;
    build();
    many(0, 0, 2);
    (void)tick();
    answer(1, WEIR_REJECT);
    assert_true(pipeline_failed(rig.p));
    assert_int_equal(books().delivered, 1);
    assert_int_equal(books().open, 1);
    assert_int_equal(o->books.dead, 0); /* it is in no dead letter */
    many(0, 2, 1);
    (void)tick();
    said("[a0 a1]"); /* nothing more is written */
}

static void a_dead_letter_that_is_refused_stops_the_pipeline(void **state)
{
    (void)state;
    rig_dead(&rig, &plain, &dead);
    build();
    many(0, 0, 1);
    (void)tick();
    answer(0, WEIR_REJECT);
    struct weir_result r = {.index = 0, .status = WEIR_REJECT, .why = "not here"};
    assert_int_equal(complete(&dead, &r, 1), WEIR_OK);
    (void)tick();
    assert_true(pipeline_failed(rig.p));
    assert_int_equal(books().open, 1);
}

static void rejects_in_a_row_stop_the_pipeline(void **state)
{
    struct weir_result r[3];
    (void)state;
    rig_dead(&rig, &plain, &dead)->stop_after = 4;
    build();
    for (uint32_t i = 0; i < 3; i++)
        r[i] = (struct weir_result){.index = i, .status = WEIR_REJECT};
    for (int k = 0; k < 3; k++) { /* one in four succeeds: never four in a row */
        many(0, (uint64_t)k * 4, 4);
        (void)tick();
        assert_int_equal(complete(&sink, r, 3), WEIR_OK);
        (void)tick();
        assert_int_equal(complete(&dead, NULL, 0), WEIR_OK);
        (void)tick();
    }
    assert_false(pipeline_failed(rig.p));
    many(0, 20, 1);
    (void)tick();
    answer(0, WEIR_REJECT);
    assert_true(pipeline_failed(rig.p));
}

static void fatal_stops_the_pipeline_and_keeps_what_is_done(void **state)
{
    (void)state;
    build();
    many(0, 0, 3);
    (void)tick();
    answer(2, WEIR_FATAL);
    assert_true(pipeline_failed(rig.p));
    assert_int_equal(books().delivered, 2);
    assert_int_equal(books().open, 1);
}

static void an_answer_that_means_nothing_is_no_success(void **state)
{
    static const int odd[] = {WEIR_END, WEIR_AGAIN, 77, -77};
    (void)state;
    build();
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        atomic_store(&rig.p->failed, false);
        o->stopped = false;
        many(0, k * 2, 2);
        (void)tick();
        answer(0, odd[k]);
        assert_true(pipeline_failed(rig.p));
        assert_int_equal(books().open, k + 1);
    }
    atomic_store(&rig.p->failed, false);
    o->stopped = false;
    many(0, 90, 2);
    (void)tick();
    answer(2, WEIR_OK); /* there is no third */
    assert_true(pipeline_failed(rig.p));
    assert_int_equal(books().open, 6);
}

static void duplicates_are_delivered_and_counted_apart(void **state)
{
    (void)state;
    build();
    many(0, 0, 3);
    (void)tick();
    struct weir_result r = {.index = 1, .status = WEIR_OK, .code = WEIR_DUPLICATE};
    assert_int_equal(complete(&sink, &r, 1), WEIR_OK);
    (void)tick();
    assert_int_equal(o->books.delivered, 2);
    assert_int_equal(o->books.duplicate, 1);
    all_delivered(3);
}

/* ---- completions ---- */
static void a_batch_is_completed_once(void **state)
{
    (void)state;
    build();
    many(0, 0, 1);
    (void)tick();
    struct weir_batch *b = sink.held[0];
    assert_int_equal(complete(&sink, NULL, 0), WEIR_OK);
    assert_int_equal(sink.ctx->host->complete(sink.ctx, b, NULL, 0, 0), WEIR_FATAL);
    (void)tick();
    assert_int_equal(sink.ctx->host->complete(sink.ctx, b, NULL, 0, 0), WEIR_FATAL); /* it is gone */
    all_delivered(1);
}

static int complete_then_again(void *self, struct weir_batch *b)
{
    struct fake *f = self;
    note(f, b);
    assert_int_equal(f->ctx->host->complete(f->ctx, b, NULL, 0, 0), WEIR_OK);
    return WEIR_AGAIN;
}

static void again_after_complete_is_overruled(void **state)
{
    static const struct weir_ops odd = {.struct_size = sizeof odd,
                                        .kind = WEIR_SINK,
                                        .create = fake_create,
                                        .write = complete_then_again,
                                        .destroy = rig_destroy};
    (void)state;
    conf->ops = &odd;
    build();
    many(0, 0, 1);
    (void)tick();
    (void)tick();
    said("[a0]");
    all_delivered(1);
}

static void what_is_held_at_the_end_is_given_up(void **state)
{
    (void)state;
    build_parallel();
    conf->batch_records = 1;
    many(0, 0, 4);
    (void)tick();
    struct weir_batch *b = sink.held[0], *c = sink.held[1];
    assert_int_equal(sink.ctx->host->complete(sink.ctx, b, NULL, 0, 0), WEIR_OK); /* on its way home */
    outlet_close(o);
    assert_int_equal(books().delivered, 1);
    assert_int_equal(books().open, 3);
    assert_int_equal(o->instance->outlet->in_flight, 0);
    assert_int_equal(outlet_complete(o->instance, c, NULL, 0, 0), WEIR_FATAL); /* too late */
    loop_run_tasks(&o->lane->loop);
    assert_int_equal(books().open, 3);
    assert_int_equal(rig.p->budget.used, 0);
}

static void *complete_all(void *arg)
{
    struct fake *f = arg;
    while (f->n_held)
        assert_int_equal(complete(f, NULL, 0), WEIR_OK);
    return NULL;
}

static void completions_come_from_any_thread(void **state)
{
    (void)state;
    conf->in_flight = 8;
    conf->batch_records = 1;
    build_parallel();
    for (int round = 0; round < 20; round++) {
        pthread_t thread;
        many(0, (uint64_t)round * 8, 8);
        (void)tick();
        assert_int_equal(sink.n_held, 8);
        assert_int_equal(pthread_create(&thread, NULL, complete_all, &sink), 0);
        while (!ledger_idle(&rig.p->ledger))
            loop_wait(&o->lane->loop, 10), loop_run_tasks(&o->lane->loop);
        pthread_join(thread, NULL);
        memset(sink.said, 0, sizeof sink.said);
    }
    all_delivered(160);
}

static void a_sink_that_is_down_is_opened_later(void **state)
{
    (void)state;
    build();
    sink.open_status = WEIR_RETRY;
    many(0, 0, 1);
    int64_t at = tick();
    assert_in_range(at - now, 50, 100);
    assert_int_equal(tick(), at);
    assert_int_equal(sink.opens, 1);
    now = at;
    sink.open_status = WEIR_OK;
    (void)tick();
    assert_int_equal(sink.opens, 2);
    fine();
    all_delivered(1);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_batch_has_no_more_records_than_it_may),
        test(a_batch_stays_below_its_bytes_but_for_one_large_record),
        test(records_linger_until_it_is_worth_it),
        test(no_more_batches_are_lent_than_may_be),
        test(a_sink_that_keeps_no_order_gets_one_batch_at_a_time),
        test(again_offers_the_same_batch),
        test(when_drops_what_the_sink_does_not_want),
        test(only_failed_records_are_sent_again),
        test(a_shard_waits_for_its_retry_and_others_flow),
        test(picking_past_a_held_shard_keeps_limits_and_order),
        test(side_by_side_a_retry_does_not_hold_up_what_lingers),
        test(a_batch_refused_as_a_whole_backs_off),
        test(a_due_retry_does_not_spin_while_the_sink_is_full),
        test(retry_for_gives_up_to_the_dead_letters),
        test(split_halves_down_to_one_record_which_is_rejected),
        test(halves_keep_their_order_when_the_first_fails),
        test(records_too_large_among_others_go_again_in_a_smaller_batch),
        test(a_dead_letter_has_ten_headers_and_its_bytes),
        test(a_long_reason_is_cut_between_characters),
        test(without_dead_letters_a_reject_stops_the_pipeline),
        test(a_dead_letter_that_is_refused_stops_the_pipeline),
        test(rejects_in_a_row_stop_the_pipeline),
        test(fatal_stops_the_pipeline_and_keeps_what_is_done),
        test(an_answer_that_means_nothing_is_no_success),
        test(duplicates_are_delivered_and_counted_apart),
        test(a_batch_is_completed_once),
        test(again_after_complete_is_overruled),
        test(what_is_held_at_the_end_is_given_up),
        test(completions_come_from_any_thread),
        test(a_sink_that_is_down_is_opened_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
