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

static void push_name(lua_State *L, struct weir_slice name)
{
    (void)lua_pushlstring(L, name.len ? name.ptr : "", name.len);
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

/* Pushes a table from each name that the record has to the place of its last header, counted from 1: a record may have any
 * number of headers, and each of them is asked for. */
static void push_last(lua_State *L, const struct weir_record *r)
{
    lua_createtable(L, 0, (int)(r->n_headers < MOST ? r->n_headers : MOST));
    for (uint32_t i = 0; i < r->n_headers; i++) {
        push_name(L, r->headers[i].name);
        lua_pushinteger(L, (lua_Integer)i + 1);
        lua_rawset(L, -3);
    }
}

/* What that table says of the name on top, which it takes; 0: there is none. */
static uint32_t last_at(lua_State *L, int table)
{
    (void)lua_rawget(L, table);
    uint32_t place = (uint32_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return place;
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

/* The record's headers that the table at `table` still has, into made; gives their number. */
static uint32_t take_old(lua_State *L, struct view *v, const struct weir_record *r, int table,
                         struct weir_header *made, bool *ret_changed)
{
    const int last = table + 1;
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_headers; i++) {
        const struct weir_header *h = &r->headers[i];
        push_name(L, h->name);
        lua_pushvalue(L, -1);
        uint32_t place = last_at(L, last);
        bool gone = lua_rawget(L, table) == LUA_TNIL;
        struct weir_slice now = gone ? (struct weir_slice){NULL, 0} : at_top(L);
        const bool stays = !gone && same(now, r->headers[place - 1].value);
        if (stays)
            made[n++] = *h;
        else if (!gone && place == i + 1)
            made[n++] = (struct weir_header){h->name, keep(L, v, now)};
        *ret_changed |= !stays;
        lua_pop(L, 1);
    }
    return n;
}

bool headers_take(lua_State *L, struct view *v, struct weir_record *r)
{
    const int table = lua_gettop(L), last = table + 1;
    uint32_t n, old;
    bool changed = false;
    if (!lua_istable(L, table))
        (void)luaL_error(L, "headers is a %s; it has to be a table", luaL_typename(L, table));
    struct weir_header *made = view_room(L, v, (r->n_headers + checked(L)) * sizeof *made);
    push_last(L, r);
    n = old = take_old(L, v, r, table, made, &changed);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        struct weir_slice name, value = at_top(L);
        name.ptr = lua_tolstring(L, -2, &name.len);
        lua_pushvalue(L, -2);
        if (!last_at(L, last))
            made[n++] = (struct weir_header){keep(L, v, name), keep(L, v, value)};
    }
    lua_pop(L, 1);
    qsort(made + old, n - old, sizeof *made, by_name);
    changed |= n > old;
    if (changed) {
        r->headers = made;
        r->n_headers = n;
    }
    return changed;
}
