/* SPDX-License-Identifier: BSD-2-Clause */
/* produce.c - records to messages, delivery reports to results.
 *
 * Home thread.  A payload is not copied: the batch keeps it until its last report came.  A message's opaque is its
 * slot and index, so nothing is allocated per record but by librdkafka; only records that fail get an entry. */
#include "sink.h"

#include <inttypes.h>

enum sent { SENT, FULL, FAILED };

/* ---- results ------------------------------------------------------------------------------------------------- */
static void slot_fail(struct kafka_sink *s, struct kafka_slot *slot, uint32_t index, int32_t status,
                      uint32_t code, const char *type, const char *why, bool copy)
{
    if (slot->n_failures == slot->cap_failures) {
        slot->cap_failures = slot->cap_failures ? slot->cap_failures * 2 : 16;
        slot->failures =
            s->ctx->host->mem(s->ctx, slot->failures, slot->cap_failures * sizeof *slot->failures);
    }
    struct kafka_failure *f = &slot->failures[slot->n_failures++];
    memset(f, 0, sizeof *f);
    if (copy) {
        size_t size = strlen(why) + 1;
        f->text = s->ctx->host->mem(s->ctx, NULL, size);
        memcpy(f->text, why, size);
        why = f->text;
    }
    f->result.index = index;
    f->result.status = status;
    f->result.code = code;
    f->result.type = type;
    f->result.why = why;
}

void kafka_slot_free(struct kafka_sink *s, struct kafka_slot *slot)
{
    for (uint32_t i = 0; i < slot->n_failures; i++)
        if (slot->failures[i].text)
            s->ctx->host->mem(s->ctx, slot->failures[i].text, 0);
    slot->n_failures = 0;
    if (slot->batch)
        s->n_used--;
    slot->batch = NULL;
}

static void slot_finish(struct kafka_sink *s, struct kafka_slot *slot)
{
    if (slot->open > 0 || slot->sent < slot->view.count)
        return;
    if (s->lone > 0)
        s->lone--;
    uint32_t n = s->txn.voided ? 0 : slot->n_failures; /* what was rejected comes again too */
    (void)s->ctx->host->complete(s->ctx, slot->batch, slot->failures ? &slot->failures->result : NULL, n,
                                 sizeof *slot->failures);
    kafka_slot_free(s, slot);
    if (s->n_used == 0 && s->holding) {
        s->holding = false;
        s->ctx->host->wake(s->ctx);
    }
}

/* ---- errors -------------------------------------------------------------------------------------------------- */
const struct weir_error *kafka_produce_class(const struct kafka_sink *s, rd_kafka_resp_err_t err,
                                             const char *text)
{
    const struct weir_fault fault = {
        sizeof fault, (uint32_t)(int32_t)err, 0, 0, weir_str(rd_kafka_err2name(err)), weir_str(text)};
    return s->ctx->host->classify(s->ctx, &fault);
}

/* Too large for the broker.  Messages up to batch.size may have been sent together with others and be innocent. */
static int32_t too_large(struct kafka_sink *s, const struct kafka_slot *slot, const rd_kafka_message_t *m)
{
    if (!m || m->len + m->key_len > s->batch_size || (slot->view.count == 1 && s->n_used == 1))
        return WEIR_REJECT;
    s->lone = KAFKA_LONE;
    kafka_limit_forget(s);
    return slot->view.count == 1 ? WEIR_RETRY : WEIR_SPLIT;
}

/* m NULL: the client refused it. */
static void record_failed(struct kafka_sink *s, struct kafka_slot *slot, uint32_t index,
                          rd_kafka_resp_err_t err, const rd_kafka_message_t *m)
{
    char why[512];
    if (s->txn.on && kafka_txn_failed(s, weir_record_at(&slot->view, index), err, m))
        return;
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(s->rk, why, sizeof why);
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        s->restart = true;
        err = fatal;
    }
    const struct weir_error *row = kafka_produce_class(s, err, rd_kafka_err2str(err));
    int32_t status = row->means == WEIR_CLASS_SPLIT
                         ? too_large(s, slot, m)
                         : weir_error_status(row, slot->view.attempt, slot->view.count);
    slot_fail(s, slot, index, status, status == WEIR_OK ? WEIR_DUPLICATE : (uint32_t)(int32_t)err,
              rd_kafka_err2name(err), rd_kafka_err2str(err), false);
    slot->failures[slot->n_failures - 1].result.retry_after_ms = status == WEIR_RETRY ? row->pause_ms : 0;
    if (status != WEIR_REJECT && status != WEIR_OK && !s->holding && !s->txn.on) {
        s->healthy = false;
        kafka_error_record(s->ctx, err, m);
        kafka_produce_hold(s);
    } else if (status == WEIR_REJECT && kafka_error_health(err) != 0) {
        s->healthy = false;
        kafka_error_record(s->ctx, err, m);
    }
}

