/* SPDX-License-Identifier: BSD-2-Clause */
/* print.h - what tells one file from another: a hash of its first bytes, and of the bytes before a place in it. */
#ifndef WEIR_PLUGINS_FILE_PRINT_H
#define WEIR_PLUGINS_FILE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRINT_HEAD  1024u /* bytes at the beginning of a file that name it */
#define PRINT_GUARD 128u  /* bytes before a place that must still be there */

struct print {
    uint64_t hash;
    uint32_t len;
}; /* of len bytes; len 0: none */

uint64_t print_hash(const void *, size_t n);
/* The first min(size, PRINT_HEAD) bytes; the bytes before place.  False: unreadable or cut short meanwhile, errno. */
bool print_head(int fd, uint64_t size, struct print *ret);
bool print_before(int fd, uint64_t place, struct print *ret);
/* Whether the file still begins with it, or still has it before place. */
bool print_same_head(int fd, uint64_t size, struct print);
bool print_same_before(int fd, uint64_t place, struct print);

#endif
