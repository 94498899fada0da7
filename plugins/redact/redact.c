/* SPDX-License-Identifier: BSD-2-Clause */
/* redact.c - makes fields, or what patterns fit in them, unreadable.
 *
 * Home thread only.  What is looked for is find.c's and look.c's, what becomes of it act.c's; here is which values, and
 * that no record passes that could not be looked at. */
#define WEIR_API 1
#include "../common/each.h"
#include "../common/jsonscan.h"
#include "look.h"
#include "scan.h"

enum { OF_JSON, OF_TEXT };
static const char *const actions[] = {"mask", "replace", "hash", "drop", "blank", NULL};
static const char *const ofs[] = {"json", "text", NULL};
static const char *const absents[] = {"keep", "drop", "reject", NULL};

struct redact_conf {
    struct weir_paths fields;
    struct weir_list patterns;
    struct weir_map own;
    int64_t action, of, keep_last, on_missing;
    const char *mask, *replacement;
    const struct weir_secret *key;
};

static const struct weir_option rows[] = {
    WEIR_OPT_PATHS(struct redact_conf, fields, "fields", 0, NULL,
                   "Fields that are redacted, or looked through for patterns; without them the whole value",
                   NULL),
    WEIR_OPT_LIST(struct redact_conf, patterns, "patterns", 0, NULL,
                  "What is looked for: card, mail, ip, iban, token; without any, fields are redacted "
                  "whatever they hold",
                  NULL),
    WEIR_OPT_MAP(struct redact_conf, own, "pattern.", 0, "Regular expression that is looked for too",
                 "pattern.plate = \\b[A-Z]{2} \\d{4}\\b looks for plates. Where it has a group, only what "
                 "its first group "
                 "took is redacted. A regex that takes too long at a record makes it a record error."),
    WEIR_OPT_ENUM(
        struct redact_conf, action, "action", 0, "mask", actions, "What becomes of it",
        "mask puts mask-character in the place of each character, replace puts replacement in the place of "
        "all, "
        "hash its HMAC-SHA-256 with key in hexadecimal digits; drop removes the field; blank empties the "
        "field's value and leaves its type."),
    WEIR_OPT_ENUM(struct redact_conf, of, "of", 0, "json", ofs,
                  "What the value is: JSON, or text of any kind, as a line of a log", NULL),
    WEIR_OPT_INT(struct redact_conf, keep_last, "keep-last", 0, "0", 0, 64,
                 "Characters at the end that mask leaves; less than twice as many are masked as a whole",
                 NULL),
    WEIR_OPT_STRING(struct redact_conf, mask, "mask-character", 0, "*", "Character that mask writes", NULL),
    WEIR_OPT_STRING(struct redact_conf, replacement, "replacement", 0, NULL,
                    "Text that replace writes; with blank, what strings and numbers become", NULL),
    WEIR_OPT_SECRET(struct redact_conf, key, "key", 0, "Key of the hash", NULL),
    WEIR_OPT_ENUM(struct redact_conf, on_missing, "on-missing", 0, "keep", absents,
                  "What happens to a record that lacks a field", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct redact_conf, rows);

enum { REDACTED };
static const struct weir_metric metric_rows[] = {
    {"redacted", WEIR_COUNTER, 0, NULL, "Texts in which something was redacted"},
};
static const struct weir_metrics metrics = WEIR_METRICS(metric_rows);

enum place { PLACE_UNSEEN, PLACE_MEMBER, PLACE_ELEMENT };

struct redactor {
    struct weir_ctx *ctx;
    const struct redact_conf *conf;
    struct each each;
    struct look look;
    struct names names;
    struct text out;
    struct weir_span *spans; /* of each field, in this record */
    enum place *places;      /* what each field is, when it was seen */
    size_t *drops;           /* fields of this record that are to go */
    size_t n_drops;
    struct weir_slice whole; /* value of this record, edits of earlier stages with it */
};

/* ---- options ---------------------------------------------------------------------------------------------------- */
/* FIND_*, or -1. */
static int pattern_named(const char *name)
{
    for (int i = 0; find_names[i]; i++) {
        if (strcmp(find_names[i], name) == 0)
            return i;
    }
    return -1;
}

static bool one_character(const char *s)
{
    unsigned char c = (unsigned char)s[0];
    if (c < 0x20 || c == 0x7F)
        return false;
    return strlen(s) == (c < 0x80 ? 1u : c < 0xE0 ? 2u : c < 0xF0 ? 3u : 4u);
}

static void check_patterns(struct weir_ctx *ctx, const struct redact_conf *c, struct weir_problems *to)
{
    char why[200], option[100];
    for (size_t i = 0; i < c->patterns.count; i++) {
        if (pattern_named(c->patterns.items[i]) < 0)
            weir_problemf(ctx, to, "patterns",
                          "there is no pattern \"%s\"; there are card, mail, ip, iban and token, "
                          "and pattern.NAME = REGEX for your own",
                          c->patterns.items[i]);
    }
    for (size_t i = 0; i < c->own.count; i++) {
        struct regex *regex = regex_compile(ctx, c->own.items[i].value, 0, why, sizeof why);
        (void)snprintf(option, sizeof option, "pattern.%s", c->own.items[i].name);
        if (!regex)
            ctx->host->problem(to, option, why);
        regex_free(regex);
    }
}

static int redact_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct redact_conf *c = conf;
    check_patterns(ctx, c, to);
    if (c->of == OF_TEXT && c->fields.count)
        ctx->host->problem(to, "fields", "text has no fields: write of = json, or leave fields out");
    if (c->of == OF_JSON && !c->fields.count && !c->patterns.count && !c->own.count)
        ctx->host->problem(to, NULL,
                           "it is not said what is to be redacted: write fields, patterns, or both");
    if (c->action == ACT_DROP && !c->fields.count)
        ctx->host->problem(to, "action", "drop removes fields, so it needs fields");
    if (c->action == ACT_REPLACE && !c->replacement)
        ctx->host->problem(to, "replacement", "action = replace needs it");
    if (c->replacement && c->action != ACT_REPLACE && c->action != ACT_BLANK)
        ctx->host->problem(to, "replacement", "it is for action = replace and action = blank");
    if (c->action == ACT_HASH && !c->key)
        ctx->host->problem(to, "key",
                           "action = hash needs it; without a key anybody could hash all cards and compare");
    if (c->key && c->action != ACT_HASH)
        ctx->host->problem(to, "key", "it is for action = hash");
    if (!one_character(c->mask))
        ctx->host->problem(to, "mask-character", "it is one character");
    return WEIR_OK;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */
static int is_number(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    (void)path;
    *(bool *)opaque = span->type == WEIR_JSON_NUMBER && path.len == 0;
    return WEIR_OK;
}

static int make_patterns(struct redactor *r)
{
    const struct redact_conf *c = r->conf;
    struct look *l = &r->look;
    char why[200];
    for (size_t i = 0; i < c->patterns.count; i++) {
        int k = pattern_named(c->patterns.items[i]);
        l->which |= k < 0 ? 0 : 1u << k;
    }
    if (c->own.count)
        l->own = r->ctx->host->mem(r->ctx, NULL, c->own.count * sizeof *l->own);
    for (; l->n_own < c->own.count; l->n_own++) {
        l->own[l->n_own].name = c->own.items[l->n_own].name;
        l->own[l->n_own].regex = regex_compile(r->ctx, c->own.items[l->n_own].value, 0, why, sizeof why);
        if (!l->own[l->n_own].regex)
            return weir_fail(r->ctx, WEIR_FATAL, 0, "pattern.%s: %s", l->own[l->n_own].name, why);
    }
    return WEIR_OK;
}

static void redact_destroy(void *self)
{
    struct redactor *r = self;
    each_free(&r->each);
    look_free(&r->look);
    names_free(&r->names);
    text_free(&r->out);
    if (r->spans)
        r->ctx->host->mem(r->ctx, r->spans, 0);
    if (r->places)
        r->ctx->host->mem(r->ctx, r->places, 0);
    if (r->drops)
        r->ctx->host->mem(r->ctx, r->drops, 0);
    r->ctx->host->mem(r->ctx, r, 0);
}

static int redact_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct redactor *r = ctx->host->mem(ctx, NULL, sizeof *r);
    const struct redact_conf *c = conf;
    bool number = false;
    int status;
    memset(r, 0, sizeof *r);
    r->ctx = r->look.ctx = r->names.ctx = r->out.ctx = ctx;
    r->look.found.ctx = r->look.piece.ctx = r->look.instead.ctx = ctx;
    r->conf = c;
    r->look.act = (struct act){c->action, c->keep_last, c->mask, c->replacement, NULL};
    if (c->replacement && ctx->host->json_walk(ctx, weir_str(c->replacement), is_number, &number) == WEIR_OK)
        r->look.number = number;
    if (c->fields.count) {
        r->spans = ctx->host->mem(ctx, NULL, c->fields.count * sizeof *r->spans);
        r->places = ctx->host->mem(ctx, NULL, c->fields.count * sizeof *r->places);
        memset(r->places, 0, c->fields.count * sizeof *r->places);
        r->drops = ctx->host->mem(ctx, NULL, c->fields.count * sizeof *r->drops);
    }
    each_init(&r->each, ctx);
    status = make_patterns(r);
    if (status != WEIR_OK)
        redact_destroy(r);
    else
        *self = r;
    return status;
}

