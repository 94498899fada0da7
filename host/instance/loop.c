/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.c - tasks, descriptors and times of one home thread.  loop_post and loop_wake: any thread; all else: home. */
#include "loop.h"

#include "instance.h"
#include "report/clock.h"
#include "report/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 32

void loop_init(struct loop *l)
{
    memset(l, 0, sizeof *l);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->epoll < 0 || l->event < 0)
        die("cannot make an event loop: %s; raise the limit of open files", strerror(errno));
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->event, &e) != 0)
        die("cannot watch an eventfd: %s", strerror(errno));
    pthread_mutex_init(&l->lock, NULL);
    l->tail = &l->head;
    l->thread = pthread_self();
}

void loop_free(struct loop *l)
{
    close(l->epoll);
    close(l->event);
    pthread_mutex_destroy(&l->lock);
}

static void set_state(struct loop *l, enum loop_state state)
{
    atomic_store_explicit(&l->state, (uint32_t)state, memory_order_relaxed);
}

void loop_begin(struct loop *l)
{
    l->thread = pthread_self();
    set_state(l, LOOP_BUSY);
}

void loop_end(struct loop *l)
{
    set_state(l, LOOP_IDLE);
}

void loop_wake(struct loop *l)
{
    if (atomic_exchange(&l->signalled, true))
        return;
    uint64_t one = 1;
    if (write(l->event, &one, sizeof one) < 0 && errno != EAGAIN)
        die("cannot write an eventfd: %s", strerror(errno));
}

void loop_post(struct loop *l, struct task *t)
{
    t->next = NULL;
    pthread_mutex_lock(&l->lock);
    *l->tail = t;
    l->tail = &t->next;
    pthread_mutex_unlock(&l->lock);
    loop_wake(l);
}

static struct task *take_all(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct task *head = l->head;
    l->head = NULL;
    l->tail = &l->head;
    pthread_mutex_unlock(&l->lock);
    return head;
}

void loop_run_tasks(struct loop *l)
{
    struct task *t, *next;
    while ((t = take_all(l)) != NULL)
        for (; t; t = next) {
            next = t->next; /* the task may free or post itself */
            t->run(t);
        }
}

/* The earliest time an instance asked for, as a timeout of at most limit ms. */
static int64_t next_timeout(const struct loop *l, int64_t limit)
{
    int64_t now = -1;
    for (const struct instance *i = l->instances; i; i = i->next_in_loop) {
        if (i->wake_at == INT64_MAX)
            continue;
        if (now < 0)
            now = clock_mono_ms();
        int64_t left = i->wake_at > now ? i->wake_at - now : 0;
        if (limit < 0 || left < limit)
            limit = left;
    }
    return limit;
}

static void mark_ready(struct loop *l)
{
    int64_t now = clock_mono_ms();
    for (struct instance *i = l->instances; i; i = i->next_in_loop) {
        if (atomic_load(&i->wake) && atomic_exchange(&i->wake, false))
            i->ready |= WEIR_WHY_WAKE;
        if (i->wake_at <= now) {
            i->wake_at = INT64_MAX;
            i->ready |= WEIR_WHY_TIME;
        }
    }
}

static int timeout_of(struct loop *l, int64_t timeout_ms)
{
    int64_t timeout = atomic_load(&l->signalled) ? 0 : next_timeout(l, timeout_ms);
    int ms = timeout > INT32_MAX ? INT32_MAX : (int)timeout;
    atomic_store_explicit(&l->waits_ms, ms, memory_order_relaxed);
    set_state(l, LOOP_WAITS);
    return ms;
}

static void take_event(struct loop *l)
{
    uint64_t count;
    if (read(l->event, &count, sizeof count) < 0 && errno != EAGAIN)
        die("cannot read an eventfd: %s", strerror(errno));
}

static void waited(struct loop *l)
{
    set_state(l, LOOP_BUSY);
    atomic_store(&l->signalled, false); /* before tasks and wake flags are looked at */
    atomic_fetch_add_explicit(&l->wakeups, 1, memory_order_relaxed);
    mark_ready(l);
}

void loop_wait(struct loop *l, int64_t timeout_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(l->epoll, events, EVENTS_AT_ONCE, timeout_of(l, timeout_ms));
    if (n < 0 && errno != EINTR)
        die("cannot wait for events: %s", strerror(errno));
    for (int k = 0; k < n; k++) {
        struct instance *i = events[k].data.ptr;
        if (i)
            i->ready |= WEIR_WHY_FD;
        else
            take_event(l);
    }
    waited(l);
}

void loop_wait_deaf(struct loop *l, int64_t timeout_ms)
{
    struct pollfd event = {.fd = l->event, .events = POLLIN};
    int n = poll(&event, 1, timeout_of(l, timeout_ms));
    if (n < 0 && errno != EINTR)
        die("cannot wait for events: %s", strerror(errno));
    if (n > 0)
        take_event(l);
    waited(l);
}

void loop_watch(struct loop *l, struct instance *i, int fd, uint32_t events)
{
    struct epoll_event e = {.data.ptr = i};
    if (events & WEIR_FD_READ)
        e.events |= EPOLLIN;
    if (events & WEIR_FD_WRITE)
        e.events |= EPOLLOUT;
    if (!events) { /* the plugin may have closed it already: then the kernel forgot it */
        (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, &e);
        return;
    }
    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &e) == 0)
        return;
    if (errno == ENOENT && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) == 0)
        return;
    log_line(WEIR_LOG_ERROR, i->who, "cannot watch descriptor %d: %s", fd, strerror(errno));
}
