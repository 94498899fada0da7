/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c - prints a record as one JSON object on one line.
 *
 * Thread: pure functions, any thread; the buffer has one writer. */
#include "format.h"

#include "base64.h"
#include "json.h"

#include <stdbool.h>
#include <string.h>

#define COUNT_FIRST 4096 /* longer strings are measured before room is made: quoting may grow them sixfold */

static void put_null(struct strbuf *out)
{
    strbuf_add(out, "null", 4);
}

static void put_string(struct strbuf *out, struct weir_slice s)
{
    size_t most = s.len <= COUNT_FIRST ? 6 * s.len + 2 : json_quote(NULL, s.ptr, s.len);
    out->len += json_quote(strbuf_reserve(out, most), s.ptr, s.len);
}

static void put_base64(struct strbuf *out, struct weir_slice s)
{
    static const char head[] = "{\"base64\":\"";
    strbuf_add(out, head, sizeof head - 1);
    base64_encode(strbuf_reserve(out, BASE64_SIZE(s.len)), s.ptr, s.len);
    out->len += BASE64_SIZE(s.len);
    strbuf_add(out, "\"}", 2);
}

static void put_bytes(struct strbuf *out, struct weir_slice s)
{
    if (!s.ptr)
        put_null(out);
    else if (json_utf8_valid(s.ptr, s.len))
        put_string(out, s);
    else
        put_base64(out, s);
}

/* none: what stands for "there is no number". */
static void put_number(struct strbuf *out, int64_t n, bool none)
{
    char digits[24], *p = digits + sizeof digits;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    if (none) {
        put_null(out);
        return;
    }
    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (n < 0)
        *--p = '-';
    strbuf_add(out, p, (size_t)(digits + sizeof digits - p));
}

static void put_headers(struct strbuf *out, const struct weir_record *record)
{
    for (uint32_t i = 0; i < record->n_headers; i++) {
        struct weir_slice name = record->headers[i].name;
        if (!name.ptr)
            name = (struct weir_slice){"", 0};
        strbuf_add(out, i ? ",[" : "[", i ? 2 : 1);
        put_bytes(out, name);
        strbuf_char(out, ',');
        put_bytes(out, record->headers[i].value);
        strbuf_char(out, ']');
    }
}

#define PUT(out, text) strbuf_add(out, text, sizeof(text) - 1)

void format_print(const struct weir_record *record, struct strbuf *out)
{
    PUT(out, "{\"topic\":");
    put_bytes(out, record->topic);
    PUT(out, ",\"partition\":");
    put_number(out, record->partition, record->partition < 0);
    PUT(out, ",\"offset\":");
    put_number(out, record->offset, record->offset < 0);
    PUT(out, ",\"timestamp\":");
    put_number(out, record->time_ms, record->time_ms == WEIR_NO_TIME);
    PUT(out, ",\"key\":");
    put_bytes(out, record->key);
    PUT(out, ",\"value\":");
    put_bytes(out, record->value);
    PUT(out, ",\"headers\":[");
    put_headers(out, record);
    PUT(out, "]}");
}
