/* SPDX-License-Identifier: BSD-2-Clause */
/* exec_test.h - programs for the tests of the plugin exec: shell scripts in the scratch folder. */
#ifndef WEIR_TESTS_EXEC_TEST_H
#define WEIR_TESTS_EXEC_TEST_H

#include "harness_private.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "scratch.h"

#define WAIT 20000 /* ms for what a program does at once, on a machine that has hardly any time for it */

static int exec_setup(void **state)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as weir does */
    return scratch_make(state);
}

/* Options that run this script, in the scratch folder, and what else is said; borrowed until the next call. */
static inline const char *script(const char *text, const char *more)
{
    static char options[8192];
    scratch_write("program.sh", text, O_TRUNC);
    (void)snprintf(options, sizeof options, "command = sh program.sh\ndirectory = %s\n%s", scratch_dir, more);
    return options;
}

/* No child is left: neither running nor a zombie. */
static inline void expect_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* A script, and all that it starts, holds this pipe after `exec 4>alive`. */
static inline int alive_make(void)
{
    const char *path = scratch_path("alive");
    int fd;
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* A script that says so has come as far as `echo up >&4`. */
static inline void expect_up(int alive)
{
    struct pollfd up = {alive, POLLIN, 0};
    char text[4];
    assert_int_equal(poll(&up, 1, WAIT), 1);
    assert_int_equal(read(alive, text, sizeof text), 3);
}

/* None of them is left. */
static inline void expect_dead(int alive)
{
    struct pollfd end = {alive, 0, 0};
    assert_int_equal(poll(&end, 1, WAIT), 1);
    (void)close(alive);
}

#endif
