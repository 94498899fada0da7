/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c - starts, watches and ends a program (program.h).
 *
 * While its leader is a zombie its process group can not become somebody else's: so the group is killed before the
 * leader is waited for, always. */
#define WEIR_API 1
#include "program.h"

#include "env.h"
#include "words.h"

#include <weir/helpers.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 34)
#define HAVE_CLOSEFROM
#endif
#endif

#define ENDING_MS                                                                                            \
    5000 /* for its end, once it closed its output: what it has to tidy up is over, or it is none */
#define DEATH_MS 2000 /* for its death, once it was killed; with all else less than the 10 s of a callback */
#define TURN_MS  10   /* how often its end is looked for, while it is waited for */

/* The real clock: what is waited for here is a process. */
static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- options ------------------------------------------------------------------------------------------------- */

int program_check(struct weir_ctx *ctx, const struct program_conf *conf, struct weir_problems *to)
{
    const char *why;
    size_t n;
    if (conf->command && !words_cut(conf->command, NULL, NULL, &n, &why))
        weir_problemf(ctx, to, "command", "%s", why);
    for (size_t i = 0; i < conf->env.count; i++)
        if (!conf->env.items[i].name[0] || strchr(conf->env.items[i].name, '='))
            weir_problemf(ctx, to, "env.", "\"%s\" is no name of a variable", conf->env.items[i].name);
    return WEIR_OK;
}

/* Whether DIR/name is a program; dir may be empty. */
static bool executable(const char *dir, size_t len, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%.*s%s%s", (int)len, dir, len ? "/" : "", name);
    return n > 0 && (size_t)n < sizeof path && access(path, X_OK) == 0;
}

static bool found(const struct program_conf *conf, const char *name)
{
    const char *path = getenv("PATH");
    if (name[0] == '/')
        return executable("", 0, name);
    if (strchr(name, '/'))
        return executable(conf->directory ? conf->directory : "",
                          conf->directory ? strlen(conf->directory) : 0, name);
    for (path = path ? path : "/bin:/usr/bin"; *path; path += *path == ':') {
        size_t n = strcspn(path, ":");
        if (executable(path, n, name))
            return true;
        path += n;
    }
    return false;
}

int program_probe(struct weir_ctx *ctx, const struct program_conf *conf, struct weir_problems *to)
{
    struct program p;
    program_init(&p, ctx, conf);
    if (conf->directory && access(conf->directory, X_OK))
        weir_problemf(ctx, to, "directory", "%s: %s", conf->directory, strerror(errno));
    else if (!found(conf, p.argv[0]))
        weir_problemf(ctx, to, "command", "there is no program \"%s\" that may be run", p.argv[0]);
    program_free(&p);
    return WEIR_OK;
}

void program_init(struct program *p, struct weir_ctx *ctx, const struct program_conf *conf)
{
    const char *why;
    size_t n = 0;
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->conf = conf;
    p->in = p->out = p->err = -1;
    errlog_init(&p->errlog, ctx);
    (void)words_cut(conf->command, NULL, NULL, &n, &why);
    p->text = ctx->host->mem(ctx, NULL, strlen(conf->command) + 1);
    p->argv = ctx->host->mem(ctx, NULL, (n + 1) * sizeof *p->argv);
    (void)words_cut(conf->command, p->text, p->argv, &n, &why);
}

void program_free(struct program *p)
{
    p->ctx->host->mem(p->ctx, p->text, 0);
    p->ctx->host->mem(p->ctx, p->argv, 0);
}

/* ---- start --------------------------------------------------------------------------------------------------- */

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

/* fd, or a copy of it that is no standard stream, even where weir runs without some; -1 with errno. */
static int above_standard(int fd)
{
    int copy = fd;
    if (fd <= STDERR_FILENO) {
        copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        (void)close(fd);
    }
    return copy;
}

