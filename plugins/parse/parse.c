/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.c - the transform parse: JSON of a text that is the value, or a field of it.
 *
 * Home thread only.  Here stands where the text comes from and where the result goes; formats.c has the formats. */
#define WEIR_API 1
#include "parse.h"

#include "../common/each.h"
#include "beside.h"
#include "syslog.h"

enum { ERROR_REJECT, ERROR_KEEP, ERROR_DROP };
static const char *const on_errors[] = {"reject", "keep", "drop", NULL};

static const struct weir_option rows[] = {
    WEIR_OPT_ENUM(struct parse_conf, format, "format", WEIR_F_REQUIRED, NULL, parse_format_names,
                  "What the text is written in", NULL),
    WEIR_OPT_PATH(
        struct parse_conf, field, "field", 0, NULL,
        "String of the JSON value that is the text, as .log; without it the whole value is the text", NULL),
    WEIR_OPT_PATH(struct parse_conf, into, "into", 0, NULL,
                  "Field of the JSON value that becomes what was read, in place of what stood there",
                  "Without field, what was read becomes the value."),
    WEIR_OPT_PATH(
        struct parse_conf, beside, "beside", 0, ".",
        "Object of the JSON value that gets the members read, in place of its own of the same name",
        "It counts where field is given and into is not.  Members stay in their order, new ones follow."),
    WEIR_OPT_BOOL(struct parse_conf, keep_field, "keep-field", 0, "no", "Whether the text stays too",
                  "Where into is field, what was read stands in its place."),
    WEIR_OPT_ENUM(struct parse_conf, on_error, "on-error", 0, "reject", on_errors,
                  "What happens to a record whose text is not of that format: keep passes it as it is",
                  "The metric failed counts such records.  With keep and drop the first reason is logged."),
    WEIR_OPT_ENUM(struct parse_conf, on_missing, "on-missing", 0, "keep", missings,
                  "What happens to a record whose field is missing or no string: null sets it to null", NULL),
    WEIR_OPT_ENUM(
        struct parse_conf, types, "types", 0, "string", types_names,
        "auto: a text that is a number of JSON, true or false becomes that; string: all stay strings", NULL),
    WEIR_ROW_(struct parse_conf, type_of, struct weir_map, WEIR_T_MAP, 0, "types.", NULL, 0, 0, type_names,
              "Type of that field of the result",
              "A text that is none of that type fails as on-error says; an empty one is null."),
    WEIR_OPT_LIST(struct parse_conf, columns, "columns", 0, NULL,
                  "csv: names of the columns; access: names of what stands behind the agent", NULL),
    WEIR_OPT_STRING(struct parse_conf, delimiter, "delimiter", 0, "comma",
                    "csv: what stands between fields: one character, or comma, semicolon, tab, pipe or space",
                    NULL),
    WEIR_OPT_STRING(
        struct parse_conf, quote, "quote", 0, "double",
        "csv: what stands around a field that holds delimiters: one character, double, single or none", NULL),
    WEIR_OPT_ENUM(struct parse_conf, syslog, "syslog", 0, "auto", syslog_kinds,
                  "syslog: which of the two kinds it is", NULL),
    WEIR_OPT_STRING(struct parse_conf, zone, "zone", 0, "UTC",
                    "syslog: time zone of times that name none: UTC, +02:00, Europe/Berlin", NULL),
    WEIR_OPT_STRING(
        struct parse_conf, pattern, "pattern", 0, NULL,
        "regex, grok: what the text looks like; named groups become fields",
        "A regex of PCRE2, found anywhere in the text unless it begins with ^ and ends with $.  In grok "
        "%{NAME:field:type} stands for what is called NAME, as the field, with a type (int, float, boolean, "
        "string) if one is given."),
    WEIR_OPT_MAP(
        struct parse_conf, patterns, "pattern.", 0,
        "regex, grok: further patterns, tried in this order behind pattern; the first that fits counts",
        NULL),
    WEIR_OPT_MAP(struct parse_conf, defined, "define.", 0, "grok: the regex that %{NAME} stands for",
                 "It may hold other %{NAME}s, and beats one that is there of that name."),
};
static const struct weir_options options = WEIR_OPTIONS(struct parse_conf, rows);

