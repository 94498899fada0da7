/* SPDX-License-Identifier: BSD-2-Clause */
/* redrive.h - weir dlq redrive: dead letters through their pipeline again.  Thread: main. */
#ifndef WEIR_HOST_REDRIVE_H
#define WEIR_HOST_REDRIVE_H

#include "pass.h"
#include "reader.h"
#include "record/expr.h"

struct redrive_wish {
    const struct weir_expr *where; /* NULL: all */
    const char *stage;             /* NULL: all */
    const char *state_dir;
    bool dry_run, force;
    const struct monitor_address *metrics; /* NULL: nowhere */
};

/* The exit status. */
int redrive_run(struct reader *, const struct redrive_wish *);

#endif
