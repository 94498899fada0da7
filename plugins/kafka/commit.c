/* SPDX-License-Identifier: BSD-2-Clause */
/* commit.c - stores what the host says is final in the group.
 *
 * Home thread.  One commit is on its way at a time, the newest positions win, a failed one is repeated a
 * second later: weir has its own copy, so the group's may lag. */
#include "source.h"

void kafka_commit_note(struct kafka_source *s, const struct weir_position *p, uint32_t n, uint32_t stride)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct weir_position *at = (const void *)((const char *)p + (size_t)i * stride);
        struct kafka_track *t = kafka_track_of(s, at->shard);
        if (t && (int64_t)at->next > t->commit_want)
            t->commit_want = (int64_t)at->next;
    }
}

/* What was noted and not sent; NULL: nothing. */
static rd_kafka_topic_partition_list_t *commit_list(struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    for (size_t i = 0; i < s->n_topics; i++)
        for (int32_t p = 0; p < s->topics[i]->n_parts; p++) {
            struct kafka_track *t = s->topics[i]->parts[p];
            if (!t || !t->shard || t->commit_want == t->commit_sent)
                continue;
            if (!list)
                list = rd_kafka_topic_partition_list_new(16);
            rd_kafka_topic_partition_list_add(list, s->topics[i]->name, p)->offset = t->commit_want;
            t->commit_sent = t->commit_want;
        }
    return list;
}

static void commit_failed(struct kafka_source *s, const char *why)
{
    s->ctx->host->count(s->ctx, KAFKA_METRIC_COMMIT_ERRORS, 1);
    s->commit_again_ms = s->ctx->host->mono_ms(s->ctx) + KAFKA_COMMIT_AGAIN_MS;
    weir_logf(s->ctx, WEIR_LOG_WARNING,
              "group %s: a commit failed: %s; weir has a copy of its own, and the group's is tried again",
              s->group, why);
}

void kafka_commit_send(struct kafka_source *s)
{
    if (s->commit_out)
        return;
    s->commit_again_ms = 0;
    rd_kafka_topic_partition_list_t *list = commit_list(s);
    if (!list)
        return;
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(s->rk, list, s->events, NULL, NULL);
    s->commit_out = err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!s->commit_out)
        commit_failed(s, rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
}

/* The outcome, from an event: partitions that failed are sent again with the next commit. */
static void commit_result(struct kafka_source *s, rd_kafka_event_t *ev)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(ev);
    rd_kafka_resp_err_t err = rd_kafka_event_error(ev), first = err;
    if (err == RD_KAFKA_RESP_ERR__NO_OFFSET)
        return;
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *e = &list->elems[i];
        struct kafka_track *t = kafka_track_find(s, e->topic, e->partition, false);
        rd_kafka_resp_err_t one = err != RD_KAFKA_RESP_ERR_NO_ERROR ? err : e->err;
        if (one == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        first = one;
        if (t)
            t->commit_sent = KAFKA_NO_OFFSET;
    }
    if (first != RD_KAFKA_RESP_ERR_NO_ERROR)
        commit_failed(s, rd_kafka_err2str(first));
    else if (!s->healthy)
        kafka_source_up(s);
}

void kafka_commit_event(struct kafka_source *s, rd_kafka_event_t *ev)
{
    s->commit_out = false;
    commit_result(s, ev);
    if (s->commit_again_ms == 0)
        kafka_commit_send(s); /* what came meanwhile */
}

void kafka_commit_tick(struct kafka_source *s)
{
    if (s->commit_again_ms != 0 && s->ctx->host->mono_ms(s->ctx) >= s->commit_again_ms)
        kafka_commit_send(s);
}

void kafka_commit_wait(struct kafka_source *s)
{
    rd_kafka_topic_partition_list_t *list = commit_list(s);
    if (!list)
        return;
    rd_kafka_queue_t *q = rd_kafka_queue_new(s->rk);
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(s->rk, list, q, NULL, NULL);
    rd_kafka_event_t *ev = err == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_queue_poll(q, KAFKA_COMMIT_MS) : NULL;
    if (ev)
        commit_result(s, ev);
    else
        commit_failed(s, err == RD_KAFKA_RESP_ERR_NO_ERROR ? "no answer in time" : rd_kafka_err2str(err));
    if (ev)
        rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(q);
    rd_kafka_topic_partition_list_destroy(list);
}
