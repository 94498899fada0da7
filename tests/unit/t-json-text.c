/* SPDX-License-Identifier: BSD-2-Clause */
/* t-json-text.c - plain values out of JSON text and into it: strings, numbers, UTF-8, white space. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "record/json.h"

#include <locale.h>
#include <math.h>
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

static void assert_slice(struct weir_slice s, const char *text)
{
    if (s.len != strlen(text) || memcmp(s.ptr, text, s.len) != 0)
        fail_msg("\"%.*s\" is not \"%s\"", (int)s.len, (const char *)s.ptr, text);
}

static void strings_are_decoded(void **state)
{
    static const struct {
        const char *text, *bytes;
        size_t len;
    } table[] = {
        {"\"\"", "", 0},
        {"\"plain\"", "plain", 5},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
        {"\"x\\u0041y\"", "xAy", 3},
        {"\"\\u0000\"", "\0", 1},
        {"\"\\u00e9\\u20ac\\uffff\"", "\xc3\xa9\xe2\x82\xac\xef\xbf\xbf", 8},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4},
        {"\"\\ud800\\udc00\"", "\xf0\x90\x80\x80", 4},
        {"\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf", 4},
        {"\"\\ud83d\"", "\xef\xbf\xbd", 3},
        {"\"\\ude00x\"", "\xef\xbf\xbdx", 4},
        {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4},
        {"\"\\ud83d\\u0041\"",
         "\xef\xbf\xbd"
         "A",
         4},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd", 6},
        {"\"\xc3\xa9\\u00e9\xc3\xa9\"", "\xc3\xa9\xc3\xa9\xc3\xa9", 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = strlen(table[i].text);
        char *text = exact(table[i].text, n);
        assert_true(json_check(text, n, NULL, NULL, NULL));
        struct weir_slice s = json_string(&arena, (struct weir_slice){text, n});
        if (s.len != table[i].len || memcmp(s.ptr, table[i].bytes, s.len) != 0)
            fail_msg("%s: %zu bytes: %.*s", table[i].text, s.len, (int)s.len, (const char *)s.ptr);
        assert_true(json_utf8_valid(s.ptr, s.len));
        free(text);
    }
    arena_reset(&arena);
}

static void a_string_without_escapes_is_not_copied(void **state)
{
    static const char text[] = "\"borrowed\"";

    (void)state;
    assert_ptr_equal(json_string(&arena, (struct weir_slice){text, 10}).ptr, text + 1);
}

static void quoting_escapes_what_the_rfc_demands_and_no_more(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } table[] = {
        {"", 0, "\"\""},
        {"plain / text", 12, "\"plain / text\""},
        {"\"\\", 2, "\"\\\"\\\\\""},
        {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
        {"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\""},
        {"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\""},
        {"sixteen bytes is one block\nand this is another one", 50,
         "\"sixteen bytes is one block\\nand this is another one\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *bytes = exact(table[i].bytes, table[i].len);
        size_t n = json_quote(NULL, bytes, table[i].len);
        char *text = malloc(n);
        assert_int_equal(json_quote(text, bytes, table[i].len), n);
        assert_slice((struct weir_slice){text, n}, table[i].text);
        struct weir_slice back = json_string(&arena, (struct weir_slice){text, n});
        assert_int_equal(back.len, table[i].len);
        assert_memory_equal(back.ptr, bytes, back.len);
        free(bytes);
        free(text);
    }
    arena_reset(&arena);
}

static void utf8_ends_at_the_first_wrong_byte(void **state)
{
    (void)state;
    assert_int_equal(json_utf8_prefix("", 0), 0);
    assert_int_equal(json_utf8_prefix("abc\xff", 4), 3);
    assert_int_equal(json_utf8_prefix("\xe2\x82\xac\xe2\x82", 5), 3);
    assert_int_equal(json_utf8_prefix("a text of more than one block \xc3\xa9\xc3", 33), 32);
    assert_true(json_utf8_valid("\0\x7f\xc3\xa9", 4));
    assert_false(json_utf8_valid("\xed\xa0\x80", 3));
    assert_true(json_utf8_valid(NULL, 0));
}

static double number(const char *text)
{
    return json_number((struct weir_slice){text, strlen(text)});
}

static void numbers_are_rounded_correctly_in_any_locale(void **state)
{
    static const char *const table[] = {
        "0",
        "-1",
        "0.1",
        "9007199254740993",
        "9007199254740991",
        "123456789012345678",
        "1e23",
        "8.5e22",
        "1.7976931348623157e308",
        "4.9406564584124654e-324",
        "2.2250738585072011e-308",
        "0.500000000000000166533453693773481063544750213623046875",
        "-12.75",
        "1E2",
        "100000000000000000000000",
        "0.000001",
        "1e-22",
        "9007199254740993e-22",
        "17976931348623157580793728971405303415079934132710037826936173778980444968292764750946649017"};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        setlocale(LC_ALL, "C");
        double want = strtod(table[i], NULL);
        setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed, the point is a comma */
        if (number(table[i]) != want)
            fail_msg("%s: %.17g", table[i], number(table[i]));
    }
    setlocale(LC_ALL, "C");
    assert_true(signbit(number("-0")) && number("-0") == 0);
    assert_true(isinf(number("1e400")));
    assert_true(isinf(number("-1e99999999999999999999")));
    assert_true(number("1e-99999999999999999999") == 0);
    char longer[3000];
    memset(longer, '1', sizeof longer);
    memcpy(longer, "0.", 2);
    assert_true(json_number((struct weir_slice){longer, sizeof longer}) == 1.0 / 9);
}

