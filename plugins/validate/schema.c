/* SPDX-License-Identifier: BSD-2-Clause */
/* schema.c - see schema.h: the schemas of a file, found, compiled one after the other and tied to each other. */
#define WEIR_API 1
#include "schema_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES  16384u
#define PROBLEMS_MAX 20u

struct schema_block {
    struct schema_block *older;
    size_t used, size;
    max_align_t bytes[];
};

/* ---- memory, texts, problems ----------------------------------------------------------------------------------- */
void *schema_memory(void *opaque, size_t n)
{
    struct schema_file *f = opaque;
    struct schema_block *b = f->blocks;
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!b || b->size - b->used < n) {
        size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        b = f->ctx->host->mem(f->ctx, NULL, sizeof *b + size);
        *b = (struct schema_block){.older = f->blocks, .size = size};
        f->blocks = b;
    }
    void *p = (char *)b->bytes + b->used;
    b->used += n;
    memset(p, 0, n);
    return p;
}

struct weir_slice schema_string(struct compiler *c, struct weir_slice text)
{
    return jsontree_string(text, schema_memory, c->file);
}

bool schema_is(struct weir_slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

void schema_tell(struct compiler *c, struct weir_slice at, const char *format, ...)
{
    const char *p = c->file->text.ptr, *stop = at.ptr;
    unsigned line = 1, column = 1;
    char text[400];
    va_list ap;
    if (c->told++ >= PROBLEMS_MAX)
        return;
    for (; p < stop; p++) {
        column += ((unsigned char)*p & 0xc0) != 0x80;
        if (*p == '\n') {
            line++;
            column = 1;
        }
    }
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    c->problem(c->opaque, line, column, text);
}

static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

void schema_check_keys(struct compiler *c, const struct jsontree *object)
{
    for (const struct jsontree *v = object->child; v; v = v->next)
        for (const struct jsontree *w = object->child; w != v; w = w->next)
            if (same(v->key, w->key)) {
                schema_tell(c, v->key, "the key %.*s stands here twice",
                            (int)(v->key.len < 60 ? v->key.len : 60), (const char *)v->key.ptr);
                break;
            }
}

/* ---- names ------------------------------------------------------------------------------------------------------- */
static uint32_t hash_of(struct weir_slice s)
{
    uint32_t hash = 2166136261u;
    const unsigned char *p = s.ptr;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ p[i]) * 16777619u;
    return hash;
}

/* Where the name is, or would be. */
static uint32_t slot_of(const struct schema_names *names, struct weir_slice name)
{
    uint32_t slot = hash_of(name) & names->mask;
    while (names->slots[slot] && !same(names->items[names->slots[slot] - 1].name, name))
        slot = (slot + 1) & names->mask;
    return slot;
}

int64_t schema_find_name(const struct schema_names *names, struct weir_slice name)
{
    return names->count ? (int64_t)names->slots[slot_of(names, name)] - 1 : -1;
}

/* Twice the room; at most half of the slots are taken. */
static void grow_names(struct compiler *c, struct schema_names *names)
{
    uint32_t room = names->mask ? (names->mask + 1) * 2 : 8;
    struct schema_name *items = schema_memory(c->file, room / 2 * sizeof *items);
    if (names->count)
        memcpy(items, names->items, names->count * sizeof *items);
    names->items = items;
    names->slots = schema_memory(c->file, room * sizeof *names->slots);
    names->mask = room - 1;
    for (uint32_t i = 0; i < names->count; i++)
        names->slots[slot_of(names, items[i].name)] = i + 1;
}

