/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.c - what the options of fields must not say, alone and together; the order of renames.
 *
 * All values are read from the record as it came.  So a default can't see what another option does to its field in the
 * same stage: such pairs are refused, since a stage behind says what is meant. */
#define WEIR_API 1
#include "fields.h"

#include "keep.h"
#include "../common/steps.h"

struct report {
    struct weir_ctx *ctx;
    struct weir_problems *to;
};

struct group {
    const char *option;
    const struct weir_fields *fields;
};

static int any(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    (void)opaque;
    (void)path;
    (void)span;
    return WEIR_OK;
}

WEIR_PRINTF(4, 5)
static void tell(const struct report *r, const char *option, const char *name, const char *format, ...)
{
    char text[600], key[300];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    (void)snprintf(key, sizeof key, "%s%s", option, name);
    r->ctx->host->problem(r->to, key, text);
}

static void check_constants(const struct report *r, const struct group *g, bool json)
{
    for (size_t i = 0; i < g->fields->count; i++) {
        const struct weir_field *f = &g->fields->items[i];
        size_t len = strlen(f->text);
        char *text = r->ctx->host->mem(r->ctx, NULL, len + 1);
        const struct weir_slice made = {text, len};
        if (!assign_text(f->text, text, &len))
            ;
        else if (json &&
                 r->ctx->host->json_walk(r->ctx, (struct weir_slice){text, len}, any, NULL) != WEIR_OK)
            tell(r, g->option, f->name,
                 "the value is not JSON text; quotes around all of it are taken off, and %s%s = TEXT makes a "
                 "string",
                 g->option[0] == 'd' ? "default." : "set.", f->name);
        else if (r->ctx->host->json_quote(r->ctx, NULL, (struct weir_slice){made.ptr, len}) == SIZE_MAX)
            tell(r, g->option, f->name, "the value is not UTF-8");
        r->ctx->host->mem(r->ctx, text, 0);
    }
}

/* Two groups that write to one field, or one into a field of the other. */
static void check_pair(const struct report *r, const struct group *a, const struct group *b, bool beneath)
{
    for (size_t i = 0; i < a->fields->count; i++)
        for (size_t k = a == b ? i + 1 : 0; k < b->fields->count; k++) {
            const char *one = a->fields->items[i].name, *other = b->fields->items[k].name;
            struct steps x, y;
            if (!steps_read(one, &x) || !steps_read(other, &y))
                continue;
            if (beneath ? steps_within(&y, &x) || steps_within(&x, &y) : steps_equal(&x, &y))
                tell(r, b->option, other,
                     "%s%s writes there too; put one of them into a stage of its own behind this one",
                     a->option, one);
        }
}

static bool target(const struct weir_field *f, struct steps *from, struct steps *to)
{
    if (!steps_read(f->name, from))
        return false;
    *to = *from;
    steps_rename(to, f->text);
    return true;
}

static void check_renames(const struct report *r, const struct weir_fields *renames)
{
    struct steps from, to, other, made;
    for (size_t i = 0; i < renames->count; i++) {
        const struct weir_field *f = &renames->items[i];
        if (!target(f, &from, &to))
            continue;
        if (!from.count || from.at[from.count - 1].index)
            tell(r, "rename.", f->name, "an element of an array has no name");
        for (size_t k = 0; k < i; k++) {
            const char *name = renames->items[k].name;
            if (!target(&renames->items[k], &other, &made))
                continue;
            if (steps_equal(&other, &from))
                tell(r, "rename.", f->name, "rename.%s is the same field", name);
            else if (steps_equal(&made, &to))
                tell(r, "rename.", f->name, "rename.%s gives another field this name", name);
        }
    }
}

/* A default looks for its field before anything is renamed. */
static void check_made(const struct report *r, const struct weir_fields *renames, const struct group *fill)
{
    struct steps from, to, other;
    for (size_t i = 0; i < fill->fields->count; i++)
        for (size_t k = 0; k < renames->count; k++) {
            const char *name = fill->fields->items[i].name;
            if (target(&renames->items[k], &from, &to) && steps_read(name, &other) &&
                steps_within(&other, &to))
                tell(r, fill->option, name,
                     "rename.%s makes that field; put the default into a stage of its own behind this one",
                     renames->items[k].name);
        }
}

/* Whether another of the renames that are left must come first: its field has the name that this one gives, or lies
 * beneath the field of this one. */
static bool waits(const struct weir_field *const *left, size_t n, const struct weir_field *f)
{
    struct steps from, to, other;
    if (!target(f, &from, &to))
        return false;
    for (size_t i = 0; i < n; i++)
        if (left[i] != f && steps_read(left[i]->name, &other) &&
            (steps_equal(&other, &to) || (steps_within(&other, &from) && !steps_equal(&other, &from))))
            return true;
    return false;
}

const struct weir_field **rename_order(struct weir_ctx *ctx, const struct weir_fields *renames)
{
    size_t n = renames->count, i;
    const struct weir_field **order = ctx->host->mem(ctx, NULL, (n + 1) * sizeof(const struct weir_field *));
    for (i = 0; i < n; i++)
        order[i] = &renames->items[i];
    for (size_t done = 0; done < n; done++) {
        const struct weir_field *next;
        for (i = done; i < n && waits(order + done, n - done, order[i]); i++)
            ;
        if (i == n) {
            ctx->host->mem(ctx, (void *)order, 0);
            return NULL;
        }
        next = order[i];
        memmove(order + done + 1, order + done, (i - done) * sizeof(const struct weir_field *));
        order[done] = next;
    }
    return order;
}

static void check_keep(const struct report *r, const struct fields_conf *c)
{
    const char *with = c->rename.count                       ? "rename."
                       : c->fill.count || c->fill_json.count ? "default."
                       : c->remove.count                     ? "remove"
                                                             : NULL;
    for (size_t i = 0; i < c->keep.count; i++) {
        const char *why = keep_refuses(c->keep.items[i]);
        if (why)
            tell(r, "keep", "", "\"%s\" %s", c->keep.items[i], why);
    }
    if (c->keep.count && with)
        tell(r, "keep", "",
             "keep and %s are two stages: which fields are still there is only known behind keep", with);
}

int fields_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct fields_conf *c = conf;
    const struct report r = {ctx, problems};
    const struct group all[] = {
        {"set.", &c->set}, {"json.", &c->json}, {"default.", &c->fill}, {"default-json.", &c->fill_json}};
    const struct weir_field **order;
    size_t n = c->keep.count + c->remove.count + c->rename.count;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        n += all[i].fields->count;
        check_constants(&r, &all[i], i % 2 == 1);
        for (size_t k = 0; k < i; k++)
            check_pair(&r, &all[k], &all[i], i >= 2);
        check_pair(&r, &all[i], &all[i], false);
    }
    if (!n)
        weir_problemf(ctx, problems, NULL,
                      "it has nothing to do: give it keep, remove, rename., set., json. or default.");
    check_keep(&r, c);
    check_renames(&r, &c->rename);
    check_made(&r, &c->rename, &all[2]);
    check_made(&r, &c->rename, &all[3]);
    order = rename_order(ctx, &c->rename);
    if (order)
        ctx->host->mem(ctx, (void *)order, 0);
    else
        tell(&r, "rename.", c->rename.items[0].name,
             "the renames go round; fields change places by set.a = {.b} and set.b = {.a}");
    return WEIR_OK;
}
