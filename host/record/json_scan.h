/* SPDX-License-Identifier: BSD-2-Clause */
/* json_scan.h - the tokens of JSON: strings, UTF-8, numbers, literals, white space.  Private to json*.c.
 *
 * One set of scanners serves checking, parsing and printing, so that they can not disagree.  SSE2 is part of
 * every amd64 and NEON of every arm64 processor, hence no run-time choice; elsewhere bytes are looked at one by
 * one.  No scanner reads a byte at or behind `end`. */
#ifndef WEIR_HOST_JSON_SCAN_H
#define WEIR_HOST_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__AARCH64EL__)
#include <arm_neon.h>
#endif

struct scan { /* where and why a scanner stopped */
    const uint8_t *at;
    const char *why;
};

static inline const uint8_t *scan_fail(struct scan *s, const uint8_t *at, const char *why)
{
    s->at = at;
    s->why = why;
    return NULL;
}

#define SCAN_INLINE static inline __attribute__((always_inline))

enum scan_stop {               /* what a run of bytes ends at */
                 STOP_LONG,    /* no ASCII: a byte of 0x80 or more */
                 STOP_QUOTE,   /* what a string can not hold as it is: a quote, a backslash, a control byte */
                 STOP_SPECIAL, /* any of these */
                 STOP_SLASH,   /* a backslash */
};

SCAN_INLINE bool scan_stops(uint8_t c, const enum scan_stop stop)
{
    if (stop == STOP_LONG)
        return c >= 0x80;
    if (stop == STOP_SLASH)
        return c == '\\';
    return c < 0x20 || c == '"' || c == '\\' || (stop == STOP_SPECIAL && c >= 0x80);
}

/* Of the 16 bytes at p, those that stop: SCAN_BITS bits for each, the lowest for the first. */
#if defined(__SSE2__)
#define SCAN_BITS 1
SCAN_INLINE uint64_t scan_mask(const uint8_t *p, const enum scan_stop stop)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    if (stop == STOP_LONG)
        return (uint64_t)_mm_movemask_epi8(v);
    if (stop == STOP_SLASH)
        return (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    /* As signed numbers the bytes from 0x80 up are below 0x20 too; unsigned, a byte is below when it is the lesser. */
    __m128i low = stop == STOP_SPECIAL ? _mm_cmplt_epi8(v, _mm_set1_epi8(0x20))
                                       : _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i marks =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return (uint64_t)_mm_movemask_epi8(_mm_or_si128(low, marks));
}
#elif defined(__ARM_NEON) && defined(__AARCH64EL__)
#define SCAN_BITS 4
SCAN_INLINE uint64_t scan_mask(const uint8_t *p, const enum scan_stop stop)
{
    uint8x16_t v = vld1q_u8(p), odd;
    if (stop == STOP_LONG) {
        odd = vcgeq_u8(v, vdupq_n_u8(0x80));
    } else if (stop == STOP_SLASH) {
        odd = vceqq_u8(v, vdupq_n_u8('\\'));
    } else {
        odd = stop == STOP_SPECIAL ? vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20))
                                   : vcltq_u8(v, vdupq_n_u8(0x20));
        odd = vorrq_u8(odd, vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\'))));
    }
    /* NEON has no movemask: half of each byte's answer has to do. */
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(odd), 4)), 0);
}
#endif

/* The first byte at which the run that starts at p stops, or end. */
SCAN_INLINE const uint8_t *scan_run(const uint8_t *p, const uint8_t *end, const enum scan_stop stop)
{
#ifdef SCAN_BITS
    for (; end - p >= 16; p += 16) {
        uint64_t mask = scan_mask(p, stop);
        if (mask != 0)
            return p + __builtin_ctzll(mask) / SCAN_BITS;
    }
#endif
    while (p < end && !scan_stops(*p, stop))
        p++;
    return p;
}

