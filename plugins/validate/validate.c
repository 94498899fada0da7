/* SPDX-License-Identifier: BSD-2-Clause */
/* validate.c - checks the JSON value against a JSON Schema.
 *
 * Home thread only.  The schema is read and compiled by check, to find its mistakes, and by create.  A value's tree is
 * made anew from its text, which the host has checked; a record that fits passes as it is. */
#define WEIR_API 1
#include "../common/each.h"

#include "judge.h"

#include <errno.h>
#include <stdlib.h>

enum { INVALID_REJECT, INVALID_DROP, INVALID_TAG };
enum { FORMAT_CHECK, FORMAT_IGNORE };
static const char *const invalids[] = {"reject", "drop", "tag", NULL};
static const char *const formats[] = {"check", "ignore", NULL};

struct validate_conf {
    const char *schema, *header;
    int64_t on_invalid, format;
};

static const struct weir_option rows[] = {
    WEIR_OPT_STRING(struct validate_conf, schema, "schema", WEIR_F_REQUIRED, NULL,
                    "File of the JSON Schema; or the schema itself, which begins with a brace",
                    "It is read when the pipeline starts. A keyword that weir does not know is an error."),
    WEIR_OPT_ENUM(struct validate_conf, on_invalid, "on-invalid", 0, "reject", invalids,
                  "What happens to a record that does not fit",
                  "reject: it is a record error, whose reason names the places and the rules, three at most; "
                  "tag: it passes with the reason in the header that header names."),
    WEIR_OPT_STRING(struct validate_conf, header, "header", 0, "invalid",
                    "Header that on-invalid = tag puts the reason into", NULL),
    WEIR_OPT_ENUM(struct validate_conf, format, "format", 0, "check", formats,
                  "Whether the keyword format is a rule, or an annotation that is let be", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct validate_conf, rows);

enum { METRIC_INVALID };
static const struct weir_metric metric_rows[] = {
    {"invalid", WEIR_COUNTER, 0, NULL, "Records that did not fit the schema"},
};
static const struct weir_metrics metrics = WEIR_METRICS(metric_rows);

struct validate {
    struct weir_ctx *ctx;
    const struct validate_conf *conf;
    char *text; /* of the schema, which borrows it */
    struct schema_file *schema;
    struct judge judge;
    struct each each;
};

/* ---- the schema -------------------------------------------------------------------------------------------------- */
/* The file's bytes, from mem; NULL, and *ret_why is a static text or strerror's. */
static char *read_file(struct weir_ctx *ctx, const char *path, size_t *ret_len, const char **ret_why)
{
    char *text = ctx->host->mem(ctx, NULL, SCHEMA_BYTES_MAX + 1);
    FILE *f = fopen(path, "rbe");
    *ret_len = f ? fread(text, 1, SCHEMA_BYTES_MAX + 1, f) : 0;
    bool failed = !f || ferror(f);
    *ret_why = failed ? strerror(errno) : "it is larger than 1 MiB, which no schema may be";
    if (f)
        (void)fclose(f);
    if (!failed && *ret_len <= SCHEMA_BYTES_MAX)
        return text;
    ctx->host->mem(ctx, text, 0);
    return NULL;
}

struct told {
    struct weir_ctx *ctx;
    struct weir_problems *problems; /* NULL: in create, where the first one is kept in why */
    const char *name;
    char why[600];
};

static void tell(void *opaque, unsigned line, unsigned column, const char *text)
{
    struct told *t = opaque;
    if (t->problems)
        weir_problemf(t->ctx, t->problems, "schema", "%s:%u:%u: %s", t->name, line, column, text);
    else if (!t->why[0])
        (void)snprintf(t->why, sizeof t->why, "%s:%u:%u: %s", t->name, line, column, text);
}

/* NULL: it was told. */
static struct schema_file *load(const struct validate_conf *conf, struct told *t, char **ret_text)
{
    const char *why;
    size_t n;
    *ret_text = NULL;
    if (conf->schema[0] == '{') {
        t->name = "schema";
        return schema_compile(t->ctx, weir_str(conf->schema), conf->format == FORMAT_CHECK, tell, t);
    }
    t->name = conf->schema;
    *ret_text = read_file(t->ctx, conf->schema, &n, &why);
    if (*ret_text)
        return schema_compile(t->ctx, (struct weir_slice){*ret_text, n}, conf->format == FORMAT_CHECK, tell,
                              t);
    if (t->problems)
        weir_problemf(t->ctx, t->problems, "schema", "can't read %s: %s", conf->schema, why);
    else
        (void)snprintf(t->why, sizeof t->why, "can't read %s: %s", conf->schema, why);
    return NULL;
}

static int validate_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct validate_conf *c = conf;
    struct told t = {.ctx = ctx, .problems = problems};
    char *text;
    schema_free(load(c, &t, &text));
    if (text)
        ctx->host->mem(ctx, text, 0);
    if (c->on_invalid == INVALID_TAG && !c->header[0])
        weir_problemf(ctx, problems, "header", "on-invalid = tag needs a header's name");
    return WEIR_OK;
}

