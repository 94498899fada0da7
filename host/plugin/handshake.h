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
/* The rule of weir-plugin(7) that was broken when it was false; "load" when no plugin came so far. */
const char *handshake_rule(void);
/* Whether the first HANDSHAKE_HEAD bytes of a description, aligned or not, fit this host; else a sentence. */
bool handshake_levels(const void *given, char *why, size_t cap);
#define HANDSHAKE_HEAD                                                                                       \
    (4 * sizeof(uint32_t)) /* the frozen bytes: all that a file shows before it is loaded */

#endif
