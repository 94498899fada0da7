/* SPDX-License-Identifier: BSD-2-Clause */
/* option-default.c - a default that its own range refuses. */
/* weir says: its sink: option "count": its default does not pass: count = 10: out of range; 0 to 9 */
/* rule: options */
#include "plugin.h"

static const struct weir_option rows[] = {
    {"count", WEIR_T_INT, 0, 0, 0, "10", 0, 9, NULL, "Count", NULL, "0.1"},
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);
static const struct weir_ops sink = {SINK_OPERATIONS, .options = &options};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "option-default", "1", "a test", "BSD-2-Clause", NULL, all_ops};
WEIR_PLUGIN(plugin);
