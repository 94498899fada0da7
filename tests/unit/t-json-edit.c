/* SPDX-License-Identifier: BSD-2-Clause */
/* t-json-edit.c - edits of JSON documents: what each changes, and that nothing else moves.
 *
 * The table says what single edits do.  Behind it stands a model that edits the text itself, step by step, without a
 * tree: long random runs of edits must give the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/json.h"
#include "record/path.h"
#include "record/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

#include "json_model.h"

static struct weir_slice slice(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

/* What the document prints as, in the arena. */
static char *printed(const struct json_doc *doc)
{
    size_t n = json_printed_size(doc);
    char *text = malloc(n + 1); /* so that a byte too many is seen */
    assert_non_null(text);
    json_print(doc, text);
    text[n] = '\0';
    char *copy = arena_copy(&arena, text, n);
    free(text);
    return copy;
}

static struct json_path *path_of(const char *text)
{
    const char *why = "";
    struct json_path *path = path_compile(text, strlen(text), NULL, &why);
    if (path == NULL)
        fail_msg("%s: %s", text, why);
    return path;
}

static bool apply(struct json_doc *doc, char op, const char *path_text, const char *value)
{
    struct json_path *path = path_of(path_text);
    bool done = op == '='   ? json_set(&arena, doc, path, slice(value))
                : op == '-' ? json_remove(&arena, doc, path)
                            : json_rename(&arena, doc, path, slice(value));
    path_free(path);
    return done;
}

/* ---- one by one ---- */

struct edit {
    char op; /* = set, - remove, > rename */
    const char *path, *value;
};

