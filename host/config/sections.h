/* SPDX-License-Identifier: BSD-2-Clause */
/* sections.h - the INI file as a list of sections with their keys, titles understood and values not.
 *
 * Owns: copies of everything, until sections_free.  Thread: the caller's. */
#ifndef WEIR_HOST_SECTIONS_H
#define WEIR_HOST_SECTIONS_H

#include "host_options.h"
#include "problem.h"

#include <stdbool.h>
#include <stddef.h>

#define SECTIONS_MAX 256 /* of one file */
#define KEYS_MAX     4096

struct raw_key {
    char *key, *value;
    size_t len;
    int line;
};

struct raw_section {
    enum section_kind kind;
    int line;
    char *title;      /* white space made single: "sink es" */
    const char *name; /* within title: "es"; NULL: none */
    struct raw_key *keys;
    size_t n_keys;
};

struct sections {
    struct raw_section *items;
    size_t count, n_keys;
    bool skipping; /* below a header that was refused */
    struct problems *problems;
};

/* Reads the file; mistakes of syntax, of titles and of their number go to problems.  False: unreadable. */
bool sections_read(const char *path, struct sections *ret, struct problems *);
void sections_free(struct sections *);
/* Line of the section's key, or of its header when the key is not there. */
int sections_line(const struct raw_section *, const char *key);
const struct raw_key *sections_key(const struct raw_section *, const char *key);

#endif
