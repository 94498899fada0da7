/* SPDX-License-Identifier: BSD-2-Clause */
/* t-harness.c - the fake host itself: what it must notice, it notices; a child process dies of each broken rule. */
#include "harness.h"

#include <weir/helpers.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a sink that keeps or breaks the rules, as its option says ------------------------------------------------- */

enum { GOOD, TWICE, NEVER, LATE_READ, BAD_INDEX, LEAK, OUTSIDE };
static const char *const MODES[] = {"good",      "twice", "never",   "late-read",
                                    "bad-index", "leak",  "outside", NULL};

struct fake_conf {
    int64_t mode;
    const char *note;
};

static const struct weir_option FAKE_ROWS[] = {
    WEIR_OPT_ENUM(struct fake_conf, mode, "mode", 0, "good", MODES, "What it does", NULL),
    WEIR_OPT_STRING(struct fake_conf, note, "note", 0, NULL, "Any text", NULL),
};
static const struct weir_options FAKE_OPTIONS = WEIR_OPTIONS(struct fake_conf, FAKE_ROWS);

struct fake {
    struct weir_ctx *ctx;
    const struct fake_conf *conf;
    struct weir_batch *held;
};

static int fake_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct fake_conf *c = conf;
    if (c->note && c->mode == GOOD)
        weir_problemf(ctx, problems, "note", "is for bad modes");
    return WEIR_OK;
}

static int fake_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct fake *f = ctx->host->mem(ctx, NULL, sizeof *f);
    *f = (struct fake){.ctx = ctx, .conf = conf};
    *self = f;
    return WEIR_OK;
}

/* The records whose value is "bad" are rejected when service comes. */
static int fake_write(void *self, struct weir_batch *b)
{
    struct fake *f = self;
    if (f->held)
        return WEIR_AGAIN;
    f->held = b;
    f->ctx->host->wake(f->ctx);
    return WEIR_OK;
}

static void complete_with_rejects(struct fake *f, struct weir_batch *b)
{
    struct weir_view v = {.struct_size = sizeof v};
    struct weir_result results[8];
    uint32_t n = 0;
    f->ctx->host->view(f->ctx, b, &v);
    for (uint32_t i = 0; i < v.count && n < 8; i++) {
        const struct weir_record *r = weir_record_at(&v, i);
        if (r->value.len == 3 && memcmp(r->value.ptr, "bad", 3) == 0)
            results[n++] = (struct weir_result){
                .index = f->conf->mode == BAD_INDEX ? 99 : i, .status = WEIR_REJECT, .why = "it is bad"};
    }
    f->ctx->host->complete(f->ctx, b, results, n, sizeof results[0]);
    if (f->conf->mode == LATE_READ)
        f->ctx->host->view(f->ctx, b, &v);
}

static int fake_service(void *self, uint32_t why)
{
    struct fake *f = self;
    struct weir_batch *b = f->held;
    f->held = NULL;
    if (why != WEIR_WHY_WAKE || f->conf->mode == NEVER || !b)
        return WEIR_OK;
    complete_with_rejects(f, b);
    if (f->conf->mode == TWICE)
        f->ctx->host->complete(f->ctx, b, NULL, 0, 0);
    return WEIR_OK;
}

static void fake_destroy(void *self)
{
    struct fake *f = self;
    if (f->conf->mode != LEAK)
        f->ctx->host->mem(f->ctx, f, 0);
}

static int nothing_to_open(void *self)
{
    (void)self;
    return WEIR_OK;
}

static void nothing_to_close(void *self)
{
    (void)self;
}

static const struct weir_ops FAKE_SINK = {
    .struct_size = sizeof FAKE_SINK,
    .kind = WEIR_SINK,
    .options = &FAKE_OPTIONS,
    .check = fake_check,
    .create = fake_create,
    .open = nothing_to_open,
    .write = fake_write,
    .service = fake_service,
    .close = nothing_to_close,
    .destroy = fake_destroy,
};

/* ---- a source of three records on one lane ---------------------------------------------------------------------- */

struct fake_source {
    struct weir_ctx *ctx;
    const struct fake_conf *conf;
    const struct weir_shard *shard;
    uint64_t next;
};

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct fake_source *f = ctx->host->mem(ctx, NULL, sizeof *f);
    *f = (struct fake_source){.ctx = ctx, .conf = conf};
    *self = f;
    return WEIR_OK;
}

static int source_open(void *self)
{
    struct fake_source *f = self;
    struct weir_shard lane = {sizeof lane, 0, weir_str("lane"), weir_str("topic")};
    struct weir_position p = {.struct_size = sizeof p};
    f->ctx->host->shard_open(f->ctx, &lane, &f->shard, &p);
    f->next = p.flags & WEIR_POS_STORED ? p.next : 0;
    return WEIR_OK;
}

