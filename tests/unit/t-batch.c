/* SPDX-License-Identifier: BSD-2-Clause */
/* t-batch.c - chunks, slices and selections: who keeps whom alive, documents parsed once, and every byte accounted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/batch.h"
#include "record/path.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Linked with --wrap: every parse and print of the program goes through here. */
struct json_doc *__real_json_parse(struct arena *, const void *p, size_t n, struct json_error *error);
struct json_doc *__wrap_json_parse(struct arena *, const void *p, size_t n, struct json_error *error);
void __real_json_print(const struct json_doc *, char *out);
void __wrap_json_print(const struct json_doc *, char *out);
static _Atomic int parses, prints;

struct json_doc *__wrap_json_parse(struct arena *a, const void *p, size_t n, struct json_error *error)
{
    atomic_fetch_add(&parses, 1);
    return __real_json_parse(a, p, n, error);
}

void __wrap_json_print(const struct json_doc *doc, char *out)
{
    atomic_fetch_add(&prints, 1);
    __real_json_print(doc, out);
}

static struct budget budget;

static int fresh_budget(void **state)
{
    (void)state;
    budget = (struct budget){.limit = 1 << 20, .record_max = 1 << 19};
    parses = prints = 0;
    return 0;
}

static int budget_is_back(void **state)
{
    (void)state;
    return budget.used == 0 ? 0 : -1;
}

static struct weir_slice text(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

/* A chunk of n records {"n":0}, {"n":1}, ...; shard and books are marks only. */
static struct weir_batch *chunk(uint32_t n)
{
    struct weir_batch *b = batch_new(&budget, 2);
    for (uint32_t i = 0; i < n; i++) {
        char value[32];
        struct weir_header header = {{"h", 1}, {NULL, 0}};
        snprintf(value, sizeof value, "{\"n\":%u}", i);
        struct weir_record r = {.key = text("k"),
                                .value = text(value),
                                .headers = &header,
                                .n_headers = 1,
                                .seq = i,
                                .next = i + 1};
        batch_append_copy(b, &r, (struct origin){NULL, i});
    }
    batch_seal(b);
    return b;
}

static void holds(const struct weir_batch *b, uint32_t i, unsigned n)
{
    char value[32];
    snprintf(value, sizeof value, "{\"n\":%u}", n);
    assert_int_equal(b->records[i].value.len, strlen(value));
    assert_memory_equal(b->records[i].value.ptr, value, strlen(value));
    assert_int_equal(batch_origin(b, i).index, n);
}

static uint64_t bytes_of(const struct weir_batch *b)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < b->count; i++)
        n += record_bytes(&b->records[i]);
    return n;
}

static void a_copy_owns_its_bytes(void **state)
{
    char value[] = "abc";
    struct weir_batch *b = batch_new(&budget, 0);
    struct weir_record r = {.value = {value, 3}, .key = {"", 0}};
    (void)state;
    batch_append_copy(b, &r, (struct origin){0});
    value[0] = 'x';
    assert_memory_equal(b->records[0].value.ptr, "abc", 3);
    assert_non_null(b->records[0].key.ptr); /* empty is not absent */
    assert_null(b->records[0].topic.ptr);
    batch_unref(b);
}

static void slices_borrow_and_keep_their_chunk(void **state)
{
    struct weir_batch *c = chunk(10), *s = batch_slice(c, 2, 6), *t = batch_slice(s, 1, 3);
    (void)state;
    assert_ptr_equal(t->records, c->records + 3);
    assert_ptr_equal(t->base, c); /* not the slice between */
    batch_unref(c);
    batch_unref(s);
    for (uint32_t i = 0; i < 3; i++)
        holds(t, i, i + 3);
    assert_int_equal(t->bytes, bytes_of(t));
    assert_int_equal(batch_at(t, 2).index, 5);
    batch_unref(t);
}

