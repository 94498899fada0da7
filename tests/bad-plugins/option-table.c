/* SPDX-License-Identifier: BSD-2-Clause */
/* option-table.c - a table that can not be one. */
/* weir says: the option table of its sink is damaged (size @N@, stride 3, rows 1, struct 8) */
/* rule: options */
#include "plugin.h"

static const struct weir_option rows[] = {
    {"count", WEIR_T_INT, 0, 0, 0, "1", 0, 9, NULL, "Count", NULL, "0.1"},
};
static const struct weir_options options = {sizeof(struct weir_options), 3, 1, sizeof(struct conf), rows};
static const struct weir_ops sink = {SINK_OPERATIONS, .options = &options};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "option-table", "1",    "a test",
                                          "BSD-2-Clause",   NULL,           all_ops};
WEIR_PLUGIN(plugin);
