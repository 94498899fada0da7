/* SPDX-License-Identifier: BSD-2-Clause */
/* service_record.c - JSON, templates, expressions and the record format for plugins, over host/record.
 *
 * Home thread of the instance: its scratch memory is reused from call to call. */
#include "service.h"

#include "emitter.h"
#include "hold.h"
#include "instance/instance.h"
#include "record/batch.h"
#include "record/expr.h"
#include "record/format.h"
#include "record/json.h"
#include "record/json_walk.h"
#include "record/path.h"
#include "record/template.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static struct instance *of(struct weir_ctx *ctx)
{
    return (struct instance *)(void *)ctx;
}

static bool valid(const struct weir_batch *b, uint32_t i, const char **ret_why)
{
    if (i >= b->count) {
        *ret_why = "the batch has no such record";
        return false;
    }
    hold_shown(b);
    return true;
}

int service_json(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, const struct weir_path *path,
                 struct weir_span *ret, const char **ret_why)
{
    *ret = (struct weir_span){0};
    if (!valid(b, i, ret_why))
        return WEIR_FATAL;
    if (!path && of(ctx)->emitter) /* it would be printed in any case */
        emitter_print_anew(of(ctx)->emitter, b, i);
    struct parsed *p = batch_json(b, i, of(ctx)->loop);
    if (!p->doc) {
        *ret_why = p->why;
        return WEIR_REJECT;
    }
    const struct json_node *node = path ? json_find(p->doc->root, path->path) : p->doc->root;
    if (!node && json_is_hidden(p->doc->root, path->path)) {
        *ret_why = JSON_HIDDEN;
        return WEIR_REJECT;
    }
    if (!node)
        return WEIR_OK;
    struct weir_slice text = node->text;
    if (p->doc->edited) { /* of a container with edits below it the text is stale */
        const struct weir_batch *chunk = batch_at(b, i).chunk;
        text = json_node_text(batch_doc_arena(chunk, of(ctx)->loop), node);
        batch_charge_docs(chunk, of(ctx)->loop);
    }
    *ret = (struct weir_span){text.ptr, text.len, node->type, 0};
    return WEIR_OK;
}

/* A record of a transform's batch may have edits that are not in its value yet. */
static void print_edits(struct instance *in, const struct weir_batch *b, uint32_t i)
{
    if (in->emitter)
        emitter_print(in->emitter, b, i);
}

struct weir_slice service_json_string(struct weir_ctx *ctx, const struct weir_span *span)
{
    struct instance *in = of(ctx);
    arena_reset(&in->scratch);
    if (span->type != WEIR_JSON_STRING)
        return (struct weir_slice){NULL, 0};
    return json_string(&in->scratch, (struct weir_slice){span->ptr, span->len});
}

int service_json_check(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, uint32_t *ret_type,
                       uint32_t *ret_multiline, const char **ret_why)
{
    struct json_error error = {0, NULL};
    bool newlines = false;
    if (!valid(b, i, ret_why))
        return WEIR_FATAL;
    print_edits(of(ctx), b, i);
    struct weir_slice v = b->records[i].value;
    if (!v.ptr) {
        *ret_why = "it is a tombstone";
        return WEIR_REJECT;
    }
    if (!json_check(v.ptr, v.len, ret_type, &newlines, &error)) {
        *ret_why = error.why;
        return WEIR_REJECT;
    }
    *ret_multiline = newlines;
    return WEIR_OK;
}

size_t service_json_minify(struct weir_ctx *ctx, void *out, struct weir_slice json)
{
    (void)ctx;
    return json_minify(out, json.ptr, json.len);
}

size_t service_json_quote(struct weir_ctx *ctx, void *out, struct weir_slice bytes)
{
    (void)ctx;
    if (!json_utf8_valid(bytes.ptr, bytes.len))
        return SIZE_MAX;
    return json_quote(out, bytes.ptr, bytes.len);
}

