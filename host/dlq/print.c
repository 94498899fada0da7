/* SPDX-License-Identifier: BSD-2-Clause */
/* print.c - what weir dlq ls and show print (print.h). */
#include "print.h"

#include "record/format.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALUE_SHOWN   200 /* bytes, unless all is asked for */
#define EXAMPLE_SHOWN 60
#define FIELD_SHOWN   40

static bool coloured(void)
{
    const char *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no && *no);
}

static struct weir_slice slice(const struct strbuf *s)
{
    return (struct weir_slice){s->len ? s->data : "", s->len};
}

static void put(struct strbuf *out, const char *name, struct weir_slice s, size_t most)
{
    strbuf_printf(out, "  %-8s ", name);
    if (!s.ptr)
        strbuf_str(out, "(none)");
    else if (!text_shown(out, s, most))
        strbuf_printf(out, "... (%zu bytes)", s.len);
    strbuf_char(out, '\n');
}

static void put_reason(struct strbuf *out, const struct letter *l)
{
    strbuf_str(out, "  reason   ");
    (void)text_shown(out, l->stage, FIELD_SHOWN);
    if (l->section.ptr) {
        strbuf_str(out, " [");
        (void)text_shown(out, l->section, 80);
        strbuf_char(out, ']');
    }
    strbuf_char(out, ' ');
    (void)text_shown(out, l->plugin, FIELD_SHOWN);
    strbuf_char(out, ' ');
    (void)text_shown(out, l->type, 100);
    if (l->code)
        strbuf_printf(out, " (%" PRId64 ")", l->code);
    strbuf_str(out, ": ");
    (void)text_shown(out, l->message, l->message.len);
    strbuf_char(out, '\n');
}

void print_letter(struct strbuf *out, const struct found *f, bool full)
{
    const struct letter *l = f->letter;
    const struct weir_record *r = f->record;
    size_t most = full ? SIZE_MAX : VALUE_SHOWN;
    bool colour = coloured();
    strbuf_str(out, colour ? "\033[1m" : "");
    (void)text_shown(out, l->topic, SIZE_MAX);
    strbuf_printf(out, "/%" PRId64 "@%" PRId64 "%s  ", l->partition, l->offset, colour ? "\033[0m" : "");
    text_time(out, r->time_ms);
    if (l->attempts)
        strbuf_printf(out, "  failed again %" PRId64 " time%s", l->attempts, l->attempts == 1 ? "" : "s");
    strbuf_str(out, f->redriven ? "  redriven\n" : "\n");
    put_reason(out, l);
    put(out, "key", r->key, most);
    put(out, "value", r->value, most);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        strbuf_str(out, "  header   ");
        (void)text_shown(out, r->headers[i].name, most);
        strbuf_str(out, r->headers[i].value.ptr ? ": " : " (null)");
        (void)text_shown(out, r->headers[i].value, most);
        strbuf_char(out, '\n');
    }
    strbuf_char(out, '\n');
}

static void member(struct strbuf *out, const char *name, struct weir_slice s)
{
    strbuf_printf(out, "\"%s\":", name);
    text_json(out, s);
    strbuf_char(out, ',');
}

void print_letter_json(struct strbuf *out, const struct found *f)
{
    const struct letter *l = f->letter;
    format_print(f->record, out);
    out->len--; /* goes on before the closing brace */
    strbuf_str(out, ",\"reason\":{");
    member(out, "pipeline", l->connector);
    member(out, "stage", l->stage);
    member(out, "section", l->section);
    member(out, "plugin", l->plugin);
    member(out, "type", l->type);
    strbuf_printf(out, "\"code\":%" PRId64 ",", l->code);
    member(out, "message", l->message);
    strbuf_printf(out, "\"attempts\":%" PRId64 "},\"redriven\":%s}\n", l->attempts,
                  f->redriven ? "true" : "false");
}

static void group_json(struct strbuf *out, const struct group *g, const char *pipeline)
{
    strbuf_char(out, '{');
    member(out, "pipeline", (struct weir_slice){pipeline, strlen(pipeline)});
    member(out, "stage", slice(&g->stage));
    member(out, "section", slice(&g->section));
    member(out, "plugin", slice(&g->plugin));
    member(out, "type", slice(&g->type));
    strbuf_printf(out, "\"code\":%" PRId64 ",\"count\":%" PRIu64 ",", g->code, g->count);
    if (g->first == WEIR_NO_TIME)
        strbuf_str(out, "\"first\":null,\"last\":null,");
    else
        strbuf_printf(out, "\"first\":%" PRId64 ",\"last\":%" PRId64 ",", g->first, g->last);
    strbuf_str(out, "\"example\":");
    text_json(out, slice(&g->example));
    strbuf_str(out, "}\n");
}

