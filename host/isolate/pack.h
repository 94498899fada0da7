/* SPDX-License-Identifier: BSD-2-Clause */
/* pack.h - numbers, texts, records and results as bytes, for the line between weir and a plugin's process.
 *
 * Both ends are one program, so the bytes have no version; but the plugin may have written over anything in its
 * process, so whoever reads trusts no length.  Thread: the caller's. */
#ifndef WEIR_HOST_PACK_H
#define WEIR_HOST_PACK_H

#include "record/arena.h"
#include "record/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

struct
    unpack { /* what is left to be read; bad: it was not what it should be, and all further reads give nothing */
    const char *at, *end;
    bool bad;
};

void pack_number(struct strbuf *, uint64_t);
void pack_slice(struct strbuf *, struct weir_slice); /* ptr NULL is kept apart from empty */
void pack_text(struct strbuf *, const char *);       /* NULL likewise */
uint64_t unpack_number(struct unpack *);
struct weir_slice unpack_slice(struct unpack *); /* borrows the bytes */
const char *unpack_text(struct unpack *);

/* One record; shard: what stands for its shard on this line, same_topic: its topic is the shard's, sent before. */
void pack_record(struct strbuf *, const struct weir_record *, uint64_t shard, bool same_topic);
/* Fills all but shard, topic too unless *ret_same_topic; slices borrow the bytes, the array of headers is the arena's. */
bool unpack_record(struct unpack *, struct arena *, struct weir_record *ret, uint64_t *ret_shard,
                   bool *ret_same_topic);

/* The description of a shard, under the number that stands for it. */
void pack_shard(struct strbuf *, const struct weir_shard *, uint64_t number);
bool unpack_shard(struct unpack *, struct weir_shard *ret, uint64_t *ret_number);

/* A batch: how many, then each record, behind the description of its shard where that is another than before.
 * without: a mark for each that is left out; NULL: none. */
void pack_records(struct strbuf *, const struct weir_record *, uint32_t count, const uint8_t *without);

/* type and why are kept as texts. */
void pack_result(struct strbuf *, const struct weir_result *);
bool unpack_result(struct unpack *, struct weir_result *ret);

#endif
