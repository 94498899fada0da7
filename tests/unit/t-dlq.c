/* SPDX-License-Identifier: BSD-2-Clause */
/* t-dlq.c - dead letters read back: headers to a record, runs of what was redriven, foreign bytes on a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery/state.h"
#include "dlq/letter.h"
#include "dlq/redriven.h"
#include "dlq/snapshot.h"
#include "dlq/text.h"
#include "scratch.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

static struct weir_slice text(const char *s)
{
    return (struct weir_slice){s, s ? strlen(s) : 0};
}

#define E "__connect.errors."
#define H(n, v)                                                                                              \
    {                                                                                                        \
        {n, sizeof(n) - 1},                                                                                  \
        {                                                                                                    \
            v, sizeof(v) - 1                                                                                 \
        }                                                                                                    \
    }
#define TEN(t, p, o)                                                                                         \
    H(E "topic", t), H(E "partition", p), H(E "offset", o), H(E "connector.name", "web"),                    \
        H(E "task.id", "0"), H(E "stage", "TASK_PUT"), H(E "class.name", "kafka"),                           \
        H(E "exception.class.name", "MSG_SIZE_TOO_LARGE"), H(E "exception.message", "too large"),            \
        H(E "exception.stacktrace", "[sink es] attempts 3, code 10")

static struct weir_record record(const struct weir_header *headers, uint32_t n)
{
    return (struct weir_record){.value = text("v"),
                                .topic = text("web.dead"),
                                .headers = headers,
                                .n_headers = n,
                                .partition = 5,
                                .offset = 77,
                                .seq = 77,
                                .next = 78};
}
#define RECORD(headers) record(headers, sizeof(headers) / sizeof *(headers))

static void is(struct weir_slice s, const char *wanted)
{
    assert_int_equal(s.len, strlen(wanted));
    assert_memory_equal(s.ptr, wanted, s.len);
}

static void headers_make_a_record_again(void **state)
{
    const struct weir_header headers[] = {H("own", "1"), H("own", "2"), TEN("web", "3", "41"),
                                          H("trace", "t")};
    struct weir_record r = RECORD(headers);
    struct arena arena = {0};
    struct letter l;
    (void)state;
    assert_true(letter_read(&r, &l));
    is(l.section, "sink es");
    is(l.message, "too large");
    assert_int_equal(l.code, 10);
    assert_int_equal(l.attempts, 0);
    is(letter_shard(&l, &arena), "web/3");
    letter_restore(&l, &r, &arena);
    is(r.topic, "web");
    assert_int_equal(r.partition, 3);
    assert_int_equal(r.offset, 41);
    assert_int_equal(r.seq, 41);
    assert_int_equal(r.next, 78); /* the place among the dead letters */
    assert_int_equal(r.n_headers, 3);
    is(r.headers[2].name, "trace");
    arena_free(&arena);
}

static void what_the_ten_do_not_say_comes_beside_them(void **state)
{
    const struct weir_header headers[] = {TEN("/var/log/a", "-1", "512"), H("weir.shard", "5f3c"),
                                          H("weir.topic", "web"),         H("weir.partition", "7"),
                                          H("weir.offset", "-1"),         H("weir.redrive.attempts", "2")};
    struct weir_record r = RECORD(headers);
    struct arena arena = {0};
    struct letter l;
    (void)state;
    assert_true(letter_read(&r, &l));
    assert_int_equal(l.partition, -1);
    assert_int_equal(l.attempts, 2);
    is(letter_shard(&l, &arena), "5f3c");
    letter_restore(&l, &r, &arena);
    is(r.topic, "web");
    assert_int_equal(r.partition, 7);
    assert_int_equal(r.offset, -1);
    assert_int_equal(r.seq, 512);
    assert_int_equal(r.n_headers, 0);
    arena_free(&arena);
}

static void a_dead_letter_of_a_dead_letter_is_the_inner_one(void **state)
{
    const struct weir_header headers[] = {TEN("web", "3", "41"), TEN("web.dead", "0", "7")};
    struct weir_record r = RECORD(headers);
    struct arena arena = {0};
    struct letter l;
    (void)state;
    assert_true(letter_read(&r, &l));
    letter_restore(&l, &r, &arena);
    is(r.topic, "web.dead");
    assert_int_equal(r.n_headers, 10);
    assert_true(letter_read(&r, &l));
    is(l.topic, "web");
    arena_free(&arena);
}

