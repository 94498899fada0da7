/* SPDX-License-Identifier: BSD-2-Clause */
/* t-expr.c - `when`: what docs/expressions.md promises, errors with their columns, limits.  That the meaning is jq's
 * is the matter of gates/t-expr-jq.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc_table.h"
#include "record/expr.h"

static struct arena scratch;
static struct strbuf why;
static char refusal[1024];
static int parses;

static struct json_doc *parse_value(const struct subject *subject, const char **ret_why)
{
    struct json_error error;
    const struct weir_record *record = subject->record;
    struct json_doc *doc = json_parse(subject->scratch, record->value.ptr, record->value.len, &error);
    parses++;
    if (!doc)
        *ret_why = error.why;
    return doc;
}

static struct weir_slice slice(const char *s)
{
    return (struct weir_slice){s, s ? strlen(s) : 0};
}

static enum expr_result match(const char *text, const struct weir_record *record)
{
    struct subject subject = {record, parse_value, NULL, &scratch};
    struct weir_expr *expr = expr_compile(text, refusal, sizeof refusal);
    if (!expr)
        print_message("%s: %s\n", text, refusal);
    assert_non_null(expr);
    arena_reset(&scratch);
    why.len = 0;
    enum expr_result result = expr_match(expr, &subject, &why);
    expr_free(expr);
    return result;
}

static struct weir_record example_record(const char *value)
{
    static const struct weir_header trace = {{"trace", 5}, {"abc", 3}};
    return (struct weir_record){.topic = slice("web.access"),
                                .partition = 3,
                                .offset = 42,
                                .key = slice("user-7"),
                                .time_ms = 1700000000123,
                                .headers = &trace,
                                .n_headers = 1,
                                .value = slice(value)};
}

static void expect_match(const char *text, const char *value, enum expr_result want)
{
    struct weir_record record = example_record(value);
    enum expr_result got = match(text, &record);
    if (got != want)
        print_message("%s with %s: %d, not %d %.*s\n", text, value ? value : "tombstone", (int)got, (int)want,
                      (int)why.len, why.data ? why.data : "");
    assert_int_equal(got, want);
}

static void expect_example(char **cells, int n)
{
    assert_int_equal(n, 3);
    bool error = strncmp(cells[2], "error: ", 7) == 0;
    expect_match(cells[0], strcmp(cells[1], "tombstone") == 0 ? NULL : cells[1],
                 error                               ? EXPR_ERROR
                 : strncmp(cells[2], "true", 4) == 0 ? EXPR_TRUE
                                                     : EXPR_FALSE);
    if (error && strncmp(why.data, cells[2] + 7, strlen(cells[2] + 7)) != 0)
        fail_msg("%s: %s", cells[0], why.data);
}

static void examples_of_the_page_hold(void **state)
{
    (void)state;
    assert_true(doc_rows("expressions.md", "Examples", expect_example) > 30);
}

static void expect_refusal(char **cells, int n)
{
    assert_int_equal(n, 2);
    assert_null(expr_compile(cells[0], refusal, sizeof refusal));
    if (strncmp(refusal, cells[1], strlen(cells[1])) != 0)
        fail_msg("%s\n  says     %s\n  promised %s", cells[0], refusal, cells[1]);
}

static void refusals_of_the_page_hold(void **state)
{
    (void)state;
    assert_true(doc_rows("expressions.md", "Refused", expect_refusal) >= 15);
}

static const char *const refused[] = {"",
                                      " ",
                                      "# only a comment",
                                      ".a ==",
                                      "== 1",
                                      ".a == == 1",
                                      ".a |",
                                      "| .a",
                                      "()",
                                      "(",
                                      ")",
                                      ".a)",
                                      ".a.",
                                      "..",
                                      "..a",
                                      ".a..b",
                                      ". a",
                                      ".a.[0]",
                                      ".[",
                                      ".[0",
                                      ".[]",
                                      ".[1:2]",
                                      ".[:2]",
                                      ".[1:]",
                                      ".[.a]",
                                      ".[1.5]",
                                      ".[1e3]",
                                      ".[2147483648]",
                                      ".[-\"a\"]",
                                      ".[true]",
                                      ".a, .b",
                                      ".a?.b??",
                                      "(.a)?",
                                      "1?",
                                      "?",
                                      ".a = 1",
                                      ".a |= 1",
                                      ".a += 1",
                                      ".a -= 1",
                                      ".a *= 1",
                                      ".a /= 1",
                                      ".a %= 1",
                                      ".a //= 1",
                                      ".a - 1",
                                      ".a * 1",
                                      ".a / 1",
                                      ".a % 1",
                                      "-.a",
                                      "--1",
                                      "-\"a\"",
                                      "- true",
                                      "!.a",
                                      "!",
                                      ".a =~ \"x\"",
                                      ".a ~ 1",
                                      "@base64",
                                      "$",
                                      "$foo",
                                      "$ENV.PATH",
                                      "$__loc__",
                                      "$ topic",
                                      "if .a then 1 else 2 end",
                                      "reduce .a as $x (0; .)",
                                      "try .a",
                                      ".a as $x | $x",
                                      "def f: 1; f",
                                      "any",
                                      "all",
                                      "keys",
                                      "map(.)",
                                      "tostring",
                                      "foo",
                                      "foo::bar",
                                      "AND",
                                      ".a AND .b",
                                      "True",
                                      "\"abc",
                                      "\"a\\",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\udc00\"",
                                      "\"a\\(.b)c\"",
                                      "'a'",
                                      "`a`",
                                      "\\",
                                      "[.a]",
                                      "[1,",
                                      "[1",
                                      "[1 2]",
                                      "[1,]",
                                      "[,]",
                                      "{",
                                      "{a}",
                                      "{a:}",
                                      "{a:.b}",
                                      "{(1):2}",
                                      "{a:1",
                                      "{a:1,}",
                                      "{1:2}",
                                      "{\"a\" 1}",
                                      "{$topic}",
                                      "test",
                                      "test()",
                                      "test(.a)",
                                      "test(\"a\"",
                                      "test(\"a\", \"i\")",
                                      "test(\"a\"; .b)",
                                      "test(\"a\"; \"q\")",
                                      "test(\"a\"; \"i\"; 1)",
                                      "test([\"a\", \"i\"])",
                                      "test(\"[\")",
                                      "test(\"(?<n>a)(?<n\")",
                                      "startswith",
                                      "startswith()",
                                      "startswith(\"a\"; \"b\")",
                                      "startswith(\"a\", \"b\")",
                                      "has",
                                      "has()",
                                      "in",
                                      "in()",
                                      "IN",
                                      "IN()",
                                      "IN(.a)",
                                      "IN(1; 2)",
                                      "IN(1",
                                      "IN([1][])",
                                      "length(1)",
                                      "type()",
                                      "not(1)",
                                      "1 2",
                                      ".a .b 5",
                                      "\"a\" \"b\"",
                                      ".a\"b\"",
                                      "1 < 2 < 3",
                                      "1 == 2 != 3",
                                      ".a and",
                                      "or .a",
                                      ".a and or .b",
                                      ".a && .b",
                                      ".a || .b",
                                      ".a & .b",
                                      ".a not",
                                      "\xff",
                                      "\"\xc3\"",
                                      ".\xc3\xa4",
                                      "\x01",
                                      ".a == 1\r"};

static void what_is_outside_the_subset_is_refused_with_a_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        refusal[0] = '\0';
        if (expr_compile(refused[i], refusal, sizeof refusal))
            fail_msg("accepted: %s", refused[i]);
        if (strncmp(refusal, "column ", 7) != 0 || strlen(refusal) < 25)
            fail_msg("%s: %s", refused[i], refusal);
    }
}

static void columns_count_characters(void **state)
{
    (void)state;
    assert_null(expr_compile("\"\xc3\xa4\xc3\xb6\" == foo", refusal, sizeof refusal));
    assert_memory_equal(refusal, "column 9: ", 10);
}

static void a_short_buffer_gets_a_cut_sentence(void **state)
{
    char small[12];
    (void)state;
    memset(small, 'x', sizeof small);
    assert_null(expr_compile("foo", small, 8));
    assert_true(memchr(small, '\0', 8) != NULL);
    assert_int_equal(small[8], 'x');
}

static char *repeated(const char *head, const char *part, size_t n, const char *tail)
{
    struct strbuf text = {0};
    strbuf_str(&text, head);
    while (n-- > 0)
        strbuf_str(&text, part);
    strbuf_str(&text, tail);
    return text.data;
}

static void nesting_and_length_are_bounded(void **state)
{
    static const struct {
        const char *head, *part, *tail;
        size_t fits, too_many;
    } table[] = {
        {"", "(", "1", 0, 200},          {"", "[", "", 0, 200},  {".a", " and .a", "", 600, 2000},
        {".a", "|.a", "", 600, 2000},    {"", ".a", "", 64, 65}, {"", "not|", "not", 900, 3000},
        {"1", " | in(.|.", "", 0, 5000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *text = repeated(table[i].head, table[i].part, table[i].too_many, table[i].tail);
        assert_null(expr_compile(text, refusal, sizeof refusal));
        free(text);
        if (table[i].fits == 0)
            continue;
        text = repeated(table[i].head, table[i].part, table[i].fits, table[i].tail);
        struct weir_expr *expr = expr_compile(text, refusal, sizeof refusal);
        assert_non_null(expr);
        expr_free(expr);
        free(text);
    }
}

static void a_pattern_that_explodes_is_an_error_and_not_a_hang(void **state)
{
    struct strbuf value = {0};
    (void)state;
    strbuf_char(&value, '"');
    for (int i = 0; i < 40; i++)
        strbuf_char(&value, 'a');
    strbuf_str(&value, "!\"");
    expect_match("test(\"^(a|a)*$\")", value.data, EXPR_ERROR);
    assert_non_null(strstr(why.data, "the regular expression failed: "));
    strbuf_free(&value);
}

static void the_value_is_parsed_only_when_looked_at(void **state)
{
    (void)state;
    parses = 0;
    expect_match("$topic == \"web.access\" or .a", "{}", EXPR_TRUE);
    expect_match("$topic | startswith(\"web\")", "not json", EXPR_TRUE);
    expect_match(". | true", "not json", EXPR_TRUE);
    expect_match(". == null", NULL, EXPR_TRUE);
    assert_int_equal(parses, 0);
    expect_match(".", "not json", EXPR_ERROR);
    expect_match("not", "not json", EXPR_ERROR);
    assert_int_equal(parses, 2);
}

static void the_value_as_text_need_be_no_json(void **state)
{
    (void)state;
    parses = 0;
    expect_match("$value | test(\"^no\")", "not json", EXPR_TRUE);
    expect_match("$value == \"not json\"", "not json", EXPR_TRUE);
    expect_match("$value | length > 9", "{\"a\": 1.00}", EXPR_TRUE);
    expect_match("$value | startswith(\"b\")", "a\xff", EXPR_ERROR);
    struct weir_record tombstone = {.partition = -1};
    assert_int_equal(match("$value == null", &tombstone), EXPR_TRUE);
    assert_int_equal(parses, 0);
}

static void absent_metadata_is_null(void **state)
{
    struct weir_record record = {.partition = -1, .offset = -1, .time_ms = WEIR_NO_TIME};
    (void)state;
    assert_int_equal(match("$topic == null and $key == null and $partition == null and $offset == null and "
                           "$time == null and $headers == {}",
                           &record),
                     EXPR_TRUE);
    record.key = (struct weir_slice){"", 0};
    assert_int_equal(match("$key == \"\"", &record), EXPR_TRUE);
}

static void the_last_header_of_a_name_counts(void **state)
{
    static const struct weir_header headers[] = {
        {{"a", 1}, {"1", 1}}, {{"b", 1}, {NULL, 0}}, {{"a", 1}, {"2", 1}}, {{"", 0}, {"", 0}}};
    struct weir_record record = {.headers = headers, .n_headers = 4};
    (void)state;
    assert_int_equal(match("$headers.a == \"2\"", &record), EXPR_TRUE);
    assert_int_equal(match("$headers | has(\"b\") and .b == null and length == 3", &record), EXPR_TRUE);
    assert_int_equal(match("$headers == {\"a\":\"2\",\"b\":null,\"\":\"\"}", &record), EXPR_TRUE);
}

static void bytes_that_are_not_utf8_fail_when_looked_into(void **state)
{
    static const struct weir_header header = {{"h", 1}, {"\x80", 1}};
    struct weir_record record = {.key = {"\xff\xfe", 2}, .headers = &header, .n_headers = 1};
    (void)state;
    assert_int_equal(match("$key != null", &record), EXPR_TRUE);
    assert_int_equal(match("$key | type == \"string\"", &record), EXPR_TRUE);
    assert_int_equal(match("$key == \"a\"", &record), EXPR_ERROR);
    assert_int_equal(match("$key | length", &record), EXPR_ERROR);
    assert_int_equal(match("$key | test(\"a\")", &record), EXPR_ERROR);
    assert_int_equal(match("$key | IN(\"a\")", &record), EXPR_ERROR);
    assert_int_equal(match("$headers | has(\"h\")", &record), EXPR_TRUE);
    assert_int_equal(match("$headers == {\"h\":\"a\"}", &record), EXPR_ERROR);
    assert_non_null(strstr(why.data, "not UTF-8"));
}

static uint64_t random_state = 1;

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

/* Tokens in any order: nothing may crash, and what compiles must evaluate. */
static void any_text_compiles_or_is_refused(void **state)
{
    static const char *const parts[] = {
        ".a",   ".",    "[",       "]",     "(",   ")",        "{",    "}",      "|",    ",",
        ":",    ";",    "?",       "==",    "<",   " and ",    " or ", " not ",  "\"",   "\\",
        "\\u",  "d83d", "test(\"", "a*",    "\")", "0",        "1.5",  "-",      "$key", "$headers",
        "in(",  "IN(",  "has(",    "#",     "\n",  "\xc3",     "\xa4", "length", "type", "startswith(",
        "true", "null", "..",      "\"x\"", "[0]", "{\"a\":1}"};
    struct weir_record record = example_record("{\"a\":[1,{\"x\":\"y\"}]}");
    struct subject subject = {&record, parse_value, NULL, &scratch};
    int compiled = 0;
    (void)state;
    for (int round = 0; round < 60000; round++) {
        char text[256];
        size_t used = 0;
        for (uint32_t n = 1 + next_random(7); n > 0; n--) {
            const char *part = parts[next_random(sizeof parts / sizeof parts[0])];
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", part);
        }
        struct weir_expr *expr = expr_compile(text, refusal, sizeof refusal);
        if (!expr)
            continue;
        compiled++;
        arena_reset(&scratch);
        why.len = 0;
        enum expr_result result = expr_match(expr, &subject, &why);
        if ((result == EXPR_ERROR) != (why.len > 0))
            fail_msg("%s: %d with %zu bytes of why", text, (int)result, why.len);
        expr_free(expr);
    }
    assert_true(compiled > 1000);
}

