/* SPDX-License-Identifier: BSD-2-Clause */
/* outcome.c - the results of one batch, collected from local checks and from the server's answer.
 *
 * Reasons are kept as places in one text, since it moves while it grows.  Thread: the home thread. */
#include "es.h"

#define TEXT_KEEP 65536

/* Place of a NUL-terminated copy; 0 when there is none or the text is full. */
static uint32_t keep_text(struct weir_ctx *ctx, struct es_bytes *to, struct weir_slice text, uint32_t last)
{
    size_t len = text.len < ES_REASON_MAX ? text.len : ES_REASON_MAX;
    uint32_t at;
    if (len == 0)
        return 0;
    /* Errors come in rows of the same: a mapping that fits no record. */
    if (last > 0 && strlen(to->p + last) == len && memcmp(to->p + last, text.ptr, len) == 0)
        return last;
    if (to->len == 0)
        bytes_add(ctx, to, "", 1);
    if (to->len + len + 1 > ES_REASONS_MAX)
        return 0;
    while (len < text.len && len > 0 && (((const uint8_t *)text.ptr)[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    at = (uint32_t)to->len;
    bytes_add(ctx, to, text.ptr, len);
    bytes_add(ctx, to, "", 1);
    return at;
}

void outcome_add(struct weir_ctx *ctx, struct es_outcomes *out, const struct es_outcome *o,
                 struct weir_slice type, struct weir_slice why)
{
    const struct es_outcome *last = out->count > 0 ? &out->list[out->count - 1] : NULL;
    struct es_outcome mine = *o;
    mine.type = keep_text(ctx, &out->text, type, last ? last->type : 0);
    mine.why = keep_text(ctx, &out->text, why, last ? last->why : 0);
    if (out->count == out->cap) {
        out->cap = out->cap ? out->cap * 2 : 64;
        out->list = ctx->host->mem(ctx, out->list, out->cap * sizeof *out->list);
    }
    out->list[out->count++] = mine;
}

static const char *text_at(const struct es_outcomes *out, uint32_t place)
{
    return place ? out->text.p + place : NULL;
}

void outcome_complete(struct weir_ctx *ctx, struct es_outcomes *out, struct weir_batch *batch)
{
    uint32_t n = out->count;
    if (out->results_cap < n) {
        out->results = ctx->host->mem(ctx, out->results, out->cap * sizeof *out->results);
        out->results_cap = out->cap;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct es_outcome *o = &out->list[i];
        out->results[i] = (struct weir_result){.index = o->index,
                                               .status = o->status,
                                               .retry_after_ms = o->retry_after_ms,
                                               .code = o->code,
                                               .type = text_at(out, o->type),
                                               .why = text_at(out, o->why)};
    }
    ctx->host->complete(ctx, batch, out->results, n, sizeof *out->results);
    outcome_clear(ctx, out);
}

void outcome_clear(struct weir_ctx *ctx, struct es_outcomes *out)
{
    out->count = 0;
    bytes_clear(ctx, &out->text, TEXT_KEEP);
}

void outcome_free(struct weir_ctx *ctx, struct es_outcomes *out)
{
    bytes_free(ctx, &out->text);
    if (out->list)
        ctx->host->mem(ctx, out->list, 0);
    if (out->results)
        ctx->host->mem(ctx, out->results, 0);
    memset(out, 0, sizeof *out);
}
