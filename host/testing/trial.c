/* SPDX-License-Identifier: BSD-2-Clause */
/* trial.c - the process around a test: its folder, its time limit, how it ended (trial.h). */
#include "trial.h"

#include "report/log.h"
#include "report/redact.h"
#include "rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORT_MAX ((size_t)1 << 20)
#define LOG_LINES  20 /* the last ones of a test that failed */

static volatile sig_atomic_t asked_to_end; /* the signal */

static void on_signal(int number)
{
    asked_to_end = number;
}

/* So that the folder goes, whoever ends the program.  What nohup has it ignore stays ignored. */
static void take_signals(void (*handler)(int))
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction a = {.sa_handler = handler}, was;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &a, NULL);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static bool make_folder(char *dir, size_t cap)
{
    const char *tmp = getenv("TMPDIR");
    int n = snprintf(dir, cap, "%s/weir-test.XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
    return n > 0 && (size_t)n < cap && mkdtemp(dir) != NULL;
}

/* In the child: never returns. */
static _Noreturn void child(const struct script *script, const struct script_test *test, const char *dir,
                            int report)
{
    struct strbuf out = {0}, masked = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/log", dir);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    take_signals(SIG_DFL);
    if (log < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(TRIAL_UNFIT);
    close(log);
    close(null);
    enum trial_end end = rehearsal(script, test, dir, &out);
    fflush(stderr);
    redact_text(out.len ? out.data : "", out.len, &masked);
    for (size_t at = 0; at < masked.len;) {
        ssize_t n = write(report, masked.data + at, masked.len - at);
        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    strbuf_free(&out);
    strbuf_free(&masked);
    exit(end);
}

/* Reads until the child closes its end; false: the time is up, or somebody wants an end. */
static bool listen_to(int fd, struct strbuf *out)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const time_t until = now.tv_sec + TRIAL_SECONDS;
    while (now.tv_sec < until && !asked_to_end) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char *room = strbuf_reserve(out, 65536);
        ssize_t n = 0;
        if (poll(&p, 1, 1000) > 0 && (n = read(fd, room, out->len < REPORT_MAX ? 65536 : 1)) == 0)
            return true;
        if (n > 0 && out->len < REPORT_MAX)
            out->len += (size_t)n;
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    return false;
}

/* The last lines of the test's log, which is its standard error. */
static void add_log(const char *dir, bool all, struct strbuf *out)
{
    char path[512], *line = NULL, *last[LOG_LINES] = {NULL};
    size_t room = 0, n = 0;
    snprintf(path, sizeof path, "%s/log", dir);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    while (getline(&line, &room, f) > 0) {
        free(last[n % LOG_LINES]);
        last[n++ % LOG_LINES] = xstrdup(line);
    }
    if (n && !all)
        strbuf_str(out, "log of the pipeline:\n");
    for (size_t i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++)
        strbuf_printf(out, "%s%s", all ? "" : "  ", last[i % LOG_LINES]);
    for (size_t i = 0; i < LOG_LINES; i++)
        free(last[i]);
    free(line);
    fclose(f);
}

static enum trial_end judge(int status, bool in_time, struct strbuf *out)
{
    if (!in_time)
        strbuf_printf(out, "it did not come to its end within %d s\n", TRIAL_SECONDS);
    else if (WIFSIGNALED(status))
        strbuf_printf(out, "it crashed: %s\n", strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) > TRIAL_UNFIT)
        strbuf_printf(out, "it ended with status %d\n", WEXITSTATUS(status));
    else
        return (enum trial_end)WEXITSTATUS(status);
    return TRIAL_FAILED;
}

enum trial_end trial_run(const struct script *script, const struct script_test *test, struct strbuf *out)
{
    char dir[400];
    int pipes[2], status = 0;
    take_signals(on_signal);
    if (!make_folder(dir, sizeof dir) || pipe2(pipes, O_CLOEXEC) != 0) {
        strbuf_printf(out, "no temporary folder can be made: %s; TMPDIR names where\n", strerror(errno));
        return TRIAL_UNFIT;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        die("cannot start a process: %s", strerror(errno));
    if (pid == 0) {
        close(pipes[0]);
        child(script, test, dir, pipes[1]);
    }
    close(pipes[1]);
    bool in_time = listen_to(pipes[0], out);
    if (!in_time)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(pipes[0]);
    enum trial_end end = judge(status, in_time, out);
    if (end != TRIAL_OK)
        add_log(dir, end == TRIAL_UNFIT, out);
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    take_signals(SIG_DFL);
    if (asked_to_end)
        (void)raise(asked_to_end);
    return end;
}
