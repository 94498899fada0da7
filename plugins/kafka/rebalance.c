/* SPDX-License-Identifier: BSD-2-Clause */
/* rebalance.c - partitions come and go: lanes of the host, answers to the group, repairs of single partitions.
 *
 * Home thread.  An event of the group is answered later: an assignment when the lookup thread knows the positions,
 * a revocation when the host has drained; the group waits for that, and there is never a second unanswered event. */
#include "source.h"

#include <inttypes.h>

#define REBALANCE_ASK_MS 5000

/* ---- the table of partitions --------------------------------------------------------------------------------- */
static void *grow(struct kafka_source *s, void *old, size_t n)
{
    return s->ctx->host->mem(s->ctx, old, n);
}

static struct kafka_topic *topic_find(struct kafka_source *s, const char *name, bool make)
{
    for (size_t i = 0; i < s->n_topics; i++)
        if (strcmp(s->topics[i]->name, name) == 0)
            return s->topics[i];
    if (!make)
        return NULL;
    struct kafka_topic *t = grow(s, NULL, sizeof *t);
    size_t size = strlen(name) + 1;
    memset(t, 0, sizeof *t);
    t->name = grow(s, NULL, size);
    memcpy(t->name, name, size);
    s->topics = grow(s, s->topics, (s->n_topics + 1) * sizeof *s->topics);
    s->topics[s->n_topics++] = t;
    return t;
}

static struct kafka_track *track_new(struct kafka_source *s, struct kafka_topic *topic, int32_t partition)
{
    struct kafka_track *t = grow(s, NULL, sizeof *t);
    memset(t, 0, sizeof *t);
    t->topic = topic;
    t->partition = partition;
    t->broker = -1;
    t->end = t->commit_want = t->commit_sent = KAFKA_NO_OFFSET;
    return t;
}

struct kafka_track *kafka_track_find(struct kafka_source *s, const char *name, int32_t partition, bool make)
{
    if (partition < 0 || partition >= KAFKA_PARTITION_MAX)
        return NULL;
    struct kafka_topic *topic = topic_find(s, name, make);
    if (topic && partition >= topic->n_parts && make) {
        size_t n = (size_t)partition + 1, old = (size_t)topic->n_parts;
        topic->parts = grow(s, topic->parts, n * sizeof(struct kafka_track *));
        memset(topic->parts + old, 0, (n - old) * sizeof(struct kafka_track *));
        topic->n_parts = partition + 1;
    }
    if (!topic || partition >= topic->n_parts)
        return NULL;
    if (!topic->parts[partition] && make)
        topic->parts[partition] = track_new(s, topic, partition);
    return topic->parts[partition];
}

struct kafka_track *kafka_track_of(const struct kafka_source *s, const struct weir_shard *shard)
{
    for (size_t i = 0; shard && i < s->n_topics; i++) {
        struct kafka_topic *t = s->topics[i];
        if (shard->partition >= 0 && shard->partition < t->n_parts && t->parts[shard->partition] &&
            t->parts[shard->partition]->shard == shard)
            return t->parts[shard->partition];
    }
    return NULL;
}

/* A track per element of the list, NULL where there is none. */
static struct kafka_track *track_at(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list,
                                    int i)
{
    return kafka_track_find(s, list->elems[i].topic, list->elems[i].partition, false);
}

static void track_close(struct kafka_source *s, struct kafka_track *t)
{
    if (t->reading)
        s->n_reading--;
    if (t->queue)
        rd_kafka_queue_destroy(t->queue);
    t->queue = NULL;
    t->shard = NULL;
    t->reading = t->skip = false;
    t->commit_want = t->commit_sent = KAFKA_NO_OFFSET;
}

void kafka_rebalance_free(struct kafka_source *s)
{
    for (size_t i = 0; i < s->n_topics; i++) {
        for (int32_t p = 0; p < s->topics[i]->n_parts; p++)
            if (s->topics[i]->parts[p]) {
                track_close(s, s->topics[i]->parts[p]);
                grow(s, s->topics[i]->parts[p], 0);
            }
        grow(s, s->topics[i]->parts, 0);
        grow(s, s->topics[i]->name, 0);
        grow(s, s->topics[i], 0);
    }
    grow(s, s->topics, 0);
    s->topics = NULL;
    s->n_topics = 0;
    if (s->pending)
        rd_kafka_topic_partition_list_destroy(s->pending);
    s->pending = NULL;
}

