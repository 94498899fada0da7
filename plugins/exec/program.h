/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h - one running program: its start without a shell, its three pipes, its end and that of all it started.
 *
 * Home thread of the instance.  Our ends of the pipes do not block and are closed in every other program.  The
 * program leads a process group of its own, which is killed with it, so a signal for weir (Ctrl-C) is none for it. */
#ifndef WEIR_PLUGINS_EXEC_PROGRAM_H
#define WEIR_PLUGINS_EXEC_PROGRAM_H

#include "errlog.h"

#include <weir/plugin.h>

#include <stdbool.h>
#include <sys/types.h>

/* Options of all three kinds: the first member of their conf structs is `struct program_conf program`. */
struct program_conf {
    const char *command, *directory;
    struct weir_map env;
};
#define PROGRAM_ROWS(T)                                                                                      \
    WEIR_OPT_STRING(                                                                                         \
        T, program.command, "command", WEIR_F_REQUIRED, NULL, "Program to run and its arguments",            \
        "Cut into words at blanks; '...' and \"...\" hold a word together, inside \"...\" a backslash "      \
        "stands before a quote or a backslash.  There is no shell: write one, as sh -c '...', where "        \
        "one is wanted."),                                                                                   \
        WEIR_OPT_STRING(T, program.directory, "directory", 0, NULL,                                          \
                        "Folder it runs in; default: that of weir", NULL),                                   \
        WEIR_OPT_MAP(T, program.env, "env.", WEIR_F_ADVANCED,                                                \
                     "Variable of its environment, beside weir's own", NULL)

#define PROGRAM_GRACE_MS  5000  /* how long it may go on after its input ended */
#define PROGRAM_TERM_MS   2000  /* and after SIGTERM, before SIGKILL */
#define PROGRAM_STEADY_MS 10000 /* one that failed is well again when it has run for so long */

struct program {
    struct weir_ctx *ctx;
    const struct program_conf *conf;
    char *text, **argv; /* the command's words */
    pid_t pid;          /* 0: none runs */
    int in, out, err;   /* our ends of its standard streams; -1: closed */
    bool watched;       /* out is */
    bool troubled;      /* it failed and has not been steady since */
    int64_t started_ms;
    int status; /* of the last one, as waitpid gives it */
    bool known; /* it is */
    bool over;  /* program_ended: it had exit status 0 */
    struct errlog errlog;
    char why[256];
};

/* For ops->check and ops->probe: problems of the options; whether the program is there. */
int program_check(struct weir_ctx *, const struct program_conf *, struct weir_problems *);
int program_probe(struct weir_ctx *, const struct program_conf *, struct weir_problems *);

/* The command was checked. */
void program_init(struct program *, struct weir_ctx *, const struct program_conf *);
void program_free(struct program *);

/* Starts it, with `more` variables ("NAME=value", NULL-terminated; NULL: none).  RETRY or FATAL (there is no such
 * program) with the reason by fail(); OK when one runs already. */
int program_start(struct program *, const char *const *more);
/* Whether poll or service is called when it writes to standard output; standard error is watched while it runs. */
void program_watch(struct program *, bool on);
/* Logs what it wrote to standard error. */
void program_errors(struct program *);
/* Its output ended: waits a moment for its end, kills what is left of the group, says how it ended ("it ended with
 * exit status 1").  Borrowed until the next call. */
const char *program_ended(struct program *);
/* It reads an end of file. */
void program_end_input(struct program *);
/* Kills the group at once. */
void program_kill(struct program *);
/* Ends its input, then waits grace_ms for its end, then PROGRAM_TERM_MS after SIGTERM; then kills the group. */
void program_stop(struct program *, int grace_ms);

/* It did not do what it should; said once until it is well again. */
void program_trouble(struct program *, const char *why);
void program_well(struct program *);

#endif
