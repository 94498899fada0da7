/* SPDX-License-Identifier: BSD-2-Clause */
/* weir/plugin.h - the contract between the weir host and a connector.
 *
 * Everything that crosses the boundary is declared here.  The header needs only <stddef.h> and <stdint.h>, is valid
 * C99 to C23 and C++98 to C++20, and a plugin built with it links against no weir library and exports one symbol.
 *
 * Growth rules: fields are appended, never moved, retyped or removed; a field newer than level N sits inside
 * #if WEIR_API >= N; a struct another side allocates carries its size first; an array carries its stride; the types
 * marked FROZEN never change.  A change of what a call means is a new level too, and the host keeps the old meaning for
 * plugins of the old level.  So a plugin that was built for level N loads in every host of level N and later; one that
 * asks for more than the host has is refused, with both numbers.  Level 1 is frozen: tests of weir hold this file
 * against a copy of then.
 *
 * Sizes: struct_size and stride are sizeof of whoever filled the struct in; the other side touches no more than that,
 * and takes what is missing as 0.  A plugin whose WEIR_API is above its WEIR_API_MIN may meet an older host: it asks
 * WEIR_HAS before it calls a newer function, and host->api before it reads anything else that is newer.
 * What is unknown: bits of flags, promises and want are ignored, bits of demands refuse the plugin; so do a type, a
 * kind and a class; a status that means nothing where it is given counts as FATAL.  `reserved` is 0, so that a later
 * level may give it a meaning in which 0 is what it was before.
 *
 * Ownership words: *borrows* (the other side keeps it), *takes* (the other side must not touch it again), *gives*
 * (the receiver must return it).  Memory is freed by the side that allocated it.  What one call is given by pointer is
 * borrowed for that call, and what host or plugin keep of it they copy, unless it is said otherwise.  Descriptions
 * (weir_plugin, weir_ops and all that hangs on them) are constant and stay for the life of the process: a plugin is
 * never unloaded.  const char * are UTF-8 with a NUL behind them; a slice has none.
 *
 * Units: bytes, records, milliseconds; wall times are since 1970, UTC.
 *
 * Threads: an instance has one home thread from create to destroy; every callback except interrupt comes from it,
 * one at a time.  Host functions marked "any thread" may be called by threads of the plugin's own, between open and
 * the end of close; all others only from inside a callback.  The host holds no lock while it calls a plugin.  A ctx
 * belongs to one instance.  No exception and no panic may pass the boundary, in either direction. */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_ABI_MAJOR  1u /* family of layouts: the 16 frozen bytes of weir_plugin and how functions are called */
#define WEIR_API_LATEST 1u /* newest level this header can describe */
#if !defined(WEIR_API)
#error "define WEIR_API before including <weir/plugin.h>, for example as 1"
#elif WEIR_API < 1 || WEIR_API > 1
#error "this <weir/plugin.h> does not know that WEIR_API level"
#endif
#ifndef WEIR_API_MIN /* lower it to load in older hosts and test WEIR_HAS */
#define WEIR_API_MIN WEIR_API
#elif WEIR_API_MIN < 1 || WEIR_API_MIN > WEIR_API
#error "WEIR_API_MIN is 1 at the least and WEIR_API at the most"
#endif

/* ---- status: a class of outcome, never a cause --------------------------------------------------------------- */
#define WEIR_OK     0
#define WEIR_AGAIN  1    /* nothing to give / can not take more just now */
#define WEIR_END    2    /* poll: a bounded source has no more */
#define WEIR_RETRY  (-1) /* transient: the host backs off and tries again */
#define WEIR_REJECT (-2) /* this record never will succeed: dead-letter it */
#define WEIR_FATAL  (-3) /* this instance can not go on: stop the pipeline; what is not final is read again */
#define WEIR_SPLIT  (-4) /* too large as a batch: the host offers halves; a record alone is rejected */

/* ---- opaque, host-owned -------------------------------------------------------------------------------------- */
struct weir_batch;    /* records on their way; immutable */
struct weir_emitter;  /* where poll and process put records; valid for the call */
struct weir_buf;      /* refcounted bytes */
struct weir_secret;   /* a reference to a secret, not the secret */
struct weir_problems; /* what check and probe report to */
struct weir_template; /* a compiled {template} */
struct weir_expr;     /* a compiled `when` expression */
struct weir_path;     /* a compiled path into a JSON value */

/* ---- records ------------------------------------------------------------------------------------------------- */
struct weir_slice { const void *ptr; size_t len; };    /* FROZEN; borrowed, no NUL behind it */
struct weir_header { struct weir_slice name, value; }; /* FROZEN; value.ptr NULL: null */

/* One ordered lane of a source: a partition, a file.  Records point to the host's copy, which lives as long as they are
 * on their way and its source has not had revoked() for it.  A record's shard id, seq and sub are its identity: stable
 * over restarts, never changed on the way. */
struct weir_shard {
    uint32_t struct_size;
    int32_t partition;       /* -1: no partitions */
    struct weir_slice id;    /* unique in the pipeline and the same after a restart; 1 byte to 1 KiB */
    struct weir_slice topic; /* where it comes from: topic, index, path */
};

