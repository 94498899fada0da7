/* SPDX-License-Identifier: BSD-2-Clause */
/* hold.c - keeps groups of records for a transform, and turns them into output.
 *
 * Home thread of the worker; the emitter's part inside process, release and serve. */
#include "hold.h"

#include "delivery/ledger.h"
#include "report/clock.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define GRAIN_MS    10 /* times are kept to this: groups are not walked through more often */
/* Most that is kept for next groups.  Nothing in it is on its way, so the budget does not have it. */
#define SPARE_BYTES (256u << 10)

void holds_init(struct holds *h, uint64_t max_records, uint64_t max_bytes, int64_t max_ms)
{
    *h = (struct holds){.last = &h->first,
                        .max_records = max_records,
                        .max_bytes = max_bytes,
                        .max_ms = max_ms,
                        .soonest = INT64_MAX};
}

static void link_new(struct hold *h)
{
    struct holds *of = h->of;
    if (h->at_new)
        return;
    h->next_new = of->fresh;
    h->at_new = &of->fresh;
    if (h->next_new)
        h->next_new->at_new = &h->next_new;
    of->fresh = h;
}

static void unlink_new(struct hold *h)
{
    if (!h->at_new)
        return;
    *h->at_new = h->next_new;
    if (h->next_new)
        h->next_new->at_new = h->at_new;
    h->at_new = NULL;
}

/* Takes the group out of those that are held. */
static void take(struct hold *h)
{
    struct holds *of = h->of;
    unlink_new(h);
    if (of->cursor == h)
        of->cursor = h->next;
    *h->at = h->next;
    if (h->next)
        h->next->at = h->at;
    else
        of->last = h->at;
    of->records -= h->records->count;
    of->bytes -= h->bytes;
    h->records->hold = NULL;
}

/* Whether all in its chunk is also elsewhere: no bytes, no documents, no one else who keeps it. */
static bool bare(const struct weir_batch *b)
{
    return b->refs == 1 && !b->arena.bytes && !b->docs && !b->doc_arenas;
}

static struct hold *spare_take(struct holds *of)
{
    struct hold *h = of->spare;
    of->spare = h->next;
    of->spare_bytes -= h->bytes;
    return h;
}

static void spare_free(struct holds *of)
{
    struct hold *h = spare_take(of);
    batch_unref(h->records);
    free(h);
}

static void unpin(struct hold *h)
{
    batch_unref(h->pin);
    h->pin = NULL;
}

/* Lets go of a group that was taken out, and keeps of it what may serve the next one. */
static void let_go(struct hold *h)
{
    struct holds *of = h->of;
    unpin(h);
    h->bytes = sizeof *h;
    if (bare(h->records)) {
        h->bytes += h->records->charged;
        batch_empty(h->records);
    } else {
        batch_unref(h->records);
        h->records = NULL;
    }
    h->next = of->spare;
    of->spare = h;
    of->spare_bytes += h->bytes;
    while (of->spare_bytes > SPARE_BYTES)
        spare_free(of);
}

void holds_free(struct holds *h)
{
    struct hold *g;
    while ((g = h->first) != NULL) {
        take(g);
        let_go(g);
    }
    while (h->spare)
        spare_free(h);
}

static bool too_much(struct holds *h)
{
    if (h->records > h->max_records || h->bytes > h->max_bytes)
        h->full = true;
    else if (h->records <= h->max_records / 2 && h->bytes <= h->max_bytes / 2)
        h->full = false;
    return h->full;
}

int64_t holds_at(struct holds *h, int64_t now)
{
    return !h->first ? INT64_MAX : too_much(h) ? now : h->soonest;
}

struct hold *holds_due_first(struct holds *h, int64_t now, bool all, uint32_t *ret_why)
{
    h->cursor = h->first;
    h->soonest = INT64_MAX;
    return holds_due_next(h, now, all, ret_why);
}

struct hold *holds_due_next(struct holds *h, int64_t now, bool all, uint32_t *ret_why)
{
    struct hold *g;
    while ((g = h->cursor) != NULL) {
        h->cursor = g->next;
        *ret_why = all ? WEIR_WHY_END : g->until <= now ? WEIR_WHY_TIME : too_much(h) ? WEIR_WHY_FULL : 0;
        if (*ret_why)
            return g;
        int64_t at = g->until > now + GRAIN_MS ? g->until : now + GRAIN_MS;
        h->soonest = at < h->soonest ? at : h->soonest;
    }
    return NULL;
}

static struct hold *group_new(struct weir_emitter *e)
{
    struct holds *of = e->holds;
    struct hold *g = of->spare ? spare_take(of) : xcalloc(1, sizeof *g);
    struct weir_batch *records = g->records;
    *g = (struct hold){.of = of, .at = of->last, .since = clock_mono_ms()};
    g->records = records ? records : batch_new(e->in->budget, 4);
    g->records->hold = g;
    *of->last = g;
    of->last = &g->next;
    return g;
}

static struct hold *group_of(const struct weir_emitter *e, const struct weir_batch *group)
{
    struct hold *g = group ? group->hold : NULL;
    return g && e->holds && g->of == e->holds ? g : NULL;
}

static void account(struct hold *g)
{
    batch_seal(g->records);
    g->of->bytes += g->records->charged - g->bytes;
    g->bytes = g->records->charged;
}

