/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - the Kafka source: the client, its queues, the loop that never blocks.
 *
 * Home thread.  Events of the group and errors come on one queue, messages of all partitions on another, so that one
 * prefetch limit holds for all; both write to one descriptor the host watches.  See source.h for the parts. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SOURCE_EVENTS_MAX 1000  /* events served in one poll */
#define SOURCE_CLOSE_MS   5000  /* leaving the group */
#define SOURCE_JOIN_MS    15000 /* with an end: how long to wait in silence for a partition */
#define SOURCE_KICKS_MAX  64    /* brokers woken at once */

/* ---- options ------------------------------------------------------------------------------------------------- */
static int source_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct kafka_source_conf *c = conf;
    kafka_conf_check(ctx, &c->access, to);
    for (size_t i = 0; i < c->topics.count; i++) {
        const char *t = c->topics.items[i];
        regex_t re;
        if (t[0] == '^') {
            int bad = regcomp(&re, t, REG_EXTENDED | REG_NOSUB);
            if (bad == 0)
                regfree(&re);
            else
                weir_problemf(ctx, to, "topics", "\"%s\" is no regular expression", t);
        } else if (!kafka_conf_topic_legal(weir_str(t))) {
            weir_problemf(
                ctx, to, "topics",
                "\"%s\" is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -, or ^ and a regular expression", t);
        }
    }
    if (c->group && c->group[0] == '\0')
        weir_problemf(ctx, to, "group", "a group needs a name");
    return WEIR_OK;
}

static int source_probe(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct kafka_source_conf *c = conf;
    kafka_conf_probe(ctx, &c->access, &c->topics, to);
    return WEIR_OK;
}

/* ---- create -------------------------------------------------------------------------------------------------- */
/* Kafka takes the letters of topic names in a static member id; the rest becomes '-'.  False: a name is too long. */
static bool source_names(struct kafka_source *s, const struct weir_instance *who)
{
    const struct kafka_source_conf *c = s->conf;
    char host[128] = "host", worker[16] = "";
    const char *dot = who->reader && who->reader[0] ? "." : "", *reader = *dot ? who->reader : "";
    (void)gethostname(host, sizeof host - 1);
    if (who->worker > 0 || !c->instance)
        (void)snprintf(worker, sizeof worker, "-%" PRIu32, who->worker);
    int g = snprintf(s->group, sizeof s->group, "%s%s%s%s", c->group ? "" : "weir-",
                     c->group ? c->group : who->pipeline, dot, reader);
    int i = c->instance
                ? snprintf(s->instance, sizeof s->instance, "%s%s%s%s", c->instance, dot, reader, worker)
                : snprintf(s->instance, sizeof s->instance, "%s-%s%s%s%s", host, who->pipeline, dot, reader,
                           worker);
    for (char *p = s->instance; *p; p++)
        if (*p != '.' && !kafka_conf_topic_legal((struct weir_slice){p, 1}))
            *p = '-';
    if (c->instance && c->instance[0] == '\0')
        s->instance[0] = '\0';
    return g < (int)sizeof s->group && i < (int)sizeof s->instance;
}

static void source_destroy(void *self)
{
    struct kafka_source *s = self;
    struct weir_ctx *ctx = s->ctx;
    ctx->host->mem(ctx, s->records, 0);
    ctx->host->mem(ctx, s->of, 0);
    ctx->host->mem(ctx, s, 0);
}

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    const struct weir_host *h = ctx->host;
    struct kafka_source *s = h->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    s->fd = -1;
    const struct weir_instance *who = h->instance(ctx);
    s->headers = who->struct_size < sizeof *who || who->want & WEIR_WANT_HEADERS;
    s->records = h->mem(ctx, NULL, KAFKA_RUN_MAX * sizeof *s->records);
    s->of = h->mem(ctx, NULL, KAFKA_RUN_MAX * sizeof *s->of);
    *self = s;
    if (source_names(s, h->instance(ctx)))
        return WEIR_OK;
    source_destroy(s);
    return weir_fail(ctx, WEIR_FATAL, 0, "the name of the group or the member is longer than 249 bytes");
}

