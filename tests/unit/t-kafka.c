/* SPDX-License-Identifier: BSD-2-Clause */
/* t-kafka.c - the kafka source against librdkafka's mock cluster: records, positions, ends, rebalances. */
#include "harness.h"
#include "kafka_mock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define WAIT     60000 /* ms; far longer than anything here takes */
/* The mock ends a rebalance a second before the session would. */
#define QUICK    "rdkafka.session.timeout.ms = 4500\nrdkafka.heartbeat.interval.ms = 200\n"
#define BYTES(s) ((struct weir_slice){(s), sizeof(s) - 1})

static const struct weir_slice NONE = {NULL, 0};

static struct harness *load(struct kafka_mock *m, const char *options)
{
    char text[1024];
    snprintf(text, sizeof text, "brokers = %s\n%s", m->brokers, options);
    struct harness *h = harness_load("kafka", WEIR_SOURCE, text);
    harness_instance(h)->budget = 4 * 1024 * 1024;
    return h;
}

static struct harness *start(struct kafka_mock *m, const char *options)
{
    struct harness *h = load(m, options);
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    return h;
}

static bool has_records(struct harness *h, void *n)
{
    return harness_out_count(h) >= *(size_t *)n;
}

static bool has_failed(struct harness *h, void *unused)
{
    (void)unused;
    return harness_failure(h) != NULL && harness_failure(h)->status == WEIR_FATAL;
}

static void read_until(struct harness *h, size_t n)
{
    if (!harness_run_until(h, has_records, &n, WAIT)) {
        fprintf(stderr, "%s%s\n", harness_log(h), harness_health(h).why);
        fail_msg("only %zu of %zu records came", harness_out_count(h), n);
    }
    assert_int_equal(harness_out_count(h), n);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Polls with an end until the source says something else than "later". */
static int poll_to_end(struct harness *h)
{
    int r = WEIR_AGAIN;
    for (int64_t end = now_ms() + WAIT; now_ms() < end && (r == WEIR_AGAIN || r == WEIR_OK);) {
        r = harness_poll(h, 1000, 1 << 20, 20, WEIR_POLL_TO_END);
        if (r == WEIR_AGAIN)
            (void)harness_step(h, 20);
    }
    return r;
}

/* ---- records ------------------------------------------------------------------------------------------------- */
static void check_slice(struct weir_slice a, struct weir_slice b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.ptr, b.ptr, a.len);
}

