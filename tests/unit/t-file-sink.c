/* SPDX-License-Identifier: BSD-2-Clause */
/* t-file-sink.c - the file sink: lines, templates, full disks, crashes, foreign files, rotation, locks. */
#include "harness.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/inotify.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "scratch.h"

static struct harness *start(const char *options)
{
    return harness_start("file", WEIR_SINK, scratch_options(options));
}

static struct weir_batch *write_values(struct harness *h, const char *const *values, uint32_t n, int status)
{
    struct weir_batch *b = harness_values(h, values, n);
    assert_int_equal(harness_write(h, b), status);
    assert_true(status != WEIR_OK || harness_completed(b));
    return b;
}

static struct weir_batch *write_one(struct harness *h, const char *value)
{
    return write_values(h, &value, 1, WEIR_OK);
}

static void commit(struct harness *h)
{
    assert_int_equal(harness_sink_commit(h, NULL, 0, "test"), WEIR_OK);
}

/* A run that ends like a crash: closed without a last commit, the state as the last commit left it. */
struct kept {
    char key[1200], value[256];
    size_t len;
};

static void state_keep(struct harness *h, const char *name, struct kept *to)
{
    struct weir_slice row;
    (void)snprintf(to->key, sizeof to->key, "f/%s", scratch_path(name));
    row = harness_state_get(h, to->key);
    to->len = row.len;
    if (row.ptr)
        memcpy(to->value, row.ptr, row.len);
}

static struct harness *start_after(const struct kept *kept, const char *options, int status)
{
    struct harness *h = harness_load("file", WEIR_SINK, scratch_options(options));
    if (kept && kept->len)
        harness_state_set(h, kept->key, (struct weir_slice){kept->value, kept->len});
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), status);
    return h;
}

static void expect_file(const char *name, const char *text)
{
    assert_true(scratch_exists(name));
    assert_string_equal(scratch_read(name), text);
}

static size_t count_files(void)
{
    DIR *dir = opendir(scratch_dir);
    size_t n = 0;
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n - 2;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static void values_become_lines(void **state)
{
    const char *values[] = {"one", "", "three\r", "two\nlines", NULL};
    struct harness *h = start("path = $/new/dir/out\n");
    struct weir_batch *b = write_values(h, values, 5, WEIR_OK);
    (void)state;
    expect_file("new/dir/out", "one\n\nthree\r\n");
    assert_int_equal(harness_failed(b), 2);
    assert_int_equal(harness_result(b, 3).status, WEIR_REJECT);
    assert_non_null(strstr(harness_result(b, 3).why, "format = record"));
    assert_non_null(strstr(harness_result(b, 4).why, "tombstone"));
    harness_free(h);
}

static void tombstones_as_told(void **state)
{
    const char *values[] = {"one", NULL, "two"};
    struct harness *h = start("path = $/drop\ntombstone = drop\n");
    (void)state;
    assert_int_equal(harness_failed(write_values(h, values, 3, WEIR_OK)), 0);
    expect_file("drop", "one\ntwo\n");
    harness_free(h);
    h = start("path = $/empty\ntombstone = empty\n");
    assert_int_equal(harness_failed(write_values(h, values, 3, WEIR_OK)), 0);
    expect_file("empty", "one\n\ntwo\n");
    harness_free(h);
    h = start("path = $/record\nformat = record\n");
    assert_int_equal(harness_failed(write_values(h, values, 3, WEIR_OK)), 0);
    assert_non_null(strstr(scratch_read("record"), "\"value\":null"));
    harness_free(h);
}

static void a_template_makes_many_files(void **state)
{
    const char *values[] = {"{\"d\":\"x\"}", "{\"d\":\"y\"}", "{\"d\":\"x\",\"n\":2}", "{}",
                            "{\"d\":\"../x\"}"};
    struct harness *h = start("path = $/{.d}.log\n");
    struct weir_batch *b = write_values(h, values, 5, WEIR_OK);
    (void)state;
    expect_file("x.log", "{\"d\":\"x\"}\n{\"d\":\"x\",\"n\":2}\n");
    expect_file("y.log", "{\"d\":\"y\"}\n");
    assert_int_equal(harness_failed(b), 2);
    assert_int_equal(harness_result(b, 3).status, WEIR_REJECT);
    assert_int_equal(harness_result(b, 4).status, WEIR_REJECT);
    assert_string_not_equal(harness_result(b, 3).why, harness_result(b, 4).why);
    harness_free(h);
}

static void hundreds_of_files_with_few_open(const char *options)
{
    struct harness *h = start(options);
    char text[300][32], name[32], key[5000];
    const char *values[300];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(text[i], sizeof text[i], "{\"d\":%d}", i);
        values[i] = text[i];
    }
    for (int round = 0; round < 2; round++) {
        assert_int_equal(harness_failed(write_values(h, values, 300, WEIR_OK)), 0);
        if (harness_promises(h) & WEIR_COMMITS)
            commit(h);
    }
    for (int i = 0; i < 300; i++) {
        char want[80];
        (void)snprintf(name, sizeof name, "%d.log", i);
        (void)snprintf(want, sizeof want, "%.31s\n%.31s\n", text[i], text[i]);
        expect_file(name, want);
    }
    if (harness_promises(h) & WEIR_COMMITS) {
        commit(h);
        commit(h);
        (void)snprintf(key, sizeof key, "f/%s", scratch_path("0.log"));
        assert_null(harness_state_get(h, key).ptr); /* closed long ago: nothing needs remembering */
    }
    harness_free(h);
    assert_int_equal(count_files(), 300);
}

