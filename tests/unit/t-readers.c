/* SPDX-License-Identifier: BSD-2-Clause */
/* t-readers.c - fan-out = independent: a reader and a position for each sink, dead letters in common, and what becomes of
 * positions when the fan-out changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/hang.h"
#include "engine/readers.h"
#include "flow.h"
#include "monitor/books.h"

#define COUNT 2000u /* records of each of the source's two lanes */

static struct rig rig; /* its conf is the file's; its pipeline is not used */
static struct pipeline_conf confs[2];
static struct src srcs[2];
static struct snk snks[2], dead;
static struct readers *readers;

static int setup(void **state)
{
    if (scratch_make(state))
        return -1;
    memset(srcs, 0, sizeof srcs);
    memset(snks, 0, sizeof snks);
    memset(&dead, 0, sizeof dead);
    rig_init(&rig);
    rig_sink(&rig, "sink a", &snk_ops, &snks[0]);
    rig_sink(&rig, "sink b", &snk_ops, &snks[1]);
    for (int i = 0; i < 2; i++) {
        srcs[i].n_lanes = 2;
        srcs[i].count = COUNT;
        srcs[i].value_size = 100;
    }
    return 0;
}

/* As config/conf.c makes them: a copy for each sink; here each has a source that tells what was asked of it. */
static void start(enum conf_fanout fan_out)
{
    static const char *const labels[] = {"rig.a", "rig.b"};
    struct strbuf why = {0};
    rig.conf.fan_out = fan_out;
    rig.conf.source.ops = &src_ops;
    rig.conf.source.conf = &srcs[0];
    rig.conf.readers = &rig.conf;
    rig.conf.n_readers = 1;
    for (int i = 0; i < 2 && fan_out == FANOUT_INDEPENDENT; i++) {
        confs[i] = rig.conf;
        confs[i].sinks = &rig.sinks[i];
        confs[i].n_sinks = 1;
        confs[i].reader = rig.sinks[i].name;
        confs[i].label = labels[i];
        confs[i].source.conf = &srcs[i];
        rig.conf.readers = confs;
        rig.conf.n_readers = 2;
    }
    readers = readers_new(&rig.conf, scratch_dir, true, &why);
    if (!readers)
        fail_msg("%s", why.data);
    strbuf_free(&why);
    readers_start(readers);
}

/* Joins all; which of them ended well, as bits. */
static int join(void)
{
    int good = 0;
    for (size_t i = 0; i < readers->n; i++)
        good |= pipeline_join(readers->list[i]) << i;
    readers_end(readers);
    return good;
}

static void end(void)
{
    readers_free(readers);
    readers = NULL;
}

static int teardown(void **state)
{
    for (size_t i = 0; readers && i < readers->n; i++) /* the test failed half way */
        flow_abandon(&readers->list[i]->flow);
    if (readers)
        (void)join();
    end();
    return scratch_remove(state);
}

static uint64_t stored(size_t i, const char *lane)
{
    struct strbuf data = {0};
    uint64_t next = 0;
    const char *reader = readers->list[i]->flow.conf->reader;
    int status = state_position(readers->list[i]->state, reader, (struct weir_slice){lane, 1}, &next, &data);
    strbuf_free(&data);
    assert_int_not_equal(status, WEIR_FATAL);
    return status == WEIR_OK ? next : UINT64_MAX;
}

static void books_are(const char *text)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_true(books_print_all(readers, f));
    fclose(f);
    assert_string_equal(out, text);
    free(out);
}

static void each_sink_gets_everything_by_a_reader_of_its_own(void **state)
{
    (void)state;
    snks[1].delay_ms = 20;
    start(FANOUT_INDEPENDENT);
    assert_int_equal(join(), 3);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(snks[i].records, 2 * COUNT);
        assert_int_equal(srcs[i].committed[0], COUNT);
        assert_int_equal(stored(i, "a"), COUNT);
        assert_int_equal(stored(i, "b"), COUNT);
    }
    books_are("rig.a: read 4000 = delivered 4000 + dead-lettered 0 + dropped 0 + undelivered 0\n"
              "  a: in 4000 = delivered 4000 + duplicate 0 + dead-lettered 0\n"
              "rig.b: read 4000 = delivered 4000 + dead-lettered 0 + dropped 0 + undelivered 0\n"
              "  b: in 4000 = delivered 4000 + duplicate 0 + dead-lettered 0\n");
}

