/* SPDX-License-Identifier: BSD-2-Clause */
/* loader.c - the search path and the table of loaded plugins (loader.h). */
#include "loader.h"

#include "../record/closest.h"
#include "../record/strbuf.h"
#include "../report/log.h"
#include "handshake.h"
#include "ltdl.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef WEIR_PLUGIN_DIR
#define WEIR_PLUGIN_DIR "/usr/local/lib/weir/plugins"
#endif
#define NAME_MAX_BYTES 32

struct loaded {
    struct loaded *next;
    char *name;
    struct plugin plugin; /* file NULL: it failed */
    char *why;            /* of the failure: a second look would say the same */
};

static struct loaded *table;
static char *option_path;

void loader_set_path(const char *path)
{
    free(option_path);
    option_path = path ? xstrdup(path) : NULL;
}

const char *loader_path(void)
{
    return option_path;
}

/* Calls each() for every folder in order until it gives true. */
static bool each_folder(bool (*each)(const char *folder, void *opaque), void *opaque)
{
    const char *const paths[] = {option_path, getenv("WEIR_PLUGIN_PATH"), WEIR_PLUGIN_DIR};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (const char *at = paths[i]; at && *at;) {
            size_t n = strcspn(at, ":");
            char *folder = xmalloc(n + 1);
            memcpy(folder, at, n);
            folder[n] = 0;
            bool done = n > 0 && each(folder, opaque);
            free(folder);
            if (done)
                return true;
            at += n + (at[n] == ':');
        }
    }
    return false;
}

struct search {
    const char *name;
    char *file;            /* found */
    struct strbuf folders; /* looked into, for the message */
};

static bool look_into(const char *folder, void *opaque)
{
    static const char *const endings[] = {".so", ".la"};
    struct search *search = opaque;
    strbuf_printf(&search->folders, "%s%s", search->folders.len ? ", " : "", folder);
    for (size_t i = 0; i < 2; i++) {
        struct strbuf file = {0};
        strbuf_printf(&file, "%s/%s%s", folder, search->name, endings[i]);
        if (access(file.data, F_OK) == 0) {
            search->file = file.data;
            return true;
        }
        strbuf_free(&file);
    }
    return false;
}

bool loader_name_valid(const char *name)
{
    size_t n = strlen(name);
    return n >= 1 && n <= NAME_MAX_BYTES && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
           name[0] >= 'a' && name[0] <= 'z';
}

static void say_absent(const struct search *search, char *why, size_t cap)
{
    char **names;
    int n = loader_names(&names);
    const char *best = closest_word(search->name, strlen(search->name), (const char *const *)names);
    snprintf(why, cap, "there is no plugin \"%.64s\" in %s", search->name, search->folders.data);
    size_t used = strlen(why);
    if (best && used < cap)
        snprintf(why + used, cap - used, "; did you mean \"%s\"?", best);
    else if (used < cap)
        snprintf(why + used, cap - used, "%s",
                 n > 0 ? "; `weir plugins` lists what there is"
                       : "; name their folder with --plugin-path or WEIR_PLUGIN_PATH");
    loader_names_free(names, n);
}

/* Opens the file, shakes hands; false and a sentence that begins with the file. */
static bool load(const char *file, const char *name, struct plugin *ret, char *why, size_t cap)
{
    char reason[1024];
    ltdl_entry entry = ltdl_open(file, reason, sizeof reason);
    if (entry && handshake(entry(), name, ret, reason, sizeof reason)) {
        ret->file = xstrdup(file);
        return true;
    }
    if (strncmp(reason, file, strlen(file)) == 0) /* dlerror() and we begin with the path already */
        snprintf(why, cap, "%s", reason);
    else
        snprintf(why, cap, "%s: %s", file, reason);
    return false;
}

static struct loaded *remember(const char *name)
{
    struct loaded *entry = xcalloc(1, sizeof *entry);
    entry->name = xstrdup(name);
    entry->next = table;
    table = entry;
    return entry;
}

