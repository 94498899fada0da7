/* SPDX-License-Identifier: BSD-2-Clause */
/* print.c - Lua values to JSON text, along the text that they were read from; see value.h. */
#define WEIR_API 1
#include "../common/jsonscan.h"
#include "script.h"
#include "token.h"
#include "value.h"

#include <math.h>
#include <stdlib.h>

struct printer {
    lua_State *L;
    struct text *to;
    const char *end; /* of the text that it was */
    bool changed;
    unsigned depth;
};

/* All of these have the value on top of the stack, and leave it there.  was: where it begins in the text that it was, NULL:
 * nowhere; they give the end of it there. */
static const char *print_value(struct printer *p, const char *was);

static void add(struct printer *p, const void *bytes, size_t n)
{
    text_add(p->L, p->to, bytes, n);
}

/* It is as it was: a scalar whose text ends there. */
static const char *copy(struct printer *p, const char *was, const char *stop)
{
    add(p, was, (size_t)(stop - was));
    return stop;
}

static const char *changed(struct printer *p, const char *was)
{
    p->changed = true;
    return was ? jsonscan_end(was, p->end) : NULL;
}

static void print_char(struct printer *p, char c)
{
    *text_room(p->L, p->to, 1) = c;
    p->to->len++;
}

static void print_word(struct printer *p, const char *word)
{
    add(p, word, strlen(word));
}

static void quote(struct printer *p, const char *bytes, size_t n)
{
    const struct weir_host *host = p->to->ctx->host;
    const struct weir_slice s = {bytes, n};
    size_t quoted = host->json_quote(p->to->ctx, NULL, s);
    if (quoted == SIZE_MAX)
        (void)luaL_error(p->L, "a text that is not UTF-8 can't be JSON");
    (void)host->json_quote(p->to->ctx, text_room(p->L, p->to, quoted), s);
    p->to->len += quoted;
}

static const char *print_string(struct printer *p, const char *was)
{
    size_t n;
    const char *s = lua_tolstring(p->L, -1, &n), *stop;
    bool same = false;
    if (was && *was == '"') {
        stop = token_string_end(was, p->end);
        if (!memchr(was, '\\', (size_t)(stop - was))) {
            same = n == (size_t)(stop - was) - 2 && memcmp(s, was + 1, n) == 0;
        } else {
            token_push_string(p->L, was, stop);
            same = lua_rawequal(p->L, -1, -2);
            lua_pop(p->L, 1);
        }
        if (same)
            return copy(p, was, stop);
    }
    quote(p, s, n);
    return changed(p, was);
}

static void print_float(struct printer *p, lua_Number f)
{
    char text[40];
    int n = 0;
    if (!isfinite(f))
        (void)luaL_error(p->L, "JSON has no number for %s", isnan(f) ? "nan" : "inf");
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, f);
        if (strtod(text, NULL) == f)
            break;
    }
    add(p, text, (size_t)n);
    if (!strpbrk(text, ".e"))
        print_word(p, ".0");
}

static const char *print_number(struct printer *p, const char *was)
{
    bool whole = lua_isinteger(p->L, -1);
    if (was && (*was == '-' || (*was >= '0' && *was <= '9'))) {
        const char *stop = token_word_end(was, p->end);
        struct token_number before = token_number(p->L, was, stop);
        if (before.whole == whole &&
            (whole ? before.i == lua_tointeger(p->L, -1) : before.f == lua_tonumber(p->L, -1)))
            return copy(p, was, stop);
    }
    if (whole) {
        char text[24];
        int n = snprintf(text, sizeof text, LUA_INTEGER_FMT, lua_tointeger(p->L, -1));
        add(p, text, (size_t)n);
    } else {
        print_float(p, lua_tonumber(p->L, -1));
    }
    return changed(p, was);
}

static const char *print_constant(struct printer *p, const char *was, const char *word)
{
    print_word(p, word);
    return was && *was == *word ? was + strlen(word) : changed(p, was);
}

bool value_is_array(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &token_arrays);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

static lua_Integer entries(lua_State *L)
{
    lua_Integer n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        n++;
    return n;
}

static const char *print_array(struct printer *p, const char *was)
{
    lua_Integer n = (lua_Integer)lua_rawlen(p->L, -1);
    const char *at = was && *was == '[' ? token_space(was + 1, p->end) : NULL;
    if (entries(p->L) != n)
        (void)luaL_error(p->L, "a table is no list from 1 on without gaps, and no object either");
    print_char(p, '[');
    for (lua_Integer i = 1; i <= n; i++) {
        bool there = at && *at != ']';
        p->changed |= !there;
        if (i > 1)
            print_char(p, ',');
        (void)lua_rawgeti(p->L, -1, i);
        const char *stop = print_value(p, there ? at : NULL);
        lua_pop(p->L, 1);
        if (!there)
            continue;
        at = token_space(stop, p->end);
        if (*at == ',')
            at = token_space(at + 1, p->end);
    }
    print_char(p, ']');
    return at && *at == ']' ? at + 1 : changed(p, was);
}

struct name {
    const char *text;
    size_t len;
};

