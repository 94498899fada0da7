/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - the Kafka sink: the idempotent producer, its events, the batches lent to it.
 *
 * Home thread.  Reports and errors come on one queue whose descriptor the host watches; nothing here blocks but the
 * end.  See sink.h for the parts. */
#include "sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SINK_EVENTS_MAX 1000
#define TXN_TIMEOUT     60000              /* transaction.timeout.ms unless `commit` asks for more */
#define TXN_TIMEOUT_MAX 900000             /* what brokers take at most, unless told otherwise */
#define SINK_MESSAGE    (64 * 1024 * 1024) /* what a broker may take at most; it says when it takes less */

static int sink_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct kafka_sink_conf *c = conf;
    kafka_conf_check(ctx, &c->access, to);
    if (c->transactional_id && c->delivery != KAFKA_EXACTLY_ONCE)
        weir_problemf(ctx, to, "transactional-id", "it is for delivery = exactly-once");
    if (c->transactional_id && c->transactional_id[0] == '\0')
        weir_problemf(ctx, to, "transactional-id", "an id is not empty");
    return WEIR_OK;
}

static const char *prop_value(const struct weir_map *map, const char *name)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].name, name) == 0)
            return map->items[i].value;
    return NULL;
}

/* What a transaction needs of the source: that its offsets can be part of it, and that it ends before its time. */
static int sink_pair(struct weir_ctx *ctx, const void *conf, const struct weir_around *around,
                     struct weir_problems *to)
{
    const struct kafka_sink_conf *c = conf;
    if (c->delivery != KAFKA_EXACTLY_ONCE)
        return WEIR_OK;
    if (strcmp(around->source, "kafka") != 0) {
        weir_problemf(
            ctx, to, "delivery",
            "exactly-once is for a kafka source on the same cluster, whose offsets become part of the "
            "transaction; the source is %s, so at-least-once is what there is",
            around->source);
        return WEIR_OK;
    }
    const struct kafka_source_conf *source = around->source_conf;
    if (source->isolation != KAFKA_READ_COMMITTED)
        weir_problemf(
            ctx, to, "delivery",
            "exactly-once needs isolation = read-committed in [source]: what is not committed there may "
            "not have been");
    const char *timeout = prop_value(&c->access.rdkafka, "transaction.timeout.ms");
    if (timeout && strtoll(timeout, NULL, 10) < 2 * around->commit_ms)
        weir_problemf(ctx, to, "rdkafka.transaction.timeout.ms",
                      "%s is too short: a transaction lasts from one commit to the next, %" PRId64
                      " ms and what the sinks need; give it twice that at least",
                      timeout, around->commit_ms);
    return WEIR_OK;
}

static uint32_t sink_promise(const void *conf)
{
    const struct kafka_sink_conf *c = conf;
    uint32_t headers = c->headers == KAFKA_HEADERS_KEEP ? 0 : WEIR_NO_HEADERS;
    if (c->delivery != KAFKA_EXACTLY_ONCE)
        return headers | WEIR_ORDERED | WEIR_IN_TURN | WEIR_STREAM;
    return headers | WEIR_ORDERED | WEIR_STREAM | WEIR_SINGLE | WEIR_BLOCKS | WEIR_COMMITS | WEIR_EXACT |
           WEIR_KEEPS_POSITION;
}

static int sink_probe(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct kafka_sink_conf *c = conf;
    kafka_conf_probe(ctx, &c->access, NULL, to);
    return WEIR_OK;
}

