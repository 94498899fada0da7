/* SPDX-License-Identifier: BSD-2-Clause */
/* look.h - looks through texts and JSON for what the patterns fit, and has it redacted.
 *
 * Home thread only.  Nothing it says quotes what it looked at. */
#ifndef WEIR_PLUGINS_REDACT_LOOK_H
#define WEIR_PLUGINS_REDACT_LOOK_H

#include "../common/regex.h"
#include "act.h"
#include "find.h"

struct own { /* a pattern of the operator's */
    const char *name;
    struct regex *regex;
};

struct look {
    struct weir_ctx *ctx;
    struct act act;
    uint32_t which; /* built-in patterns, 1 << FIND_* */
    struct own *own;
    size_t n_own;
    struct regex_time time; /* of all of them in one record: whoever begins a record sets it */
    bool number;            /* act.replacement is a JSON number */
    uint64_t made;          /* texts that were redacted */
    char why[256];          /* of LOOK_FAILED */
    struct matches found;
    struct text piece, instead; /* of one string: what it becomes, and that as JSON */
};

enum { LOOK_FAILED = -1, LOOK_SAME, LOOK_CHANGED };

/* Whether there are patterns; without any, all there is is redacted. */
bool look_has_patterns(const struct look *);
/* Appends text to *to with what was found in it redacted; SAME: nothing was found, and nothing is appended.
 * utf8: it is known to be. */
int look_text(struct look *, struct weir_slice text, bool utf8, struct text *to);
/* The same for valid JSON: strings, names of members and numbers, and without patterns all values but null.  What becomes
 * of a number is a string, unless it is blanked. */
int look_json(struct look *, struct weir_slice json, struct text *to);
void look_free(struct look *);

#endif
