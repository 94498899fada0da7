/* SPDX-License-Identifier: BSD-2-Clause */
/* t-hold.c - records that a transform keeps beyond a call: what becomes of them, and what the books say meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hold_test.h"

/* ---- in and out ---- */
static void a_record_of_several_is_final_for_all_of_them(void **state)
{
    struct stage s = {.process = hold_all, .until = INT64_MAX};
    (void)state;
    build(&s, 1);
    assert_null(run(0, three(0)));
    assert_null(run(0, three(3)));
    books_say(6, 0, 0, 0);
    assert_true(rig.p->flow.budget.used > 0);
    struct weir_batch *out = release(0, 0, true);
    assert_int_equal(s.why, WEIR_WHY_END);
    assert_int_equal(out->count, 1);
    holds(out, 0, 5, "a+b+c+a+b+c");
    books_say(6, 0, 0, 0);
    assert_int_equal(watermark(), 0);
    ledger_add_copies(&rig.p->flow.ledger, out, NULL, 1); /* for two sinks */
    ledger_end_all(out, DROPPED);
    books_say(6, 0, 0, 0);
    assert_int_equal(watermark(), 0);
    deliver(out);
    books_say(0, 6, 0, 0);
    assert_int_equal(watermark(), 6);
    all_is_done();
}

static void what_is_dropped_or_passed_is_so_one_by_one(void **state)
{
    struct stage s = {.process = hold_all, .what = DROP, .until = INT64_MAX};
    (void)state;
    build(&s, 1);
    assert_null(run(0, three(0)));
    assert_null(release(0, 0, true));
    books_say(0, 0, 3, 0);
    s.what = PASS;
    s.group = NULL;
    assert_null(run(0, three(3)));
    struct weir_batch *out = release(0, 0, true);
    assert_int_equal(out->count, 3);
    holds(out, 1, 4, "b");
    books_say(3, 0, 3, 0);
    deliver(out);
    books_say(0, 3, 3, 0);
    all_is_done();
}

/* ---- dead letters ---- */
static void a_group_that_failed_is_a_letter_for_each(void **state)
{
    struct stage s = {.process = hold_all, .what = REJECT, .until = INT64_MAX};
    (void)state;
    rig_dead(&rig, &rig_full, NULL);
    build(&s, 1);
    assert_null(run(0, three(0)));
    assert_null(release(0, 0, true));
    books_say(3, 0, 0, 0);
    assert_int_equal(letters()->count, 3);
    holds(letters(), 2, 2, "c");
    ledger_end_all(letters(), DEAD_LETTERED);
    books_say(0, 0, 0, 3);
    assert_int_equal(rig.p->flow.ledger.letters, 3);
}

/* One of two sinks delivers, the other refuses the record that was made of three. */
static void a_refused_record_of_several_is_a_letter_for_each(void **state)
{
    struct stage s = {.process = hold_all, .until = INT64_MAX};
    (void)state;
    rig_dead(&rig, &rig_full, NULL);
    build(&s, 1);
    assert_null(run(0, three(0)));
    struct weir_batch *out = release(0, 0, true);
    ledger_add_copies(&rig.p->flow.ledger, out, NULL, 1);
    refuse(out, 0);
    deliver(out);
    books_say(3, 0, 0, 0);
    assert_int_equal(letters()->count, 3);
    holds(letters(), 0, 0, "a");
    holds(letters(), 2, 2, "c");
    ledger_end_all(letters(), DEAD_LETTERED);
    books_say(0, 0, 0, 3);
    assert_int_equal(rig.p->flow.ledger.letters, 3);
    assert_int_equal(rig.p->flow.letters, 3);
}

/* ---- lineage ---- */
/* Emits each input twice and holds it too. */
static int twice_and_hold(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < in->count; i++) {
        assert_int_equal(s->ctx->host->pass(e, i, 1), WEIR_OK);
        assert_int_equal(s->ctx->host->emit_from(e, i, &in->records[i], sizeof *in->records, NULL), WEIR_OK);
        assert_int_equal(s->ctx->host->hold(e, i, &s->group, INT64_MAX, s), WEIR_OK);
    }
    return WEIR_OK;
}

static void what_has_one_identity_gets_numbers_over_calls(void **state)
{
    struct stage s = {.process = twice_and_hold};
    (void)state;
    build(&s, 1);
    struct ledger *l = &rig.p->flow.ledger;
    struct weir_batch *first = run(0, three(0)), *later = release(0, 0, true);
    assert_true(first->several && later->several);
    ledger_number(l, first);
    ledger_number(l, later);
    assert_int_equal(first->count, 6);
    assert_int_equal(first->records[4].sub, 0);
    assert_int_equal(first->records[5].sub, 1);
    assert_int_equal(later->records[0].sub, 2);
    holds(later, 0, 2, "a+b+c");
    deliver(first);
    books_say(3, 0, 0, 0);
    deliver(later);
    books_say(0, 3, 0, 0);
    all_is_done();
}

