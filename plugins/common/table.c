/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - see table.h. */
#define WEIR_API 1
#include "table.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS_FIRST 64u
#define SPARE_MIN     64u
#define KEY_GRAIN     ((size_t)32) /* an entry serves for keys a bit longer, too */

void table_init(struct table *t, struct weir_ctx *ctx)
{
    memset(t, 0, sizeof *t);
    t->ctx = ctx;
    if (getrandom(&t->seed, sizeof t->seed, GRND_NONBLOCK) != (ssize_t)sizeof t->seed)
        t->seed = (uint64_t)(uintptr_t)t ^ (uint64_t)ctx->host->wall_ms(ctx);
}

static void entries_free(struct table *t, struct entry *e)
{
    struct entry *next;
    for (; e; e = next) {
        next = e->next;
        t->ctx->host->mem(t->ctx, e, 0);
    }
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->n_buckets; i++)
        entries_free(t, t->buckets[i]);
    entries_free(t, t->spare);
    if (t->buckets)
        t->ctx->host->mem(t->ctx, t->buckets, 0);
}

/* FNV-1a from the seed on, then stirred, for the low bits choose. */
uint64_t table_hash(uint64_t seed, struct weir_slice s)
{
    const unsigned char *p = s.ptr;
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

struct entry *table_find(const struct table *t, struct weir_slice key)
{
    uint64_t hash = table_hash(t->seed, key);
    struct entry *e = t->n_buckets ? t->buckets[hash & (t->n_buckets - 1)] : NULL;
    while (e && (e->hash != hash || e->key.len != key.len || memcmp(e->key.ptr, key.ptr, key.len) != 0))
        e = e->next;
    return e;
}

static void grow(struct table *t)
{
    size_t n = t->n_buckets ? t->n_buckets * 2 : BUCKETS_FIRST;
    struct entry **buckets = t->ctx->host->mem(t->ctx, NULL, n * sizeof(struct entry *));
    memset(buckets, 0, n * sizeof(struct entry *));
    for (size_t i = 0; i < t->n_buckets; i++) {
        struct entry *next;
        for (struct entry *e = t->buckets[i]; e; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (n - 1)];
            buckets[e->hash & (n - 1)] = e;
        }
    }
    if (t->buckets)
        t->ctx->host->mem(t->ctx, t->buckets, 0);
    t->buckets = buckets;
    t->n_buckets = n;
}

/* Memory for an entry, one that was removed if there is one.  What a long key took is not kept for a short one: else each
 * entry would end up as large as the longest key. */
static struct entry *make(struct table *t, size_t size)
{
    struct entry *e = t->spare;
    size_t room = e ? e->room : 0;
    if (e) {
        t->spare = e->next;
        t->n_spare--;
    }
    if (room < size || room / 2 > size) {
        room = (size + KEY_GRAIN - 1) / KEY_GRAIN * KEY_GRAIN;
        e = t->ctx->host->mem(t->ctx, e, room);
    }
    memset(e, 0, size);
    e->room = room;
    return e;
}

void *table_add(struct table *t, size_t size, struct weir_slice key)
{
    if (t->count == t->n_buckets)
        grow(t);
    struct entry *e = make(t, size + key.len);
    e->key = (struct weir_slice){(char *)e + size, key.len};
    if (key.len)
        memcpy((char *)e + size, key.ptr, key.len);
    e->hash = table_hash(t->seed, e->key);
    e->next = t->buckets[e->hash & (t->n_buckets - 1)];
    t->buckets[e->hash & (t->n_buckets - 1)] = e;
    t->count++;
    return e;
}

void table_remove(struct table *t, struct entry *e)
{
    struct entry **at = &t->buckets[e->hash & (t->n_buckets - 1)];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    t->count--;
    e->next = t->spare;
    t->spare = e;
    t->n_spare++;
    for (int i = 0; i < 2 && t->n_spare > SPARE_MIN && t->n_spare > t->count; i++) { /* it shrinks, too */
        e = t->spare;
        t->spare = e->next;
        t->n_spare--;
        t->ctx->host->mem(t->ctx, e, 0);
    }
}
