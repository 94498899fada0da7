/* SPDX-License-Identifier: BSD-2-Clause */
/* rule.h - the rules of plugin.h that are kept, or broken, while a plugin runs: the one list of them.
 *
 * weir-plugin(7) has the same names and sentences, which a gate compares.  What is looked at before that, in the file
 * and its tables, has its rules in plugin/.  Constant; any thread. */
#ifndef WEIR_HOST_RULE_H
#define WEIR_HOST_RULE_H

#include <stdint.h>

enum rule {
    RULE_STATUS,
    RULE_CALLS,
    RULE_THREADS,
    RULE_CLOSED,
    RULE_INTERRUPT,
    RULE_TIME,
    RULE_CLOSE,
    RULE_MEMORY,
    RULE_LEAK,
    RULE_CONF,
    RULE_INSTANCES,
    RULE_ALLOCATION,
    RULE_CRASH,
    RULE_EMITTER,
    RULE_BOUNDS,
    RULE_IMMUTABLE,
    RULE_BORROWED,
    RULE_RESULTS,
    RULE_COMPLETE,
    RULE_OUTCOME,
    RULE_PROMISES,
    RULE_LANES,
    RULE_SEQ,
    RULE_BUFFER,
    RULE_AGAIN,
    RULE_PAUSED,
    RULE_END,
    RULE_RESUME,
    RULES
};

struct rule_row {
    const char *name;
    const char *text; /* what a plugin does that keeps it, as the manual says it */
    uint32_t kinds;   /* 1 << WEIR_SOURCE, ... */
};
extern const struct rule_row rule_rows[RULES];

#endif
