/* SPDX-License-Identifier: BSD-2-Clause */
/* syslog_3164.c - lines of RFC 3164, behind the priority: what senders make of it, for the RFC is a description.
 *
 * What does not read like a time, a host or a program is part of the message, so nothing is lost. */
#define WEIR_API 1
#include "syslog.h"

static bool is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static const char *spaces(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    return p;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where a time as "Jan  2 15:04:05", with a year behind the day, or a fraction behind the seconds, ends; NULL: there is
 * none.  times_read looks closer. */
static const char *stamp_end(const char *p, const char *end, int *ret_kind)
{
    *ret_kind = STAMP_PLAIN;
    if (end - p < 15 || !is_letter(p[0]) || !is_letter(p[1]) || !is_letter(p[2]) || p[3] != ' ')
        return NULL;
    p += 4;
    p += *p == ' ';
    for (int i = 0; i < 2 && is_digit(p, end); i++)
        p++;
    if (end - p < 9 || *p++ != ' ')
        return NULL;
    if (p[1] != ':' && p[2] != ':' && p[4] == ' ') { /* 2026 */
        *ret_kind = STAMP_YEAR;
        p += 5;
    }
    if (end - p < 8 || p[2] != ':' || p[5] != ':')
        return NULL;
    p += 8;
    if (p < end && *p == '.' && is_digit(p + 1, end)) {
        *ret_kind += STAMP_FRACTION;
        for (p++; is_digit(p, end);)
            p++;
    }
    return p == end || *p == ' ' || *p == ':' ? p : NULL;
}

/* The time, *at behind it; false: there is none, or it failed (to->why). */
static bool stamp(const struct syslog *s, const struct weir_record *rec, const char **at, const char *end,
                  struct members *to)
{
    struct times_point point;
    char text[TIMES_TEXT_MAX];
    int kind;
    const char *stop = stamp_end(*at, end, &kind);
    if (!stop)
        return false;
    int64_t near = rec->time_ms != WEIR_NO_TIME ? rec->time_ms : s->ctx->host->wall_ms(s->ctx);
    struct weir_slice time = {*at, (size_t)(stop - *at)};
    if (times_read(&s->stamps[kind], s->zone, times_of_ms(near).sec, time, &point))
        return false;
    *at = stop;
    return members_string(to, weir_str("timestamp"),
                          (struct weir_slice){text, times_print(&s->rfc3339, NULL, point, text)});
}

/* The program: "sshd[123]: ", "kernel: ", "su[1] "; what stands before the colon, or the bracket; *at behind it. */
static bool tag(const char **at, const char *end, struct members *to)
{
    const char *p = *at, *from = p, *stop, *close = NULL;
    while (p < end && *p != ' ' && *p != '[' && !(*p == ':' && (p + 1 == end || p[1] == ' ')))
        p++;
    if (p == from || p == end || *p == ' ')
        return true;
    stop = p;
    if (*p == '[') {
        close = memchr(p, ']', (size_t)(end - p));
        if (!close || close == p + 1 || memchr(p, ' ', (size_t)(close - p)))
            return true;
        p = close + 1;
        if (p < end && *p != ':' && *p != ' ')
            return true;
    }
    if (!members_string(to, weir_str("app"), (struct weir_slice){from, (size_t)(stop - from)}))
        return false;
    if (close &&
        !members_string(to, weir_str("procid"), (struct weir_slice){stop + 1, (size_t)(close - stop - 1)}))
        return false;
    p += p < end && *p == ':';
    *at = p + (p < end && *p == ' ');
    return true;
}

/* Whether the word behind the time is a program, and no host was named. */
static bool is_tag(struct weir_slice word)
{
    const char *p = word.ptr;
    return word.len > 0 && (p[word.len - 1] == ':' || memchr(p, '[', word.len));
}

bool syslog_3164(const struct syslog *s, const struct weir_record *rec, const char *p, const char *end,
                 bool has_priority, struct members *to)
{
    const char *from = spaces(p, end), *at = from;
    struct weir_slice word = syslog_word(&at, end);
    if (syslog_is_rfc3339(word)) {
        if (!syslog_rfc3339(s, word, to))
            return false;
    } else {
        at = from;
        if (!stamp(s, rec, &at, end, to)) {
            if (to->why[0])
                return false;
            return has_priority ? syslog_message(p, end, to)
                                : members_fail(to, "it begins with neither a priority nor a time");
        }
        at += at < end && *at == ':'; /* Cisco's */
    }
    at = spaces(at, end);
    from = at;
    word = syslog_word(&at, end);
    if (is_tag(word) || !word.len)
        at = from;
    else if (!members_string(to, weir_str("host"), word))
        return false;
    at = spaces(at, end);
    if (at + 1 < end && at[0] == ':' && at[1] == ' ') /* Cisco's, between host and program */
        at += 2;
    return tag(&at, end, to) && syslog_message(at, end, to);
}
