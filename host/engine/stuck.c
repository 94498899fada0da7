/* SPDX-License-Identifier: BSD-2-Clause */
/* stuck.c - looks at a pipeline once a second and tells what does not move (stuck.h).  Main thread, unless said. */
#include "stuck.h"

#include "instance/call.h"
#include "pipeline.h"
#include "report/log.h"

#include <inttypes.h>

void stuck_init(struct stuck *s)
{
    pthread_mutex_init(&s->lock, NULL);
}

void stuck_free(struct stuck *s)
{
    strbuf_free(&s->section);
    strbuf_free(&s->why);
    pthread_mutex_destroy(&s->lock);
}

void stuck_duration(struct strbuf *out, int64_t ms)
{
    if (ms < 300000)
        strbuf_printf(out, "%" PRId64 " s", ms / 1000);
    else if (ms < 7200000)
        strbuf_printf(out, "%" PRId64 " min", ms / 60000);
    else
        strbuf_printf(out, "%" PRId64 " h", ms / 3600000);
}

static int64_t load(const _Atomic int64_t *age)
{
    return atomic_load_explicit(age, memory_order_relaxed);
}

/* Something that moved is new again. */
static int64_t grow(_Atomic int64_t *age, bool moved, int64_t elapsed)
{
    int64_t now = moved ? 0 : load(age) + elapsed;
    atomic_store_explicit(age, now, memory_order_relaxed);
    return now;
}

static int64_t hung_after(const struct pipeline *p)
{
    int64_t limit = p->flow.conf->stuck_after_ms;
    return limit < HUNG_MS ? limit : HUNG_MS;
}

/* Records wait in the shard: read and not through, or, while the source still reads, there to be read. */
static bool has_work(const struct pipeline *p, const struct shard *s)
{
    bool begun = atomic_load_explicit(&s->has_begin, memory_order_acquire);
    bool read = atomic_load_explicit(&s->has_read, memory_order_acquire);
    bool stored = atomic_load_explicit(&s->stored, memory_order_acquire);
    uint64_t reached = atomic_load_explicit(&s->reached, memory_order_relaxed);
    uint64_t final = atomic_load_explicit(&s->watermark, memory_order_relaxed);
    if (read && (!stored || final < reached))
        return true;
    bool ends = begun && atomic_load_explicit(&s->has_end, memory_order_acquire);
    return ends && !atomic_load(&p->intake.draining) &&
           atomic_load_explicit(&s->end, memory_order_relaxed) > reached;
}

/* How many shards are stuck; the one that is so for longest leads. */
static uint32_t look_at_shards(struct pipeline *p, int64_t elapsed)
{
    uint32_t n = 0;
    for (struct shard *s = ledger_shards(&p->flow.ledger); s; s = s->next) {
        struct shard_watch *w = &s->watch;
        if (atomic_load_explicit(&s->closed, memory_order_relaxed))
            continue;
        uint64_t final = atomic_load_explicit(&s->watermark, memory_order_relaxed);
        bool idle = final != w->watermark || !has_work(p, s);
        w->watermark = final;
        w->age_ms = idle ? 0 : w->age_ms + elapsed;
        n += w->age_ms >= p->flow.conf->stuck_after_ms;
    }
    ledger_shards_done(&p->flow.ledger);
    return n;
}

static void look_at_outlet(const struct pipeline *p, struct outlet *o, int64_t elapsed)
{
    struct outlet_watch *w = &o->watch;
    uint64_t ended = atomic_load_explicit(&o->books.delivered, memory_order_relaxed) +
                     atomic_load_explicit(&o->books.duplicate, memory_order_relaxed) +
                     atomic_load_explicit(&o->books.dead, memory_order_relaxed);
    int64_t lent = load(&o->glance.lent_since_ms), retrying = load(&o->glance.retrying_since_ms);
    (void)grow(&w->ack_age_ms, ended != w->ended, elapsed);
    (void)grow(&w->answer_age_ms, lent == INT64_MAX || lent != w->lent, elapsed);
    int64_t age = grow(&w->retry_age_ms, retrying == INT64_MAX || retrying != w->retrying, elapsed);
    w->ended = ended;
    w->lent = lent;
    w->retrying = retrying;
    if (!w->said && age >= hung_after(p)) {
        struct told t;
        instance_told(o->instance, &t);
        struct strbuf text = {0};
        stuck_duration(&text, age);
        log_line(WEIR_LOG_WARNING, o->instance->who,
                 "%" PRIu32 " records are refused again and again, for %s by now, and hold their place%s%s",
                 atomic_load_explicit(&o->glance.retrying, memory_order_relaxed), text.data,
                 t.error[0] ? "; the last answer: " : "", t.error);
        strbuf_free(&text);
        w->said = true;
    } else if (w->said && retrying == INT64_MAX) {
        log_line(WEIR_LOG_NOTICE, o->instance->who, "what was refused again and again is through");
        w->said = false;
    }
}