struct weir_record {
    struct weir_slice key;   /* ptr NULL: absent; len 0: empty */
    struct weir_slice value; /* ptr NULL: tombstone */
    struct weir_slice topic; /* topic, index, path; a transform may change it */
    const struct weir_header *headers;
    const struct weir_shard *shard;
    uint32_t n_headers;
    uint32_t flags;    /* WEIR_REC_* */
    int64_t time_ms;   /* event time; WEIR_NO_TIME: none */
    int64_t offset;    /* what {offset} prints; -1: none */
    int32_t partition; /* what {partition} prints; -1: none */
    uint32_t sub;      /* 0, or k for the k-th further output of one input; set by the host */
    uint64_t seq;      /* place within the shard, strictly rising; what a transform writes into it is not looked at */
    uint64_t next;     /* where the shard resumes once this record is final; seq < next */
};
#define WEIR_NO_TIME           INT64_MIN
#define WEIR_REC_SHARES_PARENT 0x1u /* emit from a transform: bytes lie in the parent record */

struct weir_view { /* the plugin sets struct_size and want; the host fills in no more than that */
    uint32_t struct_size;
    uint32_t stride; /* the host's sizeof(struct weir_record) */
    uint32_t count;
    uint32_t attempt;    /* 0 on first delivery */
    const void *records; /* read with weir_record_at(); borrowed for the batch's life */
    size_t bytes;        /* keys, values and headers together */
    uint32_t want;       /* WEIR_WANT_VALUE; transforms only: a sink's values are always printed */
    uint32_t reserved;   /* 0 */
};
#define WEIR_WANT_VALUE   0x1u /* view: print pending edits first; without it value may be the bytes before them */
#define WEIR_WANT_HEADERS 0x2u /* weir_instance.want: somebody looks at headers */

/* One for each record that did not succeed.  Only complete() says how far results are apart; so what a later level
 * appends is read there, and not by fail, reject and emit_bad. */
struct weir_result {
    uint32_t index;          /* within the batch; WEIR_ALL: the whole batch.  fail, reject, emit_bad: not looked at */
    int32_t status;          /* RETRY, REJECT, SPLIT, FATAL; OK with code: succeeded as a duplicate (WEIR_DUPLICATE) */
    uint32_t retry_after_ms; /* 0: the host decides */
    uint32_t code;           /* HTTP status, Kafka error: for metrics and dead letters */
    const char *type;        /* stable upstream name of the error, or NULL */
    const char *why;         /* a sentence for a person; NULL: "no reason given" */
};
#define WEIR_ALL       0xffffffffu
#define WEIR_DUPLICATE 1u /* status OK, code WEIR_DUPLICATE: it was there already */

/* A run of records that share one owner.  owner non-NULL: all bytes (headers too) lie in it and the host takes a
 * reference of its own; owner NULL: the host copies. */
struct weir_run {
    uint32_t struct_size;
    uint32_t stride; /* the plugin's sizeof(struct weir_record) */
    uint32_t count;
    uint32_t reserved; /* 0 */
    const void *records;
    struct weir_buf *owner;
};

/* Where a shard resumes.  data: what position() of the source gave for it, at most 1 KiB, may be empty. */
struct weir_position {
    uint32_t struct_size;
    uint32_t flags; /* WEIR_POS_* */
    const struct weir_shard *shard;
    const void *reserved; /* NULL; keeps 32-bit layouts free of holes */
    uint64_t next;
    struct weir_slice data;
};
#define WEIR_POS_STORED 0x1u /* there is a position; without it the others are empty */
#define WEIR_POS_OWNED  0x2u /* a sink is exactly once by it: it beats the source's own store */

/* ---- options, declared once: parsing, help, manual, schema and sample are made from them --------------------- */
enum { /* C type of the conf field */
    WEIR_T_STRING = 1, /* const char *, NULL when not set */
    WEIR_T_INT,        /* int64_t */
    WEIR_T_BOOL,       /* int64_t, 0 or 1 */
    WEIR_T_DOUBLE,     /* double */
    WEIR_T_SIZE,       /* int64_t, bytes */
    WEIR_T_DURATION,   /* int64_t, milliseconds */
    WEIR_T_ENUM,       /* int64_t, index into values */
    WEIR_T_LIST,       /* struct weir_list: comma separated, the key may repeat */
    WEIR_T_MAP,        /* struct weir_map: the option's name is a prefix ending in '.' */
    WEIR_T_SECRET,     /* const struct weir_secret *, NULL when not set */
    WEIR_T_TEMPLATE,   /* const struct weir_template *, NULL when not set */
    WEIR_T_EXPR,       /* const struct weir_expr *, NULL when not set */
    WEIR_T_PATH,       /* const struct weir_path *, NULL when not set */
    WEIR_T_PATHS,      /* struct weir_paths: comma separated, the key may repeat */
    WEIR_T_FIELDS      /* struct weir_fields: the option's name is a prefix ending in '.', a field's path without its
                        * first dot follows; values are templates, or text (WEIR_F_TEXT, or one of values) */
};
struct weir_list { const char *const *items; size_t count; };     /* FROZEN */
struct weir_pair { const char *name, *value; };                   /* FROZEN; name without the prefix */
struct weir_map { const struct weir_pair *items; size_t count; }; /* FROZEN */
struct weir_paths { const struct weir_path *const *items; size_t count; }; /* FROZEN */
struct weir_field {                    /* FROZEN */
    const struct weir_path *path;
    const char *name;                  /* the path as written, without its first dot */
    const char *text;                  /* the value as written */
    const struct weir_template *value; /* NULL where values are text */
    const struct weir_path *from;      /* where the template is one {.path} and nothing else; else NULL */
};
struct weir_fields { const struct weir_field *items; size_t count; }; /* FROZEN */