/* A byte changed, taken out or doubled, or the tail cut. */
static void spoil(char *text)
{
    size_t len = strlen(text), at = next_random((uint32_t)len + 1);
    switch (next_random(4)) {
    case 0:
        text[at] = '\0';
        break;
    case 1:
        if (at < len)
            text[at] = "\"\\()[]{}|.,:;?$-09eE#aIt \n\xff\x80"[next_random(27)];
        break;
    case 2:
        if (at < len)
            memmove(text + at, text + at + 1, len - at);
        break;
    default:
        memmove(text + at + 1, text + at, len - at + 1);
    }
}

static void spoiled_expressions_compile_or_are_refused(void **state)
{
    struct weir_record record =
        example_record("{\"s\":\"text\",\"n\":5,\"tags\":[\"x\",{\"a\":null}],\"user\":{\"id\":7}}");
    struct subject subject = {&record, parse_value, NULL, &scratch};
    const char *top = getenv("srcdir");
    char name[512], line[1024];
    int seen = 0;
    (void)state;
    (void)snprintf(name, sizeof name, "%s/tests/unit/expr-corpus.txt", top ? top : ".");
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line - 8, file))
        for (int round = 0; round < 100; round++, seen++) {
            char *text = malloc(sizeof line);
            memcpy(text, line, sizeof line);
            for (uint32_t n = next_random(4); n > 0; n--)
                spoil(text);
            struct weir_expr *expr = expr_compile(text, refusal, sizeof refusal);
            free(text);
            if (!expr)
                continue;
            arena_reset(&scratch);
            why.len = 0;
            assert_in_range(expr_match(expr, &subject, &why), EXPR_FALSE, EXPR_ERROR);
            expr_free(expr);
        }
    (void)fclose(file);
    assert_true(seen > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_page_hold),
        cmocka_unit_test(refusals_of_the_page_hold),
        cmocka_unit_test(what_is_outside_the_subset_is_refused_with_a_column),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(a_short_buffer_gets_a_cut_sentence),
        cmocka_unit_test(nesting_and_length_are_bounded),
        cmocka_unit_test(a_pattern_that_explodes_is_an_error_and_not_a_hang),
        cmocka_unit_test(the_value_is_parsed_only_when_looked_at),
        cmocka_unit_test(the_value_as_text_need_be_no_json),
        cmocka_unit_test(absent_metadata_is_null),
        cmocka_unit_test(the_last_header_of_a_name_counts),
        cmocka_unit_test(bytes_that_are_not_utf8_fail_when_looked_into),
        cmocka_unit_test(any_text_compiles_or_is_refused),
        cmocka_unit_test(spoiled_expressions_compile_or_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&scratch);
    strbuf_free(&why);
    return failed;
}
