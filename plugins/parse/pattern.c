/* SPDX-License-Identifier: BSD-2-Clause */
/* pattern.c - the formats regex and grok: fields are what named groups of a regex fitted.
 *
 * Home thread only.  Of several patterns the first that fits counts. */
#define WEIR_API 1
#include "parse.h"

#include "../common/regex.h"
#include "grok.h"

struct taken { /* a group that becomes a field */
    struct weir_slice name;
    uint32_t group;
    int type; /* TYPE_*, or GROK_UNTYPED */
};

struct pattern {
    struct grok grok; /* of the format grok */
    struct regex *regex;
    struct taken *taken; /* in the order of the groups */
    size_t n_taken;
};

struct patterns {
    struct pattern *list;
    size_t n;
};

struct making { /* what preparing one pattern needs */
    struct weir_ctx *ctx;
    const struct parse_conf *conf;
    struct weir_problems *problems; /* NULL: nobody is told */
    const char *name;               /* of pattern.NAME; NULL: it is the option pattern */
};

WEIR_PRINTF(2, 3) static bool problem(const struct making *m, const char *format, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (m->problems)
        weir_problemf(m->ctx, m->problems, "pattern", "%s%s%s%s", m->name ? "pattern." : "",
                      m->name ? m->name : "", m->name ? ": " : "", text);
    return false;
}

static bool is_typed(const struct parse_conf *conf, struct weir_slice name)
{
    for (size_t i = 0; i < conf->type_of.count; i++)
        if (strlen(conf->type_of.items[i].name) == name.len &&
            memcmp(conf->type_of.items[i].name, name.ptr, name.len) == 0)
            return true;
    return false;
}

/* Which groups become fields. */
static bool take(const struct making *m, struct pattern *p)
{
    size_t n;
    const struct regex_name *names = regex_names(p->regex, &n);
    if (!n)
        return problem(m, "nothing of it has a name, so it would give no field; %s",
                       m->conf->format == FORMAT_GROK ? "%{NAME:field} gives one"
                                                      : "(?<field>...) gives one");
    if (n > MEMBERS_MAX)
        return problem(m, "it gives more than %d fields", MEMBERS_MAX);
    p->taken = m->ctx->host->mem(m->ctx, NULL, n * sizeof *p->taken);
    for (; p->n_taken < n; p->n_taken++) {
        const struct regex_name *name = &names[p->n_taken];
        const struct grok_field *field = grok_field(&p->grok, name->name);
        struct taken *t = &p->taken[p->n_taken];
        *t = (struct taken){field ? field->name : weir_str(name->name), name->group,
                            field ? field->type : GROK_UNTYPED};
        if (t->type != GROK_UNTYPED && is_typed(m->conf, t->name))
            return problem(m, "the type of %.*s is said here and by types.%.*s", (int)t->name.len,
                           (const char *)t->name.ptr, (int)t->name.len, (const char *)t->name.ptr);
    }
    return true;
}

static void pattern_free(struct weir_ctx *ctx, struct pattern *p)
{
    regex_free(p->regex);
    grok_free(&p->grok);
    if (p->taken)
        ctx->host->mem(ctx, p->taken, 0);
}

static bool pattern_make(const struct making *m, const char *text, struct pattern *p)
{
    const char *regex = text;
    char why[400];
    memset(p, 0, sizeof *p);
    if (m->conf->format == FORMAT_GROK) {
        if (!grok_expand(&p->grok, m->ctx, text, &m->conf->defined, why, sizeof why))
            return problem(m, "%s", why);
        regex = p->grok.regex;
    }
    p->regex = regex_compile(m->ctx, regex, REGEX_SAME_NAMES, why, sizeof why);
    if (!p->regex && m->conf->format == FORMAT_GROK)
        (void)problem(m, "it becomes a regex that is wrong, at %s: %.200s", why, regex);
    else if (!p->regex)
        (void)problem(m, "%s", why);
    else if (take(m, p))
        return true;
    pattern_free(m->ctx, p);
    return false;
}

static void patterns_release(struct weir_ctx *ctx, void *state)
{
    struct patterns *all = state;
    for (size_t i = 0; i < all->n; i++)
        pattern_free(ctx, &all->list[i]);
    ctx->host->mem(ctx, all, 0);
}

static bool patterns_prepare(struct weir_ctx *ctx, const struct parse_conf *conf,
                             struct weir_problems *problems, void **ret_state)
{
    struct making m = {ctx, conf, problems, NULL};
    size_t n = (conf->pattern != NULL) + conf->patterns.count;
    struct patterns *all;
    bool good = true;
    if (!n)
        return problem(&m, "the format %s needs it, or pattern.NAME",
                       conf->format == FORMAT_GROK ? "grok" : "regex");
    all = ctx->host->mem(ctx, NULL, sizeof *all + n * sizeof *all->list);
    *all = (struct patterns){(struct pattern *)(all + 1), 0};
    if (conf->pattern) {
        good = pattern_make(&m, conf->pattern, &all->list[0]);
        all->n += good;
    }
    for (size_t i = 0; i < conf->patterns.count; i++) {
        bool made;
        m.name = conf->patterns.items[i].name;
        made = pattern_make(&m, conf->patterns.items[i].value, &all->list[all->n]);
        all->n += made;
        good = good && made;
    }
    if (good)
        *ret_state = all;
    else
        patterns_release(ctx, all);
    return good;
}

static bool fields_add(const struct pattern *p, struct members *to)
{
    struct weir_slice text;
    for (size_t i = 0; i < p->n_taken; i++) {
        const struct taken *t = &p->taken[i];
        if (!regex_group(p->regex, t->group, &text))
            continue;
        if (!(t->type == GROK_UNTYPED ? members_text(to, t->name, text)
                                      : members_typed(to, t->name, text, t->type)))
            return false;
    }
    return true;
}

static bool patterns_parse(void *state, const struct weir_record *rec, struct weir_slice text,
                           struct members *to)
{
    const struct patterns *all = state;
    (void)rec;
    for (size_t i = 0; i < all->n; i++) {
        int r = regex_find(all->list[i].regex, text, false);
        if (r == REGEX_FOUND)
            return fields_add(&all->list[i], to);
        if (r != REGEX_NONE)
            return members_fail(to, "%s", regex_error(r));
    }
    return members_fail(to, all->n > 1 ? "none of the patterns fits it" : "the pattern does not fit it");
}

const struct parse_format format_regex = {"regex", patterns_prepare, patterns_release, patterns_parse};
const struct parse_format format_grok = {"grok", patterns_prepare, patterns_release, patterns_parse};
