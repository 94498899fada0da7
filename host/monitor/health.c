/* SPDX-License-Identifier: BSD-2-Clause */
/* health.c - looks for what is wrong and prints it as JSON (health.h).  Any thread. */
#include "health.h"

#include "report/clock.h"
#include "engine/pipeline.h"
#include "report/log.h"
#include "report/redact.h"

#include <inttypes.h>
#include <string.h>

struct report {
    struct strbuf *out; /* NULL: only whether there is any is wanted */
    unsigned problems;
};

struct problem {
    const char *pipeline, *section, *state, *why;
    int64_t ms; /* how long it is so; -1: not known */
};

static void add_member(struct strbuf *out, const char *name, const char *text)
{
    struct strbuf masked = {0};
    redact_text(text, strlen(text), &masked);
    strbuf_printf(out, "\"%s\":", name);
    log_quote(out, masked.len ? masked.data : "", masked.len);
    strbuf_free(&masked);
}

static void add(struct report *r, struct problem p)
{
    struct strbuf *out = r->out;
    if (r->problems++ == 0 && out)
        strbuf_str(out, ",\"problems\":[");
    else if (out)
        strbuf_char(out, ',');
    if (!out)
        return;
    strbuf_char(out, '{');
    if (p.pipeline) {
        add_member(out, "pipeline", p.pipeline);
        strbuf_char(out, ',');
    }
    if (p.section && *p.section) {
        add_member(out, "section", p.section);
        strbuf_char(out, ',');
    }
    add_member(out, "state", p.state);
    if (p.ms >= 0)
        strbuf_printf(out, ",\"seconds\":%" PRId64, p.ms / 1000);
    strbuf_char(out, ',');
    add_member(out, "why", p.why);
    strbuf_char(out, '}');
}

/* --- live -------------------------------------------------------------------------------------------------------- */

/* may_block: where that is all the difference, it is no reason to have weir started anew. */
static void add_hung(struct report *r, const struct pipeline *p, bool may_block)
{
    for (const struct instance *i = p->flow.instances; i; i = i->next_in_flow) {
        char why[128];
        int64_t ms;
        const char *callback = stuck_hung(p, i, &ms);
        bool blocks = i->ops->kind == WEIR_SINK && (conf_promises(i->section) & WEIR_BLOCKS);
        if (!callback || (blocks && !may_block))
            continue;
        snprintf(why, sizeof why, "it has been inside %s for %" PRId64 " s", callback, ms / 1000);
        add(r, (struct problem){p->flow.conf->label, i->section->title, "hung", why, ms});
    }
}

static void add_still(struct report *r, const struct pipeline *p, const struct loop *l)
{
    int64_t ms = stuck_still(p, l);
    const char *section = l->instances ? l->instances->section->title : "";
    if (ms)
        add(r, (struct problem){
                   p->flow.conf->label, section, "still",
                   "its thread does not turn, and is in no callback of a plugin: a fault of weir, or "
                   "writing the state or the log is blocked",
                   ms});
}

static void add_dead(struct report *r, const struct monitor *m, bool may_block)
{
    int64_t still = clock_mono_ms() - atomic_load(&m->turned_ms);
    if (still >= HUNG_MS)
        add(r, (struct problem){NULL, NULL, "still",
                                "the main thread of weir does not turn: is standard error blocked?", still});
    for (int i = 0; i < m->n; i++) {
        const struct pipeline *p = m->pipelines[i];
        if (pipeline_done(p))
            continue;
        add_hung(r, p, may_block);
        add_still(r, p, &p->intake.loop);
        for (const struct lane *l = p->lanes; l; l = l->next)
            add_still(r, p, &l->loop);
    }
}

static void begin(struct report *r)
{
    if (r->out)
        strbuf_char(r->out, '{');
}

