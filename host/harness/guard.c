/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.c - pieces of memory between pages that can't be touched (guard.h). */
#include "guard.h"

#include "report/log.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct piece {
    struct piece *next;
    char *map, *data;
    size_t mapped, n;
    enum guard_state state;
    struct guard_rules rules;
};

static struct piece *pieces;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list and the states */

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void protect(const struct piece *p, int how)
{
    size_t page = page_size();
    if (p->mapped > 2 * page && mprotect(p->map + page, p->mapped - 2 * page, how) != 0)
        die("weir: mprotect of %zu bytes failed", p->mapped);
}

void *guard_alloc(size_t n, const struct guard_rules *rules)
{
    size_t page = page_size(), inner = (n + page - 1) / page * page;
    struct piece *p = xcalloc(1, sizeof *p);
    p->mapped = inner + 2 * page;
    p->map = mmap(NULL, p->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p->map == MAP_FAILED)
        die("weir: mmap of %zu bytes failed", p->mapped);
    protect(p, PROT_READ | PROT_WRITE);
    p->n = n;
    p->data = p->map + page + inner - n;
    p->rules = *rules;
    pthread_mutex_lock(&lock);
    p->next = pieces;
    pieces = p;
    pthread_mutex_unlock(&lock);
    return p->data;
}

static struct piece **place_of(const void *data)
{
    struct piece **at = &pieces;
    while (*at && (*at)->data != data)
        at = &(*at)->next;
    return at;
}

void guard_set(void *data, enum guard_state state)
{
    static const int how[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};
    pthread_mutex_lock(&lock);
    struct piece *p = *place_of(data);
    if (p && p->state != state) {
        p->state = state;
        protect(p, how[state]);
    }
    pthread_mutex_unlock(&lock);
}

void guard_free(void *data)
{
    pthread_mutex_lock(&lock);
    struct piece **at = place_of(data), *p = *at;
    if (p)
        *at = p->next;
    pthread_mutex_unlock(&lock);
    if (p)
        (void)munmap(p->map, p->mapped);
    free(p);
}

enum rule guard_find(const void *address, const char **ret_what)
{
    static const char *const what[] = {"", "writes to bytes that are constant",
                                       "touches bytes that are not its any more"};
    const char *at = address;
    const struct piece *p = pieces;
    while (p && (at < p->map || at >= p->map + p->mapped))
        p = p->next;
    if (!p)
        return RULES;
    bool inside = at >= p->data && at < p->data + p->n;
    *ret_what = p->state == GUARD_GONE || inside ? what[p->state] : "touches what lies beside the bytes";
    return p->state == GUARD_GONE ? p->rules.gone : inside ? p->rules.written : p->rules.beside;
}
