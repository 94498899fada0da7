/* SPDX-License-Identifier: BSD-2-Clause */
/* t-transform.c - what one stage does to its inputs, and what the books say of it; the stage's code is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/transform.h"
#include "record/expr.h"
#include "record/path.h"
#include "report/clock.h"
#include "stage.h"

static struct rig rig;
static struct weir_path path_n, path_m, path_item;

static int setup(void **state)
{
    size_t used;
    const char *why;
    if (scratch_make(state))
        return -1;
    path_n.path = path_compile(".n", 2, &used, &why);
    path_m.path = path_compile(".m", 2, &used, &why);
    path_item.path = path_compile(".a.b", 4, &used, &why);
    rig_init(&rig);
    rig_sink(&rig, "sink", &rig_full, NULL);
    parses = prints = 0;
    return 0;
}

static int teardown(void **state)
{
    for (struct lane *l = rig.p->lanes; l; l = l->next)
        for (uint32_t i = 0; i < l->n_transforms; i++)
            instance_close(l->transforms[i]->instance);
    for (uint32_t i = 0; i < rig.p->n_outlets; i++)
        outlet_close(rig.p->outlets[i]);
    rig_free(&rig);
    path_free(path_n.path);
    path_free(path_m.path);
    path_free(path_item.path);
    return scratch_remove(state);
}

static void build(void)
{
    rig_build(&rig);
    for (uint32_t i = 0; i < rig.p->workers[0]->n_transforms; i++)
        assert_int_equal(instance_open(rig.p->workers[0]->transforms[i]->instance), WEIR_OK);
}

static int run(uint32_t stage, struct weir_batch *in, struct weir_batch **out)
{
    return transform_run(rig.p->workers[0]->transforms[stage], in, out);
}

static struct weir_batch *ten(void)
{
    static const struct rig_record records[] = {{0, 0, "{\"n\":0}"}, {0, 1, "{\"n\":1}"}, {0, 2, "{\"n\":2}"},
                                                {0, 3, "{\"n\":3}"}, {0, 4, "{\"n\":4}"}, {0, 5, "{\"n\":5}"},
                                                {0, 6, "{\"n\":6}"}, {0, 7, "{\"n\":7}"}, {0, 8, "{\"n\":8}"},
                                                {0, 9, "{\"n\":9}"}};
    return rig_chunk(&rig, records, 10);
}

static void holds(const struct weir_batch *b, uint32_t i, uint64_t seq, const char *value)
{
    assert_int_equal(b->records[i].seq, seq);
    assert_int_equal(b->records[i].value.len, strlen(value));
    assert_memory_equal(b->records[i].value.ptr, value, strlen(value));
}

static void books_say(uint64_t open, uint64_t dropped)
{
    struct books b = ledger_books(&rig.p->flow.ledger);
    assert_int_equal(b.open, open);
    assert_int_equal(b.dropped, dropped);
}

/* Ends what came out and looks whether all is accounted for. */
static void deliver(struct weir_batch *out)
{
    if (out)
        ledger_end_all(out, DELIVERED);
    batch_unref(out);
    assert_true(ledger_idle(&rig.p->flow.ledger));
    assert_int_equal(rig.p->flow.budget.used, 0);
}

/* ---- pass, drop, several ---- */
static int pass_even(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < in->count; i += 2)
        assert_int_equal(s->ctx->host->pass(e, i, 1), WEIR_OK);
    assert_int_equal(s->ctx->host->pass(e, in->count, 1), WEIR_FATAL);
    assert_int_equal(s->ctx->host->pass(e, 1, UINT32_MAX), WEIR_FATAL);
    return WEIR_OK;
}

static void what_is_not_passed_is_dropped(void **state)
{
    struct stage s = {.process = pass_even};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s);
    build();
    assert_int_equal(run(0, ten(), &out), WEIR_OK);
    assert_int_equal(out->count, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(out->records[i].seq, 2 * i);
    books_say(5, 5);
    deliver(out);
}

static int pass_none(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    (void)s;
    (void)in;
    (void)e;
    return WEIR_OK;
}

