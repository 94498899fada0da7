/* SPDX-License-Identifier: BSD-2-Clause */
/* text.h - escapes in quoted text, for formats whose quotes are those of JSON or nearly.  Pure; any thread. */
#ifndef WEIR_PLUGINS_PARSE_TEXT_H
#define WEIR_PLUGINS_PARSE_TEXT_H

#include <weir/plugin.h>

/* Decodes the escapes of JSON into out (text.len bytes at least) and gives the length; behind any other backslash the
 * character stands for itself.  Half a surrogate pair becomes U+FFFD. */
size_t text_unescape(struct weir_slice text, char *out);

#endif
