/* SPDX-License-Identifier: BSD-2-Clause */
/* no-kind.c - its table is of a kind nobody knows. */
/* weir says: one of its tables is of kind 9, which this weir does not know */
/* rule: operations */
#include "plugin.h"

static const struct weir_ops sink = {.struct_size = sizeof sink, .kind = 9};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "no-kind", "1",    "a test",
                                          "BSD-2-Clause",   NULL,      all_ops};
WEIR_PLUGIN(plugin);
