/* SPDX-License-Identifier: BSD-2-Clause */
/* ltdl.h - libltdl with a loader of our own: bound at once, private symbols, the real error text, never unloaded.
 *
 * libltdl's own loader binds lazily and keeps only "file not found" of what dlerror() said; unloading plugins crashes
 * in the exit handlers of libraries such as OpenSSL.  Thread: the main thread. */
#ifndef WEIR_HOST_LTDL_H
#define WEIR_HOST_LTDL_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/plugin.h>

typedef const struct weir_plugin *(*ltdl_entry)(void);

/* Opens NAME.so or NAME.la and gives its entry; NULL and a sentence in why[cap].  A file or folder that somebody
 * other than root and this user could have written is refused. */
ltdl_entry ltdl_open(const char *file, char *why, size_t cap);

/* Whether nobody but root and this user could have written the file and its folders; else a sentence that names the
 * path. */
bool ltdl_trusted(const char *file, char *why, size_t cap);

#endif