/* Two groups that take copies of the same inputs the other way round, and a group of what came out of them. */
static int crosswise(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_batch *one = NULL, *two = NULL;
    for (uint32_t i = 0; i < in->count; i++) {
        assert_int_equal(s->ctx->host->hold(e, i, &one, INT64_MAX, s), WEIR_OK);
        assert_int_equal(s->ctx->host->hold(e, in->count - 1 - i, &two, INT64_MAX, s), WEIR_OK);
    }
    assert_int_equal(merge(s, e, one), WEIR_OK);
    return merge(s, e, two);
}

static void records_of_records_of_several_end_like_all_others(void **state)
{
    struct stage s[2] = {{.process = crosswise}, {.process = hold_all, .until = INT64_MAX}};
    (void)state;
    rig_dead(&rig, &rig_full, NULL);
    build(s, 2);
    struct weir_batch *between = run(0, three(0));
    assert_int_equal(between->count, 2);
    holds(between, 0, 2, "a+b+c");
    holds(between, 1, 0, "c+b+a");
    deliver(between);
    books_say(0, 3, 0, 0);
    all_is_done();
    between = run(0, three(3));
    assert_null(run(1, between));
    struct weir_batch *out = release(1, 0, true);
    holds(out, 0, 3, "a+b+c+c+b+a");
    books_say(3, 3, 0, 0);
    refuse(out, 0);
    batch_unref(out);
    assert_int_equal(letters()->count, 6);
    ledger_end_all(letters(), DEAD_LETTERED);
    books_say(0, 3, 0, 3);
}

/* The first chunk passes, each further one is put off for a minute. */
static int pass_once(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const struct weir_result why = {.status = WEIR_RETRY, .retry_after_ms = 60000, .why = "later"};
    if (s->released++ == 0)
        return s->ctx->host->pass(e, 0, in->count);
    (s->ctx->host->fail)(s->ctx, &why);
    return WEIR_RETRY;
}

static void a_letter_is_the_record_as_it_was_read(void **state)
{
    struct stage s[2] = {{.process = hold_all, .what = PASS}, {.process = pass_once}};
    (void)state;
    rig_dead(&rig, &rig_full, NULL);
    build(s, 2);
    assert_null(run(0, three(0)));
    assert_null(run(0, three(3)));
    struct weir_batch *out = run(1, release(0, 0, true));
    refuse(out, 4);
    batch_unref(out);
    holds(letters(), 0, 4, "b");
}

/* ---- limits ---- */
/* A group for each input. */
static int hold_each(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < in->count; i++) {
        struct weir_batch *group = NULL;
        assert_int_equal(s->ctx->host->hold(e, i, &group, s->until + i * 1000, s), WEIR_OK);
    }
    return WEIR_OK;
}

static void a_group_is_given_away_when_its_time_comes(void **state)
{
    struct stage s = {.process = hold_each, .what = PASS};
    (void)state;
    build(&s, 1);
    int64_t now = clock_mono_ms();
    s.until = now + 2000;
    assert_null(run(0, three(0)));
    assert_int_equal(holds_at(&stage_at(0)->holds, now), now + 2000);
    assert_null(release(0, 0, false));
    struct weir_batch *out = release(0, 3500, false);
    assert_int_equal(s.why, WEIR_WHY_TIME);
    assert_int_equal(out->count, 2);
    holds(out, 1, 1, "b");
    deliver(out);
    s.until = INT64_MAX - 4000; /* no time of its own: the longest that is allowed */
    assert_null(run(0, three(3)));
    out = release(0, 100000000, false);
    assert_int_equal(out->count, 4);
    deliver(out);
    books_say(0, 6, 0, 0);
    all_is_done();
}

static void what_is_too_much_is_given_away_oldest_first(void **state)
{
    struct stage s = {.process = hold_each, .what = PASS, .until = INT64_MAX - 4000};
    (void)state;
    build_limited(&s, 5, 1 << 30);
    assert_int_equal(stage_at(0)->holds.max_bytes, rig.p->flow.budget.limit / 4); /* no more than its share */
    assert_null(run(0, three(0)));
    int64_t now = clock_mono_ms();
    assert_true(holds_at(&stage_at(0)->holds, now) > now);
    assert_null(run(0, three(3)));
    assert_int_equal(holds_at(&stage_at(0)->holds, now), now);
    struct weir_batch *out = release(0, 0, false);
    assert_int_equal(s.why, WEIR_WHY_FULL);
    assert_int_equal(out->count, 4);
    holds(out, 0, 0, "a");
    deliver(out);
    books_say(2, 4, 0, 0);
    deliver(release(0, 0, true));
    all_is_done();
}

/* ---- faults ---- */
static void a_call_that_held_can_not_be_made_again(void **state)
{
    const int refused[] = {WEIR_RETRY, WEIR_REJECT, WEIR_AGAIN};
    (void)state;
    for (int k = 0; k < 3; k++) {
        struct stage s = {.process = hold_all, .until = INT64_MAX, .status = refused[k]};
        struct weir_batch *out;
        rig_free(&rig);
        rig_init(&rig);
        rig_sink(&rig, "sink", &rig_full, NULL);
        build(&s, 1);
        assert_int_equal(transform_run(stage_at(0), three(0), &out), WEIR_FATAL);
        assert_true(flow_failed(&rig.p->flow));
        books_say(3, 0, 0, 0);
        instance_close(stage_at(0)->instance);
    }
}

