/* SPDX-License-Identifier: BSD-2-Clause */
/* view.c - see view.h. */
#define WEIR_API 1
#include "view.h"

#include "headers.h"
#include "value.h"

#include <lauxlib.h>

enum { VALUE, KEY, TOPIC, PARTITION, OFFSET, TIMESTAMP, HEADERS, FIELDS };
static const char *const names[FIELDS] = {"value",  "key",       "topic",  "partition",
                                          "offset", "timestamp", "headers"};
static const char metatable; /* its address is the key of the metatable of records in the registry */

/* ---- what a script looks at -------------------------------------------------------------------------------------- */

static struct view *view_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Which field the key at that index names; the second upvalue is a table of them. */
static int field_at(lua_State *L, int index)
{
    lua_pushvalue(L, index);
    int field = lua_rawget(L, lua_upvalueindex(2)) == LUA_TNUMBER ? (int)lua_tointeger(L, -1) : FIELDS;
    lua_pop(L, 1);
    return field;
}

static void push_slice(lua_State *L, struct weir_slice s)
{
    if (s.ptr)
        (void)lua_pushlstring(L, s.ptr, s.len);
    else
        lua_pushnil(L);
}

static void push_json(lua_State *L, struct view *v)
{
    const struct each *e = v->each;
    const char *why = NULL;
    uint32_t type, lines;
    int r = v->ctx->host->json_check(v->ctx, e->batch, e->i, &type, &lines, &why);
    if (r != WEIR_OK) {
        v->status = r == WEIR_REJECT ? WEIR_OK : r;
        (void)luaL_error(L, "the value is not JSON%s%s", why ? ": " : "", why ? why : "");
    }
    value_push(L, e->record->value, &v->twice);
    v->parsed = true;
}

static void push_field(lua_State *L, struct view *v, int field)
{
    const struct weir_record *r = v->each->record;
    switch (field) {
    case VALUE:
        if (r->value.ptr && !v->as_text)
            push_json(L, v);
        else
            push_slice(L, r->value);
        break;
    case KEY:
        push_slice(L, r->key);
        break;
    case TOPIC:
        push_slice(L, r->topic);
        break;
    case HEADERS:
        headers_push(L, r);
        break;
    case TIMESTAMP:
        if (r->time_ms == WEIR_NO_TIME)
            lua_pushnil(L);
        else
            lua_pushinteger(L, r->time_ms);
        break;
    default:
        lua_pushinteger(L, field == OFFSET ? r->offset : r->partition);
    }
}

/* Makes a field of the current record that was not looked at yet. */
static void touch(lua_State *L, struct view *v, int table, int field)
{
    if (v->touched & 1u << field)
        return;
    push_field(L, v, field);
    v->touched |= 1u << field;
    lua_pushstring(L, names[field]);
    lua_insert(L, -2);
    lua_rawset(L, table);
}

static void need_current(lua_State *L, const struct view *v)
{
    if (lua_topointer(L, 1) != v->table)
        (void)luaL_error(L,
                         "the record is one of an earlier call; keep what is needed of it, not the record");
}

static int m_index(lua_State *L)
{
    struct view *v = view_of(L);
    int field = field_at(L, 2);
    if (field == FIELDS)
        return luaL_error(L, "a record has no field %s", luaL_tolstring(L, 2, NULL));
    need_current(L, v);
    touch(L, v, 1, field);
    lua_settop(L, 2);
    (void)lua_rawget(L, 1);
    return 1;
}

static int m_newindex(lua_State *L)
{
    struct view *v = view_of(L);
    int field = field_at(L, 2);
    if (field == FIELDS)
        return luaL_error(L, "a record has no field %s", luaL_tolstring(L, 2, NULL));
    need_current(L, v);
    if (field == PARTITION || field == OFFSET)
        return luaL_error(L, "%s can't be set", names[field]);
    v->touched |= 1u << field;
    lua_rawset(L, 1);
    return 0;
}

static int m_pairs(lua_State *L)
{
    struct view *v = view_of(L);
    if (lua_topointer(L, 1) == v->table)
        for (int field = 0; field < FIELDS; field++)
            touch(L, v, 1, field);
    (void)lua_getglobal(L, "next");
    lua_pushvalue(L, 1);
    return 2;
}

void view_open(lua_State *L, struct view *v)
{
    static const luaL_Reg methods[] = {
        {"__index", m_index}, {"__newindex", m_newindex}, {"__pairs", m_pairs}, {NULL, NULL}};
    lua_createtable(L, 0, 4);
    lua_pushlightuserdata(L, v);
    lua_createtable(L, 0, FIELDS);
    for (int field = 0; field < FIELDS; field++) {
        lua_pushinteger(L, field);
        lua_setfield(L, -2, names[field]);
    }
    luaL_setfuncs(L, methods, 2);
    lua_pushliteral(L, "record");
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable);
}

void view_push(lua_State *L, struct view *v)
{
    lua_createtable(L, 0, 2);
    v->table = lua_topointer(L, -1);
    v->touched = 0;
    v->parsed = v->twice = false;
    v->kept = 0;
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable);
    (void)lua_setmetatable(L, -2);
}

/* ---- what a script gives back ------------------------------------------------------------------------------------ */

