/* SPDX-License-Identifier: BSD-2-Clause */
/* script.h - a Lua state with one script in it, which can reach nothing outside and is bound in time and memory.
 *
 * Owns the state and all of its memory.  Home thread only.  Whatever may raise a Lua error runs inside script_run. */
#ifndef WEIR_PLUGINS_LUA_SCRIPT_H
#define WEIR_PLUGINS_LUA_SCRIPT_H

#include "pool.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdbool.h>

#include <weir/helpers.h>

struct script {
    struct weir_ctx *ctx;
    lua_State *L;
    const char *name;       /* as Lua shows it: "@FILE", "=code" */
    struct weir_slice text; /* borrowed */
    lua_CFunction prepare;  /* called in a new state before the script is loaded; gets opaque */
    void *opaque;
    int64_t instructions; /* allowed in one run; counted in steps of a thousand */
    int64_t left;
    bool over;        /* this run was told that it is over */
    bool cut;         /* it went on, and was left where it stood: the state can't be used any more */
    struct pool pool; /* its limit is set by who makes it */
    jmp_buf back;
    char why[400]; /* of the last run that failed: a sentence, with the line where there is one */
};

/* A new state, the script loaded and run once; the fields from ctx to opaque, instructions and pool.limit are set.  False:
 * why says it. */
bool script_make(struct script *);
void script_free(struct script *);
/* Calls f(arg) in protected mode, within the limits.  False: why says it. */
bool script_run(struct script *, lua_CFunction f, void *arg);
/* After a run that failed: has the state fit for the next one.  *ret_anew: it is a new one, and what the script had kept in
 * its globals is gone.  False: the script does not load again, and why says it. */
bool script_recover(struct script *, bool *ret_anew);
struct script *script_of(lua_State *);

/* The libraries, without what leads outside; sandbox.c. */
void sandbox_open(lua_State *);

#endif
