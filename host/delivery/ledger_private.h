/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger_private.h - what the books are made of, for ledger.c and bundle.c.  All of it under the ledger's lock. */
#ifndef WEIR_HOST_LEDGER_PRIVATE_H
#define WEIR_HOST_LEDGER_PRIVATE_H

#include "ledger.h"

#include "record/batch.h"

#define NONE UINT32_MAX

struct entry {
    uint64_t next;      /* position after the record */
    uint32_t segment;   /* in segments */
    uint32_t following; /* entry of the same segment, or NONE */
    uint32_t copies;    /* not ended */
    uint32_t worst;     /* enum outcome so far */
};

struct segment { /* the entries of one shard in one batch, or a skip: a position without entries */
    struct shard *shard;
    struct segment *after;      /* in the shard's queue */
    struct ledger_batch *batch; /* NULL: a skip, freed alone */
    uint64_t next;              /* position behind the last entry */
    uint32_t first, last, count, open;
    struct segment *in_batch; /* next segment of the batch */
    uint32_t number;
    bool returned;
};

/* A number that others read without the lock and only its holder changes: no locked instruction is needed. */
static inline void count(_Atomic uint64_t *number, uint64_t delta)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + delta,
                          memory_order_relaxed);
}

static inline uint64_t peek(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static inline void put(_Atomic uint64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

/* Says that the numbers stored before it mean something. */
static inline void say(_Atomic bool *flag)
{
    atomic_store_explicit(flag, true, memory_order_release);
}

static inline bool said(const _Atomic bool *flag)
{
    return atomic_load_explicit(flag, memory_order_relaxed);
}

/* One copy of an entry ends; true when with it the whole ledger became idle. */
bool ledger_entry_end(struct ledger *, struct origin, enum outcome);
/* The last copy of a bundle ended: so does one copy of each record it was made of. */
bool ledger_bundle_end(struct ledger *, struct origin, enum outcome);
void ledger_list(struct ledger_batch *);
/* Unlocks, then tells and frees what may not be done under the lock. */
void ledger_let_go(struct ledger *, bool idle);

#endif
