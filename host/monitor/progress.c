/* SPDX-License-Identifier: BSD-2-Clause */
/* progress.c - draws the live lines.  Main thread; the log's lock keeps them and log lines apart.
 *
 * The lines stand at the bottom of the terminal and the cursor below them.  A log line takes their place and they are
 * written again behind it.  Each change is one write(2), so that nothing flickers. */
#include "progress.h"

#include "report/clock.h"
#include "report/log.h"
#include "record/strbuf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE_MS  250
#define PLAIN_MS 60000 /* a log should not fill with progress */
#define BAR      20
#define STILL_S  2 /* nothing read for so long: nobody knows how long it takes */

struct line { /* of one pipeline, for its rate */
    uint64_t read;
    double rate;
    double still; /* seconds in which nothing was read */
};

struct progress {
    struct pipeline *const *pipelines;
    int n;
    bool live, until_end;
    int64_t due_ms, last_ms;
    struct line *lines;
    struct strbuf text; /* what stands on the terminal now */
    int drawn;          /* lines of it */
    struct strbuf out;
};

static struct progress *shown; /* whose lines stand on the terminal; guarded by the log's lock */

static void flush(struct strbuf *out)
{
    for (size_t at = 0; at < out->len;) {
        ssize_t n = write(STDERR_FILENO, out->data + at, out->len - at);
        if (n <= 0)
            break; /* a terminal that went away is no reason to stop */
        at += (size_t)n;
    }
    out->len = 0;
}

/* To the first column of the first live line, with everything from there on cleared. */
static void add_erase(struct strbuf *out, int lines)
{
    strbuf_char(out, '\r');
    if (lines > 0)
        strbuf_printf(out, "\033[%dA", lines);
    strbuf_str(out, "\033[J");
}

static void before_log(void)
{
    if (!shown || !shown->drawn)
        return;
    add_erase(&shown->out, shown->drawn);
    flush(&shown->out);
}

static void after_log(void)
{
    if (!shown || !shown->drawn)
        return;
    strbuf_add(&shown->out, shown->text.data, shown->text.len);
    flush(&shown->out);
}

/* Records on the same terminal would be overwritten by lines that move the cursor. */
static bool prints_records(const struct pipeline_conf *conf)
{
    for (size_t i = 0; i < conf->n_sinks; i++)
        if (strcmp(conf->sinks[i].plugin->info.name, "std") == 0)
            return true;
    return conf->dead_letter && strcmp(conf->dead_letter->plugin->info.name, "std") == 0;
}

static bool can_be_live(struct pipeline *const *pipelines, int n)
{
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
        return false;
    for (int i = 0; i < n && isatty(STDOUT_FILENO); i++)
        if (prints_records(pipelines[i]->flow.conf))
            return false;
    return true;
}

struct progress *progress_start(struct pipeline *const *pipelines, int n, bool until_end)
{
    struct progress *p = xcalloc(1, sizeof *p);
    p->pipelines = pipelines;
    p->n = n;
    p->until_end = until_end;
    p->live = can_be_live(pipelines, n);
    p->lines = xcalloc((size_t)n + 1, sizeof *p->lines);
    p->last_ms = clock_mono_ms();
    p->due_ms = p->last_ms + (p->live ? LIVE_MS : PLAIN_MS);
    if (p->live) {
        shown = p;
        log_set_hooks(before_log, after_log);
    }
    return p;
}

static void add_left(struct strbuf *out, double seconds)
{
    if (seconds < 1)
        strbuf_str(out, "  <1 s left");
    else if (seconds < 120)
        strbuf_printf(out, "  %.0f s left", seconds);
    else if (seconds < 7200)
        strbuf_printf(out, "  %.0f min left", seconds / 60);
    else
        strbuf_printf(out, "  %.0f h left", seconds / 3600);
}

