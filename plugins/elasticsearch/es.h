/* SPDX-License-Identifier: BSD-2-Clause */
/* es.h - what the files of the elasticsearch plugin share, one section per file.
 *
 * Threads: everything runs on the home thread of its instance. */
#ifndef WEIR_PLUGIN_ES_H
#define WEIR_PLUGIN_ES_H

#define WEIR_API 1
#include <weir/helpers.h>
#include <weir/plugin.h>

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ES_ID_MAX       512u       /* bytes of an _id, a limit of the server */
#define ES_INDEX_MAX    255u       /* bytes of an index name, a limit of the server */
#define ES_REASON_MAX   1024u      /* bytes of an error's reason that are kept */
#define ES_TYPE_MAX     128u       /* bytes of an error's type that are kept */
#define ES_REASONS_MAX  (1u << 20) /* bytes of all reasons of one batch */
#define ES_ATTEMPTS     5u         /* tries of an item that may be poison */
#define ES_SLOW_MS      10000u     /* pause while an operator has to act */
#define ES_SECRET_MAX   4096u      /* bytes of a password or API key */
#define ES_HEADER_MAX   8192u      /* bytes of the Authorization header */
#define ES_URL_MAX      2048u      /* bytes of one url option */
#define ES_SLICES_MAX   64u        /* slices of one pass */
#define ES_SOCKETS_MAX  160u  /* descriptors of one instance: each slice's, and those of looking up names */
#define ES_POSITION_MAX 1024u /* bytes of a position, a limit of the host */

/* ---- elasticsearch.c: the descriptor and what both kinds share ---------------------------------------------- */
enum { ES_COMPRESS_NONE, ES_COMPRESS_GZIP };
struct es_conf {
    struct weir_list url;
    const char *username;
    const struct weir_secret *password, *api_key;
    const char *ca_file, *client_cert, *client_key;
    int64_t verify, compress, timeout_ms;
};
extern const char *const es_compress_names[];

/* Rows of the options both kinds have; T has a struct es_conf named es. */
#define ES_OPTIONS(T)                                                                                        \
    WEIR_OPT_LIST(                                                                                           \
        T, es.url, "url", WEIR_F_REQUIRED, NULL, "Addresses of the nodes, http:// or https://",              \
        "Requests go to the nodes in turn. One that fails is left alone for 1 s, then for twice as long "    \
        "at each further failure, up to 60 s."),                                                             \
        WEIR_OPT_STRING(T, es.username, "username", 0, NULL, "User of HTTP basic authentication", NULL),     \
        WEIR_OPT_SECRET(T, es.password, "password", 0, "Password of that user", NULL),                       \
        WEIR_OPT_SECRET(T, es.api_key, "api-key", 0, "API key, encoded or as id:key", NULL),                 \
        WEIR_OPT_STRING(T, es.ca_file, "ca-file", 0, NULL, "PEM file of the authorities to trust",           \
                        "Without it the system's own are trusted."),                                         \
        WEIR_OPT_STRING(T, es.client_cert, "client-cert", 0, NULL, "PEM file of a client certificate",       \
                        NULL),                                                                               \
        WEIR_OPT_STRING(T, es.client_key, "client-key", 0, NULL, "PEM file of its key", NULL),               \
        WEIR_OPT_BOOL(T, es.verify, "verify", 0, "yes", "Verify the server's certificate and name", NULL),   \
        WEIR_OPT_ENUM(                                                                                       \
            T, es.compress, "compress", 0, "none", es_compress_names, "Compress what is sent and received",  \
            "gzip costs about 1.7 us per 270-byte document and saves four fifths of the traffic."),          \
        WEIR_OPT_DURATION(                                                                                   \
            T, es.timeout_ms, "timeout", 0, "90s", 1000, 3600000, "Longest time of one request",             \
            "Longer than the server's own timeout of a minute: a request given up too early may still "      \
            "be carried out.")

/* The rules of the common options; problems are reported, the return value is WEIR_OK. */
int es_check(struct weir_ctx *, const struct es_conf *, struct weir_problems *);
/* check --live: one GET / to each node; whatever answers is alive. */
int es_probe(struct weir_ctx *, const struct es_conf *, struct weir_problems *);

extern const struct weir_ops es_source_ops, es_sink_ops;
extern const struct weir_metrics es_metrics;
enum { ES_M_REQUESTS, ES_M_SENT, ES_M_RECEIVED, ES_M_NODE_FAILURES, ES_M_ITEM_RETRIES, ES_M_FAILURE_STORE };