static void a_dead_sink_delays_only_its_own_copy(void **state)
{
    (void)state;
    atomic_store(&snks[1].mode, HOLDS);
    srcs[0].endless = srcs[1].endless = true;
    rig.conf.drain_ms = 50;
    start(FANOUT_INDEPENDENT);
    AWAIT(atomic_load(&srcs[0].committed[0]) == COUNT && atomic_load(&srcs[0].committed[1]) == COUNT);
    for (size_t i = 0; i < 2; i++)
        pipeline_stop(readers->list[i]);
    assert_int_equal(join(), 1);
    assert_int_equal(stored(0, "a"), COUNT);
    assert_int_equal(stored(1, "a"), UINT64_MAX);
    end();
    atomic_store(&snks[1].mode, GOES);
    atomic_store(&snks[0].records, 0);
    atomic_store(&snks[1].records, 0);
    memset(snks[1].last, 0, sizeof snks[1].last);
    srcs[0].endless = srcs[1].endless = false;
    start(FANOUT_INDEPENDENT);
    assert_int_equal(join(), 3);
    assert_int_equal(snks[0].records, 0);
    assert_int_equal(snks[1].records, 2 * COUNT);
}

static void one_that_fails_does_not_stop_the_others(void **state)
{
    (void)state;
    srcs[0].fatal = 1;
    start(FANOUT_INDEPENDENT);
    assert_int_equal(join(), 2);
    assert_int_equal(snks[1].records, 2 * COUNT);
    assert_int_equal(stored(1, "b"), COUNT);
}

static void dead_letters_of_all_go_to_one_sink(void **state)
{
    (void)state;
    rig_dead(&rig, &snk_ops, &dead);
    dead.promises = WEIR_COMMITS | WEIR_SINGLE;
    snks[0].reject_every = 100;
    snks[1].reject_every = 50;
    start(FANOUT_INDEPENDENT);
    assert_int_equal(join(), 3);
    assert_int_equal(dead.records, 40 + 80);
    assert_true(atomic_load(&dead.commits) > 0);
    for (size_t i = 0; i < 2; i++) /* the position counts on dead letters that were made durable before it */
        assert_int_equal(stored(i, "a"), COUNT);
    assert_false(state_dirty(readers->letters->state));
    books_are("rig.a: read 4000 = delivered 3960 + dead-lettered 40 + dropped 0 + undelivered 0\n"
              "  a: in 4000 = delivered 3960 + duplicate 0 + dead-lettered 40\n"
              "rig.b: read 4000 = delivered 3920 + dead-lettered 80 + dropped 0 + undelivered 0\n"
              "  b: in 4000 = delivered 3920 + duplicate 0 + dead-lettered 80\n"
              "rig: dead letters of all its sinks\n"
              "  dead-letter: in 120 = delivered 120 + duplicate 0 + dead-lettered 0\n");
}

static void what_the_dead_letter_sink_refuses_stops_all(void **state)
{
    (void)state;
    rig_dead(&rig, &snk_ops, &dead);
    dead.reject_every = 1;
    snks[0].reject_every = 100;
    srcs[1].endless = true;
    start(FANOUT_INDEPENDENT);
    assert_int_equal(join(), 0);
}

static void a_commit_of_dead_letters_that_fails_holds_positions(void **state)
{
    (void)state;
    rig_dead(&rig, &snk_ops, &dead);
    dead.promises = WEIR_COMMITS | WEIR_SINGLE;
    dead.commit_retries = 1000000;
    snks[0].reject_every = 100;
    srcs[0].endless = true;
    start(FANOUT_INDEPENDENT);
    assert_int_equal(pipeline_join(readers->list[1]), true); /* it has none, so nothing holds it */
    AWAIT(atomic_load(&dead.commits) > 2);
    assert_int_equal(stored(0, "a"), UINT64_MAX);
    assert_int_equal(stored(1, "a"), COUNT);
    flow_abandon(&readers->list[0]->flow);
    assert_int_equal(join(), 2);
}

/* Nothing is said before its time is up, and then whose callback it is; that the others ended well does not help. */
static void a_dead_letter_sink_that_hangs_is_not_waited_for(void **state)
{
    (void)state;
    rig_dead(&rig, &snk_ops, &dead);
    dead.blocks = dead.deaf = true;
    snks[0].reject_every = 100;
    srcs[0].endless = srcs[1].endless = true;
    rig.conf.drain_ms = 20;
    start(FANOUT_INDEPENDENT);
    AWAIT(atomic_load(&dead.blocked) == 1);
    AWAIT(atomic_load(&srcs[1].committed[0]) == COUNT && atomic_load(&srcs[1].committed[1]) == COUNT);
    assert_false(readers_through(readers, flow_ms()));
    for (size_t i = 0; i < 2; i++)
        pipeline_stop(readers->list[i]);
    AWAIT(pipeline_done(readers->list[0]) && pipeline_done(readers->list[1]));
    int64_t now = flow_ms();
    assert_false(readers_through(readers, now));
    assert_false(readers_through(readers, now + HANG_FAIL_MS - 100));
    assert_true(readers_through(readers, now + HANG_FAIL_MS));
    assert_true(readers->letters->hang.found);
    atomic_store(&dead.deaf, false);
    AWAIT(readers_through(readers, now));
    assert_int_equal(join(), 2);
}

/* ---- the fan-out changes ------------------------------------------------------------------------------------- */