enum { FAILED };
static const struct weir_metric metric_rows[] = {
    {"failed", WEIR_COUNTER, 0, "records", "Records whose text was not of the format"}};
static const struct weir_metrics metrics = {sizeof metrics, sizeof metric_rows[0], 1, 0, metric_rows};

struct parser {
    struct weir_ctx *ctx;
    const struct parse_conf *conf;
    const struct parse_format *format;
    void *state;
    struct types types;
    struct members members;
    struct beside beside;
    struct each each;
    bool told; /* a reason was logged */
};

static int parse_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct parse_conf *c = conf;
    const struct parse_format *format = parse_formats[c->format];
    void *state = NULL;
    if (c->into && !c->field)
        weir_problemf(ctx, problems, "into", "it needs field: without it the result becomes the whole value");
    if (c->keep_field && !c->field)
        weir_problemf(ctx, problems, "keep-field", "it needs field: without it the text is the whole value");
    if (c->columns.count && c->format != FORMAT_CSV && c->format != FORMAT_ACCESS)
        weir_problemf(ctx, problems, "columns", "it is for format = csv and format = access");
    if ((c->pattern || c->patterns.count) && c->format != FORMAT_REGEX && c->format != FORMAT_GROK)
        weir_problemf(ctx, problems, "pattern", "it is for format = regex and format = grok");
    if (c->defined.count && c->format != FORMAT_GROK)
        weir_problemf(ctx, problems, "define.", "it is for format = grok");
    if (format->prepare && format->prepare(ctx, c, problems, &state) && format->release)
        format->release(ctx, state);
    return WEIR_OK;
}

static int parse_failed(struct parser *p, struct each *e)
{
    p->ctx->host->count(p->ctx, FAILED, 1);
    if (p->conf->on_error == ERROR_REJECT)
        return each_reject(e, "parse", "not %s: %s", p->format->name, p->members.why);
    if (!p->told)
        weir_logf(p->ctx, WEIR_LOG_WARNING, "a record is not %s and is %s: %s; further ones are counted only",
                  p->format->name, p->conf->on_error == ERROR_KEEP ? "passed as it is" : "dropped",
                  p->members.why);
    p->told = true;
    return p->conf->on_error == ERROR_KEEP ? WEIR_OK : EACH_DROP;
}

static bool parse_text(struct parser *p, const struct each *e, struct weir_slice text)
{
    members_begin(&p->members);
    return p->format->parse(p->state, e->record, text, &p->members);
}

static int parse_value(void *self, struct each *e)
{
    struct parser *p = self;
    struct weir_record changed = *e->record;
    if (!parse_text(p, e, e->record->value))
        return parse_failed(p, e);
    changed.value = members_end(&p->members);
    return changed.value.ptr == e->record->value.ptr ? WEIR_OK : each_emit(e, &changed);
}

/* The text goes; where it is the whole value, an object stands in its place, for what is set next. */
static int remove_text(struct parser *p, struct each *e)
{
    struct weir_span root;
    int r = each_json(e, NULL, &root);
    if (r == WEIR_OK && root.type == WEIR_JSON_STRING)
        each_edit(e, WEIR_EDIT_SET, p->conf->field, weir_str("{}"));
    else if (r == WEIR_OK)
        each_edit(e, WEIR_EDIT_REMOVE, p->conf->field, (struct weir_slice){NULL, 0});
    return r;
}

/* The result stands at into; the text goes unless it is to stay, or was there. */
static int put_into(struct parser *p, struct each *e, const struct weir_span *field)
{
    struct weir_span there;
    int r = p->conf->keep_field ? WEIR_OK : each_json(e, p->conf->into, &there);
    if (r == WEIR_OK && !p->conf->keep_field && there.ptr != field->ptr)
        r = remove_text(p, e);
    if (r != WEIR_OK)
        return r;
    each_edit(e, WEIR_EDIT_SET, p->conf->into, members_end(&p->members));
    return WEIR_OK;
}

