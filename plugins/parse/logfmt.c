/* SPDX-License-Identifier: BSD-2-Clause */
/* logfmt.c - key=value key="quoted \" text" flag.
 *
 * One pass.  There is no standard: what is accepted stands in docs/parsing.md. */
#define WEIR_API 1
#include "parse.h"

#include "text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A member from the quoted text whose first character is at p; *ret_at: behind its quote. */
static bool quoted(struct members *to, struct weir_slice key, const char *p, const char *end,
                   const char **ret_at)
{
    const char *from = p;
    bool escaped = false;
    char shown[MEMBERS_SHOWN];
    for (; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end) {
            escaped = true;
            p++;
        }
    if (p == end)
        return members_fail(to, "the quote of the field %s is not closed", members_shown(key, shown));
    *ret_at = p + 1;
    if (p + 1 < end && !is_blank(p[1]))
        return members_fail(to, "something stands behind the closing quote of the field %s",
                            members_shown(key, shown));
    struct weir_slice text = {from, (size_t)(p - from)};
    if (escaped) {
        char *room = members_scratch(to, text.len);
        text.len = text_unescape(text, room);
        text.ptr = room;
    }
    return members_string(to, key, text);
}

static bool logfmt_parse(void *state, const struct weir_record *rec, struct weir_slice text,
                         struct members *to)
{
    const char *p = text.ptr, *end = p + text.len, *from;
    bool pairs = false;
    (void)state;
    (void)rec;
    for (;;) {
        while (p < end && is_blank(*p))
            p++;
        if (p == end)
            break;
        for (from = p; p < end && !is_blank(*p) && *p != '=' && *p != '"';)
            p++;
        struct weir_slice key = {from, (size_t)(p - from)};
        if (!key.len || (p < end && *p == '"'))
            return members_fail(to, "at byte %zu stands no key", (size_t)(p - (const char *)text.ptr));
        if (p == end || is_blank(*p)) { /* a flag */
            if (!members_raw(to, key, weir_str("true")))
                return false;
            continue;
        }
        pairs = true;
        p++;
        if (p < end && *p == '"') {
            if (!quoted(to, key, p + 1, end, &p))
                return false;
            continue;
        }
        for (from = p; p < end && !is_blank(*p);)
            p++;
        if (!members_text(to, key, (struct weir_slice){from, (size_t)(p - from)}))
            return false;
    }
    return pairs || members_fail(to, "there is no key=value in it");
}

const struct parse_format format_logfmt = {.name = "logfmt", .parse = logfmt_parse};
