/* SPDX-License-Identifier: BSD-2-Clause */
/* closest.c - the known word an operator probably meant: optimal string alignment distance, case folded.
 * Pure functions, any thread. */
#include "closest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 40 /* longer words are not compared */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            row[j] = least(above[j - 1] + (x != y), 1 + least(above[j], row[j - 1]));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == y)
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[m];
}

const char *closest_word(const char *word, size_t n, const char *const *list)
{
    const char *best = NULL;
    unsigned limit = n < 3 ? 1 : n < 6 ? 2 : 3;
    if (n == 0 || n > WORD_MAX)
        return NULL;
    for (; *list; list++) {
        size_t m = strlen(*list);
        if (m > WORD_MAX)
            continue;
        unsigned d = distance(word, n, *list, m);
        if (d < m && d <= limit) { /* d == m: nothing in common */
            best = *list;
            limit = d;
            if (d == 0)
                break;
            limit--;
        }
    }
    return best;
}
