/* SPDX-License-Identifier: BSD-2-Clause */
/* script.c - sections and keys of a test file (script.h). */
#include "script.h"

#include "config/ini.h"
#include "config/option.h"
#include "record/closest.h"
#include "record/format.h"
#include "report/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_FILE_MAX ((size_t)64 << 20)

enum last { LAST_NONE, LAST_GIVEN, LAST_WANTED }; /* what `with` speaks of */

struct reader {
    struct script *script;
    struct problems *problems;
    struct script_test *test;  /* NULL: below a header that was refused */
    struct script_test common; /* [tests]: of all that follow */
    char title[INI_SECTION_MAX + 1];
    const char *key;
    int line;
    enum last last;
};

__attribute__((format(printf, 2, 3))) static void refuse(struct reader *r, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    problem_add(r->problems, r->line, r->title, "%s", text);
}

static char *keep(struct reader *r, const char *text, size_t n)
{
    return arena_copy(&r->script->arena, text, n);
}

/* The place for one more item of a list that doubles. */
static void *more(void *items, size_t count, size_t size)
{
    if (count & (count - 1)) /* neither 0 nor a power of two: there is room */
        return items;
    return xrealloc(items, (count ? 2 * count : 1) * size);
}

/* What stands beside the test file, as the program opens it. */
static char *beside(struct reader *r, const char *name)
{
    const char *file = r->script->file, *slash = strrchr(file, '/');
    struct strbuf path = {0};
    if (name[0] != '/' && slash)
        strbuf_add(&path, file, (size_t)(slash - file) + 1);
    strbuf_str(&path, name);
    char *kept = keep(r, path.data, path.len);
    strbuf_free(&path);
    return kept;
}

/* [tests] */
static void open_common(struct reader *r)
{
    if (r->common.line)
        problem_add(r->problems, r->line, NULL, "[tests] stands twice, first in line %d", r->common.line);
    else if (r->script->n)
        problem_add(r->problems, r->line, NULL, "[tests] is for all tests and stands before the first");
    else
        r->test = &r->common;
    r->common.line = r->line;
}

/* [test NAME] */
static void open_test(struct reader *r, const char *name)
{
    struct script *s = r->script;
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->tests[i].name, name) == 0) {
            problem_add(r->problems, r->line, NULL, "[test %s] stands twice, first in line %d", name,
                        s->tests[i].line);
            return;
        }
    if (s->n == SCRIPT_TESTS_MAX) {
        problem_add(r->problems, r->line, NULL, "more than %d tests", SCRIPT_TESTS_MAX);
        return;
    }
    s->tests = more(s->tests, s->n, sizeof *s->tests);
    r->test = &s->tests[s->n++];
    *r->test =
        (struct script_test){.line = r->line, .name = keep(r, name, strlen(name)), .clock_ms = INT64_MIN};
}

static void on_section(void *opaque, int line, const char *title)
{
    struct reader *r = opaque;
    size_t n = strcspn(title, " \t"), blank = strspn(title + n, " \t");
    r->line = line;
    r->test = NULL;
    r->last = LAST_NONE;
    snprintf(r->title, sizeof r->title, "%s", title);
    if (strcmp(title, "tests") == 0)
        open_common(r);
    else if (n != 4 || strncmp(title, "test", 4) != 0)
        problem_add(r->problems, line, NULL, "unknown section [%s]; a test file has [tests] and [test NAME]",
                    title);
    else if (!title[n + blank])
        problem_add(r->problems, line, NULL, "[test] needs a name, like [test only errors are kept]");
    else
        open_test(r, title + n + blank);
}

/* ---- what is given --------------------------------------------------------------------------------------------- */
static void give(struct reader *r, const struct weir_record *record, uint32_t said)
{
    struct script_test *t = r->test;
    if (t->n_given == SCRIPT_RECORDS_MAX) {
        refuse(r, "more than %d records are given", SCRIPT_RECORDS_MAX);
        return;
    }
    t->given = more(t->given, t->n_given, sizeof *t->given);
    t->given[t->n_given++] = (struct given){
        .line = r->line, .record = *record, .said = said, .whole = strcmp(r->key, "input") != 0};
    r->last = LAST_GIVEN;
}