static void minifying_drops_the_white_space_between_tokens_only(void **state)
{
    static const char *const table[][2] = {
        {" {\"a b\" : [ 1 ,\t\"c \\\" \\\\\" ] ,\r\n\"d\":{ } } ", "{\"a b\":[1,\"c \\\" \\\\\"],\"d\":{}}"},
        {"{\"a\":1}", "{\"a\":1}"},
        {" 1 ", "1"},
        {"\n\"  a text with white space in it, longer than a block  \"",
         "\"  a text with white space in it, longer than a block  \""},
        {"[true , false , null , -1.5e+3]", "[true,false,null,-1.5e+3]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = strlen(table[i][0]);
        char *text = exact(table[i][0], n), *out = malloc(n);
        size_t size = json_minify(out, text, n);
        assert_slice((struct weir_slice){out, size}, table[i][1]);
        free(text);
        free(out);
    }
}

static void every_byte_is_quoted_and_judged_alike_at_every_place(void **state)
{
    char text[58], quoted[80];

    (void)state;
    for (size_t at = 0; at < 50; at++) {
        for (int c = 0; c < 256; c++) {
            bool brief = c > 0 && strchr("\"\\\b\f\n\r\t", c);
            size_t more = brief ? 1 : c < 0x20 ? 5 : 0;
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            assert_int_equal(json_quote(NULL, text, sizeof text), sizeof text + 2 + more);
            assert_int_equal(json_quote(quoted, text, sizeof text), sizeof text + 2 + more);
            assert_memory_equal(quoted + 1, text, at);
            assert_memory_equal(quoted + 1 + at + 1 + more, text + at + 1, sizeof text - at - 1);
            assert_int_equal(json_utf8_prefix(text, sizeof text), c < 0x80 ? sizeof text : at);
        }
    }
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
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(a_string_without_escapes_is_not_copied),
        cmocka_unit_test(quoting_escapes_what_the_rfc_demands_and_no_more),
        cmocka_unit_test(utf8_ends_at_the_first_wrong_byte),
        cmocka_unit_test(numbers_are_rounded_correctly_in_any_locale),
        cmocka_unit_test(minifying_drops_the_white_space_between_tokens_only),
        cmocka_unit_test(every_byte_is_quoted_and_judged_alike_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
