/* SPDX-License-Identifier: BSD-2-Clause */
/* transaction.c - delivery = exactly-once: records and the offsets of their source in one transaction.
 *
 * A transaction begins with the first record after a commit and ends with the host's next one, which also sends the
 * offsets, in the name of the source's group: a member the group has replaced can not commit (its generation), nor a
 * producer whose id another took over (its epoch).  Whatever goes wrong voids the transaction: the host has all of it
 * read again, from where the group says, so what a broken connection left unknown is found out there.
 *
 * Home thread, which is the sink's own: calls of librdkafka block it, in slices. */
#include "sink.h"

#include <inttypes.h>
#include <unistd.h>

#define TXN_SLICE_MS 2000  /* one call; what was not answered by then is asked for again */
#define TXN_ALONE    64    /* commits */
#define TXN_START_MS 10000 /* taking the id over, before open asks for another try */

/* ---- names --------------------------------------------------------------------------------------------------- */
/* One process at a time may have it, the same one after a restart: so it holds what names the member of the group. */
bool kafka_txn_name(struct kafka_sink *s)
{
    const struct weir_instance *who = s->ctx->host->instance(s->ctx);
    const struct kafka_source_conf *source = NULL;
    char host[128] = "host";
    int n;
    if (who->around && who->around->source && strcmp(who->around->source, "kafka") == 0)
        source = who->around->source_conf;
    (void)gethostname(host, sizeof host - 1);
    if (s->conf->transactional_id)
        n = snprintf(s->txn.id, sizeof s->txn.id, "%s", s->conf->transactional_id);
    else
        n = snprintf(s->txn.id, sizeof s->txn.id, "weir-%s-%s-%s",
                     source && source->instance && source->instance[0] ? source->instance : host,
                     who->pipeline, who->section);
    for (char *c = s->txn.id; *c; c++)
        if (*c == ' ')
            *c = '-';
    return n < (int)sizeof s->txn.id;
}

