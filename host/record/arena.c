/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.c - bump allocation in chunks that double in size.
 *
 * Owns: the chunks.  Thread: one writer at a time. */
#include "arena.h"

#include "report/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST ((size_t)4 << 10)
#define CHUNK_MAX   ((size_t)1 << 20) /* regular chunks stop doubling here; a larger one is freed by a reset */
/* Budgets are far below: beyond it is a bug. */
#define ARENA_MAX   (SIZE_MAX / 4 < UINT32_MAX ? SIZE_MAX / 4 : UINT32_MAX)

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* with this head */
};

static void arena_grow(struct arena *a, size_t n)
{
    size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;
    size_t need = n + sizeof(struct arena_chunk);

    if (n > ARENA_MAX || a->bytes > ARENA_MAX - n)
        die("A batch needs more than %zu bytes of working memory: %zu are held, %zu more are wanted. Lower "
            "`batch-records`, or make the records smaller.",
            (size_t)ARENA_MAX, a->bytes, n);
    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < need)
        size = need;

    struct arena_chunk *c = xmalloc(size);
    c->older = a->chunks;
    c->size = size;
    a->chunks = c;
    a->next = (char *)(c + 1);
    a->end = (char *)c + size;
    a->bytes += size;
}

void *arena_more(struct arena *a, size_t n)
{
    if (n > ARENA_MAX)
        n = ARENA_MAX + 1; /* arena_grow says no */
    size_t room = (n + 7) & ~(size_t)7;
    if (a->chunks == NULL || (size_t)(a->end - a->next) < room)
        arena_grow(a, room);
    void *p = a->next;
    a->next += room;
    return p;
}

char *arena_copy(struct arena *a, const void *p, size_t n)
{
    char *copy = arena_alloc(a, n < SIZE_MAX ? n + 1 : n);
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

static void chunks_free(struct arena *a, struct arena_chunk *c)
{
    while (c != NULL) {
        struct arena_chunk *older = c->older;
        a->bytes -= c->size;
        free(c);
        c = older;
    }
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = a->chunks;

    if (keep == NULL)
        return;
    if (keep->size > CHUNK_MAX) {
        arena_free(a);
        return;
    }
    chunks_free(a, keep->older);
    keep->older = NULL;
    a->next = (char *)(keep + 1);
    a->end = (char *)keep + keep->size;
}

void arena_free(struct arena *a)
{
    chunks_free(a, a->chunks);
    memset(a, 0, sizeof *a);
}
