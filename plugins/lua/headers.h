/* SPDX-License-Identifier: BSD-2-Clause */
/* headers.h - a record's headers as a Lua table from name to text, and back.
 *
 * Of a name that stands more than once the table has the last one.  Inside script_run only. */
#ifndef WEIR_PLUGINS_LUA_HEADERS_H
#define WEIR_PLUGINS_LUA_HEADERS_H

#include "view.h"

#include <lua.h>
#include <stdbool.h>

void headers_push(lua_State *, const struct weir_record *);
/* Puts what the table on top of the stack says into the record: headers it has as they were stay, in their place, those
 * it has no more go, those that are new stand behind them in the order of their names' bytes.  True: it changed. */
bool headers_take(lua_State *, struct view *, struct weir_record *);

#endif
