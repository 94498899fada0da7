/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_value.c - types, lookup and order of an expression's values, as jq 1.6 has them.
 *
 * Thread: pure functions over one caller's arena.  Recursion is bounded by JSON_DEPTH_MAX. */
#include "expr_value.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct weir_slice key;
    size_t place; /* in the object: the later of two equal keys wins */
    struct value value;
};

struct object {
    struct entry *entries; /* by key, each once */
    size_t count;
};

struct value value_from_node(const struct json_node *node)
{
    struct value v = {.type = node->type, .form = VALUE_NODE};
    v.u.node = node;
    return v;
}

struct value value_from_bytes(struct weir_slice s)
{
    struct value v = {.type = s.ptr ? WEIR_JSON_STRING : WEIR_JSON_NULL, .form = VALUE_BYTES};
    v.u.string = s;
    return v;
}

const char *value_type_name(uint32_t type)
{
    static const char *const names[] = {"null",   "null",   "boolean", "boolean",
                                        "number", "string", "array",   "object"};
    return names[type];
}

double value_number(const struct value *v)
{
    return v->form == VALUE_NODE ? json_number(v->u.node->text) : v->u.number;
}

bool value_string(struct arena *arena, const struct value *v, struct weir_slice *ret)
{
    if (v->form == VALUE_NODE) {
        *ret = json_string(arena, v->u.node->text);
        return true;
    }
    if (v->form == VALUE_BYTES && !json_utf8_valid(v->u.string.ptr, v->u.string.len))
        return false;
    *ret = v->u.string;
    return true;
}

/* The last header of that name, or NULL. */
static const struct weir_header *find_header(const struct weir_record *record, struct weir_slice name)
{
    for (uint32_t i = record->n_headers; i-- > 0;) {
        const struct weir_header *h = &record->headers[i];
        if (h->name.len == name.len && (name.len == 0 || memcmp(h->name.ptr, name.ptr, name.len) == 0))
            return h;
    }
    return NULL;
}

struct value value_member(const struct value *object, struct weir_slice key)
{
    if (object->form == VALUE_HEADERS) {
        const struct weir_header *h = find_header(object->u.record, key);
        return h ? value_from_bytes(h->value) : VALUE_OF_TYPE(WEIR_JSON_NULL);
    }
    const struct json_node *node = json_member(object->u.node, key.ptr, key.len);
    return node ? value_from_node(node) : VALUE_OF_TYPE(WEIR_JSON_NULL);
}

struct value value_element(const struct value *array, int64_t index)
{
    const struct json_node *node = json_element(array->u.node, index);
    return node ? value_from_node(node) : VALUE_OF_TYPE(WEIR_JSON_NULL);
}

bool value_has_member(const struct value *object, struct weir_slice key)
{
    if (object->form == VALUE_HEADERS)
        return find_header(object->u.record, key) != NULL;
    return json_member(object->u.node, key.ptr, key.len) != NULL;
}

static int compare_bytes(struct weir_slice a, struct weir_slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int r = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int r = compare_bytes(x->key, y->key);
    return r ? r : (x->place > y->place) - (x->place < y->place);
}

static size_t count_children(const struct json_node *node)
{
    size_t n = 0;
    for (const struct json_node *child = node->child; child; child = child->next)
        n++;
    return n;
}

static void fill_from_node(struct arena *arena, const struct json_node *node, struct object *object)
{
    object->count = count_children(node);
    object->entries = arena_alloc(arena, object->count * sizeof *object->entries);
    size_t i = 0;
    for (const struct json_node *child = node->child; child; child = child->next, i++) {
        object->entries[i].key = json_string(arena, child->key);
        object->entries[i].place = i;
        object->entries[i].value = value_from_node(child);
    }
}

static void fill_from_headers(struct arena *arena, const struct weir_record *record, struct object *object)
{
    object->count = record->n_headers;
    object->entries = arena_alloc(arena, object->count * sizeof *object->entries);
    for (size_t i = 0; i < object->count; i++) {
        object->entries[i].key = record->headers[i].name;
        object->entries[i].place = i;
        object->entries[i].value = value_from_bytes(record->headers[i].value);
    }
}

/* The members by key, and of equal keys the last. */
static struct object sort_members(struct arena *arena, const struct value *v)
{
    struct object object;
    size_t kept = 0;
    if (v->form == VALUE_HEADERS)
        fill_from_headers(arena, v->u.record, &object);
    else
        fill_from_node(arena, v->u.node, &object);
    if (object.count > 1)
        qsort(object.entries, object.count, sizeof *object.entries, compare_entries);
    for (size_t i = 0; i < object.count; i++) {
        if (i + 1 < object.count && compare_bytes(object.entries[i].key, object.entries[i + 1].key) == 0)
            continue;
        object.entries[kept++] = object.entries[i];
    }
    object.count = kept;
    return object;
}

size_t value_count(struct arena *arena, const struct value *v)
{
    if (v->type == WEIR_JSON_ARRAY)
        return count_children(v->u.node);
    return sort_members(arena, v).count;
}

static bool compare_arrays(struct arena *arena, const struct value *a, const struct value *b, int *ret)
{
    const struct json_node *x = a->u.node->child, *y = b->u.node->child;
    for (; x && y; x = x->next, y = y->next) {
        struct value v = value_from_node(x), w = value_from_node(y);
        if (!value_compare(arena, &v, &w, ret))
            return false;
        if (*ret)
            return true;
    }
    *ret = (x != NULL) - (y != NULL);
    return true;
}

/* The lists of keys decide first, then the values in order of their keys. */
static bool compare_objects(struct arena *arena, const struct value *a, const struct value *b, int *ret)
{
    struct object x = sort_members(arena, a), y = sort_members(arena, b);
    size_t n = x.count < y.count ? x.count : y.count;
    for (size_t i = 0; i < n; i++) {
        *ret = compare_bytes(x.entries[i].key, y.entries[i].key);
        if (*ret)
            return true;
    }
    *ret = (x.count > y.count) - (x.count < y.count);
    for (size_t i = 0; i < n && *ret == 0; i++)
        if (!value_compare(arena, &x.entries[i].value, &y.entries[i].value, ret))
            return false;
    return true;
}

bool value_compare(struct arena *arena, const struct value *a, const struct value *b, int *ret)
{
    struct weir_slice s, t;
    double x, y;
    if (a->type != b->type) {
        *ret = a->type < b->type ? -1 : 1;
        return true;
    }
    switch (a->type) {
    case WEIR_JSON_NUMBER:
        x = value_number(a);
        y = value_number(b);
        *ret = (x > y) - (x < y);
        return true;
    case WEIR_JSON_STRING:
        if (!value_string(arena, a, &s) || !value_string(arena, b, &t))
            return false;
        *ret = compare_bytes(s, t);
        return true;
    case WEIR_JSON_ARRAY:
        return compare_arrays(arena, a, b, ret);
    case WEIR_JSON_OBJECT:
        return compare_objects(arena, a, b, ret);
    default:
        *ret = 0;
        return true;
    }
}
