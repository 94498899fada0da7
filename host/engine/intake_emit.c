/* SPDX-License-Identifier: BSD-2-Clause */
/* intake_emit.c - takes records in from the source and hands full chunks to the workers.
 *
 * Home thread of the source, inside poll, except intake_hand_over, which runs after it.  A record's bytes stay in the
 * source's buffer; only records and their entries in the books are written here. */
#include "emitter.h"
#include "intake.h"

#include "gate.h"
#include "pipeline.h"
#include "report/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROOM_MIN   64u /* records that a new chunk has room for at the least */
/* Less than this of a record would not say where the shard resumes. */
#define RECORD_MIN (offsetof(struct weir_record, next) + sizeof(uint64_t))

static struct builder *builder_for(struct intake *in, const struct shard *s)
{
    struct builder *b = &in->builders[in->n_builders > 1 ? s->number % in->n_builders : 0];
    if (!b->chunk) {
        uint32_t room = b->room > ROOM_MIN ? b->room : ROOM_MIN;
        b->chunk = batch_new(&in->pipeline->flow.budget, room);
        b->books = ledger_batch_new(&in->pipeline->flow.ledger, room);
    }
    return b;
}

static const struct weir_record *run_at(const struct weir_run *run, uint32_t i)
{
    return (const struct weir_record *)(const void *)((const char *)run->records + (size_t)i * run->stride);
}

/* Copies what plugin and host both know of a record. */
static void read_record(struct weir_record *to, const void *from, size_t size)
{
    if (size >= sizeof *to) {
        *to = *(const struct weir_record *)from;
        return;
    }
    memset(to, 0, sizeof *to);
    memcpy(to, from, size);
}

static void take(struct builder *b, struct shard *s, const struct weir_record *r, struct weir_buf *owner)
{
    struct weir_batch *c = b->chunk;
    batch_grow(c, 1);
    struct weir_record *to = &c->records[c->count];
    *to = *r;
    to->sub = 0;
    if (owner)
        batch_own(c, owner);
    else
        batch_copy_bytes(c, to);
    c->origins[c->count++] = (struct origin){b->books, ledger_add(b->books, s, r->next)};
}

static void reject(struct intake *in, struct shard *s, const struct weir_record *r,
                   const struct weir_result *why);

static void reject_large(struct intake *in, struct shard *s, const struct weir_record *r, uint64_t bytes)
{
    char text[200];
    snprintf(text, sizeof text,
             "it holds %" PRIu64 " bytes, more than a quarter of memory (%zu); raise memory", bytes,
             in->pipeline->flow.budget.record_max);
    struct weir_result why = {.status = WEIR_REJECT, .type = "record_too_large", .why = text};
    reject(in, s, r, &why);
}

/* Takes one record in, or turns it away; returns the bytes that count towards this poll. */
static uint64_t take_or_turn_away(struct intake *in, struct shard *s, const struct weir_record *r,
                                  struct weir_buf *owner)
{
    uint64_t bytes = record_bytes(r);
    if (bytes > in->pipeline->flow.budget.record_max) {
        reject_large(in, s, r, bytes);
        return 0;
    }
    struct builder *b = builder_for(in, s);
    take(b, s, r, owner);
    b->chunk->bytes += bytes;
    return bytes;
}

/* What is read counts: a poll that brings only bad records ends too. */
static void use_room(struct intake *in, uint64_t bytes)
{
    in->room_records -= in->room_records > 0;
    in->room_bytes -= bytes < in->room_bytes ? bytes : in->room_bytes;
}

int emitter_emit(struct weir_emitter *e, const struct weir_run *run, uint32_t *ret_taken)
{
    struct intake *in = e->intake;
    struct gate *gate = in ? in->pipeline->gate : NULL;
    uint32_t i;
    *ret_taken = 0;
    if (!in || run->stride < RECORD_MIN)
        return WEIR_FATAL;
    for (i = 0; i < run->count; i++) {
        struct weir_record r;
        if (!in->room_records || !in->room_bytes)
            break;
        read_record(&r, run_at(run, i), run->stride);
        struct shard *s = (struct shard *)(uintptr_t)r.shard; /* plugins see its first member */
        if (!s)
            return WEIR_FATAL;
        if (s->closed) /* taken away while it was on its way: its new owner reads it */
            continue;
        if (!gate)
            use_room(in, take_or_turn_away(in, s, &r, run->owner));
        else if (gate->admit(gate, s, &r))
            use_room(in, take_or_turn_away(in, s, &r, NULL)); /* it may lie elsewhere now */
        else
            use_room(in, record_bytes(&r));
    }
    *ret_taken = i;
    return i < run->count || !in->room_records || !in->room_bytes ? WEIR_AGAIN : WEIR_OK;
}

/* A record that goes straight to the dead letters has books of its own. */
static void reject(struct intake *in, struct shard *s, const struct weir_record *r,
                   const struct weir_result *why)
{
    struct rejects rejects;
    intake_hand_over_at_once(in); /* what came before it keeps its place in the shard's queue */
    struct ledger_batch *books = ledger_batch_new(&in->pipeline->flow.ledger, 1);
    struct origin origin = {books, ledger_add(books, s, r->next)};
    (void)ledger_open(books);
    rejects_begin(&rejects, &in->pipeline->flow, &in->pipeline->flow.conf->source);
    rejects_add_record(&rejects, r, origin, why, 1);
    rejects_send(&rejects);
}

int emitter_emit_bad(struct weir_emitter *e, const struct weir_record *record, size_t size,
                     const struct weir_result *why)
{
    struct weir_record r;
    if (!e->intake || size < RECORD_MIN)
        return WEIR_FATAL;
    read_record(&r, record, size);
    struct shard *s = (struct shard *)(uintptr_t)r.shard;
    if (!s)
        return WEIR_FATAL;
    if (!s->closed) {
        struct gate *gate = e->intake->pipeline->gate;
        use_room(e->intake, record_bytes(&r));
        if (gate)
            gate->bad(gate);
        else
            reject(e->intake, s, &r, why);
    }
    return WEIR_OK;
}

/* What a plugin put before its first records (the name it gives a file) must not be lost once records carry it: with
 * another name they would be other records.  False: they have to wait for the state.  What sinks put stays for the
 * commit: how long a file is, without the position that belongs to it, would repeat what lies between. */
static bool store_first(struct intake *in)
{
    return !in->instance->put || commit_store_puts(in);
}

static void hand_over(struct intake *in, bool at_once)
{
    in->held = false;
    for (uint32_t w = 0; w < in->n_builders; w++) {
        struct builder *b = &in->builders[w];
        if (!b->chunk || !b->chunk->count)
            continue;
        in->held = !store_first(in);
        if (in->held && !at_once)
            return;
        b->room = b->chunk->count;
        batch_seal(b->chunk);
        (void)ledger_open(b->books);
        lane_chunk(in->pipeline->workers[w], b->chunk);
        b->chunk = NULL;
        b->books = NULL;
    }
    in->held = false;
}

void intake_hand_over(struct intake *in)
{
    hand_over(in, false);
}

void intake_hand_over_at_once(struct intake *in)
{
    hand_over(in, true);
}

void intake_leave_held(struct intake *in)
{
    for (uint32_t w = 0; w < in->n_builders; w++) {
        struct builder *b = &in->builders[w];
        if (!b->chunk)
            continue;
        (void)ledger_open(b->books);
        batch_unref(b->chunk);
        b->chunk = NULL;
        b->books = NULL;
    }
    in->held = false;
}
