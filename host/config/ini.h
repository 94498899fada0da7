/* SPDX-License-Identifier: BSD-2-Clause */
/* ini.h - an INI file as events: every section and every key with its line, nothing interpreted.
 *
 * Syntax is inih's; what inih as packaged gets wrong (lines cut at 200 bytes, comments inside values, sections
 * without keys, no line numbers, continuation lines) is done here.  docs/configuration.md has the rules.
 * Pure but for reading the file.  Thread: the caller's. */
#ifndef WEIR_HOST_INI_H
#define WEIR_HOST_INI_H

#include "problem.h"

#include <stdbool.h>
#include <stddef.h>

#define INI_FILE_MAX    ((size_t)16 << 20)
#define INI_VALUE_MAX   ((size_t)64 << 10)
#define INI_KEY_MAX     128 /* inih cuts lines at 200 bytes: what it is shown stays below that */
#define INI_SECTION_MAX 128

struct ini_handler {
    /* `title` is what stands between the brackets, outer white space removed. */
    void (*section)(void *opaque, int line, const char *title);
    /* The value without comment, outer white space and, if the whole of it is one quoted string, its quotes. */
    void (*key)(void *opaque, int line, const char *key, const char *value, size_t len);
    void *opaque;
};

/* Reads the file, reports every mistake to problems and every good line to the handler; strings are lent for the
 * call.  False when the file could not be read (reported too). */
bool ini_read(const char *path, const struct ini_handler *, struct problems *);
/* The same for bytes in memory. */
void ini_parse_bytes(const char *data, size_t len, const struct ini_handler *, struct problems *);

#endif
