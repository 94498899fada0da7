/* SPDX-License-Identifier: BSD-2-Clause */
/* pack.c - makes gzip members and zstd frames (pack.h).
 *
 * The compressor is made once and reset for each member.  Levels: gzip 6 as gzip(1) has it, zstd 3 as zstd(1).  Members
 * of the sink's 128 KiB were measured 2 % larger than one endless member; members of ten lines are nearly twice as
 * large, which is why the sink gathers lines over batches where it may. */
#define WEIR_API 1
#include "pack.h"

#include <weir/helpers.h>

#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define PACK_OUT   (64u << 10) /* compressed bytes handed on at a time */
#define GZIP_LEVEL 6
#define GZIP_BITS  (15 + 16) /* the largest window, with a gzip head */
#define ZSTD_LEVEL 3

const char *const pack_names[] = {"none", "gzip", "zstd", NULL};
const char *const pack_words[] = {"line", "gzip member", "zstd frame"};

struct pack {
    struct weir_ctx *ctx;
    int64_t kind;
    bool made; /* gzip */
    z_stream gzip;
#ifdef HAVE_ZSTD
    ZSTD_CCtx *zstd;
#endif
    char out[PACK_OUT];
};

bool pack_built(int64_t kind)
{
#ifdef HAVE_ZSTD
    (void)kind;
    return true;
#else
    return kind != PACK_ZSTD;
#endif
}

static voidpf gzip_alloc(voidpf opaque, uInt n, uInt size)
{
    struct weir_ctx *ctx = opaque;
    return ctx->host->mem(ctx, NULL, (size_t)n * size);
}

static void gzip_free(voidpf opaque, voidpf old)
{
    struct weir_ctx *ctx = opaque;
    (void)ctx->host->mem(ctx, old, 0);
}

static bool pack_make(struct pack *p)
{
#ifdef HAVE_ZSTD
    if (p->kind == PACK_ZSTD) {
        p->zstd = ZSTD_createCCtx();
        return p->zstd &&
               !ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
               !ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1));
    }
#endif
    p->gzip.zalloc = gzip_alloc;
    p->gzip.zfree = gzip_free;
    p->gzip.opaque = p->ctx;
    p->made = deflateInit2(&p->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    return p->made;
}

struct pack *pack_new(struct weir_ctx *ctx, int64_t kind)
{
    struct pack *p = ctx->host->mem(ctx, NULL, sizeof *p);
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->kind = kind;
    if (pack_make(p))
        return p;
    pack_free(p);
    return NULL;
}

void pack_free(struct pack *p)
{
    if (!p)
        return;
#ifdef HAVE_ZSTD
    (void)ZSTD_freeCCtx(p->zstd);
#endif
    if (p->made)
        (void)deflateEnd(&p->gzip);
    (void)p->ctx->host->mem(p->ctx, p, 0);
}

static int failed(const struct pack *p, const char *why)
{
    return weir_fail(p->ctx, WEIR_FATAL, 0, "compress = %s does not work: %s; use compress = none",
                     pack_names[p->kind], why);
}

/* One part, up to 1 GiB at a time since zlib counts in 32 bits. */
static int gzip_part(struct pack *p, struct weir_slice part, bool last, pack_put put, void *opaque)
{
    const char *from = part.ptr;
    size_t left = part.len;
    int status = Z_OK, r = WEIR_OK;
    do {
        uInt n = left > 1u << 30 ? 1u << 30 : (uInt)left;
        p->gzip.next_in = (z_const Bytef *)(uintptr_t)from;
        p->gzip.avail_in = n;
        from = n ? from + n : from;
        left -= n;
        do {
            p->gzip.next_out = (Bytef *)p->out;
            p->gzip.avail_out = PACK_OUT;
            status = deflate(&p->gzip, last && !left ? Z_FINISH : Z_NO_FLUSH);
            if (status == Z_STREAM_ERROR)
                return failed(p, "deflate refused its state");
            if (p->gzip.avail_out < PACK_OUT)
                r = put(opaque, p->out, PACK_OUT - p->gzip.avail_out);
        } while (r == WEIR_OK && !p->gzip.avail_out);
    } while (r == WEIR_OK && left);
    if (r == WEIR_OK && last && status != Z_STREAM_END)
        return failed(p, "deflate did not end");
    return r;
}

static int gzip_member(struct pack *p, const struct weir_slice *parts, unsigned n, pack_put put, void *opaque)
{
    int r = WEIR_OK;
    if (deflateReset(&p->gzip) != Z_OK)
        return failed(p, "deflate can't be reset");
    for (unsigned i = 0; r == WEIR_OK && i < n; i++)
        r = gzip_part(p, parts[i], i + 1 == n, put, opaque);
    return r;
}

#ifdef HAVE_ZSTD
static int zstd_part(struct pack *p, struct weir_slice part, bool last, pack_put put, void *opaque)
{
    ZSTD_inBuffer in = {part.ptr, part.len, 0};
    size_t left;
    int r = WEIR_OK;
    do {
        ZSTD_outBuffer out = {p->out, PACK_OUT, 0};
        left = ZSTD_compressStream2(p->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return failed(p, ZSTD_getErrorName(left));
        if (out.pos)
            r = put(opaque, p->out, out.pos);
    } while (r == WEIR_OK && (in.pos < in.size || (last && left)));
    return r;
}

static int zstd_member(struct pack *p, const struct weir_slice *parts, unsigned n, pack_put put, void *opaque)
{
    size_t status = ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_only);
    unsigned long long total = 0;
    int r = WEIR_OK;
    for (unsigned i = 0; i < n; i++)
        total += parts[i].len;
    if (!ZSTD_isError(status)) /* known sizes make small frames need small tables */
        status = ZSTD_CCtx_setPledgedSrcSize(p->zstd, total);
    if (ZSTD_isError(status))
        return failed(p, ZSTD_getErrorName(status));
    for (unsigned i = 0; r == WEIR_OK && i < n; i++)
        r = zstd_part(p, parts[i], i + 1 == n, put, opaque);
    return r;
}
#endif

int pack_member(struct pack *p, const struct weir_slice *parts, unsigned n, pack_put put, void *opaque)
{
#ifdef HAVE_ZSTD
    if (p->kind == PACK_ZSTD)
        return zstd_member(p, parts, n, put, opaque);
#endif
    return gzip_member(p, parts, n, put, opaque);
}