static void hundreds_of_files_with_commits(void **state)
{
    (void)state;
    hundreds_of_files_with_few_open("path = $/{.d}.log\n");
}

static void hundreds_of_files_without(void **state)
{
    (void)state;
    hundreds_of_files_with_few_open("path = $/{.d}.log\nfsync = none\n");
}

static void a_large_value_goes_through(void **state)
{
    size_t n = 1 << 20;
    char *value = malloc(n + 1);
    const char *values[] = {"before", value, "after"};
    struct stat st;
    struct harness *h = start("path = $/out\n");
    (void)state;
    assert_non_null(value);
    memset(value, 'v', n);
    value[n] = '\0';
    write_values(h, values, 3, WEIR_OK);
    assert_int_equal(stat(scratch_path("out"), &st), 0);
    assert_int_equal(st.st_size, n + 1 + 7 + 6);
    harness_free(h);
    free(value);
}

static void promises_follow_fsync(void **state)
{
    struct harness *h = start("path = $/out\n");
    (void)state;
    assert_true(harness_promises(h) & WEIR_EXACT && harness_promises(h) & WEIR_COMMITS);
    harness_free(h);
    h = start("path = $/out\nfsync = none\n");
    assert_false(harness_promises(h) & (WEIR_EXACT | WEIR_COMMITS));
    harness_free(h);
}

/* ---- failures --------------------------------------------------------------------------------------------------- */

static void limit_file_size(rlim_t n)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A full disk, played by the limit of a file's size. */
static void a_batch_that_does_not_fit_leaves_nothing(void **state)
{
    char line[100];
    const char *values[100];
    struct harness *h = start("path = $/out\n");
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    memset(line, 'x', 99);
    line[99] = '\0';
    for (int i = 0; i < 100; i++)
        values[i] = line;
    write_one(h, "first");
    limit_file_size(5050);
    write_values(h, values, 100, WEIR_RETRY);
    assert_non_null(strstr(harness_failure(h)->why, "can't be written for now"));
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
    expect_file("out", "first\n");
    limit_file_size(RLIM_INFINITY);
    write_values(h, values, 100, WEIR_OK);
    assert_int_equal(harness_health(h).state, WEIR_UP);
    assert_int_equal(strlen(scratch_read("out")), 6 + 100 * 100);
    commit(h);
    harness_free(h);
}

static void what_can_not_be_a_file_is_fatal(void **state)
{
    const char *value = "x";
    struct harness *h;
    (void)state;
    assert_int_equal(mkdir(scratch_path("dir"), 0755), 0);
    h = start("path = $/dir\n");
    write_values(h, &value, 1, WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "Is a directory"));
    harness_free(h);
    h = start("path = /dev/null\n");
    write_values(h, &value, 1, WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "no regular file"));
    harness_free(h);
}

