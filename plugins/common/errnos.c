/* SPDX-License-Identifier: BSD-2-Clause */
/* errnos.c - errors of the operating system by name (errnos.h). */
#define WEIR_API 1
#include "errnos.h"

#include <weir/helpers.h>

#include <errno.h>

#define NAME(e)                                                                                              \
    {                                                                                                        \
        e, #e                                                                                                \
    }
static const struct {
    int error;
    const char *name;
} names[] = {NAME(EACCES),    NAME(EAGAIN),       NAME(EBUSY),        NAME(EDQUOT),   NAME(EFBIG),
             NAME(EINTR),     NAME(EINVAL),       NAME(EIO),          NAME(EISDIR),   NAME(ELOOP),
             NAME(EMFILE),    NAME(ENAMETOOLONG), NAME(ENFILE),       NAME(ENODEV),   NAME(ENOENT),
             NAME(ENOLCK),    NAME(ENOMEM),       NAME(ENOSPC),       NAME(ENOTDIR),  NAME(ENXIO),
             NAME(EPERM),     NAME(EPIPE),        NAME(EROFS),        NAME(ESTALE),   NAME(ETXTBSY),
             NAME(ETIMEDOUT), NAME(EHOSTDOWN),    NAME(EHOSTUNREACH), NAME(EREMOTEIO)};

int errnos_known(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, name) == 0)
            return 1;
    return 0;
}

int errnos_status(struct weir_ctx *ctx, int error, uint32_t *ret_health)
{
    struct weir_fault fault = {sizeof fault, (uint32_t)error, 0, 0, {NULL, 0}, {NULL, 0}};
    const struct weir_error *row;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].error == error)
            fault.type = weir_str(names[i].name);
    row = ctx->host->classify(ctx, &fault);
    *ret_health = row->health;
    return weir_error_status(row, 0, 1);
}
