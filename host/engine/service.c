/* SPDX-License-Identifier: BSD-2-Clause */
/* service.c - the host table: what a plugin may ask for, each function a few lines over the part that does it.
 *
 * The first half may be called from any thread, the second from the instance's home thread only (plugin.h). */
#include "service.h"

#include "config/subst.h"
#include "delivery/outlet.h"
#include "emitter.h"
#include "hold.h"
#include "pipeline.h"
#include "report/clock.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

static struct instance *of(struct weir_ctx *ctx)
{
    return (struct instance *)(void *)ctx; /* ctx is its first member */
}

static void s_log(struct weir_ctx *ctx, int level, const char *text, size_t len)
{
    log_text(level, of(ctx)->who, text, len);
}

static void s_health(struct weir_ctx *ctx, uint32_t state, uint32_t code, const char *why)
{
    atomic_store(&of(ctx)->speaks, true);
    instance_health(of(ctx), state, code, why);
}

static void s_count(struct weir_ctx *ctx, uint32_t metric, int64_t delta)
{
    struct instance *i = of(ctx);
    if (i->metrics && metric < i->ops->metrics->count)
        atomic_fetch_add_explicit(&i->metrics[metric], delta, memory_order_relaxed);
}

static void s_gauge(struct weir_ctx *ctx, uint32_t metric, int64_t value)
{
    struct instance *i = of(ctx);
    if (i->metrics && metric < i->ops->metrics->count)
        atomic_store_explicit(&i->metrics[metric], value, memory_order_relaxed);
}

static void s_wake(struct weir_ctx *ctx)
{
    atomic_store(&of(ctx)->wake, true);
    loop_wake(of(ctx)->loop);
}

static int s_complete(struct weir_ctx *ctx, struct weir_batch *batch, const struct weir_result *results,
                      uint32_t n, uint32_t stride)
{
    return outlet_complete(of(ctx), batch, results, n, stride);
}

static int64_t s_mono_ms(struct weir_ctx *ctx)
{
    (void)ctx;
    return clock_mono_ms();
}

static int64_t s_wall_ms(struct weir_ctx *ctx)
{
    (void)ctx;
    return clock_wall_ms();
}

static void *s_mem(struct weir_ctx *ctx, void *old, size_t n)
{
    (void)ctx;
    if (n)
        return xrealloc(old, n);
    free(old);
    return NULL;
}

static struct weir_buf *s_buf_alloc(struct weir_ctx *ctx, size_t n, void **data)
{
    return buf_alloc(&of(ctx)->pipeline->flow.budget, n, data);
}

static struct weir_buf *s_buf_wrap(struct weir_ctx *ctx, size_t n, void (*release)(void *), void *opaque)
{
    return buf_wrap(&of(ctx)->pipeline->flow.budget, n, release, opaque);
}

static int s_secret(struct weir_ctx *ctx, const struct weir_secret *secret,
                    void (*use)(void *opaque, struct weir_slice), void *opaque)
{
    (void)ctx;
    return secret_use(secret, use, opaque);
}

static const struct weir_instance *s_instance(struct weir_ctx *ctx)
{
    return &of(ctx)->info;
}

static void s_fail(struct weir_ctx *ctx, const struct weir_result *r)
{
    struct failure *f = &of(ctx)->failure;
    f->code = r->code;
    f->retry_after_ms = r->retry_after_ms;
    f->why.len = f->type.len = 0;
    if (r->why)
        strbuf_str(&f->why, r->why);
    if (r->type)
        strbuf_str(&f->type, r->type);
}

/* Problems are for check and probe, which have a table of their own; here they are logged. */
static void s_problem(struct weir_problems *to, const char *option, const char *text)
{
    (void)to;
    log_line(WEIR_LOG_ERROR, NULL, "%s: %s", option ? option : "section", text);
}

static void s_watch_fd(struct weir_ctx *ctx, int fd, uint32_t events)
{
    loop_watch(of(ctx)->loop, of(ctx), fd, events);
}

static void s_wake_at(struct weir_ctx *ctx, int64_t mono_ms)
{
    of(ctx)->wake_at = mono_ms;
}

static int s_shard_open(struct weir_ctx *ctx, const struct weir_shard *desc, const struct weir_shard **ret,
                        struct weir_position *ret_position)
{
    return intake_shard_open(&of(ctx)->pipeline->intake, desc, ret, ret_position);
}

static int s_shard_revoke(struct weir_ctx *ctx, const struct weir_shard *const *shards, uint32_t n,
                          uint32_t drain_ms)
{
    return intake_shard_revoke(&of(ctx)->pipeline->intake, shards, n, drain_ms);
}

static void s_shard_end(struct weir_ctx *ctx, const struct weir_shard *shard, uint64_t end)
{
    ledger_shard_end(&of(ctx)->pipeline->flow.ledger, (struct shard *)(uintptr_t)shard, end);
}

static void s_shard_begin(struct weir_ctx *ctx, const struct weir_shard *shard, uint64_t next)
{
    ledger_shard_begin(&of(ctx)->pipeline->flow.ledger, (struct shard *)(uintptr_t)shard, next);
}