static void a_chunk_of_which_nothing_is_left_is_gone(void **state)
{
    struct stage s = {.process = pass_none};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_any, &s);
    build();
    assert_int_equal(run(0, ten(), &out), WEIR_OK);
    assert_null(out);
    books_say(0, 10);
    deliver(NULL);
}

static int emit_n(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t round = 0; round < 3; round++) /* interleaved: outputs of one input do not stand together */
        for (uint32_t i = 0; i < 3; i++) {
            char text[32];
            struct weir_record r = in->records[i];
            snprintf(text, sizeof text, "%u.%u", i, round);
            r.value = (struct weir_slice){text, strlen(text)};
            r.seq = r.next = 12345; /* identity is not a transform's to change */
            if (round <= i)
                assert_int_equal(s->ctx->host->emit_from(e, i, &r, sizeof r, NULL), WEIR_OK);
        }
    return WEIR_OK;
}

static void further_outputs_are_copies_with_numbers(void **state)
{
    struct stage s = {.process = emit_n};
    struct outlet *o;
    (void)state;
    rig_transform(&rig, "transform a", &stage_any, &s);
    build();
    struct lane *worker = rig.p->workers[0];
    worker->started = true; /* so that the chunk goes through the stages, on this thread */
    lane_chunk(worker, ten());
    worker->started = false;
    loop_run_tasks(&worker->loop);
    (void)lane_turn(worker, clock_mono_ms());
    o = rig.p->outlets[0];
    assert_non_null(o->offered);
    struct weir_batch *out = o->offered->batch;
    assert_int_equal(out->count, 6);
    holds(out, 0, 0, "0.0");
    holds(out, 1, 1, "1.0");
    holds(out, 2, 2, "2.0");
    holds(out, 3, 1, "1.1");
    holds(out, 4, 2, "2.1");
    holds(out, 5, 2, "2.2");
    const uint32_t sub[] = {0, 0, 0, 1, 1, 2};
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(out->records[i].sub, sub[i]);
    books_say(3, 7);
    ledger_end_marked(out, (uint8_t[]){1, 1, 1, 1, 1, 0}, DELIVERED);
    books_say(1, 7);
    ledger_end_marked(out, (uint8_t[]){0, 0, 0, 0, 0, 1}, DELIVERED);
    books_say(0, 7);
}

static int twice(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    (void)in;
    assert_int_equal(s->ctx->host->pass(e, 0, 1), WEIR_OK);
    return s->ctx->host->pass(e, 0, 1);
}

static void one_to_one_is_held_to_it(void **state)
{
    struct stage s = {.process = twice};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s);
    build();
    assert_int_equal(run(0, ten(), &out), WEIR_FATAL);
    assert_null(out);
    assert_true(flow_failed(&rig.p->flow));
    books_say(10, 0);
}

/* ---- reject ---- */
static int reject_some(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_result why = {.status = WEIR_REJECT, .why = "odd", .type = "oddness"};
    for (uint32_t i = 0; i < in->count; i++)
        assert_int_equal(i % 2 ? s->ctx->host->reject(e, i, &why) : s->ctx->host->pass(e, i, 1), WEIR_OK);
    assert_int_equal(s->ctx->host->reject(e, 1, &why), WEIR_OK); /* once is enough */
    assert_int_equal(s->ctx->host->pass(e, 1, 1), WEIR_OK);      /* and it stays rejected */
    return WEIR_OK;
}

static void a_rejected_input_lives_on_in_its_dead_letter(void **state)
{
    struct stage s = {.process = reject_some};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s);
    rig_dead(&rig, &rig_full, NULL);
    build();
    assert_int_equal(run(0, ten(), &out), WEIR_OK);
    assert_int_equal(out->count, 5);
    ledger_end_all(out, DELIVERED);
    batch_unref(out);
    books_say(5, 0);
    loop_run_tasks(&rig.p->flow.dead->lane->loop);
    assert_int_equal(rig.p->flow.dead->pending_records, 5);
    ledger_end_all(rig.p->flow.dead->head->chunk, DEAD_LETTERED);
    assert_int_equal(ledger_books(&rig.p->flow.ledger).dead, 5);
    books_say(0, 0);
}

