/* SPDX-License-Identifier: BSD-2-Clause */
/* say.c - what is wrong with a value: its path, what it is, what it must be. */
#define WEIR_API 1
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES  160u
#define VALUE_BYTES 48u

struct text {
    size_t len, cap;
    char *bytes;
};

/* Adds what fits, without a character cut apart. */
static void add(struct text *t, const void *p, size_t n)
{
    size_t room = t->cap - 1 - t->len;
    if (n > room) {
        n = room;
        while (n > 0 && (((const unsigned char *)p)[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(t->bytes + t->len, p, n);
    t->len += n;
    t->bytes[t->len] = '\0';
}

static void add_text(struct text *t, const char *s)
{
    add(t, s, strlen(s));
}

static void add_format(struct text *t, const char *format, va_list ap)
{
    char bytes[320];
    (void)vsnprintf(bytes, sizeof bytes, format, ap);
    add_text(t, bytes);
}

__attribute__((format(printf, 2, 3))) static void addf(struct text *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    add_format(t, format, ap);
    va_end(ap);
}

/* A fault is told, unless it may be none; where to, NULL: nowhere. */
static struct text *begin(struct judge *j, struct text *t, const struct place *at)
{
    unsigned deep = 0;
    for (; at; at = at->above)
        deep++;
    if (deep > j->deepest)
        j->deepest = deep;
    if (j->quiet || j->stop || j->told == JUDGE_TOLD)
        return NULL;
    *t = (struct text){j->len, sizeof j->why, j->why};
    if (j->told++)
        add_text(t, "; ");
    return t;
}

static bool end(struct judge *j, const struct text *t)
{
    j->len = t->len;
    return false;
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */
/* A name that a path can have without quotes. */
static bool is_plain(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char low = (char)(p[i] | 0x20);
        if (!(low >= 'a' && low <= 'z') && p[i] != '_' && (i == 0 || p[i] < '0' || p[i] > '9'))
            return false;
    }
    return n > 0;
}

static void add_member(struct text *t, struct weir_slice key)
{
    const char *name = (const char *)key.ptr + 1;
    size_t n = key.len - 2;
    add_text(t, ".");
    if (is_plain(name, n))
        add(t, name, n < PATH_BYTES ? n : PATH_BYTES);
    else
        add(t, key.ptr, key.len < PATH_BYTES ? key.len : PATH_BYTES);
}

static void add_steps(struct text *t, const struct place *at)
{
    if (!at->above)
        return;
    add_steps(t, at->above);
    if (at->at->key.ptr)
        add_member(t, at->at->key);
    else
        addf(t, "[%u]", at->index);
}

static void add_path(struct text *t, const struct place *at)
{
    char bytes[PATH_BYTES];
    struct text path = {0, sizeof bytes, bytes};
    bytes[0] = '\0';
    add_steps(&path, at);
    if (at->name)
        add_text(t, "the name of ");
    add(t, path.bytes, path.len);
    if (path.len == 0)
        add_text(t, "the value");
    else if (path.len > PATH_BYTES - 8)
        add_text(t, "...");
}

static void add_value(struct text *t, const struct jsontree *v)
{
    char bytes[VALUE_BYTES];
    struct text value = {0, sizeof bytes, bytes};
    if (v->type == WEIR_JSON_OBJECT || v->type == WEIR_JSON_ARRAY) {
        add_text(t, v->type == WEIR_JSON_OBJECT ? "an object" : "an array");
        return;
    }
    add(&value, v->text.ptr, v->text.len);
    add(t, value.bytes, value.len);
    if (value.len < v->text.len)
        add_text(t, "...");
}

/* ---- sentences --------------------------------------------------------------------------------------------------- */
static struct text *begin_must(struct judge *j, struct text *t, const struct place *at)
{
    if (!begin(j, t, at))
        return NULL;
    add_path(t, at);
    add_text(t, " is ");
    add_value(t, at->at);
    add_text(t, ", but must be ");
    return t;
}

bool say_must(struct judge *j, const struct place *at, const char *format, ...)
{
    struct text t;
    va_list ap;
    if (!begin_must(j, &t, at))
        return false;
    va_start(ap, format);
    add_format(&t, format, ap);
    va_end(ap);
    return end(j, &t);
}

bool say_that(struct judge *j, const struct place *at, const char *format, ...)
{
    struct text t;
    va_list ap;
    if (!begin(j, &t, at))
        return false;
    add_path(&t, at);
    add_text(&t, " ");
    va_start(ap, format);
    add_format(&t, format, ap);
    va_end(ap);
    return end(j, &t);
}

bool say_missing(struct judge *j, const struct place *at, struct weir_slice name,
                 const struct weir_slice *beside)
{
    struct text t;
    if (!begin(j, &t, at))
        return false;
    if (at->above)
        add_path(&t, at);
    add_member(&t, name);
    add_text(&t, " is missing");
    if (beside) {
        add_text(&t, ", but must stand beside ");
        add_member(&t, *beside);
    }
    return end(j, &t);
}

bool say_types(struct judge *j, const struct place *at, uint32_t types)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {1u << WEIR_JSON_OBJECT, "an object"}, {1u << WEIR_JSON_ARRAY, "an array"},
        {1u << WEIR_JSON_STRING, "a string"},  {1u << WEIR_JSON_NUMBER, "a number"},
        {SCHEMA_INTEGER, "an integer"},        {1u << WEIR_JSON_TRUE, "true or false"},
        {1u << WEIR_JSON_NULL, "null"},
    };
    struct text t;
    if (!begin_must(j, &t, at))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!(types & names[i].bit))
            continue;
        add_text(&t, names[i].name);
        types &= ~(names[i].bit | (names[i].bit == 1u << WEIR_JSON_TRUE ? 1u << WEIR_JSON_FALSE : 0));
        add_text(&t, types ? " or " : "");
    }
    return end(j, &t);
}

bool say_values(struct judge *j, const struct place *at, const struct jsontree *first, bool several)
{
    struct text t;
    unsigned n = 0;
    if (!begin_must(j, &t, at))
        return false;
    for (const struct jsontree *v = first; v && n < 8; v = several ? v->next : NULL, n++) {
        add_text(&t, n ? ", " : several && v->next ? "one of " : "");
        if (v->type == WEIR_JSON_OBJECT || v->type == WEIR_JSON_ARRAY)
            add_text(&t, "that ");
        add_value(&t, v);
        if (n == 7 && v->next)
            add_text(&t, ", ...");
    }
    return end(j, &t);
}

bool say_count(struct judge *j, const struct place *at, uint64_t has, const struct count_bounds *bounds,
               const char *one, const char *many)
{
    bool few = has < bounds->min;
    uint64_t limit = few ? bounds->min : bounds->max;
    return say_that(j, at, "has %llu %s, but must have %s %llu", (unsigned long long)has,
                    has == 1 ? one : many, few ? "at least" : "at most", (unsigned long long)limit);
}
