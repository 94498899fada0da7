/* SPDX-License-Identifier: BSD-2-Clause */
/* strbuf.h - a growing run of bytes with a limit, reused from record to record.
 *
 * Owns: its bytes.  A zeroed struct strbuf is an empty one.  Thread: one at a time. */
#ifndef WEIR_HOST_STRBUF_H
#define WEIR_HOST_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

#define STRBUF_MAX ((size_t)1 << 30) /* beyond it the process ends with a message: a bug, not a load */

struct strbuf {
    char *data; /* NUL behind len bytes once something was appended */
    size_t len, room;
};

/* Makes room for n more bytes and gives their place; strbuf.len is not moved. */
char *strbuf_reserve(struct strbuf *, size_t n);
void strbuf_add(struct strbuf *, const void *p, size_t n);
void strbuf_str(struct strbuf *, const char *s);
void strbuf_char(struct strbuf *, char c);
__attribute__((format(printf, 2, 3))) void strbuf_printf(struct strbuf *, const char *format, ...);
void strbuf_free(struct strbuf *);

#endif
