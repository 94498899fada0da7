/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.c - keeps the records an expression holds for; the others are dropped.
 *
 * Home thread only.  The expression is evaluated for the whole batch at once, and records next to each other are
 * passed on as one run: nothing is copied. */
#define WEIR_API 1
#include <weir/helpers.h>

struct filter_conf {
    const struct weir_expr *when;
};

static const struct weir_option rows[] = {
    WEIR_OPT_EXPR(struct filter_conf, when, "when", WEIR_F_REQUIRED, NULL,
                  "Keep the records this is true for", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct filter_conf, rows);

struct filter {
    struct weir_ctx *ctx;
    const struct filter_conf *conf;
    uint8_t *verdicts; /* one per record of a batch */
    uint32_t cap;
};

static int filter_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct filter *f = ctx->host->mem(ctx, NULL, sizeof *f);
    memset(f, 0, sizeof *f);
    f->ctx = ctx;
    f->conf = conf;
    *self = f;
    return WEIR_OK;
}

/* match_error speaks of the last error only, so a record in error is evaluated once more, alone. */
static int filter_reject(struct filter *f, const struct weir_batch *batch, struct weir_emitter *to,
                         uint32_t i)
{
    struct weir_result result;
    uint8_t again;
    int r = f->ctx->host->match(f->ctx, f->conf->when, batch, i, 1, &again);
    if (r != WEIR_OK)
        return r;
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.type = "when";
    result.why = f->ctx->host->match_error(f->ctx);
    return f->ctx->host->reject(to, i, &result);
}

static int filter_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct filter *f = self;
    struct weir_view view = {.struct_size = sizeof view};
    uint32_t i = 0;
    int r = f->ctx->host->view(f->ctx, batch, &view);
    if (r != WEIR_OK)
        return r;
    if (view.count > f->cap) {
        f->cap = view.count;
        f->verdicts = f->ctx->host->mem(f->ctx, f->verdicts, f->cap);
    }
    r = f->ctx->host->match(f->ctx, f->conf->when, batch, 0, view.count, f->verdicts);
    while (r == WEIR_OK && i < view.count) {
        uint32_t first = i;
        while (i < view.count && f->verdicts[i] == f->verdicts[first])
            i++;
        if (f->verdicts[first] == 1)
            r = f->ctx->host->pass(to, first, i - first);
        for (uint32_t k = first; f->verdicts[first] == 2 && r == WEIR_OK && k < i; k++)
            r = filter_reject(f, batch, to, k);
    }
    return r;
}

static void filter_destroy(void *self)
{
    struct filter *f = self;
    if (f->verdicts)
        f->ctx->host->mem(f->ctx, f->verdicts, 0);
    f->ctx->host->mem(f->ctx, f, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .create = filter_create,
    .process = filter_process,
    .destroy = filter_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "filter", "0.1.0", "Keeps records by an expression", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