static int reject_call(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    assert_int_equal(s->ctx->host->pass(e, 0, in->count), WEIR_OK);
    struct weir_result why = {.status = WEIR_REJECT, .why = "all bad"};
    (s->ctx->host->fail)(s->ctx, &why);
    return WEIR_REJECT;
}

static void a_refused_call_rejects_every_input(void **state)
{
    struct stage s = {.process = reject_call};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s);
    rig_dead(&rig, &rig_full, NULL);
    build();
    assert_int_equal(run(0, ten(), &out), WEIR_REJECT);
    assert_null(out);
    books_say(10, 0);
    loop_run_tasks(&rig.p->flow.dead->lane->loop);
    assert_int_equal(rig.p->flow.dead->pending_records, 10);
}

static int answer_oddly(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    (void)s;
    (void)in;
    (void)e;
    return WEIR_END;
}

static void an_answer_that_means_nothing_ends_the_pipeline(void **state)
{
    struct stage s = {.process = answer_oddly};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s);
    build();
    assert_int_not_equal(run(0, ten(), &out), WEIR_OK);
    assert_true(flow_failed(&rig.p->flow));
    books_say(10, 0);
}

/* ---- when ---- */
static int mark(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const char *why;
    for (uint32_t i = 0; i < in->count; i++) {
        struct weir_edit edit = {.path = &path_m, .op = WEIR_EDIT_SET, .value = {"true", 4}};
        assert_int_equal(s->ctx->host->emit_edit(e, i, &edit, 1, sizeof edit, &why), WEIR_OK);
    }
    return WEIR_OK;
}

static void what_when_does_not_want_passes_in_its_place(void **state)
{
    char why[256];
    struct stage s = {.process = mark};
    struct weir_batch *out;
    (void)state;
    struct weir_expr *when = expr_compile(".n >= 3 and .n < 5 or .n == 9", why, sizeof why);
    rig_transform(&rig, "transform a", &stage_one, &s)->when = when;
    build();
    assert_int_equal(run(0, ten(), &out), WEIR_OK);
    assert_int_equal(out->count, 10);
    batch_print_edits(out);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(out->records[i].seq, i);
    holds(out, 2, 2, "{\"n\":2}");
    holds(out, 3, 3, "{\"n\":3,\"m\":true}");
    holds(out, 9, 9, "{\"n\":9,\"m\":true}");
    deliver(out);
    expr_free(when);
}

static void what_when_can_not_judge_is_rejected(void **state)
{
    static const struct rig_record records[] = {{0, 0, "{\"n\":1}"}, {0, 1, "no json"}, {0, 2, "{\"n\":-1}"}};
    char why[256];
    struct stage s = {.process = mark};
    struct weir_batch *out;
    (void)state;
    struct weir_expr *when = expr_compile(".n > 0", why, sizeof why);
    rig_transform(&rig, "transform a", &stage_one, &s)->when = when;
    rig_dead(&rig, &rig_full, NULL);
    build();
    assert_int_equal(run(0, rig_chunk(&rig, records, 3), &out), WEIR_OK);
    assert_int_equal(out->count, 2);
    ledger_end_all(out, DELIVERED);
    books_say(1, 0);
    loop_run_tasks(&rig.p->flow.dead->lane->loop);
    assert_int_equal(rig.p->flow.dead->pending_records, 1);
    batch_unref(out);
    expr_free(when);
}

/* ---- edits ---- */
static int count_up(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < in->count; i++) {
        struct weir_span n;
        char text[32];
        const char *why;
        assert_int_equal(s->ctx->host->json(s->ctx, in, i, &path_n, &n, &why), WEIR_OK);
        snprintf(text, sizeof text, "%ld", strtol(n.ptr, NULL, 10) + 1);
        struct weir_edit edit = {.path = &path_n, .op = WEIR_EDIT_SET, .value = {text, strlen(text)}};
        assert_int_equal(s->ctx->host->emit_edit(e, i, &edit, 1, sizeof edit, &why), WEIR_OK);
    }
    return WEIR_OK;
}

