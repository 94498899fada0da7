/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_batch.c - batches made of deep copies, results by record, and the host functions that read a batch. */
#include "guard.h"
#include "harness_private.h"

#include "record/expr.h"
#include "record/format.h"
#include "record/path.h"
#include "record/template.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

/* ---- copies -------------------------------------------------------------------------------------------------- */

static void *piece_new(struct harness_piece **list, size_t len, bool guarded)
{
    static const struct guard_rules rules = {RULE_BOUNDS, RULE_IMMUTABLE, RULE_BORROWED};
    struct harness_piece *p = xmalloc(sizeof *p);
    *p = (struct harness_piece){.next = *list,
                                .ptr = guarded ? guard_alloc(len, &rules) : xmalloc(len),
                                .len = len,
                                .guarded = guarded};
    *list = p;
    return p->ptr;
}

/* Exactly as long as the bytes: no NUL behind them. */
struct weir_slice harness_copy(struct harness_piece **list, struct weir_slice s)
{
    if (!s.ptr)
        return s;
    void *to = piece_new(list, s.len, *list && (*list)->guarded);
    if (s.len)
        memcpy(to, s.ptr, s.len);
    return (struct weir_slice){to, s.len};
}

void harness_pieces_poison(struct harness_piece *p)
{
    for (; p; p = p->next) {
        if (p->guarded) {
            guard_set(p->ptr, GUARD_GONE);
            continue;
        }
        memset(p->ptr, 0xDD, p->len);
        ASAN_POISON_MEMORY_REGION(p->ptr, p->len);
    }
}

void harness_pieces_free(struct harness_piece *p)
{
    for (struct harness_piece *next; p; p = next) {
        next = p->next;
        if (p->guarded) {
            guard_free(p->ptr);
        } else {
            ASAN_UNPOISON_MEMORY_REGION(p->ptr, p->len);
            free(p->ptr);
        }
        free(p);
    }
}

void harness_record_copy(struct harness_piece **list, struct weir_record *to, const struct weir_record *from)
{
    *to = *from;
    to->key = harness_copy(list, from->key);
    to->value = harness_copy(list, from->value);
    to->topic = harness_copy(list, from->topic);
    to->headers = NULL;
    if (from->n_headers == 0)
        return;
    struct weir_header *headers =
        piece_new(list, from->n_headers * sizeof *headers, *list && (*list)->guarded);
    for (uint32_t i = 0; i < from->n_headers; i++) {
        headers[i].name = harness_copy(list, from->headers[i].name);
        headers[i].value = harness_copy(list, from->headers[i].value);
    }
    to->headers = headers;
}

/* ---- batches ------------------------------------------------------------------------------------------------- */

struct weir_record harness_record(const char *key, const char *value)
{
    return (struct weir_record){.key = {key, key ? strlen(key) : 0},
                                .value = {value, value ? strlen(value) : 0},
                                .topic = {"t", 1},
                                .time_ms = WEIR_NO_TIME,
                                .offset = -1};
}

struct weir_record *harness_record_at(const struct weir_batch *b, uint32_t i)
{
    return (struct weir_record *)(void *)(b->records +
                                          (size_t)i * (sizeof(struct weir_record) + HARNESS_STRIDE_PAD));
}

/* Belongs to the default lane and stands behind the record before it, unless the test said otherwise. */
static void complete_identity(struct harness *h, struct weir_record *r)
{
    if (r->shard)
        return;
    r->shard = &h->default_lane.shard;
    if (r->seq == 0)
        r->seq = h->next_seq;
    r->next = r->seq + 1;
    if (r->offset < 0)
        r->offset = (int64_t)r->seq;
    h->next_seq = r->next;
}

