/* SPDX-License-Identifier: BSD-2-Clause */
/* try_source.c - trials of a source: read to its end in large and small pieces, paused, interrupted, resumed. */
#include "../report/clock.h"
#include "../report/log.h"
#include "trial.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define POLL_RECORDS 500
#define POLL_BYTES   (1u << 20)
#define POLL_WAIT    20    /* ms */
#define BLOCK_MS     20000 /* that a poll may block which is interrupted */
#define BLOCKED_MS   200   /* it is blocking when it is inside for so long */

/* ---- reading ------------------------------------------------------------------------------------------------- */

enum read_end { READ_END, READ_FULL /* more than TRIAL_RECORDS */, READ_IDLE, READ_FATAL };

/* Polls to the end, with no more than `most` records each time (0: changing numbers, small ones). */
static enum read_end read_on(struct harness *h, uint32_t most)
{
    static const uint32_t few[] = {1, 2, 3, 7, 1, 13};
    int64_t last = clock_mono_ms();
    size_t before = harness_out_count(h);
    for (uint32_t i = 0;; i++) {
        uint64_t bytes = most || i % 2 ? POLL_BYTES : 1;
        harness_brimful(h, !most && i % 3 == 2);
        harness_set_poll(h, most ? most : few[i % 6], bytes, POLL_WAIT, WEIR_POLL_TO_END);
        if (!harness_step(h, POLL_WAIT) || harness_status(h) == WEIR_END)
            return READ_END;
        if (harness_status(h) == WEIR_FATAL)
            return READ_FATAL;
        if (harness_out_count(h) >= TRIAL_RECORDS)
            return READ_FULL;
        if (harness_out_count(h) != before)
            last = clock_mono_ms();
        before = harness_out_count(h);
        if (clock_mono_ms() - last > TRIAL_TROUBLE_MS)
            trial_far_end(h);
        if (clock_mono_ms() - last > TRIAL_ANSWER_MS)
            return READ_IDLE;
    }
}

bool source_work(struct harness *h)
{
    return read_on(h, POLL_RECORDS) != READ_FATAL;
}

/* The reading that others are compared with. */
static struct harness *reference(void)
{
    struct harness *h = trial_start();
    if (read_on(h, POLL_RECORDS) == READ_FATAL)
        trial_unable("poll says FATAL: %s",
                     harness_failure(h)->why ? harness_failure(h)->why : "no reason is given");
    return h;
}

static bool replayable(const struct harness *h, enum rule rule)
{
    if (harness_promises(h) & WEIR_REPLAYABLE)
        return true;
    trial_skip(rule, "it does not promise WEIR_REPLAYABLE");
    return false;
}

/* ---- comparing ----------------------------------------------------------------------------------------------- */

static bool same_bytes(struct weir_slice a, struct weir_slice b)
{
    return !a.ptr == !b.ptr && a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The next output of that lane at or behind i; the count: there is none. */
static size_t next_of(const struct harness *h, const struct weir_shard *lane, size_t i)
{
    while (i < harness_out_count(h) && harness_out(h, i)->record.shard != lane)
        i++;
    return i;
}

/* Calls each() for every lane of which there is a record. */
static void each_lane(struct harness *h, void (*each)(struct harness *, const struct weir_shard *, void *),
                      void *opaque)
{
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct weir_shard *lane = harness_out(h, i)->record.shard;
        if (next_of(h, lane, 0) == i)
            each(h, lane, opaque);
    }
}

/* The same lane as another instance has it.  Where a source makes ids up, and keeps them in its state, it is the one of
 * the same topic.  NULL: it gave no record of it. */
static const struct weir_shard *lane_in(const struct harness *h, const struct weir_shard *lane)
{
    const struct weir_shard *near = NULL;
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct weir_shard *other = harness_out(h, i)->record.shard;
        if (same_bytes(other->id, lane->id))
            return other;
        if (!near && same_bytes(other->topic, lane->topic))
            near = other;
    }
    return near;
}

static const struct harness_shard *shard_of(const struct harness *h, const struct weir_shard *lane)
{
    char id[1025];
    memcpy(id, lane->id.ptr, lane->id.len);
    id[lane->id.len] = 0;
    return harness_shard(h, id);
}

struct comparison {
    enum rule rule;
    struct harness *got,
        *places; /* places: whose committed positions the reading began at; NULL: at the beginning */
    bool cut;    /* the reading was not taken to its end */
};

static uint64_t begin_of(const struct comparison *c, const struct weir_shard *lane)
{
    const struct weir_shard *there = c->places ? lane_in(c->places, lane) : NULL;
    const struct harness_shard *s = there ? shard_of(c->places, there) : NULL;
    return s ? s->committed : 0;
}

