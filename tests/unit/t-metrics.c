/* SPDX-License-Identifier: BSD-2-Clause */
/* t-metrics.c - the text that Prometheus reads, the bodies of health, the address they are served at, and the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/json.h"
#include "report/expo.h"
#include "monitor/health.h"
#include "monitor/metrics.h"
#include "report/redact.h"
#include "told.h"

static struct strbuf out;
static struct monitor monitor;
static struct pipeline *watched[1];

static int clear(void **state)
{
    strbuf_free(&out);
    redact_reset();
    return teardown(state);
}

static void ready(void)
{
    build();
    rig.p->intake.instance->opened = true;
    (void)tick();
    watched[0] = rig.p;
    monitor = (struct monitor){.pipelines = watched, .n = 1};
    atomic_store(&monitor.turned_ms, now);
}

static const char *metrics(void)
{
    out.len = 0;
    metrics_print(&monitor, &out);
    return out.data;
}

#define has(line) assert_non_null(strstr(metrics(), "\n" line "\n"))

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

static void labels_and_help_are_escaped(void **state)
{
    struct strbuf labels = {0}, text = {0};
    (void)state;
    expo_label(&labels, "a", "x\"y\\z\nw");
    expo_label_bytes(&labels, "b", "\xff\0k", 3);
    assert_int_equal(memcmp(labels.data, "a=\"x\\\"y\\\\z\\nw\",b=\"\xef\xbf\xbd\0k\"", labels.len), 0);
    expo_family(&text, "m", "gauge", "a \"b\" \\ c\nd");
    assert_string_equal(text.data, "# HELP m a \"b\" \\\\ c\\nd\n# TYPE m gauge\n");
    strbuf_free(&labels);
    strbuf_free(&text);
}

static void a_long_label_is_cut_between_characters(void **state)
{
    struct strbuf labels = {0};
    char value[EXPO_LABEL_MAX + 10];
    (void)state;
    memset(value, 'x', sizeof value);
    memcpy(value + EXPO_LABEL_MAX - 1, "\xc5\xbe", 2);
    expo_label_bytes(&labels, "a", value, sizeof value);
    assert_int_equal(labels.len, strlen("a=\"") + EXPO_LABEL_MAX - 1 + strlen("...\""));
    assert_true(json_utf8_valid(labels.data, labels.len));
    strbuf_free(&labels);
}

static void numbers_are_whole_where_they_can_be(void **state)
{
    struct strbuf text = {0};
    (void)state;
    expo_sample(&text, "m", NULL, 0);
    expo_sample(&text, "m", NULL, 9007199254740992.0);
    expo_sample(&text, "m", NULL, -3);
    expo_sample(&text, "m", NULL, 0.25);
    assert_string_equal(text.data, "m 0\nm 9007199254740992\nm -3\nm 0.250000\n");
    strbuf_free(&text);
}

static void a_plugins_metric_gets_a_name_by_the_conventions(void **state)
{
    static const struct {
        struct weir_metric m;
        const char *name;
        double scale;
    } cases[] = {{{"sent", WEIR_COUNTER, 0, "bytes", ""}, "weir_es_6_sink_sent_bytes_total", 1},
                 {{"requests", WEIR_COUNTER, 0, "requests", ""}, "weir_es_6_sink_requests_total", 1},
                 {{"age_seconds", WEIR_GAUGE, 0, "seconds", ""}, "weir_es_6_sink_age_seconds", 1},
                 {{"wait", WEIR_GAUGE, 0, "ms", ""}, "weir_es_6_sink_wait_seconds", 0.001},
                 {{"a_total", WEIR_COUNTER, 0, NULL, NULL}, "weir_es_6_sink_a_total", 1}};
    char name[EXPO_NAME_MAX];
    double scale;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expo_plugin_name("es-6", "sink", &cases[i].m, name, sizeof name, &scale);
        assert_string_equal(name, cases[i].name);
        assert_true(scale > cases[i].scale * 0.999 && scale < cases[i].scale * 1.001);
    }
}

static void the_books_are_served(void **state)
{
    (void)state;
    ready();
    many(0, 0, 3);
    (void)tick();
    ledger_shard_end(&rig.p->flow.ledger, rig_shard(&rig, 0), 10);
    has("weir_records_read_total{pipeline=\"rig\"} 3");
    has("weir_records_open{pipeline=\"rig\"} 3");
    has("weir_sink_batches_in_flight{pipeline=\"rig\",section=\"sink\"} 1");
    has("weir_sink_records_open{pipeline=\"rig\",section=\"sink\"} 3");
    fine();
    ledger_advance(&rig.p->flow.ledger);
    has("weir_records_delivered_total{pipeline=\"rig\"} 3");
    many(0, 3, 9); /* further than the end that was known */
    has("weir_source_lag{pipeline=\"rig\"} 9");
    (void)tick();
    fine();
    ledger_advance(&rig.p->flow.ledger);
    has("weir_source_lag{pipeline=\"rig\"} 0");
    ledger_shard_end(&rig.p->flow.ledger, rig_shard(&rig, 0), 19);
    has("weir_records_open{pipeline=\"rig\"} 0");
    has("weir_sink_records_delivered_total{pipeline=\"rig\",section=\"sink\"} 12");
    has("weir_sink_batches_in_flight{pipeline=\"rig\",section=\"sink\"} 0");
    has("weir_source_lag{pipeline=\"rig\"} 7");
    has("weir_shard_lag{pipeline=\"rig\",topic=\"t\",partition=\"0\"} 7");
    has("weir_pipeline_state{pipeline=\"rig\",state=\"running\"} 1");
    has("weir_pipeline_state{pipeline=\"rig\",state=\"failed\"} 0");
}