static void what_is_no_dead_letter_is_told(void **state)
{
    const struct weir_header none[] = {H("a", "1")}, half[] = {H(E "topic", "t"), H(E "partition", "0")},
                             odd[] = {TEN("t", "x", "1")}, minus[] = {TEN("t", "0", "-1")},
                             huge[] = {TEN("t", "2147483648", "1")},
                             much[] = {TEN("t", "1", "9223372036854775808")}, empty[] = {TEN("t", "", "1")},
                             sign[] = {TEN("t", "-", "1")};
    const struct weir_record all[] = {RECORD(none), RECORD(half), RECORD(odd),   RECORD(minus),
                                      RECORD(huge), RECORD(much), RECORD(empty), RECORD(sign)};
    const struct weir_record bare = {.value = text("v")};
    struct letter l;
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_false(letter_read(&all[i], &l));
    assert_false(letter_read(&bare, &l));
}

static void odd_traces_have_no_section(void **state)
{
    static const char *const traces[] = {"", "[", "[sink", "at a\nat b code 7", "code 1"};
    (void)state;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        struct weir_header headers[] = {TEN("t", "0", "1")};
        struct weir_record r = RECORD(headers);
        struct letter l;
        headers[9].value = text(traces[i]);
        assert_true(letter_read(&r, &l));
        assert_null(l.section.ptr);
        assert_int_equal(l.code, 0);
        headers[9].value = (struct weir_slice){NULL, 0};
        assert_true(letter_read(&r, &l));
    }
}

/* ---- redriven ------------------------------------------------------------------------------------------------ */

static struct state *open_state(void)
{
    struct strbuf why = {0};
    struct state *s = state_open(scratch_dir, "web.redrive", &why);
    if (!s)
        fail_msg("%s", why.data);
    strbuf_free(&why);
    return s;
}

static struct redriven *again(struct state *s, struct redriven *r)
{
    struct strbuf why = {0};
    assert_true(state_commit(s, "", NULL, 0, &why));
    redriven_free(r);
    r = redriven_load(s);
    assert_non_null(r);
    return r;
}

static void runs_of_positions_are_remembered(void **state)
{
    struct state *s = open_state();
    struct redriven *r = redriven_load(s);
    struct weir_slice a = text("t/0"), b = text("t/1");
    uint32_t lane = 0;
    (void)state;
    redriven_take(r, lane, a, 10, 11);
    redriven_take(r, lane, a, 12, 13); /* nothing was left between them */
    redriven_leave(r, a);
    redriven_take(r, lane, a, 20, 21);
    redriven_take(r, lane, b, 5, 9);
    redriven_commit(r, s, lane, a, 11);  /* not all of it is final */
    assert_true(redriven_has(r, a, 10)); /* known at once: its lane may be read anew */
    assert_false(redriven_has(r, a, 12));
    r = again(s, r);
    assert_true(redriven_has(r, a, 10));
    assert_false(redriven_has(r, a, 12));
    assert_false(redriven_has(r, b, 5));
    redriven_take(r, lane, a, 12, 13);
    redriven_leave(r, a);
    redriven_take(r, lane, a, 20, 21);
    redriven_take(r, lane, b, 5, 9);
    redriven_commit(r, s, lane, a, 21);
    redriven_commit(r, s, lane, b, 9);
    r = again(s, r);
    for (uint64_t i = 0; i < 30; i++)
        assert_int_equal(redriven_has(r, a, i), i == 10 || i == 12 || i == 20);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(redriven_has(r, b, i), i >= 5 && i < 9);
    redriven_free(r);
    state_close(s);
}

