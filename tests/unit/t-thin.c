/* SPDX-License-Identifier: BSD-2-Clause */
/* t-thin.c - the transforms that let fewer records through, or later: dedupe, sample, throttle. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One record with that key and place; how many came out. */
static size_t feed(struct harness *h, const char *key, uint64_t seq)
{
    struct weir_record r = harness_record(key, "v");
    r.seq = seq;
    harness_out_clear(h);
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    return harness_out_count(h);
}

static void dedupe_drops_what_came_before(void **state)
{
    struct harness *h = harness_start("dedupe", WEIR_TRANSFORM, "key = key\nwithin = 10s\n");
    (void)state;
    harness_stop_clock(h, 0);
    assert_int_equal(feed(h, "a", 1), 1);
    assert_int_equal(feed(h, "b", 2), 1);
    assert_int_equal(feed(h, "a", 3), 0);
    assert_int_equal(feed(h, "", 4), 1);
    assert_int_equal(feed(h, "", 5), 0);
    harness_advance(h, 9999);
    assert_int_equal(feed(h, "a", 6), 0);
    harness_advance(h, 1);
    assert_int_equal(feed(h, "a", 7), 1);
    assert_int_equal(feed(h, "a", 8), 0);
    assert_int_equal(feed(h, NULL, 9), 1);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT); /* without a key it can't be told */
    harness_free(h);
}

