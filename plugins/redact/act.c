/* SPDX-License-Identifier: BSD-2-Clause */
/* act.c - see act.h. */
#define WEIR_API 1
#include "act.h"

#include <openssl/core_names.h>

bool act_key(struct act *a, struct weir_slice key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX_free(a->mac);
    a->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);
    return a->mac && EVP_MAC_init(a->mac, key.ptr, key.len, params) == 1;
}

void act_free(struct act *a)
{
    EVP_MAC_CTX_free(a->mac);
}

static bool hash(const struct act *a, struct weir_slice text, struct text *to)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char sum[32];
    size_t n = 0;
    char *out = text_reserve(to, 2 * sizeof sum);
    if (EVP_MAC_init(a->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(a->mac, text.ptr, text.len) != 1 ||
        EVP_MAC_final(a->mac, sum, &n, sizeof sum) != 1 || n != sizeof sum)
        return false;
    for (size_t i = 0; i < sizeof sum; i++) {
        out[2 * i] = hex[sum[i] >> 4];
        out[2 * i + 1] = hex[sum[i] & 15];
    }
    to->len += 2 * sizeof sum;
    return true;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* The last characters stay, but never more than are masked. */
static void mask(const struct act *a, struct weir_slice text, struct text *to)
{
    const char *p = text.ptr;
    size_t n = 0, keep = (size_t)a->keep_last, size = strlen(a->mask), at = 0;
    for (size_t i = 0; i < text.len; i++)
        n += begins_character(p[i]);
    if (n < 2 * keep)
        keep = 0;
    for (; at < text.len && n > keep; at++) {
        if (begins_character(p[at])) {
            text_add(to, a->mask, size);
            n--;
        }
    }
    while (at < text.len && !begins_character(p[at]))
        at++;
    if (keep)
        text_add(to, p + at, text.len - at);
}

bool act_on(const struct act *a, struct weir_slice text, struct text *to)
{
    switch (a->what) {
    case ACT_MASK:
        mask(a, text, to);
        return true;
    case ACT_REPLACE:
        text_add(to, a->replacement, strlen(a->replacement));
        return true;
    case ACT_HASH:
        return hash(a, text, to);
    default:
        return true;
    }
}
