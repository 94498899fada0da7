/* SPDX-License-Identifier: BSD-2-Clause */
/* t-ledger.c - the books against a naive model: every record ends once, watermarks never pass an open one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery/ledger.h"
#include "record/batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct budget budget = {.limit = 1 << 30, .record_max = 1 << 20};

static struct weir_slice text(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

static struct shard *shard(struct ledger *l, const char *id)
{
    struct weir_shard desc = {.struct_size = sizeof desc, .partition = 7, .id = text(id), .topic = text("t")};
    return ledger_shard_new(l, &desc);
}

/* A batch of records with books of their own; adds n records of the shard that resume at first, first + 1, ... */
static void add(struct weir_batch *b, struct ledger_batch *books, struct shard *s, uint32_t n, uint64_t first)
{
    for (uint32_t i = 0; i < n; i++) {
        batch_grow(b, 1);
        b->records[b->count] =
            (struct weir_record){.shard = &s->pub, .seq = first + i - 1, .next = first + i};
        b->origins[b->count++] = (struct origin){books, ledger_add(books, s, first + i)};
    }
}

static struct weir_batch *opened(struct ledger *l, struct shard *s, uint32_t n, uint64_t first)
{
    struct weir_batch *b = batch_new(&budget, 1);
    struct ledger_batch *books = ledger_batch_new(l, 1);
    add(b, books, s, n, first);
    assert_true(ledger_open(books));
    return b;
}

static void end_one(const struct weir_batch *b, uint32_t i, enum outcome outcome)
{
    uint8_t *mark = calloc(b->count, 1);
    mark[i] = 1;
    ledger_end_marked(b, mark, outcome);
    free(mark);
}

/* The watermark of a shard; 0: not listed. */
static uint64_t watermark(struct ledger *l, const struct shard *s)
{
    struct shard *shards[64];
    uint64_t next[64];
    uint32_t n = ledger_watermarks(l, shards, next, 64);
    for (uint32_t i = 0; i < n; i++)
        if (shards[i] == s)
            return next[i];
    return 0;
}

static void balanced(struct ledger *l)
{
    struct books b = ledger_books(l);
    assert_int_equal(b.read, b.delivered + b.dead + b.dropped + b.open);
}

static void the_worst_outcome_of_the_copies_wins(void **state)
{
    static const struct {
        enum outcome ends[3];
        enum outcome worst;
    } cases[] = {
        {{DROPPED, DROPPED, DROPPED}, DROPPED},
        {{DROPPED, DELIVERED, DROPPED}, DELIVERED},
        {{DEAD_LETTERED, DELIVERED, DROPPED}, DEAD_LETTERED},
        {{DELIVERED, DROPPED, DEAD_LETTERED}, DEAD_LETTERED},
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct ledger l;
        ledger_init(&l);
        struct weir_batch *b = opened(&l, shard(&l, "a"), 1, 1);
        ledger_add_copies(&l, b, NULL, 2);
        for (int k = 0; k < 3; k++) {
            struct books now = ledger_books(&l);
            assert_int_equal(now.open, 1);
            assert_int_equal(now.delivered + now.dead + now.dropped, 0);
            ledger_end_all(b, cases[c].ends[k]);
        }
        struct books now = ledger_books(&l);
        assert_int_equal(now.dropped, cases[c].worst == DROPPED);
        assert_int_equal(now.delivered, cases[c].worst == DELIVERED);
        assert_int_equal(now.dead, cases[c].worst == DEAD_LETTERED);
        assert_int_equal(now.open, 0);
        assert_true(ledger_idle(&l));
        batch_unref(b);
        ledger_free(&l);
    }
}

static void extra_copies_are_counted_record_by_record(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *s = shard(&l, "a");
    struct weir_batch *b = opened(&l, s, 3, 1);
    ledger_add_copies(&l, b, (uint32_t[]){0, 2, 0}, 0);
    ledger_end_all(b, DELIVERED);
    assert_int_equal(ledger_books(&l).delivered, 2);
    assert_int_equal(watermark(&l, s), 1);
    end_one(b, 1, DROPPED);
    assert_int_equal(watermark(&l, s), 1);
    end_one(b, 1, DROPPED);
    assert_int_equal(ledger_books(&l).delivered, 3);
    assert_int_equal(watermark(&l, s), 3);
    batch_unref(b);
    ledger_free(&l);
}

static void an_empty_batch_opens_nothing(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    assert_false(ledger_open(ledger_batch_new(&l, 5)));
    assert_true(ledger_idle(&l));
    ledger_free(&l);
}

