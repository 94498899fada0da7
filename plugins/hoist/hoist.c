/* SPDX-License-Identifier: BSD-2-Clause */
/* hoist.c - the whole value as the one field of a new JSON object.
 *
 * Home thread only.  The value's bytes stay as they stand, white space too. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/jsonscan.h"

#define DEPTH_MAX 500u /* of JSON, docs/json.md */

enum { AS_JSON, AS_TEXT };
static const char *const kinds[] = {"json", "text", NULL};

struct hoist_conf {
    const char *field;
    int64_t as;
};

static const struct weir_option rows[] = {
    WEIR_OPT_STRING(struct hoist_conf, field, "field", WEIR_F_REQUIRED, NULL, "Name of the new field", NULL),
    WEIR_OPT_ENUM(struct hoist_conf, as, "as", 0, "json", kinds,
                  "json: the value is JSON, and stays as it is; text: any text, which becomes a string",
                  NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct hoist_conf, rows);

struct hoist {
    struct weir_ctx *ctx;
    const struct hoist_conf *conf;
    char *open; /* {"field": */
    size_t n_open;
    struct each each;
};

static int hoist_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct hoist_conf *c = conf;
    if (ctx->host->json_quote(ctx, NULL, weir_str(c->field)) == SIZE_MAX)
        weir_problemf(ctx, problems, "field", "the name is not UTF-8");
    return WEIR_OK;
}

static int hoist_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    const struct hoist_conf *c = conf;
    struct hoist *h = ctx->host->mem(ctx, NULL, sizeof *h);
    size_t n = ctx->host->json_quote(ctx, NULL, weir_str(c->field));
    memset(h, 0, sizeof *h);
    h->ctx = ctx;
    h->conf = c;
    h->n_open = n + 2;
    h->open = ctx->host->mem(ctx, NULL, h->n_open);
    h->open[0] = '{';
    ctx->host->json_quote(ctx, h->open + 1, weir_str(c->field));
    h->open[n + 1] = ':';
    each_init(&h->each, ctx);
    *self = h;
    return WEIR_OK;
}

/* The new value with room for n bytes of the old one. */
static char *begin(const struct hoist *h, struct each *e, size_t n, struct weir_slice *ret)
{
    char *text = each_alloc(e, h->n_open + n + 1);
    memcpy(text, h->open, h->n_open);
    text[h->n_open + n] = '}';
    *ret = (struct weir_slice){text, h->n_open + n + 1};
    return text + h->n_open;
}

static int hoist_json(void *self, struct each *e)
{
    struct hoist *h = self;
    struct weir_record changed = *e->record;
    uint32_t type;
    int r = each_json_check(e, &type);
    if (r != WEIR_OK)
        return r;
    if (changed.value.len >= 2 * (size_t)DEPTH_MAX && jsonscan_depth(changed.value) >= DEPTH_MAX)
        return each_reject(e, "json", "the value would nest deeper than %u levels", DEPTH_MAX);
    memcpy(begin(h, e, e->record->value.len, &changed.value), e->record->value.ptr, e->record->value.len);
    return each_emit(e, &changed);
}

static int hoist_text(void *self, struct each *e)
{
    struct hoist *h = self;
    struct weir_record changed = *e->record;
    size_t n = h->ctx->host->json_quote(h->ctx, NULL, e->record->value);
    if (n == SIZE_MAX)
        return each_reject(e, "text", "the value is not UTF-8, and can not become a JSON string");
    h->ctx->host->json_quote(h->ctx, begin(h, e, n, &changed.value), e->record->value);
    return each_emit(e, &changed);
}

static int hoist_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct hoist *h = self;
    return each_run(&h->each, batch, to, WEIR_WANT_VALUE, h->conf->as == AS_TEXT ? hoist_text : hoist_json,
                    h);
}

static void hoist_destroy(void *self)
{
    struct hoist *h = self;
    h->ctx->host->mem(h->ctx, h->open, 0);
    each_free(&h->each);
    h->ctx->host->mem(h->ctx, h, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .check = hoist_check,
    .create = hoist_create,
    .process = hoist_process,
    .destroy = hoist_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "hoist", "0.1.0", "The value becomes one field of an object",
    "BSD-2-Clause",   NULL,    ops};
WEIR_PLUGIN(plugin);