/* ---- void ---------------------------------------------------------------------------------------------------- */
void kafka_txn_void(struct kafka_sink *s, const char *why)
{
    if (s->txn.voided)
        return;
    s->txn.voided = true;
    s->ctx->host->replay(s->ctx, why);
    (void)rd_kafka_purge(s->rk,
                         RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    s->ctx->host->wake(s->ctx);
}

/* A coordinator that ended a transaction for its age fences its producer too, and says it as it says of another. */
static bool txn_too_old(const struct kafka_sink *s)
{
    return s->txn.state != KAFKA_TXN_NONE &&
           s->ctx->host->mono_ms(s->ctx) - s->txn.begun_ms >= s->txn.timeout_ms;
}

void kafka_txn_fatal(struct kafka_sink *s, rd_kafka_resp_err_t err, const char *text)
{
    char why[640];
    bool fence = err == RD_KAFKA_RESP_ERR__FENCED || err == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                 err == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    s->txn.dead = true;
    if (fence && !txn_too_old(s)) {
        s->txn.fenced = true;
        s->ctx->host->wake(s->ctx);
        return;
    }
    (void)snprintf(why, sizeof why, "%s%s",
                   fence ? "the brokers ended the transaction, it was open for too long: " : "", text);
    kafka_txn_void(s, why);
}

int kafka_txn_status(struct kafka_sink *s)
{
    if (s->txn.fenced)
        return weir_fail(
            s->ctx, WEIR_FATAL, (uint32_t)(int32_t)RD_KAFKA_RESP_ERR__FENCED,
            "another producer has taken over the transactional id %s, so this one ends; two processes "
            "need two ids: see instance = of the source and transactional-id = of the sink",
            s->txn.id);
    return WEIR_OK;
}

/* What an error of a transaction's call means for it. */
static int txn_outcome(struct kafka_sink *s, rd_kafka_error_t *e, const char *what)
{
    char why[512];
    int status;
    if (!e)
        return WEIR_OK;
    rd_kafka_resp_err_t err = rd_kafka_error_code(e);
    (void)snprintf(why, sizeof why, "%s: %s", what, rd_kafka_error_string(e));
    bool fatal = rd_kafka_error_is_fatal(e), abort = rd_kafka_error_txn_requires_abort(e),
         again = rd_kafka_error_is_retriable(e);
    rd_kafka_error_destroy(e);
    s->healthy = s->healthy && kafka_error_health(err) == 0;
    if (fatal) {
        kafka_txn_fatal(s, err, why);
        status = kafka_txn_status(s);
        return status == WEIR_OK ? WEIR_REJECT : status;
    }
    if (abort) {
        kafka_txn_void(s, why);
        return WEIR_REJECT;
    }
    kafka_error_tell(s->ctx, err, why);
    return weir_fail(s->ctx, again ? WEIR_RETRY : WEIR_FATAL, (uint32_t)(int32_t)err, "%s", why);
}

/* ---- start --------------------------------------------------------------------------------------------------- */
int kafka_txn_start(struct kafka_sink *s)
{
    int64_t until = s->ctx->host->mono_ms(s->ctx) + TXN_START_MS;
    rd_kafka_error_t *e;
    for (;;) {
        e = rd_kafka_init_transactions(s->rk, TXN_SLICE_MS);
        kafka_sink_events(s); /* why no broker answers */
        if (!e || !rd_kafka_error_is_retriable(e) || atomic_load(&s->txn.interrupted) ||
            s->ctx->host->mono_ms(s->ctx) >= until)
            break;
        rd_kafka_error_destroy(e);
    }
    if (!e)
        return WEIR_OK;
    rd_kafka_resp_err_t err = rd_kafka_error_code(e);
    const struct weir_error *row = kafka_produce_class(s, err, rd_kafka_error_string(e));
    bool later = rd_kafka_error_is_retriable(e) || row->means == WEIR_CLASS_RETRY;
    if (err == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT)
        later = false; /* it is the configuration's, the brokers' limit is lower */
    char why[640];
    (void)snprintf(why, sizeof why, "can not begin transactions as %s: %s%s%s", s->txn.id,
                   rd_kafka_error_string(e), s->cause[0] ? ": " : "", s->cause);
    rd_kafka_error_destroy(e);
    if (later && row->health == WEIR_DENIED)
        kafka_error_tell(s->ctx, err, why);
    struct weir_result r = {
        WEIR_ALL, later ? WEIR_RETRY : WEIR_FATAL, later ? row->pause_ms : 0, (uint32_t)(int32_t)err, NULL,
        why};
    s->ctx->host->fail(s->ctx, &r);
    return r.status;
}

bool kafka_txn_begin(struct kafka_sink *s)
{
    if (s->txn.state != KAFKA_TXN_NONE)
        return true;
    s->txn.begun_ms = s->ctx->host->mono_ms(s->ctx);
    if (txn_outcome(s, rd_kafka_begin_transaction(s->rk), "a transaction can not begin") != WEIR_OK) {
        if (!s->txn.fenced)
            kafka_txn_void(s, "a transaction can not begin");
        return false;
    }
    s->txn.state = KAFKA_TXN_OPEN;
    return true;
}

static int txn_renew(struct kafka_sink *s)
{
    int r = kafka_sink_renew(s);
    if (r == WEIR_OK)
        r = kafka_txn_start(s);
    return r;
}

/* ---- commit -------------------------------------------------------------------------------------------------- */
/* A transaction is of one cluster.  The source adds its own to each position. */
static int txn_same_cluster(struct kafka_sink *s, const struct weir_commit *c)
{
    if (s->txn.cluster[0] == '\0') {
        char *cluster = rd_kafka_clusterid(s->rk, TXN_SLICE_MS);
        if (!cluster)
            return weir_fail(s->ctx, WEIR_RETRY, 0, "the brokers do not say which cluster they are");
        (void)snprintf(s->txn.cluster, sizeof s->txn.cluster, "%s", cluster);
        rd_kafka_mem_free(s->rk, cluster);
    }
    for (uint32_t i = 0; i < c->count && strcmp(c->source, "kafka") == 0; i++) {
        const struct weir_position *p = (const void *)((const char *)c->positions + (size_t)i * c->stride);
        if (p->data.len > 0 &&
            (p->data.len != strlen(s->txn.cluster) || memcmp(p->data.ptr, s->txn.cluster, p->data.len) != 0))
            return weir_fail(
                s->ctx, WEIR_FATAL, 0,
                "delivery = exactly-once: the source reads cluster %.*s and this sink writes to cluster "
                "%s, but a transaction is of one; nothing was written, at-least-once can do this",
                (int)p->data.len, (const char *)p->data.ptr, s->txn.cluster);
    }
    return WEIR_OK;
}

static int txn_offsets(struct kafka_sink *s, const struct weir_commit *c)
{
    rd_kafka_consumer_group_metadata_t *group = NULL;
    if (strcmp(c->source, "kafka") != 0)
        return WEIR_OK; /* dead letters sent again from elsewhere: their positions are not of a group */
    if (!c->token.ptr) {
        /* what may come later is another membership: it has no right to these records */
        kafka_txn_void(s, "the source is no member of its group any more");
        return WEIR_REJECT;
    }
    rd_kafka_error_t *e = rd_kafka_consumer_group_metadata_read(&group, c->token.ptr, c->token.len);
    if (e)
        return txn_outcome(s, e, "the source's group can not be told");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)c->count);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct weir_position *p = (const void *)((const char *)c->positions + (size_t)i * c->stride);
        char topic[256];
        (void)snprintf(topic, sizeof topic, "%.*s", (int)p->shard->topic.len,
                       (const char *)p->shard->topic.ptr);
        rd_kafka_topic_partition_list_add(list, topic, p->shard->partition)->offset = (int64_t)p->next;
    }
    e = rd_kafka_send_offsets_to_transaction(s->rk, list, group, TXN_SLICE_MS);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(group);
    return txn_outcome(s, e, "the offsets can not be part of the transaction");
}

