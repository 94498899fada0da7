/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - the plugin's descriptor.  The source begins in source.c, the sink in sink.c. */
#define WEIR_API 1
#include "file.h"

static const struct weir_ops *const ops[] = {&file_source_ops, &file_sink_ops, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "file", "0.1.0", "Files, line by line, with every kind of rotation",
    "BSD-2-Clause",   NULL,   ops};
WEIR_PLUGIN(plugin);
