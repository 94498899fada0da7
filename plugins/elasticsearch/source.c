/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - the source: one pass over the documents of an index, emitted straight from the answers' bytes.
 *
 * While a page is emitted the next one is fetched; a page's memory is the owner of its records.  With sort the sort
 * values of the last committed document are the position, and a restart goes on behind it.
 * Thread: the home thread of the instance. */
#include "es.h"

#include <stdlib.h>

#define RUN 128 /* records of one emit */

static const struct weir_option source_rows[] = {
    ES_OPTIONS(struct es_source_conf),
    WEIR_OPT_LIST(struct es_source_conf, index, "index", WEIR_F_REQUIRED, NULL,
                  "Indices, aliases or data streams to read, * allowed", NULL),
    WEIR_OPT_STRING(struct es_source_conf, query, "query", 0, NULL, "Query as JSON; all documents without it",
                    "The query object of a search, for example {\"range\":{\"age\":{\"gte\":18}}}."),
    WEIR_OPT_LIST(
        struct es_source_conf, fields, "fields", 0, NULL, "Fields of the document to read, * allowed",
        "The server then prints the document anew; without it the bytes are those that were indexed."),
    WEIR_OPT_LIST(
        struct es_source_conf, sort, "sort", 0, NULL, "Fields that together are unique, FIELD or FIELD:desc",
        "Makes the pass resumable: after a restart it goes on behind the last committed document, and a "
        "later run reads only what sorts behind it. Not unique is an error."),
    WEIR_OPT_INT(struct es_source_conf, batch, "batch", WEIR_F_ADVANCED, "1000", 1, 10000,
                 "Documents of one request", NULL),
    WEIR_OPT_DURATION(struct es_source_conf, keep_alive_ms, "keep-alive", WEIR_F_ADVANCED, "5m", 10000,
                      86400000, "How long the server keeps the view between two requests", NULL),
};
static const struct weir_options source_options = WEIR_OPTIONS(struct es_source_conf, source_rows);

/* ---- configuration -------------------------------------------------------------------------------------------- */
static uint32_t source_promise(const void *opaque)
{
    const struct es_source_conf *conf = opaque;
    return conf->sort.count > 0 ? WEIR_REPLAYABLE : 0;
}

static int each_nothing(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    (void)opaque;
    (void)path;
    (void)span;
    return WEIR_OK;
}

static int source_check(struct weir_ctx *ctx, const void *opaque, struct weir_problems *to)
{
    const struct es_source_conf *conf = opaque;
    const char *query = conf->query;
    es_check(ctx, &conf->es, to);
    if (query) {
        query += strspn(query, " \t\r\n");
        if (*query != '{')
            ctx->host->problem(to, "query", "is no JSON object");
        else if (ctx->host->json_walk(ctx, weir_str(query), each_nothing, NULL) != WEIR_OK)
            ctx->host->problem(to, "query", "is no valid JSON");
    }
    for (size_t i = 0; i < conf->index.count; i++)
        if (conf->index.items[i][0] == '\0' || conf->index.items[i][0] == '_' ||
            strpbrk(conf->index.items[i], "/?#\\"))
            weir_problemf(ctx, to, "index", "\"%.100s\" is no name of an index", conf->index.items[i]);
    for (size_t i = 0; i < conf->sort.count; i++)
        if (conf->sort.items[i][0] == '\0' || conf->sort.items[i][0] == ':' || conf->sort.items[i][0] == '_')
            weir_problemf(ctx, to, "sort", "\"%.100s\" is no field of a document", conf->sort.items[i]);
    return WEIR_OK;
}

