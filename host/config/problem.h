/* SPDX-License-Identifier: BSD-2-Clause */
/* problem.h - collects the mistakes of one file and prints them in the order of its lines.
 *
 * Owns: the texts, at most PROBLEMS_MAX.  Everything a mistake quotes is masked (redact.h).  Thread: the caller's. */
#ifndef WEIR_HOST_PROBLEM_H
#define WEIR_HOST_PROBLEM_H

#include <stddef.h>
#include <stdio.h>

#define PROBLEMS_MAX 200 /* a file with more is the wrong file */

struct problem {
    int line;
    char *text; /* with the section: "[sink] unknown option ..." */
};

struct problems {
    const char *file; /* borrowed */
    struct problem *items;
    size_t count;
};

/* section: its title, or NULL for what belongs to none; line 0: the file as a whole. */
__attribute__((format(printf, 4, 5))) void problem_add(struct problems *, int line, const char *section,
                                                       const char *format, ...);
/* Prints "FILE:LINE: [section] text" each, sorted by line. */
void problem_print(struct problems *, FILE *err);
void problem_free(struct problems *);

#endif
