/* SPDX-License-Identifier: BSD-2-Clause */
/* t-kafka-sink.c - the kafka sink against librdkafka's mock cluster: messages, failures, full queues. */
#include "harness.h"
#include "kafka_mock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WAIT        60000 /* ms; far longer than anything here takes */
#define API_PRODUCE 0
#define KAFKA_LARGE 1200000 /* bytes: more than the sink's own batch.size */
/* Messages wait for each other until they are so many: what is one request does not depend on who is how fast. */
#define TOGETHER    "rdkafka.linger.ms = 1000\n"
#define BYTES(s)    ((struct weir_slice){(s), sizeof(s) - 1})

static struct harness *start(struct kafka_mock *m, const char *options)
{
    char text[1024];
    snprintf(text, sizeof text, "brokers = %s\n%s", m->brokers, options);
    struct harness *h = harness_load("kafka", WEIR_SINK, text);
    harness_instance(h)->in_flight = 2;
    harness_instance(h)->budget = 4 << 20; /* that of memory = 16M: it stays with so many at first */
    harness_instance(h)->batch_records = 5000;
    harness_instance(h)->batch_bytes = 1 << 20;
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    return h;
}

static void write_all(struct harness *h, struct weir_batch *b)
{
    assert_int_equal(harness_write(h, b), WEIR_OK);
    if (!harness_run_until(h, harness_idle, NULL, WAIT)) {
        fprintf(stderr, "%s%s\n", harness_log(h), harness_health(h).why);
        fail_msg("the batch was not completed");
    }
}

static struct weir_batch *write_one(struct harness *h, struct weir_record r)
{
    struct weir_batch *b = harness_batch(h, &r, 1);
    write_all(h, b);
    return b;
}

/* n values that are their index, in a batch. */
static struct weir_batch *numbers(struct harness *h, uint32_t n)
{
    char(*text)[12] = calloc(n, sizeof *text);
    const char **values = calloc(n, sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "%u", i);
        values[i] = text[i];
    }
    struct weir_batch *b = harness_values(h, values, n);
    free(values);
    free(text);
    return b;
}

/* Partition 0 of t holds "0", "1", ... n - 1, in order, once each. */
static void check_numbers(struct kafka_mock *m, int n)
{
    rd_kafka_message_t **got = calloc((size_t)n, sizeof(rd_kafka_message_t *));
    assert_int_equal(kafka_mock_end(m, "t", 0), n);
    kafka_mock_get(m, "t", 0, got, n);
    for (int i = 0; i < n; i++) {
        char want[12];
        int len = snprintf(want, sizeof want, "%d", i);
        assert_int_equal(got[i]->len, len);
        assert_memory_equal(got[i]->payload, want, (size_t)len);
    }
    kafka_mock_got(m, got, n);
    free(got);
}

