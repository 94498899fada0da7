/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-ini.c - a pipeline's file: its lines, its ${...}, and numbers with units. */
#include "fuzz.h"

#include "config/ini.h"
#include "config/number.h"
#include "config/subst.h"
#include "record/json.h"
#include "record/strbuf.h"

static int last_line;

static void on_section(void *opaque, int line, const char *title)
{
    (void)opaque;
    FUZZ_MUST(line > last_line && title[0] && strlen(title) <= INI_SECTION_MAX);
    last_line = line;
}

static void on_key(void *opaque, int line, const char *key, const char *value, size_t len)
{
    struct strbuf out = {0};
    char why[NUMBER_WHY];
    bool secret;
    double d;
    int64_t n;
    (void)opaque;
    FUZZ_MUST(line > last_line && key[0] && strlen(key) <= INI_KEY_MAX && len <= INI_VALUE_MAX);
    FUZZ_MUST(json_utf8_valid(value, len) && !memchr(value, 0, len));
    last_line = line;
    char *text = fuzz_text(&(const uint8_t *){(const uint8_t *)value}, &(size_t){len});
    if (!memmem(value, len, "${file:", 7)) /* files of this machine are none of its business */
        (void)subst_expand(value, len, &out, &secret, why, sizeof why);
    strbuf_free(&out);
    (void)number_integer(text, &n);
    (void)number_double(text, &d);
    (void)number_bool(text, &n);
    (void)number_size(text, &n);
    (void)number_duration(text, &n);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ini_handler handler = {on_section, on_key, NULL};
    struct problems problems = {.file = "fuzz"};
    char *text = fuzz_rest(data, size);
    last_line = 0;
    ini_parse_bytes(text, size, &handler, &problems);
    for (size_t i = 0; i < problems.count; i++)
        FUZZ_MUST(problems.items[i].line >= 1 && problems.items[i].text[0]);
    problem_free(&problems);
    free(text);
    return 0;
}
