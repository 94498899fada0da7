/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_run.c - weir run: pipelines in the foreground, until they end or a signal drains them.
 *
 * Main thread: it loads, starts, watches and joins; every pipeline runs on threads of its own. */
#include "command.h"
#include "config/conf.h"
#include "engine/hang.h"
#include "engine/readers.h"
#include "plugin/loader.h"
#include "monitor/books.h"
#include "report/clock.h"
#include "report/log.h"
#include "monitor/monitor.h"
#include "monitor/progress.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TURN_MS 250 /* of the live line; signals and ends are told at once */
#define ECHO_MS 200 /* timeout(1) and shells signal a process and then its group: that is one wish, not two */

struct run {
    const char *state_dir;
    bool until_end;
    char **files;
    int n;
    struct pipeline_conf **confs;
    struct readers **readers; /* of each file */
    int n_readers;
    struct pipeline **pipelines; /* all of them */
    int n_pipelines;
    int signals; /* signalfd */
    int ended;   /* eventfd that pipelines write when they are through */
    bool stopping;
    int64_t stopping_since; /* mono ms */
    struct progress *progress;
    bool serves; /* --metrics */
    struct monitor_address metrics;
    struct monitor *monitor;
};

enum { OPT_UNTIL_END = 256, OPT_STATE_DIR, OPT_METRICS, OPT_LOG_FORMAT, OPT_LOG_LEVEL, OPT_PLUGIN_PATH };

static const struct option options[] = {
    {"until-end", no_argument, NULL, OPT_UNTIL_END},
    {"state-dir", required_argument, NULL, OPT_STATE_DIR},
    {"metrics", required_argument, NULL, OPT_METRICS},
    {"log-format", required_argument, NULL, OPT_LOG_FORMAT},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"plugin-path", required_argument, NULL, OPT_PLUGIN_PATH},
    {NULL, 0, NULL, 0},
};

static int read_metrics(struct run *r)
{
    struct strbuf why = {0};
    int status = 0;
    r->serves = monitor_address(optarg, &r->metrics, &why);
    if (!r->serves)
        status = command_usage("run", "%s", why.data);
    strbuf_free(&why);
    return status;
}

static int read_option(struct run *r, int option)
{
    switch (option) {
    case OPT_UNTIL_END:
        r->until_end = true;
        return 0;
    case OPT_STATE_DIR:
        r->state_dir = optarg;
        return 0;
    case OPT_METRICS:
        return read_metrics(r);
    case OPT_LOG_FORMAT:
        return log_set_format(optarg)
                   ? 0
                   : command_usage("run", "--log-format is text or json, not \"%s\"", optarg);
    case OPT_LOG_LEVEL:
        return log_set_level(optarg)
                   ? 0
                   : command_usage("run", "--log-level is error, warning, notice, info or debug, not \"%s\"",
                                   optarg);
    case OPT_PLUGIN_PATH:
        loader_set_path(optarg);
        return 0;
    default:
        return command_usage("run", "unknown option");
    }
}

/* Signals are taken by the main loop alone: every thread made from here on has them blocked. */
static int take_signals(void)
{
    sigset_t set;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow: write says so */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("cannot take signals: %s", strerror(errno));
    return fd;
}

/* All files are read before anything runs, so that every mistake is told at once. */
static int load(struct run *r)
{
    int bad = 0;
    r->confs = xcalloc((size_t)r->n + 1, sizeof(struct pipeline_conf *));
    for (int i = 0; i < r->n; i++) {
        r->confs[i] = conf_load(r->files[i], stderr);
        bad += r->confs[i] == NULL;
        for (int k = 0; k < i && r->confs[i]; k++)
            if (r->confs[k] && strcmp(r->confs[k]->name, r->confs[i]->name) == 0) {
                fprintf(stderr, "%s: pipeline \"%s\" is also in %s; give one another name\n", r->files[i],
                        r->confs[i]->name, r->files[k]);
                bad++;
            }
    }
    return bad;
}

/* Starts what can be started; false when one could not. */
static bool start(struct run *r)
{
    struct strbuf dir = {0}, why = {0};
    bool ok = true;
    state_choose_dir(r->state_dir, &dir);
    r->readers = xcalloc((size_t)r->n + 1, sizeof(struct readers *));
    for (int i = 0; i < r->n; i++) {
        why.len = 0;
        struct readers *one = readers_new(r->confs[i], dir.data, r->until_end, &why);
        if (!one) {
            log_line(WEIR_LOG_ERROR, r->confs[i]->name, "%s", why.data);
            monitor_unstarted(r->monitor, r->confs[i]->name, why.data);
            ok = false;
            continue;
        }
        r->readers[r->n_readers++] = one;
        if (one->letters)
            one->letters->done_fd = r->ended;
        r->pipelines = xrealloc(r->pipelines, ((size_t)r->n_pipelines + one->n) * sizeof(struct pipeline *));
        for (size_t k = 0; k < one->n; k++) {
            one->list[k]->done_fd = r->ended;
            r->pipelines[r->n_pipelines++] = one->list[k];
        }
    }
    if (!monitor_watch(r->monitor, r->readers, r->n_readers, &why)) {
        log_line(WEIR_LOG_ERROR, NULL, "%s", why.data);
        ok = false;
    }
    for (int i = 0; i < r->n_readers; i++)
        readers_start(r->readers[i]);
    strbuf_free(&dir);
    strbuf_free(&why);
    return ok;
}

