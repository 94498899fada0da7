/* SPDX-License-Identifier: BSD-2-Clause */
/* t-exec-sink.c - programs as sinks: those that do what the protocol says, and all those that don't. */
#include "exec_test.h"

#define ECHO "while read -r id value; do printf '%s\\n' \"$value\" >>out; echo \"$id ok\"; done\n"

static const char *const three[] = {"one", "two", "three"};

static struct harness *start(const char *text, const char *more)
{
    char options[256];
    (void)snprintf(options, sizeof options, "format = raw\n%s", more);
    return harness_start("exec", WEIR_SINK, script(text, options));
}

/* Writes the three records; all come back. */
static struct weir_batch *put_three(struct harness *h)
{
    struct weir_batch *b = harness_values(h, three, 3);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_true(harness_completed(b));
    return b;
}

/* All three records come again, for this reason, and the program was killed. */
static void expect_three_again(struct harness *h, const char *why)
{
    struct weir_batch *b = put_three(h);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(harness_result(b, i).status, WEIR_RETRY);
        if (!strstr(harness_result(b, i).why, why))
            fail_msg("\"%s\" is not in \"%s\"", why, harness_result(b, i).why);
    }
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
    expect_no_child();
    harness_free(h);
}

static void expect_again(const char *text, const char *more, const char *why)
{
    expect_three_again(start(text, more), why);
}

/* ---- programs that do it right -------------------------------------------------------------------------------- */

static void five_lines_of_shell_are_a_sink(void **state)
{
    struct harness *h = start(ECHO, "");
    (void)state;
    assert_int_equal(harness_failed(put_three(h)), 0);
    assert_int_equal(harness_failed(put_three(h)), 0);
    assert_string_equal(scratch_read("out"), "one\ntwo\nthree\none\ntwo\nthree\n");
    assert_int_equal(harness_health(h).state, WEIR_UP);
    harness_free(h);
    expect_no_child();
}

static void a_record_is_one_object(void **state)
{
    struct weir_record r = harness_record("k", "two\nlines");
    struct harness *h = harness_start("exec", WEIR_SINK, script(ECHO, ""));
    struct weir_batch *b = harness_batch(h, &r, 1);
    (void)state;
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_int_equal(harness_failed(b), 0);
    assert_non_null(strstr(scratch_read("out"), "\"key\":\"k\",\"value\":\"two\\nlines\""));
    harness_free(h);
}

static void answers_come_in_any_order_and_are_data(void **state)
{
    struct harness *h =
        start("read -r a x; read -r b x; read -r c x\n"
              "echo \"$c ok\"; echo \"$a retry the disk is full\"; echo \"$b reject\"\ncat >rest\n",
              "");
    struct weir_batch *b = put_three(h);
    (void)state;
    assert_int_equal(harness_result(b, 0).status, WEIR_RETRY);
    assert_string_equal(harness_result(b, 0).why, "the disk is full");
    assert_int_equal(harness_result(b, 1).status, WEIR_REJECT);
    assert_string_equal(harness_result(b, 1).why, "the program gave no reason");
    assert_int_equal(harness_result(b, 2).status, WEIR_OK);
    harness_free(h);
}

static void what_is_no_line_is_not_sent(void **state)
{
    const char *values[] = {"one", "two\nlines", NULL, ""};
    struct harness *h = start(ECHO, "");
    struct weir_batch *b = harness_values(h, values, 4);
    (void)state;
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_int_equal(harness_failed(b), 2);
    assert_non_null(strstr(harness_result(b, 1).why, "format = record"));
    assert_string_equal(scratch_read("out"), "one\n\n");
    harness_free(h);
}

static void a_program_may_gather_a_batch(void **state)
{
    struct harness *h = start("ids=\nwhile read -r id value; do\n"
                              "if [ $id = end ]; then for i in $ids; do echo $i ok; done; ids=; echo >>ends\n"
                              "else ids=\"$ids $id\"; fi; done\n",
                              "batch-end = yes\n");
    (void)state;
    assert_int_equal(harness_failed(put_three(h)), 0);
    assert_int_equal(harness_failed(put_three(h)), 0);
    harness_free(h);
    assert_string_equal(scratch_read("ends"), "\n\n");
}

/* Both pipes are full at once: a program that answers at length before it reads on. */
static void a_large_batch_goes_both_ways(void **state)
{
    enum { N = 20000 };
    static const char *values[N];
    struct harness *h = start("while read -r id x; do printf '%s reject %0200d\\n' $id 7; done\n", "");
    (void)state;
    for (uint32_t i = 0; i < N; i++)
        values[i] = "a value that fills the pipe, with all the others of its kind";
    struct weir_batch *b = harness_values(h, values, N);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_int_equal(harness_failed(b), N);
    assert_int_equal(harness_result(b, N - 1).status, WEIR_REJECT);
    harness_free(h);
}

