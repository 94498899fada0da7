/* SPDX-License-Identifier: BSD-2-Clause */
/* sandbox.c - what a script finds around it: Lua's libraries without files, programs, modules, byte code and hooks into
 * the state itself, and a few functions of our own.
 *
 * A state belongs to one instance, so what a script does to its globals and libraries concerns nobody else.  The
 * functions replaced here are those that would do in one call what the count of instructions doesn't see. */
#define WEIR_API 1
#include "script.h"
#include "value.h"

#define MOST_MOVED 10000000 /* elements, by one table.move */

/* The function that stands behind this one, with the same arguments. */
static int call_original(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* A finalizer would run with the hook off, so without limits. */
static int f_setmetatable(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "__gc is not available");
        lua_pop(L, 1);
    }
    return call_original(L);
}

/* Lua's own calls the handler where the error was raised; when that is the hook at the limit, with the hook off.  Here it is
 * called when the function has ended. */
static int f_xpcall(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_insert(L, 1);
    lua_remove(L, 3); /* handler, function, arguments */
    if (lua_pcall(L, n - 2, LUA_MULTRET, 0) == LUA_OK) {
        lua_pushboolean(L, 1);
        lua_replace(L, 1);
        return lua_gettop(L);
    }
    lua_call(L, 1, LUA_MULTRET);
    lua_pushboolean(L, 0);
    lua_insert(L, 1);
    return lua_gettop(L);
}

/* Text only: byte code can crash Lua. */
static int f_load(lua_State *L)
{
    if (lua_gettop(L) < 3)
        lua_settop(L, 3);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    return call_original(L);
}

static int f_rep(lua_State *L)
{
    size_t len = 0, between = 0;
    (void)luaL_checklstring(L, 1, &len);
    (void)luaL_optlstring(L, 3, "", &between);
    if (len == 0 && between == 0) { /* Lua would count to the end all the same */
        lua_pushliteral(L, "");
        return 1;
    }
    return call_original(L);
}

static int f_move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);
    luaL_argcheck(L, to < from || (lua_Unsigned)to - (lua_Unsigned)from < MOST_MOVED, 3,
                  "too many elements to move");
    return call_original(L);
}

/* A line of weir's log, at level debug. */
static int f_print(lua_State *L)
{
    struct weir_ctx *ctx = script_of(L)->ctx;
    luaL_Buffer b;
    int n = lua_gettop(L);
    size_t len;
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, '\t');
        (void)luaL_tolstring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    const char *text = lua_tolstring(L, -1, &len);
    ctx->host->log(ctx, WEIR_LOG_DEBUG, text, len);
    return 0;
}

/* The host's time, which a test of a configuration sets. */
static int f_time(lua_State *L)
{
    struct weir_ctx *ctx = script_of(L)->ctx;
    if (!lua_isnoneornil(L, 1))
        return call_original(L);
    lua_pushinteger(L, (lua_Integer)(ctx->host->wall_ms(ctx) / 1000));
    return 1;
}

static int f_date(lua_State *L)
{
    struct weir_ctx *ctx = script_of(L)->ctx;
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_pushliteral(L, "%c");
    }
    if (lua_isnoneornil(L, 2)) {
        lua_settop(L, 1);
        lua_pushinteger(L, (lua_Integer)(ctx->host->wall_ms(ctx) / 1000));
    }
    return call_original(L);
}

/* Puts f over field `name` of the table on top. */
static void over(lua_State *L, const char *name, lua_CFunction f)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

static void without(lua_State *L, const char *const *names)
{
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
}

static void open_os(lua_State *L)
{
    luaL_requiref(L, "os", luaopen_os, 0);
    lua_createtable(L, 0, 4);
    static const char *const kept[] = {"time", "date", "clock", "difftime", NULL};
    for (const char *const *name = kept; *name; name++) {
        lua_getfield(L, -2, *name);
        lua_setfield(L, -2, *name);
    }
    over(L, "time", f_time);
    over(L, "date", f_date);
    lua_setglobal(L, "os");
    lua_pop(L, 1);
}

void sandbox_open(lua_State *L)
{
    static const char *const no_base[] = {"dofile", "loadfile", "collectgarbage", "warn", NULL};
    static const char *const no_string[] = {"dump", NULL};
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    without(L, no_base);
    lua_pushcfunction(L, f_xpcall);
    lua_setfield(L, -2, "xpcall");
    over(L, "setmetatable", f_setmetatable);
    over(L, "load", f_load);
    over(L, "print", f_print);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    without(L, no_string);
    over(L, "rep", f_rep);
    lua_pushliteral(L, ""); /* the metatable that all strings share is not for scripts */
    (void)lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    over(L, "move", f_move);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    open_os(L);
    value_open(L);
    lua_settop(L, 0);
}