static void a_slice_of_everything_knows_its_bytes(void **state)
{
    struct weir_batch *c = chunk(10), *s = batch_slice(c, 0, 10);
    (void)state;
    assert_int_equal(s->bytes, bytes_of(c));
    batch_unref(s);
    batch_unref(c);
}

static void selections_keep_every_chunk_they_name(void **state)
{
    struct weir_batch *a = chunk(5), *b = chunk(5), *sel = batch_selection(&budget, 1);
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        batch_select(sel, a, i);
        batch_select(sel, b, 4 - i);
    }
    batch_seal(sel);
    struct weir_batch *part = batch_slice(sel, 3, 4), *over = batch_selection(&budget, 4);
    for (uint32_t i = 0; i < 4; i++)
        batch_select(over, part, i);
    batch_unref(a);
    batch_unref(b);
    batch_unref(sel);
    batch_unref(part);
    holds(over, 0, 3);
    holds(over, 1, 2);
    holds(over, 2, 2);
    holds(over, 3, 3);
    assert_int_equal(over->bytes, bytes_of(over));
    assert_ptr_equal(batch_at(over, 0).chunk, b);
    batch_unref(over);
}

static int released;
static void release(void *opaque)
{
    ++*(int *)opaque;
}

static void buffers_live_as_long_as_a_record_in_them(void **state)
{
    void *data;
    (void)state;
    released = 0;
    struct weir_buf *mine = buf_alloc(&budget, 100, &data);
    struct weir_buf *foreign = buf_wrap(&budget, 5000, release, &released);
    assert_true(budget.used >= 5100);
    memset(data, 'x', 100);
    struct weir_batch *b = batch_new(&budget, 1);
    batch_own(b, mine);
    batch_own(b, mine);
    batch_own(b, foreign);
    buf_unref(mine);
    buf_unref(foreign);
    struct weir_batch *s = batch_slice(b, 0, 0);
    batch_unref(b);
    assert_int_equal(released, 0);
    assert_int_equal(((char *)data)[99], 'x');
    batch_unref(s);
    assert_int_equal(released, 1);
}

static void a_document_is_parsed_once_through_any_view_of_it(void **state)
{
    struct weir_batch *c = chunk(4), *s = batch_slice(c, 1, 3), *sel = batch_selection(&budget, 1);
    (void)state;
    batch_select(sel, s, 1);
    struct parsed *p = batch_json(sel, 0, "me");
    assert_non_null(p->doc);
    assert_ptr_equal(batch_json(c, 2, "you"), p);
    assert_ptr_equal(batch_json(s, 1, "me"), p);
    assert_ptr_equal(batch_json_known(c, 2), p);
    assert_null(batch_json_known(c, 1));
    assert_int_equal(parses, 1);
    batch_unref(s);
    batch_unref(sel);
    batch_unref(c);
}

static void what_is_no_json_says_why_and_is_not_read_again(void **state)
{
    struct weir_batch *b = batch_new(&budget, 0);
    struct weir_record bad = {.value = text("{")}, tombstone = {.key = text("k")};
    (void)state;
    batch_append_copy(b, &bad, (struct origin){0});
    batch_append_copy(b, &tombstone, (struct origin){0});
    for (int k = 0; k < 2; k++) {
        assert_null(batch_json(b, 0, "me")->doc);
        assert_non_null(batch_json(b, 0, "me")->why);
        assert_string_equal(batch_json(b, 1, "me")->why, "it is a tombstone");
    }
    assert_int_equal(parses, 1);
    batch_unref(b);
}

static void documents_grow_with_their_chunk(void **state)
{
    struct weir_batch *b = chunk(2);
    (void)state;
    struct parsed *p = batch_json(b, 1, "me");
    const struct weir_record first = b->records[0];
    for (uint32_t i = 0; i < 100; i++)
        batch_append_copy(b, &first, (struct origin){NULL, i});
    assert_ptr_equal(batch_json_known(b, 1), p);
    assert_null(batch_json_known(b, 101));
    batch_unref(b);
}

