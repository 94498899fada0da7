/* SPDX-License-Identifier: BSD-2-Clause */
/* t-arena.c - arenas and string buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/arena.h"
#include "record/strbuf.h"

#include <stdlib.h>
#include <string.h>

static void arena_gives_aligned_blocks_that_do_not_overlap(void **state)
{
    struct arena a = {0};
    unsigned char *blocks[300];
    size_t sizes[300];

    (void)state;
    for (size_t i = 0; i < 300; i++) {
        sizes[i] = i * 7 % 1000;
        blocks[i] = arena_alloc(&a, sizes[i]);
        assert_int_equal((uintptr_t)blocks[i] % 8, 0);
        if (sizes[i] > 0)
            memset(blocks[i], (int)(i & 0xff), sizes[i]);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(blocks[i][k], i & 0xff);
    assert_true(a.bytes >= 150000);
    arena_free(&a);
    assert_int_equal(a.bytes, 0);
    assert_null(a.chunks);
}

static void arena_takes_a_block_larger_than_any_chunk(void **state)
{
    struct arena a = {0};
    const size_t n = (size_t)5 << 20;

    (void)state;
    char *small = arena_alloc(&a, 10);
    char *large = arena_alloc(&a, n);
    memset(small, 1, 10);
    memset(large, 2, n);
    assert_int_equal(small[9], 1);
    assert_true(a.bytes >= n);
    arena_free(&a);
}

static void arena_copy_ends_with_nul_and_may_be_empty(void **state)
{
    struct arena a = {0};

    (void)state;
    char *copy = arena_copy(&a, "a\0b", 3);
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(arena_copy(&a, NULL, 0), "");
    arena_free(&a);
}

static void arena_reset_keeps_one_chunk_and_reuses_it(void **state)
{
    struct arena a = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        arena_alloc(&a, 1000);
    size_t before = a.bytes;
    arena_reset(&a);
    size_t kept = a.bytes;
    assert_true(kept > 0 && kept < before);
    void *first = arena_alloc(&a, 8);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 8), first);
    assert_int_equal(a.bytes, kept);
    arena_free(&a);
}

static void arena_reset_gives_a_huge_chunk_back(void **state)
{
    struct arena a = {0};

    (void)state;
    arena_reset(&a); /* empty: nothing happens */
    arena_alloc(&a, (size_t)8 << 20);
    arena_reset(&a);
    assert_int_equal(a.bytes, 0);
    assert_non_null(arena_alloc(&a, 1));
    arena_free(&a);
}

static void strbuf_grows_and_stays_terminated(void **state)
{
    struct strbuf b = {0};

    (void)state;
    strbuf_str(&b, "one");
    strbuf_char(&b, ' ');
    strbuf_add(&b, "two\0x", 5);
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.data, "one two\0x", 10);
    for (int i = 0; i < 1000; i++)
        strbuf_str(&b, "0123456789");
    assert_int_equal(b.len, 10009);
    assert_int_equal(b.data[b.len], 0);
    assert_true(b.room > b.len);
    strbuf_free(&b);
    assert_null(b.data);
    assert_int_equal(b.room, 0);
}

static void strbuf_printf_appends_texts_of_any_length(void **state)
{
    struct strbuf b = {0};
    char longer[500];

    (void)state;
    memset(longer, 'y', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    strbuf_printf(&b, "%d-%s;", 42, "x");
    assert_string_equal(b.data, "42-x;");
    strbuf_printf(&b, "%s", longer);
    assert_int_equal(b.len, 5 + 499);
    assert_string_equal(b.data + 5, longer);
    strbuf_printf(&b, "%s", "");
    assert_int_equal(b.len, 5 + 499);
    strbuf_free(&b);
}

static void strbuf_reserve_makes_room_without_moving_the_end(void **state)
{
    struct strbuf b = {0};

    (void)state;
    strbuf_str(&b, "ab");
    char *at = strbuf_reserve(&b, 100);
    assert_ptr_equal(at, b.data + 2);
    assert_int_equal(b.len, 2);
    assert_true(b.room >= 103);
    strbuf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_aligned_blocks_that_do_not_overlap),
        cmocka_unit_test(arena_takes_a_block_larger_than_any_chunk),
        cmocka_unit_test(arena_copy_ends_with_nul_and_may_be_empty),
        cmocka_unit_test(arena_reset_keeps_one_chunk_and_reuses_it),
        cmocka_unit_test(arena_reset_gives_a_huge_chunk_back),
        cmocka_unit_test(strbuf_grows_and_stays_terminated),
        cmocka_unit_test(strbuf_printf_appends_texts_of_any_length),
        cmocka_unit_test(strbuf_reserve_makes_room_without_moving_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
