/* SPDX-License-Identifier: BSD-2-Clause */
/* flatten.c - objects inside of objects become fields whose names say where they stood: {"a":{"b":1}} is {"a.b":1}.
 *
 * Home thread only.  The text is gone through once, as deep as it nests, and written as it goes; names that come twice
 * are found by sorting and taken out at the end.  So the time follows the bytes read and written, whatever they are;
 * and because a name can be repeated by each field beneath it, what is written has a limit. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/jsonscan.h"

#include <stdbool.h>
#include <stdlib.h>

#define FEW       16u               /* so many names are compared each with each, more are sorted */
#define ROOM_KEPT ((size_t)1 << 20) /* from one record to the next */

enum { ARRAYS_KEEP, ARRAYS_INDEX };
static const char *const arrays[] = {"keep", "index", NULL};

struct flatten_conf {
    const struct weir_path *field;
    const char *delimiter;
    int64_t arrays, on_missing, max_bytes;
};

static const struct weir_option rows[] = {
    WEIR_OPT_PATH(struct flatten_conf, field, "field", 0, NULL,
                  "Object to flatten, as .user; without it the whole value", NULL),
    WEIR_OPT_STRING(struct flatten_conf, delimiter, "delimiter", 0, ".", "What stands between names", NULL),
    WEIR_OPT_ENUM(struct flatten_conf, arrays, "arrays", 0, "keep", arrays,
                  "keep: they stay as they are; index: {\"a\":[5]} becomes {\"a.0\":5}", NULL),
    WEIR_OPT_ENUM(struct flatten_conf, on_missing, "on-missing", 0, "reject", missings,
                  "What happens to a record whose field is missing or no object: null sets it to null", NULL),
    WEIR_OPT_SIZE(struct flatten_conf, max_bytes, "max-bytes", 0, "16M", 1024, (int64_t)1 << 30,
                  "A record that would become more bytes is a record error",
                  "A name is repeated by each field beneath it, so a value may become many times larger."),
};
static const struct weir_options options = WEIR_OPTIONS(struct flatten_conf, rows);

struct leaf {                   /* a field of the result, by its place in out */
    size_t at, n, name, n_name; /* with the comma behind it; without quotes */
    bool gone;
};
struct member {            /* of an object on the way */
    struct weir_slice key; /* without quotes, in one spelling */
    size_t from, to;       /* leaves that it gave */
    size_t order;
};

struct flatten {
    struct weir_ctx *ctx;
    const struct flatten_conf *conf;
    char *delimiter; /* as in a JSON string */
    size_t n_delimiter;
    struct each each;

    /* of one value: */
    const char *end;
    char *out, *prefix; /* names on the way, with delimiters */
    size_t n_out, out_room, n_prefix, prefix_room;
    struct leaf *leaves;
    size_t n_leaves, leaves_room;
    struct member *members; /* of all objects on the way */
    size_t n_members, members_room;
    bool twins, gone; /* two names may read the same; a leaf is gone */
};

static int flatten_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct flatten_conf *c = conf;
    if (ctx->host->json_quote(ctx, NULL, weir_str(c->delimiter)) == SIZE_MAX)
        weir_problemf(ctx, problems, "delimiter", "it is not UTF-8");
    return WEIR_OK;
}

static int flatten_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct flatten *f = ctx->host->mem(ctx, NULL, sizeof *f);
    struct weir_slice delimiter;
    memset(f, 0, sizeof *f);
    f->ctx = ctx;
    f->conf = conf;
    delimiter = weir_str(f->conf->delimiter);
    f->n_delimiter = ctx->host->json_quote(ctx, NULL, delimiter) - 2;
    f->delimiter = ctx->host->mem(ctx, NULL, f->n_delimiter + 2);
    ctx->host->json_quote(ctx, f->delimiter, delimiter);
    memmove(f->delimiter, f->delimiter + 1, f->n_delimiter);
    each_init(&f->each, ctx);
    *self = f;
    return WEIR_OK;
}

/* Room for one more of n, of that size. */
static void *grow(struct flatten *f, void *array, size_t n, size_t *room, size_t more, size_t size)
{
    if (*room - n >= more)
        return array;
    *room = (n + more) + (n + more) / 2 + 64;
    return f->ctx->host->mem(f->ctx, array, *room * size);
}

static void add(char *to, size_t *n, const void *p, size_t len)
{
    if (len)
        memcpy(to + *n, p, len);
    *n += len;
}

