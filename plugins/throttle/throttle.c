/* SPDX-License-Identifier: BSD-2-Clause */
/* throttle.c - lets no more than so many records pass in a second.
 *
 * Home thread only.  It takes what is offered as a whole and then asks to wait until that is paid for, so nothing is
 * held here: the records stay where they are, and when memory is full the source stops reading. */
#define WEIR_API 1
#include <weir/helpers.h>

#define AHEAD_MS 100 /* not worth a pause: the host makes none that is shorter */

struct throttle_conf {
    int64_t rate, per;
};

static const struct weir_option rows[] = {
    WEIR_OPT_INT(struct throttle_conf, rate, "rate", WEIR_F_REQUIRED, NULL, 1, 1000000000,
                 "So many records pass in the time of per, on the average", NULL),
    WEIR_OPT_DURATION(struct throttle_conf, per, "per", 0, "1s", 1, 86400000, "The time of rate", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct throttle_conf, rows);

struct throttle {
    struct weir_ctx *ctx;
    const struct throttle_conf *conf;
    double free_at; /* mono ms: what passed is paid for then */
};

static int throttle_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct throttle *t = ctx->host->mem(ctx, NULL, sizeof *t);
    *t = (struct throttle){.ctx = ctx, .conf = conf};
    *self = t;
    return WEIR_OK;
}

/* Waiting is nothing that ails: without a word of ours the host would say so. */
static int throttle_open(void *self)
{
    struct throttle *t = self;
    t->ctx->host->health(t->ctx, WEIR_UP, 0, NULL);
    return WEIR_OK;
}

static int wait_for(struct throttle *t, double ms)
{
    struct weir_result result;
    memset(&result, 0, sizeof result);
    result.retry_after_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
    result.why = "it waits for its rate";
    (t->ctx->host->fail)(t->ctx, &result);
    return WEIR_RETRY;
}

static int throttle_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct throttle *t = self;
    struct weir_view view = {.struct_size = sizeof view};
    double now = (double)t->ctx->host->mono_ms(t->ctx);
    int r = t->ctx->host->view(t->ctx, batch, &view);
    if (r != WEIR_OK)
        return r;
    if (t->free_at - now >= AHEAD_MS)
        return wait_for(t, t->free_at - now);
    if (t->free_at < now - AHEAD_MS) /* what was not used is lost, but for what a late call may make up for */
        t->free_at = now - AHEAD_MS;
    t->free_at += view.count * (double)t->conf->per / (double)t->conf->rate;
    return t->ctx->host->pass(to, 0, view.count);
}

static void throttle_destroy(void *self)
{
    struct throttle *t = self;
    t->ctx->host->mem(t->ctx, t, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .create = throttle_create,
    .open = throttle_open,
    .process = throttle_process,
    .destroy = throttle_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "throttle", "0.1.0", "Lets so many records pass in a second",
    "BSD-2-Clause",   NULL,       ops};
WEIR_PLUGIN(plugin);
