/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c - the command line: which command, its help, exit statuses.  Thread: the main thread. */
#include "command.h"
#include "isolate/process.h"
#include "plugin/loader.h"
#include "report/crash.h"

#include <ctype.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);  /* NULL: not in this version */
    const char *usage, *summary, *help; /* summary NULL: nobody types it */
};

static const struct command commands[] = {
    {"run", cmd_run, "[OPTION...] FILE|DIR...", "run pipelines in the foreground",
     "Each FILE is one pipeline, a DIR is all *.ini files in it. SIGTERM and SIGINT drain: weir stops "
     "reading,\n"
     "delivers what was read, commits and exits; a second signal ends at once.\n\n"
     "  --until-end            read to the end as it stands now, deliver, commit, exit\n"
     "  --state-dir DIR        where positions are kept; else $STATE_DIRECTORY, " WEIR_STATE_DIR "\n"
     "                         if it can be written, or ~/.local/state/weir\n"
     "  --metrics HOST:PORT    serve /metrics, /health/live and /health/ready there; [IPv6]:PORT too,\n"
     "                         port 0: a free one, which is logged\n"
     "  --log-format text|json\n"
     "  --log-level LEVEL      error, warning, notice, info or debug\n"},
    {"serve", NULL, "[--conf-dir DIR]", "the daemon: one supervised process per pipeline", ""},
    {"check", cmd_check, "[--live] FILE|DIR...", "validate pipelines and say what they guarantee",
     "Reads the files and the plugins they name, and nothing else.\n\n"
     "  --live                 also connect, joining no group and writing nothing\n"},
    {"plugins", cmd_plugins, "[NAME [--man|--schema|--sample]] | check FILE.so [--set NAME=VALUE]",
     "list or describe plugins",
     "Without NAME all plugins of the search path are listed; with it, its options are described.\n"
     "`weir plugins check FILE.so` examines one file: what it needs and shows, before any code of it runs, "
     "then\n"
     "what it says of itself, then what it does, in processes of their own.\n\n"
     "  check --set NAME=VALUE  with that option; a source or a sink is opened, read and written to\n"
     "  check --conf FILE.ini   with those of the file's sections that name the plugin\n"
     "  check --kind KIND       that kind only, opened without options too\n"
     "  check --rules           the rules that are tried while it runs\n"
     "  --man                  as a manual page in mdoc; without NAME the page of the pipeline file\n"
     "  --schema               as a JSON Schema\n"
     "  --sample               as an INI file to start from\n"},
    {"new", cmd_new, "source|transform|sink NAME", "scaffold a plugin",
     "Writes a folder NAME with one C file, a Makefile, a meson.build, a test and a sample pipeline: a "
     "plugin\n"
     "that builds (`make`), passes its test (`make check`) and runs, to be changed. Nothing that is there "
     "is\n"
     "written over. weir-plugin(7) is the contract.\n"},
    {"test", cmd_test, "FILE|DIR...", "test configurations",
     "Each FILE has tests of a pipeline, a DIR is all *.test.ini files in it: records that are given, and "
     "what\n"
     "is expected of them, at each sink and among the dead letters. The pipeline runs with its own "
     "transforms,\n"
     "in a temporary folder, without a network and with a clock that stands still. weir-test(1) says it "
     "all.\n"},
    {"dlq", cmd_dlq, "ls|show|redrive [OPTION...] FILE...", "look at dead letters and send them again",
     "Each FILE is a pipeline whose [dead-letter] is kafka, or file with format = record.\n"
     "ls counts its dead letters by reason (several FILEs, or DIRs), show prints them one by one, redrive\n"
     "sends them through the pipeline again as the records they were.\n\n"
     "  --where EXPR           only those for which this is true, as `when` in a pipeline; the headers of "
     "the\n"
     "                         reason are among $headers\n"
     "  --stage STAGE          only those of source, transform or sink\n"
     "  --state-dir DIR        as for weir run\n"
     "  --log-format text|json, --log-level LEVEL\n"
     "  ls, show: --all        those redriven before too\n"
     "            --json       one JSON object a line\n"
     "  show:     --offset N, --limit N   leave N out, print no more than N\n"
     "            --full       whole values\n"
     "  redrive:  --dry-run    only say what would be sent\n"
     "            --force      also where an older record could be written over a newer one\n"
     "            --metrics HOST:PORT   serve metrics and health, as weir run does\n"},
    {PROCESS_COMMAND, cmd_plugin_process, NULL, NULL, NULL},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

int command_usage(const char *command, const char *format, ...)
{
    va_list ap;
    fprintf(stderr, "weir%s%s: ", command ? " " : "", command ? command : "");
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "; see weir %s%s--help\n", command ? command : "", command ? " " : "");
    return EXIT_USAGE;
}

