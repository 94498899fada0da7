/* SPDX-License-Identifier: BSD-2-Clause */
/* t-parse-grok.c - the formats regex and grok of the transform parse, and what each name of grok fits. */
#include "parse_test.h"

#include "../../plugins/common/regex.h"
#include "../../plugins/parse/grok.h"

#include <stdlib.h>

#define UUID_OF_IT "123e4567-e89b-12d3-a456-426614174000"

/* Texts that a name fits as a whole, and texts that it does not; each list is separated by spaces, or by | if it begins
 * with one. */
static const struct {
    const char *name, *good, *bad;
} names[] = {
    {"BASE10NUM", "1 -1.5 +.5 10. 007", "a 1e5 . --1 1.2.3"},
    {"BASE16FLOAT", "0x1f.8 ff 1.a", "g 0x"},
    {"BASE16NUM", "0xFF ff 12", "fg 0xg"},
    {"CISCOMAC", "0011.22aA.4455", "00:11:22:33:44:55 0011.22aa"},
    {"COMBINEDAPACHELOG",
     "|h - - [22/Nov/2026:00:56:29 +0100] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl \\\"x\\\"\"",
     "|h - - [22/Nov/2026:00:56:29 +0100] \"GET / HTTP/1.1\" 200 5"},
    {"COMMONAPACHELOG",
     "|203.0.113.9 - ann [22/Nov/2026:00:56:29 +0100] \"GET / HTTP/1.1\" 200 -|::1 - - [2/Nov/2026:00:56:29 "
     "-0800] "
     "\"\\x16\\x03\" - 5",
     "|h - - [22/Nov/2026] \"GET / HTTP/1.1\" 200 5"},
    {"COMMONMAC", "00:11:22:aa:BB:cc", "00:11:22:aa:BB 00-11-22-aa-BB-cc"},
    {"DATA", "||a b", "|a\nb"},
    {"DATE", "11/22/2026 22.11.2026 22-11-26", "2026-11-22 32.13.2026"},
    {"DATESTAMP", "|22.11.2026-00:56:29|11/22/2026 23:59", "|22.11.2026"},
    {"DATESTAMP_EVENTLOG", "20261122005629", "20261322005629 2026-11-22"},
    {"DATESTAMP_OTHER", "|Sun Nov 22 00:56:29 UTC 2026", "|Sun Nov 22 00:56:29 2026"},
    {"DATESTAMP_RFC2822", "|Sun, 22 Nov 2026 00:56:29 +0000", "|Sun 22 Nov 2026 00:56:29 +0000"},
    {"DATESTAMP_RFC822", "|Sun Nov 22 2026 00:56:29 GMT", "|Sun Nov 22 2026 00:56"},
    {"DATE_EU", "22.11.2026 1-2-26 22/11/2026", "11/22/2026"},
    {"DATE_US", "11/22/2026 1-2-26", "22/11/2026 11.22.2026"},
    {"DAY", "Mon Tuesday Wed Thursday Fri Saturday Sun", "Mond mon M"},
    {"EMAILADDRESS", "a@b a.b+c@example.com", "a@ @b a..b@c"},
    {"EMAILLOCALPART", "a a.b {x}", ".a a. a@"},
    {"GREEDYDATA", "||a b", "|a\nb"},
    {"HOST", "example.com", "-a"},
    {"HOSTNAME", "a a-b.example.com xn--a.de example.com. web_1 1.2.3.4 a.", "-a .a a..b a.- \xc3\xa9.de"},
    {"HOSTPORT", "a:80 10.0.0.1:8080", "::1:80 a a:0 a:x"},
    {"HOUR", "0 09 19 23", "24 x 001"},
    {"HTTPDATE", "|22/Nov/2026:00:56:29 +0100", "|22/11/2026:00:56:29 +0100|22/Nov/2026 00:56:29 +0100"},
    {"HTTPDUSER", "- ann ann@example.com", "|ann smith"},
    {"HTTPD_COMBINEDLOG", "|h - - [22/Nov/2026:00:56:29 +0100] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"", "|h"},
    {"HTTPD_COMMONLOG", "|h - - [22/Nov/2026:00:56:29 +0100] \"GET /\" 200 5", "|h"},
    {"INT", "1 -1 +007", "1.5 - a"},
    {"IP", "10.0.0.1 ::1", "10.0.0 x"},
    {"IPORHOST", "10.0.0.1 ::1 example.com", "-"},
    {"IPV4", "0.0.0.0 255.255.255.255 10.1.2.3", "256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4"},
    {"IPV6",
     "::1 :: 2001:db8::1 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 fe80::1%eth0 ::ffff:10.0.0.1 "
     "64:ff9b::10.0.0.1 1:2:3:4:5:6:10.0.0.1 1::8 1:2::7:8",
     "1 1:2 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::2::3 ::g 12345::1 :1 1:"},
    {"ISO8601_SECOND", "00 59.123 60", "61"},
    {"ISO8601_TIMEZONE", "Z +01:00 -0800 +01", "01:00 z"},
    {"JAVACLASS", "a.b.C$D Main", "1a a..b"},
    {"JAVAFILE", "Main.java", "a/b"},
    {"JAVAMETHOD", "<init> main", "<x>"},
    {"LOGLEVEL", "INFO warn Warning ERROR err Information", "informational x"},
    {"MAC", "00:11:22:aa:BB:cc 00-11-22-aa-BB-cc 0011.22aa.4455", "00:11"},
    {"MINUTE", "00 59", "60 5"},
    {"MONTH", "Jan January May Sep Sept September Dec", "jan Januar J"},
    {"MONTHDAY", "1 01 31", "0 00 32"},
    {"MONTHNUM", "1 01 12", "0 13"},
    {"MONTHNUM2", "01 12", "1 13"},
    {"NONNEGINT", "0 12", "-1 a"},
    {"NOTSPACE", "a,b \xc3\xa9", "|a b|"},
    {"NUMBER", "1 -1.5", "a"},
    {"PATH", "/a/b C:\\a\\b", "a"},
    {"POSINT", "1 10", "0 01 -1"},
    {"PROG", "sshd postfix/smtpd", "|a b|a[1]"},
    {"QS", "\"a\"", "a"},
    {"QUOTEDSTRING", "|\"a b\"|\"a\\\"b\"|'a'|`a`|\"\"", "\"a \"a\"b\" 'a\""},
    {"SECOND", "00 59 60 5 30.123 30,5", "61 30."},
    {"SPACE", "| |\t", "a"},
    {"SYSLOGBASE",
     "|Nov 22 00:56:29 web-1 sshd[12]:|Nov  2 00:56:29 <3.6> 10.0.0.1 kernel:", "|Nov 22 web-1 sshd:"},
    {"SYSLOGFACILITY", "<3.6>", "<3>"},
    {"SYSLOGHOST", "web-1 10.0.0.1", "-"},
    {"SYSLOGPROG", "sshd sshd[12]", "sshd[] sshd[0]"},
    {"SYSLOGTIMESTAMP", "|Nov 22 00:56:29|Nov  2 00:56:29", "|22 Nov 00:56:29"},
    {"TIME", "00:56:29 23:59 00:56:29.123", "24:00:00 00:60:00 00:56:299"},
    {"TIMESTAMP_ISO8601",
     "|2026-11-22T00:56:29Z|2026-11-22 00:56:29,123|2026-11-22T00:56:29.1+01:00|2026-11-22T00:56",
     "2026-11-22 2026-13-22T00:56:29 22-11-2026T00"},
    {"TTY", "/dev/pts/0 /dev/tty1 /dev/console", "/dev/null"},
    {"TZ", "UTC GMT CET PST CEST EDT", "utc +01:00"},
    {"UNIXPATH", "/ /a/b.c /a%20b", "a /a?b"},
    {"URI", "http://example.com/a?b=c https://ann:x@example.com:8080 file:///a http://[::1]:80/",
     "example.com http:"},
    {"URIHOST", "example.com example.com:80 [::1]:80", "[a]"},
    {"URIPARAM", "?a=b&c ?", "a ?\"x"},
    {"URIPATH", "/ /a/b;c=1", "a /a?b"},
    {"URIPATHPARAM", "/a /a?b=c", "?b"},
    {"URIPROTO", "http a+b", "1a a:"},
    {"USER", "ann a.b-c_d", "a@b"},
    {"USERNAME", "ann a.b-c_d -", "a@b"},
    {"UUID", UUID_OF_IT, "123e4567-e89b-12d3-a456 " UUID_OF_IT "0"},
    {"WINDOWSMAC", "00-11-22-aa-BB-cc", "00:11:22:aa:BB:cc"},
    {"WINPATH", "C:\\a\\b \\\\srv\\x", "/a C:"},
    {"WORD", "a a_1", "a-b \xc3\xa9"},
    {"YEAR", "26 2026", "202 20261"},
};

/* host->mem, and nothing else of it. */
static void *mem(struct weir_ctx *ctx, void *old, size_t n)
{
    (void)ctx;
    if (n)
        return realloc(old, n);
    free(old);
    return NULL;
}
static const struct weir_host host = {.struct_size = sizeof host, .mem = mem};
static struct weir_ctx ctx = {&host};
static const struct weir_map nothing;

static void expect_each(struct regex *re, const char *name, const char *texts, int found)
{
    char separator[2] = {texts[0] == '|' ? '|' : ' ', '\0'};
    for (const char *p = texts + (texts[0] == '|');; p++) {
        size_t n = strcspn(p, separator);
        int r = regex_find(re, (struct weir_slice){p, n}, false);
        if (r != found)
            fail_msg("%s on \"%.*s\": %d", name, (int)n, p, r);
        p += n;
        if (!*p)
            return;
    }
}

static void every_name_fits_what_it_says(void **state)
{
    (void)state;
    assert_int_equal(sizeof names / sizeof *names, grok_names_count);
    for (size_t i = 0; i < grok_names_count; i++) {
        char pattern[100], why[300];
        struct grok g;
        struct regex *re;
        assert_string_equal(names[i].name, grok_names[i].name);
        assert_true(i == 0 || strcmp(grok_names[i - 1].name, grok_names[i].name) < 0);
        (void)snprintf(pattern, sizeof pattern, "^%%{%s:it}$", names[i].name);
        if (!grok_expand(&g, &ctx, pattern, &nothing, why, sizeof why))
            fail_msg("%s: %s", names[i].name, why);
        re = regex_compile(&ctx, g.regex, REGEX_SAME_NAMES, why, sizeof why);
        if (!re)
            fail_msg("%s: %s: %s", names[i].name, why, g.regex);
        expect_each(re, names[i].name, names[i].good, REGEX_FOUND);
        expect_each(re, names[i].name, names[i].bad, REGEX_NONE);
        regex_free(re);
        grok_free(&g);
    }
}

static void named_groups_become_fields(void **state)
{
    (void)state;
    PARSE_ROWS("format = regex\npattern = ^(?<a>\\w+)(?: (?<b>\\d+))?(?: (?<c>x)?)?$\ntypes.b = integer\n",
               {"ann 007", "{\"a\":\"ann\",\"b\":7}"}, {"ann", "{\"a\":\"ann\"}"},
               {"ann x", "{\"a\":\"ann\",\"c\":\"x\"}"}, {"", "! not regex: the pattern does not fit it"},
               {"ann 1 ", "{\"a\":\"ann\",\"b\":1}"}, {"ann\xff", "! the text is not UTF-8"});
    PARSE_ROWS("format = regex\npattern = (?<n>\\d+)(?<rest>.*)\n",
               {"ab 12 cd", "{\"n\":\"12\",\"rest\":\" cd\"}"}, {"1\n2", "{\"n\":\"1\",\"rest\":\"\"}"},
               {"\xc3\xa9"
                "1\xc3\xa9",
                "{\"n\":\"1\",\"rest\":\"\xc3\xa9\"}"});
    PARSE_ROWS("format = regex\npattern = (?:a(?<x>.)|b(?<x>.))+\n", {"a1", "{\"x\":\"1\"}"},
               {"b2", "{\"x\":\"2\"}"}, {"a1b2", "{\"x\":\"2\"}"});
    PARSE_ROWS("format = regex\npattern.two = ^b(?<b>.)\npattern.one = (?<a>.)\n", {"b1", "{\"b\":\"1\"}"},
               {"c1", "{\"a\":\"c\"}"}, {"", "! none of the patterns fits it"});
    PARSE_ROWS("format = regex\nfield = .m\npattern = (?<a>\\d+)\n",
               {"{\"m\":\"x 5\",\"b\":1}", "{\"b\":1,\"a\":\"5\"}"});
}

static void grok_names_stand_for_regexes(void **state)
{
    (void)state;
    PARSE_ROWS("format = grok\npattern = ^%{IP:client} %{WORD:method} %{NOTSPACE:path} %{NUMBER:bytes:int} "
               "%{NUMBER:took:float}(?: %{WORD:ok:boolean})?$\n",
               {"10.0.0.1 GET /a 007 .50",
                "{\"client\":\"10.0.0.1\",\"method\":\"GET\",\"path\":\"/a\",\"bytes\":7,"
                "\"took\":0.50}"},
               {"::1 GET /a 7 1.0 yes",
                "{\"client\":\"::1\",\"method\":\"GET\",\"path\":\"/a\",\"bytes\":7,\"took\":1.0,"
                "\"ok\":true}"},
               {"::1 GET /a 7.5 1", "! the field bytes is \"7.5\", which is no integer"},
               {"::1 GET /a 7 1 maybe", "! the field ok is \"maybe\", which is no boolean"},
               {"x", "! not grok: the pattern does not fit it"});
    PARSE_ROWS("format = grok\npattern = %{PAIR} %{WORD:b.c-d@e}\ndefine.PAIR = <%{ID:x}(?<y>!)?>\ndefine.ID "
               "= [a-c]+\n"
               "types = auto\n",
               {"<abc> 5", "{\"x\":\"abc\",\"b.c-d@e\":5}"},
               {"<a!> z", "{\"x\":\"a\",\"y\":\"!\",\"b.c-d@e\":\"z\"}"});
    PARSE_ROWS("format = grok\npattern = ^%{WORD:w:string}$\ndefine.WORD = [0-9]\ntypes = auto\n",
               {"5", "{\"w\":\"5\"}"}, {"a", "! does not fit"});
    PARSE_ROWS("format = grok\npattern = \\%{x} %%{INT:n:int}%\n", {"%{x} %5%", "{\"n\":5}"});
    PARSE_ROWS("format = grok\npattern = (?:%{INT:n:int}|%{WORD:n})$\n", {"5", "{\"n\":5}"},
               {"x", "{\"n\":\"x\"}"});
    PARSE_ROWS("format = grok\npattern = ^%{SYSLOGBASE} %{GREEDYDATA:message}$\n",
               {"Nov 22 00:56:29 web-1 sshd[12]: hello",
                "{\"timestamp\":\"Nov 22 "
                "00:56:29\",\"logsource\":\"web-1\",\"program\":\"sshd\",\"pid\":\"12\",\"message\":"
                "\"hello\"}"});
    PARSE_ROWS(
        "format = grok\npattern = ^%{COMBINEDAPACHELOG}$\n",
        {"h - - [22/Nov/2026:00:56:29 +0100] \"GET /a HTTP/1.1\" 200 - \"-\" \"c \\\"x\\\"\"",
         "{\"clientip\":\"h\",\"ident\":\"-\",\"auth\":\"-\",\"timestamp\":\"22/Nov/2026:00:56:29 "
         "+0100\",\"verb\":"
         "\"GET\",\"request\":\"/a\",\"httpversion\":\"1.1\",\"response\":\"200\",\"referrer\":\"\\\"-\\\"\","
         "\"agent\":\"\\\"c \\\\\\\"x\\\\\\\"\\\"\"}"});
}

static void what_never_ends_is_a_record_error(void **state)
{
    struct harness *h = harness_start("parse", WEIR_TRANSFORM, "format = regex\npattern = ^(?<x>(a+)+)$\n");
    enum { LONG = 100 << 10 };
    char *text = malloc(LONG + 2);
    const char *values[2];
    (void)state;
    assert_non_null(text);
    memset(text, 'a', LONG);
    memcpy(text + LONG, "!", 2);
    values[0] = text;
    values[1] = "aa";
    assert_int_equal(harness_process(h, harness_values(h, values, 2)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_REJECT);
    assert_string_equal(harness_out(h, 0)->result.why, "not regex: the regex took more steps than it may");
    assert_string_equal(harness_out_value(h, 1), "{\"x\":\"aa\"}");
    harness_free(h);
    free(text);
}

static void wrong_patterns_are_told(void **state)
{
    static const struct {
        const char *options, *problems;
    } table[] = {
        {"format = regex\n", "pattern: the format regex needs it, or pattern.NAME\n"},
        {"format = grok\n", "pattern: the format grok needs it, or pattern.NAME\n"},
        {"format = regex\npattern = (?<a>x\n", "pattern: column 7: missing closing parenthesis\n"},
        {"format = regex\npattern = (x)\n",
         "pattern: nothing of it has a name, so it would give no field; (?<field>...) gives one\n"},
        {"format = grok\npattern = %{IP}\n",
         "pattern: nothing of it has a name, so it would give no field; %{NAME:field} gives one\n"},
        {"format = regex\npattern = (?<a>x)\npattern.b = (\npattern.c = [\n",
         "pattern: pattern.b: column 2: missing closing parenthesis\n"
         "pattern: pattern.c: column 2: missing terminating ] for character class\n"},
        {"format = grok\npattern = %{IPX:a}\n", "pattern: there is no pattern IPX; is IP meant?\n"},
        {"format = grok\npattern = %{nubmer:a}\n", "pattern: there is no pattern nubmer; is NUMBER meant?\n"},
        {"format = grok\npattern = %{MYNAM:a}\ndefine.MYNAME = x\n",
         "pattern: there is no pattern MYNAM; is MYNAME meant?\n"},
        {"format = grok\npattern = %{SESSION:a}\n",
         "pattern: there is no pattern SESSION; define.SESSION = REGEX would make one\n"},
        {"format = grok\npattern = %{A:a}\ndefine.A = x%{B}\ndefine.B = %{C}y\ndefine.C = %{A}\n",
         "pattern: the pattern A stands in itself, in C, in B\n"},
        {"format = grok\npattern = %{A:a}\ndefine.A = x%{A}\n", "pattern: the pattern A stands in itself\n"},
        {"format = grok\npattern = %{IP:a:ip}\n",
         "pattern: ip is no type: there are int, float, boolean and string\n"},
        {"format = grok\npattern = %{INT:a:int}\ntypes.a = number\n",
         "pattern: the type of a is said here and by types.a\n"},
        {"format = grok\npattern = %{INT:a} %{INT:\n",
         "pattern: %{INT:...: a reference is %{NAME}, %{NAME:field} or %{NAME:field:type}, and a field's "
         "name has letters, "
         "digits, and any of _ - . @\n"},
        {"format = grok\npattern = %{INT:a}(\n",
         "pattern: it becomes a regex that is wrong, at column 40: missing closing parenthesis: "
         "(?<__0>(?<![0-9])[+-]?[0-9]+(?![0-9]))(\n"},
        {"format = grok\npattern = %{INT:a}(?<__1>x)\n", "pattern: a group's own name can't begin with __\n"},
        {"format = json\npattern = (?<a>x)\n", "pattern: it is for format = regex and format = grok\n"},
        {"format = regex\npattern = (?<a>x)\ndefine.A = x\n", "define.: it is for format = grok\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *got = harness_check("parse", WEIR_TRANSFORM, table[i].options);
        if (strcmp(got, table[i].problems) != 0)
            fail_msg("%s\n%s\nis not\n%s", table[i].options, got, table[i].problems);
    }
}

/* Twice as many with each level: ends at the limit of bytes, soon. */
static void what_grows_without_end_is_told(void **state)
{
    char options[3000] = "format = grok\npattern = %{P0:a}\n", line[60];
    for (int i = 0; i < 30; i++) {
        (void)snprintf(line, sizeof line, "define.P%d = %%{P%d}%%{P%d}\n", i, i + 1, i + 1);
        memcpy(options + strlen(options), line, strlen(line) + 1);
    }
    (void)state;
    memcpy(options + strlen(options), "define.P30 = x\n", 16);
    assert_string_equal(harness_check("parse", WEIR_TRANSFORM, options),
                        "pattern: the pattern becomes a regex of more than 65535 bytes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_fits_what_it_says), cmocka_unit_test(named_groups_become_fields),
        cmocka_unit_test(grok_names_stand_for_regexes), cmocka_unit_test(what_never_ends_is_a_record_error),
        cmocka_unit_test(wrong_patterns_are_told),      cmocka_unit_test(what_grows_without_end_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
