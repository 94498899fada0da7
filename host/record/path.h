/* SPDX-License-Identifier: BSD-2-Clause */
/* path.h - a compiled path into a JSON value: .user.id, .tags[0], ."odd key", .["odd key"].
 *
 * Grammar: jq 1.6's path subset; "." is the whole value.  Immutable after compiling, so any thread may use it. */
#ifndef WEIR_HOST_PATH_H
#define WEIR_HOST_PATH_H

#include <stddef.h>
#include <stdint.h>

struct json_step {
    const char *key; /* decoded bytes, NULL: an array index */
    size_t len;
    int64_t index;
};

struct json_path {
    size_t count; /* 0: the whole value */
    struct json_step steps[];
};

struct weir_path { /* what the ABI calls one: the value of a WEIR_T_PATH option */
    struct json_path *path;
};

/* Compiles the path at the start of text; *ret_used says how many bytes belong to it.  On failure returns NULL and
 * *ret_why is a static sentence.  Freed with path_free.  A path has at most 64 steps. */
struct json_path *path_compile(const char *text, size_t n, size_t *ret_used, const char **ret_why);
void path_free(struct json_path *);

#endif
