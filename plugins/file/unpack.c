/* SPDX-License-Identifier: BSD-2-Clause */
/* unpack.c - finds where the last whole gzip member or zstd frame of a file ends (pack.h).
 *
 * Needed where nothing says how long a file ought to be: with fsync = none a crash may leave half a member, and members
 * behind such a half could not be read.  The whole file is decompressed once for that, into nothing. */
#define WEIR_API 1
#include "pack.h"

#include <weir/helpers.h>

#include <errno.h>
#include <unistd.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define CHUNK     (64u << 10)
#define GZIP_BITS (15 + 16)

struct examine {
    struct weir_ctx *ctx;
    int64_t kind;
    z_stream gzip;
#ifdef HAVE_ZSTD
    ZSTD_DCtx *zstd;
#endif
    char in[CHUNK], out[CHUNK];
};

enum step { STEP_ON, STEP_END, STEP_BAD };

bool pack_begins(int64_t kind, int fd, uint64_t len)
{
    static const char gzip[] = {'\x1f', '\x8b', 8}, zstd[] = {'\x28', '\xb5', '\x2f', '\xfd'};
    const char *magic = kind == PACK_GZIP ? gzip : zstd;
    size_t n = kind == PACK_GZIP ? sizeof gzip : sizeof zstd;
    char head[4];
    if (len < n)
        n = (size_t)len;
    return pread(fd, head, n, 0) == (ssize_t)n && !memcmp(head, magic, n);
}

static voidpf examine_alloc(voidpf opaque, uInt n, uInt size)
{
    struct weir_ctx *ctx = opaque;
    return ctx->host->mem(ctx, NULL, (size_t)n * size);
}

static void examine_free(voidpf opaque, voidpf old)
{
    struct weir_ctx *ctx = opaque;
    (void)ctx->host->mem(ctx, old, 0);
}

/* Decompresses from *at to at most n; *at moves by what was used.  END: a member ended there. */
static enum step step_gzip(struct examine *e, size_t *at, size_t n)
{
    int status;
    e->gzip.next_in = (z_const Bytef *)e->in + *at;
    e->gzip.avail_in = (uInt)(n - *at);
    do {
        e->gzip.next_out = (Bytef *)e->out;
        e->gzip.avail_out = CHUNK;
        status = inflate(&e->gzip, Z_NO_FLUSH);
    } while (status == Z_OK && (e->gzip.avail_in || !e->gzip.avail_out));
    *at = n - e->gzip.avail_in;
    if (status == Z_STREAM_END)
        return inflateReset(&e->gzip) == Z_OK ? STEP_END : STEP_BAD;
    return status == Z_OK || status == Z_BUF_ERROR ? STEP_ON : STEP_BAD;
}

#ifdef HAVE_ZSTD
static enum step step_zstd(struct examine *e, size_t *at, size_t n)
{
    ZSTD_inBuffer in = {e->in, n, *at};
    size_t left;
    bool full;
    do {
        ZSTD_outBuffer out = {e->out, CHUNK, 0};
        left = ZSTD_decompressStream(e->zstd, &out, &in);
        full = out.pos == CHUNK;
    } while (left && !ZSTD_isError(left) && (in.pos < n || full));
    *at = in.pos;
    return ZSTD_isError(left) ? STEP_BAD : left ? STEP_ON : STEP_END;
}
#endif

static enum step step(struct examine *e, size_t *at, size_t n)
{
#ifdef HAVE_ZSTD
    if (e->kind == PACK_ZSTD)
        return step_zstd(e, at, n);
#endif
    return step_gzip(e, at, n);
}

static enum pack_end examine_all(struct examine *e, int fd, uint64_t len, uint64_t *ret_end)
{
    uint64_t done = 0;
    *ret_end = 0;
    while (done < len) {
        size_t at = 0;
        ssize_t n = pread(fd, e->in, CHUNK, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n ? errno : ENODATA;
            return PACK_UNREAD;
        }
        while (at < (size_t)n) {
            enum step s = step(e, &at, (size_t)n);
            if (s == STEP_BAD)
                return PACK_FOREIGN;
            if (s == STEP_END)
                *ret_end = done + at;
        }
        done += (uint64_t)n;
    }
    return *ret_end == len ? PACK_WHOLE : PACK_CUT;
}

enum pack_end pack_examine(struct weir_ctx *ctx, int64_t kind, int fd, uint64_t len, uint64_t *ret_end)
{
    struct examine *e = ctx->host->mem(ctx, NULL, sizeof *e);
    enum pack_end end = PACK_UNREAD;
    bool made;
    memset(e, 0, sizeof *e);
    e->ctx = ctx;
    e->kind = kind;
    e->gzip.zalloc = examine_alloc;
    e->gzip.zfree = examine_free;
    e->gzip.opaque = ctx;
    made = inflateInit2(&e->gzip, GZIP_BITS) == Z_OK;
#ifdef HAVE_ZSTD
    e->zstd = kind == PACK_ZSTD ? ZSTD_createDCtx() : NULL;
    made = made && (kind != PACK_ZSTD || e->zstd);
#endif
    errno = ENOMEM;
    if (made)
        end = examine_all(e, fd, len, ret_end);
#ifdef HAVE_ZSTD
    (void)ZSTD_freeDCtx(e->zstd);
#endif
    (void)inflateEnd(&e->gzip);
    (void)ctx->host->mem(ctx, e, 0);
    return end;
}
