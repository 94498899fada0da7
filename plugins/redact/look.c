/* SPDX-License-Identifier: BSD-2-Clause */
/* look.c - see look.h. */
#define WEIR_API 1
#include "look.h"

#include "scan.h"

bool look_has_patterns(const struct look *l)
{
    return l->which || l->n_own;
}

static int fails(struct look *l, const char *what, const char *why)
{
    (void)snprintf(l->why, sizeof l->why, "%s%s", what, why);
    return LOOK_FAILED;
}

/* Where the operator's regex fits; of one with groups, what its first group took. */
static int find_own(struct look *l, const struct own *own, struct weir_slice text, bool utf8)
{
    struct weir_slice part;
    int r;
    regex_begin_within(own->regex, text, utf8, &l->time);
    while ((r = regex_next(own->regex)) == REGEX_FOUND) {
        if (!(regex_groups(own->regex) && regex_group(own->regex, 1, &part)))
            (void)regex_group(own->regex, 0, &part);
        if (part.len)
            matches_add(&l->found, (size_t)((const char *)part.ptr - (const char *)text.ptr), part.len);
    }
    if (r == REGEX_NONE)
        return LOOK_SAME;
    (void)snprintf(l->why, sizeof l->why, "pattern.%s can't be looked for: %s", own->name, regex_error(r));
    return LOOK_FAILED;
}

static int find_all(struct look *l, struct weir_slice text, bool utf8)
{
    l->found.count = 0;
    find_in(l->which, text, &l->found);
    for (size_t i = 0; i < l->n_own; i++) {
        if (find_own(l, &l->own[i], text, utf8) == LOOK_FAILED)
            return LOOK_FAILED;
    }
    matches_tidy(&l->found);
    return l->found.count ? LOOK_CHANGED : LOOK_SAME;
}

/* What was found, each in its place. */
static bool act_on_found(struct look *l, struct weir_slice text, struct text *to)
{
    const char *p = text.ptr;
    size_t done = 0;
    for (size_t i = 0; i < l->found.count; i++) {
        const struct match *m = &l->found.items[i];
        text_add(to, p + done, m->at - done);
        if (!act_on(&l->act, (struct weir_slice){p + m->at, m->len}, to))
            return false;
        done = m->at + m->len;
    }
    text_add(to, p + done, text.len - done);
    return true;
}

int look_text(struct look *l, struct weir_slice text, bool utf8, struct text *to)
{
    bool patterns = look_has_patterns(l);
    if (!text.ptr)
        text.ptr = "";
    if (patterns) {
        int r = find_all(l, text, utf8);
        if (r != LOOK_CHANGED)
            return r;
    }
    l->made++;
    if (l->act.what == ACT_BLANK) {
        if (l->act.replacement)
            text_add(to, l->act.replacement, strlen(l->act.replacement));
        return LOOK_CHANGED;
    }
    if (!(patterns ? act_on_found(l, text, to) : act_on(&l->act, text, to)))
        return fails(l, "libcrypto can't make its hash", "");
    return LOOK_CHANGED;
}

static int add_quoted(struct look *l, struct text *to)
{
    struct weir_slice made = {l->piece.len ? l->piece.data : "", l->piece.len};
    size_t n = l->ctx->host->json_quote(l->ctx, NULL, made);
    if (n == SIZE_MAX)
        return fails(l, "what became of a text is not UTF-8", "");
    to->len += l->ctx->host->json_quote(l->ctx, text_reserve(to, n), made);
    return LOOK_CHANGED;
}

/* What a number or boolean is emptied to. */
static int add_empty(struct look *l, const struct weir_span *span, struct text *to)
{
    if (span->type != WEIR_JSON_NUMBER) {
        text_add(to, "false", 5);
    } else if (l->act.replacement) {
        if (!l->number)
            return fails(l, "replacement is no number, and can't stand for one", "");
        text_add(to, l->act.replacement, strlen(l->act.replacement));
    } else if (memchr(span->ptr, '.', span->len) || memchr(span->ptr, 'e', span->len) ||
               memchr(span->ptr, 'E', span->len)) {
        text_add(to, "0.0", 3);
    } else {
        text_add(to, "0", 1);
    }
    return LOOK_CHANGED;
}

static struct weir_slice text_of(struct look *l, const struct weir_span *span)
{
    struct weir_slice text = {span->ptr, span->len};
    if (span->type != WEIR_JSON_STRING)
        return text;
    if (memchr(text.ptr, '\\', text.len))
        return l->ctx->host->json_string(l->ctx, span);
    return (struct weir_slice){(const char *)text.ptr + 1, text.len - 2};
}

static bool is_looked_at(const struct look *l, const struct token *t)
{
    if (t->bracket || t->span.type == WEIR_JSON_NULL)
        return false;
    if (look_has_patterns(l))
        return t->span.type == WEIR_JSON_STRING || t->span.type == WEIR_JSON_NUMBER;
    return !t->name;
}

/* Appends what stands for the token. */
static int look_token(struct look *l, const struct token *t, struct text *to)
{
    int r;
    l->piece.len = 0;
    r = look_text(l, text_of(l, &t->span), true, &l->piece);
    if (r != LOOK_CHANGED)
        return r;
    if (l->act.what == ACT_BLANK && t->span.type != WEIR_JSON_STRING)
        return add_empty(l, &t->span, to);
    return add_quoted(l, to);
}

int look_json(struct look *l, struct weir_slice json, struct text *to)
{
    const char *done = json.ptr;
    struct scan s = {json.ptr, done + json.len};
    struct token t;
    while (scan_next(&s, &t)) {
        const char *at = t.span.ptr;
        int r;
        if (!is_looked_at(l, &t))
            continue;
        l->instead.len = 0;
        r = look_token(l, &t, &l->instead);
        if (r == LOOK_FAILED)
            return r;
        if (r == LOOK_SAME)
            continue;
        text_add(to, done, (size_t)(at - done));
        text_add(to, l->instead.data, l->instead.len);
        done = at + t.span.len;
    }
    if (done == json.ptr)
        return LOOK_SAME;
    text_add(to, done, (size_t)((const char *)json.ptr + json.len - done));
    return LOOK_CHANGED;
}

void look_free(struct look *l)
{
    for (size_t i = 0; i < l->n_own; i++)
        regex_free(l->own[i].regex);
    if (l->own)
        l->ctx->host->mem(l->ctx, l->own, 0);
    matches_free(&l->found);
    text_free(&l->piece);
    text_free(&l->instead);
    act_free(&l->act);
}
