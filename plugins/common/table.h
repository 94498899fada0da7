/* SPDX-License-Identifier: BSD-2-Clause */
/* table.h - things found by bytes: a chained hash table whose entries are the user's.
 *
 * Owns: its buckets.  One thread at a time.  Where bytes fall depends on a number drawn at the start, so that nobody
 * who writes keys can make them collide. */
#ifndef WEIR_PLUGINS_TABLE_H
#define WEIR_PLUGINS_TABLE_H

#include <weir/plugin.h>

struct entry { /* the first member of what is kept */
    struct entry *next;
    uint64_t hash;
    struct weir_slice key; /* must stay while it is in the table */
};

struct table {
    struct weir_ctx *ctx;
    struct entry **buckets;
    size_t n_buckets, count;
    uint64_t seed;
};

void table_init(struct table *, struct weir_ctx *);
void table_free(struct table *); /* the buckets; entries are the user's */
struct entry *table_find(const struct table *, struct weir_slice key);
/* The key is set, and not in the table. */
void table_add(struct table *, struct entry *);
void table_remove(struct table *, struct entry *);
/* A hash of bytes that is the same in every run for seed 0. */
uint64_t table_hash(uint64_t seed, struct weir_slice);

#endif
