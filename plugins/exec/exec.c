/* SPDX-License-Identifier: BSD-2-Clause */
/* exec.c - the plugin's descriptor.  The protocol is docs/exec.md; program.c runs a program, talk.c speaks with it. */
#define WEIR_API 1
#include "exec.h"

static const struct weir_ops *const ops[] = {&exec_source_ops, &exec_transform_ops, &exec_sink_ops, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "exec", "0.1.0", "Any program, by lines on its standard input and output",
    "BSD-2-Clause",   NULL,   ops};
WEIR_PLUGIN(plugin);
