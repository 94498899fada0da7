/* SPDX-License-Identifier: BSD-2-Clause */
/* instance.c - life of one plugin instance: create, open with back-off, close, and its health as the log tells it. */
#include "instance.h"

#include "call.h"
#include "report/clock.h"
#include "report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t backoff_wait(const struct backoff *b, uint32_t tries, int64_t wish_ms)
{
    int64_t cap = b->initial_ms;
    for (uint32_t i = 0; i < tries && cap < b->max_ms; i++)
        cap *= 2;
    if (cap > b->max_ms)
        cap = b->max_ms;
    /* at least half of it, so that a short draw does not hammer a server that is down */
    int64_t wait = cap / 2 + (cap > 1 ? (int64_t)(clock_random() % (uint64_t)(cap / 2 + 1)) : 0);
    return wait > wish_ms ? wait : wish_ms;
}

int64_t backoff_next(struct backoff *b, int64_t wish_ms)
{
    return backoff_wait(b, b->tries++, wish_ms);
}

static char *who(const struct section_conf *s, const struct instance_place *at)
{
    struct strbuf text = {0};
    strbuf_printf(&text, "%s [%s]", at->conf->label, s->title);
    if (at->worker)
        strbuf_printf(&text, " #%u", at->worker);
    return text.data;
}

/* A sink has its name for itself; the source and the transforms are there once for each reader. */
static char *owner(const struct section_conf *s, const struct pipeline_conf *conf)
{
    struct strbuf text = {0};
    strbuf_str(&text, s->title);
    if (s->kind != WEIR_SINK && conf->reader[0])
        strbuf_printf(&text, "@%s", conf->reader);
    return text.data;
}

struct instance *instance_new(const struct section_conf *s, const struct instance_place *at)
{
    struct instance *i = xcalloc(1, sizeof *i);
    i->ctx.host = at->host;
    i->ops = s->ops;
    i->section = s;
    i->pipeline = at->pipeline;
    i->loop = at->loop;
    i->next_in_loop = at->loop->instances;
    at->loop->instances = i;
    i->who = who(s, at);
    i->owner = owner(s, at->conf);
    i->wake_at = INT64_MAX;
    i->open_backoff = (struct backoff){.initial_ms = 100, .max_ms = 30000};
    pthread_mutex_init(&i->health_lock, NULL);
    pthread_mutex_init(&i->told_lock, NULL);
    i->told.since_ms = clock_mono_ms();
    pthread_mutex_init(&i->self_lock, NULL);
    pthread_cond_init(&i->left, NULL);
    i->info = (struct weir_instance){.struct_size = sizeof i->info,
                                     .worker = at->worker,
                                     .pipeline = at->conf->name,
                                     .section = s->title,
                                     .reader = at->conf->reader,
                                     .budget = at->budget};
    if (s->kind == WEIR_SOURCE && !at->conf->no_headers)
        i->info.want = WEIR_WANT_HEADERS;
    if (s->kind == WEIR_SINK) {
        i->info.batch_records = (uint32_t)s->batch_records;
        i->info.batch_bytes = (uint64_t)s->batch_bytes;
        i->info.in_flight = (uint32_t)s->in_flight;
        i->open_backoff = (struct backoff){.initial_ms = s->retry_initial_ms, .max_ms = s->retry_max_ms};
    }
    if (i->ops->metrics)
        i->metrics = xcalloc(i->ops->metrics->count, sizeof *i->metrics);
    return i;
}

int64_t instance_patience(const struct instance *i, int64_t max_ms)
{
    bool own = i->ops->kind == WEIR_SINK && (conf_promises(i->section) & WEIR_SINGLE); /* a file, a pipe */
    return max_ms > SILENCE_MS && (own || i->health == WEIR_CONNECTING) ? SILENCE_MS : max_ms;
}

void instance_clear_failure(struct instance *i)
{
    i->failure.code = 0;
    i->failure.retry_after_ms = 0;
    i->failure.why.len = i->failure.type.len = 0;
}

const char *instance_why(const struct instance *i)
{
    return i->failure.why.len ? i->failure.why.data : "the plugin gave no reason";
}

int instance_create(struct instance *i)
{
    if (i->created)
        return WEIR_OK;
    int status = call_create(i);
    if (status != WEIR_OK)
        return status == WEIR_RETRY ? WEIR_FATAL : status;
    pthread_mutex_lock(&i->self_lock);
    i->created = true;
    pthread_mutex_unlock(&i->self_lock);
    return WEIR_OK;
}

int instance_open(struct instance *i)
{
    if (i->opened)
        return WEIR_OK;
    instance_clear_failure(i);
    int status = instance_create(i);
    if (status != WEIR_OK)
        return status;
    status = call_open(i);
    if (status == WEIR_OK) {
        i->opened = true;
        i->open_backoff.tries = 0;
    } else if (status == WEIR_RETRY) {
        if (i->health < WEIR_DENIED) /* who says that somebody refuses knows more */
            instance_health(i, WEIR_CONNECTING, i->failure.code, instance_why(i));
        i->open_backoff.max_ms = instance_patience(i, i->open_backoff.max_ms);
        i->open_at = clock_mono_ms() + backoff_next(&i->open_backoff, i->failure.retry_after_ms);
    }
    return status;
}