void kafka_produce_hold(struct kafka_sink *s)
{
    uint32_t open = 0;
    s->holding = true;
    for (uint32_t i = 0; i < s->n_slots; i++)
        open += s->slots[i].open;
    if (open == 0)
        return; /* a purge that finds nothing may still meet what is written next */
    /* What librdkafka still has and did not send comes back as a report, so it can not overtake. */
    (void)rd_kafka_purge(s->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

/* Ends the batches that wait, as retries; they follow a record that failed. */
static void queue_give_back(struct kafka_sink *s)
{
    while (s->queue_count > 0) {
        struct kafka_slot *slot = &s->slots[s->queue[s->queue_head]];
        s->queue_head = (s->queue_head + 1) % s->n_slots;
        s->queue_count--;
        for (; slot->sent < slot->view.count; slot->sent++)
            slot_fail(s, slot, slot->sent, WEIR_RETRY, 0, NULL,
                      "not sent: an earlier record has to be sent first", false);
        slot_finish(s, slot);
    }
}

/* The transaction is void: batches that wait are not written. */
static void queue_void(struct kafka_sink *s)
{
    while (s->queue_count > 0) {
        struct kafka_slot *slot = &s->slots[s->queue[s->queue_head]];
        s->queue_head = (s->queue_head + 1) % s->n_slots;
        s->queue_count--;
        slot->sent = slot->view.count;
        slot_finish(s, slot);
    }
}

/* ---- topics -------------------------------------------------------------------------------------------------- */
void kafka_produce_forget_topics(struct kafka_sink *s)
{
    for (uint32_t i = 0; i < s->n_topics; i++) {
        rd_kafka_topic_destroy(s->topics[i].rkt);
        s->ctx->host->mem(s->ctx, s->topics[i].name, 0);
    }
    s->n_topics = s->last_topic = 0;
}

static bool handle_is(const struct kafka_handle *h, struct weir_slice name)
{
    return h->len == name.len && memcmp(h->name, name.ptr, name.len) == 0;
}

/* Makes a handle, in place of the one not used for longest when there are enough. */
static rd_kafka_topic_t *handle_new(struct kafka_sink *s, struct weir_slice name)
{
    uint32_t at = s->n_topics;
    char text[256];
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(s->rk, text, NULL);
    if (!rkt)
        return NULL;
    if (at == KAFKA_TOPICS_MAX) {
        at = 0;
        for (uint32_t i = 1; i < s->n_topics; i++)
            if (s->topics[i].used < s->topics[at].used)
                at = i;
        rd_kafka_topic_destroy(s->topics[at].rkt);
        s->ctx->host->mem(s->ctx, s->topics[at].name, 0);
    } else {
        s->n_topics++;
    }
    struct kafka_handle *h = &s->topics[at];
    h->name = s->ctx->host->mem(s->ctx, NULL, name.len + 1);
    memcpy(h->name, text, name.len + 1);
    h->len = name.len;
    h->rkt = rkt;
    h->limit = KAFKA_LIMIT_NEW;
    h->used = ++s->uses;
    s->last_topic = at;
    return rkt;
}

/* NULL: the name is not legal, or librdkafka refuses it. */
static rd_kafka_topic_t *handle_of(struct kafka_sink *s, struct weir_slice name)
{
    if (s->n_topics > 0 && handle_is(&s->topics[s->last_topic], name))
        return s->topics[s->last_topic].rkt;
    for (uint32_t i = 0; i < s->n_topics; i++)
        if (handle_is(&s->topics[i], name)) {
            s->last_topic = i;
            s->topics[i].used = ++s->uses;
            return s->topics[i].rkt;
        }
    return kafka_conf_topic_legal(name) ? handle_new(s, name) : NULL;
}

/* ---- one record ---------------------------------------------------------------------------------------------- */
static bool partition_of(struct weir_slice text, int32_t *ret)
{
    int64_t n = 0;
    const char *c = text.ptr;
    if (text.len == 0 || text.len > 10)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (c[i] < '0' || c[i] > '9')
            return false;
        n = n * 10 + (c[i] - '0');
    }
    *ret = (int32_t)n;
    return n <= INT32_MAX;
}

struct message {
    struct weir_slice topic, key;
    int32_t partition;
};

/* Renders the templates.  False: the record has its result. */
static bool message_render(struct kafka_sink *s, struct kafka_slot *slot, const struct weir_record *r,
                           struct message *m)
{
    const struct kafka_sink_conf *c = s->conf;
    struct weir_ctx *ctx = s->ctx;
    struct weir_slice text;
    const char *why = "";
    int status = WEIR_OK;
    m->topic = r->topic;
    m->key = r->key;
    m->partition = RD_KAFKA_PARTITION_UA;
    if (c->topic)
        status = ctx->host->render(ctx, c->topic, slot->batch, slot->sent, &m->topic, &why);
    if (status == WEIR_OK && c->key)
        status = ctx->host->render(ctx, c->key, slot->batch, slot->sent, &m->key, &why);
    if (status == WEIR_OK && c->partition) {
        status = ctx->host->render(ctx, c->partition, slot->batch, slot->sent, &text, &why);
        if (status == WEIR_OK && !partition_of(text, &m->partition)) {
            status = WEIR_REJECT;
            why = "partition: not a number from 0 to 2147483647";
        }
    }
    if (status == WEIR_OK)
        return true;
    slot_fail(s, slot, slot->sent, WEIR_REJECT, 0, "template", why ? why : "a template can not be rendered",
              true);
    return false;
}

static rd_kafka_headers_t *message_headers(const struct weir_record *r)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(r->n_headers);
    for (uint32_t i = 0; i < r->n_headers; i++)
        (void)rd_kafka_header_add(headers, r->headers[i].name.ptr, (ssize_t)r->headers[i].name.len,
                                  r->headers[i].value.ptr, (ssize_t)r->headers[i].value.len);
    return headers;
}

