/* SPDX-License-Identifier: BSD-2-Clause */
/* t-pipeline.c - whole pipelines on their threads: budget, commits, drains and what goes wrong in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "whole.h"

static void put_is(const char *owner, const char *key, const char *value)
{
    struct strbuf got = {0};
    assert_int_equal(state_get(rig.p->state, owner, (struct weir_slice){key, strlen(key)}, &got), WEIR_OK);
    assert_int_equal(got.len, strlen(value));
    assert_memory_equal(got.data, value, got.len);
    strbuf_free(&got);
}

static void everything_is_delivered_and_committed(void **state)
{
    (void)state;
    start();
    assert_true(join());
    assert_int_equal(books().delivered, 9000);
    assert_int_equal(one.records, 9000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(src.committed[i], 3000);
    assert_int_equal(stored("a"), 3000);
    assert_int_equal(src.finals, 1);
    assert_int_equal(src.closed, 1);
    assert_int_equal(one.out_of_order, 0);
    rig_free(&rig);
    start(); /* again: it goes on where it ended */
    assert_true(join());
    assert_int_equal(books().read, 0);
}

static void reading_stops_at_the_budget_and_goes_on(void **state)
{
    (void)state;
    src.value_size = 8000;
    atomic_store(&one.mode, HOLDS);
    start();
    uint64_t read;
    do { /* what the sink's thread sorts meanwhile may make some more room */
        int paused = src.paused;
        read = books().read;
        AWAIT(src.paused >= paused + 4); /* and the session is kept */
    } while (books().read != read);
    assert_true(rig.p->flow.budget.peak <= rig.p->flow.budget.limit + 2 * CHUNK_BYTES);
    assert_true(read * 8000 > rig.p->flow.budget.limit / 3); /* copies lie in chunks that are not full */
    atomic_store(&one.mode, GOES);
    assert_true(join());
    assert_int_equal(books().delivered, 9000);
    assert_true(rig.p->flow.budget.peak <= rig.p->flow.budget.limit + 2 * CHUNK_BYTES);
}

static void the_source_runs_no_further_ahead_than_the_sink_needs(void **state)
{
    (void)state;
    src.value_size = 8000;
    src.endless = true;
    rig.conf.memory = 256 << 20;
    conf->batch_bytes = 64 << 10;
    conf->batch_records = 100;
    conf->in_flight = 3;
    atomic_store(&one.mode, HOLDS);
    start();
    AWAIT(src.paused >= 4);
    uint64_t read = books().read;
    assert_true(read * 8000 > 4 * (64 << 10)); /* all it may have in flight, and one batch more */
    assert_true(read * 8000 < 4 << 20);        /* and not half of memory */
    atomic_store(&one.mode, GOES);
    AWAIT(src.emitted[2] == 3000);
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(books().delivered, 9000);
}

static void a_sink_that_would_linger_sends_when_memory_is_full(void **state)
{
    (void)state;
    src.value_size = 8000;
    src.endless = true;
    conf->linger_ms = 3600000;
    conf->batch_records = 1000000;
    conf->batch_bytes = 1 << 30;
    start();
    AWAIT(src.emitted[2] == 3000); /* three times the memory */
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(books().delivered, 9000);
}

static void a_record_larger_than_a_batch_passes(void **state)
{
    (void)state;
    src.count = 20;
    src.large = 4 << 20; /* a quarter of memory, half of what flows */
    start();
    assert_true(join());
    assert_int_equal(books().delivered, 60);
}

static void records_that_each_fill_the_budget_pass_one_by_one(void **state)
{
    (void)state;
    src.count = 10;
    src.value_size = 4 << 20;
    one.delay_ms = 5;
    start();
    assert_true(join());
    assert_int_equal(books().delivered, 30);
}

static void a_record_larger_than_memory_allows_is_a_dead_letter(void **state)
{
    (void)state;
    src.count = 20;
    src.large = (4 << 20) + 1;
    rig_dead(&rig, &snk_ops, &dead);
    start();
    assert_true(join());
    assert_int_equal(books().delivered, 59);
    assert_int_equal(books().dead, 1);
    assert_int_equal(stored("a"), 20);
}

static void bad_input_keeps_its_place_in_the_books(void **state)
{
    (void)state;
    src.count = 1000;
    src.bad_every = 3;
    rig_dead(&rig, &snk_ops, &dead);
    start();
    assert_true(join());
    assert_int_equal(books().dead, 3 * 334);
    assert_int_equal(books().delivered, 3 * 666);
    assert_int_equal(stored("c"), 1000);
}

