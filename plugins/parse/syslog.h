/* SPDX-License-Identifier: BSD-2-Clause */
/* syslog.h - what the two kinds of syslog lines share.  Home thread. */
#ifndef WEIR_PLUGINS_PARSE_SYSLOG_H
#define WEIR_PLUGINS_PARSE_SYSLOG_H

#include "parse.h"

#include "../common/times.h"

enum { SYSLOG_AUTO, SYSLOG_RFC3164, SYSLOG_RFC5424 };
extern const char *const syslog_kinds[];

enum { STAMP_PLAIN, STAMP_FRACTION, STAMP_YEAR, STAMP_YEAR_FRACTION, STAMPS };
struct syslog {
    struct weir_ctx *ctx;
    int64_t kind;
    struct zone *zone; /* of times that name none */
    struct times_format rfc3339, stamps[STAMPS];
};

/* The next word, up to a space or the end; *at goes behind it. */
struct weir_slice syslog_word(const char **at, const char *end);
/* Whether the word looks like a time of RFC 3339. */
bool syslog_is_rfc3339(struct weir_slice);
/* The member timestamp of a time of RFC 3339, its text as it stands unless it names no zone. */
bool syslog_rfc3339(const struct syslog *, struct weir_slice time, struct members *);
bool syslog_message(const char *p, const char *end, struct members *);

/* What stands behind the priority (has_priority: there was one); end: without what only ends the line. */
bool syslog_3164(const struct syslog *, const struct weir_record *, const char *p, const char *end,
                 bool has_priority, struct members *);
/* Behind the priority and the version. */
bool syslog_5424(const struct syslog *, const char *p, const char *end, struct members *);

#endif