/* The name without quotes, as json_quote spells it. */
static struct weir_slice spelled(struct flatten *f, struct weir_slice key)
{
    const struct weir_span span = {key.ptr, key.len, WEIR_JSON_STRING, 0};
    struct weir_slice text;
    char *made;
    size_t n;
    if (!memchr(key.ptr, '\\', key.len))
        return (struct weir_slice){(const char *)key.ptr + 1, key.len - 2};
    text = f->ctx->host->json_string(f->ctx, &span);
    n = f->ctx->host->json_quote(f->ctx, NULL, text);
    made = each_alloc(&f->each, n);
    f->ctx->host->json_quote(f->ctx, made, text);
    return (struct weir_slice){made + 1, n - 2};
}

/* The names on the way and key as one field; false: more than max-bytes. */
static bool put_leaf(struct flatten *f, struct weir_slice key, const char *value, const char *stop)
{
    size_t n_value = (size_t)(stop - value), n_name = f->n_prefix + key.len;
    struct leaf *leaf;
    if (n_name + n_value + 6 > (uint64_t)f->conf->max_bytes - f->n_out)
        return false;
    f->out = grow(f, f->out, f->n_out, &f->out_room, n_name + n_value + 6, 1);
    f->leaves = grow(f, f->leaves, f->n_leaves, &f->leaves_room, 1, sizeof *f->leaves);
    leaf = &f->leaves[f->n_leaves++];
    *leaf = (struct leaf){f->n_out, n_name + n_value + 4, f->n_out + 1, n_name, false};
    f->out[f->n_out++] = '"';
    add(f->out, &f->n_out, f->prefix, f->n_prefix);
    add(f->out, &f->n_out, key.ptr, key.len);
    add(f->out, &f->n_out, "\":", 2);
    add(f->out, &f->n_out, value, n_value);
    f->out[f->n_out++] = ',';
    return true;
}

static void take_out(struct flatten *f, const struct member *m)
{
    for (size_t i = m->from; i < m->to; i++)
        f->leaves[i].gone = true;
    f->gone |= m->to > m->from;
}

static int compare(const void *a, size_t n_a, const void *b, size_t n_b)
{
    int c = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return c ? c : (n_a > n_b) - (n_a < n_b);
}

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int c = compare(x->key.ptr, x->key.len, y->key.ptr, y->key.len);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static bool same(const struct member *a, const struct member *b)
{
    return a->key.len == b->key.len && memcmp(a->key.ptr, b->key.ptr, a->key.len) == 0;
}

static void note(struct flatten *f, struct weir_slice key, size_t from, size_t to)
{
    f->members = grow(f, f->members, f->n_members, &f->members_room, 1, sizeof *f->members);
    f->members[f->n_members] = (struct member){key, from, to, f->n_members};
    f->n_members++;
}

/* Forgets the members from first on; of those of one name only the last keeps what it gave. */
static void end_members(struct flatten *f, size_t first)
{
    struct member *m = f->members + first;
    size_t n = f->n_members - first;
    f->n_members = first;
    if (n > FEW)
        qsort(m, n, sizeof *m, by_key);
    for (size_t i = 0; i + 1 < n; i++)
        for (size_t k = i + 1; k < (n > FEW ? i + 2 : n); k++)
            if (same(&m[i], &m[k])) {
                take_out(f, &m[i]);
                break;
            }
}

/* Whether the name and what stands around it can be read in two ways. */
static bool is_ambiguous(const struct flatten *f, struct weir_slice key)
{
    for (size_t i = 0; i < f->n_delimiter; i++)
        if (memchr(key.ptr, f->delimiter[i], key.len))
            return true;
    return f->n_delimiter == 0;
}

static struct weir_slice decimal(size_t n, char digits[20])
{
    size_t at = 20;
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return (struct weir_slice){digits + at, 20 - at};
}

static const char *put_items(struct flatten *f, const char *p, bool object);

/* What stands at value, under this name; NULL: more than max-bytes. */
static const char *put_item(struct flatten *f, struct weir_slice key, const char *value)
{
    const char *stop;
    size_t n = f->n_prefix;
    if (*value != '{' && (*value != '[' || f->conf->arrays == ARRAYS_KEEP)) {
        stop = jsonscan_end(value, f->end);
        return put_leaf(f, key, value, stop) ? stop : NULL;
    }
    f->prefix = grow(f, f->prefix, n, &f->prefix_room, key.len + f->n_delimiter, 1);
    add(f->prefix, &f->n_prefix, key.ptr, key.len);
    add(f->prefix, &f->n_prefix, f->delimiter, f->n_delimiter);
    stop = put_items(f, value + 1, *value == '{');
    f->n_prefix = n;
    return stop;
}

