/* SPDX-License-Identifier: BSD-2-Clause */
/* describe_schema.c - option tables as JSON Schema, draft 2020-12: one definition per kind (describe.h).
 *
 * Values are typed as a program that writes INI files would hold them: numbers, booleans, arrays; sizes and durations
 * are strings with their units. */
#include "describe.h"

#include "option.h"

#include "../record/json.h"
#include "number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_string(struct strbuf *out, const char *text)
{
    size_t n = strlen(text), len = json_quote(NULL, text, n);
    json_quote(strbuf_reserve(out, len), text, n);
    out->len += len;
    out->data[out->len] = 0;
}

static void add_values(const struct weir_option *row, struct strbuf *out)
{
    strbuf_str(out, "\"enum\": [");
    for (size_t i = 0; row->values[i]; i++) {
        strbuf_str(out, i ? ", " : "");
        add_string(out, row->values[i]);
    }
    strbuf_char(out, ']');
}

/* What JSON Schema has no word for stands beside it, for programs and for the comparison of releases. */
static void add_beside(const struct weir_option *row, struct strbuf *out)
{
    struct strbuf type = {0};
    if (row->flags & WEIR_F_TEXT)
        return;
    switch (row->type) {
    case WEIR_T_SIZE:
    case WEIR_T_DURATION:
    case WEIR_T_TEMPLATE:
    case WEIR_T_EXPR:
    case WEIR_T_PATH:
    case WEIR_T_FIELDS:
        strbuf_str(out, ", \"format\": ");
        describe_type(row, &type); /* with its limits */
        add_string(out, type.data);
        strbuf_free(&type);
    }
}

static void add_type(const struct weir_option *row, struct strbuf *out)
{
    if (option_is_group(row->type) && row->values) {
        add_values(row, out);
        return;
    }
    switch (row->type) {
    case WEIR_T_INT:
        strbuf_str(out, "\"type\": \"integer\"");
        break;
    case WEIR_T_DOUBLE:
        strbuf_str(out, "\"type\": \"number\"");
        break;
    case WEIR_T_BOOL:
        strbuf_str(out, "\"type\": \"boolean\"");
        break;
    case WEIR_T_PATHS:
        strbuf_str(out, "\"type\": \"array\", \"items\": {\"type\": \"string\", \"format\": \"path\"}");
        break;
    case WEIR_T_LIST:
        strbuf_str(out, "\"type\": \"array\", \"items\": {\"type\": \"string\", \"minLength\": 1}");
        break;
    case WEIR_T_SIZE:
        strbuf_str(out, "\"type\": \"string\", \"pattern\": \"^[0-9]+[KMG]?$\"");
        break;
    case WEIR_T_DURATION:
        strbuf_str(out, "\"type\": \"string\", \"pattern\": \"^([0-9]+(ms|s|m|h|d)|0)$\"");
        break;
    case WEIR_T_ENUM:
        add_values(row, out);
        break;
    case WEIR_T_SECRET:
        strbuf_str(out, "\"type\": \"string\", \"writeOnly\": true");
        break;
    default:
        strbuf_str(out, "\"type\": \"string\"");
    }
    if ((row->type == WEIR_T_INT || row->type == WEIR_T_DOUBLE) && !(row->min == 0 && row->max == 0))
        strbuf_printf(out, ", \"minimum\": %lld, \"maximum\": %lld", (long long)row->min,
                      (long long)row->max);
    add_beside(row, out);
}

/* As JSON has them, however the row writes them. */
static void add_number(const struct weir_option *row, struct strbuf *out)
{
    int64_t integer = 0;
    double number = 0;
    if (row->type == WEIR_T_INT && !number_integer(row->def, &integer))
        strbuf_printf(out, "%lld", (long long)integer);
    else if (row->type == WEIR_T_DOUBLE && !number_double(row->def, &number))
        strbuf_printf(out, "%.15g", number);
}

static void add_items(const char *at, struct strbuf *out)
{
    struct strbuf item = {0};
    strbuf_char(out, '[');
    for (bool first = true; *at; first = false) {
        size_t n = strcspn(at, ","), rest = n;
        while (n > 0 && at[n - 1] == ' ')
            n--;
        item.len = 0;
        strbuf_add(&item, at, n);
        strbuf_str(out, first ? "" : ", ");
        add_string(out, item.data);
        at += rest + (at[rest] == ',');
        at += strspn(at, " ");
    }
    strbuf_char(out, ']');
    strbuf_free(&item);
}

static void add_default(const struct weir_option *row, struct strbuf *out)
{
    strbuf_str(out, ", \"default\": ");
    if (row->type == WEIR_T_INT || row->type == WEIR_T_DOUBLE) {
        add_number(row, out);
    } else if (row->type == WEIR_T_BOOL) {
        strbuf_str(out, strcmp(row->def, "yes") == 0 || strcmp(row->def, "true") == 0 ? "true" : "false");
    } else if (option_is_list(row->type)) {
        add_items(row->def, out);
    } else {
        add_string(out, row->def);
    }
}

