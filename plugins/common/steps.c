/* SPDX-License-Identifier: BSD-2-Clause */
/* steps.c - see steps.h. */
#define WEIR_API 1
#include "steps.h"

#include <string.h>

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Each reads what stands at p, and gives what is behind it; NULL: it is nothing of the kind. */
static const char *read_quoted(const char *p, struct step *ret)
{
    size_t n = strcspn(p + 1, "\"\\");
    *ret = (struct step){{p + 1, n}, false};
    return p[1 + n] == '"' ? p + n + 2 : NULL;
}

static const char *read_name(const char *p, struct step *ret)
{
    size_t n = 0;
    while (is_name(p[n]))
        n++;
    *ret = (struct step){{p, n}, false};
    return n ? p + n : NULL;
}

static const char *read_brackets(const char *p, struct step *ret)
{
    p += 1 + strspn(p + 1, " \t");
    if (*p == '"') {
        p = read_quoted(p, ret);
    } else {
        size_t n = strspn(p, "-0123456789");
        *ret = (struct step){{p, n}, true};
        p = n ? p + n : NULL;
    }
    if (p)
        p += strspn(p, " \t");
    return p && *p == ']' ? p + 1 : NULL;
}

bool steps_read(const char *text, struct steps *ret)
{
    const char *p = text + (*text == '.');
    for (ret->count = 0; *p; ret->count++) {
        struct step *step = &ret->at[ret->count];
        if (ret->count == STEPS_MAX || (ret->count && *p != '.' && *p != '['))
            return false;
        if (ret->count && *p == '.')
            p++;
        p = *p == '[' ? read_brackets(p, step) : *p == '"' ? read_quoted(p, step) : read_name(p, step);
        if (!p)
            return false;
    }
    return true;
}

static bool same(const struct step *a, const struct step *b)
{
    return a->index == b->index && a->name.len == b->name.len &&
           memcmp(a->name.ptr, b->name.ptr, a->name.len) == 0;
}

bool steps_within(const struct steps *inner, const struct steps *outer)
{
    if (inner->count < outer->count)
        return false;
    for (size_t i = 0; i < outer->count; i++)
        if (!same(&inner->at[i], &outer->at[i]))
            return false;
    return true;
}

bool steps_equal(const struct steps *a, const struct steps *b)
{
    return a->count == b->count && steps_within(a, b);
}

void steps_rename(struct steps *s, const char *name)
{
    if (s->count)
        s->at[s->count - 1] = (struct step){{name, strlen(name)}, false};
}
