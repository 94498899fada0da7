/* SPDX-License-Identifier: BSD-2-Clause */
/* loader.h - finds, loads and examines plugins; a loaded plugin stays until the process ends.
 *
 * Owns: the table of loaded plugins.  Thread: the main thread, before pipelines run. */
#ifndef WEIR_HOST_LOADER_H
#define WEIR_HOST_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/plugin.h>

struct plugin { /* host-sized copies of what the plugin gave */
    struct weir_plugin info;
    struct weir_ops source, transform, sink; /* kind 0: the plugin has none */
    const char *file;                        /* where it was found; "built in" for static ones */
};

/* Folders of --plugin-path, colon separated, searched before WEIR_PLUGIN_PATH and the installed folder. */
void loader_set_path(const char *path);
/* What loader_set_path was given last; NULL: nothing. */
const char *loader_path(void);
/* The plugin of that name, loaded at the first call.  NULL and a sentence in why[cap] that says which file, what is
 * wrong with it and what to do. */
const struct plugin *loader_get(const char *name, char *why, size_t cap);
/* Takes in a plugin that is linked into this program, found before those in folders; the description is borrowed. */
const struct plugin *loader_add(const struct weir_plugin *, char *why, size_t cap);
/* Loads one file, for `weir plugins check`. */
const struct plugin *loader_open_file(const char *file, char *why, size_t cap);
/* 1 to 32 of a-z, 0-9 and -, a letter first. */
bool loader_name_valid(const char *name);
/* Names of all plugins found in the search path, sorted, each once; freed with loader_names_free. */
int loader_names(char ***ret);
void loader_names_free(char **, int n);
/* The table for a kind, or NULL. */
const struct weir_ops *loader_ops(const struct plugin *, uint32_t kind);

#endif
