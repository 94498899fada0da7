/* SPDX-License-Identifier: BSD-2-Clause */
/* multiline.c - lines that belong together, as of a stack trace, become one record.
 *
 * Home thread only.  Expressions say where a group begins, goes on and ends; they are evaluated for a whole batch at
 * once.  The host holds the lines of an open group, and calls when its time is over (common/groups.c). */
#define WEIR_API 1
#include <weir/helpers.h>

#include "../common/groups.h"

#include <stdbool.h>

enum { JOIN_NEWLINE, JOIN_SPACE, JOIN_NOTHING };
static const char *const joins[] = {"newline", "space", "nothing", NULL};
static const char *const separators[] = {"\n", " ", ""};

struct multiline_conf {
    const struct weir_expr *start, *more, *end;
    const struct weir_template *key;
    int64_t join, timeout, max_records, max_bytes;
};

static const struct weir_option rows[] = {
    WEIR_OPT_EXPR(struct multiline_conf, start, "start", 0, NULL, "True for the first line of a group", NULL),
    WEIR_OPT_EXPR(struct multiline_conf, more, "continue", 0, NULL,
                  "True for a line that belongs to the one before",
                  "Without it every line does that is no start of a group."),
    WEIR_OPT_EXPR(struct multiline_conf, end, "end", 0, NULL, "True for the last line of a group", NULL),
    WEIR_OPT_TEMPLATE(
        struct multiline_conf, key, "key", WEIR_F_FIELD, NULL,
        "Lines with the same text of it belong together; without it those of a file or partition",
        "For a file or partition into which several write at a time. Those of two files or "
        "partitions never belong together."),
    WEIR_OPT_ENUM(struct multiline_conf, join, "join", 0, "newline", joins, "What stands between the lines",
                  NULL),
    WEIR_OPT_DURATION(struct multiline_conf, timeout, "timeout", 0, "1s", 10, 30000,
                      "A group ends when no line of it came for so long", NULL),
    WEIR_OPT_INT(struct multiline_conf, max_records, "max-records", 0, "500", 2, 10000,
                 "A group ends when it has so many lines", NULL),
    WEIR_OPT_SIZE(struct multiline_conf, max_bytes, "max-bytes", 0, "1M", 1024, 64 << 20,
                  "A group ends before it has more bytes", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct multiline_conf, rows);

enum { START, MORE, END, EXPRESSIONS };

struct multiline {
    struct weir_ctx *ctx;
    const struct multiline_conf *conf;
    struct groups groups;
    uint8_t *verdicts[EXPRESSIONS]; /* one per record of a batch; of those there are */
    uint32_t cap;
};

static int multiline_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *problems)
{
    const struct multiline_conf *c = conf;
    if (!c->start && !c->more && !c->end)
        weir_problemf(ctx, problems, NULL,
                      "one of start, continue and end must say which lines belong together");
    return WEIR_OK;
}

static const struct weir_expr *expression(const struct multiline *m, int k)
{
    return k == START ? m->conf->start : k == MORE ? m->conf->more : m->conf->end;
}

static int multiline_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct multiline *m = ctx->host->mem(ctx, NULL, sizeof *m);
    memset(m, 0, sizeof *m);
    m->ctx = ctx;
    m->conf = conf;
    groups_init(&m->groups, ctx);
    m->groups.between = weir_str(separators[m->conf->join]);
    *self = m;
    return WEIR_OK;
}

static int reject(struct multiline *m, struct weir_emitter *to, uint32_t i, const char *type, const char *why)
{
    struct weir_result result;
    memset(&result, 0, sizeof result);
    result.index = i;
    result.status = WEIR_REJECT;
    result.type = type;
    result.why = why;
    return m->ctx->host->reject(to, i, &result);
}

