/* SPDX-License-Identifier: BSD-2-Clause */
/* formats.c - the table of formats (parse.h): constant. */
#define WEIR_API 1
#include "parse.h"

const struct parse_format *const parse_formats[] = {
    [FORMAT_JSON] = &format_json,     [FORMAT_CSV] = &format_csv,     [FORMAT_LOGFMT] = &format_logfmt,
    [FORMAT_SYSLOG] = &format_syslog, [FORMAT_REGEX] = &format_regex, [FORMAT_GROK] = &format_grok,
    [FORMAT_ACCESS] = &format_access,
};
const char *const parse_format_names[] = {
    [FORMAT_JSON] = "json",   [FORMAT_CSV] = "csv",   [FORMAT_LOGFMT] = "logfmt", [FORMAT_SYSLOG] = "syslog",
    [FORMAT_REGEX] = "regex", [FORMAT_GROK] = "grok", [FORMAT_ACCESS] = "access", NULL};
