/* SPDX-License-Identifier: BSD-2-Clause */
/* file.h - files as source and as sink: what the descriptor needs of both. */
#ifndef WEIR_PLUGINS_FILE_H
#define WEIR_PLUGINS_FILE_H

#include <weir/plugin.h>

extern const struct weir_ops file_source_ops;
extern const struct weir_ops file_sink_ops;

#endif
