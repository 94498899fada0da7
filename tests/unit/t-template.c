/* SPDX-License-Identifier: BSD-2-Clause */
/* t-template.c - {field} templates: what docs/templates.md promises, names, times, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc_table.h"
#include "record/path.h"
#include "record/template.h"

#include <time.h>

static struct arena scratch;
static struct strbuf out, why;
static char refusal[1024];

static struct json_doc *parse_value(const struct subject *subject, const char **ret_why)
{
    struct json_error error;
    const struct weir_record *record = subject->record;
    struct json_doc *doc = json_parse(subject->scratch, record->value.ptr, record->value.len, &error);
    if (!doc)
        *ret_why = error.why;
    return doc;
}

static struct weir_slice slice(const char *s)
{
    return (struct weir_slice){s, s ? strlen(s) : 0};
}

static struct weir_record example_record(void)
{
    static const struct weir_header tenant = {{"tenant", 6}, {"acme", 4}};
    return (struct weir_record){
        .topic = slice("web.access"),
        .partition = 3,
        .offset = 42,
        .key = slice("user-7"),
        .time_ms = 1700000000123,
        .headers = &tenant,
        .n_headers = 1,
        .value = slice("{\"user\":{\"id\":7,\"name\":\"Zo\\u00eb\"},\"path\":\"a/b\",\"tags\":[\"x\", 1],"
                       "\"empty\":\"\",\"none\":null,\"ratio\":1.50}")};
}

/* The rendered text, or "error: " and the sentence; valid until the next call. */
static const char *render(const char *text, uint32_t flags, const struct weir_record *record)
{
    struct subject subject = {record, parse_value, NULL, &scratch};
    struct weir_template *tpl = template_compile(text, flags, refusal, sizeof refusal);
    if (!tpl)
        print_message("%s: %s\n", text, refusal);
    assert_non_null(tpl);
    arena_reset(&scratch);
    out.len = 0;
    why.len = 0;
    strbuf_str(&out, "kept ");
    strbuf_str(&why, "error: ");
    int rc = template_render(tpl, &subject, &out, &why);
    template_free(tpl);
    if (rc == WEIR_OK) {
        assert_memory_equal(out.data, "kept ", 5);
        return out.data + 5;
    }
    assert_int_equal(rc, WEIR_REJECT);
    assert_string_equal(out.data, "kept ");
    return why.data;
}

static void expect_plain(char **cells, int n)
{
    struct weir_record record = example_record();
    assert_int_equal(n, 2);
    assert_string_equal(render(cells[0], 0, &record), cells[1]);
}

static void expect_name(char **cells, int n)
{
    struct weir_record record = example_record();
    assert_int_equal(n, 2);
    assert_string_equal(render(cells[0], WEIR_F_NAME, &record), cells[1]);
}

static void examples_of_the_page_hold(void **state)
{
    (void)state;
    assert_true(doc_rows("templates.md", "Examples", expect_plain) >= 18);
    assert_int_equal(doc_rows("templates.md", "In names", expect_name), 3);
}

static void expect_refusal(char **cells, int n)
{
    assert_int_equal(n, 2);
    assert_null(template_compile(cells[0], 0, refusal, sizeof refusal));
    assert_string_equal(refusal, cells[1]);
}

static void refusals_of_the_page_hold(void **state)
{
    (void)state;
    assert_int_equal(doc_rows("templates.md", "Refused", expect_refusal), 8);
}

