/* SPDX-License-Identifier: BSD-2-Clause */
/* other-name.c - calls itself otherwise than its file. */
/* weir says: it calls itself "somebody-else"; rename the file to somebody-else.so */
/* rule: name */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "somebody-else", "1", "a test", "BSD-2-Clause", NULL, all_ops};
WEIR_PLUGIN(plugin);
