/* SPDX-License-Identifier: BSD-2-Clause */
/* t-mirror.c - a stage with part = key: what it sees, what goes on, what becomes a dead letter, what the books say;
 * and which of several outputs an input's document goes along with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/transform.h"
#include "record/expr.h"
#include "record/path.h"
#include "stage.h"

static struct rig rig;
static struct weir_path path_n, path_m;

static int setup(void **state)
{
    size_t used;
    const char *why;
    if (scratch_make(state))
        return -1;
    path_n.path = path_compile(".n", 2, &used, &why);
    path_m.path = path_compile(".m", 2, &used, &why);
    rig_init(&rig);
    rig_sink(&rig, "sink", &rig_full, NULL);
    parses = 0;
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

/* Keys {"n":1}, {"n":2}, one that is missing, one that is empty, one that is no JSON; one value is a tombstone. */
static struct weir_batch *five(void)
{
    static const char *const keys[] = {"{\"n\":1}", "{\"n\":2}", NULL, "", "k"};
    static const struct rig_record records[] = {{0, 0, "{\"n\":\"a\"}"},
                                                {0, 1, NULL},
                                                {0, 2, "{\"n\":\"c\"}"},
                                                {0, 3, "{\"n\":\"d\"}"},
                                                {0, 4, "no json"}};
    struct weir_batch *b = rig_chunk(&rig, records, 5);
    for (uint32_t i = 0; i < 5; i++)
        if (keys[i]) {
            b->records[i].key = (struct weir_slice){keys[i], strlen(keys[i])};
            b->bytes += strlen(keys[i]);
        }
    return b;
}

/* ---- what is where --------------------------------------------------------------------------------------------- */
static void slice_is(struct weir_slice s, const char *want)
{
    if (!want) {
        assert_null(s.ptr);
        return;
    }
    assert_non_null(s.ptr);
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.ptr, want, s.len);
}

static void holds(const struct weir_batch *b, uint32_t i, uint64_t seq, const char *key, const char *value)
{
    assert_int_equal(b->records[i].seq, seq);
    slice_is(b->records[i].key, key);
    slice_is(b->records[i].value, value);
}

static void books_say(uint64_t open, uint64_t dropped)
{
    struct books b = ledger_books(&rig.p->flow.ledger);
    assert_int_equal(b.open, open);
    assert_int_equal(b.dropped, dropped);
}

static void deliver(struct weir_batch *out)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; out && i < out->count; i++)
        bytes += record_bytes(&out->records[i]);
    assert_true(!out || out->bytes == bytes);
    if (out)
        ledger_end_all(out, DELIVERED);
    batch_unref(out);
    assert_true(ledger_idle(&rig.p->flow.ledger));
    assert_int_equal(rig.p->flow.budget.used, 0);
}

/* The dead letters so far, and ends them. */
static const struct weir_batch *letters(uint32_t n)
{
    loop_run_tasks(&rig.p->flow.dead->lane->loop);
    assert_int_equal(rig.p->flow.dead->pending_records, n);
    const struct weir_batch *b = rig.p->flow.dead->head->chunk;
    assert_int_equal(b->count, n);
    ledger_end_all((struct weir_batch *)(uintptr_t)b, DEAD_LETTERED);
    return b;
}

/* ---- stages ---------------------------------------------------------------------------------------------------- */
/* Sets .m where the value is JSON, rejects where it is not, and passes tombstones. */
static int mark(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_result why = {.status = WEIR_REJECT};
    struct weir_edit edit = {.path = &path_m, .op = WEIR_EDIT_SET, .value = {"true", 4}};
    for (uint32_t i = 0; i < in->count; i++) {
        if (!in->records[i].value.ptr)
            assert_int_equal(s->ctx->host->pass(e, i, 1), WEIR_OK);
        else if (s->ctx->host->emit_edit(e, i, &edit, 1, sizeof edit, &why.why) == WEIR_REJECT)
            assert_int_equal(s->ctx->host->reject(e, i, &why), WEIR_OK);
    }
    return WEIR_OK;
}

static int pass(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    return s->ctx->host->pass(e, 0, in->count);
}

static int look_at_all(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_span n;
    const char *why;
    for (uint32_t i = 0; i < in->count; i++)
        (void)s->ctx->host->json(s->ctx, in, i, &path_n, &n, &why);
    return pass(s, in, e);
}

