/* SPDX-License-Identifier: BSD-2-Clause */
/* source.h - what the parts of the file source share: source.c (callbacks, poll), scan.c (which files there are),
 * known.c (which of them were read before, and how far), tail.c (reading one).
 *
 * A *generation* is a file as long as it stays the same file: it survives being renamed, and ends when the file is
 * cut, rewritten or deleted.  Each has a lane of its own, named by random bytes.  Home thread only. */
#ifndef WEIR_PLUGINS_FILE_SOURCE_H
#define WEIR_PLUGINS_FILE_SOURCE_H

#include "../common/encode.h"
#include "../common/lines.h"
#include "print.h"

#include <weir/plugin.h>

#include <stdbool.h>
#include <sys/stat.h>

#define SOURCE_FILES   65536u /* generations at one time */
#define SOURCE_DIRS    1024u  /* directories watched */
#define SOURCE_OPEN    64u    /* files open at one time; those renamed or deleted come on top */
#define SOURCE_RUN     512u   /* records given to the host at once */
#define SOURCE_DELAYED 64u    /* files that may be the copy of another, see scan.c */
#define SCAN_EVERY_MS  10000
#define SCAN_PAUSE_MS  50
#define SCAN_AGAIN_MS  1000 /* after one that could not see or open everything */
#define UNREAD_TRIES   2 /* so often, each after SCAN_AGAIN_MS, before a pass that ends gives up on a file */
#define GONE_EVERY_MS  500
#define KNOWN_DAYS_MS  (24 * 3600 * 1000LL)
#define SEEN_AGAIN_MS  (3600 * 1000LL)    /* how often it is stored that a file is still there */
#define DELETED_MS     (10 * 60 * 1000LL) /* by then what took a deleted file's place was compared with it */
#define SOURCE_LEAVING 256u               /* lanes given back at one time */
#define TAIL_ID        33

struct source_conf {
    const char *path;
    int64_t start, follow, max_line, format, rotate_wait;
};
enum { START_BEGINNING, START_END };

enum tail_state {
    TAIL_KNOWN, /* from an earlier run; not found yet */
    TAIL_LIVE,  /* being read */
    TAIL_DONE   /* read as far as it ever will be, unless it turns up again within a day */
};

struct tail {
    char id[TAIL_ID];
    enum tail_state state;
    char *path;                     /* where it is now */
    const struct weir_shard *shard; /* NULL: lane not opened yet */
    uint64_t dev, ino, size, first; /* first: where reading began in the first place */
    uint64_t stop;                  /* size when first seen in this run */
    uint64_t final;      /* the host asked for the position of this place: all before it is final */
    struct print print;  /* of its first bytes */
    struct print stored; /* of the bytes before the place it resumes at */
    struct lines lines;
    unsigned char guard[PRINT_GUARD]; /* bytes before lines_end */
    uint32_t guard_len;
    int fd;             /* -1: closed, opened again when there is something to read */
    int64_t gone_ms;    /* since when its path leads elsewhere and nothing came; -1: it is there */
    int64_t seen_ms;    /* wall time it was last found, to the hour, as stored */
    int64_t done_ms;    /* since when it is TAIL_DONE */
    uint64_t committed; /* what came out of it is final up to here */
    uint64_t idle_size; /* its size when there was nothing more to read */
    uint64_t used;      /* for least recently used */
    bool cut;           /* its content was replaced: only a copy of it can be gone on with */
    bool seen, ready, ended, complained;
    bool deleted; /* no name leads to it any more */
    bool leaving; /* its lane is being given back */
    struct tail *next_ready;
};

struct delayed {
    uint64_t dev, ino;
    int64_t since_ms;
};
struct watched {
    int wd;
    char *path;
};