static const struct {
    const char *text;
    struct edit edits[4];
    const char *want;
} changes[] = {
    /* set */
    {" { \"a\" : 1 , \"b\":2 } ", {{'=', ".a", "\"x\""}}, " { \"a\" : \"x\" , \"b\":2 } "},
    {"{\"a\":1}", {{'=', ".a", " [ 1 ] "}}, "{\"a\":[ 1 ]}"},
    {"[1, 2 ,3]", {{'=', ".[1]", "0"}, {'=', ".[-1]", "{}"}}, "[1, 0 ,{}]"},
    {" 1 ", {{'=', ".", "{\"a\":2}"}}, " {\"a\":2} "},
    {" 1 ", {{'=', ".", "{}"}, {'=', ".a", "[]"}}, " {\"a\":[]} "},
    {"{\"a\":1.50,\"b\":1e400}", {{'=', ".c", "0.10"}}, "{\"a\":1.50,\"b\":1e400,\"c\":0.10}"},
    {"{\"a\":{\"b\":1}}", {{'=', ".a", "{\"c\":2}"}, {'=', ".a.c", "3"}}, "{\"a\":{\"c\":3}}"},
    {"{\"a\":{\"b\":1}}", {{'=', ".a.b", "2"}, {'=', ".a", "0"}}, "{\"a\":0}"},
    {"{\"a\":1}",
     {{'=', ".a", "2"}, {'=', ".a", "3"}, {'=', ".a", "{}"}, {'=', ".a.x", "4"}},
     "{\"a\":{\"x\":4}}"},
    /* add */
    {"{}", {{'=', ".a", "1"}}, "{\"a\":1}"},
    {"{ }", {{'=', ".a", "1"}, {'=', ".b", "2"}}, "{\"a\":1,\"b\":2 }"},
    {"{\n  \"a\": 1\n}\n", {{'=', ".b", "2"}}, "{\n  \"a\": 1,\"b\":2\n}\n"},
    {"{}", {{'=', ".\"q\\\"\\n\"", "1"}}, "{\"q\\\"\\n\":1}"},
    {"{}", {{'=', ".a", "{}"}, {'=', ".a.b", "{}"}, {'=', ".a.b.c", "1"}}, "{\"a\":{\"b\":{\"c\":1}}}"},
    {"{\"a\":[{}]}", {{'=', ".a[0].b", "null"}}, "{\"a\":[{\"b\":null}]}"},
    /* remove */
    {"{\"a\": 1, \"b\": 2, \"c\": 3}", {{'-', ".a", NULL}}, "{ \"b\": 2, \"c\": 3}"},
    {"{\"a\": 1, \"b\": 2, \"c\": 3}", {{'-', ".b", NULL}}, "{\"a\": 1, \"c\": 3}"},
    {"{\"a\": 1, \"b\": 2, \"c\": 3}", {{'-', ".c", NULL}}, "{\"a\": 1, \"b\": 2}"},
    {"{\"a\": 1, \"b\": 2, \"c\": 3}", {{'-', ".a", NULL}, {'-', ".b", NULL}}, "{ \"c\": 3}"},
    {"{\"a\": 1, \"b\": 2, \"c\": 3}", {{'-', ".b", NULL}, {'-', ".c", NULL}}, "{\"a\": 1}"},
    {"{\"a\": 1, \"b\": 2, \"c\": 3}", {{'-', ".b", NULL}, {'-', ".a", NULL}, {'-', ".c", NULL}}, "{}"},
    {"{\n  \"a\": 1,\n  \"b\": 2\n}", {{'-', ".b", NULL}}, "{\n  \"a\": 1\n}"},
    {"{\n  \"a\": 1,\n  \"b\": 2\n}", {{'-', ".a", NULL}}, "{\n  \"b\": 2\n}"},
    {"{\n  \"a\": 1\n}", {{'-', ".a", NULL}}, "{\n}"},
    {"{\"a\":1 , \"b\":2}", {{'-', ".a", NULL}}, "{  \"b\":2}"},
    {"[1,2,3]", {{'-', ".[0]", NULL}, {'-', ".[0]", NULL}, {'-', ".[-1]", NULL}}, "[]"},
    {"{\"a\":1}", {{'-', ".a", NULL}, {'=', ".a", "2"}}, "{\"a\":2}"},
    {"{\"a\":1,\"b\":2}", {{'-', ".b", NULL}, {'=', ".c", "3"}, {'-', ".a", NULL}}, "{\"c\":3}"},
    {"{\"a\":1}", {{'=', ".b", "2"}, {'=', ".c", "3"}, {'-', ".b", NULL}}, "{\"a\":1,\"c\":3}"},
    {"{\"a\":1,\"b\":2}", {{'=', ".b", "9"}, {'-', ".a", NULL}}, "{\"b\":9}"},
    {"{\"a\":1,\"b\":{\"x\":1,\"y\":2}}", {{'-', ".b.x", NULL}, {'-', ".a", NULL}}, "{\"b\":{\"y\":2}}"},
    /* rename */
    {"{ \"a\" : 1 }", {{'>', ".a", "b"}}, "{ \"b\" : 1 }"},
    {"{\"a\":1}", {{'>', ".a", "q\"\t"}}, "{\"q\\\"\\t\":1}"},
    {"{\"a\":1}", {{'>', ".a", "b"}, {'=', ".b", "2"}, {'>', ".b", "c"}}, "{\"c\":2}"},
    {"{\"a\":1}", {{'=', ".b", "2"}, {'>', ".b", "c"}}, "{\"a\":1,\"c\":2}"},
    {"{\"a\":{\"x\":1}}", {{'=', ".a.y", "2"}, {'>', ".a", "b"}}, "{\"b\":{\"x\":1,\"y\":2}}"},
    {"{\"a\":1}", {{'>', ".a", "a"}}, "{\"a\":1}"},
    {"{\"a\":1}", {{'>', ".a", ""}}, "{\"\":1}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", {{'>', ".a", "c"}}, "{\"c\":1,\"b\":2}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", {{'>', ".c", "a"}}, "{\"b\":2,\"a\":3}"},
    /* duplicate keys: the last is meant, the others go */
    {"{\"a\":1,\"b\":2,\"a\":3}", {{'=', ".a", "4"}}, "{\"b\":2,\"a\":4}"},
    {"{\"a\":1,\"b\":2,\"\\u0061\":3}", {{'-', ".a", NULL}}, "{\"b\":2}"},
    {"{\"a\":1,\"b\":2,\"a\":3}", {{'>', ".a", "c"}}, "{\"b\":2,\"c\":3}"},
    {"{\"a\":1,\"a\":3}", {{'=', ".b", "4"}}, "{\"a\":1,\"a\":3,\"b\":4}"},
    /* above what is edited, too */
    {"{\"a\":{\"x\":1},\"b\":2,\"a\":{\"x\":3}}", {{'-', ".a.x", NULL}}, "{\"b\":2,\"a\":{}}"},
    {"{\"a\":{\"x\":1},\"\\u0061\":{\"x\":3}}", {{'=', ".a.x", "4"}}, "{\"\\u0061\":{\"x\":4}}"},
    {"{\"a\":7,\"a\":{\"x\":3}}", {{'>', ".a.x", "y"}}, "{\"a\":{\"y\":3}}"},
    {"{\"a\":1,\"a\":null}", {{'=', ".a.x", "4"}}, "{\"a\":{\"x\":4}}"},
    {"{\"a\":[0],\"a\":[{\"x\":1}]}", {{'=', ".a[0].x", "4"}}, "{\"a\":[{\"x\":4}]}"},
};

