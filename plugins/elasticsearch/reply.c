/* SPDX-License-Identifier: BSD-2-Clause */
/* reply.c - judges the answer to a bulk request: which records are done, and what becomes of the others.
 *
 * Whatever is not understood (an answer cut off, more or fewer items than were sent) counts as unknown and is sent
 * again, never as success.  Thread: the home thread of the instance. */
#include "es.h"

#include <stdlib.h>

#define CUT_BYTES    262144u
#define BUSY_BYTES   1048576u
#define BUSY_TRIES   5u /* a server takes no request above its limit of bytes at work, however idle it is */
#define CUT_ATTEMPTS 3u /* a body that was cut off so often while it was sent may be too large for a proxy */

struct item {
    uint64_t number;
    uint32_t status, ops;
    bool failure_store;
    char type[ES_TYPE_MAX], reason[ES_REASON_MAX];
    size_t type_len, reason_len;
};

struct walk {
    struct es_slot *slot;
    struct item item;
    bool any;      /* an item has begun */
    uint64_t next; /* the number the next item must have */
    const struct weir_error *worst;
    struct es_error first; /* of the first item that failed, for the health */
    char text[256];
};

static bool path_is(struct weir_slice path, const char *name)
{
    return path.len == strlen(name) && memcmp(path.ptr, name, path.len) == 0;
}

static size_t copy_text(struct weir_ctx *ctx, const struct weir_span *span, char *out, size_t cap)
{
    struct weir_slice text = {span->ptr, span->len};
    if (span->type == WEIR_JSON_STRING)
        text = ctx->host->json_string(ctx, span);
    if (text.len > cap)
        text.len = cap;
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    return text.len;
}

/* Reads a number of at most nine digits at *p; false when there is none. */
static bool take_number(const char **p, const char *end, uint64_t *ret)
{
    uint64_t n = 0;
    const char *at = *p;
    while (at < end && at - *p < 9 && *at >= '0' && *at <= '9')
        n = n * 10 + (uint64_t)(*at++ - '0');
    if (at == *p)
        return false;
    *p = at;
    *ret = n;
    return true;
}

/* ---- what an error does to a record --------------------------------------------------------------------------- */
static const struct weir_error *classify(struct weir_ctx *ctx, const struct es_error *e, uint32_t where)
{
    const struct weir_fault fault = {sizeof fault, e->status, where, 0, e->type, e->reason};
    return ctx->host->classify(ctx, &fault);
}

static int status_of(const struct es_slot *slot, const struct weir_error *row)
{
    if (row->means == WEIR_CLASS_DUPLICATE && !(row->flags & WEIR_ERR_SET) &&
        slot->sink->conf->on_conflict == ES_CONFLICT_REJECT)
        return WEIR_REJECT;
    return weir_error_status(row, slot->attempt, slot->items);
}

static void judge_record(struct es_slot *slot, uint32_t record, const struct weir_error *row,
                         const struct es_error *e)
{
    struct weir_ctx *ctx = slot->sink->ctx;
    struct es_outcome o = {.index = record, .status = status_of(slot, row), .code = e->status};
    struct weir_slice why = e->reason.len > 0 ? e->reason : weir_str(row->help);
    if (row->means == WEIR_CLASS_OK)
        return;
    if (o.status == WEIR_OK) {
        o.code = WEIR_DUPLICATE;
        why.len = 0;
    }
    if (o.status == WEIR_RETRY) {
        o.retry_after_ms =
            slot->call.retry_after_ms > row->pause_ms ? slot->call.retry_after_ms : row->pause_ms;
        ctx->host->count(ctx, ES_M_ITEM_RETRIES, 1);
    }
    outcome_add(ctx, &slot->out, &o, e->type, why);
}

/* All records that were sent share one fate; those refused before have theirs. */
static void judge_all(struct es_slot *slot, const struct weir_error *row, const struct es_error *e)
{
    for (uint32_t i = 0; i < slot->items; i++)
        judge_record(slot, slot->records[i], row, e);
}

/* ---- the items of an answer ----------------------------------------------------------------------------------- */
/* The health is that of the first record that waits for somebody, else of the first that says something of it. */
static void note_worst(struct walk *w, const struct weir_error *row)
{
    const struct item *item = &w->item;
    if (!row->health || (w->worst && (w->worst->pause_ms || !row->pause_ms)))
        return;
    w->worst = row;
    snprintf(w->text, sizeof w->text, "%.*s", (int)item->type_len, item->type);
    w->first.status = item->status;
}

static bool end_item(struct walk *w)
{
    struct es_slot *slot = w->slot;
    const struct item *item = &w->item;
    struct es_error e = {item->status, {item->type, item->type_len}, {item->reason, item->reason_len}};
    const struct weir_error *row;
    uint32_t where = ES_RECORD | item->ops | (slot->sink->conf->version ? ES_OP_VERSION : 0);
    if (!w->any)
        return true;
    if (item->number != w->next || item->number >= slot->items || item->status == 0)
        return false;
    w->next++;
    if (item->failure_store)
        slot->sink->ctx->host->count(slot->sink->ctx, ES_M_FAILURE_STORE, 1);
    row = classify(slot->sink->ctx, &e, where);
    note_worst(w, row);
    judge_record(slot, slot->records[item->number], row, &e);
    return true;
}

