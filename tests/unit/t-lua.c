/* SPDX-License-Identifier: BSD-2-Clause */
/* t-lua.c - the transform lua: what a script sees and gives back, what stays byte for byte, and its limits. */
#include "harness.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct harness *start(const char *code, const char *more)
{
    char options[4000];
    assert_true(snprintf(options, sizeof options, "code = \"%s\"\n%s", code, more) < (int)sizeof options);
    return harness_start("lua", WEIR_TRANSFORM, options);
}

/* What came out of one record: values, or reasons, each with | behind it. */
static void outputs(struct harness *h, char *text, size_t room)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct harness_out *o = harness_out(h, i);
        const char *value = harness_out_value(h, i);
        const char *shown = o->how == HARNESS_REJECT ? o->result.why : value ? value : "(tombstone)";
        n += (size_t)snprintf(text + n, room - n, "%s|", shown);
        assert_true(n < room);
        assert_int_equal(o->record.sub, i);
    }
    harness_out_clear(h);
}

static void process(struct harness *h, const char *in, const char *out)
{
    char text[4000];
    assert_int_equal(harness_process(h, harness_values(h, &in, 1)), WEIR_OK);
    outputs(h, text, sizeof text);
    assert_string_equal(text, out);
}

static void expect(const char *code, const char *more, const char *in, const char *out)
{
    struct harness *h = start(code, more);
    process(h, in, out);
    harness_free(h);
}

/* process(r) with that body, and the record given back. */
static void edit(const char *body, const char *in, const char *out)
{
    char code[3000];
    (void)snprintf(code, sizeof code, "function process(r) local v = r.value %s return r end", body);
    expect(code, "", in, out);
}

static void what_is_not_changed_keeps_its_bytes(void **state)
{
    static const char in[] =
        " {\"z\":1.0, \"a\":[ 1e400 ,123456789012345678901234567890,-0,0.10],\"s\":\"\\u0061\\ud800\\/\","
        "\"t\":true,\"n\":null,\"o\":{\"y\":{},\"x\":[]}} ";
    struct harness *h = start("function process(r) return r end", "");
    (void)state;
    assert_int_equal(harness_process(h, harness_values(h, &(const char *){in}, 1)), WEIR_OK);
    assert_int_equal(harness_out(h, 0)->how, HARNESS_PASS);
    harness_free(h);
    edit("", in,
         " {\"z\":1.0, \"a\":[ 1e400 ,123456789012345678901234567890,-0,0.10],\"s\":\"\\u0061\\ud800\\/\","
         "\"t\":true,\"n\":null,\"o\":{\"y\":{},\"x\":[]}} |");
    edit("v.t = false", in,
         "{\"z\":1.0,\"a\":[1e400,123456789012345678901234567890,-0,0.10],\"s\":\"\\u0061\\ud800\\/\","
         "\"t\":false,\"n\":null,\"o\":{\"y\":{},\"x\":[]}}|");
    edit("v.o.x[1] = 1 v.o.y.z = 2 v.a[5] = v.z", in,
         "{\"z\":1.0,\"a\":[1e400,123456789012345678901234567890,-0,0.10,1.0],\"s\":\"\\u0061\\ud800\\/\","
         "\"t\":true,\"n\":null,\"o\":{\"y\":{\"z\":2},\"x\":[1]}}|");
    /* bytes that nobody looks at are no concern: no JSON, duplicate keys, a tombstone */
    expect("function process(r) return r end", "", "no JSON", "no JSON|");
    expect("function process(r) return r end", "", NULL, "(tombstone)|");
}

