/* SPDX-License-Identifier: BSD-2-Clause */
/* source.h - the state of one Kafka source and how its parts share it.
 *
 * source.c owns the client, the queues and the loop; fetch.c turns fetched messages into records; rebalance.c
 * opens and gives back partitions; commit.c stores offsets in the group; lookup.c asks the brokers for offsets on a
 * thread of its own.  Everything is touched by the home thread only, but the inside of struct kafka_lookup and
 * struct kafka_pool, which have a lock each. */
#ifndef WEIR_KAFKA_SOURCE_H
#define WEIR_KAFKA_SOURCE_H

#include "kafka.h"

#include <pthread.h>

#define KAFKA_RUN_MAX         1000u /* messages fetched at once */
#define KAFKA_BESIDE          310u  /* bytes librdkafka holds beside a message, for the budget */
#define KAFKA_NO_OFFSET       (-1)
#define KAFKA_COMMIT_MS       5000    /* how long a synchronous commit may take */
#define KAFKA_COMMIT_AGAIN_MS 1000    /* a failed commit is repeated after that */
#define KAFKA_ENDS_MS         5000    /* how often the ends are asked for */
#define KAFKA_PARTITION_MAX   1000000 /* partitions of one topic */

/* rows of the metrics table */
enum { KAFKA_METRIC_REBALANCES, KAFKA_METRIC_COMMIT_ERRORS, KAFKA_METRIC_GAP_RECORDS };

struct kafka_topic;

/* A partition we have or had.  Lives as long as the source, so that a fixed end survives a rebalance. */
struct kafka_track {
    struct kafka_topic *topic;
    const struct weir_shard *shard;   /* NULL: not ours now */
    rd_kafka_queue_t *queue;          /* the partition's, forwarded to the data queue; NULL before assign */
    int32_t partition, broker;        /* broker: that its messages came from last, -1 unknown */
    unsigned bad;                     /* broken fetches in a row */
    bool reading;                     /* assigned: messages of it are records */
    bool done;                        /* with WEIR_POLL_TO_END: end reached */
    bool skip;                        /* the host must be told of next by shard_skip */
    int64_t next;                     /* first offset not taken from librdkafka yet */
    int64_t end;                      /* fixed end; KAFKA_NO_OFFSET: not known yet */
    int64_t commit_want, commit_sent; /* KAFKA_NO_OFFSET: none */
    uint32_t pos_flags;               /* as shard_open said */
    int64_t pos_next;
};

struct kafka_topic {
    char *name;
    rd_kafka_topic_t *rkt; /* as messages carry it; only compared, valid until the next assignment */
    struct kafka_track **parts;
    int32_t n_parts;
    bool unavailable; /* subscribed by name, but the brokers say no */
};

/* ---- runs: arrays of messages that are one buffer of the host ------------------------------------------------- */
struct kafka_headers {
    struct kafka_headers *next;
    size_t used, size;
    struct weir_header items[];
};
struct kafka_pool;
struct kafka_run {
    struct kafka_run *next;
    struct kafka_pool *pool;
    struct kafka_headers *headers; /* newest first; one is kept when recycled */
    uint32_t count;
    rd_kafka_message_t *messages[KAFKA_RUN_MAX];
};
/* Outlives the source until the last message is given back, for librdkafka can not be destroyed before. */
struct kafka_pool {
    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct kafka_run *free_runs; /* at most KAFKA_POOL_FREE */
    unsigned n_free, lent;
    rd_kafka_t *rk;
};
#define KAFKA_POOL_FREE 4u

/* ---- group.c -------------------------------------------------------------------------------------------------- */
struct kafka_holding {
    uint32_t others; /* partitions of our topics that other members hold */
    bool stale;      /* the group gives by what it knew of us before: it must rebalance */
    rd_kafka_topic_partition_list_t *foreign; /* topics that are given to us and not ours (any more) */
};
/* Asks the brokers, for some seconds at most; what they do not tell is none.  Gives ret->foreign. */
void kafka_group_look(rd_kafka_t *rk, const char *group, const struct weir_list *names,
                      struct kafka_holding *ret);