/* ---- open ---------------------------------------------------------------------------------------------------- */
/* Of its share of memory a third is payload in librdkafka's queue, and about as much what that holds beside it; fetches
 * come on top, one for each broker on its way and one behind a queue that was not full yet, a sixteenth for each
 * partition. */
static rd_kafka_conf_t *source_conf(struct kafka_source *s, char *why, size_t why_size)
{
    const struct weir_instance *who = s->ctx->host->instance(s->ctx);
    const struct kafka_source_conf *c = s->conf;
    uint64_t prefetch = who->budget / 3 < 1048576 ? 1048576 : who->budget / 3;
    char client[128], queued[24], fetch[24], part[24], count[24];
    if (prefetch > 1073741824)
        prefetch = 1073741824;
    uint64_t once = prefetch / 2 < 1000000 ? 1000000 : prefetch / 2, each = who->budget / 16;
    uint64_t records = prefetch / KAFKA_BESIDE > 100000 ? 100000 : prefetch / KAFKA_BESIDE;
    (void)snprintf(client, sizeof client, "weir-%s", who->pipeline);
    (void)snprintf(queued, sizeof queued, "%" PRIu64, prefetch / 1024);
    (void)snprintf(fetch, sizeof fetch, "%" PRIu64, once > 52428800 ? 52428800 : once);
    (void)snprintf(part, sizeof part, "%" PRIu64, each > 1048576 ? 1048576 : each);
    (void)snprintf(count, sizeof count, "%" PRIu64, records);
    const struct kafka_prop defaults[] = {
        {"client.id", client},
        {"queued.max.messages.kbytes", queued},
        {"queued.min.messages", count},
        {kafka_conf_has(&c->access.rdkafka, "message.max.bytes") ? "client.id" : "fetch.max.bytes",
         kafka_conf_has(&c->access.rdkafka, "message.max.bytes") ? client : fetch},
        {"fetch.message.max.bytes", part},
        {"fetch.queue.backoff.ms", "20"},
        {"topic.metadata.refresh.interval.ms", "10000"},
        {"max.poll.interval.ms", "600000"},
        {"log.connection.close", "false"},
        {"reconnect.backoff.max.ms", "2000"},
        {"socket.nagle.disable", "true"},
        {NULL, NULL},
    };
    const struct kafka_prop fixed[] = {
        {"group.id", s->group},
        {"isolation.level", c->isolation == KAFKA_READ_COMMITTED ? "read_committed" : "read_uncommitted"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"enable.partition.eof", "true"},
        {s->instance[0] ? "group.instance.id" : NULL, s->instance},
        {NULL, NULL},
    };
    s->prefetch = prefetch;
    s->prefetch_records = (uint32_t)records;
    s->kicks = !kafka_conf_known("fetch.queue.backoff.ms");
    return kafka_conf_new(s->ctx, &c->access, defaults, fixed, why, why_size);
}

static void source_warn(struct kafka_source *s, const rd_kafka_conf_t *conf)
{
    char text[512];
    size_t size = sizeof text;
    if (rd_kafka_conf_get(conf, "partition.assignment.strategy", text, &size) == RD_KAFKA_CONF_OK &&
        strstr(text, "cooperative-sticky") != NULL && rd_kafka_version() < 0x020a01ff)
        weir_logf(
            s->ctx, WEIR_LOG_WARNING,
            "cooperative-sticky has faults in librdkafka %s, mended in 2.10.1: partitions may be lost for a "
            "while and read twice",
            rd_kafka_version_str());
    size = sizeof text;
    s->drain_ms = 10000;
    if (rd_kafka_conf_get(conf, "max.poll.interval.ms", text, &size) == RD_KAFKA_CONF_OK &&
        strtoll(text, NULL, 10) / 4 < s->drain_ms)
        s->drain_ms = strtoll(text, NULL, 10) / 4;
}

