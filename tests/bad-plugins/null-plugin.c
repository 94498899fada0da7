/* SPDX-License-Identifier: BSD-2-Clause */
/* null-plugin.c - the entry gives nothing. */
/* weir says: plugin declined to load */
/* rule: description */
#include "plugin.h"

WEIR_EXPORT const struct weir_plugin *weir_plugin_entry(void);
WEIR_EXPORT const struct weir_plugin *weir_plugin_entry(void)
{
    return NULL;
}
