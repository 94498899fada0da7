/* SPDX-License-Identifier: BSD-2-Clause */
/* json_text.c - JSON text to plain values and back: strings, keys, numbers, and text without white space.
 *
 * Owns: one "C" locale, made once for the process.  Thread: any. */
#include "json_private.h"
#include "json_scan.h"

#include "report/log.h"

#include <float.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

/* ---- escapes ---- */

static size_t put_utf8(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

/* Decodes the valid escape at p (a backslash); gives the byte behind it.  A surrogate without its other half
 * becomes U+FFFD, and *whole false. */
static const uint8_t *decode_escape(const uint8_t *p, const uint8_t *end, uint8_t out[4], size_t *ret_len,
                                    bool *whole)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

    if (p[1] != 'u') {
        const char *at = memchr(from, p[1], sizeof from - 1);
        out[0] = at != NULL ? (uint8_t)to[at - from] : p[1];
        *ret_len = 1;
        return p + 2;
    }
    uint32_t c = (uint32_t)scan_hex4(p + 2);
    p += 6;
    if (c >= 0xd800 && c < 0xe000) {
        uint32_t high = c;
        c = 0xfffd;
        bool pair = false;
        if (high < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
            uint32_t low = (uint32_t)scan_hex4(p + 2);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                p += 6;
                pair = true;
            }
        }
        *whole &= pair;
    }
    *ret_len = put_utf8(c, out);
    return p;
}

/* Copies up to the next backslash, or end, and gives that.  What is left to read fits at *to, so a store of 16 does where
 * as many are. */
static inline const uint8_t *copy_to_slash(uint8_t **to, const uint8_t *p, const uint8_t *end)
{
    uint8_t *out = *to;
#ifdef SCAN_BITS
    for (; end - p >= 16; p += 16, out += 16) {
        uint64_t mask = scan_mask(p, STOP_SLASH);
        memcpy(out, p, 16);
        if (mask != 0) {
            unsigned at = (unsigned)__builtin_ctzll(mask) / SCAN_BITS;
            *to = out + at;
            return p + at;
        }
    }
#endif
    while (p < end && *p != '\\')
        *out++ = *p++;
    *to = out;
    return p;
}

bool json_string_whole(struct arena *arena, struct weir_slice text, struct weir_slice *ret)
{
    const uint8_t *p = (const uint8_t *)text.ptr + 1, *end = p + text.len - 2;
    bool whole = true;

    if (memchr(p, '\\', (size_t)(end - p)) == NULL) {
        *ret = (struct weir_slice){p, (size_t)(end - p)};
        return true;
    }
    uint8_t *out = arena_alloc(arena, (size_t)(end - p)),
            *to = out; /* no escape is shorter than what it means */
    while ((p = copy_to_slash(&to, p, end)) < end) {
        if (p[1] == '"' || p[1] == '\\') { /* JSON within JSON */
            *to++ = p[1];
            p += 2;
            continue;
        }
        uint8_t bytes[4];
        size_t n;
        p = decode_escape(p, end, bytes, &n, &whole);
        memcpy(to, bytes, n);
        to += n;
    }
    *ret = (struct weir_slice){out, (size_t)(to - out)};
    return whole;
}

struct weir_slice json_string(struct arena *arena, struct weir_slice text)
{
    struct weir_slice s;
    (void)json_string_whole(arena, text, &s);
    return s;
}

bool json_key_means(struct weir_slice text, const char *key, size_t len)
{
    const uint8_t *p = (const uint8_t *)text.ptr + 1, *end = p + text.len - 2;
    bool whole = true;
    while (p < end) {
        uint8_t bytes[4] = {*p};
        size_t n = 1;
        if (*p == '\\')
            p = decode_escape(p, end, bytes, &n, &whole);
        else
            p++;
        if (n > len || memcmp(bytes, key, n) != 0)
            return false;
        key += n;
        len -= n;
    }
    return len == 0;
}

/* ---- strings ---- */

size_t json_utf8_prefix(const void *text, size_t n)
{
    const uint8_t *start = text, *p = start, *end = n > 0 ? start + n : start;

    while (p < end) {
        if (*p < 0x80) {
            p = scan_run(p, end, STOP_LONG);
            continue;
        }
        size_t length = scan_utf8(p, end);
        if (length == 0)
            break;
        p += length;
    }
    return (size_t)(p - start);
}

bool json_utf8_valid(const void *p, size_t n)
{
    return json_utf8_prefix(p, n) == n;
}

