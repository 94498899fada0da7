/* SPDX-License-Identifier: BSD-2-Clause */
/* t-std.c - standard input and output: each test puts a pipe or a file in their place. */
#include "harness_private.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#include "scratch.h"

static int saved_in = -1, saved_out = -1, far_end = -1;

static int setup(void **state)
{
    saved_in = dup(STDIN_FILENO);
    saved_out = dup(STDOUT_FILENO);
    (void)signal(SIGPIPE, SIG_IGN);
    return scratch_make(state);
}

static int teardown(void **state)
{
    (void)dup2(saved_in, STDIN_FILENO);
    (void)dup2(saved_out, STDOUT_FILENO);
    (void)close(saved_in);
    (void)close(saved_out);
    if (far_end >= 0)
        (void)close(far_end);
    far_end = -1;
    return scratch_remove(state);
}

/* Puts one end of a pipe at descriptor `at`; the other is far_end. */
static void use_pipe(int at)
{
    int fds[2], near = at == STDIN_FILENO ? 0 : 1;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(dup2(fds[near], at), at);
    (void)close(fds[near]);
    far_end = fds[!near];
}

static void use_file(int at, const char *name, int flags)
{
    int fd = open(scratch_path(name), flags | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, at), at);
    (void)close(fd);
}

static void feed(const char *text)
{
    assert_int_equal(write(far_end, text, strlen(text)), strlen(text));
}

static bool has_outputs(struct harness *h, void *n)
{
    return harness_out_count(h) >= *(size_t *)n;
}

static void expect_count(struct harness *h, size_t n)
{
    assert_true(harness_run_until(h, has_outputs, &n, 60000));
    assert_int_equal(harness_out_count(h), n);
}

/* What cmocka prints would go to the pipe: asserts run while standard output is the real one. */
static void give_back_output(void)
{
    assert_int_equal(dup2(saved_out, STDOUT_FILENO), STDOUT_FILENO);
}

/* ---- source ----------------------------------------------------------------------------------------------------- */

static void a_pipe_gives_lines_until_it_ends(void **state)
{
    struct harness *h;
    (void)state;
    use_pipe(STDIN_FILENO);
    h = harness_start("std", WEIR_SOURCE, "");
    assert_false(harness_promises(h) & WEIR_REPLAYABLE);
    assert_int_equal(harness_poll(h, 100, 1 << 20, 0, 0), WEIR_AGAIN);
    feed("one\ntw");
    expect_count(h, 1);
    assert_int_equal(harness_poll(h, 100, 1 << 20, 0, WEIR_POLL_PAUSED), WEIR_AGAIN);
    feed("o\n\nlast");
    expect_count(h, 3);
    (void)close(far_end);
    far_end = -1;
    while (harness_poll(h, 100, 1 << 20, 0, 0) == WEIR_OK)
        ;
    assert_int_equal(harness_poll(h, 100, 1 << 20, 0, 0), WEIR_END);
    assert_int_equal(harness_out_count(h), 4);
    assert_string_equal(harness_out_value(h, 0), "one");
    assert_string_equal(harness_out_value(h, 1), "two");
    assert_string_equal(harness_out_value(h, 2), "");
    assert_string_equal(harness_out_value(h, 3), "last");
    assert_int_equal(harness_out(h, 3)->record.offset, 9);
    assert_string_equal(harness_out(h, 3)->record.topic.ptr, "stdin");
    harness_free(h);
}

static void a_file_is_read_and_the_host_may_be_full(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("in", "1\n2\n3\n4\n5");
    use_file(STDIN_FILENO, "in", O_RDONLY);
    h = harness_start("std", WEIR_SOURCE, "");
    assert_int_equal(harness_poll(h, 2, 1 << 20, 0, 0), WEIR_OK);
    assert_int_equal(harness_out_count(h), 2);
    assert_int_equal(harness_poll(h, 2, 1 << 20, 0, 0), WEIR_OK);
    while (harness_poll(h, 2, 1 << 20, 0, 0) == WEIR_OK)
        ;
    assert_int_equal(harness_out_count(h), 5);
    assert_string_equal(harness_out_value(h, 4), "5");
    harness_free(h);
}

static void nothing_at_all_ends(void **state)
{
    struct harness *h;
    (void)state;
    scratch_append("in", "");
    use_file(STDIN_FILENO, "in", O_RDONLY);
    h = harness_start("std", WEIR_SOURCE, "");
    assert_int_equal(harness_poll(h, 2, 1 << 20, 0, 0), WEIR_END);
    assert_int_equal(harness_out_count(h), 0);
    harness_free(h);
}

