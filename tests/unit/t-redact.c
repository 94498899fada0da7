/* SPDX-License-Identifier: BSD-2-Clause */
/* t-redact.c - the transform redact: what is found, what becomes of it, and that nothing passes unlooked at. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* One value through one configuration: what comes out, why it failed, or "(dropped)". */
static void expect(const char *options, const char *in, const char *out)
{
    struct harness *h = harness_start("redact", WEIR_TRANSFORM, options);
    const char *got = "(dropped)";
    assert_int_equal(harness_process(h, harness_values(h, &in, 1)), WEIR_OK);
    if (harness_out_count(h)) {
        const struct harness_out *o = harness_out(h, 0);
        const char *value = harness_out_value(h, 0);
        got = o->how == HARNESS_REJECT ? o->result.why : value ? value : "(tombstone)";
    }
    assert_string_equal(got, out);
    harness_free(h);
}

/* The pattern in lines of text: what of each is found stands in <> in the second. */
static void finds(const char *pattern, const char *const (*rows)[2], size_t n)
{
    char options[200], marked[400];
    (void)snprintf(options, sizeof options, "of = text\naction = replace\nreplacement = <>\npatterns = %s\n",
                   pattern);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        const char *p = rows[i][1];
        for (; *p; p++) {
            marked[at++] = *p;
            if (*p == '<')
                p += strcspn(p, ">") - 1;
        }
        marked[at] = '\0';
        expect(options, rows[i][0], marked);
    }
}
#define FINDS(pattern, ...)                                                                                  \
    finds(pattern, (const char *const[][2]){__VA_ARGS__},                                                    \
          sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(char *[2]))

