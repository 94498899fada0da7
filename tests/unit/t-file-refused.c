/* SPDX-License-Identifier: BSD-2-Clause */
/* t-file-refused.c - the file source when the system refuses what it asks: reading a file, listing a folder; the file
 * sink when a note stays.
 *
 * The functions are this program's own, exported so that the plugin finds them before the C library's. */
#include "file_source.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/uio.h>

static int read_error, glob_error, list_error, unlink_error; /* 0: the system is asked */

static void *real(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);
    assert_non_null(f);
    return f;
}

ssize_t preadv(int fd, const struct iovec *parts, int n, off_t at)
{
    ssize_t (*f)(int, const struct iovec *, int, off_t);
    if (read_error) {
        errno = read_error;
        return -1;
    }
    *(void **)&f = real("preadv");
    return f(fd, parts, n, at);
}

int glob(const char *pattern, int flags, int (*refused)(const char *, int), glob_t *found)
{
    int (*f)(const char *, int, int (*)(const char *, int), glob_t *);
    if (glob_error) {
        memset(found, 0, sizeof *found);
        return glob_error;
    }
    *(void **)&f = real("glob");
    return f(pattern, flags, refused, found);
}

DIR *opendir(const char *path)
{
    DIR *(*f)(const char *);
    if (list_error) {
        errno = list_error;
        return NULL;
    }
    *(void **)&f = real("opendir");
    return f(path);
}

int unlink(const char *path)
{
    int (*f)(const char *);
    if (unlink_error) {
        errno = unlink_error;
        return -1;
    }
    *(void **)&f = real("unlink");
    return f(path);
}

static int setup_refused(void **state)
{
    read_error = glob_error = list_error = unlink_error = 0;
    return setup(state);
}

static int setup_in_memory(void **state)
{
    read_error = glob_error = list_error = unlink_error = 0;
    return scratch_in_memory(state);
}

static int remove_refused(void **state)
{
    (void)seteuid(getuid());
    return scratch_remove(state);
}

/* Polls to the end, a second at a time, and commits; the status it ends with, AGAIN when it does not. */
static int pass(struct harness *h)
{
    int r = WEIR_AGAIN;
    for (int i = 0; i < 20 && (r == WEIR_OK || r == WEIR_AGAIN); i++, harness_advance(h, 1000)) {
        r = harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END);
        assert_int_equal(harness_commit(h, false), WEIR_OK);
    }
    return r;
}

static void a_pass_ends_without_a_renamed_file_it_can_not_read(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a.log", "one\n");
    h = start("path = $/*.log\n");
    harness_stop_clock(h, 0);
    assert_int_equal(rename(scratch_path("a.log"), scratch_path("a.old")), 0);
    read_error = EIO;
    assert_int_equal(pass(h), WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "/a.log can't be read: Input/output error"));
    assert_int_equal(harness_logged(h, "can't be read at byte 0"), 3);
    harness_free(h);
}

static void a_pass_reads_a_renamed_file_at_last(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a.log", "one\n");
    h = start("path = $/*.log\n");
    harness_stop_clock(h, 0);
    assert_int_equal(rename(scratch_path("a.log"), scratch_path("a.old")), 0);
    read_error = EIO;
    for (int i = 0; i < 2; i++, harness_advance(h, 1000))
        assert_int_equal(harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END), WEIR_AGAIN);
    read_error = 0;
    assert_int_equal(pass(h), WEIR_END);
    expect_count(h, 1);
    harness_free(h);
}

/* What a scan without memory does not find is not gone: its unfinished line is not ended. */
static void a_scan_without_memory_is_said_and_ends_nothing(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("a", "one\nhal");
    h = start("path = $/*\n");
    harness_stop_clock(h, 0);
    expect_count(h, 1);
    glob_error = GLOB_NOSPACE;
    for (int i = 0; i < 30; i++, harness_advance(h, 1000))
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    assert_int_equal(harness_logged(h, "can't be listed, will be tried again: Cannot allocate memory"), 1);
    glob_error = 0;
    scratch_append("a", "f\n");
    scratch_append("b", "two\n");
    harness_advance(h, 1000); /* it looks again as soon as that */
    expect_count(h, 3);
    expect_once(h, "half");
    expect_once(h, "two");
    harness_free(h);
}

/* So many that the first was closed for others, and what it gets now is read by its name. */
#define FILES 70u
static struct harness *many_files(void)
{
    struct harness *h;
    char name[32];
    for (unsigned i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "f%02u", i);
        scratch_append(name, "line\n");
    }
    h = start("path = $/f*\n");
    harness_stop_clock(h, 0);
    return h;
}

static void a_renamed_file_is_not_gone_for_want_of_descriptors(void **state)
{
    struct harness *h;
    (void)state;
    h = many_files();
    expect_count(h, FILES);
    scratch_append("f00", "unread\n");
    assert_int_equal(rename(scratch_path("f00"), scratch_path("x00")), 0);
    list_error = EMFILE;
    for (int i = 0; i < 15; i++, harness_advance(h, 1000))
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    assert_int_equal(harness_logged(h, "f00 can't be opened, will be tried again: Too many open files"), 1);
    list_error = 0;
    harness_advance(h, 1000);
    expect_count(h, FILES + 1);
    expect_once(h, "unread");
    harness_free(h);
}