int service_json_walk(struct weir_ctx *ctx, struct weir_slice json,
                      int (*each)(void *opaque, struct weir_slice path, const struct weir_span *),
                      void *opaque)
{
    struct instance *in = of(ctx);
    struct arena walked = {0};
    struct strbuf path = {0};
    if (in->walking) { /* called by each of another walk, which goes on in what it read */
        int status = json_walk(&walked, &path, json, each, opaque);
        strbuf_free(&path);
        arena_free(&walked);
        return status;
    }
    in->walking = true;
    int status = json_walk(&in->walked, &in->text, json, each, opaque);
    in->walking = false;
    return status;
}

/* The place where a template's text stands until its next render. */
static struct strbuf *rendered_text(struct instance *in, const struct weir_template *t)
{
    int k = 0;
    while (k < RENDERED_MAX - 1 && in->rendered[k].template && in->rendered[k].template != t)
        k++;
    in->rendered[k].template = t;
    return &in->rendered[k].text;
}

int service_render(struct weir_ctx *ctx, const struct weir_template *t, const struct weir_batch *b,
                   uint32_t i, struct weir_slice *ret, const char **ret_why)
{
    struct instance *in = of(ctx);
    struct batch_subject subject;
    if (template_constant(t, ret))
        return WEIR_OK;
    if (!valid(b, i, ret_why))
        return WEIR_FATAL;
    struct strbuf *text = rendered_text(in, t);
    text->len = in->render_why.len = 0;
    batch_subject_init(&subject, b, in->loop, &in->scratch);
    int status = template_render(t, batch_subject_at(&subject, i), text, &in->render_why);
    arena_reset(&in->scratch);
    if (status == WEIR_OK)
        *ret = (struct weir_slice){text->len ? text->data : "", text->len};
    else
        *ret_why = in->render_why.data;
    return status;
}

int service_match(struct weir_ctx *ctx, const struct weir_expr *expr, const struct weir_batch *b,
                  uint32_t first, uint32_t n, uint8_t *ret)
{
    struct instance *in = of(ctx);
    struct batch_subject subject;
    if (first > b->count || n > b->count - first)
        return WEIR_FATAL;
    batch_subject_init(&subject, b, in->loop, &in->scratch);
    for (uint32_t k = 0; k < n && expr_wants_text(expr); k++)
        print_edits(in, b, first + k);
    for (uint32_t k = 0; k < n; k++) {
        size_t before = in->match_why.len;
        in->match_why.len = 0;
        ret[k] = (uint8_t)expr_match(expr, batch_subject_at(&subject, first + k), &in->match_why);
        if (!in->match_why.len)
            in->match_why.len = before; /* the last error stays readable */
        arena_reset(&in->scratch);
    }
    return WEIR_OK;
}

const char *service_match_error(struct weir_ctx *ctx)
{
    return of(ctx)->match_why.len ? of(ctx)->match_why.data : "";
}

int service_record_print(struct weir_ctx *ctx, const struct weir_batch *b, uint32_t i, struct weir_slice *ret)
{
    struct strbuf *line = &of(ctx)->line;
    if (i >= b->count)
        return WEIR_FATAL;
    print_edits(of(ctx), b, i);
    line->len = 0;
    format_print(&b->records[i], line);
    *ret = (struct weir_slice){line->data, line->len};
    return WEIR_OK;
}

int service_record_parse(struct weir_ctx *ctx, struct weir_slice line, struct weir_record *ret,
                         size_t record_size, const char **ret_why)
{
    struct instance *in = of(ctx);
    struct weir_record r;
    arena_reset(&in->parsed);
    int status = format_parse(&in->parsed, line, &r, ret_why);
    memset(ret, 0, record_size);
    if (status == WEIR_OK)
        memcpy(ret, &r, record_size < sizeof r ? record_size : sizeof r);
    return status;
}
