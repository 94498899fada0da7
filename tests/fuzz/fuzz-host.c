/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-host.c - the little of a host that parsers in plugins ask for (fuzz.h). */
#include "fuzz.h"

#include "config/errors.h"
#include "record/json.h"
#include "record/json_walk.h"
#include "report/log.h"

static struct arena strings, walked;

char *fuzz_rest(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    FUZZ_MUST(copy);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *fuzz_text(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size > 0 ? memchr(*data, 0, *size) : NULL;
    size_t n = end ? (size_t)(end - *data) : *size;
    char *copy = malloc(n + 1);
    FUZZ_MUST(copy);
    if (n > 0)
        memcpy(copy, *data, n);
    copy[n] = '\0';
    *data += n + (end != NULL);
    *size -= n + (end != NULL);
    return copy;
}

static struct fuzz_host *of(struct weir_ctx *ctx)
{
    return (struct fuzz_host *)(void *)ctx;
}

static void h_log(struct weir_ctx *ctx, int level, const char *text, size_t len)
{
    (void)ctx;
    (void)level;
    FUZZ_MUST(len == 0 || memchr(text, '\0', len) == NULL);
}

static void h_health(struct weir_ctx *ctx, uint32_t state, uint32_t code, const char *why)
{
    (void)ctx;
    (void)code;
    FUZZ_MUST(state >= WEIR_UP && state <= WEIR_DENIED);
    FUZZ_MUST(!why || strlen(why) < 4096);
}

static void h_count(struct weir_ctx *ctx, uint32_t metric, int64_t delta)
{
    (void)ctx;
    (void)metric;
    FUZZ_MUST(delta >= 0);
}

static void *h_mem(struct weir_ctx *ctx, void *old, size_t n)
{
    (void)ctx;
    if (n > 0)
        return xrealloc(old, n);
    free(old);
    return NULL;
}

static void h_fail(struct weir_ctx *ctx, const struct weir_result *r)
{
    (void)ctx;
    FUZZ_MUST(r->status < 0);
}

static int64_t h_ms(struct weir_ctx *ctx)
{
    (void)ctx;
    return 1000;
}

static int h_json_walk(struct weir_ctx *ctx, struct weir_slice json,
                       int (*each)(void *, struct weir_slice, const struct weir_span *), void *opaque)
{
    struct strbuf path = {0};
    int r = json_walk(&walked, &path, json, each, opaque);
    (void)ctx;
    strbuf_free(&path);
    return r;
}

static size_t h_json_quote(struct weir_ctx *ctx, void *out, struct weir_slice bytes)
{
    (void)ctx;
    return json_utf8_valid(bytes.ptr, bytes.len) ? json_quote(out, bytes.ptr, bytes.len) : SIZE_MAX;
}

static struct weir_slice h_json_string(struct weir_ctx *ctx, const struct weir_span *span)
{
    (void)ctx;
    arena_reset(&strings);
    return json_string(&strings, (struct weir_slice){span->ptr, span->len});
}

static const struct weir_error *h_classify(struct weir_ctx *ctx, const struct weir_fault *fault)
{
    static const struct errors_set none;
    return errors_classify(of(ctx)->errors, &none, fault);
}

static int h_shard_open(struct weir_ctx *ctx, const struct weir_shard *shard, const struct weir_shard **ret,
                        struct weir_position *position)
{
    const struct fuzz_host *h = of(ctx);
    *ret = shard; /* never looked at by what is tried here */
    position->flags = h->position.ptr ? WEIR_POS_STORED : 0;
    position->next = h->next;
    position->data = h->position;
    return WEIR_OK;
}

static int h_state_get(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice *value)
{
    (void)ctx;
    (void)key;
    *value = (struct weir_slice){"1", 1};
    return WEIR_OK;
}

static int h_state_put(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice value)
{
    (void)ctx;
    FUZZ_MUST(key.len <= 1024 && value.len <= 65536);
    return WEIR_OK;
}

static int h_state_scan(struct weir_ctx *ctx, struct weir_slice prefix,
                        int (*each)(void *, struct weir_slice, struct weir_slice), void *opaque)
{
    const struct fuzz_host *h = of(ctx);
    (void)prefix;
    return each(opaque, h->key, h->row);
}

void fuzz_host_init(struct fuzz_host *h)
{
    static const struct weir_host table = {.struct_size = sizeof table,
                                           .api = WEIR_API_LATEST,
                                           .version = "fuzz",
                                           .log = h_log,
                                           .health = h_health,
                                           .count = h_count,
                                           .mono_ms = h_ms,
                                           .json_quote = h_json_quote,
                                           .wall_ms = h_ms,
                                           .mem = h_mem,
                                           .fail = h_fail,
                                           .shard_open = h_shard_open,
                                           .json_walk = h_json_walk,
                                           .json_string = h_json_string,
                                           .state_get = h_state_get,
                                           .state_put = h_state_put,
                                           .state_scan = h_state_scan,
                                           .classify = h_classify};
    memset(h, 0, sizeof *h);
    h->ctx.host = &table;
}
