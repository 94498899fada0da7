/* SPDX-License-Identifier: BSD-2-Clause */
/* init-fails.c - its global_init fails. */
/* weir says: plugin declined to load: its global_init gave -1 */
/* rule: start */
#include "plugin.h"

static int refuse_to_start(void)
{
    return -1;
}

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "init-fails",    "1",    "a test",
                                          "BSD-2-Clause",   refuse_to_start, all_ops};
WEIR_PLUGIN(plugin);
