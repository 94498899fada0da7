/* SPDX-License-Identifier: BSD-2-Clause */
/* t-file-source.c - the file source: lines, positions, and every way in which files are rotated. */
#include "harness.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "scratch.h"

#define WAIT_MS 5000

static bool has_outputs(struct harness *h, void *n)
{
    return harness_out_count(h) >= *(size_t *)n;
}

static struct harness *start(const char *options)
{
    return harness_start("file", WEIR_SOURCE, scratch_options(options));
}

/* Waits for n outputs in all, and that there are no more than that. */
static void expect_count(struct harness *h, size_t n)
{
    assert_true(harness_run_until(h, has_outputs, &n, WAIT_MS));
    for (int i = 0; i < 3; i++)
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    assert_int_equal(harness_out_count(h), n);
}

static void expect_values(struct harness *h, size_t first, const char *const *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(harness_out_value(h, first + i), values[i]);
}

/* That this value came exactly once. */
static void expect_once(struct harness *h, const char *value)
{
    size_t found = 0;
    for (size_t i = 0; i < harness_out_count(h); i++)
        found += !strcmp(harness_out_value(h, i), value);
    if (found != 1)
        print_error("\"%s\" came %zu times\n", value, found);
    assert_int_equal(found, 1);
}

/* Reads to the end as --until-end does. */
static void read_to_end(struct harness *h)
{
    int r;
    do
        r = harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END);
    while (r == WEIR_OK || r == WEIR_AGAIN);
    assert_int_equal(r, WEIR_END);
}

/* ---- a restart: positions and state of one harness go into the next --------------------------------------------- */

#define KEPT 16
static struct kept {
    char id[64], data[1024], row[4096];
    size_t data_len, row_len;
    uint64_t next;
} kept[KEPT];
static size_t n_kept;

/* Commits what came out, and keeps it. */
static void keep(struct harness *h)
{
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct weir_slice id = harness_out(h, i)->record.shard->id;
        const struct harness_shard *lane;
        struct weir_slice row;
        char text[64], key[80];
        struct kept *k = kept;
        (void)snprintf(text, sizeof text, "%.*s", (int)id.len, (const char *)id.ptr);
        while (k < kept + n_kept && strcmp(k->id, text) != 0)
            k++;
        if (k == kept + n_kept)
            n_kept++;
        assert_true(n_kept <= KEPT);
        lane = harness_shard(h, text);
        (void)snprintf(k->id, sizeof k->id, "%s", text);
        (void)snprintf(key, sizeof key, "g/%s", text);
        k->next = lane->committed;
        k->data_len = lane->data.len;
        memcpy(k->data, lane->data.ptr, lane->data.len);
        row = harness_state_get(h, key);
        k->row_len = row.len;
        if (row.ptr)
            memcpy(k->row, row.ptr, row.len);
    }
}

static struct harness *stop_and_start(struct harness *old, const char *options)
{
    struct harness *h;
    keep(old);
    harness_free(old);
    h = harness_load("file", WEIR_SOURCE, scratch_options(options));
    harness_state_set(h, "started", (struct weir_slice){"1", 1});
    for (size_t i = 0; i < n_kept; i++) {
        char key[80];
        (void)snprintf(key, sizeof key, "g/%s", kept[i].id);
        if (kept[i].row_len)
            harness_state_set(h, key, (struct weir_slice){kept[i].row, kept[i].row_len});
        harness_preset(h, kept[i].id, kept[i].next, (struct weir_slice){kept[i].data, kept[i].data_len});
    }
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    return h;
}

static int setup(void **state)
{
    n_kept = 0;
    return scratch_make(state);
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static void lines_are_records_with_their_place(void **state)
{
    struct harness *h;
    const struct weir_record *rec;
    (void)state;
    scratch_append("a", "one\n\nthree\r\n");
    h = start("path = $/a\n");
    expect_count(h, 3);
    expect_values(h, 0, (const char *[]){"one", "", "three\r"}, 3);
    rec = &harness_out(h, 2)->record;
    assert_int_equal(rec->offset, 5);
    assert_int_equal(rec->seq, 5);
    assert_int_equal(rec->next, 12);
    assert_int_equal(rec->partition, 0);
    assert_true(rec->time_ms == WEIR_NO_TIME);
    assert_null(rec->key.ptr);
    assert_string_equal(rec->topic.ptr, scratch_path("a"));
    harness_free(h);
}

static void a_line_without_line_feed_waits(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntw");
    h = start("path = $/a\n");
    expect_count(h, 1);
    scratch_append("a", "o");
    expect_count(h, 1);
    scratch_append("a", "!\n");
    expect_count(h, 2);
    assert_string_equal(harness_out_value(h, 1), "two!");
    harness_free(h);
}

static void to_the_end_means_the_size_at_the_start(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntwo");
    h = start("path = $/*\n");
    scratch_append("a", "more\n");
    scratch_append("b", "later\n");
    read_to_end(h);
    assert_int_equal(harness_out_count(h), 2);
    expect_values(h, 0, (const char *[]){"one", "two"}, 2);
    harness_free(h);
}

static void follow_no_ends(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntwo");
    h = start("path = $/a\nfollow = no\n");
    while (harness_poll(h, 1000, 1 << 20, 0, 0) != WEIR_END)
        ;
    assert_int_equal(harness_out_count(h), 2);
    harness_free(h);
    h = start("path = $/none\nfollow = no\n");
    assert_int_equal(harness_poll(h, 1000, 1 << 20, 0, 0), WEIR_END);
    harness_free(h);
}

static void a_full_host_gets_the_rest_later(void **state)
{
    struct harness *h;
    char text[64];
    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof text, "line %d\n", i);
        scratch_append("a", text);
    }
    h = start("path = $/a\n");
    for (size_t n = 7; n <= 98; n += 7) {
        assert_int_equal(harness_poll(h, 7, 1 << 20, 0, 0), WEIR_OK);
        assert_int_equal(harness_out_count(h), n);
    }
    assert_int_equal(harness_poll(h, 7, 1 << 20, 0, WEIR_POLL_PAUSED), WEIR_AGAIN);
    assert_int_equal(harness_out_count(h), 98);
    (void)harness_poll(h, 7, 8, 0, 0);
    expect_count(h, 100);
    assert_string_equal(harness_out_value(h, 99), "line 99");
    harness_free(h);
}

