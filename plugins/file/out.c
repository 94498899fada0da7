/* SPDX-License-Identifier: BSD-2-Clause */
/* out.c - one file being written: lines are gathered in a buffer, a failed batch is cut off again.
 *
 * A file is locked (open file description lock) as long as it is open, so that two processes, or two pipelines of one,
 * never mix their lines.  Gathering by memcpy was measured cheaper than writev of borrowed pieces below about 4 KiB.
 *
 * With compress, a buffer becomes one member when it is full, at a commit, or (fsync = none) at the end of a batch; a
 * file always ends with a whole member between two callbacks. */
#define WEIR_API 1
#include "../common/errnos.h"
#include "sink.h"

#include <weir/helpers.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct out *out_find(struct sink *s, struct weir_slice path)
{
    uint64_t hash = print_hash(path.ptr, path.len);
    struct out **chain = &s->chains[hash % SINK_INDEX], *f;
    for (f = *chain; f; f = f->after)
        if (f->hash == hash && f->path_len == path.len && !memcmp(f->path, path.ptr, path.len))
            return f;
    if (s->n_files == SINK_FILES)
        return NULL;
    if (s->n_files == s->cap_files) {
        s->cap_files = s->cap_files ? 2 * s->cap_files : 64;
        s->files = s->ctx->host->mem(s->ctx, s->files, s->cap_files * sizeof(struct out *));
    }
    f = s->ctx->host->mem(s->ctx, NULL, sizeof *f);
    memset(f, 0, sizeof *f);
    f->path = s->ctx->host->mem(s->ctx, NULL, path.len + 1);
    memcpy(f->path, path.ptr, path.len);
    f->path[path.len] = '\0';
    f->path_len = path.len;
    f->hash = hash;
    f->fd = -1;
    f->after = *chain;
    *chain = f;
    s->files[s->n_files++] = f;
    return f;
}

void out_free(struct sink *s, struct out *f)
{
    struct out **at = &s->chains[f->hash % SINK_INDEX];
    while (*at != f)
        at = &(*at)->after;
    *at = f->after;
    out_close(s, f);
    s->ctx->host->mem(s->ctx, f->path, 0);
    s->ctx->host->mem(s->ctx, f, 0);
}

static const struct weir_error error_rows[] = {
    ERRNO_ROW(ENOSPC, RETRY, WEIR_DEGRADED, "The disk is full"),
    ERRNO_ROW(EDQUOT, RETRY, WEIR_DEGRADED, "The quota is used up"),
    ERRNO_ROW(EFBIG, RETRY, WEIR_DEGRADED, "The file is as large as it may be"),
    ERRNO_ROW(EMFILE, RETRY, WEIR_DEGRADED, "This process has as many open files as it may"),
    ERRNO_ROW(ENFILE, RETRY, WEIR_DEGRADED, "The system has as many open files as it can"),
    ERRNO_ROW(ENOMEM, RETRY, WEIR_DEGRADED, "The system has no memory"),
    ERRNO_ROW(EINTR, RETRY, WEIR_DEGRADED, "Interrupted"),
    ERRNO_ROW(ESTALE, RETRY, WEIR_DEGRADED, "The network file system lost the file"),
    ERRNO_ROW(ENAMETOOLONG, REJECT, 0, "The file name is too long for its file system"),
    ERRNO_OTHER("The file cannot be used: rights, a broken disk, one mounted read-only"),
};
const struct weir_errors out_errors = ERRNO_TABLE(error_rows);

int out_failed(struct sink *s, const struct out *f, const char *what, int error)
{
    uint32_t health = 0;
    int status = errnos_status(s->ctx, error, &health);
    char why[256];
    (void)snprintf(why, sizeof why, "%.200s: %s", f->path, strerror(error));
    if (health)
        s->ctx->host->health(s->ctx, health, (uint32_t)error, why);
    return weir_fail(s->ctx, status, (uint32_t)error, "%s can't be %s%s: %s", f->path, what,
                     status == WEIR_RETRY ? " for now" : "", strerror(error));
}