/* ---- random endings against a model ---- */
#define SHARDS  4
#define BATCHES 12
#define EACH    25

struct model {
    uint64_t next[SHARDS][BATCHES * EACH]; /* in the order read */
    bool final[SHARDS][BATCHES * EACH];
    uint32_t n[SHARDS];
};

struct copy { /* one ending to come */
    uint32_t batch, index, shard, place;
};

static uint64_t model_watermark(const struct model *m, uint32_t s)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < m->n[s] && m->final[s][i]; i++)
        at = m->next[s][i];
    return at;
}

static void fill(struct ledger *l, struct shard **shards, struct weir_batch **batches, struct model *m,
                 struct copy *copies)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < BATCHES; b++) {
        struct ledger_batch *books = ledger_batch_new(l, 1);
        batches[b] = batch_new(&budget, 1);
        for (uint32_t i = 0; i < EACH; i++) {
            uint32_t s = (uint32_t)rand() % SHARDS, place = m->n[s]++;
            uint64_t next = (place ? m->next[s][place - 1] : 0) + 1 + (uint64_t)rand() % 3;
            m->next[s][place] = next;
            add(batches[b], books, shards[s], 1, next);
            copies[n++] = (struct copy){b, i, s, place};
        }
        assert_true(ledger_open(books));
    }
}

static void watermarks_follow_the_contiguous_final_prefix(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct ledger l;
        struct shard *shards[SHARDS];
        struct weir_batch *batches[BATCHES];
        struct copy copies[BATCHES * EACH];
        struct model *m = calloc(1, sizeof *m);
        const char *const names[SHARDS] = {"a", "b", "c", "d"};
        srand(seed);
        ledger_init(&l);
        for (int s = 0; s < SHARDS; s++)
            shards[s] = shard(&l, names[s]);
        fill(&l, shards, batches, m, copies);
        for (uint32_t left = BATCHES * EACH; left; left--) {
            uint32_t k = (uint32_t)rand() % left;
            struct copy c = copies[k];
            copies[k] = copies[left - 1];
            end_one(batches[c.batch], c.index, (enum outcome)(rand() % 3));
            m->final[c.shard][c.place] = true;
            if (rand() % 3 == 0)
                for (uint32_t s = 0; s < SHARDS; s++)
                    assert_int_equal(watermark(&l, shards[s]), model_watermark(m, s));
            balanced(&l);
        }
        for (uint32_t s = 0; s < SHARDS; s++) {
            assert_int_equal(watermark(&l, shards[s]), m->n[s] ? m->next[s][m->n[s] - 1] : 0);
            assert_true(ledger_shard_idle(&l, shards[s]));
        }
        assert_true(ledger_idle(&l));
        for (uint32_t b = 0; b < BATCHES; b++)
            batch_unref(batches[b]);
        ledger_free(&l);
        free(m);
    }
}

static void what_was_committed_is_not_listed_again(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *s = shard(&l, "a");
    struct weir_batch *b = opened(&l, s, 2, 10);
    end_one(b, 0, DELIVERED);
    assert_int_equal(watermark(&l, s), 10);
    assert_int_equal(watermark(&l, s), 10);
    ledger_committed(&l, s, 10);
    assert_int_equal(watermark(&l, s), 0);
    end_one(b, 1, DELIVERED);
    assert_int_equal(watermark(&l, s), 11);
    batch_unref(b);
    ledger_free(&l);
}

static void a_skip_waits_for_what_was_read_before_it(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *s = shard(&l, "a");
    ledger_shard_skip(&l, s, 5); /* nothing before it */
    assert_int_equal(watermark(&l, s), 5);
    struct weir_batch *b = opened(&l, s, 1, 6);
    for (uint64_t at = 10; at <= 1000; at++) /* however many: one is kept */
        ledger_shard_skip(&l, s, at);
    ledger_shard_skip(&l, s, 20); /* a step back says nothing */
    assert_int_equal(watermark(&l, s), 5);
    struct weir_batch *c = opened(&l, s, 1, 1001);
    ledger_end_all(c, DELIVERED);
    assert_int_equal(watermark(&l, s), 5);
    ledger_end_all(b, DELIVERED);
    assert_int_equal(watermark(&l, s), 1001);
    batch_unref(b);
    batch_unref(c);
    ledger_free(&l);
}