static void sink_destroy(void *self)
{
    struct kafka_sink *s = self;
    struct weir_ctx *ctx = s->ctx;
    kafka_txn_free(s);
    for (uint32_t i = 0; i < s->n_slots; i++) {
        kafka_slot_free(s, &s->slots[i]);
        ctx->host->mem(ctx, s->slots[i].failures, 0);
    }
    ctx->host->mem(ctx, s->slots, 0);
    ctx->host->mem(ctx, s->queue, 0);
    ctx->host->mem(ctx, s, 0);
}

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    const struct weir_host *h = ctx->host;
    struct kafka_sink *s = h->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    s->fd = -1;
    s->n_slots = KAFKA_SLOTS;
    s->slots = h->mem(ctx, NULL, s->n_slots * sizeof *s->slots);
    memset(s->slots, 0, s->n_slots * sizeof *s->slots);
    s->queue = h->mem(ctx, NULL, s->n_slots * sizeof *s->queue);
    s->txn.on = s->conf->delivery == KAFKA_EXACTLY_ONCE;
    kafka_window_begin(s);
    *self = s;
    if (kafka_txn_name(s))
        return WEIR_OK;
    sink_destroy(s);
    return weir_fail(ctx, WEIR_FATAL, 0, "the transactional id is longer than %zu bytes",
                     sizeof s->txn.id - 1);
}

/* ---- the client ---------------------------------------------------------------------------------------------- */
/* The queue of librdkafka only points into batches that are lent to us anyway, so its limits are theirs. */
static rd_kafka_conf_t *sink_conf(struct kafka_sink *s, char *why, size_t why_size)
{
    const struct weir_instance *who = s->ctx->host->instance(s->ctx);
    uint64_t kbytes = (who->batch_bytes * s->n_slots + 2u * SINK_MESSAGE) / 1024;
    uint64_t count = (uint64_t)who->batch_records * s->n_slots;
    const struct weir_around *around = who->around;
    int64_t timeout = around && around->commit_ms * 3 > TXN_TIMEOUT ? around->commit_ms * 3 : TXN_TIMEOUT;
    const struct weir_map *given = &s->conf->access.rdkafka;
    bool waits = kafka_conf_has(given, "linger.ms") || kafka_conf_has(given, "queue.buffering.max.ms");
    char client[128], queue_kbytes[24], queue_count[24], message[24], transaction[24], batch[24];
    (void)snprintf(client, sizeof client, "weir-%s", who->pipeline);
    (void)snprintf(queue_kbytes, sizeof queue_kbytes, "%" PRIu64, kbytes > 2097151 ? 2097151 : kbytes);
    (void)snprintf(queue_count, sizeof queue_count, "%" PRIu64,
                   count < 1000       ? 1000
                   : count > 10000000 ? 10000000
                                      : count);
    (void)snprintf(message, sizeof message, "%d", SINK_MESSAGE);
    (void)snprintf(transaction, sizeof transaction, "%" PRId64,
                   timeout < TXN_TIMEOUT_MAX ? timeout : TXN_TIMEOUT_MAX);
    (void)snprintf(batch, sizeof batch, "%d", KAFKA_BATCH_SIZE);
    const struct kafka_prop defaults[] = {
        {"client.id", client},
        {"acks", "all"},
        {"linger.ms", "5"},
        {s->txn.on ? "transaction.timeout.ms" : "message.timeout.ms", s->txn.on ? transaction : "0"},
        {"batch.size", batch},
        {"message.max.bytes", message},
        {"queue.buffering.max.kbytes", queue_kbytes},
        {"queue.buffering.max.messages", queue_count},
        {"partitioner", "murmur2_random"},
        {"topic.metadata.refresh.interval.ms", "10000"},
        {"socket.nagle.disable", "true"},
        {"log.connection.close", "false"},
        {"reconnect.backoff.max.ms", "2000"},
        /* the next lines go elsewhere while a request is out, see window.c; who has them wait longer wants larger ones */
        {waits ? NULL : "sticky.partitioning.linger.ms", "1"},
        {NULL, NULL},
    };
    const struct kafka_prop fixed[] = {
        {"enable.idempotence", "true"},
        {s->txn.on ? "transactional.id" : NULL, s->txn.id},
        {s->txn.alone ? "batch.num.messages" : NULL, "1"},
        {NULL, NULL},
    };
    return kafka_conf_new(s->ctx, &s->conf->access, defaults, fixed, why, why_size);
}

