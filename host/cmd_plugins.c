/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_plugins.c - weir plugins: the list, one plugin's options, the examination of a file.  Thread: the main thread.
 *
 * What is only looked at is looked at in a child process with a time limit: a plugin that crashes or hangs while it
 * loads is a finding. */
#include "command.h"

#include "config/describe.h"
#include "conform/conform.h"
#include "plugin/examine.h"
#include "plugin/handshake.h"
#include "plugin/loader.h"
#include "report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHY_MAX      1500
#define LOOK_SECONDS 5 /* a plugin that does nothing but show itself takes milliseconds */

typedef void (*describe)(const struct plugin *, struct strbuf *);

static void add_kinds(const struct plugin *plugin, struct strbuf *out)
{
    size_t start = out->len;
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        if (loader_ops(plugin, kind))
            strbuf_printf(out, "%s%s", out->len > start ? ", " : "", describe_kind(kind));
    }
}

/* Says what is wrong with the file, before any code of it runs. */
static enum examined look_from_outside(const char *file, struct strbuf *facts)
{
    struct strbuf findings = {0};
    enum examined result = examine_file(file, &findings, facts);
    if (findings.len)
        fwrite(findings.data, 1, findings.len, stderr);
    strbuf_free(&findings);
    return result;
}

/* In the child: prints the plugin's line, or on stderr what is wrong with it. */
static int look(const char *name, bool is_file)
{
    char why[WHY_MAX];
    struct strbuf kinds = {0}, facts = {0};
    enum examined outside = is_file ? look_from_outside(name, &facts) : EXAMINE_GOOD;
    if (outside == EXAMINE_UNFIT) {
        strbuf_free(&facts);
        return EXIT_FAILED;
    }
    const struct plugin *plugin =
        is_file ? loader_open_file(name, why, sizeof why) : loader_get(name, why, sizeof why);
    if (!plugin) {
        if (is_file)
            fprintf(stderr, "%s [%s]\n", why, handshake_rule());
        else
            fprintf(stderr, "%s\n", why);
        strbuf_free(&facts);
        return EXIT_FAILED;
    }
    if (outside == EXAMINE_GOOD) {
        add_kinds(plugin, &kinds);
        printf("%-14s %-8s %-18s %s\n%s", plugin->info.name, plugin->info.version, kinds.data,
               plugin->info.summary, facts.len ? facts.data : "");
    }
    strbuf_free(&kinds);
    strbuf_free(&facts);
    return outside == EXAMINE_GOOD ? EXIT_DONE : EXIT_FAILED;
}

