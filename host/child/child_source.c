/* SPDX-License-Identifier: BSD-2-Clause */
/* child_source.c - a source in its own process: what it emits is sent, its lanes are weir's by number.
 *
 * What one callback emitted and skipped goes as one frame behind its end, with the bytes that belong to the positions
 * it leads to: so weir has all of it, and can say where to resume, or nothing.  Main thread. */
#include "child.h"

#include "engine/emitter.h"
#include "instance/call.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define DATA_MAX 1024 /* bytes beside a position */

struct source_lane {
    struct weir_shard pub; /* first: what the plugin has */
    struct source_lane *next;
    uint64_t number;
    bool touched; /* by this poll: */
    uint64_t resume;
};

struct given { /* one shard_revoke, answered in turn */
    struct given *next;
    uint32_t n;
    struct source_lane *lanes[];
};

static struct source_lane *lanes;
static struct given *given, **given_tail = &given;
static struct strbuf did; /* emitted and skipped by this callback, by WIRE_DID_* */
static uint64_t n_emitted;
static uint64_t room_records, room_bytes;

static struct source_lane *lane_of(const struct weir_shard *s)
{
    return (struct source_lane *)(uintptr_t)s; /* pub is its first member */
}

static struct source_lane *by_number(uint64_t number)
{
    struct source_lane *l = lanes;
    while (l && l->number != number)
        l = l->next;
    if (!l)
        die("weir named a lane that there is not");
    return l;
}

/* ---- what it emits ---- */

static void touch(struct source_lane *l, uint64_t resume)
{
    l->touched = true;
    l->resume = resume;
}

static void read_record(struct weir_record *to, const void *from, size_t size)
{
    *to = (struct weir_record){0};
    memcpy(to, from, size < sizeof *to ? size : sizeof *to);
}

static void pack_one(struct strbuf *to, const struct weir_record *r)
{
    const struct source_lane *l = lane_of(r->shard);
    struct weir_slice topic = l->pub.topic;
    bool same = r->topic.len == topic.len && r->topic.ptr && memcmp(r->topic.ptr, topic.ptr, topic.len) == 0;
    pack_record(to, r, l->number, same);
}

static void use_room(uint64_t bytes)
{
    room_records -= room_records > 0;
    room_bytes -= bytes < room_bytes ? bytes : room_bytes;
}

int child_emit(struct weir_emitter *e, const struct weir_run *run, uint32_t *ret_taken)
{
    uint32_t i;
    (void)e;
    *ret_taken = 0;
    if (run->stride < offsetof(struct weir_record, next) + sizeof(uint64_t))
        return WEIR_FATAL;
    for (i = 0; i < run->count && room_records && room_bytes; i++) {
        struct weir_record r;
        read_record(&r, (const char *)run->records + (size_t)i * run->stride, run->stride);
        if (!r.shard)
            return WEIR_FATAL;
        pack_number(&did, WIRE_DID_EMIT);
        pack_one(&did, &r);
        n_emitted++;
        touch(lane_of(r.shard), r.next);
        use_room(record_bytes(&r));
    }
    *ret_taken = i;
    return i < run->count || !room_records || !room_bytes ? WEIR_AGAIN : WEIR_OK;
}

int child_emit_bad(struct weir_emitter *e, const struct weir_record *record, size_t size,
                   const struct weir_result *why)
{
    struct weir_record r;
    (void)e;
    if (size < offsetof(struct weir_record, next) + sizeof(uint64_t))
        return WEIR_FATAL;
    read_record(&r, record, size);
    if (!r.shard)
        return WEIR_FATAL;
    pack_number(&did, WIRE_DID_REJECT);
    pack_one(&did, &r);
    pack_result(&did, why);
    touch(lane_of(r.shard), r.next);
    use_room(record_bytes(&r));
    return WEIR_OK;
}

/* ---- lanes ---- */

