/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.c - which files there are: inotify on the directories says it at once, and a scan every ten seconds finds what
 * inotify can't see (network file systems, links to elsewhere, new directories, a full event queue).
 *
 * A new file that begins like one being read may be its copy, made just before the original is cut (copytruncate):
 * it is left alone for rotate-wait, so that the original's generation can go on with it. */
#define WEIR_API 1
#include "source.h"

#include <weir/helpers.h>

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <inttypes.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <unistd.h>

#define EVENTS (IN_CREATE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR)

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int scan_start(struct source *s)
{
    if (s->inotify >= 0)
        return WEIR_OK;
    s->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (s->inotify < 0)
        weir_logf(s->ctx, WEIR_LOG_WARNING,
                  "inotify can't be used, files are looked for every 10 seconds: %s", strerror(errno));
    else
        s->ctx->host->watch_fd(s->ctx, s->inotify, WEIR_FD_READ);
    return WEIR_OK;
}

void scan_stop(struct source *s)
{
    for (uint32_t i = 0; i < s->n_dirs; i++)
        s->ctx->host->mem(s->ctx, s->dirs[i].path, 0);
    if (s->dirs)
        s->ctx->host->mem(s->ctx, s->dirs, 0);
    s->dirs = NULL;
    s->n_dirs = 0;
    if (s->inotify >= 0) {
        s->ctx->host->watch_fd(s->ctx, s->inotify, 0);
        (void)close(s->inotify);
    }
    s->inotify = -1;
}

void scan_soon(struct source *s)
{
    int64_t at = s->scanned_ms + SCAN_PAUSE_MS, now = s->ctx->host->mono_ms(s->ctx);
    if (at < now)
        at = now;
    if (at < s->scan_at)
        s->scan_at = at;
}

bool scan_short(struct source *s, int error)
{
    int64_t at = s->ctx->host->mono_ms(s->ctx) + SCAN_AGAIN_MS;
    if (error != EMFILE && error != ENFILE && error != ENOMEM)
        return false;
    s->blind = true;
    if (at < s->scan_at)
        s->scan_at = at;
    return true;
}

/* ---- inotify ------------------------------------------------------------------------------------------------- */

static void dir_watch(struct source *s, const char *path)
{
    char *copy;
    int wd = s->inotify < 0 ? -1 : inotify_add_watch(s->inotify, *path ? path : ".", EVENTS);
    if (wd < 0)
        return; /* the scan every ten seconds does it */
    for (uint32_t i = 0; i < s->n_dirs; i++)
        if (s->dirs[i].wd == wd)
            return;
    if (s->n_dirs == SOURCE_DIRS) {
        (void)inotify_rm_watch(s->inotify, wd);
        return;
    }
    if (!s->dirs)
        s->dirs = s->ctx->host->mem(s->ctx, NULL, SOURCE_DIRS * sizeof *s->dirs);
    copy = s->ctx->host->mem(s->ctx, NULL, strlen(path) + 1);
    memcpy(copy, path, strlen(path) + 1);
    s->dirs[s->n_dirs].wd = wd;
    s->dirs[s->n_dirs++].path = copy;
}

/* Watches every directory that files of the pattern may lie in. */
static void dirs_watch(struct source *s)
{
    const char *base = base_of(s->conf->path);
    size_t n = (size_t)(base - s->conf->path);
    char pattern[4096];
    glob_t found;
    if (n >= sizeof pattern)
        return;
    memcpy(pattern, s->conf->path, n);
    pattern[n] = '\0';
    if (!n) {
        dir_watch(s, "");
        return;
    }
    if (!glob(pattern, GLOB_NOSORT, NULL, &found))
        for (size_t i = 0; i < found.gl_pathc; i++)
            dir_watch(s, found.gl_pathv[i]);
    globfree(&found);
}

/* The file that is read under that name.  One whose path leads elsewhere is not: what is written there is another's. */
static struct tail *tail_at(struct source *s, const struct watched *dir, const char *name)
{
    size_t n = strlen(dir->path);
    for (uint32_t i = 0; i < s->n_tails; i++) {
        struct tail *t = s->tails[i];
        if (t->state == TAIL_LIVE && !t->cut && t->gone_ms < 0 && !strncmp(t->path, dir->path, n) &&
            !strcmp(t->path + n, name))
            return t;
    }
    return NULL;
}

static void dir_forget(struct source *s, int wd)
{
    for (uint32_t i = 0; i < s->n_dirs; i++) {
        if (s->dirs[i].wd != wd)
            continue;
        s->ctx->host->mem(s->ctx, s->dirs[i].path, 0);
        s->dirs[i] = s->dirs[--s->n_dirs];
        return;
    }
}

