/* SPDX-License-Identifier: BSD-2-Clause */
/* option-outside.c - an option that would be stored behind its struct. */
/* weir says: its sink: option "count": its field lies outside the plugin's configuration struct */
/* rule: options */
#include "plugin.h"

static const struct weir_option rows[] = {
    {"count", WEIR_T_INT, 0, 4096, 0, "1", 0, 9, NULL, "Count", NULL, "0.1"},
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);
static const struct weir_ops sink = {SINK_OPERATIONS, .options = &options};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "option-outside", "1", "a test", "BSD-2-Clause", NULL, all_ops};
WEIR_PLUGIN(plugin);
