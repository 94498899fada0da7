/* SPDX-License-Identifier: BSD-2-Clause */
/* t-regex.c - regexes of operators: what they find, what they can not take, how they replace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define WEIR_API 1
#include "../../plugins/common/regex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* All that compiling and searching may use of the host. */
static size_t held;
static void *mem(struct weir_ctx *ctx, void *old, size_t n)
{
    (void)ctx;
    held += old ? 0 : 1;
    if (n)
        return realloc(old, n);
    held--;
    free(old);
    return NULL;
}
static const struct weir_host host = {.struct_size = sizeof host, .mem = mem};
static struct weir_ctx ctx = {&host};
static char why[300];

static struct regex *compiled(const char *pattern, uint32_t flags)
{
    struct regex *re = regex_compile(&ctx, pattern, flags, why, sizeof why);
    if (!re)
        fail_msg("%s: %s", pattern, why);
    return re;
}

static struct weir_slice slice(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

static void assert_slice(struct weir_slice s, const char *text)
{
    if (s.len != strlen(text) || memcmp(s.ptr, text, s.len) != 0)
        fail_msg("\"%.*s\" is not \"%s\"", (int)s.len, (const char *)s.ptr, text);
}

static void groups_are_found_and_listed(void **state)
{
    struct regex *re = compiled("^(?<who>\\w+) (\\d+)(?: (?<a>x)| (?<zz>y))?$", 0);
    const struct regex_name *names;
    struct weir_slice got;
    size_t n;
    (void)state;
    assert_int_equal(regex_groups(re), 4);
    names = regex_names(re, &n);
    assert_int_equal(n, 3);
    assert_string_equal(names[0].name, "who");
    assert_int_equal(names[0].group, 1);
    assert_string_equal(names[1].name, "a");
    assert_string_equal(names[2].name, "zz");
    assert_int_equal(names[2].group, 4);
    assert_int_equal(regex_named(re, "zz", 2), 4);
    assert_int_equal(regex_named(re, "z", 1), 0);

    assert_int_equal(regex_find(re, slice("ann 17 y"), false), REGEX_FOUND);
    assert_true(regex_group(re, 0, &got));
    assert_slice(got, "ann 17 y");
    assert_true(regex_group(re, 2, &got));
    assert_slice(got, "17");
    assert_false(regex_group(re, 3, &got));
    assert_null(got.ptr);
    assert_true(regex_group(re, 4, &got));
    assert_slice(got, "y");
    assert_false(regex_group(re, 5, &got));

    assert_int_equal(regex_find(re, slice("ann 17"), true), REGEX_FOUND);
    assert_false(regex_group(re, 4, &got));
    assert_int_equal(regex_find(re, slice("ann"), true), REGEX_NONE);
    assert_int_equal(regex_find(re, (struct weir_slice){NULL, 0}, false), REGEX_NONE);
    regex_free(re);
    assert_int_equal(held, 0);
}

/* All places, as "begin-end " each. */
static void expect_places(const char *pattern, uint32_t flags, struct weir_slice text, bool valid,
                          const char *want)
{
    struct regex *re = compiled(pattern, flags);
    char shown[200] = "";
    size_t n = 0;
    int r;
    regex_begin(re, text, valid);
    while ((r = regex_next(re)) == REGEX_FOUND) {
        struct weir_slice got;
        assert_true(regex_group(re, 0, &got));
        const char *p = got.ptr;
        size_t at = (size_t)(p - (const char *)text.ptr);
        assert_true(n < sizeof shown);
        n += (size_t)snprintf(shown + n, sizeof shown - n, "%zu-%zu ", at, at + got.len);
    }
    assert_int_equal(r, REGEX_NONE);
    assert_int_equal(regex_next(re), REGEX_NONE);
    if (strcmp(shown, want) != 0)
        fail_msg("%s: \"%s\" is not \"%s\"", pattern, shown, want);
    regex_free(re);
}

static void every_place_is_found(void **state)
{
    (void)state;
    expect_places("\\d+", 0, slice("1 22 x333"), false, "0-1 2-4 6-9 ");
    expect_places("x*", 0, slice("axb"), false, "0-0 1-2 2-2 3-3 ");
    expect_places("(?s).*", 0, slice("a\nb"), false, "0-3 3-3 ");
    expect_places("", 0, slice("\xc3\xa9\xe2\x82\xac"), false, "0-0 2-2 5-5 ");
    expect_places("^a", 0, slice("aaa"), false, "0-1 ");
    expect_places("(?m)^a", 0, slice("a\nab\nb"), false, "0-1 2-3 ");
    expect_places("\\bb", 0, slice("ab b"), false, "3-4 ");
    expect_places("A\\Eb", REGEX_ANY_CASE, slice("abAB"), false, "0-2 2-4 ");
    expect_places("a|ab", REGEX_WHOLE, slice("ab"), false, "0-2 ");
    expect_places("a|ab", REGEX_WHOLE, slice("abab"), false, "");
    expect_places("x*", REGEX_WHOLE, slice("xx"), false, "0-2 ");
    expect_places("\\w+", 0, slice("\xc3\xa9 a"), false, "3-4 ");
    expect_places("(*UCP)\\w+", 0, slice("\xc3\xa9 a"), true, "0-2 3-4 ");
    expect_places(".", 0, slice("\xf0\x9f\x98\x80"), false, "0-4 ");
}

/* \K in a group that a lookaround calls; a match must not end before it begins, or reach back into the one before. */
static void what_moves_the_start_out_of_the_match_is_told(void **state)
{
    static const struct {
        const char *pattern, *text;
        int places; /* before that one */
    } table[] = {{"(a\\K){0}(?=(?1))", "xa", 0}, {"(\\Ka){0}(?:(?<=(?1))b|xa)", "xab", 1}};
    struct weir_slice got;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct regex *re = compiled(table[i].pattern, 0);
        struct regex_subst *s = regex_subst_compile(re, &ctx, "-", why, sizeof why);
        regex_begin(re, slice(table[i].text), false);
        for (int k = 0; k < table[i].places; k++)
            assert_int_equal(regex_next(re), REGEX_FOUND);
        assert_int_equal(regex_next(re), REGEX_MOVED);
        assert_int_equal(regex_next(re), REGEX_NONE);
        assert_int_equal(regex_replace(s, slice(table[i].text), true, 0, 100, &got), REGEX_MOVED);
        regex_subst_free(s);
        regex_free(re);
    }
    expect_places("a\\Kb", 0, slice("abab"), false, "1-2 3-4 ");
    assert_string_equal(regex_error(REGEX_MOVED), "the regex's \\K puts the start of a match outside of it");
}

