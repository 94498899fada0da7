/* SPDX-License-Identifier: BSD-2-Clause */
/* std.h - standard input as source, standard output as sink: what the parts of the plugin share. */
#ifndef WEIR_PLUGINS_STD_H
#define WEIR_PLUGINS_STD_H

#include <weir/plugin.h>

extern const struct weir_ops std_source_ops;
extern const struct weir_ops std_sink_ops;

#endif
