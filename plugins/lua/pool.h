/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.h - the memory of one Lua state: bounded, without a malloc for each small thing, and given back as a whole.
 *
 * Lua says how large what it gives back is, so nothing stands before a piece.  Small pieces are cut from slabs and kept in
 * lists by size; larger ones are the C library's.  No thread but the owner's. */
#ifndef WEIR_PLUGINS_LUA_POOL_H
#define WEIR_PLUGINS_LUA_POOL_H

#include <stdbool.h>
#include <stddef.h>

#define POOL_STEP  16u /* what Lua's largest type is aligned to */
#define POOL_SMALL 1024u

struct pool_link {
    struct pool_link *prev, *next;
};

struct pool {
    size_t limit;      /* bytes in use at the most; slabs are at most twice that, with what lies in no use */
    size_t used, held; /* in use; the same and what lies in lists */
    struct pool_link all; /* a ring of slabs and large pieces */
    char *cut;            /* where the newest slab goes on */
    size_t rest;
    void *unused[POOL_SMALL / POOL_STEP]; /* lists of small pieces, by size */
};

void pool_init(struct pool *, size_t limit);
/* Whether little is left: of the limit, or of the slabs, whose pieces are of other sizes than those asked for. */
bool pool_full(const struct pool *);
/* As Lua wants it of a lua_Alloc; opaque: the pool.  NULL: beyond the limit, or no memory; never when it becomes smaller. */
void *pool_resize(void *opaque, void *old, size_t old_size, size_t size);
void pool_free(struct pool *);

#endif