static void a_run_grows_over_commits(void **state)
{
    struct state *s = open_state();
    struct redriven *r = redriven_load(s);
    struct weir_slice a = text("t/0");
    uint32_t lane = 0;
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        redriven_take(r, lane, a, i, i + 1);
        if (i % 7 == 0)
            redriven_commit(r, s, lane, a, i);
    }
    redriven_commit(r, s, lane, a, 100);
    r = again(s, r);
    for (uint64_t i = 0; i < 101; i++)
        assert_int_equal(redriven_has(r, a, i), i < 100);
    redriven_take(r, lane, a, 200, 201); /* and one that was left before it */
    redriven_leave(r, a);
    redriven_take(r, lane, a, 210, 211);
    redriven_commit(r, s, lane, a, 211);
    r = again(s, r);
    redriven_take(r, lane, a, 150, 151);
    redriven_commit(r, s, lane, a, 151);
    for (uint64_t i = 100; i < 220; i++)
        assert_int_equal(redriven_has(r, a, i), i == 150 || i == 200 || i == 210);
    redriven_free(r);
    state_close(s);
}

/* The source lost the lane and reads it anew: what was on its way then is not known to have arrived. */
static void what_an_older_lane_took_is_not_done(void **state)
{
    struct state *s = open_state();
    struct redriven *r = redriven_load(s);
    struct weir_slice a = text("t/0");
    uint32_t before = 0, now = 1;
    (void)state;
    redriven_take(r, before, a, 0, 1);
    redriven_take(r, before, a, 1, 2);
    redriven_take(r, now, a, 1, 2);
    redriven_commit(r, s, before, a, 2);
    redriven_commit(r, s, now, a, 2);
    r = again(s, r);
    assert_false(redriven_has(r, a, 0));
    assert_true(redriven_has(r, a, 1));
    redriven_free(r);
    state_close(s);
}

static void another_topic_of_the_name_begins_anew(void **state)
{
    struct state *s = open_state();
    struct redriven *r = redriven_load(s);
    struct weir_slice a = text("t/0");
    uint32_t lane = 0;
    (void)state;
    redriven_take(r, lane, a, 0, 50);
    redriven_commit(r, s, lane, a, 50);
    r = again(s, r);
    assert_false(redriven_check(r, s, a, 50));
    assert_true(redriven_check(r, s, a, 49));
    assert_false(redriven_has(r, a, 3));
    r = again(s, r);
    assert_false(redriven_has(r, a, 3));
    redriven_free(r);
    state_close(s);
}

/* ---- snapshot ------------------------------------------------------------------------------------------------ */

static sqlite3 *holder; /* has the file for itself until somebody waits for it */

/* In the place of SQLite's waiting. */
static int let_go(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    sqlite3_close(holder);
    holder = NULL;
    return us;
}

