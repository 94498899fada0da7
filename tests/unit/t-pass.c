/* SPDX-License-Identifier: BSD-2-Clause */
/* t-pass.c - a pass through dead letters: what is done after its end is done only if it came to that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dlq/pass.h"
#include "flow.h"

#include <signal.h>

static struct watching { /* takes nothing in */
    struct gate gate;    /* first */
    struct passing pass;
    uint64_t seen, act_at; /* at which record it acts; 0: at none */
    void (*act)(void);
    bool refuses; /* what is to be done after the end fails */
    int done;
} w;
static struct rig rig;
static struct src src;

static bool admit(struct gate *gate, struct shard *from, struct weir_record *r)
{
    (void)gate;
    (void)from;
    (void)r;
    if (++w.seen == w.act_at)
        w.act();
    return false;
}

static bool done(struct gate *gate, struct state *state)
{
    (void)gate;
    (void)state;
    w.done++;
    return !w.refuses;
}

static void seen_enough(void)
{
    pipeline_stop(w.pass.running);
}

static void signalled(void)
{
    (void)kill(getpid(), SIGTERM);
}

static int setup(void **state)
{
    memset(&src, 0, sizeof src);
    memset(&w, 0, sizeof w);
    src.n_lanes = 2;
    src.count = 500;
    src.value_size = 10;
    rig_init(&rig);
    rig.conf.state_name = "rig.redrive";
    rig.conf.source.ops = &src_ops;
    rig.conf.source.conf = &src;
    w.gate.admit = admit;
    w.pass = (struct passing){.conf = &rig.conf, .gate = &w.gate, .done = done};
    return scratch_make(state);
}

static void ends(enum pass_end wanted, int times_done)
{
    struct strbuf why = {0};
    w.pass.state_dir = scratch_dir;
    assert_int_equal(pass_run(&w.pass, &why), wanted);
    assert_int_equal(w.done, times_done);
    strbuf_free(&why);
}

static void a_whole_one_is_followed_up(void **state)
{
    (void)state;
    ends(PASS_DONE, 1);
    assert_int_equal(w.seen, 1000);
}

static void that_may_fail(void **state)
{
    (void)state;
    w.refuses = true;
    ends(PASS_FAILED, 1);
}

static void one_that_fails_is_not(void **state)
{
    (void)state;
    src.fatal = 3;
    ends(PASS_FAILED, 0);
    assert_true(w.seen > 0 && w.seen < 1000);
}

static void one_that_has_seen_enough_is_not(void **state)
{
    (void)state;
    src.endless = true;
    w.act_at = 100;
    w.act = seen_enough;
    ends(PASS_DONE, 0);
}

static void one_that_a_signal_stops_is_not(void **state)
{
    (void)state;
    src.endless = true;
    w.act_at = 100;
    w.act = signalled;
    ends(PASS_STOPPED, 0);
    uint64_t seen = w.seen;
    ends(PASS_STOPPED, 0); /* nor is there another */
    assert_int_equal(w.seen, seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_one_is_followed_up, setup, scratch_remove),
        cmocka_unit_test_setup_teardown(that_may_fail, setup, scratch_remove),
        cmocka_unit_test_setup_teardown(one_that_fails_is_not, setup, scratch_remove),
        cmocka_unit_test_setup_teardown(one_that_has_seen_enough_is_not, setup, scratch_remove),
        cmocka_unit_test_setup_teardown(one_that_a_signal_stops_is_not, setup,
                                        scratch_remove), /* last: for the process */
    };
    pass_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
