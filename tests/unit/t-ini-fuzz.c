/* SPDX-License-Identifier: BSD-2-Clause */
/* t-ini-fuzz.c - mutated INI files: nothing crashes, and what comes out keeps the reader's promises.
 *
 * The corpus is tests/fuzz/corpus/ini; WEIR_FUZZ_RUNS and WEIR_FUZZ_SEED change the defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/ini.h"
#include "record/json.h"
#include "record/strbuf.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS_MAX 64

static uint64_t seed;
static struct strbuf corpus[CORPUS_MAX];
static size_t n_corpus;
static int last_line;
static size_t events;

static uint64_t next(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void on_section(void *opaque, int line, const char *title)
{
    (void)opaque;
    assert_true(line > last_line); /* one event a line, in order */
    last_line = line;
    assert_in_range(strlen(title), 1, INI_SECTION_MAX);
    assert_null(strpbrk(title, "\n\r]"));
    assert_true(json_utf8_valid(title, strlen(title)));
    events++;
}

static void on_key(void *opaque, int line, const char *key, const char *value, size_t len)
{
    (void)opaque;
    assert_true(line > last_line);
    last_line = line;
    assert_in_range(strlen(key), 1, INI_KEY_MAX);
    assert_true(len <= INI_VALUE_MAX);
    assert_true(json_utf8_valid(value, len));
    assert_null(memchr(value, 0, len));
    assert_null(memchr(value, '\n', len));
    assert_null(memchr(value, '\r', len));
    events++;
}

static void parse(const struct strbuf *text)
{
    struct ini_handler handler = {on_section, on_key, NULL};
    struct problems problems = {.file = "fuzz"};
    int lines = 1;
    for (size_t i = 0; i < text->len; i++)
        lines += text->data[i] == '\n';
    last_line = 0;
    ini_parse_bytes(text->data, text->len, &handler, &problems);
    assert_true(last_line <= lines);
    for (size_t i = 0; i < problems.count; i++) {
        assert_in_range(problems.items[i].line, 1, lines);
        assert_true(problems.items[i].text[0] != 0);
    }
    problem_free(&problems);
}

static void load_corpus(void)
{
    const char *top = getenv("srcdir");
    char path[600];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/ini", top ? top : ".");
    DIR *dir = opendir(path);
    if (!dir)
        fail_msg("%s is missing; set srcdir to the top of the sources", path);
    for (struct dirent *item; (item = readdir(dir)) && n_corpus < CORPUS_MAX;) {
        char name[900];
        if (item->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, item->d_name);
        FILE *file = fopen(name, "rb");
        assert_non_null(file);
        char *room = strbuf_reserve(&corpus[n_corpus], 1 << 18);
        corpus[n_corpus++].len = fread(room, 1, 1 << 18, file);
        fclose(file);
    }
    closedir(dir);
    assert_true(n_corpus > 0);
}

/* One of: change a byte, cut a run, repeat a run, insert something that means something to the reader. */
static void mutate(struct strbuf *text)
{
    static const char *const pieces[] = {"[",    "]",  "=",    "\n", "\r\n",   ";",     " #",          "\"",
                                         "\\\"", "${", "\xff", "\t", "\n  k=", "[sink", "\xef\xbb\xbf"};
    size_t at = text->len ? next() % text->len : 0, n = 1 + next() % 40;
    struct strbuf out = {0};
    n = n < text->len - at ? n : text->len - at;
    strbuf_add(&out, text->data, at);
    switch (next() % 4) {
    case 0:
        strbuf_char(&out, (char)next());
        strbuf_add(&out, text->data + at + (at < text->len), text->len - at - (at < text->len));
        break;
    case 1:
        strbuf_add(&out, text->data + at + n, text->len - at - n);
        break;
    case 2:
        strbuf_add(&out, text->data + at, n);
        strbuf_add(&out, text->data + at, text->len - at);
        break;
    default:
        strbuf_str(&out, pieces[next() % (sizeof pieces / sizeof pieces[0])]);
        strbuf_add(&out, text->data + at, text->len - at);
    }
    strbuf_free(text);
    *text = out;
}

static void mutated_files_do_no_harm(void **state)
{
    const char *runs_text = getenv("WEIR_FUZZ_RUNS"), *seed_text = getenv("WEIR_FUZZ_SEED");
    long runs = runs_text ? strtol(runs_text, NULL, 10) : 20000;
    (void)state;
    seed = seed_text ? strtoull(seed_text, NULL, 10) : 20261121;
    load_corpus();
    for (size_t i = 0; i < n_corpus; i++)
        parse(&corpus[i]);
    for (long i = 0; i < runs; i++) {
        struct strbuf text = {0};
        const struct strbuf *from = &corpus[next() % n_corpus];
        strbuf_add(&text, from->data, from->len);
        for (uint64_t k = 1 + next() % 8; k > 0; k--)
            mutate(&text);
        parse(&text);
        strbuf_free(&text);
    }
    assert_true(events > (size_t)runs); /* most of what was tried still meant something */
    for (size_t i = 0; i < n_corpus; i++)
        strbuf_free(&corpus[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mutated_files_do_no_harm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
