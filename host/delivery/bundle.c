/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.c - in the books: records that a transform made of several.
 *
 * A bundle is an entry that stands for one copy of each of its inputs and hands its outcome on to them.  The bundles of
 * one call keep all their inputs in one chunk, so that their bytes are there when one has to become dead letters of them
 * and a bundle costs no memory of its own; it goes when the last of them ended.  An input may be a
 * bundle in turn; bundles are made of what was there before them, so there is no circle.  Everything runs under the
 * ledger's lock, from any thread. */
#include "ledger_private.h"

#include "report/log.h"

#include <stdlib.h>

struct ledger_batch *ledger_bundles_new(struct ledger *l, struct weir_batch *inputs)
{
    struct ledger_batch *b = ledger_batch_new(l, 16);
    b->bundled = inputs;
    b->ends = xmalloc(b->room * sizeof *b->ends);
    return b;
}

uint32_t ledger_bundle_add(struct ledger_batch *b)
{
    if (b->count == b->room) {
        b->room *= 2;
        b->entries = xrealloc(b->entries, b->room * sizeof *b->entries);
        b->ends = xrealloc(b->ends, b->room * sizeof *b->ends);
    }
    b->entries[b->count] = (struct entry){.following = NONE, .copies = 1};
    b->ends[b->count] = b->bundled->count;
    return b->count++;
}

void ledger_bundles_open(struct ledger_batch *b)
{
    pthread_mutex_lock(&b->ledger->lock);
    b->refs = 1;
    b->open = b->count;
    ledger_list(b);
    pthread_mutex_unlock(&b->ledger->lock);
}

void ledger_bundles_discard(struct ledger_batch *b)
{
    batch_unref(b->bundled);
    free(b->ends);
    free(b->entries);
    free(b);
}

void ledger_bundles_leave(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    for (struct ledger_batch *b = l->open; b; b = b->next) {
        if (!b->bundled)
            continue;
        b->bundled->next = l->unbundled;
        l->unbundled = b->bundled;
        b->bundled = NULL;
    }
    ledger_let_go(l, false);
}

struct inputs ledger_bundle_inputs(struct origin o)
{
    const struct ledger_batch *b = o.books;
    if (!b->bundled)
        return (struct inputs){0};
    return (struct inputs){b->bundled, o.index ? b->ends[o.index - 1] : 0, b->ends[o.index]};
}

bool ledger_bundle_end(struct ledger *l, struct origin o, enum outcome outcome)
{
    struct inputs inputs = ledger_bundle_inputs(o);
    bool idle = false;
    for (uint32_t i = inputs.first; i < inputs.end; i++)
        idle |= ledger_entry_end(l, inputs.of->origins[i], outcome);
    return idle;
}

void ledger_unbundle(struct origin o)
{
    struct ledger *l = o.books->ledger;
    pthread_mutex_lock(&l->lock);
    struct inputs inputs = ledger_bundle_inputs(o);
    for (uint32_t i = inputs.first; i < inputs.end; i++) {
        struct origin in = inputs.of->origins[i];
        in.books->entries[in.index].copies++;
    }
    ledger_let_go(l, ledger_entry_end(l, o, DROPPED));
}

struct origin ledger_bundle_apart(struct origin o, struct budget *budget)
{
    struct inputs inputs = ledger_bundle_inputs(o);
    if (!inputs.of)
        return o;
    struct weir_batch *own = batch_new(budget, inputs.end - inputs.first);
    struct ledger_batch *b = ledger_bundles_new(o.books->ledger, own);
    for (uint32_t i = inputs.first; i < inputs.end; i++)
        batch_append_again(own, inputs.of, i);
    batch_seal(own);
    struct origin apart = {b, ledger_bundle_add(b)};
    ledger_bundles_open(b);
    ledger_unbundle(o);
    for (uint32_t i = 0; i < own->count; i++)
        own->origins[i] = ledger_bundle_apart(own->origins[i], budget);
    return apart;
}

/* The entry of the source's record whose identity a record has: of a bundle, the last of its inputs. */
static struct origin identity(struct origin o)
{
    while (o.books->bundled)
        o = o.books->bundled->origins[o.books->ends[o.index] - 1];
    return o;
}

void ledger_number(struct ledger *l, struct weir_batch *chunk)
{
    pthread_mutex_lock(&l->lock);
    for (uint32_t i = 0; i < chunk->count; i++) {
        struct origin o = identity(chunk->origins[i]);
        if (!o.books->numbered)
            o.books->numbered = xcalloc(o.books->count, sizeof *o.books->numbered);
        chunk->records[i].sub = o.books->numbered[o.index]++;
    }
    pthread_mutex_unlock(&l->lock);
}
