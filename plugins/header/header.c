/* SPDX-License-Identifier: BSD-2-Clause */
/* header.c - sets a record's headers by templates, and removes some by name.
 *
 * Home thread only. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/names.h"

#include <stdbool.h>

enum { EXISTING_REPLACE, EXISTING_KEEP, EXISTING_ADD };
static const char *const existings[] = {"replace", "keep", "add", NULL};

struct header_conf {
    struct weir_fields set;
    struct weir_list remove;
    int64_t existing, on_missing;
};

static const struct weir_option rows[] = {
    WEIR_OPT_FIELDS(
        struct header_conf, set, "set.", 0, NULL,
        "Header of that name: a template, as {.user.id}; a name with - or . stands in quotes",
        "set.tenant = acme, set.\"x-request-id\" = {.request.id}: what the template gives is the header's "
        "value, byte for byte."),
    WEIR_OPT_LIST(struct header_conf, remove, "remove", 0, NULL,
                  "Names of headers that are taken away before any is set; * stands for any characters",
                  NULL),
    WEIR_OPT_ENUM(
        struct header_conf, existing, "existing", 0, "replace", existings,
        "What becomes of headers that a record has of a name in set: replace all, keep them, add one", NULL),
    WEIR_OPT_ENUM(
        struct header_conf, on_missing, "on-missing", 0, "reject", missings,
        "What happens when a template lacks a field: keep leaves the header as it is, null makes it null",
        NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct header_conf, rows);

struct setter {
    struct weir_ctx *ctx;
    const struct header_conf *conf;
    struct weir_slice *names; /* of conf->set */
    struct each each;
};

static int header_check(struct weir_ctx *ctx, const void *options_given, struct weir_problems *to)
{
    const struct header_conf *conf = options_given;
    names_check(ctx, to, "set", &conf->set);
    if (!conf->set.count && !conf->remove.count)
        ctx->host->problem(
            to, NULL, "there is nothing to do; set.NAME = TEXT sets a header, remove = NAMES removes some");
    return WEIR_OK;
}

static int header_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct setter *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    s->names = ctx->host->mem(ctx, NULL, (s->conf->set.count + 1) * sizeof *s->names);
    for (size_t i = 0; i < s->conf->set.count; i++)
        (void)name_of(&s->conf->set.items[i], &s->names[i]); /* check was content */
    each_init(&s->each, ctx);
    *self = s;
    return WEIR_OK;
}

static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether the pattern, in which * stands for any characters, fits the whole name. */
static bool fits(const char *pattern, struct weir_slice name)
{
    const char *p = pattern, *n = name.ptr, *end = n + name.len, *star = NULL, *from = n;
    while (n < end) {
        if (*p == '*') {
            star = p++;
            from = n;
        } else if (*p && *p == *n) {
            p++;
            n++;
        } else if (star) { /* the last star takes one more */
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return !*p;
}

static bool is_removed(const struct setter *s, struct weir_slice name)
{
    for (size_t i = 0; i < s->conf->remove.count; i++)
        if (fits(s->conf->remove.items[i], name))
            return true;
    return false;
}

struct headers { /* that a record is to have */
    struct weir_header *items;
    uint32_t n;
};

static void take_away(struct headers *h, struct weir_slice name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->n; i++)
        if (!same(h->items[i].name, name))
            h->items[kept++] = h->items[i];
    h->n = kept;
}

static bool is_there(const struct headers *h, struct weir_slice name)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (same(h->items[i].name, name))
            return true;
    return false;
}

/* Header i of set; *ret_changed: one was set.  What is not OK is to be returned. */
static int set_one(struct setter *s, struct each *e, size_t i, struct headers *h, bool *ret_changed)
{
    struct weir_header header = {.name = s->names[i]};
    if (s->conf->existing == EXISTING_KEEP && is_there(h, header.name))
        return WEIR_OK;
    int r = each_render(e, s->conf->set.items[i].value, &header.value);
    if (r == WEIR_REJECT) {
        int64_t policy =
            e->record->value.ptr ? s->conf->on_missing : MISSING_KEEP; /* a tombstone has no fields */
        if (policy != MISSING_NULL)
            return policy == MISSING_KEEP ? WEIR_OK : policy == MISSING_DROP ? EACH_DROP : r;
        header.value = (struct weir_slice){NULL, 0};
    } else if (r != WEIR_OK) {
        return r;
    }
    if (s->conf->existing == EXISTING_REPLACE)
        take_away(h, header.name);
    h->items[h->n++] = header;
    *ret_changed = true;
    return WEIR_OK;
}

static int header_one(void *self, struct each *e)
{
    struct setter *s = self;
    struct weir_record changed = *e->record;
    struct headers h = {each_alloc(e, (e->record->n_headers + s->conf->set.count + 1) * sizeof *h.items), 0};
    for (uint32_t i = 0; i < e->record->n_headers; i++)
        if (!is_removed(s, e->record->headers[i].name))
            h.items[h.n++] = e->record->headers[i];
    bool is_changed = h.n < e->record->n_headers;
    for (size_t i = 0; i < s->conf->set.count; i++) {
        int r = set_one(s, e, i, &h, &is_changed);
        if (r != WEIR_OK)
            return r;
    }
    changed.headers = h.items;
    changed.n_headers = h.n;
    return is_changed ? each_emit(e, &changed) : WEIR_OK;
}

static int header_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct setter *s = self;
    return each_run_all(&s->each, batch, to, WEIR_WANT_VALUE, header_one,
                        s); /* a record made anew has its bytes */
}

static void header_destroy(void *self)
{
    struct setter *s = self;
    s->ctx->host->mem(s->ctx, s->names, 0);
    each_free(&s->each);
    s->ctx->host->mem(s->ctx, s, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE,
    .options = &options,
    .check = header_check,
    .create = header_create,
    .process = header_process,
    .destroy = header_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "header", "0.1.0", "Sets and removes headers",
                                          "BSD-2-Clause",   NULL,     ops};
WEIR_PLUGIN(plugin);
