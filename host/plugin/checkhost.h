/* SPDX-License-Identifier: BSD-2-Clause */
/* checkhost.h - the host as a plugin's check and probe see it: logs, problems, memory, clocks, secrets; no records.
 *
 * Thread: the caller's. */
#ifndef WEIR_HOST_CHECKHOST_H
#define WEIR_HOST_CHECKHOST_H

#include "../config/conf.h"
#include "../config/problem.h"

struct checkhost {
    struct problems *problems;
    /* Line of an option by its name, or of the section; NULL: always the section's. */
    int (*line_of)(const void *opaque, const char *option);
    const void *opaque;
};

/* Rules between options of one section.  False when something was reported. */
bool checkhost_check(const struct checkhost *, const struct pipeline_conf *, const struct section_conf *);
/* Rules between a sink's options and the source's. */
bool checkhost_pair(const struct checkhost *, const struct pipeline_conf *, const struct section_conf *);
/* The same for check --live: connects. */
bool checkhost_probe(const struct checkhost *, const struct pipeline_conf *, const struct section_conf *);

#endif
