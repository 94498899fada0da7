/* SPDX-License-Identifier: BSD-2-Clause */
/* t-json.c - reading JSON: what is accepted, what is refused and where, and what the tree says. */
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

/* A copy that ends where the memory ends, so that a sanitizer sees a byte read too far. */
static char *exact(const void *p, size_t n)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, p, n);
    return copy;
}

/* Both readers on the same bytes: they must agree.  Gives the type, WEIR_JSON_MISSING when refused. */
static uint32_t read_both(const void *p, size_t n, struct json_error *error)
{
    struct json_error e1 = {0, NULL}, e2 = {0, NULL};
    char *text = exact(p, n);
    uint32_t type = WEIR_JSON_MISSING;
    bool newlines;

    bool good = json_check(text, n, &type, &newlines, &e1);
    struct json_doc *doc = json_parse(&arena, text, n, &e2);
    assert_int_equal(good, doc != NULL);
    if (good) {
        assert_int_equal(doc->root->type, type);
        char *printed = malloc(n);
        assert_int_equal(json_printed_size(doc), n);
        json_print(doc, printed);
        assert_memory_equal(printed, text, n);
        free(printed);
    } else {
        assert_int_equal(e1.offset, e2.offset);
        assert_string_equal(e1.why, e2.why);
        assert_true(e1.offset <= n);
        assert_int_equal(type, WEIR_JSON_MISSING); /* untouched */
    }
    if (error != NULL)
        *error = e1;
    free(text);
    arena_reset(&arena);
    return type;
}

