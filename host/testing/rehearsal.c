/* SPDX-License-Identifier: BSD-2-Clause */
/* rehearsal.c - the pipeline of a test, from its file to the comparison (rehearsal.h). */
#include "rehearsal.h"

#include "capture.h"
#include "config/conf.h"
#include "config/subst.h"
#include "engine/readers.h"
#include "lapse.h"
#include "place.h"
#include "report/clock.h"
#include "report/log.h"
#include "source.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct stage { /* one sink, or the dead letters */
    struct section_conf *section;
    struct outputs outputs;
    struct faults faults;
    const struct fault **due;
    struct capture capture;
    enum place_kind kind;
    struct cluster *cluster; /* of PLACE_CLUSTER */
    bool ignored;
    size_t files;
};

struct rehearsal {
    const struct script *script;
    const struct script_test *test;
    struct problems problems;
    struct pipeline_conf *conf;
    struct place place;
    struct source_conf source;
    struct stage *stages; /* one a sink, and behind them the dead letters if there are some */
    size_t n;
    char *failure; /* of the pipeline; NULL: it did not fail */
};

/* ---- what the test speaks of ----------------------------------------------------------------------------------- */
__attribute__((format(printf, 3, 4))) static void refuse(struct rehearsal *r, int line, const char *format,
                                                         ...)
{
    char text[512], title[200];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    snprintf(title, sizeof title, "test %s", r->test->name);
    problem_add(&r->problems, line, title, "%s", text);
}

/* The stage of that sink, NULL after a report; name NULL: of the only one. */
static struct stage *stage_of(struct rehearsal *r, const char *name, int line)
{
    if (!name && r->conf->n_sinks == 1)
        return &r->stages[0];
    for (size_t i = 0; name && i < r->conf->n_sinks; i++)
        if (strcmp(r->conf->sinks[i].name, name) == 0)
            return &r->stages[i];
    if (name)
        refuse(r, line, "%s has no sink \"%s\"", r->conf->file, name);
    else
        refuse(r, line, "%s has several sinks; say which: expect.%s", r->conf->file, r->conf->sinks[0].name);
    return NULL;
}

static bool known_error(const struct stage *s, const struct fault *f)
{
    const struct weir_errors *table = s->section->ops->errors;
    char name[32];
    if (f->cut || !table || !table->known)
        return true;
    snprintf(name, sizeof name, "%u", f->code);
    return (!f->type[0] || table->known(f->type)) && (!f->code || table->known(name));
}

static void take_fault(struct rehearsal *r, const struct fault *f)
{
    struct stage *s = stage_of(r, f->sink, f->line);
    if (!s)
        return;
    if (s->kind == PLACE_FILES)
        refuse(r, f->line, "a %s sink writes for real, so its faults can not be made up",
               s->section->plugin->info.name);
    else if (s->kind == PLACE_CLUSTER && !f->cut && !f->code)
        refuse(r, f->line, "Elasticsearch answers with a status: 400 %s at ...", f->type);
    else if (!known_error(s, f))
        refuse(r, f->line, "that is no error of %s; weir plugins %s lists them",
               s->section->plugin->info.name, s->section->plugin->info.name);
    s->due = xrealloc(s->due, (s->faults.n + 1) * sizeof(struct fault *));
    s->due[s->faults.n++] = f;
    s->faults.items = s->due;
}

/* Names in the test against the pipeline. */
static bool resolve(struct rehearsal *r)
{
    const struct script_test *t = r->test;
    for (size_t i = 0; i < t->n_wanted; i++) {
        if (!t->wanted[i].dead)
            (void)stage_of(r, t->wanted[i].sink, t->wanted[i].line);
        else if (!r->conf->dead_letter)
            refuse(r, t->wanted[i].line, "%s has no [dead-letter], so there are no dead letters",
                   r->conf->file);
    }
    for (size_t i = 0; i < t->n_ignore; i++) {
        struct stage *s = stage_of(r, t->ignore[i], t->line);
        if (s)
            s->ignored = true;
    }
    for (size_t i = 0; i < t->n_faults; i++)
        take_fault(r, &t->faults[i]);
    return r->problems.count == 0;
}

