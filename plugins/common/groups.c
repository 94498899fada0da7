/* SPDX-License-Identifier: BSD-2-Clause */
/* groups.c - see groups.h. */
#define WEIR_API 1
#include "groups.h"

#include <string.h>

void groups_init(struct groups *g, struct weir_ctx *ctx)
{
    memset(g, 0, sizeof *g);
    g->ctx = ctx;
    table_init(&g->table, ctx);
}

static char *reserve(struct groups *g, char *old, size_t *cap, size_t n)
{
    if (n <= *cap)
        return old;
    *cap = n + n / 2;
    return g->ctx->host->mem(g->ctx, old, *cap);
}

void groups_free(struct groups *g)
{
    const struct weir_host *host = g->ctx->host;
    table_free(&g->table);
    if (g->key)
        host->mem(g->ctx, g->key, 0);
    if (g->text)
        host->mem(g->ctx, g->text, 0);
}

/* A lane is known by its address: one that was given back and came again is another one, and what is held of the first
 * must not run into what is read again. */
static struct weir_slice name_of(struct groups *g, const struct weir_shard *shard, struct weir_slice key)
{
    size_t n = sizeof(const struct weir_shard *) + key.len;
    g->key = reserve(g, g->key, &g->key_cap, n);
    memcpy(g->key, &shard, sizeof(const struct weir_shard *));
    if (key.len)
        memcpy(g->key + sizeof(const struct weir_shard *), key.ptr, key.len);
    return (struct weir_slice){g->key, n};
}

struct group *groups_find(struct groups *g, const struct weir_shard *shard, struct weir_slice key)
{
    return (struct group *)(void *)table_find(&g->table, name_of(g, shard, key)); /* its first member */
}

struct group *groups_at(struct groups *g, const struct weir_shard *shard, struct weir_slice key)
{
    struct group *found = groups_find(g, shard, key);
    return found ? found : table_add(&g->table, sizeof *found, name_of(g, shard, key));
}

int groups_hold(struct groups *g, struct group *group, struct weir_emitter *to, uint32_t i, size_t bytes,
                int64_t until)
{
    int r = g->ctx->host->hold(to, i, &group->held, until, group);
    group->records++;
    group->bytes += bytes;
    return r;
}

static char *put(char *at, struct weir_slice s)
{
    if (s.len)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static int join(struct groups *g, struct group *group, struct weir_emitter *to)
{
    struct weir_view view = {.struct_size = sizeof view};
    int r = g->ctx->host->view(g->ctx, group->held, &view);
    if (r != WEIR_OK)
        return r;
    g->text = reserve(g, g->text, &g->text_cap,
                      group->bytes + view.count * g->between.len + g->before.len + g->behind.len);
    char *at = put(g->text, g->before);
    for (uint32_t i = 0; i < view.count; i++) {
        if (i > 0)
            at = put(at, g->between);
        at = put(at, weir_record_at(&view, i)->value);
    }
    at = put(at, g->behind);
    struct weir_record made = *weir_record_at(&view, 0);
    made.value = (struct weir_slice){g->text, (size_t)(at - g->text)};
    return g->ctx->host->emit_held(to, group->held, &made, sizeof made, NULL);
}

int groups_close(struct groups *g, struct group *group, struct weir_emitter *to, int alone)
{
    int r = WEIR_OK;
    if (group->held && (group->records > 1 || alone))
        r = join(g, group, to);
    else if (group->held)
        r = g->ctx->host->pass_held(to, group->held);
    table_remove(&g->table, &group->entry);
    return r;
}
