/* SPDX-License-Identifier: BSD-2-Clause */
/* place.c - paths of file sinks changed and read back (place.h).
 *
 * A path "/a/b" becomes DIR/SINK/root/a/b and "a/b" DIR/SINK/here/a/b, so that the name can be told again. */
#include "place.h"

#include "config/subst.h"
#include "dlq/text.h"
#include "record/json.h"
#include "report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By the name that will be loaded: one that comes by ${...} would write where the real one does. */
static bool is(const struct raw_section *s, const char *plugin)
{
    const struct raw_key *key = s->kind == SECTION_SINK ? sections_key(s, "plugin") : NULL;
    struct strbuf name = {0};
    char why[512];
    bool secret;
    bool same = key && subst_expand(key->value, key->len, &name, &secret, why, sizeof why) && name.len &&
                strcmp(name.data, plugin) == 0;
    strbuf_free(&name);
    return same;
}

/* What leads out of the folder leads nowhere. */
static void tame(struct strbuf *out, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.')
            strbuf_str(out, "up");
        else
            strbuf_add(out, path, n);
        path += n;
        if (*path)
            strbuf_char(out, *path++);
    }
}

/* References are replaced here, so that what they bring in is tamed too, and is not read for one again. */
static void change_path(const struct place *p, const struct raw_section *s, struct raw_key *key)
{
    struct strbuf path = {0}, to = {0}, tamed = {0};
    char why[512];
    bool secret;
    if (subst_expand(key->value, key->len, &path, &secret, why, sizeof why) && path.len) {
        tame(&tamed, path.data);
        for (const char *c = p->dir; *c; c++)
            strbuf_str(&to, *c == '{' ? "{{" : *c == '}' ? "}}" : (char[2]){*c, 0});
        strbuf_printf(&to, "/%s/%s/", s->name ? s->name : "file", path.data[0] == '/' ? "root" : "here");
        for (const char *c = tamed.data + (tamed.data[0] == '/'); *c; c++) {
            if (c[0] == '$' && c[1] == '{')
                strbuf_char(&to, '$');
            strbuf_char(&to, *c);
        }
        free(key->value);
        key->value = xstrdup(to.data);
        key->len = to.len;
    }
    strbuf_free(&path);
    strbuf_free(&to);
    strbuf_free(&tamed);
}

static void drop_key(struct raw_section *s, const char *name)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        if (strcmp(s->keys[i].key, name) != 0)
            continue;
        free(s->keys[i].key);
        free(s->keys[i].value);
        memmove(&s->keys[i], &s->keys[i + 1], (s->n_keys - i - 1) * sizeof *s->keys);
        s->n_keys--;
        return;
    }
}

static void drop_keys(struct raw_section *s, const char *const *names)
{
    for (; *names; names++)
        drop_key(s, *names);
}

/* Credentials are for the real one, and so is what is needed to read them. */
static void change_url(struct place *p, struct raw_section *s)
{
    static const char *const keys[] = {"username",   "password", "api-key",  "ca-file", "client-cert",
                                       "client-key", "verify",   "compress", NULL};
    struct raw_key *url = NULL;
    drop_keys(s, keys);
    for (size_t i = s->n_keys; i-- > 0;) {
        if (strcmp(s->keys[i].key, "url") != 0)
            continue;
        if (url)
            drop_key(s, "url"); /* a list over several lines: one is enough */
        url = &s->keys[i];
    }
    struct cluster *c = url ? cluster_new(&p->why) : NULL;
    if (!c)
        return;
    p->servers = xrealloc(p->servers, (p->n_servers + 1) * sizeof *p->servers);
    p->servers[p->n_servers++] = (struct place_server){xstrdup(s->title), c};
    free(url->value);
    url->value = xstrdup(cluster_url(c));
    url->len = strlen(url->value);
}

void place_change(struct place *p, struct sections *sections)
{
    static const char *const keys[] = {"compress", "rotate", NULL};
    static const char *const isolation[] = {"isolate", "isolate.memory",
                                            NULL}; /* a test is a process of its own */
    for (size_t i = 0; i < sections->count; i++) {
        struct raw_section *s = &sections->items[i];
        drop_keys(s, isolation);
        if (is(s, "elasticsearch"))
            change_url(p, s);
        if (!is(s, "file"))
            continue;
        drop_keys(s, keys);
        for (size_t k = 0; k < s->n_keys; k++)
            if (strcmp(s->keys[k].key, "path") == 0)
                change_path(p, s, &s->keys[k]);
    }
}

