/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - foreign bytes for a person's eyes, and for scripts.  Pure functions over one caller's buffer. */
#ifndef WEIR_HOST_TEXT_H
#define WEIR_HOST_TEXT_H

#include "record/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

/* Appends at most `most` bytes of it, characters whole; control characters and what is not UTF-8 as \xNN, so that no
 * record can speak to a terminal.  False: it was cut. */
bool text_shown(struct strbuf *, struct weir_slice, size_t most);
/* Appends a JSON string of it; what is not UTF-8 is shown as above. */
void text_json(struct strbuf *, struct weir_slice);
/* 2026-01-31T23:59:59.123Z, or "-" for WEIR_NO_TIME. */
void text_time(struct strbuf *, int64_t ms);

#endif
