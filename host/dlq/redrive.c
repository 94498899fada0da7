/* SPDX-License-Identifier: BSD-2-Clause */
/* redrive.c - first a look at all dead letters, then a pass for each of the places they go to (redrive.h).
 *
 * The look counts, notes where the dead letters end now, and finds out which sinks they go to.  A record rejected by one
 * of several sinks was delivered to the others: it goes to that one alone.  In a pass a record gets the identity back
 * that it had: a lane of that id which exists only here, while the books go on about the lane of the dead letters.
 * Thread: main; restore() runs on the source's. */
#include "redrive.h"

#include "command.h"
#include "delivery/state.h"
#include "report/log.h"
#include "sift.h"
#include "snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lane_of { /* a lane of the original source */
    struct lane_of *after;
    struct shard shard;
    char bytes[]; /* id, topic */
};

struct redrive {
    struct sift sift; /* first */
    struct reader *reader;
    const struct redrive_wish *wish;
    struct lane_of *lanes;
    uint64_t *to; /* letters for each sink, and behind them for all */
    size_t now;   /* whose turn it is */
    bool looking; /* only */
};

static bool is_of(const struct lane_of *l, const struct letter *letter, struct weir_slice id)
{
    const struct weir_shard *s = &l->shard.pub;
    return l->shard.redriven == (uint32_t)letter->attempts + 1 &&
           s->partition == (int32_t)letter->partition && s->id.len == id.len &&
           memcmp(s->id.ptr, id.ptr, id.len) == 0 && s->topic.len == letter->topic.len &&
           memcmp(s->topic.ptr, letter->topic.ptr, letter->topic.len) == 0;
}

/* How often a record was redriven is its lane's to know, so it goes wherever the record goes. */
static const struct weir_shard *lane_of(struct redrive *r, const struct letter *letter)
{
    struct weir_slice id = letter_shard(letter, &r->sift.arena);
    struct lane_of **at = &r->lanes;
    while (*at && !is_of(*at, letter, id))
        at = &(*at)->after;
    struct lane_of *l = *at;
    if (l) { /* letters of a lane come in rows */
        *at = l->after;
    } else {
        l = xcalloc(1, sizeof *l + id.len + letter->topic.len + 1);
        memcpy(l->bytes, id.ptr, id.len);
        memcpy(l->bytes + id.len, letter->topic.ptr, letter->topic.len);
        l->shard.redriven = (uint32_t)letter->attempts + 1;
        l->shard.pub = (struct weir_shard){.struct_size = sizeof l->shard.pub,
                                           .partition = (int32_t)letter->partition,
                                           .id = {l->bytes, id.len},
                                           .topic = {l->bytes + id.len, letter->topic.len}};
    }
    l->after = r->lanes;
    r->lanes = l;
    return &l->shard.pub;
}

/* Which sink: its number, their number for all of them, SIZE_MAX: it is not there any more. */
static size_t target(const struct redrive *r, const struct letter *letter)
{
    const struct pipeline_conf *of = r->reader->of;
    if (of->n_sinks == 1)
        return 0;
    for (size_t i = 0; i < of->n_sinks; i++)
        if (slice_is(letter->section, of->sinks[i].title))
            return i;
    return slice_is(letter->stage, "TASK_PUT") && letter->section.ptr ? SIZE_MAX : of->n_sinks;
}

static bool restore(struct sift *sift, const struct found *f)
{
    struct redrive *r = (struct redrive *)(void *)sift;
    size_t to = target(r, f->letter);
    if (letter_undecoded(f->letter)) {
        sift->counts.undecoded++;
        return false;
    }
    if (to == SIZE_MAX) {
        sift->counts.homeless++;
        return false;
    }
    sift->counts.wanted++;
    if (r->looking)
        r->to[to]++;
    if (r->looking || to != r->now)
        return false;
    f->record->shard = lane_of(r, f->letter);
    redriven_take(sift->redriven, f->from->number, f->from->pub.id, f->read->seq, f->read->next);
    return true;
}

