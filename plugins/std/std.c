/* SPDX-License-Identifier: BSD-2-Clause */
/* std.c - the plugin's descriptor.  Standard input is source.c, standard output is sink.c. */
#define WEIR_API 1
#include "std.h"

static const struct weir_ops *const ops[] = {&std_source_ops, &std_sink_ops, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "std", "0.1.0", "Standard input and standard output", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