static int source_probe(struct weir_ctx *ctx, const void *opaque, struct weir_problems *to)
{
    const struct es_source_conf *conf = opaque;
    return es_probe(ctx, &conf->es, to);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */
static void drop_pages(struct es_source *src)
{
    hits_free(&src->page);
    hits_free(&src->waiting);
    if (src->buf)
        src->ctx->host->buf_unref(src->buf);
    if (src->waiting_buf)
        src->ctx->host->buf_unref(src->waiting_buf);
    src->buf = src->waiting_buf = NULL;
}

static void source_destroy(void *self)
{
    struct es_source *src = self;
    struct weir_ctx *ctx = src->ctx;
    struct es_bytes *all[] = {&src->body,  &src->path,   &src->index,     &src->id,
                              &src->after, &src->resume, &src->start_data};
    drop_pages(src);
    marks_free(src);
    call_free(&src->call);
    http_free(&src->http);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        bytes_free(ctx, all[i]);
    ctx->host->mem(ctx, src, 0);
}

/* The indices with commas between, escaped for a path. */
static void make_index(struct es_source *src)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < src->conf->index.count; i++) {
        if (i > 0)
            bytes_text(src->ctx, &src->index, ",");
        for (const char *p = src->conf->index.items[i]; *p; p++) {
            unsigned char c = (unsigned char)*p;
            char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
            bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                         strchr("-_.*", c);
            bytes_add(src->ctx, &src->index, plain ? p : escaped, plain ? 1 : 3);
        }
    }
}

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct es_source *src = ctx->host->mem(ctx, NULL, sizeof *src);
    const struct weir_instance *me = ctx->host->instance(ctx);
    uint64_t most = me->budget / 3; /* the page that is emitted, the one that waits, the one that comes */
    memset(src, 0, sizeof *src);
    src->ctx = ctx;
    src->conf = conf;
    src->size = (uint32_t)src->conf->batch;
    src->first_page = true;
    make_index(src);
    if (!call_init(&src->call, ctx, &src->conf->es)) {
        source_destroy(src);
        return weir_fail(ctx, WEIR_FATAL, 0, "libcurl gives no handle: no memory");
    }
    src->call.reply_max = most < 1 << 20 ? 1 << 20 : (size_t)most;
    *self = src;
    return WEIR_OK;
}

/* The lane is the index as it was asked for; another order is another lane, whose positions mean nothing here. */
static int open_shard(struct es_source *src)
{
    struct weir_shard shard = {.struct_size = sizeof shard, .partition = -1};
    struct weir_position position = {.struct_size = sizeof position};
    struct es_bytes id = {NULL, 0, 0};
    int rc;
    bytes_add(src->ctx, &id, src->index.p, src->index.len);
    for (size_t i = 0; i < src->conf->sort.count; i++) {
        bytes_text(src->ctx, &id, i == 0 ? "|" : ",");
        bytes_text(src->ctx, &id, src->conf->sort.items[i]);
    }
    if (id.len > 1024) {
        bytes_free(src->ctx, &id);
        return weir_fail(src->ctx, WEIR_FATAL, 0, "index and sort are longer than 1 KiB together");
    }
    shard.id = (struct weir_slice){id.p, id.len};
    shard.topic = (struct weir_slice){src->index.p, src->index.len};
    rc = src->ctx->host->shard_open(src->ctx, &shard, &src->shard, &position);
    bytes_free(src->ctx, &id);
    if (rc != WEIR_OK)
        return rc;
    src->start = src->seq = position.flags & WEIR_POS_STORED ? position.next : 0;
    if (position.flags & WEIR_POS_STORED && src->conf->sort.count > 0 && position.data.len > 0) {
        bytes_add(src->ctx, &src->start_data, position.data.ptr, position.data.len);
        bytes_add(src->ctx, &src->after, position.data.ptr, position.data.len);
        bytes_add(src->ctx, &src->resume, position.data.ptr, position.data.len);
    }
    return WEIR_OK;
}

static int source_open(void *self)
{
    struct es_source *src = self;
    if (!src->http.multi && !http_init(&src->http, src->ctx, &src->conf->es))
        return weir_fail(src->ctx, WEIR_RETRY, 0, "libcurl gives no handle: no memory");
    if (!src->conf->es.verify)
        weir_logf(src->ctx, WEIR_LOG_WARNING,
                  "verify = no: anybody on the way can read and change what is received");
    if (!src->shard)
        return open_shard(src);
    return WEIR_OK;
}

static void source_close(void *self)
{
    struct es_source *src = self;
    http_cancel(&src->http, &src->call);
    http_free(&src->http);
    drop_pages(src);
}

/* ---- records -------------------------------------------------------------------------------------------------- */
static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* Two documents in one place: a restart behind one of them would leave the other out. */
static bool mark_page(struct es_source *src)
{
    struct weir_slice last = {src->start_data.p, src->start_data.len}, mine;
    marks_begin(src, src->seq + 1);
    if (src->marks->older && src->marks->older->count > 0) {
        const struct es_mark *older = src->marks->older;
        uint32_t start = older->count > 1 ? older->ends[older->count - 2] : 0;
        last = (struct weir_slice){older->text.p + start, older->text.len - start};
    }
    for (uint32_t i = 0; i < src->page.count; i++) {
        const struct es_mark *mark = src->marks;
        size_t start = mark->text.len;
        if (!marks_add(src, src->page.hits[i].sort)) {
            src->status = WEIR_FATAL;
            snprintf(src->why, sizeof src->why, "a hit has no sort values, or more than 1 KiB of them");
            return false;
        }
        mine = (struct weir_slice){mark->text.p + start, mark->text.len - start};
        if (i > 0)
            last.ptr = mark->text.p + start - last.len; /* the text may have moved */
        if (last.len > 0 && same(last, mine)) {
            src->status = WEIR_FATAL;
            snprintf(src->why, sizeof src->why,
                     "sort is not unique: two documents have %.*s; add a field that is",
                     (int)(mine.len < 300 ? mine.len : 300), (const char *)mine.ptr);
            return false;
        }
        last = mine;
    }
    return true;
}

