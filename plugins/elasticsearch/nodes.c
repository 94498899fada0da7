/* SPDX-License-Identifier: BSD-2-Clause */
/* nodes.c - the pool of nodes: which one gets the next request, and how long a failed one rests.
 *
 * A rested node is tried again by a real request: a probe would say little about whether it takes a bulk.
 * Thread: the home thread of the instance. */
#include "es.h"

#define REST_FIRST_MS 1000
#define REST_MAX_MS   60000

void nodes_init(struct weir_ctx *ctx, struct es_nodes *nodes, const struct weir_list *urls)
{
    nodes->list = ctx->host->mem(ctx, NULL, urls->count * sizeof *nodes->list);
    memset(nodes->list, 0, urls->count * sizeof *nodes->list);
    nodes->count = urls->count;
    nodes->next = 0;
    for (size_t i = 0; i < urls->count; i++) {
        struct es_node *node = &nodes->list[i];
        node->url = urls->items[i];
        node->len = strlen(node->url);
        while (node->len > 0 && node->url[node->len - 1] == '/')
            node->len--;
    }
}

void nodes_free(struct weir_ctx *ctx, struct es_nodes *nodes)
{
    if (nodes->list)
        ctx->host->mem(ctx, nodes->list, 0);
    memset(nodes, 0, sizeof *nodes);
}

size_t nodes_pick(struct es_nodes *nodes, int64_t now)
{
    size_t oldest = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        size_t at = (nodes->next + i) % nodes->count;
        if (nodes->list[at].rest_until <= now) {
            nodes->next = (at + 1) % nodes->count;
            return at;
        }
        if (nodes->list[at].failed_at < nodes->list[oldest].failed_at)
            oldest = at;
    }
    return oldest;
}

void nodes_failed(struct es_nodes *nodes, size_t node, int64_t now, uint32_t wish_ms)
{
    struct es_node *n = &nodes->list[node];
    int64_t rest = REST_FIRST_MS;
    for (uint32_t i = 0; i < n->failures && rest < REST_MAX_MS; i++)
        rest *= 2;
    rest = rest < REST_MAX_MS ? rest : REST_MAX_MS;
    n->rest_until = now + (rest > wish_ms ? rest : wish_ms);
    n->failed_at = now;
    n->failures++;
}

bool nodes_awake(const struct es_nodes *nodes, int64_t now)
{
    bool awake = false;
    for (size_t i = 0; i < nodes->count; i++)
        awake = awake || nodes->list[i].rest_until <= now;
    return awake;
}

void nodes_worked(struct es_nodes *nodes, size_t node)
{
    nodes->list[node].failures = 0;
    nodes->list[node].rest_until = 0;
}
