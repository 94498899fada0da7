/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - appends records as lines to files; one batch is written whole or not at all.
 *
 * A thread of its own (WEIR_BLOCKS).  At the end of write() the system has every byte of the batch; what fails is cut
 * off again from all files, so that the batch may come once more.  Only compress with fsync = commit keeps complete
 * batches in memory, up to the next commit: nothing of them is final before.  With fsync = commit, commit() syncs what is dirty
 * and puts length and content guard of each file into the state, see recover.c. */
#define WEIR_API 1
#include "../common/errnos.h"
#include "file.h"
#include "sink.h"

#include <weir/helpers.h>

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const syncs[] = {"commit", "none", NULL};

static const struct weir_option rows[] = {
    WEIR_OPT_TEMPLATE(struct sink_conf, path, "path", WEIR_F_REQUIRED | WEIR_F_NAME, NULL,
                      "File to append to; fields make it one of many",
                      "Missing directories are made (mode 0755)."),
    WEIR_OPT_ENUM(struct sink_conf, format, "format", 0, "raw", encode_formats,
                  "raw: the value as a line; record: the whole record as one JSON object", NULL),
    WEIR_OPT_ENUM(struct sink_conf, tombstone, "tombstone", 0, "reject", encode_tombstones,
                  "What format = raw does with a record without value", NULL),
    WEIR_OPT_ENUM(struct sink_conf, fsync, "fsync", 0, "commit", syncs,
                  "commit: exactly once, also across a power failure; none: no sync, at least once", NULL),
    WEIR_OPT_SIZE(
        struct sink_conf, rotate, "rotate", 0, "0", 0, INT64_MAX,
        "Begin a new file at the first commit beyond this size; 0: never",
        "The finished file becomes NAME.20260131T235959Z (UTC), with -1, -2 ... when that is taken."),
    WEIR_OPT_ENUM(
        struct sink_conf, compress, "compress", 0, "none", pack_names,
        "Write gzip members or zstd frames, one after the other",
        "The name of the file stays as path has it, so give it its .gz or .zst there.  With fsync = commit a "
        "member ends at each commit, with fsync = none at each batch."),
};
static const struct weir_options options = WEIR_OPTIONS(struct sink_conf, rows);

static uint32_t sink_promise(const void *conf)
{
    const struct sink_conf *c = conf;
    uint32_t promises = WEIR_BLOCKS | WEIR_SINGLE | WEIR_STREAM;
    if (c->format != ENCODE_RECORD)
        promises |= WEIR_NO_HEADERS;
    if (c->compress != PACK_NONE && c->fsync == FSYNC_NONE)
        promises &= ~WEIR_STREAM; /* a batch is a member, and small ones compress badly */
    return c->fsync == FSYNC_COMMIT ? promises | WEIR_COMMITS | WEIR_EXACT : promises;
}

static int sink_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct sink_conf *c = conf;
    if (!pack_built(c->compress))
        weir_problemf(
            ctx, to, "compress",
            "this file plugin was built without libzstd, so there is no compress = %s; use gzip, or build it "
            "again with libzstd-dev installed",
            pack_names[c->compress]);
    return WEIR_OK;
}

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct sink *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    s->exact = s->conf->fsync == FSYNC_COMMIT;
    if (s->conf->compress != PACK_NONE) {
        s->pack = pack_new(ctx, s->conf->compress);
        if (!s->pack) {
            ctx->host->mem(ctx, s, 0);
            return weir_fail(ctx, WEIR_FATAL, 0, "there is no memory to compress with");
        }
    }
    rejects_init(&s->rejects, ctx);
    *self = s;
    return WEIR_OK;
}

/* As they lie on the disk. */
static void forget_files(struct sink *s)
{
    for (uint32_t i = 0; i < s->n_files; i++)
        out_free(s, s->files[i]);
    if (s->files)
        s->ctx->host->mem(s->ctx, s->files, 0);
    s->files = NULL;
    s->last = NULL;
    s->n_files = s->cap_files = 0;
}

static int sink_open(void *self)
{
    struct sink *s = self;
    int r = s->exact ? recover_all(s) : WEIR_OK;
    if (r == WEIR_REJECT)
        r = WEIR_FATAL;
    if (r != WEIR_OK)
        forget_files(s); /* no close follows */
    else
        s->ctx->host->health(s->ctx, WEIR_UP, 0, "writing files");
    return r;
}

/* The last commit is durable by now: notes are not needed any more, finished files get their final name. */
static int sink_settle(struct sink *s)
{
    for (uint32_t i = 0; i < s->n_files; i++) {
        struct out *f = s->files[i];
        int r = WEIR_OK;
        if (!f->committed)
            continue;
        f->committed = false;
        recover_drop_note(s, f);
        if (f->leave && s->conf->rotate && f->len >= (uint64_t)s->conf->rotate) {
            r = out_rotate(s, f);
        } else if (f->leave) {
            out_close(s, f);
            f->known = false;
        }
        f->forget |= f->leave;
        f->leave = false;
        if (r != WEIR_OK)
            return r;
    }
    return WEIR_OK;
}