static void a_name_too_long_is_a_record_error(void **state)
{
    char value[400];
    struct harness *h = start("path = $/{.d}\n");
    struct weir_batch *b;
    (void)state;
    (void)snprintf(value, sizeof value, "{\"d\":\"%0300d\"}", 1);
    b = write_one(h, value);
    assert_int_equal(harness_result(b, 0).status, WEIR_REJECT);
    harness_free(h);
}

static void the_operator_classifies(void **state)
{
    char value[400];
    const char *values = value;
    (void)state;
    (void)snprintf(value, sizeof value, "{\"d\":\"%0300d\"}", 1);
    struct harness *h = start("path = $/{.d}\nerror.ENAMETOOLONG = retry\n");
    write_values(h, &values, 1, WEIR_RETRY);
    harness_free(h);
    h = start("path = $/{.d}\nerror.ENAMETOOLONG = fatal\n");
    write_values(h, &values, 1, WEIR_FATAL);
    harness_free(h);
    assert_string_equal(
        harness_check("file", WEIR_SINK, "path = x\nerror.EIO = split\nerror.QUIRKS = retry\n"),
        "error.EIO: this destination knows only retry reject fatal\n"
        "error.QUIRKS: the destination has no error of that name or code\n");
}

static void two_writers_of_one_file_are_refused(void **state)
{
    const char *value = "x";
    struct harness *first = start("path = $/out\n"), *second = start("path = $/out\n");
    (void)state;
    write_one(first, "one");
    write_values(second, &value, 1, WEIR_FATAL);
    assert_non_null(strstr(harness_failure(second)->why, "another process or pipeline writes"));
    expect_file("out", "one\n");
    harness_free(second);
    harness_free(first);
}

/* ---- commits and crashes ---------------------------------------------------------------------------------------- */

static void what_was_not_committed_is_cut_off(void **state)
{
    struct kept kept;
    struct harness *h = start("path = $/out\n");
    (void)state;
    write_one(h, "committed");
    commit(h);
    state_keep(h, "out", &kept);
    write_one(h, "lost");
    harness_free(h);
    expect_file("out", "committed\nlost\n");
    h = start_after(&kept, "path = $/out\n", WEIR_OK);
    expect_file("out", "committed\n");
    assert_int_equal(harness_logged(h, "cut back from 15 to 10 bytes"), 1);
    write_one(h, "again");
    expect_file("out", "committed\nagain\n");
    harness_free(h);
}

static void a_new_file_never_committed_is_cut_off(void **state)
{
    struct harness *h = start("path = $/out\n");
    (void)state;
    write_one(h, "lost");
    expect_file("out", "lost\n");
    harness_free(h);
    expect_file("out", ""); /* at once: with its lane elsewhere nobody may write to it again */
    assert_true(scratch_exists(".out.weir"));
    h = start("path = $/out\n");
    write_one(h, "again");
    expect_file("out", "again\n");
    commit(h);
    write_one(h, "more");
    assert_false(scratch_exists(".out.weir"));
    harness_free(h);
    expect_file("out", "again\nmore\n");
    h = start("path = $/other\n");
    write_one(h, "committed");
    commit(h);
    harness_state_break(h); /* nobody can say whether it was, so it stays */
    harness_free(h);
    expect_file("other", "committed\n");
}

static void a_file_that_was_there_before_is_kept(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("out", "theirs\n");
    h = start("path = $/out\n");
    write_one(h, "lost");
    harness_free(h);
    expect_file("out", "theirs\n");
    h = start("path = $/out\n");
    write_one(h, "ours");
    expect_file("out", "theirs\nours\n");
    harness_free(h);
}

static void a_note_of_another_file_is_not_used(void **state)
{
    struct harness *h = start("path = $/out\n");
    (void)state;
    write_one(h, "lost");
    harness_free(h);
    scratch_append("other", "theirs, and longer\n");
    assert_int_equal(rename(scratch_path("other"), scratch_path("out")), 0);
    h = start("path = $/out\n");
    write_one(h, "ours");
    expect_file("out", "theirs, and longer\nours\n");
    harness_free(h);
}

