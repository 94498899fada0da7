/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.c - librdkafka's configuration: defaults, what the operator passes through, what belongs to weir.
 *
 * No state; home thread.  Values may be secrets (they come from ${file:...}), so no message shows one. */
#include "kafka.h"

#include <ctype.h>
#include <strings.h>

/* What an operator may not pass: the reason stands in the message.  A name that ends in '.' is a prefix. */
static const struct kafka_prop denied[] = {
    {"plugin.library.paths", "it loads code"},
    {"sasl.kerberos.kinit.cmd", "it runs a command"},
    {"ssl.engine.location", "it loads code"},
    {"ssl.providers", "it loads code"},
    {"test.", "it is for tests of librdkafka"},
    {"enable.auto.", "weir commits what is delivered, and nothing else"},
    {"log.queue", "weir reads the log itself"},
    {"statistics.interval.ms", "weir has metrics of its own"},
    {"enabled_events", "weir chooses them"},
    {"bootstrap.servers", "use brokers ="},
    {"metadata.broker.list", "use brokers ="},
    {"group.id", "use group ="},
    {"group.instance.id", "use instance ="},
    {"isolation.level", "use isolation ="},
    {"auto.offset.reset", "use start = and on-gap ="},
    {"enable.partition.eof", "weir needs it"},
    {"offset.store.", "weir stores positions itself"},
    {"auto.commit.", "weir commits what is delivered, and nothing else"},
    {"enable.idempotence", "order and delivery rest on it"},
    {"enable.gapless.guarantee", "one record that can not be written must not stop the others"},
    {"transactional.id", "transactions belong to weir"},
    {"delivery.report.only.error", "weir needs every report"},
};

static const struct kafka_prop *conf_denied(const char *name)
{
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        size_t n = strlen(denied[i].name);
        if (denied[i].name[n - 1] == '.' ? strncmp(name, denied[i].name, n) == 0
                                         : strcmp(name, denied[i].name) == 0)
            return &denied[i];
    }
    return NULL;
}

static bool conf_is_number(const char *s)
{
    if (*s == '-')
        s++;
    if (!isdigit((unsigned char)*s))
        return false;
    while (isdigit((unsigned char)*s))
        s++;
    return *s == '\0';
}

/* librdkafka's reason, unless it shows a value that may be a secret. */
static const char *conf_reason(const char *reason, const char *value)
{
    if (*value == '\0' || conf_is_number(value) || strstr(reason, value) == NULL)
        return reason;
    return "librdkafka refuses this value";
}

static void conf_check_map(struct weir_ctx *ctx, const struct weir_map *map, struct weir_problems *to)
{
    rd_kafka_conf_t *scratch = rd_kafka_conf_new();
    for (size_t i = 0; i < map->count; i++) {
        const char *name = map->items[i].name, *value = map->items[i].value;
        const struct kafka_prop *no = conf_denied(name);
        char option[256], why[512];
        (void)snprintf(option, sizeof option, "rdkafka.%s", name);
        if (no) {
            weir_problemf(ctx, to, option, "%s can not be passed through: %s", name, no->value);
            continue;
        }
        switch (rd_kafka_conf_set(scratch, name, value, why, sizeof why)) {
        case RD_KAFKA_CONF_OK:
            break;
        case RD_KAFKA_CONF_UNKNOWN:
            weir_problemf(ctx, to, option, "librdkafka %s has no property \"%s\"", rd_kafka_version_str(),
                          name);
            break;
        default:
            weir_problemf(ctx, to, option, "%s", conf_reason(why, value));
        }
    }
    rd_kafka_conf_destroy(scratch);
}

/* ---- who we are and whom we trust ---------------------------------------------------------------------------- */
bool kafka_conf_has(const struct weir_map *map, const char *name)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].name, name) == 0)
            return true;
    return false;
}

/* What an option is for librdkafka: setting it in both ways is a contradiction. */
static const struct twin {
    const char *option, *property;
} twins[] = {
    {"username", "sasl.username"},
    {"password", "sasl.password"},
    {"ca-file", "ssl.ca.location"},
    {"ca-file", "ssl.ca.pem"},
    {"client-cert", "ssl.certificate.location"},
    {"client-cert", "ssl.certificate.pem"},
    {"client-cert", "ssl.keystore.location"},
    {"client-key", "ssl.key.location"},
    {"client-key", "ssl.key.pem"},
    {"client-key", "ssl.keystore.location"},
    {"verify", "enable.ssl.certificate.verification"},
    {"verify", "ssl.endpoint.identification.algorithm"},
};

static bool access_set(const struct kafka_access *a, const char *option)
{
    return (a->username && strcmp(option, "username") == 0) ||
           (a->password && strcmp(option, "password") == 0) ||
           (a->ca_file && strcmp(option, "ca-file") == 0) ||
           (a->client_cert && strcmp(option, "client-cert") == 0) ||
           (a->client_key && strcmp(option, "client-key") == 0) ||
           (!a->verify && strcmp(option, "verify") == 0);
}

