/* SPDX-License-Identifier: BSD-2-Clause */
/* merge.c - several records become one: so many, or those of a time, that have a key in common.
 *
 * Home thread only.  The host holds the records of an open group, and calls when its time is over (common/groups.c). */
#define WEIR_API 1
#include <weir/helpers.h>

#include "../common/groups.h"

#include <stdbool.h>

enum { AS_ARRAY, AS_LINES };
static const char *const kinds[] = {"array", "lines", NULL};

struct merge_conf {
    const struct weir_template *key;
    int64_t as, count, timeout, max_bytes;
};

static const struct weir_option rows[] = {
    WEIR_OPT_TEMPLATE(struct merge_conf, key, "key", WEIR_F_FIELD, NULL,
                      "Records with the same text of it become one; without it those of a file or partition",
                      "Those of two files or partitions never become one."),
    WEIR_OPT_INT(struct merge_conf, count, "count", 0, "100", 2, 10000, "Most records that become one", NULL),
    WEIR_OPT_DURATION(struct merge_conf, timeout, "timeout", 0, "1s", 10, 30000,
                      "Longest time that the first of them waits for others", NULL),
    WEIR_OPT_SIZE(struct merge_conf, max_bytes, "max-bytes", 0, "1M", 1024, 64 << 20,
                  "Most bytes of their values, unless one record alone has more", NULL),
    WEIR_OPT_ENUM(struct merge_conf, as, "as", 0, "array", kinds,
                  "array: a JSON array of their values; lines: their values, with a line feed between them",
                  NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct merge_conf, rows);

struct merge {
    struct weir_ctx *ctx;
    const struct merge_conf *conf;
    struct groups groups;
};

static int merge_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct merge *m = ctx->host->mem(ctx, NULL, sizeof *m);
    m->ctx = ctx;
    m->conf = conf;
    groups_init(&m->groups, ctx);
    if (m->conf->as == AS_ARRAY) {
        m->groups.before = weir_str("[");
        m->groups.behind = weir_str("]");
    }
    m->groups.between = weir_str(m->conf->as == AS_ARRAY ? "," : "\n");
    *self = m;
    return WEIR_OK;
}

static int reject(struct merge *m, struct weir_emitter *to, uint32_t i, const char *why)
{
    struct weir_result result;
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.why = why;
    return m->ctx->host->reject(to, i, &result);
}

/* An array of one is an array; a line of one is the record itself. */
static int close_group(struct merge *m, struct group *g, struct weir_emitter *to)
{
    return groups_close(&m->groups, g, to, m->conf->as == AS_ARRAY);
}

/* Takes record i into its group, and ends that when it is full. */
static int gather(struct merge *m, const struct weir_record *rec, struct weir_slice key,
                  struct weir_emitter *to, uint32_t i)
{
    struct group *g = groups_at(&m->groups, rec->shard, key);
    int r = WEIR_OK;
    if (g->records && g->bytes + rec->value.len > (uint64_t)m->conf->max_bytes) {
        r = close_group(m, g, to);
        g = groups_at(&m->groups, rec->shard, key);
    }
    if (!g->records)
        g->until = m->ctx->host->mono_ms(m->ctx) + m->conf->timeout;
    if (r == WEIR_OK)
        r = groups_hold(&m->groups, g, to, i, rec->value.len, g->until);
    if (r == WEIR_OK && g->records == (uint64_t)m->conf->count)
        r = close_group(m, g, to);
    return r;
}

/* A tombstone has nothing to give: it goes on alone, behind what was before it. */
static int pass_tombstone(struct merge *m, const struct weir_record *rec, struct weir_slice key,
                          struct weir_emitter *to, uint32_t i)
{
    struct group *g = groups_find(&m->groups, rec->shard, key);
    int r = g ? close_group(m, g, to) : WEIR_OK;
    return r == WEIR_OK ? m->ctx->host->pass(to, i, 1) : r;
}

static int merge_one(struct merge *m, const struct weir_batch *batch, const struct weir_record *rec,
                     struct weir_emitter *to, uint32_t i)
{
    const struct weir_host *host = m->ctx->host;
    struct weir_slice key = {NULL, 0};
    uint32_t type, lines;
    const char *why = NULL;
    int r = WEIR_OK;
    if (rec->value.ptr && m->conf->as == AS_ARRAY)
        r = host->json_check(m->ctx, batch, i, &type, &lines, &why);
    if (r == WEIR_OK && m->conf->key)
        r = host->render(m->ctx, m->conf->key, batch, i, &key, &why);
    if (r == WEIR_REJECT)
        return reject(m, to, i, why);
    if (r != WEIR_OK)
        return r;
    return rec->value.ptr ? gather(m, rec, key, to, i) : pass_tombstone(m, rec, key, to, i);
}

static int merge_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct merge *m = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    int r = m->ctx->host->view(m->ctx, batch, &view);
    for (uint32_t i = 0; i < view.count && r == WEIR_OK; i++)
        r = merge_one(m, batch, weir_record_at(&view, i), to, i);
    return r == WEIR_OK ? WEIR_OK : WEIR_FATAL;
}

static int merge_release(void *self, struct weir_emitter *to, struct weir_batch *group, void *opaque,
                         uint32_t why)
{
    (void)group;
    (void)why;
    return close_group(self, opaque, to);
}

static void merge_destroy(void *self)
{
    struct merge *m = self;
    groups_free(&m->groups);
    m->ctx->host->mem(m->ctx, m, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_HOLDS | WEIR_NO_HEADERS,
    .options = &options,
    .create = merge_create,
    .process = merge_process,
    .destroy = merge_destroy,
    .release = merge_release,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "merge", "0.1.0", "Makes one record of several",
                                          "BSD-2-Clause",   NULL,    ops};
WEIR_PLUGIN(plugin);