static void give_value(struct reader *r, struct weir_slice value)
{
    struct weir_record record = {.value = value, .partition = -1, .offset = -1, .time_ms = WEIR_NO_TIME};
    give(r, &record, 0);
}

static void give_record(struct reader *r, struct weir_slice json)
{
    struct weir_record record = {.partition = -1, .offset = -1, .time_ms = WEIR_NO_TIME};
    char why[512];
    uint32_t said = 0;
    if (script_with(&r->script->arena, &json, &record, &said, why, sizeof why))
        give(r, &record, said);
    else
        refuse(r, "%s: %s", r->key, why);
}

/* ---- what is wanted -------------------------------------------------------------------------------------------- */
static const char *sink_of(struct reader *r, const char *key)
{
    const char *dot = strchr(key, '.');
    return dot ? keep(r, dot + 1, strlen(dot + 1)) : NULL;
}

static void want(struct reader *r, struct weir_slice body)
{
    struct script_test *t = r->test;
    bool dead = strncmp(r->key, "expect-dead", 11) == 0;
    if (t->n_wanted == SCRIPT_RECORDS_MAX) {
        refuse(r, "more than %d records are expected", SCRIPT_RECORDS_MAX);
        return;
    }
    t->wanted = more(t->wanted, t->n_wanted, sizeof *t->wanted);
    t->wanted[t->n_wanted++] = (struct wanted){
        .line = r->line, .sink = dead ? NULL : sink_of(r, r->key), .dead = dead, .body = body};
    r->last = LAST_WANTED;
}

/* Each line of a file beside the test. */
static void each_line(struct reader *r, const char *name, void (*take)(struct reader *, struct weir_slice))
{
    char *path = beside(r, name), *line = NULL;
    FILE *f = fopen(path, "re");
    size_t room = 0, all = 0;
    ssize_t n;
    if (!f) {
        refuse(r, "%s: %s can not be read: %s", r->key, path, strerror(errno));
        return;
    }
    while ((n = getline(&line, &room, f)) > 0) {
        all += (size_t)n;
        if (all > INPUT_FILE_MAX) {
            refuse(r, "%s: %s has more than %zu MiB", r->key, path, INPUT_FILE_MAX >> 20);
            break;
        }
        n -= line[n - 1] == '\n';
        take(r, (struct weir_slice){keep(r, line, (size_t)n), (size_t)n});
    }
    if (ferror(f))
        refuse(r, "%s: %s can not be read: %s", r->key, path, strerror(errno));
    free(line);
    fclose(f);
    r->last = LAST_NONE; /* `with` would speak of the last line only */
}

/* ---- keys ------------------------------------------------------------------------------------------------------ */
static void key_pipeline(struct reader *r, const char *value, size_t len)
{
    (void)len;
    if (r->test->pipeline)
        refuse(r, "pipeline is given twice");
    r->test->pipeline = beside(r, value);
}

static void key_clock(struct reader *r, const char *value, size_t len)
{
    (void)len;
    if (r->test->clock_ms != INT64_MIN)
        refuse(r, "clock is given twice");
    if (!script_time(value, &r->test->clock_ms))
        refuse(r, "clock: \"%.40s\" is no time like 2026-01-31T23:59:59Z", value);
}

static void key_fails(struct reader *r, const char *value, size_t len)
{
    if (r->test->fails)
        refuse(r, "fails is given twice");
    r->test->fails = keep(r, value, len);
}

static void key_input(struct reader *r, const char *value, size_t len)
{
    give_value(r, (struct weir_slice){keep(r, value, len), len});
}

static void key_record(struct reader *r, const char *value, size_t len)
{
    give_record(r, (struct weir_slice){keep(r, value, len), len});
}

static void key_input_file(struct reader *r, const char *value, size_t len)
{
    (void)len;
    each_line(r, value, give_value);
}

static void key_record_file(struct reader *r, const char *value, size_t len)
{
    (void)len;
    each_line(r, value, give_record);
}

static void key_expect(struct reader *r, const char *value, size_t len)
{
    want(r, (struct weir_slice){keep(r, value, len), len});
}

static void key_expect_file(struct reader *r, const char *value, size_t len)
{
    (void)len;
    each_line(r, value, want);
}