static struct weir_slice copy(struct weir_slice s)
{
    char *bytes = xmalloc(s.len);
    if (s.len)
        memcpy(bytes, s.ptr, s.len);
    return (struct weir_slice){bytes, s.len};
}

static void fill_position(struct weir_position *ret, const struct weir_shard *s, struct unpack *from)
{
    struct weir_position found = {.struct_size = sizeof found, .shard = s};
    struct strbuf *kept = &child.instance->state_value;
    found.flags = (uint32_t)unpack_number(from);
    found.next = unpack_number(from);
    struct weir_slice data = unpack_slice(from);
    kept->len = 0;
    strbuf_add(kept, data.ptr ? data.ptr : "", data.len);
    found.data = (struct weir_slice){data.ptr ? kept->data : NULL, data.len};
    uint32_t size = ret->struct_size;
    memcpy(ret, &found, size && size < sizeof found ? size : sizeof found);
    if (size)
        ret->struct_size = size;
}

int child_shard_open(struct weir_ctx *ctx, const struct weir_shard *desc, const struct weir_shard **ret,
                     struct weir_position *ret_position)
{
    struct strbuf body = {0};
    (void)ctx;
    pack_shard(&body, desc, 0);
    struct message *m = child_ask(WIRE_SHARD_OPEN, 0, &body);
    strbuf_free(&body);
    struct unpack from = {.at = m->body, .end = m->body + m->frame.len};
    int status = m->frame.status;
    if (status == WEIR_OK) {
        struct source_lane *l = xcalloc(1, sizeof *l);
        l->pub = (struct weir_shard){.struct_size = sizeof l->pub,
                                     .partition = desc->partition,
                                     .id = copy(desc->id),
                                     .topic = copy(desc->topic)};
        l->number = m->frame.a;
        l->next = lanes;
        lanes = l;
        fill_position(ret_position, &l->pub, &from);
        *ret = &l->pub;
    } else {
        const char *why = unpack_text(&from);
        child.instance->failure.why.len = 0;
        strbuf_str(&child.instance->failure.why, why ? why : "the lane can not be opened");
    }
    message_free(m);
    return status;
}

int child_shard_revoke(struct weir_ctx *ctx, const struct weir_shard *const *shards, uint32_t n,
                       uint32_t drain_ms)
{
    struct strbuf body = {0};
    struct given *g = xcalloc(1, sizeof *g + n * sizeof(struct source_lane *));
    (void)ctx;
    g->n = n;
    for (uint32_t i = 0; i < n; i++) {
        g->lanes[i] = lane_of(shards[i]);
        pack_number(&body, g->lanes[i]->number);
    }
    *given_tail = g;
    given_tail = &g->next;
    child_send(WIRE_SHARD_REVOKE, 0, 0, n, drain_ms, &body);
    strbuf_free(&body);
    return WEIR_OK;
}

void child_shard_end(struct weir_ctx *ctx, const struct weir_shard *s, uint64_t end)
{
    (void)ctx;
    child_send(WIRE_SHARD_END, 0, 0, lane_of(s)->number, end, NULL);
}

void child_shard_begin(struct weir_ctx *ctx, const struct weir_shard *s, uint64_t next)
{
    (void)ctx;
    child_send(WIRE_SHARD_BEGIN, 0, 0, lane_of(s)->number, next, NULL);
}

void child_shard_skip(struct weir_ctx *ctx, const struct weir_shard *s, uint64_t next)
{
    (void)ctx;
    pack_number(&did, WIRE_DID_SKIP); /* it counts behind what was emitted before */
    pack_number(&did, lane_of(s)->number);
    pack_number(&did, next);
    touch(lane_of(s), next);
}

/* ---- calls ---- */

