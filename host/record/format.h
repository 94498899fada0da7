/* SPDX-License-Identifier: BSD-2-Clause */
/* format.h - format = record: one JSON object a line that holds everything a record is, lossless both ways
 * (docs/formats.md).  Pure functions, any thread. */
#ifndef WEIR_HOST_FORMAT_H
#define WEIR_HOST_FORMAT_H

#include "arena.h"
#include "strbuf.h"

#include <weir/plugin.h>

/* Appends the object, without line feed. */
void format_print(const struct weir_record *, struct strbuf *out);
/* Reads one such object; everything in *ret borrows from line or from the arena.  shard, seq, next are left 0.
 * WEIR_REJECT with a sentence in *ret_why (static or in the arena). */
int format_parse(struct arena *, struct weir_slice line, struct weir_record *ret, const char **ret_why);

#endif
