/* SPDX-License-Identifier: BSD-2-Clause */
/* harness_host.c - host functions that any thread may call, and those that only say something. */
#include "guard.h"
#include "harness_private.h"

#include "config/subst.h"
#include "report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const LEVELS[] = {"?", "error", "warning", "notice", "info", "debug"};

static void log_it(struct weir_ctx *ctx, int level, const char *text, size_t len)
{
    struct harness *h = harness_of(ctx);
    harness_any(h, "log");
    if (level < WEIR_LOG_ERROR || level > WEIR_LOG_DEBUG)
        harness_breaks(h, RULE_CALLS, "log: there is no level %d", level);
    pthread_mutex_lock(&h->lock);
    strbuf_printf(&h->log, "%s %.*s\n", LEVELS[level], (int)len, text);
    pthread_mutex_unlock(&h->lock);
}

static void replay(struct weir_ctx *ctx, const char *why)
{
    struct harness *h = harness_of(ctx);
    harness_any(h, "replay");
    pthread_mutex_lock(&h->lock);
    strbuf_printf(&h->log, "replay %s\n", why);
    pthread_mutex_unlock(&h->lock);
}

const char *harness_log(const struct harness *h)
{
    return h->log.data ? h->log.data : "";
}

size_t harness_logged(const struct harness *h, const char *text)
{
    size_t found = 0;
    for (const char *line = harness_log(h), *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        const char *at = strstr(line, text);
        found += at && at < end;
    }
    return found;
}

static void health(struct weir_ctx *ctx, uint32_t state, uint32_t code, const char *why)
{
    struct harness *h = harness_of(ctx);
    harness_any(h, "health");
    if (state < WEIR_UP || state > WEIR_UNTRUSTED)
        harness_breaks(h, RULE_CALLS, "health: there is no state %u", state);
    pthread_mutex_lock(&h->lock);
    h->health.told++;
    h->health.state = state;
    h->health.code = code;
    snprintf(h->health.why, sizeof h->health.why, "%s", why ? why : "");
    pthread_mutex_unlock(&h->lock);
}

struct harness_health harness_health(const struct harness *h)
{
    return h->health;
}

static int64_t *metric_of(struct harness *h, uint32_t row, uint32_t kind)
{
    const struct weir_metrics *m = h->ops->metrics;
    if (!m || row >= m->count || row >= HARNESS_METRICS_MAX)
        harness_breaks(h, RULE_CALLS, "there is no metric row %u", row);
    const struct weir_metric *r = (const void *)((const char *)m->rows + (size_t)row * m->stride);
    if (r->kind != kind)
        harness_breaks(h, RULE_CALLS, "the metric %s is of the other kind", r->name);
    return &h->metrics[row];
}

static void count(struct weir_ctx *ctx, uint32_t row, int64_t delta)
{
    struct harness *h = harness_of(ctx);
    harness_any(h, "count");
    if (delta < 0)
        harness_breaks(h, RULE_CALLS, "count: a counter does not fall");
    pthread_mutex_lock(&h->lock);
    *metric_of(h, row, WEIR_COUNTER) += delta;
    pthread_mutex_unlock(&h->lock);
}

static void gauge(struct weir_ctx *ctx, uint32_t row, int64_t value)
{
    struct harness *h = harness_of(ctx);
    harness_any(h, "gauge");
    pthread_mutex_lock(&h->lock);
    *metric_of(h, row, WEIR_GAUGE) = value;
    pthread_mutex_unlock(&h->lock);
}