/* How much of what was there at the start is read; positions need not be records, so the rate is scaled. */
static void add_bar(struct strbuf *out, uint64_t lag, uint64_t size, uint64_t read, double rate)
{
    uint64_t done = size - (lag < size ? lag : size);
    double part = (double)done / (double)size;
    int full = (int)(part * BAR);
    strbuf_printf(out, "  [%.*s%.*s] %3d%%", full, "####################", BAR - full, "--------------------",
                  (int)(part * 100));
    double per_second = read ? (double)done / (double)read * rate : 0;
    if (per_second > 0 && lag > 0)
        add_left(out, (double)lag / per_second);
}

static void describe(struct progress *p, int i, double seconds, struct strbuf *out)
{
    struct ledger *ledger = &p->pipelines[i]->flow.ledger;
    struct books b = ledger_books(ledger);
    struct line *l = &p->lines[i];
    uint64_t lag = 0, size = 0;
    bool ends = ledger_lag(ledger, &lag, &size);
    /* what was given back at a rebalance is taken out of `read` */
    double rate = seconds > 0 && b.read > l->read ? (double)(b.read - l->read) / seconds : 0;
    l->rate = l->rate > 0 ? l->rate * 0.7 + rate * 0.3 : rate;
    l->still = rate > 0 ? 0 : l->still + seconds;
    l->read = b.read;
    strbuf_printf(out, "read %" PRIu64 "  delivered %" PRIu64, b.read, b.delivered);
    if (b.dropped)
        strbuf_printf(out, "  dropped %" PRIu64, b.dropped);
    if (b.dead)
        strbuf_printf(out, "  dead-lettered %" PRIu64, b.dead);
    if (b.open)
        strbuf_printf(out, "  on the way %" PRIu64, b.open);
    if (pipeline_done(p->pipelines[i])) {
        strbuf_str(out, "  done");
        return;
    }
    strbuf_printf(out, "  %.0f/s", l->rate);
    if (ends && p->until_end && size)
        add_bar(out, lag, size, b.read, l->still < STILL_S ? l->rate : 0);
    else if (ends)
        strbuf_printf(out, "  lag %" PRIu64, lag);
}

/* Cuts a line that would wrap; names of pipelines are ASCII. */
static void fit(struct strbuf *text, size_t from, size_t columns)
{
    if (text->len - from >= columns)
        text->len = from + columns - 1;
}

static void draw(struct progress *p, double seconds)
{
    struct winsize w;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 && w.ws_row > 2;
    int rows = known ? w.ws_row : 24, n = p->n < rows ? p->n : rows - 2;
    log_lock();
    add_erase(&p->out, p->drawn);
    p->text.len = 0;
    for (int i = 0; i < n; i++) {
        size_t from = p->text.len;
        strbuf_printf(&p->text, "%s  ", p->pipelines[i]->flow.conf->label);
        describe(p, i, seconds, &p->text);
        fit(&p->text, from, known ? w.ws_col : 80);
        strbuf_char(&p->text, '\n');
    }
    if (n < p->n)
        strbuf_printf(&p->text, "and %d more\n", p->n - n);
    p->drawn = n + (n < p->n);
    strbuf_add(&p->out, p->text.data, p->text.len);
    flush(&p->out);
    log_unlock();
}

static void print_plain(struct progress *p, double seconds)
{
    for (int i = 0; i < p->n; i++) {
        p->text.len = 0;
        describe(p, i, seconds, &p->text);
        log_text(WEIR_LOG_INFO, p->pipelines[i]->flow.conf->label, p->text.data, p->text.len);
    }
}

void progress_tick(struct progress *p)
{
    int64_t now = clock_mono_ms();
    if (now < p->due_ms || !p->n)
        return;
    double seconds = (double)(now - p->last_ms) / 1000;
    if (p->live)
        draw(p, seconds);
    else
        print_plain(p, seconds);
    p->last_ms = now;
    p->due_ms = now + (p->live ? LIVE_MS : PLAIN_MS);
}

void progress_end(struct progress *p)
{
    if (!p)
        return;
    log_lock();
    if (p->drawn) {
        add_erase(&p->out, p->drawn);
        flush(&p->out);
    }
    shown = NULL;
    log_unlock();
    log_set_hooks(NULL, NULL);
    strbuf_free(&p->text);
    strbuf_free(&p->out);
    free(p->lines);
    free(p);
}