static int source_poll(void *self, struct weir_emitter *e, const struct weir_poll *p)
{
    struct fake_source *f = self;
    void *data;
    (void)p;
    if (f->next == 3)
        return WEIR_END;
    struct weir_buf *buf = f->ctx->host->buf_alloc(f->ctx, 1, &data);
    *(char *)data = (char)('a' + f->next);
    struct weir_record r = {.value = {data, 1},
                            .topic = f->shard->topic,
                            .shard = f->shard,
                            .time_ms = WEIR_NO_TIME,
                            .seq = f->conf->mode == TWICE ? 0 : f->next,
                            .next = f->next + 1};
    if (f->conf->mode == OUTSIDE)
        r.value = weir_str("elsewhere");
    struct weir_run run = {sizeof run, sizeof r, 1, 0, &r, buf};
    uint32_t taken;
    int status = f->ctx->host->emit(e, &run, &taken);
    f->ctx->host->buf_unref(buf);
    f->next += taken;
    return status;
}

static void source_destroy(void *self)
{
    struct fake_source *f = self;
    f->ctx->host->mem(f->ctx, f, 0);
}

static const struct weir_ops FAKE_SOURCE = {
    .struct_size = sizeof FAKE_SOURCE,
    .kind = WEIR_SOURCE,
    .options = &FAKE_OPTIONS,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
    .close = nothing_to_close,
    .destroy = source_destroy,
};
static const struct weir_ops *const FAKE_OPS[] = {&FAKE_SINK, &FAKE_SOURCE, NULL};
static const struct weir_plugin FAKE = {WEIR_PLUGIN_HEAD, "fake", "1",     "a fake",
                                        "BSD-2-Clause",   NULL,   FAKE_OPS};

/* ---- tests -------------------------------------------------------------------------------------------------------- */

static void write_and_wait(const char *options)
{
    const char *in[] = {"good", "bad", "good"};
    struct harness *h = harness_start("fake", WEIR_SINK, options);
    struct weir_batch *b = harness_values(h, in, 3);
    assert_int_equal(harness_write(h, b), WEIR_OK);
    assert_int_equal(harness_write(h, harness_values(h, in, 3)), WEIR_AGAIN);
    assert_true(harness_run_until(h, harness_idle, NULL, 300));
    assert_int_equal(harness_failed(b), 1);
    assert_int_equal(harness_result(b, 1).status, WEIR_REJECT);
    assert_string_equal(harness_result(b, 1).why, "it is bad");
    harness_free(h);
}

static void read_all(const char *options)
{
    struct harness *h = harness_start("fake", WEIR_SOURCE, options);
    while (harness_poll(h, 10, 1000, 0, 0) == WEIR_OK)
        ;
    harness_free(h);
}

/* Does the child end by abort? */
static bool dies(void (*run)(const char *), const char *options)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        run(options);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void sink_results_are_kept_by_record(void **state)
{
    (void)state;
    write_and_wait("mode = good\n");
}

static void broken_rules_end_the_test(void **state)
{
    (void)state;
    assert_false(dies(write_and_wait, "mode = good\n"));
    assert_true(dies(write_and_wait, "mode = twice\n"));
    assert_true(dies(write_and_wait, "mode = late-read\n"));
    assert_true(dies(write_and_wait, "mode = bad-index\n"));
    assert_true(dies(write_and_wait, "mode = leak\n"));
    assert_false(dies(read_all, "mode = good\n"));
    assert_true(dies(read_all, "mode = twice\n"));
    assert_true(dies(read_all, "mode = outside\n"));
}

static void leave_a_batch_behind(const char *options)
{
    const char *in[] = {"x"};
    struct harness *h = harness_start("fake", WEIR_SINK, options);
    harness_write(h, harness_values(h, in, 1));
    if (harness_run_until(h, harness_idle, NULL, 50))
        _exit(1);
    harness_free(h);
}

static void batch_never_completed_ends_the_test(void **state)
{
    (void)state;
    assert_true(dies(leave_a_batch_behind, "mode = never\n"));
}

static void options_are_checked(void **state)
{
    (void)state;
    assert_string_equal(harness_check("fake", WEIR_SINK, "mode = twice\nnote = x\n"), "");
    assert_string_equal(harness_check("fake", WEIR_SINK, "note = x\n"), "note: is for bad modes\n");
    assert_string_equal(harness_check("fake", WEIR_SINK, "nota = x\n"), "nota: unknown option\n");
}

static void source_resumes_where_it_was_committed(void **state)
{
    (void)state;
    struct harness *h = harness_load("fake", WEIR_SOURCE, "");
    harness_preset(h, "lane", 1, (struct weir_slice){NULL, 0});
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    assert_int_equal(harness_poll(h, 10, 1000, 0, 0), WEIR_OK);
    assert_string_equal(harness_out_value(h, 0), "b");
    assert_int_equal(harness_shard(h, "lane")->next, 2);
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    assert_int_equal(harness_shard(h, "lane")->committed, 2);
    harness_free(h);
}

/* ---- a transform that holds, and keeps or breaks the rules ------------------------------------------------------ */