static void texts_of_every_type_are_accepted(void **state)
{
    static const struct {
        const char *text;
        uint32_t type;
    } table[] = {
        {"null", WEIR_JSON_NULL},
        {"true", WEIR_JSON_TRUE},
        {" \t\r\nfalse \n", WEIR_JSON_FALSE},
        {"0", WEIR_JSON_NUMBER},
        {"-0", WEIR_JSON_NUMBER},
        {"-0.0e-0", WEIR_JSON_NUMBER},
        {"10", WEIR_JSON_NUMBER},
        {"1E+2", WEIR_JSON_NUMBER},
        {"1.5e400", WEIR_JSON_NUMBER},
        {"123456789012345678901234567890.000000000000000000000001", WEIR_JSON_NUMBER},
        {"\"\"", WEIR_JSON_STRING},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aF\"", WEIR_JSON_STRING},
        {"\"\\u0000\"", WEIR_JSON_STRING},
        {"\"\\ud800\"", WEIR_JSON_STRING},
        {"\"\\udc00\\ud800x\"", WEIR_JSON_STRING},
        {"\"\x7f\"", WEIR_JSON_STRING},
        {"\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf\"", WEIR_JSON_STRING},
        {"\"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"", WEIR_JSON_STRING},
        {"\"a string that is longer than one block of sixteen bytes, and than two of them\"",
         WEIR_JSON_STRING},
        {"[]", WEIR_JSON_ARRAY},
        {"[ ]", WEIR_JSON_ARRAY},
        {"[1,[2,[3,{}]],\"x\"]", WEIR_JSON_ARRAY},
        {"{}", WEIR_JSON_OBJECT},
        {"{ \"a\" : 1 , \"b\" : [ ] }", WEIR_JSON_OBJECT},
        {"{\"a\":1,\"a\":2,\"\":3}", WEIR_JSON_OBJECT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct json_error error;
        uint32_t type = read_both(table[i].text, strlen(table[i].text), &error);
        if (type != table[i].type)
            fail_msg("%s: %u at %zu: %s", table[i].text, type, error.offset, error.why ? error.why : "-");
    }
}

static const struct {
    const char *text;
    size_t offset;
    const char *why;
} refused[] = {
    {"", 0, "empty"},
    {" \n\t", 3, "empty"},
    {"\xef\xbb\xbf{}", 0, "a byte order mark, which JSON does not allow"},
    {"\xef\xbb{}", 0, "this can not start a value"},
    {"{} x", 3, "something stands behind the value"},
    {"{}{}", 2, "something stands behind the value"},
    {"1 2", 2, "something stands behind the value"},
    {"\v1", 0, "this can not start a value"},
    {"1\f", 1, "something stands behind the value"},
    {"nul", 0, "a word that is not true, false or null"},
    {"True", 0, "this can not start a value"},
    {"truee", 4, "something stands behind the value"},
    {"NaN", 0, "this can not start a value"},
    {"-Infinity", 1, "a minus sign without a digit behind it"},
    {"-", 1, "a minus sign without a digit behind it"},
    {"+1", 0, "this can not start a value"},
    {".5", 0, "this can not start a value"},
    {"01", 1, "a number with a leading zero"},
    {"-00", 2, "a number with a leading zero"},
    {"1.", 2, "a decimal point without a digit behind it"},
    {"1.e5", 2, "a decimal point without a digit behind it"},
    {"1e", 2, "an exponent without a digit"},
    {"1e+", 3, "an exponent without a digit"},
    {"0x10", 1, "something stands behind the value"},
    {"1_000", 1, "something stands behind the value"},
    {"'a'", 0, "this can not start a value"},
    {"\"a", 2, "the text ends inside a string"},
    {"\"a\\", 3, "the text ends inside a string"},
    {"\"a\\\"", 4, "the text ends inside a string"},
    {"\"\\a\"", 1, "an escape that JSON does not have"},
    {"\"\\'\"", 1, "an escape that JSON does not have"},
    {"\"\\u12\"", 1, "\\u without four hexadecimal digits"},
    {"\"\\u12g4\"", 1, "\\u without four hexadecimal digits"},
    {"\"\\U1234\"", 1, "an escape that JSON does not have"},
    {"\"a\tb\"", 2, "a control character in a string (JSON wants it escaped)"},
    {"\"a\nb\"", 2, "a control character in a string (JSON wants it escaped)"},
    {"\"a string longer than a block \x1f\"", 30, "a control character in a string (JSON wants it escaped)"},
    {"\"\x80\"", 1, "invalid UTF-8"},
    {"\"a\xc3\"", 2, "invalid UTF-8"},
    {"\"\xc0\x80\"", 1, "invalid UTF-8"},
    {"\"\xc1\xbf\"", 1, "invalid UTF-8"},
    {"\"\xe0\x9f\xbf\"", 1, "invalid UTF-8"},
    {"\"\xed\xa0\x80\"", 1, "invalid UTF-8"},
    {"\"\xed\xbf\xbf\"", 1, "invalid UTF-8"},
    {"\"\xf0\x8f\xbf\xbf\"", 1, "invalid UTF-8"},
    {"\"\xf4\x90\x80\x80\"", 1, "invalid UTF-8"},
    {"\"\xf5\x80\x80\x80\"", 1, "invalid UTF-8"},
    {"\"\xff\"", 1, "invalid UTF-8"},
    {"\"\xe2\x82", 1, "invalid UTF-8"},
    {"\"\xc3\xa9\xff\"", 3, "invalid UTF-8"},
    {"[", 1, "the text ends where a value must stand"},
    {"[1", 2, "the text ends inside an array"},
    {"[1,", 3, "the text ends where a value must stand"},
    {"[1,]", 3, "this can not start a value"},
    {"[,1]", 1, "this can not start a value"},
    {"[1 2]", 3, "a comma or ] is missing"},
    {"[1}", 2, "a comma or ] is missing"},
    {"]", 0, "this can not start a value"},
    {"{", 1, "the text ends inside an object"},
    {"{\"a\"", 4, "a colon is missing behind a name"},
    {"{\"a\":", 5, "the text ends where a value must stand"},
    {"{\"a\":1", 6, "the text ends inside an object"},
    {"{\"a\":1,}", 7, "a name in quotes is missing"},
    {"{,}", 1, "a name in quotes is missing"},
    {"{a:1}", 1, "a name in quotes is missing"},
    {"{1:1}", 1, "a name in quotes is missing"},
    {"{\"a\" 1}", 5, "a colon is missing behind a name"},
    {"{\"a\":1 \"b\":2}", 7, "a comma or } is missing"},
    {"{\"a\":1]", 6, "a comma or } is missing"},
    {"{\"a\\x\":1}", 3, "an escape that JSON does not have"},
    {"// x\n1", 0, "this can not start a value"},
    {"[1,/* x */2]", 3, "this can not start a value"},
    {"{\"a\":undefined}", 5, "this can not start a value"},
};

static void what_is_not_json_is_refused_where_it_stops_being_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct json_error error;
        if (read_both(refused[i].text, strlen(refused[i].text), &error) != WEIR_JSON_MISSING)
            fail_msg("%s: accepted", refused[i].text);
        if (error.offset != refused[i].offset || strcmp(error.why, refused[i].why) != 0)
            fail_msg("%s: at %zu: %s", refused[i].text, error.offset, error.why);
    }
}

