/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy.c - life of a plugin's process as weir sees it: started, asked, watched, started again (proxy.h). */
#include "proxy.h"

#include "isolate.h"
#include "report/clock.h"
#include "report/log.h"
#include "setup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_MS       11000 /* close bounds itself to ten seconds, says the contract */
#define HUNG           "ended because a callback did not come back"
#define FLOODED        "ended because it sent too much, and read nothing"
#define INTERRUPTED_MS 1000 /* after an interrupt it has this long to answer */

int proxy_fail(struct proxy *p, int status)
{
    const struct weir_result r = {.status = status, .why = p->why.data};
    p->host->fail(p->ctx, &r);
    return status;
}

void proxy_break(struct proxy *p, const char *why)
{
    if (p->broken) /* what follows from the first fault is no reason */
        return;
    p->broken = true;
    p->why.len = 0;
    strbuf_str(&p->why, why ? why : "the plugin gave no reason");
}

/* ---- start and end ---- */

static struct setup setup_of(const struct proxy *p)
{
    const struct instance *in = p->instance;
    const struct weir_instance *info = &in->info;
    return (struct setup){.section = *p->conf->raw,
                          .path = p->conf->path,
                          .pipeline = info->pipeline,
                          .who = in->who,
                          .reader = info->reader,
                          .source = info->around ? info->around->source : NULL,
                          .commit_ms = info->around ? (uint64_t)info->around->commit_ms : 0,
                          .worker = info->worker,
                          .budget = info->budget,
                          .want = info->want,
                          .batch_records = info->batch_records,
                          .batch_bytes = info->batch_bytes,
                          .in_flight = info->in_flight,
                          .log_level = (uint64_t)log_level()};
}

static void open_it(struct proxy *p)
{
    p->state = PROXY_OPENING;
    p->open_id = ++p->ids;
    (void)proxy_send(p, WIRE_OPEN, p->open_id, 0, NULL);
}

/* False: it could not be started; why says it. */
static bool start(struct proxy *p)
{
    p->why.len = 0;
    int fd = process_start(&p->process, p->instance->who, &p->why);
    if (fd < 0) {
        p->again_at = clock_mono_ms() + backoff_next(&p->restarts, 0);
        p->host->wake_at(p->ctx, p->again_at);
        return false;
    }
    line_init(&p->line, fd);
    p->line.interrupted_ms = &p->process.interrupted_ms;
    if (p->starts++)
        atomic_fetch_add(&p->instance->restarts, 1);
    p->generation++;
    p->asked_ms = 0;
    p->interrupted = p->spoke = false;
    p->ping_at = clock_mono_ms() + PROXY_TICK_MS;
    p->state = PROXY_READY;
    p->host->watch_fd(p->ctx, fd, WEIR_FD_READ);
    const struct setup s = setup_of(p);
    p->body.len = 0;
    setup_pack(&p->body, &s);
    p->setup_id = ++p->ids;
    if (proxy_send(p, WIRE_SETUP, p->setup_id, 0, &p->body))
        open_it(p);
    return p->state != PROXY_GONE;
}

static void forget_process(struct proxy *p, struct strbuf *how, bool *ret_guilty)
{
    if (p->line.fd >= 0)
        p->host->watch_fd(p->ctx, p->line.fd, 0);
    process_end(&p->process, how, ret_guilty);
    line_free(&p->line);
    p->state = PROXY_GONE;
}

void proxy_died(struct proxy *p, const char *reason)
{
    struct strbuf how = {0};
    bool guilty = false;
    if (p->state == PROXY_GONE)
        return;
    forget_process(p, &how, &guilty);
    p->why.len = 0;
    strbuf_printf(&p->why, "its process was %s, and is started again (started %" PRIu32 " times so far)",
                  reason ? reason : how.data, p->starts);
    strbuf_free(&how);
    guilty |= reason != NULL;
    p->guilty += guilty;
    p->good = 0;
    p->again_at = clock_mono_ms() + (p->restarts.tries++ ? backoff_next(&p->restarts, 0) : 0);
    p->host->wake_at(p->ctx, p->again_at);
    instance_health(p->instance, WEIR_DEGRADED, 0, p->why.data); /* the plugin itself said nothing */
    proxy_sink_died(p, guilty);
    proxy_source_died(p);
}

bool proxy_send_frame(struct proxy *p, const struct frame *f, const struct strbuf *body)
{
    if (p->state == PROXY_GONE)
        return false;
    bool stuck;
    if (line_send(&p->line, f, body ? body->data : NULL, p->conf->hung_ms, &stuck))
        return true;
    proxy_died(p, p->line.flooded ? FLOODED : stuck ? HUNG : NULL);
    return false;
}

bool proxy_send(struct proxy *p, uint32_t type, uint64_t id, uint64_t a, const struct strbuf *body)
{
    const struct frame f = {.type = type, .id = id, .a = a, .len = body ? body->len : 0};
    return proxy_send_frame(p, &f, body);
}

/* ---- answers ---- */