void kafka_rebalance_watch(struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->n_reading + 1);
    for (size_t i = 0; i < s->n_topics; i++) {
        s->topics[i]->rkt = NULL;
        for (int32_t p = 0; p < s->topics[i]->n_parts; p++)
            if (s->topics[i]->parts[p] && s->topics[i]->parts[p]->reading)
                (void)rd_kafka_topic_partition_list_add(list, s->topics[i]->name, p);
    }
    s->last_rkt = NULL;
    kafka_lookup_watch(s->lookup, list);
}

/* ---- answers to the group ------------------------------------------------------------------------------------ */
static bool cooperative(const struct kafka_source *s)
{
    const char *protocol = rd_kafka_rebalance_protocol(s->rk);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

static int answer(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list, bool assign)
{
    char why[512] = "";
    rd_kafka_resp_err_t err;
    if (cooperative(s)) {
        rd_kafka_error_t *e =
            assign ? rd_kafka_incremental_assign(s->rk, list) : rd_kafka_incremental_unassign(s->rk, list);
        err = e ? rd_kafka_error_code(e) : RD_KAFKA_RESP_ERR_NO_ERROR;
        if (e)
            (void)snprintf(why, sizeof why, "%s", rd_kafka_error_string(e));
        rd_kafka_error_destroy(e);
    } else {
        err = rd_kafka_assign(s->rk, assign ? list : NULL);
        (void)snprintf(why, sizeof why, "%s", rd_kafka_err2str(err));
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return WEIR_OK;
    weir_logf(s->ctx, WEIR_LOG_WARNING, "group %s: the %s was refused: %s", s->group,
              assign ? "assignment" : "revocation", why);
    return kafka_source_error(s, err, why);
}

static void pending_done(struct kafka_source *s)
{
    s->rewound = false;
    if (s->pending)
        rd_kafka_topic_partition_list_destroy(s->pending);
    s->pending = NULL;
    s->rebalance = KAFKA_STEADY;
}

/* ---- assign -------------------------------------------------------------------------------------------------- */
static int track_open(struct kafka_source *s, struct kafka_track *t)
{
    char id[512];
    struct weir_shard want = {.struct_size = sizeof want, .partition = t->partition};
    struct weir_position at = {.struct_size = sizeof at};
    int n = snprintf(id, sizeof id, "%s/%" PRId32, t->topic->name, t->partition);
    want.id = (struct weir_slice){id, (size_t)n};
    want.topic = weir_str(t->topic->name);
    int r = s->ctx->host->shard_open(s->ctx, &want, &t->shard, &at);
    if (r != WEIR_OK)
        return r;
    t->pos_flags = at.flags;
    t->pos_next = at.flags & WEIR_POS_STORED ? (int64_t)at.next : 0;
    t->bad = 0;
    t->skip = t->done = false;
    t->commit_want = t->commit_sent = KAFKA_NO_OFFSET;
    if (!(at.flags & WEIR_POS_STORED) || at.data.len == 0 || at.data.len >= sizeof s->cluster)
        return WEIR_OK;
    if (s->cluster[0] == '\0')
        memcpy(s->cluster, at.data.ptr, at.data.len);
    if (strlen(s->cluster) != at.data.len || memcmp(s->cluster, at.data.ptr, at.data.len) != 0)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "%s: the stored position is of another cluster than %s", id,
                         s->cluster);
    return WEIR_OK;
}

static int tracks_open(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_track *t = kafka_track_find(s, list->elems[i].topic, list->elems[i].partition, true);
        if (!t)
            return weir_fail(s->ctx, WEIR_FATAL, 0, "%s: partition %" PRId32 " is outside 0 to %d",
                             list->elems[i].topic, list->elems[i].partition, KAFKA_PARTITION_MAX);
        if (t->topic->unavailable) {
            t->topic->unavailable = false;
            s->unavailable--;
        }
        int r = t->shard ? WEIR_OK : track_open(s, t);
        if (r != WEIR_OK)
            return r;
    }
    return WEIR_OK;
}

