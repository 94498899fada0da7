/* SPDX-License-Identifier: BSD-2-Clause */
/* t-bad-input.c - every transform over input that is none: what becomes of it, and that all of it is spoken for.
 *
 * The outcomes stand here and in docs/transforms.md; `t-bad-input --page` prints that table.  A transform that is not in the
 * table fails the test.  exec is left out: what a program answers is its own (t-exec-transform). */
#include "harness.h"

#include <dirent.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HUGE_BYTES (1u << 20)
#define NUMBERS    "\"n\":9223372036854775808,\"f\":0.1,\"g\":1e400,\"z\":-0"

struct input {
    const char *name;
    const char *value; /* NULL: made, or a tombstone */
    size_t len;
};

static char deepest[1010], deeper[1012], huge[HUGE_BYTES + 20];
#define TEXT(s) s, sizeof s - 1
static struct input inputs[] = {
    {"no JSON", TEXT("GET /cart 500")},
    {"an empty value", TEXT("")},
    {"a tombstone", NULL, 0},
    {"two members `a`", TEXT("{\"a\":\"x\",\"a\":\"y\",\"n\":1.0}")},
    {"500 levels, no `.a`", deepest, 0},
    {"501 levels", deeper, 0},
    {"half a surrogate pair in `.a`", TEXT("{\"a\":\"\\ud800\",\"n\":1.0}")},
    {"bytes that are not UTF-8 in `.a`", TEXT("{\"a\":\"\xff\xfe\",\"n\":1.0}")},
    {"a NUL byte in `.a`", TEXT("{\"a\":\"\0\",\"n\":1.0}")},
    {"`\\u0000` in `.a`", TEXT("{\"a\":\"x\\u0000\",\"n\":1.0}")},
    {"numbers: 2^63, 0.1, 1e400, -0", TEXT("{\"a\":\"x\"," NUMBERS "}")},
    {"1 MiB of text in `.a`", huge, 0},
    {"no `.a`", TEXT("{\"n\":1.0}")},
    {"an object at `.a`", TEXT("{\"a\":{\"b\":[]},\"n\":1.0}")},
};
#define N_INPUTS   (sizeof inputs / sizeof inputs[0])
#define NUMBERS_AT 10

/* Outcomes, a letter for each input: = it passes byte for byte, + changed, - it is dropped, x it is a record error. */
static const struct row {
    const char *plugin, *options, *outcomes; /* NULL: any */
    bool edits;                              /* what it does not touch keeps its text, numbers too */
} rows[] = {
    {"case", "to = upper\nfield = .a\n", "xx=+=x=xx+++==", true},
    {"cast", "as.a = string\n", "xx===x=xx====x", true},
    {"dedupe", "key = {.a}\n", "xxx=xx=xx==xx=", true},
    {"extract", "field = .a\n", "xx=+xx+xx+++x+", false},
    {"fields", "rename.a = b2\nset.c = {.a}\n", "xx=+xx+xx+++x+", true},
    {"filter", "when = .a == \"x\" or true\n", "xx===x=xx=====", true},
    {"flatten", "", "xx=+=x=xx====+", true},
    {"header", "set.h = {.a}\n", "xx==xx=xx===x=", true},
    {"hoist", "field = v\n", "xx=+xx+xx+++++", true},
    {"jq", "filter = .b2 = .a\n", "xx=+xxxxx+++++", false},
    {"key", "field.a = {.a}\n", "xx==xx=xx===x=", true},
    {"lua", "code = function process(r) r.value.b2 = r.value.a return r end\n", "xxx+=x+xx+++=+", true},
    {"merge", "count = 2\n", "xx=++x+xx+++++", true},
    {"multiline", "start = $value | test(\"^\")\n", "==x====x======", true},
    {"parse", "format = regex\nfield = .a\npattern = (?<b2>.)\n", "xx=+=x+xx+++==", true},
    {"redact", "fields = .a\n", "xx=x=x+xx+++==", true},
    {"route", "topic = t-{.a}\n", "xxx=xx=xx===x=", true},
    {"sample", "rate = 1\n", "==============", true},
    {"split", "by = line\n", "=-============", true},
    {"throttle", "rate = 1000000\n", "==============", true},
    {"timestamp", "field = .a\nfrom = rfc3339\nto = unix-ms\n", "xx=x=xxxxxxx==", true},
    {"validate", "schema = {\"properties\":{\"a\":{\"type\":\"string\"}}}\n", "xx===x=xx====x", true},
};
#define N_ROWS (sizeof rows / sizeof rows[0])