static void opened(struct proxy *p, const struct weir_result *r)
{
    p->state = r->status == WEIR_OK ? PROXY_OPEN : PROXY_READY;
    p->why.len = 0;
    if (r->status == WEIR_OK) {
        if (p->starts > 1)
            instance_health(p->instance, WEIR_UP, 0, NULL);
        proxy_sink_opened(p);
        p->host->wake(p->ctx);
    } else if (r->status == WEIR_RETRY) {
        strbuf_str(&p->why, r->why ? r->why : "the plugin gave no reason");
        p->again_at = clock_mono_ms() + backoff_next(&p->restarts, r->retry_after_ms);
        if (atomic_load(&p->instance->opened) && !p->spoke)
            instance_health(p->instance, WEIR_CONNECTING, r->code, p->why.data);
    } else {
        proxy_break(p, r->why);
    }
}

/* The result that begins each answer. */
static struct weir_result answer(const struct message *m, struct unpack *rest)
{
    struct weir_result r = {.status = m->frame.status};
    *rest = (struct unpack){.at = m->body, .end = m->body + m->frame.len};
    if (m->frame.status < 0)
        (void)unpack_result(rest, &r);
    r.status = m->frame.status;
    return r;
}

static void done(struct proxy *p, const struct message *m)
{
    struct unpack rest;
    struct weir_result r = answer(m, &rest);
    if (m->frame.id == p->ping_id)
        p->asked_ms = 0;
    else if (m->frame.id == p->open_id && p->state == PROXY_OPENING)
        opened(p, &r);
    else if (m->frame.id == p->setup_id && r.status < 0)
        proxy_break(p, r.why);
}

struct message *proxy_take_all(struct proxy *p, uint64_t id)
{
    struct message *m;
    line_fill(&p->line);
    while (p->state != PROXY_GONE && (m = line_next(&p->line)) != NULL) {
        if (m->frame.type == WIRE_DONE && m->frame.id == id)
            return m;
        if (m->frame.type == WIRE_DONE)
            done(p, m);
        else
            proxy_take(p, m);
        message_free(m);
    }
    if (p->state != PROXY_GONE && p->line.dead)
        proxy_died(p, p->line.flooded ? FLOODED : NULL);
    return NULL;
}

/* It has more memory than it may: it is ended. */
static bool too_large(struct proxy *p)
{
    uint64_t resident = process_resident(&p->process);
    if (resident <= (uint64_t)p->conf->memory)
        return false;
    char text[128];
    snprintf(text, sizeof text, "ended because it had %" PRIu64 "M of memory, more than its %" PRId64 "M",
             resident >> 20, p->conf->memory >> 20);
    proxy_died(p, text);
    return true;
}

/* Waits a while for something to come.  A process that says nothing is interrupted at the time, or was before because
 * weir has to end, and is ended after that.  The first of these interrupts sets *ends_at: more may follow it. */
static void wait_for(struct proxy *p, int64_t *ends_at)
{
    int64_t now = clock_mono_ms(), asked = atomic_load(&p->process.interrupted_ms);
    if (asked && asked + WIRE_PATIENCE_MS < *ends_at)
        *ends_at = asked + WIRE_PATIENCE_MS;
    int64_t limit = *ends_at;
    int64_t until = now < limit ? limit : limit + INTERRUPTED_MS;
    if (line_wait(&p->line, until < now + PROXY_TICK_MS ? until : now + PROXY_TICK_MS) || too_large(p))
        return;
    now = clock_mono_ms();
    if (now >= limit + INTERRUPTED_MS)
        proxy_died(p, HUNG);
    else if (now >= limit)
        process_interrupt(&p->process);
}

struct message *proxy_call(struct proxy *p, uint32_t type, uint64_t a, const struct strbuf *body,
                           struct unpack *ret)
{
    const struct frame f = {.type = type, .a = a};
    return proxy_call_frame(p, &f, body, ret);
}

struct message *proxy_call_frame(struct proxy *p, const struct frame *call, const struct strbuf *body,
                                 struct unpack *ret)
{
    struct frame f = *call;
    uint64_t id = f.id = ++p->ids;
    int64_t limit = clock_mono_ms() + (f.type == WIRE_CLOSE ? CLOSE_MS : p->conf->hung_ms);
    struct message *m = NULL;
    atomic_store(&p->process.interrupted_ms, 0);
    f.len = body ? body->len : 0;
    if (!proxy_send_frame(p, &f, body))
        return NULL;
    while ((m = proxy_take_all(p, id)) == NULL && p->state != PROXY_GONE)
        wait_for(p, &limit);
    if (!m)
        return NULL;
    struct weir_result r = answer(m, ret);
    if (m->frame.status < 0)
        p->host->fail(p->ctx, &r);
    return m;
}

/* ---- callbacks ---- */

int proxy_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct proxy *p = xcalloc(1, sizeof *p);
    (void)conf; /* its process reads the options itself */
    p->instance = (struct instance *)(void *)ctx;
    p->ctx = ctx;
    p->host = ctx->host;
    p->conf = p->instance->section->isolate;
    p->line.fd = -1;
    p->given_tail = &p->given;
    p->restarts = (struct backoff){.initial_ms = 100, .max_ms = SILENCE_MS};
    process_init(&p->process);
    *self = p;
    return WEIR_OK;
}

