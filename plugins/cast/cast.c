/* SPDX-License-Identifier: BSD-2-Clause */
/* cast.c - fields of the JSON value, or the whole value, as another type.
 *
 * Home thread only.  What one value becomes is convert.c's; here is which values, and what becomes of a record where one
 * can't. */
#define WEIR_API 1
#include "../common/steps.h"
#include "convert.h"

/* enum convert_type */
static const char *const types[] = {"none",    "int8",    "int16",  "int32",   "int64",  "float32",
                                    "float64", "boolean", "string", "integer", "number", NULL};

struct cast_conf {
    struct weir_fields as;
    int64_t to, on_missing, on_error;
};

static const struct weir_option rows[] = {
    WEIR_OPT_FIELDS(
        struct cast_conf, as, "as.", 0, types + 1, "Type that a field becomes",
        "as.user.age = int32 makes .user.age one. null stays null. What each type takes, and what it does "
        "with digits, says the page fields.md."),
    WEIR_OPT_ENUM(struct cast_conf, to, "to", 0, "none", types,
                  "Type that the whole value becomes, in place of fields", NULL),
    WEIR_OPT_ENUM(struct cast_conf, on_missing, "on-missing", 0, "keep", missings,
                  "What happens to a record that lacks a field: keep leaves it without, null adds it as null",
                  NULL),
    WEIR_OPT_ENUM(
        struct cast_conf, on_error, "on-error", 0, "reject", missings,
        "What happens to a record with a value that can't become the type: keep leaves it as it is, null "
        "makes it null",
        NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct cast_conf, rows);

struct caster {
    struct weir_ctx *ctx;
    const struct cast_conf *conf;
    enum convert_type *to; /* of each field of conf->as */
    struct each each;
};

/* One field, written in two ways. */
static void check_twins(struct weir_ctx *ctx, const struct weir_fields *as, struct weir_problems *to)
{
    struct steps one, other;
    char option[300];
    for (size_t i = 0; i < as->count; i++)
        for (size_t k = 0; k < i; k++) {
            if (!steps_read(as->items[i].name, &one) || !steps_read(as->items[k].name, &other) ||
                !steps_equal(&one, &other))
                continue;
            (void)snprintf(option, sizeof option, "as.%s", as->items[i].name);
            weir_problemf(ctx, to, option, "as.%s is the same field", as->items[k].name);
        }
}

static int cast_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct cast_conf *c = conf;
    if (c->as.count && c->to)
        ctx->host->problem(to, "to",
                           "it is for the whole value, and as.FIELD for fields of it: write one of them");
    if (!c->as.count && !c->to)
        ctx->host->problem(to, NULL,
                           "nothing is to be cast: write as.FIELD = TYPE, or to = TYPE for the whole value");
    check_twins(ctx, &c->as, to);
    return WEIR_OK;
}

static enum convert_type type_named(const char *name)
{
    int i = TO_NUMBER;
    while (i > TO_NOTHING && strcmp(types[i], name) != 0)
        i--;
    return (enum convert_type)i;
}

static int cast_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct caster *c = ctx->host->mem(ctx, NULL, sizeof *c);
    memset(c, 0, sizeof *c);
    c->ctx = ctx;
    c->conf = conf;
    if (c->conf->as.count)
        c->to = ctx->host->mem(ctx, NULL, c->conf->as.count * sizeof *c->to);
    for (size_t i = 0; i < c->conf->as.count; i++)
        c->to[i] = type_named(c->conf->as.items[i].text);
    each_init(&c->each, ctx);
    *self = c;
    return WEIR_OK;
}

static int cast_field(struct caster *c, struct each *e, const struct weir_field *field, enum convert_type to)
{
    struct weir_span span;
    struct converted made;
    int r = each_json(e, field->path, &span);
    if (r != WEIR_OK || span.type == WEIR_JSON_NULL)
        return r;
    if (span.type == WEIR_JSON_MISSING)
        return each_missing(e, c->conf->on_missing, field->path, "the field .%s is missing", field->name);
    made = convert(e, to, &span);
    if (made.why && c->conf->on_error == MISSING_REJECT)
        return each_reject(e, "cast", "the field .%s can't become %s: %s", field->name, types[to], made.why);
    if (made.why)
        return each_missing(e, c->conf->on_error, field->path, "%s", made.why);
    if (made.changed)
        each_edit(e, made.is_text ? WEIR_EDIT_STRING : WEIR_EDIT_SET, field->path, made.text);
    return WEIR_OK;
}

static int cast_fields(void *self, struct each *e)
{
    struct caster *c = self;
    int r = WEIR_OK;
    for (size_t i = 0; i < c->conf->as.count && r == WEIR_OK; i++)
        r = cast_field(c, e, &c->conf->as.items[i], c->to[i]);
    return r;
}

static int emit_value(struct each *e, struct weir_slice json)
{
    struct weir_record changed = *e->record;
    changed.value = json;
    return each_emit(e, &changed);
}

static int cast_value(void *self, struct each *e)
{
    struct caster *c = self;
    struct weir_span span;
    struct converted made;
    char *quoted;
    size_t n;
    int r = each_json(e, NULL, &span);
    if (r != WEIR_OK || span.type == WEIR_JSON_NULL)
        return r;
    made = convert(e, (enum convert_type)c->conf->to, &span);
    if (made.why) {
        switch (c->conf->on_error) {
        case MISSING_KEEP:
            return WEIR_OK;
        case MISSING_DROP:
            return EACH_DROP;
        case MISSING_NULL:
            return emit_value(e, weir_str("null"));
        default:
            return each_reject(e, "cast", "the value can't become %s: %s", types[c->conf->to], made.why);
        }
    }
    if (!made.changed)
        return WEIR_OK;
    if (!made.is_text)
        return emit_value(e, made.text);
    n = c->ctx->host->json_quote(c->ctx, NULL, made.text);
    quoted = each_alloc(e, n);
    (void)c->ctx->host->json_quote(c->ctx, quoted, made.text);
    return emit_value(e, (struct weir_slice){quoted, n});
}

static int cast_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct caster *c = self;
    return each_run(&c->each, batch, to, 0, c->conf->as.count ? cast_fields : cast_value, c);
}

static void cast_destroy(void *self)
{
    struct caster *c = self;
    if (c->to)
        c->ctx->host->mem(c->ctx, c->to, 0);
    each_free(&c->each);
    c->ctx->host->mem(c->ctx, c, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .check = cast_check,
    .create = cast_create,
    .process = cast_process,
    .destroy = cast_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "cast", "0.1.0", "Fields as another type",
                                          "BSD-2-Clause",   NULL,   ops};
WEIR_PLUGIN(plugin);
