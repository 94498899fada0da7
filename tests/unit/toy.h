/* SPDX-License-Identifier: BSD-2-Clause */
/* toy.h - a plugin of all three kinds inside a unit test, for what reads tables and promises but moves no record. */
#ifndef WEIR_TESTS_TOY_H
#define WEIR_TESTS_TOY_H

#include "plugin/loader.h"

#include <weir/helpers.h>

struct toy_conf {
    const char *path;
    int64_t port, linger, mode;
    struct weir_list topics;
    struct weir_map passed;
    const struct weir_secret *password;
    const struct weir_expr *when;
};

static const char *const toy_modes[] = {"index", "create", NULL};
static const struct weir_option toy_rows[] = {
    WEIR_OPT_STRING(struct toy_conf, path, "path", WEIR_F_REQUIRED, NULL, "Path of the file",
                    "It may be long.\nTwo."),
    WEIR_OPT_INT(struct toy_conf, port, "port", 0, "9200", 1, 65535, "Port of the server", NULL),
    WEIR_OPT_DURATION(struct toy_conf, linger, "linger", WEIR_F_ADVANCED, "5ms", 0, 1000, "How long to wait",
                      NULL),
    WEIR_OPT_ENUM(struct toy_conf, mode, "mode", 0, "index", toy_modes, "What to \"do\" with it", NULL),
    WEIR_OPT_LIST(struct toy_conf, topics, "topics", 0, NULL, "Topics to read", NULL),
    WEIR_OPT_MAP(struct toy_conf, passed, "lib.", 0, "Passed to the library", NULL),
    WEIR_OPT_SECRET(struct toy_conf, password, "password", 0, "Password of the server", NULL),
};
static const struct weir_option toy_filter_rows[] = {
    WEIR_OPT_EXPR(struct toy_conf, when, "when", WEIR_F_REQUIRED, NULL, "What passes", NULL),
};
static const struct weir_options toy_options = WEIR_OPTIONS(struct toy_conf, toy_rows);
static const struct weir_options toy_filter_options = WEIR_OPTIONS(struct toy_conf, toy_filter_rows);

static const struct weir_error toy_error_rows[] = {
    {"toy_full", NULL, WEIR_ANY_CODE, 0, WEIR_CLASS_RETRY, 0, 10000, WEIR_DEGRADED, 0, "The toy box is full"},
    {"toy_broken", "it fell", 7, 9, 2, WEIR_CLASS_RETRY, 5, 0, 0, 0, "The toy was dropped"},
    {"", NULL, 0, 0, 3, WEIR_CLASS_SPLIT, 0, 0, 0, 0, "Too many toys"},
    {NULL, NULL, 8, 8, 1, WEIR_CLASS_REJECT, 0, 0, WEIR_DENIED, 0, "No toy"},
};
static const char *const toy_where[] = {"box", "shelf", NULL};
static const struct weir_errors toy_errors = {
    sizeof toy_errors, sizeof toy_error_rows[0], 4, 0, toy_error_rows, toy_where, "code", NULL};

static int toy_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct toy_conf *toy = conf;
    if (toy->port == 666)
        weir_problemf(ctx, problems, "port", "no server of %s listens there",
                      ctx->host->instance(ctx)->pipeline);
    if (toy->port == 667)
        weir_problemf(ctx, problems, NULL, "nothing fits");
    return toy->port == 668 ? WEIR_FATAL : WEIR_OK;
}

static int toy_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    (void)ctx;
    (void)conf;
    *self = NULL;
    return WEIR_FATAL; /* nobody runs it */
}

static int toy_open(void *self)
{
    (void)self;
    return WEIR_FATAL;
}

static int toy_poll(void *self, struct weir_emitter *emitter, const struct weir_poll *poll)
{
    (void)self;
    (void)emitter;
    (void)poll;
    return WEIR_FATAL;
}

static int toy_process(void *self, const struct weir_batch *batch, struct weir_emitter *emitter)
{
    (void)self;
    (void)batch;
    (void)emitter;
    return WEIR_FATAL;
}

static int toy_write(void *self, struct weir_batch *batch)
{
    (void)self;
    (void)batch;
    return WEIR_FATAL;
}

static void toy_end(void *self)
{
    (void)self;
}

/* Under mode = create the sink knows repeats, and prints records as a whole. */
static uint32_t toy_promise(const void *conf)
{
    return ((const struct toy_conf *)conf)->mode == 1 ? WEIR_IDEMPOTENT : WEIR_STREAM | WEIR_NO_HEADERS;
}

static const struct weir_ops toy_source = {.struct_size = sizeof toy_source,
                                           .kind = WEIR_SOURCE,
                                           .promises = WEIR_REPLAYABLE,
                                           .options = &toy_options,
                                           .check = toy_check,
                                           .create = toy_create,
                                           .open = toy_open,
                                           .poll = toy_poll,
                                           .close = toy_end,
                                           .destroy = toy_end};
static const struct weir_ops toy_transform = {.struct_size = sizeof toy_transform,
                                              .kind = WEIR_TRANSFORM,
                                              .promises = WEIR_NO_HEADERS,
                                              .options = &toy_filter_options,
                                              .create = toy_create,
                                              .process = toy_process,
                                              .destroy = toy_end};
static const struct weir_ops toy_sink = {.struct_size = sizeof toy_sink,
                                         .kind = WEIR_SINK,
                                         .options = &toy_options,
                                         .promise = toy_promise,
                                         .check = toy_check,
                                         .create = toy_create,
                                         .open = toy_open,
                                         .write = toy_write,
                                         .close = toy_end,
                                         .destroy = toy_end,
                                         .errors = &toy_errors};
static const struct weir_ops *const toy_ops[] = {&toy_source, &toy_transform, &toy_sink, NULL};
static const struct weir_ops *const toy_sink_ops[] = {&toy_sink, NULL};
static const struct weir_plugin toy_plugin = {WEIR_PLUGIN_HEAD, "toy", "1.2",  "A toy of all kinds",
                                              "BSD-2-Clause",   NULL,  toy_ops};
static const struct weir_plugin toy_drain = {WEIR_PLUGIN_HEAD, "drain", "1.2",       "A toy sink",
                                             "BSD-2-Clause",   NULL,    toy_sink_ops};

#endif
