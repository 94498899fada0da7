/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - bytes that are appended to, within a limit.
 *
 * Home thread only.  The memory is the host's, so a Lua error on the way loses nothing. */
#ifndef WEIR_PLUGINS_LUA_TEXT_H
#define WEIR_PLUGINS_LUA_TEXT_H

#include <lauxlib.h>
#include <stdbool.h>

#include <weir/helpers.h>

struct text {
    struct weir_ctx *ctx;
    char *bytes;
    size_t len, cap, most; /* most: beyond it text_room raises a Lua error */
};

static inline char *text_room(lua_State *L, struct text *t, size_t n)
{
    if (n > t->most || t->len > t->most - n)
        (void)luaL_error(L, "the records that it makes have more than %d bytes (option memory)",
                         (int)t->most);
    if (n > t->cap - t->len) {
        t->cap = (t->len + n) * 2;
        t->bytes = t->ctx->host->mem(t->ctx, t->bytes, t->cap);
    }
    return t->bytes + t->len;
}

static inline void text_add(lua_State *L, struct text *t, const void *bytes, size_t n)
{
    char *to = text_room(L, t, n);
    if (n)
        memcpy(to, bytes, n);
    t->len += n;
}

#endif
