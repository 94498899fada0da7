/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.h - what the transform parse and its formats know of each other.
 *
 * A format is a file with a struct parse_format and a line in formats.c.  All run on the home thread of the instance. */
#ifndef WEIR_PLUGINS_PARSE_H
#define WEIR_PLUGINS_PARSE_H

#include <weir/helpers.h>

#include "members.h"

enum { FORMAT_JSON, FORMAT_CSV, FORMAT_LOGFMT, FORMAT_SYSLOG, FORMAT_REGEX, FORMAT_GROK, FORMAT_ACCESS };

struct parse_conf {
    const struct weir_path *field, *into, *beside;
    int64_t format, keep_field, on_error, on_missing;
    int64_t types;
    struct weir_map type_of;  /* types.NAME */
    struct weir_list columns; /* csv, access */
    /* csv */
    const char *delimiter, *quote;
    /* syslog */
    int64_t syslog;
    const char *zone;
    /* regex, grok */
    const char *pattern;
    struct weir_map patterns, defined; /* pattern.NAME, define.NAME */
};

struct parse_format {
    const char *name; /* the value of the option format */
    /* Makes *ret_state, what parse needs of the options.  False: told by weir_problemf to problems, which are NULL where
     * the same options were found good before.  NULL: it needs nothing. */
    bool (*prepare)(struct weir_ctx *, const struct parse_conf *, struct weir_problems *, void **ret_state);
    void (*release)(struct weir_ctx *, void *state); /* NULL: there is nothing */
    /* Adds the fields of the text, which may hold any bytes, to an empty object.  rec is the record it is of.  False:
     * it is not of this format, and members_fail said why. */
    bool (*parse)(void *state, const struct weir_record *rec, struct weir_slice text, struct members *);
};

/* formats.c: by FORMAT_*. */
extern const struct parse_format *const parse_formats[];
extern const char *const parse_format_names[];

extern const struct parse_format format_json, format_csv, format_logfmt, format_syslog, format_regex,
    format_grok, format_access;

#endif
