/* SPDX-License-Identifier: BSD-2-Clause */
/* window.c - how many batches the sink has in flight: as many as fill its requests.
 *
 * Home thread.  librdkafka, when idempotent, has one request of a partition out, and asks poll(2) without a pause while
 * the next one of it is ready (2.0.2).  Other partitions' are sent meanwhile, so what keeps the brokers busy is a few
 * batches more than one request takes; many more only cost CPU.  That is where it begins, if memory allows.
 *
 * A request holds messages of one partition, and brokers take five of them at one time.  So what a request
 * holds is what is in flight divided by the partitions it is for: with a thousand of these the few batches that are
 * enough for three would leave four records for each, and requests cost many times what their records do.  A delivery
 * report is the answer to one request and tells what it held.  Where records come slowly nothing is asked for, as not all
 * batches are in use then; linger.ms is what a lone record waits, whatever the window. */
#include "sink.h"

#include <inttypes.h>

#define WINDOW_START    6u         /* batches */
#define WINDOW_PLENTY   (6u << 20) /* bytes of the sink's own, from which on it starts with so many */
#define WINDOW_REQUEST  65536u     /* bytes: the request itself costs little beside so many */
#define WINDOW_REQUESTS 64u        /* looked at before more is asked for */
#define WINDOW_MESSAGE  256u /* bytes librdkafka has beside those of a message, and some for its headers */

/* Messages in flight cost memory of the sink's own, about so many batches fit. */
static uint32_t affordable(const struct kafka_sink *s)
{
    uint64_t records = 0;
    for (uint32_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].batch)
            records += s->slots[i].view.count;
    uint64_t n = s->ctx->host->instance(s->ctx)->budget * s->n_used / (WINDOW_MESSAGE * (records + 1));
    return n < s->n_slots ? (uint32_t)n : s->n_slots;
}

/* The host has the last word: the operator may have said how many. */
static void ask_for(struct kafka_sink *s, uint32_t batches)
{
    struct kafka_window *w = &s->window;
    uint32_t given = s->ctx->host->in_flight(s->ctx, batches);
    if (given <= w->batches)
        w->most = w->batches;
    w->batches = given < s->n_slots ? given : s->n_slots;
}

void kafka_window_answered(struct kafka_sink *s, uint64_t bytes)
{
    struct kafka_window *w = &s->window;
    if (w->batches == w->most)
        return;
    if (!w->started && w->batches < WINDOW_START && s->ctx->host->instance(s->ctx)->budget >= WINDOW_PLENTY)
        ask_for(s, WINDOW_START);
    w->started = true;
    w->bytes += bytes;
    if (++w->requests < WINDOW_REQUESTS)
        return;
    uint64_t held = w->bytes / w->requests;
    uint32_t more = affordable(s);
    w->requests = 0;
    w->bytes = 0;
    if (held >= WINDOW_REQUEST || more <= w->batches)
        return;
    more = more < 2 * w->batches ? more : 2 * w->batches;
    ask_for(s, more);
    weir_logf(s->ctx, WEIR_LOG_DEBUG, "requests of %" PRIu64 " bytes: up to %" PRIu32 " batches in flight",
              held, w->batches);
}

bool kafka_window_full(const struct kafka_sink *s)
{
    return s->n_used >= s->window.batches;
}

void kafka_window_begin(struct kafka_sink *s)
{
    uint32_t n = s->ctx->host->instance(s->ctx)->in_flight;
    s->window = (struct kafka_window){.batches = n < s->n_slots ? n : s->n_slots, .most = s->n_slots};
}
