/* SPDX-License-Identifier: BSD-2-Clause */
/* harness.c - the fake host's life cycle, clock and stepping; see harness.h. */
#include "harness_private.h"

#include "plugin/loader.h"
#include "report/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 1500

static int64_t real_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void speak(const struct harness *h, const char *text)
{
    const char *inside = h ? harness_inside(h) : NULL;
    fprintf(stderr, "harness: %s: %s", h && h->name ? h->name : "?", text);
    if (inside)
        fprintf(stderr, " (inside %s)", inside);
    if (h && h->log.len)
        fprintf(stderr, "\nits log:\n%s", h->log.data);
    fprintf(stderr, "\n");
}

void harness_die(const struct harness *h, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    speak(h, text);
    abort();
}

static harness_broken *on_broken;

void harness_on_broken(harness_broken *say)
{
    on_broken = say;
}

void harness_breaks(const struct harness *h, enum rule rule, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (on_broken)
        on_broken(h, rule, text);
    speak(h, text);
    abort();
}

/* interrupt runs beside another callback, release on any thread: neither may call the host. */
static _Thread_local const char *silent;

static void speaks_up(const struct harness *h, const char *what)
{
    harness_breaks(h, strcmp(silent, "interrupt") == 0 ? RULE_INTERRUPT : RULE_CALLS, "%s called %s", silent,
                   what);
}

void harness_loud(const struct harness *h, const char *what)
{
    if (silent)
        speaks_up(h, what);
}

void harness_any(const struct harness *h, const char *what)
{
    harness_loud(h, what);
    if (!h->inside && !h->threads_may)
        harness_breaks(h, RULE_CLOSED, "%s was called while the instance is not open", what);
}

void harness_home(const struct harness *h, const char *what)
{
    harness_loud(h, what);
    if (!pthread_equal(pthread_self(), h->home))
        harness_breaks(h, RULE_THREADS, "%s was called by a thread that is not home", what);
    if (!h->inside)
        harness_breaks(h, RULE_THREADS, "%s was called outside of any callback", what);
}

const char *harness_inside(const struct harness *h)
{
    return h->inside;
}

int64_t harness_since(const struct harness *h)
{
    return h->since;
}

void harness_enter(struct harness *h, const char *callback)
{
    if (h->inside)
        harness_die(h, "the test called %s from inside a callback", callback);
    memset(&h->failure, 0, sizeof h->failure);
    h->since = real_ms();
    h->inside = callback;
}

int harness_leave(struct harness *h, int status)
{
    if (status < WEIR_SPLIT || status > WEIR_END)
        harness_breaks(h, RULE_STATUS, "%s returned %d, which is no status", h->inside, status);
    h->inside = NULL;
    h->status = status;
    return status;
}

int harness_status(const struct harness *h)
{
    return h->status;
}

void harness_interrupt(struct harness *h)
{
    silent = "interrupt";
    if (h->ops->interrupt)
        h->ops->interrupt(h->self);
    silent = NULL;
}

void harness_release(void (*release)(void *opaque), void *opaque)
{
    silent = "release";
    release(opaque);
    silent = NULL;
}

void harness_brimful(struct harness *h, bool brimful)
{
    h->brimful = brimful;
}

void harness_guard(struct harness *h)
{
    h->guarded = true;
}

/* ---- loading ------------------------------------------------------------------------------------------------- */

void harness_builtin(const struct weir_plugin *plugin)
{
    char why[1024];
    if (!loader_add(plugin, why, sizeof why))
        harness_die(NULL, "%s", why);
}

static const struct weir_ops *find_ops(const char *name, uint32_t kind)
{
    char why[1024];
    if (!getenv("WEIR_PLUGIN_PATH"))
        loader_set_path("plugins/built");
    const struct plugin *plugin = loader_get(name, why, sizeof why);
    if (!plugin)
        harness_die(NULL, "%s", why);
    const struct weir_ops *ops = loader_ops(plugin, kind);
    if (!ops)
        harness_die(NULL, "the plugin %s is not of kind %u", name, kind);
    return ops;
}

