/* SPDX-License-Identifier: BSD-2-Clause */
/* sift.c - one dead letter after the other: is it one, is it still to do, is it asked for (sift.h). */
#include "sift.h"

#include "record/json.h"
#include "record/strbuf.h"
#include "report/log.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct sift_end *end_find(struct sift_end *e, struct weir_slice id)
{
    while (e && (e->len != id.len || memcmp(e->id, id.ptr, id.len) != 0))
        e = e->after;
    return e;
}

static void note_end(struct sift *s, const struct weir_record *r)
{
    struct weir_slice id = r->shard->id;
    struct sift_end *e = end_find(s->ends, id);
    if (!e) {
        e = xcalloc(1, sizeof *e + id.len + 1);
        e->len = id.len;
        memcpy(e->id, id.ptr, id.len);
        e->after = s->ends;
        s->ends = e;
    }
    if (r->next > e->next)
        e->next = r->next;
}

uint64_t sift_end_of(const struct sift_end *ends, struct weir_slice id)
{
    const struct sift_end *e = end_find((struct sift_end *)(uintptr_t)ends, id);
    return e ? e->next : 0;
}

void sift_ends_free(struct sift_end *e)
{
    while (e) {
        struct sift_end *after = e->after;
        free(e);
        e = after;
    }
}

static struct json_doc *parse(const struct subject *subject, const char **ret_why)
{
    struct sift *s = subject->opaque;
    struct json_error error = {0, NULL};
    struct weir_slice v = subject->record->value;
    struct json_doc *doc = json_parse(&s->arena, v.ptr, v.len, &error);
    if (!doc)
        *ret_why = error.why;
    return doc;
}

/* The expression sees the record as it was, and all headers, the reason's too. */
static bool asked_for(struct sift *s, const struct found *f)
{
    struct strbuf why = {0};
    if (s->stage && !slice_is(f->letter->stage, s->stage)) {
        s->counts.unwanted++;
        return false;
    }
    if (!s->where)
        return true;
    struct weir_record seen = *f->record;
    seen.headers = f->read->headers;
    seen.n_headers = f->read->n_headers;
    const struct subject subject = {.record = &seen, .doc = parse, .opaque = s, .scratch = &s->arena};
    enum expr_result result = expr_match(s->where, &subject, &why);
    strbuf_free(&why);
    s->counts.unwanted += result == EXPR_FALSE;
    s->counts.unjudged += result == EXPR_ERROR;
    return result == EXPR_TRUE;
}

/* Weir wrote it, for another pipeline: its sinks are not ours.  What Kafka Connect wrote names connectors. */
static bool of_another(struct sift *s, const struct letter *letter)
{
    if (!letter->section.ptr || !letter->connector.ptr || slice_is(letter->connector, s->of))
        return false;
    if (s->counts.others++ == 0)
        strbuf_add(&s->other, letter->connector.ptr, letter->connector.len);
    return true;
}

void sift_say_others(const struct sift *s)
{
    struct strbuf name = {0};
    if (!s->counts.others)
        return;
    (void)text_shown(&name, (struct weir_slice){s->other.data, s->other.len}, 64);
    log_line(WEIR_LOG_NOTICE, s->of,
             "%" PRIu64 " dead letters are of other pipelines (\"%s\" is one) and are left to those",
             s->counts.others, name.data);
    strbuf_free(&name);
}

static bool admit(struct gate *gate, struct shard *from, struct weir_record *r)
{
    struct sift *s = (struct sift *)(void *)gate; /* its first member */
    const struct weir_record read = *r;
    struct letter letter;
    struct found f = {.from = from, .letter = &letter, .read = &read, .record = r};
    if (s->until && r->seq >= sift_end_of(s->until, from->pub.id))
        return false; /* came after the start: it may be one that this very run made */
    note_end(s, r);
    if (!letter_read(r, &letter)) {
        s->counts.foreign++;
        redriven_leave(s->redriven, from->pub.id);
        return false;
    }
    if (of_another(s, &letter)) {
        redriven_leave(s->redriven, from->pub.id);
        return false;
    }
    s->counts.letters++;
    f.redriven = redriven_has(s->redriven, from->pub.id, r->seq);
    s->counts.redriven += f.redriven;
    if (f.redriven && !s->all) {
        redriven_leave(s->redriven, from->pub.id); /* a run of positions never reaches into another */
        return false;
    }
    arena_reset(&s->arena);
    letter_restore(&letter, r, &s->arena);
    if (asked_for(s, &f) && s->found(s, &f))
        return true;
    redriven_leave(s->redriven, from->pub.id);
    return false;
}

static void bad(struct gate *gate)
{
    ((struct sift *)(void *)gate)->counts.foreign++;
}

static void commit(struct gate *gate, struct state *state, struct shard *shard, uint64_t next)
{
    redriven_commit(((struct sift *)(void *)gate)->redriven, state, shard->number, shard->pub.id, next);
}

void sift_init(struct sift *s, const char *of, bool (*found)(struct sift *, const struct found *))
{
    *s = (struct sift){.gate = {admit, bad, commit}, .of = of, .found = found};
}

void sift_free(struct sift *s)
{
    redriven_free(s->redriven);
    sift_ends_free(s->ends);
    arena_free(&s->arena);
    strbuf_free(&s->other);
}

bool sift_ready(struct gate *gate, struct state *state)
{
    struct sift *s = (struct sift *)(void *)gate;
    redriven_free(s->redriven);
    s->redriven = redriven_load(state);
    return s->redriven != NULL;
}
