/* SPDX-License-Identifier: BSD-2-Clause */
/* lapse.h - the clock of a test: nobody waits for a time to come.
 *
 * The wall clock stands still.  The steady clock goes on, and when all that is left to do is to wait, it jumps to the
 * end of the wait: a back-off of 30 seconds costs a few milliseconds.  Thread: main. */
#ifndef WEIR_HOST_LAPSE_H
#define WEIR_HOST_LAPSE_H

#include "engine/readers.h"

#include <stdint.h>

#define LAPSE_TURN_MS 2 /* real ones, between two looks */

struct lapse { /* a zeroed one has not looked yet */
    uint64_t wakeups;
    unsigned idle; /* looks in a row at which nobody had moved */
};

/* Replaces the clocks of the process, before threads start. */
void lapse_begin(int64_t wall_ms);
/* Looks once, and lets time pass if everybody waits for it. */
void lapse_turn(struct lapse *, struct readers *);

#endif
