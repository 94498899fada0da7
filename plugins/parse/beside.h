/* SPDX-License-Identifier: BSD-2-Clause */
/* beside.h - sets what was parsed beside the other members of an object.  Home thread. */
#ifndef WEIR_PLUGINS_PARSE_BESIDE_H
#define WEIR_PLUGINS_PARSE_BESIDE_H

#include "members.h"

struct beside {
    struct weir_ctx *ctx;
    char *text; /* the object made, used again */
    size_t room;
};

void beside_init(struct beside *, struct weir_ctx *);
void beside_free(struct beside *);
/* Gives the object (JSON) with the ended members behind its own; those of the same name are left out.  field: the
 * value that was parsed; *ret_gone: it is not in the result, as its member had the name of a new one, or was it, and
 * drop is set.  Borrowed until the next call. */
struct weir_slice beside_set(struct beside *, struct weir_slice object, struct members *,
                             struct weir_slice field, bool drop, bool *ret_gone);

#endif