/* ---- messages ------------------------------------------------------------------------------------------------ */
static void messages_are_as_the_records(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "");
    const struct weir_header headers[] = {
        {BYTES("a"), BYTES("1")}, {BYTES("a"), {NULL, 0}}, {BYTES("b"), BYTES("x\0y")}};
    struct weir_record r[4] = {harness_record(NULL, NULL), harness_record("k", NULL),
                               harness_record(NULL, ""), harness_record("", "z")};
    r[0].key = BYTES("k\0ey");
    r[0].value = BYTES("v\0\n");
    r[0].headers = headers;
    r[0].n_headers = 3;
    r[0].time_ms = 1700000000123;
    struct weir_batch *b = harness_batch(h, r, 4);
    write_all(h, b);
    assert_int_equal(harness_failed(b), 0);
    rd_kafka_message_t *got[4];
    kafka_mock_get(&m, "t", 0, got, 4);
    assert_int_equal(got[0]->key_len, 4);
    assert_memory_equal(got[0]->key, "k\0ey", 4);
    assert_int_equal(got[0]->len, 3);
    assert_memory_equal(got[0]->payload, "v\0\n", 3);
    rd_kafka_timestamp_type_t kind;
    assert_int_equal(rd_kafka_message_timestamp(got[0], &kind), 1700000000123);
    rd_kafka_headers_t *hs;
    assert_int_equal(rd_kafka_message_headers(got[0], &hs), 0);
    assert_int_equal(rd_kafka_header_cnt(hs), 3);
    const char *name;
    const void *value;
    size_t len;
    assert_int_equal(rd_kafka_header_get_all(hs, 1, &name, &value, &len), 0);
    assert_string_equal(name, "a");
    assert_null(value);
    assert_int_equal(rd_kafka_header_get_all(hs, 2, &name, &value, &len), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(value, "x\0y", 3);
    assert_null(got[1]->payload);
    assert_null(got[2]->key);
    assert_non_null(got[2]->payload);
    assert_int_equal(got[2]->len, 0);
    assert_non_null(got[3]->key);
    assert_int_equal(got[3]->key_len, 0);
    kafka_mock_got(&m, got, 4);
    assert_int_equal(harness_health(h).state, WEIR_UP);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void templates_choose_topic_key_and_partition(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "out.a", 4);
    struct harness *h = start(&m, "topic = out.{.t}\nkey = {.k}\npartition = {.p}\nheaders = drop\n");
    const char *in[] = {"{\"t\":\"a\",\"k\":\"K\",\"p\":2}", "{\"t\":\"a b\",\"k\":\"K\",\"p\":2}",
                        "{\"t\":\"a\",\"k\":\"K\",\"p\":\"x\"}", "{\"t\":\"a\",\"p\":2}"};
    struct weir_batch *b = harness_values(h, in, 4);
    write_all(h, b);
    assert_int_equal(harness_failed(b), 3);
    assert_string_equal(harness_result(b, 1).why,
                        "\"out.a b\" is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -");
    assert_int_equal(harness_result(b, 2).status, WEIR_REJECT);
    assert_non_null(strstr(harness_result(b, 2).why, "partition"));
    assert_int_equal(harness_result(b, 3).status, WEIR_REJECT);
    rd_kafka_message_t *got[1];
    kafka_mock_get(&m, "out.a", 2, got, 1);
    assert_memory_equal(got[0]->key, "K", 1);
    kafka_mock_got(&m, got, 1);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void tombstones_go_as_told(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "tombstone = drop\n");
    assert_int_equal(harness_failed(write_one(h, harness_record("k", NULL))), 0);
    harness_free(h);
    h = start(&m, "tombstone = reject\n");
    assert_int_equal(harness_result(write_one(h, harness_record("k", NULL)), 0).status, WEIR_REJECT);
    harness_free(h);
    assert_int_equal(kafka_mock_end(&m, "t", 0), 0);
    kafka_mock_stop(&m);
}

static void a_mebibyte_passes(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "");
    size_t n = 1 << 20;
    char *big = malloc(n);
    memset(big, 'x', n);
    struct weir_record r = harness_record("k", NULL);
    r.value = (struct weir_slice){big, n};
    assert_int_equal(harness_failed(write_one(h, r)), 0);
    rd_kafka_message_t *got[1];
    kafka_mock_get(&m, "t", 0, got, 1);
    assert_int_equal(got[0]->len, n);
    kafka_mock_got(&m, got, 1);
    free(big);
    harness_free(h);
    kafka_mock_stop(&m);
}

/* ---- many ---------------------------------------------------------------------------------------------------- */
static void a_full_queue_goes_on_later(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "rdkafka.queue.buffering.max.messages = 10\n");
    struct weir_batch *b = numbers(h, 1000);
    write_all(h, b);
    assert_int_equal(harness_failed(b), 0);
    check_numbers(&m, 1000);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void it_takes_so_many_batches_and_no_more(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "rdkafka.linger.ms = 500\n");
    const char *one[] = {"0"}, *two[] = {"1"}, *three[] = {"2"};
    struct weir_batch *a = harness_values(h, one, 1), *b = harness_values(h, two, 1),
                      *c = harness_values(h, three, 1);
    assert_int_equal(harness_write(h, a), WEIR_OK);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_int_equal(harness_write(h, c), WEIR_AGAIN);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    write_all(h, c);
    check_numbers(&m, 3);
    harness_free(h);
    kafka_mock_stop(&m);
}

