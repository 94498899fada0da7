/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka.h - what the parts of the kafka plugin share: options, librdkafka configuration, classes of errors.
 *
 * Source: source.h.  Sink: sink.h.  Nothing here is seen outside the plugin. */
#ifndef WEIR_KAFKA_H
#define WEIR_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_API 1
#include <weir/helpers.h>

#include <librdkafka/rdkafka.h>

enum { KAFKA_START_EARLIEST, KAFKA_START_LATEST, KAFKA_START_STORED };
enum { KAFKA_READ_COMMITTED, KAFKA_READ_UNCOMMITTED };
enum { KAFKA_GAP_STOP, KAFKA_GAP_EARLIEST };
enum { KAFKA_TIME_KEEP, KAFKA_TIME_NOW };
enum { KAFKA_HEADERS_KEEP, KAFKA_HEADERS_DROP };
enum { KAFKA_AT_LEAST_ONCE, KAFKA_EXACTLY_ONCE };
enum { KAFKA_TOMBSTONE_KEEP, KAFKA_TOMBSTONE_DROP, KAFKA_TOMBSTONE_REJECT };

/* Where the brokers are and how they are talked to. */
struct kafka_access {
    struct weir_list brokers;
    const char *username;
    const struct weir_secret *password;
    const char *ca_file, *client_cert, *client_key;
    int64_t verify;
    struct weir_map rdkafka;
};

/* Rows of the options both kinds have; T has a struct kafka_access named access. */
#define KAFKA_ACCESS_OPTIONS(T)                                                                              \
    WEIR_OPT_LIST(T, access.brokers, "brokers", WEIR_F_REQUIRED, NULL, "Brokers to start from, host:port",   \
                  NULL),                                                                                     \
        WEIR_OPT_STRING(T, access.username, "username", 0, NULL, "User of SASL authentication",              \
                        "By SCRAM-SHA-512 over TLS, unless rdkafka.sasl.mechanisms and "                     \
                        "rdkafka.security.protocol say otherwise."),                                         \
        WEIR_OPT_SECRET(T, access.password, "password", 0, "Password of that user",                          \
                        "Read again for each connection, so a new one needs no restart."),                   \
        WEIR_OPT_STRING(T, access.ca_file, "ca-file", 0, NULL, "PEM file of the authorities to trust",       \
                        "Makes connections use TLS. Without it the system's own are trusted."),              \
        WEIR_OPT_STRING(T, access.client_cert, "client-cert", 0, NULL, "PEM file of a client certificate",   \
                        "Makes connections use TLS."),                                                       \
        WEIR_OPT_STRING(T, access.client_key, "client-key", 0, NULL,                                         \
                        "PEM file of its key; default client-cert", NULL),                                   \
        WEIR_OPT_BOOL(T, access.verify, "verify", 0, "yes", "Verify the brokers' certificates and names",    \
                      NULL),                                                                                 \
        WEIR_OPT_MAP(T, access.rdkafka, "rdkafka.", WEIR_F_ADVANCED, "Any property of librdkafka",           \
                     "Passed on unchanged, but for those that run code or belong to weir.")

struct kafka_source_conf {
    struct kafka_access access;
    struct weir_list topics;
    const char *group, *instance;
    int64_t start, isolation, on_gap;
};

struct kafka_sink_conf {
    struct kafka_access access;
    const struct weir_template *topic, *key, *partition;
    const char *transactional_id;
    int64_t timestamp, headers, delivery, tombstone;
};

extern const struct weir_ops kafka_source_ops;
extern const struct weir_ops kafka_sink_ops;

/* ---- conf.c: librdkafka's configuration ---------------------------------------------------------------------- */
struct kafka_prop {
    const char *name, *value;
};

/* Reports brokers, options and rdkafka.* values that are wrong, unknown, in conflict, or weir's own. */
void kafka_conf_check(struct weir_ctx *ctx, const struct kafka_access *access, struct weir_problems *to);
/* Gives a configuration: defaults (those this library does not know are left out), over them what the operator set,
 * over that the properties of weir.  NULL: why says what was refused. */
