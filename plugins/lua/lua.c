/* SPDX-License-Identifier: BSD-2-Clause */
/* lua.c - a function in Lua makes records of each record.
 *
 * Home thread only; each instance has a state of its own (script.h).  All that may raise a Lua error, so reading the
 * record, the function itself and reading what it returned, runs in one protected call; what came of it is emitted
 * after that. */
#define WEIR_API 1
#include "../common/source.h"
#include "script.h"
#include "view.h"

enum { AS_JSON, AS_TEXT };
static const char *const forms[] = {"json", "text", NULL};

struct lua_conf {
    const char *script, *code;
    int64_t value, instructions, memory, max_records;
};

static const struct weir_option rows[] = {
    WEIR_OPT_STRING(
        struct lua_conf, script, "script", 0, NULL,
        "File with the script, which has a function process(record)",
        "A path that does not begin with a slash starts where weir was started. The file is read when the "
        "pipeline starts."),
    WEIR_OPT_STRING(struct lua_conf, code, "code", 0, NULL, "The script itself, instead of a file",
                    "On one line, in double quotes when it has a semicolon in it."),
    WEIR_OPT_ENUM(
        struct lua_conf, value, "value", 0, "json", forms,
        "json: record.value is the JSON value; text: it is a string of its bytes",
        "json: a value that is not JSON is a record error, but only when the script looks at record.value."),
    WEIR_OPT_INT(struct lua_conf, instructions, "instructions", 0, "10000000", 1000, INT64_C(1000000000000),
                 "A record that takes more instructions of Lua is a record error",
                 "Counted in steps of a thousand. Loading the script has the same limit."),
    WEIR_OPT_SIZE(struct lua_conf, memory, "memory", 0, "16M", 256 << 10, (int64_t)1 << 30,
                  "Most memory that the script may have, and most bytes of the records that it makes of one",
                  NULL),
    WEIR_OPT_INT(struct lua_conf, max_records, "max-records", 0, "10000", 1, 1000000,
                 "A record that would become more is a record error", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct lua_conf, rows);

enum { FORGOTTEN };
static const struct weir_metric metric_rows[] = {
    {.name = "forgotten",
     .kind = WEIR_COUNTER,
     .help = "Times the script began anew and lost what it had kept in its globals"},
};
static const struct weir_metrics metrics = WEIR_METRICS(metric_rows);

struct lua {
    struct weir_ctx *ctx;
    const struct lua_conf *conf;
    struct each each;
    struct script script;
    struct view view;
    char *text, *name; /* of the script */
    bool told;         /* that it began anew */
};

static int prepare(lua_State *L)
{
    view_open(L, lua_touserdata(L, 1));
    return 0;
}

/* ---- the script -------------------------------------------------------------------------------------------------- */

/* Makes the state; false: why says it. */
static bool start(struct lua *m, char *why, size_t room)
{
    struct script *s = &m->script;
    const char *failure = NULL;
    size_t n = 0;
    if (m->conf->code) {
        s->text = weir_str(m->conf->code);
        s->name = "=code";
    } else {
        failure = source_read(m->ctx, m->conf->script, &m->text, &n);
        s->text = (struct weir_slice){m->text, n};
        n = strlen(m->conf->script) + 2;
        m->name = m->ctx->host->mem(m->ctx, NULL, n);
        (void)snprintf(m->name, n, "@%s", m->conf->script);
        s->name = m->name;
    }
    if (failure)
        (void)snprintf(why, room, "%s: %s", m->conf->script, failure);
    else if (!script_make(s))
        (void)snprintf(why, room, "%s", s->why);
    else
        return true;
    return false;
}

static void init(struct lua *m, struct weir_ctx *ctx, const struct lua_conf *conf)
{
    memset(m, 0, sizeof *m);
    m->ctx = ctx;
    m->conf = conf;
    each_init(&m->each, ctx);
    m->script.ctx = m->view.ctx = m->view.text.ctx = ctx;
    m->script.prepare = prepare;
    m->script.opaque = &m->view;
    m->script.instructions = conf->instructions;
    m->script.pool.limit = m->view.text.most = (size_t)conf->memory;
    m->view.as_text = conf->value == AS_TEXT;
    m->view.max_records = (size_t)conf->max_records;
    m->view.each = &m->each;
}

static void finish(struct lua *m)
{
    void *owned[] = {m->text, m->name, m->view.text.bytes, m->view.out};
    script_free(&m->script);
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (owned[i])
            m->ctx->host->mem(m->ctx, owned[i], 0);
    each_free(&m->each);
}

static int lua_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct lua_conf *c = conf;
    struct lua m;
    char why[500];
    if (!c->script == !c->code) {
        weir_problemf(ctx, problems, NULL, "it needs script or code, one of them");
        return WEIR_OK;
    }
    init(&m, ctx, c);
    if (!start(&m, why, sizeof why))
        weir_problemf(ctx, problems, c->script ? "script" : "code", "%s", why);
    finish(&m);
    return WEIR_OK;
}