static int help_all(void)
{
    printf("usage: weir COMMAND ...\n\nMoves records from any source to any sink, wired by one INI file per "
           "pipeline.\n\n");
    for (size_t i = 0; i < N_COMMANDS && commands[i].summary; i++)
        printf("  %-9s %s%s\n", commands[i].name, commands[i].summary,
               commands[i].run ? "" : " (not in this version)");
    printf("\n  --plugin-path DIR[:DIR...]  search plugins there first, before WEIR_PLUGIN_PATH and\n"
           "                              " WEIR_PLUGIN_DIR "\n"
           "  --version, --help, COMMAND --help\n\n"
           "Exit status: 0 all accounted for, 1 a pipeline failed or left records undelivered,\n"
           "2 bad usage or configuration.\n");
    return EXIT_DONE;
}

static int help_one(const struct command *command)
{
    printf("usage: weir %s %s\n\n", command->name, command->usage);
    printf("%c%s.\n", toupper((unsigned char)command->summary[0]), command->summary + 1);
    printf("%s%s", command->help[0] ? "\n" : "", command->help);
    if (!command->run)
        printf("It is not available in this version.\n");
    return EXIT_DONE;
}

/* Takes --plugin-path [=] DIR out of argv wherever it stands, so that commands need not know it.  -1: no value. */
static int take_plugin_path(int argc, char **argv)
{
    static const char name[] = "--plugin-path";
    int kept = 0;
    bool options = true;
    for (int i = 0; i < argc; i++) {
        size_t n = sizeof name - 1;
        options = options && strcmp(argv[i], "--") != 0;
        if (!options || strncmp(argv[i], name, n) != 0 || (argv[i][n] != 0 && argv[i][n] != '=')) {
            argv[kept++] = argv[i];
            continue;
        }
        const char *value = argv[i][n] == '=' ? argv[i] + n + 1 : i + 1 < argc ? argv[++i] : "";
        if (!*value)
            return -1;
        loader_set_path(value);
    }
    argv[kept] = NULL;
    return kept;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

static int run_command(int argc, char **argv)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->name, argv[0]) != 0)
            continue;
        if (command->summary && wants_help(argc, argv))
            return help_one(command);
        if (command->run)
            return command->run(argc, argv);
        fprintf(stderr, "weir %s is not available in this version\n", command->name);
        return EXIT_USAGE;
    }
    return command_usage(NULL, "there is no command \"%s\"", argv[0]);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    crash_begin();
    setlocale(LC_CTYPE, ""); /* the rest stays "C": numbers and dates are the same everywhere */
    argc = take_plugin_path(argc, argv);
    if (argc < 0)
        return command_usage(NULL, "--plugin-path needs a folder");
    for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
        if (c == 'h')
            return help_all();
        if (c != 'v')
            return command_usage(NULL,
                                 "the options before the command are --help, --version and --plugin-path");
        printf("weir %s\n", WEIR_VERSION);
        return EXIT_DONE;
    }
    if (optind == argc)
        return command_usage(NULL, "a command is missing");
    int first = optind;
    optind = 0; /* glibc: start anew in the command */
    return run_command(argc - first, argv + first);
}