static void foreign(void (*change)(void), const char *why)
{
    struct kept kept;
    struct harness *h = start("path = $/out\n");
    char before[256];
    write_one(h, "committed");
    commit(h);
    state_keep(h, "out", &kept);
    harness_free(h);
    change();
    (void)snprintf(before, sizeof before, "%s", scratch_read("out"));
    h = start_after(&kept, "path = $/out\n", WEIR_FATAL);
    if (!strstr(harness_failure(h)->why, why))
        fail_msg("%s", harness_failure(h)->why);
    expect_file("out", before);
    harness_free(h);
}

static void change_content(void)
{
    scratch_rewrite("out", "something else, longer\n");
}

static void change_length(void)
{
    scratch_rewrite("out", "comm");
}

static void change_inode(void)
{
    scratch_append("other", "committed\nlonger\n");
    assert_int_equal(rename(scratch_path("other"), scratch_path("out")), 0);
}

static void foreign_files_are_left_alone(void **state)
{
    (void)state;
    foreign(change_content, "was changed since weir wrote it last");
    assert_int_equal(unlink(scratch_path("out")), 0);
    foreign(change_length, "was shortened");
    assert_int_equal(unlink(scratch_path("out")), 0);
    foreign(change_inode, "was replaced");
}

static void a_file_moved_away_is_begun_anew(void **state)
{
    struct kept kept;
    struct harness *h = start("path = $/out\n");
    (void)state;
    write_one(h, "one");
    commit(h);
    state_keep(h, "out", &kept);
    harness_free(h);
    assert_int_equal(rename(scratch_path("out"), scratch_path("away")), 0);
    h = start_after(&kept, "path = $/out\n", WEIR_OK);
    write_one(h, "two");
    commit(h);
    expect_file("out", "two\n");
    expect_file("away", "one\n");
    assert_int_equal(rename(scratch_path("out"), scratch_path("away2")), 0); /* logrotate, while it runs */
    write_one(h, "three");
    commit(h);
    write_one(h, "four");
    commit(h);
    expect_file("away2", "two\nthree\n");
    expect_file("out", "four\n");
    harness_free(h);
}

static void a_file_changed_by_others_stops_the_commit(void **state)
{
    struct harness *h = start("path = $/out\n");
    (void)state;
    write_one(h, "one");
    scratch_append("out", "theirs\n");
    assert_int_equal(harness_sink_commit(h, NULL, 0, "test"), WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "changed by another program"));
    harness_free(h);
}

/* ---- names that records make ------------------------------------------------------------------------------------ */

static struct weir_batch *write_named(struct harness *h, const char *name, size_t len)
{
    struct weir_record r = {.key = {name, len}, .value = {"x", 1}, .time_ms = WEIR_NO_TIME};
    struct weir_batch *b = harness_batch(h, &r, 1);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_true(harness_completed(b));
    return b;
}

/* A record that names the note of another record's file would be written over by it. */
static void a_record_can_not_name_a_note(void **state)
{
    struct harness *h = start("path = $/{key}\n");
    struct weir_batch *b = write_named(h, ".victim.weir", 12);
    (void)state;
    assert_int_equal(harness_result(b, 0).status, WEIR_REJECT);
    assert_non_null(strstr(harness_result(b, 0).why, ".NAME.weir"));
    assert_int_equal(harness_failed(write_named(h, "victim", 6)), 0);
    assert_int_equal(harness_failed(write_named(h, ".weir", 5)), 0);
    commit(h);
    harness_free(h);
    assert_int_equal(count_files(), 2);
    h = start("path = $/{key}\nfsync = none\n"); /* writes no notes */
    assert_int_equal(harness_failed(write_named(h, ".victim.weir", 12)), 0);
    harness_free(h);
}

/* What is added to a name must fit too, or the record after it would pay for it. */
static void a_name_leaves_room_for_what_is_added(void **state)
{
    char name[256];
    (void)state;
    memset(name, 'n', sizeof name);
    struct harness *h = start("path = $/{key}\n");
    assert_int_equal(harness_result(write_named(h, name, 250), 0).status, WEIR_REJECT);
    assert_int_equal(harness_failed(write_named(h, name, 249)), 0);
    commit(h);
    harness_free(h);
    h = start("path = $/{key}\nrotate = 1\n");
    assert_int_equal(harness_result(write_named(h, name, 234), 0).status, WEIR_REJECT);
    assert_int_equal(harness_failed(write_named(h, name, 233)), 0);
    commit(h);
    assert_int_equal(harness_failed(write_named(h, "short", 5)), 0); /* the long one is rotated by now */
    harness_free(h);
    assert_int_equal(count_files(), 4); /* 249, rotated, short and its note */
    h = start("path = $/{key}\nfsync = none\n");
    assert_int_equal(harness_failed(write_named(h, name, 255)), 0);
    harness_free(h);
}

