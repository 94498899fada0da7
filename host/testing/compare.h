/* SPDX-License-Identifier: BSD-2-Clause */
/* compare.h - is an output what a test expects, and where not.
 *
 * Two texts that both are a JSON object or array are compared as JSON: white space, the order of members and how a
 * string is escaped make no difference, how a number is written does (1 is not 1.0).  All else is compared byte by
 * byte.  Pure functions, any thread. */
#ifndef WEIR_HOST_COMPARE_H
#define WEIR_HOST_COMPARE_H

#include "record/strbuf.h"

#include <stdbool.h>

#include <weir/plugin.h>

#define COMPARE_LINES_MAX 20 /* differences told of one record */

/* Appends to why (NULL: nobody wants to know) one line for each difference, "  .status is 200, not 500\n". */
bool compare_body(struct weir_slice wanted, struct weir_slice got, struct strbuf *why);
/* The same of the members that `with` names, all others of got may be anything; both are JSON objects. */
bool compare_named(struct weir_slice with, struct weir_slice got, struct strbuf *why);

#endif