static void record_lines_and_bad_lines(void **state)
{
    static char in[4000];
    struct harness *h;
    (void)state;
    (void)snprintf(in, sizeof in, "{\"key\":null,\"value\":\"v\"}\n%02000d\n{", 0);
    scratch_append("in", in);
    use_file(STDIN_FILENO, "in", O_RDONLY);
    h = harness_start("std", WEIR_SOURCE, "format = record\nmax-line = 1K\n");
    while (harness_poll(h, 10, 1 << 20, 0, 0) == WEIR_OK)
        ;
    assert_int_equal(harness_out_count(h), 3);
    assert_string_equal(harness_out_value(h, 0), "v");
    assert_non_null(strstr(harness_out(h, 1)->result.why, "more than max-line = 1024"));
    assert_non_null(strstr(harness_out(h, 2)->result.why, "no record object"));
    harness_free(h);
}

/* ---- sink ------------------------------------------------------------------------------------------------------- */

static void values_become_lines(void **state)
{
    const char *values[] = {"one", "", "two\nlines", NULL, "three"};
    struct harness *h = harness_start("std", WEIR_SINK, "");
    struct weir_batch *b = harness_values(h, values, 5);
    int r;
    (void)state;
    use_file(STDOUT_FILENO, "out", O_WRONLY | O_CREAT);
    r = harness_write(h, b);
    give_back_output();
    assert_int_equal(r, WEIR_OK);
    assert_string_equal(scratch_read("out"), "one\n\nthree\n");
    assert_int_equal(harness_failed(b), 2);
    assert_non_null(strstr(harness_result(b, 2).why, "format = record"));
    harness_free(h);
}

static void *read_all(void *opaque)
{
    size_t *total = opaque;
    char bytes[1000];
    ssize_t n;
    while ((n = read(far_end, bytes, sizeof bytes)) > 0)
        *total += (size_t)n;
    return NULL;
}

static void a_slow_pipe_gets_everything(void **state)
{
    size_t n = 300000, total = 0;
    char *value = malloc(n + 1);
    const char *values[] = {value, "short", value};
    struct harness *h;
    struct weir_batch *b;
    pthread_t reader;
    int r;
    (void)state;
    assert_non_null(value);
    memset(value, 'v', n);
    value[n] = '\0';
    use_pipe(STDOUT_FILENO);
    h = harness_start("std", WEIR_SINK, "");
    b = harness_values(h, values, 3);
    assert_int_equal(pthread_create(&reader, NULL, read_all, &total), 0);
    r = harness_write(h, b);
    give_back_output(); /* and the pipe ends */
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(r, WEIR_OK);
    assert_int_equal(total, 2 * n + 2 + 6);
    assert_int_equal(harness_failed(b), 0);
    harness_free(h);
    free(value);
}

static void a_reader_that_left_is_fatal(void **state)
{
    const char *value = "x";
    struct harness *h;
    int r;
    (void)state;
    use_pipe(STDOUT_FILENO);
    h = harness_start("std", WEIR_SINK, "");
    (void)close(far_end);
    far_end = -1;
    r = harness_write(h, harness_values(h, &value, 1));
    give_back_output();
    assert_int_equal(r, WEIR_FATAL);
    assert_string_equal(harness_failure(h)->why, "the reader of standard output left");
    harness_free(h);
}

/* A reader that stands still: interrupt ends the write; nothing of the batch was out, so it may come again. */
static void a_reader_that_stands_still_can_be_left(void **state)
{
    static char full[1 << 16];
    const char *value = "x";
    struct harness *h;
    struct weir_batch *b;
    int r, r2, flags;
    (void)state;
    use_pipe(STDOUT_FILENO);
    h = harness_start("std", WEIR_SINK, "");
    flags = fcntl(STDOUT_FILENO, F_GETFL);
    (void)fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
    while (write(STDOUT_FILENO, full, sizeof full) > 0 || errno != EAGAIN)
        ;
    (void)fcntl(STDOUT_FILENO, F_SETFL, flags);
    b = harness_values(h, &value, 1);
    harness_ops(h)->interrupt(h->self);
    r = harness_write(h, b);
    r2 = read(far_end, full, sizeof full) > 0 ? harness_write(h, harness_values(h, &value, 1)) : -1;
    give_back_output();
    assert_int_equal(r, WEIR_RETRY);
    assert_int_equal(r2, WEIR_OK);
    harness_free(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pipe_gives_lines_until_it_ends),
        TEST(a_file_is_read_and_the_host_may_be_full),
        TEST(nothing_at_all_ends),
        TEST(record_lines_and_bad_lines),
        TEST(values_become_lines),
        TEST(a_slow_pipe_gets_everything),
        TEST(a_reader_that_left_is_fatal),
        TEST(a_reader_that_stands_still_can_be_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