/* ---- the pipeline ---------------------------------------------------------------------------------------------- */
static void change(void *opaque, struct sections *sections)
{
    struct rehearsal *r = opaque;
    place_change(&r->place, sections);
}

static bool load(struct rehearsal *r)
{
    for (size_t i = 0; i < r->test->n_env; i++)
        subst_stand_in("env", r->test->env[i].name, r->test->env[i].value);
    for (size_t i = 0; i < r->test->n_files; i++)
        subst_stand_in("file", r->test->files[i].name, r->test->files[i].value);
    (void)setenv("no_proxy", "*", 1); /* what is here is reached without one */
    struct pipeline_conf *as_is =
        conf_load(r->test->pipeline, stderr); /* mistakes are told as weir check does */
    if (as_is)
        r->conf = conf_load_changed(r->test->pipeline, change, r, stderr);
    conf_free(as_is);
    if (r->place.why.len)
        fprintf(stderr, "%s\n", r->place.why.data);
    return r->conf != NULL && !r->place.why.len;
}

static void set_stages(struct rehearsal *r)
{
    r->n = r->conf->n_sinks + (r->conf->dead_letter != NULL);
    r->stages = xcalloc(r->n, sizeof *r->stages);
    for (size_t i = 0; i < r->n; i++) {
        struct stage *s = &r->stages[i];
        s->section = i < r->conf->n_sinks ? &r->conf->sinks[i] : r->conf->dead_letter;
        s->kind = place_kind(&r->place, s->section, &s->cluster);
        s->files = 1;
    }
}

static void put_stand_ins(struct rehearsal *r)
{
    struct pipeline_conf *c = r->conf;
    test_source_put(&c->source, r->test, &r->source);
    for (size_t i = 0; c->readers != c && i < c->n_readers; i++) {
        c->readers[i].source.ops = c->source.ops;
        c->readers[i].source.conf = c->source.conf;
    }
    for (size_t i = 0; i < r->n; i++) {
        struct stage *s = &r->stages[i];
        struct faults *faults = s->faults.n ? &s->faults : NULL;
        if (s->kind == PLACE_NONE)
            capture_put(s->section, &s->capture, &s->outputs, faults);
        else if (s->kind == PLACE_CLUSTER)
            cluster_start(s->cluster, &s->outputs, faults);
    }
}

static bool all_done(struct readers *readers)
{
    bool all = true;
    for (size_t i = 0; i < readers->n; i++)
        all &= pipeline_done(readers->list[i]);
    return all && readers_through(readers, clock_mono_ms());
}

static void note_failure(struct rehearsal *r, struct pipeline *p, bool good)
{
    const char *why = atomic_load(&p->flow.failure);
    if (r->failure || good)
        return;
    r->failure = xstrdup(why ? why : "records were left undelivered");
}

static bool run(struct rehearsal *r, struct strbuf *why)
{
    struct strbuf dir = {0};
    strbuf_printf(&dir, "%s/state", r->place.dir);
    if (mkdir(dir.data, 0700) != 0 || !place_begin(&r->place, why)) {
        strbuf_free(&dir);
        return false;
    }
    struct readers *readers = readers_new(r->conf, dir.data, true, why);
    strbuf_free(&dir);
    if (!readers)
        return false;
    struct lapse lapse = {0};
    int done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (done < 0)
        die("cannot make an eventfd: %s", strerror(errno));
    if (readers->letters)
        readers->letters->done_fd = done;
    for (size_t i = 0; i < readers->n; i++)
        readers->list[i]->done_fd = done;
    readers_start(readers);
    while (!all_done(readers)) {
        struct pollfd p = {.fd = done, .events = POLLIN};
        uint64_t count;
        (void)poll(&p, 1, LAPSE_TURN_MS);
        (void)!read(done, &count, sizeof count);
        lapse_turn(&lapse, readers);
    }
    for (size_t i = 0; i < readers->n; i++)
        note_failure(r, readers->list[i], pipeline_join(readers->list[i]));
    readers_end(readers);
    readers_free(readers);
    close(done);
    return true;
}