rd_kafka_conf_t *kafka_conf_new(struct weir_ctx *ctx, const struct kafka_access *access,
                                const struct kafka_prop *defaults, const struct kafka_prop *fixed, char *why,
                                size_t why_size);
/* True when the operator set the property. */
bool kafka_conf_has(const struct weir_map *map, const char *name);
/* True when the linked librdkafka knows the property. */
bool kafka_conf_known(const char *name);
/* Asks the brokers for metadata of literal topics; reports what is wrong.  Blocks for some seconds. */
void kafka_conf_probe(struct weir_ctx *ctx, const struct kafka_access *access, const struct weir_list *topics,
                      struct weir_problems *to);
/* True for a name Kafka accepts for a topic: 1 to 249 of a-z A-Z 0-9 . _ -, not . or .. */
bool kafka_conf_topic_legal(struct weir_slice name);

/* ---- client.c: a client of librdkafka, who it is and how often it tries --------------------------------------- */
#define KAFKA_SLOW_MS 10000 /* between two tries while somebody refuses */
#define KAFKA_WHY     256
/* rd_kafka_new with the password and the callbacks; takes conf in any case.  NULL and why.  The opaque of conf is ours.
 * Borrows access until kafka_client_close; ends by kafka_client_end only. */
rd_kafka_t *kafka_client_new(struct weir_ctx *ctx, const struct kafka_access *access, rd_kafka_type_t type,
                             rd_kafka_conf_t *conf, char *why, size_t why_size);
/* Hands a new password over; after each wake of the host. */
void kafka_client_tick(rd_kafka_t *rk);
/* true: somebody refuses, so addresses are tried slowly from now on; false: it is well. */
void kafka_client_slow(rd_kafka_t *rk, bool slow);
bool kafka_client_is_slow(rd_kafka_t *rk);
/* True when the certificate of a broker was refused: which and why, a sentence. */
bool kafka_client_refused(rd_kafka_t *rk, char *why, size_t size);
/* The host is not called any more, and nothing connects. */
void kafka_client_close(rd_kafka_t *rk);
/* rd_kafka_destroy_flags.  Any thread. */
void kafka_client_end(rd_kafka_t *rk, int flags);

/* ---- error.c: one table from librdkafka's error to what weir does -------------------------------------------- */
extern const struct weir_errors kafka_errors;
/* What the error says about the cluster: WEIR_CONNECTING, ..., 0 nothing. */
uint32_t kafka_error_health(rd_kafka_resp_err_t err);
/* What a person is told of the error event, with what to do; the health it means, 0: none. */
uint32_t kafka_error_text(rd_kafka_t *rk, rd_kafka_resp_err_t err, const char *text, char *out, size_t size);
/* Tells the host about the other end, if the error says anything about it. */
void kafka_error_tell(struct weir_ctx *ctx, rd_kafka_resp_err_t err, const char *text);
/* The same for an error event; cause[cap] keeps what a single broker said, for when all are down.  False: the error
 * says nothing about the cluster. */
#define KAFKA_CAUSE 256
bool kafka_error_event(struct weir_ctx *ctx, rd_kafka_t *rk, char *cause, size_t cap, rd_kafka_resp_err_t err,
                       const char *text);
/* The same for a record that could not be written; m NULL: no report came. */
void kafka_error_record(struct weir_ctx *ctx, rd_kafka_resp_err_t err, const rd_kafka_message_t *m);
/* Why a transaction failed, which only its log says before the transaction is ended; NO_ERROR: it is another line. */
rd_kafka_resp_err_t kafka_error_of_log(rd_kafka_event_t *ev, const char **ret_text);
/* Passes a log event of librdkafka on; what the error events say too goes to level debug. */
void kafka_error_log(struct weir_ctx *ctx, rd_kafka_event_t *ev);

#endif
