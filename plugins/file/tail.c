/* SPDX-License-Identifier: BSD-2-Clause */
/* tail.c - reads one generation: its bytes in large pieces, its lines as records that point into them.
 *
 * Each read also fetches the (up to 128) bytes before the new ones and compares them with those read last: that
 * notices a file which was cut and has grown again beyond where reading stood. */
#define WEIR_API 1
#include "source.h"

#include <weir/helpers.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ_CUT = 100 }; /* beside WEIR_*: the file is not what it was */

static void guard_set(struct tail *t, const char *bytes, size_t n)
{
    t->guard_len = (uint32_t)(n < PRINT_GUARD ? n : PRINT_GUARD);
    memcpy(t->guard, bytes + n - t->guard_len, t->guard_len);
}

/* The guard after n further bytes. */
static void guard_add(struct tail *t, const char *bytes, size_t n)
{
    size_t keep = n < PRINT_GUARD ? PRINT_GUARD - n : 0;
    if (keep > t->guard_len)
        keep = t->guard_len;
    if (!keep) {
        guard_set(t, bytes, n);
        return;
    }
    memmove(t->guard, t->guard + t->guard_len - keep, keep);
    memcpy(t->guard + keep, bytes, n);
    t->guard_len = (uint32_t)(keep + n);
}

/* Reads the bytes before place from the file; none when that fails: then the next read is not checked. */
static void guard_load(struct tail *t, uint64_t place)
{
    size_t n = place < PRINT_GUARD ? (size_t)place : PRINT_GUARD;
    ssize_t r = n ? pread(t->fd, t->guard, n, (off_t)(place - n)) : 0;
    t->guard_len = r == (ssize_t)n ? (uint32_t)n : 0;
}

static void tail_close(struct source *s, struct tail *t)
{
    if (t->fd < 0)
        return;
    (void)close(t->fd);
    t->fd = -1;
    s->n_open--;
}

void tail_park(struct source *s, struct tail *t)
{
    uint64_t place = lines_begin(&t->lines);
    if (t->fd >= 0 && place != lines_end(&t->lines))
        guard_load(t, place);
    lines_reset(&t->lines, place);
    tail_close(s, t);
}

/* Closes the least recently used file that can be opened again by its path. */
static void tail_evict(struct source *s)
{
    struct tail *oldest = NULL;
    for (uint32_t i = 0; i < s->n_tails; i++) {
        struct tail *t = s->tails[i];
        if (t->fd >= 0 && t->gone_ms < 0 && !t->cut && (!oldest || t->used < oldest->used))
            oldest = t;
    }
    if (oldest)
        tail_park(s, oldest);
}

void tail_attach(struct source *s, struct tail *t, int fd, const struct stat *st)
{
    tail_close(s, t);
    if (s->n_open >= SOURCE_OPEN)
        tail_evict(s);
    s->n_open++;
    t->fd = fd;
    t->used = ++s->tick;
    t->dev = st->st_dev;
    t->ino = st->st_ino;
    t->size = (uint64_t)st->st_size;
    t->cut = false;
    if (t->state != TAIL_LIVE) {
        t->state = TAIL_LIVE;
        t->gone_ms = -1;
        t->stop = t->size;
        guard_load(t, lines_end(&t->lines));
        t->ended = s->scanned; /* until-end cares for the files of the first scan only */
        s->unended += !t->ended;
    }
    s->ctx->host->shard_end(s->ctx, t->shard, t->size);
}

void tail_refused(struct source *s, struct tail *t, int error)
{
    if (!scan_short(s, error))
        source_unread(s, t->path, error);
    if (!t->complained)
        weir_logf(s->ctx, WEIR_LOG_WARNING, "%s can't be opened, will be tried again: %s", t->path,
                  strerror(error));
    t->complained = true;
}

int tail_open(struct source *s, struct tail *t)
{
    struct stat st;
    char *path = NULL;
    int fd;
    t->used = ++s->tick;
    if (t->fd >= 0)
        return WEIR_OK;
    fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR) {
        tail_refused(s, t, errno);
        return WEIR_AGAIN;
    }
    if (fd >= 0 && (fstat(fd, &st) || st.st_dev != t->dev || st.st_ino != t->ino)) {
        (void)close(fd);
        fd = -1;
    }
    if (fd < 0) {
        fd = known_sibling(s, t, &path, &st);
        if (fd < 0 && errno) {
            tail_refused(s, t, errno);
            return WEIR_AGAIN;
        }
        if (fd < 0)
            return WEIR_END;
        source_set_path(s, t, path);
        s->ctx->host->mem(s->ctx, path, 0);
    }
    t->complained = false;
    tail_attach(s, t, fd, &st);
    return WEIR_OK;
}

