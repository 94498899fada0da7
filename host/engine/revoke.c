/* SPDX-License-Identifier: BSD-2-Clause */
/* revoke.c - gives lanes back: what is in flight of them is drained to a deadline, committed, and fenced off.
 *
 * Home thread of the source.  After it, records of these lanes that still come to an end change no books. */
#include "intake.h"

#include "instance/call.h"
#include "pipeline.h"
#include "report/clock.h"
#include "report/log.h"

#include <inttypes.h>
#include <stdlib.h>

int intake_shard_revoke(struct intake *in, const struct weir_shard *const *shards, uint32_t n,
                        uint32_t drain_ms)
{
    struct revoke *r = xcalloc(1, sizeof *r), **at = &in->revokes;
    r->shards = xmalloc((n ? n : 1) * sizeof(struct shard *));
    for (uint32_t i = 0; i < n; i++) {
        struct shard *s = (struct shard *)(uintptr_t)shards[i];
        if (s->revoked) /* twice would free it twice */
            continue;
        s->revoked = true;
        r->shards[r->n++] = s;
    }
    r->lost = drain_ms == 0;
    r->deadline = clock_mono_ms() + drain_ms;
    while (*at)
        at = &(*at)->next;
    *at = r;
    intake_flush(in);
    return WEIR_OK;
}

static bool drained(struct intake *in, const struct revoke *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (!ledger_shard_idle(&in->pipeline->flow.ledger, r->shards[i]))
            return false;
    return true;
}

/* A sink that is exactly once by our positions has records of the lane that no commit covers: they stay in its files,
 * and whoever has the lane next, we perhaps, writes them again. */
static bool torn(const struct pipeline *p, const struct shard *s)
{
    return p->exact && !p->keeper && s->written && (!s->committed_any || s->committed < s->written);
}

/* Their watermarks as they stand, stored as far as they may be. */
static void finish(struct intake *in, struct revoke *r)
{
    struct pipeline *p = in->pipeline;
    struct weir_position *positions = xcalloc(r->n + 1, sizeof *positions);
    uint64_t given_back = ledger_books(&p->flow.ledger).returned;
    uint32_t n = 0;
    bool behind = commit_keeper_behind(p), doubled = false;
    for (uint32_t i = 0; i < r->n; i++) {
        struct shard *s = r->shards[i];
        doubled |= torn(p, s);
        ledger_shard_close(&p->flow.ledger, s);
        if (r->lost || p->keeper || !s->stored || (p->commits && s->committed != s->watermark))
            continue;
        positions[n++] = (struct weir_position){.struct_size = sizeof *positions,
                                                .flags = WEIR_POS_STORED,
                                                .shard = &s->pub,
                                                .next = s->watermark};
    }
    if (!r->lost && !p->commits)
        commit_store_now(in);
    for (uint32_t i = 0; i < r->n; i++) /* never to be committed by us again */
        ledger_committed(&p->flow.ledger, r->shards[i], r->shards[i]->watermark);
    given_back = ledger_books(&p->flow.ledger).returned - given_back;
    if (given_back)
        log_line(WEIR_LOG_WARNING, p->flow.conf->label,
                 "%" PRIu64
                 " records of %u lanes taken away were not through: their new owner reads them again",
                 given_back, r->n);
    if (p->keeper &&
        (behind || given_back)) /* what is on its way is still written, and must not be committed */
        replay_ask(in, in->instance->who, "lanes were taken away before their records were committed");
    if (doubled)
        flow_fail(&p->flow,
                  "lanes were taken away before all that was written of them was committed: weir ends, for a "
                  "new start takes that back and nothing is there twice");
    if (in->instance->ops->revoked)
        (void)call_revoked(in->instance, positions, n, sizeof *positions);
    free(positions);
}

/* The source has forgotten them, and so does the ledger, unless a commit under way names them. */
static void leave(struct intake *in)
{
    while (in->left && in->commit.phase == COMMIT_NONE) {
        struct revoke *r = in->left;
        in->left = r->next;
        for (uint32_t i = 0; i < r->n; i++)
            ledger_shard_leave(&in->pipeline->flow.ledger, r->shards[i]);
        free(r->shards);
        free(r);
    }
}

bool revoke_tick(struct intake *in, int64_t now)
{
    if (in->revokes && in->held) /* the books must know all of a lane before it is closed */
        intake_hand_over_at_once(in);
    while (in->revokes) {
        struct revoke *r = in->revokes;
        bool ready = r->lost || drained(in, r);
        if (!ready && now < r->deadline && !flow_failed(&in->pipeline->flow))
            return true;
        if (ready && !r->lost && in->pipeline->commits && now < r->deadline && !commit_settled(in) &&
            !flow_failed(&in->pipeline->flow)) {
            commit_soon(in); /* the sinks commit what was drained, then it is given back */
            return true;
        }
        finish(in, r);
        in->revokes = r->next;
        r->next = in->left;
        in->left = r;
    }
    leave(in);
    return false;
}
