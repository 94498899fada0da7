/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline.c - builds the parts of a pipeline, wires them, starts and ends them.
 *
 * Built, joined and freed on the main thread; pipeline_stop: any thread. */
#include "pipeline.h"

#include "report/log.h"
#include "service.h"
#include "transform.h"

#include <stdlib.h>
#include <unistd.h>

static struct lane *add_lane(struct pipeline *p, const char *name)
{
    struct lane *l = lane_new(p, name);
    l->next = p->lanes;
    p->lanes = l;
    return l;
}

/* A dead-letter sink that several readers share is one of the outlets of each. */
static void list_outlet(struct pipeline *p, struct outlet *o)
{
    uint32_t promises = conf_promises(o->conf);
    p->outlets = xrealloc(p->outlets, (p->n_outlets + 1) * sizeof(struct outlet *));
    p->outlets[p->n_outlets++] = o;
    p->commits |= (promises & WEIR_COMMITS) != 0;
    p->exact |= (promises & WEIR_EXACT) != 0;
    if (promises & WEIR_KEEPS_POSITION)
        p->keeper = o;
}

static struct outlet *add_outlet(struct pipeline *p, const struct section_conf *s, struct lane *home,
                                 uint32_t worker)
{
    struct outlet *o = outlet_new(&p->flow, s, &home->loop, worker);
    o->lane = home;
    o->next = home->outlets;
    home->outlets = o;
    list_outlet(p, o);
    return o;
}

/* Where the outlet of a sink lives for that worker: a sink that blocks must not hold up the others. */
static struct outlet *outlet_for(struct pipeline *p, const struct section_conf *s, uint32_t worker,
                                 struct outlet *first)
{
    uint32_t promises = conf_promises(s);
    if ((promises & WEIR_SINGLE) && first)
        return first;
    bool own = promises & (WEIR_BLOCKS | WEIR_SINGLE);
    return add_outlet(p, s, own ? add_lane(p, "weir sink") : p->workers[worker], worker);
}

static void add_workers(struct pipeline *p)
{
    const struct pipeline_conf *c = p->flow.conf;
    p->workers = xcalloc((size_t)c->workers, sizeof(struct lane *));
    for (uint32_t w = 0; w < c->workers; w++) {
        struct lane *l = p->workers[w] = add_lane(p, "weir worker");
        l->n_transforms = (uint32_t)c->n_transforms;
        l->transforms = xcalloc(c->n_transforms + 1, sizeof(struct transform *));
        for (uint32_t t = 0; t < l->n_transforms; t++)
            l->transforms[t] = transform_new(p, &c->transforms[t], &l->loop, w);
        l->n_routes = (uint32_t)c->n_sinks;
        l->routes = xcalloc(c->n_sinks + 1, sizeof(struct outlet *));
    }
    for (uint32_t s = 0; s < c->n_sinks; s++)
        for (uint32_t w = 0; w < c->workers; w++)
            p->workers[w]->routes[s] =
                outlet_for(p, &c->sinks[s], w, w ? p->workers[w - 1]->routes[s] : NULL);
    if (c->dead_letter && !p->letters)
        p->flow.dead = outlet_for(p, c->dead_letter, 0, NULL);
}

/* A worker without transforms and sinks of its own is only a signpost: it needs no thread. */
static bool hollow(const struct lane *l)
{
    return !l->outlets && !l->n_transforms;
}

void pipeline_start(struct pipeline *p)
{
    for (struct lane *l = p->lanes; l; l = l->next)
        if (!hollow(l))
            lane_start(l);
    if (!p->only_letters)
        intake_start(&p->intake);
}

static void wake_all(struct pipeline *p)
{
    loop_wake(&p->intake.loop);
    for (struct lane *l = p->lanes; l; l = l->next)
        loop_wake(&l->loop);
}

void pipeline_stop(struct pipeline *p)
{
    atomic_store(&p->stop, true);
    instance_interrupt(p->intake.instance);
    wake_all(p);
}

/* The flow failed: on whichever thread, all of them are to look. */
static void failed(struct flow *f)
{
    instance_interrupt(f->pipeline->intake.instance);
    wake_all(f->pipeline);
}

/* Any thread: to an outlet wherever it lives. */
static void hand_over(struct outlet *o, struct weir_batch *chunk)
{
    lane_to_outlet(o->lane, o, chunk);
}

static struct pipeline *make(const struct pipeline_conf *conf, struct state *state)
{
    struct pipeline *p = xcalloc(1, sizeof *p);
    flow_init(&p->flow, conf, p, &host_table);
    p->flow.on_fail = failed;
    p->flow.hand_over = hand_over;
    p->done_fd = -1;
    stuck_init(&p->stuck);
    p->state = state;
    return p;
}

struct pipeline *pipeline_new(const struct pipeline_conf *conf, struct state *state, struct pipeline *letters,
                              bool until_end)
{
    struct pipeline *p = make(conf, state);
    p->until_end = until_end;
    p->letters = letters;
    add_workers(p);
    if (letters) {
        p->flow.dead = letters->flow.dead;
        list_outlet(p, p->flow.dead);
    }
    p->marks = xcalloc(p->n_outlets + 1, sizeof *p->marks);
    for (uint32_t i = 0; i < p->n_outlets; i++)
        p->marks[i].intake = &p->intake;
    intake_init(&p->intake, p);
    return p;
}

struct pipeline *pipeline_new_letters(const struct pipeline_conf *conf, struct state *state)
{
    struct pipeline *p = make(conf, state);
    p->only_letters = true;
    p->flow.dead = add_outlet(p, conf->dead_letter, add_lane(p, "weir letters"), 0);
    outlet_flush(p->flow.dead, true); /* no reader speaks for all of them: nothing lingers */
    return p;
}

void pipeline_quit_letters(struct pipeline *p)
{
    atomic_store(&p->stop, true);
    for (struct lane *l = p->lanes; l; l = l->next)
        lane_quit(l);
}

void pipeline_end_letters(struct pipeline *p)
{
    for (struct lane *l = p->lanes; l; l = l->next)
        lane_join(l);
    for (struct lane *l = p->lanes; l; l = l->next)
        lane_drop(l);
}

void pipeline_set_done(struct pipeline *p)
{
    const uint64_t one = 1;
    atomic_store(&p->done, true);
    if (p->done_fd >= 0)
        (void)!write(p->done_fd, &one, sizeof one); /* it can only be full: then it is readable already */
}

bool pipeline_done(const struct pipeline *p)
{
    return atomic_load(&p->done);
}

bool pipeline_join(struct pipeline *p)
{
    if (p->intake.started)
        pthread_join(p->intake.thread, NULL);
    p->intake.started = false;
    return !flow_ending(&p->flow) && !p->left_some && ledger_books(&p->flow.ledger).open == 0;
}

void pipeline_free(struct pipeline *p)
{
    struct lane *next;
    for (struct lane *l = p->lanes; l; l = l->next)
        lane_drop(l);
    if (!p->only_letters)
        intake_free(&p->intake);
    for (uint32_t i = 0; i < p->n_outlets; i++)
        if (p->outlets[i]->flow == &p->flow)
            outlet_free(p->outlets[i]);
    for (struct lane *l = p->lanes; l; l = next) {
        next = l->next;
        lane_free(l);
    }
    free(p->outlets);
    free(p->marks);
    free(p->workers);
    stuck_free(&p->stuck);
    flow_free(&p->flow);
    state_close(p->state);
    free(p);
}
