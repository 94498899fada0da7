/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.h - what the parts of the file sink share: sink.c (callbacks: a batch, a commit), out.c (one file being
 * written), recover.c (what is known of a file after a crash).  The sink's thread only. */
#ifndef WEIR_PLUGINS_FILE_SINK_H
#define WEIR_PLUGINS_FILE_SINK_H

#include "../common/encode.h"
#include "pack.h"
#include "print.h"

#include <weir/plugin.h>

#include <stdbool.h>
#include <sys/types.h>

#define SINK_OPEN  64u          /* files open at one time */
#define SINK_FILES 65536u       /* files written between two commits */
#define SINK_KEPT  2048u        /* without commits, compressed files that are remembered */
#define SINK_INDEX 4096u        /* chains in which they are found by their path */
#define OUT_BUFFER (128u << 10) /* bytes gathered before write(2) */
#define OUT_PATH   1000u        /* longest path: it is a key of the state */
#define OUT_NOTE   6u           /* bytes that .NAME.weir has more than NAME */
#define OUT_STAMP  22u          /* what a finished file's name may have more: .20260131T235959Z-9999 */

struct sink_conf {
    const struct weir_template *path;
    int64_t format, tombstone, fsync, rotate, compress;
};
enum { FSYNC_COMMIT, FSYNC_NONE };

/* What is written down of a file at a commit, or in the note beside a file that was not committed yet. */
struct out_row {
    uint64_t ino, len;
    struct print tail;
};

struct out {
    char *path;
    size_t path_len;
    uint64_t hash;     /* of path */
    struct out *after; /* in its chain */
    int fd;            /* -1: closed */
    uint64_t dev, ino;
    uint64_t len;  /* bytes in the file */
    uint64_t mark; /* len when the current batch began */
    char *buffer;  /* bytes not written yet, not compressed; NULL: none needed so far */
    size_t used;
    size_t base; /* of these, bytes of batches that are complete: staged until a commit, only with compress */
    uint64_t tick;  /* for least recently used */
    bool known;     /* opened in this run before: nothing to recover */
    bool forget;    /* its row does not describe the file at this path any more */
    bool touched;   /* by the current batch */
    bool dirty;     /* since the last commit */
    bool fresh;     /* its directory must be synced too */
    bool row;       /* there is, or will be with the next commit, a row for it in the state */
    bool note;      /* there is a note beside it */
    bool unnoted;   /* there was one, and its folder may not know yet that it is gone */
    bool committed; /* a commit named it: note and row are settled as soon as that is durable */
    bool leave;     /* after the commit: go on with a new file (rotation, or moved by somebody) */
};

struct sink {
    struct weir_ctx *ctx;
    const struct sink_conf *conf;
    struct rejects rejects;
    struct out **files;
    struct out *chains[SINK_INDEX];
    uint32_t n_files, cap_files, n_open, n_touched, n_cut;
    struct out *last; /* what the last record went to */
    uint64_t tick;
    bool exact;        /* fsync = commit */
    struct pack *pack; /* NULL: compress = none */
};

/* ---- out.c: all give OK or a status whose reason was told by weir_fail, where not said otherwise ---- */
/* The file with that path, not opened yet; NULL when there are SINK_FILES. */
struct out *out_find(struct sink *, struct weir_slice path);
/* Forgets it: it is closed, and in no list any more. */
void out_free(struct sink *, struct out *);
/* Opens and locks it, makes its directories, recovers it.  REJECT: the path can't be one (*ret_why). */
int out_open(struct sink *, struct out *, const char **ret_why);
int out_append(struct sink *, struct out *, struct weir_slice line);
/* Writes what is in its buffer; with compress, complete batches and the current one as members of their own. */
int out_flush(struct sink *, struct out *);
/* One closed for others is open again, beyond SINK_OPEN; false: it is not there any more, or can't be opened. */
bool out_reopen(struct sink *, struct out *);
/* Forgets what the buffer holds of the current batch. */
void out_drop(struct out *);
/* Cuts it back to where the batch began; OK or FATAL. */
int out_undo(struct sink *, struct out *);
/* Renames it for good if it is large enough; at a point where all of it is final. */
int out_rotate(struct sink *, struct out *);
void out_close(struct sink *, struct out *);
/* A system call on it failed with that errno: the status it means. */
extern const struct weir_errors out_errors;
int out_failed(struct sink *, const struct out *, const char *what, int error);
/* fsync of the directory it is in; 0 or errno. */
int out_sync_dir(const char *path);

/* ---- recover.c ---- */
/* At open: compares every file of the state with what was committed, cuts back what came after it. */
int recover_all(struct sink *);
/* A file opened for the first time in this run that has no row: cuts it back by its note, and writes a new one. */
int recover_new(struct sink *, struct out *);
int recover_put_row(struct sink *, struct out *);
void recover_drop_row(struct sink *, struct out *);
/* Whether the state has the row of its last commit; at close, when what was not stored is forgotten. */
bool recover_stored(struct sink *, const struct out *);
/* At close: a file that was never committed is brought back to what its note says, for the next run may have nothing
 * to write to it and then would not look at it. */
void recover_undo(struct sink *, struct out *);
void recover_drop_note(struct sink *, struct out *);
/* Drops the row of a file nobody writes to, unless its note is still there, or may be after a power failure: a note
 * without a row would have the next run cut off what was committed. */
void recover_forget(struct sink *, struct out *);

#endif
