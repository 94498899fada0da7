/* SPDX-License-Identifier: BSD-2-Clause */
/* t-file-compress.c - the file sink with compress: what gzip(1) and zstd(1) read back, crashes, full disks, rotation. */
#include "harness.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "scratch.h"

#define TEXT (4u << 20)

static const char *kind; /* gzip or zstd, of the test that runs */
static char *got, *want; /* TEXT bytes each */
static size_t want_len;

static const char *options(const char *more)
{
    static char text[1024];
    (void)snprintf(text, sizeof text, "compress = %s\n%s", kind, more);
    return scratch_options(text);
}

static struct harness *start(const char *more)
{
    return harness_start("file", WEIR_SINK, options(more));
}

/* Expects this line in the file, too. */
static void expect_more(const char *line)
{
    size_t n = strlen(line);
    assert_true(want_len + n + 1 < TEXT);
    memcpy(want + want_len, line, n);
    want[want_len + n] = '\n';
    want_len += n + 1;
}

/* What the program for it reads from the file; gives whether it found nothing wrong. */
static bool read_back(const char *name, size_t *ret_len)
{
    char command[8192];
    FILE *from;
    size_t n;
    (void)snprintf(command, sizeof command, "%s -dc <'%s' 2>/dev/null", kind, scratch_path(name));
    from = popen(command, "r"); // NOLINT: a fixed command
    assert_non_null(from);
    n = fread(got, 1, TEXT, from);
    *ret_len = n;
    return pclose(from) == 0;
}

static void expect_text(const char *name, const char *text, size_t len)
{
    size_t n;
    assert_true(read_back(name, &n));
    assert_int_equal(n, len);
    assert_memory_equal(got, text, len);
}

static void expect_wanted(const char *name)
{
    expect_text(name, want, want_len);
}

static off_t size_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(scratch_path(name), &st), 0);
    return st.st_size;
}

static void write_status(struct harness *h, const char *const *values, uint32_t n, int status)
{
    struct weir_batch *b = harness_values(h, values, n);
    assert_int_equal(harness_write(h, b), status);
    assert_true(status != WEIR_OK || (harness_completed(b) && !harness_failed(b)));
}

static void write_one(struct harness *h, const char *value)
{
    write_status(h, &value, 1, WEIR_OK);
}

static void commit(struct harness *h)
{
    assert_int_equal(harness_sink_commit(h, NULL, 0, "test"), WEIR_OK);
}

/* n lines of 99 bytes that hardly compress, the same for the same seed. */
static const char **noise(uint32_t n, uint64_t seed)
{
    static char lines[4096][100];
    static const char *values[4096];
    assert_true(n <= 4096);
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < 99; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            lines[i][k] = (char)('0' + (seed >> 33) % 64);
        }
        lines[i][99] = '\0';
        values[i] = lines[i];
    }
    return values;
}

static void expect_noise(const char *const *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        expect_more(values[i]);
}

struct kept {
    char key[4500], value[256];
    size_t len;
};

static void state_keep(struct harness *h, const char *name, struct kept *to)
{
    struct weir_slice row;
    (void)snprintf(to->key, sizeof to->key, "f/%s", scratch_path(name));
    row = harness_state_get(h, to->key);
    assert_non_null(row.ptr);
    to->len = row.len;
    memcpy(to->value, row.ptr, row.len);
}

static struct harness *start_after(const struct kept *kept, const char *more)
{
    struct harness *h = harness_load("file", WEIR_SINK, options(more));
    harness_state_set(h, kept->key, (struct weir_slice){kept->value, kept->len});
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    return h;
}

