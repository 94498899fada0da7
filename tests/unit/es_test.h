/* SPDX-License-Identifier: BSD-2-Clause */
/* es_test.h - what the tests of the elasticsearch sink share: a sink beside a server that says what it is told. */
#ifndef WEIR_TESTS_ES_TEST_H
#define WEIR_TESTS_ES_TEST_H

#include "harness.h"

#include "es_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WAIT 60000 /* ms; far longer than an answer takes */

struct es_test {
    struct es_server *server;
    struct harness *h;
};

static inline struct es_test begin(const char *options)
{
    struct es_test t = {es_server_start(), NULL};
    char text[4096];
    snprintf(text, sizeof text, "%sindex = idx\n%s", es_server_option(t.server), options);
    t.h = harness_start("elasticsearch", WEIR_SINK, text);
    return t;
}

static inline void end(struct es_test *t)
{
    harness_free(t->h);
    es_server_stop(t->server);
}

static inline void write_all(struct es_test *t, struct weir_batch *b)
{
    assert_int_equal(harness_write(t->h, b), WEIR_OK);
    assert_true(harness_run_until(t->h, harness_idle, NULL, WAIT));
}

static inline struct weir_batch *write_values(struct es_test *t, const char *const *values, uint32_t n)
{
    struct weir_batch *b = harness_values(t->h, values, n);
    write_all(t, b);
    return b;
}

static inline void say(struct es_test *t, int status, const char *body)
{
    es_server_say(t->server, (struct es_answer){.status = status, .body = body});
}

static const char *const THREE[] = {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}"};

static inline void expect(struct weir_batch *b, uint32_t i, int status, uint32_t code, const char *type)
{
    struct weir_result r = harness_result(b, i);
    assert_int_equal(r.status, status);
    assert_int_equal(r.code, code);
    if (type)
        assert_string_equal(r.type ? r.type : "", type);
}

#endif