static int source_client(struct kafka_source *s)
{
    char why[512] = "out of memory";
    rd_kafka_conf_t *conf = source_conf(s, why, sizeof why);
    if (!conf)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "%s", why);
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR |
                                       RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_LOG);
    source_warn(s, conf);
    s->rk = kafka_client_new(s->ctx, &s->conf->access, RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!s->rk)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "librdkafka: %s", why);
    s->pool = kafka_pool_new(s->rk);
    s->lookup = s->pool ? kafka_lookup_start(s->ctx, s->rk, s->group, &s->conf->topics) : NULL;
    if (s->lookup)
        return WEIR_OK;
    if (s->pool)
        kafka_pool_end(s->pool);
    else
        kafka_client_end(s->rk, 0);
    s->pool = NULL;
    s->rk = NULL;
    return weir_fail(s->ctx, WEIR_RETRY, 0, "no memory or no thread for the client");
}

static void source_queues(struct kafka_source *s)
{
    static const uint64_t one = 1;
    (void)rd_kafka_poll_set_consumer(s->rk);
    s->events = rd_kafka_queue_get_consumer(s->rk);
    (void)rd_kafka_set_log_queue(s->rk, s->events);
    s->data = rd_kafka_queue_new(s->rk);
    rd_kafka_queue_io_event_enable(s->events, s->fd, &one, sizeof one);
    rd_kafka_queue_io_event_enable(s->data, s->fd, &one, sizeof one);
    s->ctx->host->watch_fd(s->ctx, s->fd, WEIR_FD_READ);
}

static void source_close(void *self);

static int source_open(void *self)
{
    struct kafka_source *s = self;
    s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->fd < 0)
        return weir_fail(s->ctx, WEIR_RETRY, (uint32_t)errno, "eventfd: %s", strerror(errno));
    int r = source_client(s);
    if (r != WEIR_OK) {
        (void)close(s->fd);
        s->fd = -1;
        return r;
    }
    source_queues(s);
    kafka_start_recall(s);
    rd_kafka_resp_err_t err = kafka_rebalance_subscribe(s, NULL);
    s->opened_ms = s->ctx->host->mono_ms(s->ctx);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return WEIR_OK;
    source_close(s);
    return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)(int32_t)err, "can not subscribe to the topics: %s",
                     rd_kafka_err2str(err));
}

/* ---- health -------------------------------------------------------------------------------------------------- */
void kafka_source_up(struct kafka_source *s)
{
    if (s->unavailable > 0)
        return;
    s->healthy = true;
    kafka_client_slow(s->rk, false);
    s->ctx->host->health(s->ctx, WEIR_UP, 0, "");
}

/* "Subscribed topic not available: NAME: reason": the only event that names a topic, and only in its text. */
static bool source_unavailable(struct kafka_source *s, const char *text)
{
    static const char prefix[] = "Subscribed topic not available: ";
    char name[256];
    const char *start = text + sizeof prefix - 1, *end;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0 || !(end = strchr(start, ':')) ||
        (size_t)(end - start) >= sizeof name)
        return false;
    memcpy(name, start, (size_t)(end - start));
    name[end - start] = '\0';
    (void)kafka_track_find(s, name, 0, true);
    for (size_t i = 0; i < s->n_topics; i++)
        if (strcmp(s->topics[i]->name, name) == 0 && !s->topics[i]->unavailable) {
            s->topics[i]->unavailable = true;
            s->unavailable++;
        }
    return true;
}

int kafka_source_error(struct kafka_source *s, rd_kafka_resp_err_t err, const char *text)
{
    char why[512];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(s->rk, why, sizeof why);
    if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)(int32_t)fatal,
                         "another member of group %s runs with the id %s: give each its own by instance =",
                         s->group, s->instance);
    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)(int32_t)fatal, "the client can not go on: %s", why);
    if (err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
        weir_logf(s->ctx, WEIR_LOG_WARNING, "group %s: %s", s->group, text);
    bool told = kafka_error_event(s->ctx, s->rk, s->cause, sizeof s->cause, err, text);
    if (source_unavailable(s, text) || told)
        s->healthy = false;
    return WEIR_OK;
}