#define WEIR_F_REQUIRED   0x1u
#define WEIR_F_ADVANCED   0x2u
#define WEIR_F_DEPRECATED 0x4u
#define WEIR_F_NAME       0x8u /* template: each rendered field must be non-empty, not . or .., without / or NUL */
#define WEIR_F_TEXT      0x20u /* fields: values are plain text, not templates */
#define WEIR_F_FIELD     0x10u /* template: a value without braces names a field: offset means {offset} */

struct weir_option {
    const char *name;          /* of a-z, 0-9, - and . */
    uint32_t type, flags;      /* WEIR_T_*, WEIR_F_* */
    uint32_t offset;           /* WEIR_OFF(struct my_conf, field, c_type) */
    uint32_t reserved;         /* 0; also keeps 32-bit layouts free of holes */
    const char *def;           /* as an operator would write it; NULL: none */
    int64_t min, max;          /* both 0: unchecked */
    const char *const *values; /* WEIR_T_ENUM: names, NULL-terminated; WEIR_T_MAP, _FIELDS: the only values, or NULL */
    const char *help;          /* one line, no full stop */
    const char *doc;           /* paragraphs for the man page, or NULL */
    const char *since;         /* version that brought it */
};
/* rows: struct weir_option[count], at most 512.  conf_size: of the struct that the host allocates and fills in, zeroed
 * and aligned for any type; 64 KiB at most. */
struct weir_options { uint32_t struct_size, stride, count, conf_size; const void *rows; };

enum { WEIR_COUNTER = 1, WEIR_GAUGE };
struct weir_metric { /* count() and gauge() name it by its row */
    const char *name;     /* of a-z, 0-9 and _: what is shown as weir_PLUGIN_KIND_name, unit and _total behind it */
    uint32_t kind, flags; /* WEIR_COUNTER or WEIR_GAUGE; 0 */
    const char *unit;     /* "bytes", "s", "ms", "us": as Prometheus counts them; another word or NULL: things */
    const char *help;     /* one line, no full stop */
};
/* rows: struct weir_metric[count], at most 512. */
struct weir_metrics { uint32_t struct_size, stride, count, reserved; const void *rows; };

/* ---- errors as data: what an error of the other end means; manual and schema are made from the rows, and an operator
 * extends them by `error.NAME = CLASS` -------------------------------------------------------------------------- */
enum { /* what becomes of the record, or of the whole batch */
    WEIR_CLASS_OK = 1,    /* it is no failure */
    WEIR_CLASS_DUPLICATE, /* success: it was there already */
    WEIR_CLASS_RETRY,
    WEIR_CLASS_REJECT,
    WEIR_CLASS_FATAL,
    WEIR_CLASS_SPLIT      /* too large together: sent in halves; a record alone is rejected */
};
struct weir_error { /* the first row that fits an error holds */
    const char *type;    /* upstream name; "": the error has none; NULL: any */
    const char *reason;  /* how its text begins, case ignored; NULL: any */
    uint32_t low, high;  /* codes, both included; WEIR_ANY_CODE: any */
    uint32_t where;      /* bits of weir_errors.where: one in common is enough; 0: everywhere */
    uint32_t means;      /* WEIR_CLASS_* */
    uint32_t tries;      /* RETRY: rejected when it was tried so often; 0: never for that */
    uint32_t pause_ms;   /* RETRY: least wait, where somebody has to act first */
    uint32_t health;     /* what it says of the other end: WEIR_CONNECTING, ...; 0: nothing */
    uint32_t flags;      /* WEIR_ERR_*; a plugin's rows: 0 */
    const char *help;    /* what it means: one line, no full stop */
};
#define WEIR_ANY_CODE 0, 0xffffffffu
#define WEIR_ERR_SET  0x1u /* the operator said so: it beats what other options say of such errors */
struct weir_errors {
    uint32_t struct_size, stride, count;
    uint32_t classes;                 /* 1 << WEIR_CLASS_* that error.NAME may be; 0: all */
    const void *rows;
    const char *const *where;         /* names of the bits of where, NULL-terminated */
    const char *code;                 /* what a code is: "status"; NULL: codes are not shown */
    int (*known)(const char *name);   /* can error.NAME be one?  NULL: those of the rows are all */
};
struct weir_fault { /* an error to be classified */
    uint32_t struct_size;
    uint32_t code, where;
    uint32_t reserved; /* 0 */
    struct weir_slice type, reason;
};

/* ---- JSON view ----------------------------------------------------------------------------------------------- */
enum {
    WEIR_JSON_MISSING = 0, WEIR_JSON_NULL, WEIR_JSON_FALSE, WEIR_JSON_TRUE, WEIR_JSON_NUMBER,
    WEIR_JSON_STRING, WEIR_JSON_ARRAY, WEIR_JSON_OBJECT
};
/* FROZEN.  A value inside a record: its type, WEIR_JSON_*, and its exact JSON text, borrowed for the batch's life. */
struct weir_span { const void *ptr; size_t len; uint32_t type, reserved; };

struct weir_edit { const struct weir_path *path; struct weir_slice value; uint32_t op, reserved; };
enum { /* op */
    WEIR_EDIT_SET = 1, /* value is JSON text */
    WEIR_EDIT_STRING,  /* value is UTF-8, becomes a JSON string */
    WEIR_EDIT_REMOVE,
    WEIR_EDIT_RENAME   /* value is the new key, UTF-8 */
};

