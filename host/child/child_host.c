/* SPDX-License-Identifier: BSD-2-Clause */
/* child_host.c - the host's table in the process of a plugin: weir's own services, but for what belongs to the engine,
 * which is sent.  Threads as in plugin.h. */
#include "child.h"

#include "engine/service.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void child_send(uint32_t type, uint64_t id, int32_t status, uint64_t a, uint64_t b, const struct strbuf *body)
{
    const struct frame f = {
        .type = type, .id = id, .status = status, .a = a, .b = b, .len = body ? body->len : 0};
    bool stuck;
    if (!line_send(&child.line, &f, body ? body->data : NULL, INT64_MAX, &stuck))
        _exit(EXIT_FAILURE); /* weir is gone, and whoever would want what is done here with it */
}

struct message *child_ask(uint32_t type, uint64_t a, const struct strbuf *body)
{
    uint64_t id = ++child.questions;
    struct message *m;
    child_send(type, id, 0, a, 0, body);
    for (;;) {
        while ((m = line_next(&child.line)) == NULL) {
            line_fill(&child.line);
            if (child.line.dead)
                _exit(EXIT_FAILURE);
        }
        if (m->frame.type == WIRE_REPLY && m->frame.id == id)
            return m;
        *child.later_tail = m;
        child.later_tail = &m->next;
    }
}

static struct instance *of(struct weir_ctx *ctx)
{
    return (struct instance *)(void *)ctx; /* ctx is its first member */
}

static void c_health(struct weir_ctx *ctx, uint32_t state, uint32_t code, const char *why)
{
    struct strbuf body = {0};
    (void)ctx;
    if (atomic_exchange(&child.health, state) == state && state == WEIR_UP)
        return; /* said at every batch */
    pack_text(&body, why);
    child_send(WIRE_HEALTH, 0, 0, state, code, &body);
    strbuf_free(&body);
}

void child_tell_metrics(void)
{
    const struct instance *in = child.instance;
    const struct weir_metrics *m = in->ops->metrics;
    struct strbuf body = {0};
    for (uint32_t i = 0; in->metrics && i < m->count; i++) {
        const struct weir_metric *row =
            (const struct weir_metric *)(const void *)((const char *)m->rows + (size_t)i * m->stride);
        int64_t now = atomic_load_explicit(&in->metrics[i], memory_order_relaxed);
        if (now == child.told[i])
            continue;
        pack_number(&body, i);
        pack_number(&body, row->kind);
        pack_number(&body, (uint64_t)(row->kind == WEIR_COUNTER ? now - child.told[i] : now));
        child.told[i] = now;
    }
    if (body.len)
        child_send(WIRE_METRICS, 0, 0, 0, 0, &body);
    strbuf_free(&body);
}

static struct weir_buf *c_buf_alloc(struct weir_ctx *ctx, size_t n, void **data)
{
    (void)ctx;
    return buf_alloc(&child.budget, n, data);
}

static struct weir_buf *c_buf_wrap(struct weir_ctx *ctx, size_t n, void (*release)(void *), void *opaque)
{
    (void)ctx;
    return buf_wrap(&child.budget, n, release, opaque);
}

static int c_state_get(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice *value)
{
    struct strbuf body = {0}, *kept = &of(ctx)->state_value;
    pack_slice(&body, key);
    struct message *m = child_ask(WIRE_STATE_GET, 0, &body);
    strbuf_free(&body);
    struct unpack from = {.at = m->body, .end = m->body + m->frame.len};
    int status = m->frame.status;
    struct weir_slice found = unpack_slice(&from);
    kept->len = 0;
    if (status == WEIR_OK) {
        strbuf_add(kept, found.ptr, found.len);
        *value = (struct weir_slice){kept->data, kept->len};
    }
    message_free(m);
    return status;
}

static int c_state_put(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice value)
{
    struct strbuf body = {0};
    (void)ctx;
    if (key.len > 1024 || value.len > 65536)
        return WEIR_FATAL;
    pack_slice(&body, key);
    pack_slice(&body, value);
    child_send(WIRE_STATE_PUT, 0, 0, 0, 0, &body);
    strbuf_free(&body);
    return WEIR_OK;
}

static int c_state_scan(struct weir_ctx *ctx, struct weir_slice prefix,
                        int (*each)(void *, struct weir_slice, struct weir_slice), void *opaque)
{
    struct strbuf body = {0};
    (void)ctx;
    pack_slice(&body, prefix);
    struct message *m = child_ask(WIRE_STATE_SCAN, 0, &body);
    strbuf_free(&body);
    struct unpack from = {.at = m->body, .end = m->body + m->frame.len};
    int status = m->frame.status;
    while (status == WEIR_OK && from.at < from.end && !from.bad) {
        struct weir_slice key = unpack_slice(&from), value = unpack_slice(&from);
        if (!from.bad)
            status = each(opaque, key, value);
    }
    message_free(m);
    return status;
}

static uint32_t c_in_flight(struct weir_ctx *ctx, uint32_t n)
{
    struct message *m = child_ask(WIRE_IN_FLIGHT, n, NULL);
    uint32_t most = (uint32_t)m->frame.a;
    (void)ctx;
    message_free(m);
    return most;
}

static void c_replay(struct weir_ctx *ctx, const char *why)
{
    struct strbuf body = {0};
    (void)ctx;
    (void)why;
    pack_text(&body, "it asked for a replay, but keeps no positions: a fault of the plugin");
    child_send(WIRE_FAULT, 0, 0, 0, 0, &body);
    strbuf_free(&body);
}

const struct weir_host *child_host(void)
{
    static struct weir_host table;
    table = host_table;
    table.health = c_health;
    table.complete = child_complete;
    table.buf_alloc = c_buf_alloc;
    table.buf_wrap = c_buf_wrap;
    table.state_get = c_state_get;
    table.state_put = c_state_put;
    table.state_scan = c_state_scan;
    table.replay = c_replay;
    table.in_flight = c_in_flight;
    table.emit = child_emit;
    table.emit_bad = child_emit_bad;
    table.shard_open = child_shard_open;
    table.shard_revoke = child_shard_revoke;
    table.shard_end = child_shard_end;
    table.shard_begin = child_shard_begin;
    table.shard_skip = child_shard_skip;
    table.pass = child_pass;
    table.emit_from = child_emit_from;
    table.emit_edit = child_emit_edit;
    table.reject = child_reject;
    table.hold = NULL; /* weir check refuses who holds records */
    table.emit_held = NULL;
    table.pass_held = NULL;
    table.reject_held = NULL;
    return &table;
}