/* ---- lookup.c ------------------------------------------------------------------------------------------------- */
struct kafka_lookup;
/* What an assignment needs to know; one element per partition asked for, in its order. */
struct kafka_answer {
    rd_kafka_topic_partition_list_t *committed, *low,
        *high; /* offset RD_KAFKA_OFFSET_INVALID: none, not known */
    struct kafka_holding group;
    char cluster[128];
};
/* Borrows group and topics until its end.  NULL: no thread could be started. */
struct kafka_lookup *kafka_lookup_start(struct weir_ctx *ctx, rd_kafka_t *rk, const char *group,
                                        const struct weir_list *topics);
/* Ends and frees it; false: it hangs in librdkafka for longer than a few seconds and is left behind with rk. */
bool kafka_lookup_stop(struct kafka_lookup *l);
/* Asks for an assignment, until it has an answer; wakes the host.  An older question is forgotten. */
void kafka_lookup_ask(struct kafka_lookup *l, const rd_kafka_topic_partition_list_t *parts);
void kafka_lookup_forget(struct kafka_lookup *l);
bool kafka_lookup_take(struct kafka_lookup *l, struct kafka_answer *ret);
void kafka_lookup_answer_free(struct kafka_answer *a);
/* Takes the list of partitions whose ends are asked for every KAFKA_ENDS_MS; NULL: none. */
void kafka_lookup_watch(struct kafka_lookup *l, rd_kafka_topic_partition_list_t *parts);
/* Takes the list; asks for those ends now, only to have the brokers' threads look at their queues again. */
void kafka_lookup_kick(struct kafka_lookup *l, rd_kafka_topic_partition_list_t *parts);
/* The newest ends, or NULL; the caller destroys the list. */
rd_kafka_topic_partition_list_t *kafka_lookup_ends(struct kafka_lookup *l);

/* ---- the source ------------------------------------------------------------------------------------------------ */
enum kafka_rebalance { KAFKA_STEADY, KAFKA_ASSIGNING, KAFKA_REVOKING, KAFKA_REWINDING };

struct kafka_source {
    struct weir_ctx *ctx;
    char cause[KAFKA_CAUSE]; /* what the last broker that can not be reached said */
    const struct kafka_source_conf *conf;
    char group[250], instance[250], cluster[128];
    rd_kafka_t *rk;
    rd_kafka_queue_t *events, *data;
    int fd; /* written by librdkafka when a queue is no longer empty */
    struct kafka_lookup *lookup;
    struct kafka_pool *pool;

    struct kafka_topic **topics;
    size_t n_topics;
    rd_kafka_topic_t *last_rkt; /* cache of the last lookup; cleared with every assignment */
    int32_t last_partition;
    struct kafka_track *last_track;
    unsigned n_reading;   /* tracks that are assigned */
    unsigned unavailable; /* topics that are subscribed but not there */
    bool joined;          /* the group answered at least once */
    bool rejoined;        /* it was made to look at our topics anew: once is enough */
    bool detour;          /* it was given other topics than ours, so that it does */
    uint32_t others;      /* partitions of our topics that other members hold */
    bool found;           /* some partition had a position: those without one came later */
    bool started;         /* the state has a mark of that, which outlives positions */
    bool unmarked;        /* it gets one when the positions that start = latest skips to are stored */
    bool healthy;         /* the host was told WEIR_UP, and nothing else since */
    int64_t opened_ms;

    enum kafka_rebalance rebalance;
    rd_kafka_topic_partition_list_t *pending; /* partitions of the unanswered rebalance */
    int64_t drain_ms;
    bool rewound; /* the assignment under way is our own: the group does not know of it */
    bool lost;    /* the revocation under way: the group gave them to others already */

    bool commit_out;         /* one commit is on its way */
    int64_t commit_again_ms; /* when one that failed is repeated; 0: none did */

