/* SPDX-License-Identifier: BSD-2-Clause */
/* other-layout.c - built with a plugin.h whose structs have other sizes. */
/* weir says: it is built with another plugin.h (layout @N@, this weir has @N@); until the first release both must come from one version: rebuild it with this weir's plugin.h */
/* rule: level */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {sizeof(struct weir_plugin),
                                          WEIR_MAGIC,
                                          WEIR_ABI_MAJOR,
                                          1,
                                          0x1234u,
                                          "other-layout",
                                          "1",
                                          "a test",
                                          "BSD-2-Clause",
                                          NULL,
                                          all_ops};
WEIR_PLUGIN(plugin);
