/* SPDX-License-Identifier: BSD-2-Clause */
/* t-exec-source.c - programs as sources: lines, positions, restarts, and what they are told of commits. */
#include "exec_test.h"

static bool has_outputs(struct harness *h, void *n)
{
    return harness_out_count(h) >= *(size_t *)n;
}

static void expect_count(struct harness *h, size_t n)
{
    assert_true(harness_run_until(h, has_outputs, &n, WAIT));
    assert_int_equal(harness_out_count(h), n);
}

/* Polls, waiting as the host does, until it is neither OK nor AGAIN. */
static int poll_some(struct harness *h, uint32_t max_records, uint32_t flags)
{
    int r;
    while ((r = harness_poll(h, max_records, 1 << 20, 0, flags)) == WEIR_OK || r == WEIR_AGAIN) {
        struct pollfd fds[HARNESS_FDS_MAX];
        for (uint32_t i = 0; i < h->n_fds; i++)
            fds[i] = (struct pollfd){h->fds[i].fd, POLLIN, 0};
        if (r == WEIR_AGAIN)
            assert_int_not_equal(poll(fds, h->n_fds, WAIT), 0);
    }
    return r;
}

static int poll_out(struct harness *h, uint32_t flags)
{
    return poll_some(h, 100, flags);
}

static void any_program_is_a_source(void **state)
{
    struct harness *h =
        harness_start("exec", WEIR_SOURCE,
                      script("echo one; echo; printf last; echo $WEIR_UNTIL_END $WEIR_POSITION. >end\n", ""));
    (void)state;
    assert_false(harness_promises(h) & WEIR_REPLAYABLE);
    assert_int_equal(poll_out(h, WEIR_POLL_TO_END), WEIR_END);
    assert_int_equal(harness_out_count(h), 3);
    assert_string_equal(harness_out_value(h, 0), "one");
    assert_string_equal(harness_out_value(h, 1), "");
    assert_string_equal(harness_out_value(h, 2), "last");
    assert_string_equal(harness_out(h, 0)->record.topic.ptr, "exec");
    assert_int_equal(harness_commit(h, true), WEIR_OK);
    harness_free(h);
    assert_string_equal(scratch_read("end"), "1 .\n");
    expect_no_child();
}

/* It closes its output, as an interpreter does at its end, and has something to tidy up after that. */
static void one_that_takes_its_time_to_end_has_ended_well(void **state)
{
    struct harness *h =
        harness_start("exec", WEIR_SOURCE, script("echo one; exec >&-; sleep 1.5; exit 0\n", ""));
    (void)state;
    assert_int_equal(poll_out(h, 0), WEIR_END);
    assert_int_equal(harness_out_count(h), 1);
    harness_free(h);
    expect_no_child();
}

static void record_lines_and_bad_lines(void **state)
{
    struct harness *h = harness_start(
        "exec", WEIR_SOURCE,
        script("echo '{\"key\":\"k\",\"value\":\"v\"}'; echo x; printf '%02000d\\n' 0; echo '{}'\n",
               "format = record\nmax-line = 1K\n"));
    (void)state;
    assert_int_equal(poll_out(h, 0), WEIR_END);
    assert_int_equal(harness_out_count(h), 4);
    assert_string_equal(harness_out_value(h, 0), "v");
    assert_non_null(strstr(harness_out(h, 1)->result.why, "no record object"));
    assert_non_null(strstr(harness_out(h, 2)->result.why, "more than max-line = 1024"));
    assert_null(harness_out_value(h, 3));
    harness_free(h);
}

/* The host may take a few at a time. */
static void positions_are_kept_record_by_record(void **state)
{
    struct weir_slice data = {"p7", 2};
    struct harness *h = harness_load(
        "exec", WEIR_SOURCE,
        script(
            "echo $WEIR_POSITION >start; echo p8 a; echo p9 b b; echo 10; echo 'p10 '; printf 'p11 last'\n",
            "positions = yes\ntopic = rows\n"));
    (void)state;
    assert_true(harness_promises(h) & WEIR_REPLAYABLE);
    harness_preset(h, "exec-test", 7, data);
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    assert_int_equal(poll_some(h, 1, 0), WEIR_RETRY);
    assert_string_equal(harness_failure(h)->why,
                        "it wrote \"10\": a line is a position of at most 1024 bytes, a space, and a record");
    assert_string_equal(scratch_read("start"), "p7\n");
    assert_int_equal(harness_out_count(h), 2);
    assert_int_equal(harness_out(h, 1)->record.seq, 8);
    assert_string_equal(harness_out_value(h, 1), "b b");
    assert_string_equal(harness_out(h, 1)->record.topic.ptr, "rows");
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    const struct harness_shard *shard = harness_shard(h, "exec-test");
    assert_int_equal(shard->committed, 9);
    assert_memory_equal(shard->data.ptr, "p9", 2);
    harness_free(h);
}

