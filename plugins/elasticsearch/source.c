/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - the source: one pass over the documents of an index, emitted straight from the answers' bytes.
 *
 * The pass is divided into slices, each a lane of its own, whose requests are on their way at the same time.  While a
 * page is emitted the next one is fetched; a page's memory is the owner of its records.  With sort the sort values of
 * the last committed document are a slice's position, and a restart goes on behind it.
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
    WEIR_OPT_INT(
        struct es_source_conf, slice, "slice", 0, "1", 1, ES_SLICES_MAX,
        "Parts the pass is divided into, read at the same time",
        "Each is a lane of its own. With sort, its first field must be a number or a date, one in each "
        "document, and another number of slices than that of the stored positions is refused."),
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
static void drop_pages(struct es_slice *s)
{
    struct weir_ctx *ctx = s->pass->ctx;
    hits_free(&s->page);
    hits_free(&s->waiting);
    if (s->buf)
        ctx->host->buf_unref(s->buf);
    if (s->waiting_buf)
        ctx->host->buf_unref(s->waiting_buf);
    s->buf = s->waiting_buf = NULL;
}

static void slice_free(struct es_slice *s)
{
    struct es_bytes *all[] = {&s->body, &s->path, &s->scroll, &s->after, &s->resume, &s->start_data};
    drop_pages(s);
    marks_free(s);
    call_free(&s->call);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        bytes_free(s->pass->ctx, all[i]);
}

static void source_destroy(void *self)
{
    struct es_source *src = self;
    struct weir_ctx *ctx = src->ctx;
    for (uint32_t i = 0; i < src->n_slices; i++)
        slice_free(&src->slices[i]);
    http_free(&src->http);
    bytes_free(ctx, &src->index);
    bytes_free(ctx, &src->pit);
    ctx->host->mem(ctx, src->slices, 0);
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

static void make_slices(struct es_source *src)
{
    size_t n = (size_t)src->conf->slice;
    src->slices = src->ctx->host->mem(src->ctx, NULL, n * sizeof *src->slices);
    memset(src->slices, 0, n * sizeof *src->slices);
    src->n_slices = (uint32_t)n;
    for (uint32_t i = 0; i < src->n_slices; i++) {
        src->slices[i].pass = src;
        src->slices[i].number = i;
        src->slices[i].size = (uint32_t)src->conf->batch;
        src->slices[i].first_page = true;
    }
}

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct es_source *src = ctx->host->mem(ctx, NULL, sizeof *src);
    uint64_t most, least = 1 << 20;
    memset(src, 0, sizeof *src);
    src->ctx = ctx;
    src->conf = conf;
    make_index(src);
    make_slices(src);
    /* of each slice the page that is emitted, the one that waits, the one that comes */
    most = ctx->host->instance(ctx)->budget / (3 * src->n_slices);
    if (most < least && src->n_slices > 1) {
        int rc = weir_fail(
            ctx, WEIR_FATAL, 0,
            "slice = %u needs %u MiB of memory for this source, and it has %llu; set a lower number, or "
            "more memory",
            src->n_slices, 3 * src->n_slices, (unsigned long long)(most * 3 * src->n_slices >> 20));
        source_destroy(src);
        return rc;
    }
    for (uint32_t i = 0; i < src->n_slices; i++) {
        if (!call_init(&src->slices[i].call, ctx, &src->conf->es)) {
            source_destroy(src);
            return weir_fail(ctx, WEIR_FATAL, 0, "libcurl gives no handle: no memory");
        }
        src->slices[i].call.reply_max = most < least ? (size_t)least : (size_t)most;
    }
    *self = src;
    return WEIR_OK;
}

/* The index as it was asked for, and the order: with another one a position means nothing. */
static void pass_name(struct es_source *src, struct es_bytes *to)
{
    bytes_add(src->ctx, to, src->index.p, src->index.len);
    for (size_t i = 0; i < src->conf->sort.count; i++) {
        bytes_text(src->ctx, to, i == 0 ? "|" : ",");
        bytes_text(src->ctx, to, src->conf->sort.items[i]);
    }
}

static int open_shard(struct es_slice *s, const struct es_bytes *name)
{
    struct es_source *src = s->pass;
    struct weir_shard shard = {.struct_size = sizeof shard, .partition = -1};
    struct weir_position position = {.struct_size = sizeof position};
    struct es_bytes id = {NULL, 0, 0};
    int rc;
    bytes_add(src->ctx, &id, name->p, name->len);
    if (src->n_slices > 1) {
        bytes_text(src->ctx, &id, "#");
        bytes_number(src->ctx, &id, s->number);
        bytes_text(src->ctx, &id, "/");
        bytes_number(src->ctx, &id, src->n_slices);
    }
    shard.id = (struct weir_slice){id.p, id.len};
    shard.topic = (struct weir_slice){src->index.p, src->index.len};
    rc = src->ctx->host->shard_open(src->ctx, &shard, &s->shard, &position);
    bytes_free(src->ctx, &id);
    if (rc != WEIR_OK)
        return rc;
    s->start = s->seq = position.flags & WEIR_POS_STORED ? position.next : 0;
    if (position.flags & WEIR_POS_STORED && src->conf->sort.count > 0 && position.data.len > 0) {
        bytes_add(src->ctx, &s->start_data, position.data.ptr, position.data.len);
        bytes_add(src->ctx, &s->after, position.data.ptr, position.data.len);
        bytes_add(src->ctx, &s->resume, position.data.ptr, position.data.len);
    }
    return WEIR_OK;
}

