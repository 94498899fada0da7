/* SPDX-License-Identifier: BSD-2-Clause */
/* t-stuck.c - a pipeline that does not get on: when it is noticed, what is said and how often, and that it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "instance/call.h"
#include "told.h"

static FILE *caught;
static int real_stderr;

static int catch (void **state)
{
    if (setup(state))
        return -1;
    rig.conf.stuck_after_ms = 300000;
    caught = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    return caught && dup2(fileno(caught), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int release(void **state)
{
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    (void)fclose(caught);
    return teardown(state);
}

/* How often the text stands in what was logged. */
static int logged(const char *text)
{
    static char all[65536];
    int n = 0;
    long size = ftell(caught);
    rewind(caught);
    all[fread(all, 1, sizeof all - 1, caught)] = '\0';
    (void)fseek(caught, size, SEEK_SET);
    for (const char *at = all; (at = strstr(at, text)) != NULL; at += strlen(text))
        n++;
    return n;
}

static void ready(void)
{
    build();
    rig.p->intake.instance->opened = true; /* its thread does not run here */
}

static void watch(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        now += 1000;
        ledger_advance(&rig.p->flow.ledger); /* the source's thread does that */
        stuck_tick(rig.p, 1000);
    }
}

static const char *section, *why;
static bool stuck(void)
{
    static struct strbuf who, what;
    who.len = what.len = 0;
    strbuf_str(&who, "");
    strbuf_str(&what, "");
    bool on = stuck_why(rig.p, &who, &what);
    section = who.data;
    why = what.data;
    return on;
}

#define WAITS(time) "1 of 1 shards have records waiting and had no acknowledgement for " time " (a): "

static void no_acknowledgement_for_so_long_is_stuck_and_said_once(void **state)
{
    (void)state;
    ready();
    many(0, 0, 3);
    (void)tick();
    watch(299);
    assert_false(stuck());
    watch(1);
    assert_true(stuck());
    assert_string_equal(section, "sink");
    assert_string_equal(why, WAITS("5 min") "[sink] has not answered for a batch for 299 s");
    assert_int_equal(rig.p->stuck.shards, 1);
    watch(600);
    assert_true(stuck());
    assert_non_null(strstr(why, "for 15 min"));
    assert_int_equal(logged("stuck: 1 of 1 shards"), 1);
    fine();
    watch(1);
    assert_false(stuck());
    assert_int_equal(logged("no longer stuck"), 1);
    watch(1000);
    assert_int_equal(logged("stuck"), 2);
}

static void each_answer_begins_the_time_anew(void **state)
{
    (void)state;
    conf->batch_records = 1;
    ready();
    many(0, 0, 10);
    (void)tick();
    for (int i = 0; i < 9; i++) {
        watch(299);
        fine();
    }
    assert_false(stuck());
    assert_int_equal(logged("stuck"), 0);
    fine();
    all_delivered(10);
}

static void nothing_to_do_is_not_stuck(void **state)
{
    (void)state;
    ready();
    ledger_shard_end(&rig.p->flow.ledger, rig_shard(&rig, 0), 0);
    watch(1000);
    assert_false(stuck());
    many(0, 0, 2);
    (void)tick();
    fine();
    ledger_shard_end(&rig.p->flow.ledger, rig_shard(&rig, 0), 2);
    watch(1000);
    assert_false(stuck());
}

static void a_source_that_reads_nothing_of_what_waits(void **state)
{
    (void)state;
    ready();
    many(0, 0, 2);
    (void)tick();
    fine();
    ledger_shard_end(&rig.p->flow.ledger, rig_shard(&rig, 0), 9);
    watch(301);
    assert_true(stuck());
    assert_string_equal(section, "source");
    assert_string_equal(why, WAITS("5 min") "[source] is well and reads nothing of it");
    rig.p->intake.draining = true; /* it is not asked to read any more */
    watch(1);
    assert_false(stuck());
}

