/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz.h - what the fuzz targets share: a promise that ends the run, the parts of an input, a host for plugins.
 *
 * A target is LLVMFuzzerTestOneInput of libFuzzer.  One thread. */
#ifndef WEIR_TESTS_FUZZ_H
#define WEIR_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/plugin.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_MUST(holds)                                                                                     \
    do {                                                                                                     \
        if (!(holds)) {                                                                                      \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);                              \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* The next part of an input, which ends at the first NUL: a copy in malloc with a NUL of its own, so that a read
 * behind it is noticed.  *data and *size go on behind it. */
char *fuzz_text(const uint8_t **data, size_t *size);
/* The rest of it, exactly so large. */
char *fuzz_rest(const uint8_t *data, size_t size);

/* A host for parts of plugins.  What they say is forgotten, what they put into the state is too. */
struct fuzz_host {
    struct weir_ctx ctx; /* first */
    const struct weir_errors *errors;
    struct weir_slice position; /* what shard_open gives; ptr NULL: none */
    struct weir_slice key, row; /* the one row of the state */
    uint64_t next;
};
void fuzz_host_init(struct fuzz_host *);

#endif
