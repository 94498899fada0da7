/* SPDX-License-Identifier: BSD-2-Clause */
/* pass.c - starts, watches and joins the one pipeline of a dlq command (pass.h). */
#include "pass.h"

#include "command.h"
#include "engine/hang.h"
#include "engine/pipeline.h"
#include "monitor/books.h"
#include "report/clock.h"
#include "report/log.h"
#include "monitor/progress.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TURN_MS 250
#define ECHO_MS 200 /* timeout(1) and shells signal a process and then its group: that is one wish */

static int signals = -1; /* of the process */
static int64_t stopped_at;

void pass_signals(void)
{
    sigset_t set;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow: write says so */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        die("cannot take signals: %s", strerror(errno));
}

/* Threads of it still run: nothing may be taken from under them.  What was committed is noted. */
static _Noreturn void end_now(const struct passing *pass, struct pipeline *p)
{
    log_flush();
    if (pass->books)
        (void)books_print(p, stderr);
    _exit(EXIT_FAILED);
}

static void take_signal(const struct passing *pass, struct pipeline *p, struct progress *progress)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
        int64_t now = clock_mono_ms();
        if (stopped_at && now - stopped_at < ECHO_MS)
            continue;
        if (stopped_at) {
            progress_end(progress);
            log_line(WEIR_LOG_WARNING, NULL, "a second signal: ends at once, what was not committed is left");
            end_now(pass, p);
        }
        stopped_at = now;
        log_line(WEIR_LOG_NOTICE, NULL, "stopping; a second signal ends at once");
        pipeline_stop(p);
    }
}

/* Nobody wants to wait for ever for a look: a topic that does not exist, brokers that are down. */
static bool troubled_for_long(const struct pipeline *p, int64_t *since)
{
    int64_t now = clock_mono_ms();
    if (atomic_load(&p->intake.instance->health) <= WEIR_UP) /* or nothing was said yet */
        *since = now;
    return now - *since >= PASS_PATIENCE_MS;
}

/* False: it was given up. */
static bool watch(const struct passing *pass, struct pipeline *p, struct monitor *monitor)
{
    struct progress *progress = pass->books ? progress_start(&p, 1, true) : NULL;
    int64_t well = clock_mono_ms();
    bool good = true;
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = p->done_fd, .events = POLLIN}};
    while (!pipeline_done(p) && !hang_found(p, clock_mono_ms())) {
        if (poll(fds, 2, TURN_MS) > 0)
            take_signal(pass, p, progress);
        uint64_t ended;
        (void)!read(p->done_fd, &ended, sizeof ended);
        if (progress)
            progress_tick(progress);
        if (monitor)
            monitor_tick(monitor);
        if (pass->looks && good && troubled_for_long(p, &well)) {
            good = false;
            pipeline_stop(p);
        }
    }
    progress_end(progress);
    if (p->hang.found)
        end_now(pass, p);
    return good;
}

/* False: nothing may run.  *ret: NULL where nobody wants to see it. */
static bool serve(const struct passing *pass, struct pipeline *p, struct monitor **ret, struct strbuf *why)
{
    *ret = pass->metrics ? monitor_new() : NULL;
    if (!*ret || (monitor_bind(*ret, pass->metrics, why) && monitor_watch_one(*ret, p, why)))
        return true;
    monitor_free(*ret);
    return false;
}

enum pass_end pass_run(struct passing *pass, struct strbuf *why)
{
    if (stopped_at) /* a pass before this one was: who does that means all */
        return PASS_STOPPED;
    struct state *state = state_open(pass->state_dir, pass->conf->state_name, why);
    if (!state)
        return PASS_REFUSED;
    struct pipeline *p = pipeline_new(pass->conf, state, NULL, true);
    struct monitor *monitor;
    p->gate = pass->gate;
    if (pass->ready && !pass->ready(pass->gate, p->state)) {
        strbuf_str(why, "the state can not be read");
        pipeline_free(p);
        return PASS_REFUSED;
    }
    if (!serve(pass, p, &monitor, why)) {
        pipeline_free(p);
        return PASS_REFUSED;
    }
    p->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->done_fd < 0)
        die("cannot make an eventfd: %s", strerror(errno));
    pass->running = p;
    pipeline_start(p);
    bool well = watch(pass, p, monitor), ok = pipeline_join(p) && well;
    if (!well)
        strbuf_printf(why, "the dead letters could not be read for %d s, see above; gave up",
                      PASS_PATIENCE_MS / 1000);
    log_flush();
    if (pass->books)
        ok &= books_print(p, stderr);
    state_again(p->state);
    if (ok && !atomic_load(&p->stop) && pass->done) /* what was stopped has not seen the end */
        ok = pass->done(pass->gate, p->state);
    monitor_free(monitor); /* it looks at the pipeline */
    close(p->done_fd);
    pass->running = NULL;
    pipeline_free(p);
    return !ok ? PASS_FAILED : stopped_at ? PASS_STOPPED : PASS_DONE;
}
