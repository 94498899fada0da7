/* SPDX-License-Identifier: BSD-2-Clause */
/* access.c - the format access: lines of web servers, common and combined, with what may stand before and behind.
 *
 * Home thread.  One pass, written by hand: such lines come by the million. */
#define WEIR_API 1
#include "parse.h"

#include "../common/times.h"

enum { TIME_LEN = 26 }; /* 22/Nov/2026:00:56:29 +0100 */

struct access {
    const struct weir_list *names; /* of what stands behind the agent */
    struct times_format in, out;
    bool port_typed, status_typed, bytes_typed;       /* types says what they are; else they are numbers */
    char time_in[TIME_LEN], time_out[TIMES_TEXT_MAX]; /* the last time that was read, and what it became */
    size_t time_len;                                  /* 0: none */
};

struct line {
    struct access *a;
    struct members *to;
    const char *p, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_none(struct weir_slice s)
{
    return s.len == 1 && *(const char *)s.ptr == '-';
}

/* ---- one value -------------------------------------------------------------------------------------------------- */

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What the escape at p stands for, *p being the backslash; -1: nothing.  *ret_len: its bytes. */
static int escape(const char *p, const char *end, size_t *ret_len)
{
    static const char letters[] = "bnrtv\\\"", meant[] = "\b\n\r\t\v\\\"";
    const char *at;
    *ret_len = 2;
    if (end - p >= 4 && p[1] == 'x' && hex(p[2]) >= 0 && hex(p[3]) >= 0) {
        *ret_len = 4;
        return hex(p[2]) << 4 | hex(p[3]);
    }
    at = end - p >= 2 && p[1] ? strchr(letters, p[1]) : NULL;
    return at ? meant[at - letters] : -1;
}

/* The text without its escapes; as it is written when it would not be UTF-8 then. */
static struct weir_slice plain(struct members *to, struct weir_slice s)
{
    const char *p = s.ptr, *end = p + s.len;
    struct weir_slice made;
    char *room, *out;
    if (!s.len || !memchr(p, '\\', s.len))
        return s;
    room = out = members_scratch(to, s.len);
    while (p < end) {
        size_t n = 1;
        int c = *p == '\\' ? escape(p, end, &n) : -1;
        if (c < 0) {
            *out++ = *p++;
            continue;
        }
        *out++ = (char)c;
        p += n;
    }
    made = (struct weir_slice){room, (size_t)(out - room)};
    return to->ctx->host->json_quote(to->ctx, NULL, made) == SIZE_MAX ? s : made;
}

/* A text; "-" means that there is none. */
static bool text_add(struct line *l, const char *name, struct weir_slice s)
{
    return is_none(s) || members_string(l->to, weir_str(name), plain(l->to, s));
}

static bool number_add(struct line *l, const char *name, bool typed, struct weir_slice s)
{
    const char *p = s.ptr;
    char shown[MEMBERS_SHOWN];
    size_t n = 0;
    if (is_none(s))
        return true;
    while (n < s.len && is_digit(p[n]))
        n++;
    if (n < s.len || !n)
        return members_fail(l->to, "the field %s is \"%s\", which is no number", name,
                            members_shown(s, shown));
    return typed ? members_text(l->to, weir_str(name), s)
                 : members_typed(l->to, weir_str(name), s, TYPE_INTEGER);
}

/* ---- parts of a line ---------------------------------------------------------------------------------------------- */

/* Up to the next space. */
static struct weir_slice word(struct line *l)
{
    const char *from = l->p, *space = memchr(from, ' ', (size_t)(l->end - from));
    l->p = space ? space : l->end;
    return (struct weir_slice){from, (size_t)(l->p - from)};
}

static bool space(struct line *l, const char *what)
{
    if (l->p < l->end && *l->p == ' ' && l->p + 1 < l->end) {
        l->p++;
        return true;
    }
    return members_fail(l->to, "it ends before the %s", what);
}

/* The quote that is not escaped: an even number of backslashes stands before it; NULL: there is none. */
static const char *quote_find(const char *from, const char *end)
{
    for (const char *p = from; (p = memchr(p, '"', (size_t)(end - p))); p++) {
        const char *back = p;
        while (back > from && back[-1] == '\\')
            back--;
        if ((p - back) % 2 == 0)
            return p;
    }
    return NULL;
}

/* What stands in quotes, with its escapes. */
static bool quoted(struct line *l, const char *what, struct weir_slice *ret)
{
    const char *from = l->p + 1, *quote;
    if (l->p == l->end || *l->p != '"')
        return members_fail(l->to, "the %s does not stand in quotes", what);
    quote = quote_find(from, l->end);
    if (!quote)
        return members_fail(l->to, "the quote of the %s is not closed", what);
    l->p = quote + 1;
    *ret = (struct weir_slice){from, (size_t)(quote - from)};
    return true;
}

/* The bracket at which the time begins; NULL: there is none. */
static const char *time_find(const struct line *l)
{
    for (const char *p = l->p; (p = memchr(p, '[', (size_t)(l->end - p))); p++)
        if (p > l->p && p[-1] == ' ' && l->end - p >= 2 + TIME_LEN && p[3] == '/' && p[1 + TIME_LEN] == ']')
            return p;
    return NULL;
}

/* Who asked: one address, or several with commas between them. */
static struct weir_slice client(struct line *l)
{
    const char *from = l->p;
    struct weir_slice s = word(l);
    while (s.len > 0 && l->p[-1] == ',' && l->p < l->end) {
        l->p++;
        s = word(l);
    }
    return (struct weir_slice){from, (size_t)(l->p - from)};
}

static bool vhost_add(struct line *l, struct weir_slice s)
{
    const char *p = s.ptr;
    size_t n = s.len;
    while (n > 0 && is_digit(p[n - 1]))
        n--;
    if (n == s.len || n < 2 || p[n - 1] != ':')
        return text_add(l, "vhost", s);
    return text_add(l, "vhost", (struct weir_slice){p, n - 1}) &&
           number_add(l, "port", l->a->port_typed, (struct weir_slice){p + n, s.len - n});
}

/* client ident user, maybe with the virtual host before them, up to the time.  A name of a user may hold spaces. */
static bool who_add(struct line *l, const char *end)
{
    struct line head = *l;
    struct weir_slice first, second, ident;
    head.end = end;
    first = client(&head);
    if (!space(&head, "time"))
        return false;
    ident = client(&head);
    second = ident;
    if (!space(&head, "time"))
        return false;
    if (!is_none(second) && memchr(head.p, ' ', (size_t)(end - head.p))) {
        if (!vhost_add(l, first))
            return false;
        first = second;
        ident = word(&head);
        if (!space(&head, "time"))
            return false;
    }
    if (!first.len)
        return members_fail(l->to, "it has no client");
    if (end - head.p == 2 && memcmp(head.p, "\"\"", 2) == 0) /* Apache's empty name */
        head.p = end;
    return text_add(l, "client", first) && text_add(l, "ident", ident) &&
           text_add(l, "user", (struct weir_slice){head.p, (size_t)(end - head.p)});
}

/* From the bracket on.  Lines of one second follow each other, so the last time is often the next one too. */
static bool time_add(struct line *l)
{
    struct access *a = l->a;
    struct times_point at;
    const char *why;
    if (!a->time_len || memcmp(a->time_in, l->p + 1, TIME_LEN) != 0) {
        a->time_len = 0;
        why = times_read(&a->in, NULL, 0, (struct weir_slice){l->p + 1, TIME_LEN}, &at);
        if (why)
            return members_fail(l->to, "its time can't be read: %s", why);
        memcpy(a->time_in, l->p + 1, TIME_LEN);
        a->time_len = times_print(&a->out, NULL, at, a->time_out);
        if (!a->time_len)
            return members_fail(l->to, "its time is not of the years 1 to 9999");
    }
    l->p += 1 + TIME_LEN + 1;
    return members_string(l->to, weir_str("time"), (struct weir_slice){a->time_out, a->time_len});
}

static bool is_method(struct weir_slice s)
{
    const char *p = s.ptr;
    for (size_t i = 0; i < s.len; i++)
        if (!((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= 'a' && p[i] <= 'z') || p[i] == '-' || p[i] == '_'))
            return false;
    return s.len > 0;
}

static bool is_protocol(struct weir_slice s)
{
    const char *p = s.ptr;
    if (s.len < 6 || s.len > 8 || memcmp(p, "HTTP/", 5) != 0 || !is_digit(p[5]))
        return false;
    return s.len == 6 || (s.len == 8 && p[6] == '.' && is_digit(p[7]));
}

/* METHOD PATH PROTOCOL, or METHOD PATH of HTTP/0.9; anything else is no request that was understood. */
static bool request_add(struct line *l, struct weir_slice request)
{
    struct line r = {l->a, l->to, request.ptr, (const char *)request.ptr + request.len};
    struct weir_slice method = word(&r), path, protocol = {"", 0};
    bool good = is_method(method) && r.p < r.end;
    r.p += good;
    path = word(&r);
    good = good && path.len;
    if (good && r.p < r.end) {
        r.p++;
        protocol = (struct weir_slice){r.p, (size_t)(r.end - r.p)};
        good = is_protocol(protocol);
    }
    if (!good)
        return text_add(l, "request", request);
    return text_add(l, "method", method) && members_string(l->to, weir_str("path"), plain(l->to, path)) &&
           (!protocol.len || text_add(l, "protocol", protocol));
}

/* What a server was told to write behind it all. */
static bool extra_add(struct line *l, size_t i)
{
    struct weir_slice s;
    char name[32];
    if (l->p < l->end && *l->p == '"') {
        if (!quoted(l, "field behind the agent", &s))
            return false;
    } else {
        s = word(l);
    }
    (void)snprintf(name, sizeof name, "extra%zu", i + 1);
    return is_none(s) || members_text(l->to, weir_str(i < l->a->names->count ? l->a->names->items[i] : name),
                                      plain(l->to, s));
}

/* Referer and agent where two texts in quotes follow, and the rest. */
static bool rest_add(struct line *l)
{
    struct line ahead = *l;
    struct weir_slice referer, agent;
    if (l->p + 1 < l->end && l->p[1] == '"') {
        ahead.p++;
        if (!quoted(&ahead, "referer", &referer))
            return false;
        if (ahead.end - ahead.p > 1 && ahead.p[0] == ' ' && ahead.p[1] == '"') {
            ahead.p++;
            if (!quoted(&ahead, "agent", &agent) || !text_add(l, "referer", referer) ||
                !text_add(l, "agent", agent))
                return false;
            l->p = ahead.p;
        }
    }
    for (size_t i = 0; l->p < l->end; i++) {
        if (*l->p != ' ')
            return members_fail(l->to, "something stands behind a closing quote");
        l->p++;
        if (!extra_add(l, i))
            return false;
    }
    return true;
}

static bool access_parse(void *state, const struct weir_record *rec, struct weir_slice text,
                         struct members *to)
{
    struct line l = {state, to, text.ptr, (const char *)text.ptr + text.len};
    struct weir_slice request;
    const char *time;
    (void)rec;
    while (l.end > l.p && (l.end[-1] == '\n' || l.end[-1] == '\r' || l.end[-1] == ' '))
        l.end--;
    time = time_find(&l);
    if (!time)
        return members_fail(to, "there is no time as in [22/Nov/2026:00:56:29 +0100]");
    if (!who_add(&l, time - 1))
        return false;
    l.p = time;
    return time_add(&l) && space(&l, "request") && quoted(&l, "request", &request) &&
           request_add(&l, request) && space(&l, "status") &&
           number_add(&l, "status", l.a->status_typed, word(&l)) && space(&l, "bytes") &&
           number_add(&l, "bytes", l.a->bytes_typed, word(&l)) && rest_add(&l);
}

/* ---- options ------------------------------------------------------------------------------------------------------ */

static bool is_typed(const struct parse_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->type_of.count; i++)
        if (strcmp(conf->type_of.items[i].name, name) == 0)
            return true;
    return false;
}

static bool access_prepare(struct weir_ctx *ctx, const struct parse_conf *conf,
                           struct weir_problems *problems, void **ret_state)
{
    struct access *a = ctx->host->mem(ctx, NULL, sizeof *a);
    char why[200];
    memset(a, 0, sizeof *a);
    a->names = &conf->columns;
    a->port_typed = is_typed(conf, "port");
    a->status_typed = is_typed(conf, "status");
    a->bytes_typed = is_typed(conf, "bytes");
    *ret_state = a;
    if (times_format(&a->in, "%d/%b/%Y:%H:%M:%S %z", why, sizeof why) &&
        times_format(&a->out, "rfc3339", why, sizeof why))
        return true;
    if (problems)
        weir_problemf(ctx, problems, "format", "%s", why); /* not reached while times.c knows these two */
    ctx->host->mem(ctx, a, 0);
    *ret_state = NULL;
    return false;
}

static void access_release(struct weir_ctx *ctx, void *state)
{
    ctx->host->mem(ctx, state, 0);
}

const struct parse_format format_access = {"access", access_prepare, access_release, access_parse};