#define ASKERS  4
#define RECORDS 200
struct asker {
    struct weir_batch *batch;
    pthread_barrier_t *start;
    struct parsed *got[RECORDS];
};

static void *ask(void *arg)
{
    struct asker *a = arg;
    pthread_barrier_wait(a->start);
    for (uint32_t i = 0; i < RECORDS; i++)
        a->got[i] = batch_json(a->batch, i, a);
    batch_unref(a->batch);
    return NULL;
}

static void several_threads_see_one_document(void **state)
{
    struct asker askers[ASKERS];
    pthread_t threads[ASKERS];
    pthread_barrier_t start;
    struct weir_batch *c = chunk(RECORDS);
    (void)state;
    pthread_barrier_init(&start, NULL, ASKERS);
    for (int t = 0; t < ASKERS; t++) {
        askers[t] = (struct asker){.batch = batch_slice(c, 0, RECORDS), .start = &start};
        assert_int_equal(pthread_create(&threads[t], NULL, ask, &askers[t]), 0);
    }
    for (int t = 0; t < ASKERS; t++)
        pthread_join(threads[t], NULL);
    for (uint32_t i = 0; i < RECORDS; i++)
        for (int t = 1; t < ASKERS; t++)
            assert_ptr_equal(askers[t].got[i], askers[0].got[i]);
    assert_in_range(parses, RECORDS,
                    RECORDS * ASKERS); /* those who came at one time may have parsed in vain */
    int before = parses;
    for (uint32_t i = 0; i < RECORDS; i++)
        (void)batch_json(c, i, "late");
    assert_int_equal(parses, before);
    pthread_barrier_destroy(&start);
    batch_unref(c); /* the last one frees, wherever it is */
}

static void edits_are_printed_once(void **state)
{
    struct weir_batch *c = chunk(3);
    const char *why;
    size_t used;
    (void)state;
    struct json_path *path = path_compile(".n", 2, &used, &why);
    struct parsed *p = batch_json(c, 1, "me");
    assert_true(json_set(batch_doc_arena(c, "me"), p->doc, path, text("\"long text\"")));
    batch_charge_docs(c, "me");
    p->printed = false;
    batch_print_edits(c);
    batch_print_edits(c);
    assert_int_equal(prints, 1);
    assert_int_equal(c->records[1].value.len, strlen("{\"n\":\"long text\"}"));
    assert_memory_equal(c->records[1].value.ptr, "{\"n\":\"long text\"}", 17);
    holds(c, 0, 0);
    assert_int_equal(c->bytes, bytes_of(c));
    path_free(path);
    batch_unref(c);
}

static void documents_are_charged_as_they_grow(void **state)
{
    struct weir_batch *c = chunk(1);
    (void)state;
    struct arena *a = batch_doc_arena(c, "me");
    size_t before = budget.used;
    (void)arena_alloc(a, 100000); /* edits take memory too */
    batch_charge_docs(c, "me");
    assert_true(budget.used >= before + 100000);
    (void)arena_alloc(batch_doc_arena(c, "you"), 100000); /* never accounted: nor given back */
    batch_unref(c);
}

/* ---- the budget ---- */
static int rooms;
static void on_room(void *arg)
{
    (void)arg;
    rooms++;
}

static void room_is_told_once_to_who_waits(void **state)
{
    (void)state;
    rooms = 0;
    budget = (struct budget){.limit = 1000, .on_room = on_room};
    budget_charge(&budget, 999);
    assert_false(budget_full(&budget));
    budget_charge(&budget, 500);
    assert_true(budget_full(&budget));
    budget_release(&budget, 1);
    assert_int_equal(rooms, 0); /* nobody waits */
    assert_false(budget_wait(&budget));
    budget_release(&budget, 700);
    assert_int_equal(rooms, 0); /* 798 of 1000: not worth it */
    budget_release(&budget, 48);
    assert_int_equal(rooms, 1);
    budget_release(&budget, 50);
    assert_int_equal(rooms, 1);
    assert_true(budget_wait(&budget)); /* there is room already */
    budget_release(&budget, 700);
    assert_int_equal(rooms, 1);
    assert_int_equal(budget.used, 0);
    assert_int_equal(budget.peak, 1499);
}

