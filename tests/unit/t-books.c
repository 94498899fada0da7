/* SPDX-License-Identifier: BSD-2-Clause */
/* t-books.c - the account a pipeline prints at its end, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "monitor/books.h"
#include "rig.h"

static struct rig rig;

static int setup(void **state)
{
    rig_init(&rig);
    return scratch_make(state);
}

static int teardown(void **state)
{
    rig_free(&rig);
    return scratch_remove(state);
}

static void prints(const char *text, bool balanced)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_int_equal(books_print(rig.p, f), balanced);
    fclose(f);
    assert_string_equal(out, text);
    free(out);
}

static void every_record_stands_in_one_column(void **state)
{
    static const struct rig_record records[] = {
        {0, 0, "a"}, {0, 1, "b"}, {0, 2, "c"}, {1, 0, "d"}, {1, 1, "e"}};
    (void)state;
    rig_sink(&rig, "sink es", &rig_full, NULL);
    rig_build(&rig);
    prints("rig: read 0 = delivered 0 + dead-lettered 0 + dropped 0 + undelivered 0\n"
           "  es: in 0 = delivered 0 + duplicate 0 + dead-lettered 0\n",
           true);
    struct weir_batch *b = rig_chunk(&rig, records, 5);
    ledger_end_marked(b, (uint8_t[]){1, 0, 0, 0, 0}, DELIVERED);
    ledger_end_marked(b, (uint8_t[]){0, 1, 0, 0, 0}, DEAD_LETTERED);
    ledger_end_marked(b, (uint8_t[]){0, 0, 1, 0, 0}, DROPPED);
    struct outlet_books *o = &rig.p->outlets[0]->books;
    o->in = 4;
    o->delivered = o->duplicate = o->dead = 1;
    prints("rig: read 5 = delivered 1 + dead-lettered 1 + dropped 1 + undelivered 2\n"
           "  es: in 4 = delivered 1 + duplicate 1 + dead-lettered 1 + undelivered 1\n",
           true);
    ledger_shard_close(&rig.p->flow.ledger, rig.shards[1]);
    prints("rig: read 3 = delivered 1 + dead-lettered 1 + dropped 1 + undelivered 0\n"
           "  es: in 4 = delivered 1 + duplicate 1 + dead-lettered 1 + undelivered 1\n"
           "  given back at a rebalance, read again by their new owner: 2\n",
           true);
    batch_unref(b);
}

static void a_sink_of_several_workers_is_one_line(void **state)
{
    (void)state;
    rig_sink(&rig, "sink es", &rig_full, NULL);
    rig_sink(&rig, "sink archive", &rig_full, NULL);
    rig_dead(&rig, &rig_full, NULL);
    rig.conf.workers = 3;
    rig_build(&rig);
    for (uint32_t i = 0; i < rig.p->n_outlets; i++)
        rig.p->outlets[i]->books.delivered = rig.p->outlets[i]->books.in = 10;
    prints("rig: read 0 = delivered 0 + dead-lettered 0 + dropped 0 + undelivered 0\n"
           "  es: in 30 = delivered 30 + duplicate 0 + dead-lettered 0\n"
           "  archive: in 30 = delivered 30 + duplicate 0 + dead-lettered 0\n"
           "  dead-letter: in 10 = delivered 10 + duplicate 0 + dead-lettered 0\n",
           true);
}

static void books_that_do_not_balance_say_so(void **state)
{
    (void)state;
    rig_sink(&rig, "sink es", &rig_full, NULL);
    rig_build(&rig);
    rig.p->flow.ledger.counts.taken = 1;
    prints("rig: read 1 = delivered 0 + dead-lettered 0 + dropped 0 + undelivered 0\n"
           "  es: in 0 = delivered 0 + duplicate 0 + dead-lettered 0\n"
           "  these books do not balance: a fault of weir, please report it\n",
           false);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(every_record_stands_in_one_column),
        test(a_sink_of_several_workers_is_one_line),
        test(books_that_do_not_balance_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
