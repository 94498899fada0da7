/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_shard.c - lanes with their positions, the durable state of an instance, and json_walk. */
#include "harness_private.h"

#include "record/json_walk.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

/* ---- lanes --------------------------------------------------------------------------------------------------- */

static struct harness_lane *lane_by_id(const struct harness *h, struct weir_slice id)
{
    struct harness_lane *lane = h->lanes;
    while (lane && (lane->shard.id.len != id.len || memcmp(lane->shard.id.ptr, id.ptr, id.len) != 0))
        lane = lane->next;
    return lane;
}

/* The open lane a record or a call names; anything else ends the test. */
struct harness_lane *harness_lane_of(struct harness *h, const struct weir_shard *shard, const char *what)
{
    struct harness_lane *lane = h->lanes;
    while (lane && &lane->shard != shard)
        lane = lane->next;
    if (!lane)
        harness_breaks(h, RULE_LANES, "%s: the shard is not one that shard_open gave", what);
    if (!lane->open || lane->pub.closed)
        harness_breaks(h, RULE_LANES, "%s: the lane %.*s is not open", what, (int)lane->shard.id.len,
                       (const char *)lane->shard.id.ptr);
    return lane;
}

static struct harness_lane *lane_get(struct harness *h, struct weir_slice id)
{
    struct harness_lane *lane = lane_by_id(h, id);
    if (lane)
        return lane;
    lane = xcalloc(1, sizeof *lane);
    lane->shard.struct_size = sizeof lane->shard;
    lane->shard.id = harness_copy(&lane->pieces, id);
    lane->pub.shard = &lane->shard;
    lane->next = h->lanes;
    h->lanes = lane;
    return lane;
}

void harness_lanes_free(struct harness *h)
{
    for (struct harness_lane *lane = h->lanes, *next; lane; lane = next) {
        next = lane->next;
        harness_pieces_free(lane->pieces);
        free(lane);
    }
    h->lanes = NULL;
    for (struct kv *kv = h->state, *next; kv; kv = next) {
        next = kv->next;
        free(kv->key);
        free(kv->value);
        free(kv);
    }
    h->state = NULL;
}

void harness_preset(struct harness *h, const char *shard_id, uint64_t next, struct weir_slice data)
{
    struct harness_lane *lane = lane_get(h, (struct weir_slice){shard_id, strlen(shard_id)});
    lane->preset = true;
    lane->pub.next = lane->pub.committed = next;
    lane->pub.data = harness_copy(&lane->pieces, data);
}

static int shard_open(struct weir_ctx *ctx, const struct weir_shard *s, const struct weir_shard **ret,
                      struct weir_position *ret_position)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "shard_open");
    if (s->struct_size < sizeof *s || !s->id.ptr || s->id.len == 0 || s->id.len > 1024)
        harness_breaks(h, RULE_CALLS, "shard_open: struct_size %u, an id of %zu bytes", s->struct_size,
                       s->id.len);
    struct harness_lane *lane = lane_get(h, s->id);
    if (lane->open && !lane->pub.closed)
        harness_breaks(h, RULE_LANES, "shard_open: the lane %.*s is open", (int)s->id.len,
                       (const char *)s->id.ptr);
    if (lane->pub.closed) { /* taken back: as after a restart */
        lane->pub.closed = lane->pub.revoking = lane->any = false;
        lane->pub.next = lane->pub.committed;
    }
    lane->open = true;
    lane->shard.partition = s->partition;
    lane->shard.topic = harness_copy(&lane->pieces, s->topic);
    *ret = &lane->shard;
    if (!ret_position)
        return WEIR_OK;
    if (ret_position->struct_size < sizeof *ret_position)
        harness_breaks(h, RULE_CALLS, "shard_open: struct_size of the position is %u; set it before",
                       ret_position->struct_size);
    ret_position->shard = &lane->shard;
    ret_position->flags = lane->preset ? WEIR_POS_STORED : 0;
    ret_position->next = lane->preset ? lane->pub.next : 0;
    ret_position->data = lane->preset ? lane->pub.data : (struct weir_slice){NULL, 0};
    return WEIR_OK;
}

static int shard_revoke(struct weir_ctx *ctx, const struct weir_shard *const *shards, uint32_t n,
                        uint32_t drain_ms)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "shard_revoke");
    if (!h->ops->revoked)
        harness_breaks(h, RULE_CALLS, "shard_revoke: it has no revoked()");
    for (uint32_t i = 0; i < n; i++) {
        struct harness_lane *lane = harness_lane_of(h, shards[i], "shard_revoke");
        if (lane->pub.revoking)
            harness_breaks(h, RULE_LANES, "shard_revoke: the lane %.*s is being revoked already",
                           (int)lane->shard.id.len, (const char *)lane->shard.id.ptr);
        lane->pub.revoking = true;
        lane->pub.drain_ms = drain_ms;
    }
    return WEIR_OK;
}

