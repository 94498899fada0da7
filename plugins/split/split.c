/* SPDX-License-Identifier: BSD-2-Clause */
/* split.c - one record for each element of a JSON array, or for each line of text.
 *
 * Home thread only.  An element's text lies in its record's value: nothing is copied, unless the element is to stand
 * in the record where the array stood. */
#define WEIR_API 1
#include <weir/helpers.h>

#include "../common/jsonscan.h"

#include <stdbool.h>

enum { BY_ELEMENT, BY_LINE };
enum { KEEP_ELEMENT, KEEP_RECORD };
enum { MISSING_KEEP, MISSING_DROP, MISSING_REJECT };
static const char *const bys[] = {"element", "line", NULL};
static const char *const keeps[] = {"element", "record", NULL};
static const char *const missings[] = {"keep", "drop", "reject", NULL};

struct split_conf {
    const struct weir_path *field;
    int64_t by, keep, on_missing, max_records, max_bytes;
};

static const struct weir_option rows[] = {
    WEIR_OPT_ENUM(
        struct split_conf, by, "by", 0, "element", bys,
        "element: of a JSON array; line: of the value as text",
        "A line ends with LF or CR LF; what stands behind the last one is a line unless it is empty."),
    WEIR_OPT_PATH(struct split_conf, field, "field", 0, NULL,
                  "Field of the JSON value that is the array, as .items; without it the whole value", NULL),
    WEIR_OPT_ENUM(struct split_conf, keep, "keep", 0, "element", keeps,
                  "element: it is the new value; record: the value as it was, with it in place of the array",
                  NULL),
    WEIR_OPT_ENUM(struct split_conf, on_missing, "on-missing", 0, "reject", missings,
                  "What happens to a record whose field is missing or no array", NULL),
    WEIR_OPT_INT(struct split_conf, max_records, "max-records", 0, "10000", 1, 1000000,
                 "A record that would become more is a record error", NULL),
    WEIR_OPT_SIZE(
        struct split_conf, max_bytes, "max-bytes", 0, "16M", 1024, (int64_t)1 << 30,
        "A record that would become more bytes is a record error",
        "Only keep = record makes more of a record than it has: what stands around the array is copied."),
};
static const struct weir_options options = WEIR_OPTIONS(struct split_conf, rows);

struct split {
    struct weir_ctx *ctx;
    const struct split_conf *conf;
    char *text; /* keep = record: the value with one element */
    size_t cap;
};

static int split_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct split_conf *c = conf;
    if (c->by == BY_LINE && c->field)
        weir_problemf(ctx, problems, "field", "by = line divides the whole value");
    if (c->keep == KEEP_RECORD && !c->field)
        weir_problemf(ctx, problems, "keep", "keep = record needs field: the whole value is the array");
    return WEIR_OK;
}

static int split_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct split *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    *self = s;
    return WEIR_OK;
}

static int split_reject(struct split *s, struct weir_emitter *to, uint32_t i, const char *why)
{
    struct weir_result result;
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.why = why;
    return s->ctx->host->reject(to, i, &result);
}

/* A record whose value is that part of its parent's. */
static int emit_part(struct split *s, const struct weir_record *rec, struct weir_emitter *to, uint32_t i,
                     struct weir_slice part)
{
    struct weir_record made = *rec;
    made.value = part;
    made.flags |= WEIR_REC_SHARES_PARENT;
    return s->ctx->host->emit_from(to, i, &made, sizeof made, NULL);
}

static bool too_many_lines(const struct split *s, const char *p, const char *end)
{
    int64_t n = 1;
    for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL && n <= s->conf->max_records; n++)
        if (++p == end)
            break;
    return n > s->conf->max_records;
}

static int split_lines(struct split *s, const struct weir_record *rec, struct weir_emitter *to, uint32_t i)
{
    const char *p = rec->value.ptr, *end = p + rec->value.len;
    int r = WEIR_OK;
    if (too_many_lines(s, p, end))
        return split_reject(s, to, i, "it has more than max-records lines");
    while (p < end && r == WEIR_OK) {
        const char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf ? lf : end;
        size_t n = (size_t)(stop - p);
        if (lf && n && p[n - 1] == '\r')
            n--;
        r = emit_part(s, rec, to, i, (struct weir_slice){p, n});
        p = lf ? lf + 1 : end;
    }
    return r;
}

static int missing(struct split *s, struct weir_emitter *to, uint32_t i, const char *why)
{
    if (s->conf->on_missing == MISSING_DROP)
        return WEIR_OK;
    if (s->conf->on_missing == MISSING_KEEP)
        return s->ctx->host->pass(to, i, 1);
    return split_reject(s, to, i, why);
}

/* Where the array stands in the value; NULL: there is no telling.  Behind a transform that edited the value the host
 * gives the array's text from elsewhere. */
