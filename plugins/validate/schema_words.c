/* SPDX-License-Identifier: BSD-2-Clause */
/* schema_words.c - the keywords of a schema: what each must look like, and where it goes.
 *
 * A keyword that is in none of the two tables is an error. */
#define WEIR_API 1
#include "schema_private.h"

#include <stddef.h>
#include <string.h>

struct word {
    const char *name;
    /* NULL: an annotation, which says nothing about what fits */
    void (*read)(struct compiler *, struct schema *, const struct jsontree *value, size_t offset);
    size_t offset; /* of its field in struct schema, or schema_name */
};

static void *field_of(void *of, size_t offset)
{
    return (char *)of + offset;
}

static bool is_type(struct compiler *c, const struct jsontree *v, uint32_t type, const char *must)
{
    if (v->type == type)
        return true;
    schema_tell(c, v->text, "\"%.*s\" must be %s", (int)v->key.len - 2, (const char *)v->key.ptr + 1, must);
    return false;
}

/* The first member of an object whose names differ; NULL: there is none, or it is no such object, which is told. */
static const struct jsontree *first_of(struct compiler *c, const struct jsontree *v, const char *must)
{
    if (!is_type(c, v, WEIR_JSON_OBJECT, must))
        return NULL;
    schema_check_keys(c, v);
    return v->child;
}
#define SCHEMAS "an object of schemas"

/* ---- values ---------------------------------------------------------------------------------------------------- */
static void read_type_name(struct compiler *c, struct schema *s, const struct jsontree *v)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } types[] = {
        {"null", 1u << WEIR_JSON_NULL},     {"boolean", 1u << WEIR_JSON_FALSE | 1u << WEIR_JSON_TRUE},
        {"number", 1u << WEIR_JSON_NUMBER}, {"integer", SCHEMA_INTEGER},
        {"string", 1u << WEIR_JSON_STRING}, {"array", 1u << WEIR_JSON_ARRAY},
        {"object", 1u << WEIR_JSON_OBJECT},
    };
    for (size_t i = 0; v->type == WEIR_JSON_STRING && i < sizeof types / sizeof types[0]; i++)
        if (schema_is(schema_string(c, v->text), types[i].name)) {
            s->types |= types[i].bits;
            return;
        }
    schema_tell(c, v->text, "%.*s is no type: null, boolean, number, integer, string, array or object",
                (int)(v->text.len < 40 ? v->text.len : 40), (const char *)v->text.ptr);
}

static void read_type(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    if (v->type != WEIR_JSON_ARRAY) {
        read_type_name(c, s, v);
        return;
    }
    if (!v->child)
        schema_tell(c, v->text, "\"type\" must name at least one type");
    for (const struct jsontree *t = v->child; t; t = t->next)
        read_type_name(c, s, t);
}

static void read_enum(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    if (!is_type(c, v, WEIR_JSON_ARRAY, "an array of values"))
        return;
    if (!v->child)
        schema_tell(c, v->text, "\"enum\" is empty, so nothing fits it");
    s->enums = v;
}

static void read_const(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)c;
    (void)offset;
    s->constant = v;
}

static void read_bound(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    struct bound *b = field_of(s, offset);
    if (!is_type(c, v, WEIR_JSON_NUMBER, "a number"))
        return;
    *b = (struct bound){number_read(v->text), v->text};
    if (b == &s->multiple && !number_can_divide(&b->number))
        schema_tell(c, v->text, "\"multipleOf\" must be above 0, and of nine digits at most");
}

static void read_count(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    uint64_t *count = field_of(s, offset), value = 0;
    if (!is_type(c, v, WEIR_JSON_NUMBER, "a whole number, 0 or more"))
        return;
    struct number n = number_read(v->text);
    if (n.negative || !number_is_integer(&n) || (n.first && n.top > 18)) {
        schema_tell(c, v->text, "\"%.*s\" must be a whole number, 0 or more, of 18 digits at most",
                    (int)v->key.len - 2, (const char *)v->key.ptr + 1);
        return;
    }
    for (const char *p = n.first; p && p <= n.last; p++)
        if (*p != '.')
            value = value * 10 + (uint64_t)(*p - '0');
    for (int64_t zeros = n.first ? n.low : 0; zeros > 0; zeros--)
        value *= 10;
    *count = value;
}

