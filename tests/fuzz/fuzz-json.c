/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-json.c - a record's JSON: check and parser agree, what is untouched prints as it stood, edits stay JSON.
 *
 * Input: the JSON, and behind a NUL the path of the edits. */
#include "fuzz.h"

#include "record/json.h"
#include "record/json_walk.h"
#include "record/path.h"

static struct arena arena;

static int each(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    size_t *scalars = opaque;
    FUZZ_MUST(span->len > 0 && (path.len == 0 || path.ptr));
    (*scalars)++;
    if (span->type == WEIR_JSON_STRING)
        (void)json_string(&arena, (struct weir_slice){span->ptr, span->len});
    if (span->type == WEIR_JSON_NUMBER)
        (void)json_number((struct weir_slice){span->ptr, span->len});
    return WEIR_OK;
}

static void check_print(const struct json_doc *doc)
{
    size_t n = json_printed_size(doc);
    char *text = malloc(n > 0 ? n : 1), *small = malloc(n > 0 ? n : 1);
    FUZZ_MUST(text && small);
    json_print(doc, text);
    FUZZ_MUST(json_check(text, n, NULL, NULL, NULL));
    if (!doc->edited)
        FUZZ_MUST(n == doc->source.len && memcmp(text, doc->source.ptr, n) == 0);
    size_t less = json_minify(small, text, n);
    FUZZ_MUST(less <= n && json_check(small, less, NULL, NULL, NULL));
    free(text);
    free(small);
}

static void edit(struct json_doc *doc, const char *text, size_t len, struct weir_slice value)
{
    const char *why = NULL;
    size_t used = 0;
    struct json_path *path = path_compile(text, len, &used, &why);
    FUZZ_MUST(path ? used <= len : why != NULL);
    if (!path)
        return;
    (void)json_set(&arena, doc, path, value);
    check_print(doc);
    (void)json_rename(&arena, doc, path, (struct weir_slice){"k\"", 2});
    check_print(doc);
    (void)json_remove(&arena, doc, path);
    check_print(doc);
    path_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf room = {0};
    struct json_error error = {0, NULL};
    size_t scalars = 0;
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t rest = nul ? size - (size_t)(nul + 1 - data) : 0;
    char *path = fuzz_rest(nul ? nul + 1 : data, rest);
    size -= nul ? rest + 1 : 0;
    char *text = fuzz_rest(data, size);
    bool good = json_check(text, size, NULL, NULL, &error);
    FUZZ_MUST(good || (error.why && error.offset <= size));
    FUZZ_MUST(good == (json_walk(&arena, &room, (struct weir_slice){text, size}, each, &scalars) == WEIR_OK));
    struct json_doc *doc = json_parse(&arena, text, size, NULL);
    FUZZ_MUST(good == (doc != NULL));
    if (doc) {
        check_print(doc);
        edit(doc, path, rest, (struct weir_slice){"[1]", 3});
    }
    FUZZ_MUST(json_utf8_prefix(text, size) <= size);
    strbuf_free(&room);
    arena_reset(&arena);
    free(path);
    free(text);
    return 0;
}
