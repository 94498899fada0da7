/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h - log lines on stderr, text or JSON, each written whole; repeats of one line are counted, not printed.
 *
 * Owns: level, format, and the one lock around stderr (shared with progress.c).  Thread: any. */
#ifndef WEIR_HOST_LOG_H
#define WEIR_HOST_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/plugin.h> /* WEIR_LOG_* */

/* "error" ... "debug", "text" | "json"; false when the word is unknown. */
bool log_set_level(const char *name);
bool log_set_format(const char *name);
bool log_enabled(int level);
int log_level(void);
/* Before there are threads: each line goes there, secrets masked, and not to stderr. */
void log_set_other(int level, void (*other)(int level, const char *text, size_t len));
/* who: "web" or "web [sink es]"; NULL: the program. */
__attribute__((format(printf, 3, 4))) void log_line(int level, const char *who, const char *format, ...);
void log_text(int level, const char *who, const char *text, size_t len);
/* Set by progress.c: called before and after a line so that a live display can step aside. */
void log_set_hooks(void (*before)(void), void (*after)(void));
/* Appends the text as a JSON string; what is no UTF-8 becomes U+FFFD. */
struct strbuf;
void log_quote(struct strbuf *out, const char *text, size_t len);
/* The lock around stderr, for progress.c; the hooks are called with it held. */
void log_lock(void);
void log_unlock(void);
/* Prints what repeats are still uncounted; runs by itself at exit. */
void log_flush(void);
/* For what can not go on: prints and aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
/* malloc that ends the process with a message instead of NULL; n 0 gives a valid pointer. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

#endif