static void records_arrive_as_they_were_written(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 2);
    rd_kafka_headers_t *hs = rd_kafka_headers_new(3);
    rd_kafka_header_add(hs, "a", -1, "1", 1);
    rd_kafka_header_add(hs, "a", -1, NULL, 0);
    rd_kafka_header_add(hs, "b", -1, "x\0y", 3);
    kafka_mock_put(&m, "t", 1, BYTES("k\0ey"), BYTES("v\0\n"), 1700000000123, hs);
    kafka_mock_put(&m, "t", 1, BYTES("k"), NONE, 5, NULL);
    kafka_mock_put(&m, "t", 1, NONE, BYTES(""), 5, NULL);
    kafka_mock_put(&m, "t", 1, BYTES(""), BYTES("z"), 5, NULL);
    struct harness *h = start(&m, "topics = t\ngroup = g\n");
    read_until(h, 4);
    const struct weir_record *r = &harness_out(h, 0)->record;
    check_slice(r->key, BYTES("k\0ey"));
    check_slice(r->value, BYTES("v\0\n"));
    check_slice(r->topic, BYTES("t"));
    assert_int_equal(r->time_ms, 1700000000123);
    assert_int_equal(r->partition, 1);
    assert_int_equal(r->offset, 0);
    assert_int_equal(r->seq, 0);
    assert_int_equal(r->next, 1);
    assert_int_equal(r->n_headers, 3);
    check_slice(r->headers[0].name, BYTES("a"));
    check_slice(r->headers[0].value, BYTES("1"));
    check_slice(r->headers[1].value, NONE);
    check_slice(r->headers[2].value, BYTES("x\0y"));
    check_slice(r->shard->id, BYTES("t/1"));
    check_slice(harness_out(h, 1)->record.value, NONE);
    check_slice(harness_out(h, 2)->record.key, NONE);
    check_slice(harness_out(h, 2)->record.value, BYTES(""));
    check_slice(harness_out(h, 3)->record.key, BYTES(""));
    assert_int_equal(harness_out(h, 3)->record.n_headers, 0);
    assert_int_equal(harness_health(h).state, WEIR_UP);
    assert_int_equal(harness_shard(h, "t/1")->end, 4);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void headers_nobody_wants_are_left_out(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    rd_kafka_headers_t *hs = rd_kafka_headers_new(1);
    rd_kafka_header_add(hs, "a", -1, "1", 1);
    kafka_mock_put(&m, "t", 0, BYTES("k"), BYTES("v"), 5, hs);
    kafka_mock_put(&m, "t", 0, BYTES("k"), BYTES("w"), 5, NULL);
    struct harness *h = load(&m, "topics = t\ngroup = g\n");
    harness_instance(h)->want = 0;
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    read_until(h, 2);
    check_slice(harness_out(h, 0)->record.value, BYTES("v"));
    check_slice(harness_out(h, 1)->record.value, BYTES("w"));
    assert_int_equal(harness_out(h, 0)->record.n_headers, 0);
    assert_int_equal(harness_out(h, 1)->record.n_headers, 0);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void a_full_batch_keeps_the_rest(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 2500);
    struct harness *h = start(&m, "topics = t\ngroup = g\n");
    harness_set_poll(h, 7, 1 << 20, 20, 0);
    read_until(h, 2500);
    for (size_t i = 0; i < 2500; i += 499) {
        char want[16];
        snprintf(want, sizeof want, "v%zu", i);
        assert_string_equal(harness_out_value(h, i), want);
    }
    harness_free(h);
    kafka_mock_stop(&m);
}

static void paused_it_reads_nothing(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 10);
    struct harness *h = start(&m, "topics = t\ngroup = g\n");
    read_until(h, 10);
    harness_set_poll(h, 1000, 1 << 20, 20, WEIR_POLL_PAUSED);
    kafka_mock_fill(&m, "t", 0, "w", 10);
    for (int i = 0; i < 20; i++)
        (void)harness_step(h, 20);
    assert_int_equal(harness_out_count(h), 10);
    harness_set_poll(h, 1000, 1 << 20, 20, 0);
    (void)harness_poll(h, 1000, 1 << 20, 20, 0);
    read_until(h, 20);
    harness_free(h);
    kafka_mock_stop(&m);
}

/* ---- positions ----------------------------------------------------------------------------------------------- */
static void the_group_keeps_the_position(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 10);
    struct harness *h = start(&m, QUICK "topics = t\ngroup = g\ninstance =\n");
    read_until(h, 10);
    assert_int_equal(harness_commit(h, true), WEIR_OK);
    harness_free(h);
    assert_int_equal(kafka_mock_committed(&m, "g", "t", 0), 10);
    kafka_mock_fill(&m, "t", 0, "w", 1);
    h = start(&m, QUICK "topics = t\ngroup = g\ninstance =\n");
    read_until(h, 1);
    assert_string_equal(harness_out_value(h, 0), "w0");
    assert_int_equal(harness_out(h, 0)->record.offset, 10);
    harness_free(h);
    kafka_mock_stop(&m);
}

static bool is_committed(struct harness *h, void *opaque)
{
    (void)h;
    return kafka_mock_committed(opaque, "g", "t", 0) == 10;
}

static void a_commit_does_not_wait(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 10);
    struct harness *h = start(&m, "topics = t\ngroup = g\n");
    read_until(h, 10);
    rd_kafka_mock_push_request_errors(m.cluster, 8 /* OffsetCommit */, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE);
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    while (harness_metric(h, 1) == 0)
        (void)harness_step(h, 20);
    /* it is repeated */
    assert_true(harness_run_until(h, is_committed, &m, WAIT));
    harness_free(h);
    kafka_mock_stop(&m);
}