rd_kafka_resp_err_t kafka_rebalance_subscribe(struct kafka_source *s,
                                              const rd_kafka_topic_partition_list_t *more)
{
    const struct weir_list *topics = &s->conf->topics;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)topics->count + 1);
    size_t first = more && more->cnt == 0 && topics->count > 1 ? 1 : 0;
    for (size_t i = first; i < topics->count; i++)
        (void)rd_kafka_topic_partition_list_add(list, topics->items[i], RD_KAFKA_PARTITION_UA);
    for (int i = 0; more && i < more->cnt; i++)
        (void)rd_kafka_topic_partition_list_add(list, more->elems[i].topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return err;
}

/* The group knows us from our last session and did not look at what we ask for now.  It rebalances when its leader
 * joins again, or a member joins with other topics than before: so with others first, then with ours. */
static int rejoin(struct kafka_source *s, const rd_kafka_topic_partition_list_t *foreign)
{
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(1);
    bool back = s->detour;
    int r = answer(s, none, true);
    rd_kafka_topic_partition_list_destroy(none);
    pending_done(s);
    s->rejoined = true;
    s->detour = !back;
    if (!back)
        weir_logf(s->ctx, WEIR_LOG_INFO,
                  "group %s: what it assigns this member is of its last session, joining again", s->group);
    rd_kafka_resp_err_t err = kafka_rebalance_subscribe(s, back ? NULL : foreign);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR && r == WEIR_OK)
        r = kafka_source_error(s, err, rd_kafka_err2str(err));
    return r;
}

/* librdkafka does not join again by the cooperative protocol: there it can only be said. */
static bool may_rejoin(struct kafka_source *s, const struct kafka_holding *group)
{
    if (!group->stale || !s->instance[0] || s->rejoined)
        return false;
    if (!cooperative(s))
        return true;
    s->rejoined = true;
    weir_logf(s->ctx, WEIR_LOG_WARNING,
              "group %s: what it assigns this member is of its last session; other topics and new partitions "
              "are not read before it rebalances: stop weir for longer than session.timeout.ms, or use "
              "instance = (empty)",
              s->group);
    return false;
}

static int assign_begin(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    s->pending = rd_kafka_topic_partition_list_copy(list);
    if (s->detour)
        return rejoin(s, NULL);
    s->rebalance = KAFKA_ASSIGNING;
    kafka_lookup_ask(s->lookup, list);
    return WEIR_OK;
}

static int cluster_check(struct kafka_source *s, const char *cluster)
{
    if (cluster[0] == '\0')
        return WEIR_OK;
    if (s->cluster[0] != '\0' && strcmp(s->cluster, cluster) != 0)
        return weir_fail(
            s->ctx, WEIR_FATAL, 0,
            "the stored positions are of cluster %s, but these brokers are cluster %s; a new pipeline "
            "name or state directory starts afresh",
            s->cluster, cluster);
    (void)snprintf(s->cluster, sizeof s->cluster, "%s", cluster);
    return WEIR_OK;
}

/* Still assigned, their queues where they were: only the place is another. */
static int rewind_seek(struct kafka_source *s)
{
    /* before 2.1.0 the time is taken as microseconds */
    int timeout = rd_kafka_version() < 0x020100ff ? REBALANCE_ASK_MS * 1000 : REBALANCE_ASK_MS;
    rd_kafka_error_t *e = rd_kafka_seek_partitions(s->rk, s->pending, timeout);
    rd_kafka_resp_err_t err = e ? rd_kafka_error_code(e) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (e)
        rd_kafka_error_destroy(e);
    for (int i = 0; i < s->pending->cnt; i++) {
        struct kafka_track *t = track_at(s, s->pending, i);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            err = s->pending->elems[i].err;
        t->reading = true;
        s->n_reading++;
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)(int32_t)err,
                         "can not go back to the group's offsets: %s", rd_kafka_err2str(err));
    pending_done(s);
    kafka_rebalance_watch(s);
    return WEIR_OK;
}

