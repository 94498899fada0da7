/* SPDX-License-Identifier: BSD-2-Clause */
/* headers.c - see headers.h. */
#define WEIR_API 1
#include "headers.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>

#define MOST 10000 /* headers of one record */

static struct weir_slice at_top(lua_State *L)
{
    struct weir_slice s = {NULL, 0};
    if (!lua_islightuserdata(L, -1))
        s.ptr = lua_tolstring(L, -1, &s.len);
    return s;
}

static void push(lua_State *L, struct weir_slice s)
{
    if (s.ptr)
        (void)lua_pushlstring(L, s.ptr, s.len);
    else
        lua_pushlightuserdata(L, NULL);
}

static bool same(struct weir_slice a, struct weir_slice b)
{
    return !a.ptr == !b.ptr && a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

void headers_push(lua_State *L, const struct weir_record *r)
{
    lua_createtable(L, 0, (int)(r->n_headers < MOST ? r->n_headers : MOST));
    for (uint32_t i = 0; i < r->n_headers; i++) {
        push(L, r->headers[i].name);
        push(L, r->headers[i].value);
        lua_rawset(L, -3);
    }
}

/* A copy that stays until the next record. */
static struct weir_slice keep(lua_State *L, struct view *v, struct weir_slice s)
{
    char *copy = s.ptr ? view_room(L, v, s.len) : NULL;
    if (copy && s.len)
        memcpy(copy, s.ptr, s.len);
    return (struct weir_slice){copy, s.len};
}

static bool last_of_name(const struct weir_record *r, uint32_t i)
{
    for (uint32_t k = i + 1; k < r->n_headers; k++)
        if (same(r->headers[k].name, r->headers[i].name))
            return false;
    return true;
}

static uint32_t last_with_name(const struct weir_record *r, struct weir_slice name)
{
    uint32_t i = r->n_headers;
    while (i > 0 && !same(r->headers[i - 1].name, name))
        i--;
    return i; /* 0: none; else its index and one */
}

/* How many entries the table has, all of which are good. */
static uint32_t checked(lua_State *L)
{
    uint32_t n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            (void)luaL_error(L, "the name of a header is a %s; it has to be a text", luaL_typename(L, -2));
        if (lua_type(L, -1) != LUA_TSTRING && !lua_islightuserdata(L, -1))
            (void)luaL_error(L, "the header %s is a %s; it has to be a text or null", lua_tostring(L, -2),
                             luaL_typename(L, -1));
        if (++n > MOST)
            (void)luaL_error(L, "there are more than %d headers", MOST);
    }
    return n;
}

static int by_name(const void *a, const void *b)
{
    const struct weir_slice *x = &((const struct weir_header *)a)->name;
    const struct weir_slice *y = &((const struct weir_header *)b)->name;
    size_t least = x->len < y->len ? x->len : y->len;
    int order = least ? memcmp(x->ptr, y->ptr, least) : 0;
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

bool headers_take(lua_State *L, struct view *v, struct weir_record *r)
{
    uint32_t n = 0, old;
    bool changed = false;
    if (!lua_istable(L, -1))
        (void)luaL_error(L, "headers is a %s; it has to be a table", luaL_typename(L, -1));
    struct weir_header *made = view_room(L, v, (r->n_headers + checked(L)) * sizeof *made);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        const struct weir_header *h = &r->headers[i];
        (void)lua_pushlstring(L, h->name.len ? h->name.ptr : "", h->name.len);
        bool gone = lua_rawget(L, -2) == LUA_TNIL;
        struct weir_slice now = gone ? (struct weir_slice){NULL, 0} : at_top(L);
        const bool stays = !gone && same(now, r->headers[last_with_name(r, h->name) - 1].value);
        if (stays)
            made[n++] = *h;
        else if (!gone && last_of_name(r, i))
            made[n++] = (struct weir_header){h->name, keep(L, v, now)};
        changed |= !stays;
        lua_pop(L, 1);
    }
    old = n;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct weir_slice name, value = at_top(L);
        name.ptr = lua_tolstring(L, -2, &name.len);
        if (!last_with_name(r, name))
            made[n++] = (struct weir_header){keep(L, v, name), keep(L, v, value)};
    }
    qsort(made + old, n - old, sizeof *made, by_name);
    changed |= n > old;
    if (changed) {
        r->headers = made;
        r->n_headers = n;
    }
    return changed;
}