static sqlite3 *database(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(scratch_path("web.redrive.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

/* A state that remembers the runs below 50 of one lane. */
static void remember(void)
{
    struct state *s = open_state();
    struct redriven *r = redriven_load(s);
    redriven_take(r, 0, text("t/0"), 0, 50);
    redriven_commit(r, s, 0, text("t/0"), 50);
    redriven_free(again(s, r));
    state_close(s);
}

static void copy_remembers(void)
{
    struct strbuf why = {0};
    struct snapshot copy;
    if (!snapshot_make(&copy, scratch_dir, "web.redrive", &why))
        fail_msg("%s", why.data);
    struct state *s = state_open(copy.dir.data, "web.redrive", &why);
    assert_non_null(s);
    struct redriven *r = redriven_load(s);
    assert_true(redriven_has(r, text("t/0"), 49));
    redriven_free(r);
    state_close(s);
    snapshot_free(&copy);
    strbuf_free(&why);
}

static void a_copy_waits_for_who_has_the_file_for_itself(void **state)
{
    (void)state;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int (*waits)(sqlite3_vfs *, int) = vfs->xSleep;
    remember();
    vfs->xSleep = let_go;
    holder = database("PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; PRAGMA user_version=1; COMMIT");
    copy_remembers();
    vfs->xSleep = waits;
    assert_null(holder);
}

/* Killed in a transaction that had begun to write to the file: what it wrote over lies in the journal. */
static void what_was_killed_half_way_is_undone(void **state)
{
    (void)state;
    remember();
    pid_t child = fork();
    if (child == 0) {
        database("PRAGMA journal_mode=DELETE; PRAGMA cache_size=1; BEGIN; DELETE FROM kv;"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 500)"
                 "INSERT INTO kv SELECT 'x', i, zeroblob(1000) FROM n");
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(scratch_exists("web.redrive.db-journal"));
    copy_remembers();
}

static void a_state_that_is_not_there_is_empty(void **state)
{
    struct strbuf why = {0};
    struct snapshot copy;
    (void)state;
    assert_true(snapshot_make(&copy, scratch_dir, "web.redrive", &why));
    snapshot_free(&copy);
    assert_true(snapshot_make(&copy, scratch_path("no/such"), "web.redrive", &why));
    snapshot_free(&copy);
    strbuf_free(&why);
}

static void a_state_that_can_not_be_read_is_not(void **state)
{
    struct strbuf why = {0};
    struct snapshot copy;
    (void)state;
    scratch_append("web.redrive.db",
                   "this is no database, and long enough for a header of one: " E E E E E E E E);
    assert_false(snapshot_make(&copy, scratch_dir, "web.redrive", &why));
    assert_non_null(strstr(why.data, "web.redrive.db: file is not a database, so what was redriven before"));
    strbuf_free(&why);
}

/* ---- text ---------------------------------------------------------------------------------------------------- */

static void shown(const char *bytes, size_t n, size_t most, const char *wanted, bool whole)
{
    struct strbuf out = {0};
    assert_int_equal(text_shown(&out, (struct weir_slice){bytes, n}, most), whole);
    assert_string_equal(out.data, wanted);
    strbuf_free(&out);
}

static void no_record_speaks_to_a_terminal(void **state)
{
    (void)state;
    shown("\033[31m\n\0x", 8, 100, "\\x1b[31m\\x0a\\x00x", true);
    shown("Zo\xc3\xab \xf0\x9f\x90\x8e", 9, 100, "Zo\xc3\xab \xf0\x9f\x90\x8e", true);
    shown("\xc2\x9b\xff\xc3", 4, 100, "\\xc2\\x9b\\xff\\xc3", true); /* C1, and what is not UTF-8 */
    shown("ab\xf0\x9f\x90\x8e", 6, 3, "ab\xf0\x9f\x90\x8e", true);   /* a character is not cut */
    shown("abcdef", 6, 3, "abc", false);
}

static void times_are_utc(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } all[] = {{0, "1970-01-01T00:00:00.000Z"},
               {1700000000123, "2023-11-14T22:13:20.123Z"},
               {-1, "1969-12-31T23:59:59.999Z"},
               {WEIR_NO_TIME, "-"}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct strbuf out = {0};
        text_time(&out, all[i].ms);
        assert_string_equal(out.data, all[i].text);
        strbuf_free(&out);
    }
}

static void json_of_any_bytes(void **state)
{
    struct strbuf out = {0};
    (void)state;
    text_json(&out, text("a\"\n"));
    text_json(&out, (struct weir_slice){"\xff", 1});
    text_json(&out, (struct weir_slice){NULL, 0});
    is((struct weir_slice){out.data, out.len}, "\"a\\\"\\n\"\"\\\\xff\"\"\"");
    strbuf_free(&out);
}

#define stored(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_make_a_record_again),
        cmocka_unit_test(what_the_ten_do_not_say_comes_beside_them),
        cmocka_unit_test(a_dead_letter_of_a_dead_letter_is_the_inner_one),
        cmocka_unit_test(what_is_no_dead_letter_is_told),
        cmocka_unit_test(odd_traces_have_no_section),
        stored(runs_of_positions_are_remembered),
        stored(a_run_grows_over_commits),
        stored(what_an_older_lane_took_is_not_done),
        stored(another_topic_of_the_name_begins_anew),
        stored(a_copy_waits_for_who_has_the_file_for_itself),
        stored(what_was_killed_half_way_is_undone),
        stored(a_state_that_is_not_there_is_empty),
        stored(a_state_that_can_not_be_read_is_not),
        cmocka_unit_test(no_record_speaks_to_a_terminal),
        cmocka_unit_test(times_are_utc),
        cmocka_unit_test(json_of_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