static void edits_of_members_and_elements(void **state)
{
    (void)state;
    edit("v.a = nil", "{\"a\":1,\"b\":2}", "{\"b\":2}|");
    edit("v.b = nil", "{\"a\":1,\"b\":2}", "{\"a\":1}|");
    edit("v.a = nil v.c = 3 v.B = 4", "{\"a\":1,\"b\":2}", "{\"b\":2,\"B\":4,\"c\":3}|");
    edit("v.a = null", "{\"a\":1}", "{\"a\":null}|");
    edit("v.b = v.a == null", "{\"a\":null}", "{\"a\":null,\"b\":true}|");
    edit("v.b = v.a == nil", "{\"a\":null}", "{\"a\":null,\"b\":false}|");
    edit("table.remove(v, 1)", "[1,\"a\",{\"b\":[2.50]}]", "[\"a\",{\"b\":[2.5]}]|");
    edit("v[3] = 7", "[1,2.0]", "[1,2.0,7]|");
    edit("v.l = {} v.m = array() v.n = array{1} v.o = {1, {2}}", "{}",
         "{\"l\":{},\"m\":[],\"n\":[1],\"o\":[1,[2]]}|");
    edit("v.l[1] = nil", "{\"l\":[1]}", "{\"l\":[]}|");
    edit("v.by = {[200] = 1, x = 2}", "{}", "{\"by\":{\"200\":1,\"x\":2}}|");
    edit("v['5'] = nil v[5] = 2", "{\"5\":1}", "{\"5\":2}|");
    edit("r.value = v.a", "{\"a\":\"x\"}", "\"x\"|");
    edit("r.value = {v}", "{\"b\":1,\"a\":2.0}", "[{\"a\":2.0,\"b\":1}]|");
    edit("v.s = 'ž\\n\\0'", "{}", "{\"s\":\"ž\\n\\u0000\"}|");
    edit("v.u = v.s", "{\"s\":\"\\ud83d\\ude00\\ud800x\\u00e9\"}",
         "{\"s\":\"\\ud83d\\ude00\\ud800x\\u00e9\",\"u\":\"😀\xef\xbf\xbdxé\"}|");
}

static void numbers_are_integers_of_64_bits_or_doubles(void **state)
{
    (void)state;
    edit("v.b = v.a + 1", "{\"a\":9007199254740993}", "{\"a\":9007199254740993,\"b\":9007199254740994}|");
    edit("v.b = v.a", "{\"a\":9223372036854775807}",
         "{\"a\":9223372036854775807,\"b\":9223372036854775807}|");
    edit("v.b = v.a", "{\"a\":-9223372036854775808}",
         "{\"a\":-9223372036854775808,\"b\":-9223372036854775808}|");
    edit("v.b = v.a", "{\"a\":9223372036854775808}",
         "{\"a\":9223372036854775808,\"b\":9.223372036854776e+18}|");
    edit("v.b = v.a * 2", "{\"a\":0.1}", "{\"a\":0.1,\"b\":0.2}|");
    edit("v.b = v.a / 2", "{\"a\":10}", "{\"a\":10,\"b\":5.0}|");
    edit("v.b = v.a // 2", "{\"a\":10}", "{\"a\":10,\"b\":5}|");
    edit("v.a = v.a + 0.0", "{\"a\":10}", "{\"a\":10.0}|");
    edit("v.b = v.a", "{\"a\":1e400}", "JSON has no number for inf|");
    edit("v.b = 0/0", "{}", "JSON has no number for nan|");
    edit("v.b = v.a", "{\"a\":0.1000000000000000055511151231257827021181583404541015625000000000000000000}",
         "{\"a\":0.1000000000000000055511151231257827021181583404541015625000000000000000000,\"b\":0.1}|");
}

static void duplicate_keys_and_levels(void **state)
{
    char deep[3000] = "", text[3100];
    (void)state;
    edit("v.b = v.a", "{\"a\":1,\"a\":2}", "{\"a\":2,\"b\":2}|");
    memset(deep, '[', 500);
    memset(deep + 500, ']', 500);
    (void)snprintf(text, sizeof text, "%s|", deep);
    edit("", deep, text);
    edit("r.value = {v}", deep, "a table is in itself, or deeper than 500 levels|");
    edit("v.v = v", "{}", "a table is in itself, or deeper than 500 levels|");
    memset(deep, '[', 501);
    memset(deep + 501, ']', 501);
    edit("", deep, "code:1: the value is not JSON: nested deeper than weir reads|");
}

