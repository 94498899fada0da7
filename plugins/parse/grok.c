/* SPDX-License-Identifier: BSD-2-Clause */
/* grok.c - see grok.h. */
#define WEIR_API 1
#include "grok.h"

#include "types.h"

#include <weir/helpers.h>

#include <stdlib.h>

struct level { /* a name that is being expanded; the first is the pattern itself */
    const struct level *outer;
    struct weir_slice name;
    unsigned depth;
};

struct expander {
    struct grok *g;
    const struct weir_map *defined;
    char *why;
    size_t cap;
};

static bool is(struct weir_slice a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.ptr, b, a.len) == 0;
}

WEIR_PRINTF(2, 3) static bool fail(struct expander *x, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(x->why, x->cap, format, ap);
    va_end(ap);
    return false;
}

static bool put(struct expander *x, const char *p, size_t n)
{
    struct grok *g = x->g;
    if (n > GROK_TEXT_MAX - g->len)
        return fail(x, "the pattern becomes a regex of more than %u bytes", GROK_TEXT_MAX);
    if (n + 1 > g->room - g->len) {
        g->room = g->len + n + 1 + g->room / 2 + 256;
        g->regex = g->ctx->host->mem(g->ctx, g->regex, g->room);
    }
    memcpy(g->regex + g->len, p, n);
    g->len += n;
    g->regex[g->len] = '\0';
    return true;
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static int by_name(const void *key, const void *entry)
{
    const struct weir_slice *name = key;
    const struct grok_name *e = entry;
    int r = strncmp(name->ptr, e->name, name->len);
    return r ? r : -(e->name[name->len] != '\0');
}

static const char *regex_of(const struct expander *x, struct weir_slice name)
{
    const struct grok_name *found;
    for (size_t i = 0; i < x->defined->count; i++)
        if (is(name, x->defined->items[i].name))
            return x->defined->items[i].value;
    found = bsearch(&name, grok_names, grok_names_count, sizeof *grok_names, by_name);
    return found ? found->regex : NULL;
}

enum { NEAR_MAX = 40 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* How many letters are to be added, left out or changed to make b of a, case ignored. */
static size_t distance(struct weir_slice a, const char *b)
{
    const char *p = a.ptr;
    size_t row[NEAR_MAX + 1], n = strlen(b);
    if (a.len > NEAR_MAX || n > NEAR_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t changed = corner + (lower(p[i - 1]) != lower(b[j - 1]));
            size_t less = row[j] < row[j - 1] ? row[j] : row[j - 1];
            corner = row[j];
            row[j] = changed < less + 1 ? changed : less + 1;
        }
    }
    return row[n];
}

/* The known name that looks most like it; NULL: none does. */
static const char *nearest(const struct expander *x, struct weir_slice name)
{
    const char *best = NULL;
    size_t least = name.len < 4 ? 2 : name.len / 3 + 2; /* it has to be below that */
    for (size_t i = 0; i < x->defined->count + grok_names_count; i++) {
        const char *known =
            i < x->defined->count ? x->defined->items[i].name : grok_names[i - x->defined->count].name;
        size_t d = distance(name, known);
        if (d < least) {
            least = d;
            best = known;
        }
    }
    return best;
}

static bool fail_unknown(struct expander *x, struct weir_slice name)
{
    const char *near = nearest(x, name);
    int shown = name.len < 64 ? (int)name.len : 64;
    if (near)
        return fail(x, "there is no pattern %.*s; is %s meant?", shown, (const char *)name.ptr, near);
    return fail(x, "there is no pattern %.*s; define.%.*s = REGEX would make one", shown,
                (const char *)name.ptr, shown, (const char *)name.ptr);
}

/* Is that name being expanded already?  Then the way from it to itself is told. */
static bool is_circle(struct expander *x, const struct level *level, struct weir_slice name)
{
    const struct level *first = level;
    size_t n;
    while (first && !(first->name.len == name.len && memcmp(first->name.ptr, name.ptr, name.len) == 0))
        first = first->outer;
    if (!first || !first->outer)
        return false;
    (void)fail(x, "the pattern %.*s stands in itself", (int)name.len, (const char *)name.ptr);
    for (; level != first; level = level->outer) {
        n = strlen(x->why);
        (void)snprintf(x->why + n, x->cap - n, ", in %.*s", (int)level->name.len,
                       (const char *)level->name.ptr);
    }
    return true;
}

/* ---- one reference --------------------------------------------------------------------------------------------- */

struct reference { /* %{NAME:FIELD:TYPE} */
    struct weir_slice name, field, type;
    const char *end;
};

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct weir_slice word(const char **p, const char *others)
{
    const char *from = *p;
    while (is_word(**p) || (**p && strchr(others, **p)))
        ++*p;
    return (struct weir_slice){from, (size_t)(*p - from)};
}

/* p: behind %{. */
static bool read_reference(struct expander *x, const char *p, struct reference *ret)
{
    const char *from = p;
    *ret = (struct reference){.name = word(&p, "-")};
    if (ret->name.len && *p == ':') {
        p++;
        ret->field = word(&p, "-.@");
        if (ret->field.len && *p == ':') {
            p++;
            ret->type = word(&p, "");
            p = ret->type.len ? p : "";
        } else if (!ret->field.len) {
            p = "";
        }
    }
    ret->end = p + 1;
    return (ret->name.len && *p == '}') || fail(x,
                                                "%%{%.20s...: a reference is %%{NAME}, %%{NAME:field} or "
                                                "%%{NAME:field:type}, and a field's name has "
                                                "letters, digits, and any of _ - . @",
                                                from);
}

static bool type_read(struct expander *x, struct weir_slice text, int *ret)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {
        {"int", TYPE_INTEGER},     {"integer", TYPE_INTEGER}, {"long", TYPE_INTEGER},
        {"float", TYPE_NUMBER},    {"double", TYPE_NUMBER},   {"number", TYPE_NUMBER},
        {"boolean", TYPE_BOOLEAN}, {"bool", TYPE_BOOLEAN},    {"string", TYPE_STRING},
    };
    *ret = GROK_UNTYPED;
    if (!text.len)
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is(text, types[i].name)) {
            *ret = types[i].type;
            return true;
        }
    return fail(x, "%.*s is no type: there are int, float, boolean and string",
                text.len < 64 ? (int)text.len : 64, (const char *)text.ptr);
}

