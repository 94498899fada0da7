/* SPDX-License-Identifier: BSD-2-Clause */
/* t-describe.c - help, manual, schema and sample made from one table; and tables and levels that are refused. */
#include "config/conf.h"
#include "config/describe.h"
#include "plugin/handshake.h"
#include "record/json.h"
#include "toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct plugin toy;

static const char *made(void (*describe)(const struct plugin *, struct strbuf *))
{
    static struct strbuf out;
    out.len = 0;
    describe(&toy, &out);
    return out.data;
}

static void holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void help_names_everything(void **state)
{
    (void)state;
    const char *text = made(describe_help);
    holds(text, "toy 1.2: A toy of all kinds\n");
    holds(text,
          "Options of a source\n  path  (string; required)\n      Path of the file\n      It may be long.\n");
    holds(text, "  port = 9200  (integer, 1 to 65535)\n      Port of the server\n");
    holds(text, "  linger = 5ms  (duration, 0 to 1s)\n");
    holds(text, "  mode = index  (index or create)\n");
    holds(text, "  lib.NAME  (group)\n");
    holds(text, "Options of every sink\n  when  (expression)\n");
    holds(text, "Errors of a sink, the first that fits\n"
                "  toy_full: retry, at most every 10s\n      The toy box is full\n"
                "  toy_broken, code 7 to 9 (shelf): retry; after 5 tries reject\n      The toy was dropped\n"
                "      when its text begins with \"it fell\"\n"
                "  (without a name), code none (box, shelf): split\n      Too many toys\n"
                "  code 8 (box): reject; denied\n      No toy\n");
    holds(text, "  error.NAME  (retry, reject, fatal, split or duplicate)\n");
    /* the transform has its own `when`: the host's is not shown beside it */
    const char *transform = strstr(text, "Options of a transform\n");
    assert_non_null(transform);
    holds(transform, "Options of a transform\n  when  (expression; required)\n      What passes\n\n"
                     "Options of every transform\n  isolate = none  (none or process)\n");
    const char *every = strstr(transform, "Options of every transform\n");
    const char *when = strstr(every, "\n  when  ");
    assert_true(!when || when > strstr(every, "Options of a sink\n"));
}

static void schema_is_json_and_complete(void **state)
{
    struct arena arena = {0};
    struct json_error error;
    (void)state;
    const char *text = made(describe_schema);
    struct json_doc *doc = json_parse(&arena, text, strlen(text), &error);
    if (!doc)
        fail_msg("%s at %zu of:\n%s", error.why, error.offset, text);
    struct json_node *defs = json_member(doc->root, "$defs", 5);
    struct json_node *sink = json_member(defs, "sink", 4);
    struct json_node *port = json_member(json_member(sink, "properties", 10), "port", 4);
    assert_memory_equal(json_member(port, "default", 7)->text.ptr, "9200", 4);
    assert_memory_equal(json_member(port, "maximum", 7)->text.ptr, "65535", 5);
    assert_non_null(json_member(json_member(sink, "properties", 10), "batch.records", 13));
    assert_null(
        json_member(json_member(json_member(defs, "source", 6), "properties", 10), "batch.records", 13));
    assert_non_null(json_member(json_member(sink, "patternProperties", 17), "^lib\\.", 6));
    assert_memory_equal(json_member(sink, "required", 8)->text.ptr, "[\"plugin\", \"path\"]", 18);
    assert_memory_equal(json_member(sink, "additionalProperties", 20)->text.ptr, "false", 5);
    arena_free(&arena);
}

static void manual_is_mdoc(void **state)
{
    (void)state;
    const char *text = made(describe_man);
    holds(text, ".Dt WEIR-TOY 5\n.Os\n.Sh NAME\n.Nm weir-toy\n.Nd a toy of all kinds\n");
    holds(text, ".Sh SOURCE OPTIONS\n");
    holds(text, ".Sh SINK OPTIONS\n");
    holds(text, "What to \"do\" with it\n");
    holds(text, ".Sh SINK ERRORS\n");
    holds(text, ".It Er \"\\&toy_broken\\&\" No \"\\&7 to 9 (code) shelf\\&\"\n"
                "retry; after 5 tries reject: The toy was dropped (its text begins with it\nfell)\n");
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        assert_true(strcspn(line, "\n") <= 200);
}

/* The sample, once its placeholders stand for something, is a pipeline that loads. */
static void sample_loads(void **state)
{
    char path[] = "/tmp/t-describe-XXXXXX.ini", why[400];
    (void)state;
    holds(made(describe_sample),
          "[sink]\nplugin = toy\n; Path of the file (string; required)\npath = PATH\n");
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs("[pipeline]\nname = sample\n", file);
    const char *text = made(describe_sample), *when = strstr(text, "when = WHEN\n");
    assert_non_null(when);
    fwrite(text, 1, (size_t)(when - text), file);
    fputs("when = .a\n", file);
    fputs(when + strlen("when = WHEN\n"), file);
    fclose(file);
    assert_non_null(loader_add(&toy_plugin, why, sizeof why));
    struct pipeline_conf *conf = conf_load(path, stderr);
    unlink(path);
    assert_non_null(conf);
    assert_int_equal(conf->n_transforms, 1);
    conf_free(conf);
}