/* What was given back at a rebalance leaves the books, but a counter that falls would read as a restart. */
static void no_counter_falls(void **state)
{
    (void)state;
    ready();
    many(0, 0, 5);
    (void)tick();
    ledger_shard_close(&rig.p->flow.ledger, rig_shard(&rig, 0));
    has("weir_records_read_total{pipeline=\"rig\"} 5");
    has("weir_records_returned_total{pipeline=\"rig\"} 5");
    assert_int_equal(books().read, 0);
    fine();
}

static void shards_are_bounded_and_each_series_is_there_once(void **state)
{
    char id[16];
    (void)state;
    ready();
    for (int i = 0; i < METRICS_SHARDS_MAX + 7; i++) {
        snprintf(id, sizeof id, "s%d", i);
        struct weir_shard desc = {
            .struct_size = sizeof desc, .partition = i / 2, .id = {id, strlen(id)}, .topic = {"a\"b", 3}};
        struct shard *s = ledger_shard_new(&rig.p->flow.ledger, &desc);
        ledger_shard_skip(&rig.p->flow.ledger, s, 1); /* so that something is known of it */
        ledger_shard_end(&rig.p->flow.ledger, s, 11);
    }
    ledger_advance(&rig.p->flow.ledger);
    const char *text = metrics();
    assert_int_equal(count(text, "\nweir_shard_lag{"),
                     (METRICS_SHARDS_MAX + 8) / 2); /* two shards are one series */
    assert_int_equal(count(text, "topic=\"a\\\"b\",partition=\"3\"} 20\n"), 1);
    for (int i = 0; i < 2 * METRICS_SHARDS_MAX + 7; i++) {
        snprintf(id, sizeof id, "n%d", i);
        struct weir_shard desc = {
            .struct_size = sizeof desc, .partition = 1000 + i, .id = {id, strlen(id)}, .topic = {"t", 1}};
        ledger_shard_end(&rig.p->flow.ledger, ledger_shard_new(&rig.p->flow.ledger, &desc), 0);
    }
    text = metrics();
    assert_int_equal(count(text, "\nweir_shard_lag{"), METRICS_SHARDS_MAX + 1);
    assert_int_equal(count(text, "topic=\"\",partition=\"others\"} 1070\n"), 1);
    has("weir_source_lag{pipeline=\"rig\"} 1070");
}

/* Every family has its two lines before its samples, and no sample stands twice. */
static void the_text_is_what_the_format_wants(void **state)
{
    char family[128] = "", *line, *next;
    (void)state;
    ready();
    (void)metrics();
    for (line = out.data; *line; line = next) {
        next = strchr(line, '\n');
        assert_non_null(next);
        *next++ = '\0';
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(family, sizeof family, "%.*s", (int)strcspn(line + 7, " "), line + 7);
            assert_true(strncmp(next, "# TYPE ", 7) == 0);
            assert_true(strncmp(next + 7, family, strlen(family)) == 0);
            assert_int_equal(count(next, line), 0);
        } else if (line[0] != '#') {
            assert_true(strncmp(line, family, strlen(family)) == 0);
            assert_true(strcspn(line, "{ ") == strlen(family));
            size_t labels = (size_t)(strrchr(line, ' ') - line);
            for (char *other = next; (other = strstr(other, line)) != NULL; other++)
                assert_true(strncmp(other - 1, "\n", 1) != 0 || other[labels] != ' ');
            if (strstr(line, "_total"))
                assert_int_equal(count(family, "_total"), 1);
        }
    }
}

