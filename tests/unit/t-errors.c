/* SPDX-License-Identifier: BSD-2-Clause */
/* t-errors.c - which row of a table holds for an error, and how the operator's rows go before it. */
#include "config/errors.h"
#include "toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct errors_set nothing;

static const struct weir_error *look(const struct errors_set *set, uint32_t code, uint32_t where,
                                     const char *type, const char *reason)
{
    const struct weir_fault fault = {sizeof fault, code, where, 0, weir_str(type), weir_str(reason)};
    return errors_classify(&toy_errors, set, &fault);
}

static void the_first_row_that_fits_holds(void **state)
{
    (void)state;
    assert_ptr_equal(look(&nothing, 8, 1, "toy_full", "?"), &toy_error_rows[0]);
    assert_ptr_equal(look(&nothing, 8, 2, "toy_broken", "It Fell down"), &toy_error_rows[1]);
    assert_ptr_equal(look(&nothing, 8, 3, "toy_broken", "it stood"), &toy_error_rows[3]);
    assert_ptr_equal(look(&nothing, 0, 2, NULL, NULL), &toy_error_rows[2]);
    assert_ptr_equal(look(&nothing, 8, 1, "toy_bro", "it fell"), &toy_error_rows[3]);
    assert_ptr_equal(look(&nothing, 8, 1, "toy_broken", "it fel"), &toy_error_rows[3]);
}

static void what_no_row_knows_is_tried_again(void **state)
{
    (void)state;
    const struct weir_fault fault = {.struct_size = sizeof fault, .code = 5, .where = 1};
    assert_int_equal(look(&nothing, 8, 2, "else", "?")->means, WEIR_CLASS_RETRY);
    assert_int_equal(errors_classify(NULL, &nothing, &fault)->means, WEIR_CLASS_RETRY);
}

static int any_name(const char *name)
{
    return strcmp(name, "wrong") != 0;
}

static size_t told;
static char last[300];
static void tell(void *opaque, const char *name, const char *text)
{
    (void)opaque;
    told++;
    snprintf(last, sizeof last, "%s: %s", name, text);
}

static void the_operator_goes_first(void **state)
{
    static const struct weir_pair pairs[] = {
        {"8", "fatal"}, {"toy_full", "reject"}, {"new", "duplicate"}, {"wrong", "retry"}};
    struct weir_map map = {pairs, 4};
    struct weir_errors table = toy_errors;
    struct arena arena = {0};
    (void)state;
    table.known = any_name;
    struct errors_set set = errors_set_make(&arena, &table, &map, tell, NULL);
    assert_int_equal(set.count, 3);
    assert_int_equal(told, 1);
    assert_string_equal(last, "wrong: the destination has no error of that name or code");
    assert_int_equal(look(&set, 8, 1, "toy_full", "")->means, WEIR_CLASS_REJECT); /* by name before by code */
    assert_int_equal(look(&set, 8, 2, "toy_broken", "it fell")->means, WEIR_CLASS_FATAL);
    assert_int_equal(look(&set, 0, 1, "new", "")->means, WEIR_CLASS_DUPLICATE);
    assert_ptr_equal(look(&set, 0, 1, NULL, NULL), &toy_error_rows[2]);
    assert_int_equal(look(&set, 8, 1, NULL, NULL)->flags, WEIR_ERR_SET);
    arena_free(&arena);
}

static void only_the_classes_of_the_destination(void **state)
{
    static const struct weir_pair pair = {"toy_full", "split"};
    struct weir_map map = {&pair, 1};
    struct weir_errors table = toy_errors;
    struct arena arena = {0};
    (void)state;
    table.classes = 1u << WEIR_CLASS_RETRY | 1u << WEIR_CLASS_FATAL;
    assert_int_equal(errors_set_make(&arena, &table, &map, tell, NULL).count, 0);
    assert_string_equal(last, "toy_full: this destination knows only retry fatal");
    assert_int_equal(errors_set_make(&arena, NULL, &map, tell, NULL).count, 0);
    assert_string_equal(last, "toy_full: the destination has no error of that name or code");
    arena_free(&arena);
}

static void a_class_leads_to_a_status(void **state)
{
    struct weir_error row = {.means = WEIR_CLASS_RETRY, .tries = 3};
    (void)state;
    assert_int_equal(weir_error_status(&row, 1, 1), WEIR_RETRY);
    assert_int_equal(weir_error_status(&row, 2, 1), WEIR_REJECT);
    row = (struct weir_error){.means = WEIR_CLASS_SPLIT};
    assert_int_equal(weir_error_status(&row, 0, 2), WEIR_SPLIT);
    assert_int_equal(weir_error_status(&row, 0, 1), WEIR_REJECT);
    row.means = WEIR_CLASS_DUPLICATE;
    assert_int_equal(weir_error_status(&row, 0, 1), WEIR_OK);
    row.means = WEIR_CLASS_FATAL;
    assert_int_equal(weir_error_status(&row, 0, 1), WEIR_FATAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_row_that_fits_holds),
        cmocka_unit_test(what_no_row_knows_is_tried_again),
        cmocka_unit_test(the_operator_goes_first),
        cmocka_unit_test(only_the_classes_of_the_destination),
        cmocka_unit_test(a_class_leads_to_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
