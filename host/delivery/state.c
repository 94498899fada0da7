/* SPDX-License-Identifier: BSD-2-Clause */
/* state.c - positions and keyed bytes in SQLite.  Any thread; one lock around the connection and the puts.
 *
 * synchronous=FULL: a commit reaches the disk before anybody relies on it.  A power failure that undid it would have
 * files cut back to the commit before while their source, Kafka's group, goes on from this one. */
#include "state.h"

#include "record/arena.h"
#include "report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <search.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA_VERSION   1
#define LOCK_PATIENCE_MS 2000
#define LOCK_POLL_MS     20
#define BUSY_MS          10000 /* readers of one pipeline write in turns, each for a moment */

struct put {
    char *owner;
    struct weir_slice key, value; /* value.ptr NULL: delete */
};

struct state {
    pthread_mutex_t lock;
    int lock_fd;
    sqlite3 *db;
    sqlite3_stmt *get_position, *put_position, *get_kv, *put_kv, *delete_kv;
    void *puts; /* tsearch tree of struct put */
    size_t n_puts;
    char *file;
    dev_t dev; /* of the file that was opened */
    ino_t ino;
    bool lost;
    bool over; /* puts are ignored: nothing will be stored any more */
};

static const char SCHEMA[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS position(reader TEXT NOT NULL, shard BLOB NOT NULL, next INTEGER NOT NULL,"
    " data BLOB NOT NULL, PRIMARY KEY(reader, shard)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS kv(owner TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(owner, key)) WITHOUT ROWID;"
    "PRAGMA user_version = 1;"; /* last: SCHEMA_VERSION */

static bool usable(const char *dir)
{
    return dir && *dir && access(dir, W_OK | X_OK) == 0;
}

void state_choose_dir(const char *dir, struct strbuf *ret)
{
    const char *service = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    ret->len = 0;
    if (dir)
        strbuf_str(ret, dir);
    else if (service && *service)
        strbuf_add(ret, service, strcspn(service, ":"));
    else if (usable(WEIR_STATE_DIR))
        strbuf_str(ret, WEIR_STATE_DIR);
    else if (xdg && *xdg)
        strbuf_printf(ret, "%s/weir", xdg);
    else
        strbuf_printf(ret, "%s/.local/state/weir", home ? home : "/tmp");
}

static bool make_dirs(const char *dir, struct strbuf *why)
{
    char *path = xstrdup(dir);
    bool ok = true;
    for (char *p = path + 1; ok; p++) {
        if (*p && *p != '/')
            continue;
        char c = *p;
        *p = '\0';
        ok = mkdir(path, 0750) == 0 || errno == EEXIST || errno == EISDIR;
        *p = c;
        if (!c)
            break;
    }
    if (!ok)
        strbuf_printf(why, "cannot make the state folder %s: %s; name another with --state-dir", dir,
                      strerror(errno));
    free(path);
    return ok;
}

/* A process that was killed keeps its locks until the kernel is through with it, so a restart is patient for a moment. */
static bool take_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (int tries = LOCK_PATIENCE_MS / LOCK_POLL_MS; fcntl(fd, F_OFD_SETLK, &lock) != 0; tries--) {
        if ((errno != EAGAIN && errno != EACCES) || tries <= 0)
            return false;
        (void)poll(NULL, 0, LOCK_POLL_MS);
    }
    return true;
}

static int lock_file(const char *dir, const char *name, struct strbuf *why)
{
    struct strbuf path = {0};
    strbuf_printf(&path, "%s/%s.lock", dir, name);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        strbuf_printf(why, "cannot open %s: %s; name another folder with --state-dir", path.data,
                      strerror(errno));
    } else if (!take_lock(fd)) {
        strbuf_printf(why, "pipeline %s runs already: %s is locked by another process", name, path.data);
        close(fd);
        fd = -1;
    }
    strbuf_free(&path);
    return fd;
}