/* ---- what the host gives ------------------------------------------------------------------------------------- */
struct weir_host;
struct weir_ctx { const struct weir_host *host; }; /* the host's, one for each instance; the rest is private */

/* What a sink must know of the pipeline around it when it commits for the source (WEIR_KEEPS_POSITION). */
struct weir_around {
    uint32_t struct_size, reserved;
    const char *source;      /* plugin of the source */
    const void *source_conf; /* the source's options; only a sink of the same plugin may look into them */
    int64_t commit_ms;       /* how often the pipeline commits */
};

struct weir_instance { /* who an instance is; borrowed for its life */
    uint32_t struct_size;
    uint32_t worker;        /* 0, 1, ... under workers = N */
    const char *pipeline;   /* its name */
    const char *section;    /* "source", "sink es" */
    const char *reader;     /* which reader of the source this is: "" or the sink's name (fan-out = independent) */
    const struct weir_around *around; /* sinks; else NULL */
    uint64_t budget;        /* bytes it may hold beside the batches lent to it: prefetch, bodies, queues */
    uint32_t batch_records; /* sinks: the most records one write brings; else 0 */
    uint32_t in_flight;     /* sinks: the most batches lent at one time, unless it asks for more; else 0 */
    uint64_t batch_bytes;   /* sinks: batches stay below it unless one record alone is larger; else 0 */
    uint32_t want;     /* sources: WEIR_WANT_HEADERS unless nobody looks at headers: records may come without theirs */
    uint32_t reserved; /* 0 */
};

enum { WEIR_LOG_ERROR = 1, WEIR_LOG_WARNING, WEIR_LOG_NOTICE, WEIR_LOG_INFO, WEIR_LOG_DEBUG };
enum {
    WEIR_UP = 1,
    WEIR_CONNECTING, /* nobody answers */
    WEIR_DEGRADED,   /* it answers, but is not well */
    WEIR_DENIED,     /* it refuses us: credentials or rights are missing */
    WEIR_UNTRUSTED   /* we refuse it: its certificate is not what it should be */
};
#define WEIR_FD_READ  0x1u
#define WEIR_FD_WRITE 0x2u

/* Functions that give an int: WEIR_OK, or what is said of them; FATAL: they were called with what can not be (an index
 * beyond the batch, a function of another kind of plugin), and nothing was done. */
struct weir_host {
    uint32_t struct_size;
    uint32_t api;        /* the newest level it has: WEIR_API_LATEST of its header */
    const char *version; /* of weir, for people */

    /* -- any thread -- */
    /* Writes one log line, WEIR_LOG_*.  Control characters are quoted, secrets masked, what is very long is cut. */
    void (*log)(struct weir_ctx *, int level, const char *text, size_t len);
    /* Says how the other end is: WEIR_UP, ..., a code of its own, a sentence or NULL.  The host logs changes only, so
     * it may be called at every error. */
    void (*health)(struct weir_ctx *, uint32_t state, uint32_t code, const char *why);
    /* Metrics by their row in ops->metrics: adds to a counter, sets a gauge.  A row that is not there: nothing. */
    void (*count)(struct weir_ctx *, uint32_t metric, int64_t delta);
    void (*gauge)(struct weir_ctx *, uint32_t metric, int64_t value);
    /* Has poll (sources) or service (sinks, transforms) called soon on the home thread. */
    void (*wake)(struct weir_ctx *);
    /* Sink: gives a batch back, which must not be touched from then on.  Records not listed succeeded; n 0: all did
     * (the pointer may be NULL then); one WEIR_ALL entry speaks for all; at most one entry for each record.  Exactly
     * once for every batch that write answered with OK, during write or later; the results are copied. */
    int (*complete)(struct weir_ctx *, struct weir_batch *, const struct weir_result *, uint32_t n, uint32_t stride);
    /* A clock that only goes forward, from some moment, and the time of day. */
    int64_t (*mono_ms)(struct weir_ctx *);
    int64_t (*wall_ms)(struct weir_ctx *);
    /* realloc of the host's (old NULL: malloc), not zeroed; n 0 frees and gives NULL.  Never NULL for n > 0: weir ends
     * when there is no memory.  What it holds belongs to instance()->budget.  Any thread may free it. */
    void *(*mem)(struct weir_ctx *, void *old, size_t n);
    /* Gives a buffer of n bytes with one reference, never NULL; *data is writable until an emit names it. */
    struct weir_buf *(*buf_alloc)(struct weir_ctx *, size_t n, void **data);
    /* Wraps foreign memory of about n bytes, with one reference.  release runs once, when the last reference is gone,
     * on any thread: of a source before its close, of a transform maybe after its destroy, so it needs nothing of the
     * instance.  It must be quick and calls no host function. */
    struct weir_buf *(*buf_wrap)(struct weir_ctx *, size_t n, void (*release)(void *opaque), void *opaque);
    /* One reference more, one less.  Who made a buffer gives its own back as soon as it has emitted what lies in it. */
    void (*buf_ref)(struct weir_buf *);
    void (*buf_unref)(struct weir_buf *);
    /* Lends the secret's bytes to use(), read afresh, wiped afterwards.  Not OK: unreadable, the reason is logged. */
    int (*secret)(struct weir_ctx *, const struct weir_secret *, void (*use)(void *opaque, struct weir_slice),
                  void *opaque);

