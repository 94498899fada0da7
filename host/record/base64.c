/* SPDX-License-Identifier: BSD-2-Clause */
/* base64.c - RFC 4648 section 4, padded, strict.  Pure functions, any thread. */
#include "base64.h"

#include <stdint.h>

static const char digits[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *out, const void *p, size_t n)
{
    const uint8_t *in = p;
    for (; n >= 3; n -= 3, in += 3, out += 4) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        out[0] = digits[bits >> 18];
        out[1] = digits[bits >> 12 & 63];
        out[2] = digits[bits >> 6 & 63];
        out[3] = digits[bits & 63];
    }
    if (n > 0) {
        uint32_t bits = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0);
        out[0] = digits[bits >> 18];
        out[1] = digits[bits >> 12 & 63];
        out[2] = n > 1 ? digits[bits >> 6 & 63] : '=';
        out[3] = '=';
    }
}

/* 64: no digit. */
static uint32_t digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(void *out, size_t *ret_len, const char *text, size_t n)
{
    uint8_t *to = out;
    size_t pad = 0;
    if (n % 4 != 0)
        return false;
    if (n > 0 && text[n - 1] == '=')
        pad = text[n - 2] == '=' ? 2 : 1;
    for (size_t i = 0; i < n; i += 4) {
        size_t used = i + 4 == n ? 4 - pad : 4;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t v = k < used ? digit_value(text[i + k]) : 0;
            if (v > 63)
                return false;
            bits = bits << 6 | v;
        }
        if ((used == 3 && (bits & 0xff) != 0) || (used == 2 && (bits & 0xffff) != 0))
            return false;
        *to++ = (uint8_t)(bits >> 16);
        if (used > 2)
            *to++ = (uint8_t)(bits >> 8);
        if (used > 3)
            *to++ = (uint8_t)bits;
    }
    *ret_len = (size_t)(to - (uint8_t *)out);
    return true;
}
