/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot.c - one SQLite file to another, in one transaction (snapshot.h). */
#include "snapshot.h"

#include "report/log.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool copy(sqlite3 *db, const char *to)
{
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &q, NULL) == SQLITE_OK &&
              sqlite3_bind_text(q, 1, to, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(q) == SQLITE_DONE;
    sqlite3_finalize(q);
    return ok;
}

bool snapshot_make(struct snapshot *s, const char *dir, const char *name, struct strbuf *why)
{
    const char *tmp = getenv("TMPDIR");
    struct strbuf from = {0}, to = {0};
    sqlite3 *db = NULL;
    *s = (struct snapshot){{0}};
    strbuf_printf(&s->dir, "%s/weir-dlq-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(s->dir.data)) {
        strbuf_printf(why, "cannot make the folder %s: %s", s->dir.data, strerror(errno));
        strbuf_free(&s->dir);
        return false;
    }
    strbuf_printf(&from, "%s/%s.db", dir, name);
    strbuf_printf(&to, "%s/%s.db", s->dir.data, name);
    if (access(from.data, F_OK) == 0 &&
        (sqlite3_open_v2(from.data, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK || !copy(db, to.data))) {
        log_line(WEIR_LOG_WARNING, NULL,
                 "%s can not be read (%s), so what was redriven before is shown like the rest", from.data,
                 db ? sqlite3_errmsg(db) : "out of memory");
        (void)unlink(to.data);
    }
    sqlite3_close(db);
    strbuf_free(&from);
    strbuf_free(&to);
    return true;
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