static void read_unique(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    s->unique = v->type == WEIR_JSON_TRUE;
    if (v->type != WEIR_JSON_FALSE)
        (void)is_type(c, v, WEIR_JSON_TRUE, "true or false");
}

static bool compile_pattern(struct compiler *c, struct schema_pattern *p, struct weir_slice text)
{
    struct weir_slice s = schema_string(c, text);
    char why[200], *pattern;
    if (memchr(s.ptr, '\0', s.len)) {
        schema_tell(c, text, "the regex has a NUL in it: write \\\\x00");
        return false;
    }
    pattern = schema_memory(c->file, s.len + 1);
    memcpy(pattern, s.ptr, s.len);
    p->regex = regex_compile(c->file->ctx, pattern, REGEX_ECMA, why, sizeof why);
    p->text = s;
    if (!p->regex)
        schema_tell(c, text, "it is no regex: %s", why);
    return p->regex != NULL;
}

static void read_pattern(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    if (is_type(c, v, WEIR_JSON_STRING, "a regex, which is a string") && !s->pattern.regex)
        (void)compile_pattern(c, &s->pattern, v->text);
}

static void read_format(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    if (!is_type(c, v, WEIR_JSON_STRING, "a string") || !c->formats)
        return;
    s->format = format_named(schema_string(c, v->text));
    if (!s->format)
        schema_tell(c, v->text,
                    "the format %.*s is not known, only %s: say it by \"pattern\", or set format = ignore",
                    (int)(v->text.len < 40 ? v->text.len : 40), (const char *)v->text.ptr, format_names);
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */
static void read_schema(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    const struct schema **to = field_of(s, offset);
    if (v->type == WEIR_JSON_ARRAY && to == &s->items)
        schema_tell(c, v->text, "\"items\" must be a schema; for one of each place write \"prefixItems\"");
    else
        *to = schema_at(c, v);
}

static void read_list(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    struct schema_list *list = field_of(s, offset);
    if (!is_type(c, v, WEIR_JSON_ARRAY, "an array of schemas"))
        return;
    if (!v->child)
        schema_tell(c, v->text, "\"%.*s\" must have at least one schema", (int)v->key.len - 2,
                    (const char *)v->key.ptr + 1);
    list->items = schema_memory(c->file, (v->count + 1) * sizeof *list->items);
    list->count = 0;
    for (const struct jsontree *t = v->child; t; t = t->next)
        list->items[list->count++] = schema_at(c, t);
}

static void read_ref(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    if (!is_type(c, v, WEIR_JSON_STRING, "a string"))
        return;
    const struct jsontree *at = schema_ref(c, v);
    if (at)
        s->ref = schema_at(c, at);
}

static void read_defs(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)s;
    (void)offset;
    for (const struct jsontree *t = first_of(c, v, SCHEMAS); t; t = t->next)
        (void)schema_at(c, t);
}

/* ---- members ----------------------------------------------------------------------------------------------------- */
/* offset: of its field in what is known of a name. */
static void read_named(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    for (const struct jsontree *t = first_of(c, v, SCHEMAS); t; t = t->next) {
        uint32_t i = schema_add_name(c, &s->names, t->key);
        const struct schema **to = field_of(&s->names.items[i], offset);
        *to = schema_at(c, t);
    }
}

static void read_patterns(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    s->patterns = schema_memory(c->file, (v->count + 1) * sizeof *s->patterns);
    for (const struct jsontree *t = first_of(c, v, SCHEMAS); t; t = t->next) {
        struct schema_pattern *p = &s->patterns[s->n_patterns];
        p->schema = schema_at(c, t);
        if (compile_pattern(c, p, t->key))
            s->n_patterns++;
    }
}

