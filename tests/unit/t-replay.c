/* SPDX-License-Identifier: BSD-2-Clause */
/* t-replay.c - a sink that keeps the positions: what it can not commit is dropped, read again, and counted once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow.h"

#include <stdlib.h>
#include <string.h>

/* What sink and source share, as a group's offsets and a transaction's records lie in one cluster. */
struct keep {
    struct src src;
    pthread_mutex_t lock;
    uint64_t next[LANES]; /* committed; under the lock, as the next */
    int generation;       /* of the source's lanes: an older one can not commit any more */
    int staged_by;        /* the generation that wrote what is not committed; 0: nothing is */
    _Atomic bool away;    /* commits are not answered, unless they come without a token */
    bool bad;             /* what was written is not what has to come: it must never be committed */
    uint64_t staged[LANES];
    int void_first, retry_first; /* so many commits are void, or not answered */
    int batch;                   /* records of one at most; 0: as many as come */
    _Atomic bool void_in_write;  /* the first record of each third batch voids, too */
    bool refuse_abort;           /* the first abort of each is not answered */
    struct weir_ctx *ctx;        /* the sink's */
    bool voided;
    _Atomic int writes, commits, asked, aborts, voids, rewinds, wrong, tokens;
    _Atomic uint64_t final;
    _Atomic int lose; /* the test wants all lanes lost */
    _Atomic int take; /* or taken away, with time to drain them */
    _Atomic int taken;
};

static struct rig rig;
static struct keep keep;
static struct snk other;

static int setup(void **state)
{
    if (scratch_make(state))
        return -1;
    memset(&keep, 0, sizeof keep);
    memset(&other, 0, sizeof other);
    pthread_mutex_init(&keep.lock, NULL);
    keep.src.n_lanes = 3;
    keep.src.count = 4000;
    keep.src.value_size = 20;
    rig_init(&rig);
    rig.conf.commit_ms = 5;
    return 0;
}

static int teardown(void **state)
{
    if (rig.p && !pipeline_done(rig.p))
        flow_fail(&rig.p->flow, "the test is over");
    if (rig.p)
        (void)pipeline_join(rig.p);
    rig_free(&rig);
    pthread_mutex_destroy(&keep.lock);
    return scratch_remove(state);
}

/* ---- the source: src_*, but it begins where `next` says ---- */
static void lanes_open(struct keep *k)
{
    static const char ids[] = "abcdef";
    struct src *s = &k->src;
    pthread_mutex_lock(&k->lock);
    k->generation++;
    for (uint32_t i = 0; i < s->n_lanes; i++) {
        struct weir_shard desc = {
            .struct_size = sizeof desc, .partition = (int32_t)i, .id = {ids + i, 1}, .topic = {"t", 1}};
        struct weir_position at = {.struct_size = sizeof at};
        if (s->ctx->host->shard_open(s->ctx, &desc, &s->lanes[i], &at) != WEIR_OK)
            abort();
        if (at.flags & WEIR_POS_OWNED)
            atomic_fetch_add(&k->wrong, 1); /* the copy must not beat the group */
        s->next[i] = k->next[i];
    }
    pthread_mutex_unlock(&k->lock);
}

static int keep_open(void *self)
{
    lanes_open(self);
    return WEIR_OK;
}

static int keep_poll(void *self, struct weir_emitter *e, const struct weir_poll *poll)
{
    struct keep *k = self;
    if (atomic_load(&k->lose)) {
        if (k->src.ctx->host->shard_revoke(k->src.ctx, k->src.lanes, k->src.n_lanes, 0) != WEIR_OK)
            return WEIR_FATAL;
        atomic_store(&k->lose, 0); /* by now they are */
    }
    if (atomic_exchange(&k->take, 0)) {
        if (k->src.ctx->host->shard_revoke(k->src.ctx, k->src.lanes, k->src.n_lanes, 3600000) != WEIR_OK)
            return WEIR_FATAL;
        atomic_store(&k->taken, 1);
    }
    return atomic_load(&k->taken) ? WEIR_AGAIN : src_poll(&k->src, e, poll);
}

static int keep_committed(void *self, const struct weir_position *p, uint32_t n, uint32_t stride,
                          uint32_t final)
{
    struct keep *k = self;
    atomic_fetch_add(&k->wrong, n > 0);
    return src_committed(&k->src, p, n, stride, final);
}

static int keep_revoked(void *self, const struct weir_position *p, uint32_t n, uint32_t stride)
{
    struct keep *k = self;
    (void)p;
    (void)stride;
    atomic_fetch_add(&k->wrong, n > 0);
    lanes_open(k);
    atomic_store(&k->taken, 0);
    return WEIR_OK;
}

static int keep_rewind(void *self)
{
    struct keep *k = self;
    if (atomic_fetch_add(&k->rewinds, 1) % 2)
        return WEIR_AGAIN;
    return k->src.ctx->host->shard_revoke(k->src.ctx, k->src.lanes, k->src.n_lanes, 0);
}

