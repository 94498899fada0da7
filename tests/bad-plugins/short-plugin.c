/* SPDX-License-Identifier: BSD-2-Clause */
/* short-plugin.c - its descriptor is too small. */
/* weir says: its description has 8 bytes where level 1 has @N@; rebuild it with this weir's plugin.h */
/* rule: level */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {8,   WEIR_MAGIC, WEIR_ABI_MAJOR, 1,    0,      "short-plugin",
                                          "1", "a test",   "BSD-2-Clause", NULL, all_ops};
WEIR_PLUGIN(plugin);
