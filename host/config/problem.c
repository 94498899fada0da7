/* SPDX-License-Identifier: BSD-2-Clause */
/* problem.c - the list of mistakes in one file (problem.h). */
#include "problem.h"

#include "../record/strbuf.h"
#include "../report/log.h"
#include "../report/redact.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 2048

void problem_add(struct problems *to, int line, const char *section, const char *format, ...)
{
    char text[TEXT_MAX];
    size_t used = 0;
    va_list ap;
    if (to->count >= PROBLEMS_MAX)
        return;
    if (section)
        used = (size_t)snprintf(text, sizeof text / 2, "[%.*s] ", 200, section);
    va_start(ap, format);
    (void)vsnprintf(text + used, sizeof text - used, format, ap);
    va_end(ap);
    to->items = xrealloc(to->items, (to->count + 1) * sizeof *to->items);
    to->items[to->count++] = (struct problem){.line = line, .text = xstrdup(text)};
}

/* Stable, so that several mistakes of one line stay in the order they were found; the list is short. */
static void sort_by_line(struct problems *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct problem item = list->items[i];
        size_t at = i;
        while (at > 0 && list->items[at - 1].line > item.line) {
            list->items[at] = list->items[at - 1];
            at--;
        }
        list->items[at] = item;
    }
}

void problem_print(struct problems *list, FILE *err)
{
    sort_by_line(list);
    for (size_t i = 0; i < list->count; i++) {
        struct strbuf line = {0};
        /* masked only now: a value read after the mistake was found counts too */
        redact_text(list->items[i].text, strlen(list->items[i].text), &line);
        for (size_t k = 0; k < line.len; k++) {
            if ((unsigned char)line.data[k] < 0x20 || line.data[k] == 0x7f)
                line.data[k] = ' '; /* one line each, and nothing that drives a terminal */
        }
        if (list->items[i].line > 0)
            fprintf(err, "%s:%d: %.*s\n", list->file, list->items[i].line, (int)line.len, line.data);
        else
            fprintf(err, "%s: %.*s\n", list->file, (int)line.len, line.data);
        strbuf_free(&line);
    }
    if (list->count >= PROBLEMS_MAX)
        fprintf(err, "%s: more than %d mistakes; the rest is not shown\n", list->file, PROBLEMS_MAX);
}

void problem_free(struct problems *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (struct problems){.file = list->file};
}