static void limit_file_size(rlim_t n)
{
    struct rlimit limit;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* ---- what comes back ------------------------------------------------------------------------------------------ */

static void a_member_ends_at_each_commit(void **state)
{
    struct harness *h = start("path = $/out\n");
    off_t first;
    (void)state;
    for (int i = 0; i < 500; i++) {
        write_one(h, "{\"host\":\"web-1\",\"message\":\"connection reset by peer\"}");
        expect_more("{\"host\":\"web-1\",\"message\":\"connection reset by peer\"}");
    }
    assert_int_equal(size_of("out"), 0);
    commit(h);
    expect_wanted("out");
    first = size_of("out");
    assert_true((size_t)first < want_len / 20); /* not one member for each of the 500 batches */
    write_one(h, "");
    expect_more("");
    commit(h);
    commit(h);
    expect_wanted("out");
    harness_free(h);
    assert_true(size_of("out") > first);
}

static void without_commits_a_member_ends_at_each_batch(void **state)
{
    struct harness *h = start("path = $/out\nfsync = none\n");
    (void)state;
    assert_false(harness_promises(h) & WEIR_STREAM);
    for (int i = 0; i < 5; i++) {
        write_one(h, "one line");
        expect_more("one line");
        expect_wanted("out");
    }
    harness_free(h);
    h = start("path = $/out\nfsync = none\n");
    write_one(h, "another run");
    expect_more("another run");
    expect_wanted("out");
    harness_free(h);
}

static void more_than_the_buffer_goes_through(void **state)
{
    static char large[700001];
    const char *large_value = large;
    struct harness *h = start("path = $/out\n");
    (void)state;
    memset(large, 'v', sizeof large - 1);
    for (uint64_t round = 0; round < 5; round++) {
        const char **values = noise(1000, round);
        write_status(h, values, 1000, WEIR_OK);
        expect_noise(values, 1000);
        if (round == 2) {
            write_status(h, &large_value, 1, WEIR_OK);
            expect_more(large);
        }
    }
    commit(h);
    expect_wanted("out");
    harness_free(h);
}

static void many_files(const char *more)
{
    struct harness *h = start(more);
    char text[200][32], name[32];
    const char *values[200];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(text[i], sizeof text[i], "{\"d\":%d}", i);
        values[i] = text[i];
    }
    for (int round = 0; round < 3; round++) {
        write_status(h, values, 200, WEIR_OK);
        write_status(h, values, 30, WEIR_OK);
        if (round != 1 && harness_promises(h) & WEIR_COMMITS)
            commit(h);
    }
    harness_free(h);
    for (int i = 0; i < 200; i += 23) {
        (void)snprintf(name, sizeof name, "%d.log", i);
        want_len = 0;
        for (int k = 0; k < (i < 30 ? 6 : 3); k++)
            expect_more(text[i]);
        expect_wanted(name);
    }
}

static void many_files_with_few_open(void **state)
{
    (void)state;
    many_files("path = $/{.d}.log\n");
}

static void many_files_without_commits(void **state)
{
    (void)state;
    many_files("path = $/{.d}.log\nfsync = none\n");
}

static void rotated_files_are_whole(void **state)
{
    const char **values = noise(100, 7);
    struct harness *h = start("path = $/out\nrotate = 5000\n");
    (void)state;
    harness_stop_clock(h, 1700000000000);
    write_status(h, values, 100, WEIR_OK);
    expect_noise(values, 100);
    commit(h);
    write_one(h, "new");
    commit(h);
    expect_wanted("out.20231114T221320Z");
    expect_text("out", "new\n", 4);
    harness_free(h);
}

/* ---- crashes -------------------------------------------------------------------------------------------------- */

static void what_was_not_committed_is_cut_off(void **state)
{
    const char **values = noise(3000, 1);
    struct kept kept;
    off_t committed;
    struct harness *h = start("path = $/out\n");
    (void)state;
    write_status(h, values, 10, WEIR_OK);
    expect_noise(values, 10);
    commit(h);
    committed = size_of("out");
    state_keep(h, "out", &kept);
    write_status(h, values, 3000, WEIR_OK);
    harness_free(h);
    assert_true(size_of("out") >
                committed); /* some members were written, the last lines were still in memory */
    assert_int_equal(truncate(scratch_path("out"), size_of("out") - 7), 0); /* the last one half */
    h = start_after(&kept, "path = $/out\n");
    assert_int_equal(size_of("out"), committed);
    write_status(h, values, 3000, WEIR_OK);
    expect_noise(values, 3000);
    commit(h);
    expect_wanted("out");
    harness_free(h);
}

