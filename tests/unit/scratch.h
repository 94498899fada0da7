/* SPDX-License-Identifier: BSD-2-Clause */
/* scratch.h - a folder for the files of one test, and what tests do with files. */
#ifndef WEIR_TESTS_SCRATCH_H
#define WEIR_TESTS_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[4096];

static int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* cmocka setup and teardown. */
static int scratch_make(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    (void)snprintf(scratch_dir, sizeof scratch_dir, "%s/weir-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(scratch_dir) ? 0 : -1;
}

/* Another setup: in memory where there is some, for tests that wait for the disk hundreds of times. */
static inline int scratch_in_memory(void **state)
{
    char *before = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    if (access("/dev/shm", W_OK | X_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 1);
    int failed = scratch_make(state);
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
    free(before);
    return failed;
}

static int scratch_remove(void **state)
{
    (void)state;
    return nftw(scratch_dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The full path of a file in it; one of eight texts used in turn. */
static const char *scratch_path(const char *name)
{
    static char paths[8][4352];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", scratch_dir, name);
    return path;
}

static void scratch_write(const char *name, const char *text, int flags)
{
    int fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
        abort();
}

static inline void scratch_append(const char *name, const char *text)
{
    scratch_write(name, text, O_APPEND);
}

/* Replaces the content, the file stays the same one. */
static inline void scratch_rewrite(const char *name, const char *text)
{
    scratch_write(name, text, O_TRUNC);
}

/* Its whole content, in one of four buffers; NULL: no such file. */
static inline const char *scratch_read(const char *name)
{
    static char texts[4][65536];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    int fd = open(scratch_path(name), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof texts[0] - 1);
    if (fd < 0)
        return NULL;
    (void)close(fd);
    if (n < 0)
        abort();
    text[n] = '\0';
    return text;
}

static inline bool scratch_exists(const char *name)
{
    struct stat st;
    return !stat(scratch_path(name), &st);
}

/* Options "key = value\n" with every $ replaced by the folder; borrowed until the next call. */
static inline const char *scratch_options(const char *text)
{
    static char out[8192];
    size_t n = 0;
    for (; *text && n < sizeof out - 1; text++) {
        if (*text == '$')
            n += (size_t)snprintf(out + n, sizeof out - n, "%s", scratch_dir);
        else
            out[n++] = *text;
    }
    if (n >= sizeof out)
        abort();
    out[n] = '\0';
    return out;
}

#endif
