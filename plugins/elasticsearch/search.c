/* SPDX-License-Identifier: BSD-2-Clause */
/* search.c - the requests of one pass over an index and what their answers lead to.
 *
 * BEGIN finds the way the server offers (point in time of Elasticsearch, of OpenSearch, none), PAGES asks for page
 * after page, LAST gives the point in time or scroll back.  Only the pages of a scroll cannot be asked for twice.
 * Thread: the home thread of the instance. */
#include "es.h"

#include <stdlib.h>

/* ---- bodies and paths ----------------------------------------------------------------------------------------- */
static void put(struct es_source *src, struct es_bytes *to, const char *text)
{
    bytes_text(src->ctx, to, text);
}

static void put_string(struct es_source *src, const void *p, size_t n)
{
    if (!bytes_quote(src->ctx, &src->body, p, n))
        put(src, &src->body, "\"\""); /* the server refuses it with a reason */
}

static void put_keep_alive(struct es_source *src, struct es_bytes *to)
{
    bytes_number(src->ctx, to, (uint64_t)src->conf->keep_alive_ms / 1000);
    put(src, to, "s");
}

static void put_sort(struct es_source *src)
{
    const struct weir_list *sort = &src->conf->sort;
    put(src, &src->body, ",\"sort\":[");
    for (size_t i = 0; i < sort->count; i++) {
        const char *order = strrchr(sort->items[i], ':');
        bool down = order && strcmp(order, ":desc") == 0;
        size_t len = order && (down || strcmp(order, ":asc") == 0) ? (size_t)(order - sort->items[i])
                                                                   : strlen(sort->items[i]);
        put(src, &src->body, i > 0 ? ",{" : "{");
        put_string(src, sort->items[i], len);
        put(src, &src->body, down ? ":\"desc\"}" : ":\"asc\"}");
    }
    if (sort->count == 0)
        put(src, &src->body, src->mode == ES_PIT ? "\"_shard_doc\"" : "\"_doc\"");
    put(src, &src->body, "]");
}

void search_body(struct es_source *src)
{
    const struct weir_list *fields = &src->conf->fields;
    struct es_bytes *body = &src->body;
    body->len = 0;
    put(src, body, "{\"size\":");
    bytes_number(src->ctx, body, src->size);
    put(src, body,
        src->first_page && src->after.len == 0 ? ",\"track_total_hits\":true"
                                               : ",\"track_total_hits\":false");
    put_sort(src);
    if (src->conf->query) {
        put(src, body, ",\"query\":");
        put(src, body, src->conf->query);
    }
    for (size_t i = 0; i < fields->count; i++) {
        put(src, body, i == 0 ? ",\"_source\":[" : ",");
        put_string(src, fields->items[i], strlen(fields->items[i]));
    }
    if (fields->count > 0)
        put(src, body, "]");
    if (src->mode == ES_PIT || src->mode == ES_PIT_OTHER) {
        put(src, body, ",\"pit\":{\"id\":");
        put_string(src, src->id.p, src->id.len);
        put(src, body, ",\"keep_alive\":\"");
        put_keep_alive(src, body);
        put(src, body, "\"}");
    }
    if (src->after.len > 0 && src->mode != ES_SCROLL) {
        put(src, body, ",\"search_after\":");
        bytes_add(src->ctx, body, src->after.p, src->after.len);
    }
    put(src, body, "}");
}

static void scroll_body(struct es_source *src)
{
    src->body.len = 0;
    put(src, &src->body, "{\"scroll\":\"");
    put_keep_alive(src, &src->body);
    put(src, &src->body, "\",\"scroll_id\":");
    put_string(src, src->id.p, src->id.len);
    put(src, &src->body, "}");
}

/* "/INDEX" and what follows it. */
static void index_path(struct es_source *src, const char *rest)
{
    put(src, &src->path, "/");
    bytes_add(src->ctx, &src->path, src->index.p, src->index.len);
    put(src, &src->path, rest);
}

static void on_begin(struct es_call *);
static void on_page(struct es_call *);
static void on_last(struct es_call *);

static void send_request(struct es_source *src, enum es_method method, void (*done)(struct es_call *))
{
    struct es_request req = {method, NULL, NULL, {NULL, 0}};
    bytes_add(src->ctx, &src->path, "", 1);
    req.path = src->path.p;
    if (src->body.len > 0) {
        req.type = "application/json";
        req.body = (struct weir_slice){src->body.p, src->body.len};
    }
    src->call.owner = src;
    src->call.done = done;
    http_send(&src->http, &src->call, &req);
}

static void send_begin(struct es_source *src)
{
    index_path(src, src->mode == ES_PIT ? "/_pit?keep_alive=" : "/_search/point_in_time?keep_alive=");
    put_keep_alive(src, &src->path);
    send_request(src, ES_POST, on_begin);
}