static void none_one_or_several_records(void **state)
{
    (void)state;
    expect("function process(r) end", "", "1", "");
    expect("function process(r) return {} end", "", "1", "");
    expect("function process(r) return {r, r} end", "", "1", "1|1|");
    expect(
        "function process(r) local t = {} for i, v in ipairs(r.value) do t[i] = {value = v} end return t end",
        "", "[1,{\"a\":2.50},\"x\"]", "1|{\"a\":2.5}|\"x\"|");
    expect("function process(r) return {r, r, r} end", "max-records = 2\n", "1",
           "process() returned more records than max-records allows|");
    expect("function process(r) return 'a' end", "", "1",
           "process() returned a string; it has to be a record, a list of records, or nil|");
    expect("function process(r) return {r, 1} end", "", "1",
           "process() returned a list with a number in it; it has to be of records|");
    expect("function process(r) return {vaule = 1} end", "", "1",
           "process() returned a table with the field vaule, which a record has not|");
    expect("function process(r) r.vaule = 1 return r end", "", "1", "code:1: a record has no field vaule|");
    expect("function process(r) return r.vaule end", "", "1", "code:1: a record has no field vaule|");
    expect("function process(r) local n = 0 for k in pairs(r) do n = n + 1 end r.value = n return r end", "",
           "1", "5|");
}

static struct weir_record rich(const struct weir_header *headers, uint32_t n)
{
    struct weir_record r = harness_record("k", "{\"a\":1}");
    r.headers = headers;
    r.n_headers = n;
    r.time_ms = 1000;
    r.partition = 3;
    r.offset = 77;
    return r;
}

#define SLICE(s) ((struct weir_slice){s, sizeof s - 1})

/* 9,000 names, the most but a few that a script may give back, in front of headers that all have one name. */
static void many_headers_take_no_square(void **state)
{
    enum { NAMES = 9000, ALL = 300000 };
    struct weir_header *headers = calloc(ALL, sizeof *headers);
    char(*names)[8] = calloc(NAMES, sizeof *names);
    struct timespec begin, end;
    struct weir_record r = rich(headers, ALL);
    struct harness *h = start("function process(r) r.headers.z = 'new' return r end", "memory = 256M\n");
    (void)state;
    assert_true(headers && names);
    for (size_t i = 0; i < ALL; i++) {
        headers[i] = (struct weir_header){SLICE("z"), SLICE("old")};
        if (i < NAMES)
            headers[i].name = (struct weir_slice){names[i], (size_t)snprintf(names[i], 8, "n%zu", i)};
    }
    struct weir_batch *batch = harness_batch(h, &r, 1);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    assert_int_equal(harness_process(h, batch), WEIR_OK);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    assert_true(end.tv_sec - begin.tv_sec < 3);
    const struct weir_record *o = &harness_out(h, 0)->record;
    assert_int_equal(o->n_headers, NAMES + 1);
    assert_memory_equal(o->headers[NAMES].value.ptr, "new", 3);
    harness_free(h);
    free(headers);
    free(names);
}

static void the_other_parts_of_a_record(void **state)
{
    const struct weir_header headers[] = {{SLICE("a"), SLICE("1")},
                                          {SLICE("b"), SLICE("2")},
                                          {SLICE("a"), SLICE("3")},
                                          {SLICE("n"), {NULL, 0}}};
    struct weir_record r = rich(headers, 4);
    struct harness *h =
        start("function process(r)"
              " assert(r.partition == 3 and r.offset == 77 and r.topic == 't' and r.headers.n == null)"
              " assert(r.headers.a == '3')"
              " r.key = r.key .. 'x' r.topic = 'u' r.timestamp = r.timestamp + 1"
              " r.headers.b = nil r.headers.z = '' r.headers.y = null return r end",
              "");
    (void)state;
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    const struct weir_record *o = &harness_out(h, 0)->record;
    assert_string_equal(o->key.ptr, "kx");
    assert_string_equal(o->topic.ptr, "u");
    assert_string_equal(o->value.ptr, "{\"a\":1}");
    assert_int_equal(o->time_ms, 1001);
    assert_int_equal(o->n_headers, 5);
    static const char *const want[] = {"a", "a", "n", "y", "z"};
    for (uint32_t i = 0; i < 5; i++)
        assert_string_equal(o->headers[i].name.ptr, want[i]);
    assert_string_equal(o->headers[0].value.ptr, "1");
    assert_null(o->headers[2].value.ptr);
    assert_null(o->headers[3].value.ptr);
    assert_int_equal(o->headers[4].value.len, 0);
    harness_free(h);

    h = start("function process(r) if r.offset == 77 then r.key = nil r.value = nil r.timestamp = nil "
              "r.headers = nil"
              " else r.headers = {c = '4', a = '9'} end return r end",
              "");
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    o = &harness_out(h, 0)->record;
    assert_null(o->key.ptr);
    assert_null(o->value.ptr);
    assert_true(o->time_ms == WEIR_NO_TIME && o->n_headers == 0);
    r.offset = 78;
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    o = &harness_out(h, 1)->record;
    assert_int_equal(o->n_headers, 2);
    assert_string_equal(o->headers[0].value.ptr, "9");
    assert_string_equal(o->headers[1].name.ptr, "c");
    harness_free(h);

    expect("function process(r) r.offset = 1 return r end", "", "1", "code:1: offset can't be set|");
    expect("function process(r) r.key = 1 return r end", "", "1",
           "key is a number; it has to be a text, as tostring() makes one|");
    expect("function process(r) r.topic = nil return r end", "", "1", "a record can't be without topic|");
    expect("function process(r) r.timestamp = 1.5 return r end", "", "1",
           "timestamp is no integer: milliseconds since 1970|");
    expect("function process(r) r.headers = {1} return r end", "", "1",
           "the name of a header is a number; it has to be a text|");
}