/* ---- bytes.c: growing byte arrays, ids, the hash of long ids ------------------------------------------------- */
struct es_bytes {
    char *p;
    size_t len, cap;
};
/* Makes room for n more bytes; memory of the host's mem, which never fails. */
void bytes_reserve(struct weir_ctx *, struct es_bytes *, size_t n);
/* Empties it, with room for n bytes and not more than that if it has less now. */
void bytes_begin(struct weir_ctx *, struct es_bytes *, size_t n);
void bytes_number(struct weir_ctx *, struct es_bytes *, uint64_t n);
/* Inline: several for each record, and most texts are literals. */
static inline void bytes_add(struct weir_ctx *ctx, struct es_bytes *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    if (b->cap - b->len < n)
        bytes_reserve(ctx, b, n);
    memcpy(b->p + b->len, p, n);
    b->len += n;
}
static inline void bytes_text(struct weir_ctx *ctx, struct es_bytes *b, const char *text)
{
    bytes_add(ctx, b, text, strlen(text));
}
/* Appends a JSON string; false, with nothing appended, when p is not UTF-8. */
bool bytes_quote(struct weir_ctx *, struct es_bytes *, const void *p, size_t n);
/* Empties it, and gives memory above keep back. */
void bytes_clear(struct weir_ctx *, struct es_bytes *, size_t keep);
void bytes_free(struct weir_ctx *, struct es_bytes *);
/* SHA-256 in hexadecimal. */
void sha256_hex(const void *p, size_t n, char ret[64]);
/* An id of at most ES_ID_MAX bytes: the start of p, '~' and the hash of all of it. */
size_t id_shorten(const void *p, size_t n, char ret[ES_ID_MAX]);
/* Base64 with padding and NUL; cap 4 * ((n + 2) / 3) + 1 at least. */
size_t bytes_base64(const void *p, size_t n, char *ret);

/* ---- nodes.c: which node gets the next request --------------------------------------------------------------- */
struct es_node {
    const char *url;
    size_t len;
    int64_t rest_until, failed_at;
    uint32_t failures;
};
struct es_nodes {
    struct es_node *list;
    size_t count, next;
};
/* Borrows the URLs. */
void nodes_init(struct weir_ctx *, struct es_nodes *, const struct weir_list *);
void nodes_free(struct weir_ctx *, struct es_nodes *);
/* In turn those that do not rest; when all rest, the one that failed longest ago. */
size_t nodes_pick(struct es_nodes *, int64_t now);
/* It rests for longer each time, and as long as it wishes at least. */
void nodes_failed(struct es_nodes *, size_t node, int64_t now, uint32_t wish_ms);
/* Whether some node does not rest. */
bool nodes_awake(const struct es_nodes *, int64_t now);
void nodes_worked(struct es_nodes *, size_t node);

/* ---- auth.c: the headers of a request ------------------------------------------------------------------------ */
/* Reads the secrets afresh.  NULL with a sentence in why: no request can be made. headers_wipe ends the list. */
struct curl_slist *headers_make(struct weir_ctx *, const struct es_conf *, const char *type, bool gzip,
                                const char **why);
void headers_wipe(struct curl_slist *);

/* ---- call.c: one request on one reusable handle -------------------------------------------------------------- */
enum es_method { ES_GET, ES_POST, ES_DELETE };
struct es_request {
    enum es_method method;
    const char *path;       /* from the slash on, with its query */
    const char *type;       /* Content-Type, or NULL */
    struct weir_slice body; /* borrowed until the call is done */
};
struct es_call {
    struct weir_ctx *ctx;
    const struct es_conf *conf;
    CURL *easy;
    struct curl_slist *headers;
    struct es_bytes gzip;
    void *deflate; /* z_stream, made at the first use */
    /* the answer */
    char *reply; /* of malloc; call_take_reply gives it away */
    size_t reply_len, reply_cap, reply_max;
    bool reply_too_large;
    bool not_sent; /* no request could be made; error says why */
    bool alerted;  /* the server refused our certificate, and nothing was answered since */
    CURLcode code;
    long status; /* of HTTP; 0: none */
    uint32_t retry_after_ms;
    char error[CURL_ERROR_SIZE];
    size_t node;
    bool busy;
    struct es_call *next_unsent;    /* of http.c */
    void (*done)(struct es_call *); /* set by the user, called with busy false */
    void *owner;
};
/* False: libcurl has no memory. */
bool call_init(struct es_call *, struct weir_ctx *, const struct es_conf *);
void call_free(struct es_call *);
/* Readies the handle for that node; false with call->error set. */
bool call_prepare(struct es_call *, const char *node_url, const struct es_request *);
/* After the transfer: fills status and the like, wipes the headers. */
void call_finish(struct es_call *, CURLcode);
/* Gives the reply's bytes (free() them); the call has none then. */
char *call_take_reply(struct es_call *, size_t *ret_len);