static void a_watermark_never_goes_back(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *s = shard(&l, "a");
    ledger_shard_skip(&l, s, 100);
    assert_int_equal(watermark(&l, s), 100);
    struct weir_batch *b = opened(&l, s, 3, 50); /* a source that starts over */
    end_one(b, 0, DELIVERED);
    assert_int_equal(watermark(&l, s), 100);
    ledger_end_marked(b, (uint8_t[]){0, 1, 1}, DELIVERED);
    assert_int_equal(watermark(&l, s), 100);
    batch_unref(b);
    ledger_free(&l);
}

static void a_closed_shard_is_out_of_the_books_and_fenced(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *mine = shard(&l, "a"), *taken = shard(&l, "b");
    struct weir_batch *b = batch_new(&budget, 1);
    struct ledger_batch *books = ledger_batch_new(&l, 1);
    add(b, books, mine, 2, 1);
    add(b, books, taken, 3, 1);
    assert_true(ledger_open(books));
    end_one(b, 2, DELIVERED); /* the first of taken's */
    assert_false(ledger_shard_idle(&l, taken));
    ledger_shard_close(&l, taken);
    struct books now = ledger_books(&l);
    assert_int_equal(now.read, 3);
    assert_int_equal(now.open, 2);
    assert_int_equal(now.delivered, 1);
    assert_int_equal(now.returned, 2);
    assert_int_equal(taken->watermark, 1);
    end_one(b, 3, DELIVERED); /* too late */
    end_one(b, 4, DEAD_LETTERED);
    ledger_shard_skip(&l, taken, 99);
    now = ledger_books(&l);
    assert_int_equal(now.delivered, 1);
    assert_int_equal(now.dead, 0);
    assert_int_equal(taken->watermark, 1);
    balanced(&l);
    ledger_end_marked(b, (uint8_t[]){1, 1, 0, 0, 0}, DELIVERED);
    assert_true(ledger_idle(&l));
    assert_int_equal(watermark(&l, mine), 2);
    batch_unref(b);
    ledger_free(&l);
}

static void undelivered_records_stay_open_and_are_freed(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *kept = shard(&l, "a"), *closed = shard(&l, "b");
    struct weir_batch *b = opened(&l, kept, 4, 1), *c = opened(&l, closed, 4, 1),
                      *d = opened(&l, closed, 1, 9);
    end_one(b, 1, DELIVERED);
    end_one(c, 1, DELIVERED);
    ledger_shard_close(&l, closed);
    assert_int_equal(ledger_books(&l).open, 3);
    assert_false(ledger_idle(&l));
    balanced(&l);
    ledger_free(&l); /* the sanitizer tells of what is left */
    batch_unref(b);
    batch_unref(c);
    batch_unref(d);
}

static void lag_is_what_lies_before_the_end(void **state)
{
    struct ledger l;
    uint64_t lag, size;
    (void)state;
    ledger_init(&l);
    struct shard *s = shard(&l, "a");
    assert_false(ledger_lag(&l, &lag, &size));
    ledger_shard_end(&l, s, 110);
    struct weir_batch *b = opened(&l, s, 5, 11); /* resumes at 11 ... 15 */
    assert_true(ledger_lag(&l, &lag, &size));
    assert_int_equal(lag, 95);
    assert_int_equal(size, 99);
    ledger_shard_skip(&l, s, 200);
    assert_true(ledger_lag(&l, &lag, &size));
    assert_int_equal(lag, 0);
    ledger_end_all(b, DELIVERED);
    batch_unref(b);
    ledger_free(&l);
}

static void a_shard_that_was_left_goes_with_its_last_record(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *a = shard(&l, "a"), *b = shard(&l, "b"), *c = shard(&l, "c");
    struct weir_batch *batch = batch_new(&budget, 1);
    struct ledger_batch *books = ledger_batch_new(&l, 1);
    add(batch, books, a, 2, 1);
    add(batch, books, b, 1, 1);
    assert_true(ledger_open(books));
    ledger_shard_close(&l, c);
    ledger_shard_leave(&l, c); /* nothing of it was ever read */
    assert_int_equal(l.n_shards, 2);
    ledger_shard_close(&l, a);
    ledger_shard_leave(&l, a);
    assert_int_equal(l.n_shards, 2); /* its records still point to it */
    assert_int_equal(watermark(&l, b), 0);
    end_one(batch, 0, DELIVERED);
    end_one(batch, 2, DELIVERED);
    assert_int_equal(watermark(&l, b), 1);
    assert_int_equal(l.n_shards, 2);
    end_one(batch, 1, DELIVERED);
    assert_int_equal(l.n_shards, 1);
    assert_ptr_equal(ledger_shards(&l), b);
    ledger_shards_done(&l);
    assert_int_equal(shard(&l, "a")->number, 3);
    batch_unref(batch);
    ledger_free(&l);
}