static bool is_name(struct compiler *c, const struct jsontree *v)
{
    if (v->type == WEIR_JSON_STRING)
        return true;
    schema_tell(c, v->text, "a name of a member must be a string");
    return false;
}

static void read_required(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    if (!is_type(c, v, WEIR_JSON_ARRAY, "an array of names"))
        return;
    for (const struct jsontree *t = v->child; t; t = t->next)
        if (is_name(c, t)) {
            uint32_t i = schema_add_name(c, &s->names, t->text);
            s->names.items[i].required = true;
        }
}

static void read_needs(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    for (const struct jsontree *t = first_of(c, v, "an object of arrays of names"); t; t = t->next) {
        uint32_t i = schema_add_name(c, &s->names, t->key), n = 0;
        uint32_t *needs = schema_memory(c->file, (t->count + 1) * sizeof *needs);
        if (!is_type(c, t, WEIR_JSON_ARRAY, "an array of names"))
            continue;
        for (const struct jsontree *name = t->child; name; name = name->next)
            if (is_name(c, name))
                needs[n++] = schema_add_name(c, &s->names, name->text);
        s->names.items[i].needs = needs;
        s->names.items[i].n_needs = n;
    }
}

/* ---- of the file as a whole ---------------------------------------------------------------------------------------- */
static void read_draft(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    struct weir_slice uri = v->type == WEIR_JSON_STRING ? schema_string(c, v->text) : v->text;
    if (s->at != c->file->root)
        schema_tell(c, v->text, "\"$schema\" may stand at the top alone");
    else if (!schema_is(uri, "https://json-schema.org/draft/2020-12/schema") &&
             !schema_is(uri, "https://json-schema.org/draft/2019-09/schema") && !c->file->ref_alone)
        schema_tell(c, v->text,
                    "that draft is not known: 2020-12 is, and 2019-09, draft-07 and draft-06 as far as they "
                    "mean the same");
}

static void read_id(struct compiler *c, struct schema *s, const struct jsontree *v, size_t offset)
{
    (void)offset;
    if (s->at != c->file->root)
        schema_tell(c, v->text, "\"$id\" may stand at the top alone: a schema is one file");
    else if (is_type(c, v, WEIR_JSON_STRING, "a string"))
        c->file->id = schema_string(c, v->text);
}

#define AT(field)      offsetof(struct schema, field)
#define OF_NAME(field) offsetof(struct schema_name, field)
static const struct word words[] = {
    {"$schema", read_draft, 0},
    {"$id", read_id, 0},
    {"$ref", read_ref, 0},
    {"$defs", read_defs, 0},
    {"definitions", read_defs, 0},
    {"type", read_type, 0},
    {"enum", read_enum, 0},
    {"const", read_const, 0},
    {"minimum", read_bound, AT(minimum)},
    {"maximum", read_bound, AT(maximum)},
    {"exclusiveMinimum", read_bound, AT(above)},
    {"exclusiveMaximum", read_bound, AT(below)},
    {"multipleOf", read_bound, AT(multiple)},
    {"minLength", read_count, AT(length.min)},
    {"maxLength", read_count, AT(length.max)},
    {"pattern", read_pattern, 0},
    {"format", read_format, 0},
    {"properties", read_named, OF_NAME(property)},
    {"required", read_required, 0},
    {"additionalProperties", read_schema, AT(additional)},
    {"patternProperties", read_patterns, 0},
    {"propertyNames", read_schema, AT(property_names)},
    {"minProperties", read_count, AT(members.min)},
    {"maxProperties", read_count, AT(members.max)},
    {"dependentRequired", read_needs, 0},
    {"dependentSchemas", read_named, OF_NAME(dependent)},
    {"items", read_schema, AT(items)},
    {"prefixItems", read_list, AT(prefix)},
    {"minItems", read_count, AT(items_count.min)},
    {"maxItems", read_count, AT(items_count.max)},
    {"uniqueItems", read_unique, 0},
    {"contains", read_schema, AT(contains)},
    {"minContains", read_count, AT(contained.min)},
    {"maxContains", read_count, AT(contained.max)},
    {"allOf", read_list, AT(all)},
    {"anyOf", read_list, AT(any)},
    {"oneOf", read_list, AT(one)},
    {"not", read_schema, AT(negated)},
    {"if", read_schema, AT(condition)},
    {"then", read_schema, AT(then)},
    {"else", read_schema, AT(otherwise)},
    {"title", NULL, 0},
    {"description", NULL, 0},
    {"default", NULL, 0},
    {"examples", NULL, 0},
    {"deprecated", NULL, 0},
    {"readOnly", NULL, 0},
    {"writeOnly", NULL, 0},
    {"$comment", NULL, 0},
    {"contentEncoding", NULL, 0},
    {"contentMediaType", NULL, 0},
    {"contentSchema", NULL, 0},
};