int64_t harness_metric(const struct harness *h, uint32_t row)
{
    if (!h->ops->metrics || row >= h->ops->metrics->count || row >= HARNESS_METRICS_MAX)
        harness_die(h, "there is no metric row %u", row);
    return h->metrics[row];
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

struct block {
    uint64_t n, ours; /* ours is BLOCK_OURS; both keep what follows aligned to 16 */
};
#define BLOCK_OURS 0x6d656d206f662077u

static void held_add(struct harness *h, size_t more, size_t less, int blocks)
{
    pthread_mutex_lock(&h->lock);
    h->held += more;
    h->held -= less;
    h->pieces_held += (size_t)blocks;
    pthread_mutex_unlock(&h->lock);
}

/* Always moves, so that an old pointer is noticed. */
static void *mem(struct weir_ctx *ctx, void *old, size_t n)
{
    struct harness *h = harness_of(ctx);
    harness_loud(h, "mem");
    struct block *from = old ? (struct block *)old - 1 : NULL, *to = NULL;
    if (from && from->ours != BLOCK_OURS)
        harness_breaks(h, RULE_MEMORY, "mem got memory that it did not give");
    if (n) {
        to = xmalloc(sizeof *to + n);
        *to = (struct block){n, BLOCK_OURS};
        memset(to + 1, 0xA5, n);
        if (from)
            memcpy(to + 1, from + 1, from->n < n ? from->n : n);
    }
    held_add(h, n, from ? from->n : 0, (to != NULL) - (from != NULL));
    if (from)
        from->ours = 0;
    free(from);
    return to ? to + 1 : NULL;
}

/* What precedes memory of malloc's is malloc's, and can be read; ASan would not have it.  At the start of a page a
 * sanitizer's malloc may have nothing before it, so that one of ours is missed there now and then. */
__attribute__((no_sanitize("address"))) bool harness_gave(const void *memory)
{
    const char *what;
    if (!memory || guard_find(memory, &what) != RULES)
        return memory;
    return (uintptr_t)memory % 4096 && ((const uint64_t *)memory)[-1] == BLOCK_OURS;
}

struct weir_buf {
    struct harness *harness;
    struct weir_buf *next; /* of those without a reference, which are kept to notice one too few */
    _Atomic uint32_t refs;
    size_t n;
    void *data; /* NULL: foreign */
    void (*release)(void *);
    void *opaque;
};

static struct weir_buf *buf_new(struct harness *h, size_t n)
{
    harness_any(h, "buf_alloc or buf_wrap");
    struct weir_buf *b = xcalloc(1, sizeof *b);
    b->harness = h;
    b->n = n;
    atomic_store(&b->refs, 1);
    pthread_mutex_lock(&h->lock);
    h->held += n;
    h->bufs++;
    pthread_mutex_unlock(&h->lock);
    return b;
}

static struct weir_buf *buf_alloc(struct weir_ctx *ctx, size_t n, void **data)
{
    struct weir_buf *b = buf_new(harness_of(ctx), n);
    static const struct guard_rules rules = {RULE_BUFFER, RULE_BUFFER, RULE_BUFFER};
    *data = b->data = b->harness->guarded ? guard_alloc(n, &rules) : xmalloc(n);
    memset(b->data, 0xA5, n);
    return b;
}

static struct weir_buf *buf_wrap(struct weir_ctx *ctx, size_t n, void (*release)(void *), void *opaque)
{
    struct weir_buf *b = buf_new(harness_of(ctx), n);
    b->release = release;
    b->opaque = opaque;
    return b;
}

void harness_buf_keep(struct weir_buf *b)
{
    if (atomic_fetch_add(&b->refs, 1) == 0)
        harness_breaks(b->harness, RULE_MEMORY, "a buffer was taken up again after its last reference");
}

void harness_buf_drop(struct weir_buf *b)
{
    struct harness *h = b->harness;
    uint32_t refs = atomic_fetch_sub(&b->refs, 1);
    if (refs == 0)
        harness_breaks(h, RULE_MEMORY, "a buffer was given back once too often");
    if (refs > 1)
        return;
    if (b->release)
        harness_release(b->release, b->opaque);
    if (h->guarded && b->data)
        guard_free(b->data);
    else
        free(b->data);
    b->data = NULL;
    pthread_mutex_lock(&h->lock);
    h->held -= b->n;
    h->bufs--;
    b->next = h->dead;
    h->dead = b;
    pthread_mutex_unlock(&h->lock);
}

void harness_bufs_free(struct harness *h)
{
    for (struct weir_buf *b = h->dead, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    h->dead = NULL;
}

void harness_buf_named(struct weir_buf *b)
{
    if (b->harness->guarded && b->data)
        guard_set(b->data, GUARD_CONSTANT);
}

bool harness_buf_holds(const struct weir_buf *b, struct weir_slice s)
{
    if (!b->data || !s.ptr || s.len == 0)
        return true;
    uintptr_t from = (uintptr_t)b->data, at = (uintptr_t)s.ptr;
    return at >= from && at + s.len <= from + b->n;
}

size_t harness_held(const struct harness *h)
{
    return h->held;
}

/* ---- completion ---------------------------------------------------------------------------------------------- */

/* Any thread: the state is claimed under the lock, so that a second completion is noticed whoever does it. */
static int complete(struct weir_ctx *ctx, struct weir_batch *b, const struct weir_result *results, uint32_t n,
                    uint32_t stride)
{
    struct harness *h = harness_of(ctx);
    harness_loud(h, "complete");
    if (b->harness != h)
        harness_breaks(h, RULE_INSTANCES, "complete: the batch belongs to another instance");
    pthread_mutex_lock(&h->lock);
    enum batch_state was = b->state;
    if (was == BATCH_OFFERED || was == BATCH_LENT) {
        harness_results_take(b, results, n, stride);
        harness_batch_finish(b);
        b->state = BATCH_DONE;
    }
    pthread_mutex_unlock(&h->lock);
    if (was == BATCH_DONE)
        harness_breaks(h, RULE_COMPLETE, "complete: the batch was complete already");
    if (was == BATCH_GIVEN_UP)
        harness_breaks(h, RULE_COMPLETE, "complete: the batch was given up by close");
    if (was == BATCH_HELD)
        harness_breaks(h, RULE_COMPLETE, "complete: the batch is not lent");
    uint64_t one = 1; /* harness_run_until looks at its condition again */
    (void)!write(h->event, &one, sizeof one);
    return WEIR_OK;
}

/* ---- home thread, small -------------------------------------------------------------------------------------- */

static int lend_secret(struct weir_ctx *ctx, const struct weir_secret *secret,
                       void (*use)(void *opaque, struct weir_slice), void *opaque)
{
    harness_any(harness_of(ctx), "secret");
    return secret_use(secret, use, opaque);
}

static const struct weir_instance *instance(struct weir_ctx *ctx)
{
    return &harness_of(ctx)->instance;
}

static uint32_t in_flight(struct weir_ctx *ctx, uint32_t n)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "in_flight");
    if (h->ops->kind != WEIR_SINK)
        harness_die(h, "in_flight: only sinks are lent batches");
    uint32_t now = harness_in_flight(h), most = h->lends_most ? h->lends_most : now;
    h->lends = n > most ? most : n > now ? n : now;
    return h->lends;
}