struct weir_batch *harness_batch(struct harness *h, const struct weir_record *records, uint32_t n)
{
    size_t stride = sizeof(struct weir_record) + HARNESS_STRIDE_PAD;
    struct weir_batch *b = xcalloc(1, sizeof *b);
    b->harness = h;
    b->count = n;
    b->records = piece_new(&b->pieces, n * stride, h->guarded);
    memset(b->records, 0xDD, n * stride);
    b->results = xcalloc(n + 1, sizeof *b->results);
    b->docs = xcalloc(n + 1, sizeof(struct json_doc *));
    b->doc_whys = xcalloc(n + 1, sizeof *b->doc_whys);
    for (uint32_t i = 0; i < n; i++) {
        struct weir_record *r = harness_record_at(b, i);
        harness_record_copy(&b->pieces, r, &records[i]);
        complete_identity(h, r);
        b->bytes += r->key.len + r->value.len;
        for (uint32_t k = 0; k < r->n_headers; k++)
            b->bytes += r->headers[k].name.len + r->headers[k].value.len;
    }
    for (struct harness_piece *p = b->pieces; p && p->guarded; p = p->next)
        guard_set(p->ptr, GUARD_CONSTANT);
    b->next = h->batches;
    h->batches = b;
    return b;
}

struct weir_batch *harness_batch_append(struct harness *h, struct weir_batch *b, const struct weir_record *r)
{
    size_t stride = sizeof(struct weir_record) + HARNESS_STRIDE_PAD;
    if (!b)
        b = harness_batch(h, NULL, 0);
    if (b->count == b->room) { /* views of it end here */
        uint32_t room = b->room ? b->room * 2 : 1;
        char *records = piece_new(&b->pieces, room * stride, false); /* it grows, so it is only poisoned */
        memset(records, 0xDD, room * stride);
        if (b->count)
            memcpy(records, b->records, b->count * stride);
        memset(b->records, 0xDD, b->count * stride);
        b->records = records;
        b->docs = xrealloc(b->docs, (room + 1) * sizeof(struct json_doc *));
        b->doc_whys = xrealloc(b->doc_whys, (room + 1) * sizeof *b->doc_whys);
        memset(b->docs + b->count, 0, (room + 1 - b->count) * sizeof(struct json_doc *));
        memset(b->doc_whys + b->count, 0, (room + 1 - b->count) * sizeof *b->doc_whys);
        b->room = room;
    }
    harness_record_copy(&b->pieces, harness_record_at(b, b->count), r);
    b->bytes += r->key.len + r->value.len;
    b->count++;
    return b;
}

struct weir_batch *harness_values(struct harness *h, const char *const *values, uint32_t n)
{
    struct weir_record *records = xcalloc(n + 1, sizeof *records);
    for (uint32_t i = 0; i < n; i++)
        records[i] = harness_record(NULL, values[i]);
    struct weir_batch *b = harness_batch(h, records, n);
    free(records);
    return b;
}

void harness_set_attempt(struct weir_batch *b, uint32_t attempt)
{
    b->attempt = attempt;
}

void harness_batches_free(struct harness *h)
{
    for (struct weir_batch *b = h->batches, *next; b; b = next) {
        next = b->next;
        harness_pieces_free(b->pieces);
        arena_free(&b->arena);
        free(b->results);
        free(b->docs);
        free(b->doc_whys);
        free(b);
    }
    h->batches = NULL;
}

/* Bytes and documents of a complete batch are gone. */
void harness_batch_finish(struct weir_batch *b)
{
    harness_pieces_poison(b->pieces);
    memset(b->docs, 0, b->count * sizeof *b->docs);
}

void harness_batch_give_up(struct weir_batch *b)
{
    if (b->state != BATCH_LENT)
        return;
    b->state = BATCH_GIVEN_UP;
    harness_batch_finish(b);
}

/* ---- results ------------------------------------------------------------------------------------------------- */

static struct weir_result copy_result(struct weir_batch *b, const struct weir_result *r, uint32_t index)
{
    struct weir_result to = *r;
    to.index = index;
    to.why = r->why ? arena_copy(&b->arena, r->why, strlen(r->why)) : NULL;
    to.type = r->type ? arena_copy(&b->arena, r->type, strlen(r->type)) : NULL;
    return to;
}

