/* SPDX-License-Identifier: BSD-2-Clause */
/* t-hold-memory.c - where the bytes of held records lie: in the call's input while it lasts, then in copies; and that a
 * group's memory serves the next one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hold_test.h"

/* All of a call in one group, which is given away at the end of every second call. */
static int give_at_the_second(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    assert_int_equal(hold_all(s, in, e), WEIR_OK);
    if (++s->released % 2)
        return WEIR_OK;
    struct weir_batch *group = s->group;
    s->group = NULL;
    return give(s, e, group, s->what);
}

static void a_group_of_two_calls_goes_in_the_second(void **state)
{
    struct stage s = {.process = give_at_the_second, .until = INT64_MAX};
    (void)state;
    build(&s, 1);
    assert_null(run(0, three(0)));
    struct weir_batch *out = run(0, three(3));
    assert_int_equal(out->count, 1);
    holds(out, 0, 5, "a+b+c+a+b+c");
    deliver(out);
    books_say(0, 6, 0, 0);
    s.what = PASS;
    assert_null(run(0, three(6)));
    out = run(0, three(9));
    assert_int_equal(out->count, 6);
    holds(out, 0, 6, "a");
    holds(out, 5, 11, "c");
    deliver(out);
    s.what = DROP;
    assert_null(run(0, three(12)));
    assert_null(run(0, three(15)));
    books_say(0, 12, 6, 0);
    all_is_done();
}

/* A sink refuses what was made of records of two calls: each is a letter, with its bytes. */
static void what_two_calls_brought_can_become_letters(void **state)
{
    struct stage s = {.process = give_at_the_second, .until = INT64_MAX};
    (void)state;
    rig_dead(&rig, &rig_full, NULL);
    build(&s, 1);
    assert_null(run(0, three(0)));
    struct weir_batch *out = run(0, three(3));
    refuse(out, 0);
    batch_unref(out);
    assert_int_equal(letters()->count, 6);
    holds(letters(), 0, 0, "a");
    holds(letters(), 5, 5, "c");
    ledger_end_all(letters(), DEAD_LETTERED);
    books_say(0, 0, 0, 6);
}

static const struct weir_batch *seen[3];

/* A group of each record, given away at once, as s->what says. */
static int give_each(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < in->count; i++) {
        struct weir_batch *group = NULL;
        assert_int_equal(s->ctx->host->hold(e, i, &group, s->until, s), WEIR_OK);
        seen[i] = group;
        assert_int_equal(give(s, e, group, s->what), WEIR_OK);
        assert_int_equal(s->ctx->host->pass_held(e, group), WEIR_FATAL); /* it is none any more */
    }
    return WEIR_OK;
}

static void what_is_given_away_at_once_costs_no_memory(void **state)
{
    const enum what all[] = {PASS, MERGE, DROP};
    struct stage s = {.process = give_each, .until = INT64_MAX};
    (void)state;
    build(&s, 1);
    for (uint32_t k = 0; k < 3; k++) {
        s.what = all[k];
        struct weir_batch *out = run(0, three(3 * (uint64_t)k));
        assert_ptr_equal(seen[0], seen[1]);
        assert_ptr_equal(seen[0], seen[2]);
        if (out) {
            holds(out, 2, 3 * (uint64_t)k + 2, "c");
            deliver(out);
        }
        all_is_done();
    }
    books_say(0, 6, 3, 0);
}

/* Looks into the held records as JSON, which is parsed where they lie. */
static int hold_and_read(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const char *why;
    assert_int_equal(hold_all(s, in, e), WEIR_OK);
    for (uint32_t i = 0; i < s->group->count; i++) {
        struct weir_span span;
        assert_int_equal(s->ctx->host->json(s->ctx, s->group, i, NULL, &span, &why), WEIR_OK);
        struct weir_slice text = s->ctx->host->json_string(s->ctx, &span);
        assert_int_equal(text.len, 4);
        assert_memory_equal(text.ptr, "text", 4);
    }
    return WEIR_OK;
}

