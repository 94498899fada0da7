/* SPDX-License-Identifier: BSD-2-Clause */
/* ltdl.c - the loader behind libltdl (ltdl.h).
 *
 * Owns: the text of the last failure. */
#include "ltdl.h"

#include "../report/log.h"

#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRY "weir_plugin_entry"

static char failure[1024];

/* Who could have written this path? */
static bool owner_safe(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        snprintf(failure, sizeof failure, "%s: %s", path, strerror(errno));
        return false;
    }
    if (st.st_uid != 0 && st.st_uid != geteuid()) {
        snprintf(
            failure, sizeof failure,
            "%s belongs to user %u, neither root nor the user weir runs as (%u); chown it to one of them",
            path, (unsigned)st.st_uid, (unsigned)geteuid());
        return false;
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        snprintf(failure, sizeof failure,
                 "%s can be written by %s, so its code can not be trusted; mend it with chmod go-w %s", path,
                 st.st_mode & S_IWOTH ? "everybody" : "its group", path);
        return false;
    }
    return true;
}

static bool folder_safe(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash ? xstrdup(file) : xstrdup(".");
    if (slash)
        folder[slash == file ? 1 : slash - file] = 0;
    bool safe = owner_safe(folder);
    free(folder);
    return safe;
}

/* The file, the folder it was found in, and the one it really lies in. */
static bool file_safe(const char *file)
{
    if (!owner_safe(file) || !folder_safe(file))
        return false;
    char *real = realpath(file, NULL);
    bool safe = real && folder_safe(real);
    if (!real)
        snprintf(failure, sizeof failure, "%s: %s", file, strerror(errno));
    free(real);
    return safe;
}

static lt_module module_open(lt_user_data data, const char *file, lt_dladvise advise)
{
    (void)data;
    (void)advise;
    /* libltdl tries a .la file itself before the library it names */
    if (access(file, F_OK) != 0 || !file_safe(file))
        return NULL;
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *text = dlerror();
        snprintf(failure, sizeof failure, "%s", text ? text : "dlopen failed without a reason");
    }
    return handle;
}

static int module_close(lt_user_data data, lt_module module)
{
    (void)data;
    (void)module;
    return 0;
}

static void *find_symbol(lt_user_data data, lt_module module, const char *name)
{
    (void)data;
    return dlsym(module, name);
}

static bool start(void)
{
    static const lt_dlvtable ours = {.name = "weir",
                                     .module_open = module_open,
                                     .module_close = module_close,
                                     .find_sym = find_symbol,
                                     .priority = LT_DLLOADER_PREPEND};
    static bool started;
    if (started)
        return true;
    lt_dlvtable *theirs = lt_dlinit() == 0 ? lt_dlloader_remove("lt_dlopen") : NULL;
    if (!theirs || lt_dlloader_add(&ours) != 0) {
        const char *text = lt_dlerror();
        snprintf(failure, sizeof failure, "libltdl can not be started: %s", text ? text : "no reason given");
        return false;
    }
    free(theirs); /* who removes a loader owns its table */
    started = true;
    return true;
}

bool ltdl_trusted(const char *file, char *why, size_t cap)
{
    bool trusted = file_safe(file);
    if (!trusted)
        snprintf(why, cap, "%s", failure);
    return trusted;
}

ltdl_entry ltdl_open(const char *file, char *why, size_t cap)
{
    failure[0] = 0;
    if (!start() || !file_safe(file)) {
        snprintf(why, cap, "%s", failure);
        return NULL;
    }
    lt_dlhandle handle = lt_dlopen(file);
    if (!handle) {
        const char *text = lt_dlerror();
        snprintf(why, cap, "%s", failure[0] ? failure : text ? text : "it can not be loaded");
        return NULL;
    }
    void *symbol = lt_dlsym(handle, ENTRY);
    ltdl_entry entry = NULL;
    if (!symbol)
        snprintf(why, cap, "not a weir plugin: it has no symbol " ENTRY);
    else
        memcpy(&entry, &symbol, sizeof entry);
    return entry;
}