/* No other table is taken for the record, whose key was looked at and would be gone. */
static void a_table_at_the_address_of_the_record(void **state)
{
    struct weir_record r = rich(NULL, 0);
    struct harness *h = start(
        "function process(r) local key, at = r.key, tostring(r) r = nil for i = 1, 20000 do local t = {}"
        " if tostring(t) == at then t.value = 5 return t end end return {value = 5} end",
        "");
    (void)state;
    assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
    assert_string_equal(harness_out(h, 0)->record.value.ptr, "5");
    assert_non_null(harness_out(h, 0)->record.key.ptr);
    harness_free(h);
}

static void values_as_text(void **state)
{
    (void)state;
    expect("function process(r) r.value = r.value:upper() return r end", "value = text\n", "GET /a {",
           "GET /A {|");
    expect("function process(r) return {{value = r.value}, {value = ''}} end", "value = text\n", "\xff",
           "\xff||");
    expect("function process(r) r.value = 1 return r end", "value = text\n", "a",
           "value is a number; it has to be a text, as tostring() makes one|");
    expect("function process(r) if r.value == nil then r.value = 'gone' end return r end", "value = text\n",
           NULL, "gone|");
}

static void errors_are_of_the_record(void **state)
{
    (void)state;
    edit("error('no stock')", "{}", "code:1: no stock|");
    edit("error('no stock', 0)", "{}", "no stock|");
    edit("error({})", "{}", "the script called error() with a table, not with a text|");
    edit("error()", "{}", "the script called error() with a nil, not with a text|");
    edit("v.x.y = 1", "{}", "code:1: attempt to index a nil value (field 'x')|");
    edit("v.x.y = 1", "{\"x\":null}", "code:1: attempt to index a userdata value (field 'x')|");
    edit("r.value = {xpcall(error, function(e) return e .. '!' end, 'a', 0)}", "{}", "[false,\"a!\"]|");
    edit("r.value = {xpcall(math.max, print, 1, 2)}", "{}", "[true,2]|");
    edit("v.f = print", "{}", "a function can't be JSON|");
    edit("v.s = '\\xff'", "{}", "a text that is not UTF-8 can't be JSON|");
    edit("v.l = {1, nil, 3}", "{}", "a table is no list from 1 on without gaps, and no object either|");
    edit("v.l = {1, x = 2}", "{}", "a table is no list from 1 on without gaps, and no object either|");
    edit("v.l = {[true] = 2}", "{}", "a key of an object is a boolean; it has to be a text|");
    edit("v.l = {[5] = 2, ['5'] = 3}", "{}", "a table has the key 5 as a number and as a text|");
    edit("v[5] = 2", "{\"5\":1}", "a table has the key 5 as a number and as a text|");
    edit("", "{\"a\":", "code:1: the value is not JSON: the text ends where a value must stand|");
    expect("function process(r) return setmetatable({}, {__index = error}) end", "", "1", "");
}