static int merge_and_fail(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    assert_int_equal(hold_all(s, in, e), WEIR_OK);
    assert_int_equal(merge(s, e, s->group), WEIR_OK);
    return WEIR_FATAL;
}

static void what_a_failed_call_gave_away_stays_undelivered(void **state)
{
    struct stage s = {.process = merge_and_fail, .until = INT64_MAX};
    struct weir_batch *out;
    (void)state;
    build(&s, 1);
    assert_int_equal(transform_run(stage_at(0), three(0), &out), WEIR_FATAL);
    assert_null(out);
    books_say(3, 0, 0, 0);
    assert_int_equal(rig.p->flow.budget.used, 0);
}

static void a_group_must_be_given_away_when_it_is_asked_for(void **state)
{
    struct stage s = {.process = hold_all, .what = KEEP, .until = INT64_MAX};
    (void)state;
    build(&s, 1);
    assert_null(run(0, three(0)));
    assert_null(release(0, 0, true));
    assert_true(flow_failed(&rig.p->flow));
    books_say(3, 0, 0, 0);
}

static void what_was_merged_and_not_delivered_is_left_open(void **state)
{
    struct stage s = {.process = hold_all, .until = INT64_MAX};
    (void)state;
    build(&s, 1);
    assert_null(run(0, three(0)));
    batch_unref(release(0, 0, true));
    s.group = NULL;
    assert_null(run(0, three(3)));
    books_say(6, 0, 0, 0); /* the teardown frees what nobody ended */
}

/* ---- in a lane ---- */
static void a_lane_lets_go_when_something_waits_for_it(void **state)
{
    struct stage s[2] = {{.process = hold_all, .until = INT64_MAX}, {.process = hold_each, .what = PASS}};
    (void)state;
    s[1].until = INT64_MAX - 4000;
    build(s, 2);
    struct lane *l = rig.p->workers[0];
    l->started = true; /* it has transforms: chunks are queued */
    lane_chunk(l, three(0));
    loop_run_tasks(&l->loop);
    int64_t at = lane_turn(l, clock_mono_ms());
    assert_true(at > clock_mono_ms() + 1000);
    books_say(3, 0, 0, 0);
    lane_flush(l, true);
    loop_run_tasks(&l->loop);
    for (int turns = 0; s[1].released == 0 || l->queue; turns++) {
        assert_in_range(turns, 0, 10);
        (void)lane_turn(l, clock_mono_ms());
    }
    assert_int_equal(s[0].released, 1);
    assert_int_equal(s[1].released, 1);
    assert_int_equal(rig.p->outlets[0]->books.in, 1);
    assert_null(run(1, three(3)));
    flow_end(&rig.p->flow, "too many were rejected");
    int64_t now = clock_mono_ms();
    assert_true(lane_turn(l, now) > now); /* no spin beside the last letters */
    l->started = false;
}

static void a_group_does_not_wait_for_what_an_earlier_stage_puts_off(void **state)
{
    struct stage s[2] = {{.process = pass_once}, {.process = hold_all, .what = PASS}};
    (void)state;
    build(s, 2);
    struct lane *l = rig.p->workers[0];
    int64_t now = clock_mono_ms();
    s[1].until = now + 1000;
    l->started = true;
    lane_chunk(l, three(0));
    lane_chunk(l, three(3));
    loop_run_tasks(&l->loop);
    (void)lane_turn(l, now);
    assert_int_equal(lane_turn(l, now),
                     now + 1000); /* the second chunk is stalled, the group's time comes first */
    (void)lane_turn(l, now + 1000);
    assert_int_equal(rig.p->outlets[0]->books.in, 3);
    (void)lane_turn(l, now + 20000);
    assert_int_equal(s[0].released, 2); /* and it is left alone on */
    l->started = false;
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_record_of_several_is_final_for_all_of_them),
        test(what_is_dropped_or_passed_is_so_one_by_one),
        test(a_group_that_failed_is_a_letter_for_each),
        test(a_refused_record_of_several_is_a_letter_for_each),
        test(what_has_one_identity_gets_numbers_over_calls),
        test(records_of_records_of_several_end_like_all_others),
        test(a_group_is_given_away_when_its_time_comes),
        test(what_is_too_much_is_given_away_oldest_first),
        test(a_call_that_held_can_not_be_made_again),
        test(what_a_failed_call_gave_away_stays_undelivered),
        test(a_group_must_be_given_away_when_it_is_asked_for),
        test(what_was_merged_and_not_delivered_is_left_open),
        test(a_lane_lets_go_when_something_waits_for_it),
        test(a_group_does_not_wait_for_what_an_earlier_stage_puts_off),
        test(a_letter_is_the_record_as_it_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
