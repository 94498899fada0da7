/* SPDX-License-Identifier: BSD-2-Clause */
/* trial.c - the child process of a trial: its limits, its watch, its words to the parent (trial.h).
 *
 * To the parent goes a line for each thing: "kinds MASK NAME", "broken RULE TEXT", "skip RULE TEXT", "unable TEXT", and
 * "kept" at the end.  Threads: the main thread runs the trial, another one watches it. */
#include "trial.h"

#include "../plugin/loader.h"
#include "../report/clock.h"
#include "../report/log.h"
#include "got.h"
#include "../harness/guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define WATCHED_MAX   4
#define WATCH_EVERY   50 /* ms */
#define SETTLE_MS     300
#define PROCESSOR_MAX 60 /* seconds of processor time */
#define FILE_MAX      ((rlim_t)256 << 20)

static struct trial_subject subject;
static const struct plugin *plugin;
static struct harness *_Atomic watched[WATCHED_MAX];
static pthread_mutex_t watching = PTHREAD_MUTEX_INITIALIZER; /* while one is looked at it is not freed */
static size_t threads_first;                                 /* before there was an instance */
static _Atomic int64_t poll_limit = TRIAL_POLL_MS;

/* ---- what is told -------------------------------------------------------------------------------------------- */

/* One write: the threads' lines do not mix, and nothing is kept back when the process ends. */
__attribute__((format(printf, 3, 0))) static void tell(const char *what, const char *rule, const char *format,
                                                       va_list ap)
{
    char line[TRIAL_TEXT_MAX + 64];
    int n = snprintf(line, sizeof line, "%s%s%s ", what, rule ? " " : "", rule ? rule : "");
    vsnprintf(line + n, sizeof line - (size_t)n - 1, format, ap);
    for (char *c = line; *c; c++)
        if (*c == '\n')
            *c = ' ';
    size_t len = strlen(line);
    while (line[len - 1] == ' ')
        len--;
    line[len] = '\n';
    if (write(subject.out, line, len + 1) < 0)
        _exit(EXIT_FAILURE);
}

void trial_broken(enum rule rule, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell("broken", rule_rows[rule].name, format, ap);
    va_end(ap);
    _exit(EXIT_SUCCESS);
}

void trial_skip(enum rule rule, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell("skip", rule_rows[rule].name, format, ap);
    va_end(ap);
}

void trial_unable(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell("unable", NULL, format, ap);
    va_end(ap);
    _exit(EXIT_SUCCESS);
}

__attribute__((format(printf, 2, 3))) static void tell_fact(const char *what, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tell(what, NULL, format, ap);
    va_end(ap);
}

static void on_broken(const struct harness *h, enum rule rule, const char *text)
{
    const char *inside = harness_inside(h);
    if (got_failed())
        trial_broken(RULE_ALLOCATION, "after allocation %ld failed: %s", got_failed(), text);
    if (inside)
        trial_broken(rule, "%s (inside %s)", text, inside);
    trial_broken(rule, "%s", text);
}

/* The host's memory is not for free(). */
static void on_free(const void *memory)
{
    if (harness_gave(memory))
        trial_broken(RULE_MEMORY, "it gives free() what is the host's");
}

/* ---- the watch ----------------------------------------------------------------------------------------------- */

static void watch(struct harness *h)
{
    size_t i = 0;
    while (i < WATCHED_MAX - 1 && watched[i])
        i++;
    watched[i] = h;
}

static void unwatch(struct harness *h)
{
    pthread_mutex_lock(&watching);
    for (size_t i = 0; i < WATCHED_MAX; i++)
        if (watched[i] == h)
            watched[i] = NULL;
    pthread_mutex_unlock(&watching);
}

static int64_t limit_of(const char *callback)
{
    return strcmp(callback, "poll") == 0 ? poll_limit : TRIAL_RETURN_MS;
}

static bool may_block(const char *callback)
{
    static const char *const names[] = {"open", "write", "service", "flush", "commit"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], callback) == 0)
            return true;
    return false;
}