static uint32_t op_of(const char *p, size_t n)
{
    if (n == 5 && memcmp(p, "index", 5) == 0)
        return ES_OP_INDEX;
    if (n == 6 && memcmp(p, "create", 6) == 0)
        return ES_OP_CREATE;
    if (n == 6 && memcmp(p, "update", 6) == 0)
        return ES_OP_UPDATE;
    return n == 6 && memcmp(p, "delete", 6) == 0 ? ES_OP_DELETE : 0;
}

static int begin_item(struct walk *w, uint64_t number)
{
    if (w->any && w->item.number == number)
        return WEIR_OK;
    if (!end_item(w))
        return WEIR_FATAL;
    w->item.number = number;
    w->item.status = w->item.ops = 0;
    w->item.type_len = w->item.reason_len = 0;
    w->item.failure_store = false;
    w->any = true;
    return WEIR_OK;
}

/* Every scalar of the answer: items.NUMBER.OP.FIELD is what counts. */
static int each_scalar(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    struct walk *w = opaque;
    struct weir_ctx *ctx = w->slot->sink->ctx;
    const char *p = path.ptr, *end, *dot, *text = span->ptr;
    uint64_t number, status;
    if (path.len < 6 || memcmp(p, "items.", 6) != 0)
        return WEIR_OK;
    end = p + path.len;
    p += 6;
    if (!take_number(&p, end, &number) || p == end || *p++ != '.')
        return WEIR_FATAL;
    if (begin_item(w, number) != WEIR_OK)
        return WEIR_FATAL;
    dot = memchr(p, '.', (size_t)(end - p));
    if (!dot)
        return WEIR_FATAL;
    w->item.ops |= op_of(p, (size_t)(dot - p));
    path = (struct weir_slice){dot + 1, (size_t)(end - dot - 1)};
    if (path_is(path, "status")) {
        if (!take_number(&text, text + span->len, &status))
            return WEIR_FATAL;
        w->item.status = (uint32_t)status;
    } else if (path_is(path, "error.type")) {
        w->item.type_len = copy_text(ctx, span, w->item.type, sizeof w->item.type);
    } else if (path_is(path, "error.reason")) {
        w->item.reason_len = copy_text(ctx, span, w->item.reason, sizeof w->item.reason);
    } else if (path_is(path, "failure_store")) {
        w->item.failure_store = span->len == 6 && memcmp(span->ptr, "\"used\"", 6) == 0;
    }
    return WEIR_OK;
}

/* ---- the whole answer ----------------------------------------------------------------------------------------- */
struct error_walk {
    struct weir_ctx *ctx;
    struct es_error *e;
    char *text;
    size_t cap;
};

static int each_error(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    struct error_walk *w = opaque;
    struct weir_slice *to = path_is(path, "error.type")                               ? &w->e->type
                            : path_is(path, "error.reason") || path_is(path, "error") ? &w->e->reason
                                                                                      : NULL;
    if (to && to->len == 0) {
        to->ptr = w->text;
        to->len = copy_text(w->ctx, span, w->text, w->cap);
        w->text += to->len;
        w->cap -= to->len;
    }
    return WEIR_OK;
}

void reply_error(struct weir_ctx *ctx, const struct es_call *call, struct es_error *ret, char *text,
                 size_t cap)
{
    struct error_walk w = {ctx, ret, text, cap};
    struct weir_slice body = {call->reply, call->reply_len};
    memset(ret, 0, sizeof *ret);
    ret->status = call->code == CURLE_OK ? (uint32_t)call->status : 0;
    if (ret->status == 0)
        ret->reason = weir_str(call->error);
    else if (body.len > 0)
        (void)ctx->host->json_walk(ctx, body, each_error, &w); /* a proxy answers in HTML: no reason then */
}

static bool ends_in_brace(const char *p, size_t n)
{
    while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == ' ' || p[n - 1] == '\r'))
        n--;
    return n > 0 && p[n - 1] == '}';
}

/* How often the text, a quoted name, stands there.  Looked for by its first letter: quotes are everywhere. */
static uint32_t count_text(const char *p, size_t n, const char *text)
{
    const char *at = p, *end = p + n;
    size_t len = strlen(text);
    uint32_t found = 0;
    while ((at = memchr(at, text[1], (size_t)(end - at))) != NULL) {
        bool is = at > p && (size_t)(end - at) >= len - 1 && memcmp(at - 1, text, len) == 0;
        found += is;
        at += is ? len - 1 : 1;
    }
    return found;
}