/* ---- http.c: many calls on the host's loop ------------------------------------------------------------------- */
struct es_socket {
    int fd;
    short events;
};
struct es_http {
    struct weir_ctx *ctx;
    const struct es_conf *conf;
    CURLM *multi;
    struct es_nodes nodes;
    struct es_socket sockets[ES_SOCKETS_MAX];
    size_t n_sockets;
    int64_t deadline;       /* mono_ms at which libcurl wants to be called; INT64_MAX: never */
    struct es_call *unsent; /* a call that failed before anything was sent, to be reported by http_run */
};
/* Says what is set and not safe; at open. */
void http_warn(struct weir_ctx *, const struct es_conf *);
bool http_init(struct es_http *, struct weir_ctx *, const struct es_conf *);
void http_free(struct es_http *);
/* Starts the call on the next node; never blocks.  call->done comes from a later http_run. */
void http_send(struct es_http *, struct es_call *, const struct es_request *);
/* Moves what can move and reports what is done. */
void http_run(struct es_http *);
/* Takes a running call off; done is not called. */
void http_cancel(struct es_http *, struct es_call *);
/* What became of a finished call that failed: the health it means, where `health` is what its status alone says, and
 * what to do about it, to be put behind the reason (static, may be empty). */
uint32_t http_trouble(const struct es_call *, uint32_t health, const char **ret_advice);
/* The node's URL of a call, for texts. */
const char *http_node(const struct es_http *, const struct es_call *);

/* ---- errors.c: what an error means, as data ------------------------------------------------------------------ */
enum { /* weir_error.where */
       ES_REQUEST = 1,
       ES_RECORD = 2, /* every item has it beside its operation */
       ES_OP_INDEX = 4,
       ES_OP_CREATE = 8,
       ES_OP_UPDATE = 16,
       ES_OP_DELETE = 32,
       ES_OP_VERSION = 64
};
struct es_error {
    uint32_t status;
    struct weir_slice type, reason;
};
extern const struct weir_errors es_errors;

/* ---- sink.c, bulk.c, reply.c, outcome.c ---------------------------------------------------------------------- */
enum { ES_PAYLOAD_JSON, ES_PAYLOAD_WRAP, ES_PAYLOAD_RECORD };
enum { ES_INDEX, ES_CREATE, ES_UPDATE, ES_UPSERT, ES_REMOVE };
enum { ES_CONFLICT_OK, ES_CONFLICT_REJECT };
enum { ES_TOMB_AUTO, ES_TOMB_DELETE, ES_TOMB_DROP, ES_TOMB_REJECT, ES_TOMB_KEEP };

struct es_sink_conf {
    struct es_conf es;
    const struct weir_template *index, *id, *version, *routing;
    const char *pipeline;
    int64_t payload, op, on_conflict, data_stream, tombstone;
};

struct es_outcome {
    uint32_t index; /* of the record */
    int32_t status;
    uint32_t retry_after_ms, code;
    uint32_t type, why; /* places in outcomes.text, 0: none */
};
struct es_outcomes {
    struct es_outcome *list;
    uint32_t count, cap;
    struct es_bytes text;
    struct weir_result *results; /* what complete() is given */
    uint32_t results_cap;
};

struct es_sink;
struct es_slot { /* one batch on its way */
    struct es_sink *sink;
    struct es_call call;
    struct weir_batch *batch;
    struct es_bytes body;
    uint32_t *records; /* item -> index of its record */
    uint32_t records_cap, items, attempt;
    struct es_outcomes out;
};

struct es_sink {
    struct weir_ctx *ctx;
    const struct es_sink_conf *conf;
    struct es_http http;
    char *path;        /* of every request */
    int op, tombstone; /* with data-stream and auto resolved */
    uint64_t body_keep;
    size_t beside; /* bytes of the longest body so far beside its records' own, for each record */
    struct es_slot *slots;
    uint32_t n_slots, n_busy;
    /* what bulk.c keeps from the record before */
    struct es_bytes index_name, index_json, shard_json;
    struct es_bytes head; /* of an action, up to the id; of head_op and index_json */
    int head_op;
    const struct weir_shard *shard;
    size_t shard_len; /* bytes of the id before the number, unescaped; 0: id must be made the long way */
    char why[192];    /* of the last local reject */
};

/* bulk.c: fills body, records and the outcomes of records that cannot be sent. */
void bulk_compose(struct es_sink *, struct es_slot *, const struct weir_view *);
/* NULL: legal; else what is wrong. */
const char *bulk_index_wrong(const char *p, size_t n);

/* outcome.c */
void outcome_add(struct weir_ctx *, struct es_outcomes *, const struct es_outcome *, struct weir_slice type,
                 struct weir_slice why);