static void only_the_final_prefix_is_committed(void **state)
{
    (void)state;
    one.promises = WEIR_ORDERED; /* side by side */
    conf->batch_records = 10;
    conf->in_flight = 8;
    rig.conf.drain_ms = 300;
    src.endless = true;
    atomic_store(&one.mode, HOLDS_LANE_0);
    start();
    AWAIT(src.committed[1] == 3000 && src.committed[2] == 3000);
    assert_int_equal(src.committed[0], 0); /* its first record is not final, however many are behind it */
    int64_t begin = flow_ms();
    pipeline_stop(rig.p);
    assert_false(join());
    assert_true(flow_ms() - begin >= 250); /* it does end, though the record is held for ever */
    assert_true(books().open > 0);
    assert_int_equal(stored("a"), 0);
    assert_int_equal(stored("b"), 3000);
}

static void a_stop_delivers_what_was_read(void **state)
{
    (void)state;
    src.endless = true;
    src.count = UINT64_MAX;
    one.delay_ms = 3;
    start();
    AWAIT(books().delivered > 5000);
    pipeline_stop(rig.p);
    assert_true(join());
    struct books b = books();
    assert_int_equal(b.delivered, b.read);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(src.committed[i], src.emitted[i]);
    }
    assert_int_equal(stored("b"), src.emitted[1]);
}

static void a_sink_that_never_answers_leaves_records_undelivered(void **state)
{
    (void)state;
    rig.conf.drain_ms = 100;
    atomic_store(&one.mode, HOLDS);
    start();
    AWAIT(one.records > 0);
    pipeline_stop(rig.p);
    assert_false(join());
    assert_int_equal(books().delivered, 0);
    assert_int_equal(books().open, books().read);
}

/* A source whose only records lie in memory of its own. */
static struct {
    struct weir_ctx *ctx;
    const struct weir_shard *lane;
    bool fed;
    _Atomic int lent, lent_at_close;
} lender;

static int lender_create(struct weir_ctx *ctx, const void *of, void **self)
{
    lender.ctx = ctx;
    *self = (void *)(uintptr_t)of;
    return WEIR_OK;
}

static int lender_open(void *self)
{
    struct weir_shard desc = {.struct_size = sizeof desc, .id = {"a", 1}, .topic = {"t", 1}};
    struct weir_position at = {.struct_size = sizeof at};
    (void)self;
    return lender.ctx->host->shard_open(lender.ctx, &desc, &lender.lane, &at);
}

static void lender_back(void *opaque)
{
    (void)opaque;
    atomic_fetch_sub(&lender.lent, 1);
}

static int lender_poll(void *self, struct weir_emitter *e, const struct weir_poll *poll)
{
    struct weir_record all[10];
    uint32_t taken = 0;
    (void)self;
    (void)poll;
    if (lender.fed)
        return WEIR_AGAIN;
    lender.fed = true;
    for (uint64_t i = 0; i < 10; i++)
        all[i] = (struct weir_record){
            .shard = lender.lane, .value = {"x", 1}, .seq = i, .next = i + 1, .time_ms = WEIR_NO_TIME};
    atomic_fetch_add(&lender.lent, 1);
    struct weir_buf *buf = lender.ctx->host->buf_wrap(lender.ctx, 100, lender_back, NULL);
    struct weir_run run = {
        .struct_size = sizeof run, .stride = sizeof *all, .count = 10, .records = all, .owner = buf};
    int status = lender.ctx->host->emit(e, &run, &taken);
    lender.ctx->host->buf_unref(buf);
    return status;
}

static void lender_close(void *self)
{
    (void)self;
    atomic_store(&lender.lent_at_close, atomic_load(&lender.lent));
}

static const struct weir_ops lender_ops = {.struct_size = sizeof lender_ops,
                                           .kind = WEIR_SOURCE,
                                           .promises = WEIR_REPLAYABLE,
                                           .create = lender_create,
                                           .open = lender_open,
                                           .poll = lender_poll,
                                           .close = lender_close,
                                           .destroy = rig_destroy};

/* A transform that makes one record of all that a call brings. */
static struct weir_ctx *joiner;

static int joiner_create(struct weir_ctx *ctx, const void *of, void **self)
{
    joiner = ctx;
    *self = (void *)(uintptr_t)of;
    return WEIR_OK;
}

static int joiner_process(void *self, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_view v = {.struct_size = sizeof v};
    struct weir_batch *group = NULL;
    int r = joiner->host->view(joiner, in, &v);
    (void)self;
    for (uint32_t i = 0; i < v.count && r == WEIR_OK; i++)
        r = joiner->host->hold(e, i, &group, INT64_MAX, NULL);
    const struct weir_record first = *weir_record_at(&v, 0);
    return r == WEIR_OK ? joiner->host->emit_held(e, group, &first, sizeof first, NULL) : r;
}