static void key_with(struct reader *r, const char *value, size_t len)
{
    struct weir_slice json = {keep(r, value, len), len};
    struct script_test *t = r->test;
    char why[512];
    bool good = true;
    if (r->last == LAST_GIVEN && !t->given[t->n_given - 1].whole) {
        struct given *g = &t->given[t->n_given - 1];
        g->whole = true;
        good = script_with(&r->script->arena, &json, &g->record, &g->said, why, sizeof why);
    } else if (r->last == LAST_WANTED && !t->wanted[t->n_wanted - 1].with.ptr) {
        struct wanted *w = &t->wanted[t->n_wanted - 1];
        good = script_with(&r->script->arena, &json, NULL, NULL, why, sizeof why);
        w->with = json;
        w->has_value = good && script_names(&r->script->arena, json, "value");
        if (w->has_value && w->body.len)
            refuse(r, "with says what the value is, and so does the line above it: leave one of them empty");
    } else {
        refuse(r, "with says more of the record of the line above it: it follows input or expect, once");
    }
    if (!good)
        refuse(r, "with: %s", why);
}

static void key_because(struct reader *r, const char *value, size_t len)
{
    struct wanted *w = r->last == LAST_WANTED ? &r->test->wanted[r->test->n_wanted - 1] : NULL;
    if (!w || !w->dead || w->because)
        refuse(r, "because says why a record is a dead letter: it follows expect-dead, once");
    else
        w->because = keep(r, value, len);
}

static void key_fault(struct reader *r, const char *value, size_t len)
{
    struct script_test *t = r->test;
    struct fault f = {.line = r->line, .sink = sink_of(r, r->key)};
    char why[512];
    (void)len;
    if (!script_fault(&r->script->arena, value, &f, why, sizeof why)) {
        refuse(r, "%s: %s", r->key, why);
        return;
    }
    t->faults = more(t->faults, t->n_faults, sizeof *t->faults);
    t->faults[t->n_faults++] = f;
}

static void key_env(struct reader *r, const char *value, size_t len)
{
    struct script_test *t = r->test;
    t->env = more(t->env, t->n_env, sizeof *t->env);
    t->env[t->n_env++] = (struct script_pair){sink_of(r, r->key), keep(r, value, len)};
}

/* "/run/secrets/password s3cret" */
static void key_file(struct reader *r, const char *value, size_t len)
{
    struct script_test *t = r->test;
    size_t n = strcspn(value, " \t"), blank = strspn(value + n, " \t");
    if (value[0] != '/' || !blank) {
        refuse(r, "file says what ${file:/path} is in this test: file = /path TEXT");
        return;
    }
    t->files = more(t->files, t->n_files, sizeof *t->files);
    t->files[t->n_files++] =
        (struct script_pair){keep(r, value, n), keep(r, value + n + blank, len - n - blank)};
}

static void key_ignore(struct reader *r, const char *value, size_t len)
{
    struct script_test *t = r->test;
    t->ignore = more(t->ignore, t->n_ignore, sizeof *t->ignore);
    t->ignore[t->n_ignore++] = keep(r, value, len);
}

enum { PLAIN, MAY_NAME, MUST_NAME }; /* KEY, KEY.NAME */

static const struct key {
    const char *word;
    int form;
    bool common; /* may stand in [tests] */
    void (*take)(struct reader *, const char *value, size_t len);
} keys[] = {
    {"pipeline", PLAIN, true, key_pipeline},
    {"clock", PLAIN, true, key_clock},
    {"env", MUST_NAME, true, key_env},
    {"file", PLAIN, true, key_file},
    {"ignore", PLAIN, true, key_ignore},
    {"input", PLAIN, false, key_input},
    {"input-file", PLAIN, false, key_input_file},
    {"record", PLAIN, false, key_record},
    {"record-file", PLAIN, false, key_record_file},
    {"with", PLAIN, false, key_with},
    {"expect", MAY_NAME, false, key_expect},
    {"expect-file", MAY_NAME, false, key_expect_file},
    {"expect-dead", PLAIN, false, key_expect},
    {"because", PLAIN, false, key_because},
    {"fault", MAY_NAME, false, key_fault},
    {"fails", PLAIN, false, key_fails},
};
#define N_KEYS (sizeof keys / sizeof *keys)