/* ---- poll ---------------------------------------------------------------------------------------------------- */
static int source_event(struct kafka_source *s, rd_kafka_event_t *ev)
{
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_REBALANCE:
        return kafka_rebalance_event(s, ev);
    case RD_KAFKA_EVENT_ERROR:
        return kafka_source_error(s, rd_kafka_event_error(ev), rd_kafka_event_error_string(ev));
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        kafka_commit_event(s, ev);
        return WEIR_OK;
    case RD_KAFKA_EVENT_LOG:
        kafka_error_log(s->ctx, ev);
        return WEIR_OK;
    default:
        return WEIR_OK;
    }
}

static int source_events(struct kafka_source *s)
{
    uint64_t ignored;
    rd_kafka_event_t *ev;
    int r = WEIR_OK, i = 0;
    (void)!read(s->fd, &ignored, sizeof ignored); /* only then look at the queues */
    kafka_client_tick(s->rk);
    for (; r == WEIR_OK && i < SOURCE_EVENTS_MAX && (ev = rd_kafka_queue_poll(s->events, 0)); i++) {
        r = source_event(s, ev);
        rd_kafka_event_destroy(ev);
    }
    if (i == SOURCE_EVENTS_MAX)
        s->ctx->host->wake(s->ctx);
    return r;
}

static void source_ends(struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *ends = kafka_lookup_ends(s->lookup);
    if (!ends)
        return;
    for (int i = 0; i < ends->cnt; i++) {
        struct kafka_track *t = kafka_track_find(s, ends->elems[i].topic, ends->elems[i].partition, false);
        if (!t || !t->reading || ends->elems[i].offset < 0)
            continue;
        s->ctx->host->shard_end(s->ctx, t->shard, (uint64_t)ends->elems[i].offset);
        if (!s->healthy)
            kafka_source_up(s);
    }
    rd_kafka_topic_partition_list_destroy(ends);
}

/* An old librdkafka sleeps up to a second once its queue was full.  A question to the broker wakes its thread, so
 * one goes to each broker whenever half of a queue was read. */
static void source_kick(struct kafka_source *s)
{
    int32_t brokers[SOURCE_KICKS_MAX];
    int n = 0;
    if (!s->kicks || (s->drained < s->prefetch / 2 && s->drained_records < s->prefetch_records / 2))
        return;
    s->drained = 0;
    s->drained_records = 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (size_t i = 0; i < s->n_topics; i++)
        for (int32_t p = 0; p < s->topics[i]->n_parts && n < SOURCE_KICKS_MAX; p++) {
            const struct kafka_track *t = s->topics[i]->parts[p];
            int k = 0;
            while (t && k < n && brokers[k] != t->broker)
                k++;
            if (!t || !t->reading || t->broker < 0 || k < n)
                continue;
            brokers[n++] = t->broker;
            (void)rd_kafka_topic_partition_list_add(list, s->topics[i]->name, p);
        }
    kafka_lookup_kick(s->lookup, list);
}

/* WEIR_POLL_TO_END: END when every partition of ours is read to where it ended when first seen. */
static int source_at_end(struct kafka_source *s)
{
    if (s->unavailable > 0)
        return weir_fail(s->ctx, WEIR_RETRY, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                         "a topic of `topics` is not there, or may not be read");
    if (!s->joined) {
        if (s->ctx->host->mono_ms(s->ctx) - s->opened_ms < SOURCE_JOIN_MS)
            return WEIR_AGAIN;
        return weir_fail(s->ctx, WEIR_RETRY, 0,
                         "group %s has not assigned a partition yet: is a broker up, is there a topic?",
                         s->group);
    }
    if (s->rebalance != KAFKA_STEADY || s->carry)
        return WEIR_AGAIN;
    for (size_t i = 0; i < s->n_topics; i++)
        for (int32_t p = 0; p < s->topics[i]->n_parts; p++) {
            const struct kafka_track *t = s->topics[i]->parts[p];
            if (t && t->reading && !t->done && (t->end == KAFKA_NO_OFFSET || t->next < t->end))
                return WEIR_AGAIN;
        }
    if (s->others > 0)
        weir_logf(s->ctx, WEIR_LOG_WARNING,
                  "group %s: %" PRIu32 " partitions of its topics are held by other members: what is in them "
                  "was left to those",
                  s->group, s->others);
    s->others = 0;
    return WEIR_END;
}