/* A position of one division says nothing about another one: the number is kept with the positions.  Each order has
 * an entry of its own, as it has lanes of its own. */
static int same_division(struct es_source *src)
{
    struct weir_slice key = {src->division, sizeof src->division}, old = {NULL, 0};
    char now[24];
    int n = snprintf(now, sizeof now, "%u", src->n_slices), shown;
    if (src->ctx->host->state_get(src->ctx, key, &old) != WEIR_OK || !old.ptr)
        return WEIR_OK;
    if (old.len == (size_t)n && memcmp(old.ptr, now, old.len) == 0)
        return WEIR_OK;
    shown = (int)(old.len < 20 ? old.len : 20);
    return weir_fail(
        src->ctx, WEIR_FATAL, 0,
        "the stored positions are those of slice = %.*s; with slice = %s documents would be left "
        "out or read again: set slice = %.*s, or have another sort or a new pipeline name read everything "
        "anew",
        shown, (const char *)old.ptr, now, shown, (const char *)old.ptr);
}

/* Goes into the transaction that stores the first positions. */
static int keep_division(struct es_source *src)
{
    char now[24];
    int n = snprintf(now, sizeof now, "%u", src->n_slices);
    if (src->division_kept)
        return WEIR_OK;
    src->division_kept = true;
    return src->ctx->host->state_put(src->ctx, (struct weir_slice){src->division, sizeof src->division},
                                     (struct weir_slice){now, (size_t)n});
}

static int open_shards(struct es_source *src)
{
    struct es_bytes name = {NULL, 0, 0};
    int rc = WEIR_OK;
    pass_name(src, &name);
    if (name.len > 1024 - 8) /* "#63/64" follows */
        rc = weir_fail(src->ctx, WEIR_FATAL, 0, "index and sort are longer than 1 KiB together");
    memcpy(src->division, "slices ", 7);
    sha256_hex(name.p, name.len, src->division + 7);
    if (rc == WEIR_OK && src->conf->sort.count > 0)
        rc = same_division(src);
    for (uint32_t i = 0; rc == WEIR_OK && i < src->n_slices; i++)
        if (!src->slices[i].shard)
            rc = open_shard(&src->slices[i], &name);
    bytes_free(src->ctx, &name);
    return rc;
}

static int source_open(void *self)
{
    struct es_source *src = self;
    if (!src->http.multi && !http_init(&src->http, src->ctx, &src->conf->es))
        return weir_fail(src->ctx, WEIR_RETRY, 0, "libcurl gives no handle: no memory");
    http_warn(src->ctx, &src->conf->es);
    return src->slices[src->n_slices - 1].shard ? WEIR_OK : open_shards(src);
}

static void source_close(void *self)
{
    struct es_source *src = self;
    for (uint32_t i = 0; i < src->n_slices; i++) {
        http_cancel(&src->http, &src->slices[i].call);
        drop_pages(&src->slices[i]);
    }
    http_free(&src->http);
    src->opening = false;
}

/* ---- records -------------------------------------------------------------------------------------------------- */
static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* Two documents in one place: a restart behind one of them would leave the other out. */
static bool mark_page(struct es_slice *s)
{
    struct weir_slice last = {s->start_data.p, s->start_data.len}, mine;
    marks_begin(s, s->seq + 1);
    if (s->marks->older && s->marks->older->count > 0) {
        const struct es_mark *older = s->marks->older;
        uint32_t start = older->count > 1 ? older->ends[older->count - 2] : 0;
        last = (struct weir_slice){older->text.p + start, older->text.len - start};
    }
    for (uint32_t i = 0; i < s->page.count; i++) {
        const struct es_mark *mark = s->marks;
        size_t start = mark->text.len;
        if (!marks_add(s, s->page.hits[i].sort)) {
            s->pass->status = WEIR_FATAL;
            snprintf(s->pass->why, sizeof s->pass->why,
                     "a hit has no sort values, or more than 1 KiB of them");
            return false;
        }
        mine = (struct weir_slice){mark->text.p + start, mark->text.len - start};
        if (i > 0)
            last.ptr = mark->text.p + start - last.len; /* the text may have moved */
        if (last.len > 0 && same(last, mine)) {
            s->pass->status = WEIR_FATAL;
            snprintf(s->pass->why, sizeof s->pass->why,
                     "sort is not unique: two documents have %.*s; add a field that is",
                     (int)(mine.len < 300 ? mine.len : 300), (const char *)mine.ptr);
            return false;
        }
        last = mine;
    }
    return true;
}