static void make_inputs(void)
{
    size_t n = (size_t)snprintf(deepest, sizeof deepest, "{\"b\":");
    memset(deepest + n, '[', 499);
    memset(deepest + n + 499, ']', 499);
    deepest[n + 998] = '}';
    inputs[4].len = n + 999;
    n = (size_t)snprintf(deeper, sizeof deeper, "{\"b\":");
    memset(deeper + n, '[', 500);
    memset(deeper + n + 500, ']', 500);
    deeper[n + 1000] = '}';
    inputs[5].len = n + 1001;
    n = (size_t)snprintf(huge, sizeof huge, "{\"a\":\"");
    memset(huge + n, 'x', HUGE_BYTES);
    memcpy(huge + n + HUGE_BYTES, "\"}", 3);
    inputs[11].len = n + HUGE_BYTES + 2;
}

static bool is_built(const char *plugin)
{
    char path[4096];
    const char *folder = getenv("WEIR_PLUGIN_PATH");
    (void)snprintf(path, sizeof path, "%s/%s.so", folder ? folder : "plugins/built", plugin);
    return access(path, R_OK) == 0;
}

static bool holds(const struct weir_slice *value, const char *text)
{
    return value->ptr && memmem(value->ptr, value->len, text, strlen(text)) != NULL;
}

/* What became of one record, of all that came out; each of its outputs is looked at. */
static char outcome(struct harness *h, const struct row *row, const struct input *in)
{
    size_t n = harness_out_count(h);
    char said = n ? '=' : '-';
    for (size_t i = 0; i < n; i++) {
        const struct harness_out *o = harness_out(h, i);
        const struct weir_slice *value = &o->record.value;
        if (o->how == HARNESS_REJECT) {
            assert_int_equal(n, 1);
            if (!o->result.why || strlen(o->result.why) < 5)
                fail_msg("%s, %s: no sentence: \"%s\"", row->plugin, in->name, o->result.why);
            return 'x';
        }
        bool same = value->len == in->len && !value->ptr == !in->value &&
                    (in->len == 0 || memcmp(value->ptr, in->value, in->len) == 0);
        said = same && said == '=' && n == 1 ? '=' : '+';
        if (row->edits && in == &inputs[NUMBERS_AT])
            assert_true(holds(value, "9223372036854775808") && holds(value, "0.1") && holds(value, "1e400") &&
                        holds(value, "-0"));
    }
    return said;
}

/* The outcomes of one transform; each input meets the same instance, alone. */
static void run_row(const struct row *row, char *ret)
{
    struct harness *h = harness_start(row->plugin, WEIR_TRANSFORM, row->options);
    for (size_t i = 0; i < N_INPUTS; i++) {
        struct weir_record r = harness_record(NULL, NULL);
        size_t dropped = harness_dropped(h);
        r.value = (struct weir_slice){inputs[i].value, inputs[i].len};
        assert_int_equal(harness_process(h, harness_batch(h, &r, 1)), WEIR_OK);
        (void)harness_let_go(h, WEIR_WHY_END);
        ret[i] = outcome(h, row, &inputs[i]);
        assert_true(harness_groups(h) == 0 && (ret[i] == '-' || harness_dropped(h) == dropped));
        harness_out_clear(h);
    }
    ret[N_INPUTS] = '\0';
    harness_free(h);
}

static void each_transform_has_its_outcomes(void **state)
{
    char said[N_INPUTS + 1];
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!is_built(rows[i].plugin))
            continue;
        run_row(&rows[i], said);
        if (rows[i].outcomes && strcmp(said, rows[i].outcomes) != 0)
            wrong += printf("%s: %s, and not %s\n", rows[i].plugin, said, rows[i].outcomes) > 0;
    }
    assert_int_equal(wrong, 0);
}

