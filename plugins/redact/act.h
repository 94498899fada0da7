/* SPDX-License-Identifier: BSD-2-Clause */
/* act.h - what becomes of a text that is to be redacted: masked, replaced, hashed.
 *
 * Home thread only.  The key of the hash is held by libcrypto alone. */
#ifndef WEIR_PLUGINS_REDACT_ACT_H
#define WEIR_PLUGINS_REDACT_ACT_H

#include "text.h"

#include <openssl/evp.h>
#include <stdbool.h>

enum { ACT_MASK, ACT_REPLACE, ACT_HASH, ACT_DROP, ACT_BLANK };

struct act {
    int64_t what, keep_last;
    const char *mask, *replacement;
    EVP_MAC_CTX *mac; /* ACT_HASH, from act_key on */
};

/* The key of HMAC-SHA-256; false: libcrypto refused.  act_free in any case. */
bool act_key(struct act *, struct weir_slice key);
void act_free(struct act *);
/* Appends what stands for text; for ACT_BLANK and ACT_DROP nothing.  False: libcrypto failed. */
bool act_on(const struct act *, struct weir_slice text, struct text *to);

#endif
