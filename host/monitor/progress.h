/* SPDX-License-Identifier: BSD-2-Clause */
/* progress.h - how far pipelines are: one live line each on a terminal, a plain line now and then elsewhere.
 *
 * Owns: the lines on stderr below the log.  Thread: main; log lines of other threads step in between by its hooks. */
#ifndef WEIR_HOST_PROGRESS_H
#define WEIR_HOST_PROGRESS_H

#include "engine/pipeline.h"

struct progress;

struct progress *progress_start(struct pipeline *const *, int n, bool until_end);
/* Called every while; draws when it is time. */
void progress_tick(struct progress *);
/* Clears the live lines and frees it; NULL is nothing. */
void progress_end(struct progress *);

#endif
