/* SPDX-License-Identifier: BSD-2-Clause */
/* handshake.h - reads what a plugin's entry gave, in the order that never trusts more than was checked.
 *
 * Thread: the main thread. */
#ifndef WEIR_HOST_HANDSHAKE_H
#define WEIR_HOST_HANDSHAKE_H

#include "loader.h"

#include <stdbool.h>

/* Examines `given`; *ret gets host-sized copies.  name: what the plugin must be called.  False and a sentence. */
bool handshake(const struct weir_plugin *given, const char *name, struct plugin *ret, char *why, size_t cap);

#endif