/* Opens the group of the field; its name is __ and its number. */
static bool field_open(struct expander *x, const struct reference *r)
{
    struct grok *g = x->g;
    struct grok_field *field;
    char group[32];
    int n;
    if (g->n_fields == GROK_FIELDS)
        return fail(x, "the pattern has more than %d fields", GROK_FIELDS);
    if (g->n_fields % 16 == 0)
        g->fields = g->ctx->host->mem(g->ctx, g->fields, (g->n_fields + 16) * sizeof *g->fields);
    field = &g->fields[g->n_fields];
    field->name = r->field;
    if (!type_read(x, r->type, &field->type))
        return false;
    n = snprintf(group, sizeof group, "(?<__%zu>", g->n_fields++);
    return put(x, group, (size_t)n);
}

static bool expand(struct expander *, const char *, const struct level *);

static bool expand_reference(struct expander *x, const struct reference *r, const struct level *level)
{
    const char *regex = regex_of(x, r->name);
    const struct level inner = {level, r->name, level->depth + 1};
    if (!regex)
        return fail_unknown(x, r->name);
    if (is_circle(x, level, r->name))
        return false;
    if (inner.depth > GROK_LEVELS)
        return fail(x, "patterns stand in each other more than %d deep", GROK_LEVELS);
    return (r->field.len ? field_open(x, r) : put(x, "(?:", 3)) && expand(x, regex, &inner) && put(x, ")", 1);
}

/* Copies p, with each reference expanded. */
static bool expand(struct expander *x, const char *p, const struct level *level)
{
    struct reference r;
    while (*p) {
        if (*p == '\\' && p[1]) { /* what is escaped is no reference */
            if (!put(x, p, 2))
                return false;
            p += 2;
        } else if (*p == '%' && p[1] == '{') {
            if (!read_reference(x, p + 2, &r) || !expand_reference(x, &r, level))
                return false;
            p = r.end;
        } else {
            size_t n = 1 + strcspn(p + 1, "\\%");
            if (!put(x, p, n))
                return false;
            p += n;
        }
    }
    return true;
}

/* Groups of the names that fields get would take their places. */
static bool takes_names(const char *text)
{
    return strstr(text, "<__") || strstr(text, "'__");
}

bool grok_expand(struct grok *g, struct weir_ctx *ctx, const char *pattern, const struct weir_map *defined,
                 char *why, size_t cap)
{
    struct expander x = {g, defined, why, cap};
    const struct level outermost = {NULL, {"", 0}, 0};
    bool good = !takes_names(pattern);
    memset(g, 0, sizeof *g);
    g->ctx = ctx;
    for (size_t i = 0; i < defined->count; i++)
        good = good && !takes_names(defined->items[i].value);
    if (!good)
        return fail(&x, "a group's own name can't begin with __");
    if (put(&x, "", 0) && expand(&x, pattern, &outermost))
        return true;
    grok_free(g);
    return false;
}

void grok_free(struct grok *g)
{
    if (g->regex)
        g->ctx->host->mem(g->ctx, g->regex, 0);
    if (g->fields)
        g->ctx->host->mem(g->ctx, g->fields, 0);
    memset(g, 0, sizeof *g);
}

const struct grok_field *grok_field(const struct grok *g, const char *group)
{
    unsigned long k;
    if (strncmp(group, "__", 2) != 0)
        return NULL;
    k = strtoul(group + 2, NULL, 10);
    return k < g->n_fields ? &g->fields[k] : NULL;
}
