/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka.h - what the parts of the kafka plugin share: options, librdkafka configuration, classes of errors.
 *
 * Source: source.h.  Sink: sink.h.  Nothing here is seen outside the plugin. */
#ifndef WEIR_KAFKA_H
#define WEIR_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_API 1
#include <weir/helpers.h>

#include <librdkafka/rdkafka.h>

enum { KAFKA_START_EARLIEST, KAFKA_START_LATEST, KAFKA_START_STORED };
enum { KAFKA_READ_COMMITTED, KAFKA_READ_UNCOMMITTED };
enum { KAFKA_GAP_STOP, KAFKA_GAP_EARLIEST };
enum { KAFKA_TIME_KEEP, KAFKA_TIME_NOW };
enum { KAFKA_HEADERS_KEEP, KAFKA_HEADERS_DROP };
enum { KAFKA_TOMBSTONE_KEEP, KAFKA_TOMBSTONE_DROP, KAFKA_TOMBSTONE_REJECT };

struct kafka_source_conf {
    struct weir_list brokers, topics;
    const char *group, *instance;
    int64_t start, isolation, on_gap;
    struct weir_map rdkafka;
};

struct kafka_sink_conf {
    struct weir_list brokers;
    const struct weir_template *topic, *key, *partition;
    int64_t timestamp, headers, delivery, tombstone;
    struct weir_map rdkafka;
};

extern const struct weir_ops kafka_source_ops;
extern const struct weir_ops kafka_sink_ops;

/* ---- conf.c: librdkafka's configuration ---------------------------------------------------------------------- */
struct kafka_prop {
    const char *name, *value;
};

/* Reports brokers and rdkafka.* values that are wrong, unknown or weir's own. */
void kafka_conf_check(struct weir_ctx *ctx, const struct weir_list *brokers, const struct weir_map *map,
                      struct weir_problems *to);
/* Gives a configuration: defaults (those this library does not know are left out), over them what the operator set,
 * over that the properties of weir.  NULL: why says what was refused. */
rd_kafka_conf_t *kafka_conf_new(struct weir_ctx *ctx, const struct weir_list *brokers,
                                const struct weir_map *map, const struct kafka_prop *defaults,
                                const struct kafka_prop *fixed, char *why, size_t why_size);
/* True when the operator set the property. */
bool kafka_conf_has(const struct weir_map *map, const char *name);
/* True when the linked librdkafka knows the property. */
bool kafka_conf_known(const char *name);
/* Asks the brokers for metadata of literal topics; reports what is wrong.  Blocks for some seconds. */
void kafka_conf_probe(struct weir_ctx *ctx, const struct weir_list *brokers, const struct weir_map *map,
                      const struct weir_list *topics, struct weir_problems *to);
/* True for a name Kafka accepts for a topic: 1 to 249 of a-z A-Z 0-9 . _ -, not . or .. */
bool kafka_conf_topic_legal(struct weir_slice name);

/* ---- error.c: one table from librdkafka's error to what weir does -------------------------------------------- */
extern const struct weir_errors kafka_errors;
/* What the error says about the cluster: WEIR_CONNECTING, ..., 0 nothing. */
uint32_t kafka_error_health(rd_kafka_resp_err_t err);
/* Tells the host about the other end, if the error says anything about it. */
void kafka_error_tell(struct weir_ctx *ctx, rd_kafka_resp_err_t err, const char *text);
/* The same for an error event; cause[cap] keeps what a single broker said, for when all are down. */
#define KAFKA_CAUSE 256
void kafka_error_event(struct weir_ctx *ctx, char *cause, size_t cap, rd_kafka_resp_err_t err,
                       const char *text);
/* Passes a log event of librdkafka on; what the error events say too goes to level debug. */
void kafka_error_log(struct weir_ctx *ctx, rd_kafka_event_t *ev);

#endif
