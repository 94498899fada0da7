/* SPDX-License-Identifier: BSD-2-Clause */
/* expr.h - `when`: a subset of jq 1.6 over a record (docs/expressions.md).  Whatever it accepts means what jq says.
 *
 * Immutable after compiling, except for regex match memory, which is per call; any thread may evaluate. */
#ifndef WEIR_HOST_EXPR_H
#define WEIR_HOST_EXPR_H

#include "strbuf.h"
#include "subject.h"

/* On failure NULL and a sentence with the column in why[cap].  Freed with expr_free. */
struct weir_expr *expr_compile(const char *text, char *why, size_t cap);
void expr_free(struct weir_expr *);

/* It looks at the value's bytes: edits to its JSON must stand in them before it is asked. */
bool expr_wants_text(const struct weir_expr *);

enum expr_result { EXPR_FALSE = 0, EXPR_TRUE = 1, EXPR_ERROR = 2 };
/* Truth of the expression's result as jq's `select` sees it (false and null are false).  EXPR_ERROR: jq would raise
 * an error, or the value is not JSON where JSON is needed; the sentence is appended to why. */
enum expr_result expr_match(const struct weir_expr *, const struct subject *, struct strbuf *why);

#endif