static void take_one(struct weir_batch *b, const struct weir_result *r, uint8_t *seen)
{
    bool duplicate = r->status == WEIR_OK && r->code == WEIR_DUPLICATE;
    if (!duplicate && (r->status > WEIR_RETRY || r->status < WEIR_SPLIT))
        harness_breaks(b->harness, RULE_RESULTS, "complete: a result of status %d, code %u", r->status,
                       r->code);
    if (r->index >= b->count)
        harness_breaks(b->harness, RULE_RESULTS, "complete: record %u of %u", r->index, b->count);
    if (seen[r->index]++)
        harness_breaks(b->harness, RULE_RESULTS, "complete: record %u is listed twice", r->index);
    b->results[r->index] = copy_result(b, r, r->index);
}

void harness_results_take(struct weir_batch *b, const struct weir_result *results, uint32_t n,
                          uint32_t stride)
{
    if (n && stride < sizeof *results)
        harness_breaks(b->harness, RULE_RESULTS, "complete: the stride is %u", stride);
    if (n == 1 && results->index == WEIR_ALL) {
        for (uint32_t i = 0; i < b->count; i++)
            b->results[i] = copy_result(b, results, i);
        return;
    }
    uint8_t *seen = xcalloc(b->count + 1, 1);
    for (uint32_t i = 0; i < n; i++)
        take_one(b, (const void *)((const char *)results + (size_t)i * stride), seen);
    free(seen);
}

bool harness_completed(const struct weir_batch *b)
{
    pthread_mutex_lock(&b->harness->lock);
    bool done = b->state == BATCH_DONE;
    pthread_mutex_unlock(&b->harness->lock);
    return done;
}

struct weir_result harness_result(const struct weir_batch *b, uint32_t i)
{
    if (!harness_completed(b) || i >= b->count)
        harness_die(b->harness, "the test asks for result %u of a batch of %u, which is %scomplete", i,
                    b->count, harness_completed(b) ? "" : "not ");
    return b->results[i];
}

uint32_t harness_failed(const struct weir_batch *b)
{
    uint32_t failed = 0;
    for (uint32_t i = 0; i < b->count; i++)
        failed += harness_result(b, i).status < 0;
    return failed;
}

/* The whole batch failed in write: as if it had been completed with that status. */
static void refuse(struct harness *h, struct weir_batch *b, int status)
{
    struct weir_result r = h->failure;
    r.index = WEIR_ALL;
    r.status = status;
    harness_results_take(b, &r, 1, sizeof r);
    harness_batch_finish(b);
    b->state = BATCH_DONE;
}

int harness_write(struct harness *h, struct weir_batch *b)
{
    if (b->state != BATCH_HELD || !h->opened)
        harness_die(h, "the test wrote a batch that is lent or done, or before open");
    b->state = BATCH_OFFERED;
    harness_enter(h, "write");
    int status = harness_leave(h, h->ops->write(h->self, b));
    pthread_mutex_lock(&h->lock);
    bool done = b->state == BATCH_DONE;
    if (!done)
        b->state = status == WEIR_OK ? BATCH_LENT : BATCH_HELD;
    pthread_mutex_unlock(&h->lock);
    if (done && status != WEIR_OK)
        harness_breaks(h, RULE_COMPLETE, "write completed the batch and returned %d", status);
    if (status == WEIR_END)
        harness_breaks(h, RULE_STATUS, "write returned END");
    if (status < 0)
        refuse(h, b, status);
    return status;
}

int harness_flush(struct harness *h)
{
    if (!h->ops->flush)
        return WEIR_OK;
    harness_enter(h, "flush");
    return harness_leave(h, h->ops->flush(h->self));
}