static int by_bytes(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Pushes a table: the texts of the keys of the table on top that are not printed, each with the key itself.  known: index
 * of a table that is true for those that are.  Gives how many. */
static lua_Integer gather_names(struct printer *p, int known)
{
    lua_State *L = p->L;
    lua_Integer n = 0;
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, -3);) {
        bool whole = lua_isinteger(L, -2), printed, twice;
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING && !whole)
            (void)luaL_error(L, "a key of an object is a %s; it has to be a text", luaL_typename(L, -1));
        lua_pushvalue(L, -1);
        (void)lua_tolstring(L, -1, NULL); /* of an integer: its text */
        lua_pushvalue(L, -1);
        (void)lua_rawget(L, known);
        printed = lua_toboolean(L, -1);
        lua_pushvalue(L, -2);
        twice = lua_rawget(L, -5) != LUA_TNIL || (whole && printed);
        lua_pop(L, 2);
        if (twice)
            (void)luaL_error(L, "a table has the key %s as a number and as a text", lua_tostring(L, -1));
        if (printed) {
            lua_pop(L, 1);
            continue;
        }
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
        n++;
    }
    return n;
}

/* The members that are new, in the order of their keys' bytes; known: index of a table of those that are printed. */
static void print_new(struct printer *p, int known, bool first)
{
    lua_State *L = p->L;
    lua_Integer n = gather_names(p, known), i = 0;
    struct name *names = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *names, 0);
    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1), i++)
        names[i].text = lua_tolstring(L, -2, &names[i].len);
    qsort(names, (size_t)n, sizeof *names, by_bytes);
    for (i = 0; i < n; i++) {
        if (!first)
            print_char(p, ',');
        first = false;
        quote(p, names[i].text, names[i].len);
        print_char(p, ':');
        (void)lua_pushlstring(L, names[i].text, names[i].len);
        (void)lua_rawget(L, -3); /* the key itself */
        (void)lua_rawget(L, -4);
        (void)print_value(p, NULL);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
}

/* Goes through the members of the text and prints those that are still there; *ret_n: so many.  known not 0: the index of
 * a table, above the one they are of; prints nothing, and sets each key in it to whether it is still there.  Gives the
 * end of the object. */
static const char *old_members(struct printer *p, const char *was, int known, lua_Integer *ret_n)
{
    lua_State *L = p->L;
    const char *at = token_space(was + 1, p->end);
    *ret_n = 0;
    while (*at != '}') {
        const char *key = *at == ',' ? token_space(at + 1, p->end) : at;
        const char *stop = token_string_end(key, p->end);
        at = token_space(token_space(stop, p->end) + 1, p->end);
        token_push_string(L, key, stop);
        if (known) {
            lua_pushvalue(L, -1);
            lua_pushboolean(L, lua_rawget(L, known - 1) != LUA_TNIL);
            lua_remove(L, -2);
            lua_rawset(L, known);
            at = jsonscan_end(at, p->end);
        } else if (lua_rawget(L, -2) == LUA_TNIL) {
            lua_pop(L, 1);
            at = changed(p, at);
        } else {
            if ((*ret_n)++)
                print_char(p, ',');
            (void)copy(p, key, stop);
            print_char(p, ':');
            at = print_value(p, at);
            lua_pop(L, 1);
        }
        at = token_space(at, p->end);
    }
    return at + 1;
}

static const char *print_object(struct printer *p, const char *was)
{
    lua_State *L = p->L;
    lua_Integer n = 0, none;
    const char *at = was && *was == '{' ? was : NULL, *stop = at;
    print_char(p, '{');
    if (at)
        stop = old_members(p, at, 0, &n);
    if (entries(L) != n) {
        p->changed = true;
        lua_newtable(L);
        if (at)
            (void)old_members(p, at, lua_gettop(L), &none);
        lua_insert(L, -2);
        print_new(p, lua_gettop(L) - 1, n == 0);
        lua_remove(L, -2);
    }
    print_char(p, '}');
    return at ? stop : changed(p, was);
}

static const char *print_table(struct printer *p, const char *was)
{
    bool array = value_is_array(p->L, -1) || lua_rawlen(p->L, -1) > 0;
    if (++p->depth > VALUE_LEVELS)
        (void)luaL_error(p->L, "a table is in itself, or deeper than %d levels", VALUE_LEVELS);
    const char *stop = array ? print_array(p, was) : print_object(p, was);
    p->depth--;
    return stop;
}

static const char *print_value(struct printer *p, const char *was)
{
    luaL_checkstack(p->L, 16, "too many levels");
    switch (lua_type(p->L, -1)) {
    case LUA_TTABLE:
        return print_table(p, was);
    case LUA_TSTRING:
        return print_string(p, was);
    case LUA_TNUMBER:
        return print_number(p, was);
    case LUA_TBOOLEAN:
        return print_constant(p, was, lua_toboolean(p->L, -1) ? "true" : "false");
    case LUA_TLIGHTUSERDATA:
        return print_constant(p, was, "null");
    default:
        (void)luaL_error(p->L, "a %s can't be JSON", luaL_typename(p->L, -1));
        return NULL;
    }
}

bool value_print(lua_State *L, struct text *to, struct weir_slice was)
{
    const char *text = was.ptr;
    struct printer p = {.L = L, .to = to, .end = text ? text + was.len : NULL, .changed = !text};
    (void)print_value(&p, text ? token_space(text, p.end) : NULL);
    return p.changed;
}

/* array(t) marks a table as a list, so that it is [] when it is empty; array() makes one. */
static int f_array(lua_State *L)
{
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &token_arrays);
    (void)lua_setmetatable(L, 1);
    return 1;
}

static int null_text(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

void value_open(lua_State *L)
{
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &token_arrays);
    lua_pushcfunction(L, f_array);
    lua_setglobal(L, "array");
    lua_pushlightuserdata(L, NULL);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, null_text);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "null");
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "null");
    lua_setfield(L, -2, "__name");
    (void)lua_setmetatable(L, -2);
    lua_setglobal(L, "null");
}
