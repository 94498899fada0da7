/* SPDX-License-Identifier: BSD-2-Clause */
/* t-merge.c - the transform merge: which records become one, and when. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct harness *start(const char *options)
{
    return harness_start("merge", WEIR_TRANSFORM, options);
}

static void feed(struct harness *h, const char *key, const char *value)
{
    struct weir_record r = harness_record(key, value);
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
}

/* What came out since, each followed by `|`. */
static void came(struct harness *h, const char *want)
{
    char text[1000] = "";
    size_t n = 0;
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const char *value = harness_out_value(h, i);
        const char *shown = harness_out(h, i)->how == HARNESS_REJECT ? "(rejected)"
                            : value                                  ? value
                                                                     : "(tombstone)";
        n += (size_t)snprintf(text + n, sizeof text - n, "%s|", shown);
        assert_true(n < sizeof text);
    }
    assert_string_equal(text, want);
    harness_out_clear(h);
}

static void so_many_become_one(void **state)
{
    struct harness *h = start("count = 3\n");
    (void)state;
    for (int i = 0; i < 7; i++)
        feed(h, NULL, "{\"a\": 1.00}");
    assert_int_equal(harness_out(h, 1)->parent, 3);
    assert_int_equal(harness_out(h, 1)->record.offset, 3);
    assert_int_equal(harness_out(h, 1)->record.seq, 5);
    came(h, "[{\"a\": 1.00},{\"a\": 1.00},{\"a\": 1.00}]|[{\"a\": 1.00},{\"a\": 1.00},{\"a\": 1.00}]|");
    assert_int_equal(harness_let_go(h, WEIR_WHY_END), 1);
    came(h, "[{\"a\": 1.00}]|");
    harness_free(h);
}

static void those_of_a_key(void **state)
{
    struct harness *h = start("key = key\ncount = 2\nas = lines\n");
    (void)state;
    feed(h, "p", "1");
    feed(h, "q", "2");
    feed(h, "q", "3");
    came(h, "2\n3|");
    feed(h, "p", NULL);
    came(h, "1|(tombstone)|");
    feed(h, "r", NULL);
    came(h, "(tombstone)|");
    feed(h, "p", "4");
    feed(h, "p", "5");
    came(h, "4\n5|");
    assert_int_equal(harness_groups(h), 0);
    harness_free(h);
}

static void the_first_waits_no_longer_than_timeout(void **state)
{
    struct harness *h = start("timeout = 500ms\n");
    (void)state;
    harness_stop_clock(h, 0);
    feed(h, NULL, "1");
    harness_advance(h, 400);
    feed(h, NULL, "2");
    assert_int_equal(harness_let_go(h, WEIR_WHY_TIME), 0);
    harness_advance(h, 100);
    assert_int_equal(harness_let_go(h, WEIR_WHY_TIME), 1);
    came(h, "[1,2]|");
    harness_free(h);
}

static void bytes_are_bounded(void **state)
{
    struct harness *h = start("max-bytes = 1K\nas = lines\n");
    char text[701];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    feed(h, NULL, text);
    feed(h, NULL, text);
    assert_int_equal(harness_out_count(h), 1);
    assert_int_equal(harness_out(h, 0)->record.value.len, 700);
    harness_free(h);
}

static void an_array_holds_json(void **state)
{
    struct harness *h = start("count = 2\n");
    (void)state;
    feed(h, NULL, "1");
    feed(h, NULL, "no json");
    feed(h, NULL, "\"2\"");
    came(h, "(rejected)|[1,\"2\"]|");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_become_one),
        cmocka_unit_test(those_of_a_key),
        cmocka_unit_test(the_first_waits_no_longer_than_timeout),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(an_array_holds_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
