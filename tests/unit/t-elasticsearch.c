/* SPDX-License-Identifier: BSD-2-Clause */
/* t-elasticsearch.c - what the elasticsearch sink sends, and to which of several servers. */
#include "es_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

/* ---- what is sent --------------------------------------------------------------------------------------------- */
static void sends_identity_as_id(void **state)
{
    struct es_test t = begin("");
    (void)state;
    struct weir_batch *b = write_values(&t, THREE, 2);
    const struct es_asked *asked = es_server_asked(t.server, 0);
    assert_int_equal(harness_failed(b), 0);
    assert_memory_equal(asked->head, "POST /_bulk?filter_path=errors,", 31);
    assert_non_null(strstr(asked->head, "Content-Type: application/x-ndjson\r\n"));
    assert_null(strstr(asked->head, "Expect:"));
    assert_non_null(strstr(asked->body, "{\"a\":1}\n{\"index\":{\"_index\":\"idx\",\"_id\":"));
    assert_int_equal(harness_health(t.h).state, WEIR_UP);
    end(&t);
}

static void makes_each_kind_of_action(void **state)
{
    static const struct {
        const char *options, *body;
    } cases[] = {
        {"op = create\nid = {key}\n", "{\"create\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n{\"a\":1}\n"},
        {"op = update\nid = {key}\n", "{\"update\":{\"retry_on_conflict\":3,\"_index\":\"idx\",\"_id\":"
                                      "\"k\\\"\"}}\n{\"doc\":{\"a\":1}}\n"},
        {"op = upsert\nid = {key}\n",
         "{\"update\":{\"retry_on_conflict\":3,\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n"
         "{\"doc\":{\"a\":1},\"doc_as_upsert\":true}\n"},
        {"op = delete\nid = {key}\n", "{\"delete\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n"},
        {"id = {key}\nversion = offset\n",
         "{\"index\":{\"_index\":\"idx\",\"_id\":\"k\\\"\",\"version\":7,\"version_type\":\"external\"}}\n"
         "{\"a\":1}\n"},
        {"id = {key}\nversion = {.a}\nrouting = r\n",
         "{\"index\":{\"_index\":\"idx\",\"_id\":\"k\\\"\",\"routing\":\"r\",\"version\":1,\"version_type\":"
         "\"external\"}}\n"
         "{\"a\":1}\n"},
        {"data-stream = yes\nid = {key}\n",
         "{\"create\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n{\"a\":1}\n"},
        {"payload = wrap\nid = {key}\n",
         "{\"index\":{\"_index\":\"idx\",\"_id\":\"k\\\"\"}}\n{\"message\":\"{\\\"a\\\":1}\"}\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct es_test t = begin(cases[i].options);
        struct weir_record r = harness_record("k\"", "{\"a\":1}");
        r.seq = 7;
        r.offset = 7;
        write_all(&t, harness_batch(t.h, &r, 1));
        assert_string_equal(es_server_asked(t.server, 0)->body, cases[i].body);
        end(&t);
    }
}

/* A value that brings an action of its own must stay one document. */
static void line_feed_in_a_value_makes_no_action(void **state)
{
    struct es_test t = begin("");
    (void)state;
    const char *in[] = {"{\"a\":1}\n{\"delete\":{\"_id\":\"x\"}}", "{\"a\":\n1,\r\n\"b\" : [ 1 ]}\n",
                        "{\"a\":\"x\n\"}"};
    struct weir_batch *b = write_values(&t, in, 3);
    const char *body = es_server_asked(t.server, 0)->body, *lf = body;
    size_t lines = 0;
    for (; (lf = strchr(lf, '\n')) != NULL; lf++)
        lines++;
    assert_int_equal(lines, 2);
    assert_non_null(strstr(body, "\n{\"a\":1,\"b\":[1]}\n"));
    expect(b, 0, WEIR_REJECT, 0, "refused_by_weir");
    expect(b, 1, WEIR_OK, 0, NULL);
    expect(b, 2, WEIR_REJECT, 0, "refused_by_weir");
    end(&t);
}

static void refuses_what_the_server_would(void **state)
{
    static const char *const bad[] = {
        "", "[1]", "3", "{\"a\":01}", "\xef\xbb\xbf{}", "{} x", "{\"a\":\"\xff\"}"};
    struct es_test t = begin("");
    (void)state;
    struct weir_batch *b = write_values(&t, bad, 7);
    assert_int_equal(harness_failed(b), 7);
    assert_int_equal(es_server_count(t.server), 0); /* nothing to send: complete at once */
    assert_string_equal(harness_result(b, 1).why,
                        "the value is JSON but not an object; payload = wrap or record takes it");
    end(&t);
}

static void refuses_index_names(void **state)
{
    static const char *const names[] = {"Upper", "a b", "-a", "_a", "a*", "a,b", "a#", "a:b", "ok-1", NULL};
    struct es_server *server = es_server_start();
    char options[256], value[64];
    (void)state;
    snprintf(options, sizeof options, "%sindex = {.i}\n", es_server_option(server));
    struct harness *h = harness_start("elasticsearch", WEIR_SINK, options);
    for (size_t i = 0; names[i]; i++) {
        const char *in[] = {value};
        struct weir_batch *b;
        snprintf(value, sizeof value, "{\"i\":\"%s\"}", names[i]);
        b = harness_values(h, in, 1);
        harness_write(h, b);
        assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
        assert_int_equal(harness_result(b, 0).status, names[i + 1] ? WEIR_REJECT : WEIR_OK);
    }
    harness_free(h);
    es_server_stop(server);
}

static void shortens_long_ids(void **state)
{
    struct es_test t = begin("id = {key}\n");
    char key[2000];
    (void)state;
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    struct weir_record r[2] = {harness_record(key, "{}"), harness_record(key + 1, "{}")};
    write_all(&t, harness_batch(t.h, r, 2));
    const char *body = es_server_asked(t.server, 0)->body;
    const char *first = strstr(body, "\"_id\":\"") + 7, *second = strstr(first, "\"_id\":\"") + 7;
    assert_int_equal(strcspn(first, "\""), 512);
    assert_memory_equal(first, second, 447);
    assert_memory_not_equal(first, second, 512);
    end(&t);
}

static void tombstones_do_what_the_option_says(void **state)
{
    static const struct {
        const char *options;
        const char *body;
        int status;
    } cases[] = {
        {"id = {key}\n", "{\"delete\":{\"_index\":\"idx\",\"_id\":\"k\"}}\n", WEIR_OK},
        {"", NULL, WEIR_REJECT},
        {"id = {key}\ntombstone = reject\n", NULL, WEIR_REJECT},
        {"id = {key}\ntombstone = drop\n", NULL, WEIR_OK},
        {"data-stream = yes\nid = {key}\n", NULL, WEIR_REJECT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct es_test t = begin(cases[i].options);
        struct weir_record r = harness_record("k", NULL);
        struct weir_batch *b = harness_batch(t.h, &r, 1);
        write_all(&t, b);
        assert_int_equal(harness_result(b, 0).status, cases[i].status);
        assert_int_equal(es_server_count(t.server), cases[i].body ? 1 : 0);
        if (cases[i].body)
            assert_string_equal(es_server_asked(t.server, 0)->body, cases[i].body);
        end(&t);
    }
}

static void sends_credentials(void **state)
{
    static const struct {
        const char *options, *header;
    } cases[] = {
        {"username = u\npassword = p:w\n", "Authorization: Basic dTpwOnc=\r\n"},
        {"api-key = aWQ6a2V5\n", "Authorization: ApiKey aWQ6a2V5\r\n"},
        {"api-key = id:key\n", "Authorization: ApiKey aWQ6a2V5\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct es_test t = begin(cases[i].options);
        write_values(&t, THREE, 1);
        assert_non_null(strstr(es_server_asked(t.server, 0)->head, cases[i].header));
        end(&t);
    }
}

static void compresses(void **state)
{
    struct es_test t = begin("compress = gzip\nid = i\n");
    char plain[256];
    uLongf len = sizeof plain;
    z_stream z;
    (void)state;
    for (size_t i = 0; i < 2; i++) { /* the second time with what the first left behind */
        write_values(&t, THREE + i, 1);
        const struct es_asked *asked = es_server_asked(t.server, i);
        assert_non_null(strstr(asked->head, "Content-Encoding: gzip\r\n"));
        memset(&z, 0, sizeof z);
        assert_int_equal(inflateInit2(&z, 31), Z_OK);
        z.next_in = (Bytef *)asked->body;
        z.avail_in = (uInt)asked->body_len;
        z.next_out = (Bytef *)plain;
        z.avail_out = (uInt)len;
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        plain[z.total_out] = '\0';
        inflateEnd(&z);
        assert_non_null(strstr(plain, THREE[i]));
    }
    end(&t);
}
/* ---- several at a time, several nodes ------------------------------------------------------------------------- */
static void takes_as_many_batches_as_in_flight(void **state)
{
    struct es_server *server = es_server_start();
    char options[128];
    struct harness *h;
    struct weir_batch *b[3];
    (void)state;
    snprintf(options, sizeof options, "%sindex = idx\n", es_server_option(server));
    h = harness_load("elasticsearch", WEIR_SINK, options);
    harness_instance(h)->in_flight = 2;
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    es_server_say(server, (struct es_answer){.flags = ES_SERVER_HOLD});
    es_server_say(server, (struct es_answer){.flags = ES_SERVER_HOLD});
    for (int i = 0; i < 3; i++) {
        b[i] = harness_values(h, THREE, 3);
        assert_int_equal(harness_write(h, b[i]), i < 2 ? WEIR_OK : WEIR_AGAIN);
    }
    assert_false(harness_completed(b[0]));
    es_server_release(server);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    assert_int_equal(harness_write(h, b[2]), WEIR_OK);
    assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
    assert_int_equal(es_server_count(server), 3);
    harness_free(h);
    es_server_stop(server);
}

static void closing_gives_up_what_is_on_its_way(void **state)
{
    struct es_test t = begin("");
    (void)state;
    es_server_say(t.server, (struct es_answer){.flags = ES_SERVER_HOLD});
    struct weir_batch *b = harness_values(t.h, THREE, 1);
    assert_int_equal(harness_write(t.h, b), WEIR_OK);
    harness_step(t.h, 100);
    harness_close(t.h);
    assert_false(harness_completed(b));
    end(&t);
}

/* A port where nobody listens, and that nobody else is given as long as the socket is open. */
static int nobody(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void a_dead_node_rests(void **state)
{
    struct es_server *good = es_server_start();
    int port, dead = nobody(&port);
    char options[256];
    uint32_t failed = 0;
    (void)state;
    snprintf(options, sizeof options, "url = http://127.0.0.1:%d, http://127.0.0.1:%d/\nindex = idx\n", port,
             es_server_port(good));
    struct harness *h = harness_start("elasticsearch", WEIR_SINK, options);
    harness_stop_clock(h, 1000000);
    for (int i = 0; i < 5; i++) {
        struct weir_batch *b = harness_values(h, THREE, 1);
        harness_write(h, b);
        assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
        failed += harness_failed(b);
    }
    assert_int_equal(failed, 1); /* its first request only */
    assert_int_equal(es_server_count(good), 4);
    harness_advance(h, 1000);
    for (int i = 0; i < 2; i++) {
        struct weir_batch *b = harness_values(h, THREE, 1);
        harness_write(h, b);
        assert_true(harness_run_until(h, harness_idle, NULL, WAIT));
        failed += harness_failed(b);
    }
    assert_int_equal(failed, 2); /* tried again after a second */
    harness_free(h);
    (void)close(dead);
    es_server_stop(good);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_identity_as_id),
        cmocka_unit_test(makes_each_kind_of_action),
        cmocka_unit_test(line_feed_in_a_value_makes_no_action),
        cmocka_unit_test(refuses_what_the_server_would),
        cmocka_unit_test(refuses_index_names),
        cmocka_unit_test(shortens_long_ids),
        cmocka_unit_test(tombstones_do_what_the_option_says),
        cmocka_unit_test(sends_credentials),
        cmocka_unit_test(compresses),
        cmocka_unit_test(takes_as_many_batches_as_in_flight),
        cmocka_unit_test(closing_gives_up_what_is_on_its_way),
        cmocka_unit_test(a_dead_node_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
