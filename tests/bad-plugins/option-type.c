/* SPDX-License-Identifier: BSD-2-Clause */
/* option-type.c - an option of a type that is not there. */
/* weir says: its sink: option "count": its type is unknown to this host */
/* rule: options */
#include "plugin.h"

static const struct weir_option rows[] = {
    {"count", 77, 0, 0, 0, "1", 0, 9, NULL, "Count", NULL, "0.1"},
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);
static const struct weir_ops sink = {SINK_OPERATIONS, .options = &options};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "option-type", "1",    "a test",
                                          "BSD-2-Clause",   NULL,          all_ops};
WEIR_PLUGIN(plugin);