static void half_a_member_is_cut_off_without_commits(void **state)
{
    struct harness *h = start("path = $/out\nfsync = none\n");
    off_t whole;
    (void)state;
    write_one(h, "first");
    expect_more("first");
    write_one(h, "second");
    expect_more("second");
    whole = size_of("out");
    write_one(h, "half of this");
    harness_free(h);
    assert_int_equal(truncate(scratch_path("out"), size_of("out") - 5), 0);
    h = start("path = $/out\nfsync = none\n");
    write_one(h, "third");
    expect_more("third");
    assert_int_equal(harness_logged(h, "is not whole"), 1);
    expect_wanted("out");
    harness_free(h);
    assert_int_equal(truncate(scratch_path("out"), whole - 1), 0); /* at once, and only the first is left */
    h = start("path = $/out\nfsync = none\n");
    write_one(h, "third");
    expect_text("out", "first\nthird\n", 12);
    harness_free(h);
}

static void other_content_is_left_alone(void **state)
{
    const char *value = "x";
    const char *more[] = {"path = $/out\n", "path = $/out\nfsync = none\n"};
    (void)state;
    scratch_append("out", "plain text\n");
    for (int i = 0; i < 2; i++) {
        struct harness *h = start(more[i]);
        write_status(h, &value, 1, WEIR_FATAL);
        assert_non_null(strstr(harness_failure(h)->why, "move it away"));
        harness_free(h);
        assert_string_equal(scratch_read("out"), "plain text\n");
        assert_false(scratch_exists(".out.weir"));
    }
}

/* ---- a full disk ---------------------------------------------------------------------------------------------- */

static void a_commit_that_does_not_fit_comes_again(void **state)
{
    const char **values = noise(200, 3);
    struct harness *h = start("path = $/out\n");
    off_t before;
    (void)state;
    write_one(h, "first");
    expect_more("first");
    commit(h);
    before = size_of("out");
    write_status(h, values, 200, WEIR_OK);
    limit_file_size(5000);
    assert_int_equal(harness_sink_commit(h, NULL, 0, "test"), WEIR_RETRY);
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
    assert_int_equal(size_of("out"), before);
    expect_wanted("out");
    write_one(h, "more");
    limit_file_size(RLIM_INFINITY);
    commit(h);
    expect_noise(values, 200);
    expect_more("more");
    expect_wanted("out");
    harness_free(h);
}

static void a_batch_that_does_not_fit_leaves_nothing(const char *more)
{
    const char **values = noise(4000, 4);
    struct harness *h = start(more);
    write_one(h, "first");
    expect_more("first");
    limit_file_size(150000);
    write_status(h, values, 4000, WEIR_RETRY);
    if (harness_promises(h) & WEIR_COMMITS)
        commit(h);
    expect_wanted("out");
    limit_file_size(RLIM_INFINITY);
    write_status(h, values, 4000, WEIR_OK);
    expect_noise(values, 4000);
    write_one(h, "last");
    expect_more("last");
    if (harness_promises(h) & WEIR_COMMITS)
        commit(h);
    expect_wanted("out");
    harness_free(h);
}

static void a_batch_that_does_not_fit(void **state)
{
    (void)state;
    a_batch_that_does_not_fit_leaves_nothing("path = $/out\n");
}

static void a_batch_that_does_not_fit_without_commits(void **state)
{
    (void)state;
    a_batch_that_does_not_fit_leaves_nothing("path = $/out\nfsync = none\n");
}

