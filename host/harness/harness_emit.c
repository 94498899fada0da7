/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_emit.c - what poll and process give: checked against plugin.h, copied, kept as outputs of the test. */
#include "harness_private.h"

#include "record/path.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

enum { SEEN_PASSED = 1, SEEN_EMITTED = 2, SEEN_REJECTED = 4 };

/* ---- outputs ------------------------------------------------------------------------------------------------- */

static struct out_entry *out_new(struct harness *h, enum harness_how how)
{
    if (h->n_outs == h->outs_room) {
        h->outs_room = h->outs_room ? h->outs_room * 2 : 64;
        h->outs = xrealloc(h->outs, h->outs_room * sizeof(struct out_entry *));
    }
    struct out_entry *o = xcalloc(1, sizeof *o);
    o->pub.how = how;
    h->outs[h->n_outs++] = o;
    return o;
}

/* With a NUL behind it that is not counted, for the test's comfort. */
static void end_text(struct harness_piece **list, struct weir_slice *s)
{
    if (!s->ptr)
        return;
    struct weir_slice from = *s;
    char *text = xmalloc(from.len + 1);
    if (from.len)
        memcpy(text, from.ptr, from.len);
    text[from.len] = 0;
    *s = harness_copy(list, (struct weir_slice){text, from.len + 1});
    s->len = from.len;
    free(text);
}

static void out_record(struct out_entry *o, const struct weir_record *r)
{
    struct weir_record *to = &o->pub.record;
    harness_record_copy(&o->pieces, to, r);
    end_text(&o->pieces, &to->key);
    end_text(&o->pieces, &to->value);
    end_text(&o->pieces, &to->topic);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        struct weir_header *header = (struct weir_header *)(uintptr_t)&to->headers[i];
        end_text(&o->pieces, &header->name);
        end_text(&o->pieces, &header->value);
    }
}

static const char *out_text(struct out_entry *o, const char *text)
{
    struct weir_slice s = {text, text ? strlen(text) : 0};
    end_text(&o->pieces, &s);
    return s.ptr;
}

void harness_out_result(struct harness *h, struct out_entry *o, const struct weir_result *r)
{
    if (r->status != WEIR_REJECT && r->status != WEIR_FATAL)
        harness_breaks(h, RULE_RESULTS, "a record's result is %d; REJECT was expected", r->status);
    o->pub.result = *r;
    o->pub.result.why = out_text(o, r->why);
    o->pub.result.type = out_text(o, r->type);
}

size_t harness_out_count(const struct harness *h)
{
    return h->n_outs;
}

const struct harness_out *harness_out(const struct harness *h, size_t i)
{
    if (i >= h->n_outs)
        harness_die(h, "the test asks for output %zu of %zu", i, h->n_outs);
    return &h->outs[i]->pub;
}

const char *harness_out_value(const struct harness *h, size_t i)
{
    return harness_out(h, i)->record.value.ptr;
}

void harness_out_clear(struct harness *h)
{
    for (size_t i = 0; i < h->n_outs; i++) {
        if (h->outs[i]->owner)
            harness_buf_drop(h->outs[i]->owner);
        harness_pieces_free(h->outs[i]->pieces);
        free(h->outs[i]);
    }
    h->n_outs = 0;
}

/* ---- checks -------------------------------------------------------------------------------------------------- */

struct harness *harness_check_emitter(struct weir_emitter *e, bool transform, const char *what)
{
    struct harness *h = e->harness;
    if (e->over)
        harness_breaks(h, RULE_EMITTER, "%s: the call that the emitter was for has returned", what);
    harness_home(h, what);
    if (transform != (e->batch != NULL || e->apart))
        harness_breaks(h, RULE_CALLS, "%s is not for this kind of plugin", what);
    return h;
}

void harness_check_parent(struct weir_emitter *e, uint32_t parent, const char *what)
{
    if (!e->batch)
        harness_breaks(e->harness, RULE_CALLS, "%s: there are no inputs in this call", what);
    if (parent >= e->batch->count)
        harness_breaks(e->harness, RULE_RESULTS, "%s: input %u of %u", what, parent, e->batch->count);
}

