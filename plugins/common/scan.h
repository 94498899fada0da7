/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.h - steps through JSON text that the host gave and therefore is JSON: values are passed over, none is checked.
 *
 * Pure.  p stands before end; what they give may be end. */
#ifndef WEIR_PLUGINS_SCAN_H
#define WEIR_PLUGINS_SCAN_H

#include <stdbool.h>

#include <weir/plugin.h>

/* Behind the white space at p. */
static inline const char *scan_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Behind the string whose first quote p stands at. */
static inline const char *scan_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\';
    return p < end ? p + 1 : end;
}

/* How deep the value nests; 0: no array and no object. */
size_t scan_depth(struct weir_slice json);

/* Behind the value at p; whatever its depth, one pass. */
const char *scan_value(const char *p, const char *end);

struct scan_item {         /* a member of an object, an element of an array */
    struct weir_slice key; /* with quotes; of an element ptr NULL */
    const char *value;
};
/* The next item at *at, which stands behind the opening bracket, or behind the value of the item before (the caller
 * moves it there).  False: there is none, and *at stands behind the closing bracket. */
bool scan_next(const char **at, const char *end, bool object, struct scan_item *ret);

#endif