/* As many batches as the sink takes, a key for each record, and so any of the partitions. */
static void write_as_it_takes(struct harness *h, uint32_t batches, size_t size)
{
    struct weir_record r[50];
    char key[50][16], value[1000];
    memset(value, 'v', sizeof value);
    for (uint32_t b = 0; b < batches; b++) {
        for (int i = 0; i < 50; i++) {
            snprintf(key[i], sizeof key[i], "%u-%d", b, i);
            r[i] = harness_record(key[i], NULL);
            r[i].value = (struct weir_slice){value, size};
        }
        if (harness_write(h, harness_batch(h, r, 50)) == WEIR_AGAIN)
            break;
    }
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
}

static void many_partitions_want_more_batches_in_flight(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 40);
    struct harness *h = start(&m, "");
    harness_lend(h, 64);
    write_as_it_takes(h, 2, 10); /* requests of a record or two, but it may be an exception */
    assert_int_equal(harness_in_flight(h), 2);
    for (int i = 0; i < 20 && harness_in_flight(h) < 8; i++)
        write_as_it_takes(h, 64, 10);
    assert_int_equal(harness_in_flight(h), 8);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void what_fills_its_requests_gets_no_more(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, TOGETHER "rdkafka.batch.num.messages = 100\n");
    harness_lend(h, 64);
    for (int i = 0; i < 80; i++)
        write_as_it_takes(h, 2, 1000); /* 100 kB in one request */
    assert_int_equal(harness_in_flight(h), 2);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void with_memory_it_begins_with_a_few_more(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, TOGETHER "rdkafka.batch.num.messages = 100\n");
    harness_instance(h)->budget = 16 << 20;
    harness_lend(h, 64);
    write_as_it_takes(h, 1, 1000);
    assert_int_equal(harness_in_flight(h), 2); /* one on the way is not all that may be */
    write_as_it_takes(h, 2, 1000);
    assert_int_equal(harness_in_flight(h), 6);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void nor_does_who_has_less_on_the_way_than_may_be(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 40);
    struct harness *h = start(&m, "");
    harness_lend(h, 64);
    for (int i = 0; i < 10; i++)
        write_as_it_takes(h, 1, 10);
    assert_int_equal(harness_in_flight(h), 2);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void nor_who_has_no_memory_for_them(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 40);
    struct harness *h = start(&m, "");
    harness_lend(h, 64);
    harness_instance(h)->budget = 40000; /* three batches of messages */
    for (int i = 0; i < 10; i++)
        write_as_it_takes(h, 64, 10);
    assert_int_equal(harness_in_flight(h), 3);
    harness_free(h);
    kafka_mock_stop(&m);
}

/* ---- failures ------------------------------------------------------------------------------------------------ */
static void fails_with(rd_kafka_resp_err_t err, const char *options, int status, const char *type)
{
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, options);
    rd_kafka_mock_push_request_errors(m.cluster, API_PRODUCE, 1, err);
    struct weir_batch *b = write_one(h, harness_record("k", "0"));
    assert_int_equal(harness_result(b, 0).status, status);
    if (type)
        assert_string_equal(harness_result(b, 0).type, type);
    /* What a topic may not be written is asked again only when the metadata is. */
    b = err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? NULL : write_one(h, harness_record("k", "0"));
    /* What is written at once after a retry may still be caught by the purge for it. */
    for (int i = 0; b && status == WEIR_RETRY && i < 10 && harness_failed(b) != 0; i++)
        b = write_one(h, harness_record("k", "0"));
    if (b && harness_failed(b) != 0)
        fail_msg("after %s: %s\n%s", rd_kafka_err2name(err), harness_result(b, 0).why, harness_log(h));
    harness_free(h);
    kafka_mock_stop(&m);
}

