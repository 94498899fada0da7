/* SPDX-License-Identifier: BSD-2-Clause */
/* errlog.c - a program's standard error in the log (errlog.h). */
#define WEIR_API 1
#include "errlog.h"

#include <weir/helpers.h>

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

void errlog_init(struct errlog *e, struct weir_ctx *ctx)
{
    memset(e, 0, sizeof *e);
    e->ctx = ctx;
}

static void say_left_out(struct errlog *e)
{
    if (e->left_out)
        weir_logf(e->ctx, WEIR_LOG_WARNING,
                  "%" PRIu32
                  " further lines of the program's standard error were left out: more than %u in %d s",
                  e->left_out, ERRLOG_LINES, ERRLOG_WINDOW_MS / 1000);
    e->left_out = 0;
}

static void line_end(struct errlog *e)
{
    int64_t now = e->ctx->host->mono_ms(e->ctx);
    size_t n = e->used;
    e->used = 0;
    e->cut = false;
    if (now - e->window_ms >= ERRLOG_WINDOW_MS) {
        say_left_out(e);
        e->window_ms = now;
        e->lines = 0;
    }
    while (n && (e->line[n - 1] == '\r' || e->line[n - 1] == ' '))
        n--;
    if (!n)
        return;
    if (e->lines++ < ERRLOG_LINES)
        e->ctx->host->log(e->ctx, WEIR_LOG_NOTICE, e->line, n);
    else
        e->left_out++;
}

static void add(struct errlog *e, const char *p, size_t n)
{
    while (n) {
        const char *lf = memchr(p, '\n', n);
        size_t part = lf ? (size_t)(lf - p) : n, room = ERRLOG_LINE - e->used;
        size_t keep = e->cut ? 0 : part < room ? part : room;
        memcpy(e->line + e->used, p, keep);
        e->used += keep;
        e->cut |= keep < part;
        if (lf)
            line_end(e);
        part += lf != NULL;
        p += part;
        n -= part;
    }
}

bool errlog_read(struct errlog *e, int fd)
{
    char bytes[4096];
    for (int turns = 0; turns < 16; turns++) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        add(e, bytes, (size_t)n);
    }
    return true;
}

void errlog_end(struct errlog *e)
{
    if (e->used)
        line_end(e);
    say_left_out(e);
    e->lines = 0;
}