/* All inputs in one batch: every record comes out, is dropped or is rejected, and none twice. */
static void the_books_balance(void **state)
{
    struct weir_record all[N_INPUTS];
    (void)state;
    for (size_t i = 0; i < N_INPUTS; i++) {
        all[i] = harness_record(NULL, NULL);
        all[i].value = (struct weir_slice){inputs[i].value, inputs[i].len};
    }
    for (size_t k = 0; k < N_ROWS; k++) {
        if (!is_built(rows[k].plugin))
            continue;
        struct harness *h = harness_start(rows[k].plugin, WEIR_TRANSFORM, rows[k].options);
        assert_int_equal(harness_process(h, harness_batch(h, all, N_INPUTS)), WEIR_OK);
        (void)harness_let_go(h, WEIR_WHY_END);
        size_t spoken = harness_dropped(h);
        bool seen[N_INPUTS] = {false};
        for (size_t i = 0; i < harness_out_count(h); i++) {
            const struct harness_out *o = harness_out(h, i);
            if (harness_promises(h) & WEIR_HOLDS)
                spoken +=
                    o->how == HARNESS_HELD ? o->parent : 1; /* each comes out once, by itself or in a group */
            else if (o->parent < N_INPUTS && !seen[o->parent])
                seen[o->parent] = ++spoken > 0;
        }
        for (size_t i = 0; rows[k].outcomes && i < N_INPUTS; i++)
            spoken += rows[k].outcomes[i] == '-';
        if (rows[k].outcomes && spoken != N_INPUTS)
            fail_msg("%s: %zu of %zu records are spoken for", rows[k].plugin, spoken, N_INPUTS);
        harness_free(h);
    }
}

static bool is_transform(const char *path)
{
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct weir_plugin *(*entry)(void) = NULL;
    bool found = false;
    if (!file)
        return false;
    *(void **)&entry = dlsym(file, "weir_plugin_entry");
    for (const struct weir_ops *const *ops = entry ? entry()->ops : NULL; ops && *ops; ops++)
        found = found || (*ops)->kind == WEIR_TRANSFORM;
    return found; /* it stays loaded: a plugin is never unloaded */
}

static void every_transform_is_in_the_table(void **state)
{
    const char *folder = getenv("WEIR_PLUGIN_PATH");
    char path[4096];
    (void)state;
    DIR *all = opendir(folder ? folder : "plugins/built");
    assert_non_null(all);
    for (struct dirent *e; (e = readdir(all)) != NULL;) {
        size_t n = strlen(e->d_name), known = 0;
        if (n < 4 || strcmp(e->d_name + n - 3, ".so") != 0 || strcmp(e->d_name, "exec.so") == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder ? folder : "plugins/built", e->d_name);
        for (size_t i = 0; i < N_ROWS; i++)
            known += strlen(rows[i].plugin) == n - 3 && strncmp(rows[i].plugin, e->d_name, n - 3) == 0;
        if (!known && is_transform(path))
            fail_msg("%s is a transform and has no row in t-bad-input.c", e->d_name);
    }
    (void)closedir(all);
}

/* ---- the page --------------------------------------------------------------------------------------------------- */
static size_t print_table(char *out, size_t cap)
{
    size_t n = 0;
#define PUT(...) (n += (size_t)snprintf(out + n, cap - n, __VA_ARGS__))
    PUT("| transform |");
    for (size_t i = 0; i < N_INPUTS; i++)
        PUT(" %zu |", i + 1);
    PUT("\n| --- |");
    for (size_t i = 0; i < N_INPUTS; i++)
        PUT(" --- |");
    for (size_t k = 0; k < N_ROWS; k++) {
        if (!rows[k].outcomes)
            continue;
        PUT("\n| %s |", rows[k].plugin);
        for (size_t i = 0; i < N_INPUTS; i++)
            PUT(" %c |", rows[k].outcomes[i]);
    }
    PUT("\n");
#undef PUT
    return n;
}

static void the_page_says_the_same(void **state)
{
    static char page[1 << 20], table[8192];
    char name[4096];
    const char *top = getenv("srcdir");
    (void)state;
    (void)snprintf(name, sizeof name, "%s/docs/transforms.md", top ? top : ".");
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    page[fread(page, 1, sizeof page - 1, f)] = '\0';
    (void)fclose(f);
    (void)print_table(table, sizeof table);
    if (!strstr(page, table))
        fail_msg("docs/transforms.md has another table than t-bad-input --page prints");
    for (size_t i = 0; i < N_INPUTS; i++)
        assert_non_null(strstr(page, inputs[i].name));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_transform_has_its_outcomes),
        cmocka_unit_test(the_books_balance),
        cmocka_unit_test(every_transform_is_in_the_table),
        cmocka_unit_test(the_page_says_the_same),
    };
    make_inputs();
    if (argc == 2 && strcmp(argv[1], "--page") == 0) {
        static char table[8192];
        for (size_t i = 0; i < N_INPUTS; i++)
            (void)printf("%zu. %s\n", i + 1, inputs[i].name);
        (void)print_table(table, sizeof table);
        (void)printf("\n%s", table);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