/* Defaults are shown as they are: a sink that gains nothing from waiting has another one. */
static void a_default_that_depends_on_the_sink(void **state)
{
    static const struct weir_ops *list[] = {NULL, NULL};
    struct weir_ops ops = toy_sink;
    struct weir_plugin given = toy_drain;
    struct plugin plugin = {.file = "built in"};
    struct strbuf text = {0};
    char why[400];
    (void)state;
    ops.promise = NULL;
    list[0] = &ops;
    given.ops = list;
    for (int i = 0; i < 3; i++) {
        bool streams = i > 0, later = i == 1;
        ops.promises = later ? WEIR_STREAM : streams ? WEIR_STREAM | WEIR_BLOCKS : 0;
        assert_true(handshake(&given, "drain", &plugin, why, sizeof why));
        plugin.file = "built in";
        text.len = 0;
        describe_help(&plugin, &text);
        holds(text.data, streams ? "  batch.linger = 0  (" : "  batch.linger = 200ms  (");
        holds(text.data, later ? "  in-flight = 4  (" : "  in-flight = 2  (");
    }
    strbuf_free(&text);
}

static void file_manual_has_every_section(void **state)
{
    struct strbuf text = {0};
    (void)state;
    describe_file_man(&text);
    holds(text.data, ".Dt WEIR 5\n");
    for (size_t kind = 0; kind < SECTION_KINDS; kind++) {
        struct strbuf part = {0};
        strbuf_printf(&part, ".Ss Options of [%s]\n", host_section_words[kind]);
        holds(text.data, part.data);
        const struct weir_option *rows = host_options[kind].rows;
        for (uint32_t i = 0; i < host_options[kind].count; i++) {
            part.len = 0;
            strbuf_printf(&part, ".It Cm \"\\&%s\\&\"%s\n", rows[i].name,
                          rows[i].type == WEIR_T_MAP ? " Ns Ar NAME" : "");
            holds(strstr(text.data, host_section_words[kind]), part.data);
        }
        strbuf_free(&part);
    }
    strbuf_free(&text);
}

static void refused(const struct weir_plugin *given, const char *name, const char *reason)
{
    struct plugin plugin;
    char why[900] = "";
    assert_false(handshake(given, name, &plugin, why, sizeof why));
    if (!strstr(why, reason))
        fail_msg("\"%s\" does not say \"%s\"", why, reason);
}

static void heads_that_do_not_fit(void **state)
{
    struct weir_plugin plugin = toy_plugin;
    (void)state;
    refused(NULL, "toy", "plugin declined to load");
    plugin.magic = 1;
    refused(&plugin, "toy", "not a weir plugin: its magic is 0x00000001");
    plugin = toy_plugin;
    plugin.abi_major = 7;
    refused(&plugin, "toy",
            "it is built for ABI 7 and this weir has ABI 1; rebuild it with this weir's plugin.h");
    plugin = toy_plugin;
    plugin.api = 9;
    refused(&plugin, "toy", "it needs API level 9 and this weir has level 1");
    plugin = toy_plugin;
    plugin.struct_size = 16;
    refused(&plugin, "toy", "its description has 16 bytes");
    plugin.struct_size = 1u << 30;
    refused(&plugin, "toy", "its description has 1073741824 bytes");
    plugin = toy_plugin;
    plugin.abi_major = 0;
    plugin.reserved = 0x1234;
    refused(&plugin, "toy", "it is built for ABI 0 and this weir has ABI 1; rebuild it");
    refused(&toy_plugin, "yot", "it calls itself \"toy\"; rename the file to toy.so");
    plugin = toy_plugin;
    plugin.name = "No";
    refused(&plugin, "No", "its name \"No\" is not");
    plugin = toy_plugin;
    plugin.license = NULL;
    refused(&plugin, "toy", "it does not state its version, summary and license");
}