/* Completes the batch with what was added, and empties it. */
void outcome_complete(struct weir_ctx *, struct es_outcomes *, struct weir_batch *);
void outcome_clear(struct weir_ctx *, struct es_outcomes *);
void outcome_free(struct weir_ctx *, struct es_outcomes *);

/* reply.c: judges the finished call of the slot: fills its outcomes and says the health. */
void reply_judge(struct es_slot *);
/* Finds error.type and error.reason in the body of an answer; they point into ret_text. */
void reply_error(struct weir_ctx *, const struct es_call *, struct es_error *ret, char *text, size_t cap);

/* ---- hits.c: the spans of a search answer -------------------------------------------------------------------- */
struct es_hit {
    struct weir_slice source, id, index, sort;
}; /* sort: JSON text; id, index: decoded */
struct es_page {
    struct es_hit *hits; /* of malloc */
    uint32_t count, cap;
    struct weir_slice pit_id, scroll_id; /* decoded */
    int64_t total;                       /* -1: not said */
    bool timed_out, has_hits;
    uint64_t shards_failed;
};
/* Reads text, in which strings are decoded in place.  most: so many hits were asked for, more are refused.  False with a
 * static text in why. hits_free in any case. */
bool hits_read(char *text, size_t len, uint32_t most, struct es_page *ret, const char **why);
/* The first n elements of a JSON array as an array of their own; 0: there are not so many or cap is too small. */
size_t hits_sort_head(struct weir_slice array, uint32_t n, char *out, size_t cap);
void hits_free(struct es_page *);

/* ---- source.c, search.c, marks.c ----------------------------------------------------------------------------- */
struct es_source_conf {
    struct es_conf es;
    struct weir_list index, fields, sort;
    const char *query;
    int64_t batch, keep_alive_ms, slice;
};

/* Where each record that may still be committed stands: its sort values, kept per page. */
struct es_mark {
    struct es_mark *older;
    uint64_t first_next; /* of the first record; the others follow one by one */
    uint32_t count, cap;
    uint32_t *ends; /* in text, of each record */
    struct es_bytes text;
};

enum es_mode {
    ES_PIT,       /* point in time of Elasticsearch 7.10 and later */
    ES_PIT_OTHER, /* of OpenSearch 2.4 and later; only with sort, it has no order of its own */
    ES_SCROLL,    /* without sort, where there is no point in time */
    ES_PLAIN      /* with sort, likewise: pages of the index as it is now */
};
enum es_step { ES_PAGES, ES_LAST, ES_OVER };

/* One slice of the pass: a lane with requests, pages and a position of its own. */
struct es_slice {
    struct es_source *pass;
    uint32_t number;
    struct es_call call;
    struct es_bytes body, path;
    struct es_bytes scroll; /* its id; empty: none */
    struct es_bytes after;  /* sort values of the last hit that was received; JSON */
    struct es_bytes resume; /* the part of it that outlives a point in time */
    enum es_step step;
    uint32_t view; /* the pass's when after was received */
    uint32_t size;
    bool first_page;
    /* pages: the one being emitted, and the one that came meanwhile */
    struct es_page page, waiting;
    struct weir_buf *buf, *waiting_buf;
    uint32_t at;
    const struct weir_shard *shard;
    uint64_t start, seq;
    struct es_mark *marks; /* newest first */
    struct es_bytes start_data;
};

struct es_source {
    struct weir_ctx *ctx;
    const struct es_source_conf *conf;
    struct es_http http;
    struct es_bytes index;
    struct es_bytes pit; /* id of the point in time all slices share; empty: none */
    enum es_mode mode;
    bool opening;  /* one of the slices opens it */
    uint32_t view; /* counts points in time that were lost */
    struct es_slice *slices;
    uint32_t n_slices, turn; /* whose page is emitted */
    char division[7 + 64];   /* key of the state that says how many slices the positions are of */
    bool division_kept;
    int status;              /* what the next poll returns instead; WEIR_OK: nothing */
    uint32_t code, pause_ms; /* pause_ms: of a RETRY, where somebody has to act first */
    char why[ES_REASON_MAX + 256];
};

/* search.c: starts the next request when one is due. */
void search_next(struct es_slice *);
/* The body of a search, without search_after and point in time where the mode has none; for tests too. */
void search_body(struct es_slice *);

/* marks.c */
void marks_begin(struct es_slice *, uint64_t first_next);
/* False: the sort values are missing or larger than a position may be. */
bool marks_add(struct es_slice *, struct weir_slice sort);
/* The values of the record before next; marks of older pages are given up.  False: not known. */
bool marks_find(struct es_slice *, uint64_t next, struct weir_slice *ret);
void marks_free(struct es_slice *);

#endif