/* --- health ---- */
static const char *body(unsigned (*page)(const struct monitor *, struct strbuf *), unsigned status)
{
    out.len = 0;
    assert_int_equal(page(&monitor, &out), status);
    assert_int_equal(page(&monitor, NULL), status);
    assert_true(json_check(out.data, out.len, NULL, NULL, NULL));
    return out.data;
}

#define RUNS ",\"pipelines\":[{\"pipeline\":\"rig\",\"state\":\"running\"}]"

static void ready_says_who_is_not(void **state)
{
    (void)state;
    ready();
    assert_string_equal(body(health_ready, 200), "{\"status\":\"ready\"" RUNS "}\n");
    instance_health(o->instance, WEIR_DENIED, 401, "user \"x\" is\nwrong");
    now += 5000;
    atomic_store(&monitor.turned_ms, now);
    assert_string_equal(
        body(health_ready, 503),
        "{\"status\":\"not ready\"" RUNS
        ",\"problems\":[{\"pipeline\":\"rig\",\"section\":\"sink\",\"state\":\"denied\",\"seconds\":5,"
        "\"why\":\"user \\\"x\\\" is\\nwrong\"}]}\n");
    assert_string_equal(body(health_live, 200), "{\"status\":\"live\"}\n");
    has("weir_ready 0");
    has("weir_instance_state{pipeline=\"rig\",section=\"sink\",worker=\"0\",state=\"denied\"} 1");
    has("weir_instance_state{pipeline=\"rig\",section=\"sink\",worker=\"0\",state=\"up\"} 0");
    instance_health(o->instance, WEIR_UP, 0, NULL);
    assert_string_equal(body(health_ready, 200), "{\"status\":\"ready\"" RUNS "}\n");
}

static void no_secret_is_told(void **state)
{
    (void)state;
    ready();
    redact_add("hunter22", 8);
    instance_health(o->instance, WEIR_CONNECTING, 0, "with hunter22 there is no way");
    assert_non_null(strstr(body(health_ready, 503), "with *** there is no way"));
}

static void what_was_never_open_or_started_is_not_ready(void **state)
{
    struct unstarted other = {(char *)(uintptr_t) "other", (char *)(uintptr_t) "its state is locked"};
    (void)state;
    ready();
    rig.p->intake.instance->opened = false;
    monitor.unstarted = &other;
    monitor.n_unstarted = 1;
    assert_string_equal(
        body(health_ready, 503),
        "{\"status\":\"not "
        "ready\",\"pipelines\":[{\"pipeline\":\"rig\",\"state\":\"starting\"},{\"pipeline\":\"other\","
        "\"state\":\"failed\"}],\"problems\":[{\"pipeline\":\"other\",\"state\":\"failed\",\"why\":\"its "
        "state is "
        "locked\"},{\"pipeline\":\"rig\",\"section\":\"source\",\"state\":\"starting\",\"seconds\":0,\"why\":"
        "\"not open "
        "yet\"}]}\n");
    has("weir_pipeline_state{pipeline=\"other\",state=\"failed\"} 1");
}

static void a_failed_pipeline_says_why(void **state)
{
    (void)state;
    ready();
    flow_fail(&rig.p->flow, "[sink] no %s", "good");
    assert_non_null(strstr(body(health_ready, 503), "\"state\":\"failed\",\"why\":\"[sink] no good\"}]"));
}

static void a_hanging_callback_is_neither_live_nor_ready(void **state)
{
    (void)state;
    ready();
    o->instance->calling = "write";
    o->instance->calling_since = now;
    for (int i = 0; i < 65; i++)
        stuck_tick(rig.p, 1000);
    assert_string_equal(
        body(health_live, 503),
        "{\"status\":\"not live\",\"problems\":[{\"pipeline\":\"rig\",\"section\":\"sink\",\"state\":"
        "\"hung\",\"seconds\":64,\"why\":\"it has been inside write for 64 s\"}]}\n");
    assert_non_null(strstr(body(health_ready, 503), "it has been inside write for 64 s"));
    has("weir_instance_hung{pipeline=\"rig\",section=\"sink\",worker=\"0\"} 1");
    has("weir_live 0");
    o->instance->calling = NULL;
    stuck_tick(rig.p, 1000);
    (void)body(health_live, 200);
}

