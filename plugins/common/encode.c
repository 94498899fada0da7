/* SPDX-License-Identifier: BSD-2-Clause */
/* encode.c - records as lines and lines as records; see encode.h. */
#define WEIR_API 1
#include "encode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const encode_formats[] = {"raw", "record", NULL};
const char *const encode_tombstones[] = {"reject", "drop", "empty", NULL};

int encode_line(struct weir_ctx *ctx, int64_t format, int64_t tombstone, const struct weir_batch *batch,
                uint32_t i, const struct weir_record *rec, struct weir_slice *ret, const char **ret_why)
{
    if (format == ENCODE_RECORD)
        return ctx->host->record_print(ctx, batch, i, ret);
    if (!rec->value.ptr) {
        if (tombstone == TOMBSTONE_DROP)
            return WEIR_AGAIN;
        if (tombstone == TOMBSTONE_REJECT) {
            *ret_why = "the record is a tombstone, which format = raw can't hold; use format = record, "
                       "or tombstone = drop or empty";
            return WEIR_REJECT;
        }
        ret->ptr = "";
        ret->len = 0;
        return WEIR_OK;
    }
    if (rec->value.len && memchr(rec->value.ptr, '\n', rec->value.len)) {
        *ret_why = "the value holds a line feed, which format = raw can't hold; use format = record";
        return WEIR_REJECT;
    }
    *ret = rec->value;
    return WEIR_OK;
}

void rejects_init(struct rejects *r, struct weir_ctx *ctx)
{
    memset(r, 0, sizeof *r);
    r->ctx = ctx;
}

void rejects_clear(struct rejects *r)
{
    r->n = 0;
    r->used = 0;
    r->last = NULL;
}

/* Keeps a copy of why until rejects_clear; the reasons of a batch are often all the same. */
static const char *reason_keep(struct rejects *r, const char *why)
{
    size_t n = strlen(why) + 1;
    if (r->last && !strcmp(r->last, why))
        return r->last;
    if (!r->text)
        r->text = r->ctx->host->mem(r->ctx, NULL, REJECTS_TEXT);
    if (r->used + n > REJECTS_TEXT)
        return "like others of this batch, whose reasons fill the room for reasons";
    memcpy(r->text + r->used, why, n);
    r->last = r->text + r->used;
    r->used += n;
    return r->last;
}

void rejects_add(struct rejects *r, uint32_t index, const char *why)
{
    struct weir_result *result;
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->list = r->ctx->host->mem(r->ctx, r->list, r->cap * sizeof *r->list);
    }
    result = &r->list[r->n++];
    memset(result, 0, sizeof *result);
    result->index = index;
    result->status = WEIR_REJECT;
    result->why = reason_keep(r, why);
}

void rejects_free(struct rejects *r)
{
    if (r->list)
        r->ctx->host->mem(r->ctx, r->list, 0);
    if (r->text)
        r->ctx->host->mem(r->ctx, r->text, 0);
    memset(r, 0, sizeof *r);
}

static int emit_bad(struct weir_ctx *ctx, struct weir_emitter *to, const struct weir_record *rec,
                    const char *why)
{
    struct weir_result result;
    memset(&result, 0, sizeof result);
    result.status = WEIR_REJECT;
    result.why = why;
    return ctx->host->emit_bad(to, rec, sizeof *rec, &result);
}

int encode_long(struct weir_ctx *ctx, struct weir_emitter *to, struct lines *lines,
                const struct weir_record *rec, const char *where)
{
    char why[512];
    int r;
    (void)snprintf(why, sizeof why,
                   "%.300s: the line at byte %" PRIu64 " has %" PRIu64 " bytes, more than max-line = %zu; "
                   "only its first bytes are kept",
                   where, rec->seq, rec->next - rec->seq, lines->max_line);
    r = emit_bad(ctx, to, rec, why);
    if (r == WEIR_OK)
        lines_long_taken(lines);
    return r;
}

/* One line as a record object; AGAIN: not taken. */
static int emit_parsed(struct weir_ctx *ctx, struct weir_emitter *to, const struct weir_record *rec,
                       const char *where)
{
    struct weir_record parsed;
    struct weir_run run = {sizeof run, sizeof parsed, 1, 0, &parsed, NULL};
    const char *reason = NULL;
    uint32_t taken = 0;
    int r;
    memset(&parsed, 0, sizeof parsed);
    if (ctx->host->record_parse(ctx, rec->value, &parsed, sizeof parsed, &reason) != WEIR_OK) {
        char why[512];
        (void)snprintf(why, sizeof why, "%.200s: the line at byte %" PRIu64 " is no record object: %.200s",
                       where, rec->seq, reason ? reason : "unreadable");
        return emit_bad(ctx, to, rec, why);
    }
    parsed.shard = rec->shard;
    parsed.seq = rec->seq;
    parsed.next = rec->next;
    parsed.flags = 0;
    parsed.sub = 0;
    r = ctx->host->emit(to, &run, &taken);
    if (r != WEIR_OK && r != WEIR_AGAIN)
        return r;
    return taken ? WEIR_OK : WEIR_AGAIN;
}

int encode_lines(struct weir_ctx *ctx, struct weir_emitter *to, int64_t format, struct lines *lines,
                 struct weir_record *recs, uint32_t n, const char *where)
{
    struct weir_run run = {sizeof run, sizeof *recs, n, 0, recs, lines->buf};
    uint32_t taken = 0;
    int r = WEIR_OK;
    if (format == ENCODE_RAW) {
        r = ctx->host->emit(to, &run, &taken);
        lines_taken(lines, recs, taken, true);
        return r == WEIR_OK && taken < n ? WEIR_AGAIN : r;
    }
    while (taken < n && (r = emit_parsed(ctx, to, &recs[taken], where)) == WEIR_OK)
        taken++;
    lines_taken(lines, recs, taken, false);
    return r;
}
