/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - the records of a test, one lane for each topic and partition (source.h). */
#include "source.h"

#include "config/option.h"
#include "record/strbuf.h"
#include "report/log.h"

#include <weir/helpers.h>

#include <inttypes.h>
#include <stdlib.h>

struct lane {
    struct lane *after;
    const struct weir_shard *shard;
    struct weir_slice topic;
    int32_t partition;
    uint64_t next;
};

struct source {
    struct weir_ctx *ctx;
    const struct source_conf *conf;
    struct lane *lanes;
    size_t at; /* the next record to give */
};

static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Where the record of a test comes from. */
static void origin(const struct source_conf *c, const struct given *g, struct weir_slice *ret_topic,
                   int32_t *ret_partition)
{
    *ret_topic = g->said & 1u << GIVEN_TOPIC ? g->record.topic : weir_str(c->topic);
    *ret_partition = g->said & 1u << GIVEN_PARTITION ? g->record.partition : c->partitions ? 0 : -1;
}

static struct lane *lane_of(struct source *s, struct weir_slice topic, int32_t partition)
{
    struct weir_position begin = {.struct_size = sizeof begin};
    struct weir_shard shard = {.struct_size = sizeof shard, .partition = partition, .topic = topic};
    struct strbuf id = {0};
    for (struct lane *l = s->lanes; l; l = l->after)
        if (l->partition == partition && same(l->topic, topic))
            return l;
    struct lane *l = xcalloc(1, sizeof *l);
    *l = (struct lane){.after = s->lanes, .topic = topic, .partition = partition};
    strbuf_add(&id, topic.len ? topic.ptr : "-", topic.len ? topic.len : 1);
    if (partition >= 0)
        strbuf_printf(&id, "/%" PRId32, partition);
    shard.id = (struct weir_slice){id.data, id.len};
    if (s->ctx->host->shard_open(s->ctx, &shard, &l->shard, &begin) == WEIR_OK)
        s->lanes = l;
    strbuf_free(&id);
    if (s->lanes == l)
        return l;
    free(l);
    return NULL;
}

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct source *s = xcalloc(1, sizeof *s);
    *s = (struct source){.ctx = ctx, .conf = conf};
    *self = s;
    return WEIR_OK;
}

/* WEIR_OK: the record at s->at was taken. */
static int give(struct source *s, struct weir_emitter *e)
{
    const struct given *g = &s->conf->test->given[s->at];
    struct weir_record r = g->record;
    uint32_t taken = 0;
    origin(s->conf, g, &r.topic, &r.partition);
    struct lane *lane = lane_of(s, r.topic, r.partition);
    if (!lane)
        return weir_fail(s->ctx, WEIR_FATAL, 0, "no lane can be opened");
    if (!(g->said & 1u << GIVEN_OFFSET))
        r.offset = (int64_t)lane->next;
    else if (r.offset < 0 || (uint64_t)r.offset < lane->next)
        return weir_fail(s->ctx, WEIR_FATAL, 0,
                         "line %d: offset %" PRId64 " does not rise: the one before it was %" PRIu64, g->line,
                         r.offset, lane->next - 1);
    if (!(g->said & 1u << GIVEN_TIME) && s->conf->partitions)
        r.time_ms = s->conf->test->clock_ms;
    r.shard = lane->shard;
    r.seq = (uint64_t)r.offset;
    r.next = r.seq + 1;
    struct weir_run run = {.struct_size = sizeof run, .stride = sizeof r, .count = 1, .records = &r};
    int status = s->ctx->host->emit(e, &run, &taken);
    if (taken)
        lane->next = r.next;
    return taken ? WEIR_OK : status == WEIR_OK ? WEIR_AGAIN : status;
}

static int source_poll(void *self, struct weir_emitter *e, const struct weir_poll *how)
{
    struct source *s = self;
    int status = WEIR_OK;
    if (how->flags & WEIR_POLL_PAUSED)
        return WEIR_AGAIN;
    while (status == WEIR_OK && s->at < s->conf->test->n_given) {
        status = give(s, e);
        s->at += status == WEIR_OK;
    }
    return status == WEIR_OK ? WEIR_END : status;
}

static void source_destroy(void *self)
{
    struct source *s = self;
    struct lane *after;
    for (struct lane *l = s->lanes; l; l = after) {
        after = l->after;
        free(l);
    }
    free(s);
}

const struct weir_ops test_source_ops = {
    .struct_size = sizeof test_source_ops,
    .kind = WEIR_SOURCE,
    .promises = WEIR_REPLAYABLE,
    .create = source_create,
    .poll = source_poll,
    .destroy = source_destroy,
};

/* What the source's records say of where they come from, as far as its options name one place. */
static const char *topic_of(const struct section_conf *s)
{
    static const char *const places[] = {"topics", "path", "index"};
    struct weir_option row;
    uint32_t index;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!s->ops->options || !option_find(s->ops->options, places[i], &row, &index))
            continue;
        const void *at = (const char *)s->conf + row.offset;
        const struct weir_list *list = at;
        if (row.type == WEIR_T_STRING && *(const char *const *)at)
            return *(const char *const *)at;
        if (row.type == WEIR_T_LIST && list->count && list->items[0][0] != '^')
            return list->items[0];
    }
    return strcmp(s->plugin->info.name, "std") == 0 ? "stdin" : "test";
}

void test_source_put(struct section_conf *s, const struct script_test *test, struct source_conf *conf)
{
    *conf = (struct source_conf){
        .test = test, .topic = topic_of(s), .partitions = strcmp(s->plugin->info.name, "kafka") == 0};
    s->ops = &test_source_ops;
    s->conf = conf;
}

bool test_source_one_lane(const struct source_conf *c)
{
    struct weir_slice first = {0}, topic = {0};
    int32_t first_partition = 0, partition = 0;
    for (size_t i = 0; i < c->test->n_given; i++) {
        origin(c, &c->test->given[i], &topic, &partition);
        if (i == 0) {
            first = topic;
            first_partition = partition;
        }
        if (partition != first_partition || !same(topic, first))
            return false;
    }
    return true;
}