const struct plugin *loader_get(const char *name, char *why, size_t cap)
{
    struct search search = {.name = name};
    char reason[1400];
    for (const struct loaded *entry = table; entry; entry = entry->next) {
        if (strcmp(entry->name, name) != 0)
            continue;
        if (entry->plugin.file)
            return &entry->plugin;
        snprintf(why, cap, "%s", entry->why);
        return NULL;
    }
    if (!loader_name_valid(name)) {
        snprintf(why, cap, "\"%.64s\" is no plugin name; it has 1 to %d of a-z, 0-9 and -", name,
                 NAME_MAX_BYTES);
        return NULL;
    }
    if (!each_folder(look_into, &search)) {
        say_absent(&search, why, cap);
        strbuf_free(&search.folders);
        return NULL;
    }
    struct loaded *entry = remember(name);
    bool good = load(search.file, name, &entry->plugin, reason, sizeof reason);
    if (!good) {
        entry->plugin.file = NULL;
        entry->why = xstrdup(reason);
        snprintf(why, cap, "%s", reason);
    }
    free(search.file);
    strbuf_free(&search.folders);
    return good ? &entry->plugin : NULL;
}

/* Keeps what load() or handshake() filled. */
static const struct plugin *keep(const struct plugin *plugin, const char *file)
{
    struct loaded *entry = remember(plugin->info.name);
    entry->plugin = *plugin;
    entry->plugin.file = file;
    return &entry->plugin;
}

const struct plugin *loader_add(const struct weir_plugin *given, char *why, size_t cap)
{
    struct plugin plugin;
    return handshake(given, given->name, &plugin, why, cap) ? keep(&plugin, "built in") : NULL;
}

const struct plugin *loader_open_file(const char *file, char *why, size_t cap)
{
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    char name[NAME_MAX_BYTES + 1];
    size_t n = strcspn(base, ".");
    struct plugin plugin;
    struct strbuf path = {0};
    if (n == 0 || n > NAME_MAX_BYTES) {
        snprintf(why, cap, "%s: a plugin's file is NAME.so with a name of 1 to %d bytes", file,
                 NAME_MAX_BYTES);
        return NULL;
    }
    memcpy(name, base, n);
    name[n] = 0;
    strbuf_printf(&path, "%s%s", strchr(file, '/') ? "" : "./", file); /* or dlopen would search the system */
    bool good = load(path.data, name, &plugin, why, cap);
    strbuf_free(&path);
    return good ? keep(&plugin, plugin.file) : NULL;
}

struct names {
    char **items;
    size_t count;
};

/* Takes the name. */
static void add_name(struct names *names, char *name)
{
    bool known = !loader_name_valid(name);
    for (size_t i = 0; i < names->count && !known; i++)
        known = strcmp(names->items[i], name) == 0;
    if (known) {
        free(name);
        return;
    }
    names->items = xrealloc(names->items, (names->count + 2) * sizeof *names->items);
    names->items[names->count++] = name;
}

static bool collect(const char *folder, void *opaque)
{
    DIR *dir = opendir(folder);
    for (struct dirent *item; dir && (item = readdir(dir));) {
        size_t n = strlen(item->d_name);
        if (n < 4 || (strcmp(item->d_name + n - 3, ".so") != 0 && strcmp(item->d_name + n - 3, ".la") != 0))
            continue;
        char *name = xstrdup(item->d_name);
        name[n - 3] = 0;
        add_name(opaque, name);
    }
    if (dir)
        closedir(dir);
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int loader_names(char ***ret)
{
    struct names names = {.items = xcalloc(1, sizeof *names.items)};
    for (const struct loaded *entry = table; entry; entry = entry->next) {
        if (entry->plugin.file)
            add_name(&names, xstrdup(entry->name));
    }
    each_folder(collect, &names);
    qsort(names.items, names.count, sizeof *names.items, by_name);
    names.items[names.count] = NULL;
    *ret = names.items;
    return (int)names.count;
}

void loader_names_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

const struct weir_ops *loader_ops(const struct plugin *plugin, uint32_t kind)
{
    const struct weir_ops *ops = kind == WEIR_SOURCE      ? &plugin->source
                                 : kind == WEIR_TRANSFORM ? &plugin->transform
                                 : kind == WEIR_SINK      ? &plugin->sink
                                                          : NULL;
    return ops && ops->kind == kind ? ops : NULL;
}