static int source_poll(void *self, struct weir_emitter *em, const struct weir_poll *p)
{
    struct kafka_source *s = self;
    int r = source_events(s);
    if (r == WEIR_OK)
        r = kafka_rebalance_assign(s);
    if (r != WEIR_OK)
        return r;
    source_ends(s);
    kafka_commit_tick(s);
    if (p->flags & WEIR_POLL_PAUSED)
        return WEIR_AGAIN;
    r = kafka_fetch_poll(s, em, p);
    if (r < 0)
        return r;
    source_kick(s);
    if (!(p->flags & WEIR_POLL_TO_END))
        return r;
    int end = source_at_end(s);
    return end != WEIR_AGAIN ? end : r;
}

/* ---- positions ----------------------------------------------------------------------------------------------- */
static int source_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                           size_t *ret_len)
{
    const struct kafka_source *s = self;
    size_t n = strlen(s->cluster);
    (void)shard;
    (void)next;
    n = n <= cap ? n : 0;
    memcpy(out, s->cluster, n);
    *ret_len = n;
    return WEIR_OK;
}

static int source_committed(void *self, const struct weir_position *p, uint32_t n, uint32_t stride,
                            uint32_t final)
{
    struct kafka_source *s = self;
    if (!s->rk)
        return WEIR_OK;
    kafka_commit_note(s, p, n, stride);
    if (n > 0)
        kafka_start_stored(s);
    if (final)
        kafka_commit_wait(s);
    else
        kafka_commit_send(s);
    return WEIR_OK;
}

static int source_revoked(void *self, const struct weir_position *p, uint32_t n, uint32_t stride)
{
    struct kafka_source *s = self;
    return s->rk ? kafka_rebalance_revoked(s, p, n, stride) : WEIR_OK;
}

/* A member that was replaced has no id any more, or is about to hear that it lost its partitions. */
static int source_token(void *self, void *out, size_t cap, size_t *ret_len)
{
    struct kafka_source *s = self;
    rd_kafka_consumer_group_metadata_t *group = s->rk ? rd_kafka_consumer_group_metadata(s->rk) : NULL;
    char *member = s->rk ? rd_kafka_memberid(s->rk) : NULL;
    void *bytes = NULL;
    size_t n = 0;
    rd_kafka_error_t *e = NULL;
    bool ours = group && member && *member && !rd_kafka_assignment_lost(s->rk);
    if (ours)
        e = rd_kafka_consumer_group_metadata_write(group, &bytes, &n);
    if (bytes && !e && n <= cap) {
        memcpy(out, bytes, n);
        *ret_len = n;
    } else {
        ours = false;
    }
    if (e)
        rd_kafka_error_destroy(e);
    if (bytes)
        rd_kafka_mem_free(s->rk, bytes);
    if (member)
        rd_kafka_mem_free(s->rk, member);
    if (group)
        rd_kafka_consumer_group_metadata_destroy(group);
    return ours ? WEIR_OK : weir_fail(s->ctx, WEIR_RETRY, 0, "no member of group %s just now", s->group);
}

static int source_rewind(void *self)
{
    struct kafka_source *s = self;
    return s->rk ? kafka_rebalance_rewind(s) : WEIR_OK;
}

/* ---- close --------------------------------------------------------------------------------------------------- */
static void source_leave(struct kafka_source *s)
{
    rd_kafka_error_t *e = rd_kafka_consumer_close_queue(s->rk, s->events);
    int64_t until = s->ctx->host->mono_ms(s->ctx) + SOURCE_CLOSE_MS;
    rd_kafka_error_destroy(e);
    for (int i = 0; i < SOURCE_CLOSE_MS / 50 && !rd_kafka_consumer_closed(s->rk); i++) {
        rd_kafka_event_t *ev = rd_kafka_queue_poll(s->events, 50);
        if (ev && rd_kafka_event_type(ev) == RD_KAFKA_EVENT_REBALANCE)
            kafka_rebalance_close(s, ev);
        else if (ev && rd_kafka_event_type(ev) == RD_KAFKA_EVENT_LOG)
            kafka_error_log(s->ctx, ev);
        if (ev)
            rd_kafka_event_destroy(ev);
        if (s->ctx->host->mono_ms(s->ctx) > until)
            break;
    }
}

