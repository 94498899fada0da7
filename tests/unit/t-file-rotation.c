/* SPDX-License-Identifier: BSD-2-Clause */
/* t-file-rotation.c - the file source when files are renamed, deleted, cut, copied and rewritten. */
#include "file_source.h"

/* ---- rotation --------------------------------------------------------------------------------------------------- */

static void a_renamed_file_is_read_to_its_end(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    h = start("path = $/a\nrotate-wait = 100ms\n");
    expect_count(h, 1);
    assert_int_equal(rename(scratch_path("a"), scratch_path("a.1")), 0);
    scratch_append("a.1", "late");
    scratch_append("a", "new\n");
    expect_count(h, 3);
    expect_once(h, "late"); /* without line feed, for the file is done */
    expect_once(h, "new");
    scratch_append("a.1", "too late\n");
    scratch_append("a", "newer\n");
    expect_count(h, 4);
    expect_once(h, "newer");
    harness_free(h);
}

/* logrotate makes the new file empty, and the program writes to it later, while the old one is still waited for. */
static void a_new_file_that_is_empty_at_first_is_read_at_once(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    h = start("path = $/a\nrotate-wait = 1m\n");
    expect_count(h, 1);
    assert_int_equal(rename(scratch_path("a"), scratch_path("a.1")), 0);
    scratch_append("a", "");
    harness_stop_clock(h, 0);
    for (int i = 0; i < 3; i++) { /* it is seen, empty, and the old one is gone from its path */
        harness_advance(h, 100);
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    }
    scratch_append("a", "new\n");
    for (int i = 0; i < 3; i++) {
        harness_advance(h, 100);
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    }
    assert_int_equal(harness_out_count(h), 2);
    expect_once(h, "new");
    harness_free(h);
}

static void a_renamed_file_that_still_matches_is_not_read_again(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    h = start("path = $/a*\n");
    expect_count(h, 1);
    assert_int_equal(rename(scratch_path("a"), scratch_path("a.1")), 0);
    scratch_append("a", "two\n");
    expect_count(h, 2);
    scratch_append("a.1", "three\n");
    expect_count(h, 3);
    h = stop_and_start(h, "path = $/a*\n");
    scratch_append("a.1", "four\n");
    scratch_append("a", "five\n");
    expect_count(h, 2);
    expect_once(h, "four");
    expect_once(h, "five");
    harness_free(h);
}

static void a_file_renamed_while_stopped_is_read_to_its_end(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    h = start("path = $/a\n");
    expect_count(h, 1);
    keep(h);
    scratch_append("a", "rest\n");
    assert_int_equal(rename(scratch_path("a"), scratch_path("2026-a")), 0);
    scratch_append("a", "new\n");
    h = stop_and_start(h, "path = $/a\n");
    expect_count(h, 2);
    expect_once(h, "rest");
    expect_once(h, "new");
    harness_free(h);
}

static void deleted_and_made_again(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    h = start("path = $/a\nrotate-wait = 100ms\n");
    expect_count(h, 1);
    for (int i = 0; i < 3; i++) {
        char text[32];
        assert_int_equal(unlink(scratch_path("a")), 0);
        (void)snprintf(text, sizeof text, "again %d\n", i);
        scratch_append("a", text);
        expect_count(h, 2 + (size_t)i);
    }
    expect_once(h, "again 2");
    harness_free(h);
}

static void cut_and_written_anew(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntwo\nhal");
    h = start("path = $/a\n");
    expect_count(h, 2);
    scratch_rewrite("a", "new\n");
    expect_count(h, 4);
    expect_once(h, "hal"); /* nothing can complete it any more */
    expect_once(h, "new");
    assert_int_equal(harness_out(h, 3)->record.seq, 0);
    harness_free(h);
}

static void cut_and_grown_beyond_the_place(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntwo\n");
    h = start("path = $/a\n");
    expect_count(h, 2);
    scratch_rewrite("a", "other one\nother two\nother three\n");
    expect_count(h, 5);
    expect_once(h, "other one");
    expect_once(h, "other three");
    harness_free(h);
}

static void copy_then_truncate(const char *options, bool stopped)
{
    static char line[200];
    struct harness *h;
    char all[4096];
    memset(line, 'z', 198);
    line[198] = '\n';
    scratch_append("a", line);
    h = start(options);
    expect_count(h, 1);
    if (stopped)
        keep(h);
    scratch_append("a", "unread\n");
    (void)snprintf(all, sizeof all, "%sunread\n", line);
    scratch_append("a.1", all);
    scratch_rewrite("a", "after\n");
    if (stopped) {
        h = stop_and_start(h, options);
        expect_count(h, 2);
    } else {
        expect_count(h, 3);
    }
    expect_once(h, "unread");
    expect_once(h, "after");
    harness_free(h);
}

static void a_copy_is_read_on_when_the_original_is_cut(void **state)
{
    (void)state;
    copy_then_truncate("path = $/a\n", false);
}