/* Nothing failed, says the answer near its start, and it has as many items as were sent: they need not be read. */
static bool all_done(const struct es_slot *slot)
{
    static const char none[] = "\"errors\":false";
    const struct es_call *call = &slot->call;
    const char *p = call->reply;
    size_t n = call->reply_len;
    return call->code == CURLE_OK && call->status == 200 && n > 0 && p[0] == '{' &&
           memmem(p, n < 64 ? n : 64, none, sizeof none - 1) && ends_in_brace(p, n) &&
           count_text(p, n, "\"status\":") == slot->items;
}

static void count_failure_store(struct es_slot *slot)
{
    uint32_t stored = count_text(slot->call.reply, slot->call.reply_len, "\"failure_store\":\"used\"");
    if (stored)
        slot->sink->ctx->host->count(slot->sink->ctx, ES_M_FAILURE_STORE, stored);
}

static void say_health(struct es_slot *slot, const struct weir_error *row, const struct es_error *e,
                       const char *type)
{
    struct es_sink *sink = slot->sink;
    const char *node = http_node(&sink->http, &slot->call), *advice;
    uint32_t health = http_trouble(&slot->call, row->health, &advice);
    char text[800];
    if (!row->health)
        return;
    if (e->status == 0)
        snprintf(text, sizeof text, "%s: %.*s%s", node, (int)e->reason.len, (const char *)e->reason.ptr,
                 advice);
    else
        snprintf(text, sizeof text, "%s: HTTP status %u%s%s: %s%s", node, e->status, *type ? ", " : "", type,
                 row->help, advice);
    sink->ctx->host->health(sink->ctx, health, e->status, text);
}

static void judge_items(struct es_slot *slot)
{
    static const struct weir_error unknown = {
        .means = WEIR_CLASS_RETRY, .health = WEIR_DEGRADED, .help = "The answer does not fit the request"};
    struct walk w;
    struct weir_ctx *ctx = slot->sink->ctx;
    struct weir_slice body = {slot->call.reply, slot->call.reply_len};
    uint32_t before = slot->out.count;
    memset(&w, 0, sizeof w);
    w.slot = slot;
    if (ctx->host->json_walk(ctx, body, each_scalar, &w) != WEIR_OK || !end_item(&w) ||
        w.next != slot->items) {
        struct es_error e = {.status = 200};
        slot->out.count = before;
        judge_all(slot, &unknown, &e);
        say_health(slot, &unknown, &e, "");
    } else if (w.worst) {
        say_health(slot, w.worst, &w.first, w.text);
    } else {
        ctx->host->health(ctx, WEIR_UP, 0, NULL);
    }
}

/* A proxy with a limit, or a server at its own, may cut the connection instead of answering 413.  A server that is
 * going down cuts it too: so only bodies of some size are halved, which ends at a size that passes anywhere. */
static bool seems_too_large(const struct es_slot *slot)
{
    CURLcode code = slot->call.code;
    curl_off_t sent = 0;
    if (slot->items < 2 || slot->call.not_sent)
        return false;
    if (slot->call.reply_too_large)
        return true;
    if (code == CURLE_OK && slot->call.status == 429)
        return slot->attempt + 1 >= BUSY_TRIES && slot->body.len >= BUSY_BYTES;
    if (slot->attempt + 1 < CUT_ATTEMPTS || slot->body.len < CUT_BYTES)
        return false;
    curl_easy_getinfo(slot->call.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return sent > 0 && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING);
}

/* The row of a request that failed as a whole. */
static const struct weir_error *classify_call(const struct es_slot *slot, const struct es_error *e)
{
    static const struct weir_error halve = {
        .means = WEIR_CLASS_SPLIT, .help = "Too large as it seems: cut off, or refused again and again"};
    static const struct weir_error unreadable = {
        .means = WEIR_CLASS_RETRY, .pause_ms = ES_SLOW_MS, .health = WEIR_DENIED, .help = "No credentials"};
    const struct weir_error *row;
    if (slot->call.not_sent)
        return &unreadable;
    row = classify(slot->sink->ctx, e, ES_REQUEST);
    return !(row->flags & WEIR_ERR_SET) && seems_too_large(slot) ? &halve : row;
}

void reply_judge(struct es_slot *slot)
{
    struct weir_ctx *ctx = slot->sink->ctx;
    char text[ES_REASON_MAX + ES_TYPE_MAX], type[ES_TYPE_MAX];
    const struct weir_error *row;
    struct es_error e = {.status = 200};
    bool done = all_done(slot); /* then there is no error to look for: most answers, and long ones */
    if (!done)
        reply_error(ctx, &slot->call, &e, text, sizeof text);
    snprintf(type, sizeof type, "%.*s", (int)e.type.len, e.type.len > 0 ? (const char *)e.type.ptr : "");
    row = classify_call(slot, &e);
    if (row->means == WEIR_CLASS_OK && done) {
        count_failure_store(slot);
        ctx->host->health(ctx, WEIR_UP, 0, NULL);
    } else if (row->means == WEIR_CLASS_OK) {
        judge_items(slot);
    } else {
        judge_all(slot, row, &e);
        say_health(slot, row, &e, type);
    }
}