static void slips_are_refused_with_a_column(void **state)
{
    static const struct {
        const char *text;
        uint32_t flags;
    } table[] = {
        {"{", 0},
        {"}", 0},
        {"{}", 0},
        {"a{b", 0},
        {"{{}", 0},
        {"{key}}", 0},
        {"{key", 0},
        {"{ key }", 0},
        {"{.a }", 0},
        {"{.a[}", 0},
        {"{..}", 0},
        {"{.a,}", 0},
        {"{.a?}", 0},
        {"{KEY}", 0},
        {"{key:x}", 0},
        {"{topic:}", 0},
        {"{header}", 0},
        {"{header:}", 0},
        {"{header:|x}", 0},
        {"{time}", 0},
        {"{time:}", 0},
        {"{time:%}", 0},
        {"{time:%B}", 0},
        {"{time:%E}", 0},
        {"{time:%Y", 0},
        {"{timestamp}", 0},
        {"{value}", 0},
        {"{id}", 0},
        {"{|x}", 0},
        {"{.a|{b}}", 0},
        {"{.a|b", 0},
        {"{header:a{b}", 0},
        {"{=}", 0},
        {"{time:%Y/%m}", WEIR_F_NAME},
        {"{.a|}", WEIR_F_NAME},
        {"{.a|.}", WEIR_F_NAME},
        {"{.a|..}", WEIR_F_NAME},
        {"{.a|b/c}", WEIR_F_NAME},
        {"ofset", WEIR_F_FIELD},
        {"7", WEIR_F_FIELD},
        {"offset}", WEIR_F_FIELD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        refusal[0] = '\0';
        if (template_compile(table[i].text, table[i].flags, refusal, sizeof refusal))
            fail_msg("accepted: %s", table[i].text);
        if (strncmp(refusal, "column ", 7) != 0 || strlen(refusal) < 25)
            fail_msg("%s: %s", table[i].text, refusal);
    }
}

static void a_template_without_fields_is_constant(void **state)
{
    static const struct {
        const char *text, *constant;
    } table[] = {{"", ""},        {"plain", "plain"}, {"{{a}}", "{a}"},
                 {"{key}", NULL}, {"a{key}", NULL},   {"}}{{", "}{"}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct weir_template *tpl = template_compile(table[i].text, 0, refusal, sizeof refusal);
        struct weir_slice constant;
        assert_non_null(tpl);
        assert_int_equal(template_constant(tpl, &constant), table[i].constant != NULL);
        if (table[i].constant) {
            assert_int_equal(constant.len, strlen(table[i].constant));
            assert_memory_equal(constant.ptr, table[i].constant, constant.len);
        }
        template_free(tpl);
    }
}

static void absent_metadata_is_missing(void **state)
{
    static const struct weir_header null = {{"h", 1}, {NULL, 0}};
    struct weir_record record = {
        .partition = -1, .offset = -1, .time_ms = WEIR_NO_TIME, .headers = &null, .n_headers = 1};
    static const char *const fields[] = {"key",      "topic",    "partition", "offset", "time:%Y",
                                         "header:h", "header:x", ".a",        "."};
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "{%s}", fields[i]);
        assert_non_null(strstr(render(text, 0, &record), " is missing: "));
        (void)snprintf(text, sizeof text, "<{%s|none}>", fields[i]);
        assert_string_equal(render(text, 0, &record), "<none>");
    }
}

static void a_value_that_is_not_json_lacks_its_fields(void **state)
{
    struct weir_record record = example_record();
    (void)state;
    record.value = slice("plain text");
    assert_string_equal(render("{.a|none}", 0, &record), "none");
    assert_non_null(strstr(render("{.a}", 0, &record), "{.a} is missing: "));
    assert_string_equal(render("{key}", 0, &record), "user-7");
}

static void the_last_header_of_a_name_counts(void **state)
{
    static const struct weir_header headers[] = {
        {{"a", 1}, {"1", 1}}, {{"a", 1}, {"2", 1}}, {{"", 0}, {"", 0}}};
    struct weir_record record = {.headers = headers, .n_headers = 3};
    (void)state;
    assert_string_equal(render("{header:a}", 0, &record), "2");
}