/* ---- a batch ------------------------------------------------------------------------------------------------- */

static const char *name_of(struct weir_slice path, size_t *ret_len)
{
    const char *p = path.ptr, *slash = path.len ? memrchr(p, '/', path.len) : NULL;
    *ret_len = slash ? path.len - (size_t)(slash + 1 - p) : path.len;
    return slash ? slash + 1 : p;
}

/* Names come from records: one that can not be a file, or would be another file's note, costs its record alone.  NULL:
 * nothing speaks against it. */
static const char *path_wrong(const struct sink *s, struct weir_slice path)
{
    size_t n;
    const char *name = name_of(path, &n);
    if (path.len > OUT_PATH)
        return "the file's path has more than 1000 bytes";
    if (!path.len || memchr(path.ptr, '\0', path.len))
        return "the file's path is empty or holds a NUL";
    if (s->exact && n > OUT_NOTE && name[0] == '.' && !memcmp(name + n - 5, ".weir", 5))
        return "the file's name is one that weir gives to its notes, .NAME.weir";
    return NULL;
}

/* The system takes the name, but not those made of it later, when other records would pay for that. */
static int name_too_long(struct sink *s, struct weir_slice path, const char **ret_why)
{
    uint32_t health;
    size_t n, more = s->conf->rotate ? OUT_STAMP : s->exact ? OUT_NOTE : 0;
    (void)name_of(path, &n);
    if (!more || n + more <= NAME_MAX)
        return WEIR_OK;
    *ret_why = s->conf->rotate ? "the file's name has more than 233 bytes, and rotate adds up to 22"
                               : "the file's name has more than 249 bytes, and a note beside it has 6 more";
    return weir_fail(s->ctx, errnos_status(s->ctx, ENAMETOOLONG, &health), ENAMETOOLONG, "%.*s: %s",
                     (int)path.len, (const char *)path.ptr, *ret_why);
}

/* The open file record i goes to; REJECT: none (*ret_why). */
static int sink_file(struct sink *s, const struct weir_batch *batch, uint32_t i, struct out **ret,
                     const char **ret_why)
{
    struct weir_slice path;
    struct out *f = s->last;
    int r = s->ctx->host->render(s->ctx, s->conf->path, batch, i, &path, ret_why);
    if (r != WEIR_OK)
        return r;
    if (!f || f->fd < 0 || f->path_len != path.len || memcmp(f->path, path.ptr, path.len) != 0) {
        *ret_why = path_wrong(s, path);
        r = *ret_why ? WEIR_REJECT : name_too_long(s, path, ret_why);
        if (r != WEIR_OK)
            return r;
        f = out_find(s, path);
        if (!f)
            return weir_fail(
                s->ctx, WEIR_FATAL, 0,
                "path has made more than %u files since the last commit, and a commit needs all that was "
                "read to be in its file; give path fewer values, or the pipeline a smaller memory or commit",
                SINK_FILES);
        r = out_open(s, f, ret_why);
        if (r != WEIR_OK)
            return r;
        s->last = f;
    }
    if (!f->touched) {
        f->touched = true;
        f->mark = f->len;
        f->tick = ++s->tick;
    }
    *ret = f;
    return WEIR_OK;
}

static int sink_record(struct sink *s, const struct weir_batch *batch, const struct weir_view *view,
                       uint32_t i)
{
    const char *why = "the record can't be printed";
    struct weir_slice line;
    struct out *f = NULL;
    int r = encode_line(s->ctx, s->conf->format, s->conf->tombstone, batch, i, weir_record_at(view, i), &line,
                        &why);
    if (r == WEIR_OK)
        r = sink_file(s, batch, i, &f, &why);
    if (r == WEIR_OK)
        return out_append(s, f, line);
    if (r == WEIR_REJECT)
        rejects_add(&s->rejects, i, why);
    return r == WEIR_REJECT || r == WEIR_AGAIN ? WEIR_OK : r;
}

/* Every touched file gets its bytes, or, after a failure, loses those of this batch. */
static int sink_finish(struct sink *s, int r)
{
    bool staged = s->pack && s->exact;
    for (uint32_t i = 0; r == WEIR_OK && !staged && i < s->n_files; i++)
        if (s->files[i]->touched && s->files[i]->fd >= 0)
            r = out_flush(s, s->files[i]);
    for (uint32_t i = 0; i < s->n_files; i++)
        if (r != WEIR_OK)
            out_drop(s->files[i]);
        else if (staged)
            s->files[i]->base = s->files[i]->used;
    for (uint32_t i = 0; i < s->n_files; i++) {
        struct out *f = s->files[i];
        if (f->touched && r != WEIR_OK && out_undo(s, f) != WEIR_OK)
            r = WEIR_FATAL;
        f->touched = false;
    }
    return r;
}

/* fsync = none knows no commits: a file is left between two batches. */
static int sink_rotate(struct sink *s)
{
    int r = WEIR_OK;
    for (uint32_t i = 0; r == WEIR_OK && i < s->n_files; i++)
        if (s->files[i]->fd >= 0 && s->files[i]->len >= (uint64_t)s->conf->rotate)
            r = out_rotate(s, s->files[i]);
    return r;
}

