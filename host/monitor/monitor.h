/* SPDX-License-Identifier: BSD-2-Clause */
/* monitor.h - the pipelines of a run as they are watched: for stuck ones, and for those who ask by HTTP.
 *
 * Owns: the turn of the watch, the names of pipelines that could not be started, the server of --metrics.  Thread:
 * main; the server has one of its own, which only reads (metrics.h, health.h). */
#ifndef WEIR_HOST_MONITOR_H
#define WEIR_HOST_MONITOR_H

#include "record/strbuf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct http;
struct pipeline;
struct readers;

struct unstarted {
    char *pipeline, *why;
};

struct monitor {
    struct pipeline **pipelines; /* borrowed; those of a fan-out = independent and their dead letters each */
    int n;
    struct unstarted *unstarted;
    int n_unstarted;
    int64_t looked_ms;         /* mono ms; 0: not yet */
    _Atomic int64_t turned_ms; /* of the main thread */
    struct http *http;         /* NULL: --metrics was not given */
};

/* The two parts of HOST:PORT, [IPv6]:PORT; false and a sentence in why when it is neither. */
struct monitor_address {
    char host[256], port[8];
};
bool monitor_address(const char *text, struct monitor_address *ret, struct strbuf *why);

struct monitor *monitor_new(void);
/* Takes the address; nothing is answered yet.  False and a sentence in why. */
bool monitor_bind(struct monitor *, const struct monitor_address *, struct strbuf *why);
/* A pipeline that could not be started; copies both. */
void monitor_unstarted(struct monitor *, const char *pipeline, const char *why);
/* From here on these are watched and shown, until monitor_free; before they start.  False and a sentence in why. */
bool monitor_watch(struct monitor *, struct readers *const *, int n, struct strbuf *why);
/* The same of one pipeline alone. */
bool monitor_watch_one(struct monitor *, struct pipeline *, struct strbuf *why);
/* At every turn of the main loop. */
void monitor_tick(struct monitor *);
/* Ends the server; before the pipelines are freed.  NULL is nothing. */
void monitor_free(struct monitor *);

#endif