struct key_use {
    struct act *act;
    bool empty, set;
};

static void use_key(void *opaque, struct weir_slice key)
{
    struct key_use *use = opaque;
    use->empty = key.len == 0;
    use->set = !use->empty && act_key(use->act, key);
}

static int redact_open(void *self)
{
    struct redactor *r = self;
    struct key_use use = {&r->look.act, false, false};
    if (r->conf->action != ACT_HASH)
        return WEIR_OK;
    if (r->ctx->host->secret(r->ctx, r->conf->key, use_key, &use) != WEIR_OK)
        return weir_fail(r->ctx, WEIR_RETRY, 0, "key can't be read");
    if (use.empty)
        return weir_fail(r->ctx, WEIR_FATAL, 0, "key is empty");
    return use.set ? WEIR_OK : weir_fail(r->ctx, WEIR_FATAL, 0, "libcrypto has no HMAC-SHA-256");
}

/* ---- records ---------------------------------------------------------------------------------------------------- */
static int unseen(struct redactor *r, struct each *e)
{
    return each_reject(e, "redact", "%s", r->look.why);
}

static int emit_value(struct redactor *r, struct each *e)
{
    struct weir_record changed = *e->record;
    changed.value = (struct weir_slice){r->out.len ? r->out.data : "", r->out.len};
    return each_emit(e, &changed);
}