static void s_shard_skip(struct weir_ctx *ctx, const struct weir_shard *shard, uint64_t next)
{
    ledger_shard_skip(&of(ctx)->pipeline->flow.ledger, (struct shard *)(uintptr_t)shard, next);
}

static int s_view(struct weir_ctx *ctx, const struct weir_batch *b, struct weir_view *v)
{
    struct weir_batch *batch = (struct weir_batch *)(uintptr_t)b;
    struct weir_emitter *e = of(ctx)->emitter;
    uint32_t size = v->struct_size;
    if (size < offsetof(struct weir_view, bytes))
        return WEIR_FATAL;
    hold_shown(batch);
    bool want = size >= offsetof(struct weir_view, reserved) && (v->want & WEIR_WANT_VALUE);
    for (uint32_t i = 0; want && e && i < batch->count; i++) /* what a sink sees is printed already */
        emitter_print(e, batch, i);
    struct weir_view full = {.struct_size = size,
                             .stride = sizeof(struct weir_record),
                             .count = batch->count,
                             .attempt = batch->attempt,
                             .records = batch->records,
                             .bytes = batch->bytes,
                             .want = size >= offsetof(struct weir_view, reserved) ? v->want : 0};
    memcpy(v, &full, size < sizeof full ? size : sizeof full);
    return WEIR_OK;
}

static int s_state_get(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice *value)
{
    struct instance *i = of(ctx);
    int status = state_get(i->pipeline->state, i->owner, key, &i->state_value);
    if (status != WEIR_OK)
        return status;
    *value = (struct weir_slice){i->state_value.data, i->state_value.len};
    return WEIR_OK;
}

static int s_state_put(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice value)
{
    if (key.len > 1024 || value.len > 65536)
        return WEIR_FATAL;
    state_put(of(ctx)->pipeline->state, of(ctx)->owner, key, value);
    of(ctx)->put = true;
    return WEIR_OK;
}

static int s_state_scan(struct weir_ctx *ctx, struct weir_slice prefix,
                        int (*each)(void *, struct weir_slice, struct weir_slice), void *opaque)
{
    return state_scan(of(ctx)->pipeline->state, of(ctx)->owner, prefix, each, opaque);
}

static const struct weir_error *s_classify(struct weir_ctx *ctx, const struct weir_fault *fault)
{
    return errors_classify(of(ctx)->ops->errors, &of(ctx)->section->errors, fault);
}

static void s_replay(struct weir_ctx *ctx, const char *why)
{
    struct instance *i = of(ctx);
    if (i->outlet && i->outlet == i->pipeline->keeper)
        replay_ask(&i->pipeline->intake, i->who, why);
    else
        flow_fail(&i->pipeline->flow,
                  "[%s] asked for a replay, but keeps no positions: a fault of the plugin",
                  i->section->title);
}

static uint32_t s_in_flight(struct weir_ctx *ctx, uint32_t n)
{
    struct outlet *o = of(ctx)->outlet;
    if (!o)
        return 0;
    uint32_t most = outlet_more(o, n);
    intake_widen(o->flow, o->conf, most);
    return most;
}

const struct weir_host host_table = {
    .struct_size = sizeof(struct weir_host),
    .api = WEIR_API_LATEST,
    .version = WEIR_VERSION,
    .log = s_log,
    .health = s_health,
    .count = s_count,
    .gauge = s_gauge,
    .wake = s_wake,
    .complete = s_complete,
    .mono_ms = s_mono_ms,
    .wall_ms = s_wall_ms,
    .mem = s_mem,
    .buf_alloc = s_buf_alloc,
    .buf_wrap = s_buf_wrap,
    .buf_ref = buf_ref,
    .buf_unref = buf_unref,
    .secret = s_secret,
    .instance = s_instance,
    .fail = s_fail,
    .problem = s_problem,
    .watch_fd = s_watch_fd,
    .wake_at = s_wake_at,
    .shard_open = s_shard_open,
    .shard_revoke = s_shard_revoke,
    .shard_end = s_shard_end,
    .shard_skip = s_shard_skip,
    .view = s_view,
    .emit = emitter_emit,
    .emit_bad = emitter_emit_bad,
    .pass = emitter_pass,
    .emit_from = emitter_emit_from,
    .emit_edit = emitter_emit_edit,
    .reject = emitter_reject,
    .json = service_json,
    .json_string = service_json_string,
    .json_check = service_json_check,
    .json_minify = service_json_minify,
    .json_quote = service_json_quote,
    .json_walk = service_json_walk,
    .render = service_render,
    .match = service_match,
    .match_error = service_match_error,
    .record_print = service_record_print,
    .record_parse = service_record_parse,
    .state_get = s_state_get,
    .state_put = s_state_put,
    .state_scan = s_state_scan,
    .classify = s_classify,
    .replay = s_replay,
    .shard_begin = s_shard_begin,
    .in_flight = s_in_flight,
    .hold = emitter_hold,
    .emit_held = emitter_emit_held,
    .pass_held = emitter_pass_held,
    .reject_held = emitter_reject_held,
};
