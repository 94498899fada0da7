/* SPDX-License-Identifier: BSD-2-Clause */
/* lines.c - cuts a stream of bytes into lines; see lines.h.
 *
 * A buffer becomes read-only at the first emit that names it, so the part of a line at its end is carried into the
 * next one: the only bytes copied here. */
#define WEIR_API 1
#include "lines.h"

#include <string.h>

#define ROOM_MIN 4096u

void lines_init(struct lines *l, struct weir_ctx *ctx, size_t max_line, uint64_t place)
{
    memset(l, 0, sizeof *l);
    l->ctx = ctx;
    l->max_line = max_line;
    l->base = place;
}

static void lines_drop(struct lines *l)
{
    if (l->buf)
        l->ctx->host->buf_unref(l->buf);
    l->buf = NULL;
    l->data = NULL;
    l->cap = l->begin = l->scan = l->end = 0;
    l->shared = false;
}

void lines_reset(struct lines *l, uint64_t place)
{
    lines_drop(l);
    if (l->head)
        l->ctx->host->mem(l->ctx, l->head, 0);
    l->head = NULL;
    l->skipping = l->long_end = false;
    l->base = place;
}

void *lines_room(struct lines *l, size_t want, size_t *ret_n)
{
    size_t carry = l->end - l->begin;
    if (want < ROOM_MIN)
        want = ROOM_MIN;
    if (want > LINES_CHUNK)
        want = LINES_CHUNK;
    if (l->buf && !l->shared && carry == 0) {
        l->base += l->begin;
        l->begin = l->scan = l->end = 0;
    }
    if (!l->buf || l->shared || l->cap - l->end < ROOM_MIN) {
        size_t cap = carry + want < 2 * carry ? 2 * carry : carry + want;
        void *data;
        struct weir_buf *buf = l->ctx->host->buf_alloc(l->ctx, cap, &data);
        size_t scanned = l->scan > l->begin ? l->scan - l->begin : 0;
        uint64_t base = l->base + l->begin;
        if (carry)
            memcpy(data, l->data + l->begin, carry);
        lines_drop(l);
        l->buf = buf;
        l->data = data;
        l->cap = cap;
        l->base = base;
        l->scan = scanned;
        l->end = carry;
    }
    *ret_n = l->cap - l->end;
    return l->data + l->end;
}

void lines_added(struct lines *l, size_t n)
{
    l->end += n;
}

uint64_t lines_begin(const struct lines *l)
{
    return l->skipping || l->long_end ? l->long_begin : l->base + l->begin;
}

uint64_t lines_end(const struct lines *l)
{
    return l->base + l->end;
}

/* The line at begin is too long: keeps its head.  It has at least max_line bytes by now. */
static void long_start(struct lines *l)
{
    size_t n = l->end - l->begin;
    if (!l->head)
        l->head = l->ctx->host->mem(l->ctx, NULL, LINES_HEAD);
    memcpy(l->head, l->data + l->begin, n < LINES_HEAD ? n : LINES_HEAD);
    l->long_begin = l->base + l->begin;
    l->skipping = true;
}

/* Looks for the end of a line that is too long. */
static void long_skip(struct lines *l)
{
    const char *lf = l->end > l->begin ? memchr(l->data + l->begin, '\n', l->end - l->begin) : NULL;
    l->begin = lf ? (size_t)(lf + 1 - l->data) : l->end;
    l->scan = l->begin;
    if (lf) {
        l->skipping = false;
        l->long_end = true;
        l->long_next = l->base + l->begin;
    }
}

/* Fills records from complete lines; stops at the first that is none, is too long or does not fit. */
static uint32_t fill_run(struct lines *l, struct weir_record *recs, uint32_t max, uint64_t max_bytes)
{
    const char *p = l->data + l->begin, *end = l->data + l->end;
    const char *scan = l->data + (l->scan > l->begin ? l->scan : l->begin), *lf;
    uint64_t at = l->base + l->begin, bytes = 0;
    uint32_t n = 0;
    while (n < max && (lf = memchr(scan, '\n', (size_t)(end - scan))) != NULL) {
        size_t len = (size_t)(lf - p);
        if (len > l->max_line || (n && bytes + len > max_bytes))
            break;
        recs[n].value.ptr = p;
        recs[n].value.len = len;
        recs[n].offset = (int64_t)at;
        recs[n].seq = at;
        at += len + 1;
        recs[n++].next = at;
        bytes += len;
        p = scan = lf + 1;
    }
    return n;
}

uint32_t lines_fill(struct lines *l, struct weir_record *recs, uint32_t max, uint64_t max_bytes)
{
    uint32_t n;
    const char *lf;
    if (l->skipping)
        long_skip(l);
    if (l->skipping || l->long_end || l->begin == l->end)
        return 0;
    n = fill_run(l, recs, max, max_bytes);
    if (n)
        return n;
    if (l->scan < l->begin)
        l->scan = l->begin;
    lf = memchr(l->data + l->scan, '\n', l->end - l->scan);
    if (!lf)
        l->scan = l->end;
    if ((size_t)((lf ? lf : l->data + l->end) - (l->data + l->begin)) > l->max_line) {
        long_start(l);
        long_skip(l);
    }
    return 0;
}

void lines_taken(struct lines *l, const struct weir_record *recs, uint32_t n, bool shared)
{
    if (!n)
        return;
    l->begin = (size_t)(recs[n - 1].next - l->base);
    l->shared |= shared;
    if (l->begin >= l->end && l->shared) { /* also after lines_last, whose next is the end itself */
        uint64_t place = l->base + l->end;
        lines_drop(l);
        l->base = place;
    }
}

bool lines_long(const struct lines *l, struct weir_record *rec)
{
    uint64_t n = l->long_next - l->long_begin;
    if (!l->long_end)
        return false;
    rec->value.ptr = l->head;
    rec->value.len = n < LINES_HEAD ? (size_t)n : LINES_HEAD;
    rec->offset = (int64_t)l->long_begin;
    rec->seq = l->long_begin;
    rec->next = l->long_next;
    return true;
}

void lines_long_taken(struct lines *l)
{
    l->long_end = false;
}

bool lines_last(struct lines *l, struct weir_record *rec)
{
    if (!l->skipping && l->end - l->begin > l->max_line)
        long_start(l);
    if (l->skipping) {
        l->begin = l->scan = l->end;
        l->skipping = false;
        l->long_end = true;
        l->long_next = l->base + l->end;
    }
    if (lines_long(l, rec))
        return true;
    if (l->begin == l->end)
        return false;
    rec->value.ptr = l->data + l->begin;
    rec->value.len = l->end - l->begin;
    rec->offset = (int64_t)(l->base + l->begin);
    rec->seq = l->base + l->begin;
    rec->next = l->base + l->end;
    return true;
}
