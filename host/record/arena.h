/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h - bump allocation for what lives exactly as long as a batch.
 *
 * Owns: chunks of memory freed all at once.  An arena has one writer at a time;
 * what was allocated may be read by any thread for as long as the arena lives. */
#ifndef WEIR_HOST_ARENA_H
#define WEIR_HOST_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next, *end;           /* free room of the newest chunk */
    size_t bytes;               /* held by all chunks, for the byte budget */
};

/* A zeroed struct arena is an empty one. */

/* arena_alloc where the newest chunk has no room for that, or n is 0. */
void *arena_more(struct arena *, size_t n);
/* Gives n bytes aligned to 8 (never NULL: the process ends with a message when memory is gone). */
static inline void *arena_alloc(struct arena *a, size_t n)
{
    size_t room = (n + 7) & ~(size_t)7; /* what is too much for a size_t comes out as 0 */
    if (room - 1 >= (size_t)(a->end - a->next))
        return arena_more(a, n);
    void *p = a->next;
    a->next += room;
    return p;
}
/* Gives a copy of n bytes, with a NUL behind it that is not counted. */
char *arena_copy(struct arena *, const void *p, size_t n);
/* Makes the arena empty but keeps its newest chunk for reuse: everything given becomes invalid. */
void arena_reset(struct arena *);
/* Frees everything. */
void arena_free(struct arena *);

#endif
