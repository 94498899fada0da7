/* SPDX-License-Identifier: BSD-2-Clause */
/* try_life.c - trials of what every kind has: create to destroy, again and again, and with allocations that fail. */
#include "../report/clock.h"
#include "../report/log.h"
#include "got.h"
#include "trial.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#define CYCLES_FIRST    10 /* what a library keeps for itself, and malloc for a thread, is there after these */
#define CYCLES          8
#define CYCLES_MS       12000
#define ALLOCATIONS_MAX 500
#define ALLOCATIONS_MS  5000

/* Nothing was opened. */
void try_life(void)
{
    struct harness *h = trial_created();
    trial_end(h);
}

static bool work(struct harness *h)
{
    switch (trial_ops()->kind) {
    case WEIR_SOURCE:
        return source_work(h);
    case WEIR_TRANSFORM:
        return transform_work(h);
    default:
        return sink_work(h);
    }
}

struct held {
    size_t bytes, descriptors, threads;
};

static struct held held_now(void)
{
    struct mallinfo2 info = mallinfo2();
    return (struct held){info.uordblks + info.hblkhd, trial_entries("/proc/self/fd"),
                         trial_entries("/proc/self/task")};
}

static void *live(void *unused)
{
    struct harness *h = trial_start();
    (void)work(h);
    trial_end(h);
    return unused;
}

/* On a thread of its own: what malloc keeps ready for a thread, and counts as held, ends with it. */
static void live_apart(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, live, NULL) != 0)
        trial_unable("there is no thread for an instance");
    pthread_join(thread, NULL);
}

void try_leak(void)
{
    struct held first = {0}, last = {0};
    uint32_t grew = 0;
    int64_t end = clock_mono_ms() + CYCLES_MS;
    for (int i = 0; i < CYCLES_FIRST + CYCLES; i++) {
        if (clock_mono_ms() > end) {
            trial_skip(RULE_LEAK, "%d instances take longer than %d s", CYCLES_FIRST + CYCLES,
                       CYCLES_MS / 1000);
            return;
        }
        live_apart();
        if (i >= CYCLES_FIRST && trial_threads_down(first.threads) > first.threads)
            trial_broken(RULE_THREADS, "a thread of its own is there after close");
        struct held now = held_now();
        grew += i >= CYCLES_FIRST && now.bytes > last.bytes;
        last = now;
        if (i == CYCLES_FIRST - 1)
            first = now;
    }
    if (last.descriptors >= first.descriptors + CYCLES)
        trial_broken(RULE_LEAK, "each instance leaves a descriptor open: %zu more after %d",
                     last.descriptors - first.descriptors, CYCLES);
    if (last.bytes == 0) /* a sanitizer's malloc, which has means of its own */
        trial_skip(RULE_LEAK, "malloc does not say here how much is held");
    if (grew == CYCLES) /* each time: what settles is no leak */
        trial_broken(RULE_LEAK, "each instance leaves memory behind: %zu bytes more after %d",
                     last.bytes - first.bytes, CYCLES);
}

/* One life in which the n-th allocation fails; false: there were fewer. */
static bool fail_one(long n)
{
    char why[TRIAL_TEXT_MAX];
    struct harness *h = trial_load();
    got_fail_at(n);
    if (trial_open(h, why))
        (void)work(h);
    trial_end(h);
    bool failed = got_calls() >= n;
    got_fail_at(0);
    return failed;
}

void try_allocation(void)
{
    char why[TRIAL_TEXT_MAX];
    struct harness *h = trial_load();
    got_fail_at(0);
    if (!trial_open(h, why))
        trial_unable("%s", why);
    (void)work(h);
    trial_end(h);
    long calls = got_calls(), n = 1;
    if (calls == 0) {
        trial_skip(RULE_ALLOCATION, "it calls none of malloc and the like itself");
        return;
    }
    int64_t end = clock_mono_ms() + ALLOCATIONS_MS;
    while (n <= ALLOCATIONS_MAX && clock_mono_ms() < end && fail_one(n))
        n++;
    if (n <= calls && n > 1)
        log_line(WEIR_LOG_INFO, "plugins check", "the first %ld of %ld allocations were made to fail", n - 1,
                 calls);
}
