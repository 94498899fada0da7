/* SPDX-License-Identifier: BSD-2-Clause */
/* plugin.h - the parts of a plugin that is in order; each bad plugin changes one of them. */
#ifndef WEIR_TESTS_BAD_PLUGIN_H
#define WEIR_TESTS_BAD_PLUGIN_H

#define WEIR_API 1
#include <weir/helpers.h>

struct conf {
    int64_t count;
};

static inline int a_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    (void)conf;
    *self = ctx;
    return WEIR_OK;
}

static inline int an_open(void *self)
{
    (void)self;
    return WEIR_OK;
}

static inline int a_write(void *self, struct weir_batch *b)
{
    struct weir_ctx *ctx = (struct weir_ctx *)self;
    return ctx->host->complete(ctx, b, NULL, 0, 0);
}

static inline int a_poll(void *self, struct weir_emitter *e, const struct weir_poll *p)
{
    (void)self;
    (void)e;
    (void)p;
    return WEIR_END;
}

static inline void an_end(void *self)
{
    (void)self;
}

#define SINK_OPERATIONS                                                                                      \
    .struct_size = sizeof(struct weir_ops), .kind = WEIR_SINK, .create = a_create, .open = an_open,          \
    .write = a_write, .close = an_end, .destroy = an_end
#define SOURCE_OPERATIONS                                                                                    \
    .struct_size = sizeof(struct weir_ops), .kind = WEIR_SOURCE, .create = a_create, .open = an_open,        \
    .poll = a_poll, .close = an_end, .destroy = an_end

#endif
