/* SPDX-License-Identifier: BSD-2-Clause */
/* pack.c - bytes on the line between weir and a plugin's process (pack.h).  Thread: the caller's. */
#include "pack.h"

#include <string.h>

struct head { /* of a record; lengths are one more, 0: absent */
    uint64_t shard, seq, next, key, value, topic;
    int64_t time_ms, offset;
    uint32_t n_headers, flags, sub;
    int32_t partition;
};
#define SAME_TOPIC UINT64_MAX

void pack_number(struct strbuf *to, uint64_t n)
{
    strbuf_add(to, &n, sizeof n);
}

static uint64_t length(struct weir_slice s)
{
    return s.ptr ? s.len + 1 : 0;
}

static void add(struct strbuf *to, struct weir_slice s)
{
    if (s.ptr && s.len)
        strbuf_add(to, s.ptr, s.len);
}

void pack_slice(struct strbuf *to, struct weir_slice s)
{
    pack_number(to, length(s));
    add(to, s);
}

/* With its NUL, so that it can be used where it lies. */
void pack_text(struct strbuf *to, const char *text)
{
    pack_slice(to, (struct weir_slice){text, text ? strlen(text) + 1 : 0});
}

static const void *take(struct unpack *from, size_t n)
{
    if (from->bad || n > (size_t)(from->end - from->at)) {
        from->bad = true;
        return NULL;
    }
    const char *at = from->at;
    from->at += n;
    return at;
}

static void take_into(struct unpack *from, void *to, size_t n)
{
    const void *bytes = take(from, n);
    if (bytes)
        memcpy(to, bytes, n);
}

uint64_t unpack_number(struct unpack *from)
{
    uint64_t n = 0;
    take_into(from, &n, sizeof n);
    return n;
}

static struct weir_slice take_slice(struct unpack *from, uint64_t length)
{
    struct weir_slice none = {NULL, 0};
    if (!length)
        return none;
    const void *bytes = take(from, length - 1);
    return bytes ? (struct weir_slice){bytes, length - 1} : none;
}

struct weir_slice unpack_slice(struct unpack *from)
{
    return take_slice(from, unpack_number(from));
}

const char *unpack_text(struct unpack *from)
{
    struct weir_slice s = unpack_slice(from);
    if (!s.ptr)
        return NULL;
    from->bad |= !s.len || ((const char *)s.ptr)[s.len - 1] != 0;
    return from->bad ? NULL : s.ptr;
}

void pack_record(struct strbuf *to, const struct weir_record *r, uint64_t shard, bool same_topic)
{
    struct head h = {.shard = shard,
                     .seq = r->seq,
                     .next = r->next,
                     .key = length(r->key),
                     .value = length(r->value),
                     .topic = same_topic ? SAME_TOPIC : length(r->topic),
                     .time_ms = r->time_ms,
                     .offset = r->offset,
                     .n_headers = r->n_headers,
                     .flags = r->flags,
                     .sub = r->sub,
                     .partition = r->partition};
    (void)strbuf_reserve(to, sizeof h + r->key.len + r->value.len + r->topic.len);
    strbuf_add(to, &h, sizeof h);
    add(to, r->key);
    add(to, r->value);
    if (!same_topic)
        add(to, r->topic);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        pack_slice(to, r->headers[i].name);
        pack_slice(to, r->headers[i].value);
    }
}

static const struct weir_header *take_headers(struct unpack *from, struct arena *arena, uint32_t n)
{
    /* each has two lengths at least: no room is made for what can not be there */
    if (!n || n > (size_t)(from->end - from->at) / (2 * sizeof(uint64_t))) {
        from->bad |= n > 0;
        return NULL;
    }
    struct weir_header *headers = arena_alloc(arena, n * sizeof *headers);
    for (uint32_t i = 0; i < n; i++) {
        headers[i].name = unpack_slice(from);
        headers[i].value = unpack_slice(from);
    }
    return headers;
}

bool unpack_record(struct unpack *from, struct arena *arena, struct weir_record *ret, uint64_t *ret_shard,
                   bool *ret_same_topic)
{
    struct head h = {0};
    take_into(from, &h, sizeof h);
    *ret = (struct weir_record){.seq = h.seq,
                                .next = h.next,
                                .time_ms = h.time_ms,
                                .offset = h.offset,
                                .n_headers = h.n_headers,
                                .flags = h.flags,
                                .sub = h.sub,
                                .partition = h.partition};
    *ret_shard = h.shard;
    *ret_same_topic = h.topic == SAME_TOPIC;
    ret->key = take_slice(from, h.key);
    ret->value = take_slice(from, h.value);
    ret->topic = take_slice(from, *ret_same_topic ? 0 : h.topic);
    ret->headers = take_headers(from, arena, h.n_headers);
    return !from->bad;
}

void pack_shard(struct strbuf *to, const struct weir_shard *s, uint64_t number)
{
    pack_number(to, number);
    pack_number(to, (uint64_t)(int64_t)s->partition);
    pack_slice(to, s->id);
    pack_slice(to, s->topic);
}

bool unpack_shard(struct unpack *from, struct weir_shard *ret, uint64_t *ret_number)
{
    *ret = (struct weir_shard){.struct_size = sizeof *ret};
    *ret_number = unpack_number(from);
    ret->partition = (int32_t)(int64_t)unpack_number(from);
    ret->id = unpack_slice(from);
    ret->topic = unpack_slice(from);
    return !from->bad;
}

void pack_result(struct strbuf *to, const struct weir_result *r)
{
    pack_number(to, r->index);
    pack_number(to, (uint64_t)(int64_t)r->status);
    pack_number(to, r->retry_after_ms);
    pack_number(to, r->code);
    pack_text(to, r->type);
    pack_text(to, r->why);
}

bool unpack_result(struct unpack *from, struct weir_result *ret)
{
    *ret = (struct weir_result){.index = (uint32_t)unpack_number(from)};
    ret->status = (int32_t)(int64_t)unpack_number(from);
    ret->retry_after_ms = (uint32_t)unpack_number(from);
    ret->code = (uint32_t)unpack_number(from);
    ret->type = unpack_text(from);
    ret->why = unpack_text(from);
    return !from->bad;
}

static bool same_slice(struct weir_slice a, struct weir_slice b)
{
    return a.ptr && a.ptr == b.ptr && a.len == b.len;
}

void pack_records(struct strbuf *to, const struct weir_record *records, uint32_t count,
                  const uint8_t *without)
{
    const struct weir_shard *last = NULL;
    uint32_t n = count;
    for (uint32_t i = 0; without && i < count; i++)
        n -= without[i];
    pack_number(to, n);
    for (uint32_t i = 0; i < count; i++) {
        const struct weir_record *r = &records[i];
        if (without && without[i])
            continue;
        pack_number(to, r->shard != last);
        if (r->shard != last)
            pack_shard(to, r->shard, (uint64_t)(uintptr_t)r->shard);
        last = r->shard;
        pack_record(to, r, (uint64_t)(uintptr_t)last, same_slice(r->topic, last->topic));
    }
}