static void a_copy_that_matches_is_not_read_again(void **state)
{
    (void)state;
    copy_then_truncate("path = $/a*\n", false);
}

static void a_copy_made_while_stopped_is_read_on(void **state)
{
    (void)state;
    copy_then_truncate("path = $/a\n", true);
}

static void a_copy_that_matches_made_while_stopped_is_read_on(void **state)
{
    (void)state;
    copy_then_truncate("path = $/a*\n", true);
}

static void a_copy_whose_original_stays_is_a_file_of_its_own(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "same\n");
    h = start("path = $/a*\nrotate-wait = 200ms\n");
    expect_count(h, 1);
    scratch_append("a2", "same\n");
    expect_count(h, 2);
    harness_free(h);
}

/* ---- what is over is forgotten ---------------------------------------------------------------------------------- */

#define LATER 1900000000000 /* the time at which a clock is stopped: after today */

static void poll_for(struct harness *h, int64_t ms)
{
    for (int64_t at = 0; at < ms; at += 11000) {
        harness_advance(h, 11000);
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    }
}

/* A run that lasts would have as many files as there may be in time, and read no other. */
static void a_deleted_file_s_lane_is_given_back(void **state)
{
    struct harness *h;
    char id[64], key[80];
    (void)state;
    scratch_append("a", "one\n");
    scratch_append("b", "other\n");
    h = start("path = $/*\nrotate-wait = 100ms\n");
    harness_stop_clock(h, LATER);
    expect_count(h, 2);
    for (size_t i = 0; i < 2; i++)
        if (!strcmp(harness_out_value(h, i), "one"))
            (void)snprintf(id, sizeof id, "%.*s", (int)harness_out(h, i)->record.shard->id.len,
                           (const char *)harness_out(h, i)->record.shard->id.ptr);
    assert_int_equal(unlink(scratch_path("a")), 0);
    poll_for(h, 20 * 60 * 1000);
    assert_false(harness_shard(h, id)->revoking); /* its record is not final */
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    poll_for(h, 20000);
    assert_true(harness_shard(h, id)->revoking);
    size_t held = harness_held(h);
    assert_int_equal(harness_revoked(h, true), WEIR_OK);
    assert_true(harness_held(h) < held);
    (void)snprintf(key, sizeof key, "g/%s", id);
    assert_null(harness_state_get(h, key).ptr);
    poll_for(h, 48LL * 3600 * 1000);
    scratch_append("b", "more\n");
    expect_count(h, 3);
    harness_free(h); /* which finds a lane that was given back twice */
}

/* A folder that is not mounted at a start, after a run of days: its files are not read anew when it is. */
static void a_file_read_for_days_may_be_away_at_a_start(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    h = start("path = $/a\n");
    harness_stop_clock(h, LATER);
    expect_count(h, 1);
    poll_for(h, 72LL * 3600 * 1000);
    assert_int_equal(mkdir(scratch_path("away"), 0755), 0);
    assert_int_equal(rename(scratch_path("a"), scratch_path("away/a")), 0);
    keep(h);
    harness_free(h);
    h = harness_load("file", WEIR_SOURCE, scratch_options("path = $/a\n"));
    harness_stop_clock(h, LATER + 73LL * 3600 * 1000);
    harness_state_set(h, "started", (struct weir_slice){"1", 1});
    char key[80];
    (void)snprintf(key, sizeof key, "g/%s", kept[0].id);
    harness_state_set(h, key, (struct weir_slice){kept[0].row, kept[0].row_len});
    harness_preset(h, kept[0].id, kept[0].next, (struct weir_slice){kept[0].data, kept[0].data_len});
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    poll_for(h, 60000);
    assert_non_null(harness_state_get(h, key).ptr);
    assert_int_equal(rename(scratch_path("away/a"), scratch_path("a")), 0);
    scratch_append("a", "two\n");
    poll_for(h, 60000);
    assert_int_equal(harness_out_count(h), 1);
    expect_once(h, "two");
    harness_free(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_renamed_file_is_read_to_its_end),
        TEST(a_new_file_that_is_empty_at_first_is_read_at_once),
        TEST(a_renamed_file_that_still_matches_is_not_read_again),
        TEST(a_file_renamed_while_stopped_is_read_to_its_end),
        TEST(deleted_and_made_again),
        TEST(cut_and_written_anew),
        TEST(cut_and_grown_beyond_the_place),
        TEST(a_copy_is_read_on_when_the_original_is_cut),
        TEST(a_copy_that_matches_is_not_read_again),
        TEST(a_copy_made_while_stopped_is_read_on),
        TEST(a_copy_that_matches_made_while_stopped_is_read_on),
        TEST(a_copy_whose_original_stays_is_a_file_of_its_own),
        TEST(a_deleted_file_s_lane_is_given_back),
        TEST(a_file_read_for_days_may_be_away_at_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
