/* SPDX-License-Identifier: BSD-2-Clause */
/* start.c - where an assigned partition starts: positions of the host, of the group, `start`, and gaps.
 *
 * Home thread. */
#include "source.h"

#include <inttypes.h>

#define START_MARK "started"

void kafka_start_recall(struct kafka_source *s)
{
    struct weir_slice mark = {NULL, 0};
    s->started = s->ctx->host->state_get(s->ctx, weir_str(START_MARK), &mark) == WEIR_OK && mark.ptr;
    s->found = s->found || s->started;
}

static void start_note(struct kafka_source *s)
{
    if (!s->started)
        s->started = s->ctx->host->state_put(s->ctx, weir_str(START_MARK), weir_str("1")) == WEIR_OK;
}

/* The host may store what was put long before it stores positions.  A mark alone would, after a crash in between, have
 * all read that start = latest leaves out. */
void kafka_start_stored(struct kafka_source *s)
{
    if (s->unmarked)
        start_note(s);
    s->unmarked = false;
}

int kafka_start_gap(struct kafka_source *s, const struct kafka_track *t, int64_t at, int64_t low,
                    int64_t high, int64_t *ret)
{
    if (at >= low && at <= high)
        return WEIR_OK;
    char text[512];
    if (at < low)
        (void)snprintf(text, sizeof text,
                       "%s/%" PRId32 ": the position %" PRId64 " is before the start of the log, %" PRId64
                       ": %" PRId64 " offsets were deleted before they were read",
                       t->topic->name, t->partition, at, low, low - at);
    else
        (void)snprintf(text, sizeof text,
                       "%s/%" PRId32 ": the position %" PRId64 " is after the end of the log, %" PRId64
                       ": the log was cut or the topic made anew",
                       t->topic->name, t->partition, at, high);
    if (s->conf->on_gap == KAFKA_GAP_STOP)
        return weir_fail(s->ctx, WEIR_FATAL, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
                         "%s; on-gap = earliest goes on at %" PRId64, text, low);
    weir_logf(s->ctx, WEIR_LOG_WARNING, "%s; going on at %" PRId64 " (on-gap = earliest)", text, low);
    if (at < low)
        s->ctx->host->count(s->ctx, KAFKA_METRIC_GAP_RECORDS, low - at);
    *ret = low;
    return WEIR_OK;
}

/* No position anywhere.  `start` speaks for what is there when a pipeline begins; what comes later is read whole. */
static int start_fresh(struct kafka_source *s, struct kafka_track *t, int64_t low, int64_t high, int64_t *ret)
{
    bool known = low >= 0 && high >= 0;
    if (!s->found && s->conf->start == KAFKA_START_STORED)
        return weir_fail(s->ctx, WEIR_FATAL, 0,
                         "%s/%" PRId32
                         ": neither group %s nor weir has a position, and start = stored; start = "
                         "earliest or latest begins without one",
                         t->topic->name, t->partition, s->group);
    if (!s->found && s->conf->start == KAFKA_START_LATEST) {
        *ret = known ? high : RD_KAFKA_OFFSET_END;
        t->skip = known; /* stored by the first commit: else it would look like one found later */
        return WEIR_OK;
    }
    *ret = known ? low : RD_KAFKA_OFFSET_BEGINNING;
    return WEIR_OK;
}

static int start_one(struct kafka_source *s, struct kafka_track *t, int64_t committed, int64_t low,
                     int64_t high, int64_t *ret)
{
    int64_t at;
    /* The group is ahead of an owned position only by what another member has done since. */
    if (t->pos_flags & WEIR_POS_OWNED)
        at = committed > (int64_t)t->pos_next ? committed : (int64_t)t->pos_next;
    else if (committed >= 0)
        at = committed;
    else if (t->pos_flags & WEIR_POS_STORED)
        at = t->pos_next;
    else
        return start_fresh(s, t, low, high, ret);
    *ret = at;
    if (low < 0 || high < 0)
        return WEIR_OK; /* no leader to ask: the fetch will tell */
    return kafka_start_gap(s, t, at, low, high, ret);
}

/* The group forgot (a long pause), or lost its offsets with the topic, which may have been made anew; librdkafka
 * before 2.4 knows no ids of topics that would tell. */
static void start_say_own(struct kafka_source *s, const struct kafka_answer *a,
                          const rd_kafka_topic_partition_list_t *list)
{
    const struct kafka_track *first = NULL;
    int n = 0;
    for (int i = 0; i < list->cnt; i++) {
        const struct kafka_track *t =
            kafka_track_find(s, list->elems[i].topic, list->elems[i].partition, false);
        if (!t || !t->shard || !(t->pos_flags & WEIR_POS_STORED) || t->pos_next <= 0 ||
            a->committed->elems[i].offset >= 0)
            continue;
        if (n++ == 0)
            first = t;
    }
    if (n > 0)
        weir_logf(s->ctx, WEIR_LOG_NOTICE,
                  "group %s has no position for %d partitions, weir's own are used: %s/%" PRId32
                  " goes on at %" PRId64
                  "; if a topic was deleted and made anew since, what it holds before that is not read",
                  s->group, n, first->topic->name, first->partition, first->pos_next);
}

int kafka_start_choose(struct kafka_source *s, const struct kafka_answer *a,
                       rd_kafka_topic_partition_list_t *list)
{
    bool found = s->found;
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_track *t = kafka_track_find(s, list->elems[i].topic, list->elems[i].partition, false);
        found = found || a->committed->elems[i].offset >= 0 || (t && t->pos_flags & WEIR_POS_STORED);
    }
    s->found = found;
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_track *t = kafka_track_find(s, list->elems[i].topic, list->elems[i].partition, false);
        int64_t low = a->low->elems[i].offset, high = a->high->elems[i].offset, at = 0;
        if (!t || !t->shard)
            continue;
        int r = start_one(s, t, a->committed->elems[i].offset, low, high, &at);
        if (r != WEIR_OK)
            return r;
        list->elems[i].offset = at;
        t->next = at >= 0 ? at : 0;
        if (at >= 0)
            s->ctx->host->shard_begin(s->ctx, t->shard, (uint64_t)at);
        if (high >= 0)
            s->ctx->host->shard_end(s->ctx, t->shard, (uint64_t)high);
        if (t->end == KAFKA_NO_OFFSET && high >= 0)
            t->end = high;
        t->done = t->end != KAFKA_NO_OFFSET && at >= t->end;
        s->skips = s->skips || t->skip;
        weir_logf(s->ctx, WEIR_LOG_DEBUG,
                  "%s/%" PRId32 " starts at %" PRId64 " (group %" PRId64 ", log %" PRId64 " to %" PRId64 ")",
                  t->topic->name, t->partition, at, a->committed->elems[i].offset, low, high);
    }
    start_say_own(s, a, list);
    if (list->cnt > 0)
        s->found = true;
    s->unmarked = s->unmarked || s->skips;
    if (s->found && !s->unmarked)
        start_note(s);
    return WEIR_OK;
}
