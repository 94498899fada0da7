/* SPDX-License-Identifier: BSD-2-Clause */
/* search.c - the requests of one pass over an index and what their answers lead to.
 *
 * One slice opens the point in time for all, and so finds the way the server offers (that of Elasticsearch, of
 * OpenSearch, none).  PAGES asks for page after page of a slice, LAST gives back what was opened.  Only the pages of
 * a scroll cannot be asked for twice.
 * Thread: the home thread of the instance. */
#include "es.h"

#include <stdlib.h>

/* ---- bodies and paths ----------------------------------------------------------------------------------------- */
static void put(struct es_slice *s, struct es_bytes *to, const char *text)
{
    bytes_text(s->pass->ctx, to, text);
}

static void put_string(struct es_slice *s, const void *p, size_t n)
{
    if (!bytes_quote(s->pass->ctx, &s->body, p, n))
        put(s, &s->body, "\"\""); /* the server refuses it with a reason */
}

static void put_keep_alive(struct es_slice *s, struct es_bytes *to)
{
    bytes_number(s->pass->ctx, to, (uint64_t)s->pass->conf->keep_alive_ms / 1000);
    put(s, to, "s");
}

/* The length of the field's name in an item of sort. */
static size_t sort_field(const char *item, bool *ret_down)
{
    const char *order = strrchr(item, ':');
    *ret_down = order && strcmp(order, ":desc") == 0;
    return order && (*ret_down || strcmp(order, ":asc") == 0) ? (size_t)(order - item) : strlen(item);
}

static void put_sort(struct es_slice *s)
{
    const struct weir_list *sort = &s->pass->conf->sort;
    put(s, &s->body, ",\"sort\":[");
    for (size_t i = 0; i < sort->count; i++) {
        bool down;
        size_t len = sort_field(sort->items[i], &down);
        put(s, &s->body, i > 0 ? ",{" : "{");
        put_string(s, sort->items[i], len);
        put(s, &s->body, down ? ":\"desc\"}" : ":\"asc\"}");
    }
    if (sort->count == 0)
        put(s, &s->body, s->pass->mode == ES_PIT ? "\"_shard_doc\"" : "\"_doc\"");
    put(s, &s->body, "]");
}

/* Without sort a slice lasts as long as its view, and how the server divides it does not matter.  With sort it must
 * be the same one after a restart, so it goes by the values of a field, not by where a view keeps its documents. */
static void put_slice(struct es_slice *s)
{
    const struct weir_list *sort = &s->pass->conf->sort;
    if (s->pass->n_slices < 2)
        return;
    put(s, &s->body, ",\"slice\":{");
    if (sort->count > 0) {
        bool down;
        put(s, &s->body, "\"field\":");
        put_string(s, sort->items[0], sort_field(sort->items[0], &down));
        put(s, &s->body, ",");
    }
    put(s, &s->body, "\"id\":");
    bytes_number(s->pass->ctx, &s->body, s->number);
    put(s, &s->body, ",\"max\":");
    bytes_number(s->pass->ctx, &s->body, s->pass->n_slices);
    put(s, &s->body, "}");
}

void search_body(struct es_slice *s)
{
    const struct weir_list *fields = &s->pass->conf->fields;
    struct es_bytes *body = &s->body;
    body->len = 0;
    put(s, body, "{\"size\":");
    bytes_number(s->pass->ctx, body, s->size);
    put(s, body,
        s->first_page && s->after.len == 0 ? ",\"track_total_hits\":true" : ",\"track_total_hits\":false");
    put_sort(s);
    put_slice(s);
    if (s->pass->conf->query) {
        put(s, body, ",\"query\":");
        put(s, body, s->pass->conf->query);
    }
    for (size_t i = 0; i < fields->count; i++) {
        put(s, body, i == 0 ? ",\"_source\":[" : ",");
        put_string(s, fields->items[i], strlen(fields->items[i]));
    }
    if (fields->count > 0)
        put(s, body, "]");
    if (s->pass->mode == ES_PIT || s->pass->mode == ES_PIT_OTHER) {
        put(s, body, ",\"pit\":{\"id\":");
        put_string(s, s->pass->pit.p, s->pass->pit.len);
        put(s, body, ",\"keep_alive\":\"");
        put_keep_alive(s, body);
        put(s, body, "\"}");
    }
    if (s->after.len > 0 && s->pass->mode != ES_SCROLL) {
        put(s, body, ",\"search_after\":");
        bytes_add(s->pass->ctx, body, s->after.p, s->after.len);
    }
    put(s, body, "}");
}

static void scroll_body(struct es_slice *s)
{
    s->body.len = 0;
    put(s, &s->body, "{\"scroll\":\"");
    put_keep_alive(s, &s->body);
    put(s, &s->body, "\",\"scroll_id\":");
    put_string(s, s->scroll.p, s->scroll.len);
    put(s, &s->body, "}");
}