/* Its members stand in the object at beside. */
static int put_beside(struct parser *p, struct each *e, const struct weir_span *field)
{
    bool gone = true, drop = !p->conf->keep_field;
    struct weir_slice made = members_end(&p->members);
    struct weir_span object, root;
    int r = each_json(e, p->conf->beside, &object);
    if (r == WEIR_OK)
        r = each_json(e, NULL, &root);
    if (r != WEIR_OK)
        return r;
    const bool missing = object.type == WEIR_JSON_MISSING;
    if (object.type == WEIR_JSON_OBJECT)
        made = beside_set(&p->beside, (struct weir_slice){object.ptr, object.len}, &p->members,
                          (struct weir_slice){field->ptr, field->len}, drop, &gone);
    else if (missing)
        gone = false; /* it is made of them */
    else if (object.ptr != field->ptr)
        return each_reject(e, "parse", "what is to get the members is not an object");
    if (root.ptr == object.ptr && (gone || !drop)) { /* no need to read what was made of JSON */
        struct weir_record changed = *e->record;
        changed.value = made;
        return each_emit(e, &changed);
    }
    if (missing && drop) /* first, as what is set may stand where the text does */
        r = remove_text(p, e);
    each_edit(e, WEIR_EDIT_SET, p->conf->beside, made);
    if (!missing && drop && !gone)
        each_edit(e, WEIR_EDIT_REMOVE, p->conf->field, (struct weir_slice){NULL, 0});
    return r;
}

static int parse_field(void *self, struct each *e)
{
    struct parser *p = self;
    struct weir_span field;
    int r = each_json(e, p->conf->field, &field);
    if (r != WEIR_OK)
        return r;
    if (field.type != WEIR_JSON_STRING)
        return each_missing(e, p->conf->on_missing, p->conf->field, "the field is %s",
                            field.type == WEIR_JSON_MISSING ? "missing" : "not a string");
    if (!parse_text(p, e, p->ctx->host->json_string(p->ctx, &field)))
        return parse_failed(p, e);
    return p->conf->into ? put_into(p, e, &field) : put_beside(p, e, &field);
}

static int parse_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct parser *p = self;
    return p->conf->field ? each_run(&p->each, batch, to, 0, parse_field, p)
                          : each_run(&p->each, batch, to, WEIR_WANT_VALUE, parse_value, p);
}

static void parse_destroy(void *self)
{
    struct parser *p = self;
    if (p->format->release && p->state)
        p->format->release(p->ctx, p->state);
    types_free(&p->types, p->ctx);
    members_free(&p->members);
    beside_free(&p->beside);
    each_free(&p->each);
    p->ctx->host->mem(p->ctx, p, 0);
}

static int parse_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct parser *p = ctx->host->mem(ctx, NULL, sizeof *p);
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->conf = conf;
    p->format = parse_formats[p->conf->format];
    types_init(&p->types, ctx, &p->conf->type_of, p->conf->types);
    members_init(&p->members, ctx, &p->types);
    beside_init(&p->beside, ctx);
    each_init(&p->each, ctx);
    if (p->format->prepare && !p->format->prepare(ctx, conf, NULL, &p->state)) {
        parse_destroy(p);
        return weir_fail(ctx, WEIR_FATAL, 0, "what format = %s needs can no longer be had", p->format->name);
    }
    *self = p;
    return WEIR_OK;
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .metrics = &metrics,
    .check = parse_check,
    .create = parse_create,
    .process = parse_process,
    .destroy = parse_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "parse", "0.1.0", "JSON of text: CSV, logfmt, syslog, access logs, grok",
    "BSD-2-Clause",   NULL,    ops};
WEIR_PLUGIN(plugin);