int emitter_hold(struct weir_emitter *e, uint32_t parent, struct weir_batch **group, int64_t until,
                 void *opaque)
{
    uint32_t i;
    if (!e->holds || !emitter_input(e, parent, &i) || (*group && !group_of(e, *group)))
        return WEIR_FATAL;
    if (e->rejected[i])
        return WEIR_REJECT;
    struct hold *g = *group ? group_of(e, *group) : group_new(e);
    int64_t latest = g->since + e->holds->max_ms;
    unpin(g);
    batch_append_ref(g->records, e->in, i);
    link_new(g);
    account(g);
    e->holds->records++;
    g->opaque = opaque;
    g->until = until < latest ? until : latest;
    e->holds->soonest = g->until < e->holds->soonest ? g->until : e->holds->soonest;
    e->several |= e->outputs[i] + e->held[i]++ > 0;
    e->gave = true;
    *group = g->records;
    return WEIR_OK;
}

/* A group on its way out. */
static struct weir_batch *give(struct weir_emitter *e, struct hold *g)
{
    e->gave = true;
    if (e->awaited == g)
        e->awaited = NULL;
    take(g);
    return g->records;
}

/* What is the group's alone stays as long as that chunk, which has the call's input. */
static void keep(struct weir_batch *chunk, struct weir_batch *group)
{
    if (!bare(group))
        batch_keep(chunk, group);
}

/* All of the group's records to the end of a chunk of the call's. */
static void move(struct weir_emitter *e, struct weir_batch **chunk, struct weir_batch *group)
{
    if (!*chunk) {
        *chunk = batch_new(group->budget, e->in ? e->in->count : group->count);
        if (e->in)
            batch_keep(*chunk, e->in);
    }
    keep(*chunk, group);
    for (uint32_t i = 0; i < group->count; i++)
        batch_append_ref(*chunk, group, i);
}

static void append(struct weir_emitter *e, struct weir_batch *group, uint32_t k, const struct weir_record *r,
                   struct origin origin)
{
    struct weir_batch *out = e->out;
    batch_grow(out, 1);
    keep(out, group);
    out->records[out->count] = *r;
    out->origins[out->count] = origin;
    batch_note_original(out, out->count, batch_original(group, k));
    out->bytes += record_bytes(r);
    out->count++;
    e->several = true; /* an input of it may have had outputs in an earlier call */
}

int emitter_emit_held(struct weir_emitter *e, struct weir_batch *group, const struct weir_record *record,
                      size_t size, struct weir_buf *buf)
{
    struct hold *g = group_of(e, group);
    if (!g)
        return WEIR_FATAL;
    group = give(e, g);
    if (!record) {
        move(e, &e->dropped, group);
        let_go(g);
        return WEIR_OK;
    }
    const struct weir_record *last = &group->records[group->count - 1];
    struct origin origin = group->origins[group->count - 1];
    struct weir_record r = {0};
    memcpy(&r, record, size < sizeof r ? size : sizeof r);
    r.shard = last->shard;
    r.seq = last->seq;
    r.next = last->next;
    r.sub = last->sub;
    if (buf)
        batch_own(e->out, buf);
    else if (!(r.flags & WEIR_REC_SHARES_PARENT))
        batch_copy_bytes(e->out, &r);
    r.flags &= ~WEIR_REC_SHARES_PARENT;
    if (group->count > 1) {
        move(e, &e->bundled, group);
        if (!e->bundles)
            e->bundles = ledger_bundles_new(origin.books->ledger, e->bundled);
        origin = (struct origin){e->bundles, ledger_bundle_add(e->bundles)};
    }
    append(e, group, group->count - 1, &r, origin);
    let_go(g);
    return WEIR_OK;
}

int emitter_pass_held(struct weir_emitter *e, struct weir_batch *group)
{
    struct hold *g = group_of(e, group);
    if (!g)
        return WEIR_FATAL;
    group = give(e, g);
    for (uint32_t i = 0; i < group->count; i++) {
        append(e, group, i, &group->records[i], group->origins[i]);
        batch_json_pass(e->out, e->out->count - 1, group, i);
    }
    let_go(g);
    return WEIR_OK;
}

int emitter_reject_held(struct weir_emitter *e, struct weir_batch *group, const struct weir_result *why)
{
    struct hold *g = group_of(e, group);
    if (!g)
        return WEIR_FATAL;
    group = give(e, g);
    for (uint32_t i = 0; i < group->count; i++)
        rejects_add(&e->rejects, group, i, why, 1);
    let_go(g);
    return WEIR_OK;
}

/* What was made of several before stays without all else of the call that made it. */
static void set_apart(struct weir_batch *group, uint32_t first)
{
    for (uint32_t i = first; i < group->count; i++)
        group->origins[i] = ledger_bundle_apart(group->origins[i], group->budget);
}

/* The call's input goes, what is held of it stays. */
static void copy_new(const struct weir_emitter *e, bool counts)
{
    struct hold *g;
    while (e->holds && (g = e->holds->fresh) != NULL) {
        unlink_new(g);
        if (g->seen) { /* what the plugin was shown is good until the next hold */
            batch_ref(e->in);
            g->pin = e->in;
        }
        g->seen = false;
        batch_own_bytes(g->records, g->own);
        if (counts)
            set_apart(g->records, g->own);
        g->own = g->records->count;
        account(g);
    }
}

void hold_settle(struct weir_emitter *e)
{
    copy_new(e, true);
    if (e->bundles) {
        batch_seal(e->bundled);
        ledger_bundles_open(e->bundles);
    }
    e->bundles = NULL;
    if (e->dropped)
        ledger_end_all(e->dropped, DROPPED);
    batch_unref(e->dropped);
    e->dropped = NULL;
}

void hold_discard(struct weir_emitter *e)
{
    copy_new(e, false);
    if (e->bundles)
        ledger_bundles_discard(e->bundles);
    e->bundles = NULL;
    batch_unref(e->dropped);
    e->dropped = NULL;
}
