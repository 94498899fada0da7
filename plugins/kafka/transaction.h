/* SPDX-License-Identifier: BSD-2-Clause */
/* transaction.h - delivery = exactly-once: records and the offsets of their source in one transaction.
 *
 * Part of struct kafka_sink.  Home thread, except interrupted. */
#ifndef WEIR_KAFKA_TRANSACTION_H
#define WEIR_KAFKA_TRANSACTION_H

#include "kafka.h"

#include <stdatomic.h>

struct kafka_sink;
struct kafka_slot;

/* A record the brokers refused for good.  Its transaction is void with it; read again it is rejected unwritten. */
struct kafka_poison {
    char *shard; /* with sub and seq: the record's identity */
    size_t shard_len;
    uint64_t seq;
    uint32_t sub;
    rd_kafka_resp_err_t err;
};
#define KAFKA_POISON_MAX 1000u

enum kafka_txn_state {
    KAFKA_TXN_NONE, /* nothing written since the last commit */
    KAFKA_TXN_OPEN,
    KAFKA_TXN_ENDS, /* the offsets are in it, its commit is asked for */
};

struct kafka_txn {
    bool on;     /* delivery = exactly-once */
    bool voided; /* replay() was called: what comes is completed unwritten, until abort */
    bool dead;   /* the client can not go on: abort makes a new one */
    bool fenced; /* another producer has our id */
    bool denied; /* a right is missing: only a commit tells that it is there again */
    uint32_t
        alone; /* for so many commits each message is a request: what was refused as a whole is found so */
    enum kafka_txn_state state;
    char id[250];
    char cluster[128]; /* this end's, once known */
    int64_t begun_ms, timeout_ms;
    struct kafka_poison *poison;
    uint32_t n_poison;
    _Atomic bool interrupted;
};

/* Chooses the transactional id; false: it is too long. */
bool kafka_txn_name(struct kafka_sink *s);
/* With a new client: takes the id over from whoever had it, ends what he left open.  Blocks for some seconds. */
int kafka_txn_start(struct kafka_sink *s);
/* A record is about to be written; false: it can not be, the transaction is void. */
bool kafka_txn_begin(struct kafka_sink *s);
/* What the sink's ops->commit and ops->abort do. */
int kafka_txn_commit(struct kafka_sink *s, const struct weir_commit *c);
int kafka_txn_abort(struct kafka_sink *s);
/* Has the host read again what was written since the last commit. */
void kafka_txn_void(struct kafka_sink *s, const char *why);
/* The client said a fatal error. */
void kafka_txn_fatal(struct kafka_sink *s, rd_kafka_resp_err_t err, const char *text);
/* FATAL with its reason once the id belongs to another. */
int kafka_txn_status(struct kafka_sink *s);
/* A record could not be written.  True: the transaction is void, and the record is left out when it comes again if
 * it never can be.  False: the client refused it (m NULL), which harms no other: the caller says what it is. */
bool kafka_txn_failed(struct kafka_sink *s, const struct weir_record *r, rd_kafka_resp_err_t err,
                      const rd_kafka_message_t *m);
/* Why the record must not be written, RD_KAFKA_RESP_ERR_NO_ERROR: nothing speaks against it. */
rd_kafka_resp_err_t kafka_txn_poison(const struct kafka_sink *s, const struct weir_record *r);
/* The client is about to go. */
void kafka_txn_close(struct kafka_sink *s);
void kafka_txn_free(struct kafka_sink *s);

#endif
