/* SPDX-License-Identifier: BSD-2-Clause */
/* convert.h - one JSON value as a value of another type: the rules of docs/fields.md#cast.
 *
 * Home thread only: room for what is made comes from each_alloc, so it stays until the next record. */
#ifndef WEIR_PLUGINS_CONVERT_H
#define WEIR_PLUGINS_CONVERT_H

#include "../common/each.h"

#include <stdbool.h>

enum convert_type {
    TO_NOTHING,
    TO_INT8,
    TO_INT16,
    TO_INT32,
    TO_INT64,
    TO_FLOAT32,
    TO_FLOAT64,
    TO_BOOLEAN,
    TO_STRING,
    TO_INTEGER,
    TO_NUMBER
};

/* What became of a value. */
struct converted {
    const char *why; /* why it can't become one, as "the text is no number"; NULL: it can */
    bool changed;    /* else it is of that type already */
    bool is_text;    /* text is UTF-8 that becomes a string; else text is JSON */
    struct weir_slice text;
};
/* The span is neither MISSING nor null. */
struct converted convert(struct each *, enum convert_type, const struct weir_span *);

#endif