/* Without commits nothing must be remembered of a closed file. */
static void sink_forget(struct sink *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n_files; i++) {
        struct out *f = s->files[i];
        if (f->fd >= 0 || f->row || f->note || f->dirty) {
            s->files[kept++] = f;
            continue;
        }
        if (s->last == f)
            s->last = NULL;
        out_free(s, f);
    }
    s->n_files = kept;
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct sink *s = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    int r = s->ctx->host->view(s->ctx, batch, &view);
    if (r == WEIR_OK && s->exact)
        r = sink_settle(s);
    else if (r == WEIR_OK && s->conf->rotate)
        r = sink_rotate(s);
    rejects_clear(&s->rejects);
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++)
        r = sink_record(s, batch, &view, i);
    r = sink_finish(s, r);
    if (!s->exact) {
        for (uint32_t i = 0; i < s->n_files; i++)
            s->files[i]->dirty = false;
        /* A compressed file that was forgotten is read through when it comes again. */
        if (s->n_files > (s->pack ? SINK_KEPT : SINK_OPEN))
            sink_forget(s);
    }
    if (r != WEIR_OK)
        return r;
    s->ctx->host->health(s->ctx, WEIR_UP, 0, "writing files");
    return s->ctx->host->complete(s->ctx, batch, s->rejects.list, s->rejects.n, sizeof s->rejects.list[0]);
}

/* ---- a commit ------------------------------------------------------------------------------------------------ */

/* What may have to be tried again: the bytes, and the directory that has its name. */
static int file_flush(struct sink *s, struct out *f)
{
    int r = out_flush(s, f), error = 0;
    if (r == WEIR_OK && f->dirty && f->fresh)
        error = out_sync_dir(f->path);
    if (error == EMFILE || error == ENFILE || error == ENOMEM) /* it was not even opened */
        return out_failed(s, f, "committed (its directory is not open)", error);
    if (error)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)error, "the directory of %s can't be synced: %s",
                         f->path, strerror(error));
    f->fresh &= r != WEIR_OK || !f->dirty;
    return r;
}

static int file_commit(struct sink *s, struct out *f)
{
    struct stat st;
    int r;
    if (fstat(f->fd, &st))
        return out_failed(s, f, "examined", errno);
    if ((uint64_t)st.st_size != f->len)
        return weir_fail(
            s->ctx, WEIR_FATAL, 0,
            "%s was changed by another program: it has %lld bytes instead of %llu; use fsync = none for "
            "a file that others change too",
            f->path, (long long)st.st_size, (unsigned long long)f->len);
    if (fdatasync(f->fd))
        return weir_fail(
            s->ctx, WEIR_FATAL, (uint32_t)errno,
            "%s can't be synced, so what was written may be lost; a new start writes it again: %s", f->path,
            strerror(errno));
    r = recover_put_row(s, f);
    f->dirty = false;
    f->forget = false;
    f->committed = true;
    f->leave = (s->conf->rotate && f->len >= (uint64_t)s->conf->rotate) || stat(f->path, &st) ||
               st.st_ino != f->ino || st.st_dev != f->dev;
    return r;
}

static int sink_commit(void *self, const struct weir_commit *commit)
{
    struct sink *s = self;
    int r = sink_settle(s);
    (void)commit;
    /* All bytes first: a full disk is tried again, and then no file may be half committed. */
    for (uint32_t i = 0; r == WEIR_OK && i < s->n_files; i++)
        if (s->files[i]->fd >= 0)
            r = file_flush(s, s->files[i]);
    for (uint32_t i = 0; r == WEIR_OK && i < s->n_files; i++) {
        struct out *f = s->files[i];
        if (f->fd >= 0 && f->dirty) {
            r = file_commit(s, f);
        } else if (f->fd < 0 && f->dirty) { /* closed for others: synced, its row was put then */
            f->dirty = false;
            f->committed = true;
        } else if (f->fd < 0 && f->row) {
            recover_forget(s, f); /* nothing was written to it since its last commit */
        }
    }
    if (r == WEIR_OK)
        sink_forget(s);
    return r == WEIR_REJECT ? WEIR_FATAL : r; /* no single record can be blamed any more */
}

static void sink_close(void *self)
{
    struct sink *s = self;
    for (uint32_t i = 0; i < s->n_files; i++) {
        struct out *f = s->files[i];
        if (f->committed && !f->dirty && recover_stored(s, f))
            recover_drop_note(s, f);
        else if (f->note)
            recover_undo(s, f);
    }
    forget_files(s);
}

static void sink_destroy(void *self)
{
    struct sink *s = self;
    rejects_free(&s->rejects);
    pack_free(s->pack);
    s->ctx->host->mem(s->ctx, s, 0);
}

const struct weir_ops file_sink_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SINK,
    .promises = WEIR_BLOCKS | WEIR_SINGLE | WEIR_STREAM | WEIR_COMMITS | WEIR_EXACT,
    .options = &options,
    .promise = sink_promise,
    .check = sink_check,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .commit = sink_commit,
    .close = sink_close,
    .destroy = sink_destroy,
    .errors = &out_errors,
};
