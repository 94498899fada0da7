/* SPDX-License-Identifier: BSD-2-Clause */
/* options.c - what a plugin is given for its trials: from the command line, or from the sections of an INI file. */
#include "../config/ini.h"
#include "../config/problem.h"
#include "conform.h"

#include "../plugin/loader.h"
#include "../report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void conform_set(struct conform *c, const char *assignment)
{
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        if (!c->kind || c->kind == kind)
            strbuf_printf(&c->options[kind], "%s\n", assignment);
    }
    c->given = c->may_open = true;
}

/* The section that is being read: its lines, until the next one begins. */
struct reading {
    struct conform *to;
    char *name; /* of the plugin, by its file */
    uint32_t kind;
    bool ours;
    struct strbuf lines;
};

static void end_section(struct reading *r)
{
    if (r->ours && r->kind && (!r->to->kind || r->to->kind == r->kind)) {
        r->to->options[r->kind].len = 0;
        strbuf_printf(&r->to->options[r->kind], "%s", r->lines.len ? r->lines.data : "");
        r->to->may_open = true;
    }
    r->lines.len = 0;
    r->ours = false;
}

static void on_section(void *opaque, int line, const char *title)
{
    struct reading *r = opaque;
    (void)line;
    end_section(r);
    r->kind = strcmp(title, "source") == 0            ? WEIR_SOURCE
              : strncmp(title, "transform ", 10) == 0 ? WEIR_TRANSFORM
              : strncmp(title, "sink", 4) == 0        ? WEIR_SINK
                                                      : 0;
}

/* Whether it can stand in quotes, where nothing in it begins a comment: a value that was not in quotes may have some
 * itself, as expressions do, and then it is good as it is. */
static bool quotable(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '"' || (value[i] == '\\' && ++i == len))
            return false;
    }
    return true;
}

static void on_key(void *opaque, int line, const char *key, const char *value, size_t len)
{
    struct reading *r = opaque;
    (void)line;
    if (strcmp(key, "plugin") == 0)
        r->ours = len == strlen(r->name) && strncmp(value, r->name, len) == 0;
    else
        strbuf_printf(&r->lines, quotable(value, len) ? "%s = \"%.*s\"\n" : "%s = %.*s\n", key, (int)len,
                      value);
}

bool conform_read(struct conform *c, const char *path)
{
    const char *base = strrchr(c->file, '/') ? strrchr(c->file, '/') + 1 : c->file;
    struct reading r = {.to = c, .name = xstrdup(base)};
    struct problems problems = {.file = path};
    struct ini_handler handler = {on_section, on_key, &r};
    r.name[strcspn(r.name, ".")] = 0;
    bool good = ini_read(path, &handler, &problems) && problems.count == 0;
    end_section(&r);
    for (size_t i = 0; i < problems.count; i++)
        fprintf(stderr, "%s:%d: %s\n", path, problems.items[i].line, problems.items[i].text);
    if (good && !c->may_open) {
        fprintf(stderr, "%s: no section of it has plugin = %s\n", path, r.name);
        good = false;
    }
    problem_free(&problems);
    strbuf_free(&r.lines);
    free(r.name);
    return good;
}

void conform_free(struct conform *c)
{
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++)
        strbuf_free(&c->options[kind]);
}
