/* SPDX-License-Identifier: BSD-2-Clause */
/* jsonscan.c - see jsonscan.h. */
#define WEIR_API 1
#include "jsonscan.h"

#include <string.h>

bool jsonscan_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the string whose first character is at p; end: it is not closed.  A quote belongs to the string when the
 * backslashes before it are odd in number. */
static const char *string_end(const char *p, const char *end)
{
    const char *from = p, *quote;
    while ((quote = memchr(p, '"', (size_t)(end - p))) != NULL) {
        const char *before = quote;
        while (before > from && before[-1] == '\\')
            before--;
        if ((quote - before) % 2 == 0)
            return quote + 1;
        p = from = quote + 1;
    }
    return end;
}

/* Behind the array or object that begins at p. */
static const char *brackets_end(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        char c = *p++;
        if (c == '"')
            p = string_end(p, end);
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && --depth == 0)
            break;
    }
    return p;
}

const char *jsonscan_end(const char *p, const char *end)
{
    if (p < end && *p == '"')
        return string_end(p + 1, end);
    if (p < end && (*p == '[' || *p == '{'))
        return brackets_end(p, end);
    while (p < end && *p != ',' && *p != ':' && *p != ']' && *p != '}' && !jsonscan_space(*p))
        p++;
    return p;
}

bool jsonscan_element(const char **at, const char *end, struct weir_slice *ret)
{
    const char *p = *at, *stop;
    while (p < end && (jsonscan_space(*p) || *p == ','))
        p++;
    if (p == end || *p == ']' || *p == '}')
        return false;
    stop = jsonscan_end(p, end);
    *ret = (struct weir_slice){p, (size_t)(stop - p)};
    *at = stop;
    return stop > p;
}

bool jsonscan_member(const char **at, const char *end, struct weir_slice *ret_key, struct weir_slice *ret)
{
    const char *p;
    if (!jsonscan_element(at, end, ret_key))
        return false;
    for (p = *at; p < end && (jsonscan_space(*p) || *p == ':'); p++)
        continue;
    *at = p;
    return jsonscan_element(at, end, ret);
}

bool jsonscan_item(const char **at, const char *end, bool object, struct jsonscan_item *ret)
{
    const char *p = *at;
    while (p < end && (jsonscan_space(*p) || *p == ','))
        p++;
    if (p == end || *p == ']' || *p == '}') {
        *at = p < end ? p + 1 : end;
        return false;
    }
    ret->key = (struct weir_slice){NULL, 0};
    if (object) {
        const char *key = p;
        p = jsonscan_end(p, end);
        ret->key = (struct weir_slice){key, (size_t)(p - key)};
        while (p < end && (jsonscan_space(*p) || *p == ':'))
            p++;
    }
    ret->value = p;
    return true;
}

size_t jsonscan_depth(struct weir_slice json)
{
    const char *p = json.ptr, *end = p + json.len;
    size_t depth = 0, most = 0;
    while (p < end) {
        char c = *p++;
        if (c == '"')
            p = string_end(p, end);
        else if (c == '[' || c == '{')
            most = ++depth > most ? depth : most;
        else if (c == ']' || c == '}')
            depth--;
    }
    return most;
}

bool jsonscan_is_member(struct weir_slice json, const void *p)
{
    uintptr_t from = (uintptr_t)json.ptr, at = (uintptr_t)p;
    const char *c = p;
    if (at <= from || at - from >= json.len)
        return false;
    do
        c--;
    while (c > (const char *)json.ptr && jsonscan_space(*c));
    return *c == ':';
}