static void a_script_reaches_nothing_outside(void **state)
{
    static const char *const gone[] = {"io",       "debug",          "package",    "require",    "dofile",
                                       "loadfile", "collectgarbage", "coroutine",  "os.execute", "os.getenv",
                                       "os.exit",  "os.remove",      "os.tmpname", "string.dump"};
    char code[200];
    (void)state;
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        (void)snprintf(code, sizeof code, "function process(r) r.value = %s == nil return r end", gone[i]);
        expect(code, "", "1", "true|");
    }
    edit("r.value = load('return 6 * 7')()", "1", "42|");
    edit("r.value = select(2, load('\\27Lua', 'x', 'b'))", "1",
         "\"attempt to load a binary chunk (mode is 't')\"|");
    edit("r.value = getmetatable('') == false and getmetatable(array()) == 'array' and getmetatable(r) == "
         "'record'",
         "1", "true|");
    edit("setmetatable({}, {__gc = print})", "1", "code:1: __gc is not available|");
    edit("r.value = ('x'):rep(3, '-') .. (''):rep(1 << 60)", "1", "\"x-x-x\"|");
    edit("table.move({}, 1, 1 << 60, 2)", "1",
         "code:1: bad argument #3 to 'move' (too many elements to move)|");
    struct harness *h = start(
        "function process(r) r.value = {os.time(), os.date('!%F', 0), os.date('!%F')} return r end", "");
    harness_stop_clock(h, 86400000);
    process(h, "1", "[86400,\"1970-01-01\",\"1970-01-02\"]|");
    harness_free(h);
    h = start("x = 0 function process(r) x = x + 1 r.value = x print('n', x) return r end", "");
    process(h, "1", "1|");
    process(h, "1", "2|");
    assert_int_equal(harness_logged(h, "n\t2"), 1);
    harness_free(h);
    h = start("function process(r) local was = last last = r return was and {value = was.value} or r end",
              "");
    process(h, "1", "1|");
    process(h, "2",
            "code:1: the record is one of an earlier call; keep what is needed of it, not the record|");
    harness_free(h);
}

static void too_many_instructions(void **state)
{
    struct harness *h =
        start("n = 0 function process(r) n = n + 1 while r.value == 1 do end r.value = n return r end",
              "instructions = 100000\n");
    (void)state;
    process(h, "1", "code:1: more than 100000 instructions (option instructions)|");
    process(h, "2", "2|");
    assert_int_equal(harness_metric(h, 0), 0);
    harness_free(h);
    /* whoever catches the error, the record has failed, and there is an end to it */
    h = start(
        "n = 0 function process(r) n = n + 1 if r.value == 1 then pcall(function() while true do end end) end"
        " r.value = n return r end",
        "instructions = 100000\n");
    process(h, "1", "code:1: more than 100000 instructions (option instructions)|");
    process(h, "2", "2|");
    harness_free(h);
    static const char *const stubborn[] = {
        "while true do pcall(function() while true do end end) end",
        "local function f() local x <close> = setmetatable({}, {__close = f}) while true do end end"
        " local function g() local x <close> = setmetatable({}, {__close = function() return g() end}) while "
        "true do end end"
        " g() f()",
        "while true do xpcall(error, function() while true do end end) end",
        "table.sort({1, 2, 3, 4}, function() while true do pcall(error) end end)",
    };
    for (size_t i = 0; i < sizeof stubborn / sizeof stubborn[0]; i++) {
        char code[1000];
        (void)snprintf(code, sizeof code,
                       "local g n = 0 function process(r) n = n + 1 if r.value == 1 then %s end r.value = n "
                       "return r end",
                       stubborn[i]);
        h = start(code, "instructions = 100000\n");
        process(h, "2", "1|");
        process(h, "1", "code:1: more than 100000 instructions (option instructions)|");
        process(h, "1", "code:1: more than 100000 instructions (option instructions)|");
        process(h, "2", harness_metric(h, 0) ? "1|" : "4|");
        assert_true(harness_logged(h, "begins anew") <= 1);
        harness_free(h);
    }
}

