/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy_state.c - keyed bytes of a plugin in another process.
 *
 * What a sink that commits puts belongs to its next commit.  It is kept here until that commit was OK: were it put at
 * once, and the process ended before, the next one would read of a commit that never was.  Home thread. */
#include "proxy.h"

#include "report/log.h"

#include <stdlib.h>
#include <string.h>

struct overlay { /* one key that was put; the newest first */
    struct overlay *next;
    struct weir_slice key, value;
};

static struct weir_slice copy(struct weir_slice s)
{
    if (!s.ptr)
        return s;
    char *bytes = xmalloc(s.len);
    if (s.len)
        memcpy(bytes, s.ptr, s.len);
    return (struct weir_slice){bytes, s.len};
}

static void release(struct weir_slice s)
{
    free((void *)(uintptr_t)s.ptr);
}

static struct overlay *find(struct proxy *p, struct weir_slice key)
{
    struct overlay *o = p->puts;
    while (o && (o->key.len != key.len || memcmp(o->key.ptr, key.ptr, key.len) != 0))
        o = o->next;
    return o;
}

static bool commits(const struct proxy *p)
{
    return p->instance->ops->commit != NULL;
}

void proxy_state_put(struct proxy *p, struct unpack *from)
{
    struct weir_slice key = unpack_slice(from), value = unpack_slice(from);
    from->bad |= !key.ptr;
    if (from->bad)
        return;
    if (!commits(p)) {
        from->bad = p->host->state_put(p->ctx, key, value) != WEIR_OK;
        return;
    }
    struct overlay *o = find(p, key);
    if (!o) {
        o = xcalloc(1, sizeof *o);
        o->key = copy(key);
        o->next = p->puts;
        p->puts = o;
    } else {
        release(o->value);
    }
    o->value = copy(value);
}

static void reply(struct proxy *p, const struct frame *to, int status, const struct strbuf *body)
{
    const struct frame f = {.type = WIRE_REPLY, .id = to->id, .status = status, .len = body ? body->len : 0};
    (void)proxy_send_frame(p, &f, body);
}

void proxy_state_get(struct proxy *p, const struct frame *f, struct unpack *from)
{
    struct weir_slice key = unpack_slice(from), value = {NULL, 0};
    struct strbuf body = {0};
    from->bad |= !key.ptr;
    if (from->bad)
        return;
    const struct overlay *o = find(p, key);
    int status = o ? (o->value.ptr ? WEIR_OK : WEIR_AGAIN) : p->host->state_get(p->ctx, key, &value);
    pack_slice(&body, o ? o->value : value);
    reply(p, f, status, &body);
    strbuf_free(&body);
}

struct scan {
    struct proxy *proxy;
    struct strbuf body;
};

static int add(void *opaque, struct weir_slice key, struct weir_slice value)
{
    struct scan *s = opaque;
    if (find(s->proxy, key))
        return WEIR_OK; /* another value since */
    pack_slice(&s->body, key);
    pack_slice(&s->body, value);
    return WEIR_OK;
}

void proxy_state_scan(struct proxy *p, const struct frame *f, struct unpack *from)
{
    struct weir_slice prefix = unpack_slice(from);
    struct scan s = {.proxy = p};
    if (from->bad)
        return;
    int status = p->host->state_scan(p->ctx, prefix, add, &s);
    for (const struct overlay *o = p->puts; o; o = o->next) {
        if (!o->value.ptr || o->key.len < prefix.len ||
            (prefix.len && memcmp(o->key.ptr, prefix.ptr, prefix.len) != 0))
            continue;
        pack_slice(&s.body, o->key);
        pack_slice(&s.body, o->value);
    }
    reply(p, f, status, &s.body);
    strbuf_free(&s.body);
}

void proxy_state_forget(struct proxy *p)
{
    struct overlay *next;
    for (struct overlay *o = p->puts; o; o = next) {
        next = o->next;
        release(o->key);
        release(o->value);
        free(o);
    }
    p->puts = NULL;
}

void proxy_state_commit(struct proxy *p)
{
    for (const struct overlay *o = p->puts; o; o = o->next)
        (void)p->host->state_put(p->ctx, o->key, o->value); /* its limits were checked over there */
    proxy_state_forget(p);
}
