/* SPDX-License-Identifier: BSD-2-Clause */
/* transform.c - a program changes records: it gets each as a line, and answers with what becomes of it.
 *
 * Home thread of a worker, which waits for the program meanwhile; only interrupt comes from another.  What the program
 * emits is kept until all records of the batch are answered, for it may answer in any order and outputs keep that of
 * their inputs.  A program that fails is started again at once as long as it answers something each time, else the
 * batch is RETRY: so one that dies now and then gets through, and one that always does is waited for. */
#define WEIR_API 1
#include "exec.h"
#include "talk.h"
#include "../common/encode.h"

#include <weir/helpers.h>

#define KEPT_MAX (64u << 20) /* bytes of what a program emits for one batch */
#define NONE     UINT32_MAX

struct transform_conf {
    struct program_conf program;
    int64_t format, batch_end, timeout, max_line;
};

static const struct weir_option rows[] = {
    PROGRAM_ROWS(struct transform_conf),
    WEIR_OPT_ENUM(struct transform_conf, format, "format", 0, "record", encode_formats,
                  "raw: a line is the value; record: a line is the whole record as one JSON object", NULL),
    WEIR_OPT_BOOL(struct transform_conf, batch_end, "batch-end", 0, "no",
                  "Write the line \"end\" after each batch, for a program that gathers records", NULL),
    WEIR_OPT_DURATION(struct transform_conf, timeout, "timeout", 0, "1m", 100, 24 * 3600 * 1000,
                      "A program that answers nothing for so long is killed and started again", NULL),
    WEIR_OPT_SIZE(struct transform_conf, max_line, "max-line", 0, "1M", 1024, KEPT_MAX,
                  "A program that writes a longer line is killed and started again", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct transform_conf, rows);

/* What a program said for a record: an output, or why it failed. */
struct piece {
    size_t at, len;
    uint32_t next;
};

struct fate {
    uint32_t first, last; /* of its pieces; NONE */
    int word;             /* the last answer */
};

struct transform {
    struct weir_ctx *ctx;
    const struct transform_conf *conf;
    struct program program;
    struct talk talk;
    struct fate *fates;
    struct piece *pieces;
    char *kept;
    uint32_t fates_cap, n_pieces, pieces_cap;
    size_t kept_used, kept_cap;
    const char *refused; /* why the record of the last line was not sent */
    /* during process */
    const struct weir_batch *batch;
    const struct weir_view *view;
};

static int transform_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct transform_conf *c = conf;
    return program_check(ctx, &c->program, to);
}

static int transform_probe(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct transform_conf *c = conf;
    return program_probe(ctx, &c->program, to);
}

static int transform_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct transform *t = ctx->host->mem(ctx, NULL, sizeof *t);
    memset(t, 0, sizeof *t);
    t->ctx = ctx;
    t->conf = conf;
    program_init(&t->program, ctx, &t->conf->program);
    talk_init(&t->talk, ctx, &t->program);
    t->talk.words = TALK_OK | TALK_RETRY | TALK_REJECT | TALK_EMIT | TALK_PASS;
    t->talk.end_line = t->conf->batch_end != 0;
    t->talk.timeout = t->conf->timeout;
    t->talk.max_line = (size_t)t->conf->max_line;
    *self = t;
    return WEIR_OK;
}

static int transform_open(void *self)
{
    struct transform *t = self;
    return program_start(&t->program, NULL);
}

/* ---- answers ------------------------------------------------------------------------------------------------- */

