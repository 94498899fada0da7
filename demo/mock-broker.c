/* SPDX-License-Identifier: BSD-2-Clause */
/* mock-broker.c - an in-memory stand-in for a Kafka broker, for the demo and for counts: librdkafka's own mock cluster.
 *
 * Usage: mock-broker TOPIC[:PARTITIONS]...   Prints its address on a line and runs until its standard input ends.  It
 * keeps 5 MB per partition in memory, knows no transactions and no restart: good for a look, never for a measurement
 * of time.  Thread: main; the cluster has its own. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARTITIONS 4

static void make_topic(rd_kafka_mock_cluster_t *cluster, char *name)
{
    char *partitions = strchr(name, ':');
    if (partitions)
        *partitions++ = '\0';
    int count = partitions ? (int)strtol(partitions, NULL, 10) : PARTITIONS;
    if (rd_kafka_mock_topic_create(cluster, name, count, 1) != RD_KAFKA_RESP_ERR_NO_ERROR)
        fprintf(stderr, "mock-broker: topic %s can not be made\n", name);
}

int main(int argc, char **argv)
{
    char why[512], input[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL); /* it warns that it knows no broker: it is the broker */
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    rd_kafka_mock_cluster_t *cluster = client ? rd_kafka_mock_cluster_new(client, 1) : NULL;
    if (!cluster) {
        fprintf(stderr, "mock-broker: %s\n", client ? "the cluster can not be made" : why);
        return 1;
    }
    for (int i = 1; i < argc; i++)
        make_topic(cluster, argv[i]);
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (read(STDIN_FILENO, input, sizeof input) > 0)
        ;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(client);
    return 0;
}