static void shard_begin(struct weir_ctx *ctx, const struct weir_shard *s, uint64_t next)
{
    harness_home(harness_of(ctx), "shard_begin");
    harness_lane_of(harness_of(ctx), s, "shard_begin")->pub.begin = next;
}

static void shard_end(struct weir_ctx *ctx, const struct weir_shard *s, uint64_t end)
{
    harness_home(harness_of(ctx), "shard_end");
    harness_lane_of(harness_of(ctx), s, "shard_end")->pub.end = end;
}

static void shard_skip(struct weir_ctx *ctx, const struct weir_shard *s, uint64_t next)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "shard_skip");
    struct harness_lane *lane = harness_lane_of(h, s, "shard_skip");
    if (next < lane->pub.next)
        harness_breaks(h, RULE_SEQ, "shard_skip: back from %llu to %llu", (unsigned long long)lane->pub.next,
                       (unsigned long long)next);
    lane->pub.next = next;
}

const struct harness_shard *harness_shard(const struct harness *h, const char *id)
{
    const struct harness_lane *lane = lane_by_id(h, (struct weir_slice){id, strlen(id)});
    return lane && lane->open ? &lane->pub : NULL;
}

size_t harness_shard_count(const struct harness *h)
{
    size_t n = 0;
    for (const struct harness_lane *lane = h->lanes; lane; lane = lane->next)
        n += lane->open;
    return n;
}

/* ---- positions ----------------------------------------------------------------------------------------------- */

struct padded_position {
    struct weir_position position;
    char pad[HARNESS_STRIDE_PAD];
};

static void ask_position(struct harness *h, struct harness_lane *lane)
{
    char data[1024];
    size_t len = 0;
    if (h->ops->position) {
        harness_enter(h, "position");
        int status = harness_leave(
            h, h->ops->position(h->self, &lane->shard, lane->pub.next, data, sizeof data, &len));
        if (status != WEIR_OK || len > sizeof data)
            harness_breaks(h, RULE_RESUME, "position returned %d with %zu bytes", status, len);
    }
    lane->pub.data = harness_copy(&lane->pieces, (struct weir_slice){data, len});
    lane->pub.committed = lane->pub.next;
    lane->preset = true;
}

static struct weir_position position_of(const struct harness_lane *lane)
{
    return (struct weir_position){.struct_size = sizeof(struct weir_position),
                                  .flags = lane->preset ? WEIR_POS_STORED : 0,
                                  .shard = &lane->shard,
                                  .next = lane->pub.committed,
                                  .data = lane->preset ? lane->pub.data : (struct weir_slice){NULL, 0}};
}

/* Positions of the lanes that moved since the last commit (revoking: of all that are being revoked). */
static uint32_t collect(struct harness *h, struct padded_position *to, bool revoking, bool commit, bool all)
{
    uint32_t n = 0;
    for (struct harness_lane *lane = h->lanes; lane; lane = lane->next) {
        bool moved = lane->open && !lane->pub.closed &&
                     (all || !lane->preset || lane->pub.next != lane->pub.committed);
        if (revoking ? !lane->pub.revoking || lane->pub.closed : !moved)
            continue;
        if (commit && (lane->any || lane->preset || lane->pub.next))
            ask_position(h, lane);
        if (revoking || lane->preset)
            to[n++].position = position_of(lane);
    }
    return n;
}

int harness_commit(struct harness *h, bool final)
{
    struct padded_position *positions = xcalloc(harness_shard_count(h) + 1, sizeof *positions);
    uint32_t n = collect(h, positions, false, true, final);
    int status = WEIR_OK;
    if (h->ops->committed && (n || final)) {
        harness_enter(h, "committed");
        status =
            harness_leave(h, h->ops->committed(h->self, &positions->position, n, sizeof *positions, final));
    }
    free(positions);
    return status;
}

int harness_revoked(struct harness *h, bool final)
{
    struct padded_position *positions = xcalloc(harness_shard_count(h) + 1, sizeof *positions);
    uint32_t n = collect(h, positions, true, final, false);
    if (n == 0)
        harness_die(h, "the test answers a shard_revoke that was not");
    harness_enter(h, "revoked");
    int status = harness_leave(h, h->ops->revoked(h->self, &positions->position, n, sizeof *positions));
    for (struct harness_lane *lane = h->lanes; lane; lane = lane->next)
        lane->pub.closed |= lane->pub.revoking;
    free(positions);
    return status;
}