static void source_close(void *self)
{
    struct kafka_source *s = self;
    if (!s->rk)
        return;
    s->ctx->host->watch_fd(s->ctx, s->fd, 0);
    s->rebalance = KAFKA_STEADY;
    bool clean = kafka_lookup_stop(s->lookup);
    if (s->carry) {
        s->ctx->host->buf_unref(s->carry);
        s->carry = NULL;
    }
    source_leave(s);
    kafka_rebalance_free(s);
    rd_kafka_queue_io_event_enable(s->events, -1, NULL, 0);
    rd_kafka_queue_io_event_enable(s->data, -1, NULL, 0);
    rd_kafka_queue_destroy(s->data);
    rd_kafka_queue_destroy(s->events);
    kafka_client_close(s->rk);
    if (clean)
        kafka_pool_end(s->pool);
    (void)close(s->fd);
    s->fd = -1;
    s->rk = NULL;
    s->lookup = NULL;
    s->pool = NULL;
}

/* ---- table --------------------------------------------------------------------------------------------------- */
static const char *const starts[] = {"earliest", "latest", "stored", NULL};
static const char *const isolations[] = {"read-committed", "read-uncommitted", NULL};
static const char *const gaps[] = {"stop", "earliest", NULL};
#define C struct kafka_source_conf
static const struct weir_option rows[] = {
    KAFKA_ACCESS_OPTIONS(C),
    WEIR_OPT_LIST(
        C, topics, "topics", WEIR_F_REQUIRED, NULL, "Topics to read; ^ begins a regular expression",
        "A topic that does not exist yet is waited for. What matches a regular expression later is found "
        "within ten seconds."),
    WEIR_OPT_STRING(C, group, "group", 0, NULL, "Consumer group; default weir-PIPELINE", NULL),
    WEIR_OPT_ENUM(
        C, start, "start", 0, "earliest", starts, "Where to begin when there is no position",
        "Holds only while neither the group nor weir has a position for any partition; partitions and "
        "topics found later are read whole. With stored, a missing position is an error."),
    WEIR_OPT_ENUM(C, isolation, "isolation", 0, "read-committed", isolations,
                  "Whether records of open and aborted transactions are read", NULL),
    WEIR_OPT_STRING(
        C, instance, "instance", WEIR_F_ADVANCED, NULL,
        "Static member id; default HOST-PIPELINE-WORKER, empty: none",
        "A static member that is back within session.timeout.ms moves no partition. Two members with "
        "one id stop each other. Letters Kafka does not take become -."),
    WEIR_OPT_ENUM(
        C, on_gap, "on-gap", 0, "stop", gaps, "What to do when the position is outside the log",
        "stop ends the pipeline and says how many offsets are missing; earliest goes on at the start of "
        "the log and counts them."),
};
#undef C
static const struct weir_options options = WEIR_OPTIONS(struct kafka_source_conf, rows);

static const struct weir_metric metric_rows[] = {
    {"rebalances", WEIR_COUNTER, 0, "", "Assignments and revocations of the group"},
    {"commit_errors", WEIR_COUNTER, 0, "", "Commits to the group that failed"},
    {"gap_offsets", WEIR_COUNTER, 0, "", "Offsets that were deleted before they were read"},
};
static const struct weir_metrics metrics = {sizeof metrics, sizeof metric_rows[0],
                                            sizeof metric_rows / sizeof metric_rows[0], 0, metric_rows};

const struct weir_ops kafka_source_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SOURCE,
    .promises = WEIR_REPLAYABLE | WEIR_OWN_POSITION,
    .options = &options,
    .metrics = &metrics,
    .check = source_check,
    .probe = source_probe,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
    .position = source_position,
    .committed = source_committed,
    .revoked = source_revoked,
    .token = source_token,
    .rewind = source_rewind,
    .close = source_close,
    .destroy = source_destroy,
};
