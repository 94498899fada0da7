/* SPDX-License-Identifier: BSD-2-Clause */
/* batch.h - records on their way: arrays of records over bytes that somebody else holds.
 *
 * A *chunk* is a batch that a source or a transform made: it owns arrays, documents and references to the buffers
 * its records point into.  A *selection* is what a sink is lent: records of one or more chunks, which it keeps alive;
 * a contiguous part of one chunk is borrowed as it is.  Every record knows its origin, the entry in the books.
 * Threads: built by one thread, immutable afterwards except for the documents (published atomically) and the
 * reference count; freed by whichever thread lets go last. */
#ifndef WEIR_HOST_BATCH_H
#define WEIR_HOST_BATCH_H

#include "arena.h"
#include "json.h"
#include "subject.h"

#include "budget.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <weir/plugin.h>

struct weir_buf {
    _Atomic uint32_t refs;
    size_t bytes;
    struct budget *budget;
    void (*release)(void *opaque); /* NULL: the bytes follow this struct */
    void *opaque;
};
struct weir_buf *buf_alloc(struct budget *, size_t n, void **ret_data);
struct weir_buf *buf_wrap(struct budget *, size_t n, void (*release)(void *), void *opaque);
void buf_ref(struct weir_buf *);
void buf_unref(struct weir_buf *);

struct ledger_batch; /* delivery/ledger.h */

struct origin {
    struct ledger_batch *books;
    uint32_t index;
};

/* A record's JSON, once somebody asked: doc NULL means it is none, for the reason why. */
struct parsed {
    struct json_doc *doc;
    const char *why;
    bool printed;        /* pending edits stand in the record's value */
    struct edited *last; /* pending edits, the last one first: to take back those of one stage */
};
struct edited {
    struct edited *before;
    const void *by;        /* the stage */
    struct weir_edit edit; /* value is a copy */
};
/* Memory for documents; one per thread that parses, so no lock is needed. */
struct doc_arena;

struct weir_batch {
    _Atomic uint32_t refs;
    struct budget *budget;
    size_t charged; /* bytes this batch itself took from the budget */
    struct weir_record *records;
    uint32_t count, room;
    uint32_t attempt;
    uint64_t bytes; /* keys, values, headers */

    /* a chunk: */
    struct origin *origins;
    _Atomic(struct parsed *) *_Atomic docs; /* one slot a record */
    _Atomic(struct doc_arena *) doc_arenas;
    struct arena arena; /* bytes copied for it */
    struct weir_buf **owners;
    uint32_t n_owners, owners_room;
    bool several; /* one input may stand in it more than once: sub is to be numbered */

    /* a selection: record i is record first + i of base, or refs_to[i] */
    struct weir_batch *base;
    uint32_t first;
    struct batch_ref {
        struct weir_batch *chunk;
        uint32_t index;
    } * refs_to;

    /* a chunk that is not as its source made it: what its records were when they were read */
    const struct weir_batch
        *root; /* the source's chunk, kept alive by parents; NULL: this one, or see originals */
    struct weir_record *originals; /* of copies, one a record; beside a root those with a shard; NULL: none */
    struct weir_batch *next;       /* in a list of whose it is */
    void *hold;                    /* engine/hold.c: of a group that a transform holds */

    struct weir_batch **parents; /* kept alive */
    uint32_t n_parents, parents_room;
};