int harness_sink_commit(struct harness *h, const struct weir_position *positions, uint32_t n,
                        const char *source)
{
    struct padded_position *padded = xcalloc(n + 1, sizeof *padded);
    for (uint32_t i = 0; i < n; i++)
        padded[i].position = positions[i];
    struct weir_commit commit = {sizeof commit, sizeof *padded,          n, 0, padded,
                                 source,        {h->token, h->token_len}};
    harness_enter(h, "commit");
    int status = harness_leave(h, h->ops->commit(h->self, &commit));
    free(padded);
    return status;
}

void harness_token(struct harness *h, const void *bytes, size_t len)
{
    if (len > sizeof h->token)
        harness_die(h, "the test gives a token of %zu bytes", len);
    memcpy(h->token, bytes, len);
    h->token_len = len;
}

int harness_abort(struct harness *h)
{
    harness_enter(h, "abort");
    return harness_leave(h, h->ops->abort(h->self));
}

/* ---- state --------------------------------------------------------------------------------------------------- */

static struct kv **kv_find(struct harness *h, struct weir_slice key)
{
    struct kv **at = &h->state;
    while (*at && ((*at)->key_len != key.len || memcmp((*at)->key, key.ptr, key.len) != 0))
        at = &(*at)->next;
    return at;
}

static void kv_put(struct harness *h, struct weir_slice key, struct weir_slice value)
{
    struct kv **at = kv_find(h, key), *old = *at;
    if (old) {
        *at = old->next;
        free(old->key);
        free(old->value);
        free(old);
    }
    if (!value.ptr)
        return;
    struct kv *kv = xcalloc(1, sizeof *kv);
    *kv = (struct kv){h->state, key.len, value.len, xmalloc(key.len), xmalloc(value.len)};
    memcpy(kv->key, key.ptr, key.len);
    memcpy(kv->value, value.ptr, value.len);
    h->state = kv;
}

static int state_get(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice *value)
{
    harness_home(harness_of(ctx), "state_get");
    if (harness_of(ctx)->state_broken)
        return WEIR_FATAL;
    const struct kv *kv = *kv_find(harness_of(ctx), key);
    *value = kv ? (struct weir_slice){kv->value, kv->value_len} : (struct weir_slice){NULL, 0};
    return WEIR_OK;
}

static int state_put(struct weir_ctx *ctx, struct weir_slice key, struct weir_slice value)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "state_put");
    if (key.len > 1024 || value.len > 65536)
        harness_breaks(h, RULE_CALLS, "state_put: a key of %zu bytes, a value of %zu", key.len, value.len);
    kv_put(h, key, value);
    return WEIR_OK;
}

static int state_scan(struct weir_ctx *ctx, struct weir_slice prefix,
                      int (*each)(void *opaque, struct weir_slice key, struct weir_slice value), void *opaque)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "state_scan");
    for (const struct kv *kv = h->state; kv; kv = kv->next) {
        if (kv->key_len < prefix.len || (prefix.len && memcmp(kv->key, prefix.ptr, prefix.len) != 0))
            continue;
        int status = each(opaque, (struct weir_slice){kv->key, kv->key_len},
                          (struct weir_slice){kv->value, kv->value_len});
        if (status != WEIR_OK)
            return status;
    }
    return WEIR_OK;
}

void harness_state_set(struct harness *h, const char *key, struct weir_slice value)
{
    kv_put(h, (struct weir_slice){key, strlen(key)}, value);
}

void harness_state_copy(struct harness *h, const struct harness *from)
{
    for (const struct kv *kv = from->state; kv; kv = kv->next)
        kv_put(h, (struct weir_slice){kv->key, kv->key_len}, (struct weir_slice){kv->value, kv->value_len});
}

void harness_state_break(struct harness *h)
{
    h->state_broken = true;
}

struct weir_slice harness_state_get(const struct harness *h, const char *key)
{
    const struct kv *kv = *kv_find((struct harness *)(uintptr_t)h, (struct weir_slice){key, strlen(key)});
    return kv ? (struct weir_slice){kv->value, kv->value_len} : (struct weir_slice){NULL, 0};
}

/* ---- json_walk ----------------------------------------------------------------------------------------------- */

static int walk_json(struct weir_ctx *ctx, struct weir_slice text,
                     int (*each)(void *opaque, struct weir_slice path, const struct weir_span *),
                     void *opaque)
{
    struct strbuf path = {0};
    struct arena arena = {0};
    harness_home(harness_of(ctx), "json_walk");
    int status = json_walk(&arena, &path, text, each, opaque);
    strbuf_free(&path);
    arena_free(&arena);
    return status;
}

void harness_fill_shard(struct weir_host *host)
{
    host->shard_open = shard_open;
    host->shard_revoke = shard_revoke;
    host->shard_begin = shard_begin;
    host->shard_end = shard_end;
    host->shard_skip = shard_skip;
    host->state_get = state_get;
    host->state_put = state_put;
    host->state_scan = state_scan;
    host->json_walk = walk_json;
}
