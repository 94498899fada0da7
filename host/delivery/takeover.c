/* SPDX-License-Identifier: BSD-2-Clause */
/* takeover.c - moves rows of the state between the reader of all sinks and readers of their own (takeover.h).
 *
 * Rows of the source and of transforms move too: their owner is "source", or "source@SINK" for one of several.  A reader
 * has begun once its mark stands in kv: one that has no position then has delivered nothing yet.  A shard that not all
 * readers have a position for gets none, so its source reads it as a new one. */
#include "takeover.h"

#include "report/log.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MARKS   "readers" /* owner of the marks; no section has that title */
#define BUSY_MS 10000

struct move {
    sqlite3 *db;
    const struct pipeline_conf *conf;
    bool good;
};

/* Runs one statement with texts for ?1, ?2, ...; gives the first column of the first row, 0 when there is none. */
static int64_t run(struct move *m, const char *sql, ...)
{
    va_list ap;
    sqlite3_stmt *q = NULL;
    int64_t found = 0;
    int step = SQLITE_ERROR;
    if (!m->good)
        return 0;
    if (sqlite3_prepare_v2(m->db, sql, -1, &q, NULL) == SQLITE_OK) {
        va_start(ap, sql);
        for (int i = 1; i <= sqlite3_bind_parameter_count(q); i++)
            sqlite3_bind_text(q, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
        va_end(ap);
        step = sqlite3_step(q);
        if (step == SQLITE_ROW)
            found = sqlite3_column_int64(q, 0);
    }
    m->good = step == SQLITE_ROW || step == SQLITE_DONE;
    sqlite3_finalize(q);
    return found;
}

#define OF_READER   "substr(owner, -length(?1) - 1) = '@' || ?1"
#define OF_TOGETHER "(owner = 'source' OR owner LIKE 'transform %') AND instr(owner, '@') = 0"

static bool begun(struct move *m, const char *reader)
{
    return run(m, "SELECT count(*) FROM kv WHERE owner = '" MARKS "' AND key = CAST(?1 AS BLOB)", reader) > 0;
}

static bool stood_together(struct move *m)
{
    return run(m, "SELECT (SELECT count(*) FROM position WHERE reader = '') +"
                  " (SELECT count(*) FROM kv WHERE " OF_TOGETHER ")") > 0;
}

/* Each sink that has no reader yet gets one that stands where all of them stood. */
static bool part(struct move *m)
{
    bool moved = stood_together(m);
    for (size_t i = 0; i < m->conf->n_readers; i++) {
        const char *reader = m->conf->readers[i].reader;
        if (begun(m, reader))
            continue;
        run(m, "INSERT OR REPLACE INTO position SELECT ?1, shard, next, data FROM position WHERE reader = ''",
            reader);
        run(m, "INSERT OR REPLACE INTO kv SELECT owner || '@' || ?1, key, value FROM kv WHERE " OF_TOGETHER,
            reader);
        run(m, "INSERT INTO kv VALUES('" MARKS "', CAST(?1 AS BLOB), x'')", reader);
    }
    run(m, "DELETE FROM position WHERE reader = ''");
    run(m, "DELETE FROM kv WHERE " OF_TOGETHER);
    return moved;
}

/* The reader's part in the common position: what all before it had is narrowed down to what it has too. */
static void join_one(struct move *m, const char *reader, bool first)
{
    if (first) {
        run(m, "INSERT INTO position SELECT '', shard, next, data FROM position WHERE reader = ?1", reader);
        run(m,
            "INSERT INTO kv SELECT substr(owner, 1, length(owner) - length(?1) - 1), key, value FROM kv"
            " WHERE " OF_READER,
            reader);
    } else {
        run(m,
            "DELETE FROM position WHERE reader = '' AND shard NOT IN"
            " (SELECT shard FROM position WHERE reader = ?1)",
            reader);
        run(m,
            "INSERT OR REPLACE INTO position SELECT '', o.shard, o.next, o.data FROM position o JOIN position"
            " t ON t.reader = '' AND t.shard = o.shard WHERE o.reader = ?1 AND o.next < t.next",
            reader);
        run(m,
            "DELETE FROM kv WHERE " OF_TOGETHER " AND NOT EXISTS (SELECT 1 FROM kv o WHERE"
            " o.owner = kv.owner || '@' || ?1 AND o.key = kv.key)",
            reader);
    }
    run(m, "DELETE FROM position WHERE reader = ?1", reader);
    run(m, "DELETE FROM kv WHERE " OF_READER, reader);
    run(m, "DELETE FROM kv WHERE owner = '" MARKS "' AND key = CAST(?1 AS BLOB)", reader);
}

/* The readers of the sinks that are there become one. */
static bool join(struct move *m)
{
    bool moved = false;
    if (stood_together(m))
        return false;
    for (size_t i = 0; i < m->conf->n_sinks; i++) {
        const char *reader = m->conf->sinks[i].name;
        if (!begun(m, reader))
            continue;
        join_one(m, reader, !moved);
        moved = true;
    }
    return moved;
}

bool takeover(const struct state *state, const struct pipeline_conf *conf, bool *ret_moved,
              struct strbuf *why)
{
    struct move m = {.conf = conf, .good = true};
    bool part_now = conf->fan_out == FANOUT_INDEPENDENT;
    m.good = sqlite3_open_v2(state_file(state), &m.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
                 SQLITE_OK &&
             sqlite3_busy_timeout(m.db, BUSY_MS) == SQLITE_OK;
    run(&m, "BEGIN IMMEDIATE");
    *ret_moved = part_now ? part(&m) : join(&m);
    run(&m, "COMMIT");
    if (!m.good)
        strbuf_printf(why, "cannot take over the positions in %s: %s", state_file(state),
                      sqlite3_errmsg(m.db));
    else if (*ret_moved)
        log_line(WEIR_LOG_NOTICE, conf->name, "fan-out is %s now: %s", part_now ? "independent" : "together",
                 part_now ? "each sink goes on from where all of them stood"
                          : "all sinks go on from where the last of them stood, so others get records again");
    sqlite3_close(m.db); /* rolls back what was not committed */
    return m.good;
}