static struct harness *harness_new(const char *plugin, uint32_t kind)
{
    struct harness *h = xcalloc(1, sizeof *h);
    h->name = xstrdup(plugin);
    h->ops = find_ops(plugin, kind);
    h->home = pthread_self();
    h->wake_at = INT64_MAX;
    h->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->event < 0)
        harness_die(h, "eventfd: %s", strerror(errno));
    pthread_mutex_init(&h->lock, NULL);
    h->instance = (struct weir_instance){.struct_size = sizeof h->instance,
                                         .pipeline = "test",
                                         .section = kind == WEIR_SOURCE ? "source"
                                                    : kind == WEIR_SINK ? "sink"
                                                                        : "transform t",
                                         .reader = "",
                                         .budget = (uint64_t)16 << 20,
                                         .want = kind == WEIR_SOURCE ? WEIR_WANT_HEADERS : 0};
    if (kind == WEIR_SINK) {
        h->instance.batch_records = 5000;
        h->instance.in_flight = 2;
        h->instance.batch_bytes = 1 << 20;
    }
    h->next_seq = 0;
    h->default_lane.shard = (struct weir_shard){sizeof(struct weir_shard), 0, {"t-0", 3}, {"t", 1}};
    harness_set_poll(h, 1000, 1 << 20, 50, 0);
    h->poll_ready = true;
    h->ctx.host = &h->host;
    harness_fill_host(h);
    return h;
}

