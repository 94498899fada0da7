/* SPDX-License-Identifier: BSD-2-Clause */
/* newer-level.c - needs an API level that is not there yet. */
/* weir says: it needs API level 99 and this weir has level 1; use a newer weir, or build the plugin with WEIR_API_MIN 1 */
/* rule: level */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {sizeof(struct weir_plugin),
                                          WEIR_MAGIC,
                                          WEIR_ABI_MAJOR,
                                          99,
                                          0,
                                          "newer-level",
                                          "1",
                                          "a test",
                                          "BSD-2-Clause",
                                          NULL,
                                          all_ops};
WEIR_PLUGIN(plugin);
