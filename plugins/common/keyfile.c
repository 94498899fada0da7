/* SPDX-License-Identifier: BSD-2-Clause */
/* keyfile.c - who may read a private key (keyfile.h). */
#define WEIR_API 1
#include "keyfile.h"

#include <weir/helpers.h>

#include <sys/stat.h>

void keyfile_warn(struct weir_ctx *ctx, const char *option, const char *path)
{
    struct stat st;
    if (path && stat(path, &st) == 0 && (st.st_mode & S_IROTH))
        weir_logf(ctx, WEIR_LOG_WARNING,
                  "%s = %s can be read by everybody on this machine; chmod o= takes that away", option, path);
}
