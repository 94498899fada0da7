/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - bytes that grow, by the host's memory.  Home thread only. */
#ifndef WEIR_PLUGINS_REDACT_TEXT_H
#define WEIR_PLUGINS_REDACT_TEXT_H

#include <weir/helpers.h>

struct text {
    struct weir_ctx *ctx;
    char *data;
    size_t len, room;
};

/* Room for n more bytes; where they begin. */
static inline char *text_reserve(struct text *t, size_t n)
{
    if (t->room - t->len < n) {
        t->room = t->len + n + t->room / 2 + 64;
        t->data = (char *)t->ctx->host->mem(t->ctx, t->data, t->room);
    }
    return t->data + t->len;
}

static inline void text_add(struct text *t, const void *bytes, size_t n)
{
    if (!n)
        return;
    memcpy(text_reserve(t, n), bytes, n);
    t->len += n;
}

static inline void text_free(struct text *t)
{
    if (t->data)
        t->ctx->host->mem(t->ctx, t->data, 0);
}

#endif
