/* SPDX-License-Identifier: BSD-2-Clause */
/* route.c - sets a record's topic: by a template, or by a regex that the whole of it fits.
 *
 * Home thread only. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/regex.h"

#define TOPIC_MAX (64u << 10) /* bytes of a topic that a replacement may make */

static const char *const policies[] = {"keep", "drop", "reject", NULL}; /* MISSING_*, without null */

struct route_conf {
    const struct weir_template *topic;
    const char *regex, *replacement;
    int64_t on_missing;
};

static const struct weir_option rows[] = {
    WEIR_OPT_TEMPLATE(struct route_conf, topic, "topic", 0, NULL,
                      "The record's new topic, as {topic}-{time:%Y%m%d} or web-{.tenant}", NULL),
    WEIR_OPT_STRING(struct route_conf, regex, "regex", 0, NULL,
                    "Regex (PCRE2) that the whole topic has to fit; a topic that does not fit stays", NULL),
    WEIR_OPT_STRING(struct route_conf, replacement, "replacement", 0, NULL,
                    "New topic of one that fits regex; $1 or $name is a group", NULL),
    WEIR_OPT_ENUM(struct route_conf, on_missing, "on-missing", 0, "reject", policies,
                  "What happens to a record that lacks a field of the template", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct route_conf, rows);

struct route {
    struct weir_ctx *ctx;
    const struct route_conf *conf;
    struct regex *regex;
    struct regex_subst *replacement;
    struct each each;
    char *from, *to; /* the last topic that fitted, and what became of it: most come in runs */
    size_t from_len, to_len;
};

/* False: *ret_option is wrong, and why says so. */
static bool compile(struct route *r, const char **ret_option, char *why, size_t cap)
{
    if (!r->conf->regex)
        return true;
    *ret_option = "regex";
    r->regex = regex_compile(r->ctx, r->conf->regex, REGEX_WHOLE, why, cap);
    if (!r->regex)
        return false;
    *ret_option = "replacement";
    r->replacement = regex_subst_compile(r->regex, r->ctx, r->conf->replacement, why, cap);
    return r->replacement != NULL;
}

static void uncompile(struct route *r)
{
    regex_subst_free(r->replacement);
    regex_free(r->regex);
}

static int route_check(struct weir_ctx *ctx, const void *options_given, struct weir_problems *to)
{
    const struct route_conf *conf = options_given;
    struct route r = {.ctx = ctx, .conf = conf};
    const char *option;
    char why[400] = "";
    if (!conf->topic == !conf->regex) {
        ctx->host->problem(
            to, NULL,
            conf->topic ? "topic and regex exclude each other; write two transforms, one behind the other"
                        : "topic = TEMPLATE or regex with replacement is needed");
    } else if (!conf->regex != !conf->replacement) {
        ctx->host->problem(to, NULL, "regex and replacement need each other");
    } else if (!compile(&r, &option, why, sizeof why)) {
        ctx->host->problem(to, option, why);
    }
    uncompile(&r);
    return WEIR_OK;
}

static void route_destroy(void *self)
{
    struct route *r = self;
    uncompile(r);
    if (r->from)
        r->ctx->host->mem(r->ctx, r->from, 0);
    if (r->to)
        r->ctx->host->mem(r->ctx, r->to, 0);
    each_free(&r->each);
    r->ctx->host->mem(r->ctx, r, 0);
}

static int route_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct route *r = ctx->host->mem(ctx, NULL, sizeof *r);
    const char *option;
    char why[400] = "";
    memset(r, 0, sizeof *r);
    r->ctx = ctx;
    r->conf = conf;
    each_init(&r->each, ctx);
    if (compile(r, &option, why, sizeof why)) {
        *self = r;
        return WEIR_OK;
    }
    route_destroy(r);
    return weir_fail(ctx, WEIR_FATAL, 0, "%s: %s", option, why);
}

static int to_topic(struct each *e, struct weir_slice topic)
{
    struct weir_record changed = *e->record;
    if (!topic.len)
        return each_reject(e, "topic", "the new topic is empty");
    if (topic.len == changed.topic.len && memcmp(topic.ptr, changed.topic.ptr, topic.len) == 0)
        return WEIR_OK;
    changed.topic = topic;
    return each_emit(e, &changed);
}

static int by_template(void *self, struct each *e)
{
    const struct route *r = self;
    struct weir_slice topic;
    int status = each_render(e, r->conf->topic, &topic);
    if (status == WEIR_OK)
        return to_topic(e, topic);
    if (status != WEIR_REJECT || r->conf->on_missing == MISSING_REJECT)
        return status;
    return r->conf->on_missing == MISSING_DROP ? EACH_DROP : WEIR_OK;
}

static void remember(const struct route *r, char **to, size_t *to_len, struct weir_slice text)
{
    *to = r->ctx->host->mem(r->ctx, *to, text.len + 1);
    memcpy(*to, text.ptr, text.len);
    *to_len = text.len;
}

static int by_regex(void *self, struct each *e)
{
    struct route *r = self;
    struct weir_slice old = e->record->topic, topic;
    if (!old.len)
        return WEIR_OK;
    if (r->from && r->from_len == old.len && memcmp(r->from, old.ptr, old.len) == 0)
        return to_topic(e, (struct weir_slice){r->to, r->to_len});
    int found = regex_replace(r->replacement, old, false, 1, TOPIC_MAX, &topic);
    if (found < 0)
        return each_reject(e, "regex", "the new topic can't be made: %s", regex_error(found));
    if (topic.len) {
        remember(r, &r->from, &r->from_len, old);
        remember(r, &r->to, &r->to_len, topic);
    }
    return to_topic(e, topic);
}

static int route_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct route *r = self; /* a record made anew has the value's bytes */
    return each_run_all(&r->each, batch, to, WEIR_WANT_VALUE, r->conf->topic ? by_template : by_regex, r);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .check = route_check,
    .create = route_create,
    .process = route_process,
    .destroy = route_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "route", "0.1.0", "Sets a record's topic",
                                          "BSD-2-Clause",   NULL,    ops};
WEIR_PLUGIN(plugin);
