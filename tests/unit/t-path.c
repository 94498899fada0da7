/* SPDX-License-Identifier: BSD-2-Clause */
/* t-path.c - paths into JSON values: the grammar and its refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/path.h"
#include "record/strbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A path as one line: <key> for a member, #n for an element. */
static const char *shown(const struct json_path *path)
{
    static char text[2048];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < path->count; i++) {
        const struct json_step *s = &path->steps[i];
        if (s->key != NULL)
            used += (size_t)snprintf(text + used, sizeof text - used, "<%.*s>", (int)s->len, s->key);
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "#%" PRId64, s->index);
    }
    return text;
}

static void paths_of_the_grammar_compile(void **state)
{
    static const struct {
        const char *text, *steps;
        size_t used; /* 0: all */
    } table[] = {
        {".", "", 0},
        {".a", "<a>", 0},
        {".a.b.c", "<a><b><c>", 0},
        {"._Az09", "<_Az09>", 0},
        {".and", "<and>", 0},
        {".a[0]", "<a>#0", 0},
        {".a[-1]", "<a>#-1", 0},
        {".a[0][12].b", "<a>#0#12<b>", 0},
        {".[3]", "#3", 0},
        {".[007]", "#7", 0},
        {".\"odd key\"", "<odd key>", 0},
        {".[\"odd key\"]", "<odd key>", 0},
        {".[ \"odd key\" ]", "<odd key>", 0},
        {".a[\"b\"].c", "<a><b><c>", 0},
        {".a.\"b.c\"[0]", "<a><b.c>#0", 0},
        {".\"\"", "<>", 0},
        {".\"q\\\"\\\\\\u00e9\\n\"", "<q\"\\\xc3\xa9\n>", 0},
        {".\"\\ud83d\\ude00\"", "<\xf0\x9f\x98\x80>", 0},
        {".\"Gr\xc3\xb6\xc3\x9f"
         "e\"",
         "<Gr\xc3\xb6\xc3\x9f"
         "e>",
         0},
        {".a == 1", "<a>", 2},
        {".a-b", "<a>", 2},
        {". == 1", "", 1},
        {".a|.b", "<a>", 2},
        {".a)", "<a>", 2},
        {".[99999999999999999]", "#99999999999999999", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *text = table[i].text, *why = NULL;
        size_t used = 0;
        struct json_path *path = path_compile(text, strlen(text), &used, &why);
        if (path == NULL)
            fail_msg("%s: %s", text, why);
        assert_string_equal(shown(path), table[i].steps);
        assert_int_equal(used, table[i].used ? table[i].used : strlen(text));
        path_free(path);
    }
}

static void what_is_not_a_path_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *why; /* part of it */
    } table[] = {
        {"", "starts with a dot"},
        {"a", "starts with a dot"},
        {".a.", "A key must follow"},
        {".a. b", "A key must follow"},
        {".1", "A key must follow"},
        {".a?", "operator ?"},
        {".?", "operator ?"},
        {".\"a\"?", "operator ?"},
        {".a[0]?", "operator ?"},
        {"..", "Recursive descent"},
        {".a..b", "Recursive descent"},
        {".[]", "Iterators"},
        {".a[]", "Iterators"},
        {".a[ ]", "Iterators"},
        {".a[1:2]", "Slices"},
        {".a[:2]", "Slices"},
        {".a[1:]", "Slices"},
        {".a[b]", "whole number or a quoted key"},
        {".a[.b]", "whole number or a quoted key"},
        {".a[1.5]", "whole number or a quoted key"},
        {".a[1e3]", "whole number or a quoted key"},
        {".a[-]", "whole number or a quoted key"},
        {".a[100000000000000000000]", "too large"},
        {".a[0", "closing bracket"},
        {".a[\"b\"", "closing bracket"},
        {".a[\"b\", \"c\"]", "closing bracket"},
        {".a.[0]", "No dot stands before a bracket"},
        {".\"a", "no closing quote"},
        {".\"a\\\"", "no closing quote"},
        {".\"a\\x\"", "not a JSON string"},
        {".\"a\tb\"", "not a JSON string"},
        {".\"\xff\"", "not a JSON string"},
        {".\"\\(1)\"", "interpolation"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *why = "";
        size_t used = 77;
        struct json_path *path = path_compile(table[i].text, strlen(table[i].text), &used, &why);
        if (path != NULL)
            fail_msg("%s: compiled", table[i].text);
        if (strstr(why, table[i].why) == NULL)
            fail_msg("%s: %s", table[i].text, why);
        assert_int_equal(why[strlen(why) - 1], '.');
        assert_int_equal(used, 77);
    }
}

static void a_path_has_at_most_64_steps(void **state)
{
    struct strbuf b = {0};
    const char *why = NULL;
    size_t used;

    (void)state;
    for (int i = 0; i < 64; i++)
        strbuf_str(&b, ".a");
    struct json_path *path = path_compile(b.data, b.len, &used, &why);
    assert_non_null(path);
    assert_int_equal(path->count, 64);
    path_free(path);
    strbuf_str(&b, ".a");
    assert_null(path_compile(b.data, b.len, &used, &why));
    assert_string_equal(why, "A path has at most 64 steps.");
    strbuf_free(&b);
}

static void a_key_may_hold_nul_and_ends_where_the_text_ends(void **state)
{
    const char *why = NULL;
    size_t used;

    (void)state;
    struct json_path *path = path_compile(".\"a\\u0000b\"", 11, &used, &why);
    assert_non_null(path);
    assert_int_equal(path->steps[0].len, 3);
    assert_memory_equal(path->steps[0].key, "a\0b", 3);
    path_free(path);
    path = path_compile(".abc", 3, &used, &why); /* no NUL behind it */
    assert_string_equal(shown(path), "<ab>");
    path_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_the_grammar_compile),
        cmocka_unit_test(what_is_not_a_path_is_refused_with_a_sentence),
        cmocka_unit_test(a_path_has_at_most_64_steps),
        cmocka_unit_test(a_key_may_hold_nul_and_ends_where_the_text_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
