/* SPDX-License-Identifier: BSD-2-Clause */
/* case.c - upper or lower case for a field of the JSON value, or for the whole value.
 *
 * Home thread only.  ASCII is mapped here; anything else by libunistring (Unicode's full mapping, no language, no
 * normalisation, independent of the locale) into one buffer that is used again and again. */
#define WEIR_API 1
#include "../common/each.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unicase.h>
#include <unistr.h>

enum { TO_UPPER, TO_LOWER };
static const char *const directions[] = {"upper", "lower", NULL};

struct case_conf {
    const struct weir_path *field;
    int64_t to, on_missing;
};

static const struct weir_option rows[] = {
    WEIR_OPT_ENUM(struct case_conf, to, "to", WEIR_F_REQUIRED, NULL, directions, "Upper or lower case", NULL),
    WEIR_OPT_PATH(struct case_conf, field, "field", 0, NULL,
                  "Field of the JSON value, as .user.name; without it the whole value", NULL),
    WEIR_OPT_ENUM(struct case_conf, on_missing, "on-missing", 0, "keep", missings,
                  "What happens to a record whose field is missing or no string: null sets it to null", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct case_conf, rows);

struct mapper {
    struct weir_ctx *ctx;
    const struct case_conf *conf;
    char *out; /* the mapped text */
    size_t cap;
    struct each each;
};

static int case_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct mapper *m = ctx->host->mem(ctx, NULL, sizeof *m);
    memset(m, 0, sizeof *m);
    m->ctx = ctx;
    m->conf = conf;
    each_init(&m->each, ctx);
    *self = m;
    return WEIR_OK;
}

static void out_reserve(struct mapper *m, size_t n)
{
    if (n <= m->cap)
        return;
    m->cap = n < 256 ? 256 : n + n / 2;
    m->out = m->ctx->host->mem(m->ctx, m->out, m->cap);
}

static bool is_ascii(const unsigned char *p, size_t n)
{
    unsigned char any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any < 0x80;
}

/* ASCII text into out; both loops are plain enough for the compiler to use wide registers. */
static void map_ascii(struct mapper *m, const unsigned char *p, size_t n)
{
    unsigned char *out = (unsigned char *)m->out;
    unsigned char first = m->conf->to == TO_UPPER ? 'a' : 'A';
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)(p[i] ^ ((unsigned char)(p[i] - first) < 26 ? 0x20 : 0));
}

/* Maps text to *ret, which borrows it when nothing changes, and m->out otherwise; NULL, or why it can't be. */
static const char *case_map(struct mapper *m, struct weir_slice text, struct weir_slice *ret)
{
    const uint8_t *p = text.ptr;
    uint8_t *mapped;
    size_t n;
    *ret = text;
    if (!text.len)
        return NULL;
    out_reserve(m, text.len);
    if (is_ascii(p, text.len)) {
        map_ascii(m, p, text.len);
        n = text.len;
    } else {
        if (u8_check(p, text.len))
            return "the text is not UTF-8, so it has no upper and lower case";
        n = m->cap;
        mapped = (m->conf->to == TO_UPPER ? u8_toupper : u8_tolower)(p, text.len, NULL, NULL,
                                                                     (uint8_t *)m->out, &n);
        if (!mapped)
            return errno == ENOMEM ? "there is no memory to map its case" : "its case can't be mapped";
        if ((char *)mapped != m->out) { /* it did not fit: rare, for few letters grow */
            out_reserve(m, n);
            memcpy(m->out, mapped, n);
            free(mapped);
        }
    }
    if (n != text.len || memcmp(m->out, text.ptr, n) != 0) {
        ret->ptr = m->out;
        ret->len = n;
    }
    return NULL;
}

static int case_value(void *self, struct each *e)
{
    struct mapper *m = self;
    struct weir_record changed = *e->record;
    const char *why = case_map(m, e->record->value, &changed.value);
    if (why)
        return each_reject(e, "case", "%s", why);
    return changed.value.ptr == e->record->value.ptr ? WEIR_OK : each_emit(e, &changed);
}

static int case_field(void *self, struct each *e)
{
    struct mapper *m = self;
    struct weir_span span;
    struct weir_slice text, mapped;
    const char *why;
    int r = each_json(e, m->conf->field, &span);
    if (r != WEIR_OK)
        return r;
    if (span.type != WEIR_JSON_STRING)
        return each_missing(e, m->conf->on_missing, m->conf->field, "the field is %s",
                            span.type == WEIR_JSON_MISSING ? "missing" : "not a string");
    text = m->ctx->host->json_string(m->ctx, &span);
    why = case_map(m, text, &mapped);
    if (why)
        return each_reject(e, "case", "%s", why);
    if (mapped.ptr != text.ptr)
        each_edit(e, WEIR_EDIT_STRING, m->conf->field, mapped);
    return WEIR_OK;
}

static int case_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct mapper *m = self;
    return m->conf->field ? each_run(&m->each, batch, to, 0, case_field, m)
                          : each_run(&m->each, batch, to, WEIR_WANT_VALUE, case_value, m);
}

static void case_destroy(void *self)
{
    struct mapper *m = self;
    if (m->out)
        m->ctx->host->mem(m->ctx, m->out, 0);
    each_free(&m->each);
    m->ctx->host->mem(m->ctx, m, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .create = case_create,
    .process = case_process,
    .destroy = case_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "case", "0.1.0", "Upper and lower case",
                                          "BSD-2-Clause",   NULL,   ops};
WEIR_PLUGIN(plugin);
