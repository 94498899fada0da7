/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_test.c - weir test: tests of configurations, one line each and a sum at the end.  Thread: the main thread. */
#include "command.h"

#include "config/conf.h"
#include "report/log.h"
#include "testing/script.h"
#include "testing/trial.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GREEN "\033[32m"
#define RED   "\033[31m"
#define PLAIN "\033[0m"

struct tally {
    bool colour;
    unsigned ok, failed, unfit;
};

static const char *in(const struct tally *t, const char *colour)
{
    return t->colour ? colour : "";
}

/* Each line a little to the right; what is missing and what is too many in colour. */
static void print_report(const struct tally *t, const struct strbuf *out)
{
    const char *at = out->data, *end = at + out->len;
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        size_t n = feed ? (size_t)(feed - at) : (size_t)(end - at);
        const char *colour = n > 2 && strncmp(at, "  - ", 4) == 0   ? in(t, RED)
                             : n > 2 && strncmp(at, "  + ", 4) == 0 ? in(t, GREEN)
                                                                    : "";
        printf("    %s%.*s%s\n", colour, (int)n, at, *colour ? PLAIN : "");
        at += n + (feed != NULL);
    }
}

static void run_test(struct tally *t, const struct script *script, const struct script_test *test)
{
    struct strbuf out = {0};
    enum trial_end end = trial_run(script, test, &out);
    const char *base = strrchr(script->file, '/') ? strrchr(script->file, '/') + 1 : script->file;
    int stem = (int)strcspn(base, ".");
    if (end == TRIAL_OK)
        printf("%sok%s      %.*s: %s\n", in(t, GREEN), in(t, PLAIN), stem, base, test->name);
    else
        printf("%sFAILED%s  %.*s: %s\n", in(t, RED), in(t, PLAIN), stem, base, test->name);
    if (out.len)
        print_report(t, &out);
    fflush(stdout);
    t->ok += end == TRIAL_OK;
    t->failed += end == TRIAL_FAILED;
    t->unfit += end == TRIAL_UNFIT;
    strbuf_free(&out);
}

static void run_file(struct tally *t, const char *file)
{
    struct problems problems = {.file = file};
    struct script script;
    if (script_read(file, &script, &problems)) {
        for (size_t i = 0; i < script.n; i++)
            run_test(t, &script, &script.tests[i]);
    } else {
        problem_print(&problems, stderr);
        t->unfit++;
    }
    problem_free(&problems);
    script_free(&script);
}

int cmd_test(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    const char *no_color = getenv("NO_COLOR");
    struct tally t = {.colour = isatty(STDOUT_FILENO) && (!no_color || !*no_color)};
    char **files;
    if (getopt_long(argc, argv, "", options, NULL) != -1)
        return command_usage("test", "it has no options");
    if (optind == argc)
        return command_usage("test", "name a FILE or a DIR");
    int n = conf_test_files(argv + optind, argc - optind, &files, stderr);
    if (n < 0)
        return EXIT_USAGE;
    (void)log_set_level("warning");
    for (int i = 0; i < n; i++)
        run_file(&t, files[i]);
    conf_files_free(files, n);
    unsigned all = t.ok + t.failed + t.unfit;
    printf("%u test%s: %u ok, %u failed", all, all == 1 ? "" : "s", t.ok, t.failed);
    if (t.unfit)
        printf(", %u could not be run", t.unfit);
    printf("\n");
    return t.unfit ? EXIT_USAGE : t.failed ? EXIT_FAILED : EXIT_DONE;
}
