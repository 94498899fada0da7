/* SPDX-License-Identifier: BSD-2-Clause */
/* template.c - text with {fields} to a compiled template.
 *
 * Thread: the main thread, while the configuration is read. */
#include "template.h"
#include "template_private.h"

#include "closest.h"
#include "report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct compiler {
    struct weir_template *tpl;
    const char *start, *at, *end; /* the arena's copy of the text */
    char *why;
    size_t cap;
};

__attribute__((format(printf, 3, 4))) static bool complain(struct compiler *c, const char *at,
                                                           const char *format, ...)
{
    va_list ap;
    unsigned column = 1;
    for (const char *s = c->start; s < at; s++)
        column += ((unsigned char)*s & 0xc0) != 0x80;
    int used = snprintf(c->why, c->cap, "column %u: ", column);
    if (used < 0 || (size_t)used >= c->cap)
        return false;
    va_start(ap, format);
    (void)vsnprintf(c->why + used, c->cap - (size_t)used, format, ap);
    va_end(ap);
    return false;
}

const char *template_name_fault(struct weir_slice s)
{
    if (s.len == 0)
        return "is empty";
    if (s.len <= 2 && memcmp(s.ptr, "..", s.len) == 0)
        return "is a folder's own or its parent's name";
    if (memchr(s.ptr, '/', s.len))
        return "holds a slash";
    return memchr(s.ptr, '\0', s.len) ? "holds a NUL" : NULL;
}

static bool begins(const struct compiler *c, const char *with)
{
    size_t n = strlen(with);
    return (size_t)(c->end - c->at) >= n && memcmp(c->at, with, n) == 0;
}

/* A doubled brace is one brace; literals in a row become one part. */
static bool compile_text(struct compiler *c)
{
    struct template_part *part = &c->tpl->parts[c->tpl->count];
    char *out = arena_alloc(&c->tpl->arena, (size_t)(c->end - c->at) + 1), *to = out;
    while (c->at < c->end) {
        if (begins(c, "{{") || begins(c, "}}"))
            c->at++;
        else if (*c->at == '{')
            break;
        else if (*c->at == '}')
            return complain(c, c->at, "`}` closes no field; write `}}` for the character");
        *to++ = *c->at++;
    }
    *part = (struct template_part){.kind = PART_TEXT, .text = {out, (size_t)(to - out)}};
    c->tpl->count += to > out;
    return true;
}

static bool complain_unknown(struct compiler *c, const char *name, size_t n)
{
    static const char *const fields[] = {"key", "topic", "partition", "offset", "header", "time", NULL};
    int cut = n > 60 ? 60 : (int)n;
    const char *meant = closest_word(name, n, fields);
    if (n == 0)
        return complain(c, name, "the field is empty; write {{}} for two braces");
    if (meant && strcmp(meant, "header") == 0)
        return complain(c, name, "unknown field \"%.*s\"; did you mean {header:NAME}?", cut, name);
    if (meant && strcmp(meant, "time") == 0)
        return complain(c, name, "unknown field \"%.*s\"; did you mean {time:%%Y.%%m.%%d}?", cut, name);
    if (meant)
        return complain(c, name, "unknown field \"%.*s\"; did you mean {%s}?", cut, name, meant);
    if ((name[0] | 0x20) < 'a' || (name[0] | 0x20) > 'z')
        return complain(c, name,
                        "unknown field \"%.*s\"; there are {.path}, {key}, {topic}, {partition}, {offset}, "
                        "{header:NAME} and {time:FORMAT}",
                        cut, name);
    return complain(c, name, "unknown field \"%.*s\"; a field of the JSON value begins with a dot: {.%.*s}",
                    cut, name, cut, name);
}

static bool compile_path(struct compiler *c, struct template_part *part)
{
    const char *why = "";
    size_t used = 0;
    part->kind = PART_PATH;
    part->path = path_compile(c->at, (size_t)(c->end - c->at), &used, &why);
    if (!part->path)
        return complain(c, c->at, "%s", why);
    c->at += used;
    while (c->at > c->start && c->at[-1] == ' ') /* not the path's */
        c->at--;
    return true;
}

static const char *end_of_word(const struct compiler *c, const char *stops)
{
    const char *s = c->at;
    while (s < c->end && !strchr(stops, *s))
        s++;
    return s;
}

static bool compile_time(struct compiler *c, struct template_part *part)
{
    const char *s = part->text.ptr, *end = s + part->text.len;
    if (s == end)
        return complain(c, s, "the format of {time:FORMAT} is empty, for example {time:%%Y.%%m.%%d}");
    if ((c->tpl->flags & WEIR_F_NAME) && memchr(s, '/', part->text.len))
        return complain(c, memchr(s, '/', part->text.len),
                        "a field may not hold `/` here; use several: {time:%%Y}/{time:%%m}");
    for (; s < end; s++)
        if (*s == '%' && (++s == end || !time_format_knows(*s)))
            return complain(c, s - 1, "{time:FORMAT} knows %s", TIME_FORMAT_LETTERS);
    return true;
}

