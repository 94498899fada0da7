/* SPDX-License-Identifier: BSD-2-Clause */
/* each.c - see each.h. */
#define WEIR_API 1
#include "each.h"

#define BLOCK_BYTES 4096u
#define WHY_BYTES   512u

struct each_block {
    struct each_block *older;
    size_t used, size;
    max_align_t bytes[];
};

const char *const missings[] = {"keep", "drop", "reject", "null", NULL};

void each_init(struct each *e, struct weir_ctx *ctx)
{
    memset(e, 0, sizeof *e);
    e->ctx = ctx;
}

/* All but the last block, which is as large as any record needed so far. */
static void forget(struct each *e)
{
    struct each_block *b = e->blocks ? e->blocks->older : NULL, *older;
    for (; b; b = older) {
        older = b->older;
        e->ctx->host->mem(e->ctx, b, 0);
    }
    if (e->blocks) {
        e->blocks->older = NULL;
        e->blocks->used = 0;
    }
}

void each_free(struct each *e)
{
    forget(e);
    if (e->blocks)
        e->ctx->host->mem(e->ctx, e->blocks, 0);
    if (e->edits)
        e->ctx->host->mem(e->ctx, e->edits, 0);
}

void *each_alloc(struct each *e, size_t n)
{
    struct each_block *b = e->blocks;
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!b || b->size - b->used < n) {
        size_t size = b ? b->size * 2 : BLOCK_BYTES;
        size = size > n ? size : n;
        b = e->ctx->host->mem(e->ctx, NULL, sizeof *b + size);
        b->older = e->blocks;
        b->used = 0;
        b->size = size;
        e->blocks = b;
    }
    b->used += n;
    return (char *)b->bytes + b->used - n;
}

/* The records before i that nothing was done to go on, and i is spoken for. */
static int pass_before(struct each *e, uint32_t i)
{
    uint32_t first = e->passing;
    e->passing = i + 1;
    return i > first ? e->ctx->host->pass(e->to, first, i - first) : WEIR_OK;
}

static int reject(struct each *e)
{
    struct weir_result result;
    int r = pass_before(e, e->i);
    memset(&result, 0, sizeof result);
    result.index = e->i;
    result.status = WEIR_REJECT;
    result.type = e->type;
    result.why = e->why;
    return r == WEIR_OK ? e->ctx->host->reject(e->to, e->i, &result) : r;
}

static int apply(struct each *e)
{
    int r = pass_before(e, e->i);
    if (r == WEIR_OK)
        r = e->ctx->host->emit_edit(e->to, e->i, e->edits, (uint32_t)e->n_edits, sizeof *e->edits, &e->why);
    return r == WEIR_REJECT ? reject(e) : r;
}

/* What the function said becomes of the record. */
static int carry_out(struct each *e, int said)
{
    switch (said) {
    case WEIR_OK:
        return e->n_edits ? apply(e) : WEIR_OK;
    case WEIR_REJECT:
        return reject(e);
    case EACH_DROP:
        return pass_before(e, e->i);
    case EACH_DONE:
        return WEIR_OK;
    default:
        return said;
    }
}

static int run(struct each *e, const struct weir_batch *batch, struct weir_emitter *to, uint32_t want,
               each_fn *one, void *self, int tombstones)
{
    struct weir_view view = {.struct_size = sizeof view, .want = want};
    int r = e->ctx->host->view(e->ctx, batch, &view);
    e->batch = batch;
    e->to = to;
    e->passing = 0;
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++) {
        e->record = weir_record_at(&view, i);
        if (!e->record->value.ptr && !tombstones)
            continue;
        e->i = i;
        e->n_edits = 0;
        e->why = e->type = NULL;
        forget(e);
        r = carry_out(e, one(self, e));
    }
    return r == WEIR_OK ? pass_before(e, view.count) : r;
}

