/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - reads files line by line and follows them: callbacks, the list of generations, the fair turn.
 *
 * Home thread only; nothing here blocks, so there is nothing to interrupt.  See source.h for the parts. */
#define WEIR_API 1
#include "file.h"
#include "source.h"

#include <weir/helpers.h>

#include <limits.h>

#define LEAVE_MS 1000 /* nothing is on its way in lanes that are given back */

static const char *const starts[] = {"beginning", "end", NULL};

static const struct weir_option rows[] = {
    WEIR_OPT_STRING(struct source_conf, path, "path", WEIR_F_REQUIRED, NULL,
                    "File or pattern (* ? [...]) of files to read", NULL),
    WEIR_OPT_ENUM(struct source_conf, start, "start", 0, "beginning", starts,
                  "Where to begin with files that are there at the very first start",
                  "A file with a stored position is read on from it; a file found later is read whole."),
    WEIR_OPT_BOOL(struct source_conf, follow, "follow", 0, "yes",
                  "Wait for what is appended; no: end at the end", "weir run --until-end means no."),
    WEIR_OPT_SIZE(struct source_conf, max_line, "max-line", 0, "1M", 1024, 1 << 30,
                  "A longer line becomes a record error", NULL),
    WEIR_OPT_ENUM(struct source_conf, format, "format", 0, "raw", encode_formats,
                  "raw: a line is a value; record: a line is a record object", NULL),
    WEIR_OPT_DURATION(struct source_conf, rotate_wait, "rotate-wait", WEIR_F_ADVANCED, "5s", 0, 3600 * 1000,
                      "How long a renamed or deleted file is still read after its last byte", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct source_conf, rows);

/* ---- the list of generations --------------------------------------------------------------------------------- */

void source_set_path(struct source *s, struct tail *t, const char *path)
{
    size_t n = strlen(path) + 1;
    char *copy = s->ctx->host->mem(s->ctx, NULL, n);
    memcpy(copy, path, n);
    if (t->path)
        s->ctx->host->mem(s->ctx, t->path, 0);
    t->path = copy;
}

struct tail *source_add(struct source *s, const char *path)
{
    struct tail *t;
    if (s->n_tails == SOURCE_FILES || strlen(path) >= PATH_MAX) {
        if (!s->said_many)
            weir_logf(s->ctx, WEIR_LOG_ERROR, "%s is not read: %s", path,
                      s->n_tails == SOURCE_FILES ? "there are 65536 files already; use several pipelines"
                                                 : "its path is too long");
        s->said_many = true;
        return NULL;
    }
    if (s->n_tails == s->cap_tails) {
        s->cap_tails = s->cap_tails ? 2 * s->cap_tails : 64;
        s->tails = s->ctx->host->mem(s->ctx, s->tails, s->cap_tails * sizeof(struct tail *));
    }
    t = s->ctx->host->mem(s->ctx, NULL, sizeof *t);
    memset(t, 0, sizeof *t);
    t->fd = -1;
    t->gone_ms = -1;
    lines_init(&t->lines, s->ctx, (size_t)s->conf->max_line, 0);
    source_set_path(s, t, path);
    s->tails[s->n_tails++] = t;
    return t;
}

/* What is read to its end, committed, and will not turn up again needs no lane: or a run that lasts would in time have
 * as many as there may be, and read no further file. */
static int give_back(struct source *s)
{
    const struct weir_shard *lanes[SOURCE_LEAVING];
    int64_t now = s->ctx->host->mono_ms(s->ctx), wall = s->ctx->host->wall_ms(s->ctx);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_tails && n < SOURCE_LEAVING && !s->leaving; i++) {
        struct tail *t = s->tails[i];
        bool over = wall - t->seen_ms > KNOWN_DAYS_MS || (t->deleted && now - t->done_ms > DELETED_MS);
        if (t->state == TAIL_LIVE || !over || !t->shard || t->ready || t->committed < lines_begin(&t->lines))
            continue;
        t->leaving = true;
        lanes[n++] = t->shard;
    }
    s->leaving |= n > 0;
    return n ? s->ctx->host->shard_revoke(s->ctx, lanes, n, LEAVE_MS) : WEIR_OK;
}

static void tail_free(struct source *s, struct tail *t)
{
    tail_park(s, t);
    s->ctx->host->mem(s->ctx, t->path, 0);
    s->ctx->host->mem(s->ctx, t, 0);
}

