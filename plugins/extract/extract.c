/* SPDX-License-Identifier: BSD-2-Clause */
/* extract.c - the value becomes one of its fields.
 *
 * Home thread only.  The field's text lies in the record's value, unless a stage before edited it: nothing is copied. */
#define WEIR_API 1
#include "../common/each.h"

enum { AS_JSON, AS_TEXT };
static const char *const kinds[] = {"json", "text", NULL};

struct extract_conf {
    const struct weir_path *field;
    int64_t as, on_missing;
};

static const struct weir_option rows[] = {
    WEIR_OPT_PATH(struct extract_conf, field, "field", WEIR_F_REQUIRED, NULL,
                  "Field that becomes the value, as .user.name", NULL),
    WEIR_OPT_ENUM(struct extract_conf, as, "as", 0, "json", kinds,
                  "json: its JSON text, a string with quotes; text: of a string its text alone", NULL),
    WEIR_OPT_ENUM(struct extract_conf, on_missing, "on-missing", 0, "reject", missings,
                  "What happens to a record whose field is missing or null: null makes it a tombstone", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct extract_conf, rows);

struct extract {
    struct weir_ctx *ctx;
    const struct extract_conf *conf;
    struct each each;
};

static int extract_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct extract *x = ctx->host->mem(ctx, NULL, sizeof *x);
    memset(x, 0, sizeof *x);
    x->ctx = ctx;
    x->conf = conf;
    each_init(&x->each, ctx);
    *self = x;
    return WEIR_OK;
}

static int inside(struct weir_slice part, struct weir_slice whole)
{
    uintptr_t p = (uintptr_t)part.ptr, from = (uintptr_t)whole.ptr;
    return p >= from && p - from <= whole.len && part.len <= whole.len - (p - from);
}

static int extract_one(void *self, struct each *e)
{
    struct extract *x = self;
    struct weir_record changed = *e->record;
    struct weir_span span;
    int r = each_json(e, x->conf->field, &span);
    if (r != WEIR_OK)
        return r;
    changed.value = (struct weir_slice){span.ptr, span.len};
    if (span.type == WEIR_JSON_MISSING || span.type == WEIR_JSON_NULL) {
        if (x->conf->on_missing != MISSING_NULL)
            return each_missing(e, x->conf->on_missing, x->conf->field, "the field is %s",
                                span.type == WEIR_JSON_NULL ? "null" : "missing");
        changed.value = (struct weir_slice){NULL, 0};
    } else if (span.type == WEIR_JSON_STRING && x->conf->as == AS_TEXT) {
        changed.value = each_string(e, &span);
    }
    if (inside(changed.value, e->record->value))
        changed.flags |= WEIR_REC_SHARES_PARENT;
    return each_emit(e, &changed);
}

static int extract_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct extract *x = self;
    return each_run(&x->each, batch, to, 0, extract_one, x);
}

static void extract_destroy(void *self)
{
    struct extract *x = self;
    each_free(&x->each);
    x->ctx->host->mem(x->ctx, x, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .create = extract_create,
    .process = extract_process,
    .destroy = extract_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "extract", "0.1.0", "The value becomes one of its fields", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
