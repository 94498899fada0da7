/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - see text.h. */
#define WEIR_API 1
#include "text.h"

#include <stdbool.h>
#include <string.h>

/* The four digits at p; false: they are none. */
static bool hex4(const char *p, const char *end, uint32_t *ret)
{
    *ret = 0;
    if (end - p < 4)
        return false;
    for (const char *stop = p + 4; p < stop; p++) {
        uint32_t digit = *p >= '0' && *p <= '9'   ? (uint32_t)(*p - '0')
                         : *p >= 'a' && *p <= 'f' ? (uint32_t)(*p - 'a' + 10)
                         : *p >= 'A' && *p <= 'F' ? (uint32_t)(*p - 'A' + 10)
                                                  : 16u;
        if (digit == 16)
            return false;
        *ret = *ret << 4 | digit;
    }
    return true;
}

static char *utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

/* The character of \uXXXX, whose digits are at *at, or of two of them that are one. */
static bool code_point(const char **at, const char *end, uint32_t *ret)
{
    uint32_t low;
    if (!hex4(*at, end, ret))
        return false;
    *at += 4;
    if (*ret < 0xd800 || *ret > 0xdfff)
        return true;
    if (*ret < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' && hex4(*at + 2, end, &low) &&
        low >= 0xdc00 && low <= 0xdfff) {
        *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    } else {
        *ret = 0xfffd;
    }
    return true;
}

size_t text_unescape(struct weir_slice text, char *out)
{
    static const char letters[] = "bfnrt", mean[] = "\b\f\n\r\t";
    const char *p = text.ptr, *end = p + text.len, *found;
    char *to = out;
    uint32_t c;
    while (p < end) {
        if (*p != '\\' || p + 1 == end) {
            *to++ = *p++;
            continue;
        }
        p++;
        if (*p == 'u') {
            const char *at = p + 1;
            if (code_point(&at, end, &c)) {
                to = utf8_put(to, c);
                p = at;
                continue;
            }
        }
        found = *p ? strchr(letters, *p) : NULL;
        *to++ = found ? mean[found - letters] : *p;
        p++;
    }
    return (size_t)(to - out);
}
