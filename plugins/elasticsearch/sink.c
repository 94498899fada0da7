/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - the sink: a batch becomes one bulk request, its answer becomes the batch's results.
 *
 * As many requests are on their way as the host lends batches (in-flight).  Nothing is retried here: what did not
 * succeed goes back to the host, which backs off and brings it again.  Thread: the home thread of the instance. */
#include "es.h"

#include <stdlib.h>

static const char *const payload_names[] = {"json", "wrap", "record", NULL};
static const char *const op_names[] = {"index", "create", "update", "upsert", "delete", NULL};
static const char *const conflict_names[] = {"ok", "reject", NULL};
static const char *const tombstone_names[] = {"auto", "delete", "drop", "reject", NULL};

static const struct weir_option sink_rows[] = {
    ES_OPTIONS(struct es_sink_conf),
    WEIR_OPT_TEMPLATE(struct es_sink_conf, index, "index", WEIR_F_REQUIRED | WEIR_F_NAME, NULL,
                      "Index, alias or data stream to write to", NULL),
    WEIR_OPT_TEMPLATE(
        struct es_sink_conf, id, "id", 0, NULL, "The document's _id",
        "Without it the record's identity: topic+partition+offset, so a repeat is harmless. One longer "
        "than 512 bytes is cut and ends in the hash of all of it."),
    WEIR_OPT_ENUM(struct es_sink_conf, payload, "payload", 0, "json", payload_names,
                  "What becomes the document",
                  "json: the value, a JSON object. wrap: the value, any text, as {\"message\": ...}. record: "
                  "the record "
                  "as an object with topic, key, value and so on, which takes any bytes."),
    WEIR_OPT_ENUM(
        struct es_sink_conf, op, "op", 0, "index", op_names, "What is done with the document",
        "index replaces, create leaves one that is there alone, update changes fields of one that is there, "
        "upsert the same or creates, delete removes."),
    WEIR_OPT_TEMPLATE(struct es_sink_conf, version, "version", WEIR_F_FIELD, NULL,
                      "External version, a number",
                      "A lower version never replaces a higher one, so order does not matter. offset, the "
                      "same as {offset}, "
                      "serves as long as a key stays in its partition."),
    WEIR_OPT_ENUM(struct es_sink_conf, on_conflict, "on-conflict", 0, "ok", conflict_names,
                  "What a document that is there already, or newer, means",
                  "ok: success, counted as duplicate. reject: a failed record."),
    WEIR_OPT_TEMPLATE(struct es_sink_conf, routing, "routing", 0, NULL, "Routing value", NULL),
    WEIR_OPT_STRING(struct es_sink_conf, pipeline, "pipeline", 0, NULL, "Ingest pipeline of the server",
                    NULL),
    WEIR_OPT_BOOL(struct es_sink_conf, data_stream, "data-stream", 0, "no", "index is a data stream",
                  "Means op = create. A repeat is noticed only within one backing index: at least once."),
    WEIR_OPT_ENUM(
        struct es_sink_conf, tombstone, "tombstone", 0, "auto", tombstone_names,
        "What a record without value does",
        "delete removes the document with its id, drop ignores it, reject is a failed record. auto: delete "
        "when id is set; else a document whose value is null with payload = record, reject otherwise."),
};
static const struct weir_options sink_options = WEIR_OPTIONS(struct es_sink_conf, sink_rows);

/* ---- configuration -------------------------------------------------------------------------------------------- */
static int sink_op(const struct es_sink_conf *conf)
{
    return conf->data_stream && conf->op == ES_INDEX ? ES_CREATE : (int)conf->op;
}

static int sink_tombstone(const struct es_sink_conf *conf)
{
    if (conf->tombstone != ES_TOMB_AUTO)
        return (int)conf->tombstone;
    if (conf->id && !conf->data_stream)
        return ES_TOMB_DELETE;
    return conf->payload == ES_PAYLOAD_RECORD ? ES_TOMB_KEEP : ES_TOMB_REJECT;
}

