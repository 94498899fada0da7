/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - reads lines from standard input until its end.
 *
 * Home thread only, but for interrupt.  Descriptor 0 is shared with whoever started weir, so it is never made
 * non-blocking: poll(2) says when read(2) will not block.  What was read can not be read again, so the lane has a new
 * random name in each run: the identities of two runs never meet. */
#define WEIR_API 1
#include "std.h"
#include "../common/encode.h"
#include "../common/lines.h"

#include <weir/helpers.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN 512u /* records given to the host at once */

struct std_source_conf {
    int64_t format, max_line;
};

static const struct weir_option rows[] = {
    WEIR_OPT_ENUM(struct std_source_conf, format, "format", 0, "raw", encode_formats,
                  "raw: a line is a value; record: a line is a record object", NULL),
    WEIR_OPT_SIZE(struct std_source_conf, max_line, "max-line", 0, "1M", 1024, 1 << 30,
                  "A longer line becomes a record error", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct std_source_conf, rows);

struct std_source {
    struct weir_ctx *ctx;
    const struct std_source_conf *conf;
    const struct weir_shard *shard;
    struct lines lines;
    bool watchable, watched, eof;
    struct weir_record run[RUN];
};

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct std_source *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    lines_init(&s->lines, ctx, (size_t)s->conf->max_line, 0);
    *self = s;
    return WEIR_OK;
}

static void run_init(struct std_source *s)
{
    for (uint32_t i = 0; i < RUN; i++) {
        struct weir_record *rec = &s->run[i];
        memset(rec, 0, sizeof *rec);
        rec->shard = s->shard;
        rec->topic = s->shard->topic;
        rec->time_ms = WEIR_NO_TIME;
        rec->partition = s->shard->partition;
    }
}

static int source_open(void *self)
{
    struct std_source *s = self;
    struct weir_position position = {.struct_size = sizeof position};
    struct weir_shard shard = {.struct_size = sizeof shard, .partition = -1};
    struct stat st;
    uint64_t random[2];
    char id[64];
    if (fstat(STDIN_FILENO, &st))
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "standard input can't be used: %s",
                         strerror(errno));
    if (S_ISDIR(st.st_mode))
        return weir_fail(s->ctx, WEIR_FATAL, EISDIR, "standard input is a directory; give a file or a pipe");
    s->watchable = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(STDIN_FILENO);
    if (s->shard)
        return WEIR_OK;
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "no random bytes: %s", strerror(errno));
    (void)snprintf(id, sizeof id, "stdin-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    shard.id = weir_str(id);
    shard.topic = weir_str("stdin");
    if (s->ctx->host->shard_open(s->ctx, &shard, &s->shard, &position) != WEIR_OK)
        return WEIR_FATAL;
    run_init(s);
    s->ctx->host->health(s->ctx, WEIR_UP, 0, "reading standard input");
    return WEIR_OK;
}

/* Paused, a descriptor that is ready all the time would only wake the host. */
static void source_watch(struct std_source *s, bool on)
{
    on = on && s->watchable;
    if (on == s->watched)
        return;
    s->ctx->host->watch_fd(s->ctx, STDIN_FILENO, on ? WEIR_FD_READ : 0);
    s->watched = on;
}

/* One read if it will not block.  AGAIN: nothing there yet; END: the end of the input. */
static int source_read(struct std_source *s)
{
    struct pollfd ready = {STDIN_FILENO, POLLIN, 0};
    size_t room;
    ssize_t n;
    void *to;
    if (poll(&ready, 1, 0) <= 0)
        return WEIR_AGAIN;
    to = lines_room(&s->lines, LINES_CHUNK, &room);
    n = read(STDIN_FILENO, to, room);
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return WEIR_AGAIN;
    if (n < 0)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "standard input can't be read: %s",
                         strerror(errno));
    lines_added(&s->lines, (size_t)n);
    return n ? WEIR_OK : WEIR_END;
}

static int source_emit(struct std_source *s, struct weir_emitter *to, uint32_t n)
{
    return encode_lines(s->ctx, to, s->conf->format, &s->lines, s->run, n, "standard input");
}

static int emit_long(struct std_source *s, struct weir_emitter *to)
{
    return encode_long(s->ctx, to, &s->lines, &s->run[0], "standard input");
}

/* What is left at the end: a last line without line feed. */
static int source_end(struct std_source *s, struct weir_emitter *to)
{
    int r = WEIR_OK;
    if (lines_last(&s->lines, &s->run[0]))
        r = s->lines.long_end ? emit_long(s, to) : source_emit(s, to, 1);
    return r == WEIR_OK ? WEIR_END : r == WEIR_AGAIN ? WEIR_OK : r;
}

static int source_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll)
{
    struct std_source *s = self;
    uint32_t records = 0, n;
    bool read_once = false;
    int r;
    source_watch(s, !(poll->flags & WEIR_POLL_PAUSED) && !s->eof);
    if (poll->flags & WEIR_POLL_PAUSED)
        return WEIR_AGAIN;
    while (records < poll->max_records) {
        uint32_t max = poll->max_records - records < RUN ? poll->max_records - records : RUN;
        n = lines_fill(&s->lines, s->run, max, poll->max_bytes);
        if (n || lines_long(&s->lines, &s->run[0])) {
            r = n ? source_emit(s, to, n) : emit_long(s, to);
            if (r != WEIR_OK)
                return r == WEIR_AGAIN ? WEIR_OK : r;
            records += n ? n : 1;
            continue;
        }
        if (s->eof)
            return source_end(s, to);
        if (read_once)
            break;
        r = source_read(s);
        if (r == WEIR_AGAIN)
            return records ? WEIR_OK : WEIR_AGAIN;
        if (r < 0)
            return r;
        s->eof = r == WEIR_END;
        read_once = !s->eof;
    }
    return WEIR_OK;
}

static void source_interrupt(void *self)
{
    (void)self; /* poll never blocks */
}

static void source_close(void *self)
{
    struct std_source *s = self;
    source_watch(s, false);
    lines_reset(&s->lines, 0);
}

static void source_destroy(void *self)
{
    struct std_source *s = self;
    s->ctx->host->mem(s->ctx, s, 0);
}

const struct weir_ops std_source_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SOURCE,
    .options = &options,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
    .interrupt = source_interrupt,
    .close = source_close,
    .destroy = source_destroy,
};