void *view_room(lua_State *L, struct view *v, size_t n)
{
    if (n > v->text.most || v->kept > v->text.most - n)
        (void)luaL_error(L, "the records that it makes have more than %d bytes (option memory)",
                         (int)v->text.most);
    v->kept += n;
    return each_alloc(v->each, n + 1);
}

/* The text at the top of the stack: *now as it was if it is the same, else a copy. */
static bool take_text(lua_State *L, struct view *v, const char *what, struct weir_slice *now)
{
    size_t n;
    const char *text;
    char *copy;
    if (lua_type(L, -1) != LUA_TSTRING)
        (void)luaL_error(L, "%s is a %s; it has to be a text, as tostring() makes one", what,
                         luaL_typename(L, -1));
    text = lua_tolstring(L, -1, &n);
    if (now->ptr && now->len == n && (n == 0 || memcmp(now->ptr, text, n) == 0))
        return false;
    copy = view_room(L, v, n);
    memcpy(copy, text, n);
    *now = (struct weir_slice){copy, n};
    return true;
}

static bool take_value(lua_State *L, struct view *v, struct view_out *o)
{
    const struct weir_slice none = {NULL, 0};
    if (v->as_text)
        return take_text(L, v, "value", &o->record.value);
    o->at = v->text.len;
    o->printed = value_print(L, &v->text, v->parsed && !v->twice ? o->record.value : none);
    if (o->printed)
        o->record.value.len = v->text.len - o->at;
    else
        v->text.len = o->at;
    return o->printed;
}

static bool take_time(lua_State *L, struct view_out *o)
{
    int whole;
    lua_Integer ms = lua_tointegerx(L, -1, &whole);
    if (!whole || lua_type(L, -1) != LUA_TNUMBER)
        (void)luaL_error(L, "timestamp is no integer: milliseconds since 1970");
    if (ms == o->record.time_ms)
        return false;
    o->record.time_ms = ms;
    return true;
}

/* A field of a table that was given back, its value on top. */
static bool take_field(lua_State *L, struct view *v, struct view_out *o, int field)
{
    const struct weir_record *r = v->each->record;
    switch (field) {
    case VALUE:
        return take_value(L, v, o);
    case KEY:
        return take_text(L, v, "key", &o->record.key);
    case TOPIC:
        if (lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) == 0)
            (void)luaL_error(L, "topic is empty");
        return take_text(L, v, "topic", &o->record.topic);
    case TIMESTAMP:
        return take_time(L, o);
    case HEADERS:
        return headers_take(L, v, &o->record);
    default:
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) != (field == OFFSET ? r->offset : r->partition))
            (void)luaL_error(L, "%s can't be set", names[field]);
        return false;
    }
}

/* What is gone from the record itself. */
static bool take_away(lua_State *L, struct view_out *o, int field)
{
    struct weir_record *r = &o->record;
    struct weir_slice *text = field == VALUE ? &r->value : field == KEY ? &r->key : NULL;
    const struct weir_record was = *r;
    if (text) {
        *text = (struct weir_slice){NULL, 0};
        return (field == VALUE ? was.value.ptr : was.key.ptr) != NULL;
    }
    if (field == TIMESTAMP) {
        r->time_ms = WEIR_NO_TIME;
        return was.time_ms != WEIR_NO_TIME;
    }
    if (field == HEADERS) {
        r->n_headers = 0;
        return was.n_headers > 0;
    }
    (void)luaL_error(L, "a record can't be without %s", names[field]);
    return false;
}

static void take_record(lua_State *L, struct view *v)
{
    struct view_out o = {.record = *v->each->record, .same = true};
    unsigned gone = lua_topointer(L, -1) == v->table ? v->touched : 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        int field = 0;
        while (field < FIELDS &&
               (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), names[field]) != 0))
            field++;
        if (field == FIELDS)
            (void)luaL_error(L, "process() returned a table with the field %s, which a record has not",
                             luaL_tolstring(L, -2, NULL));
        if (take_field(L, v, &o, field))
            o.same = false;
        gone &= ~(1u << field);
    }
    for (int field = 0; gone && field < FIELDS; field++)
        if (gone & 1u << field && take_away(L, &o, field))
            o.same = false;
    if (v->n_out == v->max_records)
        (void)luaL_error(L, "process() returned more records than max-records allows");
    if (v->n_out == v->room) {
        v->room = v->room ? v->room * 2 : 4;
        v->out = v->ctx->host->mem(v->ctx, v->out, v->room * sizeof *v->out);
    }
    v->out[v->n_out++] = o;
}

void view_take(lua_State *L, struct view *v)
{
    if (lua_isnil(L, -1))
        return;
    if (!lua_istable(L, -1))
        (void)luaL_error(L, "process() returned a %s; it has to be a record, a list of records, or nil",
                         luaL_typename(L, -1));
    if (lua_topointer(L, -1) == v->table) {
        take_record(L, v);
        return;
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (n == 0) { /* an empty table is an empty list */
        lua_pushnil(L);
        if (lua_next(L, -2)) {
            lua_pop(L, 2);
            take_record(L, v);
        }
        return;
    }
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, -1, i) != LUA_TTABLE)
            (void)luaL_error(L, "process() returned a list with a %s in it; it has to be of records",
                             luaL_typename(L, -1));
        take_record(L, v);
        lua_pop(L, 1);
    }
}