static void send_page(struct es_source *src)
{
    if (src->mode == ES_SCROLL && src->id.len > 0) {
        scroll_body(src);
        put(src, &src->path, "/_search/scroll");
    } else {
        search_body(src);
        /* Part of the shards would be part of the documents. */
        if (src->mode == ES_PIT || src->mode == ES_PIT_OTHER)
            put(src, &src->path, "/_search?allow_partial_search_results=false");
        else
            index_path(src, "/_search?allow_partial_search_results=false");
        if (src->mode == ES_SCROLL) {
            put(src, &src->path, "&scroll=");
            put_keep_alive(src, &src->path);
        }
    }
    send_request(src, ES_POST, on_page);
}

static void send_last(struct es_source *src)
{
    static const char *const paths[] = {
        [ES_PIT] = "/_pit", [ES_PIT_OTHER] = "/_search/point_in_time", [ES_SCROLL] = "/_search/scroll"};
    if (src->mode == ES_PLAIN || src->id.len == 0) {
        src->step = ES_OVER;
        return;
    }
    put(src, &src->body,
        src->mode == ES_PIT      ? "{\"id\":"
        : src->mode == ES_SCROLL ? "{\"scroll_id\":"
                                 : "{\"pit_id\":[");
    put_string(src, src->id.p, src->id.len);
    put(src, &src->body, src->mode == ES_PIT_OTHER ? "]}" : "}");
    put(src, &src->path, paths[src->mode]);
    send_request(src, ES_DELETE, on_last);
}

void search_next(struct es_source *src)
{
    if (src->call.busy || src->status != WEIR_OK || src->waiting_buf)
        return;
    src->body.len = src->path.len = 0;
    if (src->step == ES_BEGIN && src->mode <= ES_PIT_OTHER)
        send_begin(src);
    else if (src->step == ES_BEGIN || src->step == ES_PAGES)
        send_page(src);
    else if (src->step == ES_LAST)
        send_last(src);
}

/* ---- answers -------------------------------------------------------------------------------------------------- */
static void give_up(struct es_source *src, int status, uint32_t code, const char *format, const char *text)
{
    src->status = status;
    src->code = code;
    snprintf(src->why, sizeof src->why, format, text);
}

static void say(struct es_source *src, uint32_t state, const struct es_error *e, const char *what)
{
    char text[ES_REASON_MAX + 256];
    const char *node = http_node(&src->http, &src->call);
    if (e->status == 0)
        snprintf(text, sizeof text, "%s: %.*s", node, (int)e->reason.len, (const char *)e->reason.ptr);
    else
        snprintf(text, sizeof text, "%s: HTTP status %u: %s%s%.*s", node, e->status, what,
                 e->reason.len > 0 ? ": " : "", (int)e->reason.len,
                 e->reason.len > 0 ? (const char *)e->reason.ptr : "");
    src->ctx->host->health(src->ctx, state, e->status, text);
    give_up(src, WEIR_RETRY, e->status, "%s", text);
}

/* A page of a scroll may be gone although its answer never came; only some failures rule that out. */
static bool may_have_moved(const struct es_source *src)
{
    const struct es_call *call = &src->call;
    if (src->mode != ES_SCROLL || src->id.len == 0 || call->not_sent)
        return false;
    if (call->code == CURLE_OK)
        return call->status < 400 || call->status >= 500;
    return call->code != CURLE_COULDNT_CONNECT && call->code != CURLE_COULDNT_RESOLVE_HOST;
}

static void lose_context(struct es_source *src)
{
    src->id.len = 0;
    if (src->conf->sort.count == 0) {
        give_up(src, WEIR_FATAL, 404,
                "%s is gone, and without sort the pass cannot be continued; set sort to a unique field, or a "
                "longer "
                "keep-alive",
                src->mode == ES_SCROLL ? "the scroll" : "the point in time");
        return;
    }
    src->after.len = 0;
    bytes_add(src->ctx, &src->after, src->resume.p, src->resume.len);
    src->step = ES_BEGIN;
}

/* What did not come as 200. */
static void judge(struct es_source *src)
{
    char text[ES_REASON_MAX];
    struct es_error e;
    reply_error(src->ctx, &src->call, &e, text, sizeof text);
    if (src->call.not_sent)
        say(src, WEIR_DENIED, &e, "");
    else if (src->call.reply_too_large && src->size > 1 && src->mode != ES_SCROLL)
        src->size /= 2; /* asked for again */
    else if (src->call.reply_too_large)
        give_up(src, WEIR_FATAL, 0,
                src->size > 1 ? "a page is too large: %s; set a smaller batch, or more memory"
                              : "a document is too large: %s; set more memory",
                src->call.error);
    else if (may_have_moved(src))
        give_up(src, WEIR_FATAL, e.status,
                "the answer of a scroll was lost, and with it a page: %s; set sort to a "
                "unique field, then the pass can be continued",
                src->call.error[0] ? src->call.error : "no page");
    else if (src->step == ES_PAGES && src->id.len > 0 && e.status == 404)
        lose_context(src);
    else if (e.status == 401 || e.status == 403)
        say(src, WEIR_DENIED, &e, "not allowed");
    else if (e.status == 400)
        give_up(src, WEIR_FATAL, 400, "the server refuses the search: %s",
                text[0] && e.reason.len ? text : "no reason given");
    else
        say(src, e.status == 0 ? WEIR_CONNECTING : WEIR_DEGRADED, &e, "no answer to the search");
}

