/* SPDX-License-Identifier: BSD-2-Clause */
/* wrong-magic.c - not weir's magic number. */
/* weir says: not a weir plugin: its magic is 0x12345678, not 0x52494557 */
/* rule: level */
#include "plugin.h"

static const struct weir_ops sink = {SINK_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {sizeof(struct weir_plugin),
                                          0x12345678u,
                                          WEIR_ABI_MAJOR,
                                          1,
                                          0,
                                          "wrong-magic",
                                          "1",
                                          "a test",
                                          "BSD-2-Clause",
                                          NULL,
                                          all_ops};
WEIR_PLUGIN(plugin);
