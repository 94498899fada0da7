/* SPDX-License-Identifier: BSD-2-Clause */
/* t-option.c - option rows: every type's good and bad texts, places, ranges, and what messages may quote. */
#include "config/option.h"
#include "config/subst.h"
#include "record/path.h"
#include "record/template.h"
#include "report/redact.h"

#include <weir/helpers.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

struct conf {
    const char *string;
    int64_t integer, boolean, size, duration, choice;
    double number;
    struct weir_list list;
    struct weir_map map;
    const struct weir_secret *secret;
    const struct weir_template *template;
    const struct weir_expr *expr;
    const struct weir_path *path;
    struct weir_paths paths;
    struct weir_fields set, names;
};

static const char *const choices[] = {"index", "create", "update", NULL};
static const struct weir_option rows[] = {
    WEIR_OPT_STRING(struct conf, string, "string", 0, NULL, "S", NULL),
    WEIR_OPT_INT(struct conf, integer, "integer", 0, "7", -5, 100, "I", NULL),
    WEIR_OPT_BOOL(struct conf, boolean, "boolean", 0, NULL, "B", NULL),
    WEIR_OPT_SIZE(struct conf, size, "size", 0, NULL, 1024, INT64_MAX, "Z", NULL),
    WEIR_OPT_DURATION(struct conf, duration, "duration", 0, NULL, 0, 0, "D", NULL),
    WEIR_OPT_ENUM(struct conf, choice, "choice", 0, "create", choices, "E", NULL),
    WEIR_ROW_(struct conf, number, double, WEIR_T_DOUBLE, 0, "number", NULL, 0, 1, NULL, "N", NULL),
    WEIR_OPT_LIST(struct conf, list, "list", 0, NULL, "L", NULL),
    WEIR_OPT_MAP(struct conf, map, "map.", 0, "M", NULL),
    WEIR_OPT_SECRET(struct conf, secret, "secret", 0, "P", NULL),
    WEIR_OPT_TEMPLATE(struct conf, template, "template", 0, NULL, "T", NULL),
    WEIR_OPT_EXPR(struct conf, expr, "expr", 0, NULL, "X", NULL),
    WEIR_OPT_PATH(struct conf, path, "path", 0, NULL, "F", NULL),
    WEIR_OPT_PATHS(struct conf, paths, "paths", 0, NULL, "G", NULL),
    WEIR_OPT_FIELDS(struct conf, set, "set.", 0, NULL, "H", NULL),
    WEIR_OPT_FIELDS(struct conf, names, "as.", 0, choices, "J", NULL),
    WEIR_OPT_STRING(struct conf, string, "needed", WEIR_F_REQUIRED, NULL, "R", NULL),
};
static const struct weir_options table = WEIR_OPTIONS(struct conf, rows);

static struct option_store store;
static struct conf conf;
static char why[600];

static bool set(const char *key, const char *value)
{
    struct weir_option row;
    uint32_t index;
    struct option_input input = {
        .key = key, .raw = value, .len = strlen(value), .where = "t.ini:1: [sink] key"};
    assert_true(option_find(&table, key, &row, &index));
    why[0] = 0;
    return option_set(&store, &row, &conf, &input, why, sizeof why);
}

static int set_up(void **state)
{
    (void)state;
    memset(&conf, 0, sizeof conf);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    option_store_free(&store);
    memset(&store, 0, sizeof store);
    redact_reset();
    return 0;
}

