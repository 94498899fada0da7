/* SPDX-License-Identifier: 0BSD */
/* my-plugin.c - a source of weir: counts, one record for each number, and goes on where it was stopped.
 *
 * weir-plugin(7) is the contract.  A source says where its lanes resume and emits records in order; which of them are
 * delivered, and when a position may be stored, is the host's to know.  An instance lives on one thread. */
#define WEIR_API 1 /* loads in every weir of level 1 and later, which is all of them */
#include <weir/helpers.h>

#include <inttypes.h>

/* What an operator may set.  weir parses and checks it by these rows, and makes help, manual page, schema and sample
 * of them: weir plugins my-plugin. */
struct conf {
    int64_t count;
    const char *text;
};
static const struct weir_option rows[] = {
    WEIR_OPT_INT(struct conf, count, "count", 0, "10", 1, 1000000000, "How many records there are", NULL),
    WEIR_OPT_STRING(struct conf, text, "text", 0, "record", "What stands before the number", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);

struct source {
    struct weir_ctx *ctx;
    const struct conf *conf;
    const struct weir_shard *shard; /* the host's */
    uint64_t next;                  /* number of the next record */
};

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct source *s = ctx->host->mem(ctx, NULL, sizeof *s);
    *s = (struct source){.ctx = ctx, .conf = conf};
    *self = s;
    return WEIR_OK;
}

/* Opens the lanes: here one, which resumes where the host says, else at the beginning.  Its id must be the same after
 * a restart, for id and seq together are what a record is known by. */
static int source_open(void *self)
{
    struct source *s = self;
    struct weir_shard lane = {.struct_size = sizeof lane, .partition = -1};
    struct weir_position resume = {.struct_size = sizeof resume};
    lane.id = lane.topic = weir_str("my-plugin");
    int r = s->ctx->host->shard_open(s->ctx, &lane, &s->shard, &resume);
    if (r == WEIR_OK && (resume.flags & WEIR_POS_STORED))
        s->next = resume.next;
    if (r == WEIR_OK)
        s->ctx->host->shard_end(s->ctx, s->shard, (uint64_t)s->conf->count); /* for lag and progress */
    return r;
}

/* One record; AGAIN: the host's batch is full. */
static int source_emit(struct source *s, struct weir_emitter *to, uint32_t *ret_taken)
{
    char text[256];
    struct weir_record record = {.shard = s->shard, .topic = s->shard->topic, .partition = -1};
    struct weir_run run = {
        .struct_size = sizeof run, .stride = sizeof record, .count = 1, .records = &record};
    (void)snprintf(text, sizeof text, "%.200s %" PRIu64, s->conf->text, s->next);
    record.value = weir_str(text); /* run.owner is NULL: the host copies */
    record.time_ms = s->ctx->host->wall_ms(s->ctx);
    record.offset = (int64_t)s->next;
    record.seq = s->next;
    record.next = s->next + 1; /* once this record is final, the lane resumes there */
    return s->ctx->host->emit(to, &run, ret_taken);
}

/* Emits what there is.  A source that has to wait blocks no longer than poll->timeout_ms, and not after interrupt. */
static int source_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll)
{
    struct source *s = self;
    if (poll->flags & WEIR_POLL_PAUSED) /* the sinks are behind; a session would be kept alive here */
        return WEIR_AGAIN;
    for (uint32_t n = 0; n < poll->max_records && s->next < (uint64_t)s->conf->count; n++) {
        uint32_t taken = 0;
        int r = source_emit(s, to, &taken);
        s->next += taken; /* AGAIN comes with the last one that fitted, or with none */
        if (r != WEIR_OK)
            return r == WEIR_AGAIN ? WEIR_OK : r;
    }
    return s->next < (uint64_t)s->conf->count ? WEIR_OK : WEIR_END;
}

static void source_close(void *self)
{
    (void)self; /* there is no connection to end */
}

static void source_destroy(void *self)
{
    struct source *s = self;
    s->ctx->host->mem(s->ctx, s, 0);
}

/* REPLAYABLE: it can resume at any position it gave. */
static const struct weir_ops source = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SOURCE,
    .promises = WEIR_REPLAYABLE,
    .options = &options,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
    .close = source_close,
    .destroy = source_destroy,
};
static const struct weir_ops *const ops[] = {&source, NULL};
/* Name (that of the file), version, a line about it, license. */
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "my-plugin", "0.1.0", "Counts from 0",
                                          "0BSD",           NULL,        ops};
WEIR_PLUGIN(plugin);
