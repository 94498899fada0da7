/* SPDX-License-Identifier: BSD-2-Clause */
/* transform.c - a transform that passes each record, and breaks one rule: compiled with -D and one of these names. */
/* breaks: PASSES outcome; ELSE outcome; BEHIND results; TWO promises; OUTSIDE buffer; AFTERWARDS emitter; HOLDS borrowed;
 * COUNTS instances; SINKS calls; UNREF memory; SCRIBBLES immutable */
#include "parts.h"

struct transform {
    struct weir_ctx *ctx;
    struct weir_emitter *to;
    const struct weir_record *first;
};

static int transform_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct transform *t = ctx->host->mem(ctx, NULL, sizeof *t);
    (void)conf;
    *t = (struct transform){.ctx = ctx};
    *self = t;
    return WEIR_OK;
}

static int transform_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct transform *t = (struct transform *)self;
    const struct weir_host *host = t->ctx->host;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    struct weir_record r;
    struct weir_result bad = {.status = WEIR_REJECT, .why = "it is bad"};
    void *data;
    (void)bad;
    (void)r;
    (void)data;
    if (host->view(t->ctx, batch, &view) != WEIR_OK)
        return WEIR_FATAL;
    r = *weir_record_at(&view, 0);
#if defined PASSES
    (void)host->pass(to, 0, 1);
#elif defined ELSE
    (void)host->reject(to, 0, &bad);
#elif defined BEHIND
    (void)host->reject(to, view.count, &bad);
#elif defined TWO
    (void)host->emit_from(to, 0, &r, sizeof r, NULL);
    (void)host->emit_from(to, 0, &r, sizeof r, NULL);
    return WEIR_OK;
#elif defined OUTSIDE
    (void)host->emit_from(to, 0, &r, sizeof r, host->buf_alloc(t->ctx, 10, &data));
    return WEIR_OK;
#elif defined AFTERWARDS
    if (t->to)
        (void)host->pass(t->to, 0, 1);
    t->to = to; /* the same in the next call, where it is too late for the one before */
    return WEIR_OK;
#elif defined HOLDS
    total += t->first ? t->first->value.len : 0;
    t->first = weir_record_at(&view, 0);
#elif defined COUNTS
    if (total++ % 3 == 0)
        return WEIR_OK;
#elif defined SINKS
    (void)host->emit_bad(to, &r, sizeof r, &bad);
#elif defined UNREF
    struct weir_buf *buf = host->buf_alloc(t->ctx, 10, &data);
    host->buf_unref(buf);
    host->buf_unref(buf);
#elif defined SCRIBBLES
    ((struct weir_record *)(uintptr_t)weir_record_at(&view, 0))->topic = weir_str("mine");
#endif
    return host->pass(to, 0, view.count);
}

static void transform_destroy(void *self)
{
    struct transform *t = (struct transform *)self;
    struct weir_ctx *ctx = t->ctx;
#if defined AFTERWARDS
    if (t->to)
        (void)ctx->host->pass(t->to, 0, 1);
#endif
    ctx->host->mem(ctx, t, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof transform,
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE,
    .options = &options,
    .create = transform_create,
    .process = transform_process,
    .destroy = transform_destroy,
};
static const struct weir_ops *const all_ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, NAME, "1",    "a test",
                                          "BSD-2-Clause",   NULL, all_ops};
WEIR_PLUGIN(plugin);
