/* SPDX-License-Identifier: BSD-2-Clause */
/* words.h - a command line cut into words, without a shell.  Pure; any thread.
 *
 * Blanks separate words.  Between '...' everything stands for itself; between "..." everything but \" and \\.  A
 * backslash elsewhere, $, *, | and > mean nothing. */
#ifndef WEIR_PLUGINS_EXEC_WORDS_H
#define WEIR_PLUGINS_EXEC_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Cuts line.  text: room for strlen(line) + 1 bytes, words: for *ret_n of them and a NULL; both NULL: only counts.
 * False with a sentence in *ret_why: a quote has no end, or there is no word. */
bool words_cut(const char *line, char *text, char **words, size_t *ret_n, const char **ret_why);

#endif
