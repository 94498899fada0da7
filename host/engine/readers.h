/* SPDX-License-Identifier: BSD-2-Clause */
/* readers.h - all that runs for one file: one pipeline, or with fan-out = independent one for each sink.
 *
 * Owns: the pipelines, and the dead-letter sink that several of them share.  They share one state file and its lock;
 * each has a connection, positions and puts of its own.  One that fails does not stop the others, but for a failure of
 * the shared dead-letter sink.  Thread: main. */
#ifndef WEIR_HOST_READERS_H
#define WEIR_HOST_READERS_H

#include "pipeline.h"

struct readers {
    const struct pipeline_conf *conf;
    struct pipeline **list;
    size_t n;
    struct pipeline
        *letters; /* has the dead-letter sink of all; NULL: there is one pipeline, or no such sink */
};

/* Builds them, after positions of another fan-out were taken over; nothing runs yet.  NULL and a sentence in why. */
struct readers *readers_new(const struct pipeline_conf *, const char *state_dir, bool until_end,
                            struct strbuf *why);
void readers_start(struct readers *);
/* Has what they share end once all of them are done; true: that is over too, or hangs (hang.found of letters).  Called
 * until it is. */
bool readers_through(struct readers *, int64_t now_ms);
/* When each pipeline of the list was joined: waits for the end of what they share. */
void readers_end(struct readers *);
void readers_free(struct readers *);

#endif
