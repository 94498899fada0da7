/* SPDX-License-Identifier: BSD-2-Clause */
/* t-anew.c - a record that a transform makes anew: what it keeps of the one it is made from, bytes and documents; and
 * other texts that it reads meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/transform.h"
#include "record/path.h"
#include "stage.h"

static struct rig rig;
static struct weir_path path_n;

static int setup(void **state)
{
    size_t used;
    const char *why;
    if (scratch_make(state))
        return -1;
    path_n.path = path_compile(".n", 2, &used, &why);
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
    return scratch_remove(state);
}

/* Two records through stages of these; what comes out of the last. */
static struct weir_batch *run(const struct weir_ops *ops, struct stage *stages, uint32_t n)
{
    static const struct rig_record records[] = {{0, 0, "{\"n\":1}"}, {0, 1, "{\"n\":2}"}};
    for (uint32_t k = 0; k < n; k++)
        rig_transform(&rig, "transform a", ops, &stages[k]);
    rig_build(&rig);
    struct weir_batch *b = rig_chunk(&rig, records, 2);
    for (uint32_t k = 0; k < n; k++) {
        struct transform *t = rig.p->workers[0]->transforms[k];
        assert_int_equal(instance_open(t->instance), WEIR_OK);
        assert_int_equal(transform_run(t, b, &b), WEIR_OK);
        assert_non_null(b);
    }
    return b;
}

static void deliver(struct weir_batch *out)
{
    ledger_end_all(out, DELIVERED);
    batch_unref(out);
}

static void holds(const struct weir_batch *b, uint32_t i, const char *value)
{
    assert_int_equal(b->records[i].value.len, strlen(value));
    assert_memory_equal(b->records[i].value.ptr, value, strlen(value));
}

static int set_seven(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < 2; i++) {
        const char *why;
        struct weir_edit edit = {.path = &path_n, .op = WEIR_EDIT_SET, .value = {"7", 1}};
        assert_int_equal(s->ctx->host->emit_edit(e, i, &edit, 1, sizeof edit, &why), WEIR_OK);
    }
    (void)in;
    return WEIR_OK;
}

static int parse_and_pass(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct weir_span n;
        const char *why;
        assert_int_equal(s->ctx->host->json(s->ctx, in, i, &path_n, &n, &why), WEIR_OK);
    }
    return s->ctx->host->pass(e, 0, 2);
}

/* Each of the batch with another topic and a header more, which do not outlive the call. */
static int move(struct stage *s, const struct weir_batch *in, struct weir_emitter *e, uint32_t want,
                uint32_t times)
{
    struct weir_view v = {.struct_size = sizeof v, .want = want};
    assert_int_equal(s->ctx->host->view(s->ctx, in, &v), WEIR_OK);
    for (uint32_t i = 0; i < 2; i++) {
        char topic[] = "there", text[] = "h";
        struct weir_header header = {{text, 1}, {text, 1}};
        struct weir_record r = *weir_record_at(&v, i);
        r.topic = (struct weir_slice){topic, 5};
        r.headers = &header;
        r.n_headers = 1;
        for (uint32_t k = 0; k < times; k++)
            assert_int_equal(s->ctx->host->emit_from(e, i, &r, sizeof r, NULL), WEIR_OK);
        memset(topic, 'x', sizeof topic);
        memset(text, 'x', sizeof text);
    }
    return WEIR_OK;
}

static int move_printed(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    return move(s, in, e, WEIR_WANT_VALUE, 1);
}

static int move_unprinted(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    return move(s, in, e, 0, 1);
}

static int move_twice(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    return move(s, in, e, WEIR_WANT_VALUE, 2);
}

static void bytes_that_stay_are_not_copied_and_not_parsed_again(void **state)
{
    struct stage s[] = {{.process = parse_and_pass}, {.process = move_printed}, {.process = set_seven}};
    (void)state;
    struct weir_batch *out = run(&stage_one, s, 3);
    for (uint32_t i = 0; i < 2; i++) {
        assert_ptr_equal(out->records[i].value.ptr, batch_original(out, i)->value.ptr);
        assert_memory_equal(out->records[i].topic.ptr, "there", 5);
        assert_int_equal(out->records[i].n_headers, 1);
        assert_memory_equal(out->records[i].headers[0].name.ptr, "h", 1);
    }
    batch_print_edits(out);
    assert_int_equal(parses, 2);
    assert_int_equal(prints, 2);
    holds(out, 0, "{\"n\":7}");
    holds(out, 1, "{\"n\":7}");
    deliver(out);
}

