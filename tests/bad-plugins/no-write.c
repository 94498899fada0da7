/* SPDX-License-Identifier: BSD-2-Clause */
/* no-write.c - a sink without write. */
/* weir says: its sink lacks the operation "write" */
/* rule: operations */
#include "plugin.h"

static const struct weir_ops sink = {
    .struct_size = sizeof sink,
    .kind = WEIR_SINK,
    .create = a_create,
    .open = an_open,
    .close = an_end,
    .destroy = an_end,
};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "no-write", "1",    "a test",
                                          "BSD-2-Clause",   NULL,       all_ops};
WEIR_PLUGIN(plugin);
