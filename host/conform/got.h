/* SPDX-License-Identifier: BSD-2-Clause */
/* got.h - makes the allocations of one shared object fail, by its own table of foreign functions.
 *
 * Only what the object itself calls is counted, not what its libraries do for themselves.  A process does this once, and
 * does nothing else afterwards.  Any thread, but got_take. */
#ifndef WEIR_HOST_GOT_H
#define WEIR_HOST_GOT_H

#include <stdbool.h>

/* Replaces malloc and the like in the object that has this function.  False: it calls none of them. */
bool got_take(void (*function)(void));
/* The n-th call from now on gives nothing; 0: none does. */
void got_fail_at(long n);
/* Calls since then. */
long got_calls(void);
/* The one that is to fail has: its number; 0: not yet. */
long got_failed(void);
/* Called before memory is freed by the object; NULL: nobody. */
void got_on_free(void (*look)(const void *memory));

#endif
