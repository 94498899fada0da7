/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka_mock.c - see kafka_mock.h.  Only the thread of the test calls it. */
#include "kafka_mock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOCK_WAIT_MS 60000

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "kafka_mock: %s failed\n", what);
    abort();
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers, const char *group)
{
    char why[512] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (brokers)
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    if (group)
        rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", NULL, 0);
    rd_kafka_conf_set(conf, "message.max.bytes", "10000000", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    must(rk != NULL, why);
    return rk;
}

struct kafka_mock kafka_mock_start(void)
{
    struct kafka_mock m = {0};
    rd_kafka_t *host = client(RD_KAFKA_PRODUCER, NULL, NULL);
    m.cluster = rd_kafka_mock_cluster_new(host, 1);
    must(m.cluster != NULL, "the cluster");
    m.rk = host;
    m.brokers = rd_kafka_mock_cluster_bootstraps(m.cluster);
    must(rd_kafka_brokers_add(host, m.brokers) > 0, "brokers_add");
    return m;
}

void kafka_mock_stop(struct kafka_mock *m)
{
    rd_kafka_mock_cluster_destroy(m->cluster);
    rd_kafka_destroy(m->rk);
}

void kafka_mock_topic(struct kafka_mock *m, const char *topic, int partitions)
{
    must(rd_kafka_mock_topic_create(m->cluster, topic, partitions, 1) == 0, "topic_create");
}

static void send_one(struct kafka_mock *m, const char *topic, int32_t partition, struct weir_slice key,
                     struct weir_slice value, int64_t time_ms, rd_kafka_headers_t *headers)
{
    rd_kafka_vu_t v[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.ptr, key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.ptr, value.len}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = time_ms},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *e = rd_kafka_produceva(m->rk, v, headers ? 7 : 6);
    must(e == NULL, "produceva");
}

void kafka_mock_put(struct kafka_mock *m, const char *topic, int32_t partition, struct weir_slice key,
                    struct weir_slice value, int64_t time_ms, rd_kafka_headers_t *headers)
{
    send_one(m, topic, partition, key, value, time_ms, headers);
    must(rd_kafka_flush(m->rk, MOCK_WAIT_MS) == 0, "flush");
}

void kafka_mock_fill(struct kafka_mock *m, const char *topic, int32_t partition, const char *prefix, int n)
{
    for (int i = 0; i < n; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "%s%d", prefix, i);
        send_one(m, topic, partition, (struct weir_slice){NULL, 0}, (struct weir_slice){text, (size_t)len},
                 1000, NULL);
    }
    must(rd_kafka_flush(m->rk, MOCK_WAIT_MS) == 0, "flush");
}

void kafka_mock_get(struct kafka_mock *m, const char *topic, int32_t partition, rd_kafka_message_t **ret,
                    int n)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, m->brokers, "reader");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = 0;
    must(rd_kafka_assign(rk, list) == 0, "assign");
    rd_kafka_topic_partition_list_destroy(list);
    for (int i = 0; i < n;) {
        ret[i] = rd_kafka_consumer_poll(rk, MOCK_WAIT_MS);
        must(ret[i] != NULL, "reading what should be there");
        if (ret[i]->err == 0)
            i++;
        else
            rd_kafka_message_destroy(ret[i]);
    }
    m->reader = rk;
}

void kafka_mock_got(struct kafka_mock *m, rd_kafka_message_t **messages, int n)
{
    for (int i = 0; i < n; i++)
        rd_kafka_message_destroy(messages[i]);
    rd_kafka_destroy(m->reader);
    m->reader = NULL;
}

int64_t kafka_mock_end(struct kafka_mock *m, const char *topic, int32_t partition)
{
    int64_t low = 0, high = 0;
    must(rd_kafka_query_watermark_offsets(m->rk, topic, partition, &low, &high, MOCK_WAIT_MS) == 0,
         "watermarks");
    return high;
}

int64_t kafka_mock_committed(struct kafka_mock *m, const char *group, const char *topic, int32_t partition)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, m->brokers, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, topic, partition);
    must(rd_kafka_committed(rk, list, MOCK_WAIT_MS) == 0, "committed");
    int64_t at = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return at;
}

void kafka_mock_commit(struct kafka_mock *m, const char *group, const char *topic, int32_t partition,
                       int64_t at)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, m->brokers, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = at;
    must(rd_kafka_commit(rk, list, 0) == 0, "commit");
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}
