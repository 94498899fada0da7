/* SPDX-License-Identifier: BSD-2-Clause */
/* recover.c - how a file is brought back to its last commit, and a foreign one left alone.
 *
 * A commit puts a row "f/PATH" into the state: inode, length, hash of the last 128 bytes; it is stored together with
 * the positions of the source.  After a crash a file is longer than its row says; what follows was not committed, will
 * be read again, and is cut off, provided that inode and hash are right.
 * A file that was never committed has no row.  So before its first byte is written a note ".NAME.weir" beside it says
 * the same three things of how it was found; it goes away once the first commit is durable.  A commit is durable when
 * the host calls the sink again after it; at close, when the state has its row. */
#define WEIR_API 1
#include "sink.h"

#include <weir/helpers.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROW        128
#define CUTS_NAMED 10 /* files named when they are cut back */

static int row_print(char out[ROW], const struct out_row *row)
{
    return snprintf(out, ROW, "1 %" PRIx64 " %" PRIx64 " %" PRIx32 " %" PRIx64 "\n", row->ino, row->len,
                    row->tail.len, row->tail.hash);
}

static bool row_parse(const void *text, size_t n, struct out_row *ret)
{
    char copy[ROW], *p = copy;
    uint64_t numbers[5];
    if (!n || n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    for (size_t i = 0; i < 5; i++) {
        char *end;
        numbers[i] = strtoull(p, &end, 16);
        if (end == p)
            return false;
        p = end;
    }
    if (numbers[0] != 1)
        return false;
    ret->ino = numbers[1];
    ret->len = numbers[2];
    ret->tail.len = (uint32_t)numbers[3];
    ret->tail.hash = numbers[4];
    return true;
}

static void row_key(const struct out *f, char out[OUT_PATH + 3])
{
    (void)snprintf(out, OUT_PATH + 3, "f/%s", f->path);
}

int recover_put_row(struct sink *s, struct out *f)
{
    char key[OUT_PATH + 3], text[ROW];
    struct out_row row = {f->ino, f->len, {0, 0}};
    if (!print_before(f->fd, f->len, &row.tail))
        return out_failed(s, f, "read back", errno == ENODATA ? EIO : errno);
    (void)row_print(text, &row);
    row_key(f, key);
    f->row = true;
    return s->ctx->host->state_put(s->ctx, weir_str(key), weir_str(text));
}

bool recover_stored(struct sink *s, const struct out *f)
{
    char key[OUT_PATH + 3];
    struct weir_slice value = {NULL, 0};
    struct out_row row;
    row_key(f, key);
    return s->ctx->host->state_get(s->ctx, weir_str(key), &value) == WEIR_OK && value.ptr &&
           row_parse(value.ptr, value.len, &row) && row.ino == f->ino && row.len == f->len;
}

void recover_drop_row(struct sink *s, struct out *f)
{
    char key[OUT_PATH + 3];
    struct weir_slice none = {NULL, 0};
    row_key(f, key);
    (void)s->ctx->host->state_put(s->ctx, weir_str(key), none);
    f->row = false;
}

/* ---- notes --------------------------------------------------------------------------------------------------- */

static void note_path(const struct out *f, char out[OUT_PATH + 16])
{
    const char *slash = strrchr(f->path, '/');
    int dir = slash ? (int)(slash + 1 - f->path) : 0;
    (void)snprintf(out, OUT_PATH + 16, "%.*s.%s.weir", dir, f->path, f->path + dir);
}

/* The note beside it, if there is one that speaks of the file that is there now. */
static bool note_read(const struct out *f, uint64_t ino, struct out_row *ret)
{
    char path[OUT_PATH + 16], text[ROW];
    ssize_t n;
    int fd;
    note_path(f, path);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text);
    (void)close(fd);
    return n > 0 && row_parse(text, (size_t)n, ret) && ret->ino == ino;
}

static int note_failed(struct sink *s, const struct out *f, const char *path, int error)
{
    if (error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE || error == ENAMETOOLONG)
        return out_failed(s, f, "begun (the note beside it does not fit)", error);
    return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)error,
                     "%s can't be written: %s; fsync = commit needs this note until the first commit of %s, "
                     "fsync = none does not",
                     path, strerror(error), f->path);
}