    /* -- home thread -- */
    /* Who this instance is; borrowed until the end of destroy. */
    const struct weir_instance *(*instance)(struct weir_ctx *);
    /* Attaches code, wait and reason to this callback's negative return; copied. */
    void (*fail)(struct weir_ctx *, const struct weir_result *);
    /* check, probe: something is wrong with that option (NULL: with the section). */
    void (*problem)(struct weir_problems *, const char *option, const char *text);
    /* Has service (sinks, transforms) or poll (sources) called whenever fd is ready for WEIR_FD_*; events 0 stops it,
     * before fd is closed.  Any number of descriptors, which stay the plugin's. */
    void (*watch_fd)(struct weir_ctx *, int fd, uint32_t events);
    /* The same, once, at a time of mono_ms; one time per instance, another call replaces it, INT64_MAX: none. */
    void (*wake_at)(struct weir_ctx *, int64_t mono_ms);

    /* Opens a lane; the host copies the description and gives its own copy and where to resume (of the position the
     * plugin sets struct_size; its data are borrowed until the next call).  FATAL: the id is empty or too long, or the
     * stored position can not be read, and fail() has said why. */
    int (*shard_open)(struct weir_ctx *, const struct weir_shard *, const struct weir_shard **,
                      struct weir_position *ret_position);
    /* The lanes were taken away.  Returns at once; what is in flight is drained for drain_ms (0: they are lost, drop),
     * then revoked() is called with the final positions.  When that returns the pointers are gone.  The array is
     * copied. */
    int (*shard_revoke)(struct weir_ctx *, const struct weir_shard *const *, uint32_t n, uint32_t drain_ms);
    /* The lane's end as known now, for lag and progress: high watermark, file size. */
    void (*shard_end)(struct weir_ctx *, const struct weir_shard *, uint64_t end);
    /* The lane may commit up to here although no record says so (compacted offsets, transaction markers): effective
     * once every record emitted before this call is final. */
    void (*shard_skip)(struct weir_ctx *, const struct weir_shard *, uint64_t next);

    /* Reads the batch.  OK, or FATAL when struct_size is wrong.  Records are borrowed for the batch's life: until
     * process returns, until complete() is called. */
    int (*view)(struct weir_ctx *, const struct weir_batch *, struct weir_view *);
    /* Source: takes a run in; *ret_taken records of it fitted, which may be all of them or none.  AGAIN: the batch is
     * full; go on behind them at the next poll. */
    int (*emit)(struct weir_emitter *, const struct weir_run *, uint32_t *ret_taken);
    /* Source: an input that can not even become a record (undecodable, too long) goes to the dead letters; record says
     * what is known of it, shard, seq and next at the least.  record_size: sizeof(struct weir_record). */
    int (*emit_bad)(struct weir_emitter *, const struct weir_record *, size_t record_size, const struct weir_result *);
    /* Transform: passes inputs first .. first + n - 1 as they are, JSON view and pending edits included. */
    int (*pass)(struct weir_emitter *, uint32_t first, uint32_t n);
    /* Transform: a record made from input `parent`, a copy of it with other bytes; buf as owner in weir_run (NULL: the
     * host copies, but with WEIR_REC_SHARES_PARENT).  Outputs go on in the order of these calls. */
    int (*emit_from)(struct weir_emitter *, uint32_t parent, const struct weir_record *, size_t record_size,
                     struct weir_buf *);
    /* Transform: input `parent` with edits to its JSON value, printed only when somebody wants the bytes.
     * REJECT with *ret_why (static text) when it is no JSON or a path leads nowhere; nothing was emitted then. */
    int (*emit_edit)(struct weir_emitter *, uint32_t parent, const struct weir_edit *, uint32_t n, uint32_t stride,
                     const char **ret_why);
    /* Transform: input `parent` failed and goes to the dead letters. */
    int (*reject)(struct weir_emitter *, uint32_t parent, const struct weir_result *);

    /* The JSON value at path (NULL: the whole value) of record i; parsed at most once however many ask.
     * REJECT with *ret_why when the value is not JSON.  A path that leads nowhere: OK, type MISSING. */
    int (*json)(struct weir_ctx *, const struct weir_batch *, uint32_t i, const struct weir_path *,
                struct weir_span *ret, const char **ret_why);
    /* Decoded bytes of a string span; borrowed until the next call of it from this instance.  Of another type: NULL. */
    struct weir_slice (*json_string)(struct weir_ctx *, const struct weir_span *);
    /* Checks that record i is one JSON text.  *ret_type: WEIR_JSON_*; *ret_multiline: 1 when CR or LF stand between
     * tokens.  Cheaper than json() when nothing of it is needed.  REJECT with *ret_why otherwise. */
    int (*json_check)(struct weir_ctx *, const struct weir_batch *, uint32_t i, uint32_t *ret_type,
                      uint32_t *ret_multiline, const char **ret_why);
    /* Copies JSON text without white space between tokens into out (at least json.len bytes); gives the length. */
    size_t (*json_minify)(struct weir_ctx *, void *out, struct weir_slice json);
    /* Writes the JSON string of bytes that are UTF-8 (out NULL: only counts); SIZE_MAX: they are not UTF-8. */
    size_t (*json_quote)(struct weir_ctx *, void *out, struct weir_slice bytes);
    /* Reads any JSON text that is not a record's: each() gets every scalar with its path from the top as text
     * ("items.0.index.status"); returns REJECT at a syntax error, or what each() returned when that is not OK. */
    int (*json_walk)(struct weir_ctx *, struct weir_slice json,
                     int (*each)(void *opaque, struct weir_slice path, const struct weir_span *), void *opaque);