static bool compile_name(struct compiler *c, struct template_part *part)
{
    static const struct {
        const char *name;
        enum template_kind kind;
    } fields[] = {{"key", PART_KEY},       {"topic", PART_TOPIC},    {"partition", PART_PARTITION},
                  {"offset", PART_OFFSET}, {"header:", PART_HEADER}, {"time:", PART_TIME}};
    const char *word = c->at, *end = end_of_word(c, ":|}{");
    size_t n = (size_t)(end - word) + (end < c->end && *end == ':');
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strlen(fields[i].name) != n || memcmp(fields[i].name, word, n) != 0)
            continue;
        part->kind = fields[i].kind;
        c->at += n;
        if (part->kind != PART_HEADER && part->kind != PART_TIME)
            return true;
        end = end_of_word(c, "|}{");
        part->text = (struct weir_slice){c->at, (size_t)(end - c->at)};
        c->at = end;
        if (part->kind == PART_TIME)
            return compile_time(c, part);
        return part->text.len > 0 || complain(c, word, "{header:NAME} lacks the name");
    }
    return complain_unknown(c, word, (size_t)(end - word));
}

static bool compile_fallback(struct compiler *c, struct template_part *part)
{
    const char *from = ++c->at, *end = end_of_word(c, "}{");
    const char *fault;
    part->has_fallback = true;
    part->fallback = (struct weir_slice){from, (size_t)(end - from)};
    c->at = end;
    if (end < c->end && *end == '{')
        return complain(c, end, "a default is plain text up to `}`; it can not hold `{`");
    fault = c->tpl->flags & WEIR_F_NAME ? template_name_fault(part->fallback) : NULL;
    if (fault)
        return complain(c, from, "the default %s, which is not allowed in a name", fault);
    return true;
}

static bool compile_field(struct compiler *c)
{
    struct template_part *part = &c->tpl->parts[c->tpl->count];
    const char *open = c->at++;
    *part = (struct template_part){.kind = PART_TEXT};
    c->tpl->count++;
    if (!memchr(open, '}', (size_t)(c->end - open)))
        return complain(c, open, "the field that opens here is not closed; write `{{` for the character");
    if (!(c->at < c->end && *c->at == '.' ? compile_path(c, part) : compile_name(c, part)))
        return false;
    if (c->at < c->end && *c->at == '|' && !compile_fallback(c, part))
        return false;
    if (c->at == c->end || *c->at != '}')
        return complain(c, c->at, "`}` or `|` and a default is expected here");
    c->at++;
    part->written = (struct weir_slice){open, (size_t)(c->at - open)};
    return true;
}

struct weir_template *template_compile(const char *text, uint32_t flags, char *why, size_t cap)
{
    struct weir_template *tpl = xcalloc(1, sizeof *tpl);
    bool bare = (flags & WEIR_F_FIELD) && !strchr(text, '{');
    size_t len = strlen(text) + (bare ? 2 : 0), most = 1;
    char *start = arena_alloc(&tpl->arena, len + 1);
    struct compiler c = {tpl, start, start, start + len, why, cap};
    bool good = true;
    snprintf(start, len + 1, bare ? "{%s}" : "%s", text);
    for (const char *s = start; *s; s++)
        most += *s == '{' ? 2 : 0;
    tpl->flags = flags;
    tpl->parts = arena_alloc(&tpl->arena, most * sizeof *tpl->parts);
    while (good && c.at < c.end)
        good = *c.at == '{' && !begins(&c, "{{") ? compile_field(&c) : compile_text(&c);
    if (!good) {
        template_free(tpl);
        return NULL;
    }
    return tpl;
}

void template_free(struct weir_template *tpl)
{
    if (!tpl)
        return;
    for (size_t i = 0; i < tpl->count; i++)
        path_free(tpl->parts[i].path);
    arena_free(&tpl->arena);
    free(tpl);
}

bool template_constant(const struct weir_template *tpl, struct weir_slice *ret)
{
    if (tpl->count > 1 || (tpl->count == 1 && tpl->parts[0].kind != PART_TEXT))
        return false;
    *ret = tpl->count ? tpl->parts[0].text : (struct weir_slice){"", 0};
    return true;
}

struct json_path *template_path(const struct weir_template *tpl)
{
    const struct template_part *only = tpl->parts;
    return tpl->count == 1 && only->kind == PART_PATH && !only->has_fallback ? only->path : NULL;
}