static void what_a_broker_says_is_sorted(void **state)
{
    (void)state;
    fails_with(RD_KAFKA_RESP_ERR_INVALID_RECORD, "", WEIR_REJECT, "INVALID_RECORD");
    fails_with(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, "", WEIR_REJECT, "INVALID_TIMESTAMP");
    fails_with(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "", WEIR_REJECT, "MSG_SIZE_TOO_LARGE");
    fails_with(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "", WEIR_RETRY, "TOPIC_AUTHORIZATION_FAILED");
    fails_with(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, "", WEIR_OK,
               NULL); /* librdkafka tries again itself */
}

static void the_operator_classifies(void **state)
{
    (void)state;
    fails_with(RD_KAFKA_RESP_ERR_INVALID_RECORD, "error.INVALID_RECORD = retry\n", WEIR_RETRY,
               "INVALID_RECORD");
    fails_with(RD_KAFKA_RESP_ERR_INVALID_RECORD, "error.INVALID_RECORD = duplicate\n", WEIR_OK, NULL);
    fails_with(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "error.MSG_SIZE_TOO_LARGE = reject\n", WEIR_REJECT,
               NULL);
}

static void too_large_together_is_split(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, TOGETHER "rdkafka.batch.num.messages = 3\n");
    rd_kafka_mock_push_request_errors(m.cluster, API_PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    struct weir_batch *b = numbers(h, 3);
    write_all(h, b);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(harness_result(b, i).status, WEIR_SPLIT);
    /* From now on one at a time, so that a record alone is alone. */
    struct weir_batch *c = numbers(h, 1), *d = numbers(h, 1);
    assert_int_equal(harness_write(h, c), WEIR_OK);
    assert_int_equal(harness_write(h, d), WEIR_AGAIN);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    harness_free(h);
    kafka_mock_stop(&m);
}

/* The operator lets larger ones travel together: being large is no proof of guilt then. */
static void what_may_have_been_innocent_follows_batch_size(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, TOGETHER "rdkafka.batch.num.messages = 2\nrdkafka.batch.size = 4000000\n");
    char *large = malloc(KAFKA_LARGE + 1);
    const char *values[] = {large, large};
    memset(large, 'x', KAFKA_LARGE);
    large[KAFKA_LARGE] = '\0';
    rd_kafka_mock_push_request_errors(m.cluster, API_PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    struct weir_batch *b = harness_values(h, values, 2);
    write_all(h, b);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(harness_result(b, i).status, WEIR_SPLIT);
    free(large);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void a_partition_that_is_not_there_is_rejected(void **state)
{
    (void)state;
    static const struct weir_header headers[] = {{BYTES("a"), BYTES("1")}};
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "partition = {header:p|0}\n");
    assert_int_equal(harness_failed(write_one(h, harness_record("k", "0"))), 0);
    harness_free(h);
    h = start(&m, "partition = 7\n");
    for (int i = 0; i < 3; i++) { /* first when nothing is known of the topic, then when it is */
        struct weir_record r = harness_record("k", "v");
        r.headers = headers;
        r.n_headers = 1;
        struct weir_batch *b = write_one(h, r);
        assert_int_equal(harness_result(b, 0).status, WEIR_REJECT);
        assert_string_equal(harness_result(b, 0).type, "_UNKNOWN_PARTITION");
    }
    harness_free(h);
    kafka_mock_stop(&m);
}

static void what_follows_a_retry_is_not_sent_before_it(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "rdkafka.message.timeout.ms = 300\nrdkafka.max.in.flight = 1\n");
    write_all(h, numbers(h, 1));
    assert_int_equal(rd_kafka_mock_broker_set_down(m.cluster, 1), 0);
    struct weir_batch *a = numbers(h, 5), *b = numbers(h, 5);
    assert_int_equal(harness_write(h, a), WEIR_OK);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(harness_result(a, i).status, WEIR_RETRY);
        assert_int_equal(harness_result(b, i).status, WEIR_RETRY);
    }
    harness_free(h);
    kafka_mock_stop(&m);
}

static bool is_connecting(struct harness *h, void *unused)
{
    (void)unused;
    return harness_health(h).state == WEIR_CONNECTING;
}

