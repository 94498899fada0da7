/* SPDX-License-Identifier: BSD-2-Clause */
/* table.h - things found by bytes: a chained hash table whose entries have the user's parts.
 *
 * Owns: its buckets and its entries.  One thread at a time.  Where bytes fall depends on a number drawn at the start, so
 * that nobody who writes keys can make them collide.  Memory of entries that were removed serves the next ones: where
 * as many go as come, none is allocated. */
#ifndef WEIR_PLUGINS_TABLE_H
#define WEIR_PLUGINS_TABLE_H

#include <weir/plugin.h>

struct entry { /* the first member of what is kept */
    struct entry *next;
    uint64_t hash;
    struct weir_slice key; /* behind what is kept */
    size_t room;           /* of all of it, key included */
};

struct table {
    struct weir_ctx *ctx;
    struct entry **buckets;
    size_t n_buckets, count;
    struct entry *spare; /* removed */
    size_t n_spare;
    uint64_t seed;
};

void table_init(struct table *, struct weir_ctx *);
void table_free(struct table *);
struct entry *table_find(const struct table *, struct weir_slice key);
/* A new entry of so many bytes, zeroed, with a copy of a key that is not in the table. */
void *table_add(struct table *, size_t size, struct weir_slice key);
void table_remove(struct table *, struct entry *);
/* A hash of bytes that is the same in every run for seed 0. */
uint64_t table_hash(uint64_t seed, struct weir_slice);

#endif
