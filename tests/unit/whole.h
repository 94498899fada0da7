/* SPDX-License-Identifier: BSD-2-Clause */
/* whole.h - one whole pipeline of the source and the sinks of flow.h, on its threads, for one test after the other. */
#ifndef WEIR_TESTS_WHOLE_H
#define WEIR_TESTS_WHOLE_H

#include "flow.h"

static struct rig rig;
static struct src src;
static struct snk one, two, dead;
static struct section_conf *conf;

static int setup(void **state)
{
    if (scratch_make(state))
        return -1;
    memset(&src, 0, sizeof src);
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    memset(&dead, 0, sizeof dead);
    src.n_lanes = 3;
    src.count = 3000;
    src.value_size = 100;
    rig_init(&rig);
    rig.conf.source.ops = &src_ops;
    rig.conf.source.conf = &src;
    conf = rig_sink(&rig, "sink one", &snk_ops, &one);
    return 0;
}

static int teardown(void **state)
{
    if (rig.p && !pipeline_done(rig.p)) /* the test failed half way */
        flow_fail(&rig.p->flow, "the test is over");
    if (rig.p)
        (void)pipeline_join(rig.p);
    rig_free(&rig);
    return scratch_remove(state);
}

static inline void start(void)
{
    rig_build(&rig);
    pipeline_start(rig.p);
}

static inline struct books books(void)
{
    return ledger_books(&rig.p->flow.ledger);
}

/* Joins; the books balance, and all memory came back. */
static inline bool join(void)
{
    bool good = pipeline_join(rig.p);
    struct books b = books();
    assert_int_equal(b.read, b.delivered + b.dead + b.dropped + b.open);
    assert_int_equal(rig.p->flow.budget.used, 0);
    assert_true(pipeline_done(rig.p));
    return good;
}

static inline uint64_t stored(const char *lane)
{
    struct strbuf data = {0};
    uint64_t next = 0;
    int status = state_position(rig.p->state, "", (struct weir_slice){lane, 1}, &next, &data);
    strbuf_free(&data);
    assert_int_not_equal(status, WEIR_FATAL);
    return status == WEIR_OK ? next : 0;
}

#endif