/* It has been told to stop: it has to, now. */
static void look_for_end(struct harness *h, const char *callback, int64_t since)
{
    int64_t end = clock_mono_ms() + TRIAL_STOP_MS;
    while (clock_mono_ms() < end) {
        if (harness_since(h) != since || harness_inside(h) != callback)
            return;
        (void)poll(NULL, 0, WATCH_EVERY);
    }
    trial_broken(RULE_INTERRUPT, "%s does not come back within %d s of interrupt", callback,
                 TRIAL_STOP_MS / 1000);
}

static void look_at(struct harness *h)
{
    const char *callback = harness_inside(h);
    int64_t since = harness_since(h);
    if (!callback || clock_mono_ms() - since < limit_of(callback))
        return;
    if (strcmp(callback, "close") == 0)
        trial_broken(RULE_CLOSE, "close does not come back within %d s", TRIAL_RETURN_MS / 1000);
    if (!may_block(callback))
        trial_broken(RULE_TIME, "%s does not come back within %lld ms", callback,
                     (long long)limit_of(callback));
    if (!trial_ops()->interrupt)
        trial_broken(RULE_INTERRUPT, "%s blocks for %d s, and there is no interrupt", callback,
                     TRIAL_RETURN_MS / 1000);
    harness_interrupt(h);
    look_for_end(h, callback, since);
}

static void *run_watch(void *unused)
{
    for (;;) {
        (void)poll(NULL, 0, WATCH_EVERY);
        pthread_mutex_lock(&watching);
        for (size_t i = 0; i < WATCHED_MAX; i++) {
            struct harness *h = watched[i];
            if (h)
                look_at(h);
        }
        pthread_mutex_unlock(&watching);
    }
    return unused;
}

void trial_poll_limit(int64_t ms)
{
    poll_limit = ms;
}

/* ---- signals ------------------------------------------------------------------------------------------------- */

static const char *current_callback(void)
{
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        const struct harness *h = watched[i];
        const char *inside = h ? harness_inside(h) : NULL;
        if (inside)
            return inside;
    }
    return "no callback";
}

/* Of the rest of the trial there is nothing to be said. */
__attribute__((noreturn)) static void trial_kept_but(enum rule rule, const char *why)
{
    trial_skip(rule, "%s", why);
    tell_fact("kept", "%s", "");
    _exit(EXIT_SUCCESS);
}

/* The process is at its end: nothing that it could still spoil matters. */
static void on_signal(int number, siginfo_t *info, void *unused)
{
    const char *what;
    enum rule rule = number == SIGSEGV || number == SIGBUS ? guard_find(info->si_addr, &what) : RULES;
    (void)unused;
    if (got_failed() && number == SIGABRT)
        trial_kept_but(RULE_ALLOCATION, "it ends the process where there is no memory");
    if (got_failed())
        trial_broken(RULE_ALLOCATION, "after allocation %ld failed: %s (inside %s)", got_failed(),
                     strsignal(number), current_callback());
    if (rule < RULES)
        trial_broken(rule, "it %s (inside %s)", what, current_callback());
    trial_broken(RULE_CRASH, "%s (inside %s)", strsignal(number), current_callback());
}

