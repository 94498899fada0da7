/* SPDX-License-Identifier: BSD-2-Clause */
/* t-format.c - format = record: what docs/formats.md promises, nothing lost, nothing unknown let through; base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "doc_table.h"
#include "record/base64.h"
#include "record/format.h"
#include "record/json.h"

static struct arena arena;
static struct strbuf line;
static uint64_t random_state = 1;

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

/* The sentence, or NULL when the line is a record. */
static const char *parse(struct weir_slice text, struct weir_record *ret)
{
    const char *why = NULL;
    arena_reset(&arena);
    int rc = format_parse(&arena, text, ret, &why);
    assert_true(rc == WEIR_OK || rc == WEIR_REJECT);
    assert_true((rc == WEIR_REJECT) == (why != NULL));
    return why;
}

static const char *parse_text(const char *text, struct weir_record *ret)
{
    return parse((struct weir_slice){text, strlen(text)}, ret);
}

static const char *print(const struct weir_record *record)
{
    line.len = 0;
    format_print(record, &line);
    return line.data;
}

static void expect_example(char **cells, int n)
{
    struct weir_record record;
    assert_int_equal(n, 2);
    assert_null(parse_text(cells[0], &record));
    assert_string_equal(print(&record), strcmp(cells[1], "the same") == 0 ? cells[0] : cells[1]);
}

static void examples_of_the_page_hold(void **state)
{
    (void)state;
    assert_int_equal(doc_rows("formats.md", "Examples", expect_example), 4);
}

static void expect_refusal(char **cells, int n)
{
    struct weir_record record;
    assert_int_equal(n, 2);
    const char *why = parse_text(cells[0], &record);
    assert_non_null(why);
    if (strncmp(why, cells[1], strlen(cells[1])) != 0)
        fail_msg("%s\n  says     %s\n  promised %s", cells[0], why, cells[1]);
}

static void refusals_of_the_page_hold(void **state)
{
    (void)state;
    assert_int_equal(doc_rows("formats.md", "Refused", expect_refusal), 13);
}

static const char *const no_records[] = {"",
                                         "{",
                                         "null",
                                         "7",
                                         "\"a\"",
                                         "{}x",
                                         "{\"a\":1}",
                                         "{\"Topic\":\"a\"}",
                                         "{\"topic\":1}",
                                         "{\"topic\":[]}",
                                         "{\"topic\":true}",
                                         "{\"topic\":{}}",
                                         "{\"topic\":{\"base64\":1}}",
                                         "{\"topic\":{\"base64\":\"\",\"x\":1}}",
                                         "{\"topic\":{\"base64\":\"\",\"base64\":\"\"}}",
                                         "{\"topic\":{\"base32\":\"\"}}",
                                         "{\"partition\":\"1\"}",
                                         "{\"partition\":-1}",
                                         "{\"partition\":-0}",
                                         "{\"partition\":1e0}",
                                         "{\"partition\":1.0}",
                                         "{\"partition\":4294967296}",
                                         "{\"offset\":9223372036854775808}",
                                         "{\"offset\":99999999999999999999}",
                                         "{\"timestamp\":9223372036854775808}",
                                         "{\"timestamp\":-9223372036854775808}",
                                         "{\"timestamp\":-9223372036854775809}",
                                         "{\"timestamp\":18446744073709551616}",
                                         "{\"timestamp\":{}}",
                                         "{\"headers\":{}}",
                                         "{\"headers\":\"a\"}",
                                         "{\"headers\":[1]}",
                                         "{\"headers\":[[]]}",
                                         "{\"headers\":[[\"a\",\"b\",\"c\"]]}",
                                         "{\"headers\":[[null,\"b\"]]}",
                                         "{\"headers\":[[1,\"b\"]]}",
                                         "{\"headers\":[[\"a\",1]]}",
                                         "{\"headers\":[{\"a\":1}]}",
                                         "{\"key\":\"\\udc00\"}",
                                         "{\"key\":\"\\ud800x\"}",
                                         "{\"key\":\"\\ud800\\u0041\"}",
                                         "{\"key\":\"\\ud800\\ud800\"}",
                                         "{\"key\":\"\\\\\\uDBFF\"}",
                                         "{\"headers\":[[\"\\ud8aa\",null]]}",
                                         "{\"key\":{\"base64\":\"A\"}}",
                                         "{\"key\":{\"base64\":\"AA\"}}",
                                         "{\"key\":{\"base64\":\"AA=\"}}",
                                         "{\"key\":{\"base64\":\"AB==\"}}",
                                         "{\"key\":{\"base64\":\"AAB=\"}}",
                                         "{\"key\":{\"base64\":\"A===\"}}",
                                         "{\"key\":{\"base64\":\"====\"}}",
                                         "{\"key\":{\"base64\":\"AA==AAAA\"}}",
                                         "{\"key\":{\"base64\":\"AA-_\"}}",
                                         "{\"key\":{\"base64\":\" AAA\"}}",
                                         "{\"key\":{\"base64\":\"AAAA\\n\"}}",
                                         "{\"topic\":null,\"t\\u006fpic\":null}"};