enum place_kind place_kind(struct place *p, const struct section_conf *s, struct cluster **ret_cluster)
{
    for (size_t i = 0; i < p->n_servers; i++)
        if (strcmp(p->servers[i].sink, s->title) == 0) {
            *ret_cluster = p->servers[i].cluster;
            return PLACE_CLUSTER;
        }
    if (s->dead_letter)
        return PLACE_NONE;
    if (strcmp(s->plugin->info.name, "file") == 0)
        return PLACE_FILES;
    if (strcmp(s->plugin->info.name, "std") != 0 || p->std_taken)
        return PLACE_NONE;
    p->std_taken = true;
    return PLACE_FILES;
}

void place_free(struct place *p)
{
    for (size_t i = 0; i < p->n_servers; i++) {
        cluster_stop(p->servers[i].cluster);
        free((char *)(uintptr_t)p->servers[i].sink);
    }
    free(p->servers);
    strbuf_free(&p->why);
    p->servers = NULL;
    p->n_servers = 0;
}

static bool no(struct strbuf *why, const char *what)
{
    strbuf_printf(why, "%s: %s", what, strerror(errno));
    return false;
}

bool place_begin(struct place *p, struct strbuf *why)
{
    struct strbuf path = {0};
    strbuf_printf(&path, "%s/stdout", p->dir);
    int fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0;
    if (!good)
        (void)no(why, path.data);
    if (fd >= 0)
        close(fd);
    strbuf_free(&path);
    return good;
}

/* ---- reading back ---------------------------------------------------------------------------------------------- */
static bool read_lines(const char *path, const char *shown, struct outputs *to, struct strbuf *why)
{
    struct strbuf beside = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    FILE *f = fopen(path, "re");
    if (!f)
        return no(why, path);
    strbuf_str(&beside, "{");
    if (shown) {
        strbuf_str(&beside, "\"path\":");
        text_json(&beside, (struct weir_slice){shown, strlen(shown)});
    }
    strbuf_char(&beside, '}');
    while ((n = getline(&line, &room, f)) > 0) {
        n -= line[n - 1] == '\n';
        (void)outputs_add(to, (struct weir_slice){line, (size_t)n},
                          (struct weir_slice){beside.data, beside.len});
    }
    free(line);
    strbuf_free(&beside);
    bool good = !ferror(f);
    fclose(f);
    return good || no(why, path);
}

struct found { /* nftw has no argument of its own */
    char **paths;
    size_t n;
};
static struct found found;

static int each(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    if (kind != FTW_F)
        return 0;
    found.paths = xrealloc(found.paths, (found.n + 1) * sizeof(char *));
    found.paths[found.n++] = xstrdup(path);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* As the configuration names it. */
static const char *name_of(const char *path, size_t base)
{
    path += base;
    return strncmp(path, "root", 4) == 0 ? path + 4 : path + 5;
}

bool place_read(const struct place *p, const struct section_conf *s, struct outputs *to, size_t *ret_files,
                struct strbuf *why)
{
    struct strbuf path = {0};
    bool good = true;
    *ret_files = 1;
    if (strcmp(s->plugin->info.name, "std") == 0) {
        strbuf_printf(&path, "%s/stdout", p->dir);
        good = read_lines(path.data, NULL, to, why);
        strbuf_free(&path);
        return good;
    }
    strbuf_printf(&path, "%s/%s/", p->dir, s->name);
    found = (struct found){0};
    if (access(path.data, F_OK) == 0)
        (void)nftw(path.data, each, 8, FTW_PHYS);
    if (found.n)
        qsort(found.paths, found.n, sizeof(char *), by_text);
    for (size_t i = 0; i < found.n; i++) {
        good = good && read_lines(found.paths[i], name_of(found.paths[i], path.len), to, why);
        free(found.paths[i]);
    }
    *ret_files = found.n;
    free(found.paths);
    strbuf_free(&path);
    return good;
}
