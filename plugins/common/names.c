/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c - see names.h.  The host has made sure that the text is a path. */
#define WEIR_API 1
#include "names.h"

const char *name_of(const struct weir_field *field, struct weir_slice *ret)
{
    const char *name = field->name;
    size_t n = strlen(name);
    *ret = (struct weir_slice){name, n};
    if (strchr(name, '\\'))
        return "a name can not hold a backslash";
    if (name[0] == '"' && strchr(name + 1, '"') == name + n - 1) {
        *ret = (struct weir_slice){name + 1, n - 2};
        return n > 2 ? NULL : "the name is empty";
    }
    return strpbrk(name, ".[\"")
               ? "a name with other characters than letters, digits and _ stands in quotes, as \"x.y\""
               : NULL;
}

void names_check(struct weir_ctx *ctx, struct weir_problems *to, const char *prefix,
                 const struct weir_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        char option[300];
        struct weir_slice name, other;
        const char *why = name_of(&fields->items[i], &name);
        (void)snprintf(option, sizeof option, "%s.%s", prefix, fields->items[i].name);
        if (why)
            ctx->host->problem(to, option, why);
        for (size_t k = 0; !why && k < i; k++)
            if (!name_of(&fields->items[k], &other) && other.len == name.len &&
                !memcmp(other.ptr, name.ptr, name.len))
                ctx->host->problem(to, option, "this name is there twice");
    }
}