int kafka_rebalance_assign(struct kafka_source *s)
{
    struct kafka_answer a;
    if (s->rebalance != KAFKA_ASSIGNING || !kafka_lookup_take(s->lookup, &a))
        return WEIR_OK;
    int r = WEIR_OK;
    bool again = !s->rewound && may_rejoin(s, &a.group);
    if (again) {
        r = rejoin(s, a.group.foreign);
    } else {
        r = tracks_open(s, s->pending);
        if (r == WEIR_OK)
            r = cluster_check(s, a.cluster);
        if (r == WEIR_OK)
            r = kafka_start_choose(s, &a, s->pending);
        s->others = a.group.others;
    }
    kafka_lookup_answer_free(&a);
    if (again)
        return r;
    if (r == WEIR_OK && s->rewound)
        return rewind_seek(s);
    if (r != WEIR_OK)
        return r;
    for (int i = 0; i < s->pending->cnt; i++) {
        struct kafka_track *t = track_at(s, s->pending, i);
        if (!t || t->reading)
            continue;
        /* Forwarded before it is assigned: librdkafka then leaves the queue where it is. */
        t->queue = rd_kafka_queue_get_partition(s->rk, t->topic->name, t->partition);
        if (!t->queue)
            return weir_fail(s->ctx, WEIR_RETRY, 0, "%s/%" PRId32 " has no queue", t->topic->name,
                             t->partition);
        rd_kafka_queue_forward(t->queue, s->data);
        t->reading = true;
        s->n_reading++;
    }
    s->joined = true;
    r = answer(s, s->pending, true);
    weir_logf(s->ctx, WEIR_LOG_INFO, "group %s: %d partitions assigned, %u held", s->group, s->pending->cnt,
              s->n_reading);
    pending_done(s);
    kafka_rebalance_watch(s);
    kafka_source_up(s);
    return r;
}

/* ---- revoke -------------------------------------------------------------------------------------------------- */
static int revoke_end(struct kafka_source *s)
{
    for (int i = 0; i < s->pending->cnt; i++) {
        struct kafka_track *t = track_at(s, s->pending, i);
        if (t)
            track_close(s, t);
    }
    int r = answer(s, s->pending, false);
    pending_done(s);
    kafka_rebalance_watch(s);
    return r;
}

static int revoke_begin(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list)
{
    bool lost = rd_kafka_assignment_lost(s->rk) != 0;
    uint32_t n = 0;
    const struct weir_shard **shards = grow(s, NULL, ((size_t)list->cnt + 1) * sizeof *shards);
    if (s->rebalance == KAFKA_ASSIGNING)
        kafka_lookup_forget(s->lookup);
    pending_done(s);
    s->pending = rd_kafka_topic_partition_list_copy(list);
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_track *t = track_at(s, list, i);
        if (!t || !t->shard)
            continue;
        if (t->reading)
            s->n_reading--;
        t->reading = t->skip = false;
        shards[n++] = t->shard;
    }
    kafka_fetch_drop(s);
    weir_logf(s->ctx, WEIR_LOG_INFO, "group %s: %d partitions %s, %u held", s->group, list->cnt,
              lost ? "lost" : "revoked", s->n_reading);
    int r = WEIR_OK;
    s->lost = lost;
    s->rebalance = KAFKA_REVOKING;
    if (n > 0)
        r = s->ctx->host->shard_revoke(s->ctx, shards, n, lost ? 0 : (uint32_t)s->drain_ms);
    grow(s, shards, 0);
    return n > 0 || r != WEIR_OK ? r : revoke_end(s);
}

/* ---- rewind -------------------------------------------------------------------------------------------------- */
int kafka_rebalance_rewind(struct kafka_source *s)
{
    uint32_t n = 0;
    if (s->rebalance != KAFKA_STEADY)
        return WEIR_AGAIN;
    if (s->n_reading == 0)
        return WEIR_OK;
    const struct weir_shard **shards = grow(s, NULL, s->n_reading * sizeof *shards);
    s->pending = rd_kafka_topic_partition_list_new((int)s->n_reading);
    for (size_t i = 0; i < s->n_topics; i++)
        for (int32_t p = 0; p < s->topics[i]->n_parts; p++) {
            struct kafka_track *t = s->topics[i]->parts[p];
            if (!t || !t->reading)
                continue;
            (void)rd_kafka_topic_partition_list_add(s->pending, s->topics[i]->name, p);
            t->reading = t->skip = false;
            shards[n++] = t->shard;
        }
    s->n_reading = 0;
    kafka_fetch_drop(s);
    s->rebalance = KAFKA_REWINDING;
    int r = s->ctx->host->shard_revoke(s->ctx, shards, n, 0);
    grow(s, shards, 0);
    return r;
}