static inline bool scan_is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence that starts with a byte of 0x80 or more; 0 when it is none. */
static inline size_t scan_utf8(const uint8_t *p, const uint8_t *end)
{
    size_t n = (size_t)(end - p);
    uint8_t c = p[0];

    if (c < 0xe0)
        return c >= 0xc2 && n >= 2 && scan_is_tail(p[1]) ? 2 : 0;
    if (c < 0xf0) {
        if (n < 3 || !scan_is_tail(p[1]) || !scan_is_tail(p[2]))
            return 0;
        /* overlong; surrogates */
        return (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] >= 0xa0) ? 0 : 3;
    }
    if (c >= 0xf5 || n < 4 || !scan_is_tail(p[1]) || !scan_is_tail(p[2]) || !scan_is_tail(p[3]))
        return 0;
    /* overlong; beyond U+10FFFF */
    return (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] >= 0x90) ? 0 : 4;
}

/* Value of a hexadecimal digit, or -1. */
static inline int scan_hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Value of four hexadecimal digits, or -1; they must be there. */
static inline int32_t scan_hex4(const uint8_t *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = scan_hex(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The byte behind the escape at p (a backslash), or NULL. */
static inline const uint8_t *scan_escape(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    if (end - p < 2)
        return scan_fail(s, end, "the text ends inside a string");
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        if (end - p >= 6 && scan_hex4(p + 2) >= 0)
            return p + 6;
        return scan_fail(s, p, "\\u without four hexadecimal digits");
    default:
        return scan_fail(s, p, "an escape that JSON does not have");
    }
}

/* The byte behind the string whose first byte behind the quote is p, or NULL.  *ret_escaped: it holds a backslash. */
static inline const uint8_t *scan_string(struct scan *s, const uint8_t *p, const uint8_t *end,
                                         bool *ret_escaped)
{
    *ret_escaped = false;
    for (;;) {
        p = scan_run(p, end, STOP_SPECIAL);
        if (p == end)
            return scan_fail(s, end, "the text ends inside a string");
        if (*p == '"')
            return p + 1;
        if (*p == '\\') {
            *ret_escaped = true;
            p = scan_escape(s, p, end);
            if (p == NULL)
                return NULL;
            continue;
        }
        if (*p < 0x20)
            return scan_fail(s, p, "a control character in a string (JSON wants it escaped)");
        do { /* text that is not Latin comes in runs */
            size_t n = scan_utf8(p, end);
            if (n == 0)
                return scan_fail(s, p, "invalid UTF-8");
            p += n;
        } while (p < end && *p >= 0x80);
    }
}

/* The same; most names and many values end, in a quote, within the first block: no call, no loop. */
SCAN_INLINE const uint8_t *scan_short(struct scan *s, const uint8_t *p, const uint8_t *end, bool *ret_escaped)
{
#ifdef SCAN_BITS
    if (end - p >= 16) {
        uint64_t mask = scan_mask(p, STOP_SPECIAL);
        const uint8_t *stop = p + (mask != 0 ? __builtin_ctzll(mask) / SCAN_BITS : 16);
        if (mask != 0 && *stop == '"') {
            *ret_escaped = false;
            return stop + 1;
        }
        p = stop; /* nothing before it that matters */
    }
#endif
    return scan_string(s, p, end, ret_escaped);
}

static inline bool scan_is_digit(const uint8_t *p, const uint8_t *end)
{
    return p < end && (uint8_t)(*p - '0') < 10;
}

/* The byte behind the number that starts at p (a digit or a minus sign), or NULL. */
static inline const uint8_t *scan_number(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    if (*p == '-')
        p++;
    if (!scan_is_digit(p, end))
        return scan_fail(s, p, "a minus sign without a digit behind it");
    if (*p == '0') {
        p++;
        if (scan_is_digit(p, end))
            return scan_fail(s, p, "a number with a leading zero");
    } else {
        while (scan_is_digit(p, end))
            p++;
    }
    if (p < end && *p == '.') {
        if (!scan_is_digit(++p, end))
            return scan_fail(s, p, "a decimal point without a digit behind it");
        while (scan_is_digit(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!scan_is_digit(p, end))
            return scan_fail(s, p, "an exponent without a digit");
        while (scan_is_digit(p, end))
            p++;
    }
    return p;
}

/* The byte behind the literal, or NULL. */
static inline const uint8_t *scan_literal(struct scan *s, const uint8_t *p, const uint8_t *end,
                                          const char *word, size_t n)
{
    if ((size_t)(end - p) < n || memcmp(p, word, n) != 0)
        return scan_fail(s, p, "a word that is not true, false or null");
    return p + n;
}

static inline bool scan_is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

#endif
