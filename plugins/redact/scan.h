/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.h - the tokens of a JSON text that the host has found to be valid, one after the other, without a tree. */
#ifndef WEIR_PLUGINS_REDACT_SCAN_H
#define WEIR_PLUGINS_REDACT_SCAN_H

#include <weir/helpers.h>

#include <stdbool.h>

struct token {
    struct weir_span span; /* of scalars and names; type OBJECT or ARRAY: a bracket */
    bool name;             /* a member's name */
    char bracket;          /* '{' '}' '[' ']', or 0 */
};
struct scan {
    const char *p, *end;
};
/* False: there are no more. */
bool scan_next(struct scan *, struct token *ret);

/* Whether no object of the text has two members of one name.  Of two names is known only a hash, so in one case of 2^64
 * it says false although they differ. */
struct names {
    struct weir_ctx *ctx;
    uint64_t *slots;
    size_t room, count;
};
bool names_differ(struct names *, struct weir_slice json);
void names_free(struct names *);

#endif