static uint32_t sink_promise(const void *opaque)
{
    const struct es_sink_conf *conf = opaque;
    int op = sink_op(conf);
    bool identity = !conf->id; /* nobody else has it, and a repeat has the same */
    uint32_t promises = conf->payload == ES_PAYLOAD_RECORD ? 0 : WEIR_NO_HEADERS;
    if (identity || conf->version)
        promises |= WEIR_ORDERED;
    if (conf->data_stream) /* a repeat after a rollover makes a second document */
        return promises;
    if ((op == ES_CREATE && conf->on_conflict == ES_CONFLICT_OK) ||
        ((op == ES_INDEX || op == ES_REMOVE) && (identity || conf->version)))
        promises |= WEIR_IDEMPOTENT;
    return promises;
}

static int sink_check(struct weir_ctx *ctx, const void *opaque, struct weir_problems *to)
{
    const struct es_sink_conf *conf = opaque;
    int op = sink_op(conf);
    bool plain = op == ES_INDEX || op == ES_REMOVE;
    es_check(ctx, &conf->es, to);
    if (conf->version && !plain)
        ctx->host->problem(to, "version", "only op = index and op = delete take a version");
    if (!conf->id && (op == ES_UPDATE || op == ES_UPSERT || op == ES_REMOVE))
        ctx->host->problem(to, "id",
                           "update, upsert and delete need id: the default id is new for each record");
    if (conf->data_stream && op != ES_CREATE)
        ctx->host->problem(to, "data-stream", "a data stream takes op = create only");
    if (conf->tombstone == ES_TOMB_DELETE && conf->data_stream)
        ctx->host->problem(to, "tombstone", "nothing can be deleted from a data stream; use drop or reject");
    else if (conf->tombstone == ES_TOMB_DELETE && !conf->id)
        ctx->host->problem(to, "tombstone", "delete needs id: the default id is new for each record");
    if (conf->pipeline && (*conf->pipeline == '\0' || strlen(conf->pipeline) > 255))
        ctx->host->problem(to, "pipeline", "is empty or longer than 255 bytes");
    if (conf->pipeline && op == ES_UPDATE)
        ctx->host->problem(to, "pipeline", "the server runs no pipeline for op = update");
    return WEIR_OK;
}

static int sink_probe(struct weir_ctx *ctx, const void *opaque, struct weir_problems *to)
{
    const struct es_sink_conf *conf = opaque;
    return es_probe(ctx, &conf->es, to);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */
static void sink_destroy(void *self)
{
    struct es_sink *sink = self;
    struct weir_ctx *ctx = sink->ctx;
    for (uint32_t i = 0; i < sink->n_slots; i++) {
        struct es_slot *slot = &sink->slots[i];
        call_free(&slot->call);
        bytes_free(ctx, &slot->body);
        outcome_free(ctx, &slot->out);
        if (slot->records)
            ctx->host->mem(ctx, slot->records, 0);
    }
    if (sink->slots)
        ctx->host->mem(ctx, sink->slots, 0);
    if (sink->path)
        ctx->host->mem(ctx, sink->path, 0);
    http_free(&sink->http);
    bytes_free(ctx, &sink->index_name);
    bytes_free(ctx, &sink->index_json);
    bytes_free(ctx, &sink->shard_json);
    bytes_free(ctx, &sink->head);
    ctx->host->mem(ctx, sink, 0);
}

/* status keeps each item's place; without it successful items would vanish and with them the count. */
static void make_path(struct es_sink *sink)
{
    static const char hex[] = "0123456789ABCDEF";
    struct es_bytes path = {NULL, 0, 0};
    const char *p = sink->conf->pipeline;
    bytes_text(sink->ctx, &path,
               "/_bulk?filter_path=errors,took,items.*.status,items.*.error.type,items.*.error.reason,"
               "items.*.failure_store");
    if (p)
        bytes_text(sink->ctx, &path, "&pipeline=");
    for (; p && *p; p++) {
        unsigned char c = (unsigned char)*p;
        char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_';
        bytes_add(sink->ctx, &path, plain ? p : escaped, plain ? 1 : 3);
    }
    bytes_add(sink->ctx, &path, "", 1);
    sink->path = path.p;
}

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    const struct weir_instance *me = ctx->host->instance(ctx);
    uint32_t n = me->in_flight > 0 ? me->in_flight : 1;
    struct es_sink *sink = ctx->host->mem(ctx, NULL, sizeof *sink);
    memset(sink, 0, sizeof *sink);
    sink->ctx = ctx;
    sink->conf = conf;
    sink->op = sink_op(conf);
    sink->tombstone = sink_tombstone(conf);
    sink->beside = 128;
    sink->body_keep = me->batch_bytes > 0 ? 4 * me->batch_bytes : 4 << 20;
    sink->slots = ctx->host->mem(ctx, NULL, n * sizeof *sink->slots);
    memset(sink->slots, 0, n * sizeof *sink->slots);
    sink->n_slots = n;
    make_path(sink);
    for (uint32_t i = 0; i < n; i++) {
        sink->slots[i].sink = sink;
        if (!call_init(&sink->slots[i].call, ctx, &sink->conf->es)) {
            sink_destroy(sink);
            return weir_fail(ctx, WEIR_FATAL, 0, "libcurl gives no handle: no memory");
        }
    }
    *self = sink;
    return WEIR_OK;
}