static void edits_of_several_stages_parse_and_print_once(void **state)
{
    struct stage s[3] = {{.process = count_up}, {.process = count_up}, {.process = mark}};
    struct weir_batch *b, *out;
    (void)state;
    for (int k = 0; k < 3; k++)
        rig_transform(&rig, "transform a", &stage_one, &s[k]);
    build();
    b = ten();
    for (uint32_t k = 0; k < 3; k++) {
        assert_int_equal(run(k, b, &out), WEIR_OK);
        b = out;
    }
    batch_print_edits(out);
    assert_int_equal(parses, 10);
    assert_int_equal(prints, 10);
    holds(out, 0, 0, "{\"n\":2,\"m\":true}");
    holds(out, 9, 9, "{\"n\":11,\"m\":true}");
    deliver(out);
}

static int look(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_view v = {.struct_size = sizeof v, .want = WEIR_WANT_VALUE};
    struct weir_span top, m;
    const char *why;
    uint32_t type, lines;
    assert_int_equal(s->ctx->host->pass(e, 0, 1), WEIR_OK); /* before anybody looks: it keeps its edits */
    assert_int_equal(s->ctx->host->json(s->ctx, in, 1, NULL, &top, &why), WEIR_OK);
    assert_int_equal(top.len, 16);
    assert_memory_equal(top.ptr, "{\"n\":1,\"m\":true}", 16);
    assert_int_equal(s->ctx->host->json(s->ctx, in, 1, &path_m, &m, &why), WEIR_OK);
    assert_ptr_equal(m.ptr, (const char *)top.ptr + 11); /* in that text, although an edit wrote it */
    assert_int_equal(s->ctx->host->json_check(s->ctx, in, 1, &type, &lines, &why), WEIR_OK);
    assert_int_equal(in->records[1].value.len, 16);
    assert_int_equal(s->ctx->host->view(s->ctx, in, &v), WEIR_OK);
    for (uint32_t i = 1; i < v.count; i++)
        assert_memory_equal((const char *)weir_record_at(&v, i)->value.ptr + 6, ",\"m\":true}", 10);
    assert_int_equal(s->ctx->host->pass(e, 1, in->count - 1), WEIR_OK);
    return WEIR_OK;
}

static void who_looks_sees_the_edits_before(void **state)
{
    char why[256];
    (void)state;
    for (int behind_when = 0; behind_when < 2; behind_when++) {
        struct stage s[2] = {{.process = mark}, {.process = look}};
        struct weir_batch *between, *out;
        struct weir_expr *when = expr_compile(".m", why, sizeof why);
        rig_free(&rig);
        rig_init(&rig);
        rig_transform(&rig, "transform a", &stage_one, &s[0]);
        rig_transform(&rig, "transform b", &stage_one, &s[1])->when = behind_when ? when : NULL;
        build();
        assert_int_equal(run(0, ten(), &between), WEIR_OK);
        assert_int_equal(run(1, between, &out), WEIR_OK);
        batch_print_edits(out);
        holds(out, 0, 0, "{\"n\":0,\"m\":true}");
        holds(out, 1, 1, "{\"n\":1,\"m\":true}");
        deliver(out);
        instance_close(rig.p->workers[0]->transforms[0]->instance);
        instance_close(rig.p->workers[0]->transforms[1]->instance);
        expr_free(when);
    }
}

static int explode(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const char *why;
    assert_int_equal(s->ctx->host->pass(e, 0, 1), WEIR_OK);
    for (int k = 0; k < 3; k++) {
        char digit[2] = {(char)('0' + k), 0};
        struct weir_edit edit = {.path = &path_m, .op = WEIR_EDIT_STRING, .value = {digit, 1}};
        assert_int_equal(s->ctx->host->emit_edit(e, 0, &edit, 1, sizeof edit, &why), WEIR_OK);
        assert_int_equal(s->ctx->host->emit_edit(e, 1, &edit, 1, sizeof edit, &why), WEIR_OK);
    }
    return s->ctx->host->pass(e, 1, in->count - 1);
}