static void what_is_no_record_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_records / sizeof no_records[0]; i++) {
        struct weir_record record = {.seq = 77};
        const char *why = parse_text(no_records[i], &record);
        if (!why)
            fail_msg("accepted: %s", no_records[i]);
        if (strlen(why) < 15)
            fail_msg("%s: %s", no_records[i], why);
        assert_int_equal(record.seq, 77); /* untouched */
    }
}

static void what_json_allows_is_read(void **state)
{
    struct weir_record record;
    (void)state;
    assert_null(
        parse_text(" { \"headers\" : null , \"k\\u0065y\" : \"\\ud83d\\ude00\\\\ud800\" } ", &record));
    assert_int_equal(record.key.len, 10);
    assert_memory_equal(record.key.ptr, "\xf0\x9f\x98\x80\\ud800", 10);
    assert_null(record.value.ptr);
    assert_null(record.topic.ptr);
    assert_int_equal(record.partition, -1);
    assert_int_equal(record.offset, -1);
    assert_true(record.time_ms == WEIR_NO_TIME);
    assert_int_equal(record.n_headers, 0);
    assert_null(parse_text("{\"offset\":9223372036854775807,\"timestamp\":-9223372036854775807}", &record));
    assert_true(record.offset == INT64_MAX && record.time_ms == -INT64_MAX);
    assert_null(parse_text("{\"key\":{\"b\\u0061se64\":\"\"},\"value\":\"\"}", &record));
    assert_true(record.key.ptr && record.key.len == 0 && record.value.ptr && record.value.len == 0);
}

/* Null, empty, text, or bytes; kept in a pool until the next record. */
static struct weir_slice random_bytes(char *pool, size_t *used, size_t most)
{
    static const char *const pieces[] = {"a",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\x01",
                                         "\x7f",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x98\x80",
                                         "{\"base64\":\"AA==\"}",
                                         "\xff",
                                         "\xed\xa0\x80",
                                         "/",
                                         "\xe2\x80\xa8",
                                         "null"};
    char *at = pool + *used;
    size_t len = 0, kinds = next_random(3) ? 9 : sizeof pieces / sizeof pieces[0];
    if (next_random(5) == 0)
        return (struct weir_slice){NULL, 0};
    for (size_t n = next_random((uint32_t)most); n > 0; n--) {
        if (next_random(12) == 0) {
            at[len++] = '\0';
            continue;
        }
        const char *piece = pieces[next_random((uint32_t)kinds)];
        memcpy(at + len, piece, strlen(piece));
        len += strlen(piece);
    }
    *used += len;
    return (struct weir_slice){at, len};
}

