/* SPDX-License-Identifier: BSD-2-Clause */
/* jsonscan.c - see jsonscan.h. */
#define WEIR_API 1
#include "jsonscan.h"

bool jsonscan_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *jsonscan_end(const char *p, const char *end)
{
    unsigned depth = 0;
    bool quoted = false;
    for (; p < end; p++) {
        if (quoted && *p == '\\') {
            if (++p == end)
                return end;
        } else if (quoted) {
            quoted = *p != '"';
            if (!quoted && depth == 0)
                return p + 1;
        } else if (*p == '"') {
            quoted = true;
        } else if (*p == '[' || *p == '{') {
            depth++;
        } else if (*p == ']' || *p == '}') {
            if (depth == 0)
                return p;
            if (--depth == 0)
                return p + 1;
        } else if (depth == 0 && (*p == ',' || *p == ':' || jsonscan_space(*p))) {
            return p;
        }
    }
    return end;
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
