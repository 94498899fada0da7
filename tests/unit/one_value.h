/* SPDX-License-Identifier: BSD-2-Clause */
/* one_value.h - one value through one configuration of a transform, for tests of transforms that make at most one record
 * of each. */
#ifndef WEIR_TEST_ONE_VALUE_H
#define WEIR_TEST_ONE_VALUE_H

#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Why a field is refused that only a reader sees who takes the first of two names. */
#define HIDDEN                                                                                               \
    "a name above a field stands twice in its object, and the field below the one that is not meant"

/* What comes out is that value, "(dropped)", "(tombstone)", or why it failed. */
static inline void expect_output(const char *plugin, const char *options, const struct weir_record *in,
                                 const char *out)
{
    struct harness *h = harness_start(plugin, WEIR_TRANSFORM, options);
    assert_int_equal(harness_process(h, harness_batch(h, in, 1)), WEIR_OK);
    const struct harness_out *o = harness_out_count(h) ? harness_out(h, 0) : NULL;
    const char *value = o ? harness_out_value(h, 0) : NULL;
    assert_string_equal(!o                         ? "(dropped)"
                        : o->how == HARNESS_REJECT ? o->result.why
                        : value                    ? value
                                                   : "(tombstone)",
                        out);
    harness_free(h);
}

static inline void expect_becomes(const char *plugin, const char *options, const char *in, const char *out)
{
    const struct weir_record record = harness_record("k", in);
    expect_output(plugin, options, &record, out);
}

/* What check says of the options holds that. */
static inline void expect_problem(const char *plugin, const char *options, const char *why)
{
    const char *said = harness_check(plugin, WEIR_TRANSFORM, options);
    if (!strstr(said, why))
        fail_msg("%s: said \"%s\", not \"%s\"", options, said, why);
}

#endif