static void numbers(void **state)
{
    static const struct {
        const char *key, *text;
        int64_t value;
    } good[] = {
        {"integer", "0", 0},        {"integer", "-5", -5},       {"integer", "100", 100},
        {"integer", "007", 7},      {"boolean", "yes", 1},       {"boolean", "no", 0},
        {"boolean", "true", 1},     {"boolean", "false", 0},     {"size", "1024", 1024},
        {"size", "1K", 1024},       {"size", "64M", 64 << 20},   {"size", "2G", 2LL << 30},
        {"duration", "0", 0},       {"duration", "5ms", 5},      {"duration", "30s", 30000},
        {"duration", "2m", 120000}, {"duration", "1h", 3600000}, {"duration", "1d", 86400000},
        {"choice", "index", 0},     {"choice", "update", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct weir_option row;
        uint32_t index;
        int64_t value;
        if (!set(good[i].key, good[i].text))
            fail_msg("%s", why);
        option_find(&table, good[i].key, &row, &index);
        memcpy(&value, (const char *)&conf + row.offset, sizeof value);
        assert_int_equal(value, good[i].value);
    }
    assert_true(set("number", "0.25"));
    assert_true(conf.number > 0.24 && conf.number < 0.26);
    assert_true(set("number", "1e-1"));
}

static void bad_values_are_refused(void **state)
{
    static const char number[] = "must be a whole number", size[] = "must be a size",
                      time[] = "must be a duration";
    static const struct {
        const char *key, *text, *reason;
    } bad[] = {
        {"integer", "", number},
        {"integer", "x", number},
        {"integer", "1x", number},
        {"integer", " 1", number},
        {"integer", "1.5", number},
        {"integer", "0x10", number},
        {"integer", "+1", number},
        {"integer", "99999999999999999999", "is too large a number"},
        {"integer", "-6", "out of range; -5 to 100"},
        {"integer", "101", "out of range; -5 to 100"},
        {"boolean", "1", "must be yes or no"},
        {"boolean", "YES", "must be yes or no"},
        {"size", "", size},
        {"size", "K", size},
        {"size", "1KB", size},
        {"size", "1k", size},
        {"size", "-1", size},
        {"size", "1.5M", size},
        {"size", "99999999999G", size},
        {"size", "99999999999999999999", size},
        {"size", "1023", "out of range; at least 1K"},
        {"duration", "30", time},
        {"duration", "s", time},
        {"duration", "1 s", time},
        {"duration", "1sec", time},
        {"duration", "99999999999999999d", time},
        {"choice", "crate", "choice = crate: must be index, create or update; did you mean \"create\"?"},
        {"choice", "zzzzzz", "choice = zzzzzz: must be index, create or update"},
        {"number", "", "must be a number"},
        {"number", "nan", "must be a number"},
        {"number", "1e999", "must be a number"},
        {"number", "1.5", "out of range; 0 to 1"},
        {"list", "", "an item of the list is empty"},
        {"list", "a,,b", "an item of the list is empty"},
        {"list", "a,", "an item of the list is empty"},
        {"map.", "x", "a name must follow the dot"},
        {"path", ".a b", "something follows the path"},
        {"path", "a", ""},
        {"expr", "((", ""},
        {"template", "{nope}", ""},
        {"needed", "", "is empty, and the option is required"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (set(bad[i].key, bad[i].text))
            fail_msg("%s = %s was taken", bad[i].key, bad[i].text);
        if (!strstr(why, bad[i].reason) || strncmp(why, bad[i].key, strlen(bad[i].key)) != 0)
            fail_msg("%s = %s: %s", bad[i].key, bad[i].text, why);
    }
}

static void lists_and_maps_grow(void **state)
{
    (void)state;
    assert_true(set("list", "a ,\tb"));
    assert_true(set("list", "c"));
    assert_int_equal(conf.list.count, 3);
    assert_string_equal(conf.list.items[0], "a");
    assert_string_equal(conf.list.items[1], "b");
    assert_string_equal(conf.list.items[2], "c");
    assert_true(set("map.sasl.user", "u"));
    assert_true(set("map.x", ""));
    assert_int_equal(conf.map.count, 2);
    assert_string_equal(conf.map.items[0].name, "sasl.user");
    assert_string_equal(conf.map.items[0].value, "u");
    assert_string_equal(conf.map.items[1].value, "");
}

static void compiled_types(void **state)
{
    (void)state;
    assert_true(set("path", ".user.tags[0]"));
    assert_int_equal(conf.path->path->count, 3);
    assert_true(set("expr", ".status >= 500"));
    assert_non_null(conf.expr);
    assert_true(set("template", "web-{time:%Y}"));
    assert_non_null(conf.template);
    assert_true(set("secret", "pa,ss"));
    assert_string_equal(conf.secret->recipe, "pa,ss");
    assert_string_equal(conf.secret->where, "t.ini:1: [sink] key");
    assert_true(set("string", ""));
    assert_string_equal(conf.string, "");
}

/* Whatever came in by ${...} stays out of messages, and its parts are known to the mask. */
static void references_never_show(void **state)
{
    (void)state;
    static const char *const keys[] = {"integer", "boolean", "size", "duration", "choice",
                                       "number",  "path",    "expr", "template"};
    setenv("T_SECRET", "s3cr{(te", 1);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_false(set(keys[i], "${env:T_SECRET}"));
        assert_null(strstr(why, "s3cr"));
        assert_non_null(strstr(why, "${env:T_SECRET}"));
    }
    setenv("T_SECRET", "creat", 1);
    assert_false(set("choice", "${env:T_SECRET}"));
    assert_null(strstr(why, "did you mean")); /* a near miss gives the value away */
    setenv("T_SECRET", "host-one:9092,host-two:9092", 1);
    assert_true(set("list", "${env:T_SECRET}"));
    assert_string_equal(conf.list.items[1], "host-two:9092");
    struct strbuf out = {0};
    redact_text("at host-two:9092", 16, &out);
    assert_string_equal(out.data, "at ***");
    strbuf_free(&out);
    assert_false(set("secret", "${env:T_NO}"));
    assert_string_equal(why, "secret: ${env:T_NO}: the environment variable T_NO is not set");
}

static void defaults_and_lookup(void **state)
{
    const struct weir_options *tables[] = {&table};
    struct weir_option row;
    uint32_t index;
    (void)state;
    option_row(&table, 1, &row);
    assert_true(option_default(&store, &row, &conf, why, sizeof why));
    assert_int_equal(conf.integer, 7);
    option_row(&table, 5, &row);
    assert_true(option_default(&store, &row, &conf, why, sizeof why));
    assert_int_equal(conf.choice, 1);
    assert_true(option_find(&table, "map.a.b", &row, &index));
    assert_int_equal(index, 8);
    assert_false(option_find(&table, "map", &row, &index));
    assert_false(option_find(&table, "strin", &row, &index));
    assert_string_equal(option_suggest("strin", tables, 1), "string");
    assert_null(option_suggest("zzzzzzzz", tables, 1));
}

/* A table of an older plugin has shorter rows. */
static void rows_are_read_by_stride(void **state)
{
    struct {
        char row[offsetof(struct weir_option, since)];
    } old[2];
    struct weir_option row;
    (void)state;
    memcpy(old[0].row, &rows[0], sizeof old[0].row);
    memcpy(old[1].row, &rows[1], sizeof old[1].row);
    struct weir_options narrow = {sizeof narrow, sizeof old[0], 2, sizeof(struct conf), old};
    option_row(&narrow, 1, &row);
    assert_string_equal(row.name, "integer");
    assert_null(row.since);
}

static void bad_rows_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < table.count; i++)
        assert_true(option_row_valid(&rows[i], table.conf_size, why, sizeof why));
    static const struct {
        struct weir_option row;
        const char *reason;
    } bad[] = {
        {{.name = NULL, .type = WEIR_T_INT, .help = "h"}, "its name"},
        {{.name = "UPPER", .type = WEIR_T_INT, .help = "h"}, "its name"},
        {{.name = "dot.", .type = WEIR_T_INT, .help = "h"}, "its name"},
        {{.name = "map", .type = WEIR_T_MAP, .help = "h"}, "its name"},
        {{.name = "a", .type = 0, .help = "h"}, "its type is unknown"},
        {{.name = "a", .type = 99, .help = "h"}, "its type is unknown"},
        {{.name = "a", .type = WEIR_T_INT, .offset = 64, .help = "h"}, "outside"},
        {{.name = "a", .type = WEIR_T_LIST, .offset = 56, .help = "h"}, "outside"},
        {{.name = "a", .type = WEIR_T_INT, .offset = 0xfffffff8u, .help = "h"}, "outside"},
        {{.name = "a", .type = WEIR_T_INT, .offset = 4, .help = "h"}, "not aligned"},
        {{.name = "a", .type = WEIR_T_ENUM, .help = "h"}, "without values"},
        {{.name = "a", .type = WEIR_T_INT, .min = 2, .max = 1, .help = "h"}, "least value"},
        {{.name = "a", .type = WEIR_T_INT, .flags = WEIR_F_REQUIRED, .def = "1", .help = "h"},
         "required and has"},
        {{.name = "a", .type = WEIR_T_SECRET, .def = "1", .help = "h"}, "can have no default"},
        {{.name = "a", .type = WEIR_T_INT}, "no help"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(option_row_valid(&bad[i].row, 64, why, sizeof why));
        if (!strstr(why, bad[i].reason))
            fail_msg("row %zu: %s", i, why);
    }
}

