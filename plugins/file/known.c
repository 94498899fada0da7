/* SPDX-License-Identifier: BSD-2-Clause */
/* known.c - which generations there were before, and which file goes on with which of them.
 *
 * State row "g/ID" (one line of text): which file it is and what its first bytes are, stored with the first records.
 * Position of a lane (one line of text): the same, and the bytes before the place.  A file goes on with a generation
 * only if its first bytes and the bytes before the place are still there: an inode number may be used again, and a
 * file may be cut and grow again. */
#define WEIR_API 1
#include "source.h"

#include <weir/helpers.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define ROW_MAX   (PATH_SIZE + 256)
#define PATH_SIZE 4096
#define COPY_MIN  64u /* bytes at the beginning that must be the same for a file to pass as a copy */

/* The next number of a row, 0 when there is none; hexadecimal, for hashes are among them. */
static uint64_t row_number(const char **p)
{
    char *end;
    uint64_t n = strtoull(*p, &end, 16);
    *p = *end == ' ' ? end + 1 : end;
    return n;
}

static void row_key(const struct tail *t, char out[TAIL_ID + 2])
{
    (void)snprintf(out, TAIL_ID + 2, "g/%s", t->id);
}

int known_put(struct source *s, const struct tail *t)
{
    char key[TAIL_ID + 2], row[ROW_MAX];
    struct weir_slice value = {row, 0};
    int n = snprintf(row, sizeof row,
                     "1 %" PRIx64 " %" PRIx64 " %" PRIx32 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %x %s",
                     t->dev, t->ino, t->print.len, t->print.hash, t->first, (uint64_t)t->seen_ms,
                     t->cut ? 1u : 0u, t->path);
    if (n < 0 || (size_t)n >= sizeof row)
        return WEIR_FATAL; /* paths are shorter than PATH_SIZE, see source_add */
    value.len = (size_t)n;
    row_key(t, key);
    return s->ctx->host->state_put(s->ctx, weir_str(key), value);
}

void known_forget(struct source *s, const struct tail *t)
{
    char key[TAIL_ID + 2];
    struct weir_slice none = {NULL, 0};
    row_key(t, key);
    (void)s->ctx->host->state_put(s->ctx, weir_str(key), none);
}

/* One row into a tail; a row of another version is left alone. */
static int known_each(void *opaque, struct weir_slice key, struct weir_slice value)
{
    struct source *s = opaque;
    char row[ROW_MAX];
    const char *p = row;
    struct tail read = {0}, *t;
    if (key.len - 2 >= TAIL_ID || value.len >= sizeof row)
        return WEIR_OK;
    memcpy(row, value.ptr, value.len);
    row[value.len] = '\0';
    if (row_number(&p) != 1)
        return WEIR_OK;
    read.dev = row_number(&p);
    read.ino = row_number(&p);
    read.print.len = (uint32_t)row_number(&p);
    read.print.hash = row_number(&p);
    read.first = row_number(&p);
    read.seen_ms = (int64_t)row_number(&p);
    read.cut = row_number(&p) == 1;
    t = source_add(s, p);
    if (!t)
        return WEIR_OK;
    memcpy(t->id, (const char *)key.ptr + 2, key.len - 2);
    t->id[key.len - 2] = '\0';
    t->dev = read.dev;
    t->ino = read.ino;
    t->print = read.print;
    t->first = read.first;
    t->seen_ms = read.seen_ms;
    t->cut = read.cut;
    return WEIR_OK;
}

int known_load(struct source *s)
{
    struct weir_slice mark;
    int r = s->ctx->host->state_get(s->ctx, weir_str("started"), &mark);
    s->first_run = r != WEIR_OK || !mark.ptr;
    if (s->first_run)
        (void)s->ctx->host->state_put(s->ctx, weir_str("started"), weir_str("1"));
    return s->ctx->host->state_scan(s->ctx, weir_str("g/"), known_each, s);
}

/* What known_position wrote, for the place `next`. */
static void position_read(struct tail *t, const struct weir_position *position)
{
    char row[256];
    const char *p = row;
    size_t n = position->data.len;
    lines_reset(&t->lines, position->next);
    if (!n || n >= sizeof row)
        return;
    memcpy(row, position->data.ptr, n);
    row[n] = '\0';
    if (row_number(&p) != 1)
        return;
    t->dev = row_number(&p);
    t->ino = row_number(&p);
    t->print.len = (uint32_t)row_number(&p);
    t->print.hash = row_number(&p);
    t->stored.len = (uint32_t)row_number(&p);
    t->stored.hash = row_number(&p);
    t->cut |= row_number(&p) == 1;
}

size_t known_position(struct source *s, struct tail *t, uint64_t next, char *out, size_t cap)
{
    struct print before = {0, 0};
    uint64_t guarded = next < PRINT_GUARD ? next : PRINT_GUARD;
    int n;
    if (next == lines_end(&t->lines) && t->guard_len == guarded) {
        before.len = t->guard_len;
        before.hash = print_hash(t->guard, t->guard_len);
    } else if (t->cut || t->state != TAIL_LIVE || tail_open(s, t) != WEIR_OK ||
               !print_before(t->fd, next, &before)) {
        before.len = 0; /* unchecked at the resume */
    }
    n = snprintf(out, cap, "1 %" PRIx64 " %" PRIx64 " %" PRIx32 " %" PRIx64 " %" PRIx32 " %" PRIx64 " %x",
                 t->dev, t->ino, t->print.len, t->print.hash, before.len, before.hash, t->cut ? 1u : 0u);
    return n < 0 || (size_t)n >= cap ? 0 : (size_t)n;
}

