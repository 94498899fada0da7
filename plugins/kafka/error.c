/* SPDX-License-Identifier: BSD-2-Clause */
/* error.c - what librdkafka's errors mean, as data: what to do with a record, what to say about the cluster.
 *
 * No state; any thread. */
#include "kafka.h"

#define CODE(err) (uint32_t)(int32_t)(RD_KAFKA_RESP_ERR_##err)
#define ROW(err, means, health, help)                                                                        \
    {                                                                                                        \
#err, NULL, CODE(err), CODE(err), 0, WEIR_CLASS_##means, 0, 0, health, 0, help                       \
    }

/* Refused: tried again slowly, so that no account is locked. */
#define WAITS(err, help)                                                                                     \
    {                                                                                                        \
#err, NULL, CODE(err), CODE(err), 0, WEIR_CLASS_RETRY, 0, KAFKA_SLOW_MS, WEIR_DENIED, 0, help        \
    }

/* What is not listed is transient and says that the cluster is not well. */
static const struct weir_error rows[] = {
    /* the record itself is at fault */
    ROW(MSG_SIZE_TOO_LARGE, SPLIT, 0,
        "Larger than the broker takes; if it travelled with others, each is sent on its own"),
    ROW(INVALID_RECORD, REJECT, 0, "The broker does not take the record, for example without a key"),
    ROW(INVALID_TIMESTAMP, REJECT, 0, "The time is outside what the topic takes"),
    ROW(UNSUPPORTED_FOR_MESSAGE_FORMAT, REJECT, 0, "The topic's old format cannot hold the record"),
    ROW(POLICY_VIOLATION, REJECT, 0, "A policy of the brokers refuses it"),
    ROW(TOPIC_EXCEPTION, REJECT, 0, "No topic can have that name"),
    ROW(_UNKNOWN_PARTITION, REJECT, 0, "The topic has no such partition"),
    ROW(_INVALID_ARG, REJECT, 0, "librdkafka does not take the record"),
    /* we are not known, or not allowed: an operator has to act */
    WAITS(TOPIC_AUTHORIZATION_FAILED, "The user may not read or write the topic"),
    WAITS(GROUP_AUTHORIZATION_FAILED, "The user may not use the group"),
    WAITS(CLUSTER_AUTHORIZATION_FAILED, "The user may not use an idempotent producer"),
    WAITS(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "The user may not use the transactional id"),
    WAITS(SASL_AUTHENTICATION_FAILED, "User or password is wrong"),
    WAITS(UNSUPPORTED_SASL_MECHANISM, "The brokers do not know the mechanism"),
    WAITS(_AUTHENTICATION, "The connection was not authenticated"),
    /* nobody answers */
    ROW(_ALL_BROKERS_DOWN, RETRY, WEIR_CONNECTING, "No broker can be reached"),
    ROW(_TIMED_OUT, RETRY, WEIR_CONNECTING, "No answer in time"),
    ROW(_MSG_TIMED_OUT, RETRY, WEIR_CONNECTING, "Not written within rdkafka.message.timeout.ms"),
    ROW(_SSL, RETRY, WEIR_CONNECTING, "TLS failed"), /* who refused whom stands in its text only */
    /* one broker of several, or a step that librdkafka repeats by itself */
    ROW(_TRANSPORT, RETRY, 0, "A connection broke"),
    ROW(_RESOLVE, RETRY, 0, "The name of a broker is not known"),
    ROW(_WAIT_COORD, RETRY, 0, "The coordinator is looked for"),
    ROW(_PURGE_QUEUE, RETRY, 0, "Taken back, so that it does not overtake an earlier record"),
    ROW(_PURGE_INFLIGHT, RETRY, 0, "Given up on its way; it may have arrived"),
    ROW(_DESTROY, RETRY, 0, "The producer ends"),
    ROW(_MAX_POLL_EXCEEDED, RETRY, 0, "The group took the partitions away"),
    ROW(REBALANCE_IN_PROGRESS, RETRY, 0, "The group shares its partitions anew"),
    /* this client can not go on */
    ROW(UNSUPPORTED_COMPRESSION_TYPE, FATAL, WEIR_DEGRADED, "The brokers do not know this compression"),
    ROW(UNSUPPORTED_VERSION, FATAL, WEIR_DEGRADED, "The brokers are too old for what is asked of them"),
    ROW(_UNSUPPORTED_FEATURE, FATAL, WEIR_DEGRADED, "This librdkafka lacks what is asked of it"),
    ROW(INVALID_REQUIRED_ACKS, FATAL, WEIR_DEGRADED, "The brokers do not take these acks"),
    ROW(FENCED_INSTANCE_ID, FATAL, WEIR_DEGRADED, "Another member has the same id"),
    {NULL, NULL, WEIR_ANY_CODE, 0, WEIR_CLASS_RETRY, 0, 0, WEIR_DEGRADED, 0,
     "Transient: no leader, too few replicas, a broker that is busy"},
};

/* The names of librdkafka's errors; another library may know others. */
static int known(const char *name)
{
    const struct rd_kafka_err_desc *descs;
    size_t n;
    rd_kafka_get_err_descs(&descs, &n);
    for (size_t i = 0; i < n; i++)
        if (descs[i].name && descs[i].code != RD_KAFKA_RESP_ERR_NO_ERROR && strcmp(descs[i].name, name) == 0)
            return 1;
    return 0;
}

const struct weir_errors kafka_errors = {
    sizeof kafka_errors, sizeof rows[0], sizeof rows / sizeof rows[0], 0, rows, NULL, NULL, known};

