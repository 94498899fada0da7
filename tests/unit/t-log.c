/* SPDX-License-Identifier: BSD-2-Clause */
/* t-log.c - log lines: both formats, levels, repeats counted, masks, nothing that breaks a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/clock.h"
#include "report/log.h"
#include "report/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t now;
static FILE *catcher;
static int real_stderr;

static int64_t mono(void)
{
    return now;
}

static int64_t wall(void)
{
    return 1795255200123 + now; /* 2026-11-21T10:00:00.123Z */
}

static int set_up(void **state)
{
    (void)state;
    now = 0;
    clock_replace(mono, wall);
    log_flush();
    log_set_format("text");
    log_set_level("info");
    catcher = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    return catcher && dup2(fileno(catcher), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    log_flush();
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(catcher);
    clock_replace(NULL, NULL);
    redact_reset();
    return 0;
}

/* What was written since the last call. */
static const char *written(void)
{
    static char text[40000];
    size_t n;
    rewind(catcher);
    n = fread(text, 1, sizeof text - 1, catcher);
    text[n] = 0;
    rewind(catcher);
    assert_int_equal(ftruncate(fileno(catcher), 0), 0);
    lseek(STDERR_FILENO, 0, SEEK_SET);
    return text;
}

static void text_lines(void **state)
{
    (void)state;
    log_line(WEIR_LOG_WARNING, "web [sink es]", "%s %d", "text", 7);
    assert_string_equal(written(), "2026-11-21T10:00:00.123Z warning web [sink es]: text 7\n");
    log_line(WEIR_LOG_ERROR, NULL, "no source of its own");
    assert_string_equal(written(), "2026-11-21T10:00:00.123Z error: no source of its own\n");
    log_text(WEIR_LOG_INFO, "web", "a\nb\x1b[31m\xff", 9);
    assert_string_equal(written(), "2026-11-21T10:00:00.123Z info web: a\\nb\\x1b[31m\\xff\n");
}

static void json_lines(void **state)
{
    (void)state;
    assert_true(log_set_format("json"));
    log_line(WEIR_LOG_NOTICE, "web [sink es]", "say \"%s\"\n", "x");
    assert_string_equal(written(),
                        "{\"time\":\"2026-11-21T10:00:00.123Z\",\"level\":\"notice\",\"pipeline\":\"web\","
                        "\"section\":\"sink es\",\"text\":\"say \\\"x\\\"\\n\"}\n");
    log_text(WEIR_LOG_INFO, NULL, "\xff", 1);
    assert_string_equal(
        written(), "{\"time\":\"2026-11-21T10:00:00.123Z\",\"level\":\"info\",\"text\":\"\xef\xbf\xbd\"}\n");
    assert_false(log_set_format("xml"));
}

static void levels(void **state)
{
    (void)state;
    assert_false(log_enabled(WEIR_LOG_DEBUG));
    log_line(WEIR_LOG_DEBUG, "web", "hidden");
    assert_string_equal(written(), "");
    assert_true(log_set_level("debug"));
    log_line(WEIR_LOG_DEBUG, "web", "shown");
    assert_non_null(strstr(written(), "debug web: shown\n"));
    assert_true(log_set_level("error"));
    log_line(WEIR_LOG_WARNING, "web", "hidden");
    assert_string_equal(written(), "");
    assert_false(log_set_level("loud"));
}

static void repeats_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        log_line(WEIR_LOG_WARNING, "web", "broker is down");
        log_line(WEIR_LOG_WARNING, "other", "broker is down"); /* a source of its own */
        now += 1000;
    }
    assert_string_equal(written(), "2026-11-21T10:00:00.123Z warning web: broker is down\n"
                                   "2026-11-21T10:00:00.123Z warning other: broker is down\n");
    log_line(WEIR_LOG_INFO, "web", "broker is up");
    assert_string_equal(written(), "2026-11-21T10:00:05.123Z warning web: repeated 4 times: broker is down\n"
                                   "2026-11-21T10:00:05.123Z info web: broker is up\n");
    now = 11000;
    log_line(WEIR_LOG_WARNING, "other", "broker is down"); /* after 10 s it is worth a line */
    assert_string_equal(written(),
                        "2026-11-21T10:00:11.123Z warning other: repeated 5 times: broker is down\n");
    log_line(WEIR_LOG_WARNING, "other", "broker is down");
    assert_string_equal(written(), "");
    log_flush(); /* as at exit */
    assert_string_equal(written(),
                        "2026-11-21T10:00:11.123Z warning other: repeated 1 times: broker is down\n");
}

static void many_sources_lose_no_count(void **state)
{
    char who[32];
    (void)state;
    log_line(WEIR_LOG_INFO, "first", "x");
    log_line(WEIR_LOG_INFO, "first", "x");
    for (int i = 0; i < 200; i++) {
        now++;
        snprintf(who, sizeof who, "p%d", i);
        log_line(WEIR_LOG_INFO, who, "x");
    }
    assert_non_null(strstr(written(), "info first: repeated 1 times: x\n"));
}

static void secrets_and_length(void **state)
{
    char big[20000];
    (void)state;
    redact_add("hunter2", 7);
    log_line(WEIR_LOG_INFO, "web", "password hunter2 was refused");
    assert_non_null(strstr(written(), "web: password *** was refused\n"));
    memset(big, 'x', sizeof big);
    log_text(WEIR_LOG_INFO, "web", big, sizeof big);
    const char *line = written();
    assert_in_range(strlen(line), 8000, 8300);
    assert_string_equal(line + strlen(line) - 5, "x...\n");
}

static char order[8];

static void before(void)
{
    strncat(order, "b", sizeof order - strlen(order) - 1);
}

static void after(void)
{
    strncat(order, "a", sizeof order - strlen(order) - 1);
}

static void hooks_surround_a_line(void **state)
{
    (void)state;
    log_set_hooks(before, after);
    log_line(WEIR_LOG_INFO, "web", "x");
    log_line(WEIR_LOG_INFO, "web", "y");
    log_set_hooks(NULL, NULL);
    assert_string_equal(order, "baba");
}

static void a_replaced_clock_replaces_chance(void **state)
{
    (void)state;
    clock_replace(mono, wall);
    uint64_t one = clock_random(), two = clock_random();
    assert_true(one != two);
    clock_replace(mono, wall);
    assert_true(clock_random() == one);
    clock_replace(NULL, NULL);
    assert_true(clock_mono_ms() > 0);
    assert_true(clock_wall_ms() > 1700000000000);
    assert_true(clock_random() != clock_random());
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(text_lines),
        CASE(json_lines),
        CASE(levels),
        CASE(repeats_are_counted),
        CASE(secrets_and_length),
        CASE(many_sources_lose_no_count),
        CASE(hooks_surround_a_line),
        CASE(a_replaced_clock_replaces_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