uint32_t harness_lent(struct harness *h)
{
    uint32_t n = 0;
    pthread_mutex_lock(&h->lock);
    for (const struct weir_batch *b = h->batches; b; b = b->next)
        n += b->state == BATCH_LENT;
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static void check_batch(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, const char *what)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, what);
    if (b->state == BATCH_DONE || b->state == BATCH_GIVEN_UP)
        harness_breaks(h, RULE_BORROWED, "%s: the batch is %s", what,
                       b->state == BATCH_DONE ? "complete" : "given up");
    if (i > b->count)
        harness_breaks(h, RULE_CALLS, "%s: record %u of %u", what, i, b->count);
}

static int view(struct weir_ctx *ctx, const struct weir_batch *b, struct weir_view *v)
{
    check_batch(ctx, b, 0, "view");
    if (v->struct_size < sizeof *v)
        return WEIR_FATAL;
    if (v->want & ~WEIR_WANT_VALUE)
        harness_breaks(harness_of(ctx), RULE_CALLS, "view: unknown want 0x%x", v->want);
    v->stride = sizeof(struct weir_record) + HARNESS_STRIDE_PAD;
    v->count = b->count;
    v->attempt = b->attempt;
    v->records = b->records;
    v->bytes = b->bytes;
    return WEIR_OK;
}

static struct json_doc *doc_of(struct weir_batch *b, uint32_t i, const char **ret_why)
{
    struct weir_slice value = harness_record_at(b, i)->value;
    struct json_error error = {0, NULL};
    if (!b->docs[i] && !b->doc_whys[i]) {
        b->docs[i] = value.ptr ? json_parse(&b->arena, value.ptr, value.len, &error) : NULL;
        b->doc_whys[i] = b->docs[i] ? NULL : value.ptr ? error.why : "it is a tombstone";
    }
    if (!b->docs[i] && ret_why)
        *ret_why = b->doc_whys[i];
    return b->docs[i];
}

/* The document belongs to the batch, which the plugin sees as constant. */
static struct weir_batch *mine(const struct weir_batch *b)
{
    return (struct weir_batch *)(uintptr_t)b;
}

static int json(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, const struct weir_path *path,
                struct weir_span *ret, const char **ret_why)
{
    check_batch(ctx, b, i + 1, "json");
    struct json_doc *doc = doc_of(mine(b), i, ret_why);
    if (!doc)
        return WEIR_REJECT;
    const struct json_node *n = path ? json_find(doc->root, path->path) : doc->root;
    if (!n && json_is_hidden(doc->root, path->path)) {
        *ret_why = JSON_HIDDEN;
        return WEIR_REJECT;
    }
    *ret = n ? (struct weir_span){n->text.ptr, n->text.len, n->type, 0}
             : (struct weir_span){.type = WEIR_JSON_MISSING};
    return WEIR_OK;
}

static struct weir_slice json_string_of(struct weir_ctx *ctx, const struct weir_span *span)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "json_string");
    if (span->type != WEIR_JSON_STRING)
        harness_breaks(h, RULE_CALLS, "json_string: the span is of type %u", span->type);
    arena_reset(&h->scratch);
    struct weir_slice s = json_string(&h->scratch, (struct weir_slice){span->ptr, span->len});
    h->string.len = 0;
    strbuf_add(&h->string, s.ptr, s.len);
    return (struct weir_slice){h->string.data, h->string.len};
}

static int check_json(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, uint32_t *ret_type,
                      uint32_t *ret_multiline, const char **ret_why)
{
    check_batch(ctx, b, i + 1, "json_check");
    struct weir_slice value = harness_record_at(b, i)->value;
    struct json_error error = {0, "it is a tombstone"};
    bool newlines = false;
    if (!value.ptr || !json_check(value.ptr, value.len, ret_type, &newlines, &error)) {
        *ret_why = error.why;
        return WEIR_REJECT;
    }
    *ret_multiline = newlines;
    return WEIR_OK;
}

static size_t minify(struct weir_ctx *ctx, void *out, struct weir_slice text)
{
    (void)ctx;
    return json_minify(out, text.ptr, text.len);
}

