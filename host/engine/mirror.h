/* SPDX-License-Identifier: BSD-2-Clause */
/* mirror.h - a chunk with keys and values in each other's place: what a transform with part = key is given.
 *
 * Home thread of the worker. */
#ifndef WEIR_HOST_MIRROR_H
#define WEIR_HOST_MIRROR_H

#include "record/batch.h"

/* The mirror of a chunk, which it keeps alive; gives a reference.  Pending edits of the chunk are printed first, so that
 * the mirror's keys are its values as they are. */
struct weir_batch *mirror_new(struct weir_batch *in);
/* Puts the parts of what a transform made of the mirror of `in` back in their places. */
void mirror_turn(struct weir_batch *out, const struct weir_batch *in);

#endif