static void the_key_is_changed_and_nothing_else(void **state)
{
    struct stage s = {.process = mark};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s)->part_key = true;
    rig_dead(&rig, &rig_full, NULL);
    build();
    assert_int_equal(run(0, five(), &out), WEIR_OK);
    assert_int_equal(out->count, 3);
    holds(out, 0, 0, "{\"n\":1,\"m\":true}", "{\"n\":\"a\"}");
    holds(out, 1, 1, "{\"n\":2,\"m\":true}", NULL);
    holds(out, 2, 2, NULL, "{\"n\":\"c\"}"); /* without a key: a tombstone to the stage */
    const struct weir_batch *dead = letters(2);
    holds(dead, 0, 3, "", "{\"n\":\"d\"}");
    holds(dead, 1, 4, "k", "no json");
    books_say(3, 0);
    ledger_end_all(out, DELIVERED);
    batch_unref(out);
    books_say(0, 0);
}

/* Stage b reads what was parsed of values before a, and nothing of the keys. */
static void documents_of_keys_and_values_are_kept_apart(void **state)
{
    struct stage s[4] = {
        {.process = look_at_all}, {.process = mark}, {.process = look_at_all}, {.process = mark}};
    struct weir_batch *b, *out;
    (void)state;
    for (int k = 0; k < 4; k++)
        rig_transform(&rig, "transform a", &stage_one, &s[k])->part_key = k == 1;
    rig_dead(&rig, &rig_full, NULL);
    build();
    b = five();
    assert_int_equal(run(0, b, &out), WEIR_OK);
    assert_int_equal(parses, 4); /* values that are no tombstones */
    assert_int_equal(run(1, out, &b), WEIR_OK);
    assert_int_equal(parses, 8); /* keys likewise */
    assert_int_equal(run(2, b, &out), WEIR_OK);
    assert_int_equal(parses, 8);
    assert_int_equal(run(3, out, &b), WEIR_OK);
    batch_print_edits(b);
    assert_int_equal(parses, 8);
    holds(b, 0, 0, "{\"n\":1,\"m\":true}", "{\"n\":\"a\",\"m\":true}");
    holds(b, 1, 1, "{\"n\":2,\"m\":true}", NULL);
    holds(b, 2, 2, NULL, "{\"n\":\"c\",\"m\":true}");
    (void)letters(2);
    ledger_end_all(b, DELIVERED);
    batch_unref(b);
    books_say(0, 0);
}

/* Edits of a value that are not printed yet come through a stage of keys. */
static void edits_of_the_value_come_through(void **state)
{
    struct stage s[3] = {{.process = mark}, {.process = pass}, {.process = mark}};
    struct weir_batch *b, *out;
    static const struct rig_record record = {0, 7, "{\"n\":1}"};
    (void)state;
    for (int k = 0; k < 3; k++)
        rig_transform(&rig, "transform a", &stage_one, &s[k])->part_key = k == 1;
    build();
    b = rig_chunk(&rig, &record, 1);
    for (uint32_t k = 0; k < 3; k++) {
        assert_int_equal(run(k, b, &out), WEIR_OK);
        b = out;
    }
    batch_print_edits(b);
    assert_int_equal(parses, 1);
    holds(b, 0, 7, NULL, "{\"n\":1,\"m\":true}");
    deliver(b);
}

#define MUCH 100000u
static int grow(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    static char text[MUCH];
    struct weir_edit edit = {.path = &path_m, .op = WEIR_EDIT_STRING, .value = {text, sizeof text}};
    const char *why;
    memset(text, 'x', sizeof text);
    for (uint32_t i = 0; i < in->count; i++)
        assert_int_equal(s->ctx->host->emit_edit(e, i, &edit, 1, sizeof edit, &why), WEIR_OK);
    return WEIR_OK;
}

static int want_values(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    assert_int_equal(s->ctx->host->view(s->ctx, in, &view), WEIR_OK);
    return pass(s, in, e);
}

/* Values that are printed for a stage lie in its inputs, and so in the budget. */
static void what_is_printed_for_a_stage_is_accounted(void **state)
{
    struct stage s[3] = {{.process = grow}, {.process = pass}, {.process = want_values}};
    static const struct rig_record record = {0, 7, "{\"n\":1}"};
    (void)state;
    for (int k = 0; k < 3; k++)
        rig_transform(&rig, "transform a", &stage_one, &s[k])->part_key = k == 1;
    build();
    for (uint32_t k = 1; k < 3; k++) {
        struct weir_batch *b, *out;
        assert_int_equal(run(0, rig_chunk(&rig, &record, 1), &b), WEIR_OK);
        size_t before = rig.p->flow.budget.used;
        assert_int_equal(run(k, b, &out), WEIR_OK);
        assert_true(rig.p->flow.budget.used > before + MUCH);
        deliver(out);
    }
}

