/* SPDX-License-Identifier: BSD-2-Clause */
/* describe_man.c - option tables as an mdoc manual page, clean under mandoc -Tlint (describe.h). */
#include "describe.h"

#include "option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DATE "November 21, 2026"

/* One byte of running text. */
static void add_byte(struct strbuf *out, char c)
{
    if (c == '\\')
        strbuf_str(out, "\\e");
    else
        strbuf_char(out, c);
}

/* Running text: a sentence per line, none longer than the linter likes, and none that roff takes for a request. */
static void add_text(struct strbuf *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column > 0 && column + 1 + n > 78) {
            strbuf_char(out, '\n');
            column = 0;
        }
        if (column > 0 && n > 0)
            strbuf_char(out, ' ');
        else if (n > 0 && (text[0] == '.' || text[0] == '\''))
            strbuf_str(out, "\\&");
        for (size_t i = 0; i < n; i++)
            add_byte(out, text[i]);
        column += n + (column > 0);
        if (n > 0 && text[n] && (text[n] == '\n' || text[n - 1] == '.' || text[n - 1] == '?')) {
            strbuf_char(out, '\n');
            column = 0;
        }
        text += n + (text[n] != 0);
    }
    if (column > 0)
        strbuf_char(out, '\n');
}

/* An argument of a macro: quoted, and no word of it may be taken for a macro. */
static void add_argument(struct strbuf *out, const char *text)
{
    strbuf_str(out, " \"\\&");
    for (; *text; text++) {
        if (*text == '"')
            strbuf_str(out, "\\(dq");
        else
            add_byte(out, *text);
    }
    strbuf_str(out, "\\&\""); /* nor may its end look like the end of a sentence */
}

static void man_row(const struct weir_option *row, struct strbuf *out)
{
    struct strbuf type = {0};
    strbuf_str(out, ".It Cm");
    add_argument(out, row->name);
    if (option_is_group(row->type))
        strbuf_printf(out, " Ns Ar %s", option_placeholder(row->type));
    strbuf_str(out, "\n");
    add_text(out, row->help);
    strbuf_str(out, ".Pq");
    describe_type(row, &type);
    if (row->flags & WEIR_F_REQUIRED)
        strbuf_str(&type, "; required");
    if (row->flags & WEIR_F_DEPRECATED)
        strbuf_str(&type, "; deprecated");
    if (row->def)
        strbuf_printf(&type, "; default %s", row->def[0] ? row->def : "empty");
    add_argument(out, type.data);
    strbuf_char(out, '\n');
    if (row->doc) {
        strbuf_str(out, ".Pp\n");
        add_text(out, row->doc);
    }
    strbuf_free(&type);
}

static void man_rows(const struct plugin *plugin, uint32_t kind, struct strbuf *out)
{
    struct describe_rows rows;
    if (!describe_rows(plugin, kind, &rows))
        return;
    strbuf_printf(out, ".Sh %s OPTIONS\n",
                  kind == WEIR_SOURCE ? "SOURCE"
                  : kind == WEIR_SINK ? "SINK"
                                      : "TRANSFORM");
    for (size_t i = 0; i < rows.count; i++) {
        if (i == rows.n_plugin && i > 0)
            strbuf_printf(out, ".El\n.Pp\nEvery %s also has:\n", describe_kind(kind));
        if (i == 0 || i == rows.n_plugin)
            strbuf_str(out, ".Bl -tag -width Ds\n");
        man_row(&rows.items[i], out);
    }
    if (rows.count > 0)
        strbuf_str(out, ".El\n");
    else
        strbuf_str(out, "There are none.\n");
    describe_rows_free(&rows);
}

static void man_error(const struct weir_errors *errors, const struct weir_error *row, struct strbuf *out)
{
    struct strbuf text = {0};
    strbuf_str(out, ".It");
    if (row->type && row->type[0]) {
        strbuf_str(out, " Er");
        add_argument(out, row->type);
    }
    if (row->type && !row->type[0])
        strbuf_str(&text, "without a name ");
    if (errors->code) {
        size_t before = text.len;
        errors_print_code(row, &text);
        if (text.len > before) {
            strbuf_char(&text, ' ');
            strbuf_printf(&text, "(%s) ", errors->code);
        }
    }
    errors_print_where(errors, row, &text);
    if (!row->type && text.len == 0)
        strbuf_str(&text, "any other");
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.data[--text.len] = '\0';
    if (text.len > 0) {
        strbuf_str(out, row->type && row->type[0] ? " No" : "");
        add_argument(out, text.data);
    }
    strbuf_char(out, '\n');
    text.len = 0;
    errors_print_class(row, &text);
    strbuf_printf(&text, ": %s", row->help);
    if (row->reason)
        strbuf_printf(&text, " (its text begins with %s)", row->reason);
    add_text(out, text.data);
    strbuf_free(&text);
}