static int lua_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct lua *m = ctx->host->mem(ctx, NULL, sizeof *m);
    char why[500];
    init(m, ctx, conf);
    if (!start(m, why, sizeof why)) {
        finish(m);
        ctx->host->mem(ctx, m, 0);
        return weir_fail(ctx, WEIR_FATAL, 0, "%s", why);
    }
    *self = m;
    return WEIR_OK;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static int one_record(lua_State *L)
{
    struct view *v = lua_touserdata(L, 1);
    view_push(L, v); /* stays there: a table that takes its address would be taken for it */
    (void)lua_getglobal(L, "process");
    lua_pushvalue(L, -2);
    lua_call(L, 1, 1);
    view_take(L, v);
    return 0;
}

static int failed(struct lua *m, struct each *e)
{
    bool anew;
    if (m->view.status != WEIR_OK)
        return m->view.status;
    if (!script_recover(&m->script, &anew))
        return weir_fail(m->ctx, WEIR_FATAL, 0, "the script could not begin anew: %s", m->script.why);
    if (anew) {
        m->ctx->host->count(m->ctx, FORGOTTEN, 1);
        if (!m->told)
            weir_logf(m->ctx, WEIR_LOG_WARNING,
                      "the script begins anew and forgets what it kept in its globals, as at each time that "
                      "its memory is full "
                      "of them or it does not heed its limits: %s",
                      m->script.why);
        m->told = true;
    }
    return each_reject(e, "lua", "%s", m->script.why);
}

/* Sends a record that the script made; to be returned. */
static int emit(struct lua *m, struct each *e, const struct view_out *o)
{
    struct weir_record r = o->record;
    if (o->printed)
        r.value.ptr = m->view.text.bytes + o->at;
    if (o->same)
        r.flags |= WEIR_REC_SHARES_PARENT;
    else
        r.flags &= ~WEIR_REC_SHARES_PARENT;
    return each_emit(e, &r);
}

static int run_one(void *self, struct each *e)
{
    struct lua *m = self;
    struct view *v = &m->view;
    int r = EACH_DONE;
    v->n_out = v->text.len = 0;
    v->status = WEIR_OK;
    if (!script_run(&m->script, one_record, v))
        return failed(m, e);
    if (v->n_out == 0)
        return EACH_DROP;
    if (v->n_out == 1 && v->out[0].same)
        return WEIR_OK;
    for (size_t i = 0; i < v->n_out && r == EACH_DONE; i++)
        r = emit(m, e, &v->out[i]);
    return r;
}

static int lua_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct lua *m = self;
    return each_run_all(&m->each, batch, to, WEIR_WANT_VALUE, run_one, m);
}

static void lua_destroy(void *self)
{
    struct lua *m = self;
    finish(m);
    m->ctx->host->mem(m->ctx, m, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .options = &options,
    .metrics = &metrics,
    .check = lua_check,
    .create = lua_create,
    .process = lua_process,
    .destroy = lua_destroy,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "lua", "0.1.0", "Makes records by a script in Lua", "BSD-2-Clause", NULL, ops};
WEIR_PLUGIN(plugin);
