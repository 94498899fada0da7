/* SPDX-License-Identifier: BSD-2-Clause */
/* old-major.c - built before the contract was frozen, when a digest of the header stood behind the head. */
/* weir says: it is built for ABI 0 and this weir has ABI 1; rebuild it with this weir's plugin.h */
/* rule: level */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {sizeof(struct weir_plugin),
                                          WEIR_MAGIC,
                                          0,
                                          1,
                                          0x1234u,
                                          "old-major",
                                          "1",
                                          "a test",
                                          "BSD-2-Clause",
                                          NULL,
                                          all_ops};
WEIR_PLUGIN(plugin);