static void weirs_own_position_serves_when_the_group_has_none(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 10);
    struct harness *h = load(&m, "topics = t\ngroup = g\nstart = stored\n");
    harness_preset(h, "t/0", 7, NONE);
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    read_until(h, 3);
    assert_string_equal(harness_out_value(h, 0), "v7");
    assert_int_equal(harness_shard(h, "t/0")->begin, 7); /* before any of it came */
    harness_free(h);
    kafka_mock_stop(&m);
}

static void stops_with(struct kafka_mock *m, const char *options, int64_t preset, struct weir_slice data,
                       const char *why)
{
    struct harness *h = load(m, options);
    if (preset >= 0)
        harness_preset(h, "t/0", (uint64_t)preset, data);
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    assert_true(harness_run_until(h, has_failed, NULL, WAIT));
    if (!strstr(harness_failure(h)->why, why))
        fail_msg("\"%s\" does not say \"%s\"", harness_failure(h)->why, why);
    assert_int_equal(harness_out_count(h), 0);
    harness_free(h);
}

static void a_wrong_start_stops(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 10);
    stops_with(&m, "topics = t\ngroup = a\n", 500, NONE, "position 500 is after the end of the log, 10");
    stops_with(&m, "topics = t\ngroup = b\n", 5, BYTES("elsewhere"), "of cluster elsewhere");
    stops_with(&m, "topics = t\ngroup = c\nstart = stored\n", -1, NONE,
               "neither group c nor weir has a position");
    struct harness *h = load(&m, "topics = t\ngroup = d\non-gap = earliest\n");
    harness_preset(h, "t/0", 500, NONE);
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    read_until(h, 10);
    assert_int_equal(harness_logged(h, "going on at 0"), 1);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void latest_reads_what_comes(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 10);
    struct harness *h = start(&m, "topics = t\ngroup = g\nstart = latest\n");
    while (!harness_shard(h, "t/0") || harness_shard(h, "t/0")->next != 10)
        (void)harness_step(h, 20);
    kafka_mock_fill(&m, "t", 0, "w", 1);
    read_until(h, 1);
    assert_string_equal(harness_out_value(h, 0), "w0");
    assert_null(harness_state_get(h, "started").ptr); /* a crash now: the next start is the first again */
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    assert_non_null(harness_state_get(h, "started").ptr);
    harness_free(h);
    kafka_mock_stop(&m);
}

/* As when readers of several sinks became one: what one of them never began has no position, but that is no first
 * start, and what came since would be left out. */
static void latest_is_for_the_first_start(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    kafka_mock_fill(&m, "t", 0, "v", 10);
    struct harness *h = load(&m, "topics = t\ngroup = g\nstart = latest\n");
    harness_state_set(h, "started", (struct weir_slice){"1", 1});
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    read_until(h, 10);
    assert_string_equal(harness_out_value(h, 0), "v0");
    harness_free(h);
    kafka_mock_stop(&m);
}

