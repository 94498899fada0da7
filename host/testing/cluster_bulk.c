/* SPDX-License-Identifier: BSD-2-Clause */
/* cluster_bulk.c - actions of a bulk request, accepted or refused one by one (cluster.h).  The server's thread. */
#include "cluster.h"

#include "dlq/text.h"
#include "record/json.h"

#include <stdbool.h>
#include <string.h>

struct bulk {
    struct outputs *outputs;
    struct faults *faults;
    struct arena arena;
    struct strbuf items, beside;
    const char *at, *end;
    bool errors;
};

static bool next_line(struct bulk *b, struct weir_slice *ret)
{
    const char *feed = b->at < b->end ? memchr(b->at, '\n', (size_t)(b->end - b->at)) : NULL;
    if (!feed)
        return false;
    *ret = (struct weir_slice){b->at, (size_t)(feed - b->at)};
    b->at = feed + 1;
    return true;
}

static bool is(struct weir_slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static void refuse(struct bulk *b, const struct fault *f)
{
    const char *type = f->type[0] ? f->type : "fault_of_the_test";
    strbuf_printf(&b->items, "\"status\":%u,\"error\":{\"type\":", f->code);
    text_json(&b->items, (struct weir_slice){type, strlen(type)});
    strbuf_str(&b->items, ",\"reason\":\"a fault of the test\"}");
    b->errors = true;
}

/* What the action says, flat: {"op":"index","_index":...}. */
static void accept_action(struct bulk *b, struct weir_slice op, const struct json_node *action,
                          struct weir_slice body)
{
    bool made = is(op, "index") || is(op, "create");
    b->beside.len = 0;
    strbuf_printf(&b->beside, "{\"op\":\"%.*s\"%s", (int)op.len, (const char *)op.ptr,
                  action->child ? "," : "");
    strbuf_add(&b->beside, (const char *)action->text.ptr + 1, action->text.len - 1);
    (void)outputs_add(b->outputs, body, (struct weir_slice){b->beside.data, b->beside.len});
    strbuf_printf(&b->items, "\"status\":%d", made ? 201 : 200);
}

/* False: this is no bulk request. */
static bool act(struct bulk *b, struct weir_slice line)
{
    struct json_doc *doc = json_parse(&b->arena, line.ptr, line.len, NULL);
    const struct json_node *action = doc && doc->root->type == WEIR_JSON_OBJECT ? doc->root->child : NULL;
    struct weir_slice op, body = {NULL, 0};
    if (!action || action->type != WEIR_JSON_OBJECT)
        return false;
    op = json_string(&b->arena, action->key);
    if (!is(op, "delete") && !next_line(b, &body))
        return false;
    const struct fault *f = b->faults ? faults_record(b->faults) : NULL;
    strbuf_printf(&b->items, "%s{\"%.*s\":{", b->items.len ? "," : "", (int)op.len, (const char *)op.ptr);
    if (f)
        refuse(b, f);
    else
        accept_action(b, op, action, body);
    strbuf_str(&b->items, "}}");
    return true;
}

void cluster_bulk(struct outputs *outputs, struct faults *faults, struct weir_slice body,
                  struct strbuf *answer)
{
    struct bulk b = {.outputs = outputs, .faults = faults, .at = body.ptr};
    struct weir_slice line;
    bool good = true;
    b.end = b.at + body.len;
    while (good && next_line(&b, &line))
        good = act(&b, line);
    strbuf_printf(answer, "{\"took\":1,\"errors\":%s,\"items\":[%s]}", b.errors ? "true" : "false",
                  b.items.len ? b.items.data : "");
    arena_free(&b.arena);
    strbuf_free(&b.items);
    strbuf_free(&b.beside);
}