static void cards_are_found_by_their_sum(void **state)
{
    (void)state;
    FINDS("card", {"4111111111111111", "<4111111111111111>"}, {"4111111111111112", "4111111111111112"},
          {"card 4111 1111 1111 1111, exp 12/27", "card <4111 1111 1111 1111>, exp 12/27"},
          {"5555-5555-5555-4444.", "<5555-5555-5555-4444>."},
          {"amex 378282246310005!", "amex <378282246310005>!"},
          {"12 4111111111111111 99", "12 <4111111111111111> 99"}, {"n:4222222222222", "n:<4222222222222>"},
          {"order 1234567890123452", "order 1234567890123452"}, {"1700000000123", "1700000000123"},
          {"0.4111111111111111", "0.4111111111111111"}, {"a4111111111111111", "a4111111111111111"},
          {"41111111111111110", "41111111111111110"}, {"4111 1111\n1111 1111", "4111 1111\n1111 1111"},
          {"2223003122003222 6011111111111117", "<2223003122003222> <6011111111111117>"},
          {"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "<4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1>"}, {"", ""},
          {"4111", "4111"});
}

/* As a double is printed, and other ways to say the same number. */
static void cards_are_found_where_an_exponent_says_them(void **state)
{
    (void)state;
    FINDS("card", {"4.111111111111111E15", "<4.111111111111111E15>"},
          {"n=4.111111111111111e+15, 1", "n=<4.111111111111111e+15>, 1"},
          {"3.78282246310005e14", "<3.78282246310005e14>"}, {"4111111111111111e0", "<4111111111111111e0>"},
          {"41111111111111110e-1", "<41111111111111110e-1>"},
          {"0.04111111111111111e17", "<0.04111111111111111e17>"},
          {"41111.11111111111e11", "41111.11111111111e11"}, {"4.111111111111112E15", "4.111111111111112E15"},
          {"4.111111111111111E14", "4.111111111111111E14"}, {"4.111111111111111E16", "4.111111111111111E16"},
          {"4.111111111111111E400", "4.111111111111111E400"},
          {"4.111111111111111E-15", "4.111111111111111E-15"}, {"4.111111111111111E", "4.111111111111111E"},
          {"4.111111111111111E+", "4.111111111111111E+"}, {"4.111111111111111E15x", "4.111111111111111E15x"},
          {"v1.4.111111111111111E15", "v1.4.111111111111111E15"}, {"6.0000000007e13", "6.0000000007e13"},
          {"1e99999999999999999999", "1e99999999999999999999"}, {"0.000000000000e15", "0.000000000000e15"},
          {"4111111111111111.", "<4111111111111111>."}, {"4111111111111.", "4111111111111."},
          {"4111 1111 1111 1111e0", "4111 1111 1111 1111e0"},
          {"12345.e1 4111111111111111", "12345.e1 <4111111111111111>"});
    expect("patterns = card\n", "{\"n\":4.111111111111111E15,\"m\":1e400}",
           "{\"n\":\"********************\",\"m\":1e400}");
}

static void ibans_are_found_by_their_sum(void **state)
{
    (void)state;
    FINDS("iban", {"DE89370400440532013000", "<DE89370400440532013000>"},
          {"to DE89 3704 0044 0532 0130 00 EUR", "to <DE89 3704 0044 0532 0130 00> EUR"},
          {"gb29nwbk60161331926819", "<gb29nwbk60161331926819>"},
          {"DE88370400440532013000", "DE88370400440532013000"}, {"NO9386011117947", "<NO9386011117947>"},
          {"MT84MALT011000012345MTLCAST001S", "<MT84MALT011000012345MTLCAST001S>"},
          {"XDE89370400440532013000", "XDE89370400440532013000"},
          {"a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t u v "
           "w x y z a b c d e f "
           "g h i j k l m n o p q r s t u v w x y z DE89 3704 0044 0532 0130 00",
           "a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p q r s t u v "
           "w x y z a b c d e f "
           "g h i j k l m n o p q r s t u v w x y z <DE89 3704 0044 0532 0130 00>"});
}

static void mail_addresses(void **state)
{
    (void)state;
    FINDS("mail", {"(a.b+c@mail.example.org)", "(<a.b+c@mail.example.org>)"}, {"a@b", "a@b"},
          {"@b.de", "@b.de"}, {"a@b.de.", "<a@b.de>."}, {"mailto:a@b.de?x", "mailto:<a@b.de>?x"},
          {"user=a@b.de&x=1", "user=<a@b.de>&x=1"}, {"'a@b.de'", "'<a@b.de>'"},
          {"o'brien@x.ie", "<o'brien@x.ie>"}, {"\"a b\"@x.de", "<\"a b\"@x.de>"},
          {"zo\xc3\xab@m\xc3\xbcller.de", "<zo\xc3\xab@m\xc3\xbcller.de>"},
          {"a@b.de,c@d.de", "<a@b.de>,<c@d.de>"}, {"a@@b.de", "a@@b.de"}, {"a@b.de@c.de", "<a@b.de@c.de>"},
          {"a@b.de.1", "<a@b.de>.1"}, {"a@b.c.", "a@b.c."}, {"x@10.0.0.1", "x@10.0.0.1"}, {"a@b.c", "a@b.c"},
          {"\xff@b.de", "<\xff@b.de>"});
}

static void addresses_of_machines(void **state)
{
    (void)state;
    FINDS("ip", {"10.0.0.1", "<10.0.0.1>"}, {"from 10.0.0.1:80.", "from <10.0.0.1>:80."},
          {"1.2.3.4.5", "1.2.3.4.5"}, {"256.1.1.1", "256.1.1.1"}, {"v1.2.3.4", "v1.2.3.4"},
          {"1.2.3.4rc1", "1.2.3.4rc1"}, {"10.0.0.1..10.0.0.9", "<10.0.0.1>..<10.0.0.9>"}, {"::1", "<::1>"},
          {"[2001:db8::1]:80", "[<2001:db8::1>]:80"}, {"2001:db8:0:0:0:0:0:1", "<2001:db8:0:0:0:0:0:1>"},
          {"addr:2001:db8::1, x", "addr:<2001:db8::1>, x"},
          {"a:2001:db8:0:0:0:0:0:1", "a:<2001:db8:0:0:0:0:0:1>"}, {"::ffff:10.0.0.1", "<::ffff:10.0.0.1>"},
          {"fe80::1%eth0", "<fe80::1>%eth0"}, {"12:30:45.123", "12:30:45.123"},
          {"std::abc::def", "std::abc::def"}, {"00:1b:44:11:3a:b7", "00:1b:44:11:3a:b7"},
          {"at 2001:db8::1: no", "at <2001:db8::1>: no"}, {"", ""}, {":", ":"}, {"::", "::"});
}

static void tokens(void **state)
{
    (void)state;
    FINDS(
        "token", {"AKIAIOSFODNN7EXAMPLE", "<AKIAIOSFODNN7EXAMPLE>"}, {"AKIASHORT", "AKIASHORT"},
        {"t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln x", "t <eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln> x"},
        {"Authorization: Bearer abcDEF123456", "Authorization: Bearer <abcDEF123456>"},
        {"basic dXNlcjpwYXNz", "basic <dXNlcjpwYXNz>"}, {"basic understanding", "basic understanding"},
        {"?password=hunter2&x=1", "?password=<hunter2>&x=1"}, {"DB_PASSWORD: 'a b'", "DB_PASSWORD: '<a b>'"},
        {"{\"apiKey\": \"xyz\"}", "{\"apiKey\": \"<xyz>\"}"}, {"password=", "password="},
        {"postgres://bob:pw@db/x", "postgres://<bob:pw>@db/x"}, {"http://db/x@y", "http://db/x@y"},
        {"ghp_0123456789abcdefghijABCDEFGHIJ012345", "<ghp_0123456789abcdefghijABCDEFGHIJ012345>"},
        {"the token is gone", "the token is gone"});
    FINDS(
        "token", {"{\"password\":\"a\\\"b c\"}", "{\"password\":\"<a\\\"b c>\"}"},
        {"{\"pwd\":\"a\\\\\",\"n\":1}", "{\"pwd\":\"<a\\\\>\",\"n\":1}"},
        {"{\"m\":\"{\\\"password\\\": \\\"a b\\\"} c\"}", "{\"m\":\"{\\\"password\\\": \\\"<a b>\\\"} c\"}"},
        {"{\\\"pwd\\\":\\\"a\\\\\\\"b\\\"}", "{\\\"pwd\\\":\\\"<a\\\\\\\"b>\\\"}"},
        {"{\\\"pwd\\\":\\\"\\\"}", "{\\\"pwd\\\":\\\"\\\"}"}, {"pwd=\"a b", "pwd=\"<a b>"},
        {"pwd=\\a b", "pwd=<\\a> b"});
}

static void several_patterns_find_together(void **state)
{
    (void)state;
    FINDS("\"mail, card\"\npattern.plate = \"\\b[A-Z]{2} [0-9]{4}\\b\"\npattern.id = \"id=(\\w+)\"",
          {"id=42 a@b.de WE 1234 4111111111111111", "id=<42> <a@b.de> <WE 1234> <4111111111111111>"},
          {"id=a@b.de", "id=<a@b.de>"});
}

static void what_becomes_of_it(void **state)
{
    const char *in = "{\"a\":\"4111111111111111\",\"b\":\"ab\",\"n\":1.50}";
    (void)state;
    expect("fields = .a\n", in, "{\"a\":\"****************\",\"b\":\"ab\",\"n\":1.50}");
    expect("fields = .a, .b\nkeep-last = 4\n", in, "{\"a\":\"************1111\",\"b\":\"**\",\"n\":1.50}");
    expect("fields = .b\nmask-character = \xe2\x80\xa2\nkeep-last = 1\n", in,
           "{\"a\":\"4111111111111111\",\"b\":\"\xe2\x80\xa2"
           "b\",\"n\":1.50}");
    expect("fields = .a, .n, .none\naction = replace\nreplacement = a\"gone\n", in,
           "{\"a\":\"a\\\"gone\",\"b\":\"ab\",\"n\":\"a\\\"gone\"}");
    expect("fields = .a\naction = drop\n", in, "{\"b\":\"ab\",\"n\":1.50}");
    expect("fields = .a, .n\naction = blank\n", in, "{\"a\":\"\",\"b\":\"ab\",\"n\":0.0}");
    expect("fields = .b, .n\naction = blank\nreplacement = 7\n", in,
           "{\"a\":\"4111111111111111\",\"b\":\"7\",\"n\":7}");
    expect("fields = .n\naction = blank\nreplacement = x\n", in,
           "replacement is no number, and can't stand for one");
    /* RFC 4231, test case 2: the key and the text are known, and the sum */
    expect("fields = .a\naction = hash\nkey = Jefe\n", "{\"a\":\"what do ya want for nothing?\"}",
           "{\"a\":\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"}");
}

static void values_of_every_type(void **state)
{
    const char *in = "{\"a\":{\"s\":\"xy\",\"n\":-12,\"t\":true,\"z\":null,\"l\":[1,\"\\u00e9\"]}}";
    (void)state;
    expect("fields = .a\n", in,
           "{\"a\":{\"s\":\"**\",\"n\":\"***\",\"t\":\"****\",\"z\":null,\"l\":[\"*\",\"*\"]}}");
    expect("fields = .a\naction = replace\nreplacement = x\n", in, "{\"a\":\"x\"}");
    expect("fields = .a\naction = blank\n", in, "{\"a\":{}}");
    expect("fields = .a.s, .a.n, .a.t, .a.z, .a.l\naction = blank\n", in,
           "{\"a\":{\"s\":\"\",\"n\":0,\"t\":false,\"z\":null,\"l\":[]}}");
    expect("fields = .a.n, .a.t, .a.z\naction = drop\n", in, "{\"a\":{\"s\":\"xy\",\"l\":[1,\"\\u00e9\"]}}");
    expect("fields = .a[0], .a[1], .b\naction = drop\n", "{\"a\":[1,2,3],\"b\":4}", "{\"a\":[null,null,3]}");
    expect("fields = .a[-1], .a[-2]\naction = drop\n", "{\"a\":[1,2,3]}", "{\"a\":[1,null,null]}");
    expect("fields = .\"odd name\"\n", "{\"odd name\":\"x\"}", "{\"odd name\":\"*\"}");
    expect("fields = .\n", "\"x\"", "\"*\"");
    expect("fields = .\naction = drop\n", "\"x\"", "null");
}

static void a_field_in_another_goes_with_it(void **state)
{
    const char *in = "{\"a\":{\"b\":\"xy\",\"c\":[\"z\"]},\"d\":1}";
    const char *card = "{\"a\":{\"b\":\"4111111111111111\"},\"d\":1}";
    (void)state;
    expect("fields = .a, .a.b\naction = drop\n", in, "{\"d\":1}");
    expect("fields = .a.c[0], .a.b, .a\naction = drop\n", in, "{\"d\":1}");
    expect("fields = .d, .[\"d\"]\naction = drop\n", in, "{\"a\":{\"b\":\"xy\",\"c\":[\"z\"]}}");
    expect("fields = .a.c[0], .a.c[-1]\naction = drop\n", in, "{\"a\":{\"b\":\"xy\",\"c\":[null]},\"d\":1}");
    expect("fields = .l[0], .l[0].x\naction = drop\n", "{\"l\":[{\"x\":1},2]}", "{\"l\":[null,2]}");
    expect("fields = .a, .a.b\naction = replace\nreplacement = x\n", in, "{\"a\":\"x\",\"d\":1}");
    expect("fields = .a, .a.b\naction = blank\n", in, "{\"a\":{},\"d\":1}");
    expect("fields = .a, .a.b\n", in, "{\"a\":{\"b\":\"**\",\"c\":[\"*\"]},\"d\":1}");
    expect("fields = .a, .a.b\npatterns = card\naction = drop\n", card, "{\"d\":1}");
    expect("fields = .a, .a.x\non-missing = reject\n", in, "a field that is to be redacted is missing");
}

static void patterns_in_json(void **state)
{
    const char *mask = "patterns = card, mail\nkeep-last = 2\n";
    (void)state;
    expect(mask, "{ \"a\" : \"to x\\u0040y.de\\n\", \"b\": [ 4111111111111111, {\"c\":1.50} ] }",
           "{ \"a\" : \"to ****de\\n\", \"b\": [ \"**************11\", {\"c\":1.50} ] }");
    expect(mask, "\"x@y.de\"", "\"****de\"");
    expect(mask, "{\"x@y.de\":{\"x@y.de\":\"\\ud800\"}}", "{\"****de\":{\"****de\":\"\\ud800\"}}");
    expect(mask, "{\"a\":\"x@y.de\",\"a\":\"x@y.de\"}", "{\"a\":\"****de\",\"a\":\"****de\"}");
    expect("fields = .a, .b\npatterns = card\n",
           "{\"a\":{\"x\":[\"n 4111111111111111\"]},\"b\":\"no\",\"c\":\"4111111111111111\"}",
           "{\"a\":{\"x\":[\"n ****************\"]},\"b\":\"no\",\"c\":\"4111111111111111\"}");
    expect("fields = .a, .b\npatterns = card\naction = drop\n", "{\"a\":[\"4111111111111111\"],\"b\":\"no\"}",
           "{\"b\":\"no\"}");
    expect("patterns = card\naction = blank\n",
           "{\"a\":\"n 4111111111111111\",\"b\":4111111111111111,\"c\":7}", "{\"a\":\"\",\"b\":0,\"c\":7}");
}

static void text_of_any_kind(void **state)
{
    (void)state;
    expect("of = text\npatterns = mail\n", "a \xff x@y.de", "a \xff ******");
    expect("of = text\n", "secret", "******");
    expect("of = text\naction = blank\n", "secret", "");
    expect("of = text\naction = blank\n", NULL, "(tombstone)");
    expect("of = text\npattern.x = y\n", "a \xff", "pattern.x can't be looked for: the text is not UTF-8");
}

static void what_can_not_be_looked_at_does_not_pass(void **state)
{
    const char *in[] = {"{\"a\":1", "{\"a\":\"x\",\"b\":1,\"b\":2}", NULL,
                        "{\"c\":{\"k\":1},\"d\":{\"\\u006b\":1,\"k\":2}}"};
    struct harness *h = harness_start("redact", WEIR_TRANSFORM, "fields = .a\n");
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, in, 4)), WEIR_OK);
    assert_int_equal(harness_out_count(h), 4);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT);
    assert_int_equal(harness_out(h, 1)->how, HARNESS_REJECT);
    assert_int_equal(harness_out(h, 2)->how, HARNESS_PASS);
    assert_int_equal(harness_out(h, 3)->how, HARNESS_REJECT);
    harness_free(h);
    expect("patterns = card\n", "4111111111111111 x",
           "the value is not JSON: something stands behind the value");
    expect("fields = .a\non-missing = reject\n", "{}", "a field that is to be redacted is missing");
    expect("fields = .a\non-missing = drop\n", "{}", "(dropped)");
    expect("fields = .u.a\n", "{\"u\":{\"a\":1},\"u\":5}",
           "a name stands twice in an object, so a path may not name all there is");
    expect("fields = .a\n", "{\"b\":{\"a\":1},\"c\":{\"a\":1}}", "{\"b\":{\"a\":1},\"c\":{\"a\":1}}");
    expect("pattern.x = \"(a+)+$\"\n",
           "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
           "pattern.x can't be looked for: the regex took more steps than it may");
}

