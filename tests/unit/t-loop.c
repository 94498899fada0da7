/* SPDX-License-Identifier: BSD-2-Clause */
/* t-loop.c - the event loop of a home thread: tasks in order, no wake-up lost, who asked for what is told so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "instance/instance.h"
#include "instance/loop.h"
#include "report/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define LONG 60000 /* ms that no wait takes which is ended */

static struct loop loop;
static struct instance one, two;

static int setup(void **state)
{
    (void)state;
    loop_init(&loop);
    one = two = (struct instance){.loop = &loop, .wake_at = INT64_MAX, .who = (char *)(uintptr_t) "test"};
    one.next_in_loop = &two;
    loop.instances = &one;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    loop_free(&loop);
    return 0;
}

struct note {
    struct task task;
    int number;
};
static int ran[2000], n_ran;

static void run(struct task *t)
{
    ran[n_ran++] = ((struct note *)t)->number;
}

static void run_and_post(struct task *t)
{
    struct note *n = (struct note *)t;
    run(t);
    if (n->number++ < 5)
        loop_post(&loop, t); /* a task may post itself */
}

static void tasks_run_in_order_and_once(void **state)
{
    struct note notes[3] = {{{NULL, run}, 1}, {{NULL, run}, 2}, {{NULL, run}, 3}},
                again = {{NULL, run_and_post}, 4};
    (void)state;
    n_ran = 0;
    for (int i = 0; i < 3; i++)
        loop_post(&loop, &notes[i].task);
    loop_post(&loop, &again.task);
    loop_run_tasks(&loop);
    loop_run_tasks(&loop);
    assert_int_equal(n_ran, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ran[i], i + 1);
}

static int64_t waited(void (*wait)(struct loop *, int64_t), int64_t ms)
{
    int64_t begin = clock_mono_ms();
    wait(&loop, ms);
    return clock_mono_ms() - begin;
}

static void a_wake_ends_the_next_wait_and_only_that(void **state)
{
    void (*const waits[])(struct loop *, int64_t) = {loop_wait, loop_wait_deaf};
    (void)state;
    for (int i = 0; i < 2; i++) {
        loop_wake(&loop);
        loop_wake(&loop);
        assert_true(waited(waits[i], LONG) < LONG);
        assert_true(waited(waits[i], 30) >= 29);
    }
}

static void an_instance_is_woken_at_its_time_once(void **state)
{
    (void)state;
    int64_t at = one.wake_at = clock_mono_ms() + 30;
    two.wake_at = at + 3600000;
    loop_wait(&loop, -1);
    assert_true(clock_mono_ms() >= at);
    assert_int_equal(one.ready, WEIR_WHY_TIME);
    assert_int_equal(one.wake_at, INT64_MAX);
    assert_int_equal(two.ready, 0);
    one.ready = 0;
    loop_wait(&loop, 5);
    assert_int_equal(one.ready, 0);
}

static void a_descriptor_is_heard_unless_the_loop_is_deaf(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    loop_watch(&loop, &two, fds[0], WEIR_FD_READ);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_true(waited(loop_wait_deaf, 30) >= 29);
    assert_int_equal(two.ready, 0);
    assert_true(waited(loop_wait, LONG) < LONG);
    assert_int_equal(two.ready, WEIR_WHY_FD);
    assert_int_equal(one.ready, 0);
    two.ready = 0;
    loop_watch(&loop, &two, fds[0], 0);
    assert_true(waited(loop_wait, 30) >= 29);
    assert_int_equal(two.ready, 0);
    loop_watch(&loop, &one, fds[1], WEIR_FD_WRITE);
    loop_watch(&loop, &one, fds[1], WEIR_FD_WRITE); /* again: nothing new */
    loop_wait(&loop, LONG);
    assert_int_equal(one.ready, WEIR_WHY_FD);
    loop_watch(&loop, &one, fds[1], 0);
    close(fds[0]);
    close(fds[1]);
}

#define POSTERS 4
#define EACH    400

static void *post(void *arg)
{
    struct note *notes = arg;
    for (int i = 0; i < EACH; i++)
        loop_post(&loop, &notes[i].task);
    atomic_store(&one.wake, true);
    loop_wake(&loop);
    return NULL;
}

static void no_task_and_no_wake_of_other_threads_is_lost(void **state)
{
    static struct note notes[POSTERS][EACH];
    pthread_t threads[POSTERS];
    int last[POSTERS], wakes = 0;
    (void)state;
    n_ran = 0;
    for (int t = 0; t < POSTERS; t++) {
        last[t] = -1;
        for (int i = 0; i < EACH; i++)
            notes[t][i] = (struct note){{NULL, run}, t * EACH + i};
        assert_int_equal(pthread_create(&threads[t], NULL, post, notes[t]), 0);
    }
    int64_t begin = clock_mono_ms();
    while (n_ran < POSTERS * EACH || !wakes) {
        loop_wait(&loop, LONG); /* a wake-up that is lost shows as a wait of a minute */
        wakes += one.ready == WEIR_WHY_WAKE;
        one.ready = 0;
        loop_run_tasks(&loop);
        assert_true(clock_mono_ms() - begin < LONG);
    }
    for (int t = 0; t < POSTERS; t++)
        pthread_join(threads[t], NULL);
    for (int i = 0; i < n_ran; i++) {
        int t = ran[i] / EACH;
        assert_true(ran[i] > last[t]);
        last[t] = ran[i];
    }
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(tasks_run_in_order_and_once),
        test(a_wake_ends_the_next_wait_and_only_that),
        test(an_instance_is_woken_at_its_time_once),
        test(a_descriptor_is_heard_unless_the_loop_is_deaf),
        test(no_task_and_no_wake_of_other_threads_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