static void documents_of_held_records_outlive_the_call(void **state)
{
    const struct rig_record records[] = {{0, 0, "\"text\""}, {0, 1, "\"text\""}};
    struct stage s = {.process = hold_and_read, .what = PASS, .until = INT64_MAX};
    (void)state;
    build(&s, 1);
    assert_null(run(0, rig_chunk(&rig, records, 1)));
    assert_null(run(0, rig_chunk(&rig, &records[1], 1)));
    deliver(release(0, 0, true));
    books_say(0, 2, 0, 0);
    all_is_done();
}

static int merge_all(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    assert_int_equal(hold_all(s, in, e), WEIR_OK);
    struct weir_batch *group = s->group;
    s->group = NULL;
    return merge(s, e, group);
}

static void gone(void *opaque)
{
    ++*(int *)opaque;
}

/* Three records in memory of the source, which counts in *n when it goes. */
static struct weir_batch *lent(uint64_t seq, int *n)
{
    struct weir_batch *in = three(seq);
    struct weir_buf *buf = buf_wrap(&rig.p->flow.budget, 5, gone, n);
    batch_own(in, buf);
    buf_unref(buf);
    return in;
}

/* A record that waits for long, as one that a sink tries again, or a later transform holds, has what it needs. */
static void a_record_of_several_that_stays_pins_no_call(void **state)
{
    struct stage s[2] = {{.process = merge_all, .until = INT64_MAX},
                         {.process = hold_all, .until = INT64_MAX}};
    int n = 0;
    (void)state;
    rig_dead(&rig, &rig_full, NULL);
    build(s, 2);
    struct weir_batch *out = run(0, lent(0, &n)), *some = batch_new(out->budget, 1);
    batch_append_again(some, out, 0);
    some->origins[0] = ledger_bundle_apart(some->origins[0], some->budget);
    batch_unref(out);
    assert_int_equal(n, 1);
    books_say(3, 0, 0, 0);
    deliver(some);
    books_say(0, 3, 0, 0);
    assert_null(run(1, run(0, lent(3, &n))));
    assert_int_equal(n, 2);
    assert_null(run(1, run(0, lent(6, &n))));
    assert_int_equal(n, 3);
    out = release(1, 0, true);
    holds(out, 0, 8, "a+b+c+a+b+c");
    ledger_add_copies(&rig.p->flow.ledger, out, NULL, 1);
    some = batch_new(out->budget, 1);
    batch_append_again(some, out, 0);
    some->origins[0] = ledger_bundle_apart(some->origins[0], some->budget);
    deliver(out);
    books_say(6, 3, 0, 0);
    assert_int_equal(watermark(), 3);
    refuse(some, 0);
    batch_unref(some);
    assert_int_equal(letters()->count, 6);
    holds(letters(), 0, 3, "a");
    ledger_end_all(letters(), DEAD_LETTERED);
    books_say(0, 3, 0, 6);
    assert_true(ledger_idle(&rig.p->flow.ledger));
}

static struct weir_slice shown;

static int hold_and_look(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_view v = {.struct_size = sizeof v};
    assert_int_equal(hold_all(s, in, e), WEIR_OK);
    assert_int_equal(s->ctx->host->view(s->ctx, s->group, &v), WEIR_OK);
    shown = weir_record_at(&v, v.count - 1)->value;
    return WEIR_OK;
}

/* plugin.h, hold: what view gave of a group is good until the next hold or its end. */
static void what_was_shown_of_a_group_stays_until_the_next_hold(void **state)
{
    struct stage s = {.process = hold_and_look, .until = INT64_MAX, .what = DROP};
    (void)state;
    build(&s, 1);
    struct weir_batch *in = three(0);
    batch_ref(in);
    assert_null(run(0, in));
    assert_int_equal(in->refs, 2);
    assert_memory_equal(shown.ptr, "c", 1);
    s.process = hold_all;
    assert_null(run(0, three(3)));
    assert_int_equal(in->refs, 1);
    batch_unref(in);
    assert_null(release(0, 0, true));
    books_say(0, 0, 6, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_group_of_two_calls_goes_in_the_second),
        test(what_two_calls_brought_can_become_letters),
        test(what_is_given_away_at_once_costs_no_memory),
        test(documents_of_held_records_outlive_the_call),
        test(a_record_of_several_that_stays_pins_no_call),
        test(what_was_shown_of_a_group_stays_until_the_next_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
