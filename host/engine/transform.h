/* SPDX-License-Identifier: BSD-2-Clause */
/* transform.h - one stage of a worker's chain: runs process over a chunk and books what came of each input.
 *
 * Home thread of the worker. */
#ifndef WEIR_HOST_TRANSFORM_H
#define WEIR_HOST_TRANSFORM_H

#include "delivery/deadletter.h"
#include "emitter.h"
#include "instance/instance.h"

struct transform {
    struct instance *instance;
    const struct section_conf *conf;
    bool one_to_one;
};

struct transform *transform_new(struct pipeline *, const struct section_conf *, struct loop *,
                                uint32_t worker);
void transform_free(struct transform *);
/* Runs the stage; takes the input's reference.  *ret_out: what came out, NULL when nothing did.
 * WEIR_RETRY: nothing happened, the input is still the caller's. Other failures are booked and reported here. */
int transform_run(struct transform *, struct weir_batch *in, struct weir_batch **ret_out);

#endif
