/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.c - see scan.h. */
#define WEIR_API 1
#include "scan.h"

const char *scan_value(const char *p, const char *end)
{
    size_t depth = 0;
    for (; p < end; p++) {
        if (*p == '"') {
            p = scan_string(p, end);
            if (depth == 0 || p == end)
                return p;
            p--;
        } else if (*p == '[' || *p == '{') {
            depth++;
        } else if (*p == ']' || *p == '}') {
            if (depth == 0) /* behind a number or a word */
                return p;
            if (--depth == 0)
                return p + 1;
        } else if (depth == 0 && (*p == ',' || scan_space(p, end) != p)) {
            return p;
        }
    }
    return end;
}

bool scan_next(const char **at, const char *end, bool object, struct scan_item *ret)
{
    const char *p = scan_space(*at, end);
    if (p < end && *p == ',')
        p = scan_space(p + 1, end);
    if (p == end || *p == ']' || *p == '}') {
        *at = p < end ? p + 1 : end;
        return false;
    }
    ret->key = (struct weir_slice){NULL, 0};
    if (object) {
        const char *behind = scan_string(p, end);
        ret->key = (struct weir_slice){p, (size_t)(behind - p)};
        p = scan_space(behind, end);
        p = scan_space(p < end ? p + 1 : end, end); /* the colon */
    }
    ret->value = p;
    return true;
}

size_t scan_depth(struct weir_slice json)
{
    const char *p = json.ptr, *end = p + json.len;
    size_t depth = 0, most = 0;
    while (p < end) {
        if (*p == '"') {
            p = scan_string(p, end);
            continue;
        }
        if (*p == '[' || *p == '{')
            most = ++depth > most ? depth : most;
        else if (*p == ']' || *p == '}')
            depth--;
        p++;
    }
    return most;
}
