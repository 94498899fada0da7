/* SPDX-License-Identifier: BSD-2-Clause */
/* redact.h - masks what came from ${...} and secret options in every text a person may see.
 *
 * Owns: copies of the known secret values (at most 1024; the oldest gives way), behind a lock.  Thread: any. */
#ifndef WEIR_HOST_REDACT_H
#define WEIR_HOST_REDACT_H

#include "../record/strbuf.h"

#include <stddef.h>

#define REDACT_MIN  4 /* shorter values would mask half of every line */
#define REDACT_MASK "***"

/* Remembers the value; one shorter than REDACT_MIN or known already changes nothing. */
void redact_add(const void *p, size_t n);
/* Appends the text to out with every known value masked. */
void redact_text(const void *p, size_t n, struct strbuf *out);
/* Forgets and wipes all: for tests. */
void redact_reset(void);

#endif