int each_run(struct each *e, const struct weir_batch *batch, struct weir_emitter *to, uint32_t want,
             each_fn *one, void *self)
{
    return run(e, batch, to, want, one, self, 0);
}

int each_run_all(struct each *e, const struct weir_batch *batch, struct weir_emitter *to, uint32_t want,
                 each_fn *one, void *self)
{
    return run(e, batch, to, want, one, self, 1);
}

static int not_json(struct each *e, int r, const char *why)
{
    return r == WEIR_REJECT
               ? each_reject(e, "json", "the value is not JSON%s%s", why ? ": " : "", why ? why : "")
               : r;
}

int each_json(struct each *e, const struct weir_path *path, struct weir_span *ret)
{
    const char *why = NULL;
    int r = e->ctx->host->json(e->ctx, e->batch, e->i, path, ret, &why);
    struct weir_span whole;
    const char *ignored;
    if (r == WEIR_REJECT && path &&
        e->ctx->host->json(e->ctx, e->batch, e->i, NULL, &whole, &ignored) == WEIR_OK)
        return each_reject(e, "json", "%s", why); /* it is JSON, but the path leads to more than one thing */
    return r == WEIR_OK ? r : not_json(e, r, why);
}

int each_json_check(struct each *e, uint32_t *ret_type)
{
    const char *why = NULL;
    uint32_t lines;
    int r = e->ctx->host->json_check(e->ctx, e->batch, e->i, ret_type, &lines, &why);
    return r == WEIR_OK ? r : not_json(e, r, why);
}

static struct weir_slice keep(struct each *e, struct weir_slice s)
{
    void *copy = each_alloc(e, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    s.ptr = copy;
    return s;
}

struct weir_slice each_string(struct each *e, const struct weir_span *span)
{
    return keep(e, e->ctx->host->json_string(e->ctx, span));
}

int each_render(struct each *e, const struct weir_template *t, struct weir_slice *ret)
{
    const char *why = NULL;
    int r = e->ctx->host->render(e->ctx, t, e->batch, e->i, ret, &why);
    if (r == WEIR_OK)
        *ret = keep(e, *ret);
    return r == WEIR_REJECT ? each_reject(e, "template", "%s", why) : r;
}

void each_edit(struct each *e, uint32_t op, const struct weir_path *path, struct weir_slice value)
{
    if (e->n_edits == e->room) {
        e->room = e->room ? e->room * 2 : 8;
        e->edits = e->ctx->host->mem(e->ctx, e->edits, e->room * sizeof *e->edits);
    }
    e->edits[e->n_edits++] = (struct weir_edit){.path = path, .value = value, .op = op};
}

void each_unedit(struct each *e)
{
    e->n_edits = 0;
}

int each_emit(struct each *e, const struct weir_record *changed)
{
    int r = pass_before(e, e->i);
    if (r == WEIR_OK)
        r = e->ctx->host->emit_from(e->to, e->i, changed, sizeof *changed, NULL);
    return r == WEIR_OK ? EACH_DONE : r;
}

static void say(struct each *e, const char *type, const char *format, va_list ap)
{
    char *why = each_alloc(e, WHY_BYTES);
    (void)vsnprintf(why, WHY_BYTES, format, ap);
    e->type = type;
    e->why = why;
}

int each_reject(struct each *e, const char *type, const char *why, ...)
{
    va_list ap;
    va_start(ap, why);
    say(e, type, why, ap);
    va_end(ap);
    return WEIR_REJECT;
}

int each_missing(struct each *e, int64_t policy, const struct weir_path *path, const char *why, ...)
{
    va_list ap;
    switch (policy) {
    case MISSING_KEEP:
        return WEIR_OK;
    case MISSING_DROP:
        return EACH_DROP;
    case MISSING_NULL:
        each_edit(e, WEIR_EDIT_SET, path, weir_str("null"));
        return WEIR_OK;
    default:
        va_start(ap, why);
        say(e, "missing", why, ap);
        va_end(ap);
        return WEIR_REJECT;
    }
}