/* A lane that ends before what was redriven of it is another file or topic of that name. */
static bool looked(struct gate *gate, struct state *state)
{
    struct sift *s = (struct sift *)(void *)gate;
    struct strbuf why = {0};
    bool other = false;
    for (const struct sift_end *e = s->ends; e; e = e->after)
        other |= redriven_check(s->redriven, state, (struct weir_slice){e->id, e->len}, e->next);
    bool ok = !other || state_commit(state, "", NULL, 0, &why);
    if (!ok)
        log_line(WEIR_LOG_ERROR, NULL, "%s", why.data);
    strbuf_free(&why);
    return ok;
}

static bool look(struct redrive *r, const char *state_dir, struct strbuf *why)
{
    struct passing pass = {.conf = &r->reader->conf,
                           .gate = &r->sift.gate,
                           .state_dir = state_dir,
                           .looks = true,
                           .ready = sift_ready,
                           .done = looked};
    r->looking = true;
    enum pass_end end = pass_run(&pass, why);
    r->looking = false;
    if (end == PASS_STOPPED)
        strbuf_str(why, "stopped before all dead letters were looked at, so none was sent");
    if (end == PASS_REFUSED && r->reader->exclusive)
        strbuf_printf(
            why, "; a sink of %s is final only with the pipeline's own state, so stop the pipeline first",
            r->reader->of->name);
    return end == PASS_DONE;
}

static void say(const struct redrive *r, uint64_t n, const char *what)
{
    if (n)
        log_line(WEIR_LOG_NOTICE, r->reader->of->name, "%" PRIu64 " dead letter%s %s", n, n == 1 ? "" : "s",
                 what);
}

static void say_left(const struct redrive *r, const struct sift_counts *c)
{
    say(r, c->redriven, "redriven before");
    say(r, c->undecoded,
        "left: the source could not decode them, so they are no records to send; mend what wrote them "
        "or the source's options, and have the source read them again");
    say(r, c->homeless, "left: the sink that rejected them is not in this file any more");
    say(r, c->unjudged, "left: --where fails for them (the value is not what it expects)");
    if (c->foreign)
        log_line(WEIR_LOG_NOTICE, r->reader->of->name,
                 "%" PRIu64 " records among the dead letters are none: they have no reason headers",
                 c->foreign);
    sift_say_others(&r->sift);
}

/* An older record must not be written over a newer one of the same id without a word. */
static bool would_overwrite(const struct section_conf *sink)
{
    const void *id = section_option(sink, "id", WEIR_T_TEMPLATE);
    const void *version = section_option(sink, "version", WEIR_T_TEMPLATE);
    const void *op = section_option(sink, "op", WEIR_T_ENUM);
    const struct weir_template *set = NULL, *versioned = NULL;
    int64_t chosen = 0;
    struct weir_option row;
    uint32_t index;
    if (id)
        memcpy(&set, id, sizeof set);
    if (version)
        memcpy(&versioned, version, sizeof versioned);
    if (!set || versioned)
        return false;
    if (op && option_find(sink->ops->options, "op", &row, &index)) {
        memcpy(&chosen, op, sizeof chosen);
        return strcmp(row.values[chosen], "create") != 0; /* it never writes over anything */
    }
    return true;
}

static bool safe(const struct redrive *r)
{
    const struct pipeline_conf *of = r->reader->of;
    for (size_t i = 0; i < of->n_sinks; i++) {
        if ((!r->to[i] && !r->to[of->n_sinks]) || !would_overwrite(&of->sinks[i]) || r->wish->force)
            continue;
        fprintf(stderr,
                "%s:%d: [%s] id is set and version is not: a dead letter may be older than what is there "
                "under its id "
                "by now, and would be written over it. Set version = {offset} if one partition has all "
                "records of an "
                "id, or say --force if that can not happen\n",
                of->file, of->sinks[i].line, of->sinks[i].title);
        return false;
    }
    return true;
}

