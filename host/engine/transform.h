/* SPDX-License-Identifier: BSD-2-Clause */
/* transform.h - one stage of a worker's chain: runs process over a chunk and books what came of each input; has it
 * give away what it holds.
 *
 * Home thread of the worker. */
#ifndef WEIR_HOST_TRANSFORM_H
#define WEIR_HOST_TRANSFORM_H

#include "delivery/deadletter.h"
#include "hold.h"
#include "instance/instance.h"

struct transform {
    struct instance *instance;
    const struct section_conf *conf;
    bool one_to_one;
    bool keeps; /* it may hold records beyond a call */
    struct holds holds;
};

struct transform *transform_new(struct pipeline *, const struct section_conf *, struct loop *,
                                uint32_t worker);
void transform_free(struct transform *);
/* Runs the stage; takes the input's reference.  *ret_out: what came out, NULL when nothing did.
 * WEIR_RETRY: nothing happened, the input is still the caller's. Other failures are booked and reported here. */
int transform_run(struct transform *, struct weir_batch *in, struct weir_batch **ret_out);
/* Has it give away the groups whose time has come, and all that is too much; all: every group.  *ret_out as above. */
void transform_release(struct transform *, int64_t now_ms, bool all, struct weir_batch **ret_out);
/* Its service, for that reason. */
void transform_serve(struct transform *, uint32_t why, struct weir_batch **ret_out);

#endif
