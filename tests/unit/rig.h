/* SPDX-License-Identifier: BSD-2-Clause */
/* rig.h - a pipeline built by hand from plugins that are tables in the test; its parts are driven one by one, or run. */
#ifndef WEIR_TESTS_RIG_H
#define WEIR_TESTS_RIG_H

#include "engine/pipeline.h"
#include "scratch.h"

#define RIG_TRANSFORMS 4
#define RIG_SINKS      2

struct rig {
    struct pipeline_conf conf;
    struct section_conf transforms[RIG_TRANSFORMS], sinks[RIG_SINKS], dead;
    struct plugin plugin;
    struct pipeline *p;
    struct shard *shards[8];
};

/* A source that never has anything. */
static int rig_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    (void)ctx;
    *self = (void *)(uintptr_t)conf;
    return WEIR_OK;
}

static int rig_poll(void *self, struct weir_emitter *e, const struct weir_poll *poll)
{
    (void)self;
    (void)e;
    (void)poll;
    return WEIR_AGAIN;
}

static void rig_destroy(void *self)
{
    (void)self;
}

static const struct weir_ops rig_source = {.struct_size = sizeof rig_source,
                                           .kind = WEIR_SOURCE,
                                           .promises = WEIR_REPLAYABLE,
                                           .create = rig_create,
                                           .poll = rig_poll,
                                           .destroy = rig_destroy};

/* A sink that takes nothing. */
static int rig_write(void *self, struct weir_batch *b)
{
    (void)self;
    (void)b;
    return WEIR_AGAIN;
}

static const struct weir_ops rig_full = {.struct_size = sizeof rig_full,
                                         .kind = WEIR_SINK,
                                         .create = rig_create,
                                         .write = rig_write,
                                         .destroy = rig_destroy};

static struct section_conf rig_section(struct rig *r, uint32_t kind, const char *title,
                                       const struct weir_ops *ops, void *conf)
{
    const char *name = strchr(title, ' ');
    return (struct section_conf){.kind = kind,
                                 .title = title,
                                 .name = name ? name + 1 : title,
                                 .plugin = &r->plugin,
                                 .ops = ops,
                                 .conf = conf,
                                 .batch_records = 5000,
                                 .batch_bytes = 1 << 20,
                                 .linger_ms = 0,
                                 .hold_records = 10000,
                                 .hold_ms = 30000,
                                 .in_flight = 2,
                                 .retry_initial_ms = 100,
                                 .retry_max_ms = 1000,
                                 .retry_for_ms = -1};
}

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->plugin.info.name = "fake";
    r->conf = (struct pipeline_conf){.name = "rig",
                                     .label = "rig",
                                     .reader = "",
                                     .order = ORDER_SHARD,
                                     .memory = 16 << 20,
                                     .workers = 1,
                                     .commit_ms = 50,
                                     .drain_ms = 60000, /* no test that waits for the end of it */
                                     .stuck_after_ms = 300000,
                                     .transforms = r->transforms,
                                     .sinks = r->sinks};
    r->conf.source = rig_section(r, WEIR_SOURCE, "source", &rig_source, NULL);
}

static inline struct section_conf *rig_sink(struct rig *r, const char *title, const struct weir_ops *ops,
                                            void *conf)
{
    struct section_conf *s = &r->sinks[r->conf.n_sinks++];
    *s = rig_section(r, WEIR_SINK, title, ops, conf);
    return s;
}

static inline struct section_conf *rig_dead(struct rig *r, const struct weir_ops *ops, void *conf)
{
    r->dead = rig_section(r, WEIR_SINK, "dead-letter", ops, conf);
    r->dead.dead_letter = true;
    r->conf.dead_letter = &r->dead;
    return &r->dead;
}

static inline struct section_conf *rig_transform(struct rig *r, const char *title, const struct weir_ops *ops,
                                                 void *conf)
{
    struct section_conf *s = &r->transforms[r->conf.n_transforms++];
    *s = rig_section(r, WEIR_TRANSFORM, title, ops, conf);
    return s;
}

static inline void rig_build(struct rig *r)
{
    struct strbuf why = {0};
    struct state *state = state_open(scratch_dir, r->conf.name, &why);
    if (!state)
        fail_msg("%s", why.data);
    r->p = pipeline_new(&r->conf, state, NULL, true);
    strbuf_free(&why);
}

static inline struct shard *rig_shard(struct rig *r, unsigned k)
{
    static const char ids[] = "abcdefgh";
    struct weir_shard desc = {
        .struct_size = sizeof desc, .partition = (int32_t)k, .id = {ids + k, 1}, .topic = {"t", 1}};
    if (!r->shards[k])
        r->shards[k] = ledger_shard_new(&r->p->flow.ledger, &desc);
    return r->shards[k];
}

struct rig_record { /* shard 0, 1, ... and its value */
    unsigned shard;
    uint64_t seq;
    const char *value;
};

/* A chunk as the source's thread makes it, its entries open; the caller's reference. */
static inline struct weir_batch *rig_chunk(struct rig *r, const struct rig_record *records, uint32_t n)
{
    struct weir_batch *b = batch_new(&r->p->flow.budget, n);
    struct ledger_batch *books = ledger_batch_new(&r->p->flow.ledger, n);
    for (uint32_t i = 0; i < n; i++) {
        struct shard *s = rig_shard(r, records[i].shard);
        struct weir_record rec = {.shard = &s->pub,
                                  .topic = s->pub.topic,
                                  .time_ms = WEIR_NO_TIME,
                                  .offset = -1,
                                  .partition = s->pub.partition,
                                  .seq = records[i].seq,
                                  .next = records[i].seq + 1};
        if (records[i].value)
            rec.value = (struct weir_slice){records[i].value, strlen(records[i].value)};
        batch_append_copy(b, &rec, (struct origin){books, ledger_add(books, s, rec.next)});
    }
    batch_seal(b);
    if (!ledger_open(books))
        abort();
    return b;
}

static inline void rig_free(struct rig *r)
{
    if (r->p)
        pipeline_free(r->p);
    r->p = NULL;
}

#endif
