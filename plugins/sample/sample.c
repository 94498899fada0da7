/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.c - keeps one record of so many.
 *
 * Home thread only.  Which ones follows from what a record is known by, or from its key, and from nothing else: what is
 * read again after a crash, or by another worker, is chosen again. */
#define WEIR_API 1
#include <weir/helpers.h>

#include "../common/table.h"

struct sample_conf {
    const struct weir_template *key;
    int64_t rate;
};

static const struct weir_option rows[] = {
    WEIR_OPT_INT(struct sample_conf, rate, "rate", WEIR_F_REQUIRED, NULL, 1, 1000000000,
                 "Keeps one of so many records, on the average", NULL),
    WEIR_OPT_TEMPLATE(struct sample_conf, key, "key", WEIR_F_FIELD, NULL,
                      "Keeps one of so many keys, with all their records; without it one of so many records",
                      NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct sample_conf, rows);

struct sample {
    struct weir_ctx *ctx;
    const struct sample_conf *conf;
};

static int sample_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct sample *s = ctx->host->mem(ctx, NULL, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    *self = s;
    return WEIR_OK;
}

static int reject(struct sample *s, struct weir_emitter *to, uint32_t i, const char *why)
{
    struct weir_result result;
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.type = "key";
    result.why = why;
    return s->ctx->host->reject(to, i, &result);
}

/* A number that is the record's, or its key's, in every run. */
static int number_of(struct sample *s, const struct weir_batch *batch, const struct weir_record *rec,
                     uint32_t i, uint64_t *ret, const char **ret_why)
{
    struct weir_slice key = {&rec->seq, sizeof rec->seq};
    uint64_t lane = 0;
    if (s->conf->key) {
        int r = s->ctx->host->render(s->ctx, s->conf->key, batch, i, &key, ret_why);
        if (r != WEIR_OK)
            return r;
    } else {
        lane = table_hash(0, rec->shard->id);
    }
    *ret = table_hash(lane, key);
    return WEIR_OK;
}

static int sample_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct sample *s = self;
    struct weir_view view = {.struct_size = sizeof view};
    int r = s->ctx->host->view(s->ctx, batch, &view);
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++) {
        const char *why = NULL;
        uint64_t number;
        r = number_of(s, batch, weir_record_at(&view, i), i, &number, &why);
        if (r == WEIR_REJECT)
            r = reject(s, to, i, why);
        else if (r == WEIR_OK && number % (uint64_t)s->conf->rate == 0)
            r = s->ctx->host->pass(to, i, 1);
    }
    return r;
}

static void sample_destroy(void *self)
{
    struct sample *s = self;
    s->ctx->host->mem(s->ctx, s, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .create = sample_create,
    .process = sample_process,
    .destroy = sample_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "sample", "0.1.0", "Keeps one record of so many",
                                          "BSD-2-Clause",   NULL,     ops};
WEIR_PLUGIN(plugin);
