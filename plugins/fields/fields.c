/* SPDX-License-Identifier: BSD-2-Clause */
/* fields.c - fields of the JSON value kept, removed, renamed, set: one stage, whose edits are printed once.
 *
 * Home thread only.  All values are read from the record as it came; then edits follow each other in the order of the
 * options' table.  The texts of untouched values are not looked at. */
#define WEIR_API 1
#include "fields.h"

#include "keep.h"
#include "removal.h"

static const struct weir_option rows[] = {
    WEIR_OPT_LIST(struct fields_conf, keep, "keep", 0, NULL,
                  "Fields that stay, as .user, .item.id; all others go",
                  "A field that is missing is no error. An object of which nothing stays goes too."),
    WEIR_OPT_PATH(struct fields_conf, keep_in, "keep-in", WEIR_F_ADVANCED, ".",
                  "Object that keep is about: its paths begin there, and what is outside stays", NULL),
    WEIR_OPT_PATHS(struct fields_conf, remove, "remove", 0, NULL,
                   "Fields that go; one that is missing is no error", NULL),
    WEIR_OPT_FIELDS(struct fields_conf, rename, "rename.", WEIR_F_TEXT, NULL,
                    "New name of a field: rename.user.id = key makes .user.key of .user.id",
                    "The field stays in its place. One that had the new name goes."),
    WEIR_OPT_FIELDS(struct fields_conf, set, "set.", 0, NULL,
                    "Value of a field: one {.path} alone keeps its type, anything else is a string",
                    "What should hold the field and is missing or null becomes an object."),
    WEIR_OPT_FIELDS(struct fields_conf, json, "json.", 0, NULL,
                    "Value of a field as JSON text: json.partition = {partition}",
                    "A brace that is not of a template is doubled: json.meta = {{\"site\":\"{.site}\"}}."),
    WEIR_OPT_FIELDS(struct fields_conf, fill, "default.", 0, NULL,
                    "Value of a field, as by set, where it is missing or null", NULL),
    WEIR_OPT_FIELDS(struct fields_conf, fill_json, "default-json.", 0, NULL,
                    "Value of a field, as by json, where it is missing or null", NULL),
    WEIR_OPT_ENUM(
        struct fields_conf, on_missing, "on-missing", 0, "reject", missings,
        "What happens to a record without a field that a value is made of, or that is renamed",
        "keep leaves out that edit, and makes the others; drop drops the record; reject makes it a record "
        "error; null sets the field to null."),
};
static const struct weir_options options = WEIR_OPTIONS(struct fields_conf, rows);

struct fields {
    struct weir_ctx *ctx;
    const struct fields_conf *conf;
    struct keep *keep;                 /* NULL: no such option */
    const struct weir_field **renames; /* in their order */
    struct assign *assigns;
    size_t n_assigns;
    struct removal removal;
    struct each each;
};

static void add_assigns(struct fields *s, const char *option, const struct weir_fields *group)
{
    for (size_t i = 0; i < group->count; i++)
        assign_init(&s->assigns[s->n_assigns++], s->ctx, option, &group->items[i]);
}

static int fields_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    const struct fields_conf *c = conf;
    struct fields *s = ctx->host->mem(ctx, NULL, sizeof *s);
    size_t n = c->set.count + c->json.count + c->fill.count + c->fill_json.count;
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    if (c->keep.count)
        s->keep = keep_new(ctx, &c->keep);
    s->renames = rename_order(ctx, &c->rename);
    removal_init(&s->removal, ctx, &c->remove, c->keep_in);
    s->assigns = ctx->host->mem(ctx, NULL, (n + 1) * sizeof *s->assigns);
    add_assigns(s, "set.", &c->set);
    add_assigns(s, "json.", &c->json);
    add_assigns(s, "default.", &c->fill);
    add_assigns(s, "default-json.", &c->fill_json);
    each_init(&s->each, ctx);
    *self = s;
    return WEIR_OK;
}

static int keep_some(struct fields *s, struct each *e)
{
    struct weir_span span;
    int r = each_json(e, s->conf->keep_in, &span);
    if (r != WEIR_OK)
        return r;
    if (span.type != WEIR_JSON_OBJECT && span.type != WEIR_JSON_MISSING &&
        s->conf->on_missing == MISSING_KEEP)
        /* to itself: an object of its name before it does not stay */
        each_edit(e, WEIR_EDIT_SET, s->conf->keep_in, (struct weir_slice){span.ptr, span.len});
    if (span.type != WEIR_JSON_OBJECT)
        return each_missing(e, s->conf->on_missing, s->conf->keep_in, "keep: %s",
                            span.type == WEIR_JSON_MISSING ? "the field of keep-in is missing"
                                                           : "there is no object to keep fields of");
    each_edit(e, WEIR_EDIT_SET, s->conf->keep_in, keep_only(s->keep, e, &span));
    return WEIR_OK;
}

static int rename_one(struct fields *s, struct each *e, const struct weir_field *f)
{
    struct weir_span span;
    int r = each_json(e, f->path, &span);
    if (r == WEIR_OK && span.type == WEIR_JSON_MISSING) {
        r = each_missing(e, s->conf->on_missing, f->path, "rename.%s: the field is missing", f->name);
        if (s->conf->on_missing != MISSING_NULL)
            return r;
    }
    if (r == WEIR_OK && span.type != WEIR_JSON_MISSING && removal_takes(&s->removal, &span))
        return each_reject(e, "fields", "rename.%s: remove takes that field away", f->name);
    if (r == WEIR_OK)
        each_edit(e, WEIR_EDIT_RENAME, f->path, weir_str(f->text));
    return r;
}

static int fields_one(void *self, struct each *e)
{
    struct fields *s = self;
    int r = s->keep ? keep_some(s, e) : WEIR_OK;
    if (r == WEIR_OK && s->conf->remove.count)
        r = removal_one(&s->removal, e);
    for (size_t i = 0; r == WEIR_OK && i < s->conf->rename.count; i++)
        r = rename_one(s, e, s->renames[i]);
    for (size_t i = 0; r == WEIR_OK && i < s->n_assigns; i++)
        r = assign_one(&s->assigns[i], e, s->conf->on_missing);
    return r;
}

static int fields_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct fields *s = self;
    return each_run(&s->each, batch, to, 0, fields_one, s);
}

static void fields_destroy(void *self)
{
    struct fields *s = self;
    if (s->keep)
        keep_free(s->ctx, s->keep);
    for (size_t i = 0; i < s->n_assigns; i++)
        assign_free(&s->assigns[i], s->ctx);
    s->ctx->host->mem(s->ctx, s->assigns, 0);
    removal_free(&s->removal, s->ctx);
    s->ctx->host->mem(s->ctx, (void *)s->renames, 0);
    each_free(&s->each);
    s->ctx->host->mem(s->ctx, s, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .check = fields_check,
    .create = fields_create,
    .process = fields_process,
    .destroy = fields_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "fields", "0.1.0", "Fields kept, removed, renamed, set", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
