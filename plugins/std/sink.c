/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - writes records as lines to standard output; a record is delivered when write(2) took it.
 *
 * A thread of its own (WEIR_BLOCKS); only interrupt comes from another.  Descriptor 1 is shared with whoever started
 * weir, so it is never made non-blocking.  Into a pipe, poll(2) and writes of at most PIPE_BUF bytes keep write(2)
 * from blocking, so that a reader which stands still can not hold up the shutdown. */
#define WEIR_API 1
#include "std.h"
#include "../common/encode.h"
#include "../common/errnos.h"

#include <weir/helpers.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT (128u << 10)

struct std_sink_conf {
    int64_t format, tombstone;
};

static const struct weir_option rows[] = {
    WEIR_OPT_ENUM(struct std_sink_conf, format, "format", 0, "raw", encode_formats,
                  "raw: the value as a line; record: the whole record as one JSON object", NULL),
    WEIR_OPT_ENUM(struct std_sink_conf, tombstone, "tombstone", 0, "reject", encode_tombstones,
                  "What format = raw does with a record without value", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct std_sink_conf, rows);

struct std_sink {
    struct weir_ctx *ctx;
    const struct std_sink_conf *conf;
    struct rejects rejects;
    atomic_bool stop; /* set by interrupt */
    int wake_fd; /* readable once interrupt was called; open from create to destroy, as it may come at any time */
    bool pipe;
    uint64_t written; /* bytes of the current batch that are out */
    size_t used;
    char out[OUT];
};

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct std_sink *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    atomic_init(&s->stop, false);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* before anybody can interrupt */
    rejects_init(&s->rejects, ctx);
    *self = s;
    return WEIR_OK;
}

static int sink_open(void *self)
{
    struct std_sink *s = self;
    struct stat st;
    if (fstat(STDOUT_FILENO, &st))
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "standard output can't be used: %s",
                         strerror(errno));
    s->pipe = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
    if (s->wake_fd < 0)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "no eventfd was to be had; raise the limit of open files");
    s->ctx->host->health(s->ctx, WEIR_UP, 0, "writing standard output");
    return WEIR_OK;
}

static const struct weir_error error_rows[] = {
    ERRNO_ROW(ENOSPC, RETRY, WEIR_DEGRADED, "The disk it is sent to is full"),
    ERRNO_ROW(EDQUOT, RETRY, WEIR_DEGRADED, "The quota is used up"),
    ERRNO_ROW(EINTR, RETRY, WEIR_DEGRADED, "Its reader stands still"),
    ERRNO_ROW(EPIPE, FATAL, 0, "Its reader left"),
    ERRNO_OTHER("It cannot be written"),
};
static const struct weir_errors errors = ERRNO_TABLE(error_rows);

/* A failed write: the batch may come again, or be refused, only if nothing of it is out. */
static int sink_failed(struct std_sink *s, int error)
{
    uint32_t health = 0;
    const char *why = error == EINTR ? "standard output does not take more" : strerror(error);
    int status = s->written == 0 ? errnos_status(s->ctx, error, &health) : WEIR_FATAL;
    if (error == EPIPE && status == WEIR_FATAL)
        return weir_fail(s->ctx, WEIR_FATAL, EPIPE, "the reader of standard output left");
    if (health)
        s->ctx->host->health(s->ctx, health, (uint32_t)error, why);
    if (s->written == 0)
        return weir_fail(s->ctx, status, (uint32_t)error, "standard output: %s", why);
    return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)error,
                     "standard output failed after a part of a batch was written: %s",
                     error == EINTR ? "interrupted while its reader stood still" : strerror(error));
}

