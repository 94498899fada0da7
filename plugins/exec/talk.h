/* SPDX-License-Identifier: BSD-2-Clause */
/* talk.h - a batch goes to a program as lines, and comes back as answers (docs/exec.md).  Used by sink and transform.
 *
 * Home thread of the instance, but for talk_interrupt.  Both ends of the pipe are served at once, so neither side can
 * wait for the other.  Limits: 64 KiB and one record wait to be written, one line of max_line bytes to be read. */
#ifndef WEIR_PLUGINS_EXEC_TALK_H
#define WEIR_PLUGINS_EXEC_TALK_H

#include "program.h"

#include <weir/plugin.h>

#include <stdatomic.h>
#include <stdbool.h>

enum { /* bits: which words a program may answer */
       TALK_OK = 1,
       TALK_RETRY = 2,
       TALK_REJECT = 4,
       TALK_EMIT = 8, /* more follows for this record */
       TALK_PASS = 16
};

/* One batch, until all of its records are answered. */
struct talk_round {
    uint32_t n, n_open, next; /* records; not answered yet; the next to be written */
    uint32_t answered;        /* by the last exchange */
    uint64_t first_id;
    bool ended;    /* the line `end` was written */
    uint8_t *open; /* of each record: not answered */
    void *opaque;
    /* The line of record i, borrowed until the next call.  AGAIN: it is not sent, and counts as answered. */
    int (*line)(void *opaque, uint32_t i, struct weir_slice *ret);
    /* The program said word for record i; not NULL: a sentence why it may not. */
    const char *(*answer)(void *opaque, uint32_t i, int word, struct weir_slice text);
};

struct talk {
    struct weir_ctx *ctx;
    struct program *program;
    int words;       /* TALK_* */
    bool end_line;   /* after each batch the line `end` */
    int64_t timeout; /* ms without an answer */
    size_t max_line;
    uint64_t next_id;
    char *out, *in; /* bytes to be written; bytes read */
    size_t out_cap, out_used, out_sent, in_cap, in_used, in_scanned;
    uint8_t *open;
    uint32_t open_cap;
    int64_t due_ms;   /* the next answer must be there */
    bool stale;       /* the program holds records of a batch that was given up */
    bool spoke;       /* a program gave an answer once */
    int wake_fd;      /* readable once interrupted; open from init to free */
    atomic_bool stop; /* set by talk_interrupt */
    char why[512];
};

/* words, end_line, timeout and max_line are set by the caller, after it. */
void talk_init(struct talk *, struct weir_ctx *, struct program *);
void talk_free(struct talk *);
void talk_interrupt(struct talk *); /* any thread */

/* A batch of n records, all to be answered; opaque, line and answer are set by the caller, after it. */
void talk_begin(struct talk *, struct talk_round *, uint32_t n);
/* Starts the program if none runs, writes the records that are open, and reads until none is.  RETRY: the program
 * failed and was killed, could not be started, or we were interrupted; talk.why says it; what is open was not
 * answered.  Other statuses are of line(), or FATAL, with fail(): a fault of the system, or no program ever answered and
 * this one writes something else. */
int talk_exchange(struct talk *, struct talk_round *);
/* Nothing was asked: a program that writes or ends now is in trouble. */
void talk_idle(struct talk *);

#endif