static void add_row(const struct weir_option *row, struct strbuf *out)
{
    strbuf_str(out, "        ");
    if (option_is_group(row->type)) {
        strbuf_str(out, "\"^");
        for (const char *c = row->name; *c; c++)
            strbuf_printf(out, "%s%c", *c == '.' ? "\\\\" : "", *c);
        strbuf_char(out, '"');
    } else {
        add_string(out, row->name);
    }
    strbuf_str(out, ": {");
    add_type(row, out);
    if (row->def)
        add_default(row, out);
    strbuf_str(out, ", \"description\": ");
    add_string(out, row->help);
    strbuf_str(out, row->flags & WEIR_F_DEPRECATED ? ", \"deprecated\": true}" : "}");
}

static void add_rows(const struct describe_rows *rows, bool maps, bool first, struct strbuf *out)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (option_is_group(rows->items[i].type) != maps)
            continue;
        strbuf_str(out, first ? "" : ",\n");
        add_row(&rows->items[i], out);
        first = false;
    }
    strbuf_char(out, '\n');
}

static void add_text(const char *name, const struct strbuf *text, struct strbuf *out)
{
    if (text->len == 0)
        return;
    strbuf_printf(out, ", \"%s\": ", name);
    add_string(out, text->data);
}

/* Beside the options, for programs and for the comparison of releases; a validator ignores it. */
static void add_errors(const struct weir_errors *errors, struct strbuf *out)
{
    struct strbuf text = {0};
    strbuf_str(out, ",\n      \"errors\": [");
    for (uint32_t i = 0; i < errors->count; i++) {
        struct weir_error row;
        errors_row(errors, i, &row);
        text.len = 0;
        errors_print_class(&row, &text);
        strbuf_printf(out, "%s\n        {\"class\": ", i ? "," : "");
        add_string(out, text.data);
        text.len = 0;
        if (row.type)
            strbuf_str(&text, row.type[0] ? row.type : "none");
        add_text("type", &text, out);
        text.len = 0;
        if (errors->code)
            errors_print_code(&row, &text);
        add_text(errors->code, &text, out);
        text.len = 0;
        errors_print_where(errors, &row, &text);
        add_text("where", &text, out);
        text.len = 0;
        strbuf_str(&text, row.reason ? row.reason : "");
        add_text("text begins with", &text, out);
        text.len = 0;
        strbuf_str(&text, row.help);
        add_text("means", &text, out);
        strbuf_char(out, '}');
    }
    strbuf_str(out, "\n      ]");
    strbuf_free(&text);
}

static void add_kind(const struct plugin *plugin, uint32_t kind, const struct describe_rows *rows,
                     struct strbuf *out)
{
    bool maps = false;
    strbuf_printf(out,
                  "    \"%s\": {\n      \"type\": \"object\",\n      \"properties\": {\n"
                  "        \"plugin\": {\"const\": \"%s\"},\n",
                  describe_kind(kind), plugin->info.name);
    add_rows(rows, false, true, out);
    strbuf_str(out, "      },\n");
    for (size_t i = 0; i < rows->count; i++)
        maps |= option_is_group(rows->items[i].type);
    if (maps) {
        strbuf_str(out, "      \"patternProperties\": {\n");
        add_rows(rows, true, true, out);
        strbuf_str(out, "      },\n");
    }
    strbuf_str(out, "      \"required\": [\"plugin\"");
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->items[i].flags & WEIR_F_REQUIRED) {
            strbuf_str(out, ", ");
            add_string(out, rows->items[i].name);
        }
    }
    strbuf_str(out, "],\n      \"additionalProperties\": false");
    if (loader_ops(plugin, kind)->errors)
        add_errors(loader_ops(plugin, kind)->errors, out);
    strbuf_str(out, "\n    }");
}

void describe_schema(const struct plugin *plugin, struct strbuf *out)
{
    bool first = true;
    strbuf_str(out, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": ");
    add_string(out, plugin->info.name);
    strbuf_str(out, ",\n  \"description\": ");
    add_string(out, plugin->info.summary);
    strbuf_str(out, ",\n  \"$defs\": {\n");
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        struct describe_rows rows;
        if (!describe_rows(plugin, kind, &rows))
            continue;
        strbuf_str(out, first ? "" : ",\n");
        add_kind(plugin, kind, &rows, out);
        describe_rows_free(&rows);
        first = false;
    }
    strbuf_str(out, "\n  },\n  \"anyOf\": [");
    first = true;
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        if (!loader_ops(plugin, kind))
            continue;
        strbuf_printf(out, "%s{\"$ref\": \"#/$defs/%s\"}", first ? "" : ", ", describe_kind(kind));
        first = false;
    }
    strbuf_str(out, "]\n}\n");
}
