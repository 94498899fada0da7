/* SPDX-License-Identifier: BSD-2-Clause */
/* transform_emit.c - what a transform's process may do with an input: pass, emit, edit, reject.
 *
 * Home thread of the worker, inside process.  A document with pending edits goes on with its record; it is changed in
 * place for the first output of an input, and parsed anew for further ones. */
#include "emitter.h"

#include "record/json.h"
#include "record/path.h"

#include <string.h>

static uint32_t input_of(const struct weir_emitter *e, uint32_t parent)
{
    return e->map ? e->map[parent] : parent;
}

static uint32_t process_count(const struct weir_emitter *e)
{
    return e->map ? e->mapped : e->in->count;
}

bool emitter_input(const struct weir_emitter *e, uint32_t parent, uint32_t *ret)
{
    if (e->intake || !e->in || parent >= process_count(e))
        return false;
    *ret = input_of(e, parent);
    return true;
}

void emitter_print(struct weir_emitter *e, const struct weir_batch *b, uint32_t k)
{
    if (b != e->process)
        return;
    uint32_t i = input_of(e, k);
    if (!e->outputs[i])
        batch_print_at(e->in, i);
    struct weir_record *seen = &e->process->records[k];
    if (b != e->in)
        e->process->bytes += e->in->records[i].value.len - seen->value.len;
    seen->value = e->in->records[i].value;
}

static void append(struct weir_emitter *e, uint32_t i, const struct weir_record *r)
{
    struct weir_batch *out = e->out;
    batch_grow(out, 1);
    if (e->in->originals) /* of what was held: its books' order is another one */
        batch_note_original(out, out->count, batch_original(e->in, i));
    out->records[out->count] = *r;
    out->origins[out->count++] = e->in->origins[i];
    e->several |= e->outputs[i]++ > 0 || (e->held && e->held[i]);
}

/* The input as it is.  Its document goes along with its first output: who comes later changes it in place. */
static void pass_one(struct weir_emitter *e, uint32_t i)
{
    bool first = !e->outputs[i];
    append(e, i, &e->in->records[i]);
    e->out->bytes += record_bytes(&e->in->records[i]);
    if (first)
        batch_json_pass(e->out, e->out->count - 1, e->in, i);
}

void emitter_pass_unconcerned(struct weir_emitter *e, uint32_t until)
{
    for (; e->passed < until; e->passed++)
        if (e->concerned && !e->concerned[e->passed])
            pass_one(e, e->passed);
}

int emitter_pass(struct weir_emitter *e, uint32_t first, uint32_t n)
{
    if (e->intake || !e->in || first > process_count(e) || n > process_count(e) - first)
        return WEIR_FATAL;
    for (uint32_t k = first; k < first + n; k++) {
        uint32_t i = input_of(e, k);
        emitter_pass_unconcerned(e, i);
        if (e->one_to_one && e->outputs[i])
            return WEIR_FATAL;
        if (!e->rejected[i])
            pass_one(e, i);
    }
    return WEIR_OK;
}

/* Whether the document of input i is that of r, made from it: the value is the same, and no edits are to come to it. */
static bool still_parsed(const struct weir_emitter *e, uint32_t i, const struct weir_record *r)
{
    const struct parsed *p =
        slice_same(r->value, e->in->records[i].value) ? batch_json_known(e->in, i) : NULL;
    return p && (!p->doc || !p->doc->edited || p->printed);
}

int emitter_emit_from(struct weir_emitter *e, uint32_t parent, const struct weir_record *record, size_t size,
                      struct weir_buf *buf)
{
    struct weir_record r = {0};
    uint32_t i;
    if (!emitter_input(e, parent, &i))
        return WEIR_FATAL;
    const struct weir_record *from = &e->in->records[i];
    emitter_pass_unconcerned(e, i);
    if (e->one_to_one && e->outputs[i])
        return WEIR_FATAL;
    if (e->rejected[i])
        return WEIR_REJECT;
    memcpy(&r, record, size < sizeof r ? size : sizeof r);
    r.shard = from->shard;
    r.seq = from->seq;
    r.next = from->next;
    r.sub = from->sub;
    if (buf)
        batch_own(e->out, buf);
    else if (!(r.flags & WEIR_REC_SHARES_PARENT))
        batch_copy_changed(e->out, &r, from);
    r.flags &= ~WEIR_REC_SHARES_PARENT;
    bool parsed = !e->outputs[i] && still_parsed(e, i, &r);
    append(e, i, &r);
    e->out->bytes += record_bytes(&r);
    if (parsed)
        batch_json_pass(e->out, e->out->count - 1, e->in, i);
    return WEIR_OK;
}

static struct weir_slice copy(struct arena *a, struct weir_slice s)
{
    return (struct weir_slice){s.ptr ? arena_copy(a, s.ptr, s.len) : NULL, s.len};
}

