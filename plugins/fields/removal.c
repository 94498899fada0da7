/* SPDX-License-Identifier: BSD-2-Clause */
/* removal.c - see removal.h. */
#define WEIR_API 1
#include "removal.h"

#include "../common/jsonscan.h"

struct writer {
    const struct removal *r;
    struct each *e;
    const char *end; /* of the text */
    char *out;
    size_t n;
    struct weir_slice *names; /* room for as many as fields go */
};

void removal_init(struct removal *r, struct weir_ctx *ctx, const struct weir_paths *paths,
                  const struct weir_path *whole)
{
    *r = (struct removal){.paths = paths, .whole = whole};
    r->gone = ctx->host->mem(ctx, NULL, (paths->count + 1) * sizeof *r->gone);
}

void removal_free(struct removal *r, struct weir_ctx *ctx)
{
    ctx->host->mem(ctx, r->gone, 0);
}

/* ---- what goes -------------------------------------------------------------------------------------------------- */

static bool lies_in(struct weir_slice text, const char *p)
{
    uintptr_t from = (uintptr_t)text.ptr, at = (uintptr_t)p;
    return at > from && at - from < text.len;
}

/* Where in text they stand, without what lies inside of another. */
static int find(struct removal *r, struct each *e, struct weir_slice text, size_t *ret_elements)
{
    *ret_elements = r->n = 0;
    for (size_t i = 0; i < r->paths->count; i++) {
        struct gone g = {.path = r->paths->items[i]};
        struct weir_span span;
        size_t kept = 0, k;
        int status = each_json(e, g.path, &span);
        if (status != WEIR_OK)
            return status;
        if (span.type == WEIR_JSON_MISSING)
            continue;
        g.at = span.ptr;
        g.end = g.at + span.len;
        g.element = !jsonscan_is_member(text, g.at);
        for (k = 0; k < r->n && !(g.at >= r->gone[k].at && g.end <= r->gone[k].end); k++)
            ;
        if (k < r->n)
            continue;
        for (k = 0; k < r->n; k++)
            if (!(r->gone[k].at >= g.at && r->gone[k].end <= g.end))
                r->gone[kept++] = r->gone[k];
        r->gone[kept] = g;
        r->n = kept + 1;
    }
    for (size_t k = 0; k < r->n; k++)
        *ret_elements += r->gone[k].element;
    return WEIR_OK;
}

bool removal_takes(const struct removal *r, const struct weir_span *span)
{
    const char *at = span->ptr;
    for (size_t i = 0; i < r->n; i++)
        if (r->gone[i].at <= at && at + span->len <= r->gone[i].end)
            return true;
    return false;
}

/* ---- the value without it ---------------------------------------------------------------------------------------- */

static bool goes(const struct writer *w, const char *value)
{
    for (size_t i = 0; i < w->r->n; i++)
        if (w->r->gone[i].at == value)
            return true;
    return false;
}

/* Something goes from there to there. */
static bool is_touched(const struct writer *w, const char *from, const char *to)
{
    for (size_t i = 0; i < w->r->n; i++)
        if (w->r->gone[i].at >= from && w->r->gone[i].at < to)
            return true;
    return false;
}

static void put(struct writer *w, const char *from, const char *to)
{
    memcpy(w->out + w->n, from, (size_t)(to - from));
    w->n += (size_t)(to - from);
}

static struct weir_slice name_of(struct writer *w, struct weir_slice key)
{
    const struct weir_span span = {key.ptr, key.len, WEIR_JSON_STRING, 0};
    return memchr(key.ptr, '\\', key.len) ? each_string(w->e, &span)
                                          : (struct weir_slice){(const char *)key.ptr + 1, key.len - 2};
}

/* The names of the members in which something goes: others of that name, which are not meant, go too. */
static size_t find_names(struct writer *w, const char *p)
{
    struct jsonscan_item item;
    size_t n = 0;
    while (jsonscan_item(&p, w->end, true, &item)) {
        p = jsonscan_end(item.value, w->end);
        if (is_touched(w, item.value, p))
            w->names[n++] = name_of(w, item.key);
    }
    return n;
}