static int redact_text(void *self, struct each *e)
{
    struct redactor *r = self;
    int answer;
    r->out.len = 0;
    r->look.time = REGEX_TIME;
    answer = look_text(&r->look, e->record->value, false, &r->out);
    return answer == LOOK_FAILED ? unseen(r, e) : answer == LOOK_SAME ? WEIR_OK : emit_value(r, e);
}

static int redact_whole(void *self, struct each *e)
{
    struct redactor *r = self;
    struct weir_span span;
    int answer, status = each_json(e, NULL, &span);
    if (status != WEIR_OK)
        return status;
    r->out.len = 0;
    r->look.time = REGEX_TIME;
    answer = look_json(&r->look, (struct weir_slice){span.ptr, span.len}, &r->out);
    return answer == LOOK_FAILED ? unseen(r, e) : answer == LOOK_SAME ? WEIR_OK : emit_value(r, e);
}

static void drop_field(struct redactor *r, size_t i, const struct weir_span *span)
{
    if (r->places[i] == PLACE_UNSEEN)
        r->places[i] = jsonscan_is_member(r->whole, span->ptr) ? PLACE_MEMBER : PLACE_ELEMENT;
    r->look.made++;
    r->drops[r->n_drops++] = i;
}

/* An element becomes null, so that the places of the others, which further paths may name, stay theirs; members go when
 * all of them are. */
static void drop_all(struct redactor *r, struct each *e)
{
    for (int removing = 0; removing <= 1; removing++) {
        for (size_t k = 0; k < r->n_drops; k++) {
            bool removed = r->places[r->drops[k]] == PLACE_MEMBER;
            if (removed == (removing == 1))
                each_edit(e, removed ? WEIR_EDIT_REMOVE : WEIR_EDIT_SET, r->conf->fields.items[r->drops[k]],
                          weir_str(removed ? "" : "null"));
        }
    }
}