/* An empty chunk with room for n records. */
struct weir_batch *batch_new(struct budget *, uint32_t room);
void batch_ref(struct weir_batch *);
void batch_unref(struct weir_batch *);
void batch_grow(struct weir_batch *, uint32_t more);
/* No record is in the chunk any more, and nothing of it in the budget; its arrays stay for the next ones. */
void batch_empty(struct weir_batch *);
/* Accounts what the batch now holds; called when it is complete, and again when it grew. */
void batch_seal(struct weir_batch *);
void batch_own(struct weir_batch *, struct weir_buf *);          /* takes a reference of its own */
void batch_keep(struct weir_batch *, struct weir_batch *parent); /* likewise */
/* Copies everything a record points to into the batch's arena. */
void batch_copy_bytes(struct weir_batch *, struct weir_record *);
/* The same of a record made from `from`, whose chunk the batch keeps: what is still that one's bytes is not copied. */
void batch_copy_changed(struct weir_batch *, struct weir_record *, const struct weir_record *from);
/* The same bytes at the same place. */
static inline bool slice_same(struct weir_slice a, struct weir_slice b)
{
    return a.ptr == b.ptr && a.len == b.len;
}
uint64_t record_bytes(const struct weir_record *);

/* Records first .. first + n - 1 of a batch, by reference. */
struct weir_batch *batch_slice(struct weir_batch *, uint32_t first, uint32_t n);
/* Where record i of any batch stands in its chunk. */
struct batch_ref batch_at(const struct weir_batch *, uint32_t i);
struct origin batch_origin(const struct weir_batch *, uint32_t i);
/* An empty selection; records are added with batch_select. */
struct weir_batch *batch_selection(struct budget *, uint32_t room);
void batch_select(struct weir_batch *to, const struct weir_batch *from, uint32_t i);
/* Appends a record to a chunk with copies of all its bytes: for what outlives its batch. */
void batch_append_copy(struct weir_batch *to, const struct weir_record *, struct origin);
/* Appends record i of a batch, with what it was when it was read; their bytes are still that one's, ... */
void batch_append_ref(struct weir_batch *to, const struct weir_batch *from, uint32_t i);
/* ... until those of the records from `first` on are copied. */
void batch_own_bytes(struct weir_batch *, uint32_t first);
/* Both: a record with copies of all its bytes. */
void batch_append_again(struct weir_batch *to, const struct weir_batch *from, uint32_t i);
/* Notes what record k of the chunk was when it was read; what it points to must live as long. */
void batch_note_original(struct weir_batch *, uint32_t k, const struct weir_record *);
/* A chunk that a transform makes out of `in`, which it keeps. */
void batch_descend(struct weir_batch *, struct weir_batch *in);
/* Record i as its source gave it. */
const struct weir_record *batch_original(const struct weir_batch *, uint32_t i);

/* The document of record i, parsed when nobody did yet.  owner: who parses (its thread's loop). */
struct parsed *batch_json(const struct weir_batch *, uint32_t i, const void *owner);
/* The document if somebody parsed it, else NULL. */
struct parsed *batch_json_known(const struct weir_batch *, uint32_t i);
/* Memory that lives as long as the chunk, for this owner; batch_charge_docs accounts what it took since. */
struct arena *batch_doc_arena(const struct weir_batch *chunk, const void *owner);
void batch_charge_docs(const struct weir_batch *chunk, const void *owner);
/* Hands record i's document on to record k of another chunk, which keeps the first alive. */
void batch_json_pass(struct weir_batch *to, uint32_t k, const struct weir_batch *from, uint32_t i);
void batch_json_put(struct weir_batch *to, uint32_t k, struct parsed *);
/* Prints pending edits of a chunk, so that value holds the bytes. */
void batch_print_edits(struct weir_batch *);
/* The same of one record. */
void batch_print_at(struct weir_batch *chunk, uint32_t i);
void batch_grow_docs(struct weir_batch *, uint32_t room);
/* No record has a document any more; memory of them stays until the batch goes. */
void batch_forget_docs(struct weir_batch *);
void batch_free_docs(struct weir_batch *);

/* The subject of record i for expressions and templates; scratch is the caller's. */
struct batch_subject {
    struct subject subject;
    const struct weir_batch *batch;
    uint32_t index;
    const void *owner;
};
void batch_subject_init(struct batch_subject *, const struct weir_batch *, const void *owner,
                        struct arena *scratch);
const struct subject *batch_subject_at(struct batch_subject *, uint32_t i);

#endif
