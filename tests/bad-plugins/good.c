/* SPDX-License-Identifier: BSD-2-Clause */
/* good.c - a sink that is in order: the test of the test. */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "good", "1",    "a test",
                                          "BSD-2-Clause",   NULL,   all_ops};
WEIR_PLUGIN(plugin);
