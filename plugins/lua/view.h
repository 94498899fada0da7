/* SPDX-License-Identifier: BSD-2-Clause */
/* view.h - a record as the table that a script sees, and the records that a script gives back.
 *
 * Fields are made when they are looked at.  What was neither looked at nor set leaves as it came. */
#ifndef WEIR_PLUGINS_LUA_VIEW_H
#define WEIR_PLUGINS_LUA_VIEW_H

#include "../common/each.h"
#include "text.h"

#include <lua.h>

/* A record that the script gave back.  Its bytes are the parent's, or each_alloc's, but those of a printed value: these
 * stand in view.text, which moves while it grows. */
struct view_out {
    struct weir_record record;
    size_t at;    /* where its value stands there */
    bool printed; /* it does */
    bool same;    /* nothing is different from the parent */
};

struct view {
    struct weir_ctx *ctx;
    bool as_text; /* value = text: a string of Lua's, whatever it is */
    size_t max_records;
    struct each *each;  /* the record, and memory until the next one */
    int status;         /* not OK: what the host said, to be returned by process */
    const void *table;  /* of this record, as lua_topointer tells it */
    unsigned touched;   /* 1 << FIELD: it was looked at or set */
    bool parsed, twice; /* its value was found to be JSON; a key stands twice in it */
    size_t kept;        /* bytes that view_room gave since view_push */
    struct text text;
    struct view_out *out;
    size_t n_out, room;
};

/* Makes what records need in a new state. */
void view_open(lua_State *, struct view *);
/* Pushes the table of each->record, which is the current one from then on. */
void view_push(lua_State *, struct view *);
/* Bytes that stay until the next record, within text.most for all of them. */
void *view_room(lua_State *, struct view *, size_t n);
/* Reads what the script returned, on top of the stack, into out. */
void view_take(lua_State *, struct view *);

#endif