static rd_kafka_resp_err_t message_send(struct kafka_sink *s, struct kafka_slot *slot,
                                        const struct weir_record *r, const struct message *m,
                                        rd_kafka_topic_t *rkt)
{
    rd_kafka_vu_t v[8];
    size_t n = 0;
    rd_kafka_headers_t *headers = NULL;
    uintptr_t opaque = (uintptr_t)(slot - s->slots) << 24 | slot->sent;
    v[n].vtype = RD_KAFKA_VTYPE_RKT;
    v[n++].u.rkt = rkt;
    v[n].vtype = RD_KAFKA_VTYPE_PARTITION;
    v[n++].u.i32 = m->partition;
    v[n].vtype = RD_KAFKA_VTYPE_VALUE;
    v[n].u.mem.ptr = (void *)(uintptr_t)r->value.ptr;
    v[n++].u.mem.size = r->value.len;
    v[n].vtype = RD_KAFKA_VTYPE_KEY;
    v[n].u.mem.ptr = (void *)(uintptr_t)m->key.ptr;
    v[n++].u.mem.size = m->key.len;
    v[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
    v[n++].u.ptr = (void *)opaque;
    v[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS; /* neither COPY nor FREE: the batch keeps the value */
    v[n++].u.i = 0;
    if (s->conf->timestamp == KAFKA_TIME_KEEP && r->time_ms != WEIR_NO_TIME) {
        v[n].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
        v[n++].u.i64 = r->time_ms;
    }
    if (r->n_headers > 0 && s->conf->headers == KAFKA_HEADERS_KEEP) {
        headers = message_headers(r);
        v[n].vtype = RD_KAFKA_VTYPE_HEADERS;
        v[n++].u.headers = headers;
    }
    rd_kafka_error_t *e = rd_kafka_produceva(s->rk, v, n);
    if (!e)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t err = rd_kafka_error_code(e);
    rd_kafka_error_destroy(e);
    if (headers)
        rd_kafka_headers_destroy(
            headers); /* a list of ours stays ours; only single ones were freed twice (#4627) */
    return err;
}

/* A client with a smaller batch.size takes over, before a record of that topic is sent. */
static enum sent smaller(struct kafka_sink *s, struct kafka_slot *slot)
{
    char why[160];
    (void)snprintf(why, sizeof why,
                   "topic %s takes requests of %zu bytes at most, the producer begins again with that",
                   s->topics[s->last_topic].name, s->topics[s->last_topic].most);
    if (s->txn.on) {
        s->txn.dead = true;
        kafka_txn_void(s, why);
        return FAILED;
    }
    weir_logf(s->ctx, WEIR_LOG_INFO, "%s", why);
    slot_fail(s, slot, slot->sent, WEIR_RETRY, 0, NULL, "not sent: the producer begins again", false);
    s->restart = true;
    kafka_produce_hold(s);
    return FAILED;
}

static enum sent record_send(struct kafka_sink *s, struct kafka_slot *slot)
{
    const struct weir_record *r = weir_record_at(&slot->view, slot->sent);
    struct message m;
    if (!r->value.ptr && s->conf->tombstone == KAFKA_TOMBSTONE_DROP)
        return FAILED; /* nothing to send, nothing to report */
    if (!r->value.ptr && s->conf->tombstone == KAFKA_TOMBSTONE_REJECT) {
        slot_fail(s, slot, slot->sent, WEIR_REJECT, 0, "tombstone",
                  "the record is a tombstone (tombstone = reject)", false);
        return FAILED;
    }
    if (!message_render(s, slot, r, &m))
        return FAILED;
    rd_kafka_topic_t *rkt = handle_of(s, m.topic);
    if (!rkt) {
        char why[384];
        (void)snprintf(why, sizeof why, "\"%.*s\" is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -",
                       (int)(m.topic.len < 256 ? m.topic.len : 256), (const char *)m.topic.ptr);
        slot_fail(s, slot, slot->sent, WEIR_REJECT, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "topic", why, true);
        return FAILED;
    }
    switch (kafka_limit_fits(s, &s->topics[s->last_topic], r, m.key)) {
    case KAFKA_WAITS:
        return FULL;
    case KAFKA_NEEDS_SMALLER:
        return smaller(s, slot);
    case KAFKA_TOO_LARGE:
        record_failed(s, slot, slot->sent, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, NULL);
        return FAILED;
    case KAFKA_FITS:
        break;
    }
    if (s->txn.on && kafka_txn_poison(s, r) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        record_failed(s, slot, slot->sent, kafka_txn_poison(s, r), NULL);
        return FAILED;
    }
    if (s->txn.on && !kafka_txn_begin(s))
        return FAILED; /* void, or fenced: it is told */
    rd_kafka_resp_err_t err = message_send(s, slot, r, &m, rkt);
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL && s->n_used == 1 && slot->open == 0)
        err = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE; /* it would never fit */
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return FULL;
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SENT;
    record_failed(s, slot, slot->sent, err, NULL);
    return FAILED;
}

/* ---- batches ------------------------------------------------------------------------------------------------- */
void kafka_produce_more(struct kafka_sink *s)
{
    while (s->queue_count > 0 && !s->holding && !s->txn.voided && !s->txn.fenced) {
        struct kafka_slot *slot = &s->slots[s->queue[s->queue_head]];
        while (slot->sent < slot->view.count && !s->holding && !s->txn.voided && !s->txn.fenced) {
            enum sent sent = record_send(s, slot);
            if (sent == FULL)
                return; /* goes on when reports made room */
            slot->open += sent == SENT;
            slot->sent++;
        }
        if (s->holding || s->txn.voided || s->txn.fenced)
            break;
        s->queue_head = (s->queue_head + 1) % s->n_slots;
        s->queue_count--;
        slot_finish(s, slot);
    }
    if (s->holding)
        queue_give_back(s);
    else if (s->txn.voided)
        queue_void(s);
}

void kafka_produce_end(struct kafka_sink *s)
{
    queue_void(s);
    for (uint32_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].batch) {
            s->slots[i].open = 0;
            slot_finish(s, &s->slots[i]);
        }
}

static void report(struct kafka_sink *s, const rd_kafka_message_t *m)
{
    uintptr_t opaque = (uintptr_t)m->_private;
    struct kafka_slot *slot = &s->slots[opaque >> 24];
    uint32_t index = (uint32_t)(opaque & KAFKA_INDEX_MAX);
    slot->open--;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        record_failed(s, slot, index, m->err, m);
    else
        kafka_sink_up(s);
    slot_finish(s, slot);
}

void kafka_produce_reports(struct kafka_sink *s, rd_kafka_event_t *ev)
{
    const rd_kafka_message_t *m;
    uint64_t bytes = 0;
    bool full = kafka_window_full(s), sent = true;
    while ((m = rd_kafka_event_message_next(ev))) {
        bytes += m->len + m->key_len;
        sent &= m->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        report(s, m);
    }
    if (full && sent)
        kafka_window_answered(s, bytes);
}
