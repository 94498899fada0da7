/* SPDX-License-Identifier: BSD-2-Clause */
/* csv.c - one record of comma-separated values (RFC 4180), by names that the options give.
 *
 * One pass.  What differs from the RFC, or is not said there, stands in docs/parsing.md. */
#define WEIR_API 1
#include "parse.h"

enum { NO_QUOTE = 256 }; /* no char is that, as the byte 0xff is -1 */

struct csv {
    struct weir_slice *columns;
    size_t count;
    char delimiter;
    int quote; /* a character, or NO_QUOTE */
};

/* A character, or the word for one; 0: it is neither. */
static char character(const char *text)
{
    static const struct {
        const char *word;
        char c;
    } words[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'},   {"pipe", '|'},
                 {"space", ' '}, {"double", '"'},    {"single", '\''}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i].word) == 0)
            return words[i].c;
    return text[0] > 0 && text[0] != '\n' && text[0] != '\r' && !text[1] ? text[0] : 0;
}

static bool csv_valid(struct weir_ctx *ctx, const struct parse_conf *conf, struct weir_problems *problems)
{
    char delimiter = character(conf->delimiter), quote = character(conf->quote);
    const struct weir_list *columns = &conf->columns;
    if (!columns->count)
        weir_problemf(ctx, problems, "columns", "format = csv needs the names of the columns");
    else if (columns->count > MEMBERS_MAX)
        weir_problemf(ctx, problems, "columns", "there are more than %d", MEMBERS_MAX);
    else if (!delimiter)
        weir_problemf(ctx, problems, "delimiter",
                      "it is one ASCII character, comma, semicolon, tab, pipe or space");
    else if (strcmp(conf->quote, "none") != 0 && (!quote || quote == delimiter))
        weir_problemf(ctx, problems, "quote",
                      "it is one ASCII character beside the delimiter, double, single or none");
    else
        return true;
    return false;
}

static bool csv_prepare(struct weir_ctx *ctx, const struct parse_conf *conf, struct weir_problems *problems,
                        void **ret_state)
{
    struct csv *c;
    if (problems && !csv_valid(ctx, conf, problems))
        return false;
    c = ctx->host->mem(ctx, NULL, sizeof *c);
    c->delimiter = character(conf->delimiter);
    c->quote = strcmp(conf->quote, "none") == 0 ? NO_QUOTE : character(conf->quote);
    c->count = conf->columns.count;
    c->columns = ctx->host->mem(ctx, NULL, c->count * sizeof *c->columns);
    for (size_t i = 0; i < c->count; i++)
        c->columns[i] = weir_str(conf->columns.items[i]);
    *ret_state = c;
    return true;
}

static void csv_release(struct weir_ctx *ctx, void *state)
{
    struct csv *c = state;
    ctx->host->mem(ctx, c->columns, 0);
    ctx->host->mem(ctx, c, 0);
}

/* The field between quotes that begins behind the first of them, at p; NULL: it is not closed. */
static const char *quoted(const struct csv *c, const char *p, const char *end, struct members *to,
                          struct weir_slice *ret)
{
    const char *from = p, *stop;
    char *out = NULL, *at = NULL;
    for (;;) {
        stop = p < end ? memchr(p, c->quote, (size_t)(end - p)) : NULL;
        if (!stop)
            return NULL;
        bool doubled = stop + 1 < end && stop[1] == c->quote;
        if (doubled && !out)
            out = at = members_scratch(to, (size_t)(end - from));
        if (out) {
            memcpy(at, p, (size_t)(stop - p) + doubled);
            at += (stop - p) + doubled;
        }
        if (!doubled)
            break;
        p = stop + 2;
    }
    *ret =
        out ? (struct weir_slice){out, (size_t)(at - out)} : (struct weir_slice){from, (size_t)(stop - from)};
    return stop + 1;
}

/* Where an unquoted field ends; a line's end in it is none of its own. */
static const char *plain_end(const struct csv *c, const char *p, const char *end)
{
    while (p < end && *p != c->delimiter && *p != '\n' && *p != '\r')
        p++;
    return p;
}

static const char *field(const struct csv *c, const char *p, const char *end, struct weir_slice name,
                         struct members *to, struct weir_slice *ret)
{
    char shown[MEMBERS_SHOWN];
    const char *stop;
    if (p == end || *p != c->quote) {
        stop = plain_end(c, p, end);
        *ret = (struct weir_slice){p, (size_t)(stop - p)};
    } else {
        stop = quoted(c, p + 1, end, to, ret);
        if (!stop)
            (void)members_fail(to, "the quote of the field %s is not closed", members_shown(name, shown));
    }
    if (stop && stop < end && *stop != c->delimiter) {
        (void)members_fail(to,
                           *stop == '\n' || *stop == '\r'
                               ? "a second line begins behind the field %s"
                               : "something stands behind the quotes of the field %s",
                           members_shown(name, shown));
        return NULL;
    }
    return stop;
}

static bool csv_parse(void *state, const struct weir_record *rec, struct weir_slice text, struct members *to)
{
    const struct csv *c = state;
    const char *p = text.ptr, *end = p + text.len;
    struct weir_slice value;
    (void)rec;
    if (p < end && end[-1] == '\n')
        end--;
    if (p < end && end[-1] == '\r')
        end--;
    for (size_t i = 0; i < c->count; i++) {
        p = field(c, p, end, c->columns[i], to, &value);
        if (!p || !members_text(to, c->columns[i], value))
            return false;
        if (p == end)
            return i + 1 == c->count ||
                   members_fail(to, "it has %zu fields, and columns names %zu", i + 1, c->count);
        p++;
    }
    return members_fail(to, "it has more than the %zu fields that columns names", c->count);
}

const struct parse_format format_csv = {"csv", csv_prepare, csv_release, csv_parse};
