/* SPDX-License-Identifier: BSD-2-Clause */
/* batch.c - chunks and selections of records, and the buffers below them.
 *
 * Built by one thread; reference counts are atomic, so the last holder frees, on whichever thread that is.  The
 * documents of a chunk are batch_json.c's. */
#include "batch.h"

#include "report/log.h"

#include <stdlib.h>
#include <string.h>

struct weir_buf *buf_alloc(struct budget *budget, size_t n, void **ret_data)
{
    struct weir_buf *buf = xmalloc(sizeof *buf + n);
    *buf = (struct weir_buf){.refs = 1, .bytes = sizeof *buf + n, .budget = budget};
    budget_charge(budget, buf->bytes);
    *ret_data = buf + 1;
    return buf;
}

struct weir_buf *buf_wrap(struct budget *budget, size_t n, void (*release)(void *), void *opaque)
{
    struct weir_buf *buf = xmalloc(sizeof *buf);
    *buf = (struct weir_buf){
        .refs = 1, .bytes = sizeof *buf + n, .budget = budget, .release = release, .opaque = opaque};
    budget_charge(budget, buf->bytes);
    return buf;
}

void buf_ref(struct weir_buf *buf)
{
    atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
}

void buf_unref(struct weir_buf *buf)
{
    if (atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (buf->release)
        buf->release(buf->opaque);
    budget_release(buf->budget, buf->bytes);
    free(buf);
}

static struct weir_batch *batch_alloc(struct budget *budget)
{
    struct weir_batch *b = xcalloc(1, sizeof *b);
    b->refs = 1;
    b->budget = budget;
    return b;
}

struct weir_batch *batch_new(struct budget *budget, uint32_t room)
{
    struct weir_batch *b = batch_alloc(budget);
    if (room)
        batch_grow(b, room);
    return b;
}

void batch_grow(struct weir_batch *b, uint32_t more)
{
    if (b->room - b->count >= more)
        return;
    uint32_t room = b->room * 2 > b->count + more ? b->room * 2 : b->count + more;
    b->records = xrealloc(b->records, room * sizeof *b->records);
    if (b->refs_to)
        b->refs_to = xrealloc(b->refs_to, room * sizeof *b->refs_to);
    else
        b->origins = xrealloc(b->origins, room * sizeof *b->origins);
    if (b->originals) {
        b->originals = xrealloc(b->originals, room * sizeof *b->originals);
        memset(b->originals + b->room, 0, (room - b->room) * sizeof *b->originals);
    }
    batch_grow_docs(b, room);
    b->room = room;
}

void batch_seal(struct weir_batch *b)
{
    size_t entry = sizeof *b->records + (b->refs_to ? sizeof *b->refs_to : sizeof *b->origins);
    size_t holds = sizeof *b + b->room * entry + b->arena.bytes;
    if (holds > b->charged)
        budget_charge(b->budget, holds - b->charged);
    b->charged = holds > b->charged ? holds : b->charged;
}

void batch_empty(struct weir_batch *b)
{
    b->count = 0;
    b->bytes = 0;
    budget_release(b->budget, b->charged);
    b->charged = 0;
}

void batch_ref(struct weir_batch *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

static void batch_free(struct weir_batch *b)
{
    for (uint32_t i = 0; i < b->n_owners; i++)
        buf_unref(b->owners[i]);
    for (uint32_t i = 0; i < b->n_parents; i++)
        batch_unref(b->parents[i]);
    batch_free_docs(b);
    arena_free(&b->arena);
    if (!b->base) /* a slice borrows the records of its chunk */
        free(b->records);
    else
        batch_unref(b->base);
    free(b->origins);
    free(b->originals);
    free(b->refs_to);
    free(b->owners);
    free(b->parents);
    if (b->charged)
        budget_release(b->budget, b->charged);
    free(b);
}

void batch_unref(struct weir_batch *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        batch_free(b);
}

void batch_own(struct weir_batch *b, struct weir_buf *buf)
{
    if (b->n_owners && b->owners[b->n_owners - 1] == buf)
        return;
    if (b->n_owners == b->owners_room) {
        b->owners_room = b->owners_room ? b->owners_room * 2 : 4;
        b->owners = xrealloc(b->owners, b->owners_room * sizeof *b->owners);
    }
    buf_ref(buf);
    b->owners[b->n_owners++] = buf;
}

void batch_keep(struct weir_batch *b, struct weir_batch *parent)
{
    if (b->n_parents && b->parents[b->n_parents - 1] == parent)
        return;
    if (b->n_parents == b->parents_room) {
        b->parents_room = b->parents_room ? b->parents_room * 2 : 4;
        b->parents = xrealloc(b->parents, b->parents_room * sizeof(struct weir_batch *));
    }
    batch_ref(parent);
    b->parents[b->n_parents++] = parent;
}

static void copy_slice(struct arena *a, struct weir_slice *s)
{
    if (s->ptr)
        s->ptr = arena_copy(a, s->ptr, s->len);
}

static void copy_headers(struct arena *a, struct weir_record *r)
{
    struct weir_header *headers = arena_alloc(a, r->n_headers * sizeof *headers);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        headers[i] = r->headers[i];
        copy_slice(a, &headers[i].name);
        copy_slice(a, &headers[i].value);
    }
    r->headers = headers;
}

void batch_copy_bytes(struct weir_batch *b, struct weir_record *r)
{
    copy_slice(&b->arena, &r->key);
    copy_slice(&b->arena, &r->value);
    copy_slice(&b->arena, &r->topic);
    if (r->n_headers)
        copy_headers(&b->arena, r);
}

static void copy_other(struct arena *a, struct weir_slice *s, struct weir_slice than)
{
    if (!slice_same(*s, than))
        copy_slice(a, s);
}

void batch_copy_changed(struct weir_batch *b, struct weir_record *r, const struct weir_record *from)
{
    copy_other(&b->arena, &r->key, from->key);
    copy_other(&b->arena, &r->value, from->value);
    copy_other(&b->arena, &r->topic, from->topic);
    if (r->n_headers && (r->headers != from->headers || r->n_headers > from->n_headers))
        copy_headers(&b->arena, r);
}

uint64_t record_bytes(const struct weir_record *r)
{
    uint64_t n = r->key.len + r->value.len;
    for (uint32_t i = 0; i < r->n_headers; i++)
        n += r->headers[i].name.len + r->headers[i].value.len;
    return n;
}

struct weir_batch *batch_slice(struct weir_batch *of, uint32_t first, uint32_t n)
{
    if (of->refs_to) { /* parts of a selection are selections */
        struct weir_batch *s = batch_selection(of->budget, n);
        for (uint32_t i = 0; i < n; i++)
            batch_select(s, of, first + i);
        batch_seal(s);
        return s;
    }
    struct weir_batch *s = batch_alloc(of->budget);
    s->base = of->base ? of->base : of;
    s->first = first + (of->base ? of->first : 0);
    batch_ref(s->base);
    s->records = s->base->records + s->first;
    s->count = n;
    if (n == s->base->count)
        s->bytes = s->base->bytes;
    else
        for (uint32_t i = 0; i < n; i++)
            s->bytes += record_bytes(&s->records[i]);
    return s;
}

struct batch_ref batch_at(const struct weir_batch *b, uint32_t i)
{
    if (b->refs_to)
        return b->refs_to[i];
    if (b->base)
        return (struct batch_ref){b->base, b->first + i};
    return (struct batch_ref){(struct weir_batch *)(uintptr_t)b, i};
}

struct origin batch_origin(const struct weir_batch *b, uint32_t i)
{
    struct batch_ref at = batch_at(b, i);
    return at.chunk->origins[at.index];
}

struct weir_batch *batch_selection(struct budget *budget, uint32_t room)
{
    struct weir_batch *b = batch_alloc(budget);
    b->refs_to = xmalloc(sizeof *b->refs_to);
    batch_grow(b, room ? room : 1);
    return b;
}

void batch_select(struct weir_batch *to, const struct weir_batch *from, uint32_t i)
{
    struct batch_ref at = batch_at(from, i);
    batch_grow(to, 1);
    batch_keep(to, at.chunk);
    to->records[to->count] = from->records[i];
    to->refs_to[to->count++] = at;
    to->bytes += record_bytes(&from->records[i]);
}

void batch_append_copy(struct weir_batch *to, const struct weir_record *record, struct origin origin)
{
    batch_grow(to, 1);
    struct weir_record *r = &to->records[to->count];
    *r = *record;
    batch_copy_bytes(to, r);
    to->origins[to->count++] = origin;
    to->bytes += record_bytes(r);
}

void batch_descend(struct weir_batch *b, struct weir_batch *in)
{
    batch_keep(b, in);
    b->root = in->root ? in->root : in;
}

const struct weir_record *batch_original(const struct weir_batch *b, uint32_t i)
{
    struct batch_ref at = batch_at(b, i);
    const struct weir_batch *chunk = at.chunk;
    uint32_t k = at.index;
    if (chunk->originals && (!chunk->root || chunk->originals[k].shard))
        return &chunk->originals[k];
    if (chunk->root) { /* the books of a source's chunk have its order */
        k = chunk->origins[k].index;
        chunk = chunk->root;
    }
    return &chunk->records[k];
}

void batch_note_original(struct weir_batch *b, uint32_t k, const struct weir_record *original)
{
    if (!b->originals)
        b->originals = xcalloc(b->room, sizeof *b->originals);
    b->originals[k] = *original;
}

void batch_append_ref(struct weir_batch *to, const struct weir_batch *from, uint32_t i)
{
    const struct weir_batch *chunk = batch_at(from, i).chunk;
    batch_grow(to, 1);
    uint32_t k = to->count++;
    to->records[k] = from->records[i];
    to->origins[k] = batch_origin(from, i);
    to->bytes += record_bytes(&to->records[k]);
    if (chunk->root || chunk->originals || to->originals)
        batch_note_original(to, k, batch_original(from, i));
}

void batch_own_bytes(struct weir_batch *b, uint32_t first)
{
    for (uint32_t i = first; i < b->count; i++) {
        batch_copy_bytes(b, &b->records[i]);
        if (batch_json_known(b, i)) /* it speaks of the bytes where they were */
            batch_json_put(b, i, NULL);
        if (b->originals)
            batch_copy_bytes(b, &b->originals[i]);
    }
}

void batch_append_again(struct weir_batch *to, const struct weir_batch *from, uint32_t i)
{
    batch_append_ref(to, from, i);
    batch_own_bytes(to, to->count - 1);
}
