/* SPDX-License-Identifier: BSD-2-Clause */
/* path.c - compiles .user.id, .tags[0], ."odd key", .["odd key"].
 *
 * Owns: the compiled path, one block of memory.  Thread: any. */
#include "path.h"

#include "json.h"
#include "report/log.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 64

struct reader {
    const char *p, *end, *why;
    struct json_step steps[STEPS_MAX];
    size_t count;
    struct arena keys; /* for the time of compiling */
};

static bool fail(struct reader *r, const char *why)
{
    r->why = why;
    return false;
}

static bool at(const struct reader *r, char c)
{
    return r->p < r->end && *r->p == c;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t'))
        r->p++;
}

static bool add_step(struct reader *r, const char *key, size_t len, int64_t index)
{
    if (r->count == STEPS_MAX)
        return fail(r, "A path has at most 64 steps.");
    r->steps[r->count++] = (struct json_step){key, len, index};
    return true;
}

/* A string in quotes, the first of which p stands at. */
static bool read_string(struct reader *r)
{
    const char *from = r->p++;
    struct json_error error;

    while (r->p < r->end && *r->p != '"') {
        if (*r->p == '\\' && r->end - r->p >= 2 && r->p[1] == '(')
            return fail(r, "String interpolation, \\( ), is not supported in a path.");
        r->p += *r->p == '\\' && r->end - r->p >= 2 ? 2 : 1;
    }
    if (r->p == r->end)
        return fail(r, "A quoted key has no closing quote.");
    r->p++;
    struct weir_slice text = {from, (size_t)(r->p - from)};
    if (!json_check(text.ptr, text.len, NULL, NULL, &error))
        return fail(r, "A quoted key is not a JSON string: it holds a wrong escape, a control character or "
                       "invalid UTF-8.");
    struct weir_slice key = json_string(&r->keys, text);
    return add_step(r, key.ptr, key.len, 0);
}

static bool read_index(struct reader *r)
{
    bool minus = at(r, '-');
    int64_t index = 0;

    r->p += minus;
    if (r->p == r->end || !is_digit(*r->p))
        return fail(r, "Only a whole number or a quoted key can stand in brackets.");
    for (; r->p < r->end && is_digit(*r->p); r->p++) {
        if (index > INT64_C(99999999999999999))
            return fail(r, "An array index is too large.");
        index = index * 10 + (*r->p - '0');
    }
    return add_step(r, NULL, 0, minus ? -index : index);
}

static bool read_brackets(struct reader *r)
{
    r->p++;
    skip_space(r);
    if (at(r, ']'))
        return fail(r, "Iterators, .[], are not supported: a path names one value.");
    if (at(r, ':'))
        return fail(r, "Slices, .[2:4], are not supported: a path names one value.");
    if (!(at(r, '"') ? read_string(r) : read_index(r)))
        return false;
    skip_space(r);
    if (at(r, ':'))
        return fail(r, "Slices, .[2:4], are not supported: a path names one value.");
    if (at(r, '.') || at(r, 'e') || at(r, 'E'))
        return fail(r, "Only a whole number or a quoted key can stand in brackets.");
    if (!at(r, ']'))
        return fail(r, "A closing bracket, ], is missing.");
    r->p++;
    return true;
}

/* What follows a dot. */
static bool read_name(struct reader *r)
{
    const char *from = r->p;

    if (at(r, '"'))
        return read_string(r);
    if (r->p == r->end || !is_letter(*r->p))
        return fail(r, at(r, '.') ? "Recursive descent, .., is not supported: a path names one value."
                                  : "A key must follow the dot: a name such as .user, or any text in quotes, "
                                    "such as .\"user-name\".");
    while (r->p < r->end && (is_letter(*r->p) || is_digit(*r->p)))
        r->p++;
    return add_step(r, from, (size_t)(r->p - from), 0);
}

static bool read_path(struct reader *r)
{
    if (!at(r, '.'))
        return fail(r, "A path starts with a dot, such as .user.id.");
    r->p++;
    if (r->p < r->end && (is_letter(*r->p) || is_digit(*r->p) || *r->p == '"' || *r->p == '.')) {
        if (!read_name(r))
            return false;
    }
    for (;;) {
        if (at(r, '?'))
            return fail(r, "The operator ? is not supported in a path: what is absent is absent anyway.");
        if (at(r, '[')) {
            if (!read_brackets(r))
                return false;
        } else if (r->count > 0 && at(r, '.')) {
            r->p++;
            if (at(r, '['))
                return fail(r,
                            "No dot stands before a bracket, except at the start: write .a[0], not .a.[0].");
            if (!read_name(r))
                return false;
        } else {
            return true;
        }
    }
}

/* One block: the path, then the bytes of its keys. */
static struct json_path *pack(const struct reader *r)
{
    size_t head = sizeof(struct json_path) + r->count * sizeof r->steps[0], size = head;
    for (size_t i = 0; i < r->count; i++)
        size += r->steps[i].len;

    struct json_path *path = xmalloc(size);
    char *to = (char *)path + head;
    path->count = r->count;
    for (size_t i = 0; i < r->count; i++) {
        struct json_step step = r->steps[i];
        if (step.key != NULL) {
            memcpy(to, step.key, step.len);
            step.key = to;
            to += step.len;
        }
        path->steps[i] = step;
    }
    return path;
}

struct json_path *path_compile(const char *text, size_t n, size_t *ret_used, const char **ret_why)
{
    struct reader r = {.p = text, .end = text + n};
    struct json_path *path = NULL;

    if (read_path(&r)) {
        path = pack(&r);
        if (ret_used != NULL)
            *ret_used = (size_t)(r.p - text);
    } else if (ret_why != NULL) {
        *ret_why = r.why;
    }
    arena_free(&r.keys);
    return path;
}

void path_free(struct json_path *path)
{
    free(path);
}