/* What the expressions say of record i; false: one of them failed, and it was rejected. */
static bool judge(struct multiline *m, const struct weir_batch *batch, struct weir_emitter *to, uint32_t i,
                  bool said[EXPRESSIONS], int *ret)
{
    for (int k = 0; k < EXPRESSIONS; k++) {
        said[k] = expression(m, k) && m->verdicts[k][i] == 1;
        if (expression(m, k) && m->verdicts[k][i] == 2) {
            uint8_t again; /* match_error speaks of the last error only */
            *ret = m->ctx->host->match(m->ctx, expression(m, k), batch, i, 1, &again);
            if (*ret == WEIR_OK)
                *ret = reject(m, to, i, "expression", m->ctx->host->match_error(m->ctx));
            return false;
        }
    }
    if (!m->conf->more)
        said[MORE] = true;
    return true;
}

static int line(struct multiline *m, const struct weir_batch *batch, const struct weir_record *rec,
                struct weir_emitter *to, uint32_t i)
{
    const struct weir_host *host = m->ctx->host;
    struct weir_slice key = {NULL, 0};
    const char *why = NULL;
    bool said[EXPRESSIONS];
    int r = WEIR_OK;
    if (!judge(m, batch, to, i, said, &r))
        return r;
    if (m->conf->key)
        r = host->render(m->ctx, m->conf->key, batch, i, &key, &why);
    if (r == WEIR_REJECT)
        return reject(m, to, i, "key", why);
    if (r != WEIR_OK)
        return r;
    struct group *g = groups_at(&m->groups, rec->shard, key);
    bool full = g->records == (uint32_t)m->conf->max_records ||
                g->bytes + rec->value.len + g->records > (uint64_t)m->conf->max_bytes;
    if (g->records && (said[START] || !said[MORE] || full || !rec->value.ptr)) {
        r = groups_close(&m->groups, g, to, 0);
        g = groups_at(&m->groups, rec->shard, key);
    }
    if (r == WEIR_OK)
        r = groups_hold(&m->groups, g, to, i, rec->value.len, host->mono_ms(m->ctx) + m->conf->timeout);
    if (r == WEIR_OK && (said[END] || !rec->value.ptr)) /* a tombstone is no line: it stands alone */
        r = groups_close(&m->groups, g, to, 0);
    return r;
}

static int multiline_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    struct multiline *m = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    int r = m->ctx->host->view(m->ctx, batch, &view);
    if (r == WEIR_OK && view.count > m->cap) {
        m->cap = view.count;
        for (int k = 0; k < EXPRESSIONS; k++)
            m->verdicts[k] = m->ctx->host->mem(m->ctx, m->verdicts[k], m->cap);
    }
    for (int k = 0; k < EXPRESSIONS && r == WEIR_OK; k++)
        if (expression(m, k))
            r = m->ctx->host->match(m->ctx, expression(m, k), batch, 0, view.count, m->verdicts[k]);
    for (uint32_t i = 0; i < view.count && r == WEIR_OK; i++)
        r = line(m, batch, weir_record_at(&view, i), to, i);
    return r == WEIR_OK ? WEIR_OK : WEIR_FATAL;
}

static int multiline_release(void *self, struct weir_emitter *to, struct weir_batch *group, void *opaque,
                             uint32_t why)
{
    struct multiline *m = self;
    (void)group;
    (void)why;
    return groups_close(&m->groups, opaque, to, 0);
}

static void multiline_destroy(void *self)
{
    struct multiline *m = self;
    groups_free(&m->groups);
    for (int k = 0; k < EXPRESSIONS; k++)
        if (m->verdicts[k])
            m->ctx->host->mem(m->ctx, m->verdicts[k], 0);
    m->ctx->host->mem(m->ctx, m, 0);
}

static const struct weir_ops transform = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_TRANSFORM,
    .promises = WEIR_HOLDS | WEIR_NO_HEADERS,
    .options = &options,
    .check = multiline_check,
    .create = multiline_create,
    .process = multiline_process,
    .destroy = multiline_destroy,
    .release = multiline_release,
};
static const struct weir_ops *const ops[] = {&transform, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD, "multiline", "0.1.0", "Makes one record of lines that belong together",
    "BSD-2-Clause",   NULL,        ops};
WEIR_PLUGIN(plugin);
