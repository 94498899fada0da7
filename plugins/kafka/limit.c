/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.c - how large a message a topic takes: asked for at its first use, so that no request is refused as a whole.
 *
 * Home thread; the answer comes as an event.  Not everybody may describe a topic: then the brokers say it record by
 * record, as they do where messages are compressed, whose size is known to librdkafka alone. */
#include "sink.h"

#include <stdlib.h>

#define LIMIT_ASK_MS 1000 /* who has not answered by then is not waited for */
#define LIMIT_AGAIN_MS                                                                                       \
    10000 /* older answers do not condemn a record, and a topic that was missing may be there */
#define LIMIT_BESIDE 512 /* of a request that is filled to the limit, for what librdkafka does not count */

static size_t varint(uint64_t zigzag)
{
    size_t n = 1;
    while (zigzag >>= 7)
        n++;
    return n;
}

static size_t bytes_of(struct weir_slice s)
{
    return varint((uint64_t)s.len * 2) + s.len;
}

/* A batch of this record alone, as the brokers count it: format 2 of the log, without compression. */
static size_t size_alone(const struct weir_record *r, struct weir_slice key, bool headers)
{
    size_t body = 3 + bytes_of(key) + bytes_of(r->value) + varint((uint64_t)(headers ? r->n_headers : 0) * 2);
    for (uint32_t i = 0; headers && i < r->n_headers; i++)
        body += bytes_of(r->headers[i].name) + bytes_of(r->headers[i].value);
    return 61 + varint((uint64_t)body * 2) + body;
}

static void ask(struct kafka_sink *s, struct kafka_handle *h)
{
    char why[256];
    rd_kafka_ConfigResource_t *topic = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, h->name);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(s->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, LIMIT_ASK_MS, why, sizeof why);
    rd_kafka_DescribeConfigs(s->rk, &topic, 1, options, s->events);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(topic);
    h->limit = KAFKA_LIMIT_ASKED;
    h->asked_ms = s->ctx->host->mono_ms(s->ctx);
}

static struct kafka_handle *handle_named(struct kafka_sink *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_topics; i++)
        if (strcmp(s->topics[i].name, name) == 0)
            return &s->topics[i];
    return NULL;
}

static int64_t value_of(const rd_kafka_ConfigResource_t *topic, const char *name)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(topic, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0 &&
            rd_kafka_ConfigEntry_value(entries[i]))
            return strtoll(rd_kafka_ConfigEntry_value(entries[i]), NULL, 10);
    return 0;
}

void kafka_limit_event(struct kafka_sink *s, rd_kafka_event_t *ev)
{
    size_t n = 0;
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(ev);
    const rd_kafka_ConfigResource_t **topics =
        result ? rd_kafka_DescribeConfigs_result_resources(result, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        struct kafka_handle *h = handle_named(s, rd_kafka_ConfigResource_name(topics[i]));
        rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(topics[i]);
        int64_t most = err == RD_KAFKA_RESP_ERR_NO_ERROR ? value_of(topics[i], "max.message.bytes") : 0;
        if (!h)
            continue;
        h->most = most > 0 ? (size_t)most : 0;
        h->limit = most > 0                                         ? KAFKA_LIMIT_KNOWN
                   : err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? KAFKA_LIMIT_LATER
                                                                    : KAFKA_LIMIT_UNKNOWN;
    }
    for (uint32_t i = 0; i < s->n_topics; i++) /* one is asked for at a time: no answer is about it too */
        if (s->topics[i].limit == KAFKA_LIMIT_ASKED)
            s->topics[i].limit = KAFKA_LIMIT_UNKNOWN;
}

void kafka_limit_forget(struct kafka_sink *s)
{
    for (uint32_t i = 0; i < s->n_topics; i++)
        if (s->topics[i].limit == KAFKA_LIMIT_KNOWN)
            s->topics[i].limit = KAFKA_LIMIT_NEW;
}

enum kafka_fits kafka_limit_fits(struct kafka_sink *s, struct kafka_handle *h, const struct weir_record *r,
                                 struct weir_slice key)
{
    bool headers = s->conf->headers == KAFKA_HEADERS_KEEP;
    if (h->limit == KAFKA_LIMIT_UNKNOWN)
        return KAFKA_FITS;
    bool old = h->limit != KAFKA_LIMIT_NEW && s->ctx->host->mono_ms(s->ctx) - h->asked_ms >= LIMIT_AGAIN_MS;
    if (h->limit == KAFKA_LIMIT_NEW || (h->limit == KAFKA_LIMIT_LATER && old))
        ask(s, h);
    if (h->limit == KAFKA_LIMIT_ASKED)
        return KAFKA_WAITS;
    if (h->limit != KAFKA_LIMIT_KNOWN)
        return KAFKA_FITS;
    if (h->most < s->batch_size && (s->batch_most == 0 || h->most < s->batch_most)) {
        s->batch_most = h->most > 2 * LIMIT_BESIDE ? h->most - LIMIT_BESIDE : h->most / 2 + 1;
        return KAFKA_NEEDS_SMALLER;
    }
    if (s->compresses || size_alone(r, key, headers) <= h->most)
        return KAFKA_FITS;
    if (!old)
        return KAFKA_TOO_LARGE;
    ask(s, h);
    return KAFKA_WAITS;
}