static uint32_t validate_promise(const void *conf)
{
    const struct validate_conf *c = conf;
    return WEIR_ONE_TO_ONE | (c->on_invalid == INVALID_TAG ? 0 : WEIR_NO_HEADERS);
}

static void validate_destroy(void *self)
{
    struct validate *v = self;
    schema_free(v->schema);
    if (v->text)
        v->ctx->host->mem(v->ctx, v->text, 0);
    each_free(&v->each);
    v->ctx->host->mem(v->ctx, v, 0);
}

static void *record_memory(void *each, size_t n)
{
    return each_alloc(each, n);
}

static int validate_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct validate *v = ctx->host->mem(ctx, NULL, sizeof *v);
    struct told t = {.ctx = ctx};
    memset(v, 0, sizeof *v);
    v->ctx = ctx;
    v->conf = conf;
    each_init(&v->each, ctx);
    v->judge.memory = record_memory;
    v->judge.opaque = &v->each;
    v->schema = load(conf, &t, &v->text);
    if (!v->schema) {
        validate_destroy(v);
        return weir_fail(ctx, WEIR_FATAL, 0, "%s", t.why);
    }
    *self = v;
    return WEIR_OK;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */
static int tag(struct validate *v, struct each *e)
{
    struct weir_record changed = *e->record;
    struct weir_header *headers = each_alloc(e, (changed.n_headers + 1) * sizeof *headers);
    if (changed.n_headers)
        memcpy(headers, changed.headers, changed.n_headers * sizeof *headers);
    headers[changed.n_headers++] =
        (struct weir_header){weir_str(v->conf->header), {v->judge.why, v->judge.len}};
    changed.headers = headers;
    return each_emit(e, &changed);
}

static int validate_record(void *self, struct each *e)
{
    struct validate *v = self;
    struct weir_span span;
    int r = each_json(e, NULL, &span);
    if (r != WEIR_OK)
        return r;
    struct jsontree *value = jsontree_read((struct weir_slice){span.ptr, span.len}, record_memory, e, NULL);
    if (!value)
        return each_reject(e, "json", "the value is not JSON");
    if (judge_value(&v->judge, schema_top(v->schema), value))
        return WEIR_OK;
    if (v->judge.stop)
        return each_reject(e, "schema", "%s", v->judge.stop);
    v->ctx->host->count(v->ctx, METRIC_INVALID, 1);
    switch (v->conf->on_invalid) {
    case INVALID_DROP:
        return EACH_DROP;
    case INVALID_TAG:
        return tag(v, e);
    default:
        return each_reject(e, "schema", "%s", v->judge.why);
    }
}

static int validate_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct validate *v = self;
    uint32_t want = v->conf->on_invalid == INVALID_TAG ? WEIR_WANT_VALUE : 0;
    return each_run(&v->each, batch, to, want, validate_record, v);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE,
    .options = &options,
    .metrics = &metrics,
    .promise = validate_promise,
    .check = validate_check,
    .create = validate_create,
    .process = validate_process,
    .destroy = validate_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "validate", "0.1.0", "Checks values against a JSON Schema", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
