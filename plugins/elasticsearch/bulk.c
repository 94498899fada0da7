/* SPDX-License-Identifier: BSD-2-Clause */
/* bulk.c - the NDJSON body of a bulk request, made in one pass from a batch.
 *
 * What the server would answer with an error for the whole request, or would take for another action (a line feed
 * inside a document), is found here and costs that record alone.  Thread: the home thread of the instance. */
#include "es.h"

static int refuse(struct es_sink *sink, const char *why)
{
    snprintf(sink->why, sizeof sink->why, "%s", why);
    return WEIR_REJECT;
}

const char *bulk_index_wrong(const char *p, size_t n)
{
    if (n == 0)
        return "the index name is empty";
    if (n > ES_INDEX_MAX)
        return "the index name is longer than 255 bytes";
    if (p[0] == '-' || p[0] == '_' || p[0] == '+')
        return "the index name starts with -, _ or +";
    if (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.')))
        return "the index name is . or ..";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c >= 'A' && c <= 'Z')
            return "the index name holds an upper-case letter";
        if (c <= ' ' || c == 0x7f || strchr("\\/*?\"<>|,#:", c))
            return "the index name holds one of \\ / * ? \" < > | , # : or a space";
    }
    return NULL;
}

/* Index names come in rows of the same: looked at and escaped when they change. */
static int set_index(struct es_sink *sink, const struct weir_batch *batch, uint32_t i)
{
    struct es_bytes *name = &sink->index_name, *json = &sink->index_json;
    struct weir_slice index;
    const char *why = NULL;
    int rc = sink->ctx->host->render(sink->ctx, sink->conf->index, batch, i, &index, &why);
    if (rc != WEIR_OK)
        return refuse(sink, why ? why : "index cannot be made for this record");
    if (json->len > 0 && name->len == index.len && memcmp(name->p, index.ptr, index.len) == 0)
        return WEIR_OK;
    name->len = json->len = sink->head.len = 0;
    why = bulk_index_wrong(index.ptr, index.len);
    if (why) {
        snprintf(sink->why, sizeof sink->why, "%s: \"%.*s\"", why, (int)(index.len < 100 ? index.len : 100),
                 (const char *)index.ptr);
        return WEIR_REJECT;
    }
    bytes_add(sink->ctx, name, index.ptr, index.len);
    if (!bytes_quote(sink->ctx, json, index.ptr, index.len)) {
        json->len = 0;
        return refuse(sink, "the index name is not UTF-8");
    }
    return WEIR_OK;
}

static int put_id(struct es_sink *sink, struct es_bytes *body, const void *p, size_t n)
{
    char shorter[ES_ID_MAX];
    if (n == 0)
        return refuse(sink, "id is empty");
    if (n > ES_ID_MAX) {
        n = id_shorten(p, n, shorter);
        p = shorter;
    }
    return bytes_quote(sink->ctx, body, p, n) ? WEIR_OK : refuse(sink, "id is not UTF-8");
}

/* The part of the identity that all records of a shard share: topic+partition+ or shard- */
static void set_shard(struct es_sink *sink, const struct weir_shard *shard)
{
    struct es_bytes *json = &sink->shard_json;
    struct es_bytes text = {NULL, 0, 0};
    bool numbered = shard->partition >= 0 && shard->topic.len > 0;
    struct weir_slice name = numbered ? shard->topic : shard->id;
    bytes_add(sink->ctx, &text, name.ptr, name.len);
    if (numbered) {
        bytes_text(sink->ctx, &text, "+");
        bytes_number(sink->ctx, &text, (uint64_t)shard->partition);
    }
    bytes_text(sink->ctx, &text, numbered ? "+" : "-");
    json->len = 0;
    sink->shard = shard;
    sink->shard_len = text.len;
    if (!bytes_quote(sink->ctx, json, text.p, text.len)) {
        char hash[64];
        sha256_hex(text.p, text.len, hash);
        sink->shard_len = 65;
        bytes_text(sink->ctx, json, "\"");
        bytes_add(sink->ctx, json, hash, sizeof hash);
        bytes_text(sink->ctx, json, "-\"");
    }
    json->len--; /* the number stands before the closing quote */
    bytes_free(sink->ctx, &text);
}

#define ID_NUMBERS 31 /* 20 digits, a plus, 10 digits */

static int put_identity(struct es_sink *sink, struct es_bytes *body, const struct weir_record *r)
{
    struct weir_ctx *ctx = sink->ctx;
    size_t start = body->len;
    if (!r->shard)
        return refuse(sink, "the record has no identity; set id");
    if (r->shard != sink->shard)
        set_shard(sink, r->shard);
    bytes_add(ctx, body, sink->shard_json.p, sink->shard_json.len);
    bytes_number(ctx, body, r->seq);
    if (r->sub > 0) {
        bytes_text(ctx, body, "+");
        bytes_number(ctx, body, r->sub);
    }
    if (sink->shard_len + ID_NUMBERS > ES_ID_MAX) { /* the hash is of the escaped form: as stable, and rare */
        char shorter[ES_ID_MAX];
        struct es_bytes copy = {NULL, 0, 0};
        int rc;
        bytes_add(ctx, &copy, body->p + start + 1, body->len - start - 1);
        body->len = start;
        rc = put_id(sink, body, shorter, id_shorten(copy.p, copy.len, shorter));
        bytes_free(ctx, &copy);
        return rc;
    }
    bytes_text(ctx, body, "\"");
    return WEIR_OK;
}