/* The address is taken before anything runs; false: it can not be. */
static bool monitor(struct run *r)
{
    struct strbuf why = {0};
    r->monitor = monitor_new();
    bool ok = !r->serves || monitor_bind(r->monitor, &r->metrics, &why);
    if (!ok)
        fprintf(stderr, "weir run: %s\n", why.data);
    strbuf_free(&why);
    return ok;
}

static bool all_done(const struct run *r)
{
    bool all = true;
    for (int i = 0; i < r->n_pipelines; i++)
        all &= pipeline_done(r->pipelines[i]) || hang_found(r->pipelines[i], clock_mono_ms());
    for (int i = 0; i < r->n_readers; i++)
        all &= readers_through(r->readers[i], clock_mono_ms());
    return all;
}

static void take_signal(struct run *r)
{
    struct signalfd_siginfo info;
    while (read(r->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (r->stopping && clock_mono_ms() - r->stopping_since < ECHO_MS)
            continue;
        if (r->stopping) {
            progress_end(r->progress);
            log_line(WEIR_LOG_WARNING, NULL,
                     "a second signal: ends at once, what was not committed is read again");
            for (int i = 0; i < r->n_readers; i++)
                (void)books_print_all(r->readers[i], stderr);
            for (int i = 0; i < r->n_pipelines; i++)
                if (pipeline_done(r->pipelines[i])) /* its thread is through */
                    (void)pipeline_join(r->pipelines[i]);
            _exit(EXIT_FAILED);
        }
        r->stopping = true;
        r->stopping_since = clock_mono_ms();
        log_line(WEIR_LOG_NOTICE, NULL,
                 "stopping: delivers and commits what was read; a second signal ends at once");
        for (int i = 0; i < r->n_pipelines; i++)
            pipeline_stop(r->pipelines[i]);
    }
}

static bool watch(struct run *r)
{
    bool ok = true, hung = false;
    r->progress = progress_start(r->pipelines, r->n_pipelines, r->until_end);
    struct pollfd fds[] = {{.fd = r->signals, .events = POLLIN}, {.fd = r->ended, .events = POLLIN}};
    while (!all_done(r)) {
        if (poll(fds, 2, TURN_MS) > 0)
            take_signal(r);
        uint64_t ended;
        (void)!read(r->ended, &ended, sizeof ended);
        progress_tick(r->progress);
        monitor_tick(r->monitor);
    }
    progress_end(r->progress);
    for (int i = 0; i < r->n_pipelines; i++)
        if (r->pipelines[i]->hang.found)
            hung = true;
        else
            ok &= pipeline_join(r->pipelines[i]);
    for (int i = 0; i < r->n_readers; i++)
        hung |= r->readers[i]->letters && r->readers[i]->letters->hang.found;
    for (int i = 0; i < r->n_readers && !hung; i++)
        readers_end(r->readers[i]);
    log_flush();
    for (int i = 0; i < r->n_readers; i++)
        ok &= books_print_all(r->readers[i], stderr);
    if (hung)
        _exit(EXIT_FAILED); /* threads of that pipeline still run: nothing may be taken from under them */
    return ok;
}

static void release(struct run *r)
{
    monitor_free(r->monitor); /* it looks at pipelines */
    for (int i = 0; i < r->n_readers; i++)
        readers_free(r->readers[i]);
    for (int i = 0; r->confs && i < r->n; i++)
        conf_free(r->confs[i]);
    free(r->readers);
    free(r->pipelines);
    free(r->confs);
    conf_files_free(r->files, r->n);
    if (r->signals >= 0)
        close(r->signals);
    if (r->ended >= 0)
        close(r->ended);
}

int cmd_run(int argc, char **argv)
{
    struct run r = {.signals = -1, .ended = -1};
    int option, status = EXIT_DONE;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if ((status = read_option(&r, option)) != 0)
            return status;
    if (optind == argc)
        return command_usage("run", "name at least one FILE or DIR");
    r.n = conf_files(argv + optind, argc - optind, &r.files, stderr);
    if (r.n < 0)
        return EXIT_USAGE;
#ifdef M_ARENA_MAX
    /* batches are made on one thread and freed on another: many arenas would keep memory that nobody uses */
    mallopt(M_ARENA_MAX, 2);
#endif
    r.signals = take_signals(); /* before plugins are loaded: libraries may start threads */
    if (load(&r)) {
        release(&r);
        return EXIT_USAGE;
    }
    if (!monitor(&r)) {
        release(&r);
        return EXIT_FAILED;
    }
    r.ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r.ended < 0)
        die("cannot make an eventfd: %s", strerror(errno));
    bool ok = start(&r);
    ok &= watch(&r);
    release(&r);
    return ok ? EXIT_DONE : EXIT_FAILED;
}
