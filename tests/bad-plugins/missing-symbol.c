/* SPDX-License-Identifier: BSD-2-Clause */
/* missing-symbol.c - calls a function that is nowhere. */
/* weir says: undefined symbol: weir_no_such_function */
/* rule: symbols */
#include "plugin.h"

int weir_no_such_function(void);

static int open_by_nobody(void *self)
{
    (void)self;
    return weir_no_such_function();
}

static const struct weir_ops sink = {
    .struct_size = sizeof sink,
    .kind = WEIR_SINK,
    .create = a_create,
    .open = open_by_nobody,
    .write = a_write,
    .close = an_end,
    .destroy = an_end,
};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "missing-symbol", "1", "a test", "BSD-2-Clause", NULL, all_ops};
WEIR_PLUGIN(plugin);