static void edits_change_their_span_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct json_doc *doc = json_parse(&arena, changes[i].text, strlen(changes[i].text), NULL);
        assert_non_null(doc);
        for (size_t k = 0; k < 4 && changes[i].edits[k].op; k++) {
            const struct edit *e = &changes[i].edits[k];
            if (!apply(doc, e->op, e->path, e->value))
                fail_msg("%s: edit %zu", changes[i].text, k);
        }
        assert_true(doc->edited);
        if (strcmp(printed(doc), changes[i].want) != 0)
            fail_msg("%s became %s, not %s", changes[i].text, printed(doc), changes[i].want);
        arena_reset(&arena);
    }
}

static void edits_that_lead_nowhere_change_nothing(void **state)
{
    static const char text[] = "{\"a\":{\"b\":[1,2]},\"s\":\"x\"}";
    static const struct edit table[] = {
        {'=', ".x[0]", "1"},   {'=', ".a.b[2]", "1"},   {'=', ".a.b[-3]", "1"}, {'=', ".a.b.c", "1"},
        {'=', ".s.t", "1"},    {'=', ".a[0]", "1"},     {'=', ".a", ""},        {'=', ".a", "1 2"},
        {'=', ".a", "nope"},   {'=', ".n", "\"\xff\""}, {'=', ".", "[1,]"},     {'-', ".", NULL},
        {'-', ".x", NULL},     {'-', ".a.b[2]", NULL},  {'-', ".s.t", NULL},    {'>', ".", "x"},
        {'>', ".a.b[0]", "x"}, {'>', ".x", "y"},        {'>', ".a", "\xff"},    {'>', ".a.c", "y"},
    };
    struct json_doc *doc = json_parse(&arena, text, sizeof text - 1, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (apply(doc, table[i].op, table[i].path, table[i].value))
            fail_msg("%c%s", table[i].op, table[i].path);
        assert_false(doc->edited);
        assert_string_equal(printed(doc), text);
    }
    assert_true(apply(doc, '=', ".a.b[0]", "7"));
    assert_false(apply(doc, '=', ".a.b[0]", "}"));
    assert_string_equal(printed(doc), "{\"a\":{\"b\":[7,2]},\"s\":\"x\"}");
    arena_reset(&arena);
}