static void harness_delete(struct harness *h)
{
    harness_out_clear(h);
    harness_bufs_free(h);
    harness_groups_free(h);
    harness_batches_free(h);
    harness_lanes_free(h);
    harness_conf_free(h->conf_store);
    for (struct kept_text *k = h->kept, *next; k; k = next) {
        next = k->next;
        strbuf_free(&k->text);
        free(k);
    }
    strbuf_free(&h->failure_why);
    strbuf_free(&h->failure_type);
    strbuf_free(&h->log);
    strbuf_free(&h->string);
    strbuf_free(&h->print);
    strbuf_free(&h->why);
    arena_free(&h->scratch);
    arena_free(&h->parse);
    free(h->outs);
    free(h->name);
    close(h->event);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* Options, then check; false when problems were added. */
static bool parse_and_check(struct harness *h, const char *options, struct weir_problems *problems)
{
    h->conf_store = harness_conf_parse(h->ops, h->name, options, &problems->text);
    if (!h->conf_store)
        return false;
    h->conf = harness_conf_struct(h->conf_store);
    if (!h->ops->check)
        return true;
    harness_enter(h, "check");
    int status = harness_leave(h, h->ops->check(&h->ctx, h->conf, problems));
    if (status != WEIR_OK && problems->text.len == 0)
        harness_breaks(h, RULE_STATUS, "check returned %d without any problem()", status);
    return problems->text.len == 0;
}

struct harness *harness_load(const char *plugin, uint32_t kind, const char *options)
{
    struct harness *h = harness_new(plugin, kind);
    struct weir_problems problems = {{0}};
    if (!parse_and_check(h, options, &problems))
        harness_die(h, "its options were refused:\n%s", problems.text.data);
    strbuf_free(&problems.text);
    return h;
}

/* What harness_check gives is kept here until its next call. */
static char checked[8192];

static const char *keep_problems(struct weir_problems *problems)
{
    snprintf(checked, sizeof checked, "%s", problems->text.data ? problems->text.data : "");
    strbuf_free(&problems->text);
    return checked;
}

const char *harness_check(const char *plugin, uint32_t kind, const char *options)
{
    struct harness *h = harness_new(plugin, kind);
    struct weir_problems problems = {{0}};
    parse_and_check(h, options, &problems);
    harness_delete(h);
    return keep_problems(&problems);
}

const char *harness_probe(struct harness *h)
{
    struct weir_problems problems = {{0}};
    if (!h->ops->probe)
        harness_die(h, "it has no probe");
    harness_enter(h, "probe");
    harness_leave(h, h->ops->probe(&h->ctx, h->conf, &problems));
    return keep_problems(&problems);
}

/* ---- life cycle ---------------------------------------------------------------------------------------------- */

int harness_create(struct harness *h)
{
    if (h->created)
        harness_die(h, "the test created it twice");
    harness_enter(h, "create");
    int status = harness_leave(h, h->ops->create(&h->ctx, h->conf, &h->self));
    h->created = status == WEIR_OK;
    return status;
}

int harness_open(struct harness *h)
{
    if (!h->created || h->opened)
        harness_die(h, "the test opened it %s", h->opened ? "twice" : "before create");
    h->threads_may = true;
    harness_enter(h, "open");
    int status = harness_leave(h, h->ops->open ? h->ops->open(h->self) : WEIR_OK);
    h->opened = status == WEIR_OK;
    return status;
}

bool harness_open_within(struct harness *h, int timeout_ms)
{
    int64_t end = real_ms() + timeout_ms;
    int status;
    while ((status = harness_open(h)) == WEIR_RETRY && real_ms() < end)
        (void)poll(NULL, 0, 20); /* the host's back-off */
    return status == WEIR_OK;
}

struct harness *harness_start(const char *plugin, uint32_t kind, const char *options)
{
    struct harness *h = harness_load(plugin, kind, options);
    int status = harness_create(h);
    if (status == WEIR_OK)
        status = harness_open(h);
    if (status != WEIR_OK)
        harness_die(h, "%s returned %d: %s", h->created ? "open" : "create", status,
                    h->failure.why ? h->failure.why : "without a reason");
    return h;
}

/* As the host does it: not after an open that failed. */
void harness_close(struct harness *h)
{
    if (!h->opened)
        return;
    harness_enter(h, "close");
    if (h->ops->close)
        h->ops->close(h->self);
    harness_leave(h, WEIR_OK);
    h->opened = h->threads_may = false;
    h->n_fds = 0;
    h->wake_at = INT64_MAX;
    for (struct weir_batch *b = h->batches; b; b = b->next)
        harness_batch_give_up(b);
}

static void destroy(struct harness *h)
{
    harness_enter(h, "destroy");
    h->ops->destroy(h->self);
    harness_leave(h, WEIR_OK);
    h->created = h->threads_may = false;
    if (!harness_conf_intact(h->conf_store))
        harness_breaks(h, RULE_CONF, "it wrote to its options");
    if (h->pieces_held || h->bufs)
        harness_breaks(h, RULE_MEMORY,
                       "after destroy it still holds %zu bytes: %zu blocks of mem, %zu buffers", h->held,
                       h->pieces_held, h->bufs);
}

void harness_free(struct harness *h)
{
    harness_out_clear(h);
    for (struct weir_batch *b = h->batches; b; b = b->next)
        if (b->state == BATCH_LENT)
            harness_breaks(h, RULE_COMPLETE, "a batch of %u records was never completed", b->count);
    if (h->created) {
        harness_close(h);
        destroy(h);
    }
    if (h->pieces_held || h->bufs)
        harness_breaks(h, RULE_MEMORY, "create failed, and it still holds %zu bytes", h->held);
    harness_delete(h);
}

struct weir_instance *harness_instance(struct harness *h)
{
    return &h->instance;
}

struct weir_host *harness_host(struct harness *h)
{
    return &h->host;
}

struct weir_ctx *harness_ctx(struct harness *h)
{
    return &h->ctx;
}

const struct weir_ops *harness_ops(const struct harness *h)
{
    return h->ops;
}

const void *harness_conf(const struct harness *h)
{
    return h->conf;
}

uint32_t harness_promises(const struct harness *h)
{
    return h->ops->promise ? h->ops->promise(h->conf) : h->ops->promises;
}

const struct weir_result *harness_failure(const struct harness *h)
{
    return &h->failure;
}
