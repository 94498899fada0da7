/* SPDX-License-Identifier: BSD-2-Clause */
/* setup.h - what the process of a plugin is told at its start: its section as text, and who its instance is.
 *
 * Thread: the caller's. */
#ifndef WEIR_HOST_SETUP_H
#define WEIR_HOST_SETUP_H

#include "config/sections.h"
#include "pack.h"

struct setup {
    struct raw_section section;
    const char *path, *pipeline, *who, *reader;
    const char *source; /* plugin of the source; sinks, else NULL */
    uint64_t commit_ms, worker, budget, want;
    uint64_t batch_records, batch_bytes, in_flight;
    uint64_t log_level;
};

void setup_pack(struct strbuf *, const struct setup *);
/* Borrows the bytes; keys are the arena's. */
bool setup_unpack(struct unpack *, struct arena *, struct setup *ret);

#endif
