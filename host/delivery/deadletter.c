/* SPDX-License-Identifier: BSD-2-Clause */
/* deadletter.c - makes dead letters and routes them.  Any thread. */
#include "deadletter.h"

#include "flow.h"
#include "ledger.h"
#include "record/strbuf.h"
#include "report/redact.h"
#include "report/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 15   /* most that are added */
#define WHY_MAX 1024 /* bytes of a reason kept: some servers put the whole document there */

void rejects_begin(struct rejects *r, struct flow *f, const struct section_conf *section)
{
    *r = (struct rejects){.flow = f, .section = section, .in_row = &f->rejects_in_row};
}

/* Where a record came from, for a person: web.access/3@1234. */
static void place(const struct weir_record *r, char *out, size_t cap)
{
    const struct weir_slice topic = r->shard->topic.ptr ? r->shard->topic : r->topic;
    snprintf(out, cap, "%.*s/%" PRId32 "@%" PRIu64, (int)(topic.len > 200 ? 200 : topic.len),
             topic.ptr ? (const char *)topic.ptr : "", r->partition, r->seq);
}

static const char *stage(const struct section_conf *s)
{
    return s->kind == WEIR_SOURCE ? "TASK_POLL" : s->kind == WEIR_TRANSFORM ? "TRANSFORMATION" : "TASK_PUT";
}

struct header_writer {
    struct arena *arena;
    struct weir_header *headers;
    uint32_t n;
};

static void put(struct header_writer *w, const char *name, const void *value, size_t len)
{
    w->headers[w->n++] = (struct weir_header){{name, strlen(name)}, {arena_copy(w->arena, value, len), len}};
}