/* Waits until standard output takes bytes; EINTR when interrupted. */
static int sink_wait(struct std_sink *s)
{
    struct pollfd fds[2] = {{STDOUT_FILENO, POLLOUT, 0}, {s->wake_fd, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return errno;
    if (fds[0].revents)
        return 0; /* an error too: write says which */
    return EINTR;
}

/* Writes all of it, or gives the batch's status. */
static int sink_put(struct std_sink *s, const char *p, size_t n)
{
    while (n) {
        size_t part = s->pipe && n > PIPE_BUF ? PIPE_BUF : n;
        ssize_t done;
        int error = s->pipe ? sink_wait(s) : 0;
        if (error)
            return sink_failed(s, error);
        done = write(STDOUT_FILENO, p, part);
        if (done < 0 && errno == EINTR && !atomic_load(&s->stop))
            continue;
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) { /* somebody else made it non-blocking */
            error = sink_wait(s);
            if (error)
                return sink_failed(s, error);
            continue;
        }
        if (done < 0)
            return sink_failed(s, errno);
        s->written += (uint64_t)done;
        p += done;
        n -= (size_t)done;
    }
    return WEIR_OK;
}

static int sink_drain(struct std_sink *s)
{
    size_t n = s->used;
    s->used = 0;
    return sink_put(s, s->out, n);
}

/* Adds one line; a line larger than the buffer goes out from where it lies. */
static int sink_line(struct std_sink *s, const struct weir_slice *line)
{
    int r = WEIR_OK;
    if (s->used + line->len + 1 > OUT)
        r = sink_drain(s);
    if (r == WEIR_OK && line->len + 1 > OUT) {
        r = sink_put(s, line->ptr, line->len);
        return r == WEIR_OK ? sink_put(s, "\n", 1) : r;
    }
    if (r != WEIR_OK)
        return r;
    if (line->len)
        memcpy(s->out + s->used, line->ptr, line->len);
    s->out[s->used + line->len] = '\n';
    s->used += line->len + 1;
    return WEIR_OK;
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct std_sink *s = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    uint64_t none;
    int r = s->ctx->host->view(s->ctx, batch, &view);
    rejects_clear(&s->rejects);
    s->written = 0;
    s->used = 0;
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++) {
        const char *why = "the record can't be printed";
        struct weir_slice line;
        int e = encode_line(s->ctx, s->conf->format, s->conf->tombstone, batch, i, weir_record_at(&view, i),
                            &line, &why);
        if (e == WEIR_OK)
            r = sink_line(s, &line);
        else if (e != WEIR_AGAIN)
            rejects_add(&s->rejects, i, why);
    }
    if (r == WEIR_OK)
        r = sink_drain(s);
    if (atomic_exchange(&s->stop, false) && read(s->wake_fd, &none, sizeof none) < 0 && errno != EAGAIN)
        r = weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "eventfd: %s", strerror(errno));
    if (r != WEIR_OK)
        return r;
    s->ctx->host->health(s->ctx, WEIR_UP, 0, "writing standard output");
    return s->ctx->host->complete(s->ctx, batch, s->rejects.list, s->rejects.n, sizeof s->rejects.list[0]);
}

static void sink_interrupt(void *self)
{
    struct std_sink *s = self;
    const uint64_t one = 1;
    atomic_store(&s->stop, true);
    if (write(s->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is full: it is readable already */
}

static void sink_close(void *self)
{
    (void)self; /* what interrupt uses stays until destroy */
}

static void sink_destroy(void *self)
{
    struct std_sink *s = self;
    if (s->wake_fd >= 0)
        (void)close(s->wake_fd);
    rejects_free(&s->rejects);
    s->ctx->host->mem(s->ctx, s, 0);
}

static uint32_t sink_promise(const void *conf)
{
    const struct std_sink_conf *c = conf;
    uint32_t promises = WEIR_BLOCKS | WEIR_SINGLE | WEIR_STREAM;
    return c->format == ENCODE_RECORD ? promises : promises | WEIR_NO_HEADERS;
}

const struct weir_ops std_sink_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SINK,
    .promises = WEIR_BLOCKS | WEIR_SINGLE | WEIR_STREAM,
    .promise = sink_promise,
    .options = &options,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .interrupt = sink_interrupt,
    .close = sink_close,
    .destroy = sink_destroy,
    .errors = &errors,
};
