/* SPDX-License-Identifier: BSD-2-Clause */
/* exports.c - a plugin that shows more than its entry. */
/* rule: exports */
#include "plugin.h"

WEIR_EXPORT int helper_of_mine(void);
int helper_of_mine(void)
{
    return 1;
}

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "exports", "1",    "a test",
                                          "BSD-2-Clause",   NULL,      all_ops};
WEIR_PLUGIN(plugin);
