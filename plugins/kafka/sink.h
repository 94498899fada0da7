/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.h - the state of one Kafka sink.
 *
 * sink.c owns the client and its events; produce.c turns records into messages and reports into results;
 * limit.c asks how much a topic takes; window.c how many batches are in flight; transaction.c is delivery = exactly-once.
 * Home thread only. */
#ifndef WEIR_KAFKA_SINK_H
#define WEIR_KAFKA_SINK_H

#include "kafka.h"
#include "transaction.h"

#define KAFKA_SLOTS      64u       /* most batches in flight; below 256: 8 bits of a message's opaque */
#define KAFKA_INDEX_MAX  0xffffffu /* records of a batch: 24 bits */
#define KAFKA_TOPICS_MAX 64u       /* topic handles kept */
#define KAFKA_BATCH_SIZE 1000000   /* batch.size of librdkafka: what is larger travels alone */
#define KAFKA_LONE       64u /* batches sent one by one after the broker found several too large together */

struct kafka_failure {
    struct weir_result result; /* first: complete() reads an array of these by stride */
    char *text;                /* what result.why points to when it is ours */
};

struct kafka_slot {           /* a batch lent to us */
    struct weir_batch *batch; /* NULL: free */
    struct weir_view view;
    uint32_t sent; /* records before it are with librdkafka, or have a result */
    uint32_t open; /* reports still to come */
    uint32_t n_failures, cap_failures;
    struct kafka_failure *failures;
};

struct kafka_handle {
    char *name;
    size_t len;
    rd_kafka_topic_t *rkt;
    uint64_t used;
    enum {
        KAFKA_LIMIT_NEW,
        KAFKA_LIMIT_ASKED,
        KAFKA_LIMIT_KNOWN,
        KAFKA_LIMIT_LATER,
        KAFKA_LIMIT_UNKNOWN
    } limit;
    size_t most; /* max.message.bytes of the topic */
    int64_t asked_ms;
};

struct kafka_window { /* window.c */
    uint32_t batches; /* that may be in flight */
    uint32_t most;    /* and will never be more */
    uint32_t requests;
    bool started;   /* it was full once */
    uint64_t bytes; /* of these requests */
};

struct kafka_sink {
    struct weir_ctx *ctx;
    char cause[KAFKA_CAUSE]; /* what the last broker that can not be reached said */
    const struct kafka_sink_conf *conf;
    rd_kafka_t *rk;
    rd_kafka_queue_t *events;
    int fd;
    uint32_t n_slots, n_used;
    struct kafka_slot *slots;
    uint32_t *queue; /* slots with unsent records, oldest first; a ring of n_slots */
    uint32_t queue_head, queue_count;
    uint32_t lone;      /* so many batches still go one by one */
    bool holding;       /* a record has to be sent again: nothing after it may overtake, so all ends first */
    bool restart;       /* the client is dead: a new one when all batches are back */
    int64_t restart_ms; /* and not before that time; 0: not known yet */
    bool healthy;
    bool single;       /* the client sends each message alone */
    bool compresses;   /* what the brokers get to see of a message is smaller than it is */
    size_t batch_most; /* what the smallest topic so far takes; 0: none takes less than is sent */
    size_t batch_size; /* batch.size of the client: a message that is larger travels alone */
    struct kafka_window window;
    struct kafka_txn txn;
    uint64_t uses;
    struct kafka_handle topics[KAFKA_TOPICS_MAX];
    uint32_t n_topics, last_topic;
};

/* sink.c.  Serves what the client says. */
void kafka_sink_events(struct kafka_sink *s);
/* A new client for one that is dead; nothing is lent to the sink. */
int kafka_sink_renew(struct kafka_sink *s);
/* Says that the other end is well, if it was not. */
void kafka_sink_up(struct kafka_sink *s);
/* limit.c.  Has the topic room for the record?  A request of several is never larger than the topic takes. */
enum kafka_fits {
    KAFKA_FITS,
    KAFKA_WAITS,         /* for the brokers' answer: an event */
    KAFKA_NEEDS_SMALLER, /* a client with a lower batch.size has to take over, see batch_most */
    KAFKA_TOO_LARGE,
};
enum kafka_fits kafka_limit_fits(struct kafka_sink *s, struct kafka_handle *h, const struct weir_record *r,
                                 struct weir_slice key);
void kafka_limit_event(struct kafka_sink *s, rd_kafka_event_t *ev);
/* The brokers refused a request as too large: what was known is not true any more. */
void kafka_limit_forget(struct kafka_sink *s);
/* window.c.  All batches that may be in flight are. */
bool kafka_window_full(const struct kafka_sink *s);
/* A request of so many bytes was answered while it was full: asks for more batches where requests are not filled. */
void kafka_window_answered(struct kafka_sink *s, uint64_t bytes);
void kafka_window_begin(struct kafka_sink *s);
/* Sends what can be sent, of all batches in order. */
void kafka_produce_more(struct kafka_sink *s);
/* Takes the delivery reports of an event. */
void kafka_produce_reports(struct kafka_sink *s, rd_kafka_event_t *ev);
/* What the error means for a record of this sink. */
const struct weir_error *kafka_produce_class(const struct kafka_sink *s, rd_kafka_resp_err_t err,
                                             const char *text);
/* The client is gone, and what it was given is void: gives all batches back. */
void kafka_produce_end(struct kafka_sink *s);
void kafka_produce_forget_topics(struct kafka_sink *s);
/* Everything that is not sent yet, in any batch, becomes a retry. */
void kafka_produce_hold(struct kafka_sink *s);
void kafka_slot_free(struct kafka_sink *s, struct kafka_slot *slot);

#endif
