/* SPDX-License-Identifier: BSD-2-Clause */
/* print.h - dead letters and counts of them as text: for a terminal, for a pipe, as JSON lines.
 *
 * Thread: any, one at a time. */
#ifndef WEIR_HOST_PRINT_H
#define WEIR_HOST_PRINT_H

#include "record/strbuf.h"
#include "sift.h"

struct group { /* letters of one reason */
    struct strbuf stage, section, type, plugin, example;
    int64_t code, first, last;
    uint64_t count;
};

void print_letter(struct strbuf *, const struct found *, bool full);
void print_letter_json(struct strbuf *, const struct found *);
/* To standard output.  In a pipe: one line a group, tabs between the fields, behind a line that names them. */
void print_table_head(void);
void print_table(const struct group *, size_t n, const char *pipeline, bool json);

#endif
