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

#define GRAIN_MS 10 /* times are kept to this: groups are not walked through more often */

void holds_init(struct holds *h, uint64_t max_records, uint64_t max_bytes, int64_t max_ms)
{
    *h = (struct holds){.last = &h->first,
                        .max_records = max_records,
                        .max_bytes = max_bytes,
                        .max_ms = max_ms,
                        .soonest = INT64_MAX};
}

/* Takes the group out; its reference is the caller's then. */
static struct weir_batch *take(struct hold *h)
{
    struct holds *of = h->of;
    struct weir_batch *records = h->records;
    if (of->cursor == h)
        of->cursor = h->next;
    *h->at = h->next;
    if (h->next)
        h->next->at = h->at;
    else
        of->last = h->at;
    of->records -= records->count;
    of->bytes -= h->bytes;
    records->hold = NULL;
    free(h);
    return records;
}

void holds_free(struct holds *h)
{
    while (h->first)
        batch_unref(take(h->first));
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
    struct hold *g = xcalloc(1, sizeof *g);
    g->of = of;
    g->records = batch_new(e->in->budget, 4);
    g->records->hold = g;
    g->since = clock_mono_ms();
    g->at = of->last;
    *of->last = g;
    of->last = &g->next;
    return g;
}

static struct hold *group_of(const struct weir_emitter *e, const struct weir_batch *group)
{
    struct hold *g = group ? group->hold : NULL;
    return g && e->holds && g->of == e->holds ? g : NULL;
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
    batch_append_again(g->records, e->in, i);
    batch_seal(g->records);
    e->holds->records++;
    e->holds->bytes += g->records->charged - g->bytes;
    g->bytes = g->records->charged;
    g->opaque = opaque;
    g->until = until < latest ? until : latest;
    e->holds->soonest = g->until < e->holds->soonest ? g->until : e->holds->soonest;
    e->several |= e->outputs[i] + e->held[i]++ > 0;
    e->gave = true;
    *group = g->records;
    return WEIR_OK;
}

/* A group on its way out; its reference is the caller's then. */
static struct weir_batch *give(struct weir_emitter *e, struct hold *g)
{
    e->gave = true;
    if (e->awaited == g)
        e->awaited = NULL;
    return take(g);
}

static void append(struct weir_emitter *e, struct weir_batch *group, uint32_t k, const struct weir_record *r,
                   struct origin origin)
{
    struct weir_batch *out = e->out;
    batch_grow(out, 1);
    batch_keep(out, group);
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
        group->next = e->dropped;
        e->dropped = group;
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
        if (!e->bundles)
            e->bundles = ledger_bundles_new(group->origins[0].books->ledger);
        batch_ref(group);
        origin = (struct origin){e->bundles, ledger_bundle_add(e->bundles, group)};
    }
    append(e, group, group->count - 1, &r, origin);
    batch_unref(group);
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
    batch_unref(group);
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
    batch_unref(group);
    return WEIR_OK;
}

static void groups_unref(struct weir_batch **list)
{
    struct weir_batch *group;
    while ((group = *list) != NULL) {
        *list = group->next;
        batch_unref(group);
    }
}

void hold_settle(struct weir_emitter *e)
{
    if (e->bundles)
        ledger_bundles_open(e->bundles);
    e->bundles = NULL;
    for (struct weir_batch *group = e->dropped; group; group = group->next)
        ledger_end_all(group, DROPPED);
    groups_unref(&e->dropped);
}

void hold_discard(struct weir_emitter *e)
{
    if (e->bundles)
        ledger_bundles_discard(e->bundles);
    e->bundles = NULL;
    groups_unref(&e->dropped);
}