/* Each text alone is searched in a few milliseconds. */
static void many_texts_of_one_record_share_a_time(void **state)
{
    static const char text[] = "\"xxxxxxxxxxxxxxxx-\",";
    static const char slow[] = "pattern.x can't be looked for: the regex took more steps than it may";
    enum { TEXTS = 4000, LEN = sizeof text - 1 };
    char *value = malloc((size_t)TEXTS * LEN + 8), *list = value + 5;
    (void)state;
    assert_non_null(value);
    memcpy(value, "{\"a\":", 5);
    list[0] = '[';
    for (size_t i = 0; i < TEXTS; i++)
        memcpy(list + 1 + i * LEN, text, LEN);
    memcpy(list + (size_t)TEXTS * LEN, "]", 2);
    expect("pattern.x = \"(x+x+)+[yz]\"\n", list, slow);
    expect("pattern.x = y\n", list, list); /* which is not slow */
    memcpy(list + (size_t)TEXTS * LEN, "]}", 3);
    expect("fields = .a\npattern.x = \"(x+x+)+[yz]\"\n", value, slow);
    memcpy(list + LEN, "]}", 3);
    expect("fields = .a\npattern.x = \"(x+x+)+[yz]\"\n", value, value);
    free(value);
}

static void nothing_said_quotes_what_was_hidden(void **state)
{
    struct harness *h =
        harness_start("redact", WEIR_TRANSFORM, "fields = .a\naction = hash\nkey = k3yk3yk3y\n");
    const char *in[] = {"{\"a\":\"s3cret\"}", "{\"a\":\"s3cret\",\"a\":1}", "{\"a\":\"s3cret"};
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, in, 3)), WEIR_OK);
    for (size_t i = 0; i < 3; i++) {
        if (harness_out(h, i)->how == HARNESS_REJECT)
            assert_null(strstr(harness_out(h, i)->result.why, "s3cret"));
        else
            assert_null(strstr(harness_out_value(h, i), "s3cret"));
    }
    assert_null(strstr(harness_log(h), "s3cret"));
    assert_null(strstr(harness_log(h), "k3y"));
    assert_int_equal(harness_metric(h, 0), 1);
    harness_free(h);
}

