/* SPDX-License-Identifier: BSD-2-Clause */
/* http.h - the little server of --metrics: three pages for machines, by libmicrohttpd on one thread.
 *
 * The library is loaded when it is wanted and not before: it brings a TLS library along that nothing here uses.
 * Owns: the listening socket, the library's thread.  Thread: main; pages are made on the library's. */
#ifndef WEIR_HOST_HTTP_H
#define WEIR_HOST_HTTP_H

#include "monitor.h"

struct http;

/* Binds and listens; NULL and a sentence in why. */
struct http *http_bind(const struct monitor_address *, struct strbuf *why);
/* Answers from here on, and logs where; false and a sentence in why. */
bool http_serve(struct http *, const struct monitor *, struct strbuf *why);
/* At every turn of the main loop: makes room for who waits while all connections are held by others. */
void http_tick(struct http *);
/* Ends connections and the thread. */
void http_free(struct http *);

#endif