/* ---- the comparison -------------------------------------------------------------------------------------------- */
static bool compare_stage(struct rehearsal *r, struct stage *s, struct strbuf *out)
{
    const struct script_test *t = r->test;
    const struct wanted **wanted = xcalloc(t->n_wanted + 1, sizeof(struct wanted *));
    bool ordered = test_source_one_lane(&r->source) && s->files <= 1 && r->conf->order == ORDER_SHARD;
    bool same = true;
    size_t n = 0;
    char place[128];
    for (size_t i = 0; i < t->n_wanted; i++) {
        const struct wanted *w = &t->wanted[i];
        bool mine = w->dead
                        ? s->section->dead_letter
                        : !s->section->dead_letter && (!w->sink || strcmp(w->sink, s->section->name) == 0);
        if (mine)
            wanted[n++] = w;
    }
    snprintf(place, sizeof place, "%s", s->section->dead_letter ? "dead letters" : s->section->title);
    if (!s->ignored && (n || !t->fails))
        same = outputs_compare(&s->outputs, wanted, n, ordered, place, out);
    free(wanted);
    return same;
}

static bool compare(struct rehearsal *r, struct strbuf *out)
{
    const char *fails = r->test->fails;
    bool good = true;
    if (r->failure && !fails)
        strbuf_printf(out, "the pipeline failed: %s\n", r->failure);
    else if (!r->failure && fails)
        strbuf_printf(out, "the pipeline did not fail, though \"%s\" is expected\n", fails);
    else if (fails && !strstr(r->failure, fails))
        strbuf_printf(out, "the pipeline failed for another reason than \"%s\": %s\n", fails, r->failure);
    good = out->len == 0;
    for (size_t i = 0; i < r->n; i++)
        good &= compare_stage(r, &r->stages[i], out);
    return good;
}

static bool read_back(struct rehearsal *r, struct strbuf *why)
{
    bool good = true;
    for (size_t i = 0; i < r->n && good; i++) {
        struct stage *s = &r->stages[i];
        if (s->kind == PLACE_FILES)
            good = place_read(&r->place, s->section, &s->outputs, &s->files, why);
    }
    return good;
}

static enum trial_end rehearse(struct rehearsal *r, struct strbuf *out)
{
    struct strbuf why = {0};
    enum trial_end end = TRIAL_UNFIT;
    if (!load(r))
        return end;
    set_stages(r);
    if (resolve(r)) {
        put_stand_ins(r);
        lapse_begin(r->test->clock_ms);
        bool ran = run(r, &why);
        place_free(&r->place); /* what the servers took is all there is */
        if (ran && read_back(r, &why))
            end = compare(r, out) ? TRIAL_OK : TRIAL_FAILED;
        if (why.len)
            fprintf(stderr, "%s\n", why.data);
    }
    problem_print(&r->problems, stderr);
    strbuf_free(&why);
    return end;
}

enum trial_end rehearsal(const struct script *script, const struct script_test *test, const char *dir,
                         struct strbuf *out)
{
    struct rehearsal r = {
        .script = script, .test = test, .problems = {.file = script->file}, .place = {.dir = dir}};
    enum trial_end end = rehearse(&r, out);
    for (size_t i = 0; i < r.n; i++) {
        outputs_free(&r.stages[i].outputs);
        free(r.stages[i].due);
    }
    free(r.stages);
    place_free(&r.place);
    free(r.failure);
    problem_free(&r.problems);
    conf_free(r.conf);
    return end;
}
