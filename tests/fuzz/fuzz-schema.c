/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-schema.c - a JSON Schema of validate, NUL, a value it is held against; and that the plugins' own reader of JSON
 * (plugins/common/jsontree.h) takes what the host takes. */
#include "fuzz.h"

#include "record/json.h"
#include "record/json_walk.h"

#include "../../plugins/validate/judge.h"

static struct arena arena;

static void *memory(void *opaque, size_t n)
{
    (void)opaque;
    return arena_alloc(&arena, n);
}

static void *mem(struct weir_ctx *ctx, void *old, size_t n)
{
    void *p = n ? realloc(old, n) : NULL;
    (void)ctx;
    FUZZ_MUST(!n || p);
    if (!n)
        free(old);
    return p;
}

static int walk(struct weir_ctx *ctx, struct weir_slice json,
                int (*each)(void *opaque, struct weir_slice path, const struct weir_span *), void *opaque)
{
    static struct arena walked;
    struct strbuf path = {0};
    int r = json_walk(&walked, &path, json, each, opaque);
    (void)ctx;
    strbuf_free(&path);
    return r;
}

static size_t quote(struct weir_ctx *ctx, void *out, struct weir_slice s)
{
    (void)ctx;
    return json_utf8_valid(s.ptr, s.len) ? json_quote(out, s.ptr, s.len) : SIZE_MAX;
}

static const struct weir_host host = {
    .struct_size = sizeof host, .mem = mem, .json_walk = walk, .json_quote = quote};
static struct weir_ctx ctx = {&host};

static void tell(void *opaque, unsigned line, unsigned column, const char *text)
{
    FUZZ_MUST(line > 0 && column > 0 && text[0]);
    (*(unsigned *)opaque)++;
}

/* The reader takes JSON, and of what is none only bytes that are not UTF-8. */
static struct jsontree *read_value(const char *text, size_t size)
{
    struct json_error error = {0, NULL};
    struct weir_slice value = {text, size};
    size_t at = 0;
    struct jsontree *tree = jsontree_read(value, memory, NULL, &at);
    bool good = json_check(text, size, NULL, NULL, &error);
    FUZZ_MUST(tree ? good || !json_utf8_valid(text, size) : !good && at <= size);
    return good ? tree : NULL;
}

static void strings_agree(const struct jsontree *v)
{
    if (v->type == WEIR_JSON_STRING) {
        struct weir_slice a = jsontree_string(v->text, memory, NULL), b = json_string(&arena, v->text);
        size_t n = 0;
        FUZZ_MUST(a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0);
        for (size_t i = 0; i < a.len; i++)
            n += (((const unsigned char *)a.ptr)[i] & 0xc0) != 0x80;
        FUZZ_MUST(jsontree_length(v->text) == n);
    }
    for (v = v->child; v; v = v->next)
        strings_agree(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct judge judge;
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t rest = nul ? size - (size_t)(nul + 1 - data) : 0, n = nul ? (size_t)(nul - data) : size;
    char *text = fuzz_rest(data, n), *value = fuzz_rest(nul ? nul + 1 : data, rest);
    unsigned told = 0;
    struct schema_file *schema = schema_compile(&ctx, (struct weir_slice){text, n}, n % 2, tell, &told);
    FUZZ_MUST((schema != NULL) == (told == 0));
    struct jsontree *tree = read_value(value, rest);
    if (tree)
        strings_agree(tree);
    judge.memory = memory;
    if (schema && tree && !judge_value(&judge, schema_top(schema), tree))
        FUZZ_MUST((judge.stop || judge.len > 0) && judge.len < sizeof judge.why &&
                  json_utf8_valid(judge.why, judge.len));
    schema_free(schema);
    arena_reset(&arena);
    free(text);
    free(value);
    return 0;
}