static void a_long_line_is_a_record_error(void **state)
{
    static char text[6002];
    struct harness *h;
    (void)state;
    memset(text, 'x', 6000);
    text[6000] = '\n';
    scratch_append("a", "one\n");
    scratch_append("a", text);
    scratch_append("a", "two\n");
    text[1025] = '\n';
    text[1026] = '\0';
    scratch_append("a", text);
    h = start("path = $/a\nmax-line = 1K\n");
    expect_count(h, 4);
    assert_int_equal(harness_out(h, 1)->how, HARNESS_BAD);
    assert_non_null(strstr(harness_out(h, 1)->result.why, "the line at byte 4 has 6001 bytes"));
    assert_int_equal(harness_out(h, 1)->record.next, 6005);
    assert_int_equal(harness_out(h, 1)->record.value.len, 1024);
    assert_string_equal(harness_out_value(h, 2), "two");
    assert_int_equal(harness_out(h, 3)->how, HARNESS_BAD);
    harness_free(h);
}

static void a_line_longer_than_the_buffer_comes_whole(void **state)
{
    size_t n = 700000;
    char *text = malloc(n + 2);
    struct harness *h;
    (void)state;
    assert_non_null(text);
    memset(text, 'y', n);
    memcpy(text + n, "\n", 2);
    scratch_append("a", text);
    scratch_append("a", "end\n");
    h = start("path = $/a\n");
    expect_count(h, 2);
    assert_int_equal(harness_out(h, 0)->record.value.len, n);
    assert_memory_equal(harness_out(h, 0)->record.value.ptr, text, n);
    harness_free(h);
    free(text);
}

static void record_lines_become_records(void **state)
{
    struct harness *h;
    const struct weir_record *rec;
    (void)state;
    scratch_append("a",
                   "{\"topic\":\"t\",\"partition\":3,\"offset\":9,\"timestamp\":5,\"key\":\"k\",\"value\":"
                   "{\"base64\":\"AAo=\"},\"headers\":[[\"h\",null]]}\nnonsense\n");
    h = start("path = $/a\nformat = record\n");
    expect_count(h, 2);
    rec = &harness_out(h, 0)->record;
    assert_string_equal(rec->topic.ptr, "t");
    assert_string_equal(rec->key.ptr, "k");
    assert_int_equal(rec->value.len, 2);
    assert_memory_equal(rec->value.ptr, "\0\n", 2);
    assert_int_equal(rec->partition, 3);
    assert_int_equal(rec->offset, 9);
    assert_int_equal(rec->time_ms, 5);
    assert_int_equal(rec->n_headers, 1);
    assert_null(rec->headers[0].value.ptr);
    assert_int_equal(rec->seq, 0);
    assert_int_equal(harness_out(h, 1)->how, HARNESS_BAD);
    assert_non_null(strstr(harness_out(h, 1)->result.why, "no record object"));
    harness_free(h);
}

/* ---- positions -------------------------------------------------------------------------------------------------- */

static void a_restart_goes_on_where_it_was(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntwo\n");
    h = start("path = $/a\n");
    expect_count(h, 2);
    h = stop_and_start(h, "path = $/a\n");
    scratch_append("a", "three\n");
    expect_count(h, 1);
    assert_string_equal(harness_out_value(h, 0), "three");
    assert_int_equal(harness_out(h, 0)->record.seq, 8);
    harness_free(h);
}

static void a_restart_goes_on_in_the_middle(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntwo\nthree\n");
    h = start("path = $/a\n");
    (void)harness_poll(h, 1, 1 << 20, 0, 0);
    assert_int_equal(harness_out_count(h), 1);
    h = stop_and_start(h, "path = $/a\n");
    expect_count(h, 2);
    expect_values(h, 0, (const char *[]){"two", "three"}, 2);
    harness_free(h);
}

