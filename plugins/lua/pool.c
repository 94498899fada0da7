/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.c - see pool.h. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#define SLAB_BYTES ((size_t)32 << 10)

void pool_init(struct pool *p, size_t limit)
{
    memset(p, 0, sizeof *p);
    p->limit = limit;
    p->all.prev = p->all.next = &p->all;
}

void pool_free(struct pool *p)
{
    struct pool_link *b, *next;
    for (b = p->all.next; b && b != &p->all; b = next) {
        next = b->next;
        free(b);
    }
    pool_init(p, p->limit);
}

bool pool_full(const struct pool *p)
{
    return p->used > p->limit / 4 * 3 || p->held + SLAB_BYTES > p->limit * 2;
}

/* What a piece of that size takes. */
static size_t weight(size_t size)
{
    return size > POOL_SMALL ? size + sizeof(struct pool_link)
                             : (size + POOL_STEP - 1) / POOL_STEP * POOL_STEP;
}

static void **list_of(struct pool *p, size_t size)
{
    return &p->unused[(size - 1) / POOL_STEP];
}

/* Makes a large piece, or moves it; NULL: there is no memory, and the old one is as it was. */
static void *large(struct pool *p, struct pool_link *old, size_t size)
{
    struct pool_link *b = realloc(old, sizeof *b + size);
    if (!b)
        return NULL;
    if (!old) {
        b->prev = &p->all;
        b->next = p->all.next;
    }
    b->prev->next = b->next->prev = b;
    return b + 1;
}

static bool new_slab(struct pool *p)
{
    if (p->held + SLAB_BYTES > p->limit * 2)
        return false;
    void *slab = large(p, NULL, SLAB_BYTES);
    if (!slab)
        return false;
    while (p->rest >= POOL_STEP) { /* the end of the last one, as pieces for what fits */
        size_t n = p->rest < POOL_SMALL ? p->rest / POOL_STEP * POOL_STEP : POOL_SMALL;
        memcpy(p->cut, list_of(p, n), sizeof(void *));
        *list_of(p, n) = p->cut;
        p->cut += n;
        p->rest -= n;
    }
    p->cut = slab;
    p->rest = SLAB_BYTES;
    p->held += SLAB_BYTES;
    return true;
}

static void *small(struct pool *p, size_t size)
{
    void **list = list_of(p, size), *piece = *list;
    size_t n = weight(size);
    if (piece) {
        memcpy(list, piece, sizeof *list);
        return piece;
    }
    if (p->rest < n && !new_slab(p))
        return NULL;
    piece = p->cut;
    p->cut += n;
    p->rest -= n;
    return piece;
}

static void *take(struct pool *p, size_t size)
{
    void *piece = size <= POOL_SMALL ? small(p, size) : large(p, NULL, size);
    if (piece) {
        p->used += weight(size);
        p->held += size <= POOL_SMALL ? 0 : weight(size);
    }
    return piece;
}

static void give(struct pool *p, void *piece, size_t size)
{
    p->used -= weight(size);
    if (size <= POOL_SMALL) {
        memcpy(piece, list_of(p, size), sizeof(void *));
        *list_of(p, size) = piece;
        return;
    }
    struct pool_link *b = (struct pool_link *)piece - 1;
    p->held -= weight(size);
    b->prev->next = b->next;
    b->next->prev = b->prev;
    free(b);
}

/* Two sizes that are both large, or take the same. */
static void *in_place(struct pool *p, void *old, size_t old_size, size_t size)
{
    if (size <= POOL_SMALL)
        return old;
    void *piece = large(p, (struct pool_link *)old - 1, size);
    if (!piece && size < old_size)
        piece = old;
    if (!piece)
        return NULL;
    p->used = p->used - weight(old_size) + weight(size);
    p->held = p->held - weight(old_size) + weight(size);
    return piece;
}

void *pool_resize(void *opaque, void *old, size_t old_size, size_t size)
{
    struct pool *p = opaque;
    size_t before = old && old_size ? weight(old_size) : 0;
    if (size == 0) {
        if (before)
            give(p, old, old_size);
        return NULL;
    }
    if (size > p->limit || (weight(size) > before && weight(size) - before > p->limit - p->used))
        return NULL;
    if (before && (weight(size) == before || (size > POOL_SMALL && old_size > POOL_SMALL)))
        return in_place(p, old, old_size, size);
    void *piece = take(p, size);
    if (!piece && size < old_size) { /* there is no slab for it: it stays, and is a small piece from now on */
        p->used = p->used - before + weight(size);
        return old;
    }
    if (!piece || !before)
        return piece;
    memcpy(piece, old, old_size < size ? old_size : size);
    give(p, old, old_size);
    return piece;
}
