/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_shards.c - how far shards are behind.  Any thread.
 *
 * The lock of the list keeps shards from going while it is walked; no batch of records waits for it.  Shards with the same topic and partition (a file and the one it was rotated to) are one series. */
#include "metrics_values.h"

#include "report/redact.h"

#include <stdlib.h>
#include <string.h>

static uint64_t load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static bool is(const _Atomic bool *flag)
{
    return atomic_load_explicit(flag, memory_order_acquire);
}

/* Positions between what is acknowledged and the end; false: no end is known, or it is not ours any more. */
static bool lag_of(const struct shard *s, uint64_t *ret)
{
    if (is(&s->closed) || !is(&s->has_end))
        return false;
    uint64_t end = load(&s->end), reached = load(&s->reached);
    if (reached > end) /* sources ask for the end now and then only: it is at least where was read to */
        end = reached;
    uint64_t at = is(&s->stored) ? load(&s->watermark) : is(&s->has_begin) ? load(&s->begin) : end;
    *ret = end > at ? end - at : 0;
    return true;
}

double metrics_lag(const struct pipeline *p)
{
    uint64_t sum = 0, lag;
    for (const struct shard *s = ledger_shards(&p->flow.ledger); s; s = s->next)
        if (lag_of(s, &lag))
            sum += lag;
    ledger_shards_done(&p->flow.ledger);
    return (double)sum;
}

double metrics_shards(const struct pipeline *p)
{
    uint64_t n = 0;
    for (const struct shard *s = ledger_shards(&p->flow.ledger); s; s = s->next)
        n += !is(&s->closed);
    ledger_shards_done(&p->flow.ledger);
    return (double)n;
}

struct series {
    const struct shard *of;
    uint64_t lag;
};

static bool same(const struct shard *a, const struct shard *b)
{
    return a->pub.partition == b->pub.partition && a->pub.topic.len == b->pub.topic.len &&
           (!a->pub.topic.len || memcmp(a->pub.topic.ptr, b->pub.topic.ptr, a->pub.topic.len) == 0);
}

static void print_series(const struct metric_row *row, const struct pipeline *p, const struct series *s,
                         struct strbuf *out)
{
    struct strbuf labels = {0}, topic = {0};
    char partition[16] = "";
    metrics_labels(p, &labels);
    if (s->of && s->of->pub.topic.len)
        redact_text(s->of->pub.topic.ptr, s->of->pub.topic.len, &topic);
    if (s->of && s->of->pub.partition >= 0)
        snprintf(partition, sizeof partition, "%d", (int)s->of->pub.partition);
    expo_label_bytes(&labels, "topic", topic.data, topic.len);
    expo_label(&labels, "partition", s->of ? partition : "others");
    expo_sample(out, row->name, &labels, (double)s->lag);
    strbuf_free(&labels);
    strbuf_free(&topic);
}

static void print_pipeline(const struct metric_row *row, const struct pipeline *p, struct strbuf *out)
{
    struct series all[METRICS_SHARDS_MAX], others = {0};
    size_t n = 0, more = 0;
    uint64_t lag;
    for (const struct shard *s = ledger_shards(&p->flow.ledger); s; s = s->next) {
        size_t k = 0;
        if (!lag_of(s, &lag))
            continue;
        while (k < n && !same(all[k].of, s))
            k++;
        if (k == n && n == METRICS_SHARDS_MAX) {
            others.lag += lag;
            more++;
            continue;
        }
        if (k == n)
            all[n++] = (struct series){.of = s};
        all[k].lag += lag;
    }
    for (size_t k = 0; k < n; k++)
        print_series(row, p, &all[k], out);
    if (more)
        print_series(row, p, &others, out);
    ledger_shards_done(&p->flow.ledger);
}

void metrics_shard_lag(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    for (int i = 0; i < m->n; i++)
        print_pipeline(row, m->pipelines[i], out);
}
