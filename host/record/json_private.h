/* SPDX-License-Identifier: BSD-2-Clause */
/* json_private.h - what the files json_*.c share and nobody else includes. */
#ifndef WEIR_HOST_JSON_PRIVATE_H
#define WEIR_HOST_JSON_PRIVATE_H

#include "json.h"

#include <string.h>

/* json_node.flags.  A node's origin holds where its key and its value stood, once one of them is new. */
#define NODE_KEY_ESCAPED 0x01u /* the key's text holds a backslash */
#define NODE_ADDED       0x02u /* not in its parent's text; such children stand behind all others */
#define NODE_NEW_KEY     0x04u /* renamed */
#define NODE_NEW_VALUE   0x08u /* set: text, and the children's texts, are other bytes than the parent's */
#define NODE_DIRTY       0x10u /* a container whose text is stale: something below changed */
#define NODE_GAP         0x20u /* siblings between the one before it (or the bracket) and this one were removed */
#define NODE_GAP_AT_END                                                                                      \
    0x40u /* the same between its last child that is not an added one and its closing bracket */

struct json_origin {
    struct weir_slice key, text;
};

/* json_parse with a limit of its own; gives the top value. */
struct json_node *json_parse_value(struct arena *, const void *p, size_t n, unsigned depth_max,
                                   struct json_error *error);
/* What one step of a path leads to, or NULL. */
struct json_step;
struct json_node *json_step(const struct json_node *, const struct json_step *);
/* Whether a key's text (with quotes, and maybe with escapes) means these bytes. */
bool json_key_means(struct weir_slice text, const char *key, size_t len);
/* The same; flags are the node's.  Inline: it is asked of every member before the one that is looked for. */
static inline bool json_key_is(struct weir_slice text, uint32_t flags, const char *key, size_t len)
{
    if (flags & NODE_KEY_ESCAPED)
        return json_key_means(text, key, len);
    return text.len == len + 2 && memcmp((const char *)text.ptr + 1, key, len) == 0;
}
/* The JSON string for valid UTF-8, in the arena. */
struct weir_slice json_quoted(struct arena *, const void *p, size_t n);

#endif
