/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.h - cuts a stream of bytes into lines without copying them: records point into the buffer they were read to.
 *
 * Used by the file and std sources.  One thread at a time.  Limits: a line is at most max_line bytes, the buffer at
 * most LINES_CHUNK bytes or twice a line, whichever is larger. */
#ifndef WEIR_PLUGINS_LINES_H
#define WEIR_PLUGINS_LINES_H

#include <weir/plugin.h>

#include <stdbool.h>

#define LINES_CHUNK (256u << 10) /* bytes asked for at once */
#define LINES_HEAD  1024u        /* bytes kept of a line that is too long */

struct lines {
    struct weir_ctx *ctx;
    struct weir_buf *buf; /* one reference; NULL: no bytes are held */
    char *data;
    size_t cap, begin, scan,
        end;       /* begin: first line not taken; scan: no line feed before it; end: bytes read */
    uint64_t base; /* place of data[0] in the stream */
    size_t max_line;
    bool shared;   /* an emit named the buffer: it is read-only now */
    bool skipping; /* inside a line that is too long */
    bool long_end; /* its end was found: lines_long gives it */
    uint64_t long_begin, long_next;
    char *head; /* its first bytes, NULL while there was none */
};

/* A stream that goes on at `place`. */
void lines_init(struct lines *, struct weir_ctx *, size_t max_line, uint64_t place);
/* Forgets what is held and goes on at `place`; gives the memory back. */
void lines_reset(struct lines *, uint64_t place);
/* Room to read into when about `want` bytes are waiting; *ret_n is never 0.  Ends the validity of no record. */
void *lines_room(struct lines *, size_t want, size_t *ret_n);
void lines_added(struct lines *, size_t n);
/* Where the next line not taken begins; where the next byte to read lies. */
uint64_t lines_begin(const struct lines *);
uint64_t lines_end(const struct lines *);
/* Fills value, offset, seq and next of up to max records with the next lines, together at most max_bytes (but at least
 * one line); gives how many.  They borrow the buffer (lines->buf as owner).  0: more bytes are needed, or lines_long. */
uint32_t lines_fill(struct lines *, struct weir_record *, uint32_t max, uint64_t max_bytes);
/* The first n of the last lines_fill were emitted with the buffer as owner (shared) or copied. */
void lines_taken(struct lines *, const struct weir_record *, uint32_t n, bool shared);
/* True when the next line is too long: the record is its place and its first bytes.  lines_long_taken passes it. */
bool lines_long(const struct lines *, struct weir_record *);
void lines_long_taken(struct lines *);
/* At the end of the stream: true when bytes without line feed are left, as record or (see lines_long) too long. */
bool lines_last(struct lines *, struct weir_record *);

#endif
