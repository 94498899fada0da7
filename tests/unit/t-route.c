/* SPDX-License-Identifier: BSD-2-Clause */
/* t-route.c - the transform route: topics by template and by regex. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A record of that topic through one configuration: its topic then. */
static void expect(const char *options, const char *topic, const char *value, const char *out)
{
    struct harness *h = harness_start("route", WEIR_TRANSFORM, options);
    struct weir_record record = harness_record("k", value);
    const char *shown = "(dropped)";
    record.topic = (struct weir_slice){topic, strlen(topic)};
    record.time_ms = 1700000000123;
    assert_int_equal(harness_process(h, harness_batch(h, &record, 1)), WEIR_OK);
    if (harness_out_count(h)) {
        const struct harness_out *o = harness_out(h, 0);
        shown = o->how == HARNESS_REJECT ? o->result.why : (const char *)o->record.topic.ptr;
        if (o->how != HARNESS_REJECT && value) {
            assert_string_equal(harness_out_value(h, 0), value);
            assert_string_equal(o->record.key.ptr, "k");
        }
        if (o->how == HARNESS_PASS)
            assert_string_equal(shown, topic);
    }
    if (strcmp(shown, out) != 0)
        fail_msg("%s of %s: \"%s\", not \"%s\"", options, topic, shown, out);
    harness_free(h);
}

static void by_template(void **state)
{
    (void)state;
    expect("topic = {topic}-{time:%Y%m%d}\n", "web", "{}", "web-20231114");
    expect("topic = logs.{.app}\n", "web", "{\"app\":\"shop\"}", "logs.shop");
    expect("topic = {topic}\n", "web", "no json", "web");
    expect("topic = {.a|}\n", "web", "{}", "the new topic is empty");
    expect("topic = all\n", "web", NULL, "all");
}

static void by_regex(void **state)
{
    const char *options = "regex = web\\.(?<app>[a-z]+)\\.(.*)\nreplacement = logs-$app-$2\n";
    (void)state;
    expect(options, "web.shop.eu", "{}", "logs-shop-eu");
    expect(options, "web.shop.eu", NULL, "logs-shop-eu");
    expect(options, "the.web.shop.eu", "{}", "the.web.shop.eu"); /* the whole has to fit */
    expect(options, "web.shop", "{}", "web.shop");
    expect("regex = .*\nreplacement = all\n", "web", "{}", "all"); /* once, not again for the empty end */
    expect("regex = web|website\nreplacement = x\n", "website", "{}", "x");
    expect("regex = (a)(b)?\nreplacement = $1$2c\n", "a", "{}", "ac");
    expect("regex = (web)\nreplacement = $1\n", "web", "{}", "web");
    expect("regex = web(.*)\nreplacement = $1\n", "web", "{}", "the new topic is empty");
}

static void what_is_missing(void **state)
{
    const char *why = "{.a} is missing: the JSON value has no such field; a default is written {...|default}";
    (void)state;
    expect("topic = {.a}\n", "web", "{}", why);
    expect("topic = {.a}\non-missing = keep\n", "web", "{}", "web");
    expect("topic = {.a}\non-missing = drop\n", "web", "{}", "(dropped)");
    expect("topic = {.a|other}\n", "web", NULL, "other");
    expect("topic = {.a}\n", "web", NULL,
           "{.a} is missing: the record is a tombstone; a default is written {...|default}");
}

static void topics_in_runs(void **state)
{
    static const char *const in[] = {"a1", "a1", "b", "a2", "b", "a1", ""};
    static const char *const out[] = {"x1", "x1", "b", "x2", "b", "x1", ""};
    struct weir_record records[7];
    struct harness *h = harness_start("route", WEIR_TRANSFORM, "regex = a(.)\nreplacement = x$1\n");
    (void)state;
    for (int i = 0; i < 7; i++) {
        records[i] = harness_record(NULL, "v");
        records[i].topic = (struct weir_slice){in[i], strlen(in[i])};
    }
    assert_int_equal(harness_process(h, harness_batch(h, records, 7)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(harness_out(h, i)->record.topic.ptr, out[i]);
    harness_free(h);
}

static void a_topic_that_is_not_utf8_can_not_be_looked_at(void **state)
{
    (void)state;
    expect("regex = .*\nreplacement = all\n", "a\xff", "{}",
           "the new topic can't be made: the text is not UTF-8");
    expect("topic = {topic}-x\n", "a\xff", "{}", "a\xff-x");
}

static void a_regex_that_takes_too_long_is_a_record_error(void **state)
{
    char topic[64];
    (void)state;
    memset(topic, 'a', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    struct harness *h = harness_start("route", WEIR_TRANSFORM, "regex = (a+)+[bc]\nreplacement = x\n");
    struct weir_record record = harness_record(NULL, "v");
    record.topic = (struct weir_slice){topic, strlen(topic)};
    assert_int_equal(harness_process(h, harness_batch(h, &record, 1)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT);
    assert_string_equal(harness_out(h, 0)->result.type, "regex");
    harness_free(h);
}

static void refused(const char *options, const char *said)
{
    const char *all = harness_check("route", WEIR_TRANSFORM, options);
    if (!strstr(all, said))
        fail_msg("%s: %s", options, all);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    refused("", "topic = TEMPLATE or regex with replacement is needed");
    refused("topic = a\nregex = b\nreplacement = c\n", "exclude each other");
    refused("regex = b\n", "regex and replacement need each other");
    refused("topic = a\nreplacement = c\n", "regex and replacement need each other");
    refused("regex = (b\nreplacement = c\n", "regex: column");
    refused("regex = b\nreplacement = $1\n", "replacement: column");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_template),
        cmocka_unit_test(by_regex),
        cmocka_unit_test(what_is_missing),
        cmocka_unit_test(topics_in_runs),
        cmocka_unit_test(a_topic_that_is_not_utf8_can_not_be_looked_at),
        cmocka_unit_test(a_regex_that_takes_too_long_is_a_record_error),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
