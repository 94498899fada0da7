/* SPDX-License-Identifier: BSD-2-Clause */
/* t-conf.c - whole files: what a good one becomes, and every mistake of structure with its exact line. */
#include "config/conf.h"
#include "report/redact.h"
#include "toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/t-conf-XXXXXX";

#define SOURCE "[source]\nplugin = toy\npath = /in\n" /* three lines */
#define SINK   "[sink]\nplugin = toy\npath = /out\n"

static const char *in_folder(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char said[20000];

/* Loads the text as web.ini; what was printed is in said, the folder cut off. */
static struct pipeline_conf *load_as(const char *name, const char *text)
{
    FILE *err = tmpfile();
    put(name, text);
    struct pipeline_conf *conf = conf_load(in_folder(name), err);
    char line[3000];
    said[0] = 0;
    rewind(err);
    while (fgets(line, sizeof line, err)) {
        const char *at = strncmp(line, folder, strlen(folder)) == 0 ? line + strlen(folder) + 1 : line;
        strncat(said, at, sizeof said - strlen(said) - 1);
    }
    fclose(err);
    unlink(in_folder(name));
    return conf;
}

static struct pipeline_conf *load(const char *text)
{
    return load_as("web.ini", text);
}

static void a_small_file_gets_all_defaults(void **state)
{
    (void)state;
    struct pipeline_conf *conf = load(SOURCE SINK);
    if (!conf)
        fail_msg("%s", said);
    assert_string_equal(conf->name, "web");
    assert_int_equal(conf->order, ORDER_SHARD);
    assert_int_equal(conf->fan_out, FANOUT_TOGETHER);
    assert_int_equal(conf->memory, 64 << 20);
    assert_int_equal(conf->workers, 1);
    assert_int_equal(conf->commit_ms, 1000);
    assert_int_equal(conf->drain_ms, 30000);
    assert_int_equal(conf->n_transforms, 0);
    assert_int_equal(conf->n_sinks, 1);
    assert_null(conf->dead_letter);
    const struct section_conf *sink = &conf->sinks[0];
    assert_string_equal(sink->title, "sink");
    assert_string_equal(sink->name, "toy");
    assert_int_equal(sink->line, 4);
    assert_int_equal(sink->batch_records, 5000);
    assert_int_equal(sink->batch_bytes, 1 << 20);
    assert_int_equal(sink->linger_ms, 0); /* it promises WEIR_STREAM under mode = index */
    assert_int_equal(sink->in_flight, 2);
    assert_int_equal(sink->retry_initial_ms, 100);
    assert_int_equal(sink->retry_max_ms, 30000);
    assert_int_equal(sink->retry_for_ms, -1);
    assert_null(sink->when);
    assert_string_equal(((const struct toy_conf *)sink->conf)->path, "/out");
    assert_int_equal(((const struct toy_conf *)sink->conf)->port, 9200);
    conf_free(conf);
}

/* The source may leave headers out only if it is sure that nobody looks at one. */
static void headers_are_read_when_somebody_looks_at_them(void **state)
{
    static const struct {
        const char *text;
        bool left_out;
    } rows[] = {
        {SOURCE SINK, true},
        {SOURCE "[transform t]\nplugin = toy\nwhen = .a\n" SINK "when = .b > 1\n", true},
        {SOURCE SINK "mode = create\n", false}, /* no such promise */
        {SOURCE "[sink a]\nplugin = toy\npath = /a\n[sink b]\nplugin = toy\npath = /b\nmode = create\n",
         false},
        {SOURCE SINK "when = $headers.kind == \"b\"\n", false},
        {SOURCE "[transform t]\nplugin = toy\nwhen = $headers.kind == \"b\"\n" SINK, false},
        {SOURCE SINK "[dead-letter]\nplugin = toy\npath = /dead\n", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pipeline_conf *conf = load(rows[i].text);
        if (!conf)
            fail_msg("%zu: %s", i, said);
        assert_int_equal(conf->readers[0].no_headers, rows[i].left_out);
        conf_free(conf);
    }
}

static void independent_sinks_have_a_reader_each(void **state)
{
    (void)state;
    struct pipeline_conf *conf =
        load("[pipeline]\nfan-out = independent\n" SOURCE
             "[transform t]\nplugin = toy\nwhen = .a\n[sink a]\nplugin = toy\npath = /a\n"
             "[sink b]\nplugin = toy\npath = /b\n[dead-letter]\nplugin = toy\n"
             "path = /dead\n");
    if (!conf)
        fail_msg("%s", said);
    assert_int_equal(conf->n_readers, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct pipeline_conf *reader = &conf->readers[i];
        assert_string_equal(reader->name, "web");
        assert_string_equal(reader->reader, conf->sinks[i].name);
        assert_string_equal(reader->label, i ? "web.b" : "web.a");
        assert_int_equal(reader->memory, 32 << 20);
        assert_int_equal(reader->n_sinks, 1);
        assert_ptr_equal(reader->sinks, &conf->sinks[i]);
        assert_ptr_equal(reader->dead_letter, conf->dead_letter);
        assert_int_equal(reader->n_transforms, 1);
    }
    conf_free(conf);
    conf = load(SOURCE SINK);
    assert_int_equal(conf->n_readers, 1);
    assert_ptr_equal(conf->readers, conf);
    assert_string_equal(conf->label, "web");
    assert_string_equal(conf->reader, "");
    conf_free(conf);
}

static void batches_are_small_where_memory_is(void **state)
{
    (void)state;
    struct pipeline_conf *conf =
        load("[pipeline]\nmemory = 16M\n" SOURCE "[sink a]\nplugin = toy\npath = /a\nmode = create\n"
             "[sink b]\nplugin = toy\npath = /b\nmode = create\nbatch.bytes = 1M\n"
             "[sink c]\nplugin = toy\npath = /c\n");
    if (!conf)
        fail_msg("%s", said);
    assert_int_equal(conf->sinks[0].batch_bytes, (16 << 20) / 48);
    assert_int_equal(conf->sinks[1].batch_bytes, 1 << 20);
    assert_int_equal(conf->sinks[2].batch_bytes, 1 << 20); /* it takes chunks as they come */
    assert_int_equal(conf->sinks[0].in_flight, 2);
    conf_free(conf);
    conf = load(SOURCE "[sink]\nplugin = toy\npath = /a\nmode = create\n");
    assert_int_equal(conf->sinks[0].batch_bytes, 1 << 20);
    conf_free(conf);
}

static void a_full_file_is_taken_over(void **state)
{
    (void)state;
    struct pipeline_conf *conf =
        load("[pipeline]\nname = w\norder = none\nmemory = 16M\nworkers = 3\ncommit = 5s\n"
             "drain = 0\n" SOURCE "topics = a, b\ntopics = c\nlib.x.y = 1\nlib.z = 2\n"
             "[transform clean]\nplugin = toy\nwhen = .a\n[transform more]\nplugin = toy\n"
             "when = .b\n[sink es]\nplugin = toy\npath = x\nmode = create\nwhen = .c\n"
             "batch.records = 10\nbatch.bytes = 2K\nin-flight = 3\nretry.for = 1m\n"
             "[sink archive]\nplugin = toy\npath = y\nbatch.linger = 1s\n"
             "[dead-letter]\nplugin = toy\npath = z\nstop-after = 5\n");
    if (!conf)
        fail_msg("%s", said);
    assert_string_equal(conf->name, "w");
    assert_int_equal(conf->order, ORDER_NONE);
    assert_int_equal(conf->workers, 3);
    assert_int_equal(conf->drain_ms, 0);
    const struct toy_conf *source = conf->source.conf;
    assert_int_equal(source->topics.count, 3);
    assert_int_equal(source->passed.count, 2);
    assert_string_equal(source->passed.items[0].name, "x.y");
    assert_int_equal(conf->n_transforms, 2);
    assert_string_equal(conf->transforms[0].name, "clean");
    assert_string_equal(conf->transforms[1].title, "transform more");
    assert_null(conf->transforms[0].when); /* the plugin has an option of that name itself */
    assert_non_null(((const struct toy_conf *)conf->transforms[0].conf)->when);
    assert_int_equal(conf->n_sinks, 2);
    assert_string_equal(conf->sinks[0].name, "es");
    assert_non_null(conf->sinks[0].when);
    assert_int_equal(conf->sinks[0].linger_ms, 200);
    assert_int_equal(conf->sinks[0].retry_for_ms, 60000);
    assert_int_equal(conf->sinks[1].linger_ms, 1000); /* set, so the promise does not matter */
    assert_true(conf->dead_letter->dead_letter);
    assert_int_equal(conf->dead_letter->kind, WEIR_SINK);
    assert_int_equal(conf->dead_letter->stop_after, 5);
    conf_free(conf);
}

static const struct {
    const char *text, *said;
} mistakes[] = {
    {"", "web.ini: there is no [source]\nweb.ini: there is no [sink]\n"},
    {SOURCE, "web.ini: there is no [sink]\n"},
    {SOURCE SINK "prot = 1\n", "web.ini:7: [sink] unknown option \"prot\"; did you mean \"port\"?\n"},
    {SOURCE SINK "whatever = 1\n", "web.ini:7: [sink] unknown option \"whatever\"\n"},
    {SOURCE SINK "batch.record = 1\n",
     "web.ini:7: [sink] unknown option \"batch.record\"; did you mean \"batch.records\"?\n"},
    {SOURCE SINK "[snik]\nx = 1\n", "web.ini:7: unknown section [snik]; did you mean \"sink\"?\n"},
    {SOURCE SINK "[output]\n", "web.ini:7: unknown section [output]; there are [pipeline], [source], "
                               "[transform NAME], [sink], [sink NAME] and [dead-letter]\n"},
    {SOURCE SINK "[transform]\nplugin = toy\n",
     "web.ini:7: [transform] needs a name, like [transform clean]\n"},
    {SOURCE SINK "[pipeline x]\n", "web.ini:7: [pipeline] takes no name\n"},
    {SOURCE SINK "[transform a b]\n",
     "web.ini:7: \"a b\" is no section name; it has 1 to 64 letters, digits, - and _\n"},
    {SOURCE SOURCE SINK, "web.ini:4: [source] stands twice, first in line 1\n"},
    {SOURCE SINK SINK,
     "web.ini:7: [sink] stands twice, first in line 4; several sinks need names, like [sink es]\n"},
    {SOURCE SINK "[sink es]\nplugin = toy\npath = x\n",
     "web.ini:4: [sink] several sinks need names, like [sink es]\n"},
    {SOURCE "[sink]\npath = x\n", "web.ini:4: [sink] option \"plugin\" is required: Name of the plugin\n"},
    {SOURCE "[sink]\nplugin = tyo\nanything = x\n",
     "web.ini:5: [sink] plugin = tyo: there is no plugin \"tyo\" in FOLDERS; did you mean \"toy\"?\n"},
    {SOURCE "[sink]\nplugin = ../x\n",
     "web.ini:5: [sink] plugin = ../x: \"../x\" is no plugin name; it has 1 to 32 of a-z, 0-9 and -\n"},
    {"[source]\nplugin = drain\n" SINK, "web.ini:2: [source] plugin \"drain\" is no source; it has: sink\n"},
    {SOURCE SINK "port = 0\n", "web.ini:7: [sink] port = 0: out of range; 1 to 65535\n"},
    {SOURCE SINK "port = 1\nport = 2\n",
     "web.ini:8: [sink] option \"port\" is given twice, first in line 7\n"},
    {SOURCE SINK "lib.a = 1\nlib.a = 2\n",
     "web.ini:8: [sink] option \"lib.a\" is given twice, first in line 7\n"},
    {SOURCE SINK "port = 666\n", "web.ini:7: [sink] port: no server of web listens there\n"},
    {SOURCE SINK "port = 667\n", "web.ini:4: [sink] nothing fits\n"},
    {SOURCE SINK "port = 668\n",
     "web.ini:4: [sink] the plugin's check of its options failed with status -3 and gave no reason\n"},
    {SOURCE SINK "retry.initial = 1m\n", "web.ini:7: [sink] retry.initial is longer than retry.max\n"},
    {SOURCE SINK "batch.bytes = 100M\n", "web.ini:7: [sink] batch.bytes is more than the whole "
                                         "pipeline's memory; lower it or raise memory in "
                                         "[pipeline]\n"},
    {SOURCE SINK "error.toy_full = rejekt\n", "web.ini:7: [sink] error.toy_full = rejekt: must be retry, "
                                              "reject, fatal, split or duplicate; did you mean "
                                              "\"reject\"?\n"},
    {SOURCE SINK "error.toy_ful = reject\nerror.507 = retry\n",
     "web.ini:7: [sink] error.toy_ful: the destination has no error of that name or code; did you mean "
     "\"toy_full\"?\n"
     "web.ini:8: [sink] error.507: the destination has no error of that name or code\n"},
    {SOURCE SINK "error. = retry\n", "web.ini:7: [sink] error. = retry: a name must follow the dot\n"},
    {SOURCE SINK "when = .a ==\n", "web.ini:7: [sink] when = .a ==: "},
    {SOURCE SINK "[pipeline]\nmemory = 1M\n",
     "web.ini:8: [pipeline] memory = 1M: out of range; 16M to 1024G\n"},
    {"[pipeline]\nmemory = 16M\nfan-out = independent\n" SOURCE "[sink a]\nplugin = toy\npath = /a\n"
     "[sink b]\nplugin = toy\npath = /b\n[sink c]\nplugin = toy\npath = /c\n",
     "web.ini:3: [pipeline] fan-out = independent divides memory among the readers of 3 sinks, each needs "
     "8M; set memory to 24M or more\n"},
    {SOURCE SINK "[pipeline]\nname = a/b\n", "web.ini:8: [pipeline] \"a/b\" is no pipeline name; it has "
                                             "1 to 64 letters, digits, . - and _, and begins "
                                             "with a letter or digit\n"},
    {SOURCE SINK "[dead-letter]\nplugin = toy\npath = x\nwhen = .a\n",
     "web.ini:10: [dead-letter] unknown option \"when\"\n"},
    {SOURCE SINK "[transform t]\nplugin = toy\nwhen = .a\npart = key\n",
     "web.ini:10: [transform t] part says nothing here: when looks at the whole record, at its key by "
     "$key\n"},
    {SOURCE SINK "part = key\n", "web.ini:7: [sink] unknown option \"part\"; did you mean \"port\"?\n"},
    {"k = v\n" SOURCE SINK,
     "web.ini:1: \"k\" stands before any section; put [pipeline] or [source] above it\n"},
};

static void mistakes_read_as_promised(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        assert_null(load(mistakes[i].text));
        char *folders = strstr(said, " in /");
        if (folders) { /* the search path depends on the build */
            char *end = strchr(folders, ';');
            memmove(folders + 11, end, strlen(end) + 1);
            memcpy(folders, " in FOLDERS", 11);
        }
        size_t n = strlen(mistakes[i].said);
        bool prefix = mistakes[i].said[n - 1] != '\n';
        if (prefix ? strncmp(said, mistakes[i].said, n) != 0 : strcmp(said, mistakes[i].said) != 0)
            fail_msg("case %zu:\n%swanted:\n%s", i, said, mistakes[i].said);
    }
}

static void all_mistakes_are_reported_in_order(void **state)
{
    (void)state;
    assert_null(load("[sink]\nplugin = toy\nport = x\nprot = 1\n[source]\nplugin = toy\nmode = y\n"
                     "[pipeline]\nworkers = 0\nline without sense\n"));
    assert_string_equal(said, "web.ini:1: [sink] option \"path\" is required: Path of the file\n"
                              "web.ini:3: [sink] port = x: must be a whole number\n"
                              "web.ini:4: [sink] unknown option \"prot\"; did you mean \"port\"?\n"
                              "web.ini:5: [source] option \"path\" is required: Path of the file\n"
                              "web.ini:7: [source] mode = y: must be index or create\n"
                              "web.ini:9: [pipeline] workers = 0: out of range; 1 to 64\n"
                              "web.ini:10: no \"=\": an option reads NAME = VALUE\n");
}

static void secrets_stay_out_of_mistakes(void **state)
{
    (void)state;
    setenv("T_CONF_SECRET", "zq9-xx-17", 1);
    assert_null(load(SOURCE SINK "password = ${env:T_CONF_SECRET}\nlib.pw = ${env:T_CONF_SECRET}\n"
                                 "port = ${env:T_CONF_SECRET}\nzq9-xx-17 = x\n[zq9-xx-17]\n"));
    assert_null(strstr(said, "zq9-xx-17"));
    assert_non_null(strstr(said, "web.ini:9: [sink] port = ${env:T_CONF_SECRET}: must be a whole number\n"));
    assert_non_null(strstr(said, "web.ini:10: [sink] unknown option \"***\"\n"));
    redact_reset();
}

static void names_come_from_files(void **state)
{
    (void)state;
    struct pipeline_conf *conf = load_as("50-web.log.ini", SOURCE SINK);
    assert_non_null(conf);
    assert_string_equal(conf->name, "50-web.log");
    conf_free(conf);
    assert_null(load_as("a b.ini", SOURCE SINK));
    assert_string_equal(
        said, "a b.ini: \"a b\" is no pipeline name; it has 1 to 64 letters, digits, . - and _, and "
              "begins with a letter or digit; give one with name = in [pipeline]\n");
}

static void folders_give_their_ini_files(void **state)
{
    char **files, *args[] = {folder, (char *)(uintptr_t) "/nowhere"};
    FILE *err = tmpfile();
    (void)state;
    assert_int_equal(conf_files(args, 1, &files, err), -1); /* nothing in it */
    put("b.ini", "");
    put("a.ini", "");
    put("c.ini.disabled", "");
    put(".hidden.ini", "");
    assert_int_equal(conf_files(args, 1, &files, err), 2);
    assert_string_equal(files[0], in_folder("a.ini"));
    assert_string_equal(files[1], in_folder("b.ini"));
    conf_files_free(files, 2);
    assert_int_equal(conf_files(args, 2, &files, err), -1);
    fclose(err);
    static const char *const names[] = {"a.ini", "b.ini", "c.ini.disabled", ".hidden.ini"};
    for (size_t i = 0; i < 4; i++)
        unlink(in_folder(names[i]));
}

static int set_up(void **state)
{
    char why[500];
    (void)state;
    setenv("WEIR_PLUGIN_PATH", "/nowhere/plugins", 1);
    return loader_add(&toy_plugin, why, sizeof why) && loader_add(&toy_drain, why, sizeof why) &&
                   mkdtemp(folder)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_gets_all_defaults),
        cmocka_unit_test(batches_are_small_where_memory_is),
        cmocka_unit_test(a_full_file_is_taken_over),
        cmocka_unit_test(headers_are_read_when_somebody_looks_at_them),
        cmocka_unit_test(independent_sinks_have_a_reader_each),
        cmocka_unit_test(mistakes_read_as_promised),
        cmocka_unit_test(all_mistakes_are_reported_in_order),
        cmocka_unit_test(secrets_stay_out_of_mistakes),
        cmocka_unit_test(names_come_from_files),
        cmocka_unit_test(folders_give_their_ini_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
