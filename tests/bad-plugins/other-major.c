/* SPDX-License-Identifier: BSD-2-Clause */
/* other-major.c - built for another ABI. */
/* weir says: it is built for ABI 7 and this weir has ABI 1; rebuild it with this weir's plugin.h */
/* rule: level */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {sizeof(struct weir_plugin),
                                          WEIR_MAGIC,
                                          7,
                                          1,
                                          0,
                                          "other-major",
                                          "1",
                                          "a test",
                                          "BSD-2-Clause",
                                          NULL,
                                          all_ops};
WEIR_PLUGIN(plugin);