/* The items behind a bracket; gives what is behind its other one. */
static const char *put_items(struct flatten *f, const char *p, bool object)
{
    size_t first = f->n_members, index = 0;
    struct jsonscan_item item;
    char digits[20];
    while (p && jsonscan_item(&p, f->end, object, &item)) {
        struct weir_slice key = object ? spelled(f, item.key) : decimal(index++, digits);
        size_t from = f->n_leaves;
        p = put_item(f, key, item.value);
        f->twins |= is_ambiguous(f, key);
        if (object)
            note(f, key, from, f->n_leaves);
    }
    end_members(f, first);
    return p;
}

/* Leaves that are gone leave the text. */
static void close_up(struct flatten *f)
{
    size_t n = 1;
    for (size_t i = 0; i < f->n_leaves; i++) {
        const struct leaf *leaf = &f->leaves[i];
        if (leaf->gone)
            continue;
        memmove(f->out + n, f->out + leaf->at, leaf->n);
        n += leaf->n;
    }
    f->n_out = n;
}

static void *trim(struct flatten *f, void *array, size_t *room, size_t size)
{
    if (*room * size <= ROOM_KEPT)
        return array;
    *room = 0;
    return f->ctx->host->mem(f->ctx, array, 0);
}

/* The flat object in f->out; false: more than max-bytes. */
static bool flatten(struct flatten *f, struct weir_slice object)
{
    f->out = trim(f, f->out, &f->out_room, 1);
    f->prefix = trim(f, f->prefix, &f->prefix_room, 1);
    f->leaves = trim(f, f->leaves, &f->leaves_room, sizeof *f->leaves);
    f->members = trim(f, f->members, &f->members_room, sizeof *f->members);
    f->n_out = f->n_prefix = f->n_leaves = f->n_members = 0;
    f->twins = f->gone = false;
    f->end = (const char *)object.ptr + object.len;
    f->out = grow(f, f->out, 0, &f->out_room, object.len + 2, 1);
    f->out[f->n_out++] = '{';
    if (!put_items(f, (const char *)memchr(object.ptr, '{', object.len) + 1, true))
        return false;
    if (f->twins) {
        for (size_t i = 0; i < f->n_leaves; i++)
            if (!f->leaves[i].gone)
                note(f, (struct weir_slice){f->out + f->leaves[i].name, f->leaves[i].n_name}, i, i + 1);
        end_members(f, 0);
    }
    if (f->gone)
        close_up(f);
    f->n_out -= f->out[f->n_out - 1] == ',';
    f->out[f->n_out++] = '}';
    return true;
}

static int too_large(const struct flatten *f, struct each *e)
{
    return each_reject(e, "size", "the value would become more than max-bytes, %lld",
                       (long long)f->conf->max_bytes);
}

static int flatten_field(void *self, struct each *e)
{
    struct flatten *f = self;
    struct weir_span span;
    int r = each_json(e, f->conf->field, &span);
    if (r != WEIR_OK)
        return r;
    if (span.type != WEIR_JSON_OBJECT)
        return each_missing(e, f->conf->on_missing, f->conf->field, "the field is %s",
                            span.type == WEIR_JSON_MISSING ? "missing" : "not an object");
    if (!flatten(f, (struct weir_slice){span.ptr, span.len}))
        return too_large(f, e);
    each_edit(e, WEIR_EDIT_SET, f->conf->field, (struct weir_slice){f->out, f->n_out});
    return WEIR_OK;
}

static int flatten_whole(void *self, struct each *e)
{
    struct flatten *f = self;
    struct weir_record changed = *e->record;
    uint32_t type;
    int r = each_json_check(e, &type);
    if (r != WEIR_OK)
        return r;
    if (type != WEIR_JSON_OBJECT && f->conf->on_missing == MISSING_NULL) {
        changed.value = weir_str("null");
        return each_emit(e, &changed);
    }
    if (type != WEIR_JSON_OBJECT)
        return each_missing(e, f->conf->on_missing, NULL, "the value is not an object");
    if (!flatten(f, e->record->value))
        return too_large(f, e);
    changed.value = (struct weir_slice){f->out, f->n_out};
    return each_emit(e, &changed);
}

static int flatten_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct flatten *f = self;
    return f->conf->field ? each_run(&f->each, batch, to, 0, flatten_field, f)
                          : each_run(&f->each, batch, to, WEIR_WANT_VALUE, flatten_whole, f);
}

static void flatten_destroy(void *self)
{
    struct flatten *f = self;
    void *const all[] = {f->delimiter, f->out, f->prefix, f->leaves, f->members};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i])
            f->ctx->host->mem(f->ctx, all[i], 0);
    each_free(&f->each);
    f->ctx->host->mem(f->ctx, f, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .check = flatten_check,
    .create = flatten_create,
    .process = flatten_process,
    .destroy = flatten_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "flatten", "0.1.0", "Objects inside of objects become flat fields",
    "BSD-2-Clause",   NULL,      ops};
WEIR_PLUGIN(plugin);
