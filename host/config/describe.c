/* SPDX-License-Identifier: BSD-2-Clause */
/* describe.c - help text and sample file from option tables, and what the other printers share (describe.h). */
#include "describe.h"

#include "../report/log.h"
#include "option.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 78

const char *describe_kind(uint32_t kind)
{
    return kind == WEIR_SOURCE ? "source" : kind == WEIR_TRANSFORM ? "transform" : "sink";
}

static const struct weir_options *host_table(uint32_t kind, const struct weir_ops *ops)
{
    return host_options_of(kind == WEIR_SOURCE      ? SECTION_SOURCE
                           : kind == WEIR_TRANSFORM ? SECTION_TRANSFORM
                                                    : SECTION_SINK,
                           ops);
}

#define TEXT(number)  TEXT_OF(number)
#define TEXT_OF(text) #text

/* What conf.c does to a sink's defaults, shown as the default it is. */
static void adapt_row(const struct weir_ops *ops, struct weir_option *row)
{
    if (strcmp(row->name, "in-flight") == 0) {
        row->def = host_answers_later(ops) ? TEXT(IN_FLIGHT_LATER) : row->def;
        row->doc = NULL; /* it tells of sinks with another default */
    }
    if (strcmp(row->name, "batch.linger") != 0)
        return;
    if (ops->promises & WEIR_STREAM) {
        row->def = "0";
        row->doc = "This sink gains nothing from fuller batches, so it does not wait for them.";
    } else if (!ops->promise) {
        row->doc = NULL; /* it tells of sinks with another default */
    }
}

bool describe_rows(const struct plugin *plugin, uint32_t kind, struct describe_rows *ret)
{
    const struct weir_ops *ops = loader_ops(plugin, kind);
    const struct weir_options *host = host_table(kind, ops);
    if (!ops)
        return false;
    uint32_t n = ops->options ? ops->options->count : 0;
    ret->items = xcalloc(n + host->count, sizeof *ret->items);
    ret->n_plugin = n;
    ret->count = n;
    for (uint32_t i = 0; i < n; i++)
        option_row(ops->options, i, &ret->items[i]);
    for (uint32_t i = 0; i < host->count; i++) {
        struct weir_option row, hidden;
        uint32_t index;
        option_row(host, i, &row);
        if (strcmp(row.name, "plugin") != 0 && (ops->errors || strcmp(row.name, "error.") != 0) &&
            !(ops->options && option_find(ops->options, row.name, &hidden, &index))) {
            adapt_row(ops, &row);
            ret->items[ret->count++] = row;
        }
    }
    return true;
}

void describe_rows_free(struct describe_rows *rows)
{
    free(rows->items);
}

static void add_values(const struct weir_option *row, struct strbuf *out)
{
    for (size_t i = 0; row->values[i]; i++) {
        if (i > 0)
            strbuf_str(out, row->values[i + 1] ? ", " : " or ");
        strbuf_str(out, row->values[i]);
    }
}

static void add_bound(const struct weir_option *row, int64_t value, struct strbuf *out)
{
    char text[32];
    if (row->type == WEIR_T_SIZE)
        option_print_size(value, text, sizeof text);
    else if (row->type == WEIR_T_DURATION)
        option_print_duration(value, text, sizeof text);
    else
        snprintf(text, sizeof text, "%lld", (long long)value);
    strbuf_str(out, text);
}

void describe_type(const struct weir_option *row, struct strbuf *out)
{
    if (row->values) {
        add_values(row, out);
        return;
    }
    if (row->type == WEIR_T_FIELDS) /* the group is not what its values are */
        strbuf_str(out, option_type_name(row->flags & WEIR_F_TEXT ? WEIR_T_STRING : WEIR_T_TEMPLATE));
    else
        strbuf_str(out, option_type_name(row->type));
    if ((row->min == 0 && row->max == 0) || (row->min == 0 && row->max == INT64_MAX))
        return;
    strbuf_str(out, row->max == INT64_MAX ? ", at least " : ", ");
    add_bound(row, row->min, out);
    if (row->max != INT64_MAX) {
        strbuf_str(out, " to ");
        add_bound(row, row->max, out);
    }
}

/* Appends words of text, each line behind the prefix and at most WIDTH wide. */
static void add_wrapped(struct strbuf *out, const char *prefix, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column > 0 && column + 1 + n > WIDTH) {
            strbuf_char(out, '\n');
            column = 0;
        }
        if (n > 0) {
            strbuf_str(out, column == 0 ? prefix : " ");
            strbuf_add(out, text, n);
            column += n + (column == 0 ? strlen(prefix) : 1);
        }
        if (text[n] == '\n' && column > 0) {
            strbuf_char(out, '\n');
            column = 0;
        }
        text += n + (text[n] != 0);
    }
    if (column > 0)
        strbuf_char(out, '\n');
}

