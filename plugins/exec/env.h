/* SPDX-License-Identifier: BSD-2-Clause */
/* env.h - the environment of a program: weir's own, what the operator sets, and who it works for.
 *
 * WEIR_PIPELINE, WEIR_SECTION ("sink es") and WEIR_WORKER (0, 1, ...) are of every program.  Home thread. */
#ifndef WEIR_PLUGINS_EXEC_ENV_H
#define WEIR_PLUGINS_EXEC_ENV_H

#include <weir/plugin.h>

/* more: "NAME=value", NULL-terminated, borrowed until env_free; may be NULL.  What comes later wins. */
char **env_make(struct weir_ctx *, const struct weir_map *set, const char *const *more);
void env_free(struct weir_ctx *, char **env);

#endif