uint32_t kafka_error_health(rd_kafka_resp_err_t err)
{
    const struct weir_error *row = rows;
    while (row->type && row->low != (uint32_t)(int32_t)err)
        row++;
    return row->health;
}

/* ---- what a person is told ----------------------------------------------------------------------------------- */
/* What to do about it; empty: the error says it. */
static const char *error_advice(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return "; the user needs the right to Read (source) or Write (sink) the topic";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return "; the user needs the right to Read the group";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return "; the user needs the right to Write some topic, or IdempotentWrite of the cluster";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return "; the user needs the right to Write the transactional id";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        return "; check username and password, and rdkafka.sasl.mechanisms";
    default:
        return "";
    }
}

uint32_t kafka_error_text(rd_kafka_t *rk, rd_kafka_resp_err_t err, const char *text, char *out, size_t size)
{
    uint32_t health = kafka_error_health(err);
    bool tls = err == RD_KAFKA_RESP_ERR__SSL || err == RD_KAFKA_RESP_ERR__TRANSPORT;
    if (tls && strstr(text, "certificate verify failed") && kafka_client_refused(rk, out, size))
        return WEIR_UNTRUSTED;
    /* With TLS 1.3 a server refuses the client's certificate only after the handshake. */
    if (tls && strstr(text, "SSL alert number")) {
        (void)snprintf(out, size, "%s; check client-cert and client-key", text);
        return WEIR_DENIED;
    }
    /* Before 2.6.1 it sends the client's nonce twice (#4895), and Kafka 4 looks. */
    bool old =
        err == RD_KAFKA_RESP_ERR__AUTHENTICATION && strstr(text, "SCRAM") && rd_kafka_version() < 0x020601ff;
    (void)snprintf(out, size, "%s%s%s%s%s", text, error_advice(err),
                   old ? "; Kafka 4 refuses SCRAM of librdkafka " : "", old ? rd_kafka_version_str() : "",
                   old ? " always, it needs 2.6.1 or newer" : "");
    return health;
}

void kafka_error_tell(struct weir_ctx *ctx, rd_kafka_resp_err_t err, const char *text)
{
    char both[KAFKA_CAUSE + 512];
    uint32_t health = kafka_error_health(err);
    (void)snprintf(both, sizeof both, "%s%s", text, error_advice(err));
    if (health != 0)
        ctx->host->health(ctx, health, (uint32_t)(int32_t)err, both);
}

bool kafka_error_event(struct weir_ctx *ctx, rd_kafka_t *rk, char *cause, size_t cap, rd_kafka_resp_err_t err,
                       const char *text)
{
    char both[KAFKA_CAUSE + 512];
    uint32_t health = kafka_error_text(rk, err, text, both, sizeof both);
    bool refused = health == WEIR_UNTRUSTED || health == WEIR_DENIED;
    bool down = err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    if (refused && err < 0)
        kafka_client_slow(rk, true); /* the connection itself, not a right */
    else if (down && kafka_client_is_slow(rk))
        return true; /* down because we let the pause pass; why was told */
    if (!refused && (err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__RESOLVE))
        (void)snprintf(cause, cap, "%s",
                       text); /* says which address and why; all of them down says neither */
    if (down && *cause)
        (void)snprintf(both, sizeof both, "%s: %s", text, cause);
    if (health != 0)
        ctx->host->health(ctx, health, (uint32_t)(int32_t)err, both);
    return health != 0;
}

void kafka_error_record(struct weir_ctx *ctx, rd_kafka_resp_err_t err, const rd_kafka_message_t *m)
{
    char text[512];
    const char *topic = m && m->rkt ? rd_kafka_topic_name(m->rkt) : NULL;
    (void)snprintf(text, sizeof text, "%s%s%s", topic ? topic : "", topic ? ": " : "", rd_kafka_err2str(err));
    kafka_error_tell(ctx, err, text);
}

rd_kafka_resp_err_t kafka_error_of_log(rd_kafka_event_t *ev, const char **ret_text)
{
    const char *fac = NULL, *name;
    const struct rd_kafka_err_desc *descs;
    size_t n;
    int level;
    if (rd_kafka_event_log(ev, &fac, ret_text, &level) != 0 || strcmp(fac, "TXNERR") != 0 ||
        !(name = strrchr(*ret_text, '(')))
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    name++;
    rd_kafka_get_err_descs(&descs, &n);
    for (size_t i = 0; i < n; i++) {
        size_t len = descs[i].name ? strlen(descs[i].name) : 0;
        if (len > 0 && strncmp(descs[i].name, name, len) == 0 && strcmp(name + len, ")") == 0)
            return descs[i].code;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kafka_error_log(struct weir_ctx *ctx, rd_kafka_event_t *ev)
{
    const char *fac = NULL, *str = NULL;
    int level = 0;
    if (rd_kafka_event_log(ev, &fac, &str, &level) != 0)
        return;
    /* Each failed attempt is a log line; the error events say it once, by health(). */
    static const char *const said[] = {"FAIL", "ERROR",       "FATAL",  "GETPID",
                                       "SSL",  "SSLCERTVRFY", "TXNERR", "ADDPARTS"};
    int to = level <= 2 ? WEIR_LOG_ERROR : level <= 4 ? WEIR_LOG_WARNING : WEIR_LOG_DEBUG;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (strcmp(fac, said[i]) == 0)
            to = WEIR_LOG_DEBUG;
    weir_logf(ctx, to, "librdkafka %s: %s", fac, str);
}
