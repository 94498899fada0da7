/* SPDX-License-Identifier: BSD-2-Clause */
/* t-multiline.c - the transform multiline: which lines become one record, and when. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LINES(...)                                                                                           \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define FEED(h, ...)                                                                                         \
    assert_int_equal(harness_process(h, harness_values(h, LINES(__VA_ARGS__),                                \
                                                       sizeof LINES(__VA_ARGS__) / sizeof(char *))),         \
                     WEIR_OK)

static const char *const by_start = "start = $value | test(\"^\\\\d\")\n";
static const char *const by_indent = "continue = $value | test(\"^\\\\s\")\n";

static struct harness *start(const char *options)
{
    return harness_start("multiline", WEIR_TRANSFORM, options);
}

static void ends(struct harness *h, const char *const *values, size_t n)
{
    assert_int_equal(harness_out_count(h), n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(harness_out_value(h, i), values[i]);
}
#define ENDS(h, ...) ends(h, LINES(__VA_ARGS__), sizeof LINES(__VA_ARGS__) / sizeof(char *))

static void a_start_ends_what_was_before(void **state)
{
    struct harness *h = start(by_start);
    (void)state;
    FEED(h, "1 a", "  at b", "  at c", "2 d");
    FEED(h, "more", "3 e", "4 f");
    ENDS(h, "1 a\n  at b\n  at c", "2 d\nmore", "3 e");
    assert_int_equal(harness_out(h, 0)->how, HARNESS_HELD);
    assert_int_equal(harness_out(h, 0)->parent, 3);
    assert_int_equal(harness_out(h, 0)->record.offset, 0); /* all but the identity is the first line's */
    assert_int_equal(harness_out(h, 0)->record.seq, 2);
    assert_int_equal(harness_out(h, 2)->how, HARNESS_PASS);
    assert_int_equal(harness_let_go(h, WEIR_WHY_END), 1);
    assert_string_equal(harness_out_value(h, 3), "4 f");
    harness_free(h);
}

static void what_goes_on_and_what_ends(void **state)
{
    struct harness *h = start(by_indent);
    (void)state;
    FEED(h, "a", " b", "c", "d", "\te");
    assert_int_equal(harness_let_go(h, WEIR_WHY_END), 1);
    ENDS(h, "a\n b", "c", "d\n\te");
    harness_free(h);
    h = start("end = $value | endswith(\";\")\njoin = space\n");
    FEED(h, "select", "1;", "x;", "left");
    ENDS(h, "select 1;", "x;");
    assert_int_equal(harness_let_go(h, WEIR_WHY_END), 1);
    harness_free(h);
    h = start("start = $value == \"<\"\nend = $value == \">\"\njoin = nothing\n");
    FEED(h, "<", "a", ">", "<", "b", "<", ">");
    ENDS(h, "<a>", "<b", "<>");
    harness_free(h);
    h = start("start = $value == \"<\"\ncontinue = $value == \"-\"\njoin = nothing\n");
    FEED(h, "<", "-", "x", "-", "<", "-", "y");
    ENDS(h, "<-", "x-", "<-");
    harness_free(h);
}

static void a_group_has_limits(void **state)
{
    char options[200];
    struct harness *h = start("start = false\nmax-records = 2\n");
    char long_line[800];
    (void)state;
    FEED(h, "a", "b", "c", "d", "e");
    ENDS(h, "a\nb", "c\nd");
    harness_free(h);
    snprintf(options, sizeof options, "start = false\nmax-bytes = 1024\n");
    h = start(options);
    memset(long_line, 'x', sizeof long_line - 1);
    long_line[sizeof long_line - 1] = '\0';
    FEED(h, long_line, long_line, "y");
    assert_int_equal(harness_out_count(h), 1);
    assert_int_equal(harness_out(h, 0)->record.value.len, 799);
    assert_int_equal(harness_let_go(h, WEIR_WHY_FULL), 1);
    assert_int_equal(harness_out(h, 1)->record.value.len, 801);
    harness_free(h);
}

static void a_group_waits_for_its_timeout_from_its_last_line(void **state)
{
    struct harness *h = start("start = $value == \"a\"\ntimeout = 500ms\n");
    (void)state;
    harness_stop_clock(h, 0);
    FEED(h, "a", "b");
    harness_advance(h, 400);
    FEED(h, "c");
    harness_advance(h, 400);
    assert_int_equal(harness_let_go(h, WEIR_WHY_TIME), 0);
    harness_advance(h, 100);
    assert_int_equal(harness_let_go(h, WEIR_WHY_TIME), 1);
    ENDS(h, "a\nb\nc");
    FEED(h, "d");
    assert_int_equal(harness_let_go(h, WEIR_WHY_END), 1);
    ENDS(h, "a\nb\nc", "d");
    harness_free(h);
}

static void lines_of_other_keys_do_not_mix(void **state)
{
    struct harness *h = start("start = $value | startswith(\"+\")\nkey = key\n");
    struct weir_record in[] = {harness_record("p", "+1"), harness_record("q", "+2"),
                               harness_record("p", "a"),  harness_record("q", "b"),
                               harness_record("p", "+3"), harness_record("q", "c")};
    (void)state;
    assert_int_equal(harness_process(h, harness_batch(h, in, 6)), WEIR_OK);
    ENDS(h, "+1\na");
    assert_int_equal(harness_groups(h), 2);
    assert_int_equal(harness_let_go(h, WEIR_WHY_END), 2);
    ENDS(h, "+1\na", "+2\nb\nc", "+3");
    harness_free(h);
}

static void a_tombstone_stands_alone_and_bad_lines_fail(void **state)
{
    struct harness *h = start("start = $value | startswith(\"+\")\n");
    (void)state;
    FEED(h, "+1", "a", NULL, "b", "\xff", "c");
    assert_int_equal(harness_let_go(h, WEIR_WHY_END), 1);
    assert_int_equal(harness_out_count(h), 3);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT); /* null does not start with anything */
    assert_int_equal(harness_out(h, 1)->how, HARNESS_REJECT);
    assert_string_equal(harness_out_value(h, 2), "+1\na\nb\nc");
    harness_free(h);
    h = start("start = $value == \"+\"\n");
    FEED(h, "+", "a", NULL, "b");
    assert_int_equal(harness_out_count(h), 2);
    assert_string_equal(harness_out_value(h, 0), "+\na");
    assert_null(harness_out_value(h, 1));
    harness_free(h);
}

static void something_must_say_what_belongs_together(void **state)
{
    (void)state;
    assert_non_null(strstr(harness_check("multiline", WEIR_TRANSFORM, ""), "one of start, continue and end"));
    assert_string_equal(harness_check("multiline", WEIR_TRANSFORM, by_start), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_ends_what_was_before),
        cmocka_unit_test(what_goes_on_and_what_ends),
        cmocka_unit_test(a_group_has_limits),
        cmocka_unit_test(a_group_waits_for_its_timeout_from_its_last_line),
        cmocka_unit_test(lines_of_other_keys_do_not_mix),
        cmocka_unit_test(a_tombstone_stands_alone_and_bad_lines_fail),
        cmocka_unit_test(something_must_say_what_belongs_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