static void help_row(const struct weir_option *row, struct strbuf *out)
{
    strbuf_printf(out, "  %s%s", row->name, option_placeholder(row->type));
    if (row->def)
        strbuf_printf(out, " = %s", row->def);
    strbuf_str(out, "  (");
    describe_type(row, out);
    strbuf_str(out, row->flags & WEIR_F_REQUIRED ? "; required)" : ")");
    strbuf_str(out, row->flags & WEIR_F_DEPRECATED ? " deprecated\n" : "\n");
    add_wrapped(out, "      ", row->help);
    if (row->doc)
        add_wrapped(out, "      ", row->doc);
}

static void help_errors(const struct weir_errors *errors, struct strbuf *out)
{
    struct strbuf part = {0};
    strbuf_str(out, "\nErrors of a sink, the first that fits\n");
    for (uint32_t i = 0; i < errors->count; i++) {
        struct weir_error row;
        errors_row(errors, i, &row);
        part.len = 0;
        if (errors->code)
            errors_print_code(&row, &part);
        strbuf_printf(out, "  %s",
                      row.type   ? row.type[0] ? row.type : "(without a name)"
                      : part.len ? ""
                                 : "any");
        if (part.len)
            strbuf_printf(out, "%s%s %s", row.type ? ", " : "", errors->code, part.data);
        part.len = 0;
        errors_print_where(errors, &row, &part);
        if (part.len)
            strbuf_printf(out, " (%s)", part.data);
        strbuf_str(out, ": ");
        errors_print_class(&row, out);
        strbuf_char(out, '\n');
        add_wrapped(out, "      ", row.help);
        if (row.reason) {
            part.len = 0;
            strbuf_printf(&part, "when its text begins with \"%s\"", row.reason);
            add_wrapped(out, "      ", part.data);
        }
    }
    strbuf_free(&part);
}

bool describe_metric(const struct plugin *plugin, uint32_t kind, uint32_t i, struct describe_metric *ret)
{
    const struct weir_ops *ops = loader_ops(plugin, kind);
    double scale;
    if (!ops || !ops->metrics || i >= ops->metrics->count)
        return false;
    const struct weir_metric *row =
        (const void *)((const char *)ops->metrics->rows + (size_t)i * ops->metrics->stride);
    expo_plugin_name(plugin->info.name, describe_kind(kind), row, ret->name, sizeof ret->name, &scale);
    ret->type = row->kind == WEIR_COUNTER ? "counter" : "gauge";
    ret->help = row->help ? row->help : "";
    return true;
}

static void help_metrics(const struct plugin *plugin, uint32_t kind, struct strbuf *out)
{
    struct describe_metric m;
    for (uint32_t i = 0; describe_metric(plugin, kind, i, &m); i++) {
        if (i == 0)
            strbuf_printf(out, "\nMetrics of a %s\n", describe_kind(kind));
        strbuf_printf(out, "  %s  (%s)\n", m.name, m.type);
        add_wrapped(out, "      ", m.help);
    }
}

void describe_help(const struct plugin *plugin, struct strbuf *out)
{
    strbuf_printf(out, "%s %s: %s\n%s\n", plugin->info.name, plugin->info.version, plugin->info.summary,
                  plugin->file);
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        struct describe_rows rows;
        if (!describe_rows(plugin, kind, &rows))
            continue;
        strbuf_printf(out, "\nOptions of a %s\n", describe_kind(kind));
        for (size_t i = 0; i < rows.count; i++) {
            if (i == rows.n_plugin)
                strbuf_printf(out, "\nOptions of every %s\n", describe_kind(kind));
            help_row(&rows.items[i], out);
        }
        describe_rows_free(&rows);
        if (loader_ops(plugin, kind)->errors)
            help_errors(loader_ops(plugin, kind)->errors, out);
        help_metrics(plugin, kind, out);
    }
}

/* An option an operator must set gets its name in capitals as a value to replace; the others are commented out with
 * their defaults. */
static void sample_row(const struct weir_option *row, struct strbuf *out)
{
    bool required = row->flags & WEIR_F_REQUIRED;
    strbuf_printf(out, "; %s (", row->help);
    describe_type(row, out);
    strbuf_printf(out, "%s)\n", required ? "; required" : "");
    strbuf_printf(out, "%s%s%s =", required ? "" : ";", row->name, option_placeholder(row->type));
    if (row->def && row->def[0])
        strbuf_printf(out, " %s", row->def);
    for (const char *c = row->name; required && *c; c++) {
        if (c == row->name)
            strbuf_char(out, ' ');
        strbuf_char(out, (char)toupper((unsigned char)*c));
    }
    strbuf_char(out, '\n');
}

void describe_sample(const struct plugin *plugin, struct strbuf *out)
{
    bool first = true;
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        struct describe_rows rows;
        if (!describe_rows(plugin, kind, &rows))
            continue;
        strbuf_printf(out, "%s[%s%s]\nplugin = %s\n", first ? "" : "\n", describe_kind(kind),
                      kind == WEIR_TRANSFORM ? " NAME" : "", plugin->info.name);
        for (size_t i = 0; i < rows.count; i++) {
            if (!(rows.items[i].flags & WEIR_F_DEPRECATED))
                sample_row(&rows.items[i], out);
        }
        describe_rows_free(&rows);
        first = false;
    }
}