static bool same(struct weir_slice a, struct weir_slice b)
{
    return !a.ptr == !b.ptr && a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static void assert_same_record(const struct weir_record *a, const struct weir_record *b)
{
    assert_true(same(a->topic, b->topic) && same(a->key, b->key) && same(a->value, b->value));
    assert_int_equal(a->partition, b->partition);
    assert_true(a->offset == b->offset && a->time_ms == b->time_ms);
    assert_int_equal(a->n_headers, b->n_headers);
    for (uint32_t i = 0; i < a->n_headers; i++)
        assert_true(same(a->headers[i].name, b->headers[i].name) &&
                    same(a->headers[i].value, b->headers[i].value));
}

static int64_t random_number(int64_t none)
{
    uint64_t bits = (uint64_t)next_random(UINT32_MAX) << 32 | next_random(UINT32_MAX);
    switch (next_random(4)) {
    case 0:
        return none;
    case 1:
        return 0;
    case 2:
        return INT64_MAX;
    default:
        return (int64_t)(bits >> 1 >> next_random(63));
    }
}

static void random_record(struct weir_record *record, struct weir_header *headers, char *pool)
{
    size_t used = 0;
    *record = (struct weir_record){.topic = random_bytes(pool, &used, 6),
                                   .key = random_bytes(pool, &used, 20),
                                   .value = random_bytes(pool, &used, next_random(20) ? 60 : 3000),
                                   .offset = random_number(-1),
                                   .time_ms = random_number(WEIR_NO_TIME),
                                   .n_headers = next_random(5)};
    record->headers = record->n_headers ? headers : NULL;
    record->partition = (int32_t)(random_number(-1) & (next_random(2) ? INT32_MAX : 15));
    if (next_random(3) == 0)
        record->partition = -1;
    if (record->time_ms != WEIR_NO_TIME && next_random(3) == 0)
        record->time_ms = -record->time_ms;
    for (uint32_t i = 0; i < record->n_headers; i++) {
        do
            headers[i].name = random_bytes(pool, &used, 6);
        while (!headers[i].name.ptr);
        headers[i].value = random_bytes(pool, &used, 10);
    }
}

static void every_record_is_read_back_as_it_was(void **state)
{
    static char pool[65536];
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct weir_header headers[5];
        struct weir_record record, back;
        random_record(&record, headers, pool);
        print(&record);
        assert_null(memchr(line.data, '\n', line.len));
        assert_null(memchr(line.data, '\r', line.len));
        assert_true(json_utf8_valid(line.data, line.len));
        const char *why = parse((struct weir_slice){line.data, line.len}, &back);
        if (why)
            fail_msg("%s: %s", line.data, why);
        assert_same_record(&record, &back);
    }
}

static void shorter_lines_and_changed_bytes_never_crash(void **state)
{
    static char pool[65536];
    int read = 0;
    (void)state;
    for (int round = 0; round < 40000; round++) {
        struct weir_header headers[5];
        struct weir_record record, back;
        random_record(&record, headers, pool);
        print(&record);
        size_t len = next_random(4) ? line.len : next_random((uint32_t)line.len + 1);
        char *text = malloc(len + 1); /* exactly as long: a step beyond is seen by the sanitizer */
        assert_non_null(text);
        memcpy(text, line.data, len);
        for (uint32_t n = next_random(3); len > 0 && n > 0; n--)
            text[next_random((uint32_t)len)] = "\"\\{}[]:,0-9e.ud8\xff\x80 n"[next_random(21)];
        read += parse((struct weir_slice){text, len}, &back) == NULL;
        free(text);
    }
    assert_true(read > 1000);
}

static void base64_of_all_lengths_comes_back(void **state)
{
    char text[BASE64_SIZE(300)];
    uint8_t bytes[300], back[sizeof text / 4 * 3];
    size_t len;
    (void)state;
    base64_encode(text, "foobar", 6);
    assert_memory_equal(text, "Zm9vYmFy", 8);
    base64_encode(text, "fooba", 5);
    assert_memory_equal(text, "Zm9vYmE=", 8);
    base64_encode(text, "foob", 4);
    assert_memory_equal(text, "Zm9vYg==", 8);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)next_random(256);
        base64_encode(text, bytes, n);
        assert_true(base64_decode(back, &len, text, BASE64_SIZE(n)));
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_page_hold),
        cmocka_unit_test(refusals_of_the_page_hold),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(what_json_allows_is_read),
        cmocka_unit_test(every_record_is_read_back_as_it_was),
        cmocka_unit_test(shorter_lines_and_changed_bytes_never_crash),
        cmocka_unit_test(base64_of_all_lengths_comes_back),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    strbuf_free(&line);
    return failed;
}