    /* Renders a template for record i; borrowed until the next render of the same template by this instance.
     * REJECT with *ret_why (borrowed likewise) when a field is missing or not allowed there. */
    int (*render)(struct weir_ctx *, const struct weir_template *, const struct weir_batch *, uint32_t i,
                  struct weir_slice *ret, const char **ret_why);
    /* Evaluates an expression for records first .. first + n - 1: ret[k] is 1 true, 0 false, 2 an error whose text
     * match_error gives (for the last one found). */
    int (*match)(struct weir_ctx *, const struct weir_expr *, const struct weir_batch *, uint32_t first, uint32_t n,
                 uint8_t *ret);
    const char *(*match_error)(struct weir_ctx *); /* borrowed until the next match */
    /* format = record: record i as one JSON object on one line, without line feed; borrowed until the next call. */
    int (*record_print)(struct weir_ctx *, const struct weir_batch *, uint32_t i, struct weir_slice *ret);
    /* The reverse: fills key, value, topic, partition, offset, time, headers; borrowed until the next call.
     * REJECT with *ret_why when the line is no such object. */
    int (*record_parse)(struct weir_ctx *, struct weir_slice line, struct weir_record *ret, size_t record_size,
                        const char **ret_why);

    /* Keyed bytes of this instance, durable with the positions: what was put since the last commit is stored in the
     * same transaction as the next positions.
     * get: AGAIN when there is none; the value is borrowed until the next get.
     * put: keys at most 1 KiB, values 64 KiB, else FATAL; value.ptr NULL deletes.
     * scan: each() for every key that begins with prefix, in no order; what is not OK ends it, and is what it gives. */
    int (*state_get)(struct weir_ctx *, struct weir_slice key, struct weir_slice *value);
    int (*state_put)(struct weir_ctx *, struct weir_slice key, struct weir_slice value);
    int (*state_scan)(struct weir_ctx *, struct weir_slice prefix,
                      int (*each)(void *opaque, struct weir_slice key, struct weir_slice value), void *opaque);

    /* Any thread: what the error means, by error.NAME of the section, else by ops->errors, else "try again".
     * weir_error_status() makes a result's status of it.  Borrowed for the instance's life, never NULL. */
    const struct weir_error *(*classify)(struct weir_ctx *, const struct weir_fault *);
    /* Sink with WEIR_KEEPS_POSITION, any thread: what it completed since its last commit is void.  Until its abort was
     * OK it completes all it is still lent without writing; then the source reads all of that again.  why: a sentence
     * for the log, copied. */
    void (*replay)(struct weir_ctx *, const char *why);

    /* Source, home thread: where reading of the lane begins, as soon as that is known, so that what it lacks to its end
     * is known before its first record comes. */
    void (*shard_begin)(struct weir_ctx *, const struct weir_shard *, uint64_t next);

    /* Sink, home thread, between open and close: it would gain from more batches on their way than
     * instance()->in_flight, n in all.  Gives how many it is lent at most from now on: fewer than n where the operator
     * said how many, never fewer than before.  What they hold is within the pipeline's memory, so it may be lent fewer
     * still. */
    uint32_t (*in_flight)(struct weir_ctx *, uint32_t n);

    /* Transform with WEIR_HOLDS, inside process: keeps a copy of input `parent` beyond the call.  It stays on its way
     * and holds its shard's position back until its group is given away by one of the three below.  *group NULL: a new
     * group; else the record comes behind those it has.  A group is a batch for view, json, render, match and
     * record_print; what they gave of it is good until the next hold or its end; after close it is the host's.
     * until: time of mono_ms when release() gets the group at the latest, INT64_MAX: the plugin has none; opaque: what
     * release() gets with it; the last ones said for a group hold.  An input may be held by several groups, and be
     * emitted too.  A call that held or gave away something returns OK or FATAL. */
    int (*hold)(struct weir_emitter *, uint32_t parent, struct weir_batch **group, int64_t until, void *opaque);
    /* Takes the group; inside process, release, serve.  One record made of all of it (NULL: they are dropped): shard,
     * seq and next are its last record's, and when it is final, so are all that it was made of.  buf as in emit_from;
     * WEIR_REC_SHARES_PARENT: bytes lie in the group. */
    int (*emit_held)(struct weir_emitter *, struct weir_batch *group, const struct weir_record *, size_t record_size,
                     struct weir_buf *);
    /* Takes the group: its records go on as they were held. */
    int (*pass_held)(struct weir_emitter *, struct weir_batch *group);
    /* Takes the group: each of its records failed. */
    int (*reject_held)(struct weir_emitter *, struct weir_batch *group, const struct weir_result *);
};
#define WEIR_HAS(ctx, fn)                                                                                         \
    (offsetof(struct weir_host, fn) + sizeof((ctx)->host->fn) <= (ctx)->host->struct_size &&                       \
     (ctx)->host->fn != NULL)

/* ---- what a plugin gives ------------------------------------------------------------------------------------- */
struct weir_poll {
    uint32_t struct_size;
    uint32_t max_records; /* what emit will take in this call, about; keys, values and headers count as bytes */
    uint64_t max_bytes;
    uint32_t timeout_ms; /* poll may block as long as that; 0: not at all */
    uint32_t flags;      /* WEIR_POLL_* */
};
#define WEIR_POLL_PAUSED 0x1u /* keep the session alive, emit nothing */
#define WEIR_POLL_TO_END 0x2u /* fix each shard's end when first seen; END when all are reached */