static void a_copy_is_not_missed_for_want_of_descriptors(void **state)
{
    char text[256];
    struct harness *h;
    (void)state;
    (void)snprintf(text, sizeof text, "%0100d\n", 1);
    scratch_append("a", text);
    h = start("path = $/a\n");
    harness_stop_clock(h, 0);
    expect_count(h, 1);
    (void)snprintf(text, sizeof text, "%0100d\nunread\n", 1);
    scratch_append("a.1", text);
    scratch_rewrite("a", "after\n");
    list_error = EMFILE;
    for (int i = 0; i < 15; i++, harness_advance(h, 1000))
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    list_error = 0;
    for (int i = 0; i < 15; i++, harness_advance(h, 1000))
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    expect_count(h, 3);
    expect_once(h, "unread");
    expect_once(h, "after");
    harness_free(h);
}

/* Nothing may be out of reach for root: then somebody else reads. */
static void a_pass_does_not_end_well_without_a_renamed_file(void **state)
{
    struct harness *h;
    (void)state;
    assert_int_equal(chmod(scratch_dir, 0755), 0);
    h = many_files();
    assert_int_equal(chmod(scratch_path("f00"), 0), 0);
    assert_int_equal(rename(scratch_path("f00"), scratch_path("x00")), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(pass(h), WEIR_FATAL);
    assert_non_null(strstr(harness_failure(h)->why, "/f00 can't be read: Permission denied"));
    assert_int_equal(harness_out_count(h), FILES - 1);
    harness_free(h);
}

#define TEST(f)      cmocka_unit_test_setup_teardown(f, setup_refused, remove_refused)
#define IN_MEMORY(f) cmocka_unit_test_setup_teardown(f, setup_in_memory, remove_refused)

static void write_more(struct harness *h, int first, int n)
{
    char text[100][16];
    const char *values[100];
    for (int i = 0; i < n; i++) {
        (void)snprintf(text[i], sizeof text[i], "{\"d\":%d}", first + i);
        values[i] = text[i];
    }
    assert_int_equal(harness_write(h, harness_values(h, values, (uint32_t)n)), WEIR_OK);
}

static void write_to(struct harness *h, int first, int n)
{
    write_more(h, first, n);
    assert_int_equal(harness_sink_commit(h, NULL, 0, "test"), WEIR_OK);
}

/* At an end without a commit. */
static void all_is_taken_back_with_few_descriptors(void **state)
{
    enum { N = 200 };
    struct rlimit was, few;
    struct stat st;
    char name[16];
    struct harness *h = harness_start("file", WEIR_SINK, scratch_options("path = $/{.d}.log\n"));
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = was;
    few.rlim_cur = 120;
    write_more(h, 0, N / 2);
    write_more(h, N / 2, N / 2);
    for (int i = 0; i < N; i++) { /* what the host forgets then */
        (void)snprintf(name, sizeof name, "%d.log", i);
        char key[PATH_MAX + 2];
        (void)snprintf(key, sizeof key, "f/%s", scratch_path(name));
        harness_state_set(h, key, (struct weir_slice){NULL, 0});
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    harness_free(h);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    for (int i = 0; i < N; i++) {
        (void)snprintf(name, sizeof name, "%d.log", i);
        assert_int_equal(stat(scratch_path(name), &st), 0);
        assert_int_equal(st.st_size, 0);
    }
}

/* A note without a row would say of the committed file that nothing was in it. */
static void a_row_stays_as_long_as_the_note(void **state)
{
    char key[5000], note[5000];
    struct harness *h;
    (void)state;
    h = harness_load("file", WEIR_SINK, scratch_options("path = $/{.d}.log\n"));
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    (void)snprintf(key, sizeof key, "f/%s", scratch_path("0.log"));
    (void)snprintf(note, sizeof note, "%s", scratch_path(".0.log.weir"));
    unlink_error = EACCES;
    write_to(h, 0, 1);
    for (int i = 1; i < 4; i++) /* closed for others, and nothing more for it */
        write_to(h, 100 * i, 70);
    assert_int_equal(access(note, F_OK), 0);
    assert_non_null(harness_state_get(h, key).ptr);
    unlink_error = 0;
    write_to(h, 400, 1);
    assert_int_equal(access(note, F_OK), -1);
    assert_null(harness_state_get(h, key).ptr);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pass_ends_without_a_renamed_file_it_can_not_read),
        TEST(a_pass_reads_a_renamed_file_at_last),
        TEST(a_scan_without_memory_is_said_and_ends_nothing),
        TEST(a_renamed_file_is_not_gone_for_want_of_descriptors),
        TEST(a_copy_is_not_missed_for_want_of_descriptors),
        TEST(a_pass_does_not_end_well_without_a_renamed_file),
        IN_MEMORY(a_row_stays_as_long_as_the_note),
        IN_MEMORY(all_is_taken_back_with_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
