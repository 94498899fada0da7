/* SPDX-License-Identifier: BSD-2-Clause */
/* examine.h - what can be said of a plugin's file before any code of it runs, for `weir plugins check`.
 *
 * Thread: the main thread, of a child process: libraries that the plugin needs are loaded, the plugin itself is not. */
#ifndef WEIR_HOST_EXAMINE_H
#define WEIR_HOST_EXAMINE_H

#include "../record/strbuf.h"

enum examined { EXAMINE_GOOD, EXAMINE_FLAWED /* it can be loaded all the same */, EXAMINE_UNFIT };

/* Appends to findings a line "FILE: what is wrong and what to do [rule]" for each rule of weir-plugin(7) that the file
 * breaks, and to facts what it needs, for a person. */
enum examined examine_file(const char *file, struct strbuf *findings, struct strbuf *facts);

#endif
