/* SPDX-License-Identifier: BSD-2-Clause */
/* syslog.c - lines of syslog: their priority, and which of the two kinds they are.
 *
 * What is accepted beyond the RFCs, as senders do not keep to them, stands in docs/parsing.md. */
#define WEIR_API 1
#include "syslog.h"

const char *const syslog_kinds[] = {"auto", "rfc3164", "rfc5424", NULL};

static const char *const facilities[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                         "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                         "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                         "local2", "local3", "local4", "local5", "local6",   "local7"};
static const char *const severities[] = {"emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug"};

static void syslog_release(struct weir_ctx *ctx, void *state)
{
    struct syslog *s = state;
    zone_free(s->zone);
    ctx->host->mem(ctx, s, 0);
}

static bool syslog_prepare(struct weir_ctx *ctx, const struct parse_conf *conf,
                           struct weir_problems *problems, void **ret_state)
{
    static const char *const patterns[STAMPS] = {"%b %e %T", "%b %e %T.%f", "%b %e %Y %T", "%b %e %Y %T.%f"};
    struct syslog *s = ctx->host->mem(ctx, NULL, sizeof *s);
    char why[256];
    *s = (struct syslog){.ctx = ctx, .kind = conf->syslog, .zone = zone_open(conf->zone, why, sizeof why)};
    bool good = times_format(&s->rfc3339, "rfc3339", why, s->zone ? sizeof why : 0) && s->zone;
    for (int i = 0; i < STAMPS; i++)
        good = good && times_format(&s->stamps[i], patterns[i], why, sizeof why);
    if (!good) {
        if (problems)
            weir_problemf(ctx, problems, "zone", "%s", why);
        syslog_release(ctx, s);
        return false;
    }
    *ret_state = s;
    return true;
}

struct weir_slice syslog_word(const char **at, const char *end)
{
    const char *from = *at, *stop = memchr(from, ' ', (size_t)(end - from));
    if (!stop)
        stop = end;
    *at = stop < end ? stop + 1 : end;
    return (struct weir_slice){from, (size_t)(stop - from)};
}

bool syslog_is_rfc3339(struct weir_slice word)
{
    const char *p = word.ptr;
    return word.len >= 19 && p[4] == '-' && p[7] == '-' && (p[10] == 'T' || p[10] == 't') && p[13] == ':';
}

bool syslog_rfc3339(const struct syslog *s, struct weir_slice time, struct members *to)
{
    struct times_point at;
    char text[TIMES_TEXT_MAX], shown[MEMBERS_SHOWN];
    const char *p = time.ptr, *why = syslog_is_rfc3339(time) ? NULL : "it does not read like the format";
    bool zoned = false;
    if (!why)
        why = times_read(&s->rfc3339, s->zone, 0, time, &at);
    if (why)
        return members_fail(to, "the timestamp is \"%s\": %s", members_shown(time, shown), why);
    for (size_t i = 19; i < time.len; i++)
        zoned |= p[i] == 'Z' || p[i] == 'z' || p[i] == '+' || p[i] == '-';
    if (!zoned)
        time = (struct weir_slice){text, times_print(&s->rfc3339, NULL, at, text)};
    return members_string(to, weir_str("timestamp"), time);
}

bool syslog_message(const char *p, const char *end, struct members *to)
{
    return members_string(to, weir_str("message"), (struct weir_slice){p, (size_t)(end - p)});
}

/* <0> to <191>, at most three digits; false: there is none, and nothing was taken. */
static bool priority(const char **at, const char *end, unsigned *ret)
{
    const char *p = *at, *first;
    unsigned n = 0;
    if (p == end || *p++ != '<')
        return false;
    for (first = p; p < end && p - first < 3 && *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (unsigned)(*p - '0');
    if (p == first || p == end || *p != '>' || n > 191)
        return false;
    *at = p + 1;
    *ret = n;
    return true;
}

/* The version of RFC 5424, and behind it something that begins as a time may. */
static bool is_5424(const char *p, const char *end)
{
    return end - p >= 3 && p[0] == '1' && p[1] == ' ' &&
           ((p[2] == '-' && (end - p == 3 || p[3] == ' ')) || (p[2] >= '0' && p[2] <= '9'));
}

static const char *line_end(const char *p, const char *end)
{
    while (end > p && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\0'))
        end--;
    return end;
}

static bool syslog_parse(void *state, const struct weir_record *rec, struct weir_slice text,
                         struct members *to)
{
    const struct syslog *s = state;
    const char *p = text.ptr, *end = line_end(p, p + text.len);
    unsigned n;
    bool has = priority(&p, end, &n);
    if (has && (!members_string(to, weir_str("facility"), weir_str(facilities[n / 8])) ||
                !members_string(to, weir_str("severity"), weir_str(severities[n % 8]))))
        return false;
    bool newer = has && is_5424(p, end);
    if (s->kind == SYSLOG_RFC5424 && !newer)
        return members_fail(to, "it does not begin with a priority, the version 1 and a time");
    return newer && s->kind != SYSLOG_RFC3164 ? syslog_5424(s, p + 2, end, to)
                                              : syslog_3164(s, rec, p, end, has, to);
}

const struct parse_format format_syslog = {"syslog", syslog_prepare, syslog_release, syslog_parse};
