/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_value.h - the values an expression computes with: jq 1.6's types, order and errors over borrowed bytes.
 *
 * A value is a view: it points into the record, its document, the expression's literals or the scratch arena, and
 * is decoded only when its content is asked for.  Thread: pure functions over one caller's arena. */
#ifndef WEIR_HOST_EXPR_VALUE_H
#define WEIR_HOST_EXPR_VALUE_H

#include "json.h"

#include <stdbool.h>

enum value_form {
    VALUE_PLAIN,   /* null, booleans, u.number, u.string (valid UTF-8) */
    VALUE_BYTES,   /* u.string as it came from outside: a string whose use fails when it is not UTF-8 */
    VALUE_NODE,    /* u.node */
    VALUE_HEADERS, /* u.record: an object from its headers, the last of a name wins */
    VALUE_INPUT    /* the record's document, not asked for yet; type is not known */
};

struct value {
    uint32_t type; /* WEIR_JSON_*, numbered in jq's order of types */
    uint32_t form;
    union {
        double number;
        struct weir_slice string;
        const struct json_node *node;
        const struct weir_record *record;
    } u;
};

#define VALUE_OF_TYPE(t) ((struct value){.type = (t), .form = VALUE_PLAIN})

struct value value_from_node(const struct json_node *);
/* A string from outside; ptr NULL: null. */
struct value value_from_bytes(struct weir_slice);
/* jq's name: "boolean" for both. */
const char *value_type_name(uint32_t type);

/* The value must have that type. */
double value_number(const struct value *);
/* False when the bytes are not UTF-8. */
bool value_string(struct arena *, const struct value *, struct weir_slice *ret);

/* Member and element as `.[key]` and `.[index]` of an object and an array; null when there is none. */
struct value value_member(const struct value *object, struct weir_slice key);
struct value value_element(const struct value *array, int64_t index);
bool value_has_member(const struct value *object, struct weir_slice key);
/* Elements of an array, distinct keys of an object. */
size_t value_count(struct arena *, const struct value *container);

/* jq's total order: *ret below, at or above 0.  False when a string in it is not UTF-8. */
bool value_compare(struct arena *, const struct value *, const struct value *, int *ret);

#endif
