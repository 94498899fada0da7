/* SPDX-License-Identifier: BSD-2-Clause */
/* jsonscan.h - members and elements of a JSON text, one after the other, where they stand.
 *
 * For text that is known to be JSON: it looks for ends and checks nothing, but never reads beyond the text.  Pure
 * functions, any thread. */
#ifndef WEIR_PLUGINS_JSONSCAN_H
#define WEIR_PLUGINS_JSONSCAN_H

#include <stdbool.h>

#include <weir/plugin.h>

bool jsonscan_space(char);
/* The end of the value at p; of one that is not closed: end. */
const char *jsonscan_end(const char *p, const char *end);
/* The next element of the array whose text goes on at *at (at first behind its bracket); false: there is none. */
bool jsonscan_element(const char **at, const char *end, struct weir_slice *ret);
/* The next member of an object likewise; key with its quotes. */
bool jsonscan_member(const char **at, const char *end, struct weir_slice *ret_key, struct weir_slice *ret);

/* For who goes down into values, so that no level is passed over twice: the next item of an array or object at *at,
 * which stands behind the bracket, or behind the value of the item before (the caller moves it there).  False: there is
 * none, and *at stands behind the other bracket. */
struct jsonscan_item {
    struct weir_slice key; /* with quotes; of an element ptr NULL */
    const char *value;     /* where it begins */
};
bool jsonscan_item(const char **at, const char *end, bool object, struct jsonscan_item *ret);
/* Whether the value that begins at p is that of a member, by what stands before it in the text; one that lies elsewhere or
 * is the whole text is not. */
bool jsonscan_is_member(struct weir_slice json, const void *p);
/* How deep arrays and objects nest in it. */
size_t jsonscan_depth(struct weir_slice json);

#endif