static void shards_that_were_left_are_freed_with_the_ledger(void **state)
{
    struct ledger l;
    (void)state;
    ledger_init(&l);
    struct shard *a = shard(&l, "a"), *b = shard(&l, "b");
    struct weir_batch *batch = batch_new(&budget, 1);
    struct ledger_batch *books = ledger_batch_new(&l, 1);
    add(batch, books, a, 2, 1);
    add(batch, books, b, 1, 1);
    assert_true(ledger_open(books));
    ledger_shard_close(&l, a);
    ledger_shard_leave(&l, a);
    end_one(batch, 2, DELIVERED);
    batch_unref(batch);
    ledger_free(&l); /* what the sanitizer sees */
}

/* ---- several threads ---- */
#define THREADS 4

struct race {
    struct ledger ledger;
    struct weir_batch *batches[BATCHES];
    _Atomic int idle_calls;
};

static void on_idle(void *arg)
{
    atomic_fetch_add(&((struct race *)arg)->idle_calls, 1);
}

static void *end_copies(void *arg)
{
    struct race *r = arg;
    for (int b = 0; b < BATCHES; b++)
        for (uint32_t i = 0; i < EACH; i++)
            end_one(r->batches[b], i, DELIVERED);
    return NULL;
}

static void threads_end_copies_of_the_same_records(void **state)
{
    struct race r = {.idle_calls = 0};
    pthread_t threads[THREADS];
    uint64_t last = 0;
    (void)state;
    ledger_init(&r.ledger);
    r.ledger.on_idle = on_idle;
    r.ledger.arg = &r;
    struct shard *s = shard(&r.ledger, "a");
    for (uint32_t b = 0; b < BATCHES; b++) {
        r.batches[b] = opened(&r.ledger, s, EACH, 1 + b * EACH);
        ledger_add_copies(&r.ledger, r.batches[b], NULL, THREADS - 1);
    }
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, end_copies, &r), 0);
    while (!ledger_idle(&r.ledger)) {
        uint64_t now = watermark(&r.ledger, s);
        assert_true(now >= last);
        last = now;
        balanced(&r.ledger);
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    assert_int_equal(watermark(&r.ledger, s), BATCHES * EACH);
    assert_int_equal(ledger_books(&r.ledger).delivered, BATCHES * EACH);
    assert_int_equal(r.idle_calls, 1);
    for (uint32_t b = 0; b < BATCHES; b++)
        batch_unref(r.batches[b]);
    ledger_free(&r.ledger);
}

static void the_ledger_copies_what_a_shard_is(void **state)
{
    struct ledger l;
    char id[] = "id";
    (void)state;
    ledger_init(&l);
    struct weir_shard desc = {.struct_size = sizeof desc, .partition = -1, .id = {id, 2}};
    struct shard *s = ledger_shard_new(&l, &desc);
    id[0] = 'x';
    assert_memory_equal(s->pub.id.ptr, "id", 2);
    assert_null(s->pub.topic.ptr);
    assert_int_equal(s->pub.partition, -1);
    assert_int_equal(s->number, 0);
    assert_int_equal(shard(&l, "b")->number, 1);
    ledger_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_outcome_of_the_copies_wins),
        cmocka_unit_test(extra_copies_are_counted_record_by_record),
        cmocka_unit_test(an_empty_batch_opens_nothing),
        cmocka_unit_test(watermarks_follow_the_contiguous_final_prefix),
        cmocka_unit_test(what_was_committed_is_not_listed_again),
        cmocka_unit_test(a_skip_waits_for_what_was_read_before_it),
        cmocka_unit_test(a_watermark_never_goes_back),
        cmocka_unit_test(a_closed_shard_is_out_of_the_books_and_fenced),
        cmocka_unit_test(undelivered_records_stay_open_and_are_freed),
        cmocka_unit_test(lag_is_what_lies_before_the_end),
        cmocka_unit_test(a_shard_that_was_left_goes_with_its_last_record),
        cmocka_unit_test(shards_that_were_left_are_freed_with_the_ledger),
        cmocka_unit_test(threads_end_copies_of_the_same_records),
        cmocka_unit_test(the_ledger_copies_what_a_shard_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