static void a_lane_whose_first_record_never_comes(void **state)
{
    uint64_t lag, size;
    (void)state;
    ready();
    (void)tick();
    ledger_shard_begin(&rig.p->flow.ledger, rig_shard(&rig, 0), 7);
    ledger_shard_end(&rig.p->flow.ledger, rig_shard(&rig, 0), 7); /* nothing is there to be read */
    watch(1000);
    assert_false(stuck());
    ledger_shard_end(&rig.p->flow.ledger, rig_shard(&rig, 0), 9);
    assert_true(ledger_lag(&rig.p->flow.ledger, &lag, &size));
    assert_int_equal(lag, 2);
    watch(301);
    assert_true(stuck());
    assert_string_equal(section, "source");
    many(0, 7, 2);
    (void)tick();
    fine();
    watch(1);
    assert_false(stuck());
}

static void a_shard_given_back_is_no_longer_ours(void **state)
{
    (void)state;
    ready();
    many(0, 0, 1);
    many(1, 0, 1);
    (void)tick();
    watch(301);
    assert_int_equal(rig.p->stuck.shards, 2);
    ledger_shard_close(&rig.p->flow.ledger, rig_shard(&rig, 0));
    watch(1);
    assert_int_equal(rig.p->stuck.shards, 1);
    fine();
    watch(1);
    assert_false(stuck());
}

static void the_cause_is_who_says_that_it_is_in_trouble(void **state)
{
    (void)state;
    ready();
    many(0, 0, 1);
    (void)tick();
    instance_health(rig.p->intake.instance, WEIR_CONNECTING, 0, "no route");
    instance_health(o->instance, WEIR_DENIED, 401, "wrong password");
    watch(301);
    assert_true(stuck());
    assert_string_equal(section, "sink");
    assert_string_equal(why, WAITS("5 min") "[sink] is refused by the other end: wrong password");
    instance_health(o->instance, WEIR_UP, 0, NULL);
    watch(1);
    assert_true(stuck());
    assert_string_equal(why, WAITS("5 min") "[source] is not connected: no route");
    assert_int_equal(logged("stuck"), 1);
    fine();
}

static void the_same_records_refused_again_and_again_are_said_once(void **state)
{
    (void)state;
    conf->retry_max_ms = 100;
    ready();
    o->instance->speaks = true; /* of its health, which is good */
    many(0, 0, 3);
    (void)tick();
    answer(1, WEIR_RETRY);
    assert_int_equal(o->glance.retrying, 1);
    for (int i = 0; i < 59; i++) {
        watch(1);
        (void)tick();
        answer(0, WEIR_RETRY);
    }
    assert_int_equal(logged("again and again"), 0);
    for (int i = 0; i < 300; i++) {
        watch(1);
        (void)tick();
        answer(0, WEIR_RETRY);
    }
    assert_int_equal(logged("warning rig [sink]: 1 records are refused again and again"), 1);
    assert_true(stuck());
    assert_string_equal(why, WAITS("5 min") "[sink] refuses 1 records again and again, for 5 min; the last "
                                            "answer: as told");
    watch(1);
    (void)tick();
    fine();
    watch(1);
    assert_int_equal(o->glance.retrying, 0);
    assert_int_equal(logged("what was refused again and again is through"), 1);
    assert_int_equal(atomic_load(&o->watch.retry_age_ms), 0);
}

static void a_callback_that_does_not_return_is_named(void **state)
{
    int64_t ms;
    (void)state;
    ready();
    many(0, 0, 1);
    (void)tick();
    o->instance->calling_since = now;
    o->instance->calling = "write";
    watch(60);
    assert_null(stuck_hung(rig.p, o->instance, &ms));
    watch(2);
    assert_string_equal(stuck_hung(rig.p, o->instance, &ms), "write");
    assert_int_equal(ms, 61000);
    assert_int_equal(logged("error rig [sink]: has been inside write for 60 s"), 1);
    watch(300);
    assert_true(stuck());
    assert_string_equal(why, WAITS("6 min") "[sink] has been inside write for 361 s");
    o->instance->calling = NULL;
    watch(1);
    assert_null(stuck_hung(rig.p, o->instance, &ms));
    assert_int_equal(logged("came back after 361 s"), 1);
    assert_int_equal(logged("has been inside"), 2); /* once of the instance, once as the cause */
    fine();
}

