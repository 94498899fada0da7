/* SPDX-License-Identifier: BSD-2-Clause */
/* harness.c - the fake host's life cycle, clock and stepping; see harness.h. */
#include "harness_private.h"

#include "report/log.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

void harness_die(const struct harness *h, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "harness: %s: ", h && h->name ? h->name : "?");
    vfprintf(stderr, format, ap);
    va_end(ap);
    if (h && h->inside)
        fprintf(stderr, " (inside %s)", h->inside);
    if (h && h->log.len)
        fprintf(stderr, "\nits log:\n%s", h->log.data);
    fprintf(stderr, "\n");
    abort();
}

void harness_home(const struct harness *h, const char *what)
{
    if (!pthread_equal(pthread_self(), h->home))
        harness_die(h, "%s was called by a thread that is not home", what);
    if (!h->inside)
        harness_die(h, "%s was called outside of any callback", what);
}

void harness_enter(struct harness *h, const char *callback)
{
    if (h->inside)
        harness_die(h, "the test called %s from inside a callback", callback);
    h->inside = callback;
    memset(&h->failure, 0, sizeof h->failure);
}

int harness_leave(struct harness *h, int status)
{
    if (status < WEIR_SPLIT || status > WEIR_END)
        harness_die(h, "%s returned %d, which is no status", h->inside, status);
    h->inside = NULL;
    return status;
}

/* ---- loading ------------------------------------------------------------------------------------------------- */

static const struct weir_plugin *open_file(const char *file)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        harness_die(NULL, "cannot load %s: %s", file, dlerror());
    const struct weir_plugin *(*entry)(void);
    *(void **)&entry = dlsym(handle, "weir_plugin_entry");
    if (!entry)
        harness_die(NULL, "%s has no weir_plugin_entry", file);
    return entry();
}

static const struct weir_plugin *builtins[16];

void harness_builtin(const struct weir_plugin *plugin)
{
    size_t i = 0;
    while (builtins[i] && strcmp(builtins[i]->name, plugin->name) != 0)
        if (++i == sizeof builtins / sizeof builtins[0])
            harness_die(NULL, "more than %zu plugins are built in", i);
    builtins[i] = plugin;
}

static const struct weir_plugin *find_plugin(const char *name)
{
    for (size_t i = 0; i < sizeof builtins / sizeof builtins[0] && builtins[i]; i++)
        if (strcmp(builtins[i]->name, name) == 0)
            return builtins[i];
    const char *path = getenv("WEIR_PLUGIN_PATH");
    struct strbuf file = {0};
    for (const char *p = path ? path : "plugins/built"; *p;) {
        size_t n = strcspn(p, ":");
        file.len = 0;
        strbuf_printf(&file, "%.*s/%s.so", (int)n, p, name);
        if (access(file.data, R_OK) == 0) {
            const struct weir_plugin *found = open_file(file.data);
            strbuf_free(&file);
            return found;
        }
        p += n + (p[n] == ':');
    }
    harness_die(NULL, "there is no %s.so in WEIR_PLUGIN_PATH=%s", name, path ? path : "(plugins/built)");
}

static const struct weir_ops *find_ops(const struct weir_plugin *plugin, const char *name, uint32_t kind)
{
    if (!plugin || plugin->magic != WEIR_MAGIC || plugin->abi_major != WEIR_ABI_MAJOR ||
        plugin->layout != WEIR_LAYOUT || strcmp(plugin->name, name) != 0)
        harness_die(NULL, "%s.so is not a plugin of that name for this header", name);
    if (plugin->global_init && plugin->global_init() != 0)
        harness_die(NULL, "global_init of %s failed", name);
    for (size_t i = 0; plugin->ops[i]; i++)
        if (plugin->ops[i]->kind == kind)
            return plugin->ops[i];
    harness_die(NULL, "the plugin %s is not of kind %u", name, kind);
}

static struct harness *harness_new(const char *plugin, uint32_t kind)
{
    struct harness *h = xcalloc(1, sizeof *h);
    h->name = xstrdup(plugin);
    h->plugin = find_plugin(plugin);
    h->ops = find_ops(h->plugin, plugin, kind);
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
        harness_die(h, "check returned %d without any problem()", status);
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
    harness_enter(h, "open");
    int status = harness_leave(h, h->ops->open ? h->ops->open(h->self) : WEIR_OK);
    h->opened = status == WEIR_OK;
    return status;
}

static int64_t real_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool harness_open_within(struct harness *h, int timeout_ms)
{
    int64_t end = real_ms(CLOCK_MONOTONIC) + timeout_ms;
    int status;
    while ((status = harness_open(h)) == WEIR_RETRY && real_ms(CLOCK_MONOTONIC) < end)
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

/* After a failed open too: the plugin may have got half way. */
void harness_close(struct harness *h)
{
    if (!h->created)
        return;
    harness_enter(h, "close");
    if (h->ops->close)
        h->ops->close(h->self);
    harness_leave(h, WEIR_OK);
    h->opened = false;
    h->n_fds = 0;
    h->wake_at = INT64_MAX;
    for (struct weir_batch *b = h->batches; b; b = b->next)
        if (b->state == BATCH_LENT)
            b->state = BATCH_GIVEN_UP;
}

static void destroy(struct harness *h)
{
    harness_enter(h, "destroy");
    h->ops->destroy(h->self);
    harness_leave(h, WEIR_OK);
    h->created = false;
    if (h->pieces_held || h->bufs)
        harness_die(h, "after destroy it still holds %zu bytes: %zu blocks of mem, %zu buffers", h->held,
                    h->pieces_held, h->bufs);
}

void harness_free(struct harness *h)
{
    harness_out_clear(h);
    for (struct weir_batch *b = h->batches; b; b = b->next)
        if (b->state == BATCH_LENT)
            harness_die(h, "a batch of %u records was never completed", b->count);
    if (h->created) {
        harness_close(h);
        destroy(h);
    }
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
