/* SPDX-License-Identifier: BSD-2-Clause */
/* env.c - makes the environment of a program (env.h). */
#define WEIR_API 1
#include "env.h"

#include <weir/helpers.h>

#include <inttypes.h>
#include <unistd.h>

extern char **environ;

/* Everything is in one block: the array, then the texts that are new. */
struct making {
    char **items, *text, *end;
    size_t n;
};

static void put(struct making *m, char *item)
{
    size_t name = strcspn(item, "=") + 1, i = 0;
    while (i < m->n && strncmp(m->items[i], item, name) != 0)
        i++;
    m->items[i] = item;
    m->n += i == m->n;
}

static void put_pair(struct making *m, const char *name, const char *value)
{
    int n = snprintf(m->text, (size_t)(m->end - m->text), "%s=%s", name, value);
    put(m, m->text);
    m->text += n + 1;
}

static size_t count(char *const *items)
{
    size_t n = 0;
    while (items && items[n])
        n++;
    return n;
}

char **env_make(struct weir_ctx *ctx, const struct weir_map *set, const char *const *more)
{
    const struct weir_instance *in = ctx->host->instance(ctx);
    size_t own = count(environ), further = count((char *const *)(uintptr_t)more);
    size_t slots = own + further + set->count + 4, bytes = strlen(in->pipeline) + strlen(in->section) + 96;
    struct making m;
    char worker[16];
    for (size_t i = 0; i < set->count; i++)
        bytes += strlen(set->items[i].name) + strlen(set->items[i].value) + 2;
    m.items = ctx->host->mem(ctx, NULL, slots * sizeof *m.items + bytes);
    m.text = (char *)(m.items + slots);
    m.end = m.text + bytes;
    m.n = 0;
    for (size_t i = 0; i < own; i++)
        m.items[m.n++] = environ[i];
    for (size_t i = 0; i < set->count; i++)
        put_pair(&m, set->items[i].name, set->items[i].value);
    (void)snprintf(worker, sizeof worker, "%" PRIu32, in->worker);
    put_pair(&m, "WEIR_PIPELINE", in->pipeline);
    put_pair(&m, "WEIR_SECTION", in->section);
    put_pair(&m, "WEIR_WORKER", worker);
    for (size_t i = 0; i < further; i++)
        put(&m, (char *)(uintptr_t)more[i]);
    m.items[m.n] = NULL;
    return m.items;
}

void env_free(struct weir_ctx *ctx, char **env)
{
    ctx->host->mem(ctx, env, 0);
}
