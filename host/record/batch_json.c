/* SPDX-License-Identifier: BSD-2-Clause */
/* batch_json.c - the documents of a chunk: parsed by the first who asks, seen by all others.
 *
 * Several threads (the sinks of a fan-out) may ask at one time: each parses into memory of its own and publishes by
 * compare-and-swap; the loser's work is dropped with its arena.  Editing is the transforms' alone, on one thread.
 * Trees are several times the size of their text, so their memory is charged to the budget as it grows. */
#include "batch.h"

#include "report/log.h"

#include <stdlib.h>
#include <string.h>

struct doc_arena {
    struct doc_arena *next;
    const void *owner;
    struct arena arena;
    size_t charged; /* of arena.bytes */
};

static struct doc_arena *arena_of(const struct weir_batch *chunk, const void *owner)
{
    struct weir_batch *b = (struct weir_batch *)(uintptr_t)chunk;
    struct doc_arena *first = atomic_load(&b->doc_arenas);
    for (struct doc_arena *a = first; a; a = a->next)
        if (a->owner == owner)
            return a;
    struct doc_arena *a = xcalloc(1, sizeof *a);
    a->owner = owner;
    a->next = first;
    while (!atomic_compare_exchange_weak(&b->doc_arenas, &a->next, a))
        ;
    return a;
}

struct arena *batch_doc_arena(const struct weir_batch *chunk, const void *owner)
{
    return &arena_of(chunk, owner)->arena;
}

static void charge(const struct weir_batch *chunk, struct doc_arena *a)
{
    if (a->arena.bytes <= a->charged)
        return;
    budget_charge(chunk->budget, a->arena.bytes - a->charged);
    a->charged = a->arena.bytes;
}

void batch_charge_docs(const struct weir_batch *chunk, const void *owner)
{
    charge(chunk, arena_of(chunk, owner));
}

static _Atomic(struct parsed *) *slots(const struct weir_batch *chunk)
{
    struct weir_batch *b = (struct weir_batch *)(uintptr_t)chunk;
    _Atomic(struct parsed *) *now = atomic_load(&b->docs);
    if (now)
        return now;
    _Atomic(struct parsed *) *mine = xcalloc(b->count > b->room ? b->count : b->room, sizeof *mine);
    if (atomic_compare_exchange_strong(&b->docs, &now, mine))
        return mine;
    free(mine);
    return now;
}

struct parsed *batch_json_known(const struct weir_batch *b, uint32_t i)
{
    struct batch_ref at = batch_at(b, i);
    _Atomic(struct parsed *) *docs = atomic_load(&at.chunk->docs);
    return docs ? atomic_load(&docs[at.index]) : NULL;
}

struct parsed *batch_json(const struct weir_batch *b, uint32_t i, const void *owner)
{
    struct batch_ref at = batch_at(b, i);
    _Atomic(struct parsed *) *slot = &slots(at.chunk)[at.index];
    struct parsed *known = atomic_load(slot);
    if (known)
        return known;
    struct doc_arena *a = arena_of(at.chunk, owner);
    struct parsed *mine = arena_alloc(&a->arena, sizeof *mine);
    struct json_error error = {0, NULL};
    struct weir_slice value = b->records[i].value;
    *mine = (struct parsed){.doc = value.ptr ? json_parse(&a->arena, value.ptr, value.len, &error) : NULL};
    mine->why = mine->doc ? NULL : value.ptr ? error.why : "it is a tombstone";
    charge(at.chunk, a);
    if (atomic_compare_exchange_strong(slot, &known, mine))
        return mine;
    return known;
}

void batch_json_put(struct weir_batch *to, uint32_t k, struct parsed *p)
{
    atomic_store(&slots(to)[k], p);
}

void batch_json_pass(struct weir_batch *to, uint32_t k, const struct weir_batch *from, uint32_t i)
{
    struct parsed *known = batch_json_known(from, i);
    if (known)
        batch_json_put(to, k, known);
}

void batch_print_at(struct weir_batch *b, uint32_t i)
{
    struct parsed *p = batch_json_known(b, i);
    if (!p || !p->doc || !p->doc->edited || p->printed)
        return;
    size_t n = json_printed_size(p->doc);
    char *text = arena_alloc(&b->arena, n);
    json_print(p->doc, text);
    b->bytes += n - b->records[i].value.len;
    b->records[i].value = (struct weir_slice){text, n};
    p->printed = true;
    p->last = NULL;
}

void batch_print_edits(struct weir_batch *b)
{
    if (!atomic_load(&b->docs))
        return;
    for (uint32_t i = 0; i < b->count; i++)
        batch_print_at(b, i);
}

void batch_grow_docs(struct weir_batch *b, uint32_t room)
{
    _Atomic(struct parsed *) *docs = atomic_load(&b->docs);
    if (!docs)
        return;
    docs = xrealloc((void *)docs, room * sizeof *docs);
    memset((void *)(docs + b->room), 0, (room - b->room) * sizeof *docs);
    atomic_store(&b->docs, docs);
}

void batch_forget_docs(struct weir_batch *b)
{
    free((void *)atomic_exchange(&b->docs, NULL));
}

void batch_free_docs(struct weir_batch *b)
{
    struct doc_arena *next;
    for (struct doc_arena *a = atomic_load(&b->doc_arenas); a; a = next) {
        next = a->next;
        budget_release(b->budget, a->charged);
        arena_free(&a->arena);
        free(a);
    }
    free((void *)atomic_load(&b->docs));
}

static struct json_doc *subject_doc(const struct subject *s, const char **ret_why)
{
    const struct batch_subject *b = s->opaque;
    struct parsed *p = batch_json(b->batch, b->index, b->owner);
    if (!p->doc)
        *ret_why = p->why;
    return p->doc;
}

void batch_subject_init(struct batch_subject *s, const struct weir_batch *batch, const void *owner,
                        struct arena *scratch)
{
    *s = (struct batch_subject){.batch = batch, .owner = owner};
    s->subject = (struct subject){.doc = subject_doc, .opaque = s, .scratch = scratch};
}

const struct subject *batch_subject_at(struct batch_subject *s, uint32_t i)
{
    s->index = i;
    s->subject.record = &s->batch->records[i];
    return &s->subject;
}
