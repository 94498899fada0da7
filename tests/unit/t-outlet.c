/* SPDX-License-Identifier: BSD-2-Clause */
/* t-outlet.c - the way into a sink: batches of its size, order, and what is tried again when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/expr.h"
#include "told.h"

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

static uint32_t ask(uint32_t n)
{
    return o->instance->ctx.host->in_flight(&o->instance->ctx, n);
}

static void a_sink_that_asks_is_lent_more_batches(void **state)
{
    (void)state;
    rig.conf.memory = 256 << 20;
    conf->in_flight = 1;
    conf->batch_records = 1;
    build_parallel();
    size_t ahead = rig.p->flow.budget.limit;
    many(0, 0, 8);
    (void)tick();
    said("[a0]");
    assert_int_equal(ask(3), 3);
    assert_true(rig.p->flow.budget.limit > ahead); /* they have to be read, too */
    (void)tick();
    said("[a1][a2]");
    assert_int_equal(ask(2), 3);
    ahead = rig.p->flow.budget.limit;
    assert_int_equal(ask(1000), 64);
    assert_true(rig.p->flow.budget.limit > ahead && rig.p->flow.budget.limit <= 128 << 20);
    (void)tick();
    said("[a3][a4][a5][a6][a7]");
    for (int i = 0; i < 8; i++)
        fine();
    all_delivered(8);
}

static void no_sink_gets_more_than_the_operator_said(void **state)
{
    (void)state;
    conf->in_flight = 2;
    conf->in_flight_said = true;
    conf->batch_records = 1;
    build_parallel();
    size_t ahead = rig.p->flow.budget.limit;
    assert_int_equal(ask(8), 2);
    assert_int_equal(rig.p->flow.budget.limit, ahead);
    many(0, 0, 4);
    (void)tick();
    said("[a0][a1]");
    for (int i = 0; i < 4; i++)
        fine();
    all_delivered(4);
}

static void who_gets_one_batch_at_a_time_gets_no_more(void **state)
{
    (void)state;
    build();
    assert_int_equal(ask(8), 1);
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

static void what_is_offered_again_is_seen_alone(void **state)
{
    (void)state;
    build_parallel();
    many(0, 0, 1);
    (void)tick();
    answer(WEIR_ALL, WEIR_RETRY);
    now += 1000;
    (void)tick();
    said("[a0][a0]");
    assert_int_equal(o->glance.retrying, 1);
    sink.status = WEIR_AGAIN;
    many(0, 1, 1);
    (void)tick();
    assert_int_equal(o->glance.retrying, 1); /* not once more by the one it was refused beside */
    fine();                                  /* which ends while the other still waits */
    assert_int_equal(o->glance.retrying, 0);
    sink.status = WEIR_OK;
    (void)tick();
    said("[a1]");
    fine();
    all_delivered(2);
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

static void for_ever_does_not_end(void **state)
{
    (void)state;
    const uint32_t tries[] = {999999, 1000000, UINT32_MAX};
    rig_dead(&rig, &plain, &dead);
    build();
    many(0, 0, 2);
    (void)tick();
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        answer(WEIR_ALL, WEIR_RETRY);
        (void)tick();
        assert_non_null(o->waiting);
        o->waiting->attempt = tries[i];
        now += 60000;
        (void)tick();
        assert_int_equal(sink.n_held, 1);
    }
    answer(WEIR_ALL, WEIR_RETRY);
    (void)tick();
    assert_int_equal(dead.n_held, 0);
    assert_int_equal(o->waiting->attempt, UINT32_MAX);
}

/* The sink is tried n times in vain; gives the longest of the waits between. */
static int64_t longest_wait(int n)
{
    int64_t longest = 0;
    for (int i = 0; i < n; i++) {
        int64_t before = now;
        answer(WEIR_ALL, WEIR_RETRY);
        while (!sink.n_held) {
            int64_t at = tick();
            now = at > now && at != INT64_MAX ? at : now + 1;
        }
        longest = now - before > longest ? now - before : longest;
    }
    return longest;
}

static void who_does_not_answer_is_tried_more_often(void **state)
{
    (void)state;
    conf->retry_max_ms = 30000;
    build();
    o->instance->speaks = true; /* else a retry of all makes it degraded */
    many(0, 0, 2);
    (void)tick();
    assert_true(longest_wait(30) > 10000);
    instance_health(o->instance, WEIR_CONNECTING, 0, "refused");
    assert_in_range(longest_wait(30), 2000, SILENCE_MS);
    instance_health(o->instance, WEIR_DEGRADED, 503,
                    "starting"); /* short waits first, for it may be over soon */
    assert_in_range(longest_wait(1), 1, 100);
    assert_in_range(longest_wait(3), 1, 800);
    assert_true(longest_wait(30) > 10000);
    fine();
    all_delivered(2);
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
        test(a_sink_that_asks_is_lent_more_batches),
        test(no_sink_gets_more_than_the_operator_said),
        test(who_gets_one_batch_at_a_time_gets_no_more),
        test(a_sink_that_keeps_no_order_gets_one_batch_at_a_time),
        test(again_offers_the_same_batch),
        test(what_is_offered_again_is_seen_alone),
        test(when_drops_what_the_sink_does_not_want),
        test(only_failed_records_are_sent_again),
        test(a_shard_waits_for_its_retry_and_others_flow),
        test(picking_past_a_held_shard_keeps_limits_and_order),
        test(side_by_side_a_retry_does_not_hold_up_what_lingers),
        test(a_batch_refused_as_a_whole_backs_off),
        test(a_due_retry_does_not_spin_while_the_sink_is_full),
        test(retry_for_gives_up_to_the_dead_letters),
        test(for_ever_does_not_end),
        test(who_does_not_answer_is_tried_more_often),
        test(a_sink_that_is_down_is_opened_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