    struct weir_record *records; /* KAFKA_RUN_MAX, scratch of the newest run */
    struct kafka_track **of;     /* the track of each */
    struct weir_buf *carry;      /* run whose records first .. count - 1 did not fit yet */
    uint32_t carry_first, carry_count;
    bool skips;                                 /* some track has skip set */
    bool headers;                               /* somebody looks at them */
    bool kicks;                                 /* this librdkafka sleeps after its queue was full */
    uint64_t prefetch;                          /* bytes of payload librdkafka may queue */
    uint64_t drained;                           /* of those taken since the last kick */
    uint32_t prefetch_records, drained_records; /* likewise */
    uint64_t mean;                              /* bytes of a record, about */
};

/* source.c */
/* Adds up what an error event says, ends the source when it must end. */
int kafka_source_error(struct kafka_source *s, rd_kafka_resp_err_t err, const char *text);
void kafka_source_up(struct kafka_source *s);
/* rebalance.c */
struct kafka_track *kafka_track_find(struct kafka_source *s, const char *topic, int32_t partition, bool make);
struct kafka_track *kafka_track_of(const struct kafka_source *s, const struct weir_shard *shard);
int kafka_rebalance_event(struct kafka_source *s, rd_kafka_event_t *ev);
/* Subscribes to the topics.  `more`, borrowed, not NULL: to others than ours for a moment, these beside ours, or if
 * it is empty one less. */
rd_kafka_resp_err_t kafka_rebalance_subscribe(struct kafka_source *s,
                                              const rd_kafka_topic_partition_list_t *more);
/* Goes on with an assignment whose answers have come. */
int kafka_rebalance_assign(struct kafka_source *s);
int kafka_rebalance_revoked(struct kafka_source *s, const struct weir_position *p, uint32_t n,
                            uint32_t stride);
/* Gives all lanes back to the host and opens them again where the group's offsets say; the group hears nothing. */
int kafka_rebalance_rewind(struct kafka_source *s);
/* Answers an event while the source closes. */
void kafka_rebalance_close(struct kafka_source *s, rd_kafka_event_t *ev);
/* The broker says that the position of a partition is outside its log. */
int kafka_rebalance_gap(struct kafka_source *s, struct kafka_track *t, int64_t at);
void kafka_rebalance_watch(struct kafka_source *s);
void kafka_rebalance_free(struct kafka_source *s);
/* start.c */
/* Chooses where each partition of the answer starts; fills the offsets of list. */
int kafka_start_choose(struct kafka_source *s, const struct kafka_answer *a,
                       rd_kafka_topic_partition_list_t *list);
/* Is offset `at` inside the log?  If not: fails, or sets *ret to the start of the log, by on-gap. */
/* Whether an earlier run had come to its start. */
void kafka_start_recall(struct kafka_source *);
/* Positions are stored: notes that this run has, if that waited for them. */
void kafka_start_stored(struct kafka_source *);
int kafka_start_gap(struct kafka_source *s, const struct kafka_track *t, int64_t at, int64_t low,
                    int64_t high, int64_t *ret);
/* fetch.c */
int kafka_fetch_poll(struct kafka_source *s, struct weir_emitter *em, const struct weir_poll *p);
/* Forgets what was fetched of partitions that are no longer read. */
void kafka_fetch_drop(struct kafka_source *s);
struct kafka_pool *kafka_pool_new(rd_kafka_t *rk);
/* Destroys the client as soon as all messages are given back, on a thread of its own. */
void kafka_pool_end(struct kafka_pool *p);
/* commit.c */
void kafka_commit_event(struct kafka_source *s, rd_kafka_event_t *ev);
/* Notes positions; sends them unless a commit is on its way. */
void kafka_commit_note(struct kafka_source *s, const struct weir_position *p, uint32_t n, uint32_t stride);
void kafka_commit_send(struct kafka_source *s);
/* Repeats a commit that failed, when it is time. */
void kafka_commit_tick(struct kafka_source *s);
/* Stores what was noted and waits at most KAFKA_COMMIT_MS. */
void kafka_commit_wait(struct kafka_source *s);

#endif
