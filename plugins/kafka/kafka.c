/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka.c - Kafka as a source and as a sink, by librdkafka 2.0.2 or newer: the plugin's description. */
#include "kafka.h"

static const struct weir_ops *const ops[] = {&kafka_source_ops, &kafka_sink_ops, NULL};

static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "kafka", "0.1.0", "Apache Kafka, source and sink", "BSD-2-Clause", NULL, ops,
};

WEIR_PLUGIN(plugin);
