/* SPDX-License-Identifier: BSD-2-Clause */
/* measure.c - runs one program and tells what it cost; the benchmark starts every program through it.
 *
 * A process of its own, because the kernel counts the memory of the process that forks into the peak of the one it
 * starts: from an interpreter every small program would look as large as the interpreter.
 *
 * Usage: measure FD PROGRAM ARG...   Writes the program's pid to FD at once, and one line of figures at its end. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A counter of the instructions in user mode of whatever is forked from now on; -1 where the processor, or the machine
 * around it, lets nobody count. */
static int count_instructions(void)
{
    struct perf_event_attr what = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof what,
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .inherit = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    return (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0);
}

static long long counted(int counter)
{
    long long n = -1;
    return counter >= 0 && read(counter, &n, sizeof n) == (ssize_t)sizeof n ? n : -1;
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status = 0, fd = argc > 2 ? (int)strtol(argv[1], NULL, 10) : -1;
    if (fd < 3) {
        (void)fprintf(stderr, "usage: measure FD PROGRAM ARG...\n");
        return 2;
    }
    int counter = count_instructions();
    double start = now();
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(fd);
        (void)execvp(argv[2], argv + 2);
        (void)fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    if (pid < 0 || dprintf(fd, "%ld\n", (long)pid) < 0)
        return 2;
    /* The reaped child's figures include those of its own children that it waited for. */
    while (wait4(pid, &status, 0, &used) < 0)
        if (errno != EINTR)
            return 2;
    (void)dprintf(fd, "%d %.6f %.6f %.6f %ld %ld %ld %lld\n",
                  WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), now() - start,
                  seconds(used.ru_utime), seconds(used.ru_stime), used.ru_maxrss, used.ru_nvcsw,
                  used.ru_nivcsw, counted(counter));
    return 0;
}
