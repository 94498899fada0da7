/* SPDX-License-Identifier: BSD-2-Clause */
/* json_walk.h - every scalar of a JSON text with its path, for texts that are no record.  Pure. */
#ifndef WEIR_HOST_JSON_WALK_H
#define WEIR_HOST_JSON_WALK_H

#include "arena.h"
#include "strbuf.h"

#include <weir/plugin.h>

/* As weir_host.json_walk says; arena (which it resets first) and path are scratch room. */
int json_walk(struct arena *, struct strbuf *path, struct weir_slice json,
              int (*each)(void *opaque, struct weir_slice path, const struct weir_span *), void *opaque);

#endif
