/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.h - the line between weir and a plugin's process: frames over a pair of sockets, whole ones only.
 *
 * weir's end never waits for room without taking in what comes meanwhile, so neither side can hold up the other.
 * Thread: the home thread of the instance; the plugin's end may be written to by any thread of it. */
#ifndef WEIR_HOST_WIRE_H
#define WEIR_HOST_WIRE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_type {
    /* calls, which weir makes; each is answered by a WIRE_DONE of the same id */
    WIRE_SETUP = 1, /* the section; body: setup.h */
    WIRE_OPEN,
    WIRE_CLOSE,     /* close and destroy: the last */
    WIRE_COMMIT,    /* body: the source, positions */
    WIRE_PROCESS,   /* body: records; the answer's: what became of them, by WIRE_DID_* */
    WIRE_POLL,      /* body: limits */
    WIRE_POSITION,  /* a: lane, b: next; the answer's body: bytes */
    WIRE_COMMITTED, /* a: final; body: positions */
    WIRE_REVOKED,   /* body: positions; of the lanes it gave back first */
    WIRE_PING,
    WIRE_DONE, /* status; body: a result with the reason when it is negative, then what the call gives */
    /* what weir says and waits for no answer */
    WIRE_WRITE, /* a: attempt; body: records; WIRE_COMPLETE of the same id comes some time */
    WIRE_FLUSH,
    WIRE_REPLY, /* to a question */
    /* what the plugin's process says */
    WIRE_COMPLETE, /* a: number of results; body: these */
    WIRE_LOG,      /* a: level */
    WIRE_HEALTH,   /* a: state, b: code */
    WIRE_METRICS,
    WIRE_WAKE,
    WIRE_STATE_PUT,
    WIRE_EMIT, /* a: number of records; body: where their lanes resume, then what was done, by WIRE_DID_* */
    WIRE_SHARD_REVOKE, /* a: number of lanes, b: ms to drain; body: these */
    WIRE_SHARD_END,    /* a: lane, b: where */
    WIRE_SHARD_BEGIN,
    WIRE_FAULT, /* it broke the contract; body: how */
    /* questions of it, each answered by a WIRE_REPLY */
    WIRE_STATE_GET,
    WIRE_STATE_SCAN,
    WIRE_IN_FLIGHT,  /* a: so many batches; the answer's a: what it gets */
    WIRE_SHARD_OPEN, /* body: it; the answer's a: its number on this line, body: where it resumes */
    WIRE_LAST
};

/* What a transform did with its inputs, and a source with its lanes. */
enum { WIRE_DID_PASS = 1, WIRE_DID_EMIT, WIRE_DID_REJECT, WIRE_DID_SKIP }; /* in order */

struct frame { /* what goes before the body */
    uint32_t type;
    int32_t status;
    uint64_t id, a, b, len;
};
#define WIRE_BODY_MAX     ((uint64_t)1 << 30)
/* What may wait to be looked at; who sends more while weir waits for room itself does not read. */
#define WIRE_WAITING_MOST 65536u /* frames */
#define WIRE_BYTES_MOST   ((uint64_t)2 << 30)
#define WIRE_PATIENCE_MS  5000 /* how long a call may take after an interrupt */

struct message { /* one that came; its body belongs to it */
    struct message *next;
    struct frame frame;
    char *body; /* NULL: none */
};
void message_free(struct message *);

struct line {
    int fd;                       /* -1: none */
    pthread_mutex_t lock;         /* of writing */
    bool blocks;                  /* the descriptor: reading waits for a frame */
    _Atomic bool dead;            /* the other end is gone, or sent what is no frame, or too much */
    bool flooded;                 /* too much */
    struct message *head, **tail; /* came, and were not looked at */
    uint32_t waiting;             /* of these */
    uint64_t bytes;
    struct message *partial; /* its body is on its way */
    struct frame coming;
    size_t got; /* of the frame, or of partial's body */
    /* mono_ms of the last time somebody wanted the sender back; NULL: nobody will */
    const _Atomic int64_t *interrupted_ms;
    int64_t patience_ms; /* WIRE_PATIENCE_MS */
};

void line_init(struct line *, int fd); /* takes the descriptor as it is set up */
void line_free(struct line *);         /* closes it */
/* Sends one frame; body may be NULL.  On a non-blocking descriptor it takes in what comes until there is room, for
 * patience_ms at most that nothing goes, and no longer than the line's patience after an interrupt.  False: the other end
 * is gone, or did not take it for that long (*ret_stuck). */
bool line_send(struct line *, const struct frame *, const void *body, int64_t patience_ms, bool *ret_stuck);
/* Takes in what is there without waiting, some hundred frames at most, or, blocking, one frame. */
void line_fill(struct line *);
/* The next message, of those taken in; NULL: there is none. */
struct message *line_next(struct line *);
/* Waits until something comes, at most until the time of mono_ms; false: nothing did. */
bool line_wait(struct line *, int64_t until_ms);

#endif