static void edits_that_were_printed_are_not_parsed_again(void **state)
{
    struct stage s[] = {{.process = set_seven}, {.process = move_printed}, {.process = parse_and_pass}};
    (void)state;
    struct weir_batch *out = run(&stage_one, s, 3);
    holds(out, 1, "{\"n\":7}");
    assert_int_equal(parses, 2);
    assert_int_equal(prints, 2);
    deliver(out);
}

/* It was given the bytes before the edits and made its record of them. */
static void edits_that_were_not_printed_stay_behind(void **state)
{
    struct stage s[] = {{.process = set_seven}, {.process = move_unprinted}, {.process = parse_and_pass}};
    (void)state;
    struct weir_batch *out = run(&stage_one, s, 3);
    batch_print_edits(out);
    holds(out, 1, "{\"n\":2}");
    deliver(out);
}

static int set_first(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    const char *why;
    struct weir_edit edit = {.path = &path_n, .op = WEIR_EDIT_SET, .value = {"7", 1}};
    for (uint32_t i = 0; i < in->count; i++)
        assert_int_equal(i % 2 ? s->ctx->host->pass(e, i, 1)
                               : s->ctx->host->emit_edit(e, i, &edit, 1, sizeof edit, &why),
                         WEIR_OK);
    return WEIR_OK;
}

static void of_several_the_first_has_the_document(void **state)
{
    struct stage s[] = {{.process = parse_and_pass}, {.process = move_twice}, {.process = set_first}};
    (void)state;
    struct weir_batch *out = run(&stage_any, s, 3);
    batch_print_edits(out);
    assert_int_equal(out->count, 4);
    holds(out, 0, "{\"n\":7}");
    holds(out, 1, "{\"n\":1}");
    holds(out, 2, "{\"n\":7}");
    holds(out, 3, "{\"n\":2}");
    for (uint32_t i = 0; i < 2; i++) /* the books have an entry for each input, and copies of it */
        assert_int_equal(out->records[2 * i].seq, i);
    batch_unref(out);
}

struct walk {
    struct weir_ctx *ctx;
    char seen[200];
};

static int see(void *opaque, struct weir_slice path, const struct weir_span *v)
{
    struct walk *w = opaque;
    struct weir_slice text = w->ctx->host->json_string(w->ctx, v);
    char copy[100]; /* what json_string gave stays until its next call */
    size_t n = strlen(w->seen);
    assert_true(text.len < sizeof copy);
    memcpy(copy, text.ptr ? text.ptr : "", text.len);
    snprintf(w->seen + n, sizeof w->seen - n, "%.*s=%.*s;", (int)path.len, (const char *)path.ptr,
             (int)v->len, (const char *)v->ptr);
    return text.ptr ? w->ctx->host->json_walk(w->ctx, (struct weir_slice){copy, text.len}, see, w) : WEIR_OK;
}

/* A text in a text: what each is given by the outer walk still stands while the inner one runs, and behind it. */
static int walk_in_walk(struct stage *s, const struct weir_batch *in, struct weir_emitter *e)
{
    static const char text[] = "{\"a\":{\"b\":\"[1,{\\\"c\\\":2}]\",\"d\":3},\"e\":4}";
    struct walk w = {.ctx = s->ctx};
    struct weir_slice json = {text, sizeof text - 1};
    assert_int_equal(s->ctx->host->json_walk(s->ctx, json, see, &w), WEIR_OK);
    assert_string_equal(w.seen, "a.b=\"[1,{\\\"c\\\":2}]\";0=1;1.c=2;a.d=3;e=4;");
    return s->ctx->host->pass(e, 0, in->count);
}

static void a_walk_may_begin_in_another(void **state)
{
    struct stage s[] = {{.process = walk_in_walk}};
    (void)state;
    deliver(run(&stage_any, s, 1));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(bytes_that_stay_are_not_copied_and_not_parsed_again),
        test(edits_that_were_printed_are_not_parsed_again),
        test(edits_that_were_not_printed_stay_behind),
        test(of_several_the_first_has_the_document),
        test(a_walk_may_begin_in_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
