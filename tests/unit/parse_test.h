/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_test.h - tables of texts and of what the transform parse makes of them.  One thread. */
#ifndef WEIR_TESTS_PARSE_TEST_H
#define WEIR_TESTS_PARSE_TEST_H

#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct parse_row {
    const char *in, *out; /* out: the value; "! " and part of the reason; "-": dropped */
};

/* Each row through one instance with those options. */
static inline void parse_rows(const char *options, const struct parse_row *rows, size_t n)
{
    struct harness *h = harness_start("parse", WEIR_TRANSFORM, options);
    harness_stop_clock(h, INT64_C(1767312000000)); /* 2026-01-02T00:00:00Z */
    for (size_t i = 0; i < n; i++) {
        harness_out_clear(h);
        assert_int_equal(harness_process(h, harness_values(h, &rows[i].in, 1)), WEIR_OK);
        const char *got = NULL, *want = rows[i].out;
        if (harness_out_count(h) == 0) {
            got = "-";
        } else if (harness_out(h, 0)->how == HARNESS_REJECT) {
            if (want[0] == '!' && strstr(harness_out(h, 0)->result.why, want + strspn(want, "! ")))
                continue;
            got = harness_out(h, 0)->result.why;
        } else {
            got = harness_out_value(h, 0);
        }
        if (strcmp(got, want) != 0)
            fail_msg("%s\nof %s\ncame %s\nnot  %s", options, rows[i].in, got, want);
    }
    harness_free(h);
}
#define PARSE_ROWS(options, ...)                                                                             \
    do {                                                                                                     \
        static const struct parse_row rows_[] = {__VA_ARGS__};                                               \
        parse_rows(options, rows_, sizeof rows_ / sizeof rows_[0]);                                          \
    } while (0)

#endif