/* ---- programs that fail ----------------------------------------------------------------------------------------- */

static void one_that_dies_gets_the_rest_again(void **state)
{
    struct harness *h =
        start("read -r id x; echo $id ok; [ -e second ] && " ECHO "touch second; exit 3\n", "");
    struct weir_batch *b = put_three(h);
    (void)state;
    assert_int_equal(harness_result(b, 0).status, WEIR_OK);
    assert_int_equal(harness_result(b, 1).status, WEIR_RETRY);
    assert_string_equal(harness_result(b, 2).why, "it ended with exit status 3");
    assert_int_equal(harness_failed(put_three(h)), 0);
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED); /* not before it has been steady for a while */
    harness_advance(h, 11000);
    assert_int_equal(harness_failed(put_three(h)), 0);
    assert_int_equal(harness_health(h).state, WEIR_UP);
    harness_free(h);
}

static void those_that_fail_are_killed_and_started_again(void **state)
{
    (void)state;
    expect_again("kill -9 $$\n", "", "it was killed by signal 9");
    expect_again("exit 0\n", "", "it ended with exit status 0");
    expect_again("cat >rest\n", "timeout = 200ms\n", "it gave no answer for 200 ms");
    expect_again("exec >&-; exec cat >rest\n", "timeout = 30s\n", "it closed its standard output");
    expect_again("exec <&-; exec sleep 60\n", "timeout = 30s\n", "it closed its standard input");
    expect_again("read -r id x; echo $id ok no; cat >rest\n", "", "nothing follows ok");
    expect_again("exec tr '\\0' x </dev/zero\n", "", "it wrote a line of more than 65536 bytes");
}

static const struct {
    const char *text, *why;
} no_answers[] = {
    {"echo hello; cat >rest\n", "it wrote \"hello\": an answer is the number of a record"},
    {"read -r id x; echo $id fine; cat >rest\n", "the words are ok, retry and reject"},
    {"read -r id x; echo $id pass; cat >rest\n", "the words are ok, retry and reject"},
    {"read -r id x; echo 99 ok; cat >rest\n", "no record of that number waits"},
    {"echo; cat >rest\n", "it wrote \"\""},
    {"exec yes\n", "it wrote \"y\""},
};
enum { NO_ANSWERS = sizeof no_answers / sizeof no_answers[0] };

/* It would say the same at each start. */
static void one_that_knows_no_answers_ends_it(void **state)
{
    (void)state;
    for (int i = 0; i < NO_ANSWERS; i++) {
        struct harness *h = start(no_answers[i].text, "");
        assert_int_equal(harness_write(h, harness_values(h, three, 3)), WEIR_FATAL);
        assert_non_null(strstr(harness_failure(h)->why, no_answers[i].why));
        assert_non_null(strstr(harness_failure(h)->why, "it does not seem to know the protocol"));
        expect_no_child();
        harness_free(h);
    }
}

static void one_that_knew_them_is_started_again(void **state)
{
    char text[300];
    (void)state;
    for (int i = 0; i < NO_ANSWERS; i++) {
        (void)snprintf(text, sizeof text,
                       "for i in 1 2 3; do read -r id x; echo $id ok; done; read -r id x; %s",
                       no_answers[i].text);
        struct harness *h = start(text, "");
        assert_int_equal(harness_failed(put_three(h)), 0);
        expect_three_again(h, no_answers[i].why);
    }
}

static void an_answer_counts_once(void **state)
{
    struct harness *h = start("read -r id x; echo $id ok; echo $id ok; cat >rest\n", "");
    struct weir_batch *b = put_three(h);
    (void)state;
    assert_int_equal(harness_result(b, 0).status, WEIR_OK);
    assert_int_equal(harness_result(b, 1).status, WEIR_RETRY);
    assert_non_null(strstr(harness_result(b, 1).why, "no record of that number waits"));
    harness_free(h);
}

static int turns, stalls_at; /* 1: the deadline is set, 2: it writes, 3: it begins to wait for answers */

/* There weir stands still for ten minutes, and until answers are there to what it wrote. */
static int64_t stalled_ms(struct weir_ctx *ctx)
{
    (void)ctx;
    if (++turns < stalls_at)
        return 0;
    for (int i = 0; i < WAIT && stalls_at == 3 && !scratch_exists("answered"); i++)
        (void)poll(NULL, 0, 1);
    return 600000;
}

