/* SPDX-License-Identifier: BSD-2-Clause */
/* t-file-source.c - the file source: lines, limits, positions, many files. */
#include "file_source.h"

#include <dirent.h>

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
    assert_int_equal(rec->shard->partition,
                     -1); /* path and offset are no identity: a rotated file has them again */
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

/* Nothing may be out of reach for root: then somebody else reads. */
static void as_somebody(void)
{
    assert_int_equal(chmod(scratch_dir, 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
}

static int setup_reach(void **state)
{
    (void)seteuid(getuid());
    return setup(state);
}

static int remove_reach(void **state)
{
    (void)seteuid(getuid());
    return scratch_remove(state);
}

/* Polls to the end, a second at a time; the status it ends with. */
static int pass(struct harness *h)
{
    int r;
    while ((r = harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END)) == WEIR_OK || r == WEIR_AGAIN)
        harness_advance(h, 1000);
    return r;
}

static void a_pass_does_not_end_well_without_a_file_it_can_not_read(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    scratch_append("b", "secret\n");
    assert_int_equal(chmod(scratch_path("b"), 0), 0);
    as_somebody();
    h = start("path = $/*\n");
    harness_stop_clock(h, 0);
    for (int i = 0; i < 10; i++, harness_advance(h, 1000)) /* what it has read is not final yet */
        assert_true(harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END) >= 0);
    assert_int_equal(harness_out_count(h), 1);
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    assert_int_equal(pass(h), WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "/b can't be read: Permission denied"));
    harness_free(h);
}

static void a_pass_reads_what_can_be_read_at_last(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\n");
    scratch_append("b", "secret\n");
    assert_int_equal(chmod(scratch_path("b"), 0), 0);
    as_somebody();
    h = start("path = $/*\n");
    harness_stop_clock(h, 0);
    for (int i = 0; i < 2; i++)
        assert_true(harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END) >= 0);
    assert_int_equal(seteuid(getuid()), 0);
    assert_int_equal(chmod(scratch_path("b"), 0644), 0);
    assert_int_equal(pass(h), WEIR_END);
    expect_once(h, "one");
    expect_once(h, "secret");
    harness_free(h);
}

/* More files than can be open: the first was closed before its turn, and can't be opened again. */
static void a_pass_does_not_end_well_in_the_middle_of_a_file(void **state)
{
    struct harness *h;
    char name[32];
    (void)state;
    for (int i = 0; i < 70; i++) {
        (void)snprintf(name, sizeof name, "f%02d", i);
        scratch_append(name, "line\n");
    }
    as_somebody();
    h = start("path = $/*\n");
    harness_stop_clock(h, 0);
    assert_int_equal(seteuid(getuid()), 0);
    assert_int_equal(chmod(scratch_path("f00"), 0), 0);
    as_somebody();
    for (int i = 0; i < 5; i++)
        assert_true(harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END) >= 0);
    assert_int_equal(harness_out_count(h), 69);
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    assert_int_equal(pass(h), WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "/f00 can't be read: Permission denied"));
    harness_free(h);
}

static void a_pass_does_not_end_well_without_a_folder(void **state)
{
    struct harness *h;
    (void)state;
    assert_int_equal(mkdir(scratch_path("d"), 0), 0);
    assert_int_equal(symlink(scratch_path("loop"), scratch_path("loop")), 0);
    as_somebody();
    h = start("path = $/d/*\n");
    harness_stop_clock(h, 0);
    assert_int_equal(pass(h), WEIR_FATAL);
    harness_free(h);
    h = start("path = $/*\n"); /* a link that leads to itself */
    harness_stop_clock(h, 0);
    assert_int_equal(pass(h), WEIR_FATAL);
    harness_free(h);
}

#define TEST(f)  cmocka_unit_test_setup_teardown(f, setup, scratch_remove)
#define REACH(f) cmocka_unit_test_setup_teardown(f, setup_reach, remove_reach)

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
        TEST(a_thousand_files_with_few_open),
        TEST(every_file_gets_a_turn),
        TEST(directories_found_later_are_read),
        REACH(a_pass_does_not_end_well_without_a_file_it_can_not_read),
        REACH(a_pass_reads_what_can_be_read_at_last),
        REACH(a_pass_does_not_end_well_in_the_middle_of_a_file),
        REACH(a_pass_does_not_end_well_without_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
