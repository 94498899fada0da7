/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.h - the one place that asks what time it is, and for chance, so that tests can answer.  Any thread. */
#ifndef WEIR_HOST_CLOCK_H
#define WEIR_HOST_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void); /* rises steadily, no meaning across restarts */
int64_t clock_wall_ms(void); /* since 1970, UTC */
/* 64 random bits; a fixed sequence while the clock is replaced. */
uint64_t clock_random(void);
/* Tests: replaces both clocks (NULL: the real one) and restarts the random sequence; before threads start. */
void clock_replace(int64_t (*mono)(void), int64_t (*wall)(void));

#endif