uint32_t harness_in_flight(const struct harness *h)
{
    return h->lends ? h->lends : h->instance.in_flight;
}

void harness_lend(struct harness *h, uint32_t most)
{
    h->lends_most = most;
}

static void fail(struct weir_ctx *ctx, const struct weir_result *r)
{
    struct harness *h = harness_of(ctx);
    harness_home(h, "fail");
    h->failure = *r;
    h->failure_why.len = h->failure_type.len = 0;
    strbuf_str(&h->failure_why, r->why ? r->why : "");
    strbuf_str(&h->failure_type, r->type ? r->type : "");
    h->failure.why = r->why ? h->failure_why.data : NULL;
    h->failure.type = r->type ? h->failure_type.data : NULL;
}

static const struct weir_error *classify(struct weir_ctx *ctx, const struct weir_fault *fault)
{
    const struct harness *h = harness_of(ctx);
    harness_any(h, "classify");
    if (fault->struct_size < sizeof *fault || fault->reserved != 0)
        harness_breaks(h, RULE_CALLS,
                       "classify: the size of the fault is wrong, or what is reserved is not 0");
    return errors_classify(h->ops->errors, harness_conf_errors(h->conf_store), fault);
}

static void problem(struct weir_problems *to, const char *option, const char *text)
{
    strbuf_printf(&to->text, "%s%s%s\n", option ? option : "", option ? ": " : "", text);
}

void harness_fill_host(struct harness *h)
{
    h->host = (struct weir_host){.struct_size = sizeof h->host,
                                 .api = WEIR_API_LATEST,
                                 .version = "test",
                                 .log = log_it,
                                 .replay = replay,
                                 .health = health,
                                 .count = count,
                                 .gauge = gauge,
                                 .complete = complete,
                                 .mem = mem,
                                 .buf_alloc = buf_alloc,
                                 .buf_wrap = buf_wrap,
                                 .buf_ref = harness_buf_keep,
                                 .buf_unref = harness_buf_drop,
                                 .secret = lend_secret,
                                 .instance = instance,
                                 .in_flight = in_flight,
                                 .fail = fail,
                                 .problem = problem,
                                 .classify = classify};
    harness_fill_step(&h->host);
    harness_fill_batch(&h->host);
    harness_fill_emit(&h->host);
    harness_fill_hold(&h->host);
    harness_fill_shard(&h->host);
}