/* Writes the escape of a byte that needs one; gives its length. */
static size_t put_escape(uint8_t c, char *out)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";

    out[0] = '\\';
    if (c == '"' || c == '\\') {
        out[1] = (char)c;
        return 2;
    }
    const char *at = memchr(from, c, sizeof from - 1);
    if (at != NULL) {
        out[1] = to[at - from];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

/* Quotes 16 bytes at a time and gives the end of what it wrote.  It stops before the last 31 bytes: a store of 16
 * may run over the bytes it is meant for, because at least as many are still to be written. */
static char *quote_blocks(char *out, const uint8_t **text, const uint8_t *end)
{
#ifdef SCAN_BITS
    const uint8_t *p = *text;

    for (; end - p >= 32; p += 16) {
        uint64_t mask = scan_mask(p, STOP_QUOTE);
        unsigned done = 0;
        while (mask != 0) {
            unsigned at = (unsigned)__builtin_ctzll(mask) / SCAN_BITS;
            memcpy(out, p + done, 16);
            out += at - done;
            out += put_escape(p[at], out);
            done = at + 1;
            mask &= ~((((uint64_t)1 << SCAN_BITS) - 1) << at * SCAN_BITS);
        }
        memcpy(out, p + done, 16);
        out += 16 - done;
    }
    *text = p;
#else
    (void)text;
    (void)end;
#endif
    return out;
}

static size_t quoted_size(const uint8_t *p, const uint8_t *end)
{
    size_t size = 2;

    while (p < end) {
        const uint8_t *odd = scan_run(p, end, STOP_QUOTE);
        char escape[6];
        size += (size_t)(odd - p);
        p = odd;
        if (p < end)
            size += put_escape(*p++, escape);
    }
    return size;
}

size_t json_quote(char *out, const void *text, size_t n)
{
    const uint8_t *p = text, *end = n > 0 ? p + n : p;
    char *to = out;

    if (out == NULL)
        return quoted_size(p, end);
    *to++ = '"';
    to = quote_blocks(to, &p, end);
    while (p < end) {
        const uint8_t *odd = scan_run(p, end, STOP_QUOTE);
        memcpy(to, p, (size_t)(odd - p));
        to += odd - p;
        p = odd;
        if (p < end)
            to += put_escape(*p++, to);
    }
    *to++ = '"';
    return (size_t)(to - out);
}

struct weir_slice json_quoted(struct arena *arena, const void *p, size_t n)
{
    const uint8_t *bytes = p, *end = n > 0 ? bytes + n : bytes;
    bool plain = scan_run(bytes, end, STOP_QUOTE) == end; /* nearly always */
    size_t size = plain ? n + 2 : json_quote(NULL, p, n);
    char *text = arena_alloc(arena, size);
    if (!plain) {
        json_quote(text, p, n);
        return (struct weir_slice){text, size};
    }
    text[0] = text[n + 1] = '"';
    if (n > 0)
        memcpy(text + 1, p, n);
    return (struct weir_slice){text, size};
}

/* ---- numbers ---- */

static locale_t c_locale;

static void c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        die("The C locale could not be made: out of memory.");
}

/* Integers of at most 15 digits are exact in a double, and most numbers are that. */
static bool small_integer(struct weir_slice text, double *ret)
{
    const char *p = text.ptr, *end = p + text.len;
    bool negative = *p == '-';
    int64_t n = 0;

    p += negative;
    if (end - p > 15)
        return false;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return false;
        n = n * 10 + (*p - '0');
    }
    *ret = negative ? -(double)n : (double)n; /* -0 stays one */
    return true;
}

double json_number(struct weir_slice text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char small[64], *copy = small;
    double value;

    if (small_integer(text, &value))
        return value;
    if (text.len >= sizeof small)
        copy = xmalloc(text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    (void)pthread_once(&once, c_locale_make);
    value = strtod_l(copy, NULL, c_locale);
    if (copy != small)
        free(copy);
    return value;
}

/* ---- white space ---- */

/* The byte behind the checked string whose first byte behind the quote is p. */
static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
    for (;;) {
        p = scan_run(p, end, STOP_QUOTE);
        if (p == end)
            return end;
        if (*p++ == '"')
            return p;
        if (p < end) /* behind a backslash */
            p++;
    }
}

size_t json_minify(char *out, const void *text, size_t n)
{
    const uint8_t *p = text, *end = n > 0 ? p + n : p, *from = p;
    char *to = out;

    while (p < end) {
        if (*p == '"') {
            p = skip_string(p + 1, end);
            continue;
        }
        if (!scan_is_space(*p)) {
            p++;
            continue;
        }
        memcpy(to, from, (size_t)(p - from));
        to += p - from;
        while (p < end && scan_is_space(*p))
            p++;
        from = p;
    }
    memcpy(to, from, (size_t)(p - from));
    return (size_t)(to - out) + (size_t)(p - from);
}