/* The value the operator gave a property; NULL: none. */
static const char *conf_value(const struct weir_map *map, const char *name)
{
    for (size_t i = map->count; i > 0; i--)
        if (strcmp(map->items[i - 1].name, name) == 0)
            return map->items[i - 1].value;
    return NULL;
}

/* The options need TLS, or SASL: a protocol without it would leave them out silently. */
static void conf_check_protocol(struct weir_ctx *ctx, const struct kafka_access *a, struct weir_problems *to)
{
    const char *protocol = conf_value(&a->rdkafka, "security.protocol");
    if (!protocol)
        return;
    if (strcasecmp(protocol, "plaintext") == 0 || strcasecmp(protocol, "sasl_plaintext") == 0) {
        const char *option = a->ca_file       ? "ca-file"
                             : a->client_cert ? "client-cert"
                             : !a->verify     ? "verify"
                                              : NULL;
        if (option)
            weir_problemf(ctx, to, option, "has no effect: rdkafka.security.protocol asks for no TLS");
    }
    if (a->username && strncasecmp(protocol, "sasl_", 5) != 0)
        weir_problemf(ctx, to, "username", "has no effect: rdkafka.security.protocol asks for no SASL");
}

static void conf_check_access(struct weir_ctx *ctx, const struct kafka_access *a, struct weir_problems *to)
{
    for (size_t i = 0; i < sizeof twins / sizeof twins[0]; i++)
        if (access_set(a, twins[i].option) && kafka_conf_has(&a->rdkafka, twins[i].property))
            weir_problemf(ctx, to, twins[i].option, "says the same as rdkafka.%s; set one of them",
                          twins[i].property);
    if (a->password && !a->username)
        weir_problemf(ctx, to, "password", "password needs username");
    if (a->username && !a->password)
        weir_problemf(ctx, to, "username", "username needs password");
    if (a->username && a->username[0] == '\0')
        weir_problemf(ctx, to, "username", "is empty");
    if (a->client_key && !a->client_cert)
        weir_problemf(ctx, to, "client-key", "client-key needs client-cert");
    conf_check_protocol(ctx, a, to);
}

void kafka_conf_check(struct weir_ctx *ctx, const struct kafka_access *access, struct weir_problems *to)
{
    for (size_t i = 0; i < access->brokers.count; i++) {
        const char *b = access->brokers.items[i], *colon = strrchr(b, ':');
        if (*b == '\0' || strpbrk(b, " \t,") != NULL || (colon && (colon == b || !conf_is_number(colon + 1))))
            weir_problemf(ctx, to, "brokers", "\"%s\" is no broker; write host:port, as in 127.0.0.1:9092",
                          b);
    }
    conf_check_access(ctx, access, to);
    conf_check_map(ctx, &access->rdkafka, to);
}

static char *conf_join(struct weir_ctx *ctx, const struct weir_list *list)
{
    size_t size = 1, at = 0;
    for (size_t i = 0; i < list->count; i++)
        size += strlen(list->items[i]) + 1;
    char *text = ctx->host->mem(ctx, NULL, size);
    for (size_t i = 0; i < list->count; i++) {
        size_t n = strlen(list->items[i]);
        if (i > 0)
            text[at++] = ',';
        memcpy(text + at, list->items[i], n);
        at += n;
    }
    text[at] = '\0';
    return text;
}

static bool conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *why, size_t why_size)
{
    char reason[512];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return true;
    (void)snprintf(why, why_size, "rdkafka.%s: %s", name, conf_reason(reason, value));
    return false;
}

/* Whoever names a user, an authority or a certificate wants TLS: a default, so rdkafka.* may say otherwise. */
static void conf_set_protocol(rd_kafka_conf_t *conf, const struct kafka_access *a)
{
    if (a->username) {
        (void)rd_kafka_conf_set(conf, "security.protocol", "sasl_ssl", NULL, 0);
        (void)rd_kafka_conf_set(conf, "sasl.mechanisms", "SCRAM-SHA-512", NULL, 0);
        /* so that a refusal is known before the next try, which then waits */
        (void)rd_kafka_conf_set(conf, "reconnect.backoff.ms", "1000", NULL, 0);
    } else if (a->ca_file || a->client_cert || !a->verify) {
        (void)rd_kafka_conf_set(conf, "security.protocol", "ssl", NULL, 0);
    }
}

static bool conf_set_access(rd_kafka_conf_t *conf, const struct kafka_access *a, char *why, size_t why_size)
{
    const char *key = a->client_key ? a->client_key : a->client_cert;
    const struct kafka_prop all[] = {
        {"sasl.username", a->username},
        {"ssl.ca.location", a->ca_file},
        {"ssl.certificate.location", a->client_cert},
        {"ssl.key.location", key},
        {"enable.ssl.certificate.verification", a->verify ? NULL : "false"},
        {"ssl.endpoint.identification.algorithm", a->verify ? NULL : "none"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].value && !conf_set(conf, all[i].name, all[i].value, why, why_size))
            return false;
    return true;
}