static int explode(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const char *why;
    struct weir_edit edit = {.path = &path_m, .op = WEIR_EDIT_SET, .value = {"0", 1}};
    assert_int_equal(s->ctx->host->pass(e, 1, 1), WEIR_OK); /* out of turn */
    for (int k = 0; k < 2; k++)
        assert_int_equal(s->ctx->host->emit_edit(e, 0, &edit, 1, sizeof edit, &why), WEIR_OK);
    assert_int_equal(s->ctx->host->pass(e, 0, 1), WEIR_OK);
    struct weir_record r = in->records[1];
    r.value = (struct weir_slice){"new", 3};
    r.key = (struct weir_slice){"{}", 2};
    assert_int_equal(s->ctx->host->emit_from(e, 1, &r, sizeof r, NULL), WEIR_OK);
    return WEIR_OK; /* all others are dropped */
}

static int number(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const char *why;
    for (uint32_t i = 0; i < in->count; i++) {
        char text[2] = {(char)('0' + i), 0};
        struct weir_edit edit = {.path = &path_m, .op = WEIR_EDIT_SET, .value = {text, 1}};
        if (s->ctx->host->emit_edit(e, i, &edit, 1, sizeof edit, &why) != WEIR_OK)
            assert_int_equal(s->ctx->host->pass(e, i, 1), WEIR_OK);
    }
    return WEIR_OK;
}

static void several_outputs_have_values_of_their_own(void **state)
{
    struct stage s[3] = {{.process = look_at_all}, {.process = explode}, {.process = number}};
    struct weir_batch *b, *out;
    (void)state;
    for (int k = 0; k < 3; k++)
        rig_transform(&rig, "transform a", k == 1 ? &stage_any : &stage_one, &s[k])->part_key = k == 1;
    build();
    assert_int_equal(run(0, five(), &out), WEIR_OK);
    assert_int_equal(run(1, out, &b), WEIR_OK);
    assert_true(b->several);
    books_say(2, 3); /* two inputs of which there are five copies */
    assert_int_equal(run(2, b, &out), WEIR_OK);
    batch_print_edits(out);
    assert_int_equal(out->count, 5);
    holds(out, 0, 1, "{\"n\":2}", NULL);
    holds(out, 1, 0, "{\"n\":1,\"m\":0}", "{\"n\":\"a\",\"m\":1}");
    holds(out, 2, 0, "{\"n\":1,\"m\":0}", "{\"n\":\"a\",\"m\":2}");
    holds(out, 3, 0, "{\"n\":1}", "{\"n\":\"a\",\"m\":3}");
    holds(out, 4, 1, "new", "{\"m\":4}");
    deliver(out);
}

static int thrice(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (int k = 0; k < 3; k++)
        assert_int_equal(s->ctx->host->pass(e, 0, in->count), WEIR_OK);
    return WEIR_OK;
}

/* Without part, too: a document goes along with one of several outputs, for a later stage changes it in place. */
static void what_is_passed_again_has_a_document_of_its_own(void **state)
{
    struct stage s[3] = {{.process = look_at_all}, {.process = thrice}, {.process = number}};
    struct weir_batch *b, *out;
    static const struct rig_record record = {0, 7, "{\"n\":1}"};
    (void)state;
    for (int k = 0; k < 3; k++)
        rig_transform(&rig, "transform a", k == 1 ? &stage_any : &stage_one, &s[k]);
    build();
    assert_int_equal(run(0, rig_chunk(&rig, &record, 1), &out), WEIR_OK);
    assert_int_equal(run(1, out, &b), WEIR_OK);
    assert_int_equal(run(2, b, &out), WEIR_OK);
    batch_print_edits(out);
    assert_int_equal(out->count, 3);
    holds(out, 0, 7, NULL, "{\"n\":1,\"m\":0}");
    holds(out, 1, 7, NULL, "{\"n\":1,\"m\":1}");
    holds(out, 2, 7, NULL, "{\"n\":1,\"m\":2}");
    deliver(out);
}

/* ---- when ------------------------------------------------------------------------------------------------------ */
static void when_looks_at_the_record_as_it_is(void **state)
{
    char why[256];
    struct stage s[2] = {{.process = number}, {.process = mark}};
    struct weir_batch *b, *out;
    (void)state;
    /* .n is the value's: strings there, numbers in the keys; $value has the edits of stage a */
    struct weir_expr *when = expr_compile(".n == \"a\" and ($value | endswith(\"0}\"))", why, sizeof why);
    assert_non_null(when);
    static const struct rig_record records[] = {{0, 0, "{\"n\":\"a\"}"}, {0, 1, "{\"n\":\"b\"}"}};
    rig_transform(&rig, "transform a", &stage_one, &s[0]);
    struct section_conf *conf = rig_transform(&rig, "transform b", &stage_one, &s[1]);
    conf->when = when;
    conf->part_key = true;
    build();
    b = rig_chunk(&rig, records, 2);
    for (uint32_t i = 0; i < 2; i++) {
        b->records[i].key = (struct weir_slice){"{}", 2};
        b->bytes += 2;
    }
    assert_int_equal(run(0, b, &out), WEIR_OK);
    assert_int_equal(run(1, out, &b), WEIR_OK);
    assert_int_equal(b->count, 2);
    holds(b, 0, 0, "{\"m\":true}", "{\"n\":\"a\",\"m\":0}");
    holds(b, 1, 1, "{}", "{\"n\":\"b\",\"m\":1}");
    deliver(b);
    expr_free(when);
}