int known_lane(struct source *s, struct tail *t)
{
    struct weir_position position = {.struct_size = sizeof position};
    struct weir_shard shard = {.struct_size = sizeof shard,
                               .partition = -1}; /* a path names many files in time */
    int r;
    if (t->shard)
        return WEIR_OK;
    shard.id = weir_str(t->id);
    shard.topic = weir_str(t->path);
    r = s->ctx->host->shard_open(s->ctx, &shard, &t->shard, &position);
    if (r != WEIR_OK)
        return r;
    lines_reset(&t->lines, t->first);
    if (position.flags & WEIR_POS_STORED)
        position_read(t, &position);
    t->committed = t->final = lines_begin(&t->lines);
    return WEIR_OK;
}

struct tail *known_live(struct source *s, uint64_t dev, uint64_t ino)
{
    for (uint32_t i = 0; i < s->n_tails; i++) {
        struct tail *t = s->tails[i];
        if (t->state == TAIL_LIVE && !t->cut && t->dev == dev && t->ino == ino)
            return t;
    }
    return NULL;
}

/* Whether this file goes on with what is known of t. */
static bool known_fits(const struct tail *t, int fd, uint64_t size)
{
    uint64_t place = lines_begin(&t->lines);
    struct print before = t->stored;
    if (t->state == TAIL_LIVE) {
        place = lines_end(&t->lines);
        before.len = t->guard_len;
        before.hash = print_hash(t->guard, t->guard_len);
    }
    return size >= place && print_same_head(fd, size, t->print) && print_same_before(fd, place, before);
}

struct tail *known_match(struct source *s, const char *path, int fd, const struct stat *st, bool loose,
                         int *ret_status)
{
    *ret_status = WEIR_OK;
    for (uint32_t i = 0; i < s->n_tails; i++) {
        struct tail *t = s->tails[i];
        bool same = t->dev == st->st_dev && t->ino == st->st_ino;
        same = same || !strcmp(t->path, path) || (loose && t->print.len >= COPY_MIN);
        if (t->state == TAIL_LIVE || t->leaving || (t->cut && !loose) || !same ||
            !print_same_head(fd, (uint64_t)st->st_size, t->print))
            continue;
        *ret_status = known_lane(s, t);
        if (*ret_status != WEIR_OK)
            return NULL;
        if (known_fits(t, fd, (uint64_t)st->st_size) &&
            (!t->cut || (t->dev != st->st_dev || t->ino != st->st_ino)))
            return t;
    }
    return NULL;
}

/* Opens dir/name if it is a regular file that goes on with t and no other generation has it; -1, errno 0: it is not. */
static int sibling_open(struct source *s, const struct tail *t, const char *path, struct stat *st)
{
    struct tail *live;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (!fstat(fd, st) && S_ISREG(st->st_mode)) {
        bool same = t->dev == st->st_dev && t->ino == st->st_ino;
        live = known_live(s, st->st_dev, st->st_ino);
        if ((!live || live == t) && !(t->cut && same) && known_fits(t, fd, (uint64_t)st->st_size) &&
            (same || t->print.len >= COPY_MIN))
            return fd;
    }
    (void)close(fd);
    errno = 0;
    return -1;
}

/* Whether that error hides what is left of t: for want of descriptors or memory anything may be hidden, by missing
 * rights only the file itself, and what was read of it is not missed. */
static bool hides(struct source *s, const struct tail *t, const char *path, ino_t ino, int error)
{
    struct stat st;
    if (scan_short(s, error))
        return true;
    return error && error != ENOENT && ino == t->ino && !t->cut && !stat(path, &st) && st.st_dev == t->dev &&
           (uint64_t)st.st_size > lines_begin(&t->lines);
}

int known_sibling(struct source *s, const struct tail *t, char **ret_path, struct stat *ret_st)
{
    const char *base = strrchr(t->path, '/');
    size_t dir_len = base ? (size_t)(base + 1 - t->path) : 0;
    char path[PATH_SIZE + 256];
    DIR *dir;
    struct dirent *e;
    int fd = -1, error = 0;
    base = t->path + dir_len;
    memcpy(path, dir_len ? t->path : "./", dir_len ? dir_len : 2);
    path[dir_len ? dir_len : 2] = '\0';
    dir = opendir(path);
    if (!dir) {
        errno = scan_short(s, errno) ? errno : 0;
        return -1;
    }
    while (fd < 0 && (e = readdir(dir)) != NULL) {
        if (strncmp(e->d_name, base, strlen(base)) != 0 && e->d_ino != t->ino)
            continue;
        (void)snprintf(path, sizeof path, "%.*s%s", (int)dir_len, t->path, e->d_name);
        fd = sibling_open(s, t, path, ret_st);
        if (fd < 0 && hides(s, t, path, e->d_ino, errno))
            error = errno;
    }
    (void)closedir(dir);
    if (fd >= 0) {
        *ret_path = s->ctx->host->mem(s->ctx, NULL, strlen(path) + 1);
        memcpy(*ret_path, path, strlen(path) + 1);
    }
    errno = error;
    return fd;
}