static void tables_that_do_not_fit(void **state)
{
    struct weir_ops ops = toy_sink;
    const struct weir_ops *list[5] = {&ops, NULL};
    struct weir_plugin plugin = toy_plugin;
    struct weir_option rows[2] = {toy_rows[1], toy_rows[1]};
    struct weir_options options = {sizeof options, sizeof rows[0], 2, sizeof(struct toy_conf), rows};
    (void)state;
    plugin.ops = list;
    ops.write = NULL;
    refused(&plugin, "toy", "its sink lacks the operation \"write\"");
    ops = toy_sink;
    ops.poll = toy_poll;
    refused(&plugin, "toy", "its sink has the operation \"poll\", which a sink can not have");
    ops = toy_sink;
    ops.demands = 4;
    refused(&plugin, "toy", "its sink demands abilities (0x4) that this weir does not know");
    ops = toy_sink;
    ops.kind = 8;
    refused(&plugin, "toy", "one of its tables is of kind 8");
    ops = toy_sink;
    ops.struct_size = 3;
    refused(&plugin, "toy", "claims to have 3 bytes");
    ops = toy_sink;
    ops.options = &options;
    refused(&plugin, "toy", "its sink: option \"port\" is declared twice");
    options.count = 1;
    rows[0].def = "70000";
    refused(&plugin, "toy", "its default does not pass: port = 70000: out of range; 1 to 65535");
    rows[0].def = NULL;
    rows[0].name = "plugin";
    refused(&plugin, "toy", "the option name \"plugin\" belongs to the host");
    rows[0] = toy_rows[1];
    options.stride = 8;
    refused(&plugin, "toy", "the option table of its sink is damaged");
    ops = toy_sink;
    struct weir_error error = toy_error_rows[0];
    struct weir_errors errors = toy_errors;
    ops.errors = &errors;
    errors.rows = &error;
    errors.count = 1;
    error.means = 99;
    refused(&plugin, "toy", "its sink: table of errors: row 0 (toy_full): its class is unknown to this host");
    error.means = WEIR_CLASS_REJECT;
    refused(&plugin, "toy", "row 0 (toy_full): only what is tried again has tries and a pause");
    error = toy_error_rows[0];
    error.where = 4;
    refused(&plugin, "toy", "row 0 (toy_full): it is for a place without a name");
    error.where = 0;
    error.help = "";
    refused(&plugin, "toy", "row 0 (toy_full): it has no help");
    errors.stride = 8;
    refused(&plugin, "toy", "its sink: table of errors: the table is damaged");
    ops = toy_sink;
    list[1] = &toy_sink;
    refused(&plugin, "toy", "it has two tables for one kind, sink");
    list[0] = NULL;
    refused(&plugin, "toy", "it is neither a source nor a transform nor a sink");
}

static int never_starts(void)
{
    return 3;
}

static void a_plugin_may_decline(void **state)
{
    struct weir_plugin plugin = toy_plugin;
    (void)state;
    plugin.global_init = never_starts;
    refused(&plugin, "toy", "plugin declined to load: its global_init gave 3");
}

/* Every option of the host stands in the manual's table with its default. */
static void configuration_page_has_every_host_option(void **state)
{
    const char *top = getenv("srcdir");
    struct strbuf path = {0}, page = {0};
    (void)state;
    strbuf_printf(&path, "%s/docs/configuration.md", top ? top : ".");
    FILE *file = fopen(path.data, "rb");
    if (!file)
        fail_msg("%s is missing; set srcdir to the top of the sources", path.data);
    char *room = strbuf_reserve(&page, 1 << 17);
    page.len = fread(room, 1, (1 << 17) - 1, file);
    page.data[page.len] = 0;
    fclose(file);
    for (size_t kind = 0; kind < SECTION_KINDS; kind++) {
        const struct weir_option *rows = host_options[kind].rows;
        for (uint32_t i = 0; i < host_options[kind].count; i++) {
            struct strbuf row = {0};
            const char *rest = rows[i].type == WEIR_T_MAP ? "NAME" : "";
            if (strcmp(rows[i].name, "plugin") == 0 || strcmp(rows[i].name, "when") == 0)
                strbuf_printf(&row, "`%s`", rows[i].name);
            else
                strbuf_printf(&row, "\n| `%s%s` | ", rows[i].name, rest);
            if (row.data[0] == '\n' && rows[i].def)
                strbuf_printf(&row, "`%s` | ", rows[i].def);
            holds(page.data, row.data);
            strbuf_free(&row);
        }
    }
    strbuf_free(&path);
    strbuf_free(&page);
}

static int set_up(void **state)
{
    char why[900];
    (void)state;
    toy.file = "built in";
    if (handshake(&toy_plugin, "toy", &toy, why, sizeof why)) {
        toy.file = "built in";
        return 0;
    }
    fprintf(stderr, "%s\n", why);
    return -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_everything),
        cmocka_unit_test(schema_is_json_and_complete),
        cmocka_unit_test(a_default_that_depends_on_the_sink),
        cmocka_unit_test(file_manual_has_every_section),
        cmocka_unit_test(manual_is_mdoc),
        cmocka_unit_test(sample_loads),
        cmocka_unit_test(heads_that_do_not_fit),
        cmocka_unit_test(tables_that_do_not_fit),
        cmocka_unit_test(a_plugin_may_decline),
        cmocka_unit_test(configuration_page_has_every_host_option),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