#define COLUMNS 9
static const char *const names[COLUMNS] = {"PIPELINE", "COUNT", "STAGE", "SECTION", "ERROR",
                                           "CODE",     "FIRST", "LAST",  "EXAMPLE"};

static void cells(const struct group *g, const char *pipeline, bool cut, struct strbuf cell[COLUMNS])
{
    size_t field = cut ? FIELD_SHOWN : SIZE_MAX, example = cut ? EXAMPLE_SHOWN : SIZE_MAX;
    memset(cell, 0, COLUMNS * sizeof *cell);
    strbuf_str(&cell[0], pipeline);
    strbuf_printf(&cell[1], "%" PRIu64, g->count);
    (void)text_shown(&cell[2], slice(&g->stage), field);
    (void)text_shown(&cell[3], slice(&g->section), field);
    (void)text_shown(&cell[4], slice(&g->type), field);
    strbuf_printf(&cell[5], "%" PRId64, g->code);
    text_time(&cell[6], g->first);
    text_time(&cell[7], g->last);
    if (!text_shown(&cell[8], slice(&g->example), example))
        strbuf_str(&cell[8], "...");
    for (int c = 0; c < COLUMNS; c++)
        if (!cell[c].len)
            strbuf_char(&cell[c], '-');
}

/* Characters, as a terminal shows them: near enough for a table. */
static size_t width(const struct strbuf *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->len; i++)
        n += ((unsigned char)s->data[i] & 0xc0) != 0x80;
    return n;
}

static void print_row(struct strbuf cell[COLUMNS], const size_t *widths)
{
    for (int c = 0; c < COLUMNS; c++) {
        size_t pad = widths && c + 1 < COLUMNS ? widths[c] - width(&cell[c]) + 2 : 0;
        if (c == 1 && widths) /* numbers end in one line */
            printf("%*s%s  ", (int)(pad - 2), "", cell[c].data);
        else
            printf("%s%*s%s", cell[c].data, (int)pad, "", widths ? "" : c + 1 < COLUMNS ? "\t" : "");
    }
    putchar('\n');
}

static void row_free(struct strbuf cell[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++)
        strbuf_free(&cell[c]);
}

void print_table_head(void)
{
    if (isatty(STDOUT_FILENO))
        return; /* a table has one of its own */
    for (int c = 0; c < COLUMNS; c++)
        printf("%s%s", names[c], c + 1 < COLUMNS ? "\t" : "\n");
}

static void print_aligned(const struct group *groups, size_t n, const char *pipeline)
{
    struct strbuf cell[COLUMNS];
    size_t widths[COLUMNS];
    bool colour = coloured();
    for (int c = 0; c < COLUMNS; c++)
        widths[c] = strlen(names[c]);
    for (size_t i = 0; i < n; i++) {
        cells(&groups[i], pipeline, true, cell);
        for (int c = 0; c < COLUMNS; c++)
            widths[c] = width(&cell[c]) > widths[c] ? width(&cell[c]) : widths[c];
        row_free(cell);
    }
    printf("%s", colour ? "\033[1m" : "");
    for (int c = 0; c < COLUMNS; c++)
        printf(c == 1 ? "%*s  " : "%-*s  ", c + 1 < COLUMNS ? (int)widths[c] : 0, names[c]);
    printf("%s\n", colour ? "\033[0m" : "");
    for (size_t i = 0; i < n; i++) {
        cells(&groups[i], pipeline, true, cell);
        print_row(cell, widths);
        row_free(cell);
    }
}

void print_table(const struct group *groups, size_t n, const char *pipeline, bool json)
{
    struct strbuf out = {0}, cell[COLUMNS];
    bool terminal = isatty(STDOUT_FILENO);
    if (!json && terminal && n)
        print_aligned(groups, n, pipeline);
    else if (!json && terminal)
        printf("%s: no dead letters\n", pipeline);
    for (size_t i = 0; i < n && json; i++)
        group_json(&out, &groups[i], pipeline);
    for (size_t i = 0; i < n && !json && !terminal; i++) {
        cells(&groups[i], pipeline, false, cell);
        print_row(cell, NULL);
        row_free(cell);
    }
    if (out.len)
        (void)fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}