enum { FREE, KEEP, AGAIN, STALE, UNKNOWN };
static const char *const HOLD_MODES[] = {"free", "keep", "again", "stale", "unknown", NULL};
struct holder_conf {
    int64_t mode;
};
static const struct weir_option HOLDER_ROWS[] = {
    WEIR_OPT_ENUM(struct holder_conf, mode, "mode", 0, "free", HOLD_MODES, "What it does", NULL),
};
static const struct weir_options HOLDER_OPTIONS = WEIR_OPTIONS(struct holder_conf, HOLDER_ROWS);
struct holder {
    struct weir_ctx *ctx;
    const struct holder_conf *conf;
    struct weir_batch *group;
};

static int holder_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct holder *f = ctx->host->mem(ctx, NULL, sizeof *f);
    *f = (struct holder){.ctx = ctx, .conf = conf};
    *self = f;
    return WEIR_OK;
}

static int holder_process(void *self, const struct weir_batch *b, struct weir_emitter *e)
{
    struct holder *f = self;
    struct weir_view v = {.struct_size = sizeof v};
    f->ctx->host->view(f->ctx, b, &v);
    for (uint32_t i = 0; i < v.count; i++)
        f->ctx->host->hold(e, i, &f->group, f->ctx->host->mono_ms(f->ctx) + 1000, f);
    return f->conf->mode == AGAIN ? WEIR_RETRY : WEIR_OK;
}

/* One record with the value of the first. */
static int holder_release(void *self, struct weir_emitter *e, struct weir_batch *group, void *opaque,
                          uint32_t why)
{
    struct holder *f = self;
    struct weir_view v = {.struct_size = sizeof v};
    (void)why;
    f->group = NULL;
    if (opaque != f || f->conf->mode == KEEP)
        return WEIR_OK;
    f->ctx->host->view(f->ctx, group, &v);
    const struct weir_record *first = weir_record_at(&v, 0);
    struct weir_record r = *first;
    r.flags |= WEIR_REC_SHARES_PARENT;
    if (f->conf->mode == UNKNOWN)
        group = NULL;
    int status = f->ctx->host->emit_held(e, group, &r, sizeof r, NULL);
    if (f->conf->mode == STALE)
        f->ctx->host->view(f->ctx, group, &v);
    return f->conf->mode == STALE ? *(const char *)weir_record_at(&v, 0)->value.ptr : status;
}

static void holder_destroy(void *self)
{
    struct holder *f = self;
    f->ctx->host->mem(f->ctx, f, 0);
}

static const struct weir_ops HOLDER_OPS = {
    .struct_size = sizeof HOLDER_OPS,
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_HOLDS,
    .options = &HOLDER_OPTIONS,
    .create = holder_create,
    .process = holder_process,
    .destroy = holder_destroy,
    .release = holder_release,
};
static const struct weir_ops *const HOLDER_ALL[] = {&HOLDER_OPS, NULL};
static const struct weir_plugin HOLDER = {WEIR_PLUGIN_HEAD, "holder", "0.1.0",   "Holds, for the test",
                                          "BSD-2-Clause",   NULL,     HOLDER_ALL};

static void hold_three(const char *options)
{
    const char *in[] = {"a", "b", "c"};
    struct harness *h = harness_start("holder", WEIR_TRANSFORM, options);
    harness_process(h, harness_values(h, in, 3));
    if (harness_groups(h) != 1 || harness_let_go(h, WEIR_WHY_END) != 1 || harness_failure(h)->status < 0)
        _exit(1);
    harness_free(h);
}

static void what_is_held_comes_out_as_one(void **state)
{
    const char *in[] = {"a", "b", "c"};
    (void)state;
    struct harness *h = harness_start("holder", WEIR_TRANSFORM, "");
    harness_stop_clock(h, 0);
    assert_int_equal(harness_process(h, harness_values(h, in, 3)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 0);
    assert_int_equal(harness_let_go(h, WEIR_WHY_TIME), 0);
    harness_advance(h, 1000);
    assert_int_equal(harness_let_go(h, WEIR_WHY_TIME), 1);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_HELD);
    assert_int_equal(harness_out(h, 0)->parent, 3);
    assert_string_equal(harness_out_value(h, 0), "a");
    assert_int_equal(harness_out(h, 0)->record.next, 3);
    harness_free(h);
}

static void broken_rules_of_holding_end_the_test(void **state)
{
    (void)state;
    assert_false(dies(hold_three, "mode = free\n"));
    assert_true(dies(hold_three, "mode = keep\n"));
    assert_true(dies(hold_three, "mode = again\n"));
    assert_true(dies(hold_three, "mode = stale\n"));
    assert_true(dies(hold_three, "mode = unknown\n"));
}

int main(void)
{
    harness_builtin(&FAKE);
    harness_builtin(&HOLDER);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sink_results_are_kept_by_record),
        cmocka_unit_test(broken_rules_end_the_test),
        cmocka_unit_test(batch_never_completed_ends_the_test),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(source_resumes_where_it_was_committed),
        cmocka_unit_test(what_is_held_comes_out_as_one),
        cmocka_unit_test(broken_rules_of_holding_end_the_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
