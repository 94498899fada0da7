/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_new.c - weir new: a folder with a plugin that builds, passes its test and runs.  Thread: the main thread.
 *
 * The files are those of plugin-api/new, put into this program when it is built (new_files.h); my-plugin becomes the
 * name.  Nothing that is there is ever written over: the folder must be new. */
#include "command.h"

#include "new_files.h"
#include "plugin/loader.h"
#include "record/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACEHOLDER "my-plugin"

struct new_file {
    const char *kind; /* NULL: of all kinds */
    const char *name, *text;
};

static const struct new_file files[] = {
    {"source", PLACEHOLDER ".c", new_source_my_plugin_c},
    {"source", PLACEHOLDER ".ini", new_source_my_plugin_ini},
    {"source", "test.sh", new_source_test_sh},
    {"transform", PLACEHOLDER ".c", new_transform_my_plugin_c},
    {"transform", PLACEHOLDER ".ini", new_transform_my_plugin_ini},
    {"transform", PLACEHOLDER ".test.ini", new_transform_my_plugin_test_ini},
    {"transform", "test.sh", new_transform_test_sh},
    {"sink", PLACEHOLDER ".c", new_sink_my_plugin_c},
    {"sink", PLACEHOLDER ".ini", new_sink_my_plugin_ini},
    {"sink", "test.sh", new_sink_test_sh},
    {NULL, "Makefile", new_Makefile},
    {NULL, "meson.build", new_meson_build},
};
#define N_FILES (sizeof files / sizeof files[0])

/* Names that make and meson have other uses for; check is a command of weir plugins. */
static const char *const reserved[] = {"all",        "benchmark", "check",    "clean", "coverage",
                                       "dist",       "distcheck", "install",  "phony", "reconfigure",
                                       "scan-build", "test",      "uninstall"};

static bool is_kind(const char *word)
{
    return strcmp(word, "source") == 0 || strcmp(word, "transform") == 0 || strcmp(word, "sink") == 0;
}

static bool in_file(const struct new_file *file, const char *kind)
{
    return !file->kind || strcmp(file->kind, kind) == 0;
}

/* Appends text with the placeholder replaced. */
static void add_named(struct strbuf *out, const char *text, const char *name)
{
    for (const char *at; (at = strstr(text, PLACEHOLDER)); text = at + strlen(PLACEHOLDER)) {
        strbuf_add(out, text, (size_t)(at - text));
        strbuf_str(out, name);
    }
    strbuf_str(out, text);
}

static void path_of(const struct new_file *file, const char *name, struct strbuf *ret)
{
    ret->len = 0;
    strbuf_printf(ret, "%s/", name);
    add_named(ret, file->name, name);
}

static bool write_file(const char *path, const struct strbuf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!to)
        return false; /* fdopen fails only without memory: the process ends soon */
    bool good = fwrite(text->data, 1, text->len, to) == text->len;
    return fclose(to) == 0 && good;
}

/* Takes back what was written into the new folder, and the folder. */
static void undo(const char *kind, const char *name, size_t until)
{
    struct strbuf path = {0};
    for (size_t i = 0; i < until; i++) {
        path_of(&files[i], name, &path);
        if (in_file(&files[i], kind))
            (void)unlink(path.data);
    }
    (void)rmdir(name);
    strbuf_free(&path);
}

static int write_all(const char *kind, const char *name)
{
    struct strbuf path = {0}, text = {0};
    int error = 0;
    for (size_t i = 0; i < N_FILES && error == 0; i++) {
        if (!in_file(&files[i], kind))
            continue;
        path_of(&files[i], name, &path);
        text.len = 0;
        add_named(&text, files[i].text, name);
        if (write_file(path.data, &text))
            continue;
        error = errno;
        fprintf(stderr, "weir new: %s can not be written: %s; nothing was left behind\n", path.data,
                strerror(error));
        undo(kind, name, i + 1);
    }
    strbuf_free(&path);
    strbuf_free(&text);
    return error == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* Whether weir finds a plugin of that name already; a second one would hide the first, or never be found. */
static bool name_taken(const char *name)
{
    char **names;
    bool taken = false;
    int n = loader_names(&names);
    for (int i = 0; i < n && !taken; i++)
        taken = strcmp(names[i], name) == 0;
    loader_names_free(names, n);
    return taken;
}

/* NULL, or why it can not be the name of a new plugin. */
static const char *name_refused(const char *name)
{
    if (!loader_name_valid(name))
        return "a name has 1 to 32 of a-z, 0-9 and -, a letter first";
    if (strncmp(name, "meson-", 6) == 0)
        return "meson keeps such words for itself";
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strcmp(name, reserved[i]) == 0)
            return "make, meson or weir take that word for something else";
    }
    return name_taken(name) ? "there is a plugin of that name, see weir plugins" : NULL;
}

int cmd_new(int argc, char **argv)
{
    static const struct option options[] = {{NULL, 0, NULL, 0}};
    if (getopt_long(argc, argv, "", options, NULL) != -1)
        return command_usage("new", "there are no options but --help");
    if (argc - optind != 2)
        return command_usage("new", "give a kind and a NAME");
    const char *kind = argv[optind], *name = argv[optind + 1];
    if (!is_kind(kind))
        return command_usage("new", "\"%.64s\" is no kind of plugin; give source, transform or sink", kind);
    const char *why = name_refused(name);
    if (why)
        return command_usage("new", "the plugin can not be called \"%.64s\": %s", name, why);
    if (mkdir(name, 0755) != 0) {
        int error = errno;
        fprintf(stderr, "weir new: %s %s; nothing was written\n", name,
                error == EEXIST ? "is there already: give another name, or move it away" : strerror(error));
        return error == EEXIST ? EXIT_USAGE : EXIT_FAILED;
    }
    int status = write_all(kind, name);
    if (status == EXIT_DONE)
        printf("%s/ has a %s that works; `make check` there builds and tries it, then change %s.c\n", name,
               kind, name);
    return status;
}
