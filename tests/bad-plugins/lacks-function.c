/* SPDX-License-Identifier: BSD-2-Clause */
/* lacks-function.c - a plugin that was not linked with what it calls. */
/* rule: symbols */
#include "plugin.h"

int function_of_nobody(void);

static int open_elsewhere(void *self)
{
    (void)self;
    return function_of_nobody();
}

static const struct weir_ops sink = {.struct_size = sizeof(struct weir_ops),
                                     .kind = WEIR_SINK,
                                     .create = a_create,
                                     .open = open_elsewhere,
                                     .write = a_write,
                                     .close = an_end,
                                     .destroy = an_end};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "lacks-function", "1", "a test", "BSD-2-Clause", NULL, all_ops};
WEIR_PLUGIN(plugin);