uint32_t schema_add_name(struct compiler *c, struct schema_names *names, struct weir_slice text)
{
    struct weir_slice name = schema_string(c, text);
    int64_t known = schema_find_name(names, name);
    if (known >= 0)
        return (uint32_t)known;
    if (!names->mask || names->count == (names->mask + 1) / 2)
        grow_names(c, names);
    names->items[names->count].name = name;
    names->items[names->count].text = text;
    names->slots[slot_of(names, name)] = names->count + 1;
    return names->count++;
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */
const struct schema *schema_at(struct compiler *c, const struct jsontree *at)
{
    struct schema_file *f = c->file;
    for (uint32_t i = f->count; i-- > 0;)
        if (f->schemas[i]->at == at)
            return f->schemas[i];
    if (at->type != WEIR_JSON_OBJECT && at->type != WEIR_JSON_TRUE && at->type != WEIR_JSON_FALSE) {
        schema_tell(c, at->text, "a schema must stand here: an object, true or false");
        return NULL;
    }
    if (f->count == SCHEMA_COUNT_MAX) {
        schema_tell(c, at->text, "the file has more than %u schemas", SCHEMA_COUNT_MAX);
        return NULL;
    }
    if (f->count == f->room) {
        f->room = f->room ? f->room * 2 : 64;
        f->schemas = f->ctx->host->mem(f->ctx, f->schemas, f->room * sizeof(struct schema *));
    }
    struct schema *s = schema_memory(f, sizeof *s);
    s->at = at;
    s->never = at->type == WEIR_JSON_FALSE;
    s->length.max = s->items_count.max = s->members.max = s->contained.max = SCHEMA_NO_LIMIT;
    s->contained.min = 1;
    f->schemas[f->count++] = s;
    return s;
}

/* ---- $ref -------------------------------------------------------------------------------------------------------- */
static int hex(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* One step of a pointer without its %xx, ~0 and ~1, into out, which has room for it. */
static struct weir_slice step_of(const char *p, const char *end, char *out)
{
    char *to = out, *from = out, *behind;
    for (; p < end; p++) {
        bool coded = *p == '%' && end - p > 2 && hex(p[1]) >= 0 && hex(p[2]) >= 0;
        *to++ = coded ? (char)(hex(p[1]) * 16 + hex(p[2])) : *p;
        p += coded ? 2 : 0;
    }
    behind = to;
    for (to = out; from < behind; from++) {
        bool coded = *from == '~' && behind - from > 1 && (from[1] == '0' || from[1] == '1');
        *to++ = coded ? from[1] == '0' ? '~' : '/' : *from;
        from += coded;
    }
    return (struct weir_slice){out, (size_t)(to - out)};
}

static const struct jsontree *child_at(struct compiler *c, const struct jsontree *at, struct weir_slice step)
{
    char number[24];
    uint32_t i = 0;
    for (const struct jsontree *v = at->child; v; v = v->next, i++) {
        (void)snprintf(number, sizeof number, "%u", i);
        if (at->type == WEIR_JSON_OBJECT ? same(schema_string(c, v->key), step) : schema_is(step, number))
            return v;
    }
    return NULL;
}

const struct jsontree *schema_ref(struct compiler *c, const struct jsontree *ref)
{
    struct weir_slice uri = schema_string(c, ref->text);
    const char *p = uri.ptr, *end = p + uri.len, *stop;
    size_t id = c->file->id.len;
    if (id && uri.len >= id && memcmp(p, c->file->id.ptr, id) == 0 && (uri.len == id || p[id] == '#'))
        p += id;
    if (p < end && *p == '#')
        p++;
    else if (p < end || uri.len == 0)
        p = NULL;
    if (!p || (p < end && *p != '/')) {
        schema_tell(c, ref->text, "\"$ref\" may lead to a place of this file alone: # or #/$defs/name");
        return NULL;
    }
    const struct jsontree *at = c->file->root;
    char *step = schema_memory(c->file, uri.len + 1);
    for (; at && p < end; p = stop) {
        stop = memchr(p + 1, '/', (size_t)(end - p - 1));
        stop = stop ? stop : end;
        at = child_at(c, at, step_of(p + 1, stop, step));
    }
    if (!at)
        schema_tell(c, ref->text, "\"$ref\" leads nowhere: the file has no such place");
    return at;
}

/* ---- schemas that lead back to themselves without going into the value ----------------------------------------- */
enum { NEW = 0, OPEN, DONE };

static void look_for_loop(struct compiler *c, const struct schema *to);

static void look_in_list(struct compiler *c, const struct schema_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        look_for_loop(c, list->items[i]);
}

static void look_for_loop(struct compiler *c, const struct schema *to)
{
    struct schema *s = (struct schema *)(uintptr_t)to;
    if (!s || s->mark == DONE)
        return;
    if (s->mark == OPEN) {
        schema_tell(c, s->at->text, "this schema leads back to itself without going into the value");
        s->mark = DONE;
        return;
    }
    s->mark = OPEN;
    const struct schema *const next[] = {s->ref, s->negated, s->condition, s->then, s->otherwise};
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++)
        look_for_loop(c, next[i]);
    look_in_list(c, &s->all);
    look_in_list(c, &s->any);
    look_in_list(c, &s->one);
    for (uint32_t i = 0; i < s->names.count; i++)
        look_for_loop(c, s->names.items[i].dependent);
    s->mark = DONE;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */
static int walked(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    (void)opaque;
    (void)path;
    (void)span;
    return WEIR_OK;
}

/* The first string that is not UTF-8, the value itself if there is none. */
static struct weir_slice not_utf8(struct compiler *c, const struct jsontree *v)
{
    const struct weir_host *host = c->file->ctx->host;
    if (v->key.ptr && host->json_quote(c->file->ctx, NULL, v->key) == SIZE_MAX)
        return v->key;
    for (const struct jsontree *w = v->child; w; w = w->next)
        if (host->json_quote(c->file->ctx, NULL, w->text) == SIZE_MAX ||
            (w->key.ptr && host->json_quote(c->file->ctx, NULL, w->key) == SIZE_MAX))
            return not_utf8(c, w);
    return v->text;
}

static bool is_json(struct compiler *c)
{
    struct schema_file *f = c->file;
    size_t at = 0;
    struct jsontree *root = jsontree_read(f->text, schema_memory, f, &at);
    f->root = root;
    if (!root)
        schema_tell(c, (struct weir_slice){(const char *)f->text.ptr + at, 0}, "%s",
                    at == f->text.len ? "it ends in the middle of the schema"
                                      : "it is not JSON from here on");
    else if (f->ctx->host->json_walk(f->ctx, f->text, walked, NULL) != WEIR_OK)
        schema_tell(c, not_utf8(c, root), "it is not UTF-8");
    return c->told == 0;
}

/* Drafts in which "$ref" stands alone. */
static bool is_old(struct compiler *c)
{
    static const char *const old[] = {
        "http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-06/schema#", "http://json-schema.org/draft-06/schema"};
    for (const struct jsontree *v = c->file->root->child; v; v = v->next)
        for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
            if (v->type == WEIR_JSON_STRING && v->key.ptr && schema_is(schema_string(c, v->key), "$schema") &&
                schema_is(schema_string(c, v->text), old[i]))
                return true;
    return false;
}

static void compile_all(struct compiler *c)
{
    struct schema_file *f = c->file;
    f->ref_alone = is_old(c);
    (void)schema_at(c, f->root);
    for (uint32_t i = 0; i < f->count && c->told < PROBLEMS_MAX; i++)
        if (f->schemas[i]->at->type == WEIR_JSON_OBJECT)
            schema_read_words(c, f->schemas[i]);
    for (uint32_t i = 0; i < f->count && c->told == 0; i++)
        look_for_loop(c, f->schemas[i]);
}

struct schema_file *schema_compile(struct weir_ctx *ctx, struct weir_slice text, bool formats,
                                   schema_problem *problem, void *opaque)
{
    struct schema_file *f = ctx->host->mem(ctx, NULL, sizeof *f);
    struct compiler c = {.file = f, .formats = formats, .problem = problem, .opaque = opaque};
    *f = (struct schema_file){.ctx = ctx, .text = text};
    if (is_json(&c))
        compile_all(&c);
    if (c.told == 0)
        return f;
    schema_free(f);
    return NULL;
}

const struct schema *schema_top(const struct schema_file *f)
{
    return f->schemas[0];
}

void schema_free(struct schema_file *f)
{
    struct schema_block *older;
    if (!f)
        return;
    for (uint32_t i = 0; i < f->count; i++) {
        regex_free(f->schemas[i]->pattern.regex);
        for (size_t k = 0; k < f->schemas[i]->n_patterns; k++)
            regex_free(f->schemas[i]->patterns[k].regex);
    }
    if (f->schemas)
        f->ctx->host->mem(f->ctx, f->schemas, 0);
    for (struct schema_block *b = f->blocks; b; b = older) {
        older = b->older;
        f->ctx->host->mem(f->ctx, b, 0);
    }
    f->ctx->host->mem(f->ctx, f, 0);
}
