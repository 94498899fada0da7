/* SPDX-License-Identifier: BSD-2-Clause */
/* state.h - what a pipeline must know after a restart: positions, and keyed bytes of its plugins.
 *
 * Owns: one locked SQLite file per pipeline (WAL).  Puts are kept in memory until the next commit, which writes them
 * and the positions in one transaction: after a crash both are of the same moment.  Thread: any; one lock. */
#ifndef WEIR_HOST_STATE_H
#define WEIR_HOST_STATE_H

#include "record/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

struct state;

struct state_position {
    struct weir_slice shard; /* its id */
    uint64_t next;
    struct weir_slice data;
};

/* The folder for state: dir if given, else $STATE_DIRECTORY, else the installed one if writable, else the user's. */
void state_choose_dir(const char *dir, struct strbuf *ret);
/* Opens or creates DIR/NAME.db and locks it; NULL and a sentence in why. */
struct state *state_open(const char *dir, const char *name, struct strbuf *why);
/* Another one on the same file and lock, with puts of its own: for a reader that commits by itself. */
struct state *state_open_beside(const struct state *, struct strbuf *why);
void state_close(struct state *);
/* Its file, for messages and for takeover.c; borrowed. */
const char *state_file(const struct state *);

/* The stored position of a shard for a reader ("": the pipeline's only one).  OK; AGAIN: there is none; FATAL: the file
 * can not be read, the reason was logged. */
int state_position(struct state *, const char *reader, struct weir_slice shard, uint64_t *ret_next,
                   struct strbuf *ret_data);
/* One transaction: all puts since the last and these positions.  False: nothing was written, puts are kept, why says
 * what is wrong. */
bool state_commit(struct state *, const char *reader, const struct state_position *, uint32_t n,
                  struct strbuf *why);
/* The file was taken away or replaced under us: no commit will succeed any more. */
bool state_lost(struct state *);
/* Stores what this owner put, and nothing else: of what others put, a commit may be half done. */
bool state_store(struct state *, const char *owner, struct strbuf *why);
/* Something was put since the last commit. */
bool state_dirty(struct state *);

/* What was put and never stored is gone, and so is what is put from now on (a commit may be under way): at the end, so
 * that a sink that closes sees what the next start will find. */
void state_forget(struct state *);
/* Puts count again: when all threads of the pipeline have ended, and somebody has more to store. */
void state_again(struct state *);

void state_put(struct state *, const char *owner, struct weir_slice key, struct weir_slice value);
/* What was put last, stored or not; returns as state_position does. */
int state_get(struct state *, const char *owner, struct weir_slice key, struct strbuf *ret);
/* In key order, pending puts included but not stored by it; stops when each() does not return WEIR_OK. */
int state_scan(struct state *, const char *owner, struct weir_slice prefix,
               int (*each)(void *opaque, struct weir_slice key, struct weir_slice value), void *opaque);

#endif
