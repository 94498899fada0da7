/* SPDX-License-Identifier: BSD-2-Clause */
/* bundle.c - in the books: records that a transform made of several.
 *
 * A bundle is an entry that stands for one copy of each of its inputs and hands its outcome on to them.  It keeps the
 * inputs themselves, so that their bytes are there when it has to become dead letters of them.  An input may be a
 * bundle in turn; bundles are made of what was there before them, so there is no circle.  Everything runs under the
 * ledger's lock, from any thread. */
#include "ledger_private.h"

#include "report/log.h"

#include <stdlib.h>

struct ledger_batch *ledger_bundles_new(struct ledger *l)
{
    struct ledger_batch *b = ledger_batch_new(l, 16);
    b->bundled = xcalloc(b->room, sizeof(struct weir_batch *));
    return b;
}

uint32_t ledger_bundle_add(struct ledger_batch *b, struct weir_batch *inputs)
{
    if (b->count == b->room) {
        b->room *= 2;
        b->entries = xrealloc(b->entries, b->room * sizeof *b->entries);
        b->bundled = xrealloc(b->bundled, b->room * sizeof(struct weir_batch *));
    }
    b->entries[b->count] = (struct entry){.following = NONE, .copies = 1};
    b->bundled[b->count] = inputs;
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
    for (uint32_t i = 0; i < b->count; i++)
        batch_unref(b->bundled[i]);
    free(b->bundled);
    free(b->entries);
    free(b);
}

const struct weir_batch *ledger_bundle_inputs(struct origin o)
{
    return o.books->bundled ? o.books->bundled[o.index] : NULL;
}

bool ledger_bundle_end(struct ledger *l, struct origin o, enum outcome outcome)
{
    struct weir_batch *inputs = o.books->bundled[o.index];
    bool idle = false;
    for (uint32_t i = 0; i < inputs->count; i++)
        idle |= ledger_entry_end(l, inputs->origins[i], outcome);
    o.books->bundled[o.index] = NULL;
    inputs->next = l->unbundled;
    l->unbundled = inputs;
    return idle;
}

void ledger_unbundle(struct origin o)
{
    struct ledger *l = o.books->ledger;
    pthread_mutex_lock(&l->lock);
    const struct weir_batch *inputs = o.books->bundled[o.index];
    for (uint32_t i = 0; i < inputs->count; i++) {
        struct origin in = inputs->origins[i];
        in.books->entries[in.index].copies++;
    }
    ledger_let_go(l, ledger_entry_end(l, o, DROPPED));
}

/* The entry of the source's record whose identity a record has: of a bundle, the last of its inputs. */
static struct origin identity(struct origin o)
{
    while (o.books->bundled) {
        const struct weir_batch *inputs = o.books->bundled[o.index];
        o = inputs->origins[inputs->count - 1];
    }
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