static bool is_one_of(const struct weir_slice *names, size_t n, struct weir_slice name)
{
    for (size_t i = 0; i < n; i++)
        if (names[i].len == name.len && (!name.len || memcmp(names[i].ptr, name.ptr, name.len) == 0))
            return true;
    return false;
}

/* The value at p, which itself stays; gives what is behind it. */
static const char *put_value(struct writer *w, const char *p)
{
    const char *stop = jsonscan_end(p, w->end), *done;
    struct jsonscan_item item;
    bool object = *p == '{', first = true;
    size_t n;
    if (!is_touched(w, p, stop)) {
        put(w, p, stop);
        return stop;
    }
    n = object ? find_names(w, p + 1) : 0;
    struct weir_slice *names = each_alloc(w->e, (n + 1) * sizeof *names); /* w->names is needed further in */
    memcpy(names, w->names, n * sizeof *names);
    put(w, p, p + 1);
    done = ++p;
    while (jsonscan_item(&p, w->end, object, &item)) {
        const char *from = object ? item.key.ptr : item.value;
        stop = jsonscan_end(item.value, w->end);
        bool stays = !goes(w, item.value) && (is_touched(w, item.value, stop) ||
                                              !is_one_of(names, n, object ? name_of(w, item.key) : item.key));
        if (stays) {
            for (; done < from; done++)
                if (*done != ',' || !first)
                    w->out[w->n++] = *done;
            put(w, from, item.value);
            (void)put_value(w, item.value);
            first = false;
        }
        done = p = stop;
    }
    put(w, done, p);
    return p;
}

static struct weir_slice without(const struct removal *r, struct each *e, struct weir_slice text)
{
    struct writer w = {.r = r, .e = e, .end = (const char *)text.ptr + text.len};
    w.names = each_alloc(e, (r->n + 1) * sizeof *w.names);
    w.out = each_alloc(e, text.len);
    (void)put_value(&w, text.ptr);
    return (struct weir_slice){w.out, w.n};
}

static int remove_only(struct removal *r, struct each *e)
{
    const struct weir_path *path = r->paths->items[0];
    struct weir_span span;
    int status = each_json(e, path, &span);
    r->n = 0;
    if (status != WEIR_OK || span.type == WEIR_JSON_MISSING)
        return status;
    r->gone[r->n++] = (struct gone){path, span.ptr, (const char *)span.ptr + span.len, false};
    each_edit(e, WEIR_EDIT_REMOVE, path, (struct weir_slice){NULL, 0});
    return WEIR_OK;
}

/* ---- both ------------------------------------------------------------------------------------------------------- */

int removal_one(struct removal *r, struct each *e)
{
    struct weir_slice text = e->record->value;
    struct weir_span whole;
    size_t elements;
    if (r->paths->count == 1)
        return remove_only(r, e);
    int status = find(r, e, text, &elements);
    if (status == WEIR_OK && r->n > 1 && elements) { /* edits of earlier stages do not lie there */
        status = each_json(e, NULL, &whole);
        text = (struct weir_slice){whole.ptr, whole.len};
        status = status == WEIR_OK ? find(r, e, text, &elements) : status;
    }
    if (status != WEIR_OK)
        return status;
    if (elements > 1) {
        struct weir_span root;
        (void)each_json(e, r->whole, &root);
        if (root.ptr != whole.ptr)
            return each_reject(e, "fields", "keep-in is for keep, and not for remove");
        for (size_t i = 0; i < r->n; i++)
            if (!lies_in(text, r->gone[i].at))
                return each_reject(e, "fields", "remove: which elements of an array are meant is not known");
        each_edit(e, WEIR_EDIT_SET, r->whole, without(r, e, text));
        return WEIR_OK;
    }
    for (int pass = 0; pass < 2; pass++) /* an element last: it moves those behind it */
        for (size_t i = 0; i < r->n; i++)
            if (r->gone[i].element == (pass == 1))
                each_edit(e, WEIR_EDIT_REMOVE, r->gone[i].path, (struct weir_slice){NULL, 0});
    return WEIR_OK;
}
