/* SPDX-License-Identifier: BSD-2-Clause */
/* source.h - the text of a program in a file that an option names.
 *
 * Home thread only. */
#ifndef WEIR_PLUGINS_SOURCE_H
#define WEIR_PLUGINS_SOURCE_H

#include <weir/helpers.h>

/* Reads the file, of at most 1 MiB.  NULL, or why it can't be read.  Gives *ret_text, with a NUL behind it, or NULL: to be
 * freed by the host's mem in any case. */
const char *source_read(struct weir_ctx *, const char *path, char **ret_text, size_t *ret_len);

#endif
