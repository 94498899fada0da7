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

static void append(struct weir_emitter *e, uint32_t i, const struct weir_record *r)
{
    struct weir_batch *out = e->out;
    batch_grow(out, 1);
    out->records[out->count] = *r;
    out->origins[out->count++] = e->in->origins[i];
    e->several |= e->outputs[i]++ > 0;
}

/* The input as it is, document included, unless an earlier output of it changed the document. */
static void pass_one(struct weir_emitter *e, uint32_t i)
{
    struct parsed *p = batch_json_known(e->in, i);
    bool changed = e->outputs[i] && p && p->doc && p->doc->edited && !p->printed;
    append(e, i, &e->in->records[i]);
    e->out->bytes += record_bytes(&e->in->records[i]);
    if (p && !changed)
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
    if (e->intake || first > process_count(e) || n > process_count(e) - first)
        return WEIR_FATAL;
    for (uint32_t k = first; k < first + n; k++) {
        uint32_t i = input_of(e, k);
        emitter_pass_unconcerned(e, i);
        if (!e->rejected[i])
            pass_one(e, i);
    }
    return WEIR_OK;
}

int emitter_emit_from(struct weir_emitter *e, uint32_t parent, const struct weir_record *record, size_t size,
                      struct weir_buf *buf)
{
    struct weir_record r = {0};
    if (e->intake || parent >= process_count(e))
        return WEIR_FATAL;
    uint32_t i = input_of(e, parent);
    const struct weir_record *from = &e->in->records[i];
    emitter_pass_unconcerned(e, i);
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
        batch_copy_bytes(e->out, &r);
    r.flags &= ~WEIR_REC_SHARES_PARENT;
    append(e, i, &r);
    e->out->bytes += record_bytes(&r);
    return WEIR_OK;
}

static bool apply(struct arena *a, struct json_doc *doc, const struct weir_edit *edit)
{
    struct weir_slice value = edit->value;
    const struct json_path *path = edit->path->path;
    switch (edit->op) {
    case WEIR_EDIT_SET:
        return json_set(a, doc, path, value);
    case WEIR_EDIT_STRING: {
        if (!json_utf8_valid(value.ptr, value.len))
            return false;
        size_t n = json_quote(NULL, value.ptr, value.len);
        char *text = arena_alloc(a, n);
        json_quote(text, value.ptr, value.len);
        return json_set(a, doc, path, (struct weir_slice){text, n});
    }
    case WEIR_EDIT_REMOVE:
        return json_remove(a, doc, path);
    case WEIR_EDIT_RENAME:
        return json_rename(a, doc, path, value);
    default:
        return false;
    }
}

/* The document that an output of input i may change. */
static struct parsed *own_document(struct weir_emitter *e, uint32_t i, struct arena *arena, const void *owner)
{
    if (!e->outputs[i])
        return batch_json(e->in, i, owner);
    struct weir_slice value = e->in->records[i].value;
    struct json_error error = {0, NULL};
    struct parsed *p = arena_alloc(arena, sizeof *p);
    *p = (struct parsed){.doc = value.ptr ? json_parse(arena, value.ptr, value.len, &error) : NULL};
    p->why = p->doc ? NULL : value.ptr ? error.why : "it is a tombstone";
    return p;
}

int emitter_emit_edit(struct weir_emitter *e, uint32_t parent, const struct weir_edit *edits, uint32_t n,
                      uint32_t stride, const char **ret_why)
{
    if (e->intake || parent >= process_count(e))
        return WEIR_FATAL;
    uint32_t i = input_of(e, parent);
    const void *owner = e->instance->loop;
    struct arena *arena = batch_doc_arena(e->in, owner);
    emitter_pass_unconcerned(e, i);
    if (e->rejected[i])
        return WEIR_REJECT;
    struct parsed *p = own_document(e, i, arena, owner);
    if (!p->doc) {
        *ret_why = p->why;
        return WEIR_REJECT;
    }
    p->printed = false;
    for (uint32_t k = 0; k < n; k++) {
        const struct weir_edit *edit =
            (const struct weir_edit *)(const void *)((const char *)edits + (size_t)k * stride);
        if (apply(arena, p->doc, edit))
            continue;
        *ret_why = "a path of the edit leads nowhere, or its value is not allowed there";
        if (k) { /* the document is half changed: the record may not go on in it */
            struct weir_result r = {.index = parent, .status = WEIR_REJECT, .why = *ret_why};
            (void)emitter_reject(e, parent, &r);
        }
        return WEIR_REJECT;
    }
    append(e, i, &e->in->records[i]);
    e->out->bytes += record_bytes(&e->in->records[i]);
    batch_json_put(e->out, e->out->count - 1, p);
    return WEIR_OK;
}

int emitter_reject(struct weir_emitter *e, uint32_t parent, const struct weir_result *why)
{
    if (e->intake || parent >= process_count(e))
        return WEIR_FATAL;
    uint32_t i = input_of(e, parent);
    if (e->rejected[i])
        return WEIR_OK;
    e->rejected[i] = 1;
    rejects_add(&e->rejects, e->in, i, why, 1);
    return WEIR_OK;
}
