/* SPDX-License-Identifier: BSD-2-Clause */
/* crashes.c - a plugin that aborts before anybody has called it. */
/* rule: load */
#include <stdlib.h>

#include "plugin.h"

__attribute__((constructor)) static void begin(void)
{
    abort();
}

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "crashes", "1",    "a test",
                                          "BSD-2-Clause",   NULL,      all_ops};
WEIR_PLUGIN(plugin);
