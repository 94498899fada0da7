/* SPDX-License-Identifier: BSD-2-Clause */
/* hostile.h - records that a transform or a sink may meet, and rarely does in its own tests.  The main thread. */
#ifndef WEIR_HOST_HOSTILE_H
#define WEIR_HOST_HOSTILE_H

#include "../harness/harness.h"

/* n records with a key and a small JSON object each. */
struct weir_batch *hostile_plain(struct harness *, uint32_t n);
/* One of each: no value, nothing in it, no UTF-8, NUL, deep JSON, headers without value, times far off, ... */
struct weir_batch *hostile_odd(struct harness *);
/* One record alone, larger than the largest batch. */
struct weir_batch *hostile_huge(struct harness *);

#endif