/* Whether a byte may stand in a string as it is, and alone. */
static bool may_stand(int c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void every_byte_is_judged_alike_at_every_place(void **state)
{
    char text[60];

    (void)state;
    for (size_t at = 1; at < 50; at++) {
        for (int c = 0; c < 256; c++) {
            memset(text, 'x', sizeof text);
            text[0] = text[sizeof text - 1] = '"';
            text[at] = (char)c;
            /* a quote ends the string too early, and x behind a backslash is no escape */
            bool want = may_stand(c);
            if ((read_both(text, sizeof text, NULL) != WEIR_JSON_MISSING) != want)
                fail_msg("byte %d at %zu", c, at);
        }
    }
}

static void nul_bytes_are_bytes(void **state)
{
    struct json_error error;

    (void)state;
    assert_int_equal(read_both("1\0", 2, &error), WEIR_JSON_MISSING);
    assert_string_equal(error.why, "something stands behind the value");
    assert_int_equal(read_both("\"a\0b\"", 5, &error), WEIR_JSON_MISSING);
    assert_int_equal(error.offset, 2);
    assert_false(json_check(NULL, 0, NULL, NULL, NULL));
    assert_null(json_parse(&arena, NULL, 0, &error));
    assert_string_equal(error.why, "empty");
}

static void nesting_ends_at_the_limit(void **state)
{
    static const char *const kinds[][2] = {{"[", "]"}, {"{\"k\":", "}"}};

    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
            const char *const *brackets = kinds[kind];
            struct strbuf b = {0};
            struct json_error error;
            for (size_t i = 1; i < depth; i++)
                strbuf_str(&b, brackets[0]);
            strbuf_str(&b, kind == 0 ? "[]" : "{}");
            for (size_t i = 1; i < depth; i++)
                strbuf_str(&b, brackets[1]);
            uint32_t type = read_both(b.data, b.len, &error);
            if (depth == JSON_DEPTH_MAX) {
                assert_int_equal(type, kind == 0 ? WEIR_JSON_ARRAY : WEIR_JSON_OBJECT);
            } else {
                assert_int_equal(type, WEIR_JSON_MISSING);
                assert_int_equal(error.offset, JSON_DEPTH_MAX * strlen(brackets[0]));
                assert_string_equal(error.why, "nested deeper than weir reads");
            }
            strbuf_free(&b);
        }
    }
}

static void line_ends_between_tokens_are_told(void **state)
{
    static const struct {
        const char *text;
        bool newlines;
    } table[] = {{"{\"a\":\t1} ", false}, {"{\"a\":\"\\n\\r\"}", false},
                 {"{\n\"a\":1}", true},   {"{\"a\":1}\n", true},
                 {"\r1", true},           {"[1,\n2]", true},
                 {"[1\n,2]", true},       {"[\n]", true},
                 {"{\"a\"\n:1}", true},   {"{\"a\":\r1}", true}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        bool newlines = !table[i].newlines;
        assert_true(json_check(table[i].text, strlen(table[i].text), NULL, &newlines, NULL));
        if (newlines != table[i].newlines)
            fail_msg("%s", table[i].text);
    }
}

