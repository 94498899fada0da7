/* SPDX-License-Identifier: BSD-2-Clause */
/* schema-driver.c - judges values by schemas, line by line, for tests/gates/schema.py.
 *
 * "S SCHEMA" answers "ok" or what is wrong with it; "V VALUE" answers 1, 0 or "stopped: WHY", by the schema before it. */
#define WEIR_API 1
#include "../../plugins/validate/judge.h"

#include "record/json.h"
#include "record/json_walk.h"
#include "record/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena; /* of one value */

static void *mem(struct weir_ctx *ctx, void *old, size_t n)
{
    void *p = n ? realloc(old, n) : NULL;
    (void)ctx;
    if (n && !p)
        abort();
    if (!n)
        free(old);
    return p;
}

static int walk(struct weir_ctx *ctx, struct weir_slice json,
                int (*each)(void *opaque, struct weir_slice path, const struct weir_span *), void *opaque)
{
    struct arena walked = {0};
    struct strbuf path = {0};
    int r = json_walk(&walked, &path, json, each, opaque);
    (void)ctx;
    arena_free(&walked);
    free(path.data);
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

static void *value_memory(void *opaque, size_t n)
{
    return arena_alloc(opaque, n);
}

static void tell(void *opaque, unsigned line, unsigned column, const char *text)
{
    (void)line;
    (void)column;
    if ((*(unsigned *)opaque)++ == 0)
        puts(text);
}

static struct schema_file *compile(struct schema_file *before, char *text)
{
    static char *kept;
    unsigned problems = 0;
    schema_free(before);
    free(kept);
    kept = strdup(text);
    struct schema_file *schema =
        schema_compile(&ctx, (struct weir_slice){kept, strlen(kept)}, true, tell, &problems);
    if (schema)
        puts("ok");
    return schema;
}

static void judge_line(const struct schema_file *schema, const char *text)
{
    static struct judge judge;
    arena_reset(&arena);
    judge.memory = value_memory;
    judge.opaque = &arena;
    struct jsontree *value =
        jsontree_read((struct weir_slice){text, strlen(text)}, value_memory, &arena, NULL);
    if (!schema || !value || !json_check(text, strlen(text), NULL, NULL, NULL))
        puts(schema ? "no JSON" : "no schema");
    else if (judge_value(&judge, schema_top(schema), value))
        puts("1");
    else
        printf(judge.stop ? "stopped: %s\n" : "0 %s\n", judge.stop ? judge.stop : judge.why);
}

int main(void)
{
    struct schema_file *schema = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    while ((len = getline(&line, &room, stdin)) > 2) {
        line[len - 1] = '\0';
        if (line[0] == 'S')
            schema = compile(schema, line + 2);
        else
            judge_line(schema, line + 2);
    }
    schema_free(schema);
    free(line);
    return 0;
}
