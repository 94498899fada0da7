/* SPDX-License-Identifier: BSD-2-Clause */
/* rogue.c - a source, a transform and a sink that break the contract on demand: `does` says how, `in` where. */
/* It loads, so weir refuses nothing; the tests of faults run it. */
#define WEIR_API 1
#include <weir/helpers.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NOTHING,
    CRASH,
    ABORT,
    RECURSE,
    HANG,
    NEVER,
    TWICE,
    FOREIGN,
    MORE,
    NONSENSE,
    LATE,
    THREAD,
    LEAK,
    SLOW,
    SPAWN,
    HOLD
};
static const char *const deeds[] = {"nothing", "crash",   "abort", "recurse",  "hang", "never",
                                    "twice",   "foreign", "more",  "nonsense", "late", "thread",
                                    "leak",    "slow",    "spawn", "hold",     NULL};

struct conf {
    const char *in, *path, *poison;
    int64_t does, after, count, at_once;
};

static const struct weir_option rows[] = {
    WEIR_OPT_ENUM(struct conf, does, "does", 0, "nothing", deeds, "What goes wrong", NULL),
    WEIR_OPT_STRING(struct conf, in, "in", 0, "", "The callback it goes wrong in", NULL),
    WEIR_OPT_INT(struct conf, after, "after", 0, "0", 0, 1 << 30, "Calls of it that go well before", NULL),
    WEIR_OPT_STRING(struct conf, path, "path", 0, NULL, "The sink appends values there, a line each", NULL),
    WEIR_OPT_STRING(struct conf, poison, "poison", 0, NULL, "A value that transform and sink crash at", NULL),
    WEIR_OPT_INT(struct conf, at_once, "at-once", 0, "1000000000", 1, 1 << 30, "Records of one poll", NULL),
    WEIR_OPT_INT(struct conf, count, "count", 0, "100", 0, 1 << 30, "Records of the source", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);

struct rogue {
    struct weir_ctx *ctx;
    const struct conf *conf;
    const struct weir_shard *shard, *lost; /* of lost it can not tell where it is */
    struct weir_batch *kept;
    int64_t calls, next;
};

#define LEAK_BYTES ((size_t)512 << 20)
static volatile int *volatile nowhere;

/* Crashes at the record it can not stand. */
static void look_for_poison(const struct rogue *r, const struct weir_view *view)
{
    for (uint32_t i = 0; r->conf->poison && i < view->count; i++) {
        struct weir_slice value = weir_record_at(view, i)->value;
        if (value.len == strlen(r->conf->poison) && memcmp(value.ptr, r->conf->poison, value.len) == 0)
            *nowhere = 1;
    }
}

static int deeper(volatile char *above)
{
    volatile char here[4096];
    here[0] = above ? above[0] : 1;
    if (here[0] == 2) /* it never is */
        return 0;
    return deeper(here) + here[0];
}

static void *of_its_own(void *arg)
{
    (void)arg;
    *nowhere = 1;
    return NULL;
}

/* Whether it goes wrong here and now; what never returns does so in here. */
static int wrong(struct rogue *r, const char *callback)
{
    pthread_t thread;
    if (strcmp(callback, r->conf->in) != 0 || r->calls++ < r->conf->after)
        return NOTHING;
    switch (r->conf->does) {
    case CRASH:
        *nowhere = 1;
        break;
    case ABORT:
        abort();
    case RECURSE:
        return deeper(NULL);
    case THREAD:
        if (!pthread_create(&thread, NULL, of_its_own, NULL))
            pthread_join(thread, NULL);
        break;
    case HANG:
        for (;;)
            pause();
    case LEAK:
        memset(malloc(LEAK_BYTES), 1, LEAK_BYTES);
        break;
    case SLOW:
        (void)poll(NULL, 0, 1000);
        break;
    case SPAWN: /* a program that has whatever descriptors stand open here */
        (void)!system("sleep 20 >/dev/null 2>&1 &");
        *nowhere = 1;
        break;
    default:
        break;
    }
    return (int)r->conf->does;
}

static int rogue_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct rogue *r = calloc(1, sizeof *r);
    if (!r)
        return WEIR_FATAL;
    r->ctx = ctx;
    r->conf = conf;
    *self = r;
    if (wrong(r, "create") != NONSENSE)
        return WEIR_OK;
    free(r);
    return 77;
}

static int rogue_open(void *self)
{
    return wrong(self, "open") == NONSENSE ? 77 : WEIR_OK;
}

/* The batch that was kept back is completed after close has ended: by destroy. */
static void rogue_close(void *self)
{
    (void)wrong(self, "close");
}

static void rogue_destroy(void *self)
{
    struct rogue *r = self;
    if (wrong(r, "destroy") == LATE || (r->conf->does == LATE && r->kept))
        (void)r->ctx->host->complete(r->ctx, r->kept, NULL, 0, sizeof(struct weir_result));
    free(r);
}

