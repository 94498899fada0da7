/* SPDX-License-Identifier: BSD-2-Clause */
/* t-state.c - what a pipeline finds after a restart is of one moment, whatever happened to the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery/state.h"
#include "scratch.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

static struct strbuf why, got;
static unsigned synced; /* how often a log of SQLite's was */

/* SQLite finds this one before the C library's. */
int fdatasync(int fd)
{
    char link[64], path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    synced += n > 4 && !memcmp(path + n - 4, "-wal", 4);
    return fsync(fd);
}

static struct weir_slice text(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

static struct state *opened(void)
{
    why.len = 0;
    struct state *s = state_open(scratch_dir, "web", &why);
    if (!s)
        fail_msg("%s", why.data);
    return s;
}

static int done(void **state)
{
    strbuf_free(&why);
    strbuf_free(&got);
    return scratch_remove(state);
}

static bool commit(struct state *s, const char *shard, uint64_t next)
{
    struct state_position p = {text(shard), next, text("data of it")};
    why.len = 0;
    return state_commit(s, "", &p, 1, &why);
}

static uint64_t position(struct state *s, const char *shard)
{
    uint64_t next = 0;
    int status = state_position(s, "", text(shard), &next, &got);
    assert_int_not_equal(status, WEIR_FATAL);
    return status == WEIR_OK ? next : 0;
}

static void value_is(struct state *s, const char *owner, const char *key, const char *value)
{
    int status = state_get(s, owner, text(key), &got);
    assert_int_equal(status, value ? WEIR_OK : WEIR_AGAIN);
    if (value) {
        assert_int_equal(got.len, strlen(value));
        assert_memory_equal(got.data, value, got.len);
    }
}

static void positions_and_puts_are_stored_together(void **state)
{
    (void)state;
    struct state *s = opened();
    assert_int_equal(position(s, "a/0"), 0);
    state_put(s, "source", text("k"), text("v"));
    assert_true(state_dirty(s));
    value_is(s, "source", "k", "v"); /* before it is stored */
    assert_true(commit(s, "a/0", UINT64_MAX));
    assert_false(state_dirty(s));
    state_put(s, "source", text("k"), text("later"));
    state_close(s);
    s = opened();
    assert_int_equal(position(s, "a/0"), UINT64_MAX);
    assert_int_equal(got.len, 10);
    assert_memory_equal(got.data, "data of it", 10);
    value_is(s, "source", "k", "v"); /* what was not committed is not there */
    state_close(s);
}

static void what_one_owner_put_is_stored_alone(void **state)
{
    (void)state;
    struct state *s = opened();
    state_put(s, "source", text("a"), text("1"));
    state_put(s, "sink", text("b"), text("2"));
    state_put(s, "source", text("c"), text("3"));
    assert_true(state_store(s, "source", &why));
    assert_true(state_dirty(s));
    value_is(s, "sink", "b", "2");
    state_close(s); /* before the commit */
    s = opened();
    value_is(s, "source", "a", "1");
    value_is(s, "source", "c", "3");
    value_is(s, "sink", "b", NULL);
    state_close(s);
}

static void readers_and_owners_do_not_see_each_other(void **state)
{
    uint64_t next;
    (void)state;
    struct state *s = opened();
    state_put(s, "source", text("k"), text("1"));
    state_put(s, "sink", text("k"), text("2"));
    struct state_position p = {text("a"), 7, {NULL, 0}};
    assert_true(state_commit(s, "es", &p, 1, &why));
    value_is(s, "source", "k", "1");
    value_is(s, "sink", "k", "2");
    value_is(s, "other", "k", NULL);
    assert_int_equal(position(s, "a"), 0);
    assert_int_equal(state_position(s, "es", text("a"), &next, &got), WEIR_OK);
    assert_int_equal(next, 7);
    state_close(s);
}

static void keys_and_values_are_any_bytes(void **state)
{
    (void)state;
    struct state *s = opened();
    struct weir_slice key = {"a\0b", 3}, shorter = {"a", 1};
    for (int stored = 0; stored < 2; stored++) {
        state_put(s, "o", key, (struct weir_slice){"\0\xff", 2});
        state_put(s, "o", shorter, (struct weir_slice){"", 0});
        if (stored)
            assert_true(commit(s, "x", 1));
        assert_int_equal(state_get(s, "o", key, &got), WEIR_OK);
        assert_int_equal(got.len, 2);
        assert_int_equal(state_get(s, "o", shorter, &got), WEIR_OK);
        assert_int_equal(got.len, 0);
    }
    state_put(s, "o", key, (struct weir_slice){NULL, 0});
    assert_int_equal(state_get(s, "o", key, &got), WEIR_AGAIN);
    assert_true(commit(s, "x", 2));
    assert_int_equal(state_get(s, "o", key, &got), WEIR_AGAIN);
    state_close(s);
}

/* No file may grow beyond it, as on a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void puts_outlive_a_commit_that_failed(void **state)
{
    char large[60000];
    (void)state;
    memset(large, 'x', sizeof large);
    struct state *s = opened();
    assert_true(commit(s, "a", 1));
    signal(SIGXFSZ, SIG_IGN);
    limit_files(40000);
    state_put(s, "sink", text("size"), text("10"));
    state_put(s, "sink", text("large"), (struct weir_slice){large, sizeof large});
    assert_false(commit(s, "a", 2));
    assert_non_null(strstr(why.data, "web.db"));
    assert_true(state_dirty(s));
    assert_int_equal(position(s, "a"), 1); /* neither half */
    value_is(s, "sink", "size", "10");
    assert_false(commit(s, "a", 3));
    limit_files(RLIM_INFINITY);
    state_put(s, "sink", text("size"), text("20")); /* replaces what waits */
    assert_true(commit(s, "a", 4));
    assert_false(state_dirty(s));
    state_close(s);
    s = opened();
    assert_int_equal(position(s, "a"), 4);
    value_is(s, "sink", "size", "20");
    state_close(s);
}