static void a_broker_that_is_away_is_waited_for(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "");
    assert_int_equal(rd_kafka_mock_broker_set_down(m.cluster, 1), 0);
    struct weir_batch *b = numbers(h, 100);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_true(harness_run_until(h, is_connecting, NULL, WAIT));
    assert_false(harness_completed(b));
    assert_int_equal(rd_kafka_mock_broker_set_up(m.cluster, 1), 0);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    assert_int_equal(harness_failed(b), 0);
    assert_int_equal(harness_health(h).state, WEIR_UP);
    check_numbers(&m, 100);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void closing_gives_up_what_is_under_way(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    kafka_mock_topic(&m, "t", 1);
    struct harness *h = start(&m, "");
    assert_int_equal(rd_kafka_mock_broker_set_down(m.cluster, 1), 0);
    struct weir_batch *b = numbers(h, 100);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    harness_close(h);
    harness_free(h);
    kafka_mock_stop(&m);
}

static void wrong_options_are_found(void **state)
{
    (void)state;
    assert_string_equal(
        harness_check("kafka", WEIR_SINK, "brokers = a:1\ntopic = x\nrdkafka.linger.ms = 5\n"), "");
    const char *text = harness_check("kafka", WEIR_SINK,
                                     "brokers = a:1\nrdkafka.enable.idempotence = false\n"
                                     "rdkafka.transactional.id = x\nrdkafka.compression.codec = rar\n");
    assert_non_null(strstr(text, "rdkafka.enable.idempotence: enable.idempotence can not be passed through"));
    assert_non_null(strstr(text, "rdkafka.transactional.id: "));
    assert_non_null(strstr(text, "rdkafka.compression.codec: "));
    text = harness_check("kafka", WEIR_SINK,
                         "brokers = a:1\nerror._NO_SUCH = retry\nerror.-195 = retry\n"
                         "error.TOPIC_EXEPTION = fatal\nerror.KAFKA_STORAGE_ERROR = reject\n");
    assert_string_equal(text,
                        "error._NO_SUCH: the destination has no error of that name or code\n"
                        "error.-195: the destination has no error of that name or code\n"
                        "error.TOPIC_EXEPTION: the destination has no error of that name or code; did you "
                        "mean \"TOPIC_EXCEPTION\"?\n");
}

static void every_name_of_the_table_is_one(void **state)
{
    (void)state;
    struct kafka_mock m = kafka_mock_start();
    struct harness *h = start(&m, "");
    const struct weir_errors *table = harness_ops(h)->errors;
    const struct weir_error *rows = table->rows;
    for (uint32_t i = 0; i < table->count; i++)
        if (rows[i].type && !table->known(rows[i].type))
            fail_msg("librdkafka does not know %s", rows[i].type);
    harness_free(h);
    kafka_mock_stop(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_as_the_records),
        cmocka_unit_test(templates_choose_topic_key_and_partition),
        cmocka_unit_test(tombstones_go_as_told),
        cmocka_unit_test(a_mebibyte_passes),
        cmocka_unit_test(a_full_queue_goes_on_later),
        cmocka_unit_test(it_takes_so_many_batches_and_no_more),
        cmocka_unit_test(many_partitions_want_more_batches_in_flight),
        cmocka_unit_test(what_fills_its_requests_gets_no_more),
        cmocka_unit_test(with_memory_it_begins_with_a_few_more),
        cmocka_unit_test(nor_does_who_has_less_on_the_way_than_may_be),
        cmocka_unit_test(nor_who_has_no_memory_for_them),
        cmocka_unit_test(what_a_broker_says_is_sorted),
        cmocka_unit_test(the_operator_classifies),
        cmocka_unit_test(every_name_of_the_table_is_one),
        cmocka_unit_test(too_large_together_is_split),
        cmocka_unit_test(what_may_have_been_innocent_follows_batch_size),
        cmocka_unit_test(a_partition_that_is_not_there_is_rejected),
        cmocka_unit_test(what_follows_a_retry_is_not_sent_before_it),
        cmocka_unit_test(a_broker_that_is_away_is_waited_for),
        cmocka_unit_test(closing_gives_up_what_is_under_way),
        cmocka_unit_test(wrong_options_are_found),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
