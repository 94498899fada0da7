/* SPDX-License-Identifier: BSD-2-Clause */
/* json_model.h - what t-json-edit holds the edits of json.h against: a model that edits the text.
 *
 * Uses the test's arena; its texts have at most 64 members or elements each. */
#ifndef WEIR_TEST_JSON_MODEL_H
#define WEIR_TEST_JSON_MODEL_H

struct piece { /* one member or element: the gap before it (comma and white space), its key, its value */
    const char *gap, *key, *key_end, *value, *end;
    bool drop;
};

struct pieces {
    struct piece at[64];
    size_t count;
    const char *open, *close; /* the brackets */
    const char *tail;         /* white space before the closing one */
};

static const char *space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

static const char *string_end(const char *p)
{
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

static const char *value_end(const char *p)
{
    int depth = 0;

    do {
        if (*p == '"') {
            p = string_end(p);
            continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        p++;
        if (depth == 0 && !strchr("{}[]\"", p[-1]))
            while (*p && !strchr(" \t\r\n,]}", *p))
                p++;
    } while (depth > 0);
    return p;
}

static void cut(const char *value, struct pieces *ret)
{
    const char *p = value + 1;

    memset(ret, 0, sizeof *ret);
    ret->open = value;
    while (*space(p) != '}' && *space(p) != ']') {
        struct piece *c = &ret->at[ret->count++];
        c->gap = p;
        p = space(p);
        p = *p == ',' ? space(p + 1) : p;
        if (*value == '{') {
            c->key = p;
            c->key_end = string_end(p);
            p = space(space(c->key_end) + 1);
        }
        c->value = p;
        c->end = p = value_end(p);
    }
    ret->tail = p;
    ret->close = space(p);
}

static bool piece_is(const struct piece *c, const char *key, size_t len)
{
    struct weir_slice s = json_string(&arena, (struct weir_slice){c->key, (size_t)(c->key_end - c->key)});
    return s.len == len && memcmp(s.ptr, key, len) == 0;
}

/* The piece a step names, or count. */
static size_t pick(const struct pieces *in, const struct json_step *step)
{
    size_t found = in->count;

    if (step->key == NULL) {
        int64_t index = step->index < 0 ? step->index + (int64_t)in->count : step->index;
        return *in->open == '[' && index >= 0 && index < (int64_t)in->count ? (size_t)index : in->count;
    }
    for (size_t i = 0; *in->open == '{' && i < in->count; i++)
        if (piece_is(&in->at[i], step->key, step->len))
            found = i;
    return found;
}

static void drop_others(struct pieces *in, const char *key, size_t len, size_t but)
{
    for (size_t i = 0; i < in->count; i++)
        if (i != but && piece_is(&in->at[i], key, len))
            in->at[i].drop = true;
}

static void add_range(struct strbuf *b, const char *from, const char *to)
{
    strbuf_add(b, from, (size_t)(to - from));
}

/* The container with its pieces put together again. */
static void join(const struct pieces *in, struct strbuf *b, size_t changed, const char *key,
                 const char *value, const char *added)
{
    bool first = true;

    strbuf_char(b, *in->open);
    for (size_t i = 0; i < in->count; i++) {
        const struct piece *c = &in->at[i];
        if (c->drop)
            continue;
        for (const char *p = c->gap; p < (c->key ? c->key : c->value); p++)
            if (*p != ',' || !first)
                strbuf_char(b, *p);
        if (i == changed && key != NULL)
            strbuf_str(b, key);
        else if (c->key != NULL)
            add_range(b, c->key, c->key_end);
        if (c->key != NULL)
            add_range(b, c->key_end, c->value);
        if (i == changed && value != NULL)
            strbuf_str(b, value);
        else
            add_range(b, c->value, c->end);
        first = false;
    }
    if (added != NULL)
        strbuf_printf(b, "%s%s:%s", first ? "" : ",", added, value);
    add_range(b, in->tail, in->close + 1);
}

/* Quotes a key of the test's own alphabet. */
static char *quoted(const char *key, size_t len)
{
    size_t n = json_quote(NULL, key, len);
    char *text = arena_alloc(&arena, n + 1);
    json_quote(text, key, len);
    text[n] = '\0';
    return text;
}

/* The value inside of objects for the steps from first on; NULL: one of them is of an array. */
static const char *around(const struct json_path *path, size_t first, const char *value)
{
    struct strbuf b = {0};

    for (size_t i = first; i < path->count; i++) {
        if (path->steps[i].key == NULL) {
            strbuf_free(&b);
            return NULL;
        }
        strbuf_printf(&b, "{%s:", quoted(path->steps[i].key, path->steps[i].len));
    }
    strbuf_str(&b, value);
    for (size_t i = first; i < path->count; i++)
        strbuf_char(&b, '}');
    const char *copy = arena_copy(&arena, b.data, b.len);
    strbuf_free(&b);
    return copy;
}

struct level { /* a container on the path, and which of its pieces the path goes on in */
    struct pieces in;
    size_t at;
};

/* The text with what became of the innermost container in its place; namesakes of what the path leads through go. */
static char *model_out(const char *text, struct level **levels, size_t n, const struct json_path *path,
                       struct strbuf *inner)
{
    const char *open = space(text);

    for (size_t k = n; k-- > 0;) {
        struct strbuf outer = {0};
        const struct json_step *step = &path->steps[k];
        if (step->key != NULL)
            drop_others(&levels[k]->in, step->key, step->len, levels[k]->at);
        join(&levels[k]->in, &outer, levels[k]->at, NULL, inner->data, NULL);
        strbuf_free(inner);
        *inner = outer;
    }
    struct strbuf b = {0};
    add_range(&b, text, open);
    strbuf_printf(&b, "%s%s", inner->data, value_end(open));
    char *copy = arena_copy(&arena, b.data, b.len);
    strbuf_free(&b);
    strbuf_free(inner);
    return copy;
}

/* Edits text; gives the new text, or NULL when the path leads nowhere. */
static char *model(const char *text, char op, const struct json_path *path, const char *value)
{
    const char *at = space(text);
    struct strbuf b = {0};
    struct level *levels[64] = {0};
    size_t n = 0;

    if (path->count == 0) {
        if (op != '=')
            return NULL;
        strbuf_str(&b, value);
        return model_out(text, levels, 0, path, &b);
    }
    for (;; n++) {
        if (*at != '{' && *at != '[')
            return NULL;
        const struct json_step *step = &path->steps[n];
        struct level *l = levels[n] = arena_alloc(&arena, sizeof *l);
        cut(at, &l->in);
        l->at = pick(&l->in, step);
        if (n + 1 == path->count)
            break;
        bool absent = l->at == l->in.count;
        if (absent && (op != '=' || *at != '{' || step->key == NULL))
            return NULL;
        if (op == '=' && (absent || *l->in.at[l->at].value == 'n')) {
            value = around(path, n + 1, value);
            if (value == NULL)
                return NULL;
            break;
        }
        at = l->in.at[l->at].value;
    }
    const struct json_step *last = &path->steps[n];
    struct pieces *in = &levels[n]->in;
    size_t i = levels[n]->at;
    bool add = i == in->count && op == '=' && *at == '{' && last->key != NULL;
    if ((i == in->count && !add) || (op == '>' && last->key == NULL))
        return NULL;
    if (last->key != NULL && !add)
        drop_others(in, last->key, last->len, i);
    if (op == '-')
        in->at[i].drop = true;
    if (op == '>')
        drop_others(in, value, strlen(value), i);
    join(in, &b, i, op == '>' ? quoted(value, strlen(value)) : NULL, op == '=' ? value : NULL,
         add ? quoted(last->key, last->len) : NULL);
    return model_out(text, levels, n, path, &b);
}

#endif
