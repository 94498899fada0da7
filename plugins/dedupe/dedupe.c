/* SPDX-License-Identifier: BSD-2-Clause */
/* dedupe.c - drops records whose key came before, within a time or a number of keys.
 *
 * Home thread only.  Keys are kept whole, for a hash that two of them share would drop a record for good.  With each is
 * kept which record it was: that one comes again after partitions were given back, or a commit was void, and is then no
 * duplicate of itself.  What is kept is in memory alone, and forgotten at the end. */
#define WEIR_API 1
#include <weir/helpers.h>

#include "../common/table.h"

#include <stdbool.h>

#define KEY_MAX 1024

struct dedupe_conf {
    const struct weir_template *key;
    int64_t within, count;
};

static const struct weir_option rows[] = {
    WEIR_OPT_TEMPLATE(struct dedupe_conf, key, "key", WEIR_F_REQUIRED | WEIR_F_FIELD, NULL,
                      "Records with the same text of it are the same; at most 1 KiB of it", NULL),
    WEIR_OPT_DURATION(struct dedupe_conf, within, "within", 0, "10m", 1000, INT64_C(86400000) * 30,
                      "How long a key is remembered, from the record that is passed on", NULL),
    WEIR_OPT_INT(struct dedupe_conf, count, "count", 0, "100000", 1, 10000000,
                 "Most keys that are remembered; beyond it the oldest is forgotten",
                 "Each takes about 100 bytes and its text, beside memory of the pipeline."),
};
static const struct weir_options options = WEIR_OPTIONS(struct dedupe_conf, rows);

enum { FORGOTTEN };
static const struct weir_metric metric_rows[] = {
    {"forgotten", WEIR_COUNTER, 0, "keys",
     "Keys forgotten before their time, as more came than count allows"}};
static const struct weir_metrics metrics = {sizeof metrics, sizeof metric_rows[0], 1, 0, metric_rows};

struct seen {
    struct entry entry;
    struct seen *newer;
    int64_t until;
    uint64_t lane, seq; /* of the record that was passed on */
    uint64_t call;      /* of process, in which that one passed last */
};

struct dedupe {
    struct weir_ctx *ctx;
    const struct dedupe_conf *conf;
    struct table table;
    uint64_t calls;
    struct seen *oldest, *newest;
};

static int dedupe_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct dedupe *d = ctx->host->mem(ctx, NULL, sizeof *d);
    memset(d, 0, sizeof *d);
    d->ctx = ctx;
    d->conf = conf;
    table_init(&d->table, ctx);
    *self = d;
    return WEIR_OK;
}

static void forget_oldest(struct dedupe *d)
{
    struct seen *s = d->oldest;
    d->oldest = s->newer;
    if (!d->oldest)
        d->newest = NULL;
    table_remove(&d->table, &s->entry);
}

static void remember(struct dedupe *d, struct weir_slice key, uint64_t lane, uint64_t seq, int64_t now)
{
    if (d->table.count == (size_t)d->conf->count) {
        forget_oldest(d);
        d->ctx->host->count(d->ctx, FORGOTTEN, 1);
    }
    struct seen *s = table_add(&d->table, sizeof *s, key);
    s->until = now + d->conf->within;
    s->lane = lane;
    s->seq = seq;
    s->call = d->calls;
    if (d->newest)
        d->newest->newer = s;
    else
        d->oldest = s;
    d->newest = s;
}

static int reject(struct dedupe *d, struct weir_emitter *to, uint32_t i, const char *why)
{
    struct weir_result result;
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.type = "key";
    result.why = why;
    return d->ctx->host->reject(to, i, &result);
}

/* Whether record i came before; *ret_why: it has no key. */
static int look(struct dedupe *d, const struct weir_batch *batch, const struct weir_record *rec, uint32_t i,
                int64_t now, bool *ret_again, const char **ret_why)
{
    struct weir_slice key;
    int r = d->ctx->host->render(d->ctx, d->conf->key, batch, i, &key, ret_why);
    if (r == WEIR_OK && key.len > KEY_MAX) {
        *ret_why = "its key has more than 1 KiB";
        r = WEIR_REJECT;
    }
    if (r != WEIR_OK)
        return r;
    uint64_t lane = table_hash(d->table.seed, rec->shard->id);
    struct seen *s = (struct seen *)(void *)table_find(&d->table, key); /* its first member */
    /* within one call it is not the same record, but another that was made of the same one */
    *ret_again = s && (s->lane != lane || s->seq != rec->seq || s->call == d->calls);
    if (s && !*ret_again)
        s->call = d->calls;
    else if (!s)
        remember(d, key, lane, rec->seq, now);
    return WEIR_OK;
}

/* Passes runs of records that are to stay. */
static int dedupe_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct dedupe *d = self;
    struct weir_view view = {.struct_size = sizeof view};
    int64_t now = d->ctx->host->mono_ms(d->ctx);
    uint32_t first = 0, i;
    d->calls++;
    int r = d->ctx->host->view(d->ctx, batch, &view);
    while (d->oldest && d->oldest->until <= now)
        forget_oldest(d);
    for (i = 0; r == WEIR_OK && i < view.count; i++) {
        const char *why = NULL;
        bool again = false;
        int seen = look(d, batch, weir_record_at(&view, i), i, now, &again, &why);
        if (seen == WEIR_OK && !again)
            continue;
        if (i > first)
            r = d->ctx->host->pass(to, first, i - first);
        if (r == WEIR_OK && seen != WEIR_OK)
            r = seen == WEIR_REJECT ? reject(d, to, i, why) : seen;
        first = i + 1;
    }
    return r == WEIR_OK && i > first ? d->ctx->host->pass(to, first, i - first) : r;
}

static void dedupe_destroy(void *self)
{
    struct dedupe *d = self;
    table_free(&d->table);
    d->ctx->host->mem(d->ctx, d, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .metrics = &metrics,
    .create = dedupe_create,
    .process = dedupe_process,
    .destroy = dedupe_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "dedupe", "0.1.0", "Drops records whose key came before", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