/* "/INDEX" and what follows it. */
static void index_path(struct es_slice *s, const char *rest)
{
    put(s, &s->path, "/");
    bytes_add(s->pass->ctx, &s->path, s->pass->index.p, s->pass->index.len);
    put(s, &s->path, rest);
}

static void on_begin(struct es_call *);
static void on_page(struct es_call *);
static void on_last(struct es_call *);

static void send_request(struct es_slice *s, enum es_method method, void (*done)(struct es_call *))
{
    struct es_request req = {method, NULL, NULL, {NULL, 0}};
    bytes_add(s->pass->ctx, &s->path, "", 1);
    req.path = s->path.p;
    if (s->body.len > 0) {
        req.type = "application/json";
        req.body = (struct weir_slice){s->body.p, s->body.len};
    }
    s->call.owner = s;
    s->call.done = done;
    http_send(&s->pass->http, &s->call, &req);
}

static void send_begin(struct es_slice *s)
{
    index_path(s, s->pass->mode == ES_PIT ? "/_pit?keep_alive=" : "/_search/point_in_time?keep_alive=");
    put_keep_alive(s, &s->path);
    s->pass->opening = true;
    send_request(s, ES_POST, on_begin);
}

/* The sort values behind the position belong to the point in time that gave them. */
static void follow_view(struct es_slice *s)
{
    if (s->view == s->pass->view)
        return;
    s->view = s->pass->view;
    s->after.len = 0;
    bytes_add(s->pass->ctx, &s->after, s->resume.p, s->resume.len);
}

static void send_page(struct es_slice *s)
{
    follow_view(s);
    if (s->pass->mode == ES_SCROLL && s->scroll.len > 0) {
        scroll_body(s);
        put(s, &s->path, "/_search/scroll");
    } else {
        search_body(s);
        /* Part of the shards would be part of the documents. */
        if (s->pass->mode == ES_PIT || s->pass->mode == ES_PIT_OTHER)
            put(s, &s->path, "/_search?allow_partial_search_results=false");
        else
            index_path(s, "/_search?allow_partial_search_results=false");
        if (s->pass->mode == ES_SCROLL) {
            put(s, &s->path, "&scroll=");
            put_keep_alive(s, &s->path);
        }
    }
    send_request(s, ES_POST, on_page);
}

/* All others are done with the point in time. */
static bool is_last(const struct es_slice *s)
{
    for (uint32_t i = 0; i < s->pass->n_slices; i++)
        if (&s->pass->slices[i] != s && s->pass->slices[i].step != ES_OVER)
            return false;
    return true;
}

static void send_last(struct es_slice *s)
{
    static const char *const paths[] = {
        [ES_PIT] = "/_pit", [ES_PIT_OTHER] = "/_search/point_in_time", [ES_SCROLL] = "/_search/scroll"};
    const struct es_bytes *id = s->pass->mode == ES_SCROLL ? &s->scroll : &s->pass->pit;
    if (s->pass->mode == ES_PLAIN || id->len == 0 || (s->pass->mode != ES_SCROLL && !is_last(s))) {
        s->step = ES_OVER;
        return;
    }
    put(s, &s->body,
        s->pass->mode == ES_PIT      ? "{\"id\":"
        : s->pass->mode == ES_SCROLL ? "{\"scroll_id\":"
                                     : "{\"pit_id\":[");
    put_string(s, id->p, id->len);
    put(s, &s->body, s->pass->mode == ES_PIT_OTHER ? "]}" : "}");
    put(s, &s->path, paths[s->pass->mode]);
    send_request(s, ES_DELETE, on_last);
}

void search_next(struct es_slice *s)
{
    if (s->call.busy || s->pass->status != WEIR_OK || s->waiting_buf)
        return;
    s->body.len = s->path.len = 0;
    if (s->step == ES_PAGES && s->pass->mode <= ES_PIT_OTHER && s->pass->pit.len == 0) {
        if (!s->pass->opening)
            send_begin(s);
    } else if (s->step == ES_PAGES)
        send_page(s);
    else if (s->step == ES_LAST)
        send_last(s);
}

/* ---- answers -------------------------------------------------------------------------------------------------- */
static void give_up(struct es_slice *s, int status, uint32_t code, const char *format, const char *text)
{
    if (s->pass->status == WEIR_FATAL)
        return; /* another slice came to an end before */
    s->pass->status = status;
    s->pass->code = code;
    snprintf(s->pass->why, sizeof s->pass->why, format, text);
}