static const char *place_of(const struct weir_record *rec, const struct weir_span *array)
{
    const char *value = rec->value.ptr, *end = value + rec->value.len, *text = array->ptr;
    if ((uintptr_t)text >= (uintptr_t)value && (uintptr_t)text < (uintptr_t)end)
        return text;
    const char *found = memmem(value, rec->value.len, text, array->len);
    if (!found || memmem(found + 1, (size_t)(end - found - 1), text, array->len))
        return NULL;
    return found;
}

/* The value with the element where the array stands. */
static int emit_around(struct split *s, const struct weir_record *rec, struct weir_emitter *to, uint32_t i,
                       const struct weir_span *array, struct weir_slice element)
{
    const char *value = rec->value.ptr, *from = place_of(rec, array), *why;
    const struct weir_edit edit = {.path = s->conf->field, .value = element, .op = WEIR_EDIT_SET};
    if (!from) /* parses the value once more for each element */
        return s->ctx->host->emit_edit(to, i, &edit, 1, sizeof edit, &why);
    size_t before = (size_t)(from - value), behind = rec->value.len - before - array->len;
    size_t n = before + element.len + behind;
    struct weir_record made = *rec;
    if (n > s->cap) {
        s->cap = n + n / 2;
        s->text = s->ctx->host->mem(s->ctx, s->text, s->cap);
    }
    memcpy(s->text, value, before);
    memcpy(s->text + before, element.ptr, element.len);
    memcpy(s->text + before + element.len, from + array->len, behind);
    made.value = (struct weir_slice){s->text, n};
    return s->ctx->host->emit_from(to, i, &made, sizeof made, NULL);
}

/* Why the array can't be divided, or NULL. */
static const char *refuse(const struct split *s, const struct weir_record *rec, const struct weir_span *array)
{
    const char *at = (const char *)array->ptr + 1, *end = (const char *)array->ptr + array->len;
    uint64_t around = rec->value.len - array->len, bytes = 0;
    struct weir_slice element;
    int64_t n = 0;
    while (n <= s->conf->max_records && jsonscan_element(&at, end, &element)) {
        bytes += element.len + (s->conf->keep == KEEP_RECORD ? around : 0);
        n++;
    }
    return n > s->conf->max_records               ? "the array has more than max-records elements"
           : bytes > (uint64_t)s->conf->max_bytes ? "its elements would become more than max-bytes"
                                                  : NULL;
}

static int split_elements(struct split *s, const struct weir_batch *batch, const struct weir_record *rec,
                          struct weir_emitter *to, uint32_t i)
{
    struct weir_span span;
    struct weir_slice element;
    const char *why = NULL;
    int r = s->ctx->host->json(s->ctx, batch, i, s->conf->field, &span, &why);
    if (r == WEIR_REJECT) {
        char text[160];
        const char *ignored;
        /* else it is JSON, but the path leads to more than one thing */
        bool json = s->conf->field && s->ctx->host->json(s->ctx, batch, i, NULL, &span, &ignored) == WEIR_OK;
        (void)snprintf(text, sizeof text, "%s%s%s", json ? "" : "the value is not JSON",
                       !json && why ? ": " : "", why ? why : "");
        return split_reject(s, to, i, text);
    }
    if (r != WEIR_OK)
        return r;
    if (span.type != WEIR_JSON_ARRAY)
        return missing(s, to, i,
                       span.type == WEIR_JSON_MISSING ? "the field is missing"
                       : s->conf->field               ? "the field is not an array"
                                                      : "the value is not an array");
    why = refuse(s, rec, &span);
    if (why)
        return split_reject(s, to, i, why);
    const char *at = (const char *)span.ptr + 1, *end = (const char *)span.ptr + span.len;
    while (r == WEIR_OK && jsonscan_element(&at, end, &element))
        r = s->conf->keep == KEEP_ELEMENT ? emit_part(s, rec, to, i, element)
                                          : emit_around(s, rec, to, i, &span, element);
    return r;
}

static int split_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct split *s = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    int r = s->ctx->host->view(s->ctx, batch, &view);
    for (uint32_t i = 0; i < view.count && r == WEIR_OK; i++) {
        const struct weir_record *rec = weir_record_at(&view, i);
        if (!rec->value.ptr)
            r = s->ctx->host->pass(to, i, 1);
        else if (s->conf->by == BY_LINE)
            r = split_lines(s, rec, to, i);
        else
            r = split_elements(s, batch, rec, to, i);
    }
    return r;
}

static void split_destroy(void *self)
{
    struct split *s = self;
    if (s->text)
        s->ctx->host->mem(s->ctx, s->text, 0);
    s->ctx->host->mem(s->ctx, s, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_NO_HEADERS,
    .options = &options,
    .check = split_check,
    .create = split_create,
    .process = split_process,
    .destroy = split_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "split", "0.1.0", "Makes a record of each element or line", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