/* What is the same whatever an array or object holds; false: its values are looked through. */
static bool redact_container(struct redactor *r, struct each *e, size_t i, const struct weir_span *span)
{
    const struct weir_path *path = r->conf->fields.items[i];
    if (look_has_patterns(&r->look) || (span->type != WEIR_JSON_ARRAY && span->type != WEIR_JSON_OBJECT))
        return false;
    if (r->conf->action == ACT_REPLACE)
        each_edit(e, WEIR_EDIT_STRING, path, weir_str(r->conf->replacement));
    else if (r->conf->action == ACT_BLANK)
        each_edit(e, WEIR_EDIT_SET, path, weir_str(span->type == WEIR_JSON_ARRAY ? "[]" : "{}"));
    else
        return false;
    r->look.made++;
    return true;
}

static int find_fields(struct redactor *r, struct each *e)
{
    int status = WEIR_OK;
    for (size_t i = 0; i < r->conf->fields.count && status == WEIR_OK; i++) {
        const struct weir_path *path = r->conf->fields.items[i];
        status = each_json(e, path, &r->spans[i]);
        if (status == WEIR_OK && r->spans[i].type == WEIR_JSON_MISSING)
            status = each_missing(e, r->conf->on_missing, path, "a field that is to be redacted is missing");
    }
    return status;
}

/* What becomes of the field is what becomes of another one: it lies in that, or another path led to it before. */
static bool is_covered(const struct redactor *r, size_t i)
{
    const struct weir_span *s = &r->spans[i];
    uintptr_t at = (uintptr_t)s->ptr;
    for (size_t k = 0; k < r->conf->fields.count; k++) {
        const struct weir_span *o = &r->spans[k];
        uintptr_t from = (uintptr_t)o->ptr;
        if (k != i && at >= from && at - from + s->len <= o->len && (k < i || o->len > s->len))
            return true;
    }
    return false;
}

static int redact_field(struct redactor *r, struct each *e, size_t i)
{
    const struct weir_path *path = r->conf->fields.items[i];
    const struct weir_span *span = &r->spans[i];
    int answer;
    char *copy;
    if (span->type == WEIR_JSON_MISSING || is_covered(r, i))
        return WEIR_OK;
    if (r->conf->action == ACT_DROP && !look_has_patterns(&r->look)) {
        drop_field(r, i, span);
        return WEIR_OK;
    }
    if (redact_container(r, e, i, span))
        return WEIR_OK;
    r->out.len = 0;
    answer = look_json(&r->look, (struct weir_slice){span->ptr, span->len}, &r->out);
    if (answer == LOOK_FAILED)
        return unseen(r, e);
    if (answer == LOOK_SAME)
        return WEIR_OK;
    if (r->conf->action == ACT_DROP) {
        drop_field(r, i, span);
        return WEIR_OK;
    }
    copy = each_alloc(e, r->out.len);
    memcpy(copy, r->out.data, r->out.len);
    each_edit(e, WEIR_EDIT_SET, path, (struct weir_slice){copy, r->out.len});
    return WEIR_OK;
}

static int redact_fields(void *self, struct each *e)
{
    struct redactor *r = self;
    struct weir_span whole;
    int status = each_json(e, NULL, &whole);
    r->whole = (struct weir_slice){whole.ptr, whole.len};
    if (status == WEIR_OK && !names_differ(&r->names, r->whole))
        return each_reject(e, "redact",
                           "a name stands twice in an object, so a path may not name all there is");
    r->n_drops = 0;
    r->look.time = REGEX_TIME;
    if (status == WEIR_OK)
        status = find_fields(r, e);
    for (size_t i = 0; i < r->conf->fields.count && status == WEIR_OK; i++)
        status = redact_field(r, e, i);
    if (status == WEIR_OK)
        drop_all(r, e);
    return status;
}

static int redact_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct redactor *r = self;
    int status;
    r->look.made = 0;
    if (r->conf->of == OF_TEXT)
        status = each_run(&r->each, batch, to, WEIR_WANT_VALUE, redact_text, r);
    else
        status = each_run(&r->each, batch, to, 0, r->conf->fields.count ? redact_fields : redact_whole, r);
    if (r->look.made)
        r->ctx->host->count(r->ctx, REDACTED, (int64_t)r->look.made);
    return status;
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_ONE_TO_ONE | WEIR_NO_HEADERS,
    .options = &options,
    .metrics = &metrics,
    .check = redact_check,
    .create = redact_create,
    .open = redact_open,
    .process = redact_process,
    .destroy = redact_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "redact", "0.1.0", "Fields and patterns made unreadable", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
