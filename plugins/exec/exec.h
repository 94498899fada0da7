/* SPDX-License-Identifier: BSD-2-Clause */
/* exec.h - any program as source, transform or sink: what the parts of the plugin share. */
#ifndef WEIR_PLUGINS_EXEC_H
#define WEIR_PLUGINS_EXEC_H

#include <weir/plugin.h>

extern const struct weir_ops exec_sink_ops;
extern const struct weir_ops exec_source_ops;
extern const struct weir_ops exec_transform_ops;

#endif
