/* SPDX-License-Identifier: BSD-2-Clause */
/* progress.c - draws the live lines.  Main thread; the log's lock keeps them and log lines apart. */
#include "progress.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE_MS  250
#define PLAIN_MS 60000 /* a log should not fill with progress */
#define BAR      20

struct line { /* of one pipeline, for its rate */
    uint64_t read, delivered;
    double rate;
};

struct progress {
    struct pipeline *const *pipelines;
    int n;
    bool live, until_end;
    int64_t due_ms, last_ms;
    struct line *lines;
};

static struct progress *shown; /* whose lines stand on the terminal now */
static int drawn;

static void erase(void)
{
    for (; drawn > 0; drawn--)
        fputs("\r\033[K\033[A", stderr);
    fputs("\r\033[K", stderr);
}

static void before_log(void)
{
    if (shown && drawn)
        erase();
}

static void after_log(void)
{
}

struct progress *progress_start(struct pipeline *const *pipelines, int n, bool until_end)
{
    struct progress *p = xcalloc(1, sizeof *p);
    p->pipelines = pipelines;
    p->n = n;
    p->until_end = until_end;
    const char *term = getenv("TERM");
    p->live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    p->lines = xcalloc((size_t)n, sizeof *p->lines);
    p->last_ms = clock_mono_ms();
    p->due_ms = p->last_ms + (p->live ? LIVE_MS : PLAIN_MS);
    if (p->live) {
        shown = p;
        log_set_hooks(before_log, after_log);
    }
    return p;
}

static int columns(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

static void bar(char *out, size_t cap, double part)
{
    int full = (int)(part * BAR + 0.5);
    snprintf(out, cap, "[%.*s%.*s] %3.0f%%", full, "####################", BAR - full, "--------------------",
             part * 100);
}

static void describe(struct progress *p, int i, double seconds, char *out, size_t cap)
{
    struct pipeline *pipe = p->pipelines[i];
    struct books b = ledger_books(&pipe->ledger);
    struct line *l = &p->lines[i];
    uint64_t lag = 0, size = 0;
    bool ends = ledger_lag(&pipe->ledger, &lag, &size);
    uint64_t done = b.delivered + b.dead + b.dropped;
    double rate = seconds > 0 ? (double)(b.read - l->read) / seconds : 0;
    l->rate = l->rate > 0 ? l->rate * 0.7 + rate * 0.3 : rate;
    l->read = b.read;
    int n = snprintf(out, cap, "%s  read %" PRIu64 "  delivered %" PRIu64 "  %.0f/s", pipe->conf->name,
                     b.read, b.delivered, l->rate);
    if (b.dead)
        n += snprintf(out + n, cap - (size_t)n, "  dead-lettered %" PRIu64, b.dead);
    if (b.read > done)
        n += snprintf(out + n, cap - (size_t)n, "  on the way %" PRIu64, b.read - done);
    if (!ends || (size_t)n >= cap)
        return;
    if (!p->until_end || !size) {
        snprintf(out + n, cap - (size_t)n, "  lag %" PRIu64, lag);
        return;
    }
    char drawn_bar[64];
    double part = (double)(size - (lag < size ? lag : size)) / (double)size;
    bar(drawn_bar, sizeof drawn_bar, part);
    n += snprintf(out + n, cap - (size_t)n, "  %s", drawn_bar);
    double per_second = l->rate > 0 && b.read ? (double)(size - lag) / (double)b.read * l->rate : 0;
    if (per_second > 0 && (size_t)n < cap)
        snprintf(out + n, cap - (size_t)n, "  %.0f s left", (double)lag / per_second);
}

static void draw(struct progress *p, double seconds)
{
    char text[512];
    int width = columns();
    log_lock();
    if (drawn)
        erase();
    for (int i = 0; i < p->n; i++) {
        describe(p, i, seconds, text, sizeof text);
        fprintf(stderr, "%.*s\n", width - 1, text);
    }
    drawn = p->n;
    fflush(stderr);
    log_unlock();
}

void progress_tick(struct progress *p)
{
    int64_t now = clock_mono_ms();
    if (now < p->due_ms)
        return;
    double seconds = (double)(now - p->last_ms) / 1000;
    char text[512];
    if (p->live)
        draw(p, seconds);
    for (int i = 0; !p->live && i < p->n; i++) {
        describe(p, i, seconds, text, sizeof text);
        log_line(WEIR_LOG_INFO, NULL, "%s", text);
    }
    p->last_ms = now;
    p->due_ms = now + (p->live ? LIVE_MS : PLAIN_MS);
}

void progress_end(struct progress *p)
{
    log_lock();
    if (p->live && drawn)
        erase();
    shown = NULL;
    log_unlock();
    log_set_hooks(NULL, NULL);
    free(p->lines);
    free(p);
}
