/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.c - time and chance, replaceable (clock.h). */
#include "clock.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/random.h>
#include <time.h>

static int64_t (*replaced_mono)(void);
static int64_t (*replaced_wall)(void);
static _Atomic uint64_t state;

static int64_t read_ms(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
    return replaced_mono ? replaced_mono() : read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return replaced_wall ? replaced_wall() : read_ms(CLOCK_REALTIME);
}

uint64_t clock_random(void)
{
    uint64_t z;
    if (!replaced_mono && getrandom(&z, sizeof z, GRND_NONBLOCK) == (ssize_t)sizeof z)
        return z;
    /* SplitMix64: also the way out when the kernel has no entropy yet, so seeded with the time then */
    z = atomic_fetch_add(&state, 0x9e3779b97f4a7c15u) + (replaced_mono ? 0 : (uint64_t)clock_mono_ms());
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void clock_replace(int64_t (*mono)(void), int64_t (*wall)(void))
{
    replaced_mono = mono;
    replaced_wall = wall;
    atomic_store(&state, 0);
}