static void take_signals(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char stack[64 << 10];
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)sigaltstack(&alternative, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaction(numbers[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* as in the host */
    (void)signal(SIGXFSZ, SIG_IGN);
}

/* ---- the process --------------------------------------------------------------------------------------------- */

static void set_limits(void)
{
    static const struct rlimit core = {0, 0}, files = {FILE_MAX, FILE_MAX},
                               processor = {PROCESSOR_MAX, PROCESSOR_MAX};
    (void)setrlimit(RLIMIT_CORE, &core);
    (void)setrlimit(RLIMIT_FSIZE, &files);
    (void)setrlimit(RLIMIT_CPU, &processor);
    (void)setpgid(0, 0); /* what it starts ends with it */
}

/* Standard input is some lines, standard output nobody's. */
static void set_streams(void)
{
    int lines = memfd_create("lines", 0), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FILE *to = lines >= 0 ? fdopen(dup(lines), "w") : NULL;
    for (int i = 0; to && i < 40; i++)
        fprintf(to, "{\"line\":%d}\n", i);
    if (!to || fclose(to) != 0 || dup2(lines, STDIN_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        trial_unable("there are no standard streams for it");
    (void)close(lines);
    (void)close(nowhere);
}

static void start_watch(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_watch, NULL) != 0)
        trial_unable("there is no thread to watch it");
    pthread_detach(thread);
}

void trial_child(const struct trial_subject *s, const struct trial_row *row)
{
    char why[TRIAL_TEXT_MAX];
    uint32_t kinds = 0;
    subject = *s;
    set_limits();
    set_streams();
    take_signals();
    plugin = loader_open_file(subject.file, why, sizeof why);
    if (!plugin)
        trial_unable("%s", why);
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++)
        kinds |= loader_ops(plugin, kind) ? 1u << kind : 0;
    if (!row) {
        tell_fact("kinds", "%u %s", kinds, plugin->info.name);
        _exit(EXIT_SUCCESS);
    }
    start_watch();
    harness_on_broken(on_broken);
    const char *refused = harness_check(plugin->info.name, subject.kind, subject.options);
    if (*refused)
        trial_unable("its options are refused: %s", refused);
    row->run();
    tell_fact("kept", "%s", "");
    _exit(EXIT_SUCCESS);
}

/* ---- instances ----------------------------------------------------------------------------------------------- */

const struct weir_ops *trial_ops(void)
{
    return loader_ops(plugin, subject.kind);
}

struct harness *trial_load(void)
{
    static bool taken;
    if (!threads_first)
        threads_first = trial_entries("/proc/self/task");
    if (!taken && got_take((void (*)(void))trial_ops()->create))
        got_on_free(on_free);
    taken = true;
    (void)lseek(STDIN_FILENO, 0, SEEK_SET);
    struct harness *h = harness_load(plugin->info.name, subject.kind, subject.options);
    harness_guard(h);
    watch(h);
    return h;
}

static const char *status_name(int status)
{
    static const char *const names[] = {"SPLIT", "FATAL", "REJECT", "RETRY", "OK", "AGAIN", "END"};
    return names[status - WEIR_SPLIT];
}

/* "open says RETRY: nobody answers" */
static void explain(const struct harness *h, const char *callback, int status, char *why)
{
    const char *reason = harness_failure(h)->why;
    snprintf(why, TRIAL_TEXT_MAX, "%s says %s%s%s", callback, status_name(status), reason ? ": " : "",
             reason ? reason : "");
}

struct harness *trial_created(void)
{
    char why[TRIAL_TEXT_MAX];
    struct harness *h = trial_load();
    int status = harness_create(h);
    if (status == WEIR_OK)
        return h;
    explain(h, "create", status, why);
    trial_unable("%s", why);
}

bool trial_open(struct harness *h, char *why)
{
    int status = harness_create(h);
    if (status != WEIR_OK) {
        explain(h, "create", status, why);
        return false;
    }
    if (harness_open_within(h, TRIAL_STOP_MS))
        return true;
    explain(h, "open", harness_status(h), why);
    return false;
}

struct harness *trial_start(void)
{
    char why[TRIAL_TEXT_MAX];
    struct harness *h = trial_load();
    if (!trial_open(h, why))
        trial_unable("%s", why);
    return h;
}

void trial_far_end(const struct harness *h)
{
    struct harness_health health = harness_health(h);
    const char *reason = harness_failure(h)->why;
    if (health.told && health.state != WEIR_UP)
        trial_unable("the other end is not there: %s", health.why);
    if (harness_status(h) == WEIR_RETRY)
        trial_unable("the other end is not there: %s", reason ? reason : "RETRY, without a reason");
}

size_t trial_entries(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* One that was joined is on the list for a moment more. */
size_t trial_threads_down(size_t to)
{
    int64_t end = clock_mono_ms() + SETTLE_MS;
    size_t n;
    while ((n = trial_entries("/proc/self/task")) > to && clock_mono_ms() < end)
        (void)poll(NULL, 0, 5);
    return n;
}

void trial_end(struct harness *h)
{
    harness_close(h);
    (void)trial_threads_down(threads_first); /* what runs on is to be heard while there is a host */
    unwatch(h); /* destroy is watched no more: the watch must not see what is freed */
    harness_free(h);
}