int proxy_open(void *self)
{
    struct proxy *p = self;
    if (p->state == PROXY_GONE && !start(p))
        return proxy_fail(p, WEIR_RETRY);
    if (p->state == PROXY_READY && !p->broken)
        open_it(p);
    int64_t limit = clock_mono_ms() + p->conf->hung_ms;
    atomic_store(&p->process.interrupted_ms, 0);
    while (p->state == PROXY_OPENING && !p->broken) {
        (void)proxy_take_all(p, 0);
        if (p->state == PROXY_OPENING && !p->broken)
            wait_for(p, &limit);
    }
    if (p->broken)
        return proxy_fail(p, WEIR_FATAL);
    return p->state == PROXY_OPEN ? WEIR_OK : proxy_fail(p, WEIR_RETRY);
}

void proxy_look(struct proxy *p, int64_t now)
{
    if (now < p->ping_at)
        return;
    p->ping_at = now + PROXY_TICK_MS;
    if (too_large(p))
        return;
    if (!p->asked_ms) {
        p->asked_ms = now;
        p->interrupted = false;
        p->ping_id = ++p->ids;
        (void)proxy_send(p, WIRE_PING, p->ping_id, 0, NULL);
    } else if (now - p->asked_ms >= p->conf->hung_ms && !p->interrupted) {
        p->interrupted = true;
        process_interrupt(&p->process);
    } else if (now - p->asked_ms >= p->conf->hung_ms + INTERRUPTED_MS) {
        proxy_died(p, HUNG);
    }
}

static void go_on(struct proxy *p, int64_t now)
{
    if (now < p->again_at)
        return;
    if (p->state == PROXY_GONE)
        (void)start(p);
    else if (p->state == PROXY_READY)
        open_it(p);
}

int proxy_service(void *self, uint32_t why)
{
    struct proxy *p = self;
    int64_t now = clock_mono_ms();
    (void)why;
    if (p->state != PROXY_GONE)
        (void)proxy_take_all(p, 0);
    if (p->broken)
        return proxy_fail(p, WEIR_FATAL);
    if (p->state != PROXY_GONE)
        proxy_look(p, now);
    go_on(p, now);
    if (p->state == PROXY_OPEN)
        proxy_sink_tick(p);
    int64_t at = p->state == PROXY_GONE ? p->again_at : p->ping_at;
    bool sooner = p->state != PROXY_OPENING && p->again_at > now && p->again_at < at;
    p->host->wake_at(p->ctx, sooner ? p->again_at : at);
    return p->broken ? proxy_fail(p, WEIR_FATAL) : WEIR_OK;
}

void proxy_interrupt(void *self)
{
    struct proxy *p = self;
    atomic_store(&p->process.interrupted_ms, clock_mono_ms());
    process_interrupt(&p->process);
}

void proxy_close(void *self)
{
    struct proxy *p = self;
    struct strbuf how = {0};
    struct unpack rest;
    bool guilty;
    proxy_state_forget(p); /* no commit comes any more */
    if (p->state != PROXY_GONE) {
        struct message *m = proxy_call(p, WIRE_CLOSE, 0, NULL, &rest);
        if (m && line_wait(&p->line, clock_mono_ms() + INTERRUPTED_MS)) /* its end */
            line_fill(&p->line);
        message_free(m);
    }
    if (p->state != PROXY_GONE)
        forget_process(p, &how, &guilty);
    strbuf_free(&how);
}

void proxy_destroy(void *self)
{
    struct proxy *p = self;
    proxy_sink_free(p);
    proxy_source_free(p);
    proxy_state_forget(p);
    line_free(&p->line);
    process_free(&p->process);
    strbuf_free(&p->body);
    strbuf_free(&p->why);
    free(p);
}

void isolate_begin(struct instance *in)
{
    struct weir_ops *ops = xmalloc(sizeof *ops);
    *ops = *in->ops;
    ops->create = proxy_create;
    ops->open = proxy_open;
    ops->service = proxy_service;
    ops->interrupt = proxy_interrupt;
    ops->close = proxy_close;
    ops->destroy = proxy_destroy;
    if (ops->kind == WEIR_SOURCE) {
        ops->service = NULL; /* poll is called instead */
        ops->poll = proxy_poll;
        ops->position = ops->position ? proxy_position : NULL;
        ops->committed = ops->committed ? proxy_committed : NULL;
        ops->revoked = proxy_revoked;
        ops->token = NULL;
        ops->rewind = NULL;
    }
    if (ops->kind == WEIR_TRANSFORM)
        ops->process = proxy_process;
    if (ops->kind == WEIR_SINK) {
        ops->write = proxy_write;
        ops->flush = ops->flush ? proxy_flush : NULL;
        ops->commit = ops->commit ? proxy_commit : NULL;
    }
    in->own_ops = ops;
    in->ops = ops;
}