/* Waits for the child, who holds the other end of a pipe until it ends.  False: it had to be killed. */
static bool ends_in_time(pid_t child, int pipe_end)
{
    struct pollfd fd = {.fd = pipe_end, .events = POLLIN};
    int n;
    do {
        n = poll(&fd, 1, LOOK_SECONDS * 1000);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        (void)kill(child, SIGKILL);
    return n != 0;
}

/* False: something is wrong, and it was said. */
static bool look_apart(const char *name, bool is_file)
{
    int status = 0, ends[2];
    bool in_time = true;
    fflush(NULL);
    pid_t child = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    if (child == 0) {
        static const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        int result = look(name, is_file);
        fflush(NULL);
        _exit(result); /* exit handlers of foreign libraries are none of our business */
    }
    if (child > 0) {
        (void)close(ends[1]);
        in_time = ends_in_time(child, ends[0]);
        (void)close(ends[0]);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            child = -1;
    }
    if (child < 0)
        fprintf(stderr, "%s: can not be examined: %s\n", name, strerror(errno));
    else if (!in_time)
        fprintf(stderr, "%s: it does not come back within %d s while it is loaded%s\n", name, LOOK_SECONDS,
                is_file ? " [load]" : "");
    else if (WIFSIGNALED(status))
        fprintf(stderr, "%s: it crashes while it is loaded (%s)%s\n", name, strsignal(WTERMSIG(status)),
                is_file ? " [load]" : "");
    else if (WIFEXITED(status) && WEXITSTATUS(status) > EXIT_FAILED)
        fprintf(stderr, "%s: it ends the process while it is loaded (status %d)%s\n", name,
                WEXITSTATUS(status), is_file ? " [load]" : "");
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
}

static int list(void)
{
    char **names;
    bool good = true;
    int n = loader_names(&names);
    for (int i = 0; i < n; i++)
        good = look_apart(names[i], false) && good;
    if (n == 0)
        fprintf(stderr,
                "weir plugins: there are no plugins in the search path; see weir --help for --plugin-path\n");
    loader_names_free(names, n);
    return good && n > 0 ? EXIT_DONE : EXIT_FAILED;
}

static int print(struct strbuf *out)
{
    fwrite(out->data, 1, out->len, stdout);
    strbuf_free(out);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int show(const char *name, describe how)
{
    char why[WHY_MAX];
    struct strbuf out = {0};
    const struct plugin *plugin = loader_get(name, why, sizeof why);
    if (!plugin) {
        fprintf(stderr, "weir plugins: %s\n", why);
        return EXIT_USAGE;
    }
    how(plugin, &out);
    return print(&out);
}

/* What holds for every plugin. */
static int show_file_man(void)
{
    struct strbuf out = {0};
    describe_file_man(&out);
    return print(&out);
}

/* Option letters of check. */
enum { SET = 1, CONF, KIND, RULES_LIST };

static uint32_t kind_named(const char *name)
{
    uint32_t kind = WEIR_SINK;
    while (kind > 0 && strcmp(describe_kind(kind), name) != 0)
        kind--;
    return kind;
}

/* From outside, while it is loaded, and while it runs. */
static int check(struct conform *c, const char *conf)
{
    if (!look_apart(c->file, true))
        return EXIT_FAILED;
    if (conf && !conform_read(c, conf))
        return EXIT_USAGE;
    switch (conform_run(c)) {
    case CONFORM_GOOD:
        return EXIT_DONE;
    case CONFORM_USAGE:
        return EXIT_USAGE;
    default:
        return EXIT_FAILED;
    }
}

/* argv: from "check" on. */
static int check_command(int argc, char **argv)
{
    static const struct option options[] = {{"set", required_argument, NULL, SET},
                                            {"conf", required_argument, NULL, CONF},
                                            {"kind", required_argument, NULL, KIND},
                                            {"rules", no_argument, NULL, RULES_LIST},
                                            {NULL, 0, NULL, 0}};
    struct conform c = {0};
    struct strbuf sets = {0};
    const char *conf = NULL;
    int status = EXIT_USAGE;
    optind = 0;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == RULES_LIST) {
            conform_print_rules();
            return EXIT_DONE;
        }
        if (o == KIND && (c.kind = kind_named(optarg)) == 0)
            return command_usage("plugins", "--kind is source, transform or sink");
        c.may_open |= o == KIND;
        if (o == SET)
            strbuf_printf(&sets, "%s\n", optarg);
        conf = o == CONF ? optarg : conf;
        if (o == '?')
            return command_usage("plugins", "check takes --set, --conf, --kind and --rules");
    }
    if (sets.len)
        conform_set(&c, sets.data);
    c.file = optind == argc - 1 ? argv[optind] : NULL;
    if (!c.file)
        status = command_usage("plugins", "give one NAME, or check and a FILE.so");
    else if (conf && sets.len)
        status = command_usage("plugins", "give --set or --conf");
    else
        status = check(&c, conf);
    strbuf_free(&sets);
    conform_free(&c);
    return status;
}

int cmd_plugins(int argc, char **argv)
{
    static const struct option options[] = {{"man", no_argument, NULL, 'm'},
                                            {"schema", no_argument, NULL, 'j'},
                                            {"sample", no_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    describe how = NULL;
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return check_command(argc - 1, argv + 1);
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == '?' || how)
            return command_usage("plugins", "give at most one of --man, --schema and --sample");
        how = c == 'm' ? describe_man : c == 'j' ? describe_schema : describe_sample;
    }
    int n = argc - optind;
    if (n > 1 || (n == 1 && strcmp(argv[optind], "check") == 0))
        return command_usage("plugins", "give one NAME, or check and a FILE.so");
    if (n == 0 && how == describe_man)
        return show_file_man();
    if (n == 0 && how)
        return command_usage("plugins", "--schema and --sample need the NAME of a plugin");
    return n == 0 ? list() : show(argv[optind], how ? how : describe_help);
}