static size_t quote(struct weir_ctx *ctx, void *out, struct weir_slice bytes)
{
    (void)ctx;
    return json_utf8_valid(bytes.ptr, bytes.len) ? json_quote(out, bytes.ptr, bytes.len) : SIZE_MAX;
}

/* ---- templates, expressions, the record format ---------------------------------------------------------------- */

struct batch_place {
    struct weir_batch *batch;
    uint32_t index;
};

static struct json_doc *subject_doc(const struct subject *s, const char **ret_why)
{
    const struct batch_place *p = s->opaque;
    return doc_of(p->batch, p->index, ret_why);
}

static struct subject subject_of(struct harness *h, struct batch_place *p)
{
    arena_reset(&h->scratch);
    return (struct subject){.record = harness_record_at(p->batch, p->index),
                            .doc = subject_doc,
                            .opaque = p,
                            .scratch = &h->scratch};
}

static struct strbuf *text_of(struct harness *h, const struct weir_template *t)
{
    struct kept_text *k = h->kept;
    while (k && k->template != t)
        k = k->next;
    if (!k) {
        k = xcalloc(1, sizeof *k);
        k->template = t;
        k->next = h->kept;
        h->kept = k;
    }
    strbuf_free(&k->text); /* a borrowed earlier text becomes unreadable */
    k->text = (struct strbuf){0};
    return &k->text;
}

static int render(struct weir_ctx *ctx, const struct weir_template *t, const struct weir_batch *b, uint32_t i,
                  struct weir_slice *ret, const char **ret_why)
{
    struct harness *h = harness_of(ctx);
    struct batch_place place = {mine(b), i};
    check_batch(ctx, b, i + 1, "render");
    struct strbuf *text = text_of(h, t);
    struct subject subject = subject_of(h, &place);
    strbuf_reserve(text, 1);
    h->why.len = 0;
    int status = template_render(t, &subject, text, &h->why);
    if (status == WEIR_OK)
        *ret = (struct weir_slice){text->data, text->len};
    else
        *ret_why = h->why.data;
    return status;
}

static int match(struct weir_ctx *ctx, const struct weir_expr *e, const struct weir_batch *b, uint32_t first,
                 uint32_t n, uint8_t *ret)
{
    struct harness *h = harness_of(ctx);
    check_batch(ctx, b, first + n, "match");
    for (uint32_t k = 0; k < n; k++) {
        struct batch_place place = {mine(b), first + k};
        struct subject subject = subject_of(h, &place);
        struct strbuf why = {0};
        ret[k] = (uint8_t)expr_match(e, &subject, &why);
        if (ret[k] == EXPR_ERROR) {
            h->why.len = 0;
            strbuf_add(&h->why, why.data, why.len);
        }
        strbuf_free(&why);
    }
    return WEIR_OK;
}

static const char *match_error(struct weir_ctx *ctx)
{
    return harness_of(ctx)->why.data;
}

static int record_print(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, struct weir_slice *ret)
{
    struct harness *h = harness_of(ctx);
    check_batch(ctx, b, i + 1, "record_print");
    strbuf_free(&h->print);
    h->print = (struct strbuf){0};
    format_print(harness_record_at(b, i), &h->print);
    *ret = (struct weir_slice){h->print.data, h->print.len};
    return WEIR_OK;
}

static int record_parse(struct weir_ctx *ctx, struct weir_slice line, struct weir_record *ret,
                        size_t record_size, const char **ret_why)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "record_parse");
    if (record_size < sizeof *ret)
        harness_breaks(h, RULE_CALLS, "record_parse: record_size is %zu", record_size);
    arena_free(&h->parse);
    return format_parse(&h->parse, line, ret, ret_why);
}

void harness_fill_batch(struct weir_host *host)
{
    host->view = view;
    host->json = json;
    host->json_string = json_string_of;
    host->json_check = check_json;
    host->json_minify = minify;
    host->json_quote = quote;
    host->render = render;
    host->match = match;
    host->match_error = match_error;
    host->record_print = record_print;
    host->record_parse = record_parse;
}
