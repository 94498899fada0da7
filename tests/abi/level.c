/* SPDX-License-Identifier: BSD-2-Clause */
/* level.c - a plugin as of a level of the contract: puts a word before each value, "json " or "text ".
 *
 * What it can not know it does without: with a host that lacks json_check every value is "text".  Built by t-abi.sh
 * against each frozen header and against today's, and kept as a binary of each level (vN/level.so), so it needs nothing
 * but the contract and libc.  Under WEIR_API 2 it asks for a function that only the gate's grown header has. */
#ifndef WEIR_API
#define WEIR_API 1
#endif
#include <weir/plugin.h>

#include <stdlib.h>
#include <string.h>

struct conf {
    const char *end;
};
static const struct weir_option rows[] = {{.name = "end",
                                           .type = WEIR_T_STRING,
                                           .offset = WEIR_OFF(struct conf, end, const char *),
                                           .def = "",
                                           .help = "What is put behind each value",
                                           .since = "0.1"}};
static const struct weir_options options = {sizeof options, sizeof rows[0], 1, sizeof(struct conf), rows};
static const struct weir_metric counted[] = {{"texts", WEIR_COUNTER, 0, NULL, "Values that are no JSON"}};
static const struct weir_metrics metrics = {sizeof metrics, sizeof counted[0], 1, 0, counted};

struct level {
    struct weir_ctx *ctx;
    const struct conf *conf;
};

static int level_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct level *l = ctx->host->mem(ctx, NULL, sizeof *l);
    l->ctx = ctx;
    l->conf = conf;
    *self = l;
#if WEIR_API >= 2
    static const char lacks[] = "this host has nothing of level 2";
    if (!WEIR_HAS(ctx, later))
        ctx->host->log(ctx, WEIR_LOG_NOTICE, lacks, sizeof lacks - 1);
#endif
    return WEIR_OK;
}

static const char *kind_of(const struct level *l, const struct weir_batch *batch, uint32_t i)
{
    uint32_t type, multiline;
    const char *why;
    if (!WEIR_HAS(l->ctx, json_check))
        return "text ";
    return l->ctx->host->json_check(l->ctx, batch, i, &type, &multiline, &why) == WEIR_OK ? "json " : "text ";
}

/* The word, the value, the end. */
static int level_emit(const struct level *l, struct weir_emitter *to, uint32_t i, struct weir_record record,
                      const char *word)
{
    size_t n = strlen(word), end = strlen(l->conf->end), all = n + record.value.len + end;
    char *made = malloc(all);
    if (!made)
        return WEIR_RETRY;
    memcpy(made, word, n);
    if (record.value.len > 0)
        memcpy(made + n, record.value.ptr, record.value.len);
    memcpy(made + n + record.value.len, l->conf->end, end);
    record.value.ptr = made;
    record.value.len = all;
    int status = l->ctx->host->emit_from(to, i, &record, sizeof record, NULL);
    free(made);
    return status;
}

static int level_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct level *l = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    int status = l->ctx->host->view(l->ctx, batch, &view);
    for (uint32_t i = 0; status == WEIR_OK && i < view.count; i++) {
        const char *word = kind_of(l, batch, i);
        l->ctx->host->count(l->ctx, 0, word[0] == 't');
        status = level_emit(l, to, i, *weir_record_at(&view, i), word);
    }
    return status;
}

static void level_destroy(void *self)
{
    struct level *l = self;
    l->ctx->host->mem(l->ctx, l, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE,
    .options = &options,
    .metrics = &metrics,
    .create = level_create,
    .process = level_process,
    .destroy = level_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "level", "1", "Says whether a value is JSON",
                                          "BSD-2-Clause",   NULL,    ops};
WEIR_PLUGIN(plugin);
