/* SPDX-License-Identifier: BSD-2-Clause */
/* keyfile.h - looks at the file of a private key before it is used.
 *
 * Used by the kafka and elasticsearch plugins.  No state; any thread. */
#ifndef WEIR_PLUGINS_KEYFILE_H
#define WEIR_PLUGINS_KEYFILE_H

#include <weir/plugin.h>

/* Warns when everybody on this machine may read the file; path NULL or not there: nothing. */
void keyfile_warn(struct weir_ctx *ctx, const char *option, const char *path);

#endif