static void event(struct source *s, const struct inotify_event *e)
{
    struct tail *t = NULL;
    if (e->mask & IN_IGNORED)
        dir_forget(s, e->wd);
    if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED)) {
        scan_soon(s);
        return;
    }
    if (!e->len || fnmatch(base_of(s->conf->path), e->name, FNM_PERIOD))
        return;
    if (e->mask & IN_MODIFY)
        for (uint32_t i = 0; i < s->n_dirs && !t; i++)
            if (s->dirs[i].wd == e->wd)
                t = tail_at(s, &s->dirs[i], e->name);
    if (t)
        source_ready(s, t);
    else
        scan_soon(s);
}

void scan_events(struct source *s)
{
    _Alignas(struct inotify_event) char bytes[16 << 10];
    ssize_t n;
    if (s->inotify < 0)
        return;
    while ((n = read(s->inotify, bytes, sizeof bytes)) > 0) {
        for (char *p = bytes; p < bytes + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)p;
            event(s, e);
            p += sizeof *e + e->len;
        }
    }
}

/* ---- files --------------------------------------------------------------------------------------------------- */

/* The place after the last line feed of the first `size` bytes. */
static uint64_t last_line(int fd, uint64_t size)
{
    char bytes[16 << 10];
    while (size) {
        size_t n = size < sizeof bytes ? (size_t)size : sizeof bytes;
        ssize_t got = pread(fd, bytes, n, (off_t)(size - n));
        const char *lf = got == (ssize_t)n ? memrchr(bytes, '\n', n) : NULL;
        if (lf)
            return size - n + (size_t)(lf + 1 - bytes);
        size -= n;
    }
    return 0;
}

/* Whether to leave the file alone for now, for it may be the copy of one being read. */
static bool copy_possible(struct source *s, int fd, const struct stat *st)
{
    int64_t now = s->ctx->host->mono_ms(s->ctx);
    struct delayed *d = NULL;
    bool like = false;
    for (uint32_t i = 0; i < s->n_tails && !like; i++) {
        const struct tail *t = s->tails[i];
        uint64_t at = lines_end(&t->lines), size = (uint64_t)st->st_size;
        struct print before = {print_hash(t->guard, t->guard_len), t->guard_len};
        if (t->state == TAIL_LIVE && !t->cut && t->gone_ms < 0)
            like = print_same_head(fd, size, t->print) && (size < at || print_same_before(fd, at, before));
    }
    for (uint32_t i = 0; i < s->n_delayed; i++)
        if (s->delayed[i].dev == st->st_dev && s->delayed[i].ino == st->st_ino)
            d = &s->delayed[i];
    if (like && !d && s->n_delayed < SOURCE_DELAYED) {
        d = &s->delayed[s->n_delayed++];
        *d = (struct delayed){st->st_dev, st->st_ino, now};
    }
    if (like && d && now - d->since_ms < s->conf->rotate_wait) {
        if (d->since_ms + s->conf->rotate_wait < s->scan_at)
            s->scan_at = d->since_ms + s->conf->rotate_wait;
        return true;
    }
    if (d)
        *d = s->delayed[--s->n_delayed];
    return false;
}