/* Three pipes: fds[2 * k] is the reading end of the k-th.  0, or the error. */
static int pipes_open(int fds[6])
{
    for (int i = 0; i < 6; i++)
        fds[i] = -1;
    for (int i = 0; i < 6; i += 2)
        if (pipe2(fds + i, O_CLOEXEC) || (fds[i] = above_standard(fds[i])) < 0 ||
            (fds[i + 1] = above_standard(fds[i + 1])) < 0) {
            int error = errno;
            close_all(fds, 6);
            return error;
        }
    return 0;
}

static int actions_set(posix_spawn_file_actions_t *a, const int theirs[3], const char *directory)
{
    int error = 0;
    for (int i = 0; i < 3 && !error; i++)
        error = posix_spawn_file_actions_adddup2(a, theirs[i], i);
#ifdef HAVE_CLOSEFROM
    if (!error) /* what some library of this process left open; ours close themselves */
        error = posix_spawn_file_actions_addclosefrom_np(a, STDERR_FILENO + 1);
#endif
    if (directory && !error)
        error = posix_spawn_file_actions_addchdir_np(a, directory);
    return error;
}

/* A group of its own, no signal blocked, and none of those ignored that weir ignores. */
static int attributes_set(posix_spawnattr_t *attr)
{
    sigset_t none, ignored;
    int error;
    (void)sigemptyset(&none);
    (void)sigemptyset(&ignored);
    (void)sigaddset(&ignored, SIGPIPE);
    (void)sigaddset(&ignored, SIGXFSZ);
    error = posix_spawnattr_setflags(attr,
                                     POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!error)
        error = posix_spawnattr_setpgroup(attr, 0);
    if (!error)
        error = posix_spawnattr_setsigmask(attr, &none);
    return error ? error : posix_spawnattr_setsigdefault(attr, &ignored);
}

static int spawn_with(struct program *p, const int theirs[3], const char *const *more,
                      posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr)
{
    int error = actions_set(actions, theirs, p->conf->directory);
    char **env;
    if (!error)
        error = attributes_set(attr);
    if (error)
        return error;
    env = env_make(p->ctx, &p->conf->env, more);
    error = posix_spawnp(&p->pid, p->argv[0], actions, attr, p->argv, env);
    env_free(p->ctx, env);
    if (error)
        p->pid = 0;
    return error;
}

static int spawn(struct program *p, const int theirs[3], const char *const *more)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attr);
    if (!error) {
        error = spawn_with(p, theirs, more, &actions, &attr);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Errors that a wrong option or a missing file cause, and no wait mends. */
static bool is_lasting(int error)
{
    return error == ENOENT || error == EACCES || error == ENOEXEC || error == ENOTDIR || error == ELOOP ||
           error == ENAMETOOLONG || error == E2BIG || error == EISDIR;
}

static int refused(struct program *p, int error)
{
    const char *directory = p->conf->directory;
    (void)snprintf(p->why, sizeof p->why, "\"%.100s\" can not be started%s%.80s: %s", p->argv[0],
                   directory ? " in " : "", directory ? directory : "", strerror(error));
    return weir_fail(p->ctx, is_lasting(error) ? WEIR_FATAL : WEIR_RETRY, (uint32_t)error, "%s", p->why);
}

int program_start(struct program *p, const char *const *more)
{
    int fds[6], error;
    if (p->pid)
        return WEIR_OK;
    error = pipes_open(fds);
    if (error)
        return refused(p, error);
    const int theirs[3] = {fds[0], fds[3], fds[5]};
    const int ours[3] = {fds[1], fds[2], fds[4]};
    error = spawn(p, theirs, more);
    close_all(theirs, 3);
    if (error) {
        close_all(ours, 3);
        return refused(p, error);
    }
    for (int i = 0; i < 3; i++)
        (void)fcntl(ours[i], F_SETFL, O_NONBLOCK);
    p->in = ours[0];
    p->out = ours[1];
    p->err = ours[2];
    p->started_ms = p->ctx->host->mono_ms(p->ctx);
    p->ctx->host->watch_fd(p->ctx, p->err, WEIR_FD_READ);
    program_watch(p, true);
    return WEIR_OK;
}

void program_watch(struct program *p, bool on)
{
    on = on && p->out >= 0;
    if (on != p->watched && p->out >= 0)
        p->ctx->host->watch_fd(p->ctx, p->out, on ? WEIR_FD_READ : 0);
    p->watched = on;
}

/* ---- end ----------------------------------------------------------------------------------------------------- */

static void close_out(struct program *p)
{
    program_watch(p, false);
    close_all(&p->out, 1);
    p->out = -1;
}

static void close_err(struct program *p)
{
    if (p->err < 0)
        return;
    errlog_end(&p->errlog);
    p->ctx->host->watch_fd(p->ctx, p->err, 0);
    (void)close(p->err);
    p->err = -1;
}

void program_end_input(struct program *p)
{
    close_all(&p->in, 1);
    p->in = -1;
}

void program_errors(struct program *p)
{
    if (p->err >= 0 && !errlog_read(&p->errlog, p->err))
        close_err(p);
}

/* Whether its leader has ended; it stays a zombie. */
static bool is_over(const struct program *p)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == p->pid;
}

