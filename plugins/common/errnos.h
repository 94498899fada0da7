/* SPDX-License-Identifier: BSD-2-Clause */
/* errnos.h - errors of the operating system by name, and what those of a sink mean.
 *
 * Used by the file and std plugins.  Constant; any thread. */
#ifndef WEIR_PLUGINS_ERRNOS_H
#define WEIR_PLUGINS_ERRNOS_H

#include <weir/plugin.h>

/* A row: what that errno means. */
#define ERRNO_ROW(name, means, health, help)                                                                 \
    {                                                                                                        \
#name, NULL, (uint32_t)(name), (uint32_t)(name), 0, WEIR_CLASS_##means, 0, 0, health, 0, help        \
    }
/* The last row. */
#define ERRNO_OTHER(help)                                                                                    \
    {                                                                                                        \
        NULL, NULL, WEIR_ANY_CODE, 0, WEIR_CLASS_FATAL, 0, 0, 0, 0, help                                     \
    }
/* A whole batch has one result, so nothing can be a duplicate or be split. */
#define ERRNO_TABLE(rows)                                                                                    \
    {                                                                                                        \
        sizeof(struct weir_errors), sizeof(struct weir_error), sizeof(rows) / sizeof((rows)[0]),             \
            1u << WEIR_CLASS_RETRY | 1u << WEIR_CLASS_REJECT | 1u << WEIR_CLASS_FATAL, rows, NULL, NULL,     \
            errnos_known                                                                                     \
    }

/* For weir_errors.known: the names a file, a pipe or a terminal can answer with. */
int errnos_known(const char *name);
/* The status for a batch that met that error for the first time; *ret_health as in weir_error. */
int errnos_status(struct weir_ctx *, int error, uint32_t *ret_health);

#endif
