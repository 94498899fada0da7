/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_process.c - what the kernel says of this process, under the names all Prometheus clients use.  Any thread. */
#include "metrics_values.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static bool read_file(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(out, 1, cap - 1, f) : 0;
    if (f)
        (void)fclose(f);
    out[n] = '\0';
    return n > 0;
}

double process_cpu_seconds(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return NAN;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A page count of /proc/self/statm: the first is virtual, the second resident. */
static double pages(bool resident)
{
    char text[128];
    unsigned long all, there;
    if (!read_file("/proc/self/statm", text, sizeof text) || sscanf(text, "%lu %lu", &all, &there) != 2)
        return NAN;
    return (double)(resident ? there : all) * (double)sysconf(_SC_PAGESIZE);
}

double process_resident_bytes(void)
{
    return pages(true);
}

double process_virtual_bytes(void)
{
    return pages(false);
}

/* Field 22 of /proc/self/stat is in ticks since boot; the name in field 2 may hold anything. */
double process_start_seconds(void)
{
    char text[1024];
    unsigned long long ticks = 0;
    struct timespec boot, now;
    if (!read_file("/proc/self/stat", text, sizeof text))
        return NAN;
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at || sscanf(at, " %llu", &ticks) != 1 || clock_gettime(CLOCK_BOOTTIME, &boot) != 0 ||
        clock_gettime(CLOCK_REALTIME, &now) != 0)
        return NAN;
    double up = (double)boot.tv_sec + (double)boot.tv_nsec / 1e9,
           wall = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    return wall - up + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double process_open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    double n = -1; /* the folder itself */
    if (!d)
        return NAN;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

double process_max_fds(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : NAN;
}