static void a_name_holds_no_separator(void **state)
{
    static const struct {
        const char *key;
        size_t len;
        const char *result;
    } table[] = {
        {"a", 1, "x/a"},
        {"...", 3, "x/..."},
        {".a", 2, "x/.a"},
        {"", 0, "error: {key} is \"\", which is empty and can not be part of a name"},
        {".", 1,
         "error: {key} is \".\", which is a folder's own or its parent's name and can not be part of a name"},
        {"..", 2,
         "error: {key} is \"..\", which is a folder's own or its parent's name and can not be part of a "
         "name"},
        {"/", 1, "error: {key} is \"/\", which holds a slash and can not be part of a name"},
        {"a\0b", 3, "error: {key} is \"a\\x00b\", which holds a NUL and can not be part of a name"},
        {"\xff/\n", 3,
         "error: {key} is \"\\xff\\x2f\\x0a\", which holds a slash and can not be part of a name"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct weir_record record = {.key = {table[i].key, table[i].len}};
        assert_string_equal(render("x/{key}", WEIR_F_NAME, &record), table[i].result);
    }
}

static void a_bare_word_may_name_a_field(void **state)
{
    struct weir_record record = {.offset = 7, .partition = 3};
    (void)state;
    assert_string_equal(render("offset", WEIR_F_FIELD, &record), "7");
    assert_string_equal(render("{partition}", WEIR_F_FIELD, &record), "3");
    assert_string_equal(render("offset", 0, &record), "offset");
}

static void a_long_value_is_cut_in_the_message(void **state)
{
    char key[400];
    struct weir_record record = {.key = {key, sizeof key}};
    (void)state;
    memset(key, '/', sizeof key);
    const char *text = render("{key}", WEIR_F_NAME, &record);
    assert_true(strlen(text) < 200);
    assert_non_null(strstr(text, "///...\""));
}

/* What the C library makes of it; years are padded here, as the C library does not. */
static void print_time(time_t t, char *text, size_t cap)
{
    struct tm tm;
    char rest[64], week[32], iso[16];
    assert_non_null(gmtime_r(&t, &tm));
    assert_true(strftime(rest, sizeof rest, "%m %d %H %M %S %j", &tm) > 0);
    assert_true(strftime(iso, sizeof iso, "%G", &tm) > 0);
    assert_true(strftime(week, sizeof week, "%V %u", &tm) > 0);
    (void)snprintf(text, cap, "%04d %02d %s %04ld %s %04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900,
                   (tm.tm_year + 1900) % 100, rest, strtol(iso, NULL, 10), week, tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void times_are_what_strftime_says(void **state)
{
    const int64_t first = -62135596800, last = 253402300799;
    uint64_t x = 7;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char want[160];
        x = x * 6364136223846793005u + 1442695040888963407u;
        /* days around new year, through twenty years at a time; then any second of the years 1 to 9999 */
        int64_t second = i < 8000 ? first + i / 16 * (int64_t)631138519 + (i % 16 - 8) * 86400
                                  : first + (int64_t)((x >> 20) % (uint64_t)(last - first));
        second = second < first ? first : second;
        struct weir_record record = {.time_ms = second * 1000 + i % 1000};
        print_time((time_t)second, want, sizeof want);
        assert_string_equal(render("{time:%Y %y %m %d %H %M %S %j %G %V %u %F %T}", 0, &record), want);
    }
}

static void times_outside_of_the_calendar_are_missing(void **state)
{
    static const int64_t times[] = {INT64_MAX, INT64_MIN + 1, -62135596801000, 253402300800000};
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct weir_record record = {.time_ms = times[i]};
        assert_non_null(strstr(render("{time:%Y}", 0, &record), "is not in the years 1 to 9999"));
        assert_string_equal(render("{time:%Y|none}", 0, &record), "none");
    }
    struct weir_record first = {.time_ms = -62135596800000}, last = {.time_ms = 253402300799999};
    assert_string_equal(render("{time:%F %T}", 0, &first), "0001-01-01 00:00:00");
    assert_string_equal(render("{time:%F %T}", 0, &last), "9999-12-31 23:59:59");
    struct weir_record before = {.time_ms = -1};
    assert_string_equal(render("{time:%F %T %s}", 0, &before), "1969-12-31 23:59:59 -1");
    assert_string_equal(render("{time:%T.%L}", 0, &before), "23:59:59.999");
}

static void milliseconds_since_1970_are_one_number(void **state)
{
    static const int64_t times[] = {0, 5, 999, 1000, 1700000000123, -1, -999, -1000, -1001, -62135596800000};
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct weir_record record = {.time_ms = times[i]};
        char want[32];
        snprintf(want, sizeof want, "[%lld]", (long long)times[i]);
        assert_string_equal(render("[{time:%s%L}]", 0, &record), want);
    }
    struct weir_record record = {.time_ms = 1005};
    assert_string_equal(render("{time:%s}{time:%L} {time:%L%s%L%%s%L}", 0, &record), "1005 0051005%s005");
}

