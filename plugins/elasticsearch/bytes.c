/* SPDX-License-Identifier: BSD-2-Clause */
/* bytes.c - growing byte arrays in the host's memory, ids that are too long, base64.
 *
 * Thread: the home thread of the instance; the rest are pure functions.  Sources: FIPS 180-4 (SHA-256),
 * RFC 4648 (base64). */
#include "es.h"

#define BYTES_DOUBLED                                                                                        \
    ((size_t)1 << 20) /* up to here capacity doubles; above, half of it unused would be too much */

void bytes_reserve(struct weir_ctx *ctx, struct es_bytes *b, size_t n)
{
    size_t want;
    if (b->cap - b->len >= n)
        return;
    want = b->cap ? b->cap : 256;
    while (want - b->len < n)
        want += want < BYTES_DOUBLED ? want : want / 4;
    b->p = ctx->host->mem(ctx, b->p, want);
    b->cap = want;
}

void bytes_begin(struct weir_ctx *ctx, struct es_bytes *b, size_t n)
{
    b->len = 0;
    if (b->cap >= n)
        return;
    bytes_free(ctx, b);
    b->p = ctx->host->mem(ctx, NULL, n);
    b->cap = n;
}

void bytes_number(struct weir_ctx *ctx, struct es_bytes *b, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;
    for (; n >= 100; n /= 100) { /* two at a time: half the divisions */
        unsigned pair = (unsigned)(n % 100);
        digits[--i] = (char)('0' + pair % 10);
        digits[--i] = (char)('0' + pair / 10);
    }
    if (n >= 10) {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    }
    digits[--i] = (char)('0' + n);
    bytes_add(ctx, b, digits + i, sizeof digits - i);
}

bool bytes_quote(struct weir_ctx *ctx, struct es_bytes *b, const void *p, size_t n)
{
    struct weir_slice text = {p, n};
    size_t len;
    bytes_reserve(ctx, b, 2 + n);
    /* Seldom is there anything to escape; counting first costs less than room for the worst case of 6 n. */
    len = ctx->host->json_quote(ctx, NULL, text);
    if (len == SIZE_MAX)
        return false;
    bytes_reserve(ctx, b, len);
    b->len += ctx->host->json_quote(ctx, b->p + b->len, text);
    return true;
}

void bytes_clear(struct weir_ctx *ctx, struct es_bytes *b, size_t keep)
{
    b->len = 0;
    if (b->cap > keep)
        bytes_free(ctx, b);
}

void bytes_free(struct weir_ctx *ctx, struct es_bytes *b)
{
    if (b->p)
        ctx->host->mem(ctx, b->p, 0);
    memset(b, 0, sizeof *b);
}

/* ---- SHA-256 -------------------------------------------------------------------------------------------------- */
static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static void sha_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], v[8];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 |
               p[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(v, h, sizeof v);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

void sha256_hex(const void *p, size_t n, char ret[64])
{
    static const char hex[] = "0123456789abcdef";
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *at = p;
    uint8_t last[128] = {0};
    size_t left = n, size;
    uint64_t bits = (uint64_t)n * 8;
    for (; left >= 64; left -= 64, at += 64)
        sha_block(h, at);
    if (left > 0)
        memcpy(last, at, left);
    last[left] = 0x80;
    size = left < 56 ? 64 : 128;
    for (unsigned i = 0; i < 8; i++)
        last[size - 1 - i] = (uint8_t)(bits >> (8 * i));
    for (size_t i = 0; i < size; i += 64)
        sha_block(h, last + i);
    for (unsigned i = 0; i < 64; i++)
        ret[i] = hex[h[i / 8] >> (28 - 4 * (i % 8)) & 15];
}

size_t id_shorten(const void *p, size_t n, char ret[ES_ID_MAX])
{
    const uint8_t *at = p;
    size_t keep = ES_ID_MAX - 65;
    if (n < keep)
        keep = n;
    while (keep > 0 && keep < n && (at[keep] & 0xc0) == 0x80) /* not in the middle of a character */
        keep--;
    memcpy(ret, at, keep);
    ret[keep] = '~';
    sha256_hex(p, n, ret + keep + 1);
    return keep + 65;
}

size_t bytes_base64(const void *p, size_t n, char *ret)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *at = p;
    size_t len = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t v = (uint32_t)at[i] << 16;
        if (have > 1)
            v |= (uint32_t)at[i + 1] << 8;
        if (have > 2)
            v |= at[i + 2];
        ret[len++] = set[v >> 18];
        ret[len++] = set[v >> 12 & 63];
        ret[len++] = have > 1 ? set[v >> 6 & 63] : '=';
        ret[len++] = have > 2 ? set[v & 63] : '=';
    }
    ret[len] = '\0';
    return len;
}