static void too_much_memory(void **state)
{
    struct harness *h =
        start("n = 0 function process(r) n = n + 1 if r.value == 1 then local s = ('x'):rep(1 << 20) end"
              " if r.value == 2 then local t = {} while true do t = {t} end end"
              " if r.value == 3 then pcall(string.rep, 'x', 1 << 20) end r.value = n return r end",
              "memory = 1M\n");
    (void)state;
    process(h, "0", "1|");
    process(h, "1", "it needs more than 1048576 bytes (option memory)|");
    process(h, "2", "it needs more than 1048576 bytes (option memory)|");
    process(h, "3", "4|");
    assert_int_equal(harness_metric(h, 0), 0);
    harness_free(h);
    /* kept in a global it would never become less */
    h = start("n, kept = 0, {} function process(r) n = n + 1 while r.value == 1 do kept = {kept} end r.value "
              "= n return r end",
              "memory = 1M\n");
    process(h, "0", "1|");
    process(h, "1", "it needs more than 1048576 bytes (option memory)|");
    process(h, "0", "1|");
    process(h, "1", "it needs more than 1048576 bytes (option memory)|");
    assert_int_equal(harness_metric(h, 0), 2);
    assert_int_equal(harness_logged(h, "begins anew"), 1);
    harness_free(h);
    /* a little that stands for much */
    expect("function process(r) local t = {1} for i = 1, 40 do t = {t, t} end r.value = t return r end",
           "memory = 1M\n", "1", "the records that it makes have more than 1048576 bytes (option memory)|");
    expect("function process(r) r.key = ('x'):rep(1 << 18) local t = {} for i = 1, 100 do t[i] = r end "
           "return t end",
           "memory = 1M\n", "1", "the records that it makes have more than 1048576 bytes (option memory)|");
}

static void says(const char *options, const char *text)
{
    const char *said = harness_check("lua", WEIR_TRANSFORM, options);
    if (!strstr(said, text))
        fail_msg("\"%s\" is not in \"%s\"", text, said);
}

static void a_bad_script_is_a_mistake_of_the_configuration(void **state)
{
    static const char script[] = "script = $/bad.lua\n";
    (void)state;
    says(scratch_options(script), "No such file");
    scratch_rewrite("bad.lua", "local a = 1\nfunction process(r)\n  return r +\nend\n");
    says(scratch_options(script), "/bad.lua:4: unexpected symbol near 'end'");
    scratch_rewrite("bad.lua", "x = 1\n");
    says(scratch_options(script), "/bad.lua: there is no function process");
    scratch_rewrite("bad.lua", "x = y.z\nfunction process(r) end\n");
    says(scratch_options(script), "/bad.lua:1: attempt to index a nil value (global 'y')");
    scratch_rewrite("bad.lua", "while true do end");
    says(scratch_options(script), "/bad.lua:1: more than 10000000 instructions");
    scratch_rewrite("bad.lua", "function process(r)\n  r.value.n = 1\n  return r\nend\n");
    assert_string_equal(harness_check("lua", WEIR_TRANSFORM, scratch_options(script)), "");
    struct harness *h = harness_start("lua", WEIR_TRANSFORM, scratch_options(script));
    process(h, "{}", "{\"n\":1}|");
    harness_free(h);
    says("", "it needs script or code, one of them");
    says("code = x = 1\nscript = a\n", "it needs script or code, one of them");
    says("code = x =\n", "code: code:1: unexpected symbol near <eof>");
    says("script = /\n", "it is not a file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_changed_keeps_its_bytes),
        cmocka_unit_test(edits_of_members_and_elements),
        cmocka_unit_test(numbers_are_integers_of_64_bits_or_doubles),
        cmocka_unit_test(duplicate_keys_and_levels),
        cmocka_unit_test(none_one_or_several_records),
        cmocka_unit_test(the_other_parts_of_a_record),
        cmocka_unit_test(many_headers_take_no_square),
        cmocka_unit_test(a_table_at_the_address_of_the_record),
        cmocka_unit_test(values_as_text),
        cmocka_unit_test(errors_are_of_the_record),
        cmocka_unit_test(a_script_reaches_nothing_outside),
        cmocka_unit_test(too_many_instructions),
        cmocka_unit_test(too_much_memory),
        cmocka_unit_test_setup_teardown(a_bad_script_is_a_mistake_of_the_configuration, scratch_make,
                                        scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