static int rewind_end(struct kafka_source *s)
{
    for (int i = 0; i < s->pending->cnt; i++)
        track_at(s, s->pending, i)->shard = NULL; /* opened again with the answer */
    s->rebalance = KAFKA_ASSIGNING;
    s->rewound = true;
    kafka_lookup_ask(s->lookup, s->pending);
    return WEIR_OK;
}

int kafka_rebalance_revoked(struct kafka_source *s, const struct weir_position *p, uint32_t n,
                            uint32_t stride)
{
    if (s->rebalance == KAFKA_REWINDING)
        return rewind_end(s);
    if (s->rebalance != KAFKA_REVOKING)
        return WEIR_OK;
    if (!s->lost && !rd_kafka_assignment_lost(s->rk)) {
        kafka_commit_note(s, p, n, stride);
        kafka_commit_wait(s);
    }
    return revoke_end(s);
}

/* ---- events -------------------------------------------------------------------------------------------------- */
int kafka_rebalance_event(struct kafka_source *s, rd_kafka_event_t *ev)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(ev);
    s->ctx->host->count(s->ctx, KAFKA_METRIC_REBALANCES, 1);
    switch (rd_kafka_event_error(ev)) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        return assign_begin(s, list);
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        return revoke_begin(s, list);
    default:
        weir_logf(s->ctx, WEIR_LOG_WARNING, "group %s: rebalance failed: %s", s->group,
                  rd_kafka_event_error_string(ev));
        (void)rd_kafka_assign(s->rk, NULL);
        return WEIR_OK;
    }
}

void kafka_rebalance_close(struct kafka_source *s, rd_kafka_event_t *ev)
{
    bool assign = rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(ev);
    if (!cooperative(s))
        (void)rd_kafka_assign(s->rk, NULL);
    else if (!assign)
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(s->rk, list));
}

/* ---- repairs ------------------------------------------------------------------------------------------------- */
static int64_t repair_mark(struct kafka_source *s, const struct kafka_track *t, int64_t which)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, t->topic->name, t->partition);
    p->offset = which;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(s->rk, list, REBALANCE_ASK_MS);
    int64_t at = err == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[0].err == RD_KAFKA_RESP_ERR_NO_ERROR
                     ? list->elems[0].offset
                     : KAFKA_NO_OFFSET;
    rd_kafka_topic_partition_list_destroy(list);
    return at;
}

/* Assigns anew at t->next: the one partition, or with the eager protocol, which knows no other way, all of them. */
static int repair_assign(struct kafka_source *s, struct kafka_track *t)
{
    bool one = cooperative(s);
    int r = WEIR_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->n_reading + 1);
    for (size_t i = 0; i < s->n_topics; i++)
        for (int32_t p = 0; p < s->topics[i]->n_parts; p++) {
            const struct kafka_track *other = s->topics[i]->parts[p];
            if (other && other->reading && (!one || other == t))
                rd_kafka_topic_partition_list_add(list, s->topics[i]->name, p)->offset = other->next;
        }
    if (one)
        r = answer(s, list, false);
    if (r == WEIR_OK)
        r = answer(s, list, true);
    rd_kafka_topic_partition_list_destroy(list);
    return r;
}

int kafka_rebalance_gap(struct kafka_source *s, struct kafka_track *t, int64_t at)
{
    if (s->rebalance != KAFKA_STEADY)
        return WEIR_OK; /* it will be assigned anew anyway */
    int64_t low = repair_mark(s, t, RD_KAFKA_OFFSET_BEGINNING), high = repair_mark(s, t, RD_KAFKA_OFFSET_END);
    if (low < 0 || high < 0)
        return weir_fail(s->ctx, WEIR_FATAL, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
                         "%s/%" PRId32 ": the position %" PRId64
                         " is outside the log, and no broker tells its ends",
                         t->topic->name, t->partition, at);
    t->next = at;
    int r = kafka_start_gap(s, t, at, low, high, &t->next);
    return r == WEIR_OK ? repair_assign(s, t) : r;
}
