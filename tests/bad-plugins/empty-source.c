/* SPDX-License-Identifier: BSD-2-Clause */
/* empty-source.c - a source that is in order, for the pipelines of this test. */
#include "plugin.h"

static const struct weir_ops source = {SOURCE_OPERATIONS};
static const struct weir_ops *const all_ops[] = {&source, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "empty-source", "1",    "a test",
                                          "BSD-2-Clause",   NULL,           all_ops};
WEIR_PLUGIN(plugin);