/* A file never seen before: a new generation; *ret NULL: not now. */
static int generation_new(struct source *s, const char *path, int fd, const struct stat *st,
                          struct tail **ret)
{
    struct tail *t;
    uint64_t random[2];
    int r;
    *ret = NULL;
    if (s->scanned && copy_possible(s, fd, st))
        return WEIR_OK;
    t = source_add(s, path);
    if (!t)
        return WEIR_OK;
    if (getrandom(random, sizeof random, 0) != sizeof random ||
        !print_head(fd, (uint64_t)st->st_size, &t->print)) {
        source_drop(s, t); /* cut just now: the next scan sees it as it is then */
        return WEIR_OK;
    }
    (void)snprintf(t->id, sizeof t->id, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    t->dev = st->st_dev;
    t->ino = st->st_ino;
    if (s->conf->start == START_END && s->first_run && !s->scanned)
        t->first = last_line(fd, (uint64_t)st->st_size);
    r = known_lane(s, t);
    if (r != WEIR_OK)
        return r;
    *ret = t;
    return WEIR_OK;
}

/* A file found by the pattern.  The first scan comes twice: known files are claimed first, so that their copies and
 * new files are told apart from them afterwards. */
static int file_found(struct source *s, const char *path, bool claim)
{
    struct stat st;
    struct tail *t;
    int fd, r;
    if (stat(path, &st)) {
        if (errno != ENOENT && errno != ENOTDIR && !scan_short(s, errno))
            source_unread(s, path, errno);
        return WEIR_OK;
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return WEIR_OK;
    t = known_live(s, st.st_dev, st.st_ino);
    if (t) {
        int64_t now = s->ctx->host->wall_ms(s->ctx);
        t->seen = true;
        t->gone_ms = -1;
        if (strcmp(t->path, path) != 0)
            source_set_path(s, t, path);
        if ((uint64_t)st.st_size != t->idle_size)
            source_ready(s, t);
        if (now - t->seen_ms < SEEN_AGAIN_MS)
            return WEIR_OK;
        t->seen_ms = now; /* or a start without it, years later, would take it for long gone */
        return known_put(s, t);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && scan_short(s, errno)) {
        if (!s->said_short)
            weir_logf(s->ctx, WEIR_LOG_WARNING,
                      "%s can't be opened, it and others will be tried every second: %s", path,
                      strerror(errno));
        s->said_short = true;
        return WEIR_OK;
    }
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        weir_logf(s->ctx, WEIR_LOG_WARNING, "%s can't be opened, will be tried again: %s", path,
                  strerror(errno));
        if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
            source_unread(s, path, errno);
        if (fd >= 0)
            (void)close(fd);
        return WEIR_OK;
    }
    t = known_match(s, path, fd, &st, !s->scanned && !claim, &r);
    if (!t && r == WEIR_OK && !claim)
        r = generation_new(s, path, fd, &st, &t);
    if (!t) {
        (void)close(fd);
        return r;
    }
    t->seen = true;
    t->seen_ms = s->ctx->host->wall_ms(s->ctx);
    if (strcmp(t->path, path) != 0)
        source_set_path(s, t, path);
    tail_attach(s, t, fd, &st);
    source_ready(s, t);
    return known_put(s, t);
}

/* Known from an earlier run and not found by the pattern: renamed, perhaps; what is left of it is read. */
static int known_find(struct source *s, struct tail *t)
{
    struct stat st;
    char *path = NULL;
    int fd, r = known_lane(s, t);
    if (r != WEIR_OK)
        return r;
    fd = known_sibling(s, t, &path, &st);
    if (fd >= 0) {
        weir_logf(s->ctx, WEIR_LOG_INFO, "%s of an earlier run is %s now; read on from byte %" PRIu64,
                  t->path, path, lines_begin(&t->lines));
        source_set_path(s, t, path);
        s->ctx->host->mem(s->ctx, path, 0);
        tail_attach(s, t, fd, &st);
        source_gone(s, t);
        t->seen_ms = s->ctx->host->wall_ms(s->ctx);
        return known_put(s, t);
    }
    if (errno)
        tail_refused(s, t, errno);
    else if (s->ctx->host->wall_ms(s->ctx) - t->seen_ms > KNOWN_DAYS_MS)
        known_forget(s, t);
    return WEIR_OK;
}

/* glob goes on past a directory that can't be read, as if it were empty. */
static _Thread_local int unlisted;

static int on_unlisted(const char *path, int error)
{
    (void)path;
    if (error != ENOENT && error != ENOTDIR)
        unlisted = error;
    return 0;
}

static void unlisted_said(struct source *s, int error)
{
    bool want = scan_short(s, error);
    if (!want)
        source_unread(s, s->conf->path, error);
    if (!want && s->conf->follow)
        s->scan_at = s->ctx->host->mono_ms(s->ctx) + SCAN_AGAIN_MS;
    if (!s->said_unlisted)
        weir_logf(s->ctx, WEIR_LOG_WARNING, "a directory of %s can't be listed, will be tried again: %s",
                  s->conf->path, strerror(error));
    s->said_unlisted = true;
}

int scan_run(struct source *s)
{
    int64_t now = s->ctx->host->mono_ms(s->ctx);
    glob_t found;
    int r = WEIR_OK, g;
    s->scanned_ms = now;
    s->scan_at = now + SCAN_EVERY_MS;
    for (uint32_t i = 0; i < s->n_tails; i++)
        s->tails[i]->seen = false;
    dirs_watch(s);
    s->blind = false;
    s->unread[0] = '\0';
    unlisted = 0;
    g = glob(s->conf->path, 0, on_unlisted, &found);
    if (g == GLOB_NOSPACE) /* it tells nobody, and what it has found so far is not all */
        unlisted = ENOMEM;
    if (unlisted)
        unlisted_said(s, unlisted);
    else
        s->said_unlisted = false;
    for (size_t i = 0; !g && r == WEIR_OK && !s->scanned && s->n_tails && i < found.gl_pathc; i++)
        r = file_found(s, found.gl_pathv[i], true);
    for (size_t i = 0; !g && r == WEIR_OK && i < found.gl_pathc; i++)
        r = file_found(s, found.gl_pathv[i], false);
    globfree(&found);
    for (uint32_t i = 0; r == WEIR_OK && !s->scanned && i < s->n_tails; i++)
        if (s->tails[i]->state == TAIL_KNOWN)
            r = known_find(s, s->tails[i]);
    for (uint32_t i = 0; r == WEIR_OK && i < s->n_tails; i++) {
        struct tail *t = s->tails[i];
        if (t->state != TAIL_LIVE)
            continue;
        if (s->to_end && !t->ended)
            source_ready(s, t); /* one that has left the pattern too: its read may have failed */
        if (!t->seen && t->gone_ms < 0 && !unlisted) /* what was not listed need not be gone */
            source_gone(s, t);
    }
    s->said_short &= s->blind;
    s->scanned |= r == WEIR_OK && !s->blind;
    return r;
}