/* The problems were printed behind the place of the status. */
static unsigned finish(struct report *r, size_t at, const char *good, const char *bad)
{
    struct strbuf *out = r->out;
    if (!out)
        return r->problems ? HEALTH_BAD : HEALTH_GOOD;
    struct strbuf all = {0};
    strbuf_add(&all, out->data, at);
    strbuf_printf(&all, "{\"status\":\"%s\"%.*s%s}\n", r->problems ? bad : good, (int)(out->len - at - 1),
                  out->data + at + 1, r->problems ? "]" : "");
    out->len = 0;
    strbuf_add(out, all.data, all.len);
    strbuf_free(&all);
    return r->problems ? HEALTH_BAD : HEALTH_GOOD;
}

unsigned health_live(const struct monitor *m, struct strbuf *out)
{
    struct report r = {.out = out};
    size_t at = out ? out->len : 0;
    begin(&r);
    add_dead(&r, m, false);
    return finish(&r, at, "live", "not live");
}

/* --- ready ------------------------------------------------------------------------------------------------------- */

const char *health_pipeline_state(const struct pipeline *p)
{
    if (flow_ending(&p->flow))
        return "failed";
    if (pipeline_done(p))
        return "ended";
    if (atomic_load(&p->stop) || atomic_load(&p->intake.draining))
        return "draining";
    return atomic_load(&p->intake.instance->opened) ? "running" : "starting";
}

static void add_instances(struct report *r, const struct pipeline *p)
{
    for (const struct instance *i = p->flow.instances; i; i = i->next_in_flow) {
        struct told t;
        instance_told(i, &t);
        const char *state = instance_state_name(i, t.state);
        if (strcmp(state, "up") == 0)
            continue;
        add(r,
            (struct problem){p->flow.conf->label, i->section->title, state,
                             t.why[0] ? t.why : instance_state_text(t.state), clock_mono_ms() - t.since_ms});
    }
}

static void add_commits(struct report *r, const struct pipeline *p)
{
    const struct commit *c = &p->intake.commit;
    const char *why = atomic_load(&c->state_failing) ? "the state file can not be written"
                      : atomic_load(&c->unplaced)    ? "the source can not tell its position"
                      : atomic_load(&c->failed)      ? "a sink can not commit"
                                                     : NULL;
    if (why)
        add(r, (struct problem){p->flow.conf->label, NULL, "commits fail", why, -1});
}

static void add_pipeline(struct report *r, struct pipeline *p)
{
    struct strbuf section = {0}, why = {0};
    if (flow_ending(&p->flow)) {
        const char *failure = atomic_load(&p->flow.failure);
        add(r, (struct problem){p->flow.conf->label, NULL, "failed", failure ? failure : "the log says why",
                                -1});
        return;
    }
    if (pipeline_done(p))
        return; /* a bounded source came to its end */
    add_instances(r, p);
    if (p->only_letters)
        return;
    add_commits(r, p);
    if (stuck_why(p, &section, &why))
        add(r, (struct problem){p->flow.conf->label, section.len ? section.data : NULL, "stuck",
                                why.len ? why.data : "", -1});
    strbuf_free(&section);
    strbuf_free(&why);
}

static void add_states(struct strbuf *out, const struct monitor *m)
{
    const char *between = "";
    strbuf_str(out, ",\"pipelines\":[");
    for (int i = 0; i < m->n + m->n_unstarted; i++) {
        const struct pipeline *p = i < m->n ? m->pipelines[i] : NULL;
        if (p && p->only_letters)
            continue;
        strbuf_printf(out, "%s{", between);
        between = ",";
        add_member(out, "pipeline", p ? p->flow.conf->label : m->unstarted[i - m->n].pipeline);
        strbuf_char(out, ',');
        add_member(out, "state", p ? health_pipeline_state(p) : "failed");
        strbuf_char(out, '}');
    }
    strbuf_char(out, ']');
}

unsigned health_ready(const struct monitor *m, struct strbuf *out)
{
    struct report r = {.out = out};
    size_t at = out ? out->len : 0;
    begin(&r);
    if (out)
        add_states(out, m);
    add_dead(&r, m, true);
    for (int i = 0; i < m->n_unstarted; i++)
        add(&r, (struct problem){m->unstarted[i].pipeline, NULL, "failed", m->unstarted[i].why, -1});
    for (int i = 0; i < m->n; i++)
        add_pipeline(&r, m->pipelines[i]);
    return finish(&r, at, "ready", "not ready");
}