static const char sample[] =
    " {\"a\":1, \"b\" : [10,\"x\",{\"c\":null}] ,\"a\":2,\"\\u0065\\\"\":\"\\u00e9\\n\",\"\":0} ";

static struct json_doc *parse(const char *text)
{
    struct json_doc *doc = json_parse(&arena, text, strlen(text), NULL);
    assert_non_null(doc);
    return doc;
}

static void assert_slice(struct weir_slice s, const char *text)
{
    if (s.len != strlen(text) || memcmp(s.ptr, text, s.len) != 0)
        fail_msg("\"%.*s\" is not \"%s\"", (int)s.len, (const char *)s.ptr, text);
}

static void the_tree_spans_the_source(void **state)
{
    const struct json_doc *doc = parse(sample);
    const struct json_node *a = doc->root->child, *b = a->next;

    (void)state;
    assert_ptr_equal(doc->root->text.ptr, sample + 1);
    assert_int_equal(doc->root->text.len, sizeof sample - 3);
    assert_null(doc->root->key.ptr);
    assert_slice(a->key, "\"a\"");
    assert_slice(a->text, "1");
    assert_slice(b->text, "[10,\"x\",{\"c\":null}]");
    assert_int_equal(b->type, WEIR_JSON_ARRAY);
    assert_null(b->child->key.ptr);
    assert_slice(b->child->next->next->child->key, "\"c\"");
    assert_null(b->child->next->next->next);
    assert_null(b->child->next->next->child->next);
    arena_reset(&arena);
}

static void elements_behind_an_object_have_no_key(void **state)
{
    const struct json_doc *doc = parse("[{\"k\":[1]},2,[],3]");

    (void)state;
    for (const struct json_node *e = doc->root->child; e != NULL; e = e->next)
        assert_null(e->key.ptr);
    assert_slice(json_element(doc->root, 3)->text, "3");
    arena_reset(&arena);
}

static void members_are_found_by_decoded_key_and_the_last_one_wins(void **state)
{
    const struct json_doc *doc = parse(sample);
    const struct json_node *b = json_member(doc->root, "b", 1);

    (void)state;
    assert_slice(json_member(doc->root, "a", 1)->text, "2");
    assert_slice(json_member(doc->root, "e\"", 2)->text, "\"\\u00e9\\n\"");
    assert_slice(json_member(doc->root, "", 0)->text, "0");
    assert_null(json_member(doc->root, "e", 1));
    assert_null(json_member(doc->root, "e\"x", 3));
    assert_null(json_member(doc->root, "c", 1));
    assert_null(json_member(b, "0", 1));
    assert_null(json_member(NULL, "a", 1));
    assert_slice(json_element(b, 0)->text, "10");
    assert_slice(json_element(b, -1)->text, "{\"c\":null}");
    assert_slice(json_element(b, -3)->text, "10");
    assert_null(json_element(b, 3));
    assert_null(json_element(b, -4));
    assert_null(json_element(b, INT64_MIN));
    assert_null(json_element(doc->root, 0));
    arena_reset(&arena);
}

static void paths_lead_to_values(void **state)
{
    static const char *const table[][2] = {
        {".", NULL},         {".a", "2"},     {".b[2].c", "null"},
        {".b[-2]", "\"x\""}, {".\"\"", "0"},  {".\"e\\\"\"", "\"\\u00e9\\n\""},
        {".b[\"c\"]", ""},   {".b[2].d", ""}, {".a.x", ""},
        {".[0]", ""},        {".x.y.z", ""}};
    const struct json_doc *doc = parse(sample);

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct json_path *path = path_compile(table[i][0], strlen(table[i][0]), NULL, NULL);
        const struct json_node *node = json_find(doc->root, path);
        if (table[i][1] == NULL)
            assert_ptr_equal(node, doc->root);
        else if (*table[i][1] == '\0')
            assert_null(node);
        else
            assert_slice(node->text, table[i][1]);
        path_free(path);
    }
    arena_reset(&arena);
}

