/* SPDX-License-Identifier: BSD-2-Clause */
/* pack.h - compress = gzip | zstd: bytes to one whole gzip member or zstd frame, and whole members found again.
 *
 * Members stand alone and follow each other in a file, which zcat and zstd -d read as one text.  So a file may be cut
 * at the end of any member.  One packer serves all files of a sink; its thread only. */
#ifndef WEIR_PLUGINS_FILE_PACK_H
#define WEIR_PLUGINS_FILE_PACK_H

#include <weir/plugin.h>

#include <stdbool.h>

enum pack_kind { PACK_NONE, PACK_GZIP, PACK_ZSTD }; /* index into pack_names */
extern const char *const pack_names[];
/* "gzip member", "zstd frame" */
extern const char *const pack_words[];

struct pack;
/* Takes compressed bytes; not OK ends the member, and is what pack_member gives. */
typedef int (*pack_put)(void *opaque, const char *bytes, size_t n);

/* Whether this build can do it. */
bool pack_built(int64_t kind);
/* NULL: there is no memory for it.  Allocates all it will need. */
struct pack *pack_new(struct weir_ctx *, int64_t kind);
void pack_free(struct pack *); /* NULL: nothing */
/* The n parts, one after the other, as one member. */
int pack_member(struct pack *, const struct weir_slice *parts, unsigned n, pack_put, void *opaque);

enum pack_end {
    PACK_WHOLE,   /* nothing but members */
    PACK_CUT,     /* the last member ends too early */
    PACK_FOREIGN, /* there is something else in it */
    PACK_UNREAD   /* it can't be read, errno */
};
/* Whether the file of len bytes begins like a member; of a shorter one, whether it could become one. */
bool pack_begins(int64_t kind, int fd, uint64_t len);
/* Reads all of it.  *ret_end: where the last whole member ends. */
enum pack_end pack_examine(struct weir_ctx *, int64_t kind, int fd, uint64_t len, uint64_t *ret_end);

#endif