static void start_end_skips_what_is_there_at_first(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "old\nhalf");
    h = start("path = $/*\nstart = end\n");
    scratch_append("a", " whole\n");
    expect_count(h, 1);
    assert_string_equal(harness_out_value(h, 0), "half whole");
    scratch_append("b", "found later\n");
    expect_count(h, 2);
    assert_string_equal(harness_out_value(h, 1), "found later");
    scratch_append("c", "new while stopped\n");
    h = stop_and_start(h, "path = $/*\nstart = end\n");
    expect_count(h, 1);
    assert_string_equal(harness_out_value(h, 0), "new while stopped");
    harness_free(h);
}

static void another_file_with_the_same_inode_is_read_whole(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\ntwo\n");
    h = start("path = $/a\n");
    expect_count(h, 2);
    keep(h);
    scratch_rewrite("a", "other\nfile\nand longer\n"); /* the inode is the same */
    h = stop_and_start(h, "path = $/a\n");
    expect_count(h, 3);
    assert_string_equal(harness_out_value(h, 0), "other");
    assert_string_not_equal(harness_out(h, 0)->record.shard->id.ptr, kept[0].id);
    harness_free(h);
}

/* The first bytes are the same, what came before the place is not. */
static void a_rewritten_file_with_the_same_beginning_is_read_whole(void **state)
{
    static char text[3001], other[4001];
    struct harness *h;
    (void)state;
    memset(text, 'h', 3000);
    memset(other, 'h', 4000);
    text[1999] = text[2999] = other[1999] = other[3999] = '\n';
    memcpy(text + 2900, "before the place", 16);
    scratch_append("a", text);
    h = start("path = $/a\n");
    expect_count(h, 2);
    keep(h);
    scratch_rewrite("a", other);
    h = stop_and_start(h, "path = $/a\n");
    expect_count(h, 2);
    assert_int_equal(harness_out(h, 0)->record.seq, 0);
    harness_free(h);
}

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
    assert_int_equal(rename(scratch_path("a"), scratch_path("a-2026")), 0);
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
    (void)snprintf(all, sizeof all, "%s", scratch_read("a"));
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

/* ---- many files ------------------------------------------------------------------------------------------------- */

static size_t open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static void a_thousand_files_with_few_open(void **state)
{
    struct harness *h;
    char name[32];
    size_t before = open_files();
    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "f%d", i);
        scratch_append(name, "one\ntwo\nthr");
    }
    h = start("path = $/f*\n");
    harness_set_poll(h, 300, 1 << 20, 50, 0);
    expect_count(h, 2000);
    assert_true(open_files() <= before + 64 + 4);
    scratch_append("f7", "ee\n");
    scratch_append("f993", "ee\n");
    expect_count(h, 2002);
    assert_string_equal(harness_out_value(h, 2000), "three");
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    harness_free(h);
    assert_true(open_files() <= before);
}

static void every_file_gets_a_turn(void **state)
{
    struct harness *h;
    char *text = malloc(1 << 20);
    size_t first = 0;
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < 1 << 20; i++)
        text[i] = i % 100 == 99 ? '\n' : 'x';
    text[(1 << 20) - 1] = '\0';
    scratch_append("a", text);
    scratch_append("b", "small\n");
    free(text);
    h = start("path = $/*\n");
    harness_set_poll(h, 100000, 10 << 20, 0, 0);
    expect_count(h, 10486);
    while (harness_out(h, first)->record.value.len != 5)
        first++;
    assert_true(first < 6000);
    harness_free(h);
}

static void directories_found_later_are_read(void **state)
{
    struct harness *h;
    (void)state;
    h = start("path = $/*/log\n");
    expect_count(h, 0);
    assert_int_equal(mkdir(scratch_path("d"), 0755), 0);
    scratch_append("d/log", "one\n");
    harness_stop_clock(h, 0);
    harness_advance(h, 10001);
    expect_count(h, 1);
    harness_free(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_records_with_their_place),
        TEST(a_line_without_line_feed_waits),
        TEST(to_the_end_means_the_size_at_the_start),
        TEST(follow_no_ends),
        TEST(a_full_host_gets_the_rest_later),
        TEST(a_long_line_is_a_record_error),
        TEST(a_line_longer_than_the_buffer_comes_whole),
        TEST(record_lines_become_records),
        TEST(a_restart_goes_on_where_it_was),
        TEST(a_restart_goes_on_in_the_middle),
        TEST(start_end_skips_what_is_there_at_first),
        TEST(another_file_with_the_same_inode_is_read_whole),
        TEST(a_rewritten_file_with_the_same_beginning_is_read_whole),
        TEST(a_renamed_file_is_read_to_its_end),
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
        TEST(a_thousand_files_with_few_open),
        TEST(every_file_gets_a_turn),
        TEST(directories_found_later_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