/* Nothing twice, nothing left out: it goes on behind what was read, committed or not, and a part of a line is none. */
static void one_that_dies_goes_on_behind_what_was_read(void **state)
{
    struct harness *h = harness_start("exec", WEIR_SOURCE,
                                      script("n=${WEIR_POSITION:-0}; echo start $n >&2\n"
                                             "for i in 1 2; do n=$((n + 1)); echo $n value $n; done\n"
                                             "[ $n -ge 6 ] && exit 0; printf \"$((n + 1)) hal\"; exit 9\n",
                                             "positions = yes\n"));
    (void)state;
    for (int tries = 1; tries <= 2; tries++) {
        assert_int_equal(poll_out(h, 0), WEIR_RETRY);
        assert_string_equal(harness_failure(h)->why, "it ended with exit status 9");
        assert_int_equal(harness_failure(h)->retry_after_ms, 50 << tries);
        assert_int_equal(harness_out_count(h), 2 * tries);
        if (tries == 1)
            assert_int_equal(harness_commit(h, false), WEIR_OK);
    }
    assert_int_equal(poll_out(h, 0), WEIR_END);
    assert_int_equal(harness_out_count(h), 6);
    assert_string_equal(harness_out_value(h, 5), "value 6");
    assert_int_equal(harness_out(h, 5)->record.seq, 5);
    assert_int_equal(harness_logged(h, "the program ended inside a line: 5 bytes of it are dropped"), 2);
    assert_int_equal(harness_logged(h, "start 4"), 1);
    assert_int_equal(harness_commit(h, true), WEIR_OK);
    harness_free(h);
    expect_no_child();
}

static bool is_there(struct harness *h, void *name)
{
    (void)h;
    return access(scratch_path(name), F_OK) == 0;
}

static bool rest_is_there(struct harness *h, void *unused)
{
    const char *rest = scratch_read("rest");
    (void)h;
    (void)unused;
    return rest && strcmp(rest, "committed c:3\n") == 0;
}

static void it_is_told_what_is_committed(void **state)
{
    struct harness *h = harness_start(
        "exec", WEIR_SOURCE,
        script("trap '' TERM; echo a:1 one; echo b:2 two; read -r line; echo \"$line\" >first; touch seen\n"
               "echo c:3 three; while read -r line; do echo \"$line\"; done >rest; echo end >>rest\n",
               "positions = yes\n"));
    (void)state;
    expect_count(h, 2);
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    assert_true(harness_run_until(h, is_there, (void *)(uintptr_t) "seen", WAIT));
    assert_string_equal(scratch_read("first"), "committed b:2\n");
    expect_count(h, 3);
    assert_int_equal(harness_commit(h, true), WEIR_OK);
    assert_true(harness_run_until(h, rest_is_there, NULL, WAIT));
    harness_free(h);
    assert_string_equal(scratch_read("rest"), "committed c:3\nend\n");
}

/* It writes without end and reads nothing: it is held back by its pipe, and ended all the same. */
static void one_that_writes_without_end(void **state)
{
    size_t n = 5000;
    struct harness *h = harness_start(
        "exec", WEIR_SOURCE,
        script("exec awk 'BEGIN { for (;;) print ++n, \"value of\", n }'\n", "positions = yes\n"));
    (void)state;
    assert_true(harness_run_until(h, has_outputs, &n, 3 * WAIT));
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    size_t before = harness_out_count(h);
    assert_int_equal(harness_poll(h, 100, 1 << 20, 0, WEIR_POLL_PAUSED), WEIR_AGAIN);
    assert_int_equal(h->n_fds, 1); /* standard error alone has poll called while it waits */
    assert_int_equal(harness_out_count(h), before);
    assert_string_equal(harness_out_value(h, before - 1) + strlen("value of "),
                        strrchr(harness_out_value(h, before - 1), ' ') + 1);
    harness_free(h);
    expect_no_child();
}

static void waits_grow_while_it_fails(void **state)
{
    struct harness *h = harness_start("exec", WEIR_SOURCE, script("exit 1\n", ""));
    uint32_t last = 0;
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(poll_out(h, 0), WEIR_RETRY);
        assert_true(harness_failure(h)->retry_after_ms >= last);
        last = harness_failure(h)->retry_after_ms;
    }
    assert_int_equal(last, 25600);
    harness_free(h);
}

/* Its last lines are read together with its end: it is not well because there were lines. */
static void one_that_fails_after_a_long_time(void **state)
{
    int alive = alive_make();
    struct harness *h =
        harness_start("exec", WEIR_SOURCE, script("exec 4>alive; printf 'a\\nb\\nc\\n'; exit 1\n", ""));
    (void)state;
    assert_true(harness_poll(h, 2, 1 << 20, 0, 0) >= 0); /* starts it */
    harness_advance(h, 20000);
    expect_dead(alive);
    assert_int_equal(poll_some(h, 2, 0), WEIR_RETRY);
    assert_int_equal(harness_out_count(h), 3);
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
    harness_free(h);
}

static void a_program_that_is_not_there(void **state)
{
    struct harness *h = harness_start("exec", WEIR_SOURCE, "command = /no/such/program\n");
    (void)state;
    assert_int_equal(harness_poll(h, 1, 1 << 20, 0, 0), WEIR_FATAL);
    harness_free(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, exec_setup, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_program_is_a_source),
        TEST(one_that_takes_its_time_to_end_has_ended_well),
        TEST(record_lines_and_bad_lines),
        TEST(positions_are_kept_record_by_record),
        TEST(one_that_dies_goes_on_behind_what_was_read),
        TEST(it_is_told_what_is_committed),
        TEST(one_that_writes_without_end),
        TEST(waits_grow_while_it_fails),
        TEST(one_that_fails_after_a_long_time),
        TEST(a_program_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
