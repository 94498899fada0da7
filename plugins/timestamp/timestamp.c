/* SPDX-License-Identifier: BSD-2-Clause */
/* timestamp.c - a time from one format to another, out of the value or the record's own, and into either.
 *
 * Home thread only.  What becomes part of a JSON value is an edit; the record's own time and a value that is text alone
 * need a record made anew, which the host offers no edits with: so a transform does one of both. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/times.h"

#define OWN "record" /* in place of a format: the record's own time */

struct timestamp_conf {
    const struct weir_path *field, *into;
    const char *from, *to, *from_zone, *to_zone;
    int64_t on_missing;
};

#define FORMATS                                                                                              \
    "A format is one of these, or a pattern:\n\n"                                                            \
    "rfc3339: 2026-01-31T10:00:00.5Z, read also with a space for the T and without zone.\n\n"                \
    "unix, unix-ms, unix-us, unix-ns: a number of seconds, milli-, micro- or nanoseconds since 1970, read "  \
    "also "                                                                                                  \
    "with a fraction.\n\n"                                                                                   \
    "record: the record's own time."

static const struct weir_option rows[] = {
    WEIR_OPT_PATH(struct timestamp_conf, field, "field", 0, NULL,
                  "Field of the JSON value with the time, as .time; without it the whole value", NULL),
    WEIR_OPT_STRING(
        struct timestamp_conf, from, "from", WEIR_F_REQUIRED, NULL,
        "Format it has: unix, unix-ms, unix-us, unix-ns, rfc3339, a pattern as %d/%b/%Y:%T %z, or record",
        FORMATS),
    WEIR_OPT_STRING(struct timestamp_conf, to, "to", WEIR_F_REQUIRED, NULL,
                    "Format it gets, as in from; record sets the record's own time", NULL),
    WEIR_OPT_PATH(struct timestamp_conf, into, "into", 0, NULL,
                  "Field it is written to; without it the one it was read from", NULL),
    WEIR_OPT_STRING(struct timestamp_conf, from_zone, "from-zone", 0, "UTC",
                    "Zone of a text that names none: UTC, +02:00, or a name as Europe/Berlin", NULL),
    WEIR_OPT_STRING(struct timestamp_conf, to_zone, "to-zone", 0, "UTC", "Zone it is printed in", NULL),
    WEIR_OPT_ENUM(struct timestamp_conf, on_missing, "on-missing", 0, "keep", missings,
                  "What happens to a record whose field is missing or neither text nor number", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct timestamp_conf, rows);

struct timestamp {
    struct weir_ctx *ctx;
    const struct timestamp_conf *conf;
    struct times_format from, to;
    struct zone *from_zone, *to_zone; /* NULL: UTC */
    bool own;                         /* the record's time is to be set */
    const struct weir_path *into;     /* NULL: the record's time, or the whole value as text */
    struct each each;
};

static bool is_own(const char *format)
{
    return strcmp(format, OWN) == 0;
}

/* ---- options ---------------------------------------------------------------------------------------------------- */

static bool zone_for(const char *name, struct zone **ret, char *why, size_t cap)
{
    *ret = strcmp(name, "UTC") == 0 ? NULL : zone_open(name, why, cap);
    return *ret || strcmp(name, "UTC") == 0;
}

/* All that is in the texts, the files of zones with it: a name that is none is a mistake of the configuration.
 * *ret_option is the one that is wrong, and why says so. */
static bool compile(struct timestamp *t, const char **ret_option, char *why, size_t cap)
{
    const struct timestamp_conf *conf = t->conf;
    *ret_option = "from";
    if (!is_own(conf->from) &&
        (!times_format(&t->from, conf->from, why, cap) || !times_readable(&t->from, why, cap)))
        return false;
    *ret_option = "to";
    if (!is_own(conf->to) && !times_format(&t->to, conf->to, why, cap))
        return false;
    *ret_option = "from-zone";
    if (!zone_for(conf->from_zone, &t->from_zone, why, cap))
        return false;
    *ret_option = "to-zone";
    return zone_for(conf->to_zone, &t->to_zone, why, cap);
}

static int timestamp_check(struct weir_ctx *ctx, const void *options_given, struct weir_problems *to)
{
    const struct timestamp_conf *conf = options_given;
    struct timestamp t = {.ctx = ctx, .conf = conf};
    const char *option;
    char why[400] = "";
    if (!compile(&t, &option, why, sizeof why))
        ctx->host->problem(to, option, why);
    zone_free(t.from_zone);
    zone_free(t.to_zone);
    if (is_own(conf->from) && conf->field)
        ctx->host->problem(to, "field", "from = record reads no field; into names the one it is written to");
    if (is_own(conf->to) && is_own(conf->from))
        ctx->host->problem(to, "to", "from and to are both the record's own time, so there is nothing to do");
    else if (is_own(conf->from) && !conf->into)
        ctx->host->problem(to, "into", "from = record needs into, the field the time is written to");
    if (is_own(conf->to) && conf->into)
        ctx->host->problem(to, "into", "to = record sets the record's own time and no field");
    else if (conf->into && !conf->field && !is_own(conf->from))
        ctx->host->problem(to, "into",
                           "without field the whole value is the time, and there is no field beside it");
    if (conf->on_missing == MISSING_NULL && is_own(conf->to))
        ctx->host->problem(to, "on-missing", "null sets a field, and to = record has none");
    return WEIR_OK;
}

static void timestamp_destroy(void *self)
{
    struct timestamp *t = self;
    zone_free(t->from_zone);
    zone_free(t->to_zone);
    each_free(&t->each);
    t->ctx->host->mem(t->ctx, t, 0);
}

static int timestamp_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct timestamp *t = ctx->host->mem(ctx, NULL, sizeof *t);
    const char *option;
    char why[400] = "";
    memset(t, 0, sizeof *t);
    t->ctx = ctx;
    t->conf = conf;
    t->own = is_own(t->conf->to);
    t->into = t->own ? NULL : t->conf->into ? t->conf->into : t->conf->field;
    each_init(&t->each, ctx);
    if (compile(t, &option, why, sizeof why)) {
        *self = t;
        return WEIR_OK;
    }
    timestamp_destroy(t);
    return weir_fail(ctx, WEIR_FATAL, 0, "%s: %s", option, why);
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static int write_time(struct timestamp *t, struct each *e, struct times_point at)
{
    struct weir_record changed = *e->record;
    if (t->own) {
        changed.time_ms = times_to_ms(at);
        changed.flags |= WEIR_REC_SHARES_PARENT;
        return changed.time_ms == e->record->time_ms ? WEIR_OK : each_emit(e, &changed);
    }
    char *text = each_alloc(e, TIMES_TEXT_MAX);
    struct weir_slice printed = {text, times_print(&t->to, t->to_zone, at, text)};
    if (!printed.len)
        return each_reject(e, "time", "the time can't be printed: it is not of the years 1 to 9999");
    if (t->into) {
        each_edit(e, times_is_number(&t->to) ? WEIR_EDIT_SET : WEIR_EDIT_STRING, t->into, printed);
        return WEIR_OK;
    }
    changed.value = printed;
    return each_emit(e, &changed);
}

static int read_time(struct timestamp *t, struct each *e, struct weir_slice text)
{
    struct times_point at;
    int64_t near = e->record->time_ms;
    if (near == WEIR_NO_TIME && times_needs_near(&t->from))
        near = t->ctx->host->wall_ms(t->ctx);
    const char *why = times_read(&t->from, t->from_zone, near / 1000, text, &at);
    return why ? each_reject(e, "time", "by from = %s the time can't be read: %s", t->conf->from, why)
               : write_time(t, e, at);
}

static int of_record(void *self, struct each *e)
{
    struct timestamp *t = self;
    if (e->record->time_ms == WEIR_NO_TIME)
        return each_missing(e, t->conf->on_missing, t->into, "the record has no time");
    return write_time(t, e, times_of_ms(e->record->time_ms));
}

static int of_value(void *self, struct each *e)
{
    return read_time(self, e, e->record->value);
}

static int of_field(void *self, struct each *e)
{
    struct timestamp *t = self;
    struct weir_span span;
    int r = each_json(e, t->conf->field, &span);
    if (r != WEIR_OK)
        return r;
    if (span.type == WEIR_JSON_STRING)
        return read_time(t, e, t->ctx->host->json_string(t->ctx, &span));
    if (span.type == WEIR_JSON_NUMBER)
        return read_time(t, e, (struct weir_slice){span.ptr, span.len});
    return each_missing(e, t->conf->on_missing, t->into, "the field with the time is %s",
                        span.type == WEIR_JSON_MISSING ? "missing" : "neither a text nor a number");
}

static int timestamp_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct timestamp *t = self;
    uint32_t want = t->into ? 0 : WEIR_WANT_VALUE; /* a record made anew has the value's bytes */
    return each_run(&t->each, batch, to, want,
                    is_own(t->conf->from) ? of_record
                    : t->conf->field      ? of_field
                                          : of_value,
                    t);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .check = timestamp_check,
    .create = timestamp_create,
    .process = timestamp_process,
    .destroy = timestamp_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "timestamp", "0.1.0", "Times from one format to another", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