static void dedupe_knows_a_record_that_comes_again(void **state)
{
    struct harness *h = harness_start("dedupe", WEIR_TRANSFORM, "key = key\n");
    (void)state;
    assert_int_equal(feed(h, "a", 5), 1);
    assert_int_equal(feed(h, "a", 9), 0);
    assert_int_equal(feed(h, "a", 5), 1); /* read again */
    assert_int_equal(feed(h, "a", 9), 0);
    struct weir_record of_one[] = {harness_record("x", "1"), harness_record("x", "2")};
    of_one[0].seq = of_one[1].seq = 20;
    harness_out_clear(h);
    assert_int_equal(harness_process(h, harness_batch(h, of_one, 2)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 1); /* two that another transform made of one record */
    harness_free(h);
}

/* Lanes that are read again come in another order than at first. */
static void dedupe_passes_one_of_a_key_when_lanes_come_again(void **state)
{
    struct harness *h = harness_start("dedupe", WEIR_TRANSFORM, "key = key\n");
    const struct weir_shard lanes[] = {
        {.struct_size = sizeof lanes[0], .id = {"lane-0", 6}, .topic = {"t", 1}},
        {.struct_size = sizeof lanes[0], .id = {"lane-1", 6}, .topic = {"t", 1}, .partition = 1}};
    struct weir_record both[] = {harness_record("a", "0"), harness_record("a", "1")};
    (void)state;
    for (int i = 0; i < 2; i++) {
        both[i].shard = &lanes[i];
        both[i].seq = 7;
    }
    assert_int_equal(harness_process(h, harness_batch(h, both, 2)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 1);
    const struct weir_record swapped[] = {both[1], both[0]};
    harness_out_clear(h);
    assert_int_equal(harness_process(h, harness_batch(h, swapped, 2)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 1); /* none would lose the key for good */
    assert_memory_equal(harness_out(h, 0)->record.value.ptr, "0", 1);
    harness_free(h);
}

static void dedupe_keeps_so_many_keys(void **state)
{
    struct harness *h = harness_start("dedupe", WEIR_TRANSFORM, "key = key\ncount = 1000\n");
    char key[20];
    (void)state;
    for (uint64_t i = 1; i <= 1001; i++) {
        snprintf(key, sizeof key, "%llu", (unsigned long long)i);
        assert_int_equal(feed(h, key, i), 1);
    }
    assert_int_equal(harness_metric(h, 0), 1);
    assert_int_equal(feed(h, "2", 2000), 0);
    assert_int_equal(feed(h, "1001", 2001), 0);
    assert_int_equal(feed(h, "1", 2002), 1); /* the oldest was forgotten */
    assert_int_equal(feed(h, "2", 2003), 1);
    char *long_key = calloc(1, 1026);
    memset(long_key, 'k', 1025);
    assert_int_equal(feed(h, long_key, 3000), 1);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT);
    free(long_key);
    harness_free(h);
}

/* Memory of keys that were forgotten serves new ones, longer ones too. */
static void dedupe_forgets_and_learns(void **state)
{
    struct harness *h = harness_start("dedupe", WEIR_TRANSFORM, "key = key\ncount = 3\n");
    char key[600];
    (void)state;
    for (uint64_t i = 1; i <= 500; i++) {
        memset(key, 'a' + (int)(i % 26), sizeof key);
        key[i * 7919 % 599] = '\0';
        assert_int_equal(feed(h, key, i), 1);
        assert_int_equal(feed(h, key, 1000 + i), 0);
    }
    assert_int_equal(harness_metric(h, 0), 497);
    harness_free(h);
}

static void dedupe_keeps_no_memory_of_long_keys(void **state)
{
    struct harness *h = harness_start("dedupe", WEIR_TRANSFORM, "key = key\ncount = 100\n");
    char key[1001];
    (void)state;
    for (uint64_t i = 1; i <= 200; i++) {
        snprintf(key, sizeof key, "%0*llu", i <= 100 ? 1000 : 10, (unsigned long long)i);
        assert_int_equal(feed(h, key, i), 1);
        if (i == 100)
            assert_true(harness_held(h) > (size_t)100 * 1000);
    }
    assert_true(harness_held(h) < (size_t)100 * 200);
    harness_free(h);
}

static size_t sampled(const char *options, const char *key, uint64_t from, uint64_t n)
{
    struct harness *h = harness_start("sample", WEIR_TRANSFORM, options);
    size_t kept = 0;
    for (uint64_t i = from; i < from + n; i++)
        kept += feed(h, key, i);
    harness_free(h);
    return kept;
}

static void sample_keeps_about_one_of_so_many(void **state)
{
    (void)state;
    size_t kept = sampled("rate = 10\n", "k", 1, 10000);
    assert_in_range(kept, 850, 1150);
    assert_int_equal(kept, sampled("rate = 10\n", "k", 1, 10000)); /* the same ones in every run */
    assert_int_equal(sampled("rate = 1\n", "k", 1, 50), 50);
}

static void sample_keeps_all_records_of_a_key_or_none(void **state)
{
    size_t keys = 0;
    (void)state;
    for (int i = 0; i < 200; i++) {
        char key[8];
        snprintf(key, sizeof key, "%d", i);
        size_t kept = sampled("rate = 4\nkey = key\n", key, 1, 3);
        assert_true(kept == 0 || kept == 3);
        keys += kept == 3;
    }
    assert_in_range(keys, 30, 70);
}

/* A batch of so many; the status. */
static int offer(struct harness *h, uint32_t n)
{
    struct weir_record *records = calloc(n, sizeof *records);
    for (uint32_t i = 0; i < n; i++)
        records[i] = harness_record(NULL, "v");
    int status = harness_process(h, harness_batch(h, records, n));
    free(records);
    return status;
}

static void throttle_waits_until_what_passed_is_paid_for(void **state)
{
    struct harness *h = harness_start("throttle", WEIR_TRANSFORM, "rate = 1000\n");
    (void)state;
    harness_stop_clock(h, 0);
    assert_int_equal(offer(h, 2000), WEIR_OK);
    assert_int_equal(harness_out_count(h), 2000);
    assert_int_equal(offer(h, 1), WEIR_RETRY);
    assert_int_equal(harness_failure(h)->retry_after_ms, 1900);
    harness_advance(h, 1700);
    assert_int_equal(offer(h, 1), WEIR_RETRY);
    harness_advance(h, 200);
    assert_int_equal(offer(h, 1), WEIR_OK);
    assert_int_equal(harness_health(h).state, WEIR_UP);
    harness_free(h);
}

static void throttle_keeps_its_rate(void **state)
{
    struct harness *h = harness_start("throttle", WEIR_TRANSFORM, "rate = 60000\nper = 1m\n");
    uint32_t passed = 0;
    (void)state;
    harness_stop_clock(h, 0);
    for (int ms = 0; ms < 20000;) {
        int status = offer(h, 7), step = 7;
        if (status == WEIR_OK)
            passed += 7;
        else
            step = (int)harness_failure(h)->retry_after_ms + 3; /* the host comes late */
        if (status != WEIR_OK || passed % 70 == 0) {
            harness_advance(h, step);
            ms += step;
        }
    }
    assert_in_range(passed, 19500, 20500);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dedupe_drops_what_came_before),
        cmocka_unit_test(dedupe_knows_a_record_that_comes_again),
        cmocka_unit_test(dedupe_passes_one_of_a_key_when_lanes_come_again),
        cmocka_unit_test(dedupe_keeps_so_many_keys),
        cmocka_unit_test(dedupe_forgets_and_learns),
        cmocka_unit_test(dedupe_keeps_no_memory_of_long_keys),
        cmocka_unit_test(sample_keeps_about_one_of_so_many),
        cmocka_unit_test(sample_keeps_all_records_of_a_key_or_none),
        cmocka_unit_test(throttle_waits_until_what_passed_is_paid_for),
        cmocka_unit_test(throttle_keeps_its_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