static void compare_record(const struct comparison *c, const struct weir_record *x,
                           const struct weir_record *y)
{
    struct weir_slice id = x->shard->id;
    if (x->seq != y->seq)
        trial_broken(c->rule, "where seq %llu of the lane %.*s is to come it gives seq %llu",
                     (unsigned long long)x->seq, (int)id.len, (const char *)id.ptr,
                     (unsigned long long)y->seq);
    if (!same_bytes(x->key, y->key) || !same_bytes(x->value, y->value))
        trial_broken(c->rule, "seq %llu of the lane %.*s has other bytes than when all is read at once",
                     (unsigned long long)x->seq, (int)id.len, (const char *)id.ptr);
}

static void compare_lane(struct harness *want, const struct weir_shard *lane, void *opaque)
{
    const struct comparison *c = opaque;
    const struct weir_shard *there = lane_in(c->got, lane);
    uint64_t begin = begin_of(c, lane);
    size_t i = next_of(want, lane, 0), k = next_of(c->got, there, 0);
    for (; i < harness_out_count(want); i = next_of(want, lane, i + 1)) {
        const struct weir_record *x = &harness_out(want, i)->record;
        if (x->seq < begin)
            continue;
        if (k == harness_out_count(c->got) && c->cut)
            return;
        if (k == harness_out_count(c->got))
            trial_broken(c->rule, "seq %llu of the lane %.*s does not come", (unsigned long long)x->seq,
                         (int)lane->id.len, (const char *)lane->id.ptr);
        compare_record(c, x, &harness_out(c->got, k)->record);
        k = next_of(c->got, there, k + 1);
    }
}

static void compare(struct harness *want, struct comparison c)
{
    each_lane(want, compare_lane, &c);
}

/* ---- trials -------------------------------------------------------------------------------------------------- */

void try_source(void)
{
    struct harness *h = trial_start();
    switch (read_on(h, POLL_RECORDS)) {
    case READ_FATAL:
        trial_unable("poll says FATAL: %s",
                     harness_failure(h)->why ? harness_failure(h)->why : "no reason is given");
    case READ_IDLE:
        trial_broken(RULE_END, "nothing comes for %d s, and poll does not say END", TRIAL_ANSWER_MS / 1000);
    case READ_FULL:
        trial_skip(RULE_END, "there are more than %d records", TRIAL_RECORDS);
        break;
    case READ_END:
        break;
    }
    if (harness_out_count(h) == 0) {
        trial_skip(RULE_SEQ, "it gave no record");
        trial_skip(RULE_BUFFER, "it gave no record");
        trial_skip(RULE_LANES, "it gave no record");
    }
    (void)harness_commit(h, true);
    trial_end(h);
}

void try_source_small(void)
{
    struct harness *want = reference();
    if (!replayable(want, RULE_AGAIN))
        return;
    if (harness_out_count(want) < 2) {
        trial_skip(RULE_AGAIN, "it gave fewer than two records");
        return;
    }
    struct harness *got = trial_start();
    enum read_end end = read_on(got, 0);
    compare(want, (struct comparison){RULE_AGAIN, got, NULL, end == READ_FULL || end == READ_FATAL});
    trial_end(got);
    trial_end(want);
}

void try_source_paused(void)
{
    struct harness *h = trial_start();
    for (int i = 0; i < 5; i++)
        if (harness_poll(h, POLL_RECORDS, POLL_BYTES, POLL_WAIT, WEIR_POLL_PAUSED) == WEIR_END)
            break;
    trial_end(h);
}

struct interruption {
    struct harness *harness;
    _Atomic bool over, made;
};

static void *run_interruption(void *opaque)
{
    struct interruption *i = opaque;
    int64_t since = clock_mono_ms();
    while (!i->over) {
        int64_t passed = clock_mono_ms() - since;
        if (!i->made && passed >= BLOCKED_MS && harness_inside(i->harness)) {
            i->made = true;
            harness_interrupt(i->harness);
        }
        if (passed >= BLOCKED_MS + TRIAL_STOP_MS)
            trial_broken(RULE_INTERRUPT, "poll does not come back within %d s of interrupt",
                         TRIAL_STOP_MS / 1000);
        (void)poll(NULL, 0, 10);
    }
    return NULL;
}

