/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.h - what a plugin's option tables say, as help, manual page, JSON Schema and sample file.  Pure. */
#ifndef WEIR_HOST_DESCRIBE_H
#define WEIR_HOST_DESCRIBE_H

#include "../plugin/loader.h"
#include "../record/strbuf.h"
#include "../report/expo.h"
#include "errors.h"
#include "host_options.h"

#include <stdbool.h>

/* Each appends to out; the host's own options of that kind of section are described with the plugin's. */
void describe_help(const struct plugin *, struct strbuf *out);
void describe_man(const struct plugin *, struct strbuf *out);
void describe_schema(const struct plugin *, struct strbuf *out);
void describe_sample(const struct plugin *, struct strbuf *out);
/* The manual page of the pipeline file: weir(5). */
void describe_file_man(struct strbuf *out);

/* For the files behind these four: */
struct
    describe_rows { /* every row an operator may set in one kind of section, host rows a plugin hides left out */
    struct weir_option *items;
    size_t count, n_plugin; /* the plugin's come first */
};
/* Section kinds in order of a file; false when the plugin is none of that kind.  Freed with describe_rows_free. */
bool describe_rows(const struct plugin *, uint32_t kind, struct describe_rows *ret);
void describe_rows_free(struct describe_rows *);
const char *describe_kind(uint32_t kind);
/* The i-th metric that the plugin declares for that kind, as it is served; false: there are not so many. */
struct describe_metric {
    char name[EXPO_NAME_MAX];
    const char *type, *help;
};
bool describe_metric(const struct plugin *, uint32_t kind, uint32_t i, struct describe_metric *ret);
/* "size, 16M to 1T", "shard or none". */
void describe_type(const struct weir_option *, struct strbuf *out);

#endif