/* A document of its own made from the bytes of input i. */
static struct parsed *parse_again(struct weir_emitter *e, uint32_t i, struct arena *arena)
{
    struct weir_slice value = e->in->records[i].value;
    struct json_error error = {0, NULL};
    struct parsed *p = arena_alloc(arena, sizeof *p);
    *p = (struct parsed){.doc = value.ptr ? json_parse(arena, value.ptr, value.len, &error) : NULL};
    p->why = p->doc ? NULL : value.ptr ? error.why : "it is a tombstone";
    return p;
}

void emitter_print_anew(struct weir_emitter *e, const struct weir_batch *b, uint32_t k)
{
    if (b != e->process)
        return;
    uint32_t i = input_of(e, k);
    const struct parsed *p = batch_json_known(e->in, i);
    if (e->outputs[i] || !p || !p->doc || !p->doc->edited)
        return;
    emitter_print(e, b, k);
    batch_json_put(e->in, i, parse_again(e, i, batch_doc_arena(e->in, e->instance->loop)));
    batch_charge_docs(e->in, e->instance->loop);
}

/* The document that an output of input i may change. */
static struct parsed *own_document(struct weir_emitter *e, uint32_t i, struct arena *arena, const void *owner)
{
    return e->outputs[i] ? parse_again(e, i, arena) : batch_json(e->in, i, owner);
}

/* Notes an edit that was applied, so that it can be taken back with all others of this stage. */
static void note(struct weir_emitter *e, struct parsed *p, const struct weir_edit *edit, struct arena *arena)
{
    struct edited *done = arena_alloc(arena, sizeof *done);
    *done = (struct edited){.before = p->last, .by = e->instance, .edit = *edit};
    done->edit.value = copy(arena, edit->value);
    p->last = done;
}

/* Edits of earlier stages again, the first one first. */
static void repeat(struct parsed *p, const struct edited *last, struct arena *arena)
{
    uint32_t n = 0, k = 0;
    for (const struct edited *d = last; d; d = d->before)
        n++;
    const struct edited **all = arena_alloc(arena, (n + 1) * sizeof *all);
    for (const struct edited *d = last; d; d = d->before)
        all[n - ++k] = d;
    for (k = 0; k < n; k++)
        (void)json_apply(arena, p->doc, &all[k]->edit); /* it went through before */
}

/* Input i's document as this stage found it. */
static void restore(struct weir_emitter *e, uint32_t i)
{
    struct parsed *now = batch_json_known(e->in, i);
    if (!now || !now->last || now->last->by != e->instance)
        return;
    struct edited *last = now->last;
    while (last && last->by == e->instance)
        last = last->before;
    struct arena *arena = batch_doc_arena(e->in, e->instance->loop);
    struct parsed *p = parse_again(e, i, arena);
    p->last = last;
    repeat(p, last, arena);
    batch_json_put(e->in, i, p);
    batch_charge_docs(e->in, e->instance->loop);
}

void emitter_undo(struct weir_emitter *e)
{
    for (uint32_t i = 0; i < e->in->count; i++)
        restore(e, i);
}

int emitter_emit_edit(struct weir_emitter *e, uint32_t parent, const struct weir_edit *edits, uint32_t n,
                      uint32_t stride, const char **ret_why)
{
    uint32_t i;
    if (!emitter_input(e, parent, &i))
        return WEIR_FATAL;
    const void *owner = e->instance->loop;
    struct arena *arena = batch_doc_arena(e->in, owner);
    emitter_pass_unconcerned(e, i);
    if (e->one_to_one && e->outputs[i])
        return WEIR_FATAL;
    if (e->rejected[i]) {
        *ret_why = "it was rejected before";
        return WEIR_REJECT;
    }
    struct parsed *p = own_document(e, i, arena, owner);
    if (!p->doc) {
        *ret_why = p->why;
        return WEIR_REJECT;
    }
    for (uint32_t k = 0; k < n; k++) {
        const struct weir_edit *edit =
            (const struct weir_edit *)(const void *)((const char *)edits + (size_t)k * stride);
        *ret_why = json_apply(arena, p->doc, edit);
        if (!*ret_why) {
            p->printed = false;
            note(e, p, edit, arena);
            continue;
        }
        if (!e->outputs[i])
            restore(e, i); /* nothing was emitted, so nothing may be changed */
        return WEIR_REJECT;
    }
    batch_charge_docs(e->in, owner);
    append(e, i, &e->in->records[i]);
    e->out->bytes += record_bytes(&e->in->records[i]);
    batch_json_put(e->out, e->out->count - 1, p);
    return WEIR_OK;
}

int emitter_reject(struct weir_emitter *e, uint32_t parent, const struct weir_result *why)
{
    uint32_t i;
    if (!emitter_input(e, parent, &i))
        return WEIR_FATAL;
    if (e->rejected[i])
        return WEIR_OK;
    e->rejected[i] = 1;
    rejects_add(&e->rejects, e->in, i, why, 1);
    return WEIR_OK;
}
