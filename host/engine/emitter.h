/* SPDX-License-Identifier: BSD-2-Clause */
/* emitter.h - where a source's poll and a transform's process put records, for the length of that call. */
#ifndef WEIR_HOST_EMITTER_H
#define WEIR_HOST_EMITTER_H

#include "delivery/deadletter.h"
#include "instance/instance.h"
#include "record/batch.h"

struct intake;

struct weir_emitter {
    struct instance *instance;
    struct intake *intake; /* a source's; else: */
    struct weir_batch *in, *out;
    struct weir_batch *process; /* what the plugin sees: in, or a selection of it */
    uint32_t *outputs;          /* of each input */
    uint8_t *rejected;          /* each input */
    /* behind a `when`; else NULL: */
    const uint32_t *map;      /* index in process's batch -> index in `in` */
    const uint8_t *concerned; /* each input: process sees it */
    uint32_t mapped;          /* records of process's batch */
    uint32_t passed;          /* inputs below it that are not concerned were passed on */
    struct rejects rejects;
    bool several;    /* some input had more than one output */
    bool one_to_one; /* and none may */
    /* hold.c, of a transform that holds records; else NULL: */
    struct holds *holds;
    uint32_t *held;               /* times each input was held */
    struct ledger_batch *bundles; /* of records made of several */
    struct weir_batch *bundled;   /* the several, in a chunk of bundles' */
    struct weir_batch *dropped;   /* records of groups, in a chunk */
    struct hold *awaited;         /* the group that is to be given away; NULL once it is */
    bool gave;                    /* something was held or given away: the call can't be taken back */
};

/* The host services of that name, for transforms (transform_emit.c, hold.c) and sources (intake_emit.c). */
int emitter_pass(struct weir_emitter *, uint32_t first, uint32_t n);
int emitter_emit_from(struct weir_emitter *, uint32_t parent, const struct weir_record *, size_t size,
                      struct weir_buf *);
int emitter_emit_edit(struct weir_emitter *, uint32_t parent, const struct weir_edit *, uint32_t n,
                      uint32_t stride, const char **ret_why);
int emitter_reject(struct weir_emitter *, uint32_t parent, const struct weir_result *);
int emitter_hold(struct weir_emitter *, uint32_t parent, struct weir_batch **group, int64_t until,
                 void *opaque);
int emitter_emit_held(struct weir_emitter *, struct weir_batch *group, const struct weir_record *,
                      size_t size, struct weir_buf *);
int emitter_pass_held(struct weir_emitter *, struct weir_batch *group);
int emitter_reject_held(struct weir_emitter *, struct weir_batch *group, const struct weir_result *);
int emitter_emit(struct weir_emitter *, const struct weir_run *, uint32_t *ret_taken);
int emitter_emit_bad(struct weir_emitter *, const struct weir_record *, size_t size,
                     const struct weir_result *);
/* Has record i of the batch that process sees hold its edits in its value, unless it was emitted already. */
void emitter_print(struct weir_emitter *, const struct weir_batch *, uint32_t i);
/* The same, and its document is read from that value anew: what is found in it lies in one text then. */
void emitter_print_anew(struct weir_emitter *, const struct weir_batch *, uint32_t i);
/* Where input `parent` of process stands in `in`; false: it is none. */
bool emitter_input(const struct weir_emitter *, uint32_t parent, uint32_t *ret);
/* The call is taken back: edits it made in place are undone. */
void emitter_undo(struct weir_emitter *);
/* Passes what `when` does not concern, up to but not including input `until` of `in`. */
void emitter_pass_unconcerned(struct weir_emitter *, uint32_t until);

#endif
