/* SPDX-License-Identifier: BSD-2-Clause */
/* encode.h - format = raw | record: what a record looks like as a line, and which results a batch of them had.
 *
 * Used by the file, std and exec plugins.  Home thread only. */
#ifndef WEIR_PLUGINS_ENCODE_H
#define WEIR_PLUGINS_ENCODE_H

#include "lines.h"

#include <weir/plugin.h>

enum { ENCODE_RAW, ENCODE_RECORD };                         /* index into encode_formats */
enum { TOMBSTONE_REJECT, TOMBSTONE_DROP, TOMBSTONE_EMPTY }; /* index into encode_tombstones */
extern const char *const encode_formats[];
extern const char *const encode_tombstones[];

/* The line of record i without its line feed; borrowed until the next call.  AGAIN: nothing is to be written for it
 * (tombstone = drop).  REJECT: *ret_why says why it can't be a line. */
int encode_line(struct weir_ctx *, int64_t format, int64_t tombstone, const struct weir_batch *, uint32_t i,
                const struct weir_record *, struct weir_slice *ret, const char **ret_why);

#define REJECTS_TEXT (64u << 10) /* bytes of reasons kept for one batch */

/* The records of a batch that failed, with their reasons, until complete(). */
struct rejects {
    struct weir_ctx *ctx;
    struct weir_result *list;
    uint32_t n, cap;
    char *text; /* REJECTS_TEXT bytes, NULL while there was no reason to keep */
    size_t used;
    const char *last;
};
void rejects_init(struct rejects *, struct weir_ctx *);
void rejects_clear(struct rejects *);
/* Copies why. */
void rejects_add(struct rejects *, uint32_t index, const char *why);
void rejects_free(struct rejects *);

/* Emits the n records lines_fill (or lines_last) just filled, and takes from the lines what the host took.  raw: as a
 * run inside the buffer; record: each read as a record object, in the place (shard, seq, next) of its line; a line
 * that is none becomes a record error.  OK: all went; AGAIN: the host is full. */
int encode_lines(struct weir_ctx *, struct weir_emitter *, int64_t format, struct lines *,
                 struct weir_record *recs, uint32_t n, const char *where);
/* The line lines_long gave becomes a record error; gives what emit_bad gave. */
int encode_long(struct weir_ctx *, struct weir_emitter *, struct lines *, const struct weir_record *,
                const char *where);

#endif
