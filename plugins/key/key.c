/* SPDX-License-Identifier: BSD-2-Clause */
/* key.c - makes a record's key: a JSON object of fields, a text, or none.
 *
 * Home thread only. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/names.h"

#include <stdbool.h>

struct key_conf {
    struct weir_fields field;
    const struct weir_template *text;
    int64_t remove, on_missing;
};

static const struct weir_option rows[] = {
    WEIR_OPT_FIELDS(
        struct key_conf, field, "field.", 0, NULL,
        "Member of the key, which is a JSON object of them: {.path} for a field as it is, or a template",
        "field.id = {.user.id}: the key is {\"id\":7}. What is one field of the value and nothing else keeps "
        "its type and its exact text; any other template becomes a string. The members stand in the order "
        "of the options."),
    WEIR_OPT_TEMPLATE(struct key_conf, text, "template", 0, NULL,
                      "Text that becomes the key, as {.user}-{.id}", NULL),
    WEIR_OPT_BOOL(struct key_conf, remove, "remove", 0, "no", "Takes the key away", NULL),
    WEIR_OPT_ENUM(
        struct key_conf, on_missing, "on-missing", 0, "reject", missings,
        "What happens when a field is missing: keep leaves the key as it is, null makes member or key null",
        NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct key_conf, rows);

struct keyer {
    struct weir_ctx *ctx;
    const struct key_conf *conf;
    struct weir_slice *names; /* of conf->field: JSON strings and a colon behind */
    struct each each;
    bool missing; /* why the one before could not be made: a field of it is missing */
};

static int key_check(struct weir_ctx *ctx, const void *options_given, struct weir_problems *to)
{
    const struct key_conf *conf = options_given;
    int ways = (conf->field.count > 0) + (conf->text != NULL) + (conf->remove != 0);
    names_check(ctx, to, "field", &conf->field);
    if (ways != 1)
        ctx->host->problem(to, NULL,
                           ways ? "field.NAME, template and remove exclude each other"
                                : "one of field.NAME, template and remove is needed");
    return WEIR_OK;
}

static void make_name(struct keyer *k, size_t i)
{
    const struct weir_host *host = k->ctx->host;
    struct weir_slice name;
    (void)name_of(&k->conf->field.items[i], &name); /* check was content */
    size_t n = host->json_quote(k->ctx, NULL, name);
    char *text = host->mem(k->ctx, NULL, n + 2);
    text[0] = i ? ',' : '{';
    (void)host->json_quote(k->ctx, text + 1, name);
    text[n + 1] = ':';
    k->names[i] = (struct weir_slice){text, n + 2};
}

static int key_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct keyer *k = ctx->host->mem(ctx, NULL, sizeof *k);
    memset(k, 0, sizeof *k);
    k->ctx = ctx;
    k->conf = conf;
    k->names = ctx->host->mem(ctx, NULL, (k->conf->field.count + 1) * sizeof *k->names);
    for (size_t i = 0; i < k->conf->field.count; i++)
        make_name(k, i);
    each_init(&k->each, ctx);
    *self = k;
    return WEIR_OK;
}

/* The JSON text of a template that is one field and nothing else. */
static int as_field(struct keyer *k, struct each *e, const struct weir_field *field, struct weir_slice *ret)
{
    struct weir_span span;
    int r = each_json(e, field->from, &span);
    *ret = (struct weir_slice){span.ptr, span.len};
    if (r != WEIR_OK || span.type != WEIR_JSON_MISSING)
        return r;
    *ret = weir_str("null");
    k->missing = true;
    return k->conf->on_missing == MISSING_NULL
               ? WEIR_OK
               : each_reject(e, "missing", "the key's %s is missing", field->text);
}

static int as_string(struct keyer *k, struct each *e, const struct weir_field *field, struct weir_slice *ret)
{
    struct weir_slice text;
    int r = each_render(e, field->value, &text);
    if (r == WEIR_REJECT) {
        k->missing = true;
        *ret = weir_str("null");
        return k->conf->on_missing == MISSING_NULL ? WEIR_OK : r;
    }
    if (r != WEIR_OK)
        return r;
    size_t n = k->ctx->host->json_quote(k->ctx, NULL, text);
    if (n == SIZE_MAX)
        return each_reject(e, "utf-8", "%s of the key is not UTF-8", field->text);
    char *quoted = each_alloc(e, n);
    (void)k->ctx->host->json_quote(k->ctx, quoted, text);
    *ret = (struct weir_slice){quoted, n};
    return WEIR_OK;
}

static int make_object(struct keyer *k, struct each *e, struct weir_slice *ret)
{
    size_t count = k->conf->field.count, n = 1;
    struct weir_slice *values = each_alloc(e, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        const struct weir_field *field = &k->conf->field.items[i];
        int r = (field->from ? as_field : as_string)(k, e, field, &values[i]);
        if (r != WEIR_OK)
            return r;
        n += k->names[i].len + values[i].len;
    }
    char *at = each_alloc(e, n);
    *ret = (struct weir_slice){at, n};
    for (size_t i = 0; i < count; i++) {
        memcpy(at, k->names[i].ptr, k->names[i].len);
        at += k->names[i].len;
        memcpy(at, values[i].ptr, values[i].len);
        at += values[i].len;
    }
    *at = '}';
    return WEIR_OK;
}

static int as_text(struct keyer *k, struct each *e, struct weir_slice *ret)
{
    int r = each_render(e, k->conf->text, ret);
    k->missing = r == WEIR_REJECT;
    if (r != WEIR_REJECT || k->conf->on_missing != MISSING_NULL)
        return r;
    *ret = (struct weir_slice){NULL, 0};
    return WEIR_OK;
}

static int key_one(void *self, struct each *e)
{
    struct keyer *k = self;
    struct weir_record changed = *e->record;
    k->missing = false;
    int r = (k->conf->text ? as_text : make_object)(k, e, &changed.key);
    if (r == WEIR_OK)
        return each_emit(e, &changed);
    if (r != WEIR_REJECT || !k->missing)
        return r;
    return k->conf->on_missing == MISSING_KEEP   ? WEIR_OK
           : k->conf->on_missing == MISSING_DROP ? EACH_DROP
                                                 : r;
}

static int key_remove(void *self, struct each *e)
{
    struct weir_record changed = *e->record;
    (void)self;
    if (!changed.key.ptr)
        return WEIR_OK;
    changed.key = (struct weir_slice){NULL, 0};
    changed.flags |= WEIR_REC_SHARES_PARENT;
    return each_emit(e, &changed);
}

static int key_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct keyer *k = self; /* a record made anew has the value's bytes */
    return k->conf->remove ? each_run_all(&k->each, batch, to, WEIR_WANT_VALUE, key_remove, k)
                           : each_run(&k->each, batch, to, WEIR_WANT_VALUE, key_one, k);
}

static void key_destroy(void *self)
{
    struct keyer *k = self;
    for (size_t i = 0; i < k->conf->field.count; i++)
        k->ctx->host->mem(k->ctx, (void *)(uintptr_t)k->names[i].ptr, 0);
    k->ctx->host->mem(k->ctx, k->names, 0);
    each_free(&k->each);
    k->ctx->host->mem(k->ctx, k, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .check = key_check,
    .create = key_create,
    .process = key_process,
    .destroy = key_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "key", "0.1.0", "Makes a record's key of its fields", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
