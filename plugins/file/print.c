/* SPDX-License-Identifier: BSD-2-Clause */
/* print.c - hashes that recognise a file; FNV-1a, for the question is "the same?", not "an attacker's?".  Any thread. */
#include "print.h"

#include <errno.h>
#include <unistd.h>

uint64_t print_hash(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

/* Hash of n bytes (at most PRINT_HEAD) at that place. */
static bool print_at(int fd, uint64_t place, size_t n, struct print *ret)
{
    unsigned char bytes[PRINT_HEAD];
    size_t have = 0;
    while (have < n) {
        ssize_t r = pread(fd, bytes + have, n - have, (off_t)(place + have));
        if (r < 0 && errno == EINTR)
            continue;
        if (r == 0)
            errno = ENODATA;
        if (r <= 0)
            return false;
        have += (size_t)r;
    }
    ret->hash = print_hash(bytes, n);
    ret->len = (uint32_t)n;
    return true;
}

bool print_head(int fd, uint64_t size, struct print *ret)
{
    return print_at(fd, 0, size < PRINT_HEAD ? (size_t)size : PRINT_HEAD, ret);
}

bool print_before(int fd, uint64_t place, struct print *ret)
{
    size_t n = place < PRINT_GUARD ? (size_t)place : PRINT_GUARD;
    return print_at(fd, place - n, n, ret);
}

bool print_same_head(int fd, uint64_t size, struct print print)
{
    struct print now;
    return print.len <= size && print.len <= PRINT_HEAD && print_at(fd, 0, print.len, &now) &&
           now.hash == print.hash;
}

bool print_same_before(int fd, uint64_t place, struct print print)
{
    struct print now;
    if (!print.len)
        return true; /* nothing is known of them: a file read from its end on, or a position stored unchecked */
    return print.len <= place && print.len <= PRINT_GUARD &&
           print_at(fd, place - print.len, print.len, &now) && now.hash == print.hash;
}
