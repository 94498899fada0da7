/* SPDX-License-Identifier: BSD-2-Clause */
/* doc_table.h - reads the rows of a table of docs/NAME.md, so that a test holds the page to its word. */
#ifndef WEIR_TEST_DOC_TABLE_H
#define WEIR_TEST_DOC_TABLE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cuts a cell off the row: back quotes around it stripped, \| made |.  NULL when there is none left. */
static inline char *doc_cell(char **row)
{
    char *from = *row, *to, *cell;
    if (*from != '|' || from[1] == '\0' || from[1] == '\n')
        return NULL;
    from++;
    while (*from == ' ')
        from++;
    for (cell = to = from; *from && *from != '|'; from++) {
        if (*from == '\\' && from[1] == '|')
            from++;
        *to++ = *from;
    }
    *row = from;
    while (to > cell && (to[-1] == ' ' || to[-1] == '\n'))
        to--;
    if (to - cell >= 2 && *cell == '`' && to[-1] == '`' && !memchr(cell + 1, '`', (size_t)(to - cell - 2))) {
        cell++;
        to--;
    }
    *to = '\0';
    return cell;
}

/* Calls row() for each body row of the first table under the heading "## SECTION"; returns their count. */
static inline int doc_rows(const char *page, const char *section, void (*row)(char **cells, int n))
{
    char name[512], line[4096], *cells[4], *at;
    const char *top = getenv("srcdir");
    bool inside = false;
    int rows = 0, n;
    (void)snprintf(name, sizeof name, "%s/docs/%s", top ? top : ".", page);
    FILE *file = fopen(name, "r");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "## ", 3) == 0)
            inside = strncmp(line + 3, section, strlen(section)) == 0 && line[3 + strlen(section)] == '\n';
        if (!inside || line[0] != '|' || rows++ < 2) /* heading and rule */
            continue;
        for (n = 0, at = line; n < 4 && (cells[n] = doc_cell(&at)) != NULL;)
            n++;
        row(cells, n);
    }
    (void)fclose(file);
    return rows - 2;
}

#endif