static void look_at_instance(const struct pipeline *p, struct instance *i, int64_t elapsed)
{
    struct instance_watch *w = &i->watch;
    int64_t since = 0, was = load(&w->inside_ms);
    const char *callback = call_running(i, &since);
    int64_t now = grow(&w->inside_ms, !callback || since != w->since, elapsed);
    w->since = since;
    if (!w->said && now >= hung_after(p)) {
        log_line(WEIR_LOG_ERROR, i->who, "has been inside %s for %" PRId64 " s", callback, now / 1000);
        w->said = true;
    } else if (w->said && now < was) {
        log_line(WEIR_LOG_NOTICE, i->who, "came back after %" PRId64 " s", was / 1000);
        w->said = false;
    }
}

static bool in_callback(struct loop *l)
{
    int64_t since;
    for (struct instance *i = l->instances; i; i = i->next_in_loop)
        if (call_running(i, &since))
            return true;
    return false;
}

static void look_at_loop(struct loop *l, int64_t elapsed)
{
    uint64_t turns = atomic_load_explicit(&l->wakeups, memory_order_relaxed);
    uint32_t state = atomic_load_explicit(&l->state, memory_order_relaxed);
    bool due = state == LOOP_BUSY || (state == LOOP_WAITS && atomic_load(&l->signalled));
    bool moved = turns != l->watch.turns || !due || in_callback(l);
    (void)grow(&l->watch.still_ms, moved, elapsed);
    l->watch.turns = turns;
}

static void look_at_all(struct pipeline *p, int64_t elapsed)
{
    struct books b = ledger_glance(&p->flow.ledger);
    uint64_t ended = b.delivered + b.dead + b.dropped;
    uint64_t commits = atomic_load_explicit(&p->flow.counts.commits, memory_order_relaxed);
    (void)grow(&p->stuck.ack_age_ms, ended != p->stuck.ended, elapsed);
    (void)grow(&p->stuck.commit_age_ms, commits != p->stuck.commits, elapsed);
    p->stuck.ended = ended;
    p->stuck.commits = commits;
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i]->flow == &p->flow) /* one that is shared is looked at once */
            look_at_outlet(p, p->outlets[i], elapsed);
    for (struct instance *i = p->flow.instances; i; i = i->next_in_flow)
        look_at_instance(p, i, elapsed);
    look_at_loop(&p->intake.loop, elapsed);
    for (struct lane *l = p->lanes; l; l = l->next)
        look_at_loop(&l->loop, elapsed);
}

/* Those who ask see the cause as it is now; the log has the one it began with. */
static void set_why(struct pipeline *p, bool on)
{
    struct strbuf section = {0}, why = {0};
    if (on)
        stuck_cause(p, &section, &why);
    pthread_mutex_lock(&p->stuck.lock);
    struct strbuf old_section = p->stuck.section, old_why = p->stuck.why;
    p->stuck.section = section;
    p->stuck.why = why;
    pthread_mutex_unlock(&p->stuck.lock);
    strbuf_free(&old_section);
    strbuf_free(&old_why);
}

static void say(struct pipeline *p, bool on)
{
    const struct stuck *s = &p->stuck;
    if (on)
        log_line(WEIR_LOG_ERROR, p->flow.conf->label, "stuck: %s", s->why.data);
    else
        log_line(WEIR_LOG_NOTICE, p->flow.conf->label, "no longer stuck");
}

void stuck_tick(struct pipeline *p, int64_t elapsed)
{
    struct stuck *s = &p->stuck;
    bool ended = pipeline_done(p) || flow_failed(&p->flow); /* which is worse, and said */
    if (elapsed > STUCK_TURN_MS)
        elapsed = STUCK_TURN_MS;
    look_at_all(p, elapsed);
    uint32_t n = ended ? 0 : look_at_shards(p, elapsed);
    bool on = n > 0;
    atomic_store_explicit(&s->shards, n, memory_order_relaxed);
    if (on || s->said)
        set_why(p, on);
    atomic_store_explicit(&s->on, on, memory_order_release);
    if (on != s->said && !ended)
        say(p, on);
    s->said = on;
}

bool stuck_why(struct pipeline *p, struct strbuf *ret_section, struct strbuf *ret_why)
{
    struct stuck *s = &p->stuck;
    if (!atomic_load_explicit(&s->on, memory_order_acquire))
        return false;
    pthread_mutex_lock(&s->lock);
    strbuf_add(ret_section, s->section.data, s->section.len);
    strbuf_add(ret_why, s->why.data, s->why.len);
    pthread_mutex_unlock(&s->lock);
    return true;
}

const char *stuck_hung(const struct pipeline *p, const struct instance *i, int64_t *ret_ms)
{
    int64_t since;
    *ret_ms = load(&i->watch.inside_ms);
    return *ret_ms >= hung_after(p) ? call_running((struct instance *)(uintptr_t)i, &since) : NULL;
}

int64_t stuck_still(const struct pipeline *p, const struct loop *l)
{
    int64_t ms = load(&l->watch.still_ms);
    return ms >= hung_after(p) ? ms : 0;
}
