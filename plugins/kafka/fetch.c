/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch.c - from fetched messages to records: one array, one buffer, one emit; nothing is copied.
 *
 * Home thread, but run_release, which the host calls on any thread when the last record of an array is done.
 * struct kafka_pool is shared with it, under its lock. */
#include "source.h"

#include <inttypes.h>
#include <stdlib.h>

#define FETCH_BAD_MAX 5u            /* broken fetches in a row before the pipeline stops */
#define FETCH_HEADERS 256u          /* headers of a first chunk */
#define FETCH_KEEP    (64u * 1024u) /* header bytes a recycled run may keep */

/* ---- runs ---------------------------------------------------------------------------------------------------- */
static void headers_free(struct kafka_headers *h)
{
    while (h) {
        struct kafka_headers *next = h->next;
        free(h);
        h = next;
    }
}

static void run_free(struct kafka_run *run)
{
    headers_free(run->headers);
    free(run);
}

struct kafka_pool *kafka_pool_new(rd_kafka_t *rk)
{
    struct kafka_pool *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->idle, NULL);
    p->rk = rk;
    return p;
}

static struct kafka_run *run_take(struct kafka_pool *p)
{
    (void)pthread_mutex_lock(&p->lock);
    struct kafka_run *run = p->free_runs;
    if (run) {
        p->free_runs = run->next;
        p->n_free--;
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (!run) {
        run = malloc(sizeof *run);
        if (!run)
            return NULL;
        run->headers = NULL;
        run->pool = p;
    }
    run->next = NULL;
    run->count = 0;
    return run;
}

/* Keeps one small chunk of headers for the next use. */
static void run_recycle(struct kafka_run *run)
{
    struct kafka_pool *p = run->pool;
    if (run->headers) {
        headers_free(run->headers->next);
        run->headers->next = NULL;
        run->headers->used = 0;
        if (run->headers->size * sizeof(struct weir_header) > FETCH_KEEP) {
            free(run->headers);
            run->headers = NULL;
        }
    }
    (void)pthread_mutex_lock(&p->lock);
    bool keep = p->n_free < KAFKA_POOL_FREE;
    if (keep) {
        run->next = p->free_runs;
        p->free_runs = run;
        p->n_free++;
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (!keep)
        run_free(run);
}

static void run_release(void *opaque)
{
    struct kafka_run *run = opaque;
    struct kafka_pool *p = run->pool;
    for (uint32_t i = 0; i < run->count; i++)
        rd_kafka_message_destroy(run->messages[i]);
    run_recycle(run);
    (void)pthread_mutex_lock(&p->lock);
    if (--p->lent == 0)
        (void)pthread_cond_signal(&p->idle);
    (void)pthread_mutex_unlock(&p->lock);
}

static void *pool_reap(void *opaque)
{
    struct kafka_pool *p = opaque;
    (void)pthread_mutex_lock(&p->lock);
    while (p->lent > 0)
        (void)pthread_cond_wait(&p->idle, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
    kafka_client_end(p->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    while (p->free_runs) {
        struct kafka_run *next = p->free_runs->next;
        run_free(p->free_runs);
        p->free_runs = next;
    }
    (void)pthread_cond_destroy(&p->idle);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

void kafka_pool_end(struct kafka_pool *p)
{
    pthread_t thread;
    struct timespec until;
    (void)pthread_mutex_lock(&p->lock);
    bool idle = p->lent == 0;
    (void)pthread_mutex_unlock(&p->lock);
    if (pthread_create(&thread, NULL, pool_reap, p) != 0)
        return; /* no thread: the client stays until the process ends */
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += idle ? 5 : 0;
    if (pthread_timedjoin_np(thread, NULL, &until) != 0)
        (void)pthread_detach(thread);
}

/* ---- one message --------------------------------------------------------------------------------------------- */
static struct kafka_topic *fetch_topic(struct kafka_source *s, rd_kafka_topic_t *rkt)
{
    for (size_t i = 0; i < s->n_topics; i++)
        if (s->topics[i]->rkt == rkt)
            return s->topics[i];
    const char *name = rd_kafka_topic_name(rkt);
    for (size_t i = 0; i < s->n_topics; i++)
        if (strcmp(s->topics[i]->name, name) == 0) {
            s->topics[i]->rkt = rkt;
            return s->topics[i];
        }
    return NULL;
}

/* The track of a message; NULL: its partition is not ours, or not any more. */
static struct kafka_track *fetch_track(struct kafka_source *s, const rd_kafka_message_t *m)
{
    if (m->rkt == s->last_rkt && m->partition == s->last_partition && s->last_rkt)
        return s->last_track;
    struct kafka_topic *topic = m->rkt ? fetch_topic(s, m->rkt) : NULL;
    struct kafka_track *t =
        topic && m->partition >= 0 && m->partition < topic->n_parts ? topic->parts[m->partition] : NULL;
    if (!t || !t->reading)
        return NULL;
    s->last_rkt = m->rkt;
    s->last_partition = m->partition;
    s->last_track = t;
    t->broker = rd_kafka_message_broker_id(m);
    return t;
}

static struct weir_header *headers_take(struct kafka_run *run, size_t n)
{
    struct kafka_headers *h = run->headers;
    if (!h || h->size - h->used < n) {
        size_t size = h ? 2 * h->size : FETCH_HEADERS; /* a batch full of headers needs few chunks */
        if (size > FETCH_KEEP / sizeof(struct weir_header))
            size = FETCH_KEEP / sizeof(struct weir_header);
        if (size < n)
            size = n;
        h = malloc(sizeof *h + size * sizeof(struct weir_header));
        if (!h)
            return NULL;
        h->next = run->headers;
        h->used = 0;
        h->size = size;
        run->headers = h;
    }
    struct weir_header *items = h->items + h->used;
    h->used += n;
    return items;
}

/* The library reads them only now, and keeps them with the message.  False: no memory, or unreadable. */
static bool fetch_headers(struct kafka_run *run, const rd_kafka_message_t *m, struct weir_record *r)
{
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t err = rd_kafka_message_headers(m, &headers);
    if (err == RD_KAFKA_RESP_ERR__NOENT)
        return true;
    size_t n = err == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_header_cnt(headers) : 0;
    struct weir_header *items = n > 0 && n <= UINT32_MAX ? headers_take(run, n) : NULL;
    for (size_t i = 0; items && i < n; i++) {
        const char *name;
        if (rd_kafka_header_get_all(headers, i, &name, &items[i].value.ptr, &items[i].value.len) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            return false;
        items[i].name = weir_str(name);
    }
    if (n > 0 && !items)
        return false;
    r->headers = items;
    r->n_headers = (uint32_t)n;
    return err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Headers only when they are wanted: to find out that there are none librdkafka allocates a buffer. */
static bool fetch_record(const struct kafka_source *s, struct kafka_run *run, const struct kafka_track *t,
                         const rd_kafka_message_t *m, struct weir_record *r)
{
    rd_kafka_timestamp_type_t kind;
    int64_t time_ms = rd_kafka_message_timestamp(m, &kind);
    r->key = (struct weir_slice){m->key, m->key_len};
    r->value = (struct weir_slice){m->payload, m->len};
    r->topic = t->shard->topic;
    r->headers = NULL;
    r->shard = t->shard;
    r->n_headers = 0;
    r->flags = 0;
    r->time_ms = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? WEIR_NO_TIME : time_ms;
    r->offset = m->offset;
    r->partition = m->partition;
    r->sub = 0;
    r->seq = (uint64_t)m->offset;
    r->next = (uint64_t)m->offset + 1;
    return !s->headers || fetch_headers(run, m, r);
}

/* ---- what is no record --------------------------------------------------------------------------------------- */
static int fetch_broken(struct kafka_source *s, struct kafka_track *t, const rd_kafka_message_t *m)
{
    if (++t->bad < FETCH_BAD_MAX)
        return WEIR_OK; /* librdkafka fetches it again */
    return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)(int32_t)m->err,
                     "%s/%" PRId32 " can not be read at offset %" PRId64
                     ": %s; set the group's offset behind it to go on without",
                     t->topic->name, t->partition, t->next, rd_kafka_message_errstr(m));
}

static int fetch_error(struct kafka_source *s, const rd_kafka_message_t *m, bool to_end)
{
    struct kafka_track *t = fetch_track(s, m);
    if (!t)
        return m->rkt ? WEIR_OK : kafka_source_error(s, m->err, rd_kafka_message_errstr(m));
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        /* Behind the last record there may be transaction markers, or nothing since compaction. */
        if (m->offset > t->next) {
            t->next = m->offset;
            t->skip = s->skips = true;
        }
        if (to_end && t->end == KAFKA_NO_OFFSET)
            t->end = m->offset;
        return WEIR_OK;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        return kafka_rebalance_gap(s, t, t->next);
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
        return fetch_broken(s, t, m);
    default: {
        char text[512];
        (void)snprintf(text, sizeof text, "%s/%" PRId32 ": %s", t->topic->name, t->partition,
                       rd_kafka_message_errstr(m));
        return kafka_source_error(s, m->err, text);
    }
    }
}

/* ---- arrays -------------------------------------------------------------------------------------------------- */
/* Sorts messages into records (kept by the run) and the rest.  *ret_records of them, *ret_bytes. */
static int fetch_sort(struct kafka_source *s, struct kafka_run *run, uint32_t n, bool to_end,
                      uint32_t *ret_records, uint64_t *ret_bytes)
{
    uint32_t kept = 0;
    uint64_t bytes = 0;
    int status = WEIR_OK;
    for (uint32_t i = 0; i < n; i++) {
        rd_kafka_message_t *m = run->messages[i];
        struct kafka_track *t = NULL;
        if (status == WEIR_OK && m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = fetch_error(s, m, to_end);
        else if (status == WEIR_OK)
            t = fetch_track(s, m);
        /* An offset below next was read already; one behind a fixed end is for another run. */
        bool behind = t && to_end && t->end != KAFKA_NO_OFFSET && m->offset >= t->end;
        if (!t || m->offset < t->next || behind) {
            if (behind)
                t->done = true;
            rd_kafka_message_destroy(m);
            continue;
        }
        if (!fetch_record(s, run, t, m, &s->records[kept])) {
            status = weir_fail(s->ctx, WEIR_FATAL, 0,
                               "%s/%" PRId32 ": headers at offset %" PRId64 " are unreadable", t->topic->name,
                               t->partition, m->offset);
            rd_kafka_message_destroy(m);
            continue;
        }
        t->next = m->offset + 1;
        t->bad = 0;
        s->of[kept] = t;
        bytes += m->len + m->key_len;
        run->messages[kept++] = m;
    }
    run->count = kept;
    *ret_records = kept;
    *ret_bytes = bytes;
    return status;
}

static void carry_end(struct kafka_source *s)
{
    if (s->carry)
        s->ctx->host->buf_unref(s->carry);
    s->carry = NULL;
    s->carry_first = s->carry_count = 0;
}

void kafka_fetch_drop(struct kafka_source *s)
{
    uint32_t kept = 0;
    s->last_rkt = NULL;
    for (uint32_t i = s->carry_first; i < s->carry_count; i++)
        if (s->of[i]->reading) {
            s->records[kept] = s->records[i];
            s->of[kept++] = s->of[i];
        }
    s->carry_first = 0;
    s->carry_count = kept;
    if (kept == 0)
        carry_end(s);
}

/* Hands the run's records on.  AGAIN: the batch is full; the rest waits in the run. */
static int carry_emit(struct kafka_source *s, struct weir_emitter *em)
{
    while (s->carry_first < s->carry_count) {
        struct weir_run run = {sizeof run, sizeof(struct weir_record),  s->carry_count - s->carry_first,
                               0,          s->records + s->carry_first, s->carry};
        uint32_t taken = 0;
        int r = s->ctx->host->emit(em, &run, &taken);
        s->carry_first += taken;
        if (r < 0 || (r == WEIR_AGAIN && s->carry_first < s->carry_count))
            return r;
        if (s->carry_first >= s->carry_count) {
            carry_end(s);
            return r;
        }
        if (taken == 0)
            return WEIR_AGAIN;
    }
    carry_end(s);
    return WEIR_OK;
}

/* Positions without a record, told when all records before them are with the host. */
static void fetch_skips(struct kafka_source *s)
{
    s->skips = false;
    for (size_t i = 0; i < s->n_topics; i++)
        for (int32_t p = 0; p < s->topics[i]->n_parts; p++) {
            struct kafka_track *t = s->topics[i]->parts[p];
            if (t && t->skip && t->reading)
                s->ctx->host->shard_skip(s->ctx, t->shard, (uint64_t)t->next);
            if (t)
                t->skip = false;
        }
}

/* One array.  *ret_n messages came out of the queue, records or not. */
static int fetch_array(struct kafka_source *s, const struct weir_poll *p, uint32_t *ret_n)
{
    uint64_t room = p->max_bytes / (s->mean ? s->mean : 1) + 1;
    uint32_t want = p->max_records < KAFKA_RUN_MAX ? p->max_records : KAFKA_RUN_MAX, kept;
    uint64_t bytes;
    if (room < want)
        want = (uint32_t)room;
    struct kafka_run *run = run_take(s->pool);
    if (!run)
        return weir_fail(s->ctx, WEIR_RETRY, 0, "no memory for %u messages", KAFKA_RUN_MAX);
    ssize_t n = rd_kafka_consume_batch_queue(s->data, 0, run->messages, want ? want : 1);
    *ret_n = n > 0 ? (uint32_t)n : 0;
    int r = fetch_sort(s, run, *ret_n, (p->flags & WEIR_POLL_TO_END) != 0, &kept, &bytes);
    s->drained += bytes;
    s->drained_records += kept;
    if (kept == 0) {
        run_recycle(run);
        return r;
    }
    s->mean = (s->mean * 7 + bytes / kept) / 8;
    (void)pthread_mutex_lock(&s->pool->lock);
    s->pool->lent++;
    (void)pthread_mutex_unlock(&s->pool->lock);
    s->carry = s->ctx->host->buf_wrap(s->ctx, bytes + (uint64_t)kept * KAFKA_BESIDE, run_release, run);
    s->carry_first = 0;
    s->carry_count = kept;
    return r;
}

int kafka_fetch_poll(struct kafka_source *s, struct weir_emitter *em, const struct weir_poll *p)
{
    uint32_t n = 1;
    bool some = s->carry != NULL;
    int r = carry_emit(s, em);
    while (r == WEIR_OK) {
        if (s->skips)
            fetch_skips(s);
        r = fetch_array(s, p, &n);
        if (r != WEIR_OK || n == 0)
            break;
        some = true;
        r = carry_emit(s, em);
    }
    if (some && !s->healthy)
        kafka_source_up(s);
    if (r < 0)
        return r;
    return some ? WEIR_OK : WEIR_AGAIN;
}