static bool keep(struct transform *t, uint32_t i, struct weir_slice text)
{
    struct fate *f = &t->fates[i];
    if (text.len > KEPT_MAX - t->kept_used)
        return false;
    if (t->kept_used + text.len > t->kept_cap) {
        t->kept_cap = 2 * (t->kept_used + text.len);
        t->kept = t->ctx->host->mem(t->ctx, t->kept, t->kept_cap);
    }
    if (t->n_pieces == t->pieces_cap) {
        t->pieces_cap = t->pieces_cap ? 2 * t->pieces_cap : 256;
        t->pieces = t->ctx->host->mem(t->ctx, t->pieces, t->pieces_cap * sizeof *t->pieces);
    }
    if (text.len)
        memcpy(t->kept + t->kept_used, text.ptr, text.len);
    t->pieces[t->n_pieces] = (struct piece){t->kept_used, text.len, NONE};
    if (f->first == NONE)
        f->first = t->n_pieces;
    else
        t->pieces[f->last].next = t->n_pieces;
    f->last = t->n_pieces++;
    t->kept_used += text.len;
    return true;
}

static const char *transform_answer(void *opaque, uint32_t i, int word, struct weir_slice text)
{
    struct transform *t = opaque;
    t->fates[i].word = word;
    if (word & (TALK_OK | TALK_PASS))
        return text.len ? "nothing follows ok or pass" : NULL;
    if (!text.len && word != TALK_EMIT)
        text = weir_str("the program gave no reason");
    if (t->n_pieces < NONE && keep(t, i, text))
        return NULL;
    return "what it emitted for one batch is more than 64 MiB";
}

/* A tombstone is no line of format = raw: it goes by. */
static int transform_line(void *opaque, uint32_t i, struct weir_slice *ret)
{
    struct transform *t = opaque;
    const struct weir_record *rec = weir_record_at(t->view, i);
    const char *why = "the record can't be printed";
    int r;
    t->fates[i] = (struct fate){NONE, NONE, TALK_PASS};
    if (t->conf->format == ENCODE_RAW && !rec->value.ptr)
        return WEIR_AGAIN;
    r = encode_line(t->ctx, t->conf->format, TOMBSTONE_REJECT, t->batch, i, rec, ret, &why);
    if (r != WEIR_REJECT)
        return r;
    t->fates[i].word = TALK_REJECT;
    return keep(t, i, weir_str(why)) ? WEIR_AGAIN : WEIR_RETRY;
}

/* ---- outputs ------------------------------------------------------------------------------------------------- */

static struct weir_slice text_of(const struct transform *t, uint32_t piece)
{
    return (struct weir_slice){t->kept_used ? t->kept + t->pieces[piece].at : "", t->pieces[piece].len};
}

static int reject(struct transform *t, struct weir_emitter *to, uint32_t i, struct weir_slice why)
{
    struct weir_result result;
    char text[512];
    (void)snprintf(text, sizeof text, "%.*s", (int)(why.len < 500 ? why.len : 500), (const char *)why.ptr);
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.why = text;
    return t->ctx->host->reject(to, i, &result);
}

/* The record that a line is, made from input i. */
static int parse(struct transform *t, uint32_t i, uint32_t piece, struct weir_record *ret,
                 const char **ret_why)
{
    *ret_why = NULL;
    if (t->conf->format == ENCODE_RECORD)
        return t->ctx->host->record_parse(t->ctx, text_of(t, piece), ret, sizeof *ret, ret_why);
    *ret = *weir_record_at(t->view, i);
    ret->flags = 0;
    ret->value = text_of(t, piece);
    return WEIR_OK;
}

/* All outputs of an input, or none: one that can not be read fails it. */
static int emit(struct transform *t, struct weir_emitter *to, uint32_t i)
{
    const struct fate *f = &t->fates[i];
    const char *why = NULL;
    struct weir_record rec;
    int r = WEIR_OK;
    for (uint32_t p = f->first; p != NONE && r == WEIR_OK; p = t->pieces[p].next)
        r = parse(t, i, p, &rec, &why);
    if (r != WEIR_OK) {
        char text[400];
        (void)snprintf(text, sizeof text, "what the program emitted is no record object: %.300s",
                       why ? why : "unreadable");
        return reject(t, to, i, weir_str(text));
    }
    for (uint32_t p = f->first; p != NONE && r == WEIR_OK; p = t->pieces[p].next) {
        if (f->first != f->last)
            (void)parse(t, i, p, &rec, &why); /* it went through before */
        r = t->ctx->host->emit_from(to, i, &rec, sizeof rec, NULL);
    }
    if (r == WEIR_OK && f->word == TALK_PASS)
        r = t->ctx->host->pass(to, i, 1);
    return r;
}

