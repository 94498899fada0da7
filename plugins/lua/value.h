/* SPDX-License-Identifier: BSD-2-Clause */
/* value.h - JSON as Lua values, and back: what the script left as it was keeps its bytes.
 *
 * Inside script_run only, for both raise Lua errors.
 *
 * Objects are tables, arrays are tables with a metatable of their own, null is a light userdata (the global null).
 * Numbers without point and exponent that fit 64 bits are integers, all others floats. */
#ifndef WEIR_PLUGINS_LUA_VALUE_H
#define WEIR_PLUGINS_LUA_VALUE_H

#include "text.h"

#include <lua.h>

#define VALUE_LEVELS 500 /* of nesting, as the host */

/* Makes the globals null and array, and the metatable of arrays. */
void value_open(lua_State *);
/* Pushes a JSON text that the host found to be one.  *ret_twice: an object has a key more than once; the last one is meant. */
void value_push(lua_State *, struct weir_slice json, bool *ret_twice);
/* Appends the JSON text of the value on top of the stack.  was: the text whose place it takes (ptr NULL: none); a part
 * of it that is still the same is copied, and the order of its keys kept.  True: something is not the same, or there
 * was no text. */
bool value_print(lua_State *, struct text *, struct weir_slice was);
/* Whether the table at that index is an array of JSON; pops nothing. */
bool value_is_array(lua_State *, int index);

#endif