static int note_write(struct sink *s, struct out *f)
{
    char path[OUT_PATH + 16], text[ROW];
    struct out_row row = {f->ino, f->len, {0, 0}};
    int n, fd, error = 0;
    if (!print_before(f->fd, f->len, &row.tail))
        return out_failed(s, f, "read", errno);
    n = row_print(text, &row);
    note_path(f, path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return note_failed(s, f, path, errno);
    errno = 0; /* a short write sets none */
    if (write(fd, text, (size_t)n) != n || fsync(fd))
        error = errno ? errno : ENOSPC;
    (void)close(fd);
    if (!error)
        error = out_sync_dir(f->path);
    if (error) {
        (void)unlink(path);
        return note_failed(s, f, path, error);
    }
    f->note = true;
    return WEIR_OK;
}

void recover_drop_note(struct sink *s, struct out *f)
{
    char path[OUT_PATH + 16];
    if (!f->note)
        return;
    note_path(f, path);
    f->note = unlink(path) && errno != ENOENT;
    if (f->note && !f->unnoted)
        weir_logf(s->ctx, WEIR_LOG_WARNING, "%s can't be removed, which is tried again: %s", path,
                  strerror(errno));
    f->unnoted = true;
}

void recover_forget(struct sink *s, struct out *f)
{
    recover_drop_note(s, f);
    if (f->note || (f->unnoted && out_sync_dir(f->path)))
        return;
    f->unnoted = false;
    recover_drop_row(s, f);
}

/* ---- cutting back -------------------------------------------------------------------------------------------- */

static int foreign(struct sink *s, const struct out *f, const char *what)
{
    return weir_fail(s->ctx, WEIR_FATAL, 0,
                     "%s %s since weir wrote it last, so it is left as it is; move it away, and what was not "
                     "committed is written to a new file",
                     f->path, what);
}

static void tell_cut(struct sink *s, const struct out *f, uint64_t len)
{
    if (s->n_cut == CUTS_NAMED)
        weir_logf(s->ctx, WEIR_LOG_NOTICE, "more files are cut back; they are not named");
    if (s->n_cut++ < CUTS_NAMED)
        weir_logf(s->ctx, WEIR_LOG_NOTICE,
                  "%s is cut back from %" PRIu64 " to %" PRIu64 " bytes: the rest was not committed", f->path,
                  f->len, len);
}

/* Brings the open, locked file back to what the row says. */
static int cut_back(struct sink *s, struct out *f, const struct out_row *row)
{
    if (f->len < row->len)
        return foreign(s, f, "was shortened");
    if (!print_same_before(f->fd, row->len, row->tail))
        return foreign(s, f, "was changed");
    if (f->len == row->len)
        return WEIR_OK;
    tell_cut(s, f, row->len);
    if (ftruncate(f->fd, (off_t)row->len) || fdatasync(f->fd))
        return out_failed(s, f, "cut back", errno);
    f->len = row->len;
    return WEIR_OK;
}

int recover_new(struct sink *s, struct out *f)
{
    struct out_row row;
    char key[OUT_PATH + 3];
    struct weir_slice value = {NULL, 0};
    int r = WEIR_OK;
    row_key(f, key);
    if (!f->forget && !f->row && s->ctx->host->state_get(s->ctx, weir_str(key), &value) == WEIR_OK &&
        value.ptr && row_parse(value.ptr, value.len, &row)) {
        f->row = true;
        return row.ino == f->ino ? cut_back(s, f, &row) : foreign(s, f, "was replaced");
    }
    if (note_read(f, f->ino, &row)) {
        r = cut_back(s, f, &row);
        f->note = true;
        f->fresh = true;
        return r;
    }
    return note_write(s, f);
}

void recover_undo(struct sink *s, struct out *f)
{
    char key[OUT_PATH + 3];
    struct weir_slice value = {NULL, 0};
    struct out_row row;
    row_key(f, key);
    int status = s->ctx->host->state_get(s->ctx, weir_str(key), &value);
    bool none = status == WEIR_AGAIN || (status == WEIR_OK && !value.ptr);
    bool closed = f->fd < 0;
    if (none && note_read(f, f->ino, &row) &&
        out_reopen(s, f)) /* where the state can't be read, what it covers must stay */
        (void)cut_back(s, f, &row);
    if (closed) /* there may be more of them than descriptors */
        out_close(s, f);
}

/* One row of the state: the file, opened, locked and as it was committed; or forgotten, when it is another one. */
static int recover_file(struct sink *s, struct out *f, const struct out_row *row)
{
    struct out_row note;
    struct stat st;
    const char *why = "";
    int r;
    if (stat(f->path, &st)) {
        if (errno != ENOENT && errno != ENOTDIR)
            return out_failed(s, f, "examined", errno);
        weir_logf(s->ctx, WEIR_LOG_NOTICE, "%s is not there any more; it is begun anew", f->path);
        f->forget = true;
        return WEIR_OK;
    }
    if (st.st_ino != row->ino) {
        if (st.st_size && !note_read(f, st.st_ino, &note))
            return foreign(s, f, "was replaced");
        f->forget = true; /* rotated, and a crash before the commit of the new file */
        return WEIR_OK;
    }
    r = out_open(s, f, &why); /* cuts it back by its row */
    if (r == WEIR_OK) {
        f->note = note_read(f, f->ino, &note);
        recover_drop_note(s, f);
    }
    return r == WEIR_REJECT ? WEIR_FATAL : r;
}

static int recover_each(void *opaque, struct weir_slice key, struct weir_slice value)
{
    struct sink *s = opaque;
    struct out_row row;
    struct weir_slice path = {(const char *)key.ptr + 2, key.len - 2};
    if (path.len <= OUT_PATH && row_parse(value.ptr, value.len, &row))
        (void)out_find(s, path);
    return WEIR_OK;
}

int recover_all(struct sink *s)
{
    int r = s->ctx->host->state_scan(s->ctx, weir_str("f/"), recover_each, s);
    for (uint32_t i = 0; r == WEIR_OK && i < s->n_files; i++) {
        struct out *f = s->files[i];
        struct weir_slice value = {NULL, 0};
        struct out_row row;
        char key[OUT_PATH + 3];
        row_key(f, key);
        if (s->ctx->host->state_get(s->ctx, weir_str(key), &value) == WEIR_OK && value.ptr &&
            row_parse(value.ptr, value.len, &row))
            r = recover_file(s, f, &row);
    }
    for (uint32_t i = 0; r == WEIR_OK && i < s->n_files; i++)
        if (s->files[i]->forget)
            recover_drop_row(s, s->files[i]);
    return r;
}