static void check_owner(struct harness *h, const struct weir_buf *owner, const struct weir_record *r)
{
    bool lane_topic = r->shard && r->topic.ptr == r->shard->topic.ptr; /* which the host keeps */
    bool inside =
        harness_buf_holds(owner, r->key) && harness_buf_holds(owner, r->value) &&
        (lane_topic || harness_buf_holds(owner, r->topic)) &&
        harness_buf_holds(owner, (struct weir_slice){r->headers, r->n_headers * sizeof *r->headers});
    for (uint32_t i = 0; inside && i < r->n_headers; i++)
        inside =
            harness_buf_holds(owner, r->headers[i].name) && harness_buf_holds(owner, r->headers[i].value);
    if (!inside)
        harness_breaks(h, RULE_BUFFER, "a record's bytes lie outside the buffer it names as owner");
}

static void check_record(struct harness *h, const struct weir_record *r)
{
    if (r->flags & ~WEIR_REC_SHARES_PARENT)
        harness_breaks(h, RULE_CALLS, "a record has unknown flags 0x%x", r->flags);
    if ((r->key.len && !r->key.ptr) || (r->value.len && !r->value.ptr) || (r->n_headers && !r->headers))
        harness_breaks(h, RULE_CALLS, "a record has a length without bytes");
    for (uint32_t i = 0; i < r->n_headers; i++)
        if (!r->headers[i].name.ptr)
            harness_breaks(h, RULE_CALLS, "header %u has no name", i);
}

/* seq rises, next is behind it, the lane is open. */
static void advance_lane(struct harness *h, const struct weir_record *r, const char *what)
{
    struct harness_lane *lane = harness_lane_of(h, r->shard, what);
    if (lane->any && r->seq <= lane->last_seq && h->after_again)
        harness_breaks(h, RULE_AGAIN, "%s: seq %llu comes again, which was taken", what,
                       (unsigned long long)r->seq);
    if (lane->any && r->seq <= lane->last_seq)
        harness_breaks(h, RULE_SEQ, "%s: seq %llu of lane %.*s does not rise above %llu", what,
                       (unsigned long long)r->seq, (int)lane->shard.id.len, (const char *)lane->shard.id.ptr,
                       (unsigned long long)lane->last_seq);
    if (r->next <= r->seq)
        harness_breaks(h, RULE_SEQ, "%s: next %llu is not behind seq %llu", what, (unsigned long long)r->next,
                       (unsigned long long)r->seq);
    h->after_again = false;
    lane->any = true;
    lane->last_seq = r->seq;
    lane->pub.next = r->next;
}

static uint64_t bytes_of(const struct weir_record *r)
{
    uint64_t n = r->key.len + r->value.len;
    for (uint32_t i = 0; i < r->n_headers; i++)
        n += r->headers[i].name.len + r->headers[i].value.len;
    return n;
}

/* A first record always fits. */
static bool fits(struct weir_emitter *e, const struct weir_record *r)
{
    uint64_t bytes = bytes_of(r);
    if (e->refused)
        harness_breaks(e->harness, RULE_AGAIN, "it goes on emitting although the answer was AGAIN");
    if (e->full || e->room == 0 || (e->any && bytes > e->bytes_room)) {
        e->full = e->refused = true;
        return false;
    }
    e->room--;
    e->any = true;
    e->bytes_room -= bytes < e->bytes_room ? bytes : e->bytes_room;
    return true;
}

/* ---- sources ------------------------------------------------------------------------------------------------- */

static int emit(struct weir_emitter *e, const struct weir_run *run, uint32_t *ret_taken)
{
    struct harness *h = harness_check_emitter(e, false, "emit");
    if (run->struct_size < sizeof *run || (run->count && run->stride < sizeof(struct weir_record)))
        harness_breaks(h, RULE_CALLS, "emit: struct_size %u, stride %u", run->struct_size, run->stride);
    if (e->paused && run->count)
        harness_breaks(h, RULE_PAUSED, "emit: records although the poll says PAUSED");
    for (uint32_t i = 0; i < run->count; i++) {
        const struct weir_record *r = (const void *)((const char *)run->records + (size_t)i * run->stride);
        if (!fits(e, r)) {
            *ret_taken = i;
            h->after_again = true;
            return WEIR_AGAIN;
        }
        check_record(h, r);
        if (run->owner)
            check_owner(h, run->owner, r);
        advance_lane(h, r, "emit");
        struct out_entry *o = out_new(h, HARNESS_EMIT);
        out_record(o, r);
        o->pub.record.sub = 0;
        o->owner = run->owner;
        if (o->owner) {
            harness_buf_keep(o->owner);
            harness_buf_named(o->owner);
        }
    }
    *ret_taken = run->count;
    if (h->guarded && (e->room == 0 || h->brimful)) /* it may come with the last that fits */
        e->full = e->refused = true;
    h->after_again = e->refused;
    return e->refused ? WEIR_AGAIN : WEIR_OK;
}

