/* SPDX-License-Identifier: BSD-2-Clause */
/* conform.h - `weir plugins check`: a plugin is run, each time in a process of its own with limits, and held against the
 * rules of harness/rule.h.
 *
 * What may harm by being opened or written to is left alone unless the caller was told to.  Thread: the main thread. */
#ifndef WEIR_HOST_CONFORM_H
#define WEIR_HOST_CONFORM_H

#include "../record/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

struct conform {
    const char *file;         /* NAME.so, which has been looked at and can be loaded */
    uint32_t kind;            /* WEIR_SOURCE, ...; 0: all that it is */
    bool may_open;            /* sources and sinks are opened, read and written to */
    bool given;               /* options were: a plugin of several kinds needs a kind then */
    struct strbuf options[4]; /* by kind: lines "name = value" as in an INI file */
};
enum conformed { CONFORM_GOOD, CONFORM_BROKEN, CONFORM_USAGE };

/* "name=value" for the kind that is set, or for all. */
void conform_set(struct conform *, const char *assignment);
/* The options of the sections of an INI file that name the plugin; what is the host's in them is left out.  False: it
 * was said what is wrong. */
bool conform_read(struct conform *, const char *path);
/* Prints findings on stderr and a table on stdout. */
enum conformed conform_run(const struct conform *);
void conform_free(struct conform *);
/* The rules and their sentences, on stdout. */
void conform_print_rules(void);

#endif