static bool prepare(struct state *s)
{
    struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        {&s->get_position, "SELECT next, data FROM position WHERE reader = ?1 AND shard = ?2"},
        {&s->put_position,
         "INSERT OR REPLACE INTO position(reader, shard, next, data) VALUES(?1, ?2, ?3, ?4)"},
        {&s->get_kv, "SELECT value FROM kv WHERE owner = ?1 AND key = ?2"},
        {&s->put_kv, "INSERT OR REPLACE INTO kv(owner, key, value) VALUES(?1, ?2, ?3)"},
        {&s->delete_kv, "DELETE FROM kv WHERE owner = ?1 AND key = ?2"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (sqlite3_prepare_v3(s->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].stmt, NULL) !=
            SQLITE_OK)
            return false;
    return true;
}

static bool versioned(struct state *s, struct strbuf *why)
{
    sqlite3_stmt *q = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW)
        version = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    if (version == 0 || version == SCHEMA_VERSION) /* 0: new */
        return sqlite3_exec(s->db, SCHEMA, NULL, NULL, NULL) == SQLITE_OK;
    if (version < 0)
        return false; /* not a database, or not readable */
    strbuf_printf(why,
                  "%s was written by another version of weir (state version %d, this one knows %d); use that "
                  "version, or move it away and start without positions",
                  s->file, version, SCHEMA_VERSION);
    return false;
}

/* What SQLite can tell of a file's inside before anything is believed: one row, "ok". */
static bool sound(struct state *s)
{
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL) == SQLITE_OK &&
              sqlite3_step(q) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
    sqlite3_finalize(q);
    return ok;
}

/* Opened only if it can be written: SQLite would take one that can't for reading, and leave files beside it that can't
 * be written either. */