static void what_should_hold_a_member_is_made(void **state)
{
    static const struct {
        const char *text, *path, *value, *want;
    } table[] = {
        {"{}", ".a.b.c", "[1]", "{\"a\":{\"b\":{\"c\":[1]}}}"},
        {"{\"a\": { } }", ".a.b.c", "1", "{\"a\": {\"b\":{\"c\":1} } }"},
        {"{\"a\":null,\"z\":1}", ".a.b", "{}", "{\"a\":{\"b\":{}},\"z\":1}"},
        {"{\"a\":[null]}", ".a[0].\"b\\\"\".c", "1", "{\"a\":[{\"b\\\"\":{\"c\":1}}]}"},
        {"[{}]", ".[-1].a.b", "true", "[{\"a\":{\"b\":true}}]"},
        {"{\"a\":{\"b\":1},\"a\":null}", ".a.b", "2", "{\"a\":{\"b\":2}}"},
        {"{}", ".a.b", "1},\"c\":{", NULL},
        {"{}", ".a.b", "", NULL},
        {"{}", ".a[0].b", "1", NULL},
        {"{}", ".a.b[0]", "1", NULL},
        {"{\"a\":null}", ".a[0]", "1", NULL},
        {"{\"a\":false}", ".a.b.c", "1", NULL},
        {"{\"a\":[]}", ".a.b.c", "1", NULL},
        {"{\"a\":[]}", ".a[0].b", "1", NULL},
        {"null", ".a", "1", NULL},
        {"null", ".a.b", "1", NULL},
        {"7", ".a.b", "1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct json_doc *doc = json_parse(&arena, table[i].text, strlen(table[i].text), NULL);
        assert_int_equal(apply(doc, '=', table[i].path, table[i].value), table[i].want != NULL);
        assert_string_equal(printed(doc), table[i].want ? table[i].want : table[i].text);
        arena_reset(&arena);
    }
}

static void finds_see_edits(void **state)
{
    static const char text[] = "{\"a\":{\"b\":[1,2,3]}}";
    struct json_doc *doc = json_parse(&arena, text, sizeof text - 1, NULL);
    struct json_path *b = path_of(".a.b"), *first = path_of(".a.b[0]"), *c = path_of(".a.c[1].d");

    (void)state;
    apply(doc, '-', ".a.b[0]", NULL);
    assert_memory_equal(json_find(doc->root, first)->text.ptr, "2", 1);
    struct weir_slice now = json_node_text(&arena, json_find(doc->root, b));
    assert_int_equal(now.len, 5);
    assert_memory_equal(now.ptr, "[2,3]", 5);
    apply(doc, '=', ".a.c", "[0,{\"d\":\"new\"}]");
    assert_memory_equal(json_find(doc->root, c)->text.ptr, "\"new\"", 5);
    apply(doc, '>', ".a", "z");
    assert_null(json_find(doc->root, b));
    now = json_node_text(&arena, json_member(doc->root, "z", 1));
    assert_int_equal(now.len, 31);
    assert_memory_equal(now.ptr, "{\"b\":[2,3],\"c\":[0,{\"d\":\"new\"}]}", 31);
    path_free(b);
    path_free(first);
    path_free(c);
    arena_reset(&arena);
}

static void a_value_is_copied_and_the_source_is_not_written(void **state)
{
    static const char text[] = "{\"a\":1}"; /* a write to it would end the test */
    struct json_doc *doc = json_parse(&arena, text, sizeof text - 1, NULL);
    struct json_path *path = path_of(".a");
    char value[] = "[true]";

    (void)state;
    assert_true(json_set(&arena, doc, path, slice(value)));
    memset(value, 'x', sizeof value);
    assert_string_equal(printed(doc), "{\"a\":[true]}");
    path_free(path);
    arena_reset(&arena);
}

static void what_is_printed_never_nests_too_deeply(void **state)
{
    char deep[2 * JSON_DEPTH_MAX + 1];
    struct json_doc *doc = json_parse(&arena, "{\"a\":[0]}", 9, NULL);

    (void)state;
    memset(deep, '[', JSON_DEPTH_MAX);
    memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    deep[2 * JSON_DEPTH_MAX] = '\0';
    assert_false(apply(doc, '=', ".a[0]", deep));
    assert_true(apply(doc, '=', ".", deep));
    doc = json_parse(&arena, "{\"a\":[0]}", 9, NULL);
    deep[2 * JSON_DEPTH_MAX - 2] = '\0';
    assert_true(apply(doc, '=', ".a[0]", deep + 2));
    assert_true(json_check(printed(doc), json_printed_size(doc), NULL, NULL, NULL));
    arena_reset(&arena);
}

/* ---- random runs against the model ---- */

static uint64_t seed;

static uint32_t below(uint32_t limit)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % limit);
}

static void make_space(struct strbuf *b)
{
    static const char *const kinds[] = {"", "", "", " ", "\n  ", "\t"};
    strbuf_str(b, kinds[below(6)]);
}