/* Reads away what it still writes, so that it is not kept from ending, until it ended or the time is up. */
static void await(struct program *p, int for_ms)
{
    int64_t until = now_ms() + for_ms;
    char rest[4096];
    while (!is_over(p) && now_ms() < until) {
        struct pollfd fds[2] = {{p->out, POLLIN, 0}, {p->err, POLLIN, 0}};
        (void)poll(fds, 2, TURN_MS);
        if (fds[1].revents)
            program_errors(p);
        if (fds[0].revents && read(p->out, rest, sizeof rest) == 0)
            close_out(p);
    }
}

/* Kills what is left of the group, then takes the leader's status. */
static void bury(struct program *p)
{
    p->known = false;
    program_end_input(p);
    (void)kill(-p->pid, SIGKILL);
    await(p, DEATH_MS);
    program_errors(p);
    close_out(p);
    close_err(p);
    if (!is_over(p))
        weir_logf(p->ctx, WEIR_LOG_ERROR, "process %d of \"%s\" does not die; it is left alone", (int)p->pid,
                  p->argv[0]);
    else
        p->known = waitpid(p->pid, &p->status, WNOHANG) == p->pid;
    p->pid = 0;
}

const char *program_ended(struct program *p)
{
    await(p, ENDING_MS);
    bool over = is_over(p);
    bury(p);
    if (!over)
        (void)snprintf(p->why, sizeof p->why,
                       "it closed its standard output, and ran on until it was killed");
    else if (!p->known) /* weir was started with SIGCHLD ignored: the system took it */
        (void)snprintf(p->why, sizeof p->why, "it ended, and its exit status is not known");
    else if (WIFSIGNALED(p->status))
        (void)snprintf(p->why, sizeof p->why, "it was killed by signal %d (%s)", WTERMSIG(p->status),
                       strsignal(WTERMSIG(p->status)));
    else
        (void)snprintf(p->why, sizeof p->why, "it ended with exit status %d", WEXITSTATUS(p->status));
    p->over = over && p->known && WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0;
    return p->why;
}

void program_kill(struct program *p)
{
    if (p->pid)
        bury(p);
}

void program_stop(struct program *p, int grace_ms)
{
    if (!p->pid)
        return;
    program_end_input(p);
    await(p, grace_ms);
    if (!is_over(p)) {
        (void)kill(-p->pid, SIGTERM);
        await(p, PROGRAM_TERM_MS);
    }
    bury(p);
}

/* ---- health -------------------------------------------------------------------------------------------------- */

void program_trouble(struct program *p, const char *why)
{
    p->troubled = true;
    p->ctx->host->health(p->ctx, WEIR_DEGRADED, 0, why);
}

void program_well(struct program *p)
{
    if (p->troubled && p->ctx->host->mono_ms(p->ctx) - p->started_ms < PROGRAM_STEADY_MS)
        return;
    p->troubled = false;
    p->ctx->host->health(p->ctx, WEIR_UP, 0, NULL);
}