/* Makes the page that waits the current one; false: there is none. */
static bool turn_page(struct es_slice *s)
{
    if (s->buf)
        s->pass->ctx->host->buf_unref(s->buf);
    hits_free(&s->page);
    s->page = s->waiting;
    s->buf = s->waiting_buf;
    s->waiting_buf = NULL;
    s->at = 0;
    memset(&s->waiting, 0, sizeof s->waiting);
    if (!s->buf)
        return false;
    return s->pass->conf->sort.count == 0 || mark_page(s);
}

static void make_record(struct es_slice *s, uint32_t i, struct weir_record *r)
{
    const struct es_hit *hit = &s->page.hits[i];
    memset(r, 0, sizeof *r);
    r->key = hit->id;
    r->value = hit->source;
    r->topic = hit->index;
    r->shard = s->shard;
    r->time_ms = WEIR_NO_TIME;
    r->seq = s->seq + (i - s->at);
    r->next = r->seq + 1;
    r->offset = (int64_t)r->seq;
    r->partition = -1;
}

/* An index may keep no _source at all. */
static int emit_bad(struct es_slice *s, struct weir_emitter *to)
{
    struct weir_record r;
    struct weir_result why = {.index = 0, .status = WEIR_REJECT, .type = "no_source"};
    int rc;
    why.why = "the document has no _source: the index does not keep it";
    make_record(s, s->at, &r);
    rc = s->pass->ctx->host->emit_bad(to, &r, sizeof r, &why);
    if (rc == WEIR_OK) {
        s->at++;
        s->seq++;
    }
    return rc;
}

/* Emits the current page as far as it fits. */
static int emit_page(struct es_slice *s, struct weir_emitter *to)
{
    struct weir_record records[RUN];
    int rc = WEIR_OK;
    while (rc == WEIR_OK && s->at < s->page.count) {
        struct weir_run run = {sizeof run, sizeof records[0], 0, 0, records, s->buf};
        uint32_t taken = 0;
        while (run.count < RUN && s->at + run.count < s->page.count &&
               s->page.hits[s->at + run.count].source.ptr) {
            make_record(s, s->at + run.count, &records[run.count]);
            run.count++;
        }
        if (run.count == 0) {
            rc = emit_bad(s, to);
            continue;
        }
        rc = s->pass->ctx->host->emit(to, &run, &taken);
        s->at += taken;
        s->seq += taken;
    }
    return rc;
}

/* Starts what is due, and gives the slice whose page is to be emitted, in turn; NULL: none has one. */
static struct es_slice *next_slice(struct es_source *src)
{
    for (uint32_t i = 0; i < src->n_slices; i++)
        search_next(&src->slices[i]);
    http_run(&src->http);
    for (uint32_t i = 0; i < src->n_slices; i++) {
        struct es_slice *s = &src->slices[(src->turn + i) % src->n_slices];
        if (s->at < s->page.count || turn_page(s)) {
            src->turn = s->number;
            return s;
        }
    }
    return NULL;
}

static bool is_over(const struct es_source *src)
{
    for (uint32_t i = 0; i < src->n_slices; i++)
        if (src->slices[i].step != ES_OVER)
            return false;
    return true;
}

static int source_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll)
{
    struct es_source *src = self;
    struct es_slice *s;
    bool any = false;
    int rc = WEIR_OK;
    http_run(&src->http);
    if (poll->flags & WEIR_POLL_PAUSED)
        return WEIR_AGAIN;
    while (rc == WEIR_OK && src->status == WEIR_OK && (s = next_slice(src)) != NULL) {
        any = true;
        rc = emit_page(s, to);
        if (rc == WEIR_OK)
            src->turn = (s->number + 1) % src->n_slices;
    }
    if (rc != WEIR_OK && rc != WEIR_AGAIN)
        return rc;
    if (any)
        return WEIR_OK;
    if (src->status != WEIR_OK) {
        struct weir_result r = {WEIR_ALL,  src->status, src->status == WEIR_RETRY ? src->pause_ms : 0,
                                src->code, NULL,        src->why};
        if (src->status != WEIR_FATAL)
            src->status = WEIR_OK;
        src->ctx->host->fail(src->ctx, &r);
        return r.status;
    }
    return is_over(src) ? WEIR_END : WEIR_AGAIN;
}

/* Where the index is sorted, the sort values of the document before next. */
static int source_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                           size_t *ret_len)
{
    struct es_source *src = self;
    struct es_slice *s = src->slices;
    struct weir_slice data;
    while (s->shard != shard && s + 1 < src->slices + src->n_slices)
        s++;
    data = (struct weir_slice){s->start_data.p, s->start_data.len};
    if (src->conf->sort.count == 0)
        data.len = 0;
    else if (next != s->start && !marks_find(s, next, &data))
        return weir_fail(src->ctx, WEIR_FATAL, 0, "the sort values of document %llu are not known",
                         (unsigned long long)next);
    if (data.len > cap)
        return weir_fail(src->ctx, WEIR_FATAL, 0, "the sort values are longer than %zu bytes", cap);
    if (data.len > 0)
        memcpy(out, data.ptr, data.len);
    *ret_len = data.len;
    return src->conf->sort.count > 0 ? keep_division(src) : WEIR_OK;
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
