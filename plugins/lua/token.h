/* SPDX-License-Identifier: BSD-2-Clause */
/* token.h - the words of a JSON text, for text that is known to be JSON; values as a whole are jsonscan.h's.
 *
 * Pure functions; what is between p and end is looked at, and nothing behind it. */
#ifndef WEIR_PLUGINS_LUA_TOKEN_H
#define WEIR_PLUGINS_LUA_TOKEN_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

extern const char token_arrays;

const char *token_space(const char *p, const char *end);      /* behind white space */
const char *token_string_end(const char *p, const char *end); /* p: at its first quote */
const char *token_word_end(const char *p, const char *end);   /* of a number, true, false or null */
/* The text of the string from its first quote to behind its last. */
void token_push_string(lua_State *, const char *p, const char *end);

struct token_number {
    bool whole; /* an integer of 64 bits: i; else f, the nearest double */
    lua_Integer i;
    lua_Number f;
};
struct token_number token_number(lua_State *, const char *p, const char *end);

#endif