/* Long texts are searched in windows; a match may begin in one and end in another, and look back over its edge. */
static void windows_change_nothing(void **state)
{
    static char text[5000];
    char want[60];
    (void)state;
    for (size_t at = 150; at < 460; at++) {
        memset(text, 'a', sizeof text);
        memcpy(text + at, "xyz", 3);
        (void)snprintf(want, sizeof want, "%zu-%zu ", at, at + 3);
        expect_places("(?<=a)xyz(?=a)", 0, (struct weir_slice){text, sizeof text}, at & 1, want);
        expect_places("\\b(?:xyz|a+yz)", 0, (struct weir_slice){text, sizeof text}, false, "");
    }
    for (size_t i = 0; i + 1 < sizeof text;
         i += 2) /* e with an accent, so half of all offsets are inside of one */
        memcpy(text + i, "\xc3\xa9", 2);
    text[4000] = 'z';
    text[4001] = 'z';
    expect_places("\xc3\xa9zz\xc3\xa9", 0, (struct weir_slice){text, sizeof text}, false, "3998-4004 ");
    expect_places("(?s)^.{2002}\xc3\xa9", 0, (struct weir_slice){text, sizeof text}, true, "0-4004 ");
}

static void texts_that_are_no_utf8_are_told(void **state)
{
    static const char *const bad[] = {"a\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf8\x88\x80\x80\x80",
                                      "\x80"};
    struct regex *re = compiled("^a", 0);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(regex_find(re, slice(bad[i]), false), REGEX_NOT_UTF8);
    assert_int_equal(regex_next(re), REGEX_NONE);
    assert_string_equal(regex_error(REGEX_NOT_UTF8), "the text is not UTF-8");
    regex_free(re);
}

static double cpu_seconds(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A text of n times unit and then tail ends at the limit of steps, of memory or of time. */
static void expect_limit(const char *pattern, const char *unit, size_t n, const char *tail)
{
    struct regex *re = compiled(pattern, 0);
    size_t len = strlen(unit), all = n * len + strlen(tail);
    char *text = malloc(all + 1);
    double before = cpu_seconds();
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, unit, len);
    memcpy(text + n * len, tail, strlen(tail));
    if (regex_find(re, (struct weir_slice){text, all}, false) != REGEX_LIMIT)
        fail_msg("%s did not come to its limit", pattern);
    print_message("%-28s %zu bytes: %.3f s\n", pattern, all, cpu_seconds() - before);
    assert_true(cpu_seconds() - before < 20); /* with sanitizers and valgrind too */
    assert_int_equal(regex_next(re), REGEX_NONE);
    assert_int_equal(regex_find(re, slice("-"), false), REGEX_NONE); /* and it goes on working */
    free(text);
    regex_free(re);
}

