/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka_mock.h - librdkafka's mock cluster and plain clients, to look at the kafka plugin from the other side. */
#ifndef WEIR_TESTS_KAFKA_MOCK_H
#define WEIR_TESTS_KAFKA_MOCK_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stddef.h>
#include <stdint.h>

#define WEIR_API 1
#include <weir/plugin.h>

struct kafka_mock {
    rd_kafka_t *rk; /* a producer; the cluster lives in it */
    rd_kafka_mock_cluster_t *cluster;
    const char *brokers;
    rd_kafka_t *reader; /* between get and got */
};

/* A cluster with one broker; it ends the test program when that is not possible. */
struct kafka_mock kafka_mock_start(void);
void kafka_mock_stop(struct kafka_mock *m);
void kafka_mock_topic(struct kafka_mock *m, const char *topic, int partitions);
/* Writes one message and waits for its report.  value.ptr NULL: tombstone. */
void kafka_mock_put(struct kafka_mock *m, const char *topic, int32_t partition, struct weir_slice key,
                    struct weir_slice value, int64_t time_ms, rd_kafka_headers_t *headers);
/* Writes n values "PREFIX0", "PREFIX1", ... */
void kafka_mock_fill(struct kafka_mock *m, const char *topic, int32_t partition, const char *prefix, int n);
/* Reads n messages of a partition from its start, with a plain consumer; kafka_mock_got gives them back. */
void kafka_mock_get(struct kafka_mock *m, const char *topic, int32_t partition, rd_kafka_message_t **ret,
                    int n);
void kafka_mock_got(struct kafka_mock *m, rd_kafka_message_t **messages, int n);
/* The end of a partition. */
int64_t kafka_mock_end(struct kafka_mock *m, const char *topic, int32_t partition);
/* The group's committed offset; -1001: none. */
int64_t kafka_mock_committed(struct kafka_mock *m, const char *group, const char *topic, int32_t partition);
void kafka_mock_commit(struct kafka_mock *m, const char *group, const char *topic, int32_t partition,
                       int64_t at);

#endif