static void man_errors(const struct weir_errors *errors, struct strbuf *out)
{
    strbuf_str(out, ".Sh SINK ERRORS\nWhat becomes of a record, or of a whole batch: the first that fits.\n"
                    ".Cm error. Ns Ar NAME\ngoes before it.\n.Bl -tag -width Ds\n");
    for (uint32_t i = 0; i < errors->count; i++) {
        struct weir_error row;
        errors_row(errors, i, &row);
        man_error(errors, &row, out);
    }
    strbuf_str(out, ".El\n");
}

static void man_metrics(const struct plugin *plugin, uint32_t kind, struct strbuf *out)
{
    struct describe_metric m;
    uint32_t i = 0;
    for (; describe_metric(plugin, kind, i, &m); i++) {
        if (i == 0)
            strbuf_printf(out, ".Sh %s METRICS\n.Bl -tag -width Ds\n",
                          kind == WEIR_SOURCE ? "SOURCE"
                          : kind == WEIR_SINK ? "SINK"
                                              : "TRANSFORM");
        strbuf_str(out, ".It Li");
        add_argument(out, m.name);
        strbuf_printf(out, " Pq %s\n", m.type);
        add_text(out, m.help);
    }
    if (i > 0)
        strbuf_str(out, ".El\n");
}

void describe_man(const struct plugin *plugin, struct strbuf *out)
{
    const char *name = plugin->info.name;
    strbuf_str(out, ".Dd " PAGE_DATE "\n.Dt WEIR-");
    for (const char *c = name; *c; c++)
        strbuf_char(out, (char)toupper((unsigned char)*c));
    strbuf_printf(out, " 5\n.Os\n.Sh NAME\n.Nm weir-%s\n.Nd ", name);
    size_t start = out->len;
    add_text(out, plugin->info.summary);
    out->data[start] = (char)tolower((unsigned char)out->data[start]);
    strbuf_printf(out, ".Sh DESCRIPTION\nThe plugin\n.Cm %s\nof\n.Xr weir 1\nserves as", name);
    bool first = true;
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        if (!loader_ops(plugin, kind))
            continue;
        strbuf_printf(out, "%s a %s", first ? "" : " and", describe_kind(kind));
        first = false;
    }
    strbuf_printf(out, ".\nThis page is about version %s, license %s.\n", plugin->info.version,
                  plugin->info.license);
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++)
        man_rows(plugin, kind, out);
    if (loader_ops(plugin, WEIR_SINK) && loader_ops(plugin, WEIR_SINK)->errors)
        man_errors(loader_ops(plugin, WEIR_SINK)->errors, out);
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++)
        man_metrics(plugin, kind, out);
    strbuf_str(out, ".Sh SEE ALSO\n.Xr weir 1 ,\n.Xr weir 5\n");
}

static const char file_head[] =
    ".Dd " PAGE_DATE "\n.Dt WEIR 5\n.Os\n"
    ".Sh NAME\n.Nm weir.ini\n.Nd a pipeline of weir\n"
    ".Sh DESCRIPTION\n"
    "One INI file describes one pipeline of\n.Xr weir 1 :\n"
    ".Bd -literal -offset indent\n"
    "[source]\nplugin = kafka\nbrokers = 127.0.0.1:9092\ntopics = web.access\n\n"
    "[transform errors]\nplugin = filter\nwhen = .status >= 500\n\n"
    "[sink]\nplugin = file\npath = /var/lib/web/{topic}.ndjson\n"
    ".Ed\n.Pp\n"
    "There is exactly one\n.Bq source .\n"
    "A\n.Bq transform NAME\nhas a name; there may be any number of them, and they apply in the order of the "
    "file.\n"
    "There is one\n.Bq sink ,\nor there are several with names:\n.Bq sink NAME .\n"
    "Records that can never succeed go to the sink\n.Bq dead-letter ;\n"
    "without it they stop the pipeline.\n"
    "The section\n.Bq pipeline\nmay be missing.\n"
    "Anything unknown is an error.\n.Pp\n"
    "This page has the options that sections have whatever their plugin; those of a plugin are in its own "
    "page,\n"
    "named like\n.Xr weir-file 5 .\n"
    "A semicolon or\n.Ql #\nbegins a comment at the start of a line and after white space.\n"
    "Sizes take K, M and G, durations ms, s, m, h and d.\n"
    "A value may hold\n.Li ${env:NAME}\nand\n.Li ${file:/path} .\n";

void describe_file_man(struct strbuf *out)
{
    strbuf_str(out, file_head);
    for (size_t kind = 0; kind < SECTION_KINDS; kind++) {
        const struct weir_options *table = &host_options[kind];
        strbuf_printf(out, ".Ss Options of [%s]\n.Bl -tag -width Ds\n", host_section_words[kind]);
        for (uint32_t i = 0; i < table->count; i++) {
            struct weir_option row;
            option_row(table, i, &row);
            man_row(&row, out);
        }
        strbuf_str(out, ".El\n");
    }
    strbuf_str(out, ".Sh SEE ALSO\n.Xr weir 1\n");
}