static void printing(void **state)
{
    char text[32];
    (void)state;
    static const struct {
        int64_t value;
        const char *size, *duration;
    } table_[] = {{0, "0", "0"},
                  {1, "1", "1ms"},
                  {1000, "1000", "1s"},
                  {1024, "1K", "1024ms"},
                  {60000, "60000", "1m"},
                  {1 << 20, "1M", "1048576ms"},
                  {86400000, "84375K", "1d"},
                  {3LL << 30, "3G", "3221225472ms"}};
    for (size_t i = 0; i < sizeof table_ / sizeof table_[0]; i++) {
        option_print_size(table_[i].value, text, sizeof text);
        assert_string_equal(text, table_[i].size);
        option_print_duration(table_[i].value, text, sizeof text);
        assert_string_equal(text, table_[i].duration);
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void paths_are_compiled_one_by_one(void **state)
{
    (void)state;
    assert_true(set("paths", ".a , .\"b, c\".d[0]"));
    assert_true(set("paths", ".e")); /* the key may repeat */
    assert_int_equal(conf.paths.count, 3);
    assert_int_equal(conf.paths.items[1]->path->count, 3);
    assert_memory_equal(conf.paths.items[1]->path->steps[0].key, "b, c", 4);
    assert_false(set("paths", ".a .b"));
    assert_non_null(strstr(why, "separated by commas"));
    assert_false(set("paths", ".a,"));
    assert_false(set("paths", ""));
}

static void fields_have_a_path_and_a_template(void **state)
{
    struct weir_slice text;
    (void)state;
    assert_true(set("set.user.name", "{.a.b}"));
    assert_true(set("set.kind", "web-{.a}"));
    assert_true(set("set.n", "7"));
    assert_int_equal(conf.set.count, 3);
    assert_string_equal(conf.set.items[0].name, "user.name");
    assert_int_equal(conf.set.items[0].path->path->count, 2);
    assert_int_equal(conf.set.items[0].from->path->count, 2);
    assert_null(conf.set.items[1].from); /* it is not one field alone */
    assert_true(template_constant(conf.set.items[2].value, &text));
    assert_string_equal(conf.set.items[2].text, "7");
    assert_false(set("set.", "x"));
    assert_false(set("set.a b", "x"));
    assert_false(set("set.a", "{.a"));
    assert_true(set("as.a.b", "create"));
    assert_null(conf.names.items[0].value);
    assert_string_equal(conf.names.items[0].text, "create");
    assert_false(set("as.a", "creat"));
    assert_non_null(strstr(why, "did you mean \"create\"?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(numbers),
        CASE(bad_values_are_refused),
        CASE(lists_and_maps_grow),
        CASE(compiled_types),
        CASE(paths_are_compiled_one_by_one),
        CASE(fields_have_a_path_and_a_template),
        CASE(references_never_show),
        CASE(defaults_and_lookup),
        CASE(rows_are_read_by_stride),
        CASE(bad_rows_are_found),
        CASE(printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