/* The first record that is to be tried again makes it so for all: a batch goes on whole. */
static int output(struct transform *t, struct weir_emitter *to, uint32_t n)
{
    int r = WEIR_OK;
    for (uint32_t i = 0; i < n; i++)
        if (t->fates[i].word == TALK_RETRY) {
            struct weir_slice why = text_of(t, t->fates[i].last);
            (void)snprintf(t->talk.why, sizeof t->talk.why, "%.*s", (int)(why.len < 500 ? why.len : 500),
                           (const char *)why.ptr);
            t->ctx->host->health(t->ctx, WEIR_DEGRADED, 0, t->talk.why);
            return weir_fail(t->ctx, WEIR_RETRY, 0, "%s", t->talk.why);
        }
    program_well(&t->program);
    for (uint32_t i = 0; i < n && r == WEIR_OK; i++)
        r = t->fates[i].word == TALK_REJECT ? reject(t, to, i, text_of(t, t->fates[i].last)) : emit(t, to, i);
    return r;
}

/* ---- the batch ----------------------------------------------------------------------------------------------- */

static int transform_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct transform *t = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    struct talk_round round;
    int r = t->ctx->host->view(t->ctx, batch, &view);
    if (r != WEIR_OK)
        return r;
    t->batch = batch;
    t->view = &view;
    t->kept_used = t->n_pieces = 0;
    if (view.count > t->fates_cap) {
        t->fates_cap = view.count;
        t->fates = t->ctx->host->mem(t->ctx, t->fates, t->fates_cap * sizeof *t->fates);
    }
    talk_begin(&t->talk, &round, view.count);
    round.opaque = t;
    round.line = transform_line;
    round.answer = transform_answer;
    do {
        r = talk_exchange(&t->talk, &round);
        if (r == WEIR_RETRY && !t->talk.stale)
            program_trouble(&t->program, t->talk.why);
    } while (r == WEIR_RETRY && !t->talk.stale && round.answered);
    if (r == WEIR_RETRY)
        return weir_fail(t->ctx, WEIR_RETRY, 0, "%s", t->talk.why);
    return r == WEIR_OK ? output(t, to, view.count) : r;
}

static int transform_service(void *self, uint32_t why)
{
    struct transform *t = self;
    if (why & WEIR_WHY_FD)
        talk_idle(&t->talk);
    return WEIR_OK;
}

static void transform_interrupt(void *self)
{
    struct transform *t = self;
    talk_interrupt(&t->talk);
}

static void transform_close(void *self)
{
    struct transform *t = self;
    program_stop(&t->program, PROGRAM_GRACE_MS);
}

static void transform_destroy(void *self)
{
    struct transform *t = self;
    void *all[] = {t->fates, t->pieces, t->kept};
    for (size_t i = 0; i < 3; i++)
        if (all[i])
            t->ctx->host->mem(t->ctx, all[i], 0);
    talk_free(&t->talk);
    program_free(&t->program);
    t->ctx->host->mem(t->ctx, t, 0);
}

static uint32_t transform_promise(const void *conf)
{
    const struct transform_conf *c = conf;
    return c->format == ENCODE_RECORD ? 0 : WEIR_NO_HEADERS;
}

const struct weir_ops exec_transform_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promise = transform_promise,
    .options = &options,
    .check = transform_check,
    .probe = transform_probe,
    .create = transform_create,
    .open = transform_open,
    .process = transform_process,
    .service = transform_service,
    .interrupt = transform_interrupt,
    .close = transform_close,
    .destroy = transform_destroy,
};