/* A file that was shorter than PRINT_HEAD is known better once it has grown. */
static void print_grow(struct source *s, struct tail *t)
{
    if (t->print.len >= PRINT_HEAD || t->size <= t->print.len || !print_head(t->fd, t->size, &t->print))
        return;
    (void)known_put(s, t);
}

/* The bytes from `at` on, behind the guard; OK, READ_CUT or END. */
static int read_checked(struct tail *t, uint64_t at, size_t limit)
{
    unsigned char guard[PRINT_GUARD];
    size_t room;
    char *to = lines_room(&t->lines, limit, &room);
    struct iovec parts[2] = {{guard, t->guard_len}, {to, room < limit ? room : limit}};
    ssize_t got = preadv(t->fd, parts, 2, (off_t)(at - t->guard_len));
    if (got < 0)
        return errno == EINTR ? WEIR_OK : WEIR_RETRY;
    if ((size_t)got < t->guard_len || memcmp(guard, t->guard, t->guard_len) != 0)
        return READ_CUT;
    got -= (ssize_t)t->guard_len;
    if (!got)
        return WEIR_END;
    guard_add(t, to, (size_t)got);
    lines_added(&t->lines, (size_t)got);
    return WEIR_OK;
}

static int unreadable(struct source *s, const struct tail *t)
{
    if (!scan_short(s, errno))
        source_unread(s, t->path, errno);
    weir_logf(s->ctx, WEIR_LOG_ERROR, "%s can't be read at byte %" PRIu64 ", will be tried again: %s",
              t->path, lines_end(&t->lines), strerror(errno));
    return WEIR_AGAIN;
}

/* OK: bytes came; END: none now; READ_CUT: the file was cut or rewritten; AGAIN: can't be read now. */
static int tail_read(struct source *s, struct tail *t)
{
    uint64_t at = lines_end(&t->lines), limit = LINES_CHUNK;
    struct stat st;
    int r = tail_open(s, t);
    if (r != WEIR_OK)
        return r;
    if (fstat(t->fd, &st))
        return unreadable(s, t);
    if ((uint64_t)st.st_size != t->size) {
        t->size = (uint64_t)st.st_size;
        s->ctx->host->shard_end(s->ctx, t->shard, t->size);
    }
    if (t->size < at)
        return READ_CUT;
    if (s->to_end && t->stop <= t->size && t->stop - at < limit)
        limit = t->stop - at;
    if (t->size - at < limit)
        limit = t->size - at;
    if (!limit)
        return WEIR_END;
    print_grow(s, t);
    r = read_checked(t, at, (size_t)limit);
    if (r == WEIR_OK && t->gone_ms >= 0)
        t->gone_ms = s->ctx->host->mono_ms(s->ctx);
    return r == WEIR_RETRY ? unreadable(s, t) : r;
}

/* Sets what all records of a lane have in common, in the first n of the run. */
static void run_prime(struct source *s, const struct tail *t, uint32_t n)
{
    if (s->primed != t)
        s->n_primed = 0;
    s->primed = t;
    for (; s->n_primed < n; s->n_primed++) {
        struct weir_record *rec = &s->run[s->n_primed];
        rec->shard = t->shard;
        rec->topic = t->shard->topic;
        rec->partition = 0;
        rec->time_ms = WEIR_NO_TIME;
    }
}

/* Emits the lines that are complete.  OK: none is left; AGAIN: the host or the room is full. */
static int tail_emit(struct source *s, struct tail *t, struct weir_emitter *to, struct room *room)
{
    for (;;) {
        uint32_t max = room->records < SOURCE_RUN ? room->records : SOURCE_RUN, n = 0;
        uint64_t before = lines_begin(&t->lines), used;
        int r;
        if (!max || !room->bytes)
            return WEIR_AGAIN;
        n = lines_fill(&t->lines, s->run, max, room->bytes);
        run_prime(s, t, n ? n : 1);
        if (n)
            r = encode_lines(s->ctx, to, s->conf->format, &t->lines, s->run, n, t->path);
        else if (lines_long(&t->lines, &s->run[0]))
            r = encode_long(s->ctx, to, &t->lines, &s->run[0], t->path);
        else
            return WEIR_OK;
        used = lines_begin(&t->lines) - before;
        room->bytes -= used < room->bytes ? used : room->bytes;
        room->records -= n ? n : 1;
        if (r != WEIR_OK)
            return r;
    }
}