/* Makes the page that waits the current one; false: there is none. */
static bool turn_page(struct es_source *src)
{
    if (src->buf)
        src->ctx->host->buf_unref(src->buf);
    hits_free(&src->page);
    src->page = src->waiting;
    src->buf = src->waiting_buf;
    src->waiting_buf = NULL;
    src->at = 0;
    memset(&src->waiting, 0, sizeof src->waiting);
    if (!src->buf)
        return false;
    return src->conf->sort.count == 0 || mark_page(src);
}

static void make_record(struct es_source *src, uint32_t i, struct weir_record *r)
{
    const struct es_hit *hit = &src->page.hits[i];
    memset(r, 0, sizeof *r);
    r->key = hit->id;
    r->value = hit->source;
    r->topic = hit->index;
    r->shard = src->shard;
    r->time_ms = WEIR_NO_TIME;
    r->seq = src->seq + (i - src->at);
    r->next = r->seq + 1;
    r->offset = (int64_t)r->seq;
    r->partition = -1;
}

/* An index may keep no _source at all. */
static int emit_bad(struct es_source *src, struct weir_emitter *to)
{
    struct weir_record r;
    struct weir_result why = {.index = 0, .status = WEIR_REJECT, .type = "no_source"};
    int rc;
    why.why = "the document has no _source: the index does not keep it";
    make_record(src, src->at, &r);
    rc = src->ctx->host->emit_bad(to, &r, sizeof r, &why);
    if (rc == WEIR_OK) {
        src->at++;
        src->seq++;
    }
    return rc;
}

/* Emits the current page as far as it fits. */
static int emit_page(struct es_source *src, struct weir_emitter *to)
{
    struct weir_record records[RUN];
    int rc = WEIR_OK;
    while (rc == WEIR_OK && src->at < src->page.count) {
        struct weir_run run = {sizeof run, sizeof records[0], 0, 0, records, src->buf};
        uint32_t taken = 0;
        while (run.count < RUN && src->at + run.count < src->page.count &&
               src->page.hits[src->at + run.count].source.ptr) {
            make_record(src, src->at + run.count, &records[run.count]);
            run.count++;
        }
        if (run.count == 0) {
            rc = emit_bad(src, to);
            continue;
        }
        rc = src->ctx->host->emit(to, &run, &taken);
        src->at += taken;
        src->seq += taken;
    }
    return rc;
}

static int source_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll)
{
    struct es_source *src = self;
    bool any = false;
    int rc = WEIR_OK;
    http_run(&src->http);
    if (poll->flags & WEIR_POLL_PAUSED)
        return WEIR_AGAIN;
    while (rc == WEIR_OK && src->status == WEIR_OK) {
        search_next(src);
        http_run(&src->http);
        if (src->at == src->page.count && !turn_page(src))
            break;
        any = true;
        rc = emit_page(src, to);
    }
    if (rc != WEIR_OK && rc != WEIR_AGAIN)
        return rc;
    if (any)
        return WEIR_OK;
    if (src->status != WEIR_OK) {
        int status = src->status;
        if (status != WEIR_FATAL)
            src->status = WEIR_OK;
        return weir_fail(src->ctx, status, src->code, "%s", src->why);
    }
    return src->step == ES_OVER ? WEIR_END : WEIR_AGAIN;
}

/* Where the index is sorted, the sort values of the document before next. */
static int source_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                           size_t *ret_len)
{
    struct es_source *src = self;
    struct weir_slice data = {src->start_data.p, src->start_data.len};
    (void)shard;
    if (src->conf->sort.count == 0)
        data.len = 0;
    else if (next != src->start && !marks_find(src, next, &data))
        return weir_fail(src->ctx, WEIR_FATAL, 0, "the sort values of document %llu are not known",
                         (unsigned long long)next);
    if (data.len > cap)
        return weir_fail(src->ctx, WEIR_FATAL, 0, "the sort values are longer than %zu bytes", cap);
    if (data.len > 0)
        memcpy(out, data.ptr, data.len);
    *ret_len = data.len;
    return WEIR_OK;
}

const struct weir_ops es_source_ops = {
    .struct_size = sizeof es_source_ops,
    .kind = WEIR_SOURCE,
    .promises = 0,
    .options = &source_options,
    .metrics = &es_metrics,
    .promise = source_promise,
    .check = source_check,
    .probe = source_probe,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
    .position = source_position,
    .close = source_close,
    .destroy = source_destroy,
};