static int emit_bad(struct weir_emitter *e, const struct weir_record *r, size_t record_size,
                    const struct weir_result *result)
{
    struct harness *h = harness_check_emitter(e, false, "emit_bad");
    if (record_size < sizeof *r)
        harness_breaks(h, RULE_CALLS, "emit_bad: record_size is %zu", record_size);
    if (!fits(e, r))
        return WEIR_AGAIN;
    check_record(h, r);
    advance_lane(h, r, "emit_bad");
    struct out_entry *o = out_new(h, HARNESS_BAD);
    out_record(o, r);
    harness_out_result(h, o, result);
    return WEIR_OK;
}

int harness_poll(struct harness *h, uint32_t max_records, uint64_t max_bytes, uint32_t timeout_ms,
                 uint32_t flags)
{
    struct weir_poll poll = {sizeof poll, max_records, max_bytes, timeout_ms, flags};
    h->emitter = (struct weir_emitter){.harness = h,
                                       .room = max_records,
                                       .bytes_room = max_bytes,
                                       .paused = (flags & WEIR_POLL_PAUSED) != 0};
    if (!h->opened)
        harness_die(h, "the test polls before open");
    harness_enter(h, "poll");
    int status = harness_leave(h, h->ops->poll(h->self, &h->emitter, &poll));
    h->emitter.over = true;
    return status;
}

/* ---- transforms ---------------------------------------------------------------------------------------------- */

static int pass(struct weir_emitter *e, uint32_t first, uint32_t n)
{
    struct harness *h = harness_check_emitter(e, true, "pass");
    for (uint32_t i = first; i < first + n; i++) {
        harness_check_parent(e, i, "pass");
        if (e->seen[i] & (SEEN_PASSED | SEEN_REJECTED))
            harness_breaks(h, RULE_OUTCOME, "pass: input %u was passed or rejected already", i);
        e->seen[i] |= SEEN_PASSED;
        struct out_entry *o = out_new(h, HARNESS_PASS);
        o->pub.parent = i;
        out_record(o, harness_record_at(e->batch, i));
    }
    return WEIR_OK;
}

/* The identity of an output is its parent's, with the number of the output. */
static struct out_entry *out_child(struct weir_emitter *e, uint32_t parent, enum harness_how how,
                                   const struct weir_record *r)
{
    const struct weir_record *from = harness_record_at(e->batch, parent);
    struct out_entry *o = out_new(e->harness, how);
    o->pub.parent = parent;
    out_record(o, r);
    o->pub.record.shard = from->shard;
    o->pub.record.seq = from->seq;
    o->pub.record.next = from->next;
    o->pub.record.sub = e->subs[parent]++;
    if (o->pub.record.sub > 0 && harness_promises(e->harness) & WEIR_ONE_TO_ONE)
        harness_breaks(e->harness, RULE_PROMISES,
                       "it promises WEIR_ONE_TO_ONE, and makes more than one record of input %u", parent);
    e->seen[parent] |= SEEN_EMITTED;
    return o;
}

static int emit_from(struct weir_emitter *e, uint32_t parent, const struct weir_record *r, size_t record_size,
                     struct weir_buf *owner)
{
    struct harness *h = harness_check_emitter(e, true, "emit_from");
    if (record_size < sizeof *r)
        harness_breaks(h, RULE_CALLS, "emit_from: record_size is %zu", record_size);
    harness_check_parent(e, parent, "emit_from");
    check_record(h, r);
    if (e->seen[parent] & SEEN_REJECTED)
        harness_breaks(h, RULE_OUTCOME, "emit_from: input %u was rejected", parent);
    if (owner && !(r->flags & WEIR_REC_SHARES_PARENT))
        check_owner(h, owner, r);
    struct out_entry *o = out_child(e, parent, HARNESS_EMIT, r);
    o->owner = owner;
    if (owner) {
        harness_buf_keep(owner);
        harness_buf_named(owner);
    }
    return WEIR_OK;
}

