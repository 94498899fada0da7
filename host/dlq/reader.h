/* SPDX-License-Identifier: BSD-2-Clause */
/* reader.h - the dead letters of a pipeline as the source of another one.
 *
 * Owns: copies of what it changes; the rest is borrowed from the pipeline's conf.  Thread: the caller's. */
#ifndef WEIR_HOST_READER_H
#define WEIR_HOST_READER_H

#include "config/conf.h"
#include "config/option.h"
#include "record/strbuf.h"

struct reader {
    const struct pipeline_conf *of;
    struct pipeline_conf conf; /* source: the dead letters; no transforms, no sinks, no dead letters */
    struct option_store store;
    bool exclusive; /* a sink is final only with the pipeline's own state: a redrive stands in for it */
    struct strbuf name, state_name, group;
};

/* False and a sentence in why: these dead letters can not be read back. */
bool reader_make(struct reader *, const struct pipeline_conf *of, struct strbuf *why);
void reader_free(struct reader *);

/* The option `name` of a section's plugin: its row, and where its value is; NULL: it has none of that type. */
const void *section_option(const struct section_conf *, const char *name, uint32_t type);

#endif