/* Texts made so that a search from each place would look through all of the rest. */
static void time_is_bounded_by_the_length(void **state)
{
    static const char *const parts[] = {
        "eyJ.", "pwd=", "a@", "\"@x.", "1 ", "::", "1.1.1.1.", "basic ", "://", "AKIA-", "DE89 ", "a:"};
    size_t n = 200000;
    char *in = malloc(n + 1);
    struct timespec begin, end;
    (void)state;
    assert_non_null(in);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct harness *h =
            harness_start("redact", WEIR_TRANSFORM, "of = text\npatterns = card, mail, ip, iban, token\n");
        const char *value = in;
        for (size_t k = 0; k < n; k++)
            in[k] = parts[i][k % strlen(parts[i])];
        in[n] = '\0';
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        assert_int_equal(harness_process(h, harness_values(h, &value, 1)), WEIR_OK);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        assert_true(end.tv_sec - begin.tv_sec < 3);
        assert_int_equal(harness_out_count(h), 1);
        harness_free(h);
    }
    free(in);
}

static void options_that_contradict_are_refused(void **state)
{
    static const char *const rows[][2] = {
        {"", "it is not said what"},
        {"patterns = cards\n", "there is no pattern \"cards\""},
        {"pattern.x = (\n", "pattern.x"},
        {"of = text\nfields = .a\n", "text has no fields"},
        {"patterns = card\naction = drop\n", "drop removes fields"},
        {"fields = .a\naction = replace\n", "needs it"},
        {"fields = .a\nreplacement = x\n", "it is for action"},
        {"fields = .a\naction = hash\n", "needs it"},
        {"fields = .a\nkey = x\n", "it is for action = hash"},
        {"fields = .a\nmask-character = ab\n", "one character"},
        {"fields = .a\nmask-character =\n", "one character"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_non_null(strstr(harness_check("redact", WEIR_TRANSFORM, rows[i][0]), rows[i][1]));
    assert_string_equal(harness_check("redact", WEIR_TRANSFORM, "fields = .a, .b\naction = hash\nkey = x\n"),
                        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_are_found_by_their_sum),
        cmocka_unit_test(cards_are_found_where_an_exponent_says_them),
        cmocka_unit_test(ibans_are_found_by_their_sum),
        cmocka_unit_test(mail_addresses),
        cmocka_unit_test(addresses_of_machines),
        cmocka_unit_test(tokens),
        cmocka_unit_test(several_patterns_find_together),
        cmocka_unit_test(what_becomes_of_it),
        cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(a_field_in_another_goes_with_it),
        cmocka_unit_test(patterns_in_json),
        cmocka_unit_test(text_of_any_kind),
        cmocka_unit_test(what_can_not_be_looked_at_does_not_pass),
        cmocka_unit_test(many_texts_of_one_record_share_a_time),
        cmocka_unit_test(nothing_said_quotes_what_was_hidden),
        cmocka_unit_test(time_is_bounded_by_the_length),
        cmocka_unit_test(options_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