/* ---- ends ---------------------------------------------------------------------------------------------------- */
static void it_ends_where_the_log_ended(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 3);
    kafka_mock_topic(&m, "u", 2);
    kafka_mock_fill(&m, "t", 1, "v", 100);
    struct harness *h = start(&m, "topics = t, u\ngroup = g\n");
    assert_int_equal(poll_to_end(h), WEIR_END);
    assert_int_equal(harness_out_count(h), 100);
    assert_int_equal(harness_shard_count(h), 5);
    kafka_mock_fill(&m, "t", 1, "w", 5);
    assert_int_equal(poll_to_end(h), WEIR_END);
    assert_int_equal(harness_out_count(h), 100);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void it_waits_for_a_topic_that_is_not_there(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    rd_kafka_mock_topic_set_error(m.cluster, "nope", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct harness *h = start(&m, "topics = nope\ngroup = g\n");
    assert_int_equal(poll_to_end(h), WEIR_RETRY);
    assert_int_equal(harness_health(h).state, WEIR_DEGRADED);
    assert_non_null(strstr(harness_health(h).why, "nope"));
    harness_free(h);
    kafka_mock_stop(&m);
}

static bool is_connecting(struct harness *h, void *unused)
{
    (void)unused;
    return harness_health(h).state == WEIR_CONNECTING;
}

static void no_broker_is_said_once(void **state)
{
    (void)state;
    struct harness *h = harness_start("kafka", WEIR_SOURCE, "brokers = 127.0.0.1:1\ntopics = t\n");
    assert_true(harness_run_until(h, is_connecting, NULL, WAIT));
    for (int i = 0; i < 20; i++)
        (void)harness_step(h, 20);
    assert_int_equal(harness_logged(h, "warning"), 0);
    assert_int_equal(harness_logged(h, "error"), 0);
    harness_free(h);
}

/* ---- rebalances ---------------------------------------------------------------------------------------------- */
static unsigned count_open(const struct harness *h, int partitions)
{
    unsigned n = 0;
    for (int p = 0; p < partitions; p++) {
        char id[16];
        snprintf(id, sizeof id, "t/%d", p);
        const struct harness_shard *s = harness_shard(h, id);
        n += s && !s->closed && !s->revoking;
    }
    return n;
}

/* Runs both until each holds half of the partitions; answers revocations as the host does after a drain. */
static void share(struct harness *a, struct harness *b, int partitions)
{
    for (int64_t end = now_ms() + WAIT; now_ms() < end;) {
        (void)harness_step(a, 10);
        (void)harness_step(b, 10);
        for (int p = 0; p < partitions; p++) {
            char id[16];
            snprintf(id, sizeof id, "t/%d", p);
            const struct harness_shard *s = harness_shard(a, id);
            if (s && s->revoking && !s->closed) {
                assert_int_equal(harness_revoked(a, true), WEIR_OK);
                break;
            }
        }
        if (count_open(a, partitions) == (unsigned)partitions / 2 &&
            count_open(b, partitions) == (unsigned)partitions / 2)
            return;
    }
    fprintf(stderr, "first:\n%s\nsecond:\n%s\n", harness_log(a), harness_log(b));
    fail_msg("the group did not share the partitions");
}

/* Offsets 0 to 109 of 4 partitions that one or the other has read. */
static size_t count_seen(const struct harness *a, const struct harness *b)
{
    bool seen[4][110] = {{false}};
    size_t n = 0;
    for (size_t i = 0; i < harness_out_count(a) + harness_out_count(b); i++) {
        size_t first = harness_out_count(a);
        const struct weir_record *r = &(i < first ? harness_out(a, i) : harness_out(b, i - first))->record;
        assert_in_range(r->partition, 0, 3);
        assert_in_range(r->offset, 0, 109);
        n += !seen[r->partition][r->offset];
        seen[r->partition][r->offset] = true;
    }
    return n;
}

static void two_members_share(struct kafka_mock *m, const char *options)
{
    char first[256], second[256];
    kafka_mock_topic(m, "t", 4);
    for (int p = 0; p < 4; p++)
        kafka_mock_fill(m, "t", p, "v", 100);
    snprintf(first, sizeof first, QUICK "topics = t\ngroup = g\ninstance =\n%s", options);
    snprintf(second, sizeof second, QUICK "topics = t\ngroup = g\ninstance =\n%s", options);
    struct harness *a = start(m, first);
    read_until(a, 400);
    struct harness *b = start(m, second);
    share(a, b, 4);
    for (int p = 0; p < 4; p++)
        kafka_mock_fill(m, "t", p, "w", 10);
    for (int64_t end = now_ms() + WAIT; now_ms() < end && count_seen(a, b) < 440;) {
        (void)harness_step(a, 10);
        (void)harness_step(b, 10);
    }
    /* The mock refuses commits while the group rebalances, so b may read again what a had; nothing is missing. */
    assert_int_equal(count_seen(a, b), 440);
    assert_true(harness_out_count(b) >= 20);
    harness_free(b);
    harness_free(a);
}

static void two_members_share_eagerly(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    two_members_share(&m, "");
    kafka_mock_stop(&m);
}

static void two_members_share_cooperatively(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    two_members_share(&m, "rdkafka.partition.assignment.strategy = cooperative-sticky\n");
    kafka_mock_stop(&m);
}

/* ---- options ------------------------------------------------------------------------------------------------- */
static void wrong_options_are_found(void **state)
{
    (void)state;
    assert_string_equal(
        harness_check("kafka", WEIR_SOURCE, "brokers = a:1\ntopics = t\nrdkafka.fetch.min.bytes = 5\n"), "");
    const char *text =
        harness_check("kafka", WEIR_SOURCE,
                      "brokers = a:x\ntopics = b/d, ^[\nrdkafka.nope = 1\nrdkafka.group.id = 1\n"
                      "rdkafka.plugin.library.paths = x\nrdkafka.security.protocol = hush\n");
    static const char *const wants[] = {
        "brokers: \"a:x\" is no broker",
        "topics: \"b/d\" is no topic name",
        "topics: \"^[\" is no regular",
        "rdkafka.nope: librdkafka 2",
        "rdkafka.group.id: group.id can not be passed through: use group =",
        "plugin.library.paths can not be passed through: it loads code",
        "rdkafka.security.protocol: ",
    };
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++)
        if (!strstr(text, wants[i]))
            fail_msg("%s\ndoes not say %s", text, wants[i]);
    assert_null(strstr(text, "hush"));
}

