/* SPDX-License-Identifier: BSD-2-Clause */
/* case.c - upper or lower case for a field of the JSON value, or for the whole value.
 *
 * Home thread only.  ASCII is mapped here; anything else by libunistring (Unicode's full mapping, no language, no
 * normalisation, independent of the locale) into one buffer that is used again and again. */
#define WEIR_API 1
#include <weir/helpers.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unicase.h>
#include <unistr.h>

enum { TO_UPPER, TO_LOWER };
enum { MISSING_KEEP, MISSING_REJECT };
static const char *const directions[] = {"upper", "lower", NULL};
static const char *const missings[] = {"keep", "reject", NULL};

struct case_conf {
    const struct weir_path *field;
    int64_t to, on_missing;
};

static const struct weir_option rows[] = {
    WEIR_OPT_ENUM(struct case_conf, to, "to", WEIR_F_REQUIRED, NULL, directions, "Upper or lower case", NULL),
    WEIR_OPT_PATH(struct case_conf, field, "field", 0, NULL,
                  "Field of the JSON value, as .user.name; without it the whole value", NULL),
    WEIR_OPT_ENUM(struct case_conf, on_missing, "on-missing", 0, "keep", missings,
                  "What happens to a record whose field is missing or no string", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct case_conf, rows);

struct mapper {
    struct weir_ctx *ctx;
    const struct case_conf *conf;
    char *out; /* the mapped text */
    size_t cap;
    uint32_t passing; /* records before the current one not yet passed on begin here */
};

static int case_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct mapper *m = ctx->host->mem(ctx, NULL, sizeof *m);
    memset(m, 0, sizeof *m);
    m->ctx = ctx;
    m->conf = conf;
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

static int pass_until(struct mapper *m, struct weir_emitter *to, uint32_t end)
{
    uint32_t first = m->passing;
    return end > first ? m->ctx->host->pass(to, first, end - first) : WEIR_OK;
}

/* Ends the run of unchanged records before i. */
static int pass_before(struct mapper *m, struct weir_emitter *to, uint32_t i)
{
    int r = pass_until(m, to, i);
    m->passing = i + 1;
    return r;
}

static int case_reject(struct mapper *m, struct weir_emitter *to, uint32_t i, const char *why)
{
    struct weir_result result;
    int r = pass_before(m, to, i);
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.why = why;
    return r == WEIR_OK ? m->ctx->host->reject(to, i, &result) : r;
}

static int case_value(struct mapper *m, const struct weir_record *rec, struct weir_emitter *to, uint32_t i)
{
    struct weir_record changed = *rec;
    const char *why;
    int r;
    if (!rec->value.ptr)
        return WEIR_OK;
    why = case_map(m, rec->value, &changed.value);
    if (why)
        return case_reject(m, to, i, why);
    if (changed.value.ptr == rec->value.ptr)
        return WEIR_OK;
    r = pass_before(m, to, i);
    return r == WEIR_OK ? m->ctx->host->emit_from(to, i, &changed, sizeof changed, NULL) : r;
}

static int case_field(struct mapper *m, const struct weir_batch *batch, const struct weir_record *rec,
                      struct weir_emitter *to, uint32_t i)
{
    struct weir_edit edit = {.path = m->conf->field, .op = WEIR_EDIT_STRING};
    struct weir_span span;
    struct weir_slice text;
    const char *why = NULL;
    int r;
    if (!rec->value.ptr)
        return WEIR_OK;
    r = m->ctx->host->json(m->ctx, batch, i, m->conf->field, &span, &why);
    if (r == WEIR_REJECT)
        return case_reject(m, to, i, why ? why : "the value is not JSON");
    if (r != WEIR_OK)
        return r;
    if (span.type != WEIR_JSON_STRING) {
        if (m->conf->on_missing == MISSING_KEEP)
            return WEIR_OK;
        return case_reject(
            m, to, i, span.type == WEIR_JSON_MISSING ? "the field is missing" : "the field is not a string");
    }
    text = m->ctx->host->json_string(m->ctx, &span);
    why = case_map(m, text, &edit.value);
    if (why)
        return case_reject(m, to, i, why);
    if (edit.value.ptr == text.ptr)
        return WEIR_OK;
    r = pass_before(m, to, i);
    if (r == WEIR_OK)
        r = m->ctx->host->emit_edit(to, i, &edit, 1, sizeof edit, &why);
    return r == WEIR_REJECT ? case_reject(m, to, i, why ? why : "the field can't be changed") : r;
}

static int case_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct mapper *m = self;
    struct weir_view view = {.struct_size = sizeof view, .want = m->conf->field ? 0 : WEIR_WANT_VALUE};
    int r = m->ctx->host->view(m->ctx, batch, &view);
    m->passing = 0;
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++) {
        const struct weir_record *rec = weir_record_at(&view, i);
        r = m->conf->field ? case_field(m, batch, rec, to, i) : case_value(m, rec, to, i);
    }
    return r == WEIR_OK ? pass_until(m, to, view.count) : r;
}

static void case_destroy(void *self)
{
    struct mapper *m = self;
    if (m->out)
        m->ctx->host->mem(m->ctx, m->out, 0);
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