static void put_number(struct header_writer *w, const char *name, int64_t value)
{
    char text[24];
    put(w, name, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

/* Masked as in the log, since an error may quote an option; not more than WHY_MAX bytes, and no character cut in two. */
static void put_reason(struct header_writer *w, const char *reason)
{
    struct strbuf masked = {0};
    redact_text(reason, strlen(reason), &masked);
    size_t n = masked.len;
    if (n > WHY_MAX)
        for (n = WHY_MAX; n > WHY_MAX - 3 && ((unsigned char)masked.data[n] & 0xc0) == 0x80; n--)
            ;
    put(w, DEADLETTER_ERRORS "exception.message", n ? masked.data : "", n);
    strbuf_free(&masked);
}

static bool differ(struct weir_slice a, struct weir_slice b)
{
    return a.len != b.len || (a.len && memcmp(a.ptr, b.ptr, a.len) != 0);
}

/* What a record is known by beyond topic, partition and offset of where it was read. */
static void add_identity(struct header_writer *w, const struct weir_record *r)
{
    const struct shard *s = (const struct shard *)(const void *)r->shard; /* plugins see its first member */
    const struct weir_shard *pub = &s->pub;
    struct strbuf id = {0};
    strbuf_add(&id, pub->topic.ptr ? pub->topic.ptr : "", pub->topic.len);
    strbuf_printf(&id, "/%" PRId32, pub->partition);
    if (differ((struct weir_slice){id.data, id.len}, pub->id))
        put(w, DEADLETTER_SHARD, pub->id.ptr, pub->id.len);
    strbuf_free(&id);
    if (r->topic.ptr && differ(r->topic, pub->topic))
        put(w, DEADLETTER_TOPIC, r->topic.ptr, r->topic.len);
    if (r->partition != pub->partition)
        put_number(w, DEADLETTER_PARTITION, r->partition);
    if ((uint64_t)r->offset != r->seq)
        put_number(w, DEADLETTER_OFFSET, r->offset);
    if (s->redriven)
        put_number(w, DEADLETTER_ATTEMPTS, s->redriven);
}

static void add_headers(const struct rejects *rj, struct weir_record *r, const struct weir_result *why,
                        uint32_t attempts)
{
    struct header_writer w = {.arena = &rj->chunk->arena};
    const struct pipeline_conf *conf = rj->flow->conf;
    const char *reason = why->why ? why->why : "the plugin gave no reason";
    const char *name = conf->connector ? conf->connector : conf->name;
    const char *type = why->type ? why->type : "rejected";
    const struct weir_slice topic = r->shard->topic.ptr ? r->shard->topic : r->topic;
    char trace[256];
    int n =
        snprintf(trace, sizeof trace, "[%s] attempts %u, code %u", rj->section->title, attempts, why->code);
    w.headers = arena_alloc(w.arena, (r->n_headers + HEADERS) * sizeof *w.headers);
    if (r->n_headers)
        memcpy(w.headers, r->headers, r->n_headers * sizeof *w.headers);
    w.n = r->n_headers;
    put(&w, DEADLETTER_ERRORS "topic", topic.ptr ? topic.ptr : "", topic.len);
    put_number(&w, DEADLETTER_ERRORS "partition", r->shard->partition);
    put_number(&w, DEADLETTER_ERRORS "offset", (int64_t)r->seq);
    put(&w, DEADLETTER_ERRORS "connector.name", name, strlen(name));
    put_number(&w, DEADLETTER_ERRORS "task.id", 0);
    put(&w, DEADLETTER_ERRORS "stage", stage(rj->section), strlen(stage(rj->section)));
    put(&w, DEADLETTER_ERRORS "class.name", rj->section->plugin->info.name,
        strlen(rj->section->plugin->info.name));
    put(&w, DEADLETTER_ERRORS "exception.class.name", type, strlen(type));
    put_reason(&w, reason);
    put(&w, DEADLETTER_ERRORS "exception.stacktrace", trace, (size_t)n);
    add_identity(&w, r);
    r->headers = w.headers;
    r->n_headers = w.n;
}

/* There is nowhere to put it: the pipeline stops, and the record stays undelivered. */
static void no_way(struct rejects *rj, const struct weir_record *r, const struct weir_result *why)
{
    char where[256];
    if (rj->lost)
        return;
    rj->lost = true;
    place(r, where, sizeof where);
    flow_fail(rj->flow, "[%s] record %s never can succeed: %s; %s", rj->section->title, where,
              why->why ? why->why : "the plugin gave no reason",
              rj->section->dead_letter ? "the dead-letter sink itself refused it, so the pipeline stops"
                                       : "without a [dead-letter] section the pipeline stops here");
}

/* Counted when they are sent, not when they are added: a call that is taken back and made again counts once. */
static void count_in_row(struct rejects *rj)
{
    struct flow *f = rj->flow;
    int64_t limit = f->conf->dead_letter->stop_after;
    uint64_t n = rj->chunk->count, now = atomic_fetch_add_explicit(rj->in_row, n, memory_order_relaxed) + n;
    if (limit > 0 && now >= (uint64_t)limit)
        flow_end(f,
                 "[%s] %" PRIu64 " records in a row were rejected (stop-after); a wrong mapping or transform "
                 "is likelier than so many bad records. The first reasons are in the dead letters",
                 rj->section->title, now);
}

void rejects_add_record(struct rejects *rj, const struct weir_record *record, struct origin origin,
                        const struct weir_result *why, uint32_t attempts)
{
    struct flow *f = rj->flow;
    if (!f->dead || rj->section->dead_letter) {
        no_way(rj, record, why);
        return;
    }
    if (!rj->chunk)
        rj->chunk = batch_new(&f->budget, 16);
    struct weir_record r = *record;
    add_headers(rj, &r, why, attempts);
    batch_append_copy(rj->chunk, &r, origin);
}

static void note_bundle(struct rejects *rj, struct origin bundle)
{
    if (rj->n_bundles == rj->bundles_room) {
        rj->bundles_room = rj->bundles_room ? rj->bundles_room * 2 : 8;
        rj->bundles = xrealloc(rj->bundles, rj->bundles_room * sizeof *rj->bundles);
    }
    rj->bundles[rj->n_bundles++] = bundle;
}

void rejects_add(struct rejects *rj, const struct weir_batch *b, uint32_t i, const struct weir_result *why,
                 uint32_t attempts)
{
    struct origin origin = batch_origin(b, i);
    struct inputs inputs = ledger_bundle_inputs(origin);
    if (!inputs.of) {
        rejects_add_record(rj, batch_original(b, i), origin, why, attempts);
        return;
    }
    note_bundle(rj, origin);
    for (uint32_t k = inputs.first; k < inputs.end && !rj->lost; k++)
        rejects_add(rj, inputs.of, k, why, attempts);
}

static void bundles_free(struct rejects *rj)
{
    free(rj->bundles);
    rj->bundles = NULL;
    rj->n_bundles = rj->bundles_room = 0;
}

void rejects_send(struct rejects *rj)
{
    for (uint32_t i = 0; i < rj->n_bundles && !rj->lost;
         i++) /* outer ones first: they give their inputs copies */
        ledger_unbundle(rj->bundles[i]);
    bundles_free(rj);
    if (!rj->chunk)
        return;
    batch_seal(rj->chunk);
    atomic_fetch_add(&rj->flow->letters, rj->chunk->count); /* before they can be final */
    rj->flow->hand_over(rj->flow->dead, rj->chunk);
    count_in_row(rj);
    batch_unref(rj->chunk);
    rj->chunk = NULL;
}

void rejects_discard(struct rejects *rj)
{
    bundles_free(rj);
    batch_unref(rj->chunk);
    rj->chunk = NULL;
}