struct source {
    struct weir_ctx *ctx;
    const struct source_conf *conf;
    struct tail **tails;
    uint32_t n_tails, cap_tails, n_open, unended, n_dirs, n_delayed;
    uint32_t asked; /* the tail whose lane the host asked for last */
    struct tail *first_ready, *last_ready;
    struct watched *dirs;
    struct delayed delayed[SOURCE_DELAYED];
    int inotify;
    int64_t scan_at, scanned_ms, gone_at;
    uint64_t tick;
    bool first_run; /* no earlier run left anything */
    bool scanned;   /* the first scan is over: a file found from now on is read whole */
    bool to_end;
    bool leaving;                              /* lanes are being given back */
    bool said_short, said_unlisted, said_many; /* once, until it is over */
    bool blind;       /* the last scan could not see or open everything for want of descriptors or memory */
    char unread[512]; /* what could not be read since the last scan, and why; empty: nothing */
    uint32_t unread_tries;
    const struct tail *primed; /* whose constants the first n_primed records of run hold */
    uint32_t n_primed;
    struct weir_record run[SOURCE_RUN];
};

/* What is left of the limits of one poll. */
struct room {
    uint32_t records;
    uint64_t bytes;
};

/* ---- source.c ---- */
/* A new tail with a copy of path, in the list; NULL when there are SOURCE_FILES, which is logged. */
struct tail *source_add(struct source *, const char *path);
void source_drop(struct source *, struct tail *); /* forgets and frees it */
void source_ready(struct source *, struct tail *);
/* Something that is there can not be read: a pass with an end must not end well without it. */
void source_unread(struct source *, const char *path, int error);
/* Its path leads elsewhere: it is read for rotate-wait more. */
void source_gone(struct source *, struct tail *);
void source_set_path(struct source *, struct tail *, const char *path);

/* ---- scan.c ---- */
int scan_start(struct source *); /* inotify; OK, or RETRY with a reason */
int scan_run(struct source *);   /* looks for files; negative: a lane could not be opened */
void scan_soon(struct source *);
/* Something could not be opened: true, and the next scan comes soon, when it was for want of descriptors or memory. */
bool scan_short(struct source *, int error);
void scan_events(struct source *); /* reads what inotify has to say; never blocks */
void scan_stop(struct source *);

/* ---- known.c ---- */
int known_load(struct source *);
int known_put(struct source *, const struct tail *);
void known_forget(struct source *, const struct tail *);
/* Opens its lane, and at the first time takes over the stored place. */
int known_lane(struct source *, struct tail *);
/* The generation that this open file goes on with, NULL: none; *ret_status is negative when a lane failed.  loose: also
 * a copy of it, at another path and with another inode. */
struct tail *known_match(struct source *, const char *path, int fd, const struct stat *, bool loose,
                         int *ret_status);
/* A renamed or copied file next to it that goes on with this generation: an open descriptor, its path and stat; -1, and
 * errno says why there is no telling, 0: there is none.  The caller frees *ret_path by mem. */
int known_sibling(struct source *, const struct tail *, char **ret_path, struct stat *);
/* The live generation with that device and inode, or NULL. */
struct tail *known_live(struct source *, uint64_t dev, uint64_t ino);
size_t known_position(struct source *, struct tail *, uint64_t next, char *out, size_t cap);

/* ---- tail.c ---- */
/* Takes the open file as the generation's: it is live now. */
void tail_attach(struct source *, struct tail *, int fd, const struct stat *);
/* Makes its descriptor usable.  OK; AGAIN: not now (logged once); END: the file is lost (logged). */
int tail_open(struct source *, struct tail *);
/* It is there and can't be opened, for that errno: said once, and asked again. */
void tail_refused(struct source *, struct tail *, int error);
/* Closes the file; what was read but not emitted will be read again. */
void tail_park(struct source *, struct tail *);
/* Emits from it, reading once.  OK: there may be more; AGAIN: the host is full; END: nothing more for now. */
int tail_pump(struct source *, struct tail *, struct weir_emitter *, struct room *);

#endif
