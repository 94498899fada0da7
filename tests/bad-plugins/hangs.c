/* SPDX-License-Identifier: BSD-2-Clause */
/* hangs.c - a plugin whose entry never returns. */
/* rule: load */
#include <poll.h>

#include "plugin.h"

WEIR_EXPORT const struct weir_plugin *weir_plugin_entry(void);
const struct weir_plugin *weir_plugin_entry(void)
{
    for (;;)
        poll(NULL, 0, -1);
}
