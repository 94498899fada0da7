/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_files.c - FILE|DIR arguments to a sorted list of *.ini files (conf.h). */
#include "conf.h"

#include "../record/strbuf.h"
#include "../report/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct files {
    char **items;
    int count;
};

static void add(struct files *files, char *path)
{
    files->items = xrealloc(files->items, (size_t)(files->count + 1) * sizeof *files->items);
    files->items[files->count++] = path;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), e = strlen(ending);
    return n > e && strcmp(name + n - e, ending) == 0;
}

/* Pipelines, or their tests. */
static bool add_folder(struct files *files, const char *path, bool tests, FILE *err)
{
    DIR *dir = opendir(path);
    size_t slash = strlen(path);
    int first = files->count;
    if (!dir) {
        fprintf(err, "%s: can not be read: %s\n", path, strerror(errno));
        return false;
    }
    for (struct dirent *item; (item = readdir(dir));) {
        struct strbuf file = {0};
        if (item->d_name[0] == '.' || !ends_in(item->d_name, ".ini") ||
            ends_in(item->d_name, ".test.ini") != tests)
            continue;
        strbuf_printf(&file, "%s%s%s", path, slash > 0 && path[slash - 1] == '/' ? "" : "/", item->d_name);
        add(files, file.data);
    }
    closedir(dir);
    if (files->count == first) {
        fprintf(err, "%s: there is no file *%s.ini in this folder\n", path, tests ? ".test" : "");
        return false;
    }
    qsort(files->items + first, (size_t)(files->count - first), sizeof *files->items, by_text);
    return true;
}

static int list(char *const *args, int n_args, bool tests, char ***ret, FILE *err)
{
    struct files files = {0};
    bool good = true;
    for (int i = 0; i < n_args; i++) {
        struct stat st;
        if (stat(args[i], &st) != 0) {
            fprintf(err, "%s: can not be read: %s\n", args[i], strerror(errno));
            good = false;
        } else if (S_ISDIR(st.st_mode)) {
            good = add_folder(&files, args[i], tests, err) && good;
        } else {
            add(&files, xstrdup(args[i]));
        }
    }
    if (!good) {
        conf_files_free(files.items, files.count);
        return -1;
    }
    *ret = files.items;
    return files.count;
}

int conf_files(char *const *args, int n_args, char ***ret, FILE *err)
{
    return list(args, n_args, false, ret, err);
}

int conf_test_files(char *const *args, int n_args, char ***ret, FILE *err)
{
    return list(args, n_args, true, ret, err);
}

void conf_files_free(char **files, int n)
{
    for (int i = 0; i < n; i++)
        free(files[i]);
    free(files);
}