static const struct {
    const char *name, *instead;
} refused[] = {
    {"additionalItems", "write \"prefixItems\", and \"items\" for those behind them"},
    {"dependencies", "write \"dependentRequired\" or \"dependentSchemas\""},
    {"unevaluatedProperties", "write \"additionalProperties\" where the properties are named"},
    {"unevaluatedItems", "write \"items\" where \"prefixItems\" stands"},
    {"$anchor", "name the place itself, as #/$defs/name"},
    {"$dynamicRef", "write \"$ref\""},
    {"$dynamicAnchor", "write \"$ref\" to the place itself"},
    {"$recursiveRef", "write \"$ref\""},
    {"$recursiveAnchor", "write \"$ref\""},
    {"id", "write \"$id\", at the top"},
};

static const struct word *word_of(struct weir_slice key)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (schema_is(key, words[i].name))
            return &words[i];
    return NULL;
}

static void tell_unknown(struct compiler *c, const struct jsontree *v, struct weir_slice key)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (schema_is(key, refused[i].name)) {
            schema_tell(c, v->key, "the keyword \"%s\" is not known here: %s", refused[i].name,
                        refused[i].instead);
            return;
        }
    schema_tell(c, v->key, "unknown keyword \"%.*s\"; an annotation of your own begins with x-",
                (int)(key.len < 60 ? key.len : 60), (const char *)key.ptr);
}

/* Rules that mean nothing without another one are mistakes. */
static void check_company(struct compiler *c, struct schema *s)
{
    if ((s->then || s->otherwise) && !s->condition)
        schema_tell(c, s->at->text, "\"then\" and \"else\" mean nothing without \"if\"");
    if (s->condition && !s->then && !s->otherwise)
        schema_tell(c, s->at->text, "\"if\" means nothing without \"then\" or \"else\"");
    if ((s->contained.min != 1 || s->contained.max != SCHEMA_NO_LIMIT) && !s->contains)
        schema_tell(c, s->at->text, "\"minContains\" and \"maxContains\" mean nothing without \"contains\"");
}

void schema_read_words(struct compiler *c, struct schema *s)
{
    unsigned rules = 0;
    schema_check_keys(c, s->at);
    for (const struct jsontree *v = s->at->child; v; v = v->next) {
        struct weir_slice key = schema_string(c, v->key);
        const struct word *w = word_of(key);
        if (w && w->read)
            w->read(c, s, v, w->offset);
        else if (!w && (key.len < 2 || memcmp(key.ptr, "x-", 2) != 0))
            tell_unknown(c, v, key);
        rules += w && w->read && w->read != read_defs && w->read != read_draft && w->read != read_id;
    }
    if (s->ref && rules > 1 && c->file->ref_alone)
        schema_tell(c, s->at->text,
                    "in that draft a rule beside \"$ref\" means nothing: put both into \"allOf\"");
    check_company(c, s);
}
