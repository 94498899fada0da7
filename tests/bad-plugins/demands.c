/* SPDX-License-Identifier: BSD-2-Clause */
/* demands.c - demands what this host does not know. */
/* weir says: its sink demands abilities (0x80) that this weir does not know; use a newer weir */
/* rule: operations */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS, .demands = 0x80u};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "demands", "1",    "a test",
                                          "BSD-2-Clause",   NULL,      all_ops};
WEIR_PLUGIN(plugin);
