/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.c - a sink that keeps what it is given (capture.h). */
#include "capture.h"

#include "config/option.h"
#include "dlq/letter.h"
#include "record/format.h"
#include "record/json.h"
#include "report/log.h"

#include <weir/helpers.h>

#include <inttypes.h>
#include <stdlib.h>

struct sink {
    struct weir_ctx *ctx;
    const struct capture *conf;
    struct strbuf beside;
    struct arena arena;
    char why[512];
};

static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct sink *s = xcalloc(1, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    *self = s;
    return WEIR_OK;
}

static void sink_destroy(void *self)
{
    struct sink *s = self;
    strbuf_free(&s->beside);
    arena_free(&s->arena);
    free(s);
}

/* ---- faults ---------------------------------------------------------------------------------------------------- */
static uint32_t where_of(const struct weir_errors *table, const char *name)
{
    for (uint32_t i = 0; table && table->where && table->where[i] && i < 32; i++)
        if (strcmp(table->where[i], name) == 0)
            return 1u << i;
    return 0;
}

/* What the sink itself would make of it; the reason stays in s->why. */
static int status_of(struct sink *s, const struct fault *f, uint32_t attempt, uint32_t together)
{
    const struct weir_errors *table = s->conf->of.ops->errors;
    struct weir_fault fault = {.struct_size = sizeof fault,
                               .code = f->code,
                               .where = where_of(table, f->of_records ? "record" : "request"),
                               .type = weir_str(f->type)};
    for (uint32_t i = 0; table && !f->code && i < table->count; i++) {
        struct weir_error row;
        errors_row(table, i, &row);
        if (row.type && f->type[0] && strcmp(row.type, f->type) == 0)
            fault.code = row.low; /* of a table whose errors have both */
    }
    if (f->cut)
        snprintf(s->why, sizeof s->why, "a fault of the test: no answer");
    else if (f->code)
        snprintf(s->why, sizeof s->why, "a fault of the test: %" PRIu32 "%s%.100s", f->code,
                 f->type[0] ? " " : "", f->type);
    else
        snprintf(s->why, sizeof s->why, "a fault of the test: %.100s", f->type);
    const struct weir_error *row = s->ctx->host->classify(s->ctx, &fault);
    int status = weir_error_status(row, attempt, together);
    return status == WEIR_OK && row->means == WEIR_CLASS_OK ? WEIR_RETRY : status;
}

/* ---- records --------------------------------------------------------------------------------------------------- */
/* Takes off the closing brace, so that members can follow. */
static void open_object(struct strbuf *b)
{
    if (b->len && b->data[b->len - 1] == '}')
        b->data[--b->len] = 0;
}

static void put_member(struct strbuf *b, const char *name, struct weir_slice text)
{
    size_t n = json_quote(NULL, name, strlen(name));
    strbuf_char(b, ',');
    b->len += json_quote(strbuf_reserve(b, n), name, strlen(name));
    strbuf_char(b, ':');
    if (!json_utf8_valid(text.ptr, text.len))
        text = weir_str("(not UTF-8)");
    n = json_quote(NULL, text.ptr, text.len);
    b->len += json_quote(strbuf_reserve(b, n), text.ptr, text.len);
}

/* The options of the real sink that are templates, rendered for the record: a topic and a key take the place of the
 * record's own, the others stand beside it by their names. */
static int render(struct sink *s, const struct weir_batch *batch, uint32_t i, struct weir_record *r)
{
    const struct section_conf *of = &s->conf->of;
    struct strbuf more = {0};
    struct weir_option row;
    const char *why = NULL;
    int status = WEIR_OK;
    for (uint32_t k = 0; of->ops->options && k < of->ops->options->count && status == WEIR_OK; k++) {
        const struct weir_template *t = NULL;
        struct weir_slice text;
        option_row(of->ops->options, k, &row);
        if (row.type == WEIR_T_TEMPLATE)
            memcpy(&t, (const char *)of->conf + row.offset, sizeof t);
        if (!t)
            continue;
        status = s->ctx->host->render(s->ctx, t, batch, i, &text, &why);
        if (status != WEIR_OK)
            snprintf(s->why, sizeof s->why, "%s", why ? why : "a template can not be rendered");
        else if (strcmp(row.name, "topic") == 0)
            r->topic = text;
        else if (strcmp(row.name, "key") == 0)
            r->key = text;
        else
            put_member(&more, row.name, text);
    }
    s->beside.len = 0;
    format_print(r, &s->beside);
    open_object(&s->beside);
    strbuf_add(&s->beside, more.len ? more.data : "", more.len);
    strbuf_char(&s->beside, '}');
    strbuf_free(&more);
    return status;
}

