/* SPDX-License-Identifier: BSD-2-Clause */
/* marks.c - positions of records on their way (marks.h). */
#define WEIR_API 1
#include "marks.h"

#include <string.h>

struct mark {
    size_t at, len;
};

void marks_reset(struct marks *m, struct weir_ctx *ctx, uint64_t number, struct weir_slice position)
{
    m->ctx = ctx;
    m->number = number;
    m->begin = m->end = m->bytes_end = 0;
    marks_add(m, position);
}

void marks_free(struct marks *m)
{
    if (m->items)
        m->ctx->host->mem(m->ctx, m->items, 0);
    if (m->bytes)
        m->ctx->host->mem(m->ctx, m->bytes, 0);
    memset(m, 0, sizeof *m);
}

void marks_add(struct marks *m, struct weir_slice position)
{
    if (m->end == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 256;
        m->items = m->ctx->host->mem(m->ctx, m->items, m->cap * sizeof *m->items);
    }
    if (m->bytes_end + position.len > m->bytes_cap) {
        m->bytes_cap = 2 * (m->bytes_end + position.len);
        m->bytes = m->ctx->host->mem(m->ctx, m->bytes, m->bytes_cap);
    }
    if (position.len)
        memcpy(m->bytes + m->bytes_end, position.ptr, position.len);
    m->items[m->end++] = (struct mark){m->bytes_end, position.len};
    m->bytes_end += position.len;
}

bool marks_get(const struct marks *m, uint64_t number, struct weir_slice *ret)
{
    const struct mark *mark;
    if (number < m->number || number - m->number >= m->end - m->begin)
        return false;
    mark = &m->items[m->begin + (size_t)(number - m->number)];
    *ret = (struct weir_slice){mark->len ? m->bytes + mark->at : "", mark->len};
    return true;
}

struct weir_slice marks_last(const struct marks *m)
{
    struct weir_slice last = {"", 0};
    (void)marks_get(m, m->number + (m->end - m->begin) - 1, &last);
    return last;
}

/* Moves what is left to the front once it is the smaller part: each byte is moved less than once on the average. */
void marks_drop(struct marks *m, uint64_t number)
{
    size_t at, left;
    if (number <= m->number || number - m->number >= m->end - m->begin)
        return;
    m->begin += (size_t)(number - m->number);
    m->number = number;
    left = m->end - m->begin;
    if (left > m->begin)
        return;
    at = m->items[m->begin].at;
    memmove(m->items, m->items + m->begin, left * sizeof *m->items);
    if (m->bytes_end > at)
        memmove(m->bytes, m->bytes + at, m->bytes_end - at);
    for (size_t i = 0; i < left; i++)
        m->items[i].at -= at;
    m->bytes_end -= at;
    m->begin = 0;
    m->end = left;
}

size_t marks_size(const struct marks *m)
{
    return m->bytes_end + m->end * sizeof *m->items;
}
