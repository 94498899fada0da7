/* SPDX-License-Identifier: BSD-2-Clause */
/* sink.c - a program delivers: it gets records as lines and answers each.
 *
 * A thread of its own (WEIR_BLOCKS); only interrupt comes from another.  A batch is with the program at a time, all
 * its records at once.  What it did not answer before it failed is RETRY: waits and tries are the host's. */
#define WEIR_API 1
#include "exec.h"
#include "talk.h"
#include "../common/encode.h"

#include <weir/helpers.h>

#define ANSWER_MAX (64u << 10) /* bytes of an answer, reason included */

struct sink_conf {
    struct program_conf program;
    int64_t format, tombstone, batch_end, timeout;
};

static const struct weir_option rows[] = {
    PROGRAM_ROWS(struct sink_conf),
    WEIR_OPT_ENUM(struct sink_conf, format, "format", 0, "record", encode_formats,
                  "raw: the value as a line; record: the whole record as one JSON object", NULL),
    WEIR_OPT_ENUM(struct sink_conf, tombstone, "tombstone", 0, "reject", encode_tombstones,
                  "What format = raw does with a record without value", NULL),
    WEIR_OPT_BOOL(struct sink_conf, batch_end, "batch-end", 0, "no",
                  "Write the line \"end\" after each batch, for a program that gathers records", NULL),
    WEIR_OPT_DURATION(struct sink_conf, timeout, "timeout", 0, "1m", 100, 24 * 3600 * 1000,
                      "A program that answers nothing for so long is killed and started again", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct sink_conf, rows);

struct sink {
    struct weir_ctx *ctx;
    const struct sink_conf *conf;
    struct program program;
    struct talk talk;
    struct rejects results;
    uint32_t retries; /* answers of the batch that were `retry` */
    /* during a write */
    const struct weir_batch *batch;
    const struct weir_view *view;
};

static int sink_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct sink_conf *c = conf;
    return program_check(ctx, &c->program, to);
}

static int sink_probe(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct sink_conf *c = conf;
    return program_probe(ctx, &c->program, to);
}

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct sink *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    program_init(&s->program, ctx, &s->conf->program);
    talk_init(&s->talk, ctx, &s->program);
    s->talk.words = TALK_OK | TALK_RETRY | TALK_REJECT;
    s->talk.end_line = s->conf->batch_end != 0;
    s->talk.timeout = s->conf->timeout;
    s->talk.max_line = ANSWER_MAX;
    rejects_init(&s->results, ctx);
    *self = s;
    return WEIR_OK;
}

static int sink_open(void *self)
{
    struct sink *s = self;
    return program_start(&s->program, NULL);
}

static void add_result(struct sink *s, uint32_t i, int32_t status, const char *why)
{
    rejects_add(&s->results, i, why);
    s->results.list[s->results.n - 1].status = status;
}

static int sink_line(void *opaque, uint32_t i, struct weir_slice *ret)
{
    struct sink *s = opaque;
    const char *why = "the record can't be printed";
    int r = encode_line(s->ctx, s->conf->format, s->conf->tombstone, s->batch, i, weir_record_at(s->view, i),
                        ret, &why);
    if (r != WEIR_REJECT)
        return r;
    add_result(s, i, WEIR_REJECT, why);
    return WEIR_AGAIN;
}

static const char *sink_answer(void *opaque, uint32_t i, int word, struct weir_slice text)
{
    struct sink *s = opaque;
    char why[512];
    if (word == TALK_OK)
        return text.len ? "nothing follows ok" : NULL;
    if (!text.len)
        text = weir_str("the program gave no reason");
    (void)snprintf(why, sizeof why, "%.*s", (int)(text.len < 500 ? text.len : 500), (const char *)text.ptr);
    s->retries += word == TALK_RETRY;
    add_result(s, i, word == TALK_RETRY ? WEIR_RETRY : WEIR_REJECT, why);
    return NULL;
}

/* What its answers say of the program, or of what is behind it. */
static void sink_health(struct sink *s, int status, uint32_t n)
{
    if (status == WEIR_RETRY && !s->talk.stale)
        program_trouble(&s->program, s->talk.why);
    else if (status == WEIR_OK && s->retries && s->retries == n)
        s->ctx->host->health(s->ctx, WEIR_DEGRADED, 0, s->results.list[s->results.n - 1].why);
    else if (status == WEIR_OK)
        program_well(&s->program);
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct sink *s = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    struct talk_round round;
    int r = s->ctx->host->view(s->ctx, batch, &view);
    if (r != WEIR_OK)
        return r;
    rejects_clear(&s->results);
    s->retries = 0;
    s->batch = batch;
    s->view = &view;
    talk_begin(&s->talk, &round, view.count);
    round.opaque = s;
    round.line = sink_line;
    round.answer = sink_answer;
    r = talk_exchange(&s->talk, &round);
    if (r != WEIR_OK && r != WEIR_RETRY)
        return r;
    sink_health(s, r, view.count);
    for (uint32_t i = 0; r != WEIR_OK && i < view.count; i++)
        if (round.open[i])
            add_result(s, i, WEIR_RETRY, s->talk.why);
    return s->ctx->host->complete(s->ctx, batch, s->results.list, s->results.n, sizeof s->results.list[0]);
}

static int sink_service(void *self, uint32_t why)
{
    struct sink *s = self;
    if (why & WEIR_WHY_FD)
        talk_idle(&s->talk);
    return WEIR_OK;
}

static void sink_interrupt(void *self)
{
    struct sink *s = self;
    talk_interrupt(&s->talk);
}

static void sink_close(void *self)
{
    struct sink *s = self;
    program_stop(&s->program, PROGRAM_GRACE_MS);
}

static void sink_destroy(void *self)
{
    struct sink *s = self;
    rejects_free(&s->results);
    talk_free(&s->talk);
    program_free(&s->program);
    s->ctx->host->mem(s->ctx, s, 0);
}

static uint32_t sink_promise(const void *conf)
{
    const struct sink_conf *c = conf;
    return c->format == ENCODE_RECORD ? WEIR_BLOCKS : WEIR_BLOCKS | WEIR_NO_HEADERS;
}

const struct weir_ops exec_sink_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SINK,
    .promises = WEIR_BLOCKS,
    .promise = sink_promise,
    .options = &options,
    .check = sink_check,
    .probe = sink_probe,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .service = sink_service,
    .interrupt = sink_interrupt,
    .close = sink_close,
    .destroy = sink_destroy,
};