static void nothing_takes_the_thread_for_long(void **state)
{
    (void)state;
    expect_limit("(a+)+$", "a", 31, "!");
    expect_limit("(a+)+$", "a", 100 << 10, "!");
    expect_limit("(*NO_JIT)(a+)+$", "a", 100 << 10, "!");
    expect_limit("(a|a)*[bc]$", "a", 100 << 10, "!");
    expect_limit("(*NO_JIT)(a|a)*[bc]$", "a", 100 << 10, "!");
    expect_limit("^(([a-z])+.)+[A-Z]([a-z])+$", "a", 1000, "");
    expect_limit("(x+x+)+[yz]", "xxxxxxxxxxxxxx-", 20000, ""); /* each place is cheap enough, all are not */
    expect_limit("^.*?[yz]", "a", 1 << 20, "z"); /* as many steps as bytes: each could read the text */
    expect_limit("a", "b", REGEX_TEXT_MAX + 1, "");
}

/* As systemd's MemoryDenyWriteExecute= has it: PCRE2 interprets then, which is the same.  In a process of its own, as
 * there is no way back; kernels before 6.3 do not know it. */
static void memory_need_not_be_executable(void **state)
{
    int status = 0;
    pid_t child = fork();
    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        char said[300];
        struct regex *re;
        if (prctl(PR_SET_MDWE, 1 /* PR_MDWE_REFUSE_EXEC_GAIN */, 0, 0, 0) != 0)
            _exit(77);
        re = regex_compile(&ctx, "^(?<x>(a+)+)$", 0, said, sizeof said);
        _exit(re && regex_find(re, slice("aaa"), false) == REGEX_FOUND &&
                      regex_find(re, slice("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), false) == REGEX_LIMIT
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_wrong_pattern_is_told_with_its_column(void **state)
{
    static const struct {
        const char *pattern, *why;
    } table[] = {
        {"a(b", "column 4: missing closing parenthesis"},
        {"\xc3\xa9(\xc3\xa9", "column 4: missing closing parenthesis"},
        {"a[b", "column 4: missing terminating ] for character class"},
        {"*", "column 1: quantifier does not follow a repeatable item"},
        {"(?<a>x)(?<a>y)", "column 13: two named subpatterns have the same name (PCRE2_DUPNAMES not set)"},
        {"ab\\Gc", "column 3: \\G is not supported"},
        {"\\\\\\Qa\\\\E\\G", "column 9: \\G is not supported"},
        {"a\\Cb", "column 4: using \\C is disabled by the application"},
    };
    char *huge = malloc(REGEX_PATTERN_MAX + 2);
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_null(regex_compile(&ctx, table[i].pattern, 0, why, sizeof why));
        assert_string_equal(why, table[i].why);
    }
    assert_null(regex_compile(&ctx, "a\xff", 0, why, sizeof why));
    assert_null(regex_compile(&ctx, "(((a{1000}){1000}){1000}){1000}", 0, why, sizeof why));
    assert_non_null(huge);
    memset(huge, 'a', REGEX_PATTERN_MAX + 1);
    huge[REGEX_PATTERN_MAX + 1] = '\0';
    assert_null(regex_compile(&ctx, huge, 0, why, sizeof why));
    assert_string_equal(why, "it has 65536 bytes, and 65535 are allowed");
    free(huge);
    regex_free(compiled("(?<a>x)|(?<a>y)", REGEX_SAME_NAMES));
    regex_free(compiled("\\Q\\G\\E\\\\G", 0));
    assert_int_equal(held, 0);
}

static void expect_replaced(const char *pattern, const char *replacement, uint32_t most, const char *in,
                            const char *out)
{
    struct regex *re = compiled(pattern, 0);
    struct regex_subst *s = regex_subst_compile(re, &ctx, replacement, why, sizeof why);
    struct weir_slice got;
    if (!s)
        fail_msg("%s: %s", replacement, why);
    for (int again = 0; again < 2; again++) {
        int r = regex_replace(s, slice(in), again, most, 1000, &got);
        assert_int_equal(r, out ? REGEX_FOUND : REGEX_NONE);
        assert_slice(got, out ? out : in);
    }
    regex_subst_free(s);
    regex_free(re);
    assert_int_equal(held, 0);
}

static void replacing_follows_java(void **state)
{
    (void)state;
    expect_replaced("(.*)-(.*)", "$2_$1", 1, "a-b", "b_a");
    expect_replaced("\\d", "#", 0, "1a2b3", "#a#b#");
    expect_replaced("\\d", "#", 2, "1a2b3", "#a#b3");
    expect_replaced("x*", "-", 0, "abc", "-a-b-c-");
    expect_replaced("x*", "-", 0, "xab", "--a-b-");
    expect_replaced("(?s).*", "-", 0, "ab", "--");
    expect_replaced("(a)(b)?", "[$1$2]", 0, "aba", "[ab][a]");
    expect_replaced("(a)", "$12", 0, "a", "a2");
    expect_replaced("(a)", "${1}2$0", 0, "a", "a2a");
    expect_replaced("(?<who>\\w+)", "<$who>${who}s", 0, "ann", "<ann>anns");
    expect_replaced("a", "$$\\$\\\\\xc3\xa9", 0, "a", "$$\\\xc3\xa9");
    expect_replaced("a", "", 0, "aa", "");
    expect_replaced("a", "$$", 0, "b", NULL);
    expect_replaced("a", "x", 0, "", NULL);
    expect_replaced("(1)(2)(3)(4)(5)(6)(7)(8)(9)(a)(b)", "$11$10$01", 1, "123456789ab!", "ba1!");
}

static void a_wrong_replacement_is_told_with_its_column(void **state)
{
    static const struct {
        const char *text, *why;
    } table[] = {
        {"a$", "column 2: behind $ comes the number or the name of a group; a dollar sign itself is $$"},
        {"\xc3\xa9$ x",
         "column 2: behind $ comes the number or the name of a group; a dollar sign itself is $$"},
        {"$2", "column 1: there is no group 2, for the regex has 1"},
        {"${12}", "column 1: there is no group 12, for the regex has 1"},
        {"${99999999999999999999}", "column 1: there is no group 99999999999999999999, for the regex has 1"},
        {"$nam", "column 1: the regex has no group named 'nam'"},
        {"${name", "column 7: a } is missing here"},
        {"${name x}", "column 7: a } is missing here"},
        {"\\d", "column 1: a backslash stands before $ or another one; a backslash itself is \\\\"},
        {"\\", "column 1: a backslash stands before $ or another one; a backslash itself is \\\\"},
    };
    struct regex *re = compiled("(?<name>x)", 0);
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_null(regex_subst_compile(re, &ctx, table[i].text, why, sizeof why));
        assert_string_equal(why, table[i].why);
    }
    regex_free(re);
    assert_int_equal(held, 0);
}

static void what_replacing_makes_has_a_limit(void **state)
{
    struct regex *re = compiled("a", 0);
    struct regex_subst *s = regex_subst_compile(re, &ctx, "bbbb", why, sizeof why);
    struct weir_slice got;
    (void)state;
    assert_non_null(s);
    assert_int_equal(regex_replace(s, slice("aaa"), true, 0, 11, &got), REGEX_TOO_LONG);
    assert_int_equal(regex_replace(s, slice("aaa"), true, 0, 12, &got), REGEX_FOUND);
    assert_int_equal(regex_replace(s, slice("aa----"), true, 0, 11, &got), REGEX_TOO_LONG);
    assert_int_equal(regex_replace(s, slice("\xff"), false, 0, 12, &got), REGEX_NOT_UTF8);
    regex_subst_free(s);
    regex_free(re);
}

static void as_in_a_json_schema(void **state)
{
    struct regex *re = compiled("^a$", 0), *ecma = compiled("^a$", REGEX_ECMA);
    (void)state;
    assert_int_equal(regex_find(re, (struct weir_slice){"a\n", 2}, true), REGEX_FOUND);
    assert_int_equal(regex_find(ecma, (struct weir_slice){"a\n", 2}, true), REGEX_NONE);
    assert_int_equal(regex_find(ecma, (struct weir_slice){"a", 1}, true), REGEX_FOUND);
    regex_free(re);
    regex_free(ecma);
    re = compiled("^\\u00e9[^]$", REGEX_ECMA);
    assert_int_equal(regex_find(re, (struct weir_slice){"\xc3\xa9\n", 3}, true), REGEX_FOUND);
    regex_free(re);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_in_a_json_schema),
        cmocka_unit_test(groups_are_found_and_listed),
        cmocka_unit_test(every_place_is_found),
        cmocka_unit_test(what_moves_the_start_out_of_the_match_is_told),
        cmocka_unit_test(windows_change_nothing),
        cmocka_unit_test(texts_that_are_no_utf8_are_told),
        cmocka_unit_test(nothing_takes_the_thread_for_long),
        cmocka_unit_test(memory_need_not_be_executable),
        cmocka_unit_test(a_wrong_pattern_is_told_with_its_column),
        cmocka_unit_test(replacing_follows_java),
        cmocka_unit_test(a_wrong_replacement_is_told_with_its_column),
        cmocka_unit_test(what_replacing_makes_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
