/* SPDX-License-Identifier: BSD-2-Clause */
/* tsan_threads.c - C11 threads on top of pthreads, for builds with ThreadSanitizer only.
 *
 * ThreadSanitizer sees pthread_* but not thrd_*, mtx_*, cnd_*: a thread of librdkafka would crash in its first malloc,
 * and what its locks guard would look like races.  Defined in the program, these come before glibc's.  glibc's types
 * are the same memory, so both may touch one object.  What has librdkafka on its stack is not
 * reported: it is not instrumented, so its reference counts are not seen, and its last free looks like a race.
 * Nor are its threads that are left at the end: where a topic was deleted under a consumer, librdkafka 2.0.2 now and then
 * never comes back from rd_kafka_destroy (its broker thread waits for a reference that nobody has any more), and the
 * source leaves it alone after five seconds.  A client that is forgotten shows as a leak in the ASan build. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mtx_t is a pthread_mutex_t");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a cnd_t is a pthread_cond_t");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "a once_flag is a pthread_once_t");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thrd_t is a pthread_t");

const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:librdkafka.so\n"
           "thread:librdkafka.so\n";
}

struct start {
    thrd_start_t run;
    void *opaque;
};

static void *run_thread(void *opaque)
{
    struct start start = *(struct start *)opaque;
    free(opaque);
    return (void *)(intptr_t)start.run(start.opaque);
}

static int status_of(int error)
{
    return error == 0           ? thrd_success
           : error == ENOMEM    ? thrd_nomem
           : error == ETIMEDOUT ? thrd_timedout
           : error == EBUSY     ? thrd_busy
                                : thrd_error;
}

int thrd_create(thrd_t *ret, thrd_start_t run, void *opaque)
{
    struct start *start = malloc(sizeof *start);
    if (!start)
        return thrd_nomem;
    *start = (struct start){run, opaque};
    int error = pthread_create((pthread_t *)ret, NULL, run_thread, start);
    if (error)
        free(start);
    return status_of(error);
}

int thrd_join(thrd_t thread, int *ret)
{
    void *result;
    int error = pthread_join((pthread_t)thread, &result);
    if (!error && ret)
        *ret = (int)(intptr_t)result;
    return status_of(error);
}

int thrd_detach(thrd_t thread)
{
    return status_of(pthread_detach((pthread_t)thread));
}

int mtx_init(mtx_t *m, int type)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    int error = pthread_mutex_init((pthread_mutex_t *)m, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return status_of(error);
}

void mtx_destroy(mtx_t *m)
{
    pthread_mutex_destroy((pthread_mutex_t *)m);
}

int mtx_lock(mtx_t *m)
{
    return status_of(pthread_mutex_lock((pthread_mutex_t *)m));
}

int mtx_trylock(mtx_t *m)
{
    return status_of(pthread_mutex_trylock((pthread_mutex_t *)m));
}

int mtx_unlock(mtx_t *m)
{
    return status_of(pthread_mutex_unlock((pthread_mutex_t *)m));
}

int cnd_init(cnd_t *c)
{
    return status_of(pthread_cond_init((pthread_cond_t *)c, NULL));
}

void cnd_destroy(cnd_t *c)
{
    pthread_cond_destroy((pthread_cond_t *)c);
}

int cnd_signal(cnd_t *c)
{
    return status_of(pthread_cond_signal((pthread_cond_t *)c));
}

int cnd_broadcast(cnd_t *c)
{
    return status_of(pthread_cond_broadcast((pthread_cond_t *)c));
}

int cnd_wait(cnd_t *c, mtx_t *m)
{
    return status_of(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}

int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until)
{
    return status_of(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

void call_once(once_flag *once, void (*run)(void))
{
    pthread_once((pthread_once_t *)once, run);
}