/* Who says one thing in two ways, or asks for what will not be used, is told. */
static void contradictions_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *options, *want;
    } cases[] = {
        {"username = u\npassword = p\nca-file = /ca\nclient-cert = /c\nclient-key = /k\nverify = no\n", ""},
        {"username = u\npassword = p\nrdkafka.sasl.mechanism = PLAIN\n", ""},
        {"username = u\npassword = p\nrdkafka.security.protocol = sasl_plaintext\n", ""},
        {"username = u\n", "username: username needs password"},
        {"password = p\n", "password: password needs username"},
        {"client-key = /k\n", "client-key: client-key needs client-cert"},
        {"username = u\npassword = p\nrdkafka.sasl.username = v\n",
         "username: says the same as rdkafka.sasl.username; set one of them"},
        {"username = u\npassword = p\nrdkafka.sasl.password = q\n", "password: says the same as"},
        {"ca-file = /ca\nrdkafka.ssl.ca.location = /d\n", "ca-file: says the same as"},
        {"client-cert = /c\nrdkafka.ssl.certificate.location = /d\n", "client-cert: says the same as"},
        {"verify = no\nrdkafka.enable.ssl.certificate.verification = false\n", "verify: says the same as"},
        {"ca-file = /ca\nrdkafka.security.protocol = plaintext\n", "ca-file: has no effect"},
        {"username = u\npassword = p\nrdkafka.security.protocol = SSL\n", "username: has no effect"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char ini[512];
        (void)snprintf(ini, sizeof ini, "brokers = a:1\ntopics = t\n%s", cases[i].options);
        const char *text = harness_check("kafka", WEIR_SOURCE, ini);
        if (cases[i].want[0] == '\0' ? text[0] != '\0' : strstr(text, cases[i].want) == NULL)
            fail_msg("%s\nsays: %s\nand not: %s", cases[i].options, text, cases[i].want);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_arrive_as_they_were_written),
        cmocka_unit_test(headers_nobody_wants_are_left_out),
        cmocka_unit_test(a_full_batch_keeps_the_rest),
        cmocka_unit_test(paused_it_reads_nothing),
        cmocka_unit_test(the_group_keeps_the_position),
        cmocka_unit_test(a_commit_does_not_wait),
        cmocka_unit_test(weirs_own_position_serves_when_the_group_has_none),
        cmocka_unit_test(a_wrong_start_stops),
        cmocka_unit_test(latest_reads_what_comes),
        cmocka_unit_test(latest_is_for_the_first_start),
        cmocka_unit_test(it_ends_where_the_log_ended),
        cmocka_unit_test(it_waits_for_a_topic_that_is_not_there),
        cmocka_unit_test(no_broker_is_said_once),
        cmocka_unit_test(two_members_share_eagerly),
        cmocka_unit_test(two_members_share_cooperatively),
        cmocka_unit_test(wrong_options_are_found),
        cmocka_unit_test(contradictions_are_found),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