static int64_t conf_number(const rd_kafka_conf_t *conf, const char *name)
{
    char text[32];
    size_t size = sizeof text;
    return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK ? strtoll(text, NULL, 10) : 0;
}

static bool conf_compresses(const rd_kafka_conf_t *conf)
{
    char text[32] = "";
    size_t size = sizeof text;
    return rd_kafka_conf_get(conf, "compression.codec", text, &size) != RD_KAFKA_CONF_OK ||
           strcmp(text, "none") != 0;
}

static int sink_client(struct kafka_sink *s)
{
    static const uint64_t one = 1;
    char why[512] = "";
    rd_kafka_conf_t *conf = sink_conf(s, why, sizeof why);
    if (!conf)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "%s", why);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    s->txn.timeout_ms = conf_number(conf, "transaction.timeout.ms");
    s->batch_size = (size_t)conf_number(conf, "batch.size");
    if (s->batch_most > 0 && s->batch_most < s->batch_size) {
        char most[24];
        (void)snprintf(most, sizeof most, "%zu", s->batch_most);
        (void)rd_kafka_conf_set(conf, "batch.size", most, NULL, 0);
        s->batch_size = s->batch_most;
    }
    s->compresses = conf_compresses(conf);
    s->single = s->txn.alone > 0;
    s->rk = kafka_client_new(s->ctx, &s->conf->access, RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!s->rk)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "librdkafka: %s", why);
    s->events = rd_kafka_queue_get_main(s->rk);
    (void)rd_kafka_set_log_queue(s->rk, s->events);
    rd_kafka_queue_io_event_enable(s->events, s->fd, &one, sizeof one);
    /* It is written when the queue is no longer empty: with debug lines in it by now, it never would be. */
    s->ctx->host->wake(s->ctx);
    return WEIR_OK;
}

/* After it librdkafka touches no batch any more. */
static void sink_client_end(struct kafka_sink *s)
{
    if (!s->rk)
        return;
    kafka_produce_forget_topics(s);
    (void)rd_kafka_purge(s->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_queue_io_event_enable(s->events, -1, NULL, 0);
    rd_kafka_queue_destroy(s->events);
    kafka_client_end(s->rk, 0);
    s->rk = NULL;
    s->events = NULL;
}

static int sink_open(void *self)
{
    struct kafka_sink *s = self;
    s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->fd < 0)
        return weir_fail(s->ctx, WEIR_RETRY, (uint32_t)errno, "eventfd: %s", strerror(errno));
    int r = sink_client(s);
    if (r == WEIR_OK && s->txn.on) {
        r = kafka_txn_start(s);
        if (r != WEIR_OK)
            sink_client_end(s);
    }
    if (r == WEIR_OK) {
        s->ctx->host->watch_fd(s->ctx, s->fd, WEIR_FD_READ);
        return WEIR_OK;
    }
    (void)close(s->fd);
    s->fd = -1;
    return r;
}

static void sink_close(void *self)
{
    struct kafka_sink *s = self;
    if (s->fd < 0)
        return;
    s->ctx->host->watch_fd(s->ctx, s->fd, 0);
    kafka_txn_close(s);
    sink_client_end(s);
    for (uint32_t i = 0; i < s->n_slots; i++)
        kafka_slot_free(s, &s->slots[i]);
    s->queue_count = 0;
    s->holding = s->restart = false;
    s->restart_ms = 0;
    (void)close(s->fd);
    s->fd = -1;
}

