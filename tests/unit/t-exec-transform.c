/* SPDX-License-Identifier: BSD-2-Clause */
/* t-exec-transform.c - programs as transforms: outputs, their order, and batches that come again. */
#include "exec_test.h"

static const char *const three[] = {"one", "two", "three"};

static struct harness *start(const char *text, const char *more)
{
    char options[256];
    (void)snprintf(options, sizeof options, "format = raw\n%s", more);
    return harness_start("exec", WEIR_TRANSFORM, script(text, options));
}

static void expect_out(struct harness *h, size_t i, enum harness_how how, uint32_t parent, const char *text)
{
    const struct harness_out *o = harness_out(h, i);
    assert_int_equal(o->how, how);
    assert_int_equal(o->parent, parent);
    if (how == HARNESS_REJECT)
        assert_string_equal(o->result.why, text);
    else if (text)
        assert_string_equal(harness_out_value(h, i), text);
    else
        assert_null(harness_out_value(h, i));
}

static void outputs_keep_the_order_of_inputs(void **state)
{
    const char *values[] = {"a", "b", "c", "d", "e\nf", NULL};
    struct harness *h =
        start("read -r a x; read -r b x; read -r c x; read -r d x\n"
              "echo $d emit last; echo $c reject no c; echo $b ok; echo $a emit first\n"
              "echo $d emit; echo $a emit '  second of a '; echo $d pass; echo $a ok; cat >rest\n",
              "");
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, values, 6)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 8);
    expect_out(h, 0, HARNESS_EMIT, 0, "first");
    expect_out(h, 1, HARNESS_EMIT, 0, "  second of a ");
    expect_out(h, 2, HARNESS_REJECT, 2, "no c");
    expect_out(h, 3, HARNESS_EMIT, 3, "last");
    expect_out(h, 4, HARNESS_EMIT, 3, "");
    expect_out(h, 5, HARNESS_PASS, 3, "d");
    assert_non_null(strstr(harness_out(h, 6)->result.why, "format = record"));
    expect_out(h, 7, HARNESS_PASS, 5, NULL);
    harness_free(h);
    expect_no_child();
}

static void a_record_goes_through_whole(void **state)
{
    static const struct weir_header headers[] = {{{"a", 1}, {"1", 1}}, {{"a", 1}, {NULL, 0}}};
    struct weir_record r = harness_record("key", NULL);
    struct harness *h =
        harness_start("exec", WEIR_TRANSFORM,
                      script("while read -r id rec; do echo \"$id emit $rec\"; echo \"$id ok\"; done\n", ""));
    (void)state;
    r.headers = headers;
    r.n_headers = 2;
    r.time_ms = 1234;
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 1);
    expect_out(h, 0, HARNESS_EMIT, 0, NULL);
    const struct weir_record *out = &harness_out(h, 0)->record;
    assert_memory_equal(out->key.ptr, "key", 3);
    assert_int_equal(out->n_headers, 2);
    assert_int_equal(out->time_ms, 1234);
    harness_free(h);
}

/* Nothing of an input goes on when one of its outputs can not be read. */
static void what_is_no_record_fails_its_input(void **state)
{
    struct harness *h =
        harness_start("exec", WEIR_TRANSFORM,
                      script("while read -r id rec; do echo \"$id emit $rec\"; echo \"$id emit x\"\n"
                             "echo \"$id ok\"; done\n",
                             ""));
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, three, 1)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 1);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT);
    assert_non_null(strstr(harness_out(h, 0)->result.why, "what the program emitted is no record object: "));
    harness_free(h);
}

static void expect_again(const char *text, const char *more, const char *why)
{
    struct harness *h = start(text, more);
    assert_int_equal(harness_process(h, harness_values(h, three, 3)), WEIR_RETRY);
    if (!strstr(harness_failure(h)->why, why))
        fail_msg("\"%s\" is not in \"%s\"", why, harness_failure(h)->why);
    assert_int_equal(harness_out_count(h), 0);
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
    harness_free(h);
}

static void a_batch_goes_on_whole_or_comes_again(void **state)
{
    (void)state;
    expect_again("exit 7\n", "", "it ended with exit status 7");
    expect_again("cat >rest\n", "timeout = 200ms\n", "it gave no answer for 200 ms");
    expect_again("echo 1 emit; cat >rest\n", "timeout = 200ms\n", "it gave no answer for 200 ms");
    expect_again("while read -r id x; do echo $id retry the lock is taken; done\n", "", "the lock is taken");
    expect_again("read -r id x; echo $id emit; echo $id maybe; cat >rest\n", "",
                 "the words are ok, pass, emit, retry and reject");
    expect_again("read -r id x; while echo $id emit $x; do :; done\n", "timeout = 300ms\n",
                 "it gave no answer");
    expect_again("read -r id x; printf '%s emit %02000d\\n' $id 0; cat >rest\n", "max-line = 1K\n",
                 "it wrote a line of more than 1024 bytes");
}

/* It would do so for ever. */
static void one_that_knows_no_answers_ends_it(void **state)
{
    const char *const programs[] = {"cat\n", "echo hello; cat >rest\n",
                                    "read -r id x; echo $id maybe; cat >rest\n",
                                    "read -r id x; echo 99 ok; cat >rest\n"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct harness *h = start(programs[i], "");
        assert_int_equal(harness_process(h, harness_values(h, three, 3)), WEIR_FATAL);
        assert_non_null(strstr(harness_failure(h)->why, "it does not seem to know the protocol"));
        harness_free(h);
        expect_no_child();
    }
    expect_again("cat >rest\n", "timeout = 200ms\n", "and never one: does it know the protocol");
}

/* It dies after each record it answered: started again three times, it gets through. */
static void one_that_dies_now_and_then_gets_through(void **state)
{
    struct harness *h =
        start("read -r id x; echo $id emit -$x; echo $id ok; read -r id x; echo $id emit half\n", "");
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, three, 3)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 3);
    expect_out(h, 0, HARNESS_EMIT, 0, "-one");
    expect_out(h, 1, HARNESS_EMIT, 1, "-two");
    expect_out(h, 2, HARNESS_EMIT, 2, "-three");
    harness_free(h);
    expect_no_child();
}

/* Also with a program that has always something to say. */
static void an_interrupt_ends_the_wait(void **state)
{
    const char *const programs[] = {"cat >rest\n", "read -r id x; while echo $id emit $x; do :; done\n"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct harness *h = start(programs[i], "");
        harness_ops(h)->interrupt(h->self);
        assert_int_equal(harness_process(h, harness_values(h, three, 3)), WEIR_RETRY);
        assert_int_equal(harness_health(h).told, 0);
        harness_free(h);
        expect_no_child();
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, exec_setup, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(outputs_keep_the_order_of_inputs),        TEST(a_record_goes_through_whole),
        TEST(what_is_no_record_fails_its_input),       TEST(a_batch_goes_on_whole_or_comes_again),
        TEST(one_that_dies_now_and_then_gets_through), TEST(an_interrupt_ends_the_wait),
        TEST(one_that_knows_no_answers_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
