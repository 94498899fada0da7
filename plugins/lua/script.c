/* SPDX-License-Identifier: BSD-2-Clause */
/* script.c - see script.h.
 *
 * Memory: the pool gives no more than is allowed, and Lua makes an error of that, after collecting garbage.
 * Time: a hook counts instructions.  At the limit it raises an error in the script.  A script that catches it has a
 * tenth of the limit to come to an end; then the hook jumps out of Lua altogether, past every pcall and every pending
 * __close, and the state is given up: its pool is freed without a word to it. */
#define WEIR_API 1
#include "script.h"

#define STEP 1000

struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void count(lua_State *L, lua_Debug *at)
{
    struct script *s = script_of(L);
    s->left -= STEP;
    if (s->left > 0)
        return;
    if (!s->over) {
        s->over = true;
        (void)lua_getinfo(L, "Sl", at);
        (void)snprintf(s->why, sizeof s->why, "%s:%d: more than %lld instructions (option instructions)",
                       at->short_src, at->currentline, (long long)s->instructions);
    }
    if (s->left < -s->instructions / 10 - STEP)
        longjmp(s->back, 1);
    lua_pushstring(L, s->why);
    (void)lua_error(L);
}

/* Has the error be a string, so that it can be read outside of protected mode. */
static int explain(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING && !luaL_getmetafield(L, 1, "__tostring") && !lua_isnumber(L, 1))
        lua_pushfstring(L, "the script called error() with a %s, not with a text", luaL_typename(L, 1));
    else
        luaL_tolstring(L, 1, NULL);
    return 1;
}

static int protected_call(struct script *s, lua_CFunction f, void *arg)
{
    lua_State *L = s->L;
    if (setjmp(s->back)) {
        s->cut = true;
        return LUA_ERRRUN;
    }
    lua_sethook(L, count, LUA_MASKCOUNT, STEP);
    lua_settop(L, 0);
    lua_pushcfunction(L, explain);
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, arg);
    return lua_pcall(L, 1, 0, 1);
}

bool script_run(struct script *s, lua_CFunction f, void *arg)
{
    s->left = s->instructions;
    s->over = false;
    int status = protected_call(s, f, arg);
    if (status == LUA_OK && !s->over)
        return true;
    if (s->over) /* why is said, whatever the script made of it */
        return false;
    if (status == LUA_ERRMEM)
        (void)snprintf(s->why, sizeof s->why, "it needs more than %zu bytes (option memory)", s->pool.limit);
    else
        (void)snprintf(s->why, sizeof s->why, "%s",
                       lua_type(s->L, -1) == LUA_TSTRING ? lua_tostring(s->L, -1) : "it failed");
    return false;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* Without lua_close, which would run what a script that was cut off left to be run. */
void script_free(struct script *s)
{
    pool_free(&s->pool);
    s->L = NULL;
}

static int load(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    lua_settop(L, 0);
    sandbox_open(L);
    lua_pushcfunction(L, s->prepare);
    lua_pushlightuserdata(L, s->opaque);
    lua_call(L, 1, 0);
    if (luaL_loadbufferx(L, s->text.ptr, s->text.len, s->name, "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    if (lua_getglobal(L, "process") != LUA_TFUNCTION)
        return luaL_error(L, "%s: there is no function process", s->name + 1);
    return 0;
}

bool script_make(struct script *s)
{
    pool_init(&s->pool, s->pool.limit);
    s->cut = false;
    s->L = lua_newstate(pool_resize, &s->pool);
    if (!s->L) {
        (void)snprintf(s->why, sizeof s->why, "there is no memory for Lua");
        return false;
    }
    *(struct script **)lua_getextraspace(s->L) = s;
    return script_run(s, load, s);
}

static int collect(lua_State *L)
{
    (void)lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

bool script_recover(struct script *s, bool *ret_anew)
{
    char why[sizeof s->why];
    bool good = true;
    *ret_anew = s->cut;
    memcpy(why, s->why, sizeof why);
    if (!s->cut && pool_full(&s->pool)) /* garbage, or does the script keep so much? */
        *ret_anew = !script_run(s, collect, NULL) || pool_full(&s->pool);
    if (*ret_anew) {
        script_free(s);
        good = script_make(s);
    }
    if (good)
        memcpy(s->why, why, sizeof why);
    return good;
}