static void expect_in_time(int at)
{
    struct harness *h =
        harness_load("exec", WEIR_SINK,
                     script("for i in 1 2 3; do read -r id x; echo $id ok; done; touch answered; cat >rest\n",
                            "format = raw\n"));
    harness_host(h)->mono_ms = stalled_ms;
    stalls_at = at;
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    turns = 0;
    assert_int_equal(harness_failed(put_three(h)), 0);
    assert_true(turns >= 3);
    harness_free(h);
}

static void who_answers_while_weir_stands_still_is_not_late(void **state)
{
    (void)state;
    expect_in_time(3);
}

static void nor_is_who_got_nothing_before(void **state)
{
    (void)state;
    expect_in_time(2);
}

/* It never reads: the pipe is full, and the deadline ends it with all that it started. */
static void one_that_ignores_its_input(void **state)
{
    enum { N = 3000 };
    static const char *values[N];
    int alive = alive_make();
    struct harness *h = start("exec 4>alive; sleep 60 & echo up >&4; wait\n", "timeout = 300ms\n");
    (void)state;
    expect_up(alive);
    for (uint32_t i = 0; i < N; i++)
        values[i] = "a value that fills the pipe, with all the others of its kind";
    struct weir_batch *b = harness_values(h, values, N);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_int_equal(harness_failed(b), N);
    assert_int_equal(harness_result(b, 0).status, WEIR_RETRY);
    expect_no_child();
    expect_dead(alive);
    harness_free(h);
}

static bool is_troubled(struct harness *h, void *unused)
{
    (void)unused;
    return harness_health(h).state == WEIR_DEGRADED;
}

static void one_that_ends_while_nothing_is_asked(void **state)
{
    struct harness *h =
        start("n=0; while [ $n -lt 3 ] && read -r id x; do echo $id ok; n=$((n + 1)); done\n", "");
    (void)state;
    assert_int_equal(harness_failed(put_three(h)), 0);
    assert_true(harness_run_until(h, is_troubled, NULL, WAIT));
    assert_non_null(strstr(harness_health(h).why, "started again when there is something for it"));
    expect_no_child();
    assert_int_equal(harness_failed(put_three(h)), 0);
    harness_free(h);
}

static void one_that_writes_while_nothing_is_asked(void **state)
{
    struct harness *h = start("echo ready\n" ECHO, "");
    (void)state;
    assert_true(harness_run_until(h, is_troubled, NULL, WAIT));
    assert_non_null(strstr(harness_health(h).why, "nothing was asked"));
    expect_no_child();
    harness_free(h);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void a_program_that_is_not_there(void **state)
{
    static char options[5000];
    (void)state;
    struct harness *h = harness_load("exec", WEIR_SINK, "command = /no/such/program x\n");
    assert_string_equal(harness_probe(h),
                        "command: there is no program \"/no/such/program\" that may be run\n");
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_FATAL);
    assert_string_equal(harness_failure(h)->why,
                        "\"/no/such/program\" can not be started: No such file or directory");
    harness_free(h);
    (void)snprintf(options, sizeof options, "command = sh -c :\ndirectory = %s/none\n", scratch_dir);
    h = harness_load("exec", WEIR_SINK, options);
    assert_non_null(strstr(harness_probe(h), "directory: "));
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_FATAL);
    harness_free(h);
    h = harness_load("exec", WEIR_SINK, "command = sh\n");
    assert_string_equal(harness_probe(h), "");
    harness_free(h);
}

static void a_command_is_cut_into_words(void **state)
{
    static char options[5000];
    struct harness *h;
    (void)state;
    assert_string_equal(harness_check("exec", WEIR_SINK, "command = sh -c 'a\n"),
                        "command: a quote in it has no end\n");
    assert_string_equal(harness_check("exec", WEIR_SINK, "command = \" \"\n"),
                        "command: it names no program\n");
    (void)snprintf(options, sizeof options,
                   "directory = %s\ncommand = sh -c 'for w; do printf \"<%%s>\\n\" \"$w\"; done >words; exec "
                   "cat' sh  a\\b \"c "
                   "\\\"d\\\" \\\\ \\e $HOME\" 'x \"y\"'z '' *\n",
                   scratch_dir);
    h = harness_start("exec", WEIR_SINK, options);
    harness_free(h);
    assert_string_equal(scratch_read("words"), "<a\\b>\n<c \"d\" \\ \\e $HOME>\n<x \"y\"z>\n<>\n<*>\n");
}