/* Of what has a process of its own, and of nothing else. */
static void restarts_are_counted(void **state)
{
    const struct isolate_conf alone = {0};
    (void)state;
    ready();
    struct section_conf *section = (struct section_conf *)(uintptr_t)o->instance->section;
    assert_null(strstr(metrics(), "weir_instance_restarts_total{"));
    section->isolate = &alone;
    atomic_store(&o->instance->restarts, 3);
    has("weir_instance_restarts_total{pipeline=\"rig\",section=\"sink\",worker=\"0\"} 3");
    assert_null(strstr(metrics(), "weir_instance_restarts_total{pipeline=\"rig\",section=\"source\""));
    section->isolate = NULL;
}

static const struct weir_ops blocking = {.struct_size = sizeof blocking, .promises = WEIR_BLOCKS, FAKE};

static void a_sink_that_may_block_is_no_reason_to_start_weir_anew(void **state)
{
    (void)state;
    conf->ops = &blocking;
    ready();
    o->instance->calling = "write";
    o->instance->calling_since = now;
    for (int i = 0; i < 65; i++)
        stuck_tick(rig.p, 1000);
    (void)body(health_live, 200);
    (void)body(health_ready, 503);
    o->instance->calling = NULL;
}

static void a_main_thread_that_stands_still_is_not_live(void **state)
{
    (void)state;
    ready();
    now += HUNG_MS;
    assert_non_null(strstr(body(health_live, 503), "the main thread of weir does not turn"));
}

/* --- address ---- */
static void addresses(void **state)
{
    static const struct {
        const char *text, *host, *port;
    } good[] = {{"127.0.0.1:9480", "127.0.0.1", "9480"},
                {"localhost:0", "localhost", "0"},
                {"[::1]:65535", "::1", "65535"},
                {"[::]:1", "::", "1"}};
    static const char *const bad[] = {"",        "x",      ":80",  "h:",   "h:x",      "h:65536", "::1:80",
                                      "[::1]80", "[::1]:", "[]:1", "[::1", "h:123456", "h: 1",    "h:-1"};
    struct monitor_address a;
    (void)state;
    ready(); /* the teardown wants it */
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(monitor_address(good[i].text, &a, &out));
        assert_string_equal(a.host, good[i].host);
        assert_string_equal(a.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        out.len = 0;
        assert_false(monitor_address(bad[i], &a, &out));
        assert_non_null(strstr(out.data, "--metrics is HOST:PORT"));
    }
}

/* --- the page ---- */
static void the_page_is_the_table(void **state)
{
    char path[4096], text[65536];
    const char *top = getenv("srcdir");
    (void)state;
    ready();
    snprintf(path, sizeof path, "%s/docs/metrics.md", top ? top : "../..");
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("there is no %s", path);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    metrics_page(&out);
    assert_string_equal(text, out.data); /* meant? make update-golden */
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, clear)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_help_are_escaped),
        cmocka_unit_test(a_long_label_is_cut_between_characters),
        cmocka_unit_test(numbers_are_whole_where_they_can_be),
        cmocka_unit_test(a_plugins_metric_gets_a_name_by_the_conventions),
        test(the_books_are_served),
        test(no_counter_falls),
        test(shards_are_bounded_and_each_series_is_there_once),
        test(the_text_is_what_the_format_wants),
        test(ready_says_who_is_not),
        test(no_secret_is_told),
        test(what_was_never_open_or_started_is_not_ready),
        test(a_failed_pipeline_says_why),
        test(a_hanging_callback_is_neither_live_nor_ready),
        test(restarts_are_counted),
        test(a_sink_that_may_block_is_no_reason_to_start_weir_anew),
        test(a_main_thread_that_stands_still_is_not_live),
        test(addresses),
        test(the_page_is_the_table),
    };
    if (argc > 1 && strcmp(argv[1], "--page") == 0) { /* make update-golden */
        metrics_page(&out);
        fputs(out.data, stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