/* Nothing is asked here: the first batch tells whether the server answers, and the host retries that anyway. */
static int sink_open(void *self)
{
    struct es_sink *sink = self;
    if (!http_init(&sink->http, sink->ctx, &sink->conf->es))
        return weir_fail(sink->ctx, WEIR_RETRY, 0, "libcurl gives no handle: no memory");
    http_warn(sink->ctx, &sink->conf->es);
    return WEIR_OK;
}

static void sink_close(void *self)
{
    struct es_sink *sink = self;
    for (uint32_t i = 0; i < sink->n_slots; i++) {
        struct es_slot *slot = &sink->slots[i];
        http_cancel(&sink->http, &slot->call);
        outcome_clear(sink->ctx, &slot->out);
        slot->batch = NULL;
    }
    sink->n_busy = 0;
    http_free(&sink->http);
}

/* ---- batches -------------------------------------------------------------------------------------------------- */
static void finish(struct es_slot *slot)
{
    struct es_sink *sink = slot->sink;
    struct weir_batch *batch = slot->batch;
    slot->batch = NULL;
    sink->n_busy--;
    bytes_clear(sink->ctx, &slot->body, sink->body_keep);
    outcome_complete(sink->ctx, &slot->out, batch);
}

static void on_done(struct es_call *call)
{
    struct es_slot *slot = call->owner;
    size_t len;
    reply_judge(slot);
    if (call->reply_cap > 1 << 18)
        free(call_take_reply(call, &len));
    finish(slot);
}

static struct es_slot *free_slot(struct es_sink *sink)
{
    for (uint32_t i = 0; i < sink->n_slots; i++)
        if (!sink->slots[i].batch)
            return &sink->slots[i];
    return NULL;
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct es_sink *sink = self;
    struct es_slot *slot = free_slot(sink);
    struct es_request req = {ES_POST, sink->path, "application/x-ndjson", {NULL, 0}};
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    int rc;
    if (!slot)
        return WEIR_AGAIN;
    rc = sink->ctx->host->view(sink->ctx, batch, &view);
    if (rc != WEIR_OK)
        return rc;
    slot->batch = batch;
    slot->attempt = view.attempt;
    sink->n_busy++;
    bulk_compose(sink, slot, &view);
    if (slot->items == 0) {
        finish(slot);
        return WEIR_OK;
    }
    req.body = (struct weir_slice){slot->body.p, slot->body.len};
    slot->call.owner = slot;
    slot->call.done = on_done;
    /* A successful item takes about 25 bytes of the answer, a failed one some hundreds. */
    slot->call.reply_max = (1u << 20) + (size_t)slot->items * 1024;
    http_send(&sink->http, &slot->call, &req);
    http_run(&sink->http);
    return WEIR_OK;
}

static int sink_service(void *self, uint32_t why)
{
    struct es_sink *sink = self;
    (void)why;
    http_run(&sink->http);
    return WEIR_OK;
}

const struct weir_ops es_sink_ops = {
    .struct_size = sizeof es_sink_ops,
    .kind = WEIR_SINK,
    .promises = 0,
    .options = &sink_options,
    .metrics = &es_metrics,
    .promise = sink_promise,
    .check = sink_check,
    .probe = sink_probe,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .service = sink_service,
    .close = sink_close,
    .destroy = sink_destroy,
    .errors = &es_errors,
};
