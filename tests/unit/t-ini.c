/* SPDX-License-Identifier: BSD-2-Clause */
/* t-ini.c - INI files as events: comments, quotes, long values, and every refusal with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/ini.h"
#include "record/strbuf.h"

#include <stdlib.h>
#include <string.h>

static void on_section(void *opaque, int line, const char *title)
{
    strbuf_printf(opaque, "%d [%s]|", line, title);
}

static void on_key(void *opaque, int line, const char *key, const char *value, size_t len)
{
    strbuf_printf(opaque, "%d %s=%.*s|", line, key, (int)len, value);
}

/* Events, then mistakes as "!line text|". */
static const char *read_bytes(const char *data, size_t len)
{
    static struct strbuf out;
    struct ini_handler handler = {on_section, on_key, &out};
    struct problems problems = {.file = "t.ini"};
    out.len = 0;
    strbuf_str(&out, "");
    ini_parse_bytes(data, len, &handler, &problems);
    for (size_t i = 0; i < problems.count; i++)
        strbuf_printf(&out, "!%d %s|", problems.items[i].line, problems.items[i].text);
    problem_free(&problems);
    return out.data;
}

static const char *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void good_lines_become_events(void **state)
{
    static const struct {
        const char *text, *events;
    } table[] = {
        {"", ""},
        {"\n\n", ""},
        {"[a]\n", "1 [a]|"},
        {"[a]", "1 [a]|"},
        {"[ sink\tes ] ; x\n", "1 [sink\tes]|"},
        {"[a]#x\n", "1 [a]|"},
        {"[a]\nk=v", "1 [a]|2 k=v|"},
        {"[a]\n  k =\t v \t\n", "1 [a]|2 k=v|"},
        {"[a]\n  k = v\n  l = w\nm = x\n", "1 [a]|2 k=v|3 l=w|4 m=x|"},
        {"[a]\r\nk = v\r\n", "1 [a]|2 k=v|"},
        {"\xef\xbb\xbf[a]\nk = v\n", "1 [a]|2 k=v|"},
        {"[a]\nk =\n", "1 [a]|2 k=|"},
        {"[a]\nk = a=b=c\n", "1 [a]|2 k=a=b=c|"},
        {"[a]\nk = x:y\n", "1 [a]|2 k=x:y|"},
        {"[a]\nk = 1\nk = 2\n", "1 [a]|2 k=1|3 k=2|"},
        {"[a]\n[b]\n[a]\n", "1 [a]|2 [b]|3 [a]|"},
        {"; c\n# c\n [a] \n\t; c\n", "3 [a]|"},
        {"[a]\nk = v ; c\n", "1 [a]|2 k=v|"},
        {"[a]\nk = v # c ; d\n", "1 [a]|2 k=v|"},
        {"[a]\nk = v\t;c\n", "1 [a]|2 k=v|"},
        {"[a]\nk = ; c\n", "1 [a]|2 k=|"},
        {"[a]\nk = a;b#c\n", "1 [a]|2 k=a;b#c|"},
        {"[a]\nk = \"a ; b\"\n", "1 [a]|2 k=a ; b|"},
        {"[a]\nk = \"a ; b\" ; c\n", "1 [a]|2 k=a ; b|"},
        {"[a]\nk = \" a \"\n", "1 [a]|2 k= a |"},
        {"[a]\nk = \"\"\n", "1 [a]|2 k=|"},
        {"[a]\nk = \"\n", "1 [a]|2 k=\"|"},
        {"[a]\nk = \"a\" == \"b\" ; c\n", "1 [a]|2 k=\"a\" == \"b\"|"},
        {"[a]\nk = .a == \"x # y\" # c\n", "1 [a]|2 k=.a == \"x # y\"|"},
        {"[a]\nk = test(\"a\\\" ; b\") ; c\n", "1 [a]|2 k=test(\"a\\\" ; b\")|"},
        {"[a]\nk = \"a\\\"\n", "1 [a]|2 k=\"a\\\"|"},
        {"[a]\nk = 5\" disk\n", "1 [a]|2 k=5\" disk|"},
        {"[a]\nrdkafka.sasl.user-name_1 = x\n", "1 [a]|2 rdkafka.sasl.user-name_1=x|"},
        {"[a]\nk = \xc3\xa4\xe2\x86\x92\n", "1 [a]|2 k=\xc3\xa4\xe2\x86\x92|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(read_text(table[i].text), table[i].events);
}

static void bad_lines_are_named(void **state)
{
    static const struct {
        const char *text, *events;
    } table[] = {
        {"k = v\n", "!1 \"k\" stands before any section; put [pipeline] or [source] above it|"},
        {"[a]\nfoo\n[b]\n", "1 [a]|3 [b]|!2 no \"=\": an option reads NAME = VALUE|"},
        {"[a\nk = v\n", "2 k=v|!1 the section header has no \"]\"|"},
        {"[]\n", "!1 a section header has 1 to 128 bytes between its brackets|"},
        {"[a] b\n", "!1 something follows the section header; only a comment may stand there|"},
        {"[a]\nset.\"user-name\" = v\n", "1 [a]|2 set.\"user-name\"=v|"},
        {"[a]\nset.l[0].\"@a b\"=v\n", "1 [a]|2 set.l[0].\"@a b\"=v|"},
        {"[a]\nset.\"a = v\n", "1 [a]|!2 \"set.\"a\" is no option name: 1 to 128 letters, digits and . - _ "
                               "are, behind a dot also [0] and a "
                               "\"name in quotes\" without = : ; #|"},
        {"[a]\nset.\"a:b\" = v\n", "1 [a]|!2 \"set.\"a:b\"\" is no option name: 1 to 128 letters, digits and "
                                   ". - _ are, behind a dot also [0] and a "
                                   "\"name in quotes\" without = : ; #|"},
        {"[a]\n= v\n", "1 [a]|!2 \"\" is no option name: 1 to 128 letters, digits and . - _ are, behind a "
                       "dot also [0] and a "
                       "\"name in quotes\" without = : ; #|"},
        {"[a]\na b = v\n", "1 [a]|!2 \"a b\" is no option name: 1 to 128 letters, digits and . - _ are, "
                           "behind a dot also [0] and a "
                           "\"name in quotes\" without = : ; #|"},
        {"[a]\na[0] = v\n", "1 [a]|!2 \"a[0]\" is no option name: 1 to 128 letters, digits and . - _ are, "
                            "behind a dot also [0] and a "
                            "\"name in quotes\" without = : ; #|"},
        {"[a]\nk = a\\\n  b\n",
         "1 [a]|2 k=a\\|!3 this line is indented like the continuation of the one above, and values do not "
         "continue; write the value on one line, or remove the white space in front of a new option|"},
        {"[a]\nk = \xff\nl = v\n",
         "1 [a]|3 l=v|!2 byte 0xff at column 5 is not UTF-8; save the file in UTF-8|"},
        {"; \xc3\n[a]\n", "2 [a]|!1 byte 0xc3 at column 3 is not UTF-8; save the file in UTF-8|"},
        {"[a]\nk = a\rb\n", "1 [a]|!2 a carriage return at column 6, inside the line|"},
        {"[a]\nk = it\"s ; c\n",
         "1 [a]|!2 \"k\": a double quote is open where a comment seems to begin; close the quote, or put the "
         "whole value into quotes|"},
        {"x\ny\n", "!1 no \"=\": an option reads NAME = VALUE|!2 no \"=\": an option reads NAME = VALUE|"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(read_text(table[i].text), table[i].events);
    assert_string_equal(read_bytes("[a]\nk = a\0b\n", 12),
                        "1 [a]|!2 a NUL byte at column 6; is this a text file?|");
}

/* inih cuts lines at 200 bytes and section names at 49: neither is seen here. */
static void long_lines_arrive_whole(void **state)
{
    static const size_t lengths[] = {190, 199, 200, 201, 500, 4096, INI_VALUE_MAX - 1, INI_VALUE_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct strbuf text = {0}, want = {0};
        strbuf_str(&text, "[a]\nk = ");
        strbuf_str(&want, "1 [a]|2 k=");
        for (size_t k = 0; k < lengths[i]; k++) {
            strbuf_char(&text, (char)('a' + k % 26));
            strbuf_char(&want, (char)('a' + k % 26));
        }
        strbuf_str(&text, "\nl = x\n");
        strbuf_str(&want, "|3 l=x|");
        assert_string_equal(read_text(text.data), want.data);
        strbuf_free(&text);
        strbuf_free(&want);
    }
    assert_string_equal(read_text("[transform a-name-that-is-much-longer-than-fifty-bytes-is-read-whole]\n"),
                        "1 [transform a-name-that-is-much-longer-than-fifty-bytes-is-read-whole]|");
}

static void too_long_is_refused(void **state)
{
    struct strbuf text = {0};
    (void)state;
    strbuf_str(&text, "[a]\nk = ");
    for (size_t k = 0; k <= INI_VALUE_MAX; k++)
        strbuf_char(&text, 'x');
    strbuf_str(&text, "\nl = y\n");
    assert_string_equal(read_text(text.data),
                        "1 [a]|3 l=y|!2 the value of \"k\" has 65537 bytes; at most 65536 are allowed|");
    text.len = 0;
    strbuf_str(&text, "[a]\n");
    for (size_t k = 0; k < INI_KEY_MAX; k++)
        strbuf_char(&text, 'x');
    strbuf_str(&text, "=y\n");
    assert_null(strchr(read_text(text.data), '!'));
    text.len = 4;
    for (size_t k = 0; k <= INI_KEY_MAX; k++)
        strbuf_char(&text, 'x');
    strbuf_str(&text, "=y\n");
    assert_non_null(strstr(read_text(text.data), "!2 \"xxx"));
    strbuf_free(&text);
}

static void a_file_that_is_not_there_is_said(void **state)
{
    struct strbuf out = {0};
    struct ini_handler handler = {on_section, on_key, &out};
    struct problems problems = {.file = "/nowhere/x.ini"};
    (void)state;
    assert_false(ini_read("/nowhere/x.ini", &handler, &problems));
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].text, "can not be read: No such file or directory");
    problem_free(&problems);
    assert_false(ini_read("/tmp", &handler, &problems));
    assert_string_equal(problems.items[0].text, "can not be read: Is a directory");
    problem_free(&problems);
    strbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines_become_events),         cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(long_lines_arrive_whole),          cmocka_unit_test(too_long_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