struct out_entry *harness_out_made(struct harness *h, enum harness_how how, const struct weir_record *r,
                                   const struct weir_record *identity, struct weir_buf *owner)
{
    check_record(h, r);
    if (owner && !(r->flags & WEIR_REC_SHARES_PARENT))
        check_owner(h, owner, r);
    struct out_entry *o = out_new(h, how);
    out_record(o, r);
    o->pub.record.shard = identity->shard;
    o->pub.record.seq = identity->seq;
    o->pub.record.next = identity->next;
    o->owner = owner;
    if (owner)
        harness_buf_keep(owner);
    return o;
}

/* On a document of its own: a failed edit leaves no trace. */
static int edit_value(struct arena *arena, const struct weir_edit *edits, uint32_t n, uint32_t stride,
                      struct weir_slice *value, const char **ret_why)
{
    struct json_error error = {0, "it is a tombstone"};
    struct json_doc *doc = value->ptr ? json_parse(arena, value->ptr, value->len, &error) : NULL;
    if (!doc) {
        *ret_why = error.why;
        return WEIR_REJECT;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *why = json_apply(arena, doc, (const void *)((const char *)edits + (size_t)i * stride));
        if (why) {
            *ret_why = why;
            return WEIR_REJECT;
        }
    }
    size_t size = json_printed_size(doc);
    char *text = arena_alloc(arena, size);
    json_print(doc, text);
    *value = (struct weir_slice){text, size};
    return WEIR_OK;
}

static int emit_edit(struct weir_emitter *e, uint32_t parent, const struct weir_edit *edits, uint32_t n,
                     uint32_t stride, const char **ret_why)
{
    struct harness *h = harness_check_emitter(e, true, "emit_edit");
    harness_check_parent(e, parent, "emit_edit");
    for (uint32_t i = 0; i < n; i++) {
        const struct weir_edit *edit = (const void *)((const char *)edits + (size_t)i * stride);
        if (edit->op < WEIR_EDIT_SET || edit->op > WEIR_EDIT_RENAME || !edit->path)
            harness_breaks(h, RULE_CALLS, "emit_edit: edit %u has op %u and %s path", i, edit->op,
                           edit->path ? "a" : "no");
    }
    struct weir_record r = *harness_record_at(e->batch, parent);
    struct arena arena = {0};
    int status = edit_value(&arena, edits, n, stride, &r.value, ret_why);
    if (status == WEIR_OK)
        out_child(e, parent, HARNESS_EDIT, &r);
    arena_free(&arena);
    return status;
}

static int reject(struct weir_emitter *e, uint32_t parent, const struct weir_result *result)
{
    struct harness *h = harness_check_emitter(e, true, "reject");
    harness_check_parent(e, parent, "reject");
    if (e->seen[parent])
        harness_breaks(h, RULE_OUTCOME, "reject: input %u was passed, emitted or rejected already", parent);
    e->seen[parent] |= SEEN_REJECTED;
    struct out_entry *o = out_new(h, HARNESS_REJECT);
    o->pub.parent = parent;
    out_record(o, harness_record_at(e->batch, parent));
    harness_out_result(h, o, result);
    return WEIR_OK;
}

int harness_process(struct harness *h, struct weir_batch *b)
{
    struct weir_emitter *e = &h->emitter;
    *e = (struct weir_emitter){.harness = h,
                               .batch = b,
                               .seen = xcalloc(b->count + 1, 1),
                               .subs = xcalloc(b->count + 1, sizeof(uint32_t))};
    harness_enter(h, "process");
    int status = harness_leave(h, h->ops->process(h->self, b, e));
    harness_check_status(e, "process", status);
    e->over = true;
    free(e->seen);
    free(e->subs);
    if (h->guarded) { /* its life is over; a unit test may use it again */
        b->state = BATCH_DONE;
        harness_batch_finish(b);
    }
    return status;
}

void harness_fill_emit(struct weir_host *host)
{
    host->emit = emit;
    host->emit_bad = emit_bad;
    host->pass = pass;
    host->emit_from = emit_from;
    host->emit_edit = emit_edit;
    host->reject = reject;
}