int out_sync_dir(const char *path)
{
    char dir[OUT_PATH + 1];
    const char *slash = strrchr(path, '/');
    size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 1;
    int fd, error = 0;
    memcpy(dir, slash ? path : ".", n);
    dir[n] = '\0';
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (fsync(fd) && errno != EINVAL) /* some file systems know no fsync of directories */
        error = errno;
    (void)close(fd);
    return error;
}

/* Makes the directories above it that are missing; 0 or errno. */
static int make_parents(struct sink *s, const char *path)
{
    char part[OUT_PATH + 1];
    size_t n = strlen(path);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        int error = 0;
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0755)) {
            error = errno == EEXIST ? 0 : errno;
        } else if (s->exact) {
            error = out_sync_dir(part);
        }
        part[i] = '/';
        if (error)
            return error;
    }
    return 0;
}

void out_close(struct sink *s, struct out *f)
{
    if (f->buffer)
        s->ctx->host->mem(s->ctx, f->buffer, 0);
    f->buffer = NULL;
    f->used = f->base = 0;
    if (f->fd < 0)
        return;
    (void)close(f->fd); /* everything was written and, where it matters, synced: nothing to learn */
    f->fd = -1;
    s->n_open--;
}

/* Makes room for one more open file. */
static int out_evict(struct sink *s)
{
    struct out *oldest = NULL;
    int r;
    for (uint32_t i = 0; i < s->n_files; i++)
        if (s->files[i]->fd >= 0 && (!oldest || s->files[i]->tick < oldest->tick))
            oldest = s->files[i];
    if (!oldest)
        return WEIR_OK;
    r = out_flush(s, oldest);
    if (r != WEIR_OK)
        return r; /* still open: what its buffer holds of complete batches is needed */
    if (s->exact && oldest->dirty && fdatasync(oldest->fd))
        r = weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "%s can't be synced: %s", oldest->path,
                      strerror(errno));
    if (r == WEIR_OK && s->exact && oldest->dirty)
        r = recover_put_row(s, oldest);
    out_close(s, oldest);
    return r;
}

static int out_lock(struct sink *s, const struct out *f)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!fcntl(f->fd, F_OFD_SETLK, &lock))
        return WEIR_OK;
    if (errno == EAGAIN || errno == EACCES)
        return weir_fail(s->ctx, WEIR_FATAL, EAGAIN,
                         "another process or pipeline writes %s; give each writer a file of its own",
                         f->path);
    return out_failed(s, f, "locked", errno);
}

