/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_dlq.c - weir dlq ls, show and redrive: the command line.  Thread: the main thread. */
#include "command.h"
#include "config/conf.h"
#include "delivery/state.h"
#include "dlq/look.h"
#include "dlq/pass.h"
#include "dlq/reader.h"
#include "dlq/redrive.h"
#include "record/expr.h"
#include "report/log.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_STATE_DIR = 256,
    OPT_WHERE,
    OPT_STAGE,
    OPT_ALL,
    OPT_JSON,
    OPT_LIMIT,
    OPT_OFFSET,
    OPT_FULL,
    OPT_DRY_RUN,
    OPT_FORCE,
    OPT_METRICS,
    OPT_LOG_FORMAT,
    OPT_LOG_LEVEL,
    OPT_PLUGIN_PATH
};

#define COMMON                                                                                               \
    {"state-dir", required_argument, NULL, OPT_STATE_DIR}, {"where", required_argument, NULL, OPT_WHERE},    \
        {"stage", required_argument, NULL, OPT_STAGE},                                                       \
        {"log-format", required_argument, NULL, OPT_LOG_FORMAT},                                             \
        {"log-level", required_argument, NULL, OPT_LOG_LEVEL},                                               \
    {                                                                                                        \
        "plugin-path", required_argument, NULL, OPT_PLUGIN_PATH                                              \
    }
#define LOOKING                                                                                              \
    {"all", no_argument, NULL, OPT_ALL},                                                                     \
    {                                                                                                        \
        "json", no_argument, NULL, OPT_JSON                                                                  \
    }
#define END                                                                                                  \
    {                                                                                                        \
        NULL, 0, NULL, 0                                                                                     \
    }

static const struct option ls_options[] = {COMMON, LOOKING, END};
static const struct option show_options[] = {COMMON,
                                             LOOKING,
                                             {"limit", required_argument, NULL, OPT_LIMIT},
                                             {"offset", required_argument, NULL, OPT_OFFSET},
                                             {"full", no_argument, NULL, OPT_FULL},
                                             END};
static const struct option redrive_options[] = {COMMON,
                                                {"dry-run", no_argument, NULL, OPT_DRY_RUN},
                                                {"force", no_argument, NULL, OPT_FORCE},
                                                {"metrics", required_argument, NULL, OPT_METRICS},
                                                END};

struct dlq {
    const char *name; /* "dlq ls" */
    struct weir_expr *where;
    const char *stage, *state_dir, *level;
    bool all, json, full, dry_run, force;
    bool serves; /* --metrics */
    struct monitor_address metrics;
    uint64_t limit, skip;
    char **files;
    int n;
    struct strbuf dir;
};