static void run_to(enum conf_fanout fan_out, uint64_t a, uint64_t b)
{
    srcs[0].count = a;
    srcs[1].count = b;
    for (int i = 0; i < 2; i++) {
        atomic_store(&snks[i].records, 0);
        memset(snks[i].last, 0, sizeof snks[i].last);
    }
    start(fan_out);
    assert_int_equal(join(), fan_out == FANOUT_INDEPENDENT ? 3 : 1);
    end();
}

static void readers_that_part_go_on_where_one_stood(void **state)
{
    (void)state;
    run_to(FANOUT_TOGETHER, 100, 0);
    run_to(FANOUT_INDEPENDENT, 150, 120);
    assert_int_equal(snks[0].records, 2 * 50);
    assert_int_equal(snks[1].records, 2 * 20);
    run_to(FANOUT_INDEPENDENT, 150, 150);
    assert_int_equal(snks[0].records, 0);
    assert_int_equal(snks[1].records, 2 * 30);
}

static void one_reader_goes_on_where_the_last_of_them_stood(void **state)
{
    (void)state;
    run_to(FANOUT_INDEPENDENT, 150, 120);
    run_to(FANOUT_TOGETHER, 200, 0);
    assert_int_equal(snks[0].records, 2 * 80);
    assert_int_equal(snks[1].records, 2 * 80);
    run_to(FANOUT_INDEPENDENT, 200, 210);
    assert_int_equal(snks[0].records, 0);
    assert_int_equal(snks[1].records, 2 * 10);
}

static void a_lane_that_one_of_them_never_began_is_read_whole(void **state)
{
    (void)state;
    srcs[1].n_lanes = 1;
    run_to(FANOUT_INDEPENDENT, 50, 40);
    srcs[0].n_lanes = 2;
    run_to(FANOUT_TOGETHER, 60, 0);
    assert_int_equal(snks[0].records, 20 + 60);
    assert_int_equal(snks[1].records, 20 + 60);
}

static void a_sink_that_delivered_nothing_has_all_read_again(void **state)
{
    (void)state;
    atomic_store(&snks[1].mode, HOLDS);
    srcs[0].count = srcs[1].count = 100;
    srcs[0].endless = srcs[1].endless = true;
    rig.conf.drain_ms = 20;
    start(FANOUT_INDEPENDENT);
    AWAIT(atomic_load(&srcs[0].committed[1]) == 100);
    for (size_t i = 0; i < 2; i++)
        pipeline_stop(readers->list[i]);
    assert_int_equal(join(), 1);
    end();
    atomic_store(&snks[1].mode, GOES);
    srcs[0].endless = false;
    run_to(FANOUT_TOGETHER, 100, 0);
    assert_int_equal(snks[1].records, 200);
}

static void a_sink_added_to_independent_ones_begins_anew(void **state)
{
    (void)state;
    struct snk third = {0};
    run_to(FANOUT_INDEPENDENT, 50, 50);
    rig.sinks[1] = rig_section(&rig, WEIR_SINK, "sink c", &snk_ops, &third);
    run_to(FANOUT_INDEPENDENT, 50, 50);
    assert_int_equal(third.records, 100);
}

static void what_the_source_knows_goes_with_its_position(void **state)
{
    (void)state;
    struct strbuf got = {0};
    srcs[0].puts = true; /* under its owner: source, then source@a and source@b */
    run_to(FANOUT_TOGETHER, 10, 0);
    srcs[0].puts = false;
    start(FANOUT_INDEPENDENT);
    assert_int_equal(join(), 3);
    for (size_t i = 0; i < 2; i++) {
        static const char *const owners[] = {"source@a", "source@b"};
        struct state *s = readers->list[i]->state;
        assert_int_equal(state_get(s, owners[i], (struct weir_slice){"name", 4}, &got), WEIR_OK);
        assert_memory_equal(got.data, "src", 3);
        assert_int_equal(state_get(s, "source", (struct weir_slice){"name", 4}, &got), WEIR_AGAIN);
    }
    end();
    start(FANOUT_TOGETHER);
    assert_int_equal(join(), 1);
    assert_int_equal(state_get(readers->list[0]->state, "source", (struct weir_slice){"name", 4}, &got),
                     WEIR_OK);
    assert_int_equal(state_get(readers->list[0]->state, "source@a", (struct weir_slice){"name", 4}, &got),
                     WEIR_AGAIN);
    strbuf_free(&got);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_sink_gets_everything_by_a_reader_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_sink_delays_only_its_own_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_fails_does_not_stop_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_letters_of_all_go_to_one_sink, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_dead_letter_sink_refuses_stops_all, setup, teardown),
        cmocka_unit_test_setup_teardown(a_commit_of_dead_letters_that_fails_holds_positions, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_letter_sink_that_hangs_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_that_part_go_on_where_one_stood, setup, teardown),
        cmocka_unit_test_setup_teardown(one_reader_goes_on_where_the_last_of_them_stood, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lane_that_one_of_them_never_began_is_read_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sink_that_delivered_nothing_has_all_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sink_added_to_independent_ones_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_source_knows_goes_with_its_position, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
