/* SPDX-License-Identifier: BSD-2-Clause */
/* subst.h - ${env:NAME} and ${file:/path} in values, and secrets, which are read at each use.
 *
 * What they bring in is remembered by redact.h and so never shown.  Thread: any; the environment must not change. */
#ifndef WEIR_HOST_SUBST_H
#define WEIR_HOST_SUBST_H

#include "../record/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#include <weir/plugin.h>

#define SUBST_FILE_MAX ((size_t)64 << 10)

/* Keeps how a secret is obtained, not what it is. */
struct weir_secret {
    const char *recipe; /* the value as the file has it, ${...} not replaced */
    size_t len;
    const char *where; /* "web.ini:12: [sink] password", for the log */
};

/* Appends the text with every ${...} replaced (never again what came in by it) and $${ as ${.  Sets *ret_secret when
 * something but a stand-in came in.  False, out as before, and a sentence in why[cap] when a reference leads nowhere. */
bool subst_expand(const char *text, size_t len, struct strbuf *out, bool *ret_secret, char *why, size_t cap);
/* weir test: ${KIND:NAME} (kind "env" or "file") is this text from here on, whatever there is of that name, and it is no
 * secret.  Copies all; before threads start.  Of two of one name the first holds. */
void subst_stand_in(const char *kind, const char *name, const char *text);
/* Lends the secret's bytes, read afresh and wiped afterwards, to use().  WEIR_OK, or WEIR_RETRY when it can not be
 * read: the reason is logged, and the file may be back at the next try. */
int secret_use(const struct weir_secret *, void (*use)(void *opaque, struct weir_slice), void *opaque);

#endif
