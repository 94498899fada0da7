/* SPDX-License-Identifier: BSD-2-Clause */
/* metric-twice.c - two metrics of one name. */
/* weir says: its sink: metric "sent" is declared twice */
/* rule: metrics */
#include "plugin.h"

static const struct weir_metric rows[] = {
    {"sent", WEIR_COUNTER, 0, NULL, "Sent"},
    {"sent", WEIR_COUNTER, 0, NULL, "Sent too"},
};
static const struct weir_metrics metrics = {sizeof metrics, sizeof rows[0], 2, 0, rows};
static const struct weir_ops sink = {SINK_OPERATIONS, .metrics = &metrics};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "metric-twice", "1",    "a test",
                                          "BSD-2-Clause",   NULL,           all_ops};
WEIR_PLUGIN(plugin);