/* ---- work ---------------------------------------------------------------------------------------------------- */
static void sink_event(struct kafka_sink *s, rd_kafka_event_t *ev)
{
    char why[512];
    const char *text;
    rd_kafka_resp_err_t err;
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_DR:
        kafka_produce_reports(s, ev);
        break;
    case RD_KAFKA_EVENT_ERROR:
        err = rd_kafka_event_error(ev);
        (void)snprintf(why, sizeof why, "%s", rd_kafka_event_error_string(ev));
        if (err == RD_KAFKA_RESP_ERR__FATAL)
            err = rd_kafka_fatal_error(s->rk, why, sizeof why);
        if (s->txn.on && rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR__FATAL) {
            kafka_txn_fatal(s, err, why);
        } else if (rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR__FATAL) {
            s->restart = true;
            kafka_produce_hold(s);
            if (kafka_produce_class(s, err, why)->pause_ms == 0)
                weir_logf(s->ctx, WEIR_LOG_WARNING, "the producer can not go on, a new one takes over: %s",
                          why);
        }
        if (kafka_error_event(s->ctx, s->rk, s->cause, sizeof s->cause, err, why))
            s->healthy = false;
        break;
    case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
        kafka_limit_event(s, ev);
        break;
    case RD_KAFKA_EVENT_LOG:
        err = kafka_error_of_log(ev, &text);
        if (kafka_error_health(err) == WEIR_DENIED) {
            s->healthy = false;
            s->txn.denied = true;
            kafka_error_tell(s->ctx, err, text);
        }
        kafka_error_log(s->ctx, ev);
        break;
    default:
        break;
    }
}

/* A dead client is replaced when all it held was reported.  Some faults a new one would meet again, and where a right
 * is missing, it comes slowly. */
static int sink_restart(struct kafka_sink *s)
{
    char why[512];
    if (!s->restart || s->n_used > 0)
        return WEIR_OK;
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(s->rk, why, sizeof why);
    const struct weir_error *row = kafka_produce_class(s, fatal, why);
    if (row->means == WEIR_CLASS_FATAL)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)(int32_t)fatal, "the producer can not go on: %s", why);
    int64_t now = s->ctx->host->mono_ms(s->ctx);
    if (s->restart_ms == 0)
        s->restart_ms = now + row->pause_ms;
    if (now < s->restart_ms) {
        s->ctx->host->wake_at(s->ctx, s->restart_ms);
        return WEIR_OK;
    }
    s->restart_ms = 0;
    sink_client_end(s);
    s->restart = s->holding = false;
    return sink_client(s);
}

int kafka_sink_renew(struct kafka_sink *s)
{
    sink_client_end(s);
    return sink_client(s);
}

void kafka_sink_up(struct kafka_sink *s)
{
    if (s->healthy)
        return;
    s->healthy = true;
    kafka_client_slow(s->rk, false);
    s->ctx->host->health(s->ctx, WEIR_UP, 0, "");
}

void kafka_sink_events(struct kafka_sink *s)
{
    uint64_t ignored;
    rd_kafka_event_t *ev;
    int i = 0;
    (void)!read(s->fd, &ignored, sizeof ignored); /* only then look at the queue */
    kafka_client_tick(s->rk);
    for (; i < SINK_EVENTS_MAX && (ev = rd_kafka_queue_poll(s->events, 0)); i++) {
        sink_event(s, ev);
        rd_kafka_event_destroy(ev);
    }
    if (i == SINK_EVENTS_MAX)
        s->ctx->host->wake(s->ctx);
}

static int sink_service(void *self, uint32_t why)
{
    struct kafka_sink *s = self;
    (void)why;
    if (!s->rk)
        return kafka_txn_status(s);
    kafka_sink_events(s);
    if (s->txn.voided && s->txn.dead) { /* it is not waited for: abort makes another one */
        sink_client_end(s);
        kafka_produce_end(s);
        return kafka_txn_status(s);
    }
    kafka_produce_more(s);
    return s->txn.on ? kafka_txn_status(s) : sink_restart(s);
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct kafka_sink *s = self;
    uint32_t at = 0;
    if (s->txn.voided) { /* it comes again, to be written then */
        (void)s->ctx->host->complete(s->ctx, batch, NULL, 0, 0);
        return WEIR_OK;
    }
    if (!s->rk || s->holding || s->restart || kafka_window_full(s) || (s->lone > 0 && s->n_used > 0))
        return WEIR_AGAIN;
    while (s->slots[at].batch)
        at++;
    struct kafka_slot *slot = &s->slots[at];
    memset(&slot->view, 0, sizeof slot->view);
    slot->view.struct_size = sizeof slot->view;
    int r = s->ctx->host->view(s->ctx, batch, &slot->view);
    if (r != WEIR_OK)
        return r;
    if (slot->view.count > KAFKA_INDEX_MAX)
        return weir_fail(s->ctx, WEIR_SPLIT, 0, "a batch of %" PRIu32 " records is too large",
                         slot->view.count);
    slot->batch = batch;
    slot->sent = slot->open = 0;
    s->n_used++;
    s->queue[(s->queue_head + s->queue_count) % s->n_slots] = at;
    s->queue_count++;
    kafka_produce_more(s);
    return WEIR_OK;
}