static bool open_file(struct state *s, struct strbuf *why)
{
    struct stat st;
    if (access(s->file, R_OK | W_OK) != 0 && errno != ENOENT) {
        strbuf_printf(why, "cannot use the state file %s: %s", s->file, strerror(errno));
        return false;
    }
    bool existed = stat(s->file, &st) == 0 && st.st_size > 0;
    if (sqlite3_open_v2(s->file, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return false;
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    if ((existed && !sound(s)) || !versioned(s, why) || !prepare(s))
        return false;
    if (stat(s->file, &st) != 0) {
        strbuf_printf(why, "cannot use the state file %s: %s", s->file, strerror(errno));
        return false;
    }
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    return true;
}

static void say_unusable(struct state *s, struct strbuf *why)
{
    int error = sqlite3_errcode(s->db) & 0xff, system = sqlite3_system_errno(s->db);
    strbuf_printf(why, "cannot use the state file %s: %s", s->file,
                  error == SQLITE_OK ? "it is damaged" : sqlite3_errmsg(s->db));
    if (error == SQLITE_OK || error == SQLITE_CORRUPT || error == SQLITE_NOTADB)
        strbuf_str(why,
                   "; put a copy back, or move it away with what begins like it and start without positions");
    else if (system)
        strbuf_printf(why, " (%s)", strerror(system));
}

/* Takes the descriptor of the lock and the file's name. */
static struct state *open_locked(int lock_fd, char *file, struct strbuf *why)
{
    struct state *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->lock_fd = lock_fd;
    s->file = file;
    if (open_file(s, why))
        return s;
    if (!why->len)
        say_unusable(s, why);
    if (s->db)
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* it is left as it is */
    state_close(s);
    return NULL;
}

struct state *state_open(const char *dir, const char *name, struct strbuf *why)
{
    struct strbuf path = {0};
    if (!make_dirs(dir, why))
        return NULL;
    int fd = lock_file(dir, name, why);
    if (fd < 0)
        return NULL;
    strbuf_printf(&path, "%s/%s.db", dir, name);
    return open_locked(fd, path.data, why);
}

struct state *state_open_beside(const struct state *first, struct strbuf *why)
{
    int fd =
        fcntl(first->lock_fd, F_DUPFD_CLOEXEC, 0); /* the lock is of the open file: it ends with the last */
    if (fd >= 0)
        return open_locked(fd, xstrdup(first->file), why);
    strbuf_printf(why, "cannot open %s once more: %s", first->file, strerror(errno));
    return NULL;
}

const char *state_file(const struct state *s)
{
    return s->file;
}

static void put_free(void *p)
{
    free(p);
}

void state_close(struct state *s)
{
    if (!s)
        return;
    sqlite3_stmt *all[] = {s->get_position, s->put_position, s->get_kv, s->put_kv, s->delete_kv};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(s->db);
    tdestroy(s->puts, put_free);
    close(s->lock_fd);
    pthread_mutex_destroy(&s->lock);
    free(s->file);
    free(s);
}

static void bind_blob(sqlite3_stmt *q, int at, struct weir_slice v)
{
    sqlite3_bind_blob64(q, at, v.len ? v.ptr : "", v.len, SQLITE_STATIC);
}

static void take_blob(sqlite3_stmt *q, int column, struct strbuf *ret)
{
    ret->len = 0;
    strbuf_add(ret, sqlite3_column_blob(q, column), (size_t)sqlite3_column_bytes(q, column));
}

/* One step of a query for one row: OK, AGAIN when there is none. */
static int step_row(struct state *s, sqlite3_stmt *q)
{
    int status = sqlite3_step(q);
    if (status == SQLITE_ROW || status == SQLITE_DONE)
        return status == SQLITE_ROW ? WEIR_OK : WEIR_AGAIN;
    log_line(WEIR_LOG_ERROR, NULL, "cannot read the state file %s: %s", s->file, sqlite3_errmsg(s->db));
    return WEIR_FATAL;
}

int state_position(struct state *s, const char *reader, struct weir_slice shard, uint64_t *ret_next,
                   struct strbuf *ret_data)
{
    pthread_mutex_lock(&s->lock);
    sqlite3_bind_text(s->get_position, 1, reader, -1, SQLITE_STATIC);
    bind_blob(s->get_position, 2, shard);
    int found = step_row(s, s->get_position);
    if (found == WEIR_OK) {
        *ret_next = (uint64_t)sqlite3_column_int64(s->get_position, 0);
        take_blob(s->get_position, 1, ret_data);
    }
    sqlite3_reset(s->get_position);
    pthread_mutex_unlock(&s->lock);
    return found;
}

static int put_compare(const void *a, const void *b)
{
    const struct put *x = a, *y = b;
    int c = strcmp(x->owner, y->owner);
    if (c)
        return c;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    c = n ? memcmp(x->key.ptr, y->key.ptr, n) : 0;
    return c ? c : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

void state_put(struct state *s, const char *owner, struct weir_slice key, struct weir_slice value)
{
    size_t n = strlen(owner) + 1;
    struct put *p = xmalloc(sizeof *p + n + key.len + value.len);
    char *bytes = (char *)(p + 1);
    p->owner = memcpy(bytes, owner, n);
    p->key = (struct weir_slice){key.len ? memcpy(bytes + n, key.ptr, key.len) : bytes + n, key.len};
    p->value = (struct weir_slice){value.ptr ? bytes + n + key.len : NULL, value.len};
    if (value.len)
        memcpy(bytes + n + key.len, value.ptr, value.len);
    pthread_mutex_lock(&s->lock);
    struct put **found = s->over ? NULL : tfind(p, &s->puts, put_compare);
    if (s->over) {
        free(p);
    } else if (found) { /* the key compares equal, so its place in the tree stays */
        free(*found);
        *found = p;
    } else if (tsearch(p, &s->puts, put_compare)) {
        s->n_puts++;
    } else {
        die("out of memory");
    }
    pthread_mutex_unlock(&s->lock);
}

int state_get(struct state *s, const char *owner, struct weir_slice key, struct strbuf *ret)
{
    struct put wanted = {.owner = (char *)(uintptr_t)owner, .key = key};
    int found;
    pthread_mutex_lock(&s->lock);
    struct put **pending = tfind(&wanted, &s->puts, put_compare);
    ret->len = 0;
    if (pending) {
        found = (*pending)->value.ptr ? WEIR_OK : WEIR_AGAIN;
        if (found == WEIR_OK)
            strbuf_add(ret, (*pending)->value.ptr, (*pending)->value.len);
    } else {
        sqlite3_bind_text(s->get_kv, 1, owner, -1, SQLITE_STATIC);
        bind_blob(s->get_kv, 2, key);
        found = step_row(s, s->get_kv);
        if (found == WEIR_OK)
            take_blob(s->get_kv, 0, ret);
        sqlite3_reset(s->get_kv);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

struct picking {       /* twalk_r's closure */
    const char *owner; /* NULL: all */
    struct put **list;
    size_t n;
};

static void pick_put(const void *node, VISIT which, void *closure)
{
    struct picking *k = closure;
    struct put *p = *(struct put *const *)node;
    if ((which != postorder && which != leaf) || (k->owner && strcmp(p->owner, k->owner) != 0))
        return;
    k->list[k->n++] = p;
}

bool state_dirty(struct state *s)
{
    pthread_mutex_lock(&s->lock);
    bool dirty = s->n_puts > 0;
    pthread_mutex_unlock(&s->lock);
    return dirty;
}

static bool step_done(sqlite3_stmt *q)
{
    bool ok = sqlite3_step(q) == SQLITE_DONE;
    sqlite3_reset(q);
    return ok;
}

static bool write_put(struct state *s, const struct put *p)
{
    sqlite3_stmt *q = p->value.ptr ? s->put_kv : s->delete_kv;
    sqlite3_bind_text(q, 1, p->owner, -1, SQLITE_STATIC);
    bind_blob(q, 2, p->key);
    if (p->value.ptr)
        bind_blob(q, 3, p->value);
    return step_done(q);
}

static bool write_all(struct state *s, const struct picking *puts, const char *reader,
                      const struct state_position *positions, uint32_t n)
{
    bool ok = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; i < puts->n && ok; i++)
        ok = write_put(s, puts->list[i]);
    for (uint32_t i = 0; i < n && ok; i++) {
        sqlite3_bind_text(s->put_position, 1, reader, -1, SQLITE_STATIC);
        bind_blob(s->put_position, 2, positions[i].shard);
        sqlite3_bind_int64(s->put_position, 3, (int64_t)positions[i].next);
        bind_blob(s->put_position, 4, positions[i].data);
        ok = step_done(s->put_position);
    }
    return ok && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

/* What is written to a file that has lost its name is gone with this process. */
static bool in_place(struct state *s)
{
    struct stat st;
    if (stat(s->file, &st) == 0)
        s->lost |= st.st_dev != s->dev || st.st_ino != s->ino;
    else
        s->lost |= errno == ENOENT || errno == ENOTDIR;
    return !s->lost;
}

bool state_lost(struct state *s)
{
    pthread_mutex_lock(&s->lock);
    bool lost = s->lost;
    pthread_mutex_unlock(&s->lock);
    return lost;
}

static void drop_puts(struct state *s, const struct picking *puts)
{
    for (size_t i = 0; i < puts->n; i++, s->n_puts--) {
        (void)tdelete(puts->list[i], &s->puts, put_compare);
        put_free(puts->list[i]);
    }
}

/* owner: only what it put; NULL: all. */
static bool commit_of(struct state *s, const char *owner, const char *reader,
                      const struct state_position *positions, uint32_t n, struct strbuf *why)
{
    pthread_mutex_lock(&s->lock);
    struct picking puts = {owner, xcalloc(s->n_puts + 1, sizeof *puts.list), 0};
    twalk_r(s->puts, pick_put, &puts);
    bool ok = in_place(s) && write_all(s, &puts, reader, positions, n);
    if (s->lost) {
        strbuf_printf(why,
                      "the state file %s was deleted or replaced while weir runs, so what is delivered from "
                      "now on could not be remembered; put it back, or start without positions",
                      s->file);
    } else if (ok) {
        drop_puts(s, &puts);
    } else {
        strbuf_printf(why, "cannot write the state file %s: %s", s->file, sqlite3_errmsg(s->db));
        if (!sqlite3_get_autocommit(s->db))
            (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    free(puts.list);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool state_commit(struct state *s, const char *reader, const struct state_position *positions, uint32_t n,
                  struct strbuf *why)
{
    return commit_of(s, NULL, reader, positions, n, why);
}

bool state_store(struct state *s, const char *owner, struct strbuf *why)
{
    return commit_of(s, owner, "", NULL, 0, why);
}

void state_forget(struct state *s)
{
    pthread_mutex_lock(&s->lock);
    tdestroy(s->puts, put_free);
    s->puts = NULL;
    s->n_puts = 0;
    s->over = true;
    pthread_mutex_unlock(&s->lock);
}

void state_again(struct state *s)
{
    pthread_mutex_lock(&s->lock);
    s->over = false;
    pthread_mutex_unlock(&s->lock);
}

/* ---- scan: rows and puts together, copied, so that each() may call anything ---- */
struct scan {
    const char *owner;
    struct weir_slice prefix;
    struct scanned {
        struct scanned *next;
        struct weir_slice key, value; /* value.ptr NULL: deleted by a put */
    } * rows;                         /* in key order */
    struct arena arena;
};

static int key_compare(struct weir_slice x, struct weir_slice y)
{
    size_t n = x.len < y.len ? x.len : y.len;
    int c = n ? memcmp(x.ptr, y.ptr, n) : 0;
    return c ? c : (x.len > y.len) - (x.len < y.len);
}

/* Both come in key order, rows before puts; a put takes the place of the row of its key. */
static struct scanned **scan_add(struct scan *scan, struct scanned **from, struct weir_slice key,
                                 struct weir_slice value)
{
    while (*from && key_compare((*from)->key, key) < 0)
        from = &(*from)->next;
    struct scanned *at = *from;
    if (!at || key_compare(at->key, key) != 0) {
        at = arena_alloc(&scan->arena, sizeof *at);
        at->next = *from;
        at->key = (struct weir_slice){arena_copy(&scan->arena, key.ptr, key.len), key.len};
        *from = at;
    }
    at->value =
        (struct weir_slice){value.ptr ? arena_copy(&scan->arena, value.ptr, value.len) : NULL, value.len};
    return from;
}

static void scan_put(const void *node, VISIT which, void *closure)
{
    struct scan *scan = closure;
    const struct put *p = *(struct put *const *)node;
    struct weir_slice prefix = scan->prefix;
    if ((which != postorder && which != leaf) || strcmp(p->owner, scan->owner) != 0 ||
        p->key.len < prefix.len || (prefix.len && memcmp(p->key.ptr, prefix.ptr, prefix.len) != 0))
        return;
    (void)scan_add(scan, &scan->rows, p->key, p->value);
}

static int scan_rows(struct state *s, struct scan *scan)
{
    static const char SQL[] =
        "SELECT key, value FROM kv WHERE owner = ?1 AND substr(key, 1, ?2) = ?3 ORDER BY key";
    struct scanned **from = &scan->rows;
    sqlite3_stmt *q = NULL;
    int status;
    if (sqlite3_prepare_v2(s->db, SQL, -1, &q, NULL) != SQLITE_OK)
        return step_row(s, q); /* says why */
    sqlite3_bind_text(q, 1, scan->owner, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, (int64_t)scan->prefix.len);
    bind_blob(q, 3, scan->prefix);
    while ((status = step_row(s, q)) == WEIR_OK) {
        struct weir_slice key = {sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0)};
        struct weir_slice value = {sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1)};
        value.ptr = value.ptr ? value.ptr : ""; /* empty is not deleted */
        from = scan_add(scan, from, key, value);
    }
    sqlite3_finalize(q);
    return status == WEIR_AGAIN ? WEIR_OK : status;
}

int state_scan(struct state *s, const char *owner, struct weir_slice prefix,
               int (*each)(void *opaque, struct weir_slice key, struct weir_slice value), void *opaque)
{
    struct scan scan = {.owner = owner, .prefix = prefix};
    pthread_mutex_lock(&s->lock);
    int status = scan_rows(s, &scan);
    twalk_r(s->puts, scan_put, &scan);
    pthread_mutex_unlock(&s->lock);
    for (const struct scanned *r = scan.rows; r && status == WEIR_OK; r = r->next)
        if (r->value.ptr)
            status = each(opaque, r->key, r->value);
    arena_free(&scan.arena);
    return status;
}