void source_drop(struct source *s, struct tail *t)
{
    for (uint32_t i = 0; i < s->n_tails; i++)
        if (s->tails[i] == t)
            s->tails[i] = s->tails[--s->n_tails];
    if (s->primed == t)
        s->primed = NULL;
    tail_free(s, t);
}

void source_ready(struct source *s, struct tail *t)
{
    if (t->ready)
        return;
    t->ready = true;
    t->next_ready = NULL;
    if (s->last_ready)
        s->last_ready->next_ready = t;
    else
        s->first_ready = t;
    s->last_ready = t;
}

void source_unread(struct source *s, const char *path, int error)
{
    if (!s->unread[0])
        (void)snprintf(s->unread, sizeof s->unread, "%.400s can't be read: %s", path, strerror(error));
}

void source_gone(struct source *s, struct tail *t)
{
    t->gone_ms = s->ctx->host->mono_ms(s->ctx);
    s->gone_at = t->gone_ms;
    source_ready(s, t);
}

static struct tail *ready_pop(struct source *s)
{
    struct tail *t = s->first_ready;
    if (!t)
        return NULL;
    s->first_ready = t->next_ready;
    if (!s->first_ready)
        s->last_ready = NULL;
    t->ready = false;
    return t;
}

/* ---- callbacks ----------------------------------------------------------------------------------------------- */

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct source *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    s->inotify = -1;
    *self = s;
    return WEIR_OK;
}

static int source_open(void *self)
{
    struct source *s = self;
    int r = scan_start(s);
    if (r == WEIR_OK && !s->n_tails)
        r = known_load(s);
    if (r == WEIR_OK)
        r = scan_run(s);
    if (r != WEIR_OK)
        return r;
    if (!s->n_tails)
        weir_logf(s->ctx, WEIR_LOG_NOTICE, "no file matches %s yet, or all that do are empty", s->conf->path);
    s->ctx->host->health(s->ctx, WEIR_UP, 0, "reading files");
    return WEIR_OK;
}

/* Renamed and deleted files have no name inotify would tell: they are looked at again and again until they end. */
static void gone_ready(struct source *s, int64_t now)
{
    int64_t next = INT64_MAX;
    if (now < s->gone_at)
        return;
    for (uint32_t i = 0; i < s->n_tails; i++) {
        struct tail *t = s->tails[i];
        if (t->state != TAIL_LIVE || t->gone_ms < 0)
            continue;
        source_ready(s, t);
        next = now + GONE_EVERY_MS;
        if (t->gone_ms + s->conf->rotate_wait > now && t->gone_ms + s->conf->rotate_wait < next)
            next = t->gone_ms + s->conf->rotate_wait;
    }
    s->gone_at = next;
}

/* Each file that has something gets a turn, one piece at a time; OK: the limits of this poll are used up. */
static int source_turn(struct source *s, struct weir_emitter *to, struct room *room)
{
    struct tail *t;
    while ((t = ready_pop(s)) != NULL) {
        int r = tail_pump(s, t, to, room);
        if (r == WEIR_END)
            continue;
        source_ready(s, t);
        if (r == WEIR_AGAIN)
            return WEIR_OK;
        if (r != WEIR_OK)
            return r;
    }
    return WEIR_AGAIN;
}

/* What was emitted went all the way. */
static bool all_final(const struct source *s)
{
    bool all = true;
    for (uint32_t i = 0; i < s->n_tails && all; i++)
        all = !s->tails[i]->shard || lines_begin(&s->tails[i]->lines) == s->tails[i]->final;
    return all;
}

/* END when everything is read to the end.  What can't be read is tried for a while; then, when all else is final, the
 * pass fails: it would end as if that were not there. */
static int pass_end(struct source *s, int turned)
{
    if (s->blind || turned < 0)
        return turned;
    if (!s->unread[0])
        return s->unended ? turned : WEIR_END;
    if (turned != WEIR_AGAIN || s->unread_tries < UNREAD_TRIES || !all_final(s))
        return turned;
    return weir_fail(s->ctx, WEIR_FATAL, 0,
                     "%s; everything else is read. Mend that, or have path leave it out", s->unread);
}

