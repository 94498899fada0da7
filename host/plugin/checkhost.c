/* SPDX-License-Identifier: BSD-2-Clause */
/* checkhost.c - a host table without a pipeline (checkhost.h). */
#include "checkhost.h"

#include "../config/subst.h"
#include "../record/json.h"
#include "../record/json_walk.h"
#include "../report/clock.h"
#include "../report/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct weir_problems {
    const struct checkhost *to;
    const struct section_conf *section;
    size_t count;
};

struct check_ctx {
    struct weir_ctx ctx; /* first: what the plugin holds */
    struct weir_instance instance;
    struct weir_problems *problems;
    char who[200];
    bool failed; /* fail() gave a reason already */
};

static struct check_ctx *from_ctx(struct weir_ctx *ctx)
{
    return (struct check_ctx *)ctx;
}

static void on_log(struct weir_ctx *ctx, int level, const char *text, size_t len)
{
    log_text(level, from_ctx(ctx)->who, text, len);
}

static void on_health(struct weir_ctx *ctx, uint32_t state, uint32_t code, const char *why)
{
    if (state != WEIR_UP && why)
        log_line(WEIR_LOG_INFO, from_ctx(ctx)->who, "%s (%u)", why, code);
}

static void on_metric(struct weir_ctx *ctx, uint32_t metric, int64_t value)
{
    (void)ctx;
    (void)metric;
    (void)value;
}

static void on_wake(struct weir_ctx *ctx)
{
    (void)ctx;
}

static int64_t on_mono(struct weir_ctx *ctx)
{
    (void)ctx;
    return clock_mono_ms();
}

static int64_t on_wall(struct weir_ctx *ctx)
{
    (void)ctx;
    return clock_wall_ms();
}

static void *on_mem(struct weir_ctx *ctx, void *old, size_t n)
{
    (void)ctx;
    if (n > 0)
        return xrealloc(old, n);
    free(old);
    return NULL;
}

static int on_secret(struct weir_ctx *ctx, const struct weir_secret *secret,
                     void (*use)(void *opaque, struct weir_slice), void *opaque)
{
    (void)ctx;
    return secret_use(secret, use, opaque);
}

static const struct weir_instance *on_instance(struct weir_ctx *ctx)
{
    return &from_ctx(ctx)->instance;
}

static void report(struct weir_problems *to, const char *option, const char *text)
{
    const struct section_conf *section = to->section;
    int line = to->to->line_of ? to->to->line_of(to->to->opaque, option) : section->line;
    to->count++;
    if (option)
        problem_add(to->to->problems, line, section->title, "%s: %s", option, text);
    else
        problem_add(to->to->problems, line, section->title, "%s", text);
}

static void on_problem(struct weir_problems *to, const char *option, const char *text)
{
    report(to, option, text);
}

static void on_fail(struct weir_ctx *ctx, const struct weir_result *result)
{
    if (result->why)
        report(from_ctx(ctx)->problems, NULL, result->why);
    from_ctx(ctx)->failed = true;
}

static size_t on_json_minify(struct weir_ctx *ctx, void *out, struct weir_slice json)
{
    (void)ctx;
    return json_minify(out, json.ptr, json.len);
}

static size_t on_json_quote(struct weir_ctx *ctx, void *out, struct weir_slice bytes)
{
    (void)ctx;
    return json_utf8_valid(bytes.ptr, bytes.len) ? json_quote(out, bytes.ptr, bytes.len) : SIZE_MAX;
}

static int on_json_walk(struct weir_ctx *ctx, struct weir_slice json,
                        int (*each)(void *opaque, struct weir_slice path, const struct weir_span *),
                        void *opaque)
{
    struct strbuf path = {0};
    struct arena arena = {0};
    (void)ctx;
    int status = json_walk(&arena, &path, json, each, opaque);
    strbuf_free(&path);
    arena_free(&arena);
    return status;
}

static const struct weir_host table = {
    .struct_size = sizeof(struct weir_host),
    .api = WEIR_API_LATEST,
    .version = WEIR_VERSION,
    .log = on_log,
    .health = on_health,
    .count = on_metric,
    .gauge = on_metric,
    .wake = on_wake,
    .mono_ms = on_mono,
    .wall_ms = on_wall,
    .mem = on_mem,
    .secret = on_secret,
    .instance = on_instance,
    .fail = on_fail,
    .problem = on_problem,
    .json_minify = on_json_minify,
    .json_quote = on_json_quote,
    .json_walk = on_json_walk,
};

enum question { CHECK, PAIR, PROBE };

static int ask(struct check_ctx *ctx, const struct pipeline_conf *conf, const struct section_conf *section,
               enum question question)
{
    const struct weir_ops *ops = section->ops;
    const struct weir_around around = {.struct_size = sizeof around,
                                       .source = conf->source.plugin ? conf->source.plugin->info.name : "",
                                       .source_conf = conf->source.conf,
                                       .commit_ms = conf->commit_ms};
    switch (question) {
    case CHECK:
        return ops->check ? ops->check(&ctx->ctx, section->conf, ctx->problems) : WEIR_OK;
    case PAIR:
        return ops->pair ? ops->pair(&ctx->ctx, section->conf, &around, ctx->problems) : WEIR_OK;
    default:
        return ops->probe ? ops->probe(&ctx->ctx, section->conf, ctx->problems) : WEIR_OK;
    }
}

static bool run(const struct checkhost *host, const struct pipeline_conf *conf,
                const struct section_conf *section, enum question question)
{
    static const char *const what[] = {"the plugin's check of its options",
                                       "the plugin's check of its source", "the plugin's live check"};
    struct weir_problems problems = {.to = host, .section = section};
    struct check_ctx ctx = {.ctx = {&table}, .problems = &problems};
    snprintf(ctx.who, sizeof ctx.who, "%s [%s]", conf->name, section->title);
    ctx.instance = (struct weir_instance){.struct_size = sizeof ctx.instance,
                                          .pipeline = conf->name,
                                          .section = section->title,
                                          .reader = "",
                                          .budget = (uint64_t)conf->memory,
                                          .batch_records = (uint32_t)section->batch_records,
                                          .in_flight = (uint32_t)section->in_flight,
                                          .batch_bytes = (uint64_t)section->batch_bytes};
    int status = ask(&ctx, conf, section, question);
    if (status != WEIR_OK && problems.count == 0) {
        char text[128];
        snprintf(text, sizeof text, "%s failed with status %d and gave no reason", what[question], status);
        report(&problems, NULL, text);
    }
    return problems.count == 0;
}

bool checkhost_check(const struct checkhost *host, const struct pipeline_conf *conf,
                     const struct section_conf *section)
{
    return run(host, conf, section, CHECK);
}

bool checkhost_probe(const struct checkhost *host, const struct pipeline_conf *conf,
                     const struct section_conf *section)
{
    return run(host, conf, section, PROBE);
}

bool checkhost_pair(const struct checkhost *host, const struct pipeline_conf *conf,
                    const struct section_conf *section)
{
    return run(host, conf, section, PAIR);
}
