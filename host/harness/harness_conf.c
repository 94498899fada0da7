/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_conf.c - options of a test, from INI lines to the plugin's struct, by the host's own reader and parser. */
#include "harness_private.h"

#include "config/host_options.h"
#include "config/ini.h"
#include "config/option.h"
#include "report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct harness_conf {
    struct option_store store;
    void *conf, *copy; /* copy: to see whether somebody wrote to it */
    const struct weir_options *options, *hosts;
    bool *given;
    struct strbuf *problems;
    struct host_section host; /* error.NAME is all of it that counts here */
    struct errors_set errors;
};

static void on_section(void *opaque, int line, const char *title)
{
    (void)opaque;
    (void)line;
    (void)title;
}

static void on_key(void *opaque, int line, const char *key, const char *value, size_t len)
{
    struct harness_conf *c = opaque;
    struct weir_option row;
    uint32_t index;
    char why[1024], where[256];
    void *conf = c->conf;
    if (strncmp(key, "error.", 6) == 0 && option_find(&host_options[SECTION_SINK], key, &row, &index)) {
        conf = &c->host;
    } else if (!option_find(c->options, key, &row, &index)) {
        if (!option_find(c->hosts, key, &row, &index)) /* else a pipeline's file has it for the host */
            strbuf_printf(c->problems, "%s: unknown option\n", key);
        return;
    }
    if (conf == c->conf && c->given[index] && !option_is_list(row.type) && !option_is_group(row.type)) {
        strbuf_printf(c->problems, "%s: given twice\n", key);
        return;
    }
    if (conf == c->conf)
        c->given[index] = true;
    snprintf(where, sizeof where, "test.ini:%d: %s", line - 1, key);
    struct option_input in = {.key = key, .raw = value, .len = len, .where = where};
    if (!option_set(&c->store, &row, conf, &in, why, sizeof why))
        strbuf_printf(c->problems, "%s: %s\n", key, why);
}

static void fill_defaults(struct harness_conf *c)
{
    char why[1024];
    for (uint32_t i = 0; i < c->options->count; i++) {
        struct weir_option row;
        option_row(c->options, i, &row);
        if (!option_row_valid(&row, c->options->conf_size, why, sizeof why))
            harness_die(NULL, "option row %u: %s", i, why);
        if (c->given[i])
            continue;
        if (row.flags & WEIR_F_REQUIRED)
            strbuf_printf(c->problems, "%s: is required\n", row.name);
        else if (!option_default(&c->store, &row, c->conf, why, sizeof why))
            harness_die(NULL, "the default of %s: %s", row.name, why);
    }
}

/* Lines that are no INI at all. */
static void add_ini_problems(struct strbuf *to, struct problems *from)
{
    for (size_t i = 0; i < from->count; i++)
        strbuf_printf(to, "line %d: %s\n", from->items[i].line - 1, from->items[i].text);
    problem_free(from);
}

static void on_error_problem(void *opaque, const char *name, const char *text)
{
    strbuf_printf(opaque, "error.%s: %s\n", name, text);
}

struct harness_conf *harness_conf_parse(const struct weir_ops *ops, const char *plugin, const char *options,
                                        struct strbuf *problems)
{
    static const struct weir_options none = {sizeof none, sizeof(struct weir_option), 0, 1, NULL};
    struct harness_conf *c = xcalloc(1, sizeof *c);
    struct strbuf text = {0};
    struct problems ini = {.file = plugin};
    c->options = ops->options ? ops->options : &none;
    c->hosts = host_options_of(ops->kind == WEIR_SOURCE      ? SECTION_SOURCE
                               : ops->kind == WEIR_TRANSFORM ? SECTION_TRANSFORM
                                                             : SECTION_SINK,
                               ops);
    c->conf = xcalloc(1, c->options->conf_size);
    c->given = xcalloc(c->options->count + 1, sizeof *c->given);
    c->problems = problems;
    strbuf_printf(&text, "[%s]\n%s", plugin, options);
    struct ini_handler handler = {on_section, on_key, c};
    ini_parse_bytes(text.data, text.len, &handler, &ini);
    add_ini_problems(problems, &ini);
    fill_defaults(c);
    c->errors = errors_set_make(&c->store.arena, ops->errors, &c->host.errors, on_error_problem, problems);
    strbuf_free(&text);
    c->copy = xmalloc(c->options->conf_size);
    memcpy(c->copy, c->conf, c->options->conf_size);
    if (problems->len == 0)
        return c;
    harness_conf_free(c);
    return NULL;
}

const void *harness_conf_struct(const struct harness_conf *c)
{
    return c->conf;
}

bool harness_conf_intact(const struct harness_conf *c)
{
    return memcmp(c->copy, c->conf, c->options->conf_size) == 0;
}

const struct errors_set *harness_conf_errors(const struct harness_conf *c)
{
    return &c->errors;
}

void harness_conf_free(struct harness_conf *c)
{
    if (!c)
        return;
    option_store_free(&c->store);
    free(c->conf);
    free(c->copy);
    free(c->given);
    free(c);
}