#define WEIR_WHY_WAKE 0x1u /* service(): wake() was called */
#define WEIR_WHY_FD   0x2u /* a watched descriptor is ready */
#define WEIR_WHY_TIME 0x4u /* wake_at() has come; release(): the group's time, or the longest that is allowed */
#define WEIR_WHY_END  0x8u /* release(): nothing more comes for now: the end, a commit, lanes given back, no memory */
#define WEIR_WHY_FULL 0x10u /* release(): more is held than is allowed */

/* A commit point: everything written before it is final, and positions say where the shards resume. */
struct weir_commit {
    uint32_t struct_size, stride, count, reserved;
    const void *positions; /* struct weir_position[count] */
    const char *source;    /* plugin that made them */
    /* What the source's token() gives just now; ptr NULL: nothing, or lanes were given back since: a sink that keeps
     * positions gives up (replay, REJECT) what it has not asked to be final yet. */
    struct weir_slice token;
};
#define WEIR_TOKEN_MAX 4096

enum { WEIR_SOURCE = 1, WEIR_TRANSFORM, WEIR_SINK };
#define WEIR_REPLAYABLE   0x001u /* source: can resume from any position it gave */
#define WEIR_OWN_POSITION 0x002u /* source: keeps positions in its own system too, by committed() */
#define WEIR_IDEMPOTENT   0x004u /* sink: the identity makes a repeat harmless */
#define WEIR_ORDERED      0x008u /* sink: keeps shard order over several batches and its own retries */
#define WEIR_BLOCKS       0x010u /* sink: write may block, wants a thread of its own */
#define WEIR_SINGLE       0x020u /* sink: owns one target, so one instance serves all workers */
#define WEIR_STREAM       0x040u /* sink: gains nothing from waiting for a fuller batch */
#define WEIR_COMMITS      0x080u /* sink: complete() means staged, final at commit() */
#define WEIR_EXACT        0x100u /* sink: with the positions of its commit it repeats nothing after a crash */
#define WEIR_ONE_TO_ONE   0x200u /* transform: at most one output for an input */
/* sink, with WEIR_COMMITS: its commit() stores the positions in the source's own store, in one step with the records.
 * The source's committed() and revoked() hear of no positions then, and what the host stores is a copy. */
#define WEIR_KEEPS_POSITION 0x400u
/* sink, with WEIR_ORDERED: it keeps order as long as what it wants to try again comes in turn, before what is newer */
#define WEIR_IN_TURN 0x800u
/* transform, sink: looks at no record's headers, nor has the host print records (record_print).  What templates and
 * expressions among its options look at the host knows. */
#define WEIR_NO_HEADERS 0x1000u
/* transform: holds records beyond the call that brought them; has release(), and not WEIR_ONE_TO_ONE */
#define WEIR_HOLDS 0x2000u

/* One flat table.  Every table has create and destroy; a source open, poll and close; a transform process; a sink open,
 * write and close.  All others may be NULL, and those of another kind must be.  Where nothing else is said, OK is the
 * good answer and any other stops the pipeline. */