static int joiner_release(void *self, struct weir_emitter *e, struct weir_batch *group, void *opaque,
                          uint32_t why)
{
    (void)self;
    (void)e;
    (void)group;
    (void)opaque;
    (void)why;
    return WEIR_FATAL;
}

static const struct weir_ops joiner_ops = {.struct_size = sizeof joiner_ops,
                                           .kind = WEIR_TRANSFORM,
                                           .promises = WEIR_HOLDS,
                                           .create = joiner_create,
                                           .process = joiner_process,
                                           .release = joiner_release,
                                           .destroy = rig_destroy};

/* plugin.h: what a source lent is back before its close, also if no sink ever had it. */
static void what_was_made_of_several_keeps_nothing_beyond_the_close(void **state)
{
    (void)state;
    memset(&lender, 0, sizeof lender);
    rig.conf.source.ops = &lender_ops;
    (void)rig_transform(&rig, "transform joins", &joiner_ops, &rig);
    rig.conf.drain_ms = 100;
    atomic_store(&one.mode, HOLDS);
    start();
    AWAIT(one.records > 0);
    pipeline_stop(rig.p);
    assert_false(pipeline_join(rig.p));
    assert_int_equal(one.records, 1);
    assert_int_equal(books().open, 10);
    assert_int_equal(lender.lent_at_close, 0);
    assert_int_equal(rig.p->flow.budget.used, 0);
}

/* ---- commits with sinks ---- */
static void what_a_sink_puts_is_stored_with_the_positions(void **state)
{
    char all[32];
    uint64_t n = 0;
    (void)state;
    one.promises = WEIR_COMMITS | WEIR_EXACT;
    src.puts = src.endless = true;
    one.delay_ms = 1;
    src.count = UINT64_MAX;
    rig.conf.commit_ms = 5;
    start();
    AWAIT(one.commits >= 2);
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(one.wrong_commits, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(src.committed[i], src.emitted[i]);
        n += src.emitted[i];
    }
    (void)snprintf(all, sizeof all, "%llu", (unsigned long long)n);
    put_is("sink one", "n", all);
    put_is("source", "name", "src");
}

static void a_commit_that_fails_is_tried_again(void **state)
{
    (void)state;
    one.promises = WEIR_COMMITS;
    one.commit_retries = 2;
    rig.conf.commit_ms = 20;
    start();
    AWAIT(one.commits >= 1);
    assert_true(join());
    assert_true(one.commits >= 3);
    assert_int_equal(one.wrong_commits, 0);
    assert_int_equal(stored("c"), 3000);
    put_is("sink one", "n", "9000");
}

static void a_position_that_is_not_known_is_not_stored(void **state)
{
    (void)state;
    for (int commits = 0; commits < 2; commits++) {
        one.promises = commits ? WEIR_COMMITS : 0;
        src.lost_positions = -1;
        src.count = 100;
        src.endless = true;
        rig.conf.commit_ms = 5;
        rig.conf.drain_ms = 300;
        start();
        AWAIT(books().delivered == 300);
        AWAIT(rig.p->intake.commit.unplaced);
        pipeline_stop(rig.p);
        (void)join();
        assert_int_equal(stored("a"), 0);
        assert_int_equal(src.committed[0], 0);
        (void)teardown(state);
        (void)setup(state);
    }
}

static void a_position_known_later_is_stored_later(void **state)
{
    (void)state;
    src.lost_positions = 3;
    rig.conf.commit_ms = 5;
    one.promises = WEIR_COMMITS;
    start();
    assert_true(join());
    assert_int_equal(src.lost_positions, 0);
    assert_int_equal(stored("a"), 3000);
    assert_int_equal(src.committed[0], 3000);
}

static void a_sink_that_never_commits_ends_without_positions(void **state)
{
    (void)state;
    one.promises = WEIR_COMMITS;
    one.commit_retries = 1 << 30;
    src.count = 100;
    src.endless = true;
    rig.conf.drain_ms = 300;
    start();
    AWAIT(one.commits >= 1);
    pipeline_stop(rig.p);
    (void)join();
    assert_int_equal(stored("a"), 0);
    assert_int_equal(src.committed[0], 0);
}

/* ---- trouble ---- */
static void a_source_in_trouble_is_polled_later(void **state)
{
    (void)state;
    src.retries = 3;
    start();
    assert_true(join());
    assert_int_equal(books().delivered, 9000);
}

static void a_source_that_can_not_go_on_stops_the_pipeline(void **state)
{
    (void)state;
    src.fatal = 5;
    src.endless = true;
    start();
    assert_false(join());
    assert_true(flow_failed(&rig.p->flow));
    assert_int_equal(src.closed, 1);
}

