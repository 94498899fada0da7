/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot.h - a copy of a pipeline's state in a folder of its own, for a look that must not disturb.
 *
 * Owns: the folder, until snapshot_free.  Thread: main. */
#ifndef WEIR_HOST_SNAPSHOT_H
#define WEIR_HOST_SNAPSHOT_H

#include "record/strbuf.h"

#include <stdbool.h>

struct snapshot {
    struct strbuf dir;
};

/* Copies DIR/NAME.db, also while a pipeline runs with it; if it is not there the copy is empty.
 * False and a sentence in why: it can not be read, or there is no place for a copy. */
bool snapshot_make(struct snapshot *, const char *dir, const char *name, struct strbuf *why);
void snapshot_free(struct snapshot *);

#endif
