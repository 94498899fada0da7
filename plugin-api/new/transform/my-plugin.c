/* SPDX-License-Identifier: 0BSD */
/* my-plugin.c - a transform of weir: puts a text before the value of each record.
 *
 * weir-plugin(7) is the contract.  A transform computes and does nothing else: for every record it emits any number of
 * records, passes it as it is, rejects it, or drops it by doing nothing.  An instance lives on one thread. */
#define WEIR_API 1 /* loads in every weir of level 1 and later, which is all of them */
#include <weir/helpers.h>

/* What an operator may set.  weir parses and checks it by these rows, and makes help, manual page, schema and sample
 * of them: weir plugins my-plugin. */
struct conf {
    const char *text;
};
static const struct weir_option rows[] = {
    WEIR_OPT_STRING(struct conf, text, "text", 0, "hello, ", "What is put before each value", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);

struct transform {
    struct weir_ctx *ctx;
    struct weir_slice text;
    char *out; /* the value being made; kept, so that not every record costs an allocation */
    size_t room;
};

static int transform_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct transform *t = ctx->host->mem(ctx, NULL, sizeof *t);
    *t = (struct transform){.ctx = ctx, .text = weir_str(((const struct conf *)conf)->text)};
    *self = t;
    return WEIR_OK;
}

/* The text and the value, until the next call. */
static struct weir_slice transform_value(struct transform *t, struct weir_slice value)
{
    struct weir_slice made;
    made.len = t->text.len + value.len;
    if (made.len > t->room) {
        t->out = t->ctx->host->mem(t->ctx, t->out, made.len);
        t->room = made.len;
    }
    made.ptr = t->out;
    if (t->text.len > 0)
        memcpy(t->out, t->text.ptr, t->text.len);
    if (value.len > 0)
        memcpy(t->out + t->text.len, value.ptr, value.len);
    return made;
}

static int transform_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct transform *t = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    int r = t->ctx->host->view(t->ctx, batch, &view);
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++) {
        struct weir_record record = *weir_record_at(&view, i); /* key, topic, headers, time: as they are */
        if (!record.value.ptr) {                               /* a tombstone has no value, and gets none */
            r = t->ctx->host->pass(to, i, 1);
            continue;
        }
        record.value = transform_value(t, record.value);
        r = t->ctx->host->emit_from(to, i, &record, sizeof record, NULL); /* the host copies */
    }
    return r;
}

static void transform_destroy(void *self)
{
    struct transform *t = self;
    if (t->out)
        t->ctx->host->mem(t->ctx, t->out, 0);
    t->ctx->host->mem(t->ctx, t, 0);
}

/* ONE_TO_ONE: never more than one record for one. */
static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE,
    .options = &options,
    .create = transform_create,
    .process = transform_process,
    .destroy = transform_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
/* Name (that of the file), version, a line about it, license. */
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "my-plugin", "0.1.0", "Puts a text before each value", "0BSD", NULL, ops};
WEIR_PLUGIN(plugin);
