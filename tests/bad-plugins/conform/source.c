/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - a source that counts, and breaks one rule: compiled with -D and one of these names. */
/* breaks: FALLS seq; STANDS seq; STRANGER lanes; OUTSIDE buffer; REUSES buffer; ON again; LOSES again; REPEATS again;
 * PAUSES paused; ENDLESS end; RESTARTS resume; SKIPS resume; WIDE resume; GLOBAL instances; SLOW time; DEAF interrupt;
 * OUTLIVES closed; LEFT memory */
#include "parts.h"

#define RUN 5 /* records of an emit */

struct source {
    struct weir_ctx *ctx;
    const struct conf *conf;
    const struct weir_shard *shard;
    uint64_t next;
    _Atomic int stop; /* by interrupt */
};

#if defined GLOBAL
static uint64_t place;
#endif

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct source *s = ctx->host->mem(ctx, NULL, sizeof *s);
    *s = (struct source){.ctx = ctx, .conf = (const struct conf *)conf};
    *self = s;
    return WEIR_OK;
}

static int source_open(void *self)
{
    struct source *s = (struct source *)self;
    struct weir_shard lane = {.struct_size = sizeof lane, .partition = -1};
    struct weir_position resume = {.struct_size = sizeof resume};
    lane.id = lane.topic = weir_str("counter");
    int r = s->ctx->host->shard_open(s->ctx, &lane, &s->shard, &resume);
#if !defined RESTARTS
    if (r == WEIR_OK && (resume.flags & WEIR_POS_STORED))
        s->next = resume.next;
#endif
#if defined SKIPS
    s->next += s->next ? 1 : 0;
#endif
    return r;
}

/* One buffer for a run: each value is a byte of it. */
static int emit_run(struct source *s, struct weir_emitter *to, uint32_t n, uint32_t *ret_taken)
{
    const struct weir_host *host = s->ctx->host;
    struct weir_record records[RUN];
    void *data;
    struct weir_buf *buf = host->buf_alloc(s->ctx, RUN, &data);
    struct weir_run run = {sizeof run, sizeof records[0], n, 0, records, buf};
    memset(data, 'a', RUN);
    for (uint32_t i = 0; i < n; i++) {
        records[i] = (struct weir_record){.value = {(char *)data + i, 1},
                                          .topic = s->shard->topic,
                                          .shard = s->shard,
                                          .time_ms = WEIR_NO_TIME,
                                          .offset = -1,
                                          .partition = -1,
                                          .seq = s->next + i,
                                          .next = s->next + i + 1};
#if defined FALLS
        records[i].seq = 7, records[i].next = 8;
#elif defined STANDS
        records[i].next = records[i].seq;
#elif defined STRANGER
        static struct weir_shard mine = {.struct_size = sizeof mine, .id = {"mine", 4}};
        records[i].shard = &mine;
        records[i].topic.len = 0;
#elif defined OUTSIDE
        records[i].value = weir_str("elsewhere");
#endif
    }
    int r = host->emit(to, &run, ret_taken);
#if defined REUSES
    memset(data, 'b', RUN);
#endif
#if !defined LEFT
    host->buf_unref(buf);
#endif
    return r;
}

static int source_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll_for)
{
    struct source *s = (struct source *)self;
    uint64_t count = (uint64_t)s->conf->count;
    uint32_t taken = 0;
#if !defined PAUSES
    if (poll_for->flags & WEIR_POLL_PAUSED)
        return WEIR_AGAIN;
#endif
#if defined GLOBAL
    s->next = place;
#endif
#if defined SLOW
    for (;;)
        (void)poll(NULL, 0, 1000);
#endif
    while (s->next < count) {
        uint32_t n = count - s->next < RUN ? (uint32_t)(count - s->next) : RUN;
        int r = emit_run(s, to, n, &taken);
#if defined LOSES
        taken = n;
#elif defined REPEATS
        taken = r == WEIR_AGAIN && taken == n ? 0 : taken; /* taken all, and AGAIN */
#endif
        s->next += taken;
#if defined GLOBAL
        place = s->next;
#endif
#if !defined ON
        if (r != WEIR_OK)
            return r == WEIR_AGAIN ? WEIR_OK : r;
#endif
    }
#if defined ENDLESS
    return WEIR_AGAIN;
#endif
    if (poll_for->flags & WEIR_POLL_TO_END)
        return WEIR_END;
    for (uint32_t ms = 0; ms < poll_for->timeout_ms && !s->stop; ms += 10)
        (void)poll(NULL, 0, 10);
    return WEIR_AGAIN;
}

#if defined WIDE
static int source_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                           size_t *ret_len)
{
    (void)self, (void)shard, (void)next, (void)out;
    *ret_len = cap + 1;
    return WEIR_OK;
}
#endif

static void source_interrupt(void *self)
{
#if !defined DEAF
    ((struct source *)self)->stop = 1;
#endif
    (void)self;
}

#if defined OUTLIVES
static struct weir_ctx *there;
static void *speak(void *unused)
{
    (void)poll(NULL, 0, 100);
    there->host->log(there, WEIR_LOG_INFO, "still here", 10);
    return unused;
}
#endif

static void source_close(void *self)
{
#if defined OUTLIVES
    pthread_t thread;
    there = ((struct source *)self)->ctx;
    if (pthread_create(&thread, NULL, speak, NULL) == 0)
        pthread_detach(thread);
#endif
    (void)self;
}

static void source_destroy(void *self)
{
    struct source *s = (struct source *)self;
    s->ctx->host->mem(s->ctx, s, 0);
}

static const struct weir_ops source = {
    .struct_size = sizeof source,
    .kind = WEIR_SOURCE,
    .promises = WEIR_REPLAYABLE,
    .options = &options,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
#if defined WIDE
    .position = source_position,
#endif
    .interrupt = source_interrupt,
    .close = source_close,
    .destroy = source_destroy,
};
static const struct weir_ops *const all_ops[] = {&source, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, NAME, "1",    "a test",
                                          "BSD-2-Clause",   NULL, all_ops};
WEIR_PLUGIN(plugin);