static int put_version(struct es_sink *sink, struct es_bytes *body, const struct weir_batch *batch,
                       uint32_t i)
{
    static const char most[] = "9223372036854775807";
    struct weir_slice v;
    const char *why = NULL;
    size_t zeros = 0, digits = 0;
    if (sink->ctx->host->render(sink->ctx, sink->conf->version, batch, i, &v, &why) != WEIR_OK)
        return refuse(sink, why ? why : "version cannot be made for this record");
    while (zeros + 1 < v.len && ((const char *)v.ptr)[zeros] == '0')
        zeros++;
    v = (struct weir_slice){(const char *)v.ptr + zeros, v.len - zeros};
    while (digits < v.len && ((const char *)v.ptr)[digits] >= '0' && ((const char *)v.ptr)[digits] <= '9')
        digits++;
    if (v.len == 0 || digits < v.len || v.len > 19 || (v.len == 19 && memcmp(v.ptr, most, 19) > 0)) {
        snprintf(sink->why, sizeof sink->why, "version is no number from 0 to %s: \"%.*s\"", most,
                 (int)(v.len < 40 ? v.len : 40), (const char *)v.ptr);
        return WEIR_REJECT;
    }
    bytes_text(sink->ctx, body, ",\"version\":");
    bytes_add(sink->ctx, body, v.ptr, v.len);
    bytes_text(sink->ctx, body, ",\"version_type\":\"external\"");
    return WEIR_OK;
}

static int put_routing(struct es_sink *sink, struct es_bytes *body, const struct weir_batch *batch,
                       uint32_t i)
{
    struct weir_slice routing;
    const char *why = NULL;
    if (sink->ctx->host->render(sink->ctx, sink->conf->routing, batch, i, &routing, &why) != WEIR_OK)
        return refuse(sink, why ? why : "routing cannot be made for this record");
    if (routing.len == 0 || routing.len > ES_ID_MAX)
        return refuse(sink, "routing is empty or longer than 512 bytes");
    bytes_text(sink->ctx, body, ",\"routing\":");
    return bytes_quote(sink->ctx, body, routing.ptr, routing.len) ? WEIR_OK
                                                                  : refuse(sink, "routing is not UTF-8");
}

/* The start of an action is the same as long as the operation and the index are. */
static void set_head(struct es_sink *sink, int op)
{
    static const char *const start[] = {[ES_INDEX] = "{\"index\":{\"_index\":",
                                        [ES_CREATE] = "{\"create\":{\"_index\":",
                                        [ES_UPDATE] = "{\"update\":{\"retry_on_conflict\":3,\"_index\":",
                                        [ES_UPSERT] = "{\"update\":{\"retry_on_conflict\":3,\"_index\":",
                                        [ES_REMOVE] = "{\"delete\":{\"_index\":"};
    sink->head.len = 0;
    sink->head_op = op;
    bytes_text(sink->ctx, &sink->head, start[op]);
    bytes_add(sink->ctx, &sink->head, sink->index_json.p, sink->index_json.len);
    bytes_text(sink->ctx, &sink->head, ",\"_id\":");
}

/* The line that says what to do. */
static int put_action(struct es_sink *sink, struct es_bytes *body, const struct weir_batch *batch, uint32_t i,
                      const struct weir_record *r, int op)
{
    struct weir_slice id;
    const char *why = NULL;
    int rc = set_index(sink, batch, i);
    if (rc != WEIR_OK)
        return rc;
    if (sink->head.len == 0 || sink->head_op != op)
        set_head(sink, op);
    bytes_add(sink->ctx, body, sink->head.p, sink->head.len);
    if (!sink->conf->id)
        rc = put_identity(sink, body, r);
    else if (sink->ctx->host->render(sink->ctx, sink->conf->id, batch, i, &id, &why) == WEIR_OK)
        rc = put_id(sink, body, id.ptr, id.len);
    else
        rc = refuse(sink, why ? why : "id cannot be made for this record");
    if (rc == WEIR_OK && sink->conf->routing)
        rc = put_routing(sink, body, batch, i);
    if (rc == WEIR_OK && sink->conf->version)
        rc = put_version(sink, body, batch, i);
    bytes_text(sink->ctx, body, "}}\n");
    return rc;
}