static int keep_token(void *self, void *out, size_t cap, size_t *ret_len)
{
    struct keep *k = self;
    atomic_fetch_add(&k->tokens, 1);
    pthread_mutex_lock(&k->lock);
    *ret_len = (size_t)snprintf(out, cap, "%d", k->generation) + 1;
    pthread_mutex_unlock(&k->lock);
    return WEIR_OK;
}

static int keep_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct keep *k = (struct keep *)(uintptr_t)conf;
    k->src.ctx = ctx;
    *self = k;
    return WEIR_OK;
}

static const struct weir_ops source_ops = {.struct_size = sizeof source_ops,
                                           .kind = WEIR_SOURCE,
                                           .promises = WEIR_REPLAYABLE | WEIR_OWN_POSITION,
                                           .create = keep_create,
                                           .open = keep_open,
                                           .poll = keep_poll,
                                           .committed = keep_committed,
                                           .revoked = keep_revoked,
                                           .token = keep_token,
                                           .rewind = keep_rewind,
                                           .destroy = rig_destroy};

/* ---- the sink ---- */
static int keeper_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct keep *k = (struct keep *)(uintptr_t)conf;
    k->ctx = ctx;
    *self = k;
    return WEIR_OK;
}

static void void_it(struct keep *k, const char *why)
{
    k->voided = true;
    atomic_fetch_add(&k->voids, 1);
    k->ctx->host->replay(k->ctx, why);
}

static int keeper_write(void *self, struct weir_batch *b)
{
    struct keep *k = self;
    struct weir_view v = {.struct_size = sizeof v};
    (void)k->ctx->host->view(k->ctx, b, &v);
    if (k->void_in_write && !k->voided && atomic_fetch_add(&k->writes, 1) % 3 == 2)
        void_it(k, "as told, in write");
    pthread_mutex_lock(&k->lock);
    k->staged_by = k->staged_by ? k->staged_by : k->generation;
    pthread_mutex_unlock(&k->lock);
    for (uint32_t i = 0; i < v.count && !k->voided; i++) {
        const struct weir_record *r = weir_record_at(&v, i);
        if (k->staged[r->shard->partition] != r->seq)
            k->bad = true; /* missing, doubled or out of order */
        k->staged[r->shard->partition] = r->seq + 1;
    }
    return k->ctx->host->complete(k->ctx, b, NULL, 0, 0);
}

static int keeper_commit(void *self, const struct weir_commit *c)
{
    struct keep *k = self;
    int n = atomic_fetch_add(&k->asked, 1) + 1;
    if (k->voided)
        return WEIR_REJECT;
    if (n <= k->retry_first || (k->away && c->token.ptr))
        return WEIR_RETRY;
    if (n <= k->void_first) {
        void_it(k, "as told, in commit");
        return WEIR_REJECT;
    }
    pthread_mutex_lock(&k->lock);
    if (!c->token.ptr || strtol(c->token.ptr, NULL, 10) != k->generation) {
        pthread_mutex_unlock(&k->lock);
        void_it(k, "the lanes are not ours any more");
        return WEIR_REJECT;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        const struct weir_position *p = (const struct weir_position *)c->positions + i;
        atomic_fetch_add(&k->final, p->next - k->next[p->shard->partition]);
        k->next[p->shard->partition] = p->next;
    }
    atomic_fetch_add(&k->wrong, k->staged_by && k->staged_by != k->generation); /* the right is another's */
    k->staged_by = 0;
    atomic_fetch_add(&k->wrong, k->bad || memcmp(k->next, k->staged, sizeof k->next) != 0);
    pthread_mutex_unlock(&k->lock);
    atomic_fetch_add(&k->wrong, other.promises && !atomic_load(&other.commits)); /* the others come first */
    atomic_fetch_add(&k->commits, 1);
    return WEIR_OK;
}

static int keeper_abort(void *self)
{
    struct keep *k = self;
    if (k->refuse_abort && atomic_fetch_add(&k->aborts, 1) % 2 == 0)
        return WEIR_RETRY;
    pthread_mutex_lock(&k->lock);
    memcpy(k->staged, k->next, sizeof k->staged);
    k->staged_by = 0;
    pthread_mutex_unlock(&k->lock);
    k->voided = k->bad = false;
    return WEIR_OK;
}

static const struct weir_ops keeper_ops = {.struct_size = sizeof keeper_ops,
                                           .kind = WEIR_SINK,
                                           .promises = WEIR_ORDERED | WEIR_STREAM | WEIR_SINGLE |
                                                       WEIR_BLOCKS | WEIR_COMMITS | WEIR_EXACT |
                                                       WEIR_KEEPS_POSITION,
                                           .create = keeper_create,
                                           .write = keeper_write,
                                           .commit = keeper_commit,
                                           .abort = keeper_abort,
                                           .destroy = rig_destroy};

static void start(void)
{
    rig.conf.source.ops = &source_ops;
    rig.conf.source.conf = &keep;
    struct section_conf *conf = rig_sink(&rig, "sink keeper", &keeper_ops, &keep);
    conf->batch_records = keep.batch ? keep.batch : conf->batch_records;
    if (other.promises)
        (void)rig_sink(&rig, "sink other", &snk_ops, &other);
    rig_build(&rig);
    pipeline_start(rig.p);
}