/* Nothing is held back for longer than linger.ms; reports come by the descriptor. */
static int sink_flush(void *self)
{
    return sink_service(self, 0);
}

static int sink_commit(void *self, const struct weir_commit *commit)
{
    return kafka_txn_commit(self, commit);
}

static int sink_abort(void *self)
{
    return kafka_txn_abort(self);
}

static void sink_interrupt(void *self)
{
    atomic_store(&((struct kafka_sink *)self)->txn.interrupted, true);
}

/* ---- table --------------------------------------------------------------------------------------------------- */
static const char *const times[] = {"keep", "now", NULL};
static const char *const headers[] = {"keep", "drop", NULL};
static const char *const deliveries[] = {"at-least-once", "exactly-once", NULL};
static const char *const tombstones[] = {"keep", "drop", "reject", NULL};
#define C struct kafka_sink_conf
static const struct weir_option rows[] = {
    KAFKA_ACCESS_OPTIONS(C),
    WEIR_OPT_TEMPLATE(
        C, topic, "topic", WEIR_F_NAME, NULL, "Topic to write to; default the record's own, {topic}",
        "A name Kafka does not take is a record error. A topic that does not exist is waited for, "
        "unless the brokers make it."),
    WEIR_OPT_TEMPLATE(C, key, "key", 0, NULL, "Key of the message; default the record's key, byte for byte",
                      NULL),
    WEIR_OPT_TEMPLATE(C, partition, "partition", WEIR_F_ADVANCED, NULL,
                      "Number of the partition; default by the key, as Java's clients do",
                      "Without a key any partition is taken."),
    WEIR_OPT_ENUM(C, timestamp, "timestamp", 0, "keep", times,
                  "Whether messages keep the time of their record", NULL),
    WEIR_OPT_ENUM(C, headers, "headers", 0, "keep", headers,
                  "Whether messages keep the headers of their record", NULL),
    WEIR_OPT_ENUM(C, delivery, "delivery", 0, "at-least-once", deliveries, "What is promised about repeats",
                  "at-least-once: the producer is idempotent, only a crash of weir between a write and its "
                  "commit repeats "
                  "records. exactly-once: records and the offsets of a kafka source on the same cluster "
                  "become final in one "
                  "transaction, every `commit`; readers with isolation read_committed see each record once."),
    WEIR_OPT_STRING(
        C, transactional_id, "transactional-id", WEIR_F_ADVANCED, NULL,
        "Id of the transactions; default weir-MEMBER-PIPELINE-SECTION",
        "MEMBER is `instance` of the source, else the host's name. A process that takes an id over ends "
        "the one that had it."),
    WEIR_OPT_ENUM(C, tombstone, "tombstone", 0, "keep", tombstones,
                  "What to do with a record without a value", NULL),
};
#undef C
static const struct weir_options options = WEIR_OPTIONS(struct kafka_sink_conf, rows);

const struct weir_ops kafka_sink_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SINK,
    .promises = WEIR_ORDERED | WEIR_IN_TURN | WEIR_STREAM,
    .promise = sink_promise,
    .options = &options,
    .check = sink_check,
    .probe = sink_probe,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .service = sink_service,
    .flush = sink_flush,
    .commit = sink_commit,
    .interrupt = sink_interrupt,
    .close = sink_close,
    .destroy = sink_destroy,
    .errors = &kafka_errors,
    .pair = sink_pair,
    .abort = sink_abort,
};