static void say(struct es_slice *s, uint32_t state, const struct es_error *e, const char *what)
{
    char text[ES_REASON_MAX + 256];
    const char *node = http_node(&s->pass->http, &s->call), *advice;
    uint32_t health = http_trouble(&s->call, state, &advice);
    /* A careless server repeats what it was shown. */
    int shown = e->status == 401 ? 0 : (int)e->reason.len;
    if (e->status == 0)
        snprintf(text, sizeof text, "%s: %.*s%s", node, (int)e->reason.len, (const char *)e->reason.ptr,
                 advice);
    else
        snprintf(text, sizeof text, "%s: HTTP status %u: %s%s%.*s%s", node, e->status, what,
                 shown > 0 ? ": " : "", shown, shown > 0 ? (const char *)e->reason.ptr : "", advice);
    s->pass->ctx->host->health(s->pass->ctx, health, e->status, text);
    s->pass->pause_ms = health == WEIR_DENIED ? ES_SLOW_MS : 0;
    give_up(s, WEIR_RETRY, e->status, "%s", text);
}

/* A page of a scroll may be gone although its answer never came; only some failures rule that out. */
static bool may_have_moved(const struct es_slice *s)
{
    const struct es_call *call = &s->call;
    if (s->pass->mode != ES_SCROLL || s->scroll.len == 0 || call->not_sent)
        return false;
    if (call->code == CURLE_OK)
        return call->status < 400 || call->status >= 500;
    return call->code != CURLE_COULDNT_CONNECT && call->code != CURLE_COULDNT_RESOLVE_HOST;
}

static void lose_context(struct es_slice *s)
{
    if (s->pass->conf->sort.count == 0) {
        give_up(s, WEIR_FATAL, 404,
                "%s is gone, and without sort the pass cannot be continued; set sort to a unique field, or a "
                "longer "
                "keep-alive",
                s->pass->mode == ES_SCROLL ? "the scroll" : "the point in time");
        return;
    }
    if (s->view != s->pass->view)
        return; /* another slice met it first */
    s->pass->pit.len = 0;
    s->pass->view++;
}

/* True when the page was asked of something that was opened before. */
static bool had_context(const struct es_slice *s)
{
    return s->call.done == on_page &&
           (s->pass->mode == ES_SCROLL ? s->scroll.len > 0 : s->pass->mode <= ES_PIT_OTHER);
}

/* What did not come as 200. */
static void judge(struct es_slice *s)
{
    char text[ES_REASON_MAX], reason[ES_REASON_MAX];
    struct es_error e;
    reply_error(s->pass->ctx, &s->call, &e, text, sizeof text);
    snprintf(reason, sizeof reason, "%.*s", (int)e.reason.len,
             e.reason.len > 0 ? (const char *)e.reason.ptr : "");
    if (s->call.not_sent)
        say(s, WEIR_DENIED, &e, "");
    else if (s->call.reply_too_large && s->size > 1 && s->pass->mode != ES_SCROLL)
        s->size /= 2; /* asked for again */
    else if (s->call.reply_too_large)
        give_up(s, WEIR_FATAL, 0,
                s->size > 1 ? "a page is too large: %s; set a smaller batch, or more memory"
                            : "a document is too large: %s; set more memory",
                s->call.error);
    else if (may_have_moved(s))
        give_up(s, WEIR_FATAL, e.status,
                "the answer of a scroll was lost, and with it a page: %s; set sort to a "
                "unique field, then the pass can be continued",
                s->call.error[0] ? s->call.error : "no page");
    else if (had_context(s) && e.status == 404)
        lose_context(s);
    else if (e.status == 401 || e.status == 403)
        say(s, WEIR_DENIED, &e, "not allowed");
    else if (e.status == 400)
        give_up(s, WEIR_FATAL, 400,
                s->pass->n_slices > 1 && s->pass->conf->sort.count > 0
                    ? "the server refuses the search: %s; with slice, the first field of sort must be a "
                      "number or a date in all the indices"
                    : "the server refuses the search: %s",
                reason[0] ? reason : "no reason given");
    else
        say(s, e.status == 0 ? WEIR_CONNECTING : WEIR_DEGRADED, &e, "no answer to the search");
}

static bool error_is(const struct es_error *e, const char *type)
{
    return e->type.len == strlen(type) && memcmp(e->type.ptr, type, e->type.len) == 0;
}

/* True when this server does not know the way, and the next one is to be tried. */
static bool try_next_mode(struct es_slice *s)
{
    char text[ES_REASON_MAX];
    struct es_error e;
    reply_error(s->pass->ctx, &s->call, &e, text, sizeof text);
    if ((e.status != 400 && e.status != 404 && e.status != 405) || error_is(&e, "index_not_found_exception"))
        return false;
    if (s->pass->mode == ES_PIT && s->pass->conf->sort.count > 0)
        s->pass->mode = ES_PIT_OTHER;
    else
        s->pass->mode = s->pass->conf->sort.count > 0 ? ES_PLAIN : ES_SCROLL;
    if (s->pass->mode == ES_PLAIN && s->pass->n_slices > 1)
        give_up(s, WEIR_FATAL, e.status, "%s; leave out slice, or sort",
                "this server has no point in time, and without one it cannot divide a pass with sort");
    return true;
}