static void what_a_program_finds(void **state)
{
    struct harness *h;
    (void)state;
    (void)setenv("WEIR_TEST_A", "weir's", 1);
    (void)setenv("WEIR_TEST_B", "weir's", 1);
    h = start("echo $WEIR_TEST_A $WEIR_TEST_B $WEIR_TEST_C $WEIR_WORKER >env; ls /proc/self/fd | wc -l >fds\n"
              "grep SigBlk /proc/self/status >blocked\n"
              "sed -n 's/SigIgn:.//p' /proc/self/status >ignored; echo $$ $(cut -d' ' -f5 /proc/$$/stat) "
              ">group\n" ECHO,
              "env.WEIR_TEST_B = ours\nenv.WEIR_TEST_C = a b\n");
    assert_int_equal(harness_failed(put_three(h)), 0);
    harness_free(h);
    assert_string_equal(scratch_read("env"), "weir's ours a b 0\n");
    assert_int_equal(strtol(scratch_read("fds"), NULL, 10), 4); /* 0, 1, 2 and the one of ls */
    assert_string_equal(scratch_read("blocked"), "SigBlk:\t0000000000000000\n");
    assert_int_equal(strtoul(scratch_read("ignored"), NULL, 16) & 1UL << (SIGPIPE - 1), 0);
    char *rest;
    long pid = strtol(scratch_read("group"), &rest, 10);
    assert_int_equal(strtol(rest, NULL, 10), pid);
}

static bool logged(struct harness *h, void *text)
{
    return harness_logged(h, text) > 0;
}

static void standard_error_is_logged_line_by_line(void **state)
{
    struct harness *h =
        start("printf 'one\\n\\ntwo' >&2; i=0; while [ $i -lt 60 ]; do echo; echo $i. >&2\n"
              "i=$((i + 1)); done >/dev/null; printf '%02000d\\n' 0 >&2; printf last >&2\n" ECHO,
              "");
    (void)state;
    assert_true(harness_run_until(h, logged, (void *)(uintptr_t) "two0.", WAIT));
    assert_int_equal(harness_failed(put_three(h)), 0);
    harness_free(h);
}

static void a_flood_of_errors_is_counted(void **state)
{
    struct harness *h =
        start("i=0; while [ $i -lt 200 ]; do echo line $i >&2; i=$((i + 1)); done; exit 3\n", "");
    harness_stop_clock(h, 0); /* all of it in one window */
    struct weir_batch *b = put_three(h);
    (void)state;
    assert_int_equal(harness_result(b, 0).status, WEIR_RETRY);
    assert_int_equal(harness_logged(h, "notice line "), 50);
    assert_int_equal(harness_logged(h, "150 further lines of the program's standard error were left out"), 1);
    harness_free(h);
}

static void an_interrupt_ends_the_wait(void **state)
{
    struct harness *h = start("cat >rest\n", "");
    struct weir_batch *b = harness_values(h, three, 3);
    (void)state;
    harness_ops(h)->interrupt(h->self);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_int_equal(harness_result(b, 2).status, WEIR_RETRY);
    assert_int_equal(harness_health(h).told, 0); /* nothing is wrong with it */
    harness_free(h);
    expect_no_child();
}

/* It may finish at the end of its input; what does not end is asked to, then killed. */
static void the_end_of_a_program(void **state)
{
    struct harness *h = start(ECHO "echo done >end\n", "");
    int alive = alive_make();
    (void)state;
    assert_int_equal(harness_failed(put_three(h)), 0);
    harness_free(h);
    assert_string_equal(scratch_read("end"), "done\n");
    h = start("exec 4>alive; trap 'echo term >end; exit' TERM\n" ECHO "sleep 60 & wait\n", "");
    assert_int_equal(harness_failed(put_three(h)), 0);
    harness_free(h);
    assert_string_equal(scratch_read("end"), "term\n");
    expect_no_child();
    expect_dead(alive);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, exec_setup, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(five_lines_of_shell_are_a_sink),
        TEST(a_record_is_one_object),
        TEST(answers_come_in_any_order_and_are_data),
        TEST(what_is_no_line_is_not_sent),
        TEST(a_program_may_gather_a_batch),
        TEST(a_large_batch_goes_both_ways),
        TEST(one_that_dies_gets_the_rest_again),
        TEST(those_that_fail_are_killed_and_started_again),
        TEST(one_that_knows_no_answers_ends_it),
        TEST(one_that_knew_them_is_started_again),
        TEST(an_answer_counts_once),
        TEST(one_that_ignores_its_input),
        TEST(who_answers_while_weir_stands_still_is_not_late),
        TEST(nor_is_who_got_nothing_before),
        TEST(one_that_ends_while_nothing_is_asked),
        TEST(one_that_writes_while_nothing_is_asked),
        TEST(a_program_that_is_not_there),
        TEST(a_command_is_cut_into_words),
        TEST(what_a_program_finds),
        TEST(standard_error_is_logged_line_by_line),
        TEST(a_flood_of_errors_is_counted),
        TEST(an_interrupt_ends_the_wait),
        TEST(the_end_of_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
