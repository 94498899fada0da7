/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup.c - asks the brokers for committed offsets and ends of logs, on a thread of its own.
 *
 * The calls of librdkafka for that block, and before 2.3.0 some of them could hang, so the home thread never makes
 * them.  The lock guards all fields of struct kafka_lookup but those set at its start. */
#include "source.h"

#include <errno.h>
#include <time.h>

#define LOOKUP_TIMEOUT_MS 5000
#define LOOKUP_KICK_MS    100
#define LOOKUP_RETRY_MS   500
#define LOOKUP_PATIENCE   5 /* attempts before partitions without a leader are left unknown */
#define LOOKUP_JOIN_S     6

struct kafka_lookup {
    struct weir_ctx *ctx;
    rd_kafka_t *rk;
    const char *group;
    const struct weir_list *topics;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool stop, answered;
    unsigned question; /* changes with each ask and forget */
    unsigned attempts;
    int64_t next_try_ms, next_ends_ms;
    rd_kafka_topic_partition_list_t *asked, *watched, *kicked, *ends;
    struct kafka_answer answer;
};

static int64_t lookup_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void list_free(rd_kafka_topic_partition_list_t *list)
{
    if (list)
        rd_kafka_topic_partition_list_destroy(list);
}

void kafka_lookup_answer_free(struct kafka_answer *a)
{
    list_free(a->committed);
    list_free(a->low);
    list_free(a->high);
    list_free(a->group.foreign);
    memset(a, 0, sizeof *a);
}

/* ---- questions, without the lock ----------------------------------------------------------------------------- */
static void list_fill(rd_kafka_topic_partition_list_t *list, int64_t offset)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = offset;
}

static rd_kafka_resp_err_t list_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return list->elems[i].err;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Offsets by the special times of the protocol: RD_KAFKA_OFFSET_BEGINNING, RD_KAFKA_OFFSET_END.  One request per
 * broker, however many partitions. */
static rd_kafka_topic_partition_list_t *lookup_marks(struct kafka_lookup *l,
                                                     const rd_kafka_topic_partition_list_t *parts,
                                                     int64_t which, int timeout_ms,
                                                     rd_kafka_resp_err_t *ret_err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(parts);
    list_fill(list, which);
    *ret_err =
        list->cnt > 0 ? rd_kafka_offsets_for_times(l->rk, list, timeout_ms) : RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < list->cnt; i++)
        if (*ret_err != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR ||
            list->elems[i].offset < 0)
            list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
    if (*ret_err == RD_KAFKA_RESP_ERR_NO_ERROR)
        *ret_err = list_error(list);
    return list;
}

static rd_kafka_resp_err_t lookup_all(struct kafka_lookup *l, const rd_kafka_topic_partition_list_t *parts,
                                      unsigned attempt, struct kafka_answer *a)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR, low, high;
    a->committed = rd_kafka_topic_partition_list_copy(parts);
    list_fill(a->committed, RD_KAFKA_OFFSET_INVALID);
    if (parts->cnt > 0)
        err = rd_kafka_committed(l->rk, a->committed, LOOKUP_TIMEOUT_MS);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        err = list_error(a->committed);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err;
    a->low = lookup_marks(l, parts, RD_KAFKA_OFFSET_BEGINNING, LOOKUP_TIMEOUT_MS, &low);
    a->high = lookup_marks(l, parts, RD_KAFKA_OFFSET_END, LOOKUP_TIMEOUT_MS, &high);
    /* One partition without a leader must not hold the others for ever. */
    if (attempt < LOOKUP_PATIENCE &&
        (low != RD_KAFKA_RESP_ERR_NO_ERROR || high != RD_KAFKA_RESP_ERR_NO_ERROR))
        return low != RD_KAFKA_RESP_ERR_NO_ERROR ? low : high;
    kafka_group_look(l->rk, l->group, l->topics, &a->group);
    char *cluster = rd_kafka_clusterid(l->rk, 1000);
    if (cluster) {
        (void)snprintf(a->cluster, sizeof a->cluster, "%s", cluster);
        rd_kafka_mem_free(l->rk, cluster);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- the thread ---------------------------------------------------------------------------------------------- */
static void lookup_answer(struct kafka_lookup *l)
{
    unsigned question = l->question, attempt = ++l->attempts;
    struct kafka_answer a = {0};
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_copy(l->asked);
    (void)pthread_mutex_unlock(&l->lock);
    rd_kafka_resp_err_t err = lookup_all(l, parts, attempt, &a);
    rd_kafka_topic_partition_list_destroy(parts);
    (void)pthread_mutex_lock(&l->lock);
    if (l->stop || question != l->question) {
        kafka_lookup_answer_free(&a);
        return;
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        char text[256];
        (void)snprintf(text, sizeof text, "can not look up the positions of the assigned partitions: %s",
                       rd_kafka_err2str(err));
        kafka_lookup_answer_free(&a);
        l->next_try_ms = lookup_now() + LOOKUP_RETRY_MS;
        kafka_error_tell(l->ctx, err, text);
        return;
    }
    l->answer = a;
    l->answered = true;
    l->ctx->host->wake(l->ctx);
}

static void lookup_kicks(struct kafka_lookup *l)
{
    rd_kafka_resp_err_t err;
    rd_kafka_topic_partition_list_t *parts = l->kicked;
    l->kicked = NULL;
    (void)pthread_mutex_unlock(&l->lock);
    list_free(lookup_marks(l, parts, RD_KAFKA_OFFSET_END, LOOKUP_KICK_MS, &err));
    list_free(parts);
    (void)pthread_mutex_lock(&l->lock);
}

static void lookup_watches(struct kafka_lookup *l)
{
    rd_kafka_resp_err_t err;
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_copy(l->watched);
    (void)pthread_mutex_unlock(&l->lock);
    rd_kafka_topic_partition_list_t *ends =
        lookup_marks(l, parts, RD_KAFKA_OFFSET_END, LOOKUP_TIMEOUT_MS, &err);
    list_free(parts);
    (void)pthread_mutex_lock(&l->lock);
    list_free(l->ends);
    l->ends = ends;
    l->next_ends_ms = lookup_now() + KAFKA_ENDS_MS;
    if (!l->stop)
        l->ctx->host->wake(l->ctx);
}

/* Does the most urgent thing that is due; false: nothing is, and *ret_due says when something will be. */
static bool lookup_step(struct kafka_lookup *l, int64_t *ret_due)
{
    int64_t now = lookup_now(), due = now + 3600 * 1000;
    bool asked = l->asked && !l->answered, watched = l->watched && l->watched->cnt > 0;
    if (asked && l->next_try_ms <= now) {
        lookup_answer(l);
        return true;
    }
    if (l->kicked) {
        lookup_kicks(l);
        return true;
    }
    if (watched && l->next_ends_ms <= now) {
        lookup_watches(l);
        return true;
    }
    if (asked)
        due = l->next_try_ms;
    if (watched && l->next_ends_ms < due)
        due = l->next_ends_ms;
    *ret_due = due;
    return false;
}

static void *lookup_main(void *opaque)
{
    struct kafka_lookup *l = opaque;
    (void)pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        int64_t due;
        if (lookup_step(l, &due))
            continue;
        struct timespec at = {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000};
        (void)pthread_cond_timedwait(&l->cond, &l->lock, &at);
    }
    (void)pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- home thread --------------------------------------------------------------------------------------------- */
struct kafka_lookup *kafka_lookup_start(struct weir_ctx *ctx, rd_kafka_t *rk, const char *group,
                                        const struct weir_list *topics)
{
    pthread_condattr_t attr;
    struct kafka_lookup *l = ctx->host->mem(ctx, NULL, sizeof *l);
    memset(l, 0, sizeof *l);
    l->ctx = ctx;
    l->rk = rk;
    l->group = group;
    l->topics = topics;
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&l->cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&l->thread, NULL, lookup_main, l) == 0)
        return l;
    (void)pthread_cond_destroy(&l->cond);
    (void)pthread_mutex_destroy(&l->lock);
    ctx->host->mem(ctx, l, 0);
    return NULL;
}

