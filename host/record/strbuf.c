/* SPDX-License-Identifier: BSD-2-Clause */
/* strbuf.c - a growing run of bytes with a limit.
 *
 * Owns: its bytes.  Thread: one at a time. */
#include "strbuf.h"

#include "report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64u

char *strbuf_reserve(struct strbuf *b, size_t n)
{
    if (n >= STRBUF_MAX || b->len >= STRBUF_MAX - n)
        die("A text of more than %zu bytes was about to be built: %zu bytes stand, %zu more are wanted.",
            STRBUF_MAX, b->len, n);

    size_t need = b->len + n + 1; /* the NUL */
    if (need > b->room) {
        size_t room = b->room ? b->room : ROOM_FIRST;
        while (room < need)
            room *= 2;
        b->data = xrealloc(b->data, room);
        b->room = room;
    }
    return b->data + b->len;
}

void strbuf_add(struct strbuf *b, const void *p, size_t n)
{
    char *at = strbuf_reserve(b, n);
    if (n > 0)
        memcpy(at, p, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void strbuf_str(struct strbuf *b, const char *s)
{
    strbuf_add(b, s, strlen(s));
}

void strbuf_char(struct strbuf *b, char c)
{
    strbuf_add(b, &c, 1);
}

void strbuf_printf(struct strbuf *b, const char *format, ...)
{
    va_list ap;
    char *at = strbuf_reserve(b, 0);
    size_t room = b->room - b->len;

    va_start(ap, format);
    int n = vsnprintf(at, room, format, ap);
    va_end(ap);
    if (n < 0)
        die("A text could not be formatted: the format is \"%s\".", format);
    if ((size_t)n >= room) {
        at = strbuf_reserve(b, (size_t)n);
        va_start(ap, format);
        (void)vsnprintf(at, (size_t)n + 1, format, ap);
        va_end(ap);
    }
    b->len += (size_t)n;
}

void strbuf_free(struct strbuf *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}
