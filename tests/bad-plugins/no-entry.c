/* SPDX-License-Identifier: BSD-2-Clause */
/* no-entry.c - a library that is no plugin. */
/* weir says: not a weir plugin: it has no symbol weir_plugin_entry */
/* rule: entry */
int something_else(void);
int something_else(void)
{
    return 1;
}
