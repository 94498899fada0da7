/* SPDX-License-Identifier: BSD-2-Clause */
/* subject.h - what an expression or a template looks at: one record and its JSON, parsed when first asked for. */
#ifndef WEIR_HOST_SUBJECT_H
#define WEIR_HOST_SUBJECT_H

#include "arena.h"
#include "json.h"

#include <weir/plugin.h>

struct subject {
    const struct weir_record *record;
    /* The record's document, or NULL with *ret_why (static text) when the value is not JSON.  A tombstone is no
     * JSON here: callers treat record->value.ptr == NULL as null before they ask. */
    struct json_doc *(*doc)(const struct subject *, const char **ret_why);
    void *opaque;          /* of doc's owner */
    struct arena *scratch; /* for what is needed during this call only */
};

#endif
