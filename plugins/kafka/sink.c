/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - the Kafka sink: the idempotent producer, its events, the batches lent to it.
 *
 * Home thread.  Reports and errors come on one queue whose descriptor the host watches; nothing here blocks but the
 * end.  See sink.h for the parts. */
#include "sink.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SINK_EVENTS_MAX 1000
#define SINK_MESSAGE    (64 * 1024 * 1024) /* what a broker may take at most; it says when it takes less */

static int sink_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct kafka_sink_conf *c = conf;
    kafka_conf_check(ctx, &c->access, to);
    return WEIR_OK;
}

static int sink_probe(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct kafka_sink_conf *c = conf;
    kafka_conf_probe(ctx, &c->access, NULL, to);
    return WEIR_OK;
}

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    const struct weir_host *h = ctx->host;
    const struct weir_instance *who = h->instance(ctx);
    struct kafka_sink *s = h->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    s->fd = -1;
    s->n_slots = who->in_flight == 0                ? 1
                 : who->in_flight > KAFKA_SLOTS_MAX ? KAFKA_SLOTS_MAX
                                                    : who->in_flight;
    s->slots = h->mem(ctx, NULL, s->n_slots * sizeof *s->slots);
    memset(s->slots, 0, s->n_slots * sizeof *s->slots);
    s->queue = h->mem(ctx, NULL, s->n_slots * sizeof *s->queue);
    *self = s;
    return WEIR_OK;
}

static void sink_destroy(void *self)
{
    struct kafka_sink *s = self;
    struct weir_ctx *ctx = s->ctx;
    for (uint32_t i = 0; i < s->n_slots; i++) {
        kafka_slot_free(s, &s->slots[i]);
        ctx->host->mem(ctx, s->slots[i].failures, 0);
    }
    ctx->host->mem(ctx, s->slots, 0);
    ctx->host->mem(ctx, s->queue, 0);
    ctx->host->mem(ctx, s, 0);
}

/* ---- the client ---------------------------------------------------------------------------------------------- */
/* The queue of librdkafka only points into batches that are lent to us anyway, so its limits are theirs. */
static rd_kafka_conf_t *sink_conf(struct kafka_sink *s, char *why, size_t why_size)
{
    const struct weir_instance *who = s->ctx->host->instance(s->ctx);
    uint64_t kbytes = (who->batch_bytes * s->n_slots + 2u * SINK_MESSAGE) / 1024;
    uint64_t count = (uint64_t)who->batch_records * s->n_slots;
    char client[128], queue_kbytes[24], queue_count[24], message[24];
    (void)snprintf(client, sizeof client, "weir-%s", who->pipeline);
    (void)snprintf(queue_kbytes, sizeof queue_kbytes, "%" PRIu64, kbytes > 2097151 ? 2097151 : kbytes);
    (void)snprintf(queue_count, sizeof queue_count, "%" PRIu64,
                   count < 1000       ? 1000
                   : count > 10000000 ? 10000000
                                      : count);
    (void)snprintf(message, sizeof message, "%d", SINK_MESSAGE);
    const struct kafka_prop defaults[] = {
        {"client.id", client},
        {"acks", "all"},
        {"linger.ms", "5"},
        {"message.timeout.ms", "0"},
        {"message.max.bytes", message},
        {"queue.buffering.max.kbytes", queue_kbytes},
        {"queue.buffering.max.messages", queue_count},
        {"partitioner", "murmur2_random"},
        {"topic.metadata.refresh.interval.ms", "10000"},
        {"socket.nagle.disable", "true"},
        {"log.connection.close", "false"},
        {"reconnect.backoff.max.ms", "2000"},
        {NULL, NULL},
    };
    static const struct kafka_prop fixed[] = {{"enable.idempotence", "true"}, {NULL, NULL}};
    return kafka_conf_new(s->ctx, &s->conf->access, defaults, fixed, why, why_size);
}

static int sink_client(struct kafka_sink *s)
{
    static const uint64_t one = 1;
    char why[512] = "";
    rd_kafka_conf_t *conf = sink_conf(s, why, sizeof why);
    if (!conf)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "%s", why);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    s->rk = kafka_client_new(s->ctx, &s->conf->access, RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!s->rk)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "librdkafka: %s", why);
    s->events = rd_kafka_queue_get_main(s->rk);
    (void)rd_kafka_set_log_queue(s->rk, s->events);
    rd_kafka_queue_io_event_enable(s->events, s->fd, &one, sizeof one);
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
    rd_kafka_resp_err_t err;
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_DR:
        kafka_produce_reports(s, ev);
        break;
    case RD_KAFKA_EVENT_ERROR:
        err = rd_kafka_event_error(ev);
        (void)snprintf(why, sizeof why, "%s", rd_kafka_event_error_string(ev));
        if (err == RD_KAFKA_RESP_ERR__FATAL) {
            err = rd_kafka_fatal_error(s->rk, why, sizeof why);
            s->restart = true;
            kafka_produce_hold(s);
            if (kafka_produce_class(s, err, why)->pause_ms == 0)
                weir_logf(s->ctx, WEIR_LOG_WARNING, "the producer can not go on, a new one takes over: %s",
                          why);
        }
        if (kafka_error_event(s->ctx, s->rk, s->cause, sizeof s->cause, err, why))
            s->healthy = false;
        break;
    case RD_KAFKA_EVENT_LOG:
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
    int r = sink_client(s);
    if (r == WEIR_OK)
        s->ctx->host->wake(s->ctx);
    return r;
}

static int sink_service(void *self, uint32_t why)
{
    struct kafka_sink *s = self;
    uint64_t ignored;
    rd_kafka_event_t *ev;
    int i = 0;
    (void)why;
    if (!s->rk)
        return WEIR_OK;
    (void)!read(s->fd, &ignored, sizeof ignored); /* only then look at the queue */
    kafka_client_tick(s->rk);
    for (; i < SINK_EVENTS_MAX && (ev = rd_kafka_queue_poll(s->events, 0)); i++) {
        sink_event(s, ev);
        rd_kafka_event_destroy(ev);
    }
    if (i == SINK_EVENTS_MAX)
        s->ctx->host->wake(s->ctx);
    kafka_produce_more(s);
    return sink_restart(s);
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct kafka_sink *s = self;
    uint32_t at = 0;
    if (!s->rk || s->holding || s->restart || s->n_used == s->n_slots || (s->lone > 0 && s->n_used > 0))
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

/* ---- table --------------------------------------------------------------------------------------------------- */
static const char *const times[] = {"keep", "now", NULL};
static const char *const headers[] = {"keep", "drop", NULL};
static const char *const deliveries[] = {"at-least-once", NULL};
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
    WEIR_OPT_ENUM(
        C, delivery, "delivery", 0, "at-least-once", deliveries, "What is promised about repeats",
        "The producer is idempotent: only a crash of weir between a write and its commit repeats records."),
    WEIR_OPT_ENUM(C, tombstone, "tombstone", 0, "keep", tombstones,
                  "What to do with a record without a value", NULL),
};
#undef C
static const struct weir_options options = WEIR_OPTIONS(struct kafka_sink_conf, rows);

const struct weir_ops kafka_sink_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SINK,
    .promises = WEIR_ORDERED | WEIR_STREAM,
    .options = &options,
    .check = sink_check,
    .probe = sink_probe,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .service = sink_service,
    .flush = sink_flush,
    .close = sink_close,
    .destroy = sink_destroy,
    .errors = &kafka_errors,
};
