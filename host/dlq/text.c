/* SPDX-License-Identifier: BSD-2-Clause */
/* text.c - escaping (text.h). */
#include "text.h"

#include "record/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Bytes of the character at p that may be printed as it is; 0: it may not. */
static size_t printable(const unsigned char *p, size_t n)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] < 0x20 || p[0] == 0x7f || len > n || !json_utf8_valid((const char *)p, len))
        return 0;
    if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) /* C1 controls */
        return 0;
    return len;
}

bool text_shown(struct strbuf *out, struct weir_slice s, size_t most)
{
    const unsigned char *p = s.ptr;
    size_t i = 0;
    while (i < s.len && i < most) {
        size_t len = printable(p + i, s.len - i);
        if (len)
            strbuf_add(out, p + i, len);
        else
            strbuf_printf(out, "\\x%02x", p[i]);
        i += len ? len : 1;
    }
    return i >= s.len;
}

void text_json(struct strbuf *out, struct weir_slice s)
{
    struct strbuf shown = {0};
    if (!s.ptr)
        s.ptr = "";
    if (!json_utf8_valid(s.ptr, s.len)) {
        (void)text_shown(&shown, s, s.len);
        s = (struct weir_slice){shown.data, shown.len};
    }
    size_t n = json_quote(NULL, s.ptr, s.len);
    out->len += json_quote(strbuf_reserve(out, n), s.ptr, s.len);
    strbuf_free(&shown);
}

void text_time(struct strbuf *out, int64_t ms)
{
    int64_t rest = ms % 1000, seconds = ms / 1000;
    struct tm tm;
    char text[64];
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    if (ms == WEIR_NO_TIME || !gmtime_r(&t, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm))
        strbuf_char(out, '-');
    else
        strbuf_printf(out, "%s.%03" PRId64 "Z", text, rest);
}