static void the_next_call_of_the_same_callback_is_another_one(void **state)
{
    int64_t ms;
    (void)state;
    ready();
    o->instance->calling = "write";
    for (int i = 0; i < 200; i++) {
        o->instance->calling_since = now;
        watch(1);
    }
    assert_null(stuck_hung(rig.p, o->instance, &ms));
    o->instance->calling = NULL;
}

static void a_loop_that_does_not_turn(void **state)
{
    struct loop *l;
    (void)state;
    ready();
    l = &o->lane->loop;
    loop_begin(l);
    watch(61);
    assert_int_equal(stuck_still(rig.p, l), 61000);
    o->instance->calling = "write"; /* that is the callback's fault */
    watch(1);
    assert_int_equal(stuck_still(rig.p, l), 0);
    o->instance->calling = NULL;
    loop_wait(l, 0);
    l->state = LOOP_WAITS;
    l->signalled = false;
    watch(1000);
    assert_int_equal(stuck_still(rig.p, l), 0);
    l->signalled = true; /* nobody wakes it */
    watch(60);
    assert_int_equal(stuck_still(rig.p, l), 60000);
    loop_end(l);
    watch(1);
    assert_int_equal(stuck_still(rig.p, l), 0);
}

static void while_the_process_stands_still_nothing_grows_old(void **state)
{
    (void)state;
    ready();
    many(0, 0, 1);
    (void)tick();
    for (int i = 0; i < 100; i++) {
        now += 3600000;
        stuck_tick(rig.p, 3600000);
    }
    assert_false(stuck());
    fine();
}

static void a_sink_that_is_shared_grows_old_once(void **state)
{
    struct flow *own;
    static struct flow other;
    (void)state;
    ready();
    many(0, 0, 1);
    (void)tick();
    watch(2);
    assert_int_equal(atomic_load(&o->watch.ack_age_ms), 2000);
    own = o->flow;
    o->flow = &other; /* its owner watches it */
    watch(10);
    assert_int_equal(atomic_load(&o->watch.ack_age_ms), 2000);
    o->flow = own;
    fine();
}

static void a_pipeline_that_failed_is_said_to_be_stuck_no_more(void **state)
{
    (void)state;
    ready();
    many(0, 0, 1);
    (void)tick();
    watch(301);
    assert_true(stuck());
    flow_fail(&rig.p->flow, "no more");
    watch(1);
    assert_false(stuck());
    assert_int_equal(logged("no longer stuck"), 0);
    assert_string_equal(atomic_load(&rig.p->flow.failure), "no more");
}

#define test(f) cmocka_unit_test_setup_teardown(f, catch, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(no_acknowledgement_for_so_long_is_stuck_and_said_once),
        test(each_answer_begins_the_time_anew),
        test(nothing_to_do_is_not_stuck),
        test(a_source_that_reads_nothing_of_what_waits),
        test(a_lane_whose_first_record_never_comes),
        test(a_shard_given_back_is_no_longer_ours),
        test(the_cause_is_who_says_that_it_is_in_trouble),
        test(the_same_records_refused_again_and_again_are_said_once),
        test(a_callback_that_does_not_return_is_named),
        test(the_next_call_of_the_same_callback_is_another_one),
        test(a_loop_that_does_not_turn),
        test(while_the_process_stands_still_nothing_grows_old),
        test(a_sink_that_is_shared_grows_old_once),
        test(a_pipeline_that_failed_is_said_to_be_stuck_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