static bool error_is(const struct es_error *e, const char *type)
{
    return e->type.len == strlen(type) && memcmp(e->type.ptr, type, e->type.len) == 0;
}

/* True when this server does not know the way, and the next one is to be tried. */
static bool try_next_mode(struct es_source *src)
{
    char text[ES_REASON_MAX];
    struct es_error e;
    reply_error(src->ctx, &src->call, &e, text, sizeof text);
    if ((e.status != 400 && e.status != 404 && e.status != 405) || error_is(&e, "index_not_found_exception"))
        return false;
    if (src->mode == ES_PIT && src->conf->sort.count > 0)
        src->mode = ES_PIT_OTHER;
    else
        src->mode = src->conf->sort.count > 0 ? ES_PLAIN : ES_SCROLL;
    return true;
}

static void keep_id(struct es_source *src, struct weir_slice id)
{
    if (id.len == 0)
        return;
    src->id.len = 0;
    bytes_add(src->ctx, &src->id, id.ptr, id.len);
}

static bool answered(const struct es_source *src)
{
    return src->call.code == CURLE_OK && src->call.status == 200;
}

static void on_begin(struct es_call *call)
{
    struct es_source *src = call->owner;
    struct es_page page;
    const char *why = "it holds no id";
    if (!answered(src)) {
        if (!try_next_mode(src))
            judge(src);
        return;
    }
    if (hits_read(call->reply, call->reply_len, &page, &why) && page.pit_id.len > 0) {
        keep_id(src, page.pit_id);
        src->step = ES_PAGES;
    } else {
        give_up(src, WEIR_RETRY, 200, "the answer to opening a point in time cannot be read: %s", why);
    }
    hits_free(&page);
}

/* Nothing follows the last page; a failed shard or a timeout would leave documents out. */
static bool is_whole(struct es_source *src, const struct es_page *page)
{
    if (page->has_hits && !page->timed_out && page->shards_failed == 0)
        return true;
    if (may_have_moved(src) || (src->mode == ES_SCROLL && src->id.len > 0))
        give_up(src, WEIR_FATAL, 200, "%s, and a scroll cannot be asked again; set sort to a unique field",
                page->timed_out ? "a search timed out" : "a search left shards out");
    else
        give_up(src, WEIR_RETRY, 200, "%s",
                page->timed_out ? "a search timed out" : "a search left shards out");
    return false;
}

/* The next page follows the last hit of this one. */
static bool keep_after(struct es_source *src, const struct es_page *page)
{
    const struct weir_slice *sort = &page->hits[page->count - 1].sort;
    char head[ES_POSITION_MAX];
    size_t len;
    if (src->mode == ES_SCROLL)
        return true;
    src->after.len = src->resume.len = 0;
    bytes_add(src->ctx, &src->after, sort->ptr, sort->len);
    if (src->conf->sort.count == 0)
        return sort->len > 0;
    len = hits_sort_head(*sort, (uint32_t)src->conf->sort.count, head, sizeof head);
    bytes_add(src->ctx, &src->resume, head, len);
    return len > 0;
}

static void take_page(struct es_source *src, struct es_page *page)
{
    struct es_call *call = &src->call;
    size_t len;
    char *text;
    keep_id(src, src->mode == ES_SCROLL ? page->scroll_id : page->pit_id);
    if (src->first_page && page->total >= 0 && src->after.len == 0)
        src->ctx->host->shard_end(src->ctx, src->shard, src->start + (uint64_t)page->total);
    if (page->count == 0) {
        src->step = ES_LAST;
        hits_free(page);
        return;
    }
    if (!keep_after(src, page)) {
        give_up(src, WEIR_FATAL, 200, "a hit has no sort values, or more than %s", "1 KiB of them");
        hits_free(page);
        return;
    }
    src->first_page = false;
    src->step = ES_PAGES;
    text = call_take_reply(call, &len);
    src->waiting = *page;
    src->waiting_buf = src->ctx->host->buf_wrap(src->ctx, len, free, text);
}

static void on_page(struct es_call *call)
{
    struct es_source *src = call->owner;
    struct es_page page;
    const char *why = NULL;
    if (!answered(src)) {
        judge(src);
        return;
    }
    src->ctx->host->health(src->ctx, WEIR_UP, 0, NULL);
    if (!hits_read(call->reply, call->reply_len, &page, &why)) {
        give_up(src, src->mode == ES_SCROLL ? WEIR_FATAL : WEIR_RETRY, 200,
                "the answer to a search cannot be read: %s", why);
        hits_free(&page);
        return;
    }
    if (is_whole(src, &page))
        take_page(src, &page);
    else
        hits_free(&page);
}

/* What was opened runs out by itself if giving it back fails. */
static void on_last(struct es_call *call)
{
    struct es_source *src = call->owner;
    src->step = ES_OVER;
}