static _Atomic int woken;
static void wake(void *arg)
{
    (void)arg;
    atomic_store(&woken, 1);
}

static void *give_back(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        budget_release(&budget, 1);
    return NULL;
}

static void a_wake_up_is_never_lost(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        pthread_t threads[2];
        budget = (struct budget){.limit = 2000, .on_room = wake};
        atomic_store(&woken, 0);
        budget_charge(&budget, 2000);
        for (int t = 0; t < 2; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, give_back, NULL), 0);
        bool room = budget_wait(&budget);
        for (int t = 0; t < 2; t++)
            pthread_join(threads[t], NULL);
        assert_true(room || atomic_load(&woken));
        assert_int_equal(budget.used, 0);
    }
}

/* Record i says `now`, and was `was` when it was read. */
static void was(const struct weir_batch *b, uint32_t i, const char *now, const char *was)
{
    const struct weir_record *o = batch_original(b, i);
    assert_int_equal(b->records[i].value.len, strlen(now));
    assert_memory_equal(b->records[i].value.ptr, now, strlen(now));
    assert_int_equal(o->value.len, strlen(was));
    assert_memory_equal(o->value.ptr, was, strlen(was));
}

static void a_record_is_known_as_it_was_read(void **state)
{
    struct weir_batch *root = chunk(4), *one = batch_new(&budget, 2), *two = batch_new(&budget, 2);
    (void)state;
    was(root, 3, "{\"n\":3}", "{\"n\":3}");
    batch_descend(one, root);
    batch_append_copy(one, &(struct weir_record){.value = text("three")}, batch_origin(root, 3));
    batch_append_copy(one, &(struct weir_record){.value = text("one")}, batch_origin(root, 1));
    batch_unref(root);
    batch_descend(two, one);
    batch_append_copy(two, &(struct weir_record){.value = text("ONE")}, batch_origin(one, 1));
    batch_unref(one);
    was(two, 0, "ONE", "{\"n\":1}");
    struct weir_batch *lent = batch_slice(two, 0, 1), *again = batch_new(&budget, 1);
    batch_unref(two);
    batch_append_again(again, lent, 0); /* a retry lets go of the batch it came in */
    batch_append_again(again, lent, 0);
    batch_unref(lent);
    was(again, 1, "ONE", "{\"n\":1}");
    struct weir_batch *picked = batch_selection(&budget, 1);
    batch_select(picked, again, 1);
    batch_unref(again);
    struct weir_batch *last = batch_new(&budget, 1);
    batch_append_again(last, picked, 0);
    batch_unref(picked);
    was(last, 0, "ONE", "{\"n\":1}");
    batch_unref(last);
}

#define test(f) cmocka_unit_test_setup_teardown(f, fresh_budget, budget_is_back)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_copy_owns_its_bytes),
        test(a_record_is_known_as_it_was_read),
        test(slices_borrow_and_keep_their_chunk),
        test(a_slice_of_everything_knows_its_bytes),
        test(selections_keep_every_chunk_they_name),
        test(buffers_live_as_long_as_a_record_in_them),
        test(a_document_is_parsed_once_through_any_view_of_it),
        test(what_is_no_json_says_why_and_is_not_read_again),
        test(documents_grow_with_their_chunk),
        test(several_threads_see_one_document),
        test(edits_are_printed_once),
        test(documents_are_charged_as_they_grow),
        test(room_is_told_once_to_who_waits),
        test(a_wake_up_is_never_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
