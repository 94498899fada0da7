/* SPDX-License-Identifier: BSD-2-Clause */
/* errors-of-source.c - a table of errors where none can be. */
/* weir says: its source has a table of errors; only a sink has one */
/* rule: errors */
#include "plugin.h"

static const struct weir_error rows[] = {
    {NULL, NULL, WEIR_ANY_CODE, 0, WEIR_CLASS_RETRY, 0, 0, 0, 0, "Any"},
};
static const struct weir_errors errors = {sizeof errors, sizeof rows[0], 1, 0, rows, NULL, NULL, NULL};
static const struct weir_ops sink = {SOURCE_OPERATIONS, .errors = &errors};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "errors-of-source", "1", "a test", "BSD-2-Clause", NULL, all_ops};
WEIR_PLUGIN(plugin);