/* ---- not OK ---------------------------------------------------------------------------------------------------- */
static int not_yet(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    assert_int_equal(number(s, in, e), WEIR_OK);
    return s->calls < 3 ? WEIR_RETRY : WEIR_OK;
}

static void what_is_to_be_tried_again_stands_as_before(void **state)
{
    struct stage s = {.process = not_yet};
    struct weir_batch *in = NULL, *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s)->part_key = true;
    build();
    in = five();
    for (int k = 0; k < 2; k++) {
        assert_int_equal(run(0, in, &out), WEIR_RETRY);
        assert_null(out);
        holds(in, 0, 0, "{\"n\":1}", "{\"n\":\"a\"}");
        holds(in, 4, 4, "k", "no json");
        assert_null(batch_json_known(in, 0));
    }
    assert_int_equal(run(0, in, &out), WEIR_OK);
    assert_int_equal(out->count, 5);
    holds(out, 1, 1, "{\"n\":2,\"m\":1}", NULL);
    deliver(out);
}

static int refuse(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    (void)s;
    (void)in;
    (void)e;
    return WEIR_REJECT;
}

static void a_refused_call_rejects_records_as_they_were_read(void **state)
{
    struct stage s[2] = {{.process = mark}, {.process = refuse}};
    struct weir_batch *b, *out;
    static const struct rig_record record = {0, 7, "{\"n\":1}"};
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s[0]);
    rig_transform(&rig, "transform b", &stage_one, &s[1])->part_key = true;
    rig_dead(&rig, &rig_full, NULL);
    build();
    assert_int_equal(run(0, rig_chunk(&rig, &record, 1), &b), WEIR_OK);
    assert_int_equal(run(1, b, &out), WEIR_REJECT);
    assert_null(out);
    holds(letters(1), 0, 7, NULL, "{\"n\":1}");
    books_say(0, 0);
}

static int refuse_to_go_on(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    (void)pass(s, in, e);
    return WEIR_FATAL;
}

static void a_failed_call_leaves_nothing_behind(void **state)
{
    struct stage s = {.process = refuse_to_go_on};
    struct weir_batch *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s)->part_key = true;
    build();
    assert_int_equal(run(0, five(), &out), WEIR_FATAL);
    assert_null(out);
    assert_true(flow_failed(&rig.p->flow));
    books_say(5, 0);
    assert_int_equal(rig.p->flow.budget.used, 0);
}

/* Behind a stage that held records what they were when they were read stands beside each. */
static void what_was_held_keeps_what_it_was(void **state)
{
    struct stage s = {.process = mark};
    struct weir_batch *in, *held, *out;
    (void)state;
    rig_transform(&rig, "transform a", &stage_one, &s)->part_key = true;
    rig_dead(&rig, &rig_full, NULL);
    build();
    in = five();
    held = batch_new(&rig.p->flow.budget, 5);
    for (uint32_t i = 0; i < 5; i++) {
        batch_append_again(held, in, i);
        batch_note_original(held, i, &in->records[i]);
        held->records[i].value = (struct weir_slice){"{}", 2};
    }
    batch_seal(held);
    held->bytes = 10 + 16; /* keys */
    batch_keep(held, in);
    batch_unref(in);
    assert_int_equal(run(0, held, &out), WEIR_OK);
    assert_int_equal(out->count, 3);
    holds(out, 0, 0, "{\"n\":1,\"m\":true}", "{}");
    slice_is(batch_original(out, 0)->key, "{\"n\":1}");
    slice_is(batch_original(out, 0)->value, "{\"n\":\"a\"}");
    holds(letters(2), 1, 4, "k", "no json");
    ledger_end_all(out, DELIVERED);
    batch_unref(out);
    books_say(0, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_key_is_changed_and_nothing_else),
        test(documents_of_keys_and_values_are_kept_apart),
        test(edits_of_the_value_come_through),
        test(what_is_printed_for_a_stage_is_accounted),
        test(several_outputs_have_values_of_their_own),
        test(what_is_passed_again_has_a_document_of_its_own),
        test(when_looks_at_the_record_as_it_is),
        test(what_is_to_be_tried_again_stands_as_before),
        test(a_refused_call_rejects_records_as_they_were_read),
        test(a_failed_call_leaves_nothing_behind),
        test(what_was_held_keeps_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