static void make_value(struct strbuf *b, int depth)
{
    static const char *const scalars[] = {"1",    "-0.50", "1e400",        "true",
                                          "null", "\"\"",  "\"a,]}\\\"\"", "\"\xc3\xa9\""};
    static const char *const keys[] = {"\"a\"", "\"b\"", "\"\\u0061\"", "\"c\"", "\"\\\"\""};
    uint32_t kind = below(depth > 3 ? 16 : depth > 0 ? 4 : 2);

    if (kind > 3)
        kind = 2 + kind % 2;
    if (kind < 2) {
        strbuf_str(b, scalars[below(8)]);
        return;
    }
    strbuf_char(b, kind == 2 ? '{' : '[');
    for (uint32_t n = below(7), i = 0; i < n; i++) {
        if (i > 0)
            strbuf_char(b, ',');
        make_space(b);
        if (kind == 2) {
            strbuf_str(b, keys[below(5)]);
            make_space(b);
            strbuf_char(b, ':');
            make_space(b);
        }
        make_value(b, depth - 1);
        make_space(b);
    }
    if (b->data[b->len - 1] == '[' || b->data[b->len - 1] == '{')
        make_space(b);
    strbuf_char(b, kind == 2 ? '}' : ']');
}

static struct json_path *make_path(void)
{
    static const char *const steps[] = {".a", ".b", ".c", ".\"\\\"\"", "[0]", "[1]", "[-1]", "[2]"};
    struct strbuf b = {0};
    uint32_t n = below(64) ? 1 + below(1 + below(3)) : 0;

    for (uint32_t i = 0; i < n; i++) {
        const char *step = steps[below(8)];
        strbuf_str(&b, i == 0 && *step == '[' ? "." : "");
        strbuf_str(&b, step);
    }
    struct json_path *path = path_of(n > 0 ? b.data : ".");
    strbuf_free(&b);
    return path;
}

static void assert_same_value(const struct json_doc *doc, const char *text)
{
    struct json_path *path = make_path();
    struct json_doc *fresh = json_parse(&arena, text, strlen(text), NULL);
    const struct json_node *a = json_find(doc->root, path), *b = json_find(fresh->root, path);

    assert_int_equal(a != NULL, b != NULL);
    if (a != NULL) {
        struct weir_slice now = json_node_text(&arena, a);
        assert_int_equal(a->type, b->type);
        assert_int_equal(now.len, b->text.len);
        assert_memory_equal(now.ptr, b->text.ptr, now.len);
    }
    path_free(path);
}

static void random_edits_give_what_the_model_gives(void **state)
{
    static const char ops[] = "=====->>";
    static const char *const keys[] = {"a", "b", "c", "\"", "d"};
    unsigned edits = 0;

    (void)state;
    for (unsigned run = 0; run < 4000; run++) {
        struct strbuf source = {0};
        seed = run;
        make_space(&source);
        make_value(&source, 4);
        make_space(&source);
        struct json_doc *doc = json_parse(&arena, source.data, source.len, NULL);
        const char *text = source.data;
        for (int k = 0; k < 12; k++) {
            struct json_path *path = make_path();
            struct strbuf value = {0};
            char op = ops[below(8)];
            if (op == '=')
                make_value(&value, 2);
            else
                strbuf_str(&value, keys[below(5)]);
            const char *want = model(text, op, path, value.data);
            bool done = op == '='   ? json_set(&arena, doc, path, slice(value.data))
                        : op == '-' ? json_remove(&arena, doc, path)
                                    : json_rename(&arena, doc, path, slice(value.data));
            if (done != (want != NULL) || strcmp(printed(doc), want ? want : text) != 0)
                fail_msg("run %u, edit %d: %c %s on\n%s\ngave %d\n%s\nnot\n%s", run, k, op, value.data, text,
                         done, printed(doc), want ? want : "(nothing)");
            edits += done;
            text = want ? want : text;
            assert_true(json_check(text, strlen(text), NULL, NULL, NULL));
            assert_same_value(doc, text);
            strbuf_free(&value);
            path_free(path);
        }
        strbuf_free(&source);
        arena_reset(&arena);
    }
    assert_true(edits > 5000); /* else most led nowhere, and this tests little */
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_change_their_span_and_nothing_else),
        cmocka_unit_test(edits_that_lead_nowhere_change_nothing),
        cmocka_unit_test(what_should_hold_a_member_is_made),
        cmocka_unit_test(finds_see_edits),
        cmocka_unit_test(a_value_is_copied_and_the_source_is_not_written),
        cmocka_unit_test(what_is_printed_never_nests_too_deeply),
        cmocka_unit_test(random_edits_give_what_the_model_gives),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
