/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.h - the event loop of a home thread: tasks posted to it, descriptors, one timer per instance.
 *
 * Owns: an epoll descriptor, an eventfd, the queue of tasks.  loop_post and loop_wake: any thread; all else: home. */
#ifndef WEIR_HOST_LOOP_H
#define WEIR_HOST_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct instance;

struct task {
    struct task *next;
    void (*run)(struct task *);
};

enum loop_state {
    LOOP_IDLE,
    LOOP_BUSY,
    LOOP_WAITS
}; /* no thread runs it; it turns; it waits for something */

struct loop_watch { /* engine/stuck.c's */
    uint64_t turns;
    _Atomic int64_t still_ms;
};

struct loop {
    int epoll, event;
    pthread_t thread;
    pthread_mutex_t lock; /* of the queue */
    struct task *head, **tail;
    _Atomic bool signalled;     /* the eventfd was written since the last wait */
    struct instance *instances; /* that live here */
    _Atomic uint64_t wakeups;
    _Atomic uint32_t state; /* enum loop_state */
    _Atomic int waits_ms;   /* how long it waits just now at most; -1: no limit */
    bool quit;
    struct loop_watch watch;
};

void loop_init(struct loop *);
void loop_free(struct loop *);
/* The calling thread is its home from here on, until it says that it runs it no longer. */
void loop_begin(struct loop *);
void loop_end(struct loop *);
/* Runs the task on the home thread, in order of posting; the task belongs to the loop until it runs. */
void loop_post(struct loop *, struct task *);
void loop_wake(struct loop *);
/* Runs posted tasks. */
void loop_run_tasks(struct loop *);
/* Waits for a task, a descriptor, an instance's time, at most timeout_ms (-1: no limit); marks instances ready. */
void loop_wait(struct loop *, int64_t timeout_ms);
/* The same, but descriptors do not end it: for an instance that may not do now what they ask for. */
void loop_wait_deaf(struct loop *, int64_t timeout_ms);
void loop_watch(struct loop *, struct instance *, int fd, uint32_t events);

#endif
