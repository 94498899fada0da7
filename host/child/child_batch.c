/* SPDX-License-Identifier: BSD-2-Clause */
/* child_batch.c - records that came over the line, where they lie, as a batch; shards, each once.  Main thread. */
#include "child.h"

#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS    1024
#define SHARDS_MAX 16384 /* more are forgotten as soon as no batch is lent */

struct known {
    struct weir_shard pub; /* first: what the plugin sees */
    struct known *next;
    uint64_t number;
};
static struct known *known[BUCKETS];
static uint32_t n_known;

static void forget_all(void)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct known *next;
        for (struct known *k = known[i]; k; k = next) {
            next = k->next;
            free((void *)(uintptr_t)k->pub.id.ptr);
            free((void *)(uintptr_t)k->pub.topic.ptr);
            free(k);
        }
        known[i] = NULL;
    }
    n_known = 0;
}

static struct weir_slice copy(struct weir_slice s)
{
    char *bytes = xmalloc(s.len);
    if (s.len)
        memcpy(bytes, s.ptr, s.len);
    return (struct weir_slice){bytes, s.len};
}

static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

const struct weir_shard *child_shard(const struct weir_shard *s, uint64_t number)
{
    struct known **at = &known[(number >> 4) % BUCKETS];
    /* weir's number is one of those that live: another shard may have had it before */
    for (struct known *k = *at; k; k = k->next)
        if (k->number == number && same(k->pub.id, s->id))
            return &k->pub;
    struct known *k = xcalloc(1, sizeof *k);
    k->number = number;
    k->pub = *s;
    k->pub.id = copy(s->id);
    k->pub.topic = copy(s->topic);
    k->next = *at;
    *at = k;
    n_known++;
    return &k->pub;
}

static bool read_records(struct unpack *from, struct weir_batch *b, uint64_t n)
{
    const struct weir_shard *shard = NULL;
    for (uint64_t i = 0; i < n; i++) {
        struct weir_record *r = &b->records[i];
        struct weir_shard s;
        uint64_t number;
        bool same_topic;
        if (unpack_number(from)) {
            if (!unpack_shard(from, &s, &number))
                return false;
            shard = child_shard(&s, number);
        }
        if (!shard || !unpack_record(from, &b->arena, r, &number, &same_topic))
            return false;
        r->shard = shard;
        if (same_topic)
            r->topic = shard->topic;
        b->origins[i] = (struct origin){NULL, 0};
        b->bytes += record_bytes(r);
        b->count++;
    }
    return true;
}

struct weir_batch *child_batch(struct message *m)
{
    struct unpack from = {.at = m->body, .end = m->body + m->frame.len};
    uint64_t n = unpack_number(&from);
    if (n > m->frame.len) /* each record takes more than a byte */
        return NULL;
    if (n_known > SHARDS_MAX && !child.offered && !child_holds())
        forget_all();
    struct weir_batch *b = batch_new(&child.budget, (uint32_t)n);
    struct weir_buf *bytes = buf_wrap(&child.budget, (size_t)m->frame.len, free, m->body);
    m->body = NULL;
    batch_own(b, bytes);
    buf_unref(bytes);
    if (read_records(&from, b, n)) {
        batch_seal(b);
        return b;
    }
    batch_unref(b);
    return NULL;
}