struct weir_ops {
    uint32_t struct_size;
    uint32_t kind;     /* WEIR_SOURCE, ... */
    uint32_t promises; /* WEIR_REPLAYABLE ...; the host may ignore bits it does not know */
    uint32_t demands;  /* the host must refuse bits it does not know; none yet */
    const struct weir_options *options;
    const struct weir_metrics *metrics;
    /* Promises under this configuration, instead of the static word; NULL: the static word. */
    uint32_t (*promise)(const void *conf);
    /* Rules between options; no I/O.  What is wrong is told by problem(), each thing once.  Here, in pair and in probe
     * there is no instance yet: the host table has log, health, count, gauge, wake, the clocks, mem, secret, instance,
     * fail, problem, json_minify, json_quote and json_walk, and NULL in the place of the others. */
    int (*check)(struct weir_ctx *, const void *conf, struct weir_problems *);
    /* check --live: connects, but joins no group, opens no transaction, writes nothing. */
    int (*probe)(struct weir_ctx *, const void *conf, struct weir_problems *);
    /* Allocates; no I/O.  conf is borrowed until the end of destroy. */
    int (*create)(struct weir_ctx *, const void *conf, void **self);
    /* Connects.  RETRY is normal (peer down); the host backs off and calls again.  Once it was OK it is not called
     * again. */
    int (*open)(void *self);
    /* Source: emits what there is; may block up to timeout_ms but must return early after interrupt.  OK: there may be
     * more.  AGAIN: nothing now; the host then waits for timeout_ms, a watched fd, wake or wake_at.  END: there will
     * never be more.  RETRY: the other end is in trouble; the host backs off. */
    int (*poll)(void *self, struct weir_emitter *, const struct weir_poll *);
    /* Source: bytes that let shard_open resume at next, beside the number itself; called before it is stored.  Not OK:
     * nothing is committed, and it is asked again at the next commit.  cap is 1 KiB. */
    int (*position)(void *self, const struct weir_shard *, uint64_t next, void *out, size_t cap, size_t *ret_len);
    /* Source: these positions are durable; final: nothing more will come.  A source that keeps them in its own system
     * says by its log and health when that fails; the answer is not looked at. */
    int (*committed)(void *self, const struct weir_position *, uint32_t n, uint32_t stride, uint32_t final);
    /* Source: the answer to shard_revoke, with the last positions to commit.  Its own answer is not looked at. */
    int (*revoked)(void *self, const struct weir_position *, uint32_t n, uint32_t stride);
    /* Transform: CPU only.  For every input: pass, emit_from or emit_edit (any number of times), reject, or nothing
     * (dropped).  RETRY: as if it had not run, the same batch comes again.  REJECT: all of it to the dead letters. */
    int (*process)(void *self, const struct weir_batch *, struct weir_emitter *);
    /* Sink: OK takes the batch until complete(); AGAIN: offer it again later; negative: the whole batch's result, and
     * complete() is not called for it. */
    int (*write)(void *self, struct weir_batch *);
    /* Sink, transform: after wake, a watched fd or a deadline; why: WEIR_WHY_*.  FATAL stops the pipeline; any other
     * answer is OK. */
    int (*service)(void *self, uint32_t why);
    /* Sink: nothing more comes for now, send what is held back.  Its answer is not looked at. */
    int (*flush)(void *self);
    /* Sink with WEIR_COMMITS: make all that was completed durable (state_put is stored with the positions).  RETRY: the
     * positions stay where they are, and it is called again; with WEIR_KEEPS_POSITION with the same positions, nothing
     * is written meanwhile.  REJECT after replay(): it was aborted. */
    int (*commit)(void *self, const struct weir_commit *);
    /* Any thread: have a blocking callback return soon.  Calls no host function. */
    void (*interrupt)(void *self);
    /* Ends connections, joins own threads; batches not completed are given up by it.  Nothing interrupts it, so it
     * bounds itself: ten seconds at most. */
    void (*close)(void *self);
    /* Frees; there is no instance after it. */
    void (*destroy)(void *self);
    const struct weir_errors *errors; /* sinks: one table of what errors mean; NULL: none */
    /* Sink: rules between its options and those of its source; no I/O. */
    int (*pair)(struct weir_ctx *, const void *conf, const struct weir_around *, struct weir_problems *);
    /* Source: bytes (at most WEIR_TOKEN_MAX) by which a sink of the same plugin commits in its name; asked for before
     * each commit of a sink with WEIR_KEEPS_POSITION. */
    int (*token)(void *self, void *out, size_t cap, size_t *ret_len);
    /* Source: what it emitted since the last commit was void.  It gives its lanes back by shard_revoke with drain_ms 0
     * and opens them again where its own store says.  AGAIN: not just now, asked again soon. */
    int (*rewind)(void *self);
    /* Sink with WEIR_KEEPS_POSITION: drops what was completed since the last commit that was OK; nothing is lent to
     * it just now.  RETRY: called again.  OK: it takes records as after open. */
    int (*abort)(void *self);
    /* Transform with WEIR_HOLDS: why (WEIR_WHY_*) this group can be held no longer; it is given away before this
     * returns, others may be.  Oldest first, when it is for several. */
    int (*release)(void *self, struct weir_emitter *, struct weir_batch *group, void *opaque, uint32_t why);
    /* Transform: service with an emitter for groups, called in its place where there is one. */
    int (*serve)(void *self, struct weir_emitter *, uint32_t why);
};

struct weir_plugin {
    uint32_t struct_size, magic, abi_major, api; /* FROZEN: read before anything else */
    uint64_t reserved;                           /* 0, not looked at; a digest of the header while abi_major was 0 */
    const char *name;                            /* that of the file: 1 to 32 of a-z, 0-9 and -, a letter first */
    const char *version, *summary, *license;     /* for people; summary: one line, no full stop */
    int (*global_init)(void);                    /* once, main thread, before any instance; 0 is good; may be NULL */
    const struct weir_ops *const *ops;           /* NULL-terminated, at most one per kind */
};
#define WEIR_MAGIC 0x52494557u
#define WEIR_PLUGIN_HEAD                                                                                          \
    (uint32_t)sizeof(struct weir_plugin), WEIR_MAGIC, WEIR_ABI_MAJOR, (uint32_t)(WEIR_API_MIN), (uint64_t)0

#if defined(__GNUC__)
#define WEIR_EXPORT __attribute__((visibility("default")))
#else
#define WEIR_EXPORT
#endif
#ifdef __cplusplus
#define WEIR_C extern "C"
#else
#define WEIR_C
#endif
#define WEIR_CAT_(a, b) a##b
#define WEIR_CAT(a, b)  WEIR_CAT_(a, b)
#ifdef WEIR_STATIC /* -DWEIR_STATIC=name: many plugins in one program */
#define WEIR_ENTRY WEIR_CAT(WEIR_STATIC, _LTX_weir_plugin_entry)
#else
#define WEIR_ENTRY weir_plugin_entry
#endif
#define WEIR_PLUGIN(desc)                                                                                         \
    WEIR_C WEIR_EXPORT const struct weir_plugin *WEIR_ENTRY(void);                                                 \
    WEIR_C WEIR_EXPORT const struct weir_plugin *WEIR_ENTRY(void)                                                  \
    {                                                                                                             \
        return &(desc);                                                                                           \
    }                                                                                                             \
    WEIR_C const struct weir_plugin *WEIR_ENTRY(void)

/* offsetof that will not compile unless the field has the stated C type */
#define WEIR_OFF(T, f, ctype) ((uint32_t)(offsetof(T, f) + 0 * sizeof(*(1 ? &((T *)0)->f : (ctype *)0))))

static inline const struct weir_record *weir_record_at(const struct weir_view *v, uint32_t i)
{
    return (const struct weir_record *)(const void *)((const char *)v->records + (size_t)i * v->stride);
}

#ifdef __cplusplus
}
#endif
#endif
