/* SPDX-License-Identifier: BSD-2-Clause */
/* jq.c - a program in jq makes records of each record's value.
 *
 * Home thread only; each instance has a jq_state of its own (program.h).  What a program gives is gathered before any of
 * it is emitted, so that an error behind it leaves nothing of the record. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/source.h"
#include "program.h"

#include <limits.h>
#include <oniguruma.h>
#include <stdbool.h>

#define MOST_LEVELS                                                                                          \
    257 /* of arrays and objects; libjq prints no more, and writes a remark into the JSON instead */

struct jq_conf {
    const char *filter, *file;
    int64_t raw, max_records, max_bytes;
};

static const struct weir_option rows[] = {
    WEIR_OPT_STRING(
        struct jq_conf, filter, "filter", 0, NULL, "The program: each of its outputs is a record",
        "On one line, in double quotes when it has a semicolon or # in it; a double quote inside stays "
        "as it is where the value does not begin with one."),
    WEIR_OPT_STRING(
        struct jq_conf, file, "file", 0, NULL, "File with the program, instead of filter",
        "A path that does not begin with a slash starts where weir was started. The file is read when the "
        "pipeline starts."),
    WEIR_OPT_BOOL(struct jq_conf, raw, "raw", 0, "no",
                  "A string that comes out is the value as text, without quotes", NULL),
    WEIR_OPT_INT(struct jq_conf, max_records, "max-records", 0, "10000", 1, 1000000,
                 "A record that would become more is a record error", NULL),
    WEIR_OPT_SIZE(struct jq_conf, max_bytes, "max-bytes", 0, "16M", 1024, (int64_t)1 << 30,
                  "A record that would become more bytes is a record error", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct jq_conf, rows);

struct out {
    size_t at, len; /* in text */
    bool same;      /* the value as it came, with its bytes */
};

struct transformer {
    struct weir_ctx *ctx;
    const struct jq_conf *conf;
    struct each each;
    struct program program;
    char *source; /* of the file */
    char *text;   /* what came out of the record */
    size_t len, cap;
    struct out *out;
    size_t n_out, room;
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* Compiles the program; false: why says it. */
static bool start(struct transformer *t, char *why, size_t room)
{
    const char *name = t->conf->file, *text = t->conf->filter, *failure;
    size_t n;
    if (name) {
        failure = source_read(t->ctx, name, &t->source, &n);
        if (!failure && strlen(t->source) != n)
            failure = "it has a NUL in it";
        if (failure) {
            (void)snprintf(why, room, "%s: %s", name, failure);
            return false;
        }
        text = t->source;
    }
    if (program_make(&t->program, t->ctx, text, name))
        return true;
    (void)snprintf(why, room, "%s", t->program.why);
    return false;
}

static void init(struct transformer *t, struct weir_ctx *ctx, const struct jq_conf *conf)
{
    memset(t, 0, sizeof *t);
    t->ctx = ctx;
    t->conf = conf;
    each_init(&t->each, ctx);
}

static void finish(struct transformer *t)
{
    void *owned[] = {t->source, t->text, t->out};
    program_free(&t->program);
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (owned[i])
            t->ctx->host->mem(t->ctx, owned[i], 0);
    each_free(&t->each);
}

static int check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct jq_conf *c = conf;
    struct transformer t;
    char why[500];
    if (!c->filter == !c->file) {
        weir_problemf(ctx, problems, NULL, "it needs filter or file, one of them");
        return WEIR_OK;
    }
    init(&t, ctx, c);
    if (!start(&t, why, sizeof why))
        weir_problemf(ctx, problems, c->file ? "file" : "filter", "%s", why);
    finish(&t);
    return WEIR_OK;
}

static int create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct transformer *t = ctx->host->mem(ctx, NULL, sizeof *t);
    char why[500];
    init(t, ctx, conf);
    if (!start(t, why, sizeof why)) {
        finish(t);
        ctx->host->mem(ctx, t, 0);
        return weir_fail(ctx, WEIR_FATAL, 0, "%s", why);
    }
    *self = t;
    return WEIR_OK;
}

static void destroy(void *self)
{
    struct transformer *t = self;
    finish(t);
    t->ctx->host->mem(t->ctx, t, 0);
}

/* ---- what comes out ---------------------------------------------------------------------------------------------- */

/* Takes the value. */
static bool too_deep(jv value, int levels)
{
    bool deep = levels == 0;
    if (jv_get_kind(value) == JV_KIND_ARRAY) {
        for (int i = 0, n = jv_array_length(jv_copy(value)); i < n && !deep; i++)
            deep = too_deep(jv_array_get(jv_copy(value), i), levels - 1);
    } else if (jv_get_kind(value) == JV_KIND_OBJECT) {
        for (int at = jv_object_iter(value); jv_object_iter_valid(value, at) && !deep;
             at = jv_object_iter_next(value, at))
            deep = too_deep(jv_object_iter_value(value, at), levels - 1);
    }
    jv_free(value);
    return deep;
}

