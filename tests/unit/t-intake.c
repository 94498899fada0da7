/* SPDX-License-Identifier: BSD-2-Clause */
/* t-intake.c - the source's thread where something does not go straight: records that wait for the state while their lane
 * is skipped in or taken away, and a source that is not asked although it has something to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "whole.h"

#include <sqlite3.h>
#include <unistd.h>

enum { SKIPS, REVOKES, SPEAKS, FEEDS_TWICE };

static struct { /* self of the source: one lane, ten records, then one thing more in the same poll */
    struct weir_ctx *ctx;
    int does, pipe[2];
    bool fed;
    uint64_t n; /* fed so far */
    const struct weir_shard *lane;
    _Atomic int polls, revoked, early;
    _Atomic uint64_t committed, revoked_next;
} odd;

static int odd_create(struct weir_ctx *ctx, const void *self_of, void **self)
{
    odd.ctx = ctx;
    *self = (void *)(uintptr_t)self_of;
    return WEIR_OK;
}

static int odd_open(void *self)
{
    struct weir_shard desc = {.struct_size = sizeof desc, .id = {"a", 1}, .topic = {"t", 1}};
    struct weir_position at = {.struct_size = sizeof at};
    (void)self;
    if (odd.does == SPEAKS)
        odd.ctx->host->watch_fd(odd.ctx, odd.pipe[0], WEIR_FD_READ);
    return odd.ctx->host->shard_open(odd.ctx, &desc, &odd.lane, &at);
}

static void odd_feed(struct weir_emitter *e)
{
    struct weir_record all[10];
    struct weir_run run = {.struct_size = sizeof run, .stride = sizeof *all, .count = 10, .records = all};
    uint32_t taken = 0;
    for (uint64_t i = 0; i < 10; i++)
        all[i] = (struct weir_record){.shard = odd.lane,
                                      .value = {"x", 1},
                                      .seq = odd.n + i,
                                      .next = odd.n + i + 1,
                                      .time_ms = WEIR_NO_TIME};
    odd.n += 10;
    (void)odd.ctx->host->state_put(odd.ctx, (struct weir_slice){"name", 4}, (struct weir_slice){"odd", 3});
    if (odd.ctx->host->emit(e, &run, &taken) != WEIR_OK || taken != 10)
        abort();
}

static int odd_poll(void *self, struct weir_emitter *e, const struct weir_poll *poll)
{
    (void)self;
    (void)poll;
    atomic_fetch_add(&odd.polls, 1);
    if (odd.does == SPEAKS)
        return WEIR_RETRY;
    if (odd.fed && (odd.does != FEEDS_TWICE || odd.n > 10 || atomic_load(&one.records) < 10))
        return WEIR_AGAIN;
    odd_feed(e);
    odd.fed = true;
    if (odd.does == SKIPS)
        odd.ctx->host->shard_skip(odd.ctx, odd.lane, 20);
    else if (odd.does == REVOKES && odd.ctx->host->shard_revoke(odd.ctx, &odd.lane, 1, 60000) != WEIR_OK)
        return WEIR_FATAL;
    return WEIR_OK;
}

static int odd_committed(void *self, const struct weir_position *p, uint32_t n, uint32_t stride,
                         uint32_t final)
{
    (void)self;
    (void)stride;
    (void) final;
    if (n && atomic_load(&one.records) < 10)
        atomic_fetch_add(&odd.early, 1);
    if (n)
        atomic_store(&odd.committed, p->next);
    return WEIR_OK;
}

static int odd_revoked(void *self, const struct weir_position *p, uint32_t n, uint32_t stride)
{
    (void)self;
    (void)stride;
    atomic_store(&odd.revoked_next, n ? p->next : 0);
    atomic_fetch_add(&odd.revoked, 1);
    return WEIR_OK;
}

static const struct weir_ops odd_ops = {.struct_size = sizeof odd_ops,
                                        .kind = WEIR_SOURCE,
                                        .promises = WEIR_REPLAYABLE | WEIR_OWN_POSITION,
                                        .create = odd_create,
                                        .open = odd_open,
                                        .poll = odd_poll,
                                        .committed = odd_committed,
                                        .revoked = odd_revoked,
                                        .destroy = rig_destroy};

static void begin(int does)
{
    memset(&odd, 0, sizeof odd);
    odd.does = does;
    rig.conf.source.ops = &odd_ops;
    rig.conf.commit_ms = does == FEEDS_TWICE ? 3600000 : 1;
    rig_build(&rig);
}

/* What is put can not be stored without its table. */
static void tables(const char *sql)
{
    char path[4200];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/rig.db", scratch_dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 60000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int rows_of(const char *sql)
{
    char path[4200];
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    (void)snprintf(path, sizeof path, "%s/rig.db", scratch_dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 60000), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int n = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

/* The length of a file without the position that belongs to it would repeat what lies between after a crash. */
static void what_a_sink_put_waits_for_its_commit(void **state)
{
    (void)state;
    one.promises = WEIR_COMMITS;
    one.puts = true;
    begin(FEEDS_TWICE);
    pipeline_start(rig.p);
    AWAIT(atomic_load(&one.records) == 20);
    assert_int_equal(rows_of("SELECT count(*) FROM kv WHERE key = CAST('name' AS BLOB)"), 1);
    assert_int_equal(rows_of("SELECT count(*) FROM kv WHERE key = CAST('half' AS BLOB)"), 0);
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(rows_of("SELECT count(*) FROM kv WHERE key = CAST('half' AS BLOB)"), 1);
}

static void a_skip_stands_behind_records_that_wait_for_the_state(void **state)
{
    (void)state;
    begin(SKIPS);
    tables("ALTER TABLE kv RENAME TO away");
    pipeline_start(rig.p);
    AWAIT(odd.polls >= 4);
    assert_int_equal(one.records, 0);
    tables("ALTER TABLE away RENAME TO kv");
    AWAIT(odd.committed == 20);
    assert_int_equal(odd.early, 0);
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(books().delivered, 10);
}

static void a_lane_taken_away_takes_what_waits_for_the_state_along(void **state)
{
    (void)state;
    begin(REVOKES);
    tables("ALTER TABLE kv RENAME TO away");
    pipeline_start(rig.p);
    AWAIT(odd.revoked == 1);
    assert_int_equal(odd.revoked_next, 10);
    assert_int_equal(books().delivered, 10);
    tables("ALTER TABLE away RENAME TO kv");
    pipeline_stop(rig.p);
    assert_true(join());
    assert_int_equal(books().read, 10);
}

static void an_unwell_source_with_something_to_say_costs_nothing(void **state)
{
    (void)state;
    begin(SPEAKS);
    assert_int_equal(pipe(odd.pipe), 0);
    assert_int_equal(write(odd.pipe[1], "x", 1), 1);
    pipeline_start(rig.p);
    AWAIT(odd.polls >= 3); /* 50 ms and more, 100 ms and more between them */
    assert_in_range(atomic_load(&rig.p->intake.loop.wakeups), 2, 40);
    pipeline_stop(rig.p);
    assert_true(join());
    (void)close(odd.pipe[0]);
    (void)close(odd.pipe[1]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_sink_put_waits_for_its_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_skip_stands_behind_records_that_wait_for_the_state, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_lane_taken_away_takes_what_waits_for_the_state_along, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_unwell_source_with_something_to_say_costs_nothing, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
