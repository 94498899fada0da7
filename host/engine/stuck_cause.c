/* SPDX-License-Identifier: BSD-2-Clause */
/* stuck_cause.c - who most likely holds a stuck pipeline up, as a sentence.  Main thread.
 *
 * From the surest sign to the weakest: a callback that does not return, an instance that says it is in trouble, a sink
 * that does not answer, a sink that refuses the same records again and again, a source that reads nothing. */
#include "stuck.h"

#include "pipeline.h"

#include <inttypes.h>

#define ID_MAX 200 /* bytes of a shard's id shown: some are paths */

static int64_t load(const _Atomic int64_t *age)
{
    return atomic_load_explicit(age, memory_order_relaxed);
}

/* All that could hold it up: its own instances, then the dead-letter sink that it shares. */
static const struct instance *next(const struct pipeline *p, const struct instance *i)
{
    const struct instance *shared = p->letters ? p->letters->flow.instances : NULL;
    const struct instance *after = i ? i->next_in_flow : p->flow.instances;
    return after || i == shared ? after : shared;
}

static bool hung(const struct pipeline *p, struct strbuf *section, struct strbuf *why)
{
    for (const struct instance *i = next(p, NULL); i; i = next(p, i)) {
        int64_t ms;
        const char *callback = stuck_hung(p, i, &ms);
        if (!callback)
            continue;
        strbuf_str(section, i->section->title);
        strbuf_printf(why, "[%s] has been inside %s for %" PRId64 " s", i->section->title, callback,
                      ms / 1000);
        return true;
    }
    return false;
}

/* Of several in trouble the one that is refused: waiting will not help it. */
static bool in_trouble(const struct pipeline *p, struct strbuf *section, struct strbuf *why)
{
    const struct instance *worst = NULL;
    struct told told = {0}, t;
    for (const struct instance *i = next(p, NULL); i; i = next(p, i)) {
        instance_told(i, &t);
        if (t.state == WEIR_UP || (!t.state && i->opened))
            continue;
        if (worst && (told.state >= WEIR_DENIED || t.state < WEIR_DENIED))
            continue;
        worst = i;
        told = t;
    }
    if (!worst)
        return false;
    strbuf_str(section, worst->section->title);
    strbuf_printf(why, "[%s] is %s%s%s", worst->section->title, instance_state_text(told.state),
                  told.why[0] ? ": " : "", told.why);
    return true;
}

/* The outlet with the oldest of the two kinds of ages, if that is old enough to be the reason. */
static const struct outlet *oldest(const struct pipeline *p, bool retries, int64_t *ret_ms)
{
    const struct outlet *found = NULL;
    *ret_ms = p->flow.conf->stuck_after_ms / 2;
    for (uint32_t i = 0; i < p->n_outlets; i++) {
        const struct outlet_watch *w = &p->outlets[i]->watch;
        int64_t ms = load(retries ? &w->retry_age_ms : &w->answer_age_ms);
        if (ms < *ret_ms)
            continue;
        *ret_ms = ms;
        found = p->outlets[i];
    }
    return found;
}

static bool unanswered(const struct pipeline *p, struct strbuf *section, struct strbuf *why)
{
    int64_t ms;
    const struct outlet *o = oldest(p, false, &ms);
    if (!o)
        return false;
    strbuf_str(section, o->conf->title);
    strbuf_printf(why, "[%s] has not answered for a batch for ", o->conf->title);
    stuck_duration(why, ms);
    return true;
}

static bool refused(const struct pipeline *p, struct strbuf *section, struct strbuf *why)
{
    struct told t;
    int64_t ms;
    const struct outlet *o = oldest(p, true, &ms);
    if (!o)
        return false;
    instance_told(o->instance, &t);
    strbuf_str(section, o->conf->title);
    strbuf_printf(why, "[%s] refuses %" PRIu32 " records again and again, for ", o->conf->title,
                  atomic_load_explicit(&o->glance.retrying, memory_order_relaxed));
    stuck_duration(why, ms);
    strbuf_printf(why, "%s%s", t.error[0] ? "; the last answer: " : "", t.error);
    return true;
}

static void no_sign(const struct pipeline *p, struct strbuf *section, struct strbuf *why)
{
    uint64_t open = ledger_glance(&p->flow.ledger).open;
    if (open) {
        strbuf_printf(why, "%" PRIu64 " records are on their way and no part says why they stay there", open);
        return;
    }
    strbuf_str(section, "source");
    strbuf_str(why, "[source] is well and reads nothing of it");
}

/* "2 of 12 shards have records waiting and no acknowledgement for 5 min, web.access+3 for longest; " */
static void describe_shards(const struct pipeline *p, const struct shard *s, struct strbuf *why)
{
    const struct shard *first = NULL;
    uint32_t n = 0, all = 0;
    for (; s; s = s->next) {
        if (atomic_load_explicit(&s->closed, memory_order_relaxed))
            continue;
        all++;
        n += s->watch.age_ms >= p->flow.conf->stuck_after_ms;
        if (!first || s->watch.age_ms >= first->watch.age_ms) /* newest first: of two the one opened first */
            first = s;
    }
    if (!first)
        return;
    size_t len = first->pub.id.len < ID_MAX ? first->pub.id.len : ID_MAX;
    strbuf_printf(why,
                  "%" PRIu32 " of %" PRIu32 " shards have records waiting and had no acknowledgement for ", n,
                  all);
    stuck_duration(why, first->watch.age_ms);
    strbuf_printf(why, " (%s%.*s): ", n > 1 ? "for longest " : "", (int)len, (const char *)first->pub.id.ptr);
}

static void add_shards(const struct pipeline *p, struct strbuf *why)
{
    describe_shards(p, ledger_shards(&p->flow.ledger), why);
    ledger_shards_done(&p->flow.ledger);
}

void stuck_cause(const struct pipeline *p, struct strbuf *ret_section, struct strbuf *ret_why)
{
    add_shards(p, ret_why);
    if (!hung(p, ret_section, ret_why) && !in_trouble(p, ret_section, ret_why) &&
        !unanswered(p, ret_section, ret_why) && !refused(p, ret_section, ret_why))
        no_sign(p, ret_section, ret_why);
}
