/* SPDX-License-Identifier: BSD-2-Clause */
/* look.h - weir dlq ls and show: dead letters counted by their reason, or printed one by one.  Thread: main. */
#ifndef WEIR_HOST_LOOK_H
#define WEIR_HOST_LOOK_H

#include "reader.h"
#include "record/expr.h"

struct look_wish {
    const struct weir_expr *where; /* NULL: all */
    const char *stage;             /* NULL: all */
    const char *state_dir;
    bool all; /* those redriven too */
    bool json, full;
    bool show;            /* each, instead of counts */
    uint64_t skip, limit; /* of what is shown */
};

/* The exit status. */
int look_run(struct reader *, const struct look_wish *);
/* Before the first of several counts that go into one table. */
void look_head(const struct look_wish *);

#endif