static void poison_clear(struct kafka_sink *s)
{
    for (uint32_t i = 0; i < s->txn.n_poison; i++)
        s->ctx->host->mem(s->ctx, s->txn.poison[i].shard, 0);
    s->ctx->host->mem(s->ctx, s->txn.poison, 0);
    s->txn.poison = NULL;
    s->txn.n_poison = 0;
}

int kafka_txn_commit(struct kafka_sink *s, const struct weir_commit *c)
{
    struct kafka_txn *t = &s->txn;
    int r = kafka_txn_status(s);
    if (r != WEIR_OK || t->voided)
        return r != WEIR_OK ? r : WEIR_REJECT;
    if (t->state == KAFKA_TXN_NONE && c->count == 0)
        return WEIR_OK;
    r = txn_same_cluster(s, c);
    if (r == WEIR_OK && !kafka_txn_begin(s))
        r = t->fenced ? kafka_txn_status(s) : WEIR_REJECT;
    if (r == WEIR_OK && t->state == KAFKA_TXN_OPEN && c->count > 0)
        r = txn_offsets(s, c);
    if (r != WEIR_OK)
        return r;
    t->state = KAFKA_TXN_ENDS;
    r = txn_outcome(s, rd_kafka_commit_transaction(s->rk, TXN_SLICE_MS),
                    "the transaction can not be committed");
    if (r != WEIR_OK)
        return r;
    t->state = KAFKA_TXN_NONE;
    poison_clear(s);
    t->denied = false;
    kafka_sink_up(s);
    if (t->alone > 0 && --t->alone == 0 && txn_renew(s) != WEIR_OK) {
        t->dead = true;
        kafka_txn_void(s, "the producer could not be made anew");
    }
    return WEIR_OK;
}