static void refuse_key(struct reader *r, const char *key, size_t n)
{
    const char *words[N_KEYS + 1] = {NULL};
    char text[256] = "";
    for (size_t i = 0; i < N_KEYS; i++)
        words[i] = keys[i].word;
    option_append_suggestion(closest_word(key, n, words), text, sizeof text);
    refuse(r, "unknown option \"%s\"%s", key, text);
}

static void on_key(void *opaque, int line, const char *key, const char *value, size_t len)
{
    struct reader *r = opaque;
    size_t n = strcspn(key, ".");
    if (!r->test)
        return; /* its header was reported */
    r->line = line;
    r->key = key;
    for (size_t i = 0; i < N_KEYS; i++) {
        if (strlen(keys[i].word) != n || strncmp(key, keys[i].word, n) != 0)
            continue;
        char *copy = keep(r, value, len);
        if (key[n] && keys[i].form == PLAIN)
            break;
        if (!keys[i].common && r->test == &r->common)
            refuse(r, "%s is of one test: it stands in [test NAME]", keys[i].word);
        else if (keys[i].form == MUST_NAME && (!key[n] || !key[n + 1]))
            refuse(r, "%s needs a name: %s.NAME = VALUE", keys[i].word, keys[i].word);
        else
            keys[i].take(r, copy, len);
        return;
    }
    refuse_key(r, key, n);
}

static void append_pairs(struct script_pair **to, size_t *n, const struct script_pair *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        *to = more(*to, *n, sizeof **to);
        (*to)[(*n)++] = from[i];
    }
}

/* What [tests] says and the test does not say otherwise: of two of a name the first holds. */
static void take_common(struct script_test *t, const struct script_test *common)
{
    append_pairs(&t->env, &t->n_env, common->env, common->n_env);
    append_pairs(&t->files, &t->n_files, common->files, common->n_files);
    for (size_t i = 0; i < common->n_ignore; i++) {
        t->ignore = more(t->ignore, t->n_ignore, sizeof *t->ignore);
        t->ignore[t->n_ignore++] = common->ignore[i];
    }
    if (!t->pipeline)
        t->pipeline = common->pipeline;
    if (t->clock_ms == INT64_MIN)
        t->clock_ms = common->clock_ms;
}

static void free_test(struct script_test *t)
{
    free(t->given);
    free(t->wanted);
    free(t->faults);
    free(t->env);
    free(t->files);
    free(t->ignore);
}

/* web.test.ini tests web.ini. */
static void settle(struct reader *r)
{
    static const char ending[] = ".test.ini";
    size_t n = strlen(r->script->file), e = sizeof ending - 1;
    struct strbuf path = {0};
    if (n > e && strcmp(r->script->file + n - e, ending) == 0) {
        strbuf_add(&path, r->script->file, n - e);
        strbuf_str(&path, ".ini");
    }
    for (size_t i = 0; i < r->script->n; i++) {
        struct script_test *t = &r->script->tests[i];
        take_common(t, &r->common);
        if (t->clock_ms == INT64_MIN)
            t->clock_ms = SCRIPT_CLOCK;
        if (!t->pipeline && path.len)
            t->pipeline = keep(r, path.data, path.len);
        if (!t->pipeline)
            problem_add(r->problems, t->line, NULL,
                        "[test %s] names no pipeline, and the file's name is not NAME.test.ini", t->name);
        if (!t->n_given)
            problem_add(r->problems, t->line, NULL, "[test %s] gives no record: input is missing", t->name);
    }
    strbuf_free(&path);
    if (!r->script->n && !r->problems->count)
        problem_add(r->problems, 0, NULL, "there is no [test NAME]");
}

bool script_read(const char *path, struct script *ret, struct problems *problems)
{
    struct reader reader = {.script = ret, .problems = problems, .common = {.clock_ms = INT64_MIN}};
    struct ini_handler handler = {.section = on_section, .key = on_key, .opaque = &reader};
    *ret = (struct script){.file = path};
    if (ini_read(path, &handler, problems))
        settle(&reader);
    free_test(&reader.common);
    return problems->count == 0;
}

void script_free(struct script *s)
{
    for (size_t i = 0; i < s->n; i++)
        free_test(&s->tests[i]);
    free(s->tests);
    arena_free(&s->arena);
    *s = (struct script){0};
}
