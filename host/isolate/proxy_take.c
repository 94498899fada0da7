/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy_take.c - what the process of a plugin says by itself, handed to the host as if the plugin had called it.
 *
 * Home thread of the instance. */
#include "proxy.h"

#include <string.h>

static void take_metrics(struct proxy *p, struct unpack *from)
{
    while (!from->bad && from->at < from->end) {
        uint64_t row = unpack_number(from), kind = unpack_number(from);
        int64_t value = (int64_t)unpack_number(from);
        if (from->bad)
            return;
        if (kind == WEIR_COUNTER)
            p->host->count(p->ctx, (uint32_t)row, value);
        else
            p->host->gauge(p->ctx, (uint32_t)row, value);
    }
}

static void take_health(struct proxy *p, const struct frame *f, struct unpack *from)
{
    const char *why = unpack_text(from);
    if (from->bad || f->a < WEIR_UP || f->a > WEIR_UNTRUSTED)
        from->bad = true;
    else
        p->host->health(p->ctx, (uint32_t)f->a, (uint32_t)f->b, why);
    p->spoke = true;
}

static void take_log(struct proxy *p, const struct frame *f, struct unpack *from)
{
    struct weir_slice text = unpack_slice(from);
    if (!from->bad && text.ptr)
        p->host->log(p->ctx, (int)f->a, text.ptr, text.len);
}

static void take_in_flight(struct proxy *p, const struct frame *f)
{
    uint32_t n = f->a < UINT32_MAX ? (uint32_t)f->a : UINT32_MAX;
    const struct frame reply = {.type = WIRE_REPLY, .id = f->id, .a = p->host->in_flight(p->ctx, n)};
    (void)proxy_send_frame(p, &reply, NULL);
}

void proxy_take(struct proxy *p, struct message *m)
{
    const struct frame *f = &m->frame;
    struct unpack from = {.at = m->body, .end = m->body + f->len};
    switch (f->type) {
    case WIRE_COMPLETE:
        proxy_complete(p, f, &from);
        break;
    case WIRE_LOG:
        take_log(p, f, &from);
        break;
    case WIRE_HEALTH:
        take_health(p, f, &from);
        break;
    case WIRE_METRICS:
        take_metrics(p, &from);
        break;
    case WIRE_WAKE:
        p->host->wake(p->ctx);
        break;
    case WIRE_STATE_PUT:
        proxy_state_put(p, &from);
        break;
    case WIRE_STATE_GET:
        proxy_state_get(p, f, &from);
        break;
    case WIRE_STATE_SCAN:
        proxy_state_scan(p, f, &from);
        break;
    case WIRE_IN_FLIGHT:
        take_in_flight(p, f);
        break;
    case WIRE_EMIT:
        proxy_emit(p, m, &from);
        break;
    case WIRE_SHARD_OPEN:
        proxy_shard_open(p, f, &from);
        break;
    case WIRE_SHARD_REVOKE:
        proxy_shard_revoke(p, f, &from);
        break;
    case WIRE_SHARD_END:
    case WIRE_SHARD_BEGIN:
        proxy_shard_say(p, f, &from);
        break;
    case WIRE_FAULT:
        proxy_break(p, unpack_text(&from));
        break;
    default:
        from.bad = true;
    }
    if (from.bad)
        proxy_died(p, "ended because it sent what means nothing");
}
