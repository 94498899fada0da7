/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_hold.c - records that a transform holds: groups of deep copies, poisoned when they are given away. */
#include "harness_private.h"

#include "report/log.h"

#include <stdlib.h>

static struct harness_group *group_of(struct harness *h, const struct weir_batch *b, const char *what)
{
    struct harness_group *g = h->groups;
    while (g && g->batch != b)
        g = g->next;
    if (!g)
        harness_breaks(h, RULE_BORROWED, "%s: that group is not held (any more)", what);
    return g;
}

static struct harness *check(struct weir_emitter *e, const char *what)
{
    struct harness *h = harness_check_emitter(e, true, what);
    if (!(harness_promises(h) & WEIR_HOLDS))
        harness_breaks(h, RULE_PROMISES, "%s: it does not promise WEIR_HOLDS", what);
    e->gave = true;
    return h;
}

static int hold(struct weir_emitter *e, uint32_t parent, struct weir_batch **group, int64_t until,
                void *opaque)
{
    struct harness *h = check(e, "hold");
    struct harness_group *g = *group ? group_of(h, *group, "hold") : NULL;
    harness_check_parent(e, parent, "hold");
    if (!g) {
        struct harness_group **at = &h->groups;
        while (*at)
            at = &(*at)->next;
        *at = g = xcalloc(1, sizeof *g);
    }
    *group = g->batch = harness_batch_append(h, g->batch, harness_record_at(e->batch, parent));
    g->until = until;
    g->opaque = opaque;
    return WEIR_OK;
}

static void finish(struct weir_batch *group)
{
    harness_batch_finish(group);
    group->state = BATCH_DONE;
}

/* Takes the group out; its bytes are poisoned by finish(). */
static struct weir_batch *take(struct harness *h, struct weir_batch *group, const char *what)
{
    struct harness_group *g = group_of(h, group, what), **at = &h->groups;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    free(g);
    return group;
}

static int emit_held(struct weir_emitter *e, struct weir_batch *group, const struct weir_record *r,
                     size_t record_size, struct weir_buf *owner)
{
    struct harness *h = check(e, "emit_held");
    take(h, group, "emit_held");
    if (r && record_size < sizeof *r)
        harness_breaks(h, RULE_CALLS, "emit_held: record_size is %zu", record_size);
    if (r) {
        const struct weir_record *last = harness_record_at(group, group->count - 1);
        harness_out_made(h, HARNESS_HELD, r, last, owner)->pub.parent = group->count;
    } else {
        h->dropped += group->count;
    }
    finish(group);
    return WEIR_OK;
}

static int pass_held(struct weir_emitter *e, struct weir_batch *group)
{
    struct harness *h = check(e, "pass_held");
    take(h, group, "pass_held");
    for (uint32_t i = 0; i < group->count; i++) {
        const struct weir_record *r = harness_record_at(group, i);
        harness_out_made(h, HARNESS_PASS, r, r, NULL)->pub.parent = i;
    }
    finish(group);
    return WEIR_OK;
}

static int reject_held(struct weir_emitter *e, struct weir_batch *group, const struct weir_result *result)
{
    struct harness *h = check(e, "reject_held");
    take(h, group, "reject_held");
    for (uint32_t i = 0; i < group->count; i++) {
        const struct weir_record *r = harness_record_at(group, i);
        struct out_entry *o = harness_out_made(h, HARNESS_REJECT, r, r, NULL);
        o->pub.parent = i;
        harness_out_result(h, o, result);
    }
    finish(group);
    return WEIR_OK;
}

void harness_check_status(const struct weir_emitter *e, const char *callback, int status)
{
    if (e->gave && status != WEIR_OK && status != WEIR_FATAL)
        harness_breaks(e->harness, RULE_STATUS, "%s returned %d after it held or gave away records", callback,
                       status);
}

/* The oldest group that is due. */
static struct harness_group *due(struct harness *h, uint32_t why)
{
    struct harness_group *g = h->groups;
    while (g && why == WEIR_WHY_TIME && g->until > h->host.mono_ms(&h->ctx))
        g = g->next;
    return g;
}

size_t harness_let_go(struct harness *h, uint32_t why)
{
    struct harness_group *g;
    size_t n = 0;
    for (; (g = due(h, why)) != NULL; n++) {
        struct weir_batch *batch = g->batch;
        h->emitter = (struct weir_emitter){.harness = h, .apart = true};
        if (!h->ops->release)
            harness_breaks(h, RULE_CALLS, "it holds records and has no release");
        harness_enter(h, "release");
        int status = harness_leave(h, h->ops->release(h->self, &h->emitter, batch, g->opaque, why));
        harness_check_status(&h->emitter, "release", status);
        h->emitter.over = true;
        if (status != WEIR_OK)
            break;
        for (g = h->groups; g; g = g->next)
            if (g->batch == batch)
                harness_breaks(h, RULE_OUTCOME, "release left the group of %u records where it was",
                               batch->count);
    }
    return n;
}

size_t harness_groups(const struct harness *h)
{
    size_t n = 0;
    for (const struct harness_group *g = h->groups; g; g = g->next)
        n++;
    return n;
}

size_t harness_dropped(const struct harness *h)
{
    return h->dropped;
}

void harness_groups_free(struct harness *h)
{
    for (struct harness_group *g = h->groups, *next; g; g = next) {
        next = g->next;
        free(g); /* its batch is among the others */
    }
    h->groups = NULL;
}

void harness_fill_hold(struct weir_host *host)
{
    host->hold = hold;
    host->emit_held = emit_held;
    host->pass_held = pass_held;
    host->reject_held = reject_held;
}
