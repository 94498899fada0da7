/* SPDX-License-Identifier: BSD-2-Clause */
/* each.h - a batch, record by record: what every transform that looks at one record at a time does around its work.
 *
 * Used by the transforms that make at most one record of each.  Home thread only.  A transform says what becomes of a
 * record by what its function gathers and returns; runs of records that nothing was done to pass in one piece. */
#ifndef WEIR_PLUGINS_EACH_H
#define WEIR_PLUGINS_EACH_H

#include <weir/helpers.h>

struct each_block;

struct each {
    struct weir_ctx *ctx;
    const struct weir_batch *batch;
    const struct weir_record *record; /* the one it is about now, number i of the batch */
    uint32_t i;

    struct weir_emitter *to; /* from here on: each.c's own */
    uint32_t passing;        /* records before i that were left alone begin here */
    struct weir_edit *edits;
    size_t n_edits, room;
    struct each_block *blocks; /* what each_alloc gave, the newest first */
    const char *why, *type;
};

/* What the function returns of a record: WEIR_OK: gathered edits are applied, and without any it passes as it is;
 * WEIR_REJECT: it is rejected for the reason each_reject gave; EACH_DROP: it is dropped; EACH_DONE: each_emit was
 * called.  Anything else ends process. */
enum { EACH_DROP = 100, EACH_DONE };
typedef int each_fn(void *self, struct each *);

/* What is to become of a record that lacks a field: the option on-missing has these values. */
enum { MISSING_KEEP, MISSING_DROP, MISSING_REJECT, MISSING_NULL };
extern const char *const missings[];

void each_init(struct each *, struct weir_ctx *);
void each_free(struct each *);
/* Calls one() for every record of the batch but tombstones, which pass.  want: WEIR_WANT_VALUE when it looks at the
 * bytes of values. */
int each_run(struct each *, const struct weir_batch *, struct weir_emitter *, uint32_t want, each_fn *one,
             void *self);
/* The same for all records, tombstones (record->value.ptr NULL) too. */
int each_run_all(struct each *, const struct weir_batch *, struct weir_emitter *, uint32_t want, each_fn *one,
                 void *self);

/* Of the record it is about: */
/* Bytes that stay until the next record. */
void *each_alloc(struct each *, size_t n);
/* The value at path (NULL: the whole value); what is not OK is to be returned. */
int each_json(struct each *, const struct weir_path *, struct weir_span *ret);
/* Checks that the value is JSON, of type WEIR_JSON_*; what is not OK is to be returned. */
int each_json_check(struct each *, uint32_t *ret_type);
/* The text of a string span, which stays until the next record. */
struct weir_slice each_string(struct each *, const struct weir_span *);
/* A rendered template, which stays until the next record; what is not OK is to be returned. */
int each_render(struct each *, const struct weir_template *, struct weir_slice *ret);
/* Gathers an edit, WEIR_EDIT_*; what value points to must stay until the function returns. */
void each_edit(struct each *, uint32_t op, const struct weir_path *, struct weir_slice value);
/* Takes the gathered edits back. */
void each_unedit(struct each *);
/* Sends a changed copy in its place; bytes are copied unless they lie in the record itself, which flags then say.
 * To be returned. */
int each_emit(struct each *, const struct weir_record *changed);
/* The record can't be worked on, for that reason; type: a stable word for dead letters.  To be returned. */
WEIR_PRINTF(3, 4) int each_reject(struct each *, const char *type, const char *why, ...);
/* The field is missing, or of a type that does not fit: MISSING_KEEP leaves it alone, MISSING_NULL gathers an edit that sets
 * it to null.  To be returned when it is not OK. */
WEIR_PRINTF(4, 5)
int each_missing(struct each *, int64_t policy, const struct weir_path *, const char *why, ...);

#endif