void instance_close(struct instance *i)
{
    pthread_mutex_lock(&i->self_lock);
    bool created = i->created;
    i->created = false; /* what close takes down an interrupt might still use */
    while (i->interrupting)
        pthread_cond_wait(&i->left, &i->self_lock);
    pthread_mutex_unlock(&i->self_lock);
    if (i->opened && i->ops->close)
        call_close(i);
    i->opened = false;
    if (created)
        call_destroy(i);
}

/* Counted, for no lock is held while a plugin is called. */
void instance_interrupt(struct instance *i)
{
    if (!i->ops->interrupt)
        return;
    pthread_mutex_lock(&i->self_lock);
    bool created = i->created;
    i->interrupting += created;
    pthread_mutex_unlock(&i->self_lock);
    if (!created)
        return;
    call_interrupt(i);
    pthread_mutex_lock(&i->self_lock);
    if (--i->interrupting == 0)
        pthread_cond_broadcast(&i->left);
    pthread_mutex_unlock(&i->self_lock);
}

void instance_free(struct instance *i)
{
    if (!i)
        return;
    arena_free(&i->scratch);
    arena_free(&i->walked);
    arena_free(&i->parsed);
    struct strbuf *all[] = {&i->failure.why, &i->failure.type, &i->text,       &i->string,
                            &i->line,        &i->match_why,    &i->render_why, &i->state_value};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        strbuf_free(all[k]);
    for (int k = 0; k < RENDERED_MAX; k++)
        strbuf_free(&i->rendered[k].text);
    pthread_mutex_destroy(&i->health_lock);
    pthread_mutex_destroy(&i->told_lock);
    pthread_mutex_destroy(&i->self_lock);
    pthread_cond_destroy(&i->left);
    free(i->metrics);
    free(i->own_ops);
    free(i->who);
    free(i->owner);
    free(i);
}

/* The log line of a change: what the state means to a person.  Connecting for the first time is no news. */
static void health_log(struct instance *i, const char *why)
{
    if (i->health == WEIR_UP || (i->health == WEIR_CONNECTING && !*why)) {
        if (i->health == WEIR_UP && i->troubled)
            log_line(WEIR_LOG_NOTICE, i->who, "is well again");
        i->troubled &= i->health != WEIR_UP;
        return;
    }
    int level = i->health == WEIR_CONNECTING ? WEIR_LOG_WARNING : WEIR_LOG_ERROR;
    const char *what = i->health == WEIR_CONNECTING  ? "not connected, trying on"
                       : i->health == WEIR_DENIED    ? "refused by the other end, trying on slowly"
                       : i->health == WEIR_UNTRUSTED ? "the other end can not be trusted, trying on slowly"
                                                     : "in trouble, trying on";
    log_line(level, i->who, "%s%s%s", what, *why ? ": " : "", why);
    i->troubled = true;
}

static void keep(char *to, const char *text)
{
    snprintf(to, TOLD_MAX, "%s", text);
}

/* Copies for those who ask: they never wait for a log line to be written, nor does a plugin wait for them. */
static void tell(struct instance *i, uint32_t state, uint32_t code, const char *why)
{
    struct told *t = &i->told;
    pthread_mutex_lock(&i->told_lock);
    if (t->state != state)
        t->since_ms = clock_mono_ms();
    t->state = state;
    t->code = code;
    keep(t->why, state == WEIR_UP ? "" : why);
    if (state != WEIR_UP && *why)
        keep(t->error, why);
    pthread_mutex_unlock(&i->told_lock);
}

void instance_error(struct instance *i, uint32_t code, const char *why)
{
    pthread_mutex_lock(&i->told_lock);
    i->told.code = code;
    keep(i->told.error, why ? why : "no reason was given");
    pthread_mutex_unlock(&i->told_lock);
}

void instance_told(const struct instance *i, struct told *ret)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&i->told_lock;
    pthread_mutex_lock(lock);
    *ret = i->told;
    pthread_mutex_unlock(lock);
}

const char *instance_state_text(uint32_t state)
{
    static const char *const texts[] = {
        "not open yet",          "well", "not connected", "in trouble", "refused by the other end",
        "refusing the other end"};
    return texts[state <= WEIR_UNTRUSTED ? state : WEIR_DEGRADED];
}

const char *instance_state_name(const struct instance *i, uint32_t state)
{
    static const char *const names[] = {"starting", "up", "connecting", "degraded", "denied", "untrusted"};
    if (!state && atomic_load(&i->opened))
        state = WEIR_UP; /* it has nothing to say */
    return names[state <= WEIR_UNTRUSTED ? state : WEIR_DEGRADED];
}

void instance_health(struct instance *i, uint32_t state, uint32_t code, const char *why)
{
    if (state == WEIR_UP && atomic_load(&i->health) == WEIR_UP)
        return; /* said at every batch: no lock for that */
    if (!why)
        why = "";
    pthread_mutex_lock(&i->health_lock);
    /* the same state is said once: what differs from try to try (ports, times) is no news */
    bool changed = state != i->health || (*why && !i->troubled && state != WEIR_UP);
    i->health = state;
    tell(i, state, code, why);
    if (changed)
        health_log(i, why);
    pthread_mutex_unlock(&i->health_lock);
}