static struct json_doc *given_doc(const struct subject *subject, const char **ret_why)
{
    (void)ret_why;
    return subject->opaque;
}

static void edited_values_render_as_edited(void **state)
{
    struct weir_record record = {.value = slice("{\"a\":{\"b\":1},\"c\":2}")};
    struct subject subject = {&record, parse_value, NULL, &scratch};
    const char *no_why = "";
    size_t used;
    (void)state;
    arena_reset(&scratch);
    struct json_doc *doc = parse_value(&subject, &no_why);
    struct json_path *path = path_compile(".a.b", 4, &used, &no_why);
    assert_true(json_set(&scratch, doc, path, slice("\"new\"")));
    path_free(path);
    subject.opaque = doc;
    subject.doc = given_doc;
    struct weir_template *tpl = template_compile("{.a}{.a.b}", 0, refusal, sizeof refusal);
    out.len = 0;
    assert_int_equal(template_render(tpl, &subject, &out, &why), WEIR_OK);
    assert_string_equal(out.data, "{\"b\":\"new\"}new");
    template_free(tpl);
}

static uint64_t random_state = 1;

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

static void any_text_compiles_or_is_refused(void **state)
{
    static const char *const parts[] = {"{",   "}",         "{{",      "}}",       "|",     ".a",
                                        "key", "topic",     "header:", "x",        "time:", "%Y",
                                        "%",   "{key}",     "{.a}",    "[0]",      "\"",    "/",
                                        "..",  "offset",    "\\u00e9", "\xc3\xa4", "\xff",  "{.tags",
                                        "]",   "{time:%F}", " "};
    struct weir_record record = example_record();
    struct subject subject = {&record, parse_value, NULL, &scratch};
    int compiled = 0;
    (void)state;
    for (int round = 0; round < 60000; round++) {
        char text[256];
        size_t used = 0;
        for (uint32_t n = 1 + next_random(6); n > 0; n--)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                     parts[next_random(sizeof parts / sizeof parts[0])]);
        struct weir_template *tpl =
            template_compile(text, round & 1 ? WEIR_F_NAME : 0, refusal, sizeof refusal);
        if (!tpl)
            continue;
        compiled++;
        arena_reset(&scratch);
        out.len = why.len = 0;
        int rc = template_render(tpl, &subject, &out, &why);
        if ((rc == WEIR_REJECT) != (why.len > 0) || (rc != WEIR_OK && out.len > 0))
            fail_msg("%s: %d, %zu bytes of why, %zu of text", text, rc, why.len, out.len);
        template_free(tpl);
    }
    assert_true(compiled > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_page_hold),
        cmocka_unit_test(refusals_of_the_page_hold),
        cmocka_unit_test(slips_are_refused_with_a_column),
        cmocka_unit_test(a_template_without_fields_is_constant),
        cmocka_unit_test(absent_metadata_is_missing),
        cmocka_unit_test(a_value_that_is_not_json_lacks_its_fields),
        cmocka_unit_test(the_last_header_of_a_name_counts),
        cmocka_unit_test(a_name_holds_no_separator),
        cmocka_unit_test(a_bare_word_may_name_a_field),
        cmocka_unit_test(a_long_value_is_cut_in_the_message),
        cmocka_unit_test(times_are_what_strftime_says),
        cmocka_unit_test(times_outside_of_the_calendar_are_missing),
        cmocka_unit_test(milliseconds_since_1970_are_one_number),
        cmocka_unit_test(edited_values_render_as_edited),
        cmocka_unit_test(any_text_compiles_or_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&scratch);
    strbuf_free(&out);
    strbuf_free(&why);
    return failed;
}