/* Where the lane resumes behind all that, and the bytes that belong to it; absent: the plugin can not tell. */
static void pack_resume(struct strbuf *to, const struct source_lane *l)
{
    struct instance *in = child.instance;
    char data[DATA_MAX];
    size_t len = 0;
    bool told = in->ops->position &&
                call_position(in, &l->pub, l->resume, data, sizeof data, &len) == WEIR_OK &&
                len <= sizeof data;
    pack_number(to, l->number);
    pack_number(to, l->resume);
    pack_slice(to, (struct weir_slice){told ? data : NULL, told ? len : 0});
}

void child_tell_source(void)
{
    struct strbuf body = {0};
    uint64_t n = 0;
    if (!did.len)
        return;
    for (struct source_lane *l = lanes; l; l = l->next)
        n += l->touched;
    pack_number(&body, n);
    for (struct source_lane *l = lanes; l; l = l->next)
        if (l->touched)
            pack_resume(&body, l);
    strbuf_add(&body, did.data, did.len);
    child_send(WIRE_EMIT, 0, 0, n_emitted, 0, &body);
    strbuf_free(&body);
    for (struct source_lane *l = lanes; l; l = l->next)
        l->touched = false;
    did.len = 0;
    n_emitted = 0;
}

int child_poll(struct unpack *from)
{
    struct instance *in = child.instance;
    struct weir_emitter e = {.instance = in}; /* what is emitted is kept here */
    struct weir_poll p = {.struct_size = sizeof p};
    p.max_records = (uint32_t)unpack_number(from);
    p.max_bytes = unpack_number(from);
    p.timeout_ms = (uint32_t)unpack_number(from);
    p.flags = (uint32_t)unpack_number(from);
    room_records = p.max_records;
    room_bytes = p.max_bytes;
    in->ready = 0;
    return call_poll(in, &e, &p);
}

int child_position(const struct message *m, struct strbuf *data)
{
    char bytes[DATA_MAX];
    size_t len = 0;
    const struct source_lane *l = by_number(m->frame.a);
    int status = call_position(child.instance, &l->pub, m->frame.b, bytes, sizeof bytes, &len);
    if (status == WEIR_OK && len > sizeof bytes)
        status = WEIR_FATAL;
    if (status == WEIR_OK)
        pack_slice(data, (struct weir_slice){bytes, len});
    return status;
}

static struct weir_position *read_positions(struct unpack *from, uint32_t *ret_n)
{
    /* each has four numbers at least */
    size_t room = (size_t)(from->end - from->at) / (4 * sizeof(uint64_t));
    struct weir_position *all = xcalloc(room + 1, sizeof *all);
    uint32_t n = 0;
    while (n < room && from->at < from->end) {
        struct weir_position *at = &all[n++];
        at->struct_size = sizeof *at;
        at->shard = &by_number(unpack_number(from))->pub;
        at->flags = (uint32_t)unpack_number(from);
        at->next = unpack_number(from);
        at->data = unpack_slice(from);
    }
    *ret_n = n;
    return all;
}

int child_committed(const struct message *m, struct unpack *from)
{
    uint32_t n;
    struct weir_position *all = read_positions(from, &n);
    int status = call_committed(child.instance, all, n, sizeof *all, (uint32_t)m->frame.a);
    free(all);
    return status;
}

static void forget(struct source_lane *gone)
{
    struct source_lane **at = &lanes;
    while (*at && *at != gone)
        at = &(*at)->next;
    if (*at)
        *at = gone->next;
    free((void *)(uintptr_t)gone->pub.id.ptr);
    free((void *)(uintptr_t)gone->pub.topic.ptr);
    free(gone);
}

int child_revoked(struct unpack *from)
{
    struct given *g = given;
    uint32_t n;
    int status = WEIR_OK;
    if (!g)
        die("weir answered for lanes that were not given back");
    given = g->next;
    if (!given)
        given_tail = &given;
    struct weir_position *all = read_positions(from, &n);
    if (child.instance->ops->revoked)
        status = call_revoked(child.instance, all, n, sizeof *all);
    for (uint32_t i = 0; i < g->n; i++)
        forget(g->lanes[i]);
    free(all);
    free(g);
    return status;
}