static void print_plan(const struct redrive *r)
{
    const struct pipeline_conf *of = r->reader->of;
    printf("%s: would send %" PRIu64 " of %" PRIu64 " dead letters\n", of->name, r->sift.counts.wanted,
           r->sift.counts.letters);
    for (size_t i = 0; i < of->n_sinks; i++)
        if (r->to[i])
            printf("  %s: %" PRIu64 "\n", of->sinks[i].name, r->to[i]);
    if (r->to[of->n_sinks])
        printf("  all sinks: %" PRIu64 "\n", r->to[of->n_sinks]);
}

/* The pipeline itself with the dead letters as its source; one sink, or all. */
static enum pass_end send(struct redrive *r, size_t to, struct strbuf *why)
{
    const struct pipeline_conf *of = r->reader->of;
    struct pipeline_conf conf = *of;
    struct strbuf name = {0};
    struct sift_counts counts = r->sift.counts;
    strbuf_str(&name, r->reader->name.data);
    conf.source = r->reader->conf.source;
    conf.fan_out = FANOUT_TOGETHER;
    conf.state_name = r->reader->conf.state_name;
    conf.connector = of->name;
    if (to < of->n_sinks && of->n_sinks > 1) {
        conf.sinks = &of->sinks[to];
        conf.n_sinks = 1;
        strbuf_printf(&name, ".%s", of->sinks[to].name);
    }
    conf.name = conf.label = name.data;
    r->now = to;
    struct passing pass = {.conf = &conf,
                           .gate = &r->sift.gate,
                           .state_dir = r->wish->state_dir,
                           .books = true,
                           .metrics = r->wish->metrics,
                           .ready = sift_ready};
    enum pass_end end = pass_run(&pass, why);
    r->sift.counts = counts; /* of the look */
    strbuf_free(&name);
    return end;
}

static int send_all(struct redrive *r)
{
    struct strbuf why = {0};
    struct sift_end *until = r->sift.ends;
    enum pass_end end = PASS_DONE;
    r->sift.ends = NULL;
    r->sift.until = until;
    for (size_t i = 0; i <= r->reader->of->n_sinks && end == PASS_DONE; i++)
        if (r->to[i])
            end = send(r, i, &why);
    if (end == PASS_REFUSED)
        log_line(WEIR_LOG_ERROR, r->reader->of->name, "%s", why.data);
    sift_ends_free(until);
    r->sift.until = NULL;
    strbuf_free(&why);
    return end == PASS_DONE || end == PASS_STOPPED ? EXIT_DONE : EXIT_FAILED;
}

/* Looks through a copy of the state: it changes nothing, and the pipeline may run. */
static int plan(struct redrive *r, struct strbuf *why)
{
    struct snapshot copy;
    if (!snapshot_make(&copy, r->wish->state_dir, r->reader->conf.state_name, why))
        return EXIT_FAILED;
    bool ok = look(r, copy.dir.data, why);
    snapshot_free(&copy);
    if (!ok)
        return EXIT_FAILED;
    print_plan(r);
    say_left(r, &r->sift.counts);
    return EXIT_DONE;
}

static int go(struct redrive *r, struct strbuf *why)
{
    if (!look(r, r->wish->state_dir, why))
        return EXIT_FAILED;
    if (!safe(r))
        return EXIT_USAGE;
    if (!r->sift.counts.wanted)
        log_line(WEIR_LOG_NOTICE, r->reader->of->name, "there is no dead letter to send");
    int status = send_all(r);
    say_left(r, &r->sift.counts);
    return status;
}

int redrive_run(struct reader *reader, const struct redrive_wish *wish)
{
    struct redrive r = {.reader = reader, .wish = wish};
    struct strbuf why = {0};
    sift_init(&r.sift, reader->of->name, restore);
    r.sift.where = wish->where;
    r.sift.stage = wish->stage;
    r.to = xcalloc(reader->of->n_sinks + 1, sizeof *r.to);
    int status = wish->dry_run ? plan(&r, &why) : go(&r, &why);
    if (why.len)
        log_line(WEIR_LOG_ERROR, reader->of->name, "%s", why.data);
    while (r.lanes) {
        struct lane_of *l = r.lanes;
        r.lanes = l->after;
        free(l);
    }
    sift_free(&r.sift);
    free(r.to);
    strbuf_free(&why);
    return status;
}
