/* SPDX-License-Identifier: BSD-2-Clause */
/* group.c - who holds the partitions of our topics: other members, or nobody because the group is out of date.
 *
 * A static member that is back within its session gets its old partitions without a rebalance, whatever topics it asks
 * for now and however many partitions they have become; no member would ever read the others.  Lookup thread. */
#include "source.h"

#include <regex.h>
#include <stdlib.h>

#define GROUP_TIMEOUT_MS                                                                                     \
    1000 /* a broker that is down is waited for so long: what it knows is not worth more */

struct group_topics {
    const struct weir_list *names; /* a name, or ^ and a regular expression */
    regex_t *patterns;             /* as many; used for those with ^ */
    bool *compiled;
};

static void topics_free(struct group_topics *t)
{
    for (size_t i = 0; i < t->names->count; i++)
        if (t->compiled[i])
            regfree(&t->patterns[i]);
    free(t->patterns);
    free(t->compiled);
}

static bool topics_init(struct group_topics *t, const struct weir_list *names)
{
    *t = (struct group_topics){.names = names};
    t->patterns = calloc(names->count + 1, sizeof *t->patterns);
    t->compiled = calloc(names->count + 1, sizeof *t->compiled);
    bool good = t->patterns && t->compiled;
    for (size_t i = 0; good && i < names->count; i++)
        if (names->items[i][0] == '^')
            good = t->compiled[i] = regcomp(&t->patterns[i], names->items[i], REG_EXTENDED | REG_NOSUB) == 0;
    if (!good && t->patterns && t->compiled)
        topics_free(t);
    return good;
}

static bool topics_have(const struct group_topics *t, const char *topic)
{
    bool ours = false;
    for (size_t i = 0; !ours && i < t->names->count; i++)
        ours = t->compiled[i] ? regexec(&t->patterns[i], topic, 0, NULL, 0) == 0
                              : strcmp(t->names->items[i], topic) == 0;
    return ours;
}

/* All partitions our topics have; 0: the brokers do not tell. */
static uint32_t group_total(rd_kafka_t *rk, const struct group_topics *t)
{
    const struct rd_kafka_metadata *md = NULL;
    uint32_t total = 0;
    if (rd_kafka_metadata(rk, 1, NULL, &md, GROUP_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (int i = 0; i < md->topic_cnt; i++)
        if (md->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR && topics_have(t, md->topics[i].topic))
            total += (uint32_t)md->topics[i].partition_cnt;
    rd_kafka_metadata_destroy(md);
    return total;
}

/* ---- what a member holds: the protocol's ConsumerProtocolAssignment, big endian ------------------------------- */
struct group_bytes {
    const unsigned char *at, *end;
    bool bad; /* they ended too soon */
};

static uint32_t bytes_number(struct group_bytes *b, unsigned size)
{
    uint32_t n = 0;
    b->bad = b->bad || b->end - b->at < (ptrdiff_t)size;
    for (; !b->bad && size > 0; size--)
        n = n << 8 | *b->at++;
    return n;
}

static void bytes_skip(struct group_bytes *b, uint64_t n)
{
    b->bad = b->bad || (uint64_t)(b->end - b->at) < n;
    b->at += b->bad ? 0 : n;
}

/* Adds up the partitions of our topics, and notes topics that are not ours. */
static uint32_t group_holds(struct group_bytes b, const struct group_topics *t,
                            rd_kafka_topic_partition_list_t *foreign)
{
    char topic[256];
    uint32_t held = 0;
    (void)bytes_number(&b, 2); /* version: later ones append */
    for (uint32_t n = bytes_number(&b, 4); n > 0 && !b.bad; n--) {
        uint32_t len = bytes_number(&b, 2);
        const unsigned char *name = b.at;
        bytes_skip(&b, len);
        uint32_t parts = bytes_number(&b, 4);
        bytes_skip(&b, (uint64_t)parts * 4);
        if (b.bad || len >= sizeof topic)
            break;
        memcpy(topic, name, len);
        topic[len] = '\0';
        if (topics_have(t, topic))
            held += parts;
        else
            (void)rd_kafka_topic_partition_list_add(foreign, topic, RD_KAFKA_PARTITION_UA);
    }
    return held;
}

static void group_count(rd_kafka_t *rk, const struct rd_kafka_group_info *g, const struct group_topics *t,
                        uint32_t total, struct kafka_holding *ret)
{
    char *me = rd_kafka_memberid(rk);
    rd_kafka_topic_partition_list_t *ignored = rd_kafka_topic_partition_list_new(1);
    uint32_t others = 0, mine = 0;
    for (int i = 0; me && i < g->member_cnt; i++) {
        const struct rd_kafka_group_member_info *m = &g->members[i];
        const unsigned char *at = m->member_assignment;
        struct group_bytes b = {at, at + m->member_assignment_size, !at};
        if (strcmp(m->member_id, me) == 0)
            mine += group_holds(b, t, ret->foreign);
        else
            others += group_holds(b, t, ignored);
    }
    rd_kafka_topic_partition_list_destroy(ignored);
    ret->others = others;
    ret->stale = me && (mine + others < total || ret->foreign->cnt > 0);
    rd_kafka_mem_free(rk, me);
}

void kafka_group_look(rd_kafka_t *rk, const char *group, const struct weir_list *names,
                      struct kafka_holding *ret)
{
    const struct rd_kafka_group_list *list = NULL;
    struct group_topics t;
    *ret = (struct kafka_holding){.foreign = rd_kafka_topic_partition_list_new(1)};
    if (!topics_init(&t, names))
        return;
    if (rd_kafka_list_groups(rk, group, &list, GROUP_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        uint32_t total = group_total(rk, &t);
        /* In any other state it is about to assign anew. */
        if (list->group_cnt == 1 && strcmp(list->groups[0].state, "Stable") == 0 && total > 0)
            group_count(rk, &list->groups[0], &t, total, ret);
        rd_kafka_group_list_destroy(list);
    }
    topics_free(&t);
}
