/* SPDX-License-Identifier: BSD-2-Clause */
/* outlet_form.c - cuts what waits for a sink into batches of its size.
 *
 * A contiguous run of one chunk is lent as it stands; records are gathered only across chunks or past a held shard.
 * Home thread of the outlet. */
#include "delivery/ledger.h"
#include "outlet.h"

#include "report/log.h"

#include <stdlib.h>
#include <string.h>

void outlet_pending_add(struct outlet *o, struct weir_batch *chunk, uint32_t *index, uint32_t count,
                        uint64_t bytes)
{
    struct pending *p = xmalloc(sizeof *p);
    *p = (struct pending){.chunk = chunk, .index = index, .count = count, .bytes = bytes};
    batch_ref(chunk);
    *o->tail = p;
    o->tail = &p->next;
    o->pending_records += count;
    o->pending_bytes += bytes;
}

static void drop(struct outlet *o, struct pending **at)
{
    struct pending *p = *at;
    *at = p->next;
    if (o->tail == &p->next)
        o->tail = at;
    batch_unref(p->chunk);
    free(p->index);
    free(p);
}

static void pop(struct outlet *o)
{
    drop(o, &o->head);
}

void outlet_pending_free(struct outlet *o)
{
    while (o->head)
        pop(o);
    o->pending_records = o->pending_bytes = 0;
}

static uint32_t record_of(const struct pending *p, uint32_t k)
{
    return p->index ? p->index[k] : k;
}

/* How many of p's records fit beside `records` and `bytes` already there; at least one into an empty batch. */
static uint32_t fitting(const struct outlet *o, const struct pending *p, uint32_t records, uint64_t *bytes)
{
    uint64_t room = (uint64_t)o->conf->batch_records - records;
    uint32_t left = p->count - p->first, n;
    if (left > room)
        left = (uint32_t)room;
    if (left == p->count - p->first && *bytes + p->bytes <= (uint64_t)o->conf->batch_bytes) {
        *bytes += p->bytes;
        return left;
    }
    for (n = 0; n < left; n++) {
        uint64_t more = record_bytes(&p->chunk->records[record_of(p, p->first + n)]);
        if ((n || records) && *bytes + more > (uint64_t)o->conf->batch_bytes)
            break;
        *bytes += more;
    }
    return n;
}

static void took(struct outlet *o, uint32_t n, uint64_t bytes)
{
    struct pending *p = o->head;
    o->pending_records -= n;
    p->first += n;
    if (p->first == p->count)
        bytes = p->bytes; /* what is left of an estimate */
    else if (bytes > p->bytes)
        bytes = p->bytes;
    p->bytes -= bytes;
    o->pending_bytes -= bytes;
    if (p->first == p->count)
        pop(o);
}

struct weir_batch *outlet_form(struct outlet *o)
{
    uint64_t bytes = 0, before = 0;
    if (!o->head)
        return NULL;
    uint32_t n = fitting(o, o->head, 0, &bytes);
    bool alone = o->streams || !o->head->next || n < o->head->count - o->head->first;
    if (!o->head->index && alone) {
        struct weir_batch *slice = batch_slice(o->head->chunk, o->head->first, n);
        took(o, n, bytes);
        return slice;
    }
    struct weir_batch *b = batch_selection(o->head->chunk->budget, n);
    while (n) {
        struct pending *p = o->head;
        for (uint32_t k = 0; k < n; k++)
            batch_select(b, p->chunk, record_of(p, p->first + k));
        took(o, n, bytes - before);
        before = bytes;
        n = o->head && b->count < o->conf->batch_records ? fitting(o, o->head, b->count, &bytes) : 0;
    }
    batch_seal(b);
    return b;
}

bool outlet_holds(const struct outlet *o, const struct delivery *until, const struct weir_shard *shard)
{
    for (const struct delivery *d = o->waiting; d != until; d = d->next)
        for (uint32_t i = 0; i < d->batch->count; i++)
            if (d->batch->records[i].shard == shard)
                return true;
    return false;
}

/* Picks from one pending entry what no waiting retry holds back; the rest stays, in order.  Once *full, nothing more
 * is picked: a small record must not overtake a large one of its shard. */
static void pick(struct outlet *o, struct pending *p, struct weir_batch *to, bool *full)
{
    const struct weir_shard *last = NULL;
    bool last_held = false;
    uint32_t kept = 0, n = p->count - p->first;
    uint32_t *keep = xmalloc((n ? n : 1) * sizeof *keep);
    uint64_t taken = to->bytes;
    for (uint32_t k = p->first; k < p->count; k++) {
        uint32_t i = record_of(p, k);
        const struct weir_record *r = &p->chunk->records[i];
        if (r->shard != last) {
            last = r->shard;
            last_held = outlet_holds(o, NULL, last);
        }
        if (!last_held && to->count)
            *full |= to->count >= o->conf->batch_records ||
                     to->bytes + record_bytes(r) > (uint64_t)o->conf->batch_bytes;
        if (last_held || *full)
            keep[kept++] = i;
        else
            batch_select(to, p->chunk, i);
    }
    taken = to->bytes - taken;
    taken = kept && taken < p->bytes ? taken : p->bytes;
    o->pending_records -= n - kept;
    o->pending_bytes -= taken;
    free(p->index);
    p->index = keep;
    p->first = 0;
    p->count = kept;
    p->bytes -= taken;
}

struct weir_batch *outlet_form_unheld(struct outlet *o)
{
    struct pending *p, **at = &o->head;
    bool full = false;
    if (!o->look_again || !o->head)
        return NULL;
    struct weir_batch *b = batch_selection(o->head->chunk->budget, 64);
    while ((p = *at) != NULL && !full) {
        pick(o, p, b, &full);
        if (p->count)
            at = &p->next;
        else
            drop(o, at);
    }
    if (b->count) {
        batch_seal(b);
        return b;
    }
    o->look_again = false;
    batch_unref(b);
    return NULL;
}
