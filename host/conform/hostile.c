/* SPDX-License-Identifier: BSD-2-Clause */
/* hostile.c - batches of the trials (hostile.h). */
#include "hostile.h"

#include "../report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEP   20000             /* arrays in arrays */
#define LARGE  ((size_t)2 << 20) /* harness: batches stay below 1 MiB */
#define LONGER 3000              /* a key, a topic */

static struct weir_slice text(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

/* n of a byte; freed by the caller. */
static struct weir_slice many(char c, size_t n)
{
    char *bytes = xmalloc(n);
    memset(bytes, c, n);
    return (struct weir_slice){bytes, n};
}

struct weir_batch *hostile_plain(struct harness *h, uint32_t n)
{
    struct weir_record *records = xcalloc(n, sizeof *records);
    char(*texts)[64] = xcalloc(n, sizeof *texts);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(texts[i], sizeof texts[i], "{\"n\":%u,\"text\":\"record %u\"}", i, i);
        records[i] = harness_record("key", texts[i]);
        records[i].time_ms = 1700000000000 + i;
    }
    struct weir_batch *b = harness_batch(h, records, n);
    free(texts);
    free(records);
    return b;
}

struct weir_batch *hostile_odd(struct harness *h)
{
    static const char *const values[] = {"",
                                         "{}",
                                         "[]",
                                         "null",
                                         "0",
                                         "\"\"",
                                         " ",
                                         "\n",
                                         "a\nb\r\nc",
                                         "{",
                                         "{\"a\":1}x",
                                         "[1,",
                                         "\"\\ud800\"",
                                         "1e99999",
                                         "\xff\xfe",
                                         "\xc0\x80z",
                                         "\xed\xa0\x80",
                                         "%s%n%d{x}",
                                         "'\"`",
                                         "{\"a\":{}}",
                                         "-",
                                         "{\"a\":\"b\"}"};
    static const struct weir_header headers[] = {{{"name", 4}, {"value", 5}},
                                                 {{"name", 4}, {NULL, 0}},
                                                 {{"", 0}, {"", 0}},
                                                 {{"\xff\n:", 3}, {"\0\r\n", 3}}};
    enum { N_VALUES = sizeof values / sizeof values[0], OTHERS = 10 };
    struct weir_record r[N_VALUES + OTHERS];
    struct weir_slice deep = many('[', DEEP), longer = many('k', LONGER);
    uint32_t n = 0;
    while (n < N_VALUES) {
        r[n] = harness_record(n % 2 ? "key" : NULL, values[n]);
        n++;
    }
    for (uint32_t i = 0; i < OTHERS; i++)
        r[n + i] = harness_record("", "{\"a\":1}");
    r[n++].value = (struct weir_slice){NULL, 0}; /* a tombstone */
    r[n++].value = (struct weir_slice){"a\0b", 3};
    r[n++].value = deep;
    r[n++].key = longer;
    r[n++].topic = longer;
    r[n++].topic = text("");
    r[n].headers = headers;
    r[n++].n_headers = sizeof headers / sizeof headers[0];
    r[n++].time_ms = INT64_MAX;
    r[n].key = (struct weir_slice){"\0\xff", 2};
    r[n++].time_ms = -1;
    r[n].partition = -1;
    r[n++].key = r[0].key; /* absent */
    struct weir_batch *b = harness_batch(h, r, n);
    free((void *)(uintptr_t)deep.ptr);
    free((void *)(uintptr_t)longer.ptr);
    return b;
}

struct weir_batch *hostile_huge(struct harness *h)
{
    struct weir_record r = harness_record("huge", NULL);
    r.value = many('x', LARGE);
    struct weir_batch *b = harness_batch(h, &r, 1);
    free((void *)(uintptr_t)r.value.ptr);
    return b;
}
