/* SPDX-License-Identifier: BSD-2-Clause */
/* assign.c - the values of set, json and default: constants are made once, fields keep their type, text is a string.
 *
 * Home thread only. */
#define WEIR_API 1
#include "fields.h"

bool assign_text(const char *template, char *out, size_t *ret_len)
{
    size_t n = 0;
    for (const char *p = template; *p; p++) {
        if (*p == '{' || *p == '}') {
            if (p[1] != *p)
                return false;
            p++;
        }
        out[n++] = *p;
    }
    *ret_len = n;
    return true;
}

void assign_init(struct assign *a, struct weir_ctx *ctx, const char *option, const struct weir_field *field)
{
    size_t len = strlen(field->text), n;
    char *text = ctx->host->mem(ctx, NULL, len + 1), *made;
    memset(a, 0, sizeof *a);
    a->field = field;
    a->option = option;
    a->json = strstr(option, "json") != NULL;
    a->fill = strstr(option, "default") != NULL;
    if (!assign_text(field->text, text, &len)) {
        ctx->host->mem(ctx, text, 0);
        return;
    }
    if (a->json) {
        a->constant = (struct weir_slice){text, len};
        return;
    }
    n = ctx->host->json_quote(ctx, NULL, (struct weir_slice){text, len});
    made = ctx->host->mem(ctx, NULL, n);
    ctx->host->json_quote(ctx, made, (struct weir_slice){text, len});
    ctx->host->mem(ctx, text, 0);
    a->constant = (struct weir_slice){made, n};
}

void assign_free(struct assign *a, struct weir_ctx *ctx)
{
    if (a->constant.ptr)
        ctx->host->mem(ctx, (void *)(uintptr_t)a->constant.ptr, 0);
}

static int any(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    (void)opaque;
    (void)path;
    (void)span;
    return WEIR_OK;
}

/* The field that the template is, with its type. */
static int copy(const struct assign *a, struct each *e, int64_t on_missing)
{
    const struct weir_field *f = a->field;
    struct weir_span span;
    int r = each_json(e, f->from, &span);
    if (r != WEIR_OK)
        return r;
    if (span.type == WEIR_JSON_MISSING)
        return each_missing(e, on_missing, f->path, "%s%s: the field of %s is missing", a->option, f->name,
                            f->text);
    each_edit(e, WEIR_EDIT_SET, f->path, (struct weir_slice){span.ptr, span.len});
    return WEIR_OK;
}

static int render(const struct assign *a, struct each *e, int64_t on_missing)
{
    const struct weir_field *f = a->field;
    struct weir_slice text;
    int r = each_render(e, f->value, &text);
    if (r == WEIR_REJECT && on_missing != MISSING_REJECT) {
        struct weir_span span; /* a template lacks its fields where the value is not JSON, too */
        r = each_json(e, NULL, &span);
        return r != WEIR_OK ? r : each_missing(e, on_missing, f->path, "%s%s", a->option, f->name);
    }
    if (r != WEIR_OK)
        return r;
    if (a->json && e->ctx->host->json_walk(e->ctx, text, any, NULL) != WEIR_OK)
        return each_reject(e, "json", "%s%s: what %s gives is not JSON", a->option, f->name, f->text);
    each_edit(e, a->json ? WEIR_EDIT_SET : WEIR_EDIT_STRING, f->path, text);
    return WEIR_OK;
}

int assign_one(const struct assign *a, struct each *e, int64_t on_missing)
{
    if (a->fill) {
        struct weir_span span;
        int r = each_json(e, a->field->path, &span);
        if (r != WEIR_OK || (span.type != WEIR_JSON_MISSING && span.type != WEIR_JSON_NULL))
            return r;
    }
    if (a->constant.ptr) {
        each_edit(e, WEIR_EDIT_SET, a->field->path, a->constant);
        return WEIR_OK;
    }
    return a->field->from && !a->json ? copy(a, e, on_missing) : render(a, e, on_missing);
}