/* A batch for more files than may be open fails at its last record: those closed meanwhile lose theirs too. */
static void closed_files_are_cut_back_too(void **state)
{
    static char text[101][64];
    const char *values[102], **large = noise(4000, 5);
    static char last[200000];
    size_t n = (size_t)snprintf(last, sizeof last, "{\"d\":\"big\",\"v\":\"");
    struct harness *h = start("path = $/{.d}.log\n");
    struct kept kept;
    (void)state;
    for (int i = 0; i < 1900; i++)
        n += (size_t)snprintf(last + n, sizeof last - n, "%.98s", large[i]);
    for (size_t i = 17; i < n; i++)
        if (last[i] == '"' || last[i] == '\\')
            last[i] = '.';
    (void)snprintf(last + n, sizeof last - n, "\"}");
    for (int i = 0; i < 101; i++) {
        (void)snprintf(text[i], sizeof text[i], "{\"d\":%d}", i);
        values[i] = text[i];
    }
    values[101] = last;
    write_status(h, values, 101, WEIR_OK);
    commit(h);
    limit_file_size(50000);
    write_status(h, values, 102, WEIR_RETRY);
    commit(h);
    expect_more(text[0]);
    expect_wanted("0.log");
    limit_file_size(RLIM_INFINITY);
    state_keep(h, "0.log", &kept);
    harness_free(h);
    h = start_after(&kept, "path = $/{.d}.log\n"); /* its row is right */
    assert_int_equal(harness_logged(h, "cut back"), 0);
    write_status(h, values, 102, WEIR_OK);
    commit(h);
    expect_more(text[0]);
    expect_wanted("0.log");
    want_len = 0;
    expect_more(last);
    expect_wanted("big.log");
    harness_free(h);
}

/* What earlier batches staged in memory stays when a batch fails, and when making room for another file does. */
static void staged_lines_survive_failures(void **state)
{
    static char text[100][256];
    const char *values[100], **random = noise(200, 6);
    struct harness *h = start("path = $/{.d}.log\n");
    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text[i], sizeof text[i], "{\"d\":%d,\"v\":\"%s%s\"}", i, random[2 * i],
                       random[2 * i + 1]);
        for (char *p = text[i]; (p = strchr(p, '\\')); p++)
            *p = '.';
        values[i] = text[i];
    }
    write_status(h, values, 60, WEIR_OK);
    limit_file_size(100); /* notes fit, members do not */
    write_status(h, values, 100, WEIR_RETRY);
    write_status(h, values, 100, WEIR_RETRY);
    limit_file_size(RLIM_INFINITY);
    write_status(h, values + 70, 30, WEIR_OK);
    commit(h);
    harness_free(h);
    for (int i = 0; i < 60; i += 7) {
        char name[32];
        (void)snprintf(name, sizeof name, "%d.log", i);
        want_len = 0;
        expect_more(text[i]);
        expect_wanted(name);
    }
    want_len = 0;
    expect_more(text[80]);
    expect_wanted("80.log");
}

/* ---- set up --------------------------------------------------------------------------------------------------- */

static int begin(const char *which, void **state)
{
    kind = which;
    want_len = 0;
    return scratch_in_memory(state);
}

static int begin_gzip(void **state)
{
    return begin("gzip", state);
}

static int begin_zstd(void **state)
{
    return begin("zstd", state);
}

static bool can_zstd(void)
{
    const char *said = harness_check("file", WEIR_SINK, "path = /x\ncompress = zstd\n");
    if (*said && !strstr(said, "built without libzstd"))
        fail_msg("%s", said);
    return !*said && system("zstd -q --version >/dev/null 2>&1") == 0; // NOLINT: a fixed command
}

#define TEST(f)                                                                                              \
    {#f " gzip", f, begin_gzip, scratch_remove, NULL},                                                       \
    {                                                                                                        \
#f " zstd", f, begin_zstd, scratch_remove, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_member_ends_at_each_commit),      TEST(without_commits_a_member_ends_at_each_batch),
        TEST(more_than_the_buffer_goes_through), TEST(many_files_with_few_open),
        TEST(many_files_without_commits),        TEST(rotated_files_are_whole),
        TEST(what_was_not_committed_is_cut_off), TEST(half_a_member_is_cut_off_without_commits),
        TEST(other_content_is_left_alone),       TEST(a_commit_that_does_not_fit_comes_again),
        TEST(a_batch_that_does_not_fit),         TEST(a_batch_that_does_not_fit_without_commits),
        TEST(closed_files_are_cut_back_too),     TEST(staged_lines_survive_failures),
    };
    int failed;
    got = malloc(TEXT);
    want = malloc(TEXT);
    if (!got || !want)
        return 1;
    if (!can_zstd())
        cmocka_set_skip_filter("* zstd");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(got);
    free(want);
    return failed;
}
