/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_step.c - the fake host's clock and loop: waits for wake, descriptors and the time, then calls back. */
#include "harness_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t real_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t now_ms(struct harness *h)
{
    pthread_mutex_lock(&h->lock);
    int64_t now = h->mono_shift + (h->clock_stopped ? 0 : real_ms(CLOCK_MONOTONIC));
    pthread_mutex_unlock(&h->lock);
    return now;
}

static int64_t mono_ms(struct weir_ctx *ctx)
{
    harness_any(harness_of(ctx), "mono_ms");
    return now_ms(harness_of(ctx));
}

static int64_t wall_ms(struct weir_ctx *ctx)
{
    struct harness *h = harness_of(ctx);
    harness_any(h, "wall_ms");
    pthread_mutex_lock(&h->lock);
    int64_t now = h->wall_shift + (h->clock_stopped ? 0 : real_ms(CLOCK_REALTIME));
    pthread_mutex_unlock(&h->lock);
    return now;
}

void harness_stop_clock(struct harness *h, int64_t wall)
{
    int64_t mono = now_ms(h);
    pthread_mutex_lock(&h->lock);
    h->clock_stopped = true;
    h->mono_shift = mono;
    h->wall_shift = wall;
    pthread_mutex_unlock(&h->lock);
}

void harness_advance(struct harness *h, int64_t ms)
{
    pthread_mutex_lock(&h->lock);
    h->mono_shift += ms;
    h->wall_shift += ms;
    pthread_mutex_unlock(&h->lock);
}

int64_t harness_wake_at(const struct harness *h)
{
    return h->wake_at;
}

static void watch_fd(struct weir_ctx *ctx, int fd, uint32_t events)
{
    struct harness *h = harness_of(ctx);
    uint32_t i = 0;
    harness_home(h, "watch_fd");
    if (events & ~(WEIR_FD_READ | WEIR_FD_WRITE))
        harness_breaks(h, RULE_CALLS, "watch_fd: unknown events 0x%x", events);
    while (i < h->n_fds && h->fds[i].fd != fd)
        i++;
    if (i == h->n_fds && events == 0)
        return;
    if (i == HARNESS_FDS_MAX)
        harness_breaks(h, RULE_CALLS, "watch_fd: more than %d descriptors", HARNESS_FDS_MAX);
    h->fds[i].fd = fd;
    h->fds[i].events = events;
    if (i == h->n_fds)
        h->n_fds++;
    if (events == 0)
        h->fds[i] = h->fds[--h->n_fds];
}

static void wake_at(struct weir_ctx *ctx, int64_t when)
{
    harness_home(harness_of(ctx), "wake_at");
    harness_of(ctx)->wake_at = when;
}

static void wake(struct weir_ctx *ctx)
{
    struct harness *h = harness_of(ctx);
    harness_any(h, "wake");
    uint64_t one = 1;
    atomic_store(&h->woken, true);
    if (write(h->event, &one, sizeof one) < 0 && errno != EAGAIN)
        harness_die(h, "wake: %s", strerror(errno));
}

void harness_fill_step(struct weir_host *host)
{
    host->mono_ms = mono_ms;
    host->wall_ms = wall_ms;
    host->watch_fd = watch_fd;
    host->wake_at = wake_at;
    host->wake = wake;
}

/* How long the wait may last, given that the plugin's own time ends it. */
static int wait_ms(struct harness *h, int timeout_ms)
{
    if (h->wake_at == INT64_MAX)
        return timeout_ms;
    int64_t left = h->wake_at - now_ms(h);
    if (left <= 0)
        return 0;
    return !h->clock_stopped && left < timeout_ms ? (int)left : timeout_ms;
}

/* WEIR_WHY_* of what is ready; waits at most timeout_ms of real time. */
static uint32_t wait_ready(struct harness *h, int timeout_ms)
{
    struct pollfd fds[HARNESS_FDS_MAX + 1] = {{.fd = h->event, .events = POLLIN}};
    uint32_t why = 0;
    uint64_t drained;
    for (uint32_t i = 0; i < h->n_fds; i++) {
        fds[i + 1].fd = h->fds[i].fd;
        fds[i + 1].events = (short)((h->fds[i].events & WEIR_FD_READ ? POLLIN : 0) |
                                    (h->fds[i].events & WEIR_FD_WRITE ? POLLOUT : 0));
    }
    if (poll(fds, h->n_fds + 1, wait_ms(h, timeout_ms)) < 0 && errno != EINTR)
        harness_die(h, "poll: %s", strerror(errno));
    for (uint32_t i = 0; i < h->n_fds; i++) {
        if (fds[i + 1].revents & POLLNVAL)
            harness_breaks(h, RULE_CALLS, "descriptor %d is watched but closed", fds[i + 1].fd);
        if (fds[i + 1].revents)
            why |= WEIR_WHY_FD;
    }
    if (read(h->event, &drained, sizeof drained) > 0 && atomic_exchange(&h->woken, false))
        why |= WEIR_WHY_WAKE;
    if (h->wake_at <= now_ms(h)) {
        why |= WEIR_WHY_TIME;
        h->wake_at = INT64_MAX;
    }
    return why;
}

void harness_set_poll(struct harness *h, uint32_t max_records, uint64_t max_bytes, uint32_t timeout_ms,
                      uint32_t flags)
{
    h->poll = (struct weir_poll){.struct_size = sizeof h->poll,
                                 .max_records = max_records,
                                 .max_bytes = max_bytes,
                                 .timeout_ms = timeout_ms,
                                 .flags = flags};
}

static bool step_source(struct harness *h, int timeout_ms)
{
    const struct weir_poll *p = &h->poll;
    if (h->ended)
        return false;
    if (!h->poll_ready) /* as after AGAIN: timeout_ms, a descriptor, wake or the time ends the wait */
        (void)wait_ready(h, timeout_ms < (int)p->timeout_ms ? timeout_ms : (int)p->timeout_ms);
    int status = harness_poll(h, p->max_records, p->max_bytes, p->timeout_ms, p->flags);
    h->poll_ready = status == WEIR_OK;
    h->ended = status == WEIR_END;
    return true;
}

bool harness_step(struct harness *h, int timeout_ms)
{
    if (h->ops->kind == WEIR_SOURCE)
        return step_source(h, timeout_ms);
    uint32_t why = wait_ready(h, timeout_ms);
    if (!why)
        return false;
    if (h->ops->kind == WEIR_TRANSFORM && h->ops->serve) {
        h->emitter = (struct weir_emitter){.harness = h, .apart = true};
        harness_enter(h, "serve");
        harness_check_status(&h->emitter, "serve",
                             harness_leave(h, h->ops->serve(h->self, &h->emitter, why)));
        h->emitter.over = true;
        return true;
    }
    if (!h->ops->service)
        harness_breaks(h, RULE_CALLS, "something is ready, but it has no service");
    harness_enter(h, "service");
    harness_leave(h, h->ops->service(h->self, why));
    return true;
}

bool harness_run_until(struct harness *h, bool (*cond)(struct harness *, void *), void *opaque,
                       int timeout_ms)
{
    int64_t end = real_ms(CLOCK_MONOTONIC) + timeout_ms;
    while (!cond(h, opaque)) {
        int64_t left = end - real_ms(CLOCK_MONOTONIC);
        if (left <= 0)
            return false;
        bool called = harness_step(h, left < 100 ? (int)left : 100);
        if (!called && h->ended)
            return cond(h, opaque);
    }
    return true;
}

bool harness_idle(struct harness *h, void *unused)
{
    (void)unused;
    return harness_lent(h) == 0;
}