static void keep_id(struct es_slice *s, struct es_bytes *to, struct weir_slice id)
{
    if (id.len == 0)
        return;
    to->len = 0;
    bytes_add(s->pass->ctx, to, id.ptr, id.len);
}

static bool answered(const struct es_slice *s)
{
    return s->call.code == CURLE_OK && s->call.status == 200;
}

static void on_begin(struct es_call *call)
{
    struct es_slice *s = call->owner;
    struct es_page page;
    const char *why = "it holds no id";
    s->pass->opening = false;
    if (!answered(s)) {
        if (!try_next_mode(s))
            judge(s);
        return;
    }
    if (hits_read(call->reply, call->reply_len, 0, &page, &why) && page.pit_id.len > 0) {
        keep_id(s, &s->pass->pit, page.pit_id);
    } else {
        give_up(s, WEIR_RETRY, 200, "the answer to opening a point in time cannot be read: %s", why);
    }
    hits_free(&page);
}

/* Nothing follows the last page; a failed shard or a timeout would leave documents out. */
static bool is_whole(struct es_slice *s, const struct es_page *page)
{
    if (page->has_hits && !page->timed_out && page->shards_failed == 0)
        return true;
    if (may_have_moved(s) || (s->pass->mode == ES_SCROLL && s->scroll.len > 0))
        give_up(s, WEIR_FATAL, 200, "%s, and a scroll cannot be asked again; set sort to a unique field",
                page->timed_out ? "a search timed out" : "a search left shards out");
    else
        give_up(s, WEIR_RETRY, 200, "%s",
                page->timed_out ? "a search timed out" : "a search left shards out");
    return false;
}

/* The next page follows the last hit of this one. */
static bool keep_after(struct es_slice *s, const struct es_page *page)
{
    const struct weir_slice *sort = &page->hits[page->count - 1].sort;
    char head[ES_POSITION_MAX];
    size_t len;
    if (s->pass->mode == ES_SCROLL)
        return true;
    s->after.len = s->resume.len = 0;
    bytes_add(s->pass->ctx, &s->after, sort->ptr, sort->len);
    if (s->pass->conf->sort.count == 0)
        return sort->len > 0;
    len = hits_sort_head(*sort, (uint32_t)s->pass->conf->sort.count, head, sizeof head);
    bytes_add(s->pass->ctx, &s->resume, head, len);
    return len > 0;
}

static void take_page(struct es_slice *s, struct es_page *page)
{
    struct es_call *call = &s->call;
    size_t len;
    char *text;
    if (s->pass->mode == ES_SCROLL)
        keep_id(s, &s->scroll, page->scroll_id);
    else if (s->pass->mode != ES_PLAIN && s->view == s->pass->view)
        keep_id(s, &s->pass->pit, page->pit_id);
    if (s->first_page && page->total >= 0 && s->after.len == 0)
        s->pass->ctx->host->shard_end(s->pass->ctx, s->shard, s->start + (uint64_t)page->total);
    if (page->count == 0) {
        s->step = ES_LAST;
        hits_free(page);
        return;
    }
    if (!keep_after(s, page)) {
        give_up(s, WEIR_FATAL, 200, "a hit has no sort values, or more than %s", "1 KiB of them");
        hits_free(page);
        return;
    }
    s->first_page = false;
    text = call_take_reply(call, &len);
    s->waiting = *page;
    s->waiting_buf = s->pass->ctx->host->buf_wrap(s->pass->ctx, len, free, text);
}

static void on_page(struct es_call *call)
{
    struct es_slice *s = call->owner;
    struct es_page page;
    const char *why = NULL;
    if (!answered(s)) {
        judge(s);
        return;
    }
    s->pass->ctx->host->health(s->pass->ctx, WEIR_UP, 0, NULL);
    if (!hits_read(call->reply, call->reply_len, s->size, &page, &why)) {
        give_up(s, s->pass->mode == ES_SCROLL ? WEIR_FATAL : WEIR_RETRY, 200,
                "the answer to a search cannot be read: %s", why);
        hits_free(&page);
        return;
    }
    if (is_whole(s, &page))
        take_page(s, &page);
    else
        hits_free(&page);
}

/* What was opened runs out by itself if giving it back fails. */
static void on_last(struct es_call *call)
{
    struct es_slice *s = call->owner;
    s->step = ES_OVER;
}
