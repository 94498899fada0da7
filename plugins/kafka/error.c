/* SPDX-License-Identifier: BSD-2-Clause */
/* error.c - classes of librdkafka's errors: what to do with a record, what to say about the cluster.
 *
 * No state; any thread. */
#include "kafka.h"

struct row {
    rd_kafka_resp_err_t err;
    struct kafka_class class;
};

/* What is not listed is transient and says that the cluster is not well. */
static const struct row rows[] = {
    /* the record itself is at fault */
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, {WEIR_REJECT, 0}},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, {WEIR_REJECT, 0}},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, {WEIR_REJECT, 0}},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, {WEIR_REJECT, 0}},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, {WEIR_REJECT, 0}},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, {WEIR_REJECT, 0}},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, {WEIR_REJECT, 0}},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, {WEIR_REJECT, 0}},
    /* nobody is allowed to write there */
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, {WEIR_REJECT, WEIR_DENIED}},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, {WEIR_RETRY, WEIR_DENIED}},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, {WEIR_FATAL, WEIR_DENIED}},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, {WEIR_RETRY, WEIR_DENIED}},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, {WEIR_RETRY, WEIR_DENIED}},
    /* nobody answers */
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, {WEIR_RETRY, WEIR_CONNECTING}},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, {WEIR_RETRY, WEIR_CONNECTING}},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, {WEIR_RETRY, WEIR_CONNECTING}},
    /* one broker of several, or a step that librdkafka repeats by itself */
    {RD_KAFKA_RESP_ERR__TRANSPORT, {WEIR_RETRY, 0}},
    {RD_KAFKA_RESP_ERR__RESOLVE, {WEIR_RETRY, 0}},
    {RD_KAFKA_RESP_ERR__WAIT_COORD, {WEIR_RETRY, 0}},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, {WEIR_RETRY, 0}},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, {WEIR_RETRY, 0}},
    {RD_KAFKA_RESP_ERR__DESTROY, {WEIR_RETRY, 0}},
    {RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, {WEIR_RETRY, 0}},
    {RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, {WEIR_RETRY, 0}},
    /* this client can not go on */
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, {WEIR_FATAL, WEIR_DEGRADED}},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, {WEIR_FATAL, WEIR_DEGRADED}},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, {WEIR_FATAL, WEIR_DEGRADED}},
    {RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, {WEIR_FATAL, WEIR_DEGRADED}},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, {WEIR_FATAL, WEIR_DEGRADED}},
};

struct kafka_class kafka_error_class(rd_kafka_resp_err_t err)
{
    static const struct kafka_class other = {WEIR_RETRY, WEIR_DEGRADED};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].err == err)
            return rows[i].class;
    return other;
}

void kafka_error_tell(struct weir_ctx *ctx, rd_kafka_resp_err_t err, const char *text)
{
    struct kafka_class class = kafka_error_class(err);
    if (class.health != 0)
        ctx->host->health(ctx, class.health, (uint32_t)(int32_t)err, text);
}

void kafka_error_event(struct weir_ctx *ctx, char *cause, size_t cap, rd_kafka_resp_err_t err,
                       const char *text)
{
    char both[KAFKA_CAUSE + 256];
    if (err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__RESOLVE)
        (void)snprintf(cause, cap, "%s",
                       text); /* says which address and why; all of them down says neither */
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !*cause) {
        kafka_error_tell(ctx, err, text);
        return;
    }
    (void)snprintf(both, sizeof both, "%s: %s", text, cause);
    kafka_error_tell(ctx, err, both);
}

void kafka_error_log(struct weir_ctx *ctx, rd_kafka_event_t *ev)
{
    const char *fac = NULL, *str = NULL;
    int level = 0;
    if (rd_kafka_event_log(ev, &fac, &str, &level) != 0)
        return;
    /* Each failed attempt is a log line; the error events say it once, by health(). */
    static const char *const said[] = {"FAIL", "ERROR", "FATAL", "GETPID"};
    int to = level <= 2 ? WEIR_LOG_ERROR : level <= 4 ? WEIR_LOG_WARNING : WEIR_LOG_DEBUG;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (strcmp(fac, said[i]) == 0)
            to = WEIR_LOG_DEBUG;
    weir_logf(ctx, to, "librdkafka %s: %s", fac, str);
}
