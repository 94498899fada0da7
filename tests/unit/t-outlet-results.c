/* SPDX-License-Identifier: BSD-2-Clause */
/* t-outlet-results.c - what becomes of a sink's answers: split, dead letters, the end; and who may give them when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/redact.h"
#include "told.h"

#include <pthread.h>

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

/* The fake records' lane is not named by topic and partition, and they have no offset: so that is said too. */
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
                                        "exception.stacktrace",
                                        "shard",
                                        "offset"};
    static const char *const values[] = {
        "t", "1", "41", "rig", "0", "TASK_PUT", "fake", "mapper", "bad field", "[sink] attempts 1, code 400",
        "b", "-1"};
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
    assert_int_equal(d->n_headers, 12);
    for (int i = 0; i < 12; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", i < 10 ? "__connect.errors." : "weir.", names[i]);
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

/* The name of an index that is made of ${env:...} is quoted by the error about it, and a topic has many readers. */
static void a_reason_shows_no_secret(void **state)
{
    (void)state;
    rig_dead(&rig, &plain, &dead);
    build();
    many(0, 0, 1);
    (void)tick();
    redact_add("hunter2", 7);
    struct weir_result r = {.index = 0, .status = WEIR_REJECT, .why = "no index is called \"hunter2-A\""};
    assert_int_equal(complete(&sink, &r, 1), WEIR_OK);
    (void)tick();
    redact_reset();
    const struct weir_slice why = dead.held[0]->records[0].headers[8].value;
    static const char said_there[] = "no index is called \"***-A\"";
    assert_int_equal(why.len, sizeof said_there - 1);
    assert_memory_equal(why.ptr, said_there, why.len);
}

static void without_dead_letters_a_reject_stops_the_pipeline(void **state)
{
    (void)state;
    build();
    many(0, 0, 2);
    (void)tick();
    answer(1, WEIR_REJECT);
    assert_true(flow_failed(&rig.p->flow));
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
    assert_true(flow_failed(&rig.p->flow));
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
    assert_false(flow_failed(&rig.p->flow));
    many(0, 20, 1);
    (void)tick();
    answer(0, WEIR_REJECT);
    assert_true(flow_ending(&rig.p->flow));
    assert_false(
        flow_failed(&rig.p->flow)); /* the last dead letter is delivered, and nothing else any more */
    many(0, 30, 1);
    memset(sink.said, 0, sizeof sink.said);
    (void)tick();
    assert_string_equal(sink.said, "");
    assert_int_equal(atomic_load(&rig.p->flow.letters) - atomic_load(&rig.p->flow.ledger.letters), 1);
    assert_int_equal(complete(&dead, NULL, 0), WEIR_OK);
    (void)tick();
    assert_int_equal(atomic_load(&rig.p->flow.letters), atomic_load(&rig.p->flow.ledger.letters));
    assert_int_equal(books().dead, 10);
    assert_int_equal(books().open, 1);
}

static void fatal_stops_the_pipeline_and_keeps_what_is_done(void **state)
{
    (void)state;
    build();
    many(0, 0, 3);
    (void)tick();
    answer(2, WEIR_FATAL);
    assert_true(flow_failed(&rig.p->flow));
    assert_int_equal(books().delivered, 2);
    assert_int_equal(books().open, 1);
}

static void an_answer_that_means_nothing_is_no_success(void **state)
{
    static const int odd[] = {WEIR_END, WEIR_AGAIN, 77, -77};
    (void)state;
    build();
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        atomic_store(&rig.p->flow.failed, false);
        o->stopped = false;
        many(0, k * 2, 2);
        (void)tick();
        answer(0, odd[k]);
        assert_true(flow_failed(&rig.p->flow));
        assert_int_equal(books().open, k + 1);
    }
    atomic_store(&rig.p->flow.failed, false);
    o->stopped = false;
    many(0, 90, 2);
    (void)tick();
    answer(2, WEIR_OK); /* there is no third */
    assert_true(flow_failed(&rig.p->flow));
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
    assert_int_equal(rig.p->flow.budget.used, 0);
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
        while (!ledger_idle(&rig.p->flow.ledger))
            loop_wait(&o->lane->loop, 10), loop_run_tasks(&o->lane->loop);
        pthread_join(thread, NULL);
        memset(sink.said, 0, sizeof sink.said);
    }
    all_delivered(160);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(split_halves_down_to_one_record_which_is_rejected),
        test(halves_keep_their_order_when_the_first_fails),
        test(records_too_large_among_others_go_again_in_a_smaller_batch),
        test(a_dead_letter_has_ten_headers_and_its_bytes),
        test(a_long_reason_is_cut_between_characters),
        test(a_reason_shows_no_secret),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
