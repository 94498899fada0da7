/* SPDX-License-Identifier: BSD-2-Clause */
/* look.c - reads the dead letters to their end, through a copy of the state, and prints (look.h).
 *
 * Main thread; each letter comes on the source's, which prints too: nothing else does meanwhile. */
#include "look.h"

#include "command.h"
#include "engine/pipeline.h"
#include "pass.h"
#include "print.h"
#include "report/log.h"
#include "sift.h"
#include "snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_MAX 1000 /* different reasons told apart */

struct look {
    struct sift sift; /* first */
    const struct look_wish *wish;
    struct passing *pass;
    struct group *groups;
    size_t n_groups, room;
    uint64_t more; /* letters of further groups */
    uint64_t shown;
    struct strbuf out;
};

static bool same(const struct strbuf *a, struct weir_slice b)
{
    return a->len == b.len && (!b.len || memcmp(a->data, b.ptr, b.len) == 0);
}

static void keep(struct strbuf *to, struct weir_slice s)
{
    strbuf_add(to, s.ptr ? s.ptr : "", s.len);
}

static struct group *group_of(struct look *k, const struct letter *l)
{
    for (size_t i = 0; i < k->n_groups; i++) {
        struct group *g = &k->groups[i];
        if (g->code == l->code && same(&g->stage, l->stage) && same(&g->section, l->section) &&
            same(&g->type, l->type))
            return g;
    }
    if (k->n_groups == GROUPS_MAX)
        return NULL;
    if (k->n_groups == k->room) {
        k->room = k->room ? k->room * 2 : 16;
        k->groups = xrealloc(k->groups, k->room * sizeof *k->groups);
    }
    struct group *g = &k->groups[k->n_groups++];
    *g = (struct group){.code = l->code, .first = WEIR_NO_TIME, .last = WEIR_NO_TIME};
    keep(&g->stage, l->stage);
    keep(&g->section, l->section);
    keep(&g->type, l->type);
    keep(&g->plugin, l->plugin);
    keep(&g->example, l->message);
    return g;
}

static void count(struct look *k, const struct found *f)
{
    struct group *g = group_of(k, f->letter);
    int64_t t = f->record->time_ms;
    if (!g) {
        k->more++;
        return;
    }
    g->count++;
    if (t == WEIR_NO_TIME)
        return;
    if (g->first == WEIR_NO_TIME || t < g->first)
        g->first = t;
    if (g->last == WEIR_NO_TIME || t > g->last)
        g->last = t;
}

static bool seen(struct sift *sift, const struct found *f)
{
    struct look *k = (struct look *)(void *)sift;
    uint64_t number = sift->counts.wanted++;
    if (!k->wish->show) {
        count(k, f);
        return false;
    }
    if (number < k->wish->skip || k->shown >= k->wish->limit)
        return false;
    k->out.len = 0;
    if (k->wish->json)
        print_letter_json(&k->out, f);
    else
        print_letter(&k->out, f, k->wish->full);
    k->shown++;
    if (fwrite(k->out.data, 1, k->out.len, stdout) != k->out.len || k->shown == k->wish->limit)
        pipeline_stop(k->pass->running); /* nobody reads, or enough */
    return false;
}

static int by_count(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return (x->count < y->count) - (x->count > y->count);
}

static void print_groups(struct look *k, const char *pipeline)
{
    if (k->n_groups)
        qsort(k->groups, k->n_groups, sizeof *k->groups, by_count);
    print_table(k->groups, k->n_groups, pipeline, k->wish->json);
    if (k->more)
        log_line(WEIR_LOG_WARNING, pipeline, "%" PRIu64 " dead letters of further kinds are not in the table",
                 k->more);
}

static void look_free(struct look *k)
{
    for (size_t i = 0; i < k->n_groups; i++) {
        struct group *g = &k->groups[i];
        strbuf_free(&g->stage);
        strbuf_free(&g->section);
        strbuf_free(&g->type);
        strbuf_free(&g->plugin);
        strbuf_free(&g->example);
    }
    free(k->groups);
    strbuf_free(&k->out);
    sift_free(&k->sift);
}

static void say_rest(const struct look *k, const char *pipeline)
{
    const struct sift_counts *c = &k->sift.counts;
    if (c->redriven && !k->wish->all)
        log_line(WEIR_LOG_NOTICE, pipeline, "%" PRIu64 " more were redriven; --all shows them too",
                 c->redriven);
    if (c->unjudged)
        log_line(WEIR_LOG_NOTICE, pipeline, "%" PRIu64 " are left out, since --where fails for them",
                 c->unjudged);
    if (c->foreign)
        log_line(WEIR_LOG_NOTICE, pipeline, "%" PRIu64 " records among them are no dead letters", c->foreign);
    sift_say_others(&k->sift);
}

int look_run(struct reader *reader, const struct look_wish *wish)
{
    struct look k = {.wish = wish};
    struct snapshot copy;
    struct strbuf why = {0};
    const char *name = reader->of->name;
    if (!snapshot_make(&copy, wish->state_dir, reader->conf.state_name, &why)) {
        log_line(WEIR_LOG_ERROR, name, "%s", why.data);
        strbuf_free(&why);
        return EXIT_FAILED;
    }
    sift_init(&k.sift, name, seen);
    k.sift.where = wish->where;
    k.sift.stage = wish->stage;
    k.sift.all = wish->all;
    struct passing pass = {.conf = &reader->conf,
                           .gate = &k.sift.gate,
                           .state_dir = copy.dir.data,
                           .looks = true,
                           .ready = sift_ready};
    k.pass = &pass;
    enum pass_end end = pass_run(&pass, &why);
    if (end == PASS_STOPPED)
        strbuf_str(&why, "stopped before all dead letters were looked at");
    if (why.len)
        log_line(WEIR_LOG_ERROR, name, "%s", why.data);
    if (end == PASS_DONE && !wish->show)
        print_groups(&k, name); /* counts of a part would pass for counts of all */
    if (end == PASS_DONE)
        say_rest(&k, name);
    look_free(&k);
    snapshot_free(&copy);
    strbuf_free(&why);
    return end == PASS_DONE ? EXIT_DONE : EXIT_FAILED;
}

void look_head(const struct look_wish *wish)
{
    if (!wish->show && !wish->json)
        print_table_head();
}
