/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_check.c - weir check: every file validated, printed as a chain with its guarantee.  Thread: the main thread. */
#include "command.h"

#include "config/guarantee.h"
#include "plugin/checkhost.h"
#include "report/log.h"

#include <getopt.h>
#include <langinfo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct names { /* of pipelines so far: two files must not share positions */
    struct name {
        char *pipeline;
        const char *file;
    } * items;
    int count;
};

static bool name_free(struct names *names, const struct pipeline_conf *conf)
{
    for (int i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].pipeline, conf->name) == 0) {
            fprintf(stderr,
                    "%s: the pipeline's name \"%s\" is that of %s; give one of them another with name = in "
                    "[pipeline]\n",
                    conf->file, conf->name, names->items[i].file);
            return false;
        }
    }
    return true;
}

static void print_pipeline(const struct pipeline_conf *conf)
{
    struct strbuf chain = {0}, why = {0};
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    guarantee_chain(conf, utf8, &chain);
    enum guarantee guarantee = guarantee_of(conf, &why);
    printf("%s: %s\n  %s, because %s\n", conf->name, chain.data, guarantee_name(guarantee), why.data);
    strbuf_free(&chain);
    strbuf_free(&why);
}

static bool probe(const struct pipeline_conf *conf)
{
    struct problems problems = {.file = conf->file};
    struct checkhost host = {.problems = &problems};
    checkhost_probe(&host, conf, &conf->source);
    for (size_t i = 0; i < conf->n_transforms; i++)
        checkhost_probe(&host, conf, &conf->transforms[i]);
    for (size_t i = 0; i < conf->n_sinks; i++)
        checkhost_probe(&host, conf, &conf->sinks[i]);
    if (conf->dead_letter)
        checkhost_probe(&host, conf, conf->dead_letter);
    bool good = problems.count == 0;
    problem_print(&problems, stderr);
    problem_free(&problems);
    return good;
}

/* The worse of two exit statuses is the larger. */
static int check_file(const char *file, bool live, struct names *names)
{
    struct pipeline_conf *conf = conf_load(file, stderr);
    if (!conf)
        return EXIT_USAGE;
    int status = name_free(names, conf) ? EXIT_DONE : EXIT_USAGE;
    names->items[names->count++] = (struct name){.pipeline = xstrdup(conf->name), .file = file};
    if (status == EXIT_DONE)
        print_pipeline(conf);
    fflush(stdout);
    if (status == EXIT_DONE && live && !probe(conf))
        status = EXIT_FAILED;
    conf_free(conf);
    return status;
}

int cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"live", no_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
    struct names names = {0};
    bool live = false;
    int status = EXIT_DONE;
    char **files;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c != 'l')
            return command_usage("check", "it has the option --live only");
        live = true;
    }
    if (optind == argc)
        return command_usage("check", "name a FILE or a DIR");
    int n = conf_files(argv + optind, argc - optind, &files, stderr);
    if (n < 0)
        return EXIT_USAGE;
    names.items = xcalloc((size_t)n, sizeof *names.items);
    for (int i = 0; i < n; i++) {
        int one = check_file(files[i], live, &names);
        status = one > status ? one : status;
    }
    for (int i = 0; i < names.count; i++)
        free(names.items[i].pipeline);
    free(names.items);
    conf_files_free(files, n);
    return status;
}