static void a_second_run_is_refused(void **state)
{
    (void)state;
    struct state *s = opened();
    assert_null(state_open(scratch_dir, "web", &why));
    assert_non_null(strstr(why.data, "web runs already"));
    why.len = 0;
    struct state *other = state_open(scratch_dir, "other", &why);
    assert_non_null(other);
    state_close(other);
    state_close(s);
    state_close(opened());
}

static void another_schema_is_refused_and_left_alone(void **state)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    (void)state;
    assert_int_equal(sqlite3_open(scratch_path("web.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_null(state_open(scratch_dir, "web", &why));
    assert_non_null(strstr(why.data, "another version"));
    assert_int_equal(sqlite3_open(scratch_path("web.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_master", -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(q, 0), 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
}

static void what_is_no_database_is_refused(void **state)
{
    char junk[5000];
    (void)state;
    memset(junk, 'j', sizeof junk - 1);
    junk[sizeof junk - 1] = 0;
    scratch_rewrite("web.db", junk);
    assert_null(state_open(scratch_dir, "web", &why));
    assert_non_null(strstr(why.data, "web.db"));
    assert_string_equal(scratch_read("web.db"), junk);
}

static void a_folder_that_can_not_be_made_is_told(void **state)
{
    (void)state;
    scratch_rewrite("file", "x");
    assert_null(state_open(scratch_path("file/below"), "web", &why));
    assert_non_null(strstr(why.data, "--state-dir"));
}

/* ---- scan ---- */
struct seen {
    struct state *state;
    char text[512];
    int stop_after, n;
};

static int note(void *opaque, struct weir_slice key, struct weir_slice value)
{
    struct seen *seen = opaque;
    size_t n = strlen(seen->text);
    (void)snprintf(seen->text + n, sizeof seen->text - n, "%.*s=%.*s ", (int)key.len, (const char *)key.ptr,
                   (int)value.len, (const char *)value.ptr);
    if (state_get(seen->state, "o", key, &got) != WEIR_OK) /* it may call back */
        return WEIR_FATAL;
    state_put(seen->state, "o", text("added while scanning"), text("x"));
    return ++seen->n == seen->stop_after ? WEIR_REJECT : WEIR_OK;
}

static void a_scan_sees_rows_and_puts_in_order_and_stores_nothing(void **state)
{
    struct seen seen = {0};
    (void)state;
    struct state *s = seen.state = opened();
    static const char *const keys[] = {"f/b", "f/d", "g/a", "f/a", "f", "f/c"};
    for (size_t i = 0; i < 6; i++)
        state_put(s, "o", text(keys[i]), text("stored"));
    state_put(s, "other", text("f/x"), text("not mine"));
    assert_true(commit(s, "a", 1));
    state_put(s, "o", text("f/e"), text("put"));
    state_put(s, "o", text("f/0"), text("put"));
    state_put(s, "o", text("f/c"), text("changed"));
    state_put(s, "o", text("f/b"), (struct weir_slice){NULL, 0});
    state_put(s, "other", text("f/y"), text("not mine"));
    assert_int_equal(state_scan(s, "o", text("f/"), note, &seen), WEIR_OK);
    assert_string_equal(seen.text, "f/0=put f/a=stored f/c=changed f/d=stored f/e=put ");
    assert_true(state_dirty(s));
    seen = (struct seen){.state = s, .stop_after = 2};
    assert_int_equal(state_scan(s, "o", text("f/"), note, &seen), WEIR_REJECT);
    assert_string_equal(seen.text, "f/0=put f/a=stored ");
    seen = (struct seen){.state = s};
    assert_int_equal(state_scan(s, "nobody", text(""), note, &seen), WEIR_OK);
    assert_string_equal(seen.text, "");
    state_close(s);
    s = opened(); /* a scan makes nothing durable: half of a commit might be among the puts */
    value_is(s, "o", "f/e", NULL);
    value_is(s, "o", "f/b", "stored");
    state_close(s);
}

/* ---- a write-ahead log that was cut short ---- */
static void a_log_cut_short_opens_at_an_earlier_commit(void **state)
{
    char db[16384], wal[262144], number[32];
    struct stat st;
    (void)state;
    struct state *s = opened();
    for (uint64_t i = 1; i <= 20; i++) {
        (void)snprintf(number, sizeof number, "%lu", (unsigned long)i);
        state_put(s, "sink", text("n"), text(number));
        assert_true(commit(s, "a", i));
    }
    int from = open(scratch_path("web.db"), O_RDONLY | O_CLOEXEC);
    ssize_t db_len = read(from, db, sizeof db);
    close(from);
    from = open(scratch_path("web.db-wal"), O_RDONLY | O_CLOEXEC);
    ssize_t wal_len = read(from, wal, sizeof wal);
    close(from);
    state_close(s);
    assert_true(db_len >= 0 && wal_len > 20000 && wal_len < (ssize_t)sizeof wal);
    uint64_t last = 0;
    for (ssize_t cut = 0; cut <= wal_len;
         cut += cut + 1777 > wal_len && cut < wal_len ? wal_len - cut : 1777) {
        (void)unlink(scratch_path("web.db-shm"));
        int to = open(scratch_path("web.db"), O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(to, db, (size_t)db_len), db_len);
        close(to);
        to = open(scratch_path("web.db-wal"), O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(to, wal, (size_t)cut), cut);
        close(to);
        s = opened();
        uint64_t at = position(s, "a");
        (void)snprintf(number, sizeof number, "%lu", (unsigned long)at);
        value_is(s, "sink", "n", at ? number : NULL); /* both of one moment */
        assert_true(at >= last);
        last = at;
        state_close(s);
    }
    assert_int_equal(last, 20);
    assert_int_equal(stat(scratch_path("web.db"), &st), 0);
}

/* ---- every byte of the last transaction ---- */

struct bytes {
    char *data;
    size_t len;
};

static struct bytes bytes_of(const char *name)
{
    struct stat st;
    int fd = open(scratch_path(name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    struct bytes b = {test_malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    assert_int_equal(read(fd, b.data, b.len), (ssize_t)b.len);
    close(fd);
    return b;
}

static void put_bytes(const char *name, const char *data, size_t len)
{
    int fd = open(scratch_path(name), O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

/* A database in the middle of its life: 10 commits in the log, and how long the log was before the last of them. */
struct life {
    struct bytes db, wal;
    size_t before_last;
};

static struct life lived(void)
{
    struct life life = {0};
    struct stat st;
    char number[32];
    struct state *s = opened();
    for (uint64_t i = 1; i <= 10; i++) {
        assert_true(i == 1 || stat(scratch_path("web.db-wal"), &st) == 0);
        life.before_last = i == 1 ? 0 : (size_t)st.st_size;
        (void)snprintf(number, sizeof number, "%lu", (unsigned long)i);
        state_put(s, "sink", text("n"), text(number));
        assert_true(commit(s, "a", i));
    }
    life.db = bytes_of("web.db");
    life.wal = bytes_of("web.db-wal");
    state_close(s);
    return life;
}

static void life_free(struct life *life)
{
    test_free(life->db.data);
    test_free(life->wal.data);
}

/* Opens this log beside the database; returns which commit is found, the position and the put of one moment. */
static uint64_t found_in(const struct life *life, const char *wal, size_t len)
{
    char number[32];
    (void)unlink(scratch_path("web.db-shm"));
    put_bytes("web.db", life->db.data, life->db.len);
    put_bytes("web.db-wal", wal, len);
    struct state *s = opened();
    uint64_t at = position(s, "a");
    (void)snprintf(number, sizeof number, "%lu", (unsigned long)at);
    value_is(s, "sink", "n", at ? number : NULL);
    state_close(s);
    return at;
}

static void the_last_transaction_cut_at_every_byte(void **state)
{
    (void)state;
    struct life life = lived();
    assert_true(life.before_last > 0 && life.before_last < life.wal.len);
    for (size_t cut = life.before_last; cut < life.wal.len; cut++)
        if (found_in(&life, life.wal.data, cut) != 9)
            fail_msg("cut at byte %zu of %zu", cut, life.wal.len);
    assert_int_equal(found_in(&life, life.wal.data, life.wal.len), 10);
    life_free(&life);
}

/* A byte of it that is wrong, as after a write that the disk did in part: each eighth byte, a bit of it in turn. */
static void the_last_transaction_with_a_bit_wrong(void **state)
{
    (void)state;
    struct life life = lived();
    for (size_t at = life.before_last; at < life.wal.len; at += 8) {
        life.wal.data[at] ^= (char)(1 << (at / 8 % 8));
        if (found_in(&life, life.wal.data, life.wal.len) != 9)
            fail_msg("bit %zu of byte %zu of %zu", at / 8 % 8, at, life.wal.len);
        life.wal.data[at] ^= (char)(1 << (at / 8 % 8));
    }
    life_free(&life);
}

/* ---- a file that is taken away, or can not be what it was ---- */
static void a_file_taken_away_takes_no_more_commits(void **state)
{
    (void)state;
    struct state *s = opened();
    assert_true(commit(s, "a", 1));
    assert_false(state_lost(s));
    assert_int_equal(rename(scratch_path("web.db"), scratch_path("kept.db")), 0);
    assert_false(commit(s, "a", 2));
    assert_true(state_lost(s));
    assert_non_null(strstr(why.data, "deleted or replaced"));
    scratch_rewrite("web.db", "another file");
    assert_false(commit(s, "a", 3));
    assert_int_equal(rename(scratch_path("kept.db"), scratch_path("web.db")), 0);
    assert_false(commit(s, "a", 4)); /* for good: what was lost meanwhile nobody knows */
    state_close(s);
    s = opened();
    assert_int_equal(position(s, "a"), 1);
    state_close(s);
}

static void a_damaged_file_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct state *s = opened();
    char number[32];
    for (uint64_t i = 1; i <= 300; i++) { /* several pages */
        (void)snprintf(number, sizeof number, "shard %lu", (unsigned long)i);
        assert_true(commit(s, number, i));
    }
    state_close(s);
    struct bytes good = bytes_of("web.db");
    assert_true(good.len > 3 * 4096);
    for (size_t page = 1; page < good.len / 4096; page++) {
        char *bad = test_malloc(good.len);
        memcpy(bad, good.data, good.len);
        memset(bad + page * 4096, 0xa5, 100);
        put_bytes("web.db", bad, good.len);
        why.len = 0;
        assert_null(state_open(scratch_dir, "web", &why));
        assert_non_null(strstr(why.data, "move it away"));
        struct bytes now = bytes_of("web.db");
        assert_int_equal(now.len, good.len);
        assert_memory_equal(now.data, bad, good.len);
        test_free(now.data);
        test_free(bad);
    }
    test_free(good.data);
}

static void forgotten_puts_are_as_if_never_put(void **state)
{
    (void)state;
    struct state *s = opened();
    state_put(s, "o", text("k"), text("stored"));
    assert_true(commit(s, "a", 1));
    state_put(s, "o", text("k"), text("put"));
    state_forget(s);
    assert_false(state_dirty(s));
    value_is(s, "o", "k", "stored");
    state_put(s, "o", text("k"), text("late")); /* of a commit that was under way */
    assert_false(state_dirty(s));
    value_is(s, "o", "k", "stored");
    state_again(s);
    state_put(s, "o", text("k"), text("again"));
    value_is(s, "o", "k", "again");
    state_close(s);
}

/* The source's own store hears of a commit after it: what a power failure undid here would be left out there. */
static void a_commit_is_on_the_disk_when_it_is_done(void **state)
{
    (void)state;
    struct state *s = opened();
    for (uint64_t next = 1; next < 4; next++) {
        synced = 0;
        assert_true(commit(s, "a/0", next));
        assert_int_not_equal(synced, 0);
    }
    state_close(s);
}

static void the_folder_is_chosen_in_order(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/srv/a:/srv/b", 1);
    state_choose_dir("/given", &got);
    assert_string_equal(got.data, "/given");
    state_choose_dir(NULL, &got);
    assert_string_equal(got.data, "/srv/a");
    unsetenv("STATE_DIRECTORY");
}

#define in_memory(f) cmocka_unit_test_setup_teardown(f, scratch_in_memory, done)
#define test(f)      cmocka_unit_test_setup_teardown(f, scratch_make, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(positions_and_puts_are_stored_together),
        test(what_one_owner_put_is_stored_alone),
        test(readers_and_owners_do_not_see_each_other),
        test(keys_and_values_are_any_bytes),
        test(puts_outlive_a_commit_that_failed),
        test(a_second_run_is_refused),
        test(another_schema_is_refused_and_left_alone),
        test(what_is_no_database_is_refused),
        test(a_folder_that_can_not_be_made_is_told),
        test(a_scan_sees_rows_and_puts_in_order_and_stores_nothing),
        in_memory(a_log_cut_short_opens_at_an_earlier_commit),
        in_memory(the_last_transaction_cut_at_every_byte),
        in_memory(the_last_transaction_with_a_bit_wrong),
        test(a_file_taken_away_takes_no_more_commits),
        in_memory(a_damaged_file_is_refused_and_left_alone),
        test(forgotten_puts_are_as_if_never_put),
        test(a_commit_is_on_the_disk_when_it_is_done),
        test(the_folder_is_chosen_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