static struct weir_slice of_buf(const struct strbuf *b)
{
    return (struct weir_slice){b->data, b->len};
}

/* A dead letter: the record as it was, and why. */
static void keep_letter(struct sink *s, const struct weir_record *as_given)
{
    struct weir_record r = *as_given;
    struct letter letter;
    struct strbuf reason = {0};
    bool good = letter_read(&r, &letter);
    arena_reset(&s->arena);
    if (good)
        letter_restore(&letter, &r, &s->arena);
    s->beside.len = 0;
    format_print(&r, &s->beside);
    if (good) {
        open_object(&s->beside);
        put_member(&s->beside, "section", letter.section);
        put_member(&s->beside, "type", letter.type);
        strbuf_printf(&s->beside, ",\"code\":%" PRId64 "}", letter.code);
        strbuf_printf(&reason, "[%.*s] %.*s: %.*s", (int)letter.section.len, (const char *)letter.section.ptr,
                      (int)letter.type.len, (const char *)letter.type.ptr, (int)letter.message.len,
                      (const char *)letter.message.ptr);
    }
    struct output *o = outputs_add(s->conf->to, r.value, of_buf(&s->beside));
    o->reason = reason.data ? arena_copy(&s->conf->to->arena, reason.data, reason.len) : NULL;
    strbuf_free(&reason);
}

/* WEIR_OK: the record is kept; else the reason is in s->why. */
static int take(struct sink *s, struct weir_batch *batch, const struct weir_view *v, uint32_t i,
                const struct fault **ret_fault)
{
    struct weir_record r = *weir_record_at(v, i);
    *ret_fault = s->conf->faults ? faults_record(s->conf->faults) : NULL;
    if (*ret_fault)
        return status_of(s, *ret_fault, v->attempt, v->count);
    if (s->conf->of.dead_letter) {
        keep_letter(s, &r);
        return WEIR_OK;
    }
    int status = render(s, batch, i, &r);
    if (status == WEIR_OK)
        (void)outputs_add(s->conf->to, r.value, of_buf(&s->beside));
    return status;
}

static int sink_write(void *self, struct weir_batch *batch)
{
    struct sink *s = self;
    struct weir_view v = {.struct_size = sizeof v};
    const struct fault *f = s->conf->faults ? faults_request(s->conf->faults) : NULL;
    uint32_t n = 0;
    if (s->ctx->host->view(s->ctx, batch, &v) != WEIR_OK)
        return WEIR_FATAL;
    if (f) {
        int status = status_of(s, f, v.attempt, v.count);
        if (status != WEIR_OK) /* a duplicate: it was written */
            return weir_fail(s->ctx, status, f->code, "%s", s->why);
    }
    struct weir_result *results = xcalloc(v.count + 1, sizeof *results);
    char **reasons = xcalloc(v.count + 1, sizeof(char *));
    for (uint32_t i = 0; i < v.count; i++) {
        int status = take(s, batch, &v, i, &f);
        if (status == WEIR_OK)
            continue;
        reasons[n] = xstrdup(s->why);
        results[n] = (struct weir_result){.index = i,
                                          .status = status,
                                          .code = f ? f->code : 0,
                                          .type = f && f->type[0] ? f->type : NULL,
                                          .why = reasons[n]};
        n++;
    }
    (void)s->ctx->host->complete(s->ctx, batch, results, n, sizeof *results);
    for (uint32_t i = 0; i < n; i++)
        free(reasons[i]);
    free(reasons);
    free(results);
    return WEIR_OK;
}

void capture_put(struct section_conf *s, struct capture *c, struct outputs *to, struct faults *faults)
{
    *c = (struct capture){.of = *s, .to = to, .faults = faults};
    c->ops = (struct weir_ops){.struct_size = sizeof c->ops,
                               .kind = WEIR_SINK,
                               .promises = WEIR_SINGLE | (s->ops->promises & WEIR_STREAM),
                               .errors = s->ops->errors,
                               .create = sink_create,
                               .write = sink_write,
                               .destroy = sink_destroy};
    s->ops = &c->ops;
    s->conf = c;
}