bool kafka_lookup_stop(struct kafka_lookup *l)
{
    struct timespec until;
    (void)pthread_mutex_lock(&l->lock);
    l->stop = true;
    (void)pthread_cond_signal(&l->cond);
    (void)pthread_mutex_unlock(&l->lock);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOKUP_JOIN_S;
    if (pthread_timedjoin_np(l->thread, NULL, &until) != 0) {
        (void)pthread_detach(l->thread);
        return false;
    }
    kafka_lookup_answer_free(&l->answer);
    list_free(l->asked);
    list_free(l->watched);
    list_free(l->kicked);
    list_free(l->ends);
    (void)pthread_cond_destroy(&l->cond);
    (void)pthread_mutex_destroy(&l->lock);
    l->ctx->host->mem(l->ctx, l, 0);
    return true;
}

static void lookup_question(struct kafka_lookup *l, const rd_kafka_topic_partition_list_t *parts)
{
    (void)pthread_mutex_lock(&l->lock);
    l->question++;
    l->attempts = 0;
    l->next_try_ms = 0;
    l->answered = false;
    kafka_lookup_answer_free(&l->answer);
    list_free(l->asked);
    l->asked = parts ? rd_kafka_topic_partition_list_copy(parts) : NULL;
    (void)pthread_cond_signal(&l->cond);
    (void)pthread_mutex_unlock(&l->lock);
}

void kafka_lookup_ask(struct kafka_lookup *l, const rd_kafka_topic_partition_list_t *parts)
{
    lookup_question(l, parts);
}

void kafka_lookup_forget(struct kafka_lookup *l)
{
    lookup_question(l, NULL);
}

bool kafka_lookup_take(struct kafka_lookup *l, struct kafka_answer *ret)
{
    (void)pthread_mutex_lock(&l->lock);
    bool answered = l->answered;
    if (answered) {
        *ret = l->answer;
        memset(&l->answer, 0, sizeof l->answer);
        l->answered = false;
        list_free(l->asked);
        l->asked = NULL;
    }
    (void)pthread_mutex_unlock(&l->lock);
    return answered;
}

void kafka_lookup_watch(struct kafka_lookup *l, rd_kafka_topic_partition_list_t *parts)
{
    (void)pthread_mutex_lock(&l->lock);
    list_free(l->watched);
    l->watched = parts;
    l->next_ends_ms = lookup_now() + KAFKA_ENDS_MS;
    (void)pthread_cond_signal(&l->cond);
    (void)pthread_mutex_unlock(&l->lock);
}

void kafka_lookup_kick(struct kafka_lookup *l, rd_kafka_topic_partition_list_t *parts)
{
    (void)pthread_mutex_lock(&l->lock);
    list_free(l->kicked);
    l->kicked = parts;
    (void)pthread_cond_signal(&l->cond);
    (void)pthread_mutex_unlock(&l->lock);
}

rd_kafka_topic_partition_list_t *kafka_lookup_ends(struct kafka_lookup *l)
{
    (void)pthread_mutex_lock(&l->lock);
    rd_kafka_topic_partition_list_t *ends = l->ends;
    l->ends = NULL;
    (void)pthread_mutex_unlock(&l->lock);
    return ends;
}