/* Emits a last line that has no line feed. */
static int tail_last(struct source *s, struct tail *t, struct weir_emitter *to, struct room *room)
{
    int r = WEIR_OK;
    if (!room->records)
        return WEIR_AGAIN;
    run_prime(s, t, 1);
    if (lines_last(&t->lines, &s->run[0])) {
        room->records--;
        r = t->lines.long_end ? encode_long(s->ctx, to, &t->lines, &s->run[0], t->path)
                              : encode_lines(s->ctx, to, s->conf->format, &t->lines, s->run, 1, t->path);
    }
    return r;
}

static void tail_done(struct source *s, struct tail *t)
{
    struct stat st;
    t->deleted = t->fd >= 0 && !fstat(t->fd, &st) && st.st_nlink == 0 && !t->cut;
    t->state = TAIL_DONE;
    t->done_ms = s->ctx->host->mono_ms(s->ctx);
    t->seen_ms = s->ctx->host->wall_ms(s->ctx);
    tail_park(s, t);
    s->ctx->host->shard_end(s->ctx, t->shard, lines_begin(&t->lines)); /* nobody waits for more of it */
    t->stored.len = t->guard_len;
    t->stored.hash = print_hash(t->guard, t->guard_len);
    if (!t->ended)
        s->unended--;
    t->ended = true;
    if (t->deleted)
        known_forget(s, t);
    else
        (void)known_put(s, t);
}

/* The file holds something else now: goes on with a copy of the old content, or ends the generation. */
static int tail_cut(struct source *s, struct tail *t, struct weir_emitter *to, struct room *room)
{
    struct stat st;
    char *path = NULL;
    int fd, r;
    if (!t->cut) {
        t->cut = true;
        fd = known_sibling(s, t, &path, &st);
        if (fd < 0 && errno) { /* there may be a copy: the next scan has it looked for again */
            tail_refused(s, t, errno);
            t->cut = false;
            t->idle_size = UINT64_MAX;
            return WEIR_END;
        }
        scan_soon(s);
        if (fd >= 0) {
            weir_logf(s->ctx, WEIR_LOG_INFO, "%s was cut; its copy %s is read to the end", t->path, path);
            source_set_path(s, t, path);
            s->ctx->host->mem(s->ctx, path, 0);
            tail_attach(s, t, fd, &st);
            source_gone(s, t);
            (void)known_put(s, t);
            return WEIR_OK;
        }
        weir_logf(s->ctx, WEIR_LOG_NOTICE, "%s was cut at or before byte %" PRIu64 "; it is read anew%s",
                  t->path, lines_end(&t->lines), s->to_end ? " in the next run" : " as a new file");
    }
    r = tail_last(s, t, to, room);
    if (r != WEIR_OK)
        return r;
    tail_done(s, t);
    return WEIR_END;
}

/* Nothing more for now; for ever when its end was fixed or its path has led elsewhere for long enough. */
static int tail_at_end(struct source *s, struct tail *t, struct weir_emitter *to, struct room *room)
{
    bool gone = t->gone_ms >= 0 && s->ctx->host->mono_ms(s->ctx) - t->gone_ms >= s->conf->rotate_wait;
    bool last = s->to_end || gone;
    int r;
    t->idle_size = t->size;
    r = last ? tail_last(s, t, to, room) : WEIR_OK;
    if (r != WEIR_OK)
        return r;
    if (gone) {
        tail_done(s, t);
    } else if (s->to_end && !t->ended) {
        t->ended = true;
        s->unended--;
        tail_park(s, t);
    } else if (!s->to_end &&
               lines_begin(&t->lines) < t->size) { /* a line without its end is nothing that waits */
        s->ctx->host->shard_end(s->ctx, t->shard, lines_begin(&t->lines));
    }
    return WEIR_END;
}

int tail_pump(struct source *s, struct tail *t, struct weir_emitter *to, struct room *room)
{
    bool read = false;
    if (t->state != TAIL_LIVE || (s->to_end && t->ended))
        return WEIR_END;
    for (;;) {
        int r = tail_emit(s, t, to, room);
        if (r != WEIR_OK)
            return r;
        /* Known to be at its end: not even its turn comes again, or a thousand files would open each other's. */
        if (read)
            return lines_end(&t->lines) >= t->size ? tail_at_end(s, t, to, room) : WEIR_OK;
        r = t->cut ? READ_CUT : tail_read(s, t);
        if (r == READ_CUT)
            return tail_cut(s, t, to, room);
        if (r == WEIR_AGAIN || (r == WEIR_END && t->fd < 0)) { /* not readable now; lost */
            if (r == WEIR_END) {
                weir_logf(s->ctx, WEIR_LOG_WARNING,
                          "%s is gone before byte %" PRIu64 " and what follows was read", t->path,
                          lines_begin(&t->lines));
                tail_done(s, t);
            }
            return WEIR_END;
        }
        if (r == WEIR_END)
            return tail_at_end(s, t, to, room);
        read = true;
    }
}
