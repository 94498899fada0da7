/* SPDX-License-Identifier: BSD-2-Clause */
/* t-level.c - a plugin in a host that is older than its header: what the host's table does not reach to is not there, and
 * the plugin does without it. */
#define WEIR_STATIC level
#include "../abi/level.c"

#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const values[] = {"{\"a\":1}", "{\"a\":"};

static struct harness *load(void)
{
    harness_builtin(level_LTX_weir_plugin_entry());
    return harness_load("level", WEIR_TRANSFORM, "end = !\n");
}

/* Both values through the plugin, in the host as it was made. */
static void gives(struct harness *h, const char *first, const char *second)
{
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_process(h, harness_values(h, values, 2)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 2);
    assert_string_equal(harness_out_value(h, 0), first);
    assert_string_equal(harness_out_value(h, 1), second);
    harness_free(h);
}

static void a_host_of_its_level(void **state)
{
    struct harness *h = load();
    (void)state;
    assert_true(WEIR_HAS(harness_ctx(h), json_check));
    gives(h, "json {\"a\":1}!", "text {\"a\":!");
}

static void a_host_whose_table_ends_before(void **state)
{
    struct harness *h = load();
    (void)state;
    harness_host(h)->struct_size = offsetof(struct weir_host, json_check);
    assert_false(WEIR_HAS(harness_ctx(h), json_check));
    assert_true(WEIR_HAS(harness_ctx(h), json_string));
    gives(h, "text {\"a\":1}!", "text {\"a\":!");
}

static void a_host_whose_table_ends_within(void **state)
{
    struct harness *h = load();
    uint32_t end = offsetof(struct weir_host, json_check) + sizeof(void (*)(void));
    (void)state;
    harness_host(h)->struct_size = end - 1;
    assert_false(WEIR_HAS(harness_ctx(h), json_check));
    harness_host(h)->struct_size = end;
    assert_true(WEIR_HAS(harness_ctx(h), json_check));
    gives(h, "json {\"a\":1}!", "text {\"a\":!");
}

static void a_function_that_is_not_there(void **state)
{
    struct harness *h = load();
    (void)state;
    harness_host(h)->json_check = NULL;
    assert_false(WEIR_HAS(harness_ctx(h), json_check));
    gives(h, "text {\"a\":1}!", "text {\"a\":!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_of_its_level),
        cmocka_unit_test(a_host_whose_table_ends_before),
        cmocka_unit_test(a_host_whose_table_ends_within),
        cmocka_unit_test(a_function_that_is_not_there),
    };
    return cmocka_run_group_tests_name("level", tests, NULL, NULL);
}