static void rejected_records_are_dead_letters(void **state)
{
    (void)state;
    one.reject_every = 10;
    rig_dead(&rig, &snk_ops, &dead);
    start();
    assert_true(join());
    assert_int_equal(books().dead, 900);
    assert_int_equal(books().delivered, 8100);
    assert_int_equal(dead.records, 900);
    assert_int_equal(stored("a"), 3000);
}

static void without_dead_letters_the_pipeline_fails(void **state)
{
    (void)state;
    one.reject_every = 1000;
    src.endless = true;
    start();
    assert_false(join());
    assert_true(flow_failed(&rig.p->flow));
    assert_int_equal(stored("a"), 0); /* its first record was refused */
}

static void a_sink_that_blocks_is_interrupted_at_the_end(void **state)
{
    (void)state;
    one.promises = WEIR_BLOCKS;
    one.blocks = true;
    rig.conf.drain_ms = 50;
    start();
    AWAIT(one.blocked >= 1);
    pipeline_stop(rig.p);
    assert_false(join()); /* for ever, without an interrupt */
}

static void a_stop_at_any_moment_ends_it(void **state)
{
    (void)state;
    src.endless = true;
    rig_dead(&rig, &snk_ops, &dead);
    one.reject_every = 7;
    for (int k = 0; k < 30; k++) {
        start();
        for (volatile int spin = 0; spin < k * 20000; spin++)
            ;
        if (k % 3 == 2)
            flow_fail(&rig.p->flow, "as the test wants");
        pipeline_stop(rig.p);
        (void)join();
        rig_free(&rig);
    }
}

/* ---- several ---- */
static void a_lane_stays_with_one_worker(void **state)
{
    (void)state;
    src.n_lanes = LANES;
    rig.conf.workers = 3;
    one.own_thread = true;
    start();
    assert_true(join());
    assert_int_equal(books().delivered, LANES * 3000);
    int all = 0;
    for (int i = 0; i < LANES; i++) {
        int seen = one.workers[i];
        assert_true(seen == 1 || seen == 2 || seen == 4);
        all |= seen;
    }
    assert_int_equal(all, 7);
    assert_int_equal(one.out_of_order, 0);
}

static void every_sink_gets_every_record_however_slow_one_is(void **state)
{
    (void)state;
    rig_sink(&rig, "sink two", &snk_ops, &two);
    two.promises = WEIR_BLOCKS;
    two.delay_ms = 10;
    rig.conf.workers = 3;
    start();
    assert_true(join());
    assert_int_equal(books().delivered, 9000);
    assert_int_equal(one.records, 9000);
    assert_int_equal(two.records, 9000);
    assert_int_equal(two.out_of_order, 0);
    assert_int_equal(stored("a"), 3000);
}

static void one_that_keeps_nothing_holds_the_commits_of_all(void **state)
{
    (void)state;
    rig_sink(&rig, "sink two", &snk_ops, &two);
    atomic_store(&two.mode, HOLDS);
    src.endless = true;
    src.count = 100;
    rig.conf.drain_ms = 100;
    start();
    AWAIT(one.records == 300);
    pipeline_stop(rig.p);
    assert_false(join());
    assert_int_equal(books().open, 300);
    assert_int_equal(src.committed[0], 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(everything_is_delivered_and_committed),
        test(reading_stops_at_the_budget_and_goes_on),
        test(the_source_runs_no_further_ahead_than_the_sink_needs),
        test(a_sink_that_would_linger_sends_when_memory_is_full),
        test(a_record_larger_than_a_batch_passes),
        test(records_that_each_fill_the_budget_pass_one_by_one),
        test(a_record_larger_than_memory_allows_is_a_dead_letter),
        test(bad_input_keeps_its_place_in_the_books),
        test(only_the_final_prefix_is_committed),
        test(a_stop_delivers_what_was_read),
        test(a_sink_that_never_answers_leaves_records_undelivered),
        test(what_was_made_of_several_keeps_nothing_beyond_the_close),
        test(what_a_sink_puts_is_stored_with_the_positions),
        test(a_commit_that_fails_is_tried_again),
        test(a_position_that_is_not_known_is_not_stored),
        test(a_position_known_later_is_stored_later),
        test(a_sink_that_never_commits_ends_without_positions),
        test(a_source_in_trouble_is_polled_later),
        test(a_source_that_can_not_go_on_stops_the_pipeline),
        test(rejected_records_are_dead_letters),
        test(without_dead_letters_the_pipeline_fails),
        test(a_sink_that_blocks_is_interrupted_at_the_end),
        test(a_stop_at_any_moment_ends_it),
        test(a_lane_stays_with_one_worker),
        test(every_sink_gets_every_record_however_slow_one_is),
        test(one_that_keeps_nothing_holds_the_commits_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