/* ---- abort --------------------------------------------------------------------------------------------------- */
int kafka_txn_abort(struct kafka_sink *s)
{
    struct kafka_txn *t = &s->txn;
    int r = WEIR_OK;
    if (!t->dead && t->state != KAFKA_TXN_NONE) {
        t->voided = true; /* what this meets is about nothing new */
        r = txn_outcome(s, rd_kafka_abort_transaction(s->rk, TXN_SLICE_MS),
                        "the transaction can not be aborted");
        if (r != WEIR_OK && !t->dead)
            return r == WEIR_REJECT ? WEIR_RETRY : r;
    }
    r = kafka_txn_status(s);
    if (r == WEIR_OK && t->dead)
        r = txn_renew(s);
    if (r != WEIR_OK)
        return r;
    t->dead = t->voided = false;
    t->state = KAFKA_TXN_NONE;
    if (!t->denied) /* else the next commit that succeeds says it */
        kafka_sink_up(s);
    return WEIR_OK;
}

/* Readers of what is committed wait behind an open transaction: one that will not be committed is ended now. */
void kafka_txn_close(struct kafka_sink *s)
{
    if (s->txn.on && !s->txn.dead && s->txn.state == KAFKA_TXN_OPEN) {
        rd_kafka_error_t *e = rd_kafka_abort_transaction(s->rk, TXN_SLICE_MS);
        if (e)
            rd_kafka_error_destroy(e); /* the brokers end it when its time is up, or the next start does */
    }
    s->txn.state = KAFKA_TXN_NONE;
    s->txn.dead = s->txn.voided = false;
}

void kafka_txn_free(struct kafka_sink *s)
{
    poison_clear(s);
}

/* ---- records that can not be written ------------------------------------------------------------------------- */
rd_kafka_resp_err_t kafka_txn_poison(const struct kafka_sink *s, const struct weir_record *r)
{
    for (uint32_t i = 0; i < s->txn.n_poison; i++) {
        const struct kafka_poison *p = &s->txn.poison[i];
        if (p->seq == r->seq && p->sub == r->sub && p->shard_len == r->shard->id.len &&
            memcmp(p->shard, r->shard->id.ptr, p->shard_len) == 0)
            return p->err;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void poison_add(struct kafka_sink *s, const struct weir_record *r, rd_kafka_resp_err_t err)
{
    struct kafka_txn *t = &s->txn;
    if (t->n_poison == KAFKA_POISON_MAX || kafka_txn_poison(s, r) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return; /* the others are found in the next round */
    t->poison = s->ctx->host->mem(s->ctx, t->poison, (t->n_poison + 1) * sizeof *t->poison);
    struct kafka_poison *p = &t->poison[t->n_poison++];
    *p = (struct kafka_poison){.shard_len = r->shard->id.len, .seq = r->seq, .sub = r->sub, .err = err};
    p->shard = s->ctx->host->mem(s->ctx, NULL, p->shard_len);
    memcpy(p->shard, r->shard->id.ptr, p->shard_len);
}

/* The brokers say it of a whole request, in which the other messages are innocent. */
static bool txn_together(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
           err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP || err == RD_KAFKA_RESP_ERR_POLICY_VIOLATION ||
           err == RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT;
}

bool kafka_txn_failed(struct kafka_sink *s, const struct weir_record *r, rd_kafka_resp_err_t err,
                      const rd_kafka_message_t *m)
{
    char why[512];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(s->rk, why, sizeof why);
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_txn_fatal(s, fatal, why);
        return true;
    }
    bool later = kafka_produce_class(s, err, rd_kafka_err2str(err))->means == WEIR_CLASS_RETRY;
    if (!m && !later)
        return false;
    if (m && !later && txn_together(err) && !s->single && m->len + m->key_len <= s->batch_size) {
        later = true; /* which of them it is, a client that sends each alone will tell */
        s->txn.alone = TXN_ALONE;
        kafka_limit_forget(s);
        s->txn.dead = true;
    }
    if (!later)
        poison_add(s, r, err);
    if (s->txn.voided)
        return true;
    kafka_error_tell(s->ctx, err, rd_kafka_err2str(err));
    s->healthy = s->healthy && kafka_error_health(err) == 0;
    (void)snprintf(why, sizeof why, "%s%s",
                   later ? "" : "a record can not be written: ", rd_kafka_err2str(err));
    kafka_txn_void(s, why);
    return true;
}
