/* SPDX-License-Identifier: BSD-2-Clause */
/* marks.h - the positions that a program gave its records, until they are committed.  Home thread of the source.
 *
 * Records are numbered; the mark of number n is the position with which the program goes on there: that of record
 * n - 1.  There is always one: the first is that of the last commit, or of the start. */
#ifndef WEIR_PLUGINS_EXEC_MARKS_H
#define WEIR_PLUGINS_EXEC_MARKS_H

#include <weir/plugin.h>

#include <stdbool.h>
#include <stddef.h>

#define MARK_MAX 1024u /* bytes of a position, as in weir_position */

struct mark;
struct marks {
    struct weir_ctx *ctx;
    uint64_t number; /* of items[begin] */
    size_t begin, end, cap;
    struct mark *items;
    size_t bytes_end, bytes_cap;
    char *bytes;
};

/* The only mark from now on; borrowed bytes are copied. */
void marks_reset(struct marks *, struct weir_ctx *, uint64_t number, struct weir_slice position);
void marks_free(struct marks *);
/* The mark of the next number. */
void marks_add(struct marks *, struct weir_slice position);
/* Borrowed until the next change; false: it is not known. */
bool marks_get(const struct marks *, uint64_t number, struct weir_slice *ret);
struct weir_slice marks_last(const struct marks *);
/* Those before that number are not asked for again. */
void marks_drop(struct marks *, uint64_t number);
/* Bytes that the marks take. */
size_t marks_size(const struct marks *);

#endif
