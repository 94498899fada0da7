/* SPDX-License-Identifier: BSD-2-Clause */
/* words.c - a command line cut into words (words.h). */
#include "words.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One word from *at on, written to *to when there is room; false: a quote has no end. */
static bool word(const char **at, char **to)
{
    char quote = '\0';
    const char *p = *at;
    for (; *p && (quote || !blank(*p)); p++) {
        char c = *p;
        if (quote ? c == quote : c == '"' || c == '\'') {
            quote = quote ? '\0' : c;
            continue;
        }
        if (quote == '"' && c == '\\' && (p[1] == '"' || p[1] == '\\'))
            c = *++p;
        if (*to)
            *(*to)++ = c;
    }
    if (*to)
        *(*to)++ = '\0';
    *at = p;
    return !quote;
}

bool words_cut(const char *line, char *text, char **words, size_t *ret_n, const char **ret_why)
{
    size_t n = 0;
    for (;;) {
        while (blank(*line))
            line++;
        if (!*line)
            break;
        if (words)
            words[n] = text;
        n++;
        if (!word(&line, &text)) {
            *ret_why = "a quote in it has no end";
            return false;
        }
    }
    if (words)
        words[n] = NULL;
    *ret_n = n;
    *ret_why = "it names no program";
    return n > 0;
}
