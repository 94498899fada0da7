/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - see source.h. */
#define WEIR_API 1
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST ((off_t)1 << 20)

static const char *refuse(int fd, size_t *ret_size)
{
    struct stat st;
    *ret_size = 0;
    if (fstat(fd, &st) < 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "it is not a file";
    if (st.st_size > MOST)
        return "it has more than 1 MiB";
    *ret_size = (size_t)st.st_size;
    return NULL;
}

const char *source_read(struct weir_ctx *ctx, const char *path, char **ret_text, size_t *ret_len)
{
    size_t size, n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *ret_text = NULL;
    *ret_len = 0;
    if (fd < 0)
        return strerror(errno);
    const char *why = refuse(fd, &size);
    char *text = ctx->host->mem(ctx, NULL, size + 1);
    while (!why && n < size) {
        ssize_t got = read(fd, text + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            why = strerror(errno);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    (void)close(fd);
    text[n] = '\0';
    *ret_text = text;
    *ret_len = n;
    return why;
}
