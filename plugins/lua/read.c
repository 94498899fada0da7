/* SPDX-License-Identifier: BSD-2-Clause */
/* read.c - JSON text to Lua values, and the pieces of it that printing looks at again; see value.h and token.h. */
#define WEIR_API 1
#include "token.h"
#include "value.h"

#include <stdlib.h>

const char token_arrays; /* its address is the key of the metatable of arrays in the registry */

const char *token_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

const char *token_string_end(const char *p, const char *end)
{
    const char *quote = memchr(p + 1, '"', (size_t)(end - p) - 1);
    if (!quote || !memchr(p + 1, '\\', (size_t)(quote - p) - 1))
        return quote ? quote + 1 : end;
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p + 1 : end;
}

const char *token_word_end(const char *p, const char *end)
{
    while (p < end && *p != ',' && *p != ']' && *p != '}' && *p != ' ' && *p != '\t' && *p != '\n' &&
           *p != '\r')
        p++;
    return p;
}

static unsigned hex4(const char *p)
{
    unsigned n = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];
        n = n << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n;
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* The character of \uXXXX at p; half of a pair is U+FFFD. */
static const char *unescape_unicode(const char *p, const char *end, char **out)
{
    unsigned c = hex4(p + 2), low;
    p += 6;
    if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        (low = hex4(p + 2)) >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    } else if (c >= 0xd800 && c < 0xe000) {
        c = 0xfffd;
    }
    *out = put_utf8(*out, c);
    return p;
}

static char *unescape(const char *p, const char *end, char *out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
        } else if (end - p >= 6 && p[1] == 'u') {
            p = unescape_unicode(p, end, &out);
        } else {
            const char *letter = end - p >= 2 && p[1] ? strchr(from, p[1]) : NULL;
            *out++ = letter ? to[letter - from] : end - p >= 2 ? p[1] : '\\';
            p += 2;
        }
    }
    return out;
}

void token_push_string(lua_State *L, const char *p, const char *end)
{
    size_t n = (size_t)(end - p) - 2;
    luaL_Buffer b;
    if (!memchr(p, '\\', n + 2)) {
        lua_pushlstring(L, p + 1, n);
        return;
    }
    char *out = luaL_buffinitsize(L, &b, n);
    luaL_pushresultsize(&b, (size_t)(unescape(p + 1, end - 1, out) - out));
}

struct token_number token_number(lua_State *L, const char *p, const char *end)
{
    struct token_number r = {.whole = true};
    const char *digits = p + (*p == '-');
    char text[64], *copy = text;
    size_t n = (size_t)(end - p);
    lua_Unsigned most = (lua_Unsigned)LUA_MAXINTEGER + (*p == '-'), sum = 0;
    for (const char *d = digits; d < end && r.whole; d++) {
        lua_Unsigned digit = (lua_Unsigned)(*d - '0');
        r.whole = digit <= 9 && (d - digits < 18 || sum <= (most - digit) / 10);
        sum = sum * 10 + digit;
    }
    if (r.whole) {
        r.i = (lua_Integer)(*p == '-' ? 0 - sum : sum);
        return r;
    }
    if (n >= sizeof text)
        copy = lua_newuserdatauv(L, n + 1, 0);
    memcpy(copy, p, n);
    copy[n] = '\0';
    r.f = strtod(copy, NULL);
    if (copy != text)
        lua_pop(L, 1);
    return r;
}

struct reader {
    lua_State *L;
    const char *p, *end;
    bool twice;
};

static void push_value(struct reader *r);

static void push_object(struct reader *r)
{
    lua_createtable(r->L, 0, 8);
    for (r->p = token_space(r->p + 1, r->end); r->p < r->end && *r->p != '}';
         r->p = token_space(r->p, r->end)) {
        if (*r->p == ',')
            r->p = token_space(r->p + 1, r->end);
        const char *stop = token_string_end(r->p, r->end);
        token_push_string(r->L, r->p, stop);
        if (!r->twice) {
            lua_pushvalue(r->L, -1);
            r->twice = lua_rawget(r->L, -3) != LUA_TNIL;
            lua_pop(r->L, 1);
        }
        r->p = token_space(token_space(stop, r->end) + 1, r->end);
        push_value(r);
        lua_rawset(r->L, -3);
    }
    r->p++;
}

static void push_array(struct reader *r)
{
    lua_Integer n = 0;
    lua_createtable(r->L, 4, 0);
    (void)lua_rawgetp(r->L, LUA_REGISTRYINDEX, &token_arrays);
    (void)lua_setmetatable(r->L, -2);
    for (r->p = token_space(r->p + 1, r->end); r->p < r->end && *r->p != ']';
         r->p = token_space(r->p, r->end)) {
        if (*r->p == ',')
            r->p = token_space(r->p + 1, r->end);
        push_value(r);
        lua_rawseti(r->L, -2, ++n);
    }
    r->p++;
}

static void push_number(struct reader *r)
{
    const char *stop = token_word_end(r->p, r->end);
    struct token_number n = token_number(r->L, r->p, stop);
    if (n.whole)
        lua_pushinteger(r->L, n.i);
    else
        lua_pushnumber(r->L, n.f);
    r->p = stop;
}

static void push_value(struct reader *r)
{
    const char *p = r->p;
    luaL_checkstack(r->L, 8, "too many levels");
    switch (*p) {
    case '{':
        push_object(r);
        break;
    case '[':
        push_array(r);
        break;
    case '"':
        r->p = token_string_end(p, r->end);
        token_push_string(r->L, p, r->p);
        break;
    case 't':
    case 'f':
        lua_pushboolean(r->L, *p == 't');
        r->p = token_word_end(p, r->end);
        break;
    case 'n':
        lua_pushlightuserdata(r->L, NULL);
        r->p = token_word_end(p, r->end);
        break;
    default:
        push_number(r);
    }
}

void value_push(lua_State *L, struct weir_slice json, bool *ret_twice)
{
    const char *text = json.ptr;
    struct reader r = {.L = L, .p = text, .end = text + json.len};
    r.p = token_space(r.p, r.end);
    push_value(&r);
    *ret_twice = r.twice;
}