/* All of it is final, once and in order, and the books say so. */
static void ends_well(uint64_t n)
{
    assert_true(pipeline_join(rig.p));
    struct books b = ledger_books(&rig.p->flow.ledger);
    assert_int_equal(atomic_load(&keep.wrong), 0);
    assert_int_equal(atomic_load(&keep.final), n);
    assert_int_equal(b.read, n);
    assert_int_equal(b.delivered, n);
    assert_int_equal(b.open, 0);
    struct outlet_sum sum = outlet_books_sum(rig.p->keeper);
    assert_int_equal(sum.in, n);
    assert_int_equal(sum.delivered, n);
}

static void all_is_committed_by_the_sink(void **state)
{
    (void)state;
    start();
    ends_well(12000);
    assert_true(atomic_load(&keep.tokens) > 0);
}

static void what_it_can_not_commit_is_read_again(void **state)
{
    (void)state;
    keep.void_first = 3;
    keep.refuse_abort = true;
    start();
    ends_well(12000);
    assert_int_equal(atomic_load(&keep.voids), 3);
    assert_true(atomic_load(&keep.rewinds) >= 5); /* every other was not just then */
}

static void a_write_may_void_it_too(void **state)
{
    (void)state;
    rig.conf.workers = 2;
    keep.src.count = 2000;
    keep.batch = 100; /* 60 writes at least, however late its thread is */
    keep.void_in_write = true;
    rig.conf.commit_ms = 1;
    start();
    AWAIT(atomic_load(&keep.voids) >= 3);
    keep.void_in_write = false; /* else it never gets through */
    ends_well(6000);
}

static void a_commit_without_an_answer_is_asked_for_again(void **state)
{
    (void)state;
    keep.retry_first = 3;
    start();
    ends_well(12000);
    assert_true(atomic_load(&keep.asked) > atomic_load(&keep.commits));
}

static void the_others_commit_first(void **state)
{
    (void)state;
    other.promises = WEIR_COMMITS | WEIR_EXACT;
    keep.void_first = 2;
    start();
    ends_well(12000);
    assert_true(atomic_load(&other.commits) > 0);
    assert_true(atomic_load(&other.records) >= 12000); /* what was read again came to it again */
}

static void lanes_that_are_lost_void_what_was_not_committed(void **state)
{
    (void)state;
    keep.src.endless = true;
    rig.conf.commit_ms = 20;
    start();
    for (int i = 0; i < 5; i++) {
        int before = atomic_load(&keep.commits);
        atomic_store(&keep.lose, 1);
        AWAIT(!atomic_load(&keep.lose));
        AWAIT(atomic_load(&keep.final) == 12000 || atomic_load(&keep.commits) > before);
    }
    AWAIT(atomic_load(&keep.final) == 12000);
    pipeline_stop(rig.p);
    ends_well(12000);
}

/* The member stood still, lost its lanes, and is back with others: it must not commit the old ones by its new right. */
static void a_commit_tried_again_after_the_loss_is_void(void **state)
{
    (void)state;
    keep.src.endless = true;
    keep.away = true;
    start();
    AWAIT(atomic_load(&keep.asked) >= 1);
    atomic_store(&keep.lose, 1);
    AWAIT(!atomic_load(&keep.lose));
    AWAIT(atomic_load(&keep.voids) >= 1); /* asked again, and without a token */
    keep.away = false;
    AWAIT(atomic_load(&keep.final) == 12000);
    pipeline_stop(rig.p);
    ends_well(12000);
}

/* What was drained for them was to be committed before they go, and is void: it must not be committed after that. */
static void lanes_taken_away_while_it_is_void_are_given_back_as_lost(void **state)
{
    (void)state;
    keep.src.endless = true;
    keep.void_first = 1;
    rig.conf.commit_ms = 3600000;
    start();
    AWAIT(keep.src.emitted[2] == keep.src.count);
    atomic_store(&keep.take, 1);
    AWAIT(atomic_load(&keep.voids) == 1 && !atomic_load(&keep.take) &&
          !atomic_load(&keep.taken)); /* nobody waits for the end of the drain, an hour */
    pipeline_stop(rig.p);
    ends_well(atomic_load(&keep.final));
}

static void a_stop_in_the_middle_of_it_leaves_nothing_half(void **state)
{
    (void)state;
    keep.void_first = 1000000;
    keep.src.count = 100000;
    start();
    AWAIT(atomic_load(&keep.voids) >= 2);
    pipeline_stop(rig.p);
    assert_true(pipeline_join(rig.p));
    ends_well(atomic_load(&keep.final));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        test(all_is_committed_by_the_sink),
        test(what_it_can_not_commit_is_read_again),
        test(a_write_may_void_it_too),
        test(a_commit_without_an_answer_is_asked_for_again),
        test(the_others_commit_first),
        test(lanes_that_are_lost_void_what_was_not_committed),
        test(a_commit_tried_again_after_the_loss_is_void),
        test(lanes_taken_away_while_it_is_void_are_given_back_as_lost),
        test(a_stop_in_the_middle_of_it_leaves_nothing_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