static void outputs_of_one_input_do_not_share_their_edits(void **state)
{
    struct stage s = {.process = explode};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_any, &s);
    build();
    assert_int_equal(run(0, ten(), &out), WEIR_OK);
    batch_print_edits(out);
    assert_true(out->several);
    assert_int_equal(out->count, 16);
    holds(out, 0, 0, "{\"n\":0}");
    holds(out, 1, 0, "{\"n\":0,\"m\":\"0\"}");
    holds(out, 2, 1, "{\"n\":1,\"m\":\"0\"}");
    holds(out, 3, 0, "{\"n\":0,\"m\":\"1\"}");
    holds(out, 6, 1, "{\"n\":1,\"m\":\"2\"}");
    holds(out, 7, 1, "{\"n\":1}");
    deliver(out);
}

/* ---- taken back ---- */
static int half_an_edit(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const char *why = NULL;
    struct weir_edit edits[] = {{.path = &path_n, .op = WEIR_EDIT_REMOVE},
                                {.path = &path_item, .op = WEIR_EDIT_REMOVE}};
    for (uint32_t i = 0; i < in->count; i++) {
        assert_int_equal(s->ctx->host->emit_edit(e, i, edits, 2, sizeof *edits, &why), WEIR_REJECT);
        assert_non_null(why);
    }
    return s->ctx->host->pass(e, 0, in->count); /* on-missing = pass */
}

static void an_edit_that_leads_nowhere_changes_nothing(void **state)
{
    struct stage s[2] = {{.process = mark}, {.process = half_an_edit}};
    struct weir_batch *between, *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s[0]);
    rig_transform(&rig, "transform b", &stage_one, &s[1]);
    build();
    assert_int_equal(run(0, ten(), &between), WEIR_OK);
    assert_int_equal(run(1, between, &out), WEIR_OK);
    batch_print_edits(out);
    assert_int_equal(out->count, 10);
    holds(out, 4, 4, "{\"n\":4,\"m\":true}");
    deliver(out);
}

static int not_yet(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_result why = {.status = WEIR_REJECT, .why = "taken back"};
    assert_int_equal(count_up(s, in, e), WEIR_OK);
    if (s->calls < 4) {
        assert_int_equal(s->ctx->host->reject(e, 0, &why), WEIR_OK);
        return WEIR_RETRY;
    }
    return WEIR_OK;
}

static void a_call_that_wants_another_try_leaves_no_trace(void **state)
{
    struct stage s[3] = {{.process = count_up}, {.process = mark}, {.process = not_yet}};
    struct weir_batch *b, *out;
    (void)state;
    for (int k = 0; k < 3; k++)
        rig_transform(&rig, "transform a", &stage_one, &s[k]);
    rig_dead(&rig, &rig_full, NULL)->stop_after = 1;
    build();
    b = ten();
    assert_int_equal(run(0, b, &out), WEIR_OK);
    b = out;
    assert_int_equal(run(1, b, &out), WEIR_OK);
    b = out;
    for (int k = 0; k < 3; k++) {
        assert_int_equal(run(2, b, &out), WEIR_RETRY);
        assert_null(out);
    }
    assert_int_equal(run(2, b, &out), WEIR_OK);
    batch_print_edits(out);
    assert_int_equal(out->count, 10);
    holds(out, 3, 3, "{\"n\":5,\"m\":true}");
    books_say(10, 0);
    assert_false(flow_failed(&rig.p->flow)); /* and no dead letter was counted */
    deliver(out);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_not_passed_is_dropped),
        test(a_chunk_of_which_nothing_is_left_is_gone),
        test(further_outputs_are_copies_with_numbers),
        test(one_to_one_is_held_to_it),
        test(a_rejected_input_lives_on_in_its_dead_letter),
        test(a_refused_call_rejects_every_input),
        test(an_answer_that_means_nothing_ends_the_pipeline),
        test(what_when_does_not_want_passes_in_its_place),
        test(what_when_can_not_judge_is_rejected),
        test(edits_of_several_stages_parse_and_print_once),
        test(who_looks_sees_the_edits_before),
        test(outputs_of_one_input_do_not_share_their_edits),
        test(an_edit_that_leads_nowhere_changes_nothing),
        test(a_call_that_wants_another_try_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