/* ---- source ---- */
static int rogue_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll)
{
    struct rogue *r = self;
    struct weir_host const *host = r->ctx->host;
    uint32_t taken;
    if (wrong(r, "poll") == NONSENSE)
        return 77;
    if (!r->shard) {
        struct weir_shard shard = {.struct_size = sizeof shard, .id = {"0", 1}, .topic = {"rogue", 5}};
        struct weir_position at = {.struct_size = sizeof at};
        if (host->shard_open(r->ctx, &shard, &r->shard, &at) != WEIR_OK)
            return WEIR_FATAL;
        r->next = (int64_t)at.next;
        shard.id = weir_str("1");
        if (!strcmp(r->conf->in, "position") && host->shard_open(r->ctx, &shard, &r->lost, &at) != WEIR_OK)
            return WEIR_FATAL;
    }
    int64_t until = r->next + r->conf->at_once;
    for (; r->next < r->conf->count && r->next < until && !(poll->flags & WEIR_POLL_PAUSED); r->next++) {
        char text[32];
        struct weir_record rec = {.shard = r->shard,
                                  .topic = r->shard->topic,
                                  .time_ms = WEIR_NO_TIME,
                                  .offset = r->next,
                                  .seq = (uint64_t)r->next,
                                  .next = (uint64_t)r->next + 1};
        struct weir_run run = {.struct_size = sizeof run, .stride = sizeof rec, .count = 1, .records = &rec};
        (void)snprintf(text, sizeof text, "%lld", (long long)r->next);
        rec.value = weir_str(text);
        if (host->emit(to, &run, &taken) < 0)
            return WEIR_FATAL;
        if (!taken)
            return WEIR_OK;
        rec.shard = r->lost;
        if (r->lost && host->emit(to, &run, &taken) < 0)
            return WEIR_FATAL;
    }
    return poll->flags & WEIR_POLL_TO_END && r->next >= r->conf->count ? WEIR_END : WEIR_AGAIN;
}

static int rogue_committed(void *self, const struct weir_position *p, uint32_t n, uint32_t stride,
                           uint32_t final)
{
    (void)p;
    (void)n;
    (void)stride;
    (void) final;
    (void)wrong(self, "committed");
    return WEIR_OK;
}

static int rogue_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                          size_t *ret_len)
{
    const struct rogue *r = self;
    (void)next;
    (void)out;
    (void)cap;
    *ret_len = 0;
    return shard == r->lost ? WEIR_RETRY : WEIR_OK;
}

/* ---- transform ---- */
static int rogue_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct rogue *r = self;
    struct weir_view view = {.struct_size = sizeof view};
    if (r->ctx->host->view(r->ctx, batch, &view) != WEIR_OK)
        return WEIR_FATAL;
    look_for_poison(r, &view);
    switch (wrong(r, "process")) {
    case NONSENSE:
        return 77;
    case MORE: /* inputs there are not */
        return r->ctx->host->pass(to, 0, view.count + 1000);
    default:
        return r->ctx->host->pass(to, 0, view.count);
    }
}

/* ---- sink ---- */
static void append(const struct rogue *r, const struct weir_view *view)
{
    FILE *to = r->conf->path ? fopen(r->conf->path, "a") : NULL;
    if (to)
        (void)fputc('\n', to); /* whoever wrote before may have been killed in the middle of a line */
    for (uint32_t i = 0; to && i < view->count; i++) {
        struct weir_slice value = weir_record_at(view, i)->value;
        (void)fwrite(value.ptr, 1, value.len, to);
        (void)fputc('\n', to);
    }
    if (to)
        (void)fclose(to);
}

static int rogue_write(void *self, struct weir_batch *batch)
{
    struct rogue *r = self;
    const struct weir_host *host = r->ctx->host;
    struct weir_result results[64] = {{.index = 1u << 30, .status = WEIR_OK}};
    struct weir_view view = {.struct_size = sizeof view};
    if (host->view(r->ctx, batch, &view) != WEIR_OK)
        return WEIR_FATAL;
    look_for_poison(r, &view);
    if (r->conf->does == HOLD && r->kept)
        return WEIR_AGAIN;
    switch (wrong(r, "write")) {
    case NONSENSE:
        return 77;
    case HOLD: /* until flush */
        append(r, &view);
        r->kept = batch;
        return WEIR_OK;
    case NEVER:
    case LATE:
        r->kept = batch;
        weir_logf(r->ctx, WEIR_LOG_NOTICE, "keeps a batch for itself");
        return WEIR_OK;
    case TWICE:
        (void)host->complete(r->ctx, batch, NULL, 0, sizeof results[0]);
        break;
    case FOREIGN:
        return host->complete(r->ctx, batch, results, 1, sizeof results[0]);
    case MORE:
        return host->complete(r->ctx, batch, results, 1u << 31, 1);
    default:
        break;
    }
    append(r, &view);
    return host->complete(r->ctx, batch, NULL, 0, sizeof results[0]);
}

static int rogue_flush(void *self)
{
    struct rogue *r = self;
    struct weir_batch *batch = r->kept;
    if (r->conf->does != HOLD || !batch)
        return WEIR_OK;
    r->kept = NULL;
    return r->ctx->host->complete(r->ctx, batch, NULL, 0, sizeof(struct weir_result));
}

static int rogue_service(void *self, uint32_t why)
{
    (void)why;
    (void)wrong(self, "service");
    return WEIR_OK;
}

#define COMMON                                                                                               \
    .struct_size = sizeof(struct weir_ops), .options = &options, .create = rogue_create, .open = rogue_open, \
    .close = rogue_close, .destroy = rogue_destroy
static const struct weir_ops source = {COMMON,
                                       .kind = WEIR_SOURCE,
                                       .promises = WEIR_REPLAYABLE,
                                       .poll = rogue_poll,
                                       .position = rogue_position,
                                       .committed = rogue_committed};
static const struct weir_ops transform = {COMMON, .kind = WEIR_TRANSFORM, .process = rogue_process};
static const struct weir_ops sink = {COMMON,
                                     .kind = WEIR_SINK,
                                     .promises = WEIR_STREAM,
                                     .write = rogue_write,
                                     .service = rogue_service,
                                     .flush = rogue_flush};
static const struct weir_ops *const all_ops[] = {&source, &transform, &sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "rogue", "1",    "breaks the contract on demand",
                                          "BSD-2-Clause",   NULL,    all_ops};
WEIR_PLUGIN(plugin);