static bool add_text(struct transformer *t, const char *bytes, size_t n)
{
    if (n > (size_t)t->conf->max_bytes - t->len)
        return false;
    if (n >= t->cap - t->len) { /* always an address: a value without one is a tombstone */
        t->cap = (t->len + n) * 2 + 1;
        t->text = t->ctx->host->mem(t->ctx, t->text, t->cap);
    }
    if (n)
        memcpy(t->text + t->len, bytes, n);
    t->len += n;
    return true;
}

/* Notes one output, which it takes; NULL, or why it can't be a record. */
static const char *take(struct transformer *t, jv output, jv input)
{
    const bool as_text = t->conf->raw && jv_get_kind(output) == JV_KIND_STRING;
    struct out o = {.at = t->len, .same = !as_text && jv_identical(jv_copy(output), jv_copy(input))};
    const char *why = NULL;
    if (o.same || t->n_out == (size_t)t->conf->max_records) {
        jv_free(output);
        why = o.same ? NULL : "the program gives more records than max-records allows";
    }
    if (!o.same && !why) {
        jv shown = as_text ? output : jv_dump_string(jv_copy(output), 0);
        size_t n = (size_t)jv_string_length_bytes(jv_copy(shown));
        if (!add_text(t, jv_string_value(shown), n))
            why = "the program gives more bytes than max-bytes allows";
        else if (!as_text && memmem(t->text + o.at, n, "<s", 2) && too_deep(jv_copy(output), MOST_LEVELS))
            why = "the program gives a value with more than 257 levels";
        jv_free(shown);
        if (!as_text)
            jv_free(output);
    }
    o.len = t->len - o.at;
    if (t->n_out == t->room) {
        t->room = t->room ? t->room * 2 : 4;
        t->out = t->ctx->host->mem(t->ctx, t->out, t->room * sizeof *t->out);
    }
    t->out[t->n_out++] = o;
    return why;
}

/* Why the program failed, from what jq_next gave at the end, which it takes; WEIR_OK: it did not. */
static int ending(struct transformer *t, struct each *e, jv last)
{
    int r = WEIR_OK;
    if (jv_invalid_has_msg(jv_copy(last))) {
        jv message = jv_invalid_get_msg(last);
        if (jv_get_kind(message) != JV_KIND_STRING)
            message = jv_dump_string(message, 0);
        const char *text = jv_string_value(message), *shown = strstr(text, " (while parsing '");
        r = each_reject(e, "jq", "%.*s", shown ? (int)(shown - text) : (int)strlen(text), text);
        jv_free(message);
        return r;
    }
    jv_free(last);
    return jq_halted(t->program.jq) ? each_reject(e, "jq", "the program called halt") : WEIR_OK;
}

/* Runs the program on the value, which it takes. */
static int run(struct transformer *t, struct each *e, jv value)
{
    jq_state *jq = t->program.jq;
    const char *why = NULL;
    jq_start(jq, program_input(&t->program, e->record, jv_copy(value)), 0);
    jv output = jq_next(jq);
    for (; jv_is_valid(output); output = jq_next(jq)) {
        why = take(t, output, value);
        if (why)
            break;
    }
    int r = why ? each_reject(e, "jq", "%s", why) : ending(t, e, output);
    jq_start(jq, jv_null(), 0); /* what the program had in hand goes now, not with the next record */
    jv_free(value);
    return r;
}

static int run_one(void *self, struct each *e)
{
    struct transformer *t = self;
    uint32_t type;
    int r = each_json_check(e, &type);
    t->len = t->n_out = 0;
    if (r != WEIR_OK)
        return r;
    if (e->record->value.len > INT_MAX / 4)
        return each_reject(e, "jq", "the value is too long for jq");
    jv value = jv_parse_sized(e->record->value.ptr, (int)e->record->value.len);
    if (!jv_is_valid(value))
        return ending(t, e, value);
    r = run(t, e, value);
    if (r != WEIR_OK)
        return r;
    if (t->n_out == 0)
        return EACH_DROP;
    if (t->n_out == 1 && t->out[0].same)
        return WEIR_OK;
    for (size_t i = 0; i < t->n_out && (r == WEIR_OK || r == EACH_DONE); i++) {
        struct weir_record made = *e->record;
        if (!t->out[i].same)
            made.value = (struct weir_slice){t->text + t->out[i].at, t->out[i].len};
        made.flags = t->out[i].same ? WEIR_REC_SHARES_PARENT : 0;
        r = each_emit(e, &made);
    }
    return r;
}

static int process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct transformer *t = self;
    return each_run(&t->each, batch, to, WEIR_WANT_VALUE, run_one, t);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .options = &options,
    .check = check,
    .create = create,
    .process = process,
    .destroy = destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};

/* Oniguruma sets itself up when it is first used, which two workers could do at the same time. */
static int set_up(void)
{
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings, 1);
}

static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "jq", "0.1.0", "Makes records by a program in jq", "BSD-2-Clause", set_up, ops};
WEIR_PLUGIN(plugin);
