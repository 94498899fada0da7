/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - a sink that completes each batch in write, and breaks one rule: compiled with -D and one of these names. */
/* breaks: TWICE complete; NEVER complete; LATE complete; REFUSED complete; INDEX results; DOUBLE results; STATE results;
 * STRANGE status; AFTER borrowed; KEEP borrowed; WRITES immutable; STRLEN bounds; OPTIONS conf; FREES memory; HOARDS memory;
 * LEAKS leak; DESCRIPTOR leak; THREAD threads; STAYS threads; TALKS interrupt; BLOCKS interrupt; SHARES instances;
 * MALLOC allocation; STRDUP allocation; LEVEL calls; CRASH crash; EXIT crash; LONG close; CREATES time */
#include "parts.h"

struct sink {
    struct weir_ctx *ctx;
    struct conf *conf;
    struct weir_batch *kept;
    struct weir_view view; /* of the last batch */
    char *text;
};

#if defined SHARES
static struct sink *one;
#endif

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct sink *s = ctx->host->mem(ctx, NULL, sizeof *s);
    *s = (struct sink){.ctx = ctx, .conf = (struct conf *)(uintptr_t)conf};
    *self = s;
#if defined CREATES
    for (;;)
        (void)poll(NULL, 0, 1000);
#elif defined OPTIONS
    s->conf->count++;
#elif defined LEVEL
    ctx->host->log(ctx, 99, "x", 1);
#elif defined LEAKS
    leaked = malloc(1000);
#elif defined MALLOC
    s->text = (char *)malloc(100);
    s->text[0] = 0;
#elif defined STRDUP
    s->text = strdup("text");
    s->text[0] = 0;
#elif defined HOARDS
    leaked = (char *)ctx->host->mem(ctx, NULL, 10);
#elif defined SHARES
    one = s;
#endif
    return WEIR_OK;
}

static void *stay(void *sink)
{
#if defined THREAD
    struct weir_view view = {.struct_size = sizeof view};
    (void)((struct sink *)sink)
        ->ctx->host->view(((struct sink *)sink)->ctx, ((struct sink *)sink)->kept, &view);
#elif defined STAYS
    for (;;)
        (void)poll(NULL, 0, 1000);
#endif
    return sink;
}

static int sink_open(void *self)
{
    pthread_t thread;
#if defined STAYS
    if (pthread_create(&thread, NULL, stay, self) == 0)
        pthread_detach(thread);
#elif defined DESCRIPTOR
    (void)!dup(1);
#elif defined STRANGE
    return 7;
#endif
    (void)self;
    (void)thread;
    (void)stay;
    return WEIR_OK;
}

/* Looks at each record, and remembers what it must not. */
static void look(struct sink *s, struct weir_batch *batch)
{
    size_t sum = 0;
#if defined KEEP
    for (uint32_t i = 0; s->kept && i < s->view.count; i++)
        sum += weir_record_at(&s->view, i)->value.len;
#endif
    s->kept = batch;
    s->view = (struct weir_view){.struct_size = sizeof s->view};
    (void)s->ctx->host->view(s->ctx, batch, &s->view);
    for (uint32_t i = 0; i < s->view.count; i++) {
        const struct weir_record *r = weir_record_at(&s->view, i);
        sum += r->value.len;
#if defined WRITES
        if (r->value.len)
            *(char *)(uintptr_t)r->value.ptr = 'x';
#elif defined STRLEN
        sum += r->value.ptr ? strlen((const char *)r->value.ptr) : 0;
#endif
    }
    total += sum;
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct sink *s = (struct sink *)self;
    const struct weir_host *host = s->ctx->host;
    struct weir_result bad[2] = {{.index = 0, .status = WEIR_REJECT}, {.index = 0, .status = WEIR_REJECT}};
    (void)bad;
    look(s, batch);
#if defined TWICE
    (void)host->complete(s->ctx, batch, NULL, 0, 0);
#elif defined NEVER || defined LATE
    return WEIR_OK;
#elif defined REFUSED
    (void)host->complete(s->ctx, batch, NULL, 0, 0);
    return WEIR_RETRY;
#elif defined INDEX
    bad[0].index = s->view.count;
    return host->complete(s->ctx, batch, bad, 1, sizeof bad[0]);
#elif defined DOUBLE
    return host->complete(s->ctx, batch, bad, 2, sizeof bad[0]);
#elif defined STATE
    bad[0].status = 5;
    return host->complete(s->ctx, batch, bad, 1, sizeof bad[0]);
#elif defined AFTER
    (void)host->complete(s->ctx, batch, NULL, 0, 0);
    total += weir_record_at(&s->view, 0)->value.len;
    return WEIR_OK;
#elif defined FREES
    free((void *)(uintptr_t)weir_record_at(&s->view, 0)->value.ptr);
#elif defined THREAD
    pthread_t thread;
    if (pthread_create(&thread, NULL, stay, s) == 0)
        pthread_join(thread, NULL);
#elif defined BLOCKS
    for (;;)
        (void)poll(NULL, 0, 1000);
#elif defined SHARES
    return one->ctx->host->complete(one->ctx, batch, NULL, 0, 0);
#elif defined CRASH
    *nowhere = 1;
#elif defined EXIT
    exit(0);
#endif
    return host->complete(s->ctx, batch, NULL, 0, 0);
}

static void sink_interrupt(void *self)
{
    struct sink *s = (struct sink *)self;
#if defined TALKS
    s->ctx->host->wake(s->ctx);
#endif
    (void)s;
}

static void sink_close(void *self)
{
    struct sink *s = (struct sink *)self;
#if defined LONG
    for (;;)
        (void)poll(NULL, 0, 1000);
#endif
    (void)s;
}

static void sink_destroy(void *self)
{
    struct sink *s = (struct sink *)self;
    struct weir_ctx *ctx = s->ctx;
#if defined LATE
    if (s->kept)
        (void)ctx->host->complete(ctx, s->kept, NULL, 0, 0);
#endif
    free(s->text);
    ctx->host->mem(ctx, s, 0);
}

static const struct weir_ops sink = {
    .struct_size = sizeof sink,
    .kind = WEIR_SINK,
    .options = &options,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .interrupt = sink_interrupt,
    .close = sink_close,
    .destroy = sink_destroy,
};
static const struct weir_ops *const all_ops[] = {&sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, NAME, "1",    "a test",
                                          "BSD-2-Clause",   NULL, all_ops};
WEIR_PLUGIN(plugin);