/* ---- rotation --------------------------------------------------------------------------------------------------- */

static void a_large_file_is_rotated_after_its_commit(void **state)
{
    struct kept kept;
    struct harness *h = start("path = $/out\nrotate = 10\n");
    (void)state;
    harness_stop_clock(h, 1700000000000);
    write_one(h, "0123456789");
    write_one(h, "still here");
    commit(h);
    assert_false(scratch_exists("out.20231114T221320Z"));
    write_one(h, "new");
    expect_file("out.20231114T221320Z", "0123456789\nstill here\n");
    expect_file("out", "new\n");
    write_one(h, "0123456789");
    commit(h);
    write_one(h, "newer");
    expect_file("out.20231114T221320Z-1", "new\n0123456789\n");
    state_keep(h, "out", &kept); /* of the file that is rotated by now */
    harness_free(h);
    h = start_after(&kept, "path = $/out\nrotate = 10\n", WEIR_OK);
    write_one(h, "newer");
    expect_file("out", "newer\n");
    commit(h);
    harness_free(h);
    assert_int_equal(count_files(), 3);
}

/* With two names for a moment, a crash then would have everything in it read twice by who reads all of out*. */
static void a_finished_file_never_has_two_names(void **state)
{
    _Alignas(struct inotify_event) char bytes[4096];
    struct harness *h = start("path = $/out\nrotate = 10\n");
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    (void)state;
    write_one(h, "0123456789");
    commit(h);
    assert_true(inotify_add_watch(watch, scratch_dir, IN_CREATE | IN_MOVED_TO) >= 0);
    write_one(h, "new");
    ssize_t n = read(watch, bytes, sizeof bytes);
    const struct inotify_event *e = (const void *)bytes;
    assert_true(n > 0);
    assert_int_equal(e->mask, IN_MOVED_TO);
    assert_memory_equal(e->name, "out.", 4);
    (void)close(watch);
    harness_free(h);
}

static void without_commits_a_batch_ends_a_file(void **state)
{
    struct harness *h = start("path = $/out\nrotate = 10\nfsync = none\n");
    (void)state;
    harness_stop_clock(h, 0);
    write_one(h, "0123456789");
    write_one(h, "new");
    expect_file("out.19700101T000000Z", "0123456789\n");
    expect_file("out", "new\n");
    harness_free(h);
    assert_int_equal(count_files(), 2);
}

#define TEST(f)      cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
#define IN_MEMORY(f) cmocka_unit_test_setup_teardown(f, scratch_in_memory, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_become_lines),
        TEST(tombstones_as_told),
        TEST(a_template_makes_many_files),
        IN_MEMORY(hundreds_of_files_with_commits),
        TEST(hundreds_of_files_without),
        TEST(a_large_value_goes_through),
        TEST(promises_follow_fsync),
        TEST(a_batch_that_does_not_fit_leaves_nothing),
        TEST(what_can_not_be_a_file_is_fatal),
        TEST(a_name_too_long_is_a_record_error),
        TEST(the_operator_classifies),
        TEST(two_writers_of_one_file_are_refused),
        TEST(what_was_not_committed_is_cut_off),
        TEST(a_new_file_never_committed_is_cut_off),
        TEST(a_file_that_was_there_before_is_kept),
        TEST(a_note_of_another_file_is_not_used),
        TEST(foreign_files_are_left_alone),
        TEST(a_file_moved_away_is_begun_anew),
        TEST(a_file_changed_by_others_stops_the_commit),
        TEST(a_record_can_not_name_a_note),
        TEST(a_name_leaves_room_for_what_is_added),
        TEST(a_large_file_is_rotated_after_its_commit),
        TEST(a_finished_file_never_has_two_names),
        TEST(without_commits_a_batch_ends_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