static bool read_number(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

static int read_where(struct dlq *d)
{
    char why[512];
    expr_free(d->where);
    d->where = expr_compile(optarg, why, sizeof why);
    return d->where ? 0 : command_usage(d->name, "--where: %s", why);
}

static int read_stage(struct dlq *d)
{
    static const char *const words[] = {"source", "transform", "sink"};
    static const char *const names[] = {"TASK_POLL", "TRANSFORMATION", "TASK_PUT"};
    d->stage = optarg;
    for (size_t i = 0; i < 3; i++)
        if (strcmp(optarg, words[i]) == 0)
            d->stage = names[i];
    return d->stage[0]
               ? 0
               : command_usage(d->name, "--stage is source, transform, sink, or as the header has it");
}

static int read_metrics(struct dlq *d)
{
    struct strbuf why = {0};
    d->serves = monitor_address(optarg, &d->metrics, &why);
    int status = d->serves ? 0 : command_usage(d->name, "%s", why.data);
    strbuf_free(&why);
    return status;
}

static int read_log(struct dlq *d, int option)
{
    if (option == OPT_LOG_FORMAT)
        return log_set_format(optarg)
                   ? 0
                   : command_usage(d->name, "--log-format is text or json, not \"%s\"", optarg);
    d->level = optarg;
    return log_set_level(optarg)
               ? 0
               : command_usage(d->name, "--log-level is error, warning, notice, info or debug, not \"%s\"",
                               optarg);
}

static int read_option(struct dlq *d, int option)
{
    switch (option) {
    case OPT_STATE_DIR:
        d->state_dir = optarg;
        return 0;
    case OPT_WHERE:
        return read_where(d);
    case OPT_STAGE:
        return read_stage(d);
    case OPT_ALL:
        d->all = true;
        return 0;
    case OPT_JSON:
        d->json = true;
        return 0;
    case OPT_LIMIT:
        return read_number(optarg, &d->limit) && d->limit
                   ? 0
                   : command_usage(d->name, "--limit is a number from 1");
    case OPT_OFFSET:
        return read_number(optarg, &d->skip) ? 0 : command_usage(d->name, "--offset is a number");
    case OPT_FULL:
        d->full = true;
        return 0;
    case OPT_DRY_RUN:
        d->dry_run = true;
        return 0;
    case OPT_FORCE:
        d->force = true;
        return 0;
    case OPT_METRICS:
        return read_metrics(d);
    case OPT_LOG_FORMAT:
    case OPT_LOG_LEVEL:
        return read_log(d, option);
    default:
        return command_usage(d->name, "unknown option, or one without its value");
    }
}

/* The worse of two exit statuses is the larger. */
static void worse(int *status, int one)
{
    *status = one > *status ? one : *status;
}

static int look(struct dlq *d, struct reader *reader, bool show)
{
    const struct look_wish wish = {.where = d->where,
                                   .stage = d->stage,
                                   .state_dir = d->dir.data,
                                   .all = d->all,
                                   .json = d->json,
                                   .full = d->full,
                                   .show = show,
                                   .skip = d->skip,
                                   .limit = d->limit};
    return look_run(reader, &wish);
}

static int redrive(struct dlq *d, struct reader *reader)
{
    const struct redrive_wish wish = {.where = d->where,
                                      .stage = d->stage,
                                      .state_dir = d->dir.data,
                                      .dry_run = d->dry_run,
                                      .force = d->force,
                                      .metrics = d->serves ? &d->metrics : NULL};
    return redrive_run(reader, &wish);
}

static int one_file(struct dlq *d, const char *file, char verb)
{
    struct pipeline_conf *conf = conf_load(file, stderr);
    struct reader reader;
    struct strbuf why = {0};
    int status = EXIT_USAGE;
    if (!conf)
        return EXIT_USAGE;
    if (!conf->dead_letter && d->n > 1)
        status = EXIT_DONE; /* one of many, with nothing to look at */
    else if (!reader_make(&reader, conf, &why))
        fprintf(stderr, "%s\n", why.data);
    else
        status = verb == 'r' ? redrive(d, &reader) : look(d, &reader, verb == 's');
    if (conf->dead_letter)
        reader_free(&reader);
    strbuf_free(&why);
    conf_free(conf);
    return status;
}

static int run(struct dlq *d, int argc, char **argv, char verb)
{
    static const struct option *const tables[] = {
        ['l'] = ls_options, ['s'] = show_options, ['r'] = redrive_options};
    int status = EXIT_DONE;
    for (int c; (c = getopt_long(argc, argv, "", tables[(unsigned char)verb], NULL)) != -1;)
        if ((status = read_option(d, c)) != 0)
            return status;
    if (optind == argc)
        return command_usage(d->name, "name a FILE%s", verb == 'l' ? " or a DIR" : "");
    if (verb != 'l' && argc - optind > 1)
        return command_usage(d->name, "one FILE at a time");
    d->n = conf_files(argv + optind, argc - optind, &d->files, stderr);
    if (d->n < 0)
        return EXIT_USAGE;
    pass_signals();
    if (verb != 'r' && !d->level)
        (void)log_set_level("notice");
    state_choose_dir(d->state_dir, &d->dir);
    if (verb == 'l' && !d->json)
        look_head(&(struct look_wish){0});
    for (int i = 0; i < d->n; i++)
        worse(&status, one_file(d, d->files[i], verb));
    if (fflush(stdout) != 0 && status == EXIT_DONE)
        status = EXIT_FAILED;
    return status;
}

int cmd_dlq(int argc, char **argv)
{
    static const struct {
        const char *verb, *name;
    } verbs[] = {{"ls", "dlq ls"}, {"show", "dlq show"}, {"redrive", "dlq redrive"}};
    struct dlq d = {.limit = UINT64_MAX};
    int status;
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(argv[1], verbs[i].verb) == 0)
            d.name = verbs[i].name;
    if (!d.name)
        return command_usage("dlq", "it goes on with ls, show or redrive");
    status = run(&d, argc - 1, argv + 1, argv[1][0]);
    if (d.n > 0)
        conf_files_free(d.files, d.n);
    expr_free(d.where);
    strbuf_free(&d.dir);
    return status;
}
