/* SPDX-License-Identifier: BSD-2-Clause */
/* process.h - the process a plugin lives in: weir itself, started once more with the command for it.
 *
 * Owns: the process, which is never left behind: it ends when the other end of its alarm is gone, whatever the plugin
 * does, and is waited for here.  Thread: one at a time, except process_interrupt (any). */
#ifndef WEIR_HOST_PROCESS_H
#define WEIR_HOST_PROCESS_H

#include "record/strbuf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_COMMAND "plugin-process"
#define PROCESS_LINE    3 /* descriptors it is given */
#define PROCESS_ALARM   4 /* a byte: interrupt; its end: end at once */

struct process {
    pid_t pid;            /* 0: none */
    pthread_mutex_t lock; /* of alarm */
    int alarm;            /* -1: none */
    _Atomic int64_t
        interrupted_ms; /* the last time somebody wanted a callback back; 0: not since the call began */
};

void process_init(struct process *);
void process_free(struct process *); /* ends it */
/* Starts it; who: how it is called in a list of processes.  Gives weir's end of the line, non-blocking; -1 and a sentence. */
int process_start(struct process *, const char *who, struct strbuf *why);
/* Kills it if it still runs, waits for it and appends how it ended: "ended by signal 11 (Segmentation fault)".
 * ret_guilty: by what it did itself, and not by a signal from outside. */
void process_end(struct process *, struct strbuf *how, bool *ret_guilty);
/* Any thread. */
void process_interrupt(struct process *);
/* Bytes of memory it has in RAM just now; 0: unknown. */
uint64_t process_resident(const struct process *);

#endif