static void what_stands_below_a_name_not_meant_is_hidden(void **state)
{
    static const struct {
        const char *text, *path;
        bool hidden;
    } table[] = {
        {"{\"u\":{\"s\":1},\"u\":5}", ".u.s", true},
        {"{\"u\":{\"s\":1},\"\\u0075\":{\"t\":1}}", ".u.s", true},
        {"{\"u\":{\"s\":1},\"u\":null,\"u\":{}}", ".u.s", true},
        {"{\"a\":[{\"s\":1}],\"a\":[]}", ".a[0].s", true},
        {"{\"a\":[{\"s\":{\"x\":1},\"s\":2},{}]}", ".a[-2].s.x", true},
        {"{\"a\":[{\"s\":{\"x\":1},\"s\":2},{}]}", ".a[-1].s.x", false},
        {"{\"u\":{\"s\":1},\"u\":5}", ".u.t", false},
        {"{\"u\":{\"u\":{\"s\":1}},\"s\":2,\"s\":3}", ".u.s", false},
        {"{\"n\":1,\"n\":2}", ".m", false},
        {"[1]", ".u.s", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct json_doc *doc = parse(table[i].text);
        struct json_path *path = path_compile(table[i].path, strlen(table[i].path), NULL, NULL);
        assert_null(json_find(doc->root, path));
        if (json_is_hidden(doc->root, path) != table[i].hidden)
            fail_msg("%s of %s", table[i].path, table[i].text);
        path_free(path);
    }
    arena_reset(&arena);
}

/* ---- both readers on whatever comes ---- */

static uint32_t below(uint32_t limit)
{
    static uint64_t seed = 20260314;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % limit);
}

static void both_readers_agree_on_mutations(void **state)
{
    static const char *const corpus[] = {
        sample,
        "[-0.5e+10,1E2,true,false,null,\"\",[],{}]",
        "{\"k\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\ud83d\\ude00 and plain text to the end of the "
        "block\"}",
        "{\n  \"a\": {\n    \"b\": [1, 2, {\"c\": \"d\"}]\n  }\n}\n",
    };
    static const char bytes[] = "{}[]\",:\\ut01-+.eE \n\t\x01\x7f\x80\xc3\xa9\xed\xf0\xff/a";
    unsigned accepted = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[256];
        const char *from = corpus[below(4)];
        size_t n = strlen(from);
        memcpy(text, from, n);
        for (uint32_t k = below(3); k > 0 && n > 0; k--) {
            size_t at = below((uint32_t)n);
            if (below(3) == 0) {
                memmove(text + at, text + at + 1, n - at - 1);
                n--;
            } else {
                text[at] = bytes[below(sizeof bytes - 1)];
            }
        }
        if (below(8) == 0)
            n = below((uint32_t)n + 1);
        accepted += read_both(text, n, NULL) != WEIR_JSON_MISSING;
    }
    assert_in_range(accepted, 2000, 18000); /* else the mutations are no test */
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
        cmocka_unit_test(texts_of_every_type_are_accepted),
        cmocka_unit_test(what_is_not_json_is_refused_where_it_stops_being_json),
        cmocka_unit_test(every_byte_is_judged_alike_at_every_place),
        cmocka_unit_test(nul_bytes_are_bytes),
        cmocka_unit_test(nesting_ends_at_the_limit),
        cmocka_unit_test(line_ends_between_tokens_are_told),
        cmocka_unit_test(the_tree_spans_the_source),
        cmocka_unit_test(elements_behind_an_object_have_no_key),
        cmocka_unit_test(members_are_found_by_decoded_key_and_the_last_one_wins),
        cmocka_unit_test(paths_lead_to_values),
        cmocka_unit_test(what_stands_below_a_name_not_meant_is_hidden),
        cmocka_unit_test(both_readers_agree_on_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