/* A pass with an end looks again only for what it could not see or read. */
static int poll_scan(struct source *s, int64_t now)
{
    if (s->to_end && s->unread[0]) {
        s->scanned = false; /* what it may find then was there from the beginning */
        if (s->scan_at > now + SCAN_AGAIN_MS)
            s->scan_at = now + SCAN_AGAIN_MS;
    }
    if (now < s->scan_at || (s->to_end && !s->blind && !s->unread[0]))
        return WEIR_OK;
    s->unread_tries = s->unread[0] ? s->unread_tries + 1 : 0;
    return scan_run(s);
}

static int source_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll)
{
    struct source *s = self;
    struct room room = {poll->max_records, poll->max_bytes};
    int64_t now = s->ctx->host->mono_ms(s->ctx);
    int r = WEIR_OK;
    s->to_end = !s->conf->follow || (poll->flags & WEIR_POLL_TO_END);
    scan_events(s);
    r = poll_scan(s, now);
    if (r == WEIR_OK && s->scanned_ms == now && s->scanned && !s->to_end)
        r = give_back(s);
    if (r != WEIR_OK)
        return r;
    if (!s->to_end)
        gone_ready(s, now);
    if (!(poll->flags & WEIR_POLL_PAUSED)) {
        r = source_turn(s, to, &room);
        r = s->to_end ? pass_end(s, r) : r;
        if (r < 0 || r == WEIR_END)
            return r;
    } else {
        r = WEIR_AGAIN;
    }
    if (r == WEIR_AGAIN && room.records != poll->max_records)
        r = WEIR_OK;
    /* a bounded pass does not scan again when it saw everything, and does not wait for rotation: a time in the past would have
     * it called in a circle */
    int64_t next = s->scan_at < s->gone_at ? s->scan_at : s->gone_at;
    s->ctx->host->wake_at(s->ctx, !s->to_end ? next : s->blind || s->unread[0] ? s->scan_at : INT64_MAX);
    return r;
}

/* The host asks for one lane after the other, so it looks beside the last one first. */
static struct tail *tail_of(struct source *s, const struct weir_shard *shard)
{
    for (uint32_t i = 0; i < s->n_tails; i++) {
        uint32_t at = (s->asked + i) % s->n_tails, back = (s->asked + s->n_tails - i) % s->n_tails;
        if (s->tails[back]->shard == shard)
            at = back;
        if (s->tails[at]->shard == shard) {
            s->asked = at;
            return s->tails[at];
        }
    }
    return NULL;
}

static int source_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                           size_t *ret_len)
{
    struct source *s = self;
    struct tail *t = tail_of(s, shard);
    *ret_len = t ? known_position(s, t, next, out, cap) : 0;
    if (t)
        t->final = next;
    return WEIR_OK;
}

static int source_committed(void *self, const struct weir_position *positions, uint32_t n, uint32_t stride,
                            uint32_t final)
{
    (void) final;
    for (uint32_t i = 0; i < n; i++) {
        const struct weir_position *p = (const void *)((const char *)positions + (size_t)i * stride);
        struct tail *t = tail_of(self, p->shard);
        if (t)
            t->committed = p->next;
    }
    return WEIR_OK;
}

static int source_revoked(void *self, const struct weir_position *positions, uint32_t n, uint32_t stride)
{
    struct source *s = self;
    (void)positions;
    (void)n;
    (void)stride;
    for (uint32_t i = s->n_tails; i-- > 0;) {
        struct tail *t = s->tails[i];
        if (!t->leaving)
            continue;
        known_forget(s, t);
        source_drop(s, t); /* the last one takes its place, and was looked at */
    }
    s->leaving = s->said_many = false;
    return WEIR_OK;
}

static void source_close(void *self)
{
    struct source *s = self;
    for (uint32_t i = 0; i < s->n_tails; i++)
        tail_free(s, s->tails[i]);
    if (s->tails)
        s->ctx->host->mem(s->ctx, s->tails, 0);
    s->tails = NULL;
    s->n_tails = s->cap_tails = s->n_open = s->unended = s->asked = 0;
    s->leaving = false;
    s->first_ready = s->last_ready = NULL;
    s->primed = NULL;
    s->scanned = false;
    scan_stop(s);
}

static void source_destroy(void *self)
{
    struct source *s = self;
    s->ctx->host->mem(s->ctx, s, 0);
}

const struct weir_ops file_source_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SOURCE,
    .promises = WEIR_REPLAYABLE,
    .options = &options,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
    .position = source_position,
    .committed = source_committed,
    .revoked = source_revoked,
    .close = source_close,
    .destroy = source_destroy,
};