rd_kafka_conf_t *kafka_conf_new(struct weir_ctx *ctx, const struct kafka_access *access,
                                const struct kafka_prop *defaults, const struct kafka_prop *fixed, char *why,
                                size_t why_size)
{
    const struct weir_map *map = &access->rdkafka;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char *joined = conf_join(ctx, &access->brokers);
    bool good = true;
    for (; defaults && defaults->name; defaults++)
        (void)rd_kafka_conf_set(conf, defaults->name, defaults->value, NULL, 0);
    conf_set_protocol(conf, access);
    for (size_t i = 0; good && i < map->count; i++)
        good = conf_set(conf, map->items[i].name, map->items[i].value, why, why_size);
    good = good && conf_set_access(conf, access, why, why_size);
    for (; good && fixed && fixed->name; fixed++)
        good = conf_set(conf, fixed->name, fixed->value, why, why_size);
    good = good && conf_set(conf, "bootstrap.servers", joined, why, why_size) &&
           conf_set(conf, "log.queue", "true", why, why_size);
    ctx->host->mem(ctx, joined, 0);
    if (good)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

bool kafka_conf_known(const char *name)
{
    rd_kafka_conf_t *scratch = rd_kafka_conf_new();
    char value[64];
    size_t size = sizeof value;
    bool known = rd_kafka_conf_get(scratch, name, value, &size) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_destroy(scratch);
    return known;
}

bool kafka_conf_topic_legal(struct weir_slice name)
{
    const char *s = name.ptr;
    if (name.len == 0 || name.len > 249 || (name.len <= 2 && memcmp(s, "..", name.len) == 0))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= 'A' && s[i] <= 'Z') && !(s[i] >= '0' && s[i] <= '9') &&
            s[i] != '.' && s[i] != '_' && s[i] != '-')
            return false;
    return true;
}

/* ---- check --live -------------------------------------------------------------------------------------------- */
/* For connecting, TLS, the answers for the password, and at last the one that is wanted. */
#define PROBE_MS 15000

static void conf_probe_topic(struct weir_ctx *ctx, rd_kafka_t *rk, const char *name, struct weir_problems *to)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, name, NULL);
    rd_kafka_resp_err_t err = rkt ? rd_kafka_metadata(rk, 0, rkt, &md, PROBE_MS) : rd_kafka_last_error();
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && md->topic_cnt > 0)
        err = md->topics[0].err;
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        weir_problemf(ctx, to, "topics", "topic %s: %s", name, rd_kafka_err2str(err));
    if (md)
        rd_kafka_metadata_destroy(md);
    if (rkt)
        rd_kafka_topic_destroy(rkt);
}

/* Why no broker answered: the last thing an error event said.  False: nothing said anything. */
static bool conf_probe_why(rd_kafka_t *rk, char *why, size_t size)
{
    rd_kafka_queue_t *events = rd_kafka_queue_get_main(rk);
    rd_kafka_event_t *ev;
    bool found = false;
    while ((ev = rd_kafka_queue_poll(events, 0))) {
        rd_kafka_resp_err_t err = rd_kafka_event_error(ev);
        bool says =
            rd_kafka_event_type(ev) == RD_KAFKA_EVENT_ERROR && err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
        if (says)
            (void)kafka_error_text(rk, err, rd_kafka_event_error_string(ev), why, size);
        found = found || says;
        rd_kafka_event_destroy(ev);
    }
    rd_kafka_queue_destroy(events);
    return found;
}

void kafka_conf_probe(struct weir_ctx *ctx, const struct kafka_access *access, const struct weir_list *topics,
                      struct weir_problems *to)
{
    static const struct kafka_prop fixed[] = {{"allow.auto.create.topics", "false"}, {NULL, NULL}};
    const struct rd_kafka_metadata *md = NULL;
    char why[768];
    rd_kafka_conf_t *conf = kafka_conf_new(ctx, access, NULL, fixed, why, sizeof why);
    if (conf)
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rd_kafka_t *rk = conf ? kafka_client_new(ctx, access, RD_KAFKA_CONSUMER, conf, why, sizeof why) : NULL;
    if (!rk) {
        weir_problemf(ctx, to, NULL, "%s", why);
        return;
    }
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, NULL, &md, PROBE_MS);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(md);
    else if (conf_probe_why(rk, why, sizeof why))
        weir_problemf(ctx, to, "brokers", "no broker lets us in: %s", why);
    else
        weir_problemf(ctx, to, "brokers", "no broker answers: %s", rd_kafka_err2str(err));
    for (size_t i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && topics && i < topics->count; i++)
        if (topics->items[i][0] != '^')
            conf_probe_topic(ctx, rk, topics->items[i], to);
    kafka_client_close(rk);
    kafka_client_end(rk, 0);
}