/* A poll that would block for long, and is interrupted once it does. */
static void interrupt_poll(struct harness *h)
{
    struct interruption i = {.harness = h};
    pthread_t thread;
    trial_poll_limit(2 * BLOCK_MS);
    if (pthread_create(&thread, NULL, run_interruption, &i) != 0)
        trial_unable("there is no thread to interrupt it");
    (void)harness_poll(h, POLL_RECORDS, POLL_BYTES, BLOCK_MS, 0);
    i.over = true;
    pthread_join(thread, NULL);
    if (!i.made)
        trial_skip(RULE_INTERRUPT, "poll did not block");
}

void try_source_interrupt(void)
{
    struct harness *h = trial_start();
    int64_t end = clock_mono_ms() + TRIAL_ANSWER_MS;
    int status = WEIR_OK;
    while (status == WEIR_OK && clock_mono_ms() < end && harness_out_count(h) < TRIAL_RECORDS)
        status = harness_poll(h, POLL_RECORDS, POLL_BYTES, 0, 0);
    if (status == WEIR_AGAIN)
        interrupt_poll(h);
    else
        trial_skip(RULE_INTERRUPT, "poll had no reason to block");
    trial_end(h);
}

static void preset_lane(struct harness *from, const struct weir_shard *lane, void *opaque)
{
    const struct harness_shard *s = shard_of(from, lane);
    char id[1025];
    memcpy(id, lane->id.ptr, lane->id.len);
    id[lane->id.len] = 0;
    harness_preset(opaque, id, s->committed, s->data);
}

/* A lane that goes on has the id it had. */
static void look_at_id(struct harness *first, const struct weir_shard *lane, void *opaque)
{
    const struct weir_shard *there = lane_in(opaque, lane);
    (void)first;
    if (there && !same_bytes(there->id, lane->id))
        trial_broken(RULE_RESUME, "the lane %.*s has another id after a restart, %.*s", (int)lane->id.len,
                     (const char *)lane->id.ptr, (int)there->id.len, (const char *)there->id.ptr);
}

/* Reads some, commits, and lets another instance go on from there. */
static void resume_after(struct harness *want, uint32_t records)
{
    char why[TRIAL_TEXT_MAX];
    struct harness *first = trial_start(), *second = trial_load();
    int64_t end = clock_mono_ms() + TRIAL_ANSWER_MS;
    int status = WEIR_OK;
    while (status >= WEIR_OK && status != WEIR_END && harness_out_count(first) < records &&
           clock_mono_ms() < end)
        status = harness_poll(first, records - (uint32_t)harness_out_count(first), POLL_BYTES, POLL_WAIT,
                              WEIR_POLL_TO_END);
    (void)harness_commit(first, false);
    each_lane(first, preset_lane, second);
    harness_state_copy(second, first);
    if (!trial_open(second, why))
        trial_broken(RULE_RESUME, "it does not open at a position that it gave: %s", why);
    enum read_end how = read_on(second, POLL_RECORDS);
    each_lane(first, look_at_id, second);
    compare(want, (struct comparison){RULE_RESUME, second, first, how == READ_FULL || how == READ_FATAL});
    trial_end(second);
    trial_end(first);
}

void try_source_resume(void)
{
    struct harness *want = reference();
    uint32_t n = (uint32_t)harness_out_count(want);
    if (!replayable(want, RULE_RESUME))
        return;
    if (harness_promises(want) & WEIR_OWN_POSITION)
        trial_skip(RULE_RESUME, "it keeps positions in its own system (WEIR_OWN_POSITION)");
    else if (n < 2)
        trial_skip(RULE_RESUME, "it gave fewer than two records");
    else
        for (uint32_t part = 1; part <= 2; part++)
            resume_after(want, part == 1 ? 1 : n / 2);
    trial_end(want);
}

void try_source_pair(void)
{
    struct harness *want = reference();
    if (!replayable(want, RULE_INSTANCES))
        return;
    struct harness *a = trial_start(), *b = trial_start();
    harness_set_poll(a, POLL_RECORDS, POLL_BYTES, POLL_WAIT, WEIR_POLL_TO_END);
    harness_set_poll(b, POLL_RECORDS, POLL_BYTES, POLL_WAIT, WEIR_POLL_TO_END);
    harness_brimful(a, true); /* a little of each, in turn */
    harness_brimful(b, true);
    for (int i = 0; i < 5; i++) {
        (void)harness_step(a, POLL_WAIT);
        (void)harness_step(b, POLL_WAIT);
    }
    (void)read_on(a, POLL_RECORDS);
    (void)read_on(b, POLL_RECORDS);
    bool full = harness_out_count(want) >= TRIAL_RECORDS;
    compare(want, (struct comparison){RULE_INSTANCES, a, NULL, full});
    compare(want, (struct comparison){RULE_INSTANCES, b, NULL, full});
    trial_end(b);
    trial_end(a);
    trial_end(want);
}
