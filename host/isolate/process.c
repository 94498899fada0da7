/* SPDX-License-Identifier: BSD-2-Clause */
/* process.c - starting, watching and ending the process of a plugin (process.h). */
#include "process.h"

#include "plugin/loader.h"
#include "report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void process_init(struct process *p)
{
    *p = (struct process){.alarm = -1};
    pthread_mutex_init(&p->lock, NULL);
}

void process_free(struct process *p)
{
    struct strbuf how = {0};
    bool guilty;
    process_end(p, &how, &guilty);
    strbuf_free(&how);
    pthread_mutex_destroy(&p->lock);
}

/* Both ends above the numbers that the other process is given, so that no dup2 there steps on one; -1: it can not be. */
static int pair(int ends[2])
{
    int low[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, PROCESS_ALARM + 1);
        close(low[i]);
    }
    if (ends[0] >= 0 && ends[1] >= 0)
        return 0;
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    return -1;
}

static int spawn(struct process *p, const char *who, int line, int alarm)
{
    const char *path = loader_path(), *words[6] = {"weir"};
    char *argv[6] = {0};
    int n = 1;
    if (path) {
        words[n++] = "--plugin-path";
        words[n++] = path;
    }
    words[n++] = PROCESS_COMMAND;
    words[n++] = who;
    for (int i = 0; i < n; i++)
        argv[i] = (char *)(uintptr_t)words[i]; /* posix_spawn writes into none of them */
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, line, PROCESS_LINE);
    posix_spawn_file_actions_adddup2(&files, alarm, PROCESS_ALARM);
    int error = posix_spawn(&p->pid, "/proc/self/exe", &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

int process_start(struct process *p, const char *who, struct strbuf *why)
{
    int line[2], alarm[2];
    if (pair(line) != 0) {
        strbuf_printf(why, "cannot make a pair of sockets: %s", strerror(errno));
        return -1;
    }
    if (pair(alarm) != 0) {
        strbuf_printf(why, "cannot make a pair of sockets: %s", strerror(errno));
        close(line[0]);
        close(line[1]);
        return -1;
    }
    int error = spawn(p, who, line[1], alarm[1]);
    close(line[1]);
    close(alarm[1]);
    if (error) {
        strbuf_printf(why, "cannot start its process: %s", strerror(error));
        p->pid = 0;
        close(line[0]);
        close(alarm[0]);
        return -1;
    }
    (void)fcntl(line[0], F_SETFL, fcntl(line[0], F_GETFL) | O_NONBLOCK);
    pthread_mutex_lock(&p->lock);
    p->alarm = alarm[0];
    pthread_mutex_unlock(&p->lock);
    return line[0];
}

/* A fault of the program itself; all others somebody else sent. */
static bool own_signal(int number)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i] == number)
            return true;
    return false;
}

void process_end(struct process *p, struct strbuf *how, bool *ret_guilty)
{
    int status = 0;
    *ret_guilty = false;
    if (!p->pid)
        return;
    (void)kill(p->pid, SIGKILL); /* one that has ended already keeps how it did */
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    p->pid = 0;
    pthread_mutex_lock(&p->lock);
    close(p->alarm); /* after that: its end would end the process in a way of its own */
    p->alarm = -1;
    pthread_mutex_unlock(&p->lock);
    if (WIFSIGNALED(status)) {
        *ret_guilty = own_signal(WTERMSIG(status));
        strbuf_printf(how, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        *ret_guilty = true;
        strbuf_printf(how, "ended by itself with status %d", WEXITSTATUS(status));
    }
}

void process_interrupt(struct process *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->alarm >= 0)
        (void)!send(p->alarm, "i", 1, MSG_DONTWAIT | MSG_NOSIGNAL); /* full: it has enough of them already */
    pthread_mutex_unlock(&p->lock);
}

uint64_t process_resident(const struct process *p)
{
    char name[64], text[256];
    snprintf(name, sizeof name, "/proc/%d/statm", (int)p->pid);
    int fd = p->pid ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    char *resident = strchr(text, ' ');
    return resident ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