/* A JSON object is copied as it is; one of several lines loses the line feeds between its tokens. */
static int put_json(struct es_sink *sink, struct es_bytes *body, const struct weir_batch *batch, uint32_t i,
                    struct weir_slice value)
{
    uint32_t type = WEIR_JSON_MISSING, multiline = 0;
    const char *why = NULL;
    if (sink->ctx->host->json_check(sink->ctx, batch, i, &type, &multiline, &why) != WEIR_OK) {
        snprintf(sink->why, sizeof sink->why, "the value is not JSON: %s", why ? why : "unreadable");
        return WEIR_REJECT;
    }
    if (type != WEIR_JSON_OBJECT)
        return refuse(sink, "the value is JSON but not an object; payload = wrap or record takes it");
    bytes_reserve(sink->ctx, body, value.len);
    /* Looked for here too: a line feed that got through would make one document into actions of its own. */
    if (multiline || memchr(value.ptr, '\n', value.len) || memchr(value.ptr, '\r', value.len)) {
        body->len += sink->ctx->host->json_minify(sink->ctx, body->p + body->len, value);
    } else {
        memcpy(body->p + body->len, value.ptr, value.len);
        body->len += value.len;
    }
    return WEIR_OK;
}

static int put_payload(struct es_sink *sink, struct es_bytes *body, const struct weir_batch *batch,
                       uint32_t i, const struct weir_record *r)
{
    struct weir_slice line;
    switch (sink->conf->payload) {
    case ES_PAYLOAD_JSON:
        if (!r->value.ptr)
            return refuse(sink, "a tombstone cannot be a document");
        return put_json(sink, body, batch, i, r->value);
    case ES_PAYLOAD_WRAP:
        bytes_text(sink->ctx, body, "{\"message\":");
        if (!r->value.ptr)
            bytes_text(sink->ctx, body, "null");
        else if (!bytes_quote(sink->ctx, body, r->value.ptr, r->value.len))
            return refuse(sink, "the value is not UTF-8; payload = record takes any bytes");
        bytes_text(sink->ctx, body, "}");
        return WEIR_OK;
    default:
        if (sink->ctx->host->record_print(sink->ctx, batch, i, &line) != WEIR_OK)
            return refuse(sink, "the record cannot be printed");
        bytes_add(sink->ctx, body, line.ptr, line.len);
        return WEIR_OK;
    }
}

static int put_document(struct es_sink *sink, struct es_bytes *body, const struct weir_batch *batch,
                        uint32_t i, const struct weir_record *r, int op)
{
    int rc;
    if (op == ES_UPDATE || op == ES_UPSERT)
        bytes_text(sink->ctx, body, "{\"doc\":");
    rc = put_payload(sink, body, batch, i, r);
    if (op == ES_UPDATE)
        bytes_text(sink->ctx, body, "}");
    else if (op == ES_UPSERT)
        bytes_text(sink->ctx, body, ",\"doc_as_upsert\":true}");
    bytes_text(sink->ctx, body, "\n");
    return rc;
}

/* Returns WEIR_AGAIN when there is nothing to send for the record. */
static int put_record(struct es_sink *sink, struct es_bytes *body, const struct weir_batch *batch, uint32_t i,
                      const struct weir_record *r)
{
    int op = sink->op, rc;
    if (!r->value.ptr && op != ES_REMOVE) {
        switch (sink->tombstone) {
        case ES_TOMB_DELETE:
            op = ES_REMOVE;
            break;
        case ES_TOMB_DROP:
            return WEIR_AGAIN;
        case ES_TOMB_REJECT:
            return refuse(sink, "a tombstone; tombstone = delete, with an id, or drop says what it means");
        default:
            break;
        }
    }
    rc = put_action(sink, body, batch, i, r, op);
    if (rc == WEIR_OK && op != ES_REMOVE)
        rc = put_document(sink, body, batch, i, r, op);
    return rc;
}

#define BULK_SPARE 8 /* ids grow */

void bulk_compose(struct es_sink *sink, struct es_slot *slot, const struct weir_view *view)
{
    struct es_bytes *body = &slot->body;
    if (slot->records_cap < view->count) {
        slot->records = sink->ctx->host->mem(sink->ctx, slot->records, view->count * sizeof *slot->records);
        slot->records_cap = view->count;
    }
    bytes_begin(sink->ctx, body, (size_t)view->bytes + view->count * sink->beside);
    slot->items = 0;
    sink->shard = NULL; /* it may be gone, and another one be where it was */
    for (uint32_t i = 0; i < view->count; i++) {
        size_t start = body->len;
        int rc = put_record(sink, body, slot->batch, i, weir_record_at(view, i));
        if (rc == WEIR_OK) {
            slot->records[slot->items++] = i;
            continue;
        }
        body->len = start; /* half an action is none */
        if (rc == WEIR_REJECT)
            outcome_add(sink->ctx, &slot->out, &(struct es_outcome){.index = i, .status = WEIR_REJECT},
                        weir_str("refused_by_weir"), weir_str(sink->why));
    }
    if (view->count > 0 && body->len > view->bytes && (body->len - view->bytes) / view->count >= sink->beside)
        sink->beside = (size_t)(body->len - view->bytes) / view->count + BULK_SPARE;
}
