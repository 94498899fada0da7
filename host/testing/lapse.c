/* SPDX-License-Identifier: BSD-2-Clause */
/* lapse.c - sees that everybody waits, and moves the clock (lapse.h).
 *
 * Everybody waits when each loop does and no sink holds a batch: then the next thing to happen is a time that comes.
 * A plugin may wait for something outside without the host knowing of it (a program it talks to), so there is haste
 * only where a retry is what is waited for. */
#include "lapse.h"

#include "report/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define HASTE_LOOKS   2
#define CAREFUL_LOOKS 50

static _Atomic int64_t jumped_ms;
static int64_t stopped_ms;

static int64_t mono(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + atomic_load(&jumped_ms);
}

static int64_t wall(void)
{
    return stopped_ms;
}

void lapse_begin(int64_t wall_ms)
{
    stopped_ms = wall_ms;
    clock_replace(mono, wall);
}

struct sight {
    uint64_t wakeups;
    bool busy, retrying;
    int wait_ms, source_ms; /* the shortest wait, of lanes and of sources; -1: none has a limit */
};

static void shorter(int *least, int ms)
{
    if (ms >= 0 && (*least < 0 || ms < *least))
        *least = ms;
}

static void see_loop(struct sight *s, struct loop *l, int *least)
{
    uint32_t state = atomic_load(&l->state);
    if (state == LOOP_IDLE) /* a worker with nothing to do of its own has no thread */
        return;
    s->wakeups += atomic_load(&l->wakeups);
    s->busy |= state == LOOP_BUSY || atomic_load(&l->signalled);
    if (state == LOOP_WAITS)
        shorter(least, atomic_load(&l->waits_ms));
}

static void see(struct sight *s, struct pipeline *p)
{
    if (!p->only_letters)
        see_loop(s, &p->intake.loop, &s->source_ms);
    for (struct lane *l = p->lanes; l; l = l->next)
        see_loop(s, &l->loop, &s->wait_ms);
    for (uint32_t i = 0; i < p->n_outlets; i++) {
        s->busy |= atomic_load(&p->outlets[i]->glance.in_flight) != 0;
        s->retrying |= atomic_load(&p->outlets[i]->glance.retrying) != 0;
    }
}

static void wake_loop(struct loop *l)
{
    if (atomic_load(&l->state) != LOOP_IDLE)
        loop_wake(l);
}

static void wake(struct pipeline *p)
{
    if (!p->only_letters)
        wake_loop(&p->intake.loop);
    for (struct lane *l = p->lanes; l; l = l->next)
        wake_loop(&l->loop);
}

void lapse_turn(struct lapse *lapse, struct readers *readers)
{
    struct sight s = {.wait_ms = -1, .source_ms = -1};
    for (size_t i = 0; i < readers->n; i++)
        see(&s, readers->list[i]);
    if (readers->letters)
        see(&s, readers->letters);
    lapse->idle = s.busy || s.wakeups != lapse->wakeups ? 0 : lapse->idle + 1;
    lapse->wakeups = s.wakeups;
    if (lapse->idle < (s.retrying ? HASTE_LOOKS : CAREFUL_LOOKS))
        return;
    /* a source is called often whether something is due or not */
    int ms = s.wait_ms >= 0 ? s.wait_ms : s.source_ms;
    lapse->idle = 0;
    if (ms <= 0)
        return;
    atomic_fetch_add(&jumped_ms, ms);
    for (size_t i = 0; i < readers->n; i++)
        wake(readers->list[i]);
    if (readers->letters)
        wake(readers->letters);
}