/* The path to a descriptor; -1 with errno. */
static int open_path(struct sink *s, struct out *f)
{
    int fd = open(f->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error;
    if (fd >= 0 || errno != ENOENT)
        return fd;
    f->fresh = true;
    error = make_parents(s, f->path);
    if (error) {
        errno = error;
        return -1;
    }
    return open(f->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
}

/* Reads what the open file is, and whether it still is what this run wrote. */
static int out_identify(struct sink *s, struct out *f)
{
    struct stat st;
    if (fstat(f->fd, &st))
        return out_failed(s, f, "examined", errno);
    if (!S_ISREG(st.st_mode))
        return weir_fail(s->ctx, WEIR_FATAL, 0, "%s is no regular file; the std sink writes to pipes",
                         f->path);
    if (f->known && st.st_ino == f->ino && st.st_dev == f->dev && (uint64_t)st.st_size != f->len && s->exact)
        return weir_fail(
            s->ctx, WEIR_FATAL, 0,
            "%s was changed by another program while it was closed; use fsync = none for a file that "
            "others change too",
            f->path);
    if (f->known && (st.st_ino != f->ino || st.st_dev != f->dev))
        f->known = false; /* moved away meanwhile: this is a new file */
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    f->len = (uint64_t)st.st_size;
    return WEIR_OK;
}

/* A file this run has not written yet is fit for more members; half a member at its end, left by a crash without
 * commits, is cut off. */
static int out_compressible(struct sink *s, struct out *f)
{
    const char *word = pack_words[s->conf->compress];
    enum pack_end end = pack_begins(s->conf->compress, f->fd, f->len) ? PACK_WHOLE : PACK_FOREIGN;
    uint64_t whole = 0;
    if (end == PACK_WHOLE && !s->exact)
        end = pack_examine(s->ctx, s->conf->compress, f->fd, f->len, &whole);
    if (end == PACK_UNREAD)
        return out_failed(s, f, "read", errno);
    if (end == PACK_FOREIGN)
        return weir_fail(
            s->ctx, WEIR_FATAL, 0,
            "%s holds something that is no %s (behind byte %llu), so nothing can be appended to it; "
            "move it away or give path another name",
            f->path, word, (unsigned long long)whole);
    if (end == PACK_WHOLE)
        return WEIR_OK;
    weir_logf(s->ctx, WEIR_LOG_NOTICE, "%s is cut back from %llu to %llu bytes: its last %s is not whole",
              f->path, (unsigned long long)f->len, (unsigned long long)whole, word);
    if (ftruncate(f->fd, (off_t)whole))
        return out_failed(s, f, "cut back", errno);
    f->len = whole;
    return WEIR_OK;
}

static int out_attach(struct sink *s, struct out *f, const char **ret_why)
{
    int r;
    f->fd = open_path(s, f);
    if (f->fd < 0) {
        *ret_why = errno == ENAMETOOLONG ? "the file name is too long for its file system"
                                         : "its file can't be opened";
        return out_failed(s, f, "opened", errno);
    }
    s->n_open++;
    r = out_lock(s, f);
    if (r == WEIR_OK)
        r = out_identify(s, f);
    if (r == WEIR_OK && s->exact && !f->known)
        r = recover_new(s, f);
    if (r == WEIR_OK && s->pack && !f->known && f->len) {
        r = out_compressible(s, f);
        if (r != WEIR_OK)
            recover_drop_note(s, f);
    }
    if (r != WEIR_OK) {
        *ret_why = "its file can't be used";
        out_close(s, f);
        return r;
    }
    f->known = true;
    if (!f->touched)
        f->mark = f->len;
    return WEIR_OK;
}

int out_open(struct sink *s, struct out *f, const char **ret_why)
{
    int r = WEIR_OK;
    f->tick = ++s->tick;
    if (f->fd >= 0)
        return WEIR_OK;
    if (s->n_open >= SINK_OPEN)
        r = out_evict(s);
    return r == WEIR_OK ? out_attach(s, f, ret_why) : r;
}

bool out_reopen(struct sink *s, struct out *f)
{
    const char *why;
    struct stat st;
    if (f->fd >= 0)
        return true;
    return !stat(f->path, &st) && st.st_ino == f->ino && st.st_dev == f->dev &&
           out_attach(s, f, &why) == WEIR_OK;
}

/* Writes all of it; a short write goes on until the system says why. */
static int out_put(struct sink *s, struct out *f, const char *p, size_t n)
{
    f->dirty = true;
    while (n) {
        ssize_t done = write(f->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return out_failed(s, f, "written", errno);
        f->len += (uint64_t)done;
        p += done;
        n -= (size_t)done;
    }
    return WEIR_OK;
}

/* ---- compress -------------------------------------------------------------------------------------------------- */

static int out_cut(struct sink *s, struct out *f, uint64_t len)
{
    if (f->len != len && ftruncate(f->fd, (off_t)len))
        return weir_fail(
            s->ctx, WEIR_FATAL, (uint32_t)errno,
            "%s can't be cut back to byte %llu after a failed write: %s; what follows is half a batch",
            f->path, (unsigned long long)len, strerror(errno));
    f->len = len;
    return WEIR_OK;
}

struct packed {
    struct sink *sink;
    struct out *file;
};

static int packed_put(void *opaque, const char *bytes, size_t n)
{
    struct packed *to = opaque;
    return out_put(to->sink, to->file, bytes, n);
}

/* Writes one member, or nothing. */
static int out_member(struct sink *s, struct out *f, const struct weir_slice *parts, unsigned n)
{
    struct packed to = {s, f};
    uint64_t before = f->len;
    int r = pack_member(s->pack, parts, n, packed_put, &to);
    if (r != WEIR_OK && out_cut(s, f, before) != WEIR_OK)
        r = WEIR_FATAL;
    return r;
}

/* Writes what the buffer has of complete batches, or, if there is nothing, what it has of the current one: an undo
 * must find the end of a member between them. */
static int out_pack(struct sink *s, struct out *f)
{
    struct weir_slice part = {f->buffer, f->base ? f->base : f->used};
    int r = out_member(s, f, &part, 1);
    if (r != WEIR_OK)
        return r;
    if (f->base) {
        memmove(f->buffer, f->buffer + f->base, f->used - f->base);
        f->mark = f->len;
    }
    f->used -= part.len;
    f->base = 0;
    return WEIR_OK;
}

void out_drop(struct out *f)
{
    f->used = f->base;
}

int out_flush(struct sink *s, struct out *f)
{
    size_t n = f->used;
    int r = WEIR_OK;
    if (s->pack) {
        while (r == WEIR_OK && f->used)
            r = out_pack(s, f);
        return r;
    }
    f->used = 0;
    return n ? out_put(s, f, f->buffer, n) : WEIR_OK;
}

int out_append(struct sink *s, struct out *f, struct weir_slice line)
{
    int r = WEIR_OK;
    while (r == WEIR_OK && f->used && f->used + line.len + 1 > OUT_BUFFER)
        r = s->pack ? out_pack(s, f) : out_flush(s, f);
    if (r == WEIR_OK && line.len + 1 > OUT_BUFFER && s->pack) {
        struct weir_slice parts[] = {line, {"\n", 1}};
        return out_member(s, f, parts, 2);
    }
    if (r == WEIR_OK && line.len + 1 > OUT_BUFFER) {
        r = out_put(s, f, line.ptr, line.len);
        return r == WEIR_OK ? out_put(s, f, "\n", 1) : r;
    }
    if (r != WEIR_OK)
        return r;
    if (!f->buffer)
        f->buffer = s->ctx->host->mem(s->ctx, NULL, OUT_BUFFER);
    if (line.len)
        memcpy(f->buffer + f->used, line.ptr, line.len);
    f->buffer[f->used + line.len] = '\n';
    f->used += line.len + 1;
    f->dirty = true;
    return WEIR_OK;
}

int out_undo(struct sink *s, struct out *f)
{
    const char *why = "";
    uint64_t ino = f->ino;
    int r;
    if (f->len == f->mark)
        return WEIR_OK;
    if (f->fd >= 0)
        return out_cut(s, f, f->mark);
    /* Closed for others in the middle of the batch: opened beyond SINK_OPEN for a moment, since making room would need
     * space that a full disk does not have; its row told of the bytes that go. */
    if (out_attach(s, f, &why) != WEIR_OK)
        return WEIR_FATAL;
    r = f->ino == ino
            ? out_cut(s, f, f->mark)
            : weir_fail(s->ctx, WEIR_FATAL, 0,
                        "%s was replaced while half a batch was in it; the renamed file ends with that half",
                        f->path);
    if (r == WEIR_OK && s->exact)
        r = recover_put_row(s, f);
    out_close(s, f);
    return r;
}

/* Never over another file.  A rename leaves no moment at which the file has two names, so that a crash can not have it
 * read twice; some network file systems know that kind of rename only as a link and an unlink. */
static int rename_new(const char *from, const char *to)
{
    if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    return link(from, to) || unlink(from) ? errno : 0;
}

/* A free name for the finished file: NAME.20260131T235959Z, with -1, -2 ... behind it when that is taken. */
static int rotated_rename(struct sink *s, const struct out *f)
{
    char to[OUT_PATH + 64], stamp[32];
    time_t now = (time_t)(s->ctx->host->wall_ms(s->ctx) / 1000);
    struct tm tm;
    if (!gmtime_r(&now, &tm) || !strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm))
        return EINVAL;
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(to, sizeof to, i ? "%s.%s-%u" : "%s.%s", f->path, stamp, i);
        int error = rename_new(f->path, to);
        if (error != EEXIST)
            return error;
    }
    return EEXIST;
}

int out_rotate(struct sink *s, struct out *f)
{
    int error = rotated_rename(s, f);
    if (error)
        return out_failed(s, f, "rotated", error);
    out_close(s, f);
    f->known = false;
    f->len = f->mark = 0;
    return WEIR_OK;
}
