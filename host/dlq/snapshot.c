/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot.c - one SQLite file to another, in one transaction (snapshot.h). */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 10000 /* whoever has it locked for itself alone does so for a moment */

static bool copy(sqlite3 *db, const char *to)
{
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &q, NULL) == SQLITE_OK &&
              sqlite3_bind_text(q, 1, to, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(q) == SQLITE_DONE;
    sqlite3_finalize(q);
    return ok;
}

/* For writing where that is permitted: what a killed weir left half done must be undone before the file can be read.
 * The log of changes is left as it is: to work it in is for those whose file it is. */
static bool copy_file(const char *from, const char *to, struct strbuf *why)
{
    sqlite3 *db = NULL;
    int way = access(from, W_OK) == 0 ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    bool ok = sqlite3_open_v2(from, &db, way, NULL) == SQLITE_OK &&
              sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK &&
              sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) == SQLITE_OK && copy(db, to);
    if (!ok)
        strbuf_printf(why, "cannot copy the state file %s: %s", from,
                      db ? sqlite3_errmsg(db) : "out of memory");
    sqlite3_close(db);
    return ok;
}

/* A state that is not there knows of nothing that was redriven; one that can not be read might. */
static bool copy_state(const struct snapshot *s, const char *dir, const char *name, struct strbuf *why)
{
    struct strbuf from = {0}, to = {0};
    bool ok = true;
    strbuf_printf(&from, "%s/%s.db", dir, name);
    strbuf_printf(&to, "%s/%s.db", s->dir.data, name);
    if (access(from.data, R_OK) == 0) {
        ok = copy_file(from.data, to.data, why);
    } else if (errno != ENOENT && errno != ENOTDIR) {
        strbuf_printf(why, "cannot copy the state file %s: %s", from.data, strerror(errno));
        ok = false;
    }
    strbuf_free(&from);
    strbuf_free(&to);
    return ok;
}

bool snapshot_make(struct snapshot *s, const char *dir, const char *name, struct strbuf *why)
{
    const char *tmp = getenv("TMPDIR");
    *s = (struct snapshot){{0}};
    strbuf_printf(&s->dir, "%s/weir-dlq-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(s->dir.data)) {
        strbuf_printf(why, "cannot make the folder %s: %s", s->dir.data, strerror(errno));
        strbuf_free(&s->dir);
        return false;
    }
    if (copy_state(s, dir, name, why))
        return true;
    strbuf_str(why, ", so what was redriven before is not known");
    snapshot_free(s);
    return false;
}

void snapshot_free(struct snapshot *s)
{
    DIR *d = s->dir.len ? opendir(s->dir.data) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    if (s->dir.len)
        (void)rmdir(s->dir.data);
    strbuf_free(&s->dir);
}
