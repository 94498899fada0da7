/* SPDX-License-Identifier: BSD-2-Clause */
/* t-rebalance.c - lanes that are taken away from a running pipeline: drained, committed, fenced off, forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "whole.h"

static void take_away(uint32_t drain_ms)
{
    src.drain_ms = drain_ms;
    atomic_store(&src.revoke, 1);
    AWAIT(src.revoked == 1);
}

static void lanes_taken_away_are_drained_and_committed(void **state)
{
    (void)state;
    for (int commits = 0; commits < 2; commits++) {
        (void)teardown(state);
        (void)setup(state);
        one.promises = commits ? WEIR_COMMITS : 0;
        one.delay_ms = 3;
        rig.conf.commit_ms = 1000;
        src.endless = true;
        src.count = 100000000;
        start();
        AWAIT(one.records > 100);
        take_away(60000);
        assert_int_equal(src.revoked_next, src.emitted[0]);
        assert_int_equal(stored("a"), src.emitted[0]);
        assert_int_equal(books().returned, 0);
        pipeline_stop(rig.p); /* the others went on */
        assert_true(join());
        assert_int_equal(src.committed[1], src.emitted[1]);
    }
}

static void what_is_not_through_in_time_is_given_back(void **state)
{
    (void)state;
    atomic_store(&one.mode, HOLDS);
    src.endless = true;
    src.count = 500;
    start();
    AWAIT(src.emitted[2] == 500);
    int64_t begin = flow_ms();
    take_away(200);
    assert_true(flow_ms() - begin >= 190);
    assert_int_equal(books().returned, 500);
    assert_int_equal(src.revoked_next, 0);
    atomic_store(&one.mode, GOES); /* what ends now changes no books */
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(books().delivered, 1000);
    assert_int_equal(books().read, 1000);
    assert_int_equal(src.committed[0], 0);
    assert_int_equal(stored("a"), 0);
    assert_int_equal(stored("b"), 500);
}

static void lanes_that_are_lost_are_not_committed(void **state)
{
    (void)state;
    rig.conf.commit_ms = 3600000;
    src.endless = true;
    src.count = 500;
    start();
    AWAIT(books().delivered == 1500);
    take_away(0);
    assert_int_equal(src.revoked_next, 0);
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(src.committed[0], 0);
    assert_int_equal(stored("a"), 0);
    assert_int_equal(stored("b"), 500);
}

/* Of a lane that is taken away and comes back again and again, in every way there is, no more than one is kept. */
static void lanes_that_come_and_go_leave_nothing(void **state)
{
    (void)state;
    src.comes_back = src.endless = true;
    src.count = 100000000;
    one.delay_ms = 2;
    rig.conf.commit_ms = 5;
    rig.conf.workers = 2;
    start();
    for (int i = 0; i < 100; i++) {
        static const uint32_t drains[] = {0, 1, 60000};
        src.drain_ms = drains[i % 3];
        int revoked = atomic_load(&src.revoked);
        atomic_store(&src.revoke, 1);
        AWAIT(atomic_load(&src.revoked) == revoked + 1);
    }
    AWAIT(atomic_load(&rig.p->flow.ledger.n_shards) == 3);
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(src.committed[0], src.emitted[0]);
    assert_int_equal(rig.p->flow.ledger.n_shards, 3);
    assert_int_equal(rig.p->flow.ledger.numbered, 103);
}

/* A batch that is not answered keeps its lane, and a commit may come to it late. */
static void what_comes_back_late_finds_its_lane(void **state)
{
    (void)state;
    atomic_store(&one.mode, HOLDS);
    src.endless = true;
    src.count = 500;
    start();
    AWAIT(src.emitted[2] == 500);
    take_away(0);
    assert_int_equal(rig.p->flow.ledger.n_shards, 3);
    atomic_store(&one.mode, GOES);
    AWAIT(atomic_load(&rig.p->flow.ledger.n_shards) == 2);
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(books().delivered, 1000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lanes_taken_away_are_drained_and_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_through_in_time_is_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(lanes_that_are_lost_are_not_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(lanes_that_come_and_go_leave_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_back_late_finds_its_lane, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
