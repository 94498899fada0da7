/* SPDX-License-Identifier: BSD-2-Clause */
/* zones.c - see zones.h: the files of tzdata (RFC 9636), changes by date and the rule behind the last of them. */
#define WEIR_API 1
#include "zones.h"

#include "calendar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER     "/usr/share/zoneinfo"
#define FILE_MAX   (256u * 1024)
#define HEAD       44u /* bytes of a header */
#define NAME_MAX_  16u
#define OFFSET_MAX (26 * 3600)

struct kind { /* of time: summer, winter */
    int32_t offset;
    char name[NAME_MAX_];
};

struct turn { /* the day and time of a change that comes each year */
    enum { TURN_MONTH, TURN_DAY, TURN_DAY_NO_LEAP } by;
    int month, week, day;
    int32_t at; /* seconds of the wall clock before it */
};

struct rule { /* what holds behind the last change; kind[1] from turn[0] to turn[1] */
    bool is, turns;
    struct kind kind[2];
    struct turn turn[2];
};

struct zone {
    size_t n_changes, n_kinds;
    int64_t *at; /* moments of changes, rising */
    unsigned char *to;
    struct kind *kinds; /* the first one holds before the first change */
    struct rule rule;
};

struct reader { /* of the text of a rule */
    const char *p, *end;
};

/* ---- a rule: CET-1CEST,M3.5.0,M10.5.0/3 ------------------------------------------------------------------------- */

static bool next_is(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

static bool number(struct reader *r, int max, int *ret)
{
    const char *from = r->p;
    *ret = 0;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && *ret <= max)
        *ret = *ret * 10 + (*r->p++ - '0');
    return r->p > from && *ret <= max;
}

/* [+-]h[:m[:s]] */
static bool rule_seconds(struct reader *r, int32_t *ret)
{
    int sign = next_is(r, '-') ? -1 : 1, h, m = 0, s = 0;
    if (sign > 0)
        (void)next_is(r, '+');
    if (!number(r, 167, &h))
        return false;
    if (next_is(r, ':') && (!number(r, 59, &m) || (next_is(r, ':') && !number(r, 59, &s))))
        return false;
    *ret = sign * (h * 3600 + m * 60 + s);
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool rule_name(struct reader *r, struct kind *k)
{
    bool quoted = next_is(r, '<');
    const char *from = r->p;
    while (r->p < r->end && (quoted ? *r->p != '>' : is_letter(*r->p)))
        r->p++;
    size_t n = (size_t)(r->p - from);
    if (n == 0 || n >= sizeof k->name || (quoted && !next_is(r, '>')))
        return false;
    memcpy(k->name, from, n);
    k->name[n] = '\0';
    return true;
}

/* West is above 0 there. */
static bool rule_offset(struct reader *r, int32_t *ret)
{
    if (!rule_seconds(r, ret))
        return false;
    *ret = -*ret;
    return *ret > -OFFSET_MAX && *ret < OFFSET_MAX;
}

static bool rule_turn(struct reader *r, struct turn *t)
{
    bool good;
    t->at = 2 * 3600;
    if (!next_is(r, ','))
        return false;
    if (next_is(r, 'M')) {
        t->by = TURN_MONTH;
        good = number(r, 12, &t->month) && t->month >= 1 && next_is(r, '.') && number(r, 5, &t->week) &&
               t->week >= 1 && next_is(r, '.') && number(r, 6, &t->day);
    } else {
        t->by = next_is(r, 'J') ? TURN_DAY_NO_LEAP : TURN_DAY;
        good = number(r, 365, &t->day) && (t->by == TURN_DAY || t->day >= 1);
    }
    return good && (!next_is(r, '/') || rule_seconds(r, &t->at));
}

static bool rule_read(struct rule *rule, const char *text, size_t n)
{
    struct reader r = {text, text + n};
    rule->is = n > 0;
    if (!n)
        return true;
    if (!rule_name(&r, &rule->kind[0]) || !rule_offset(&r, &rule->kind[0].offset))
        return false;
    if (r.p == r.end)
        return true;
    rule->turns = true;
    if (!rule_name(&r, &rule->kind[1]))
        return false;
    rule->kind[1].offset = rule->kind[0].offset + 3600;
    if (r.p < r.end && *r.p != ',' && !rule_offset(&r, &rule->kind[1].offset))
        return false;
    return rule_turn(&r, &rule->turn[0]) && rule_turn(&r, &rule->turn[1]) && r.p == r.end;
}

/* Seconds of the wall clock, since 1970. */
static int64_t turn_at(const struct turn *t, int64_t year)
{
    int64_t day = calendar_year(year);
    if (t->by == TURN_DAY) {
        day += t->day;
    } else if (t->by == TURN_DAY_NO_LEAP) {
        day += t->day - 1 + (t->day >= 60 && calendar_is_leap(year));
    } else {
        int64_t first = day + calendar_month(year, t->month), next = day + calendar_month(year, t->month + 1);
        day = first + (t->day - calendar_weekday(first) + 7) % 7 + (t->week - 1) * 7;
        if (day >= next)
            day -= 7; /* the fifth one means the last one */
    }
    return day * DAY_SECONDS + t->at;
}

static const struct kind *rule_at(const struct rule *rule, int64_t sec)
{
    if (!rule->turns)
        return &rule->kind[0];
    int64_t year = calendar_year_of(calendar_day_of(sec + rule->kind[0].offset));
    int64_t from = turn_at(&rule->turn[0], year) - rule->kind[0].offset;
    int64_t until = turn_at(&rule->turn[1], year) - rule->kind[1].offset;
    bool is = from < until ? sec >= from && sec < until : sec >= from || sec < until;
    return &rule->kind[is];
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

struct counts {
    uint32_t utc, standard, leaps, changes, kinds, chars;
};

static uint32_t get4(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t get8(const unsigned char *p)
{
    return (int64_t)((uint64_t)get4(p) << 32 | get4(p + 4));
}

/* The header at p; *ret_body: the bytes behind it, where moments have `wide` bytes. */
static bool head(const unsigned char *p, const unsigned char *end, uint32_t wide, struct counts *c,
                 size_t *ret_body)
{
    if ((size_t)(end - p) < HEAD || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    *c = (struct counts){get4(p + 20), get4(p + 24), get4(p + 28), get4(p + 32), get4(p + 36), get4(p + 40)};
    if (c->utc > FILE_MAX || c->standard > FILE_MAX || c->leaps > FILE_MAX || c->changes > FILE_MAX ||
        c->kinds > FILE_MAX || c->chars > FILE_MAX)
        return false;
    *ret_body = (size_t)c->changes * (wide + 1) + (size_t)c->kinds * 6 + c->chars +
                (size_t)c->leaps * (wide + 4) + c->standard + c->utc;
    return *ret_body <= (size_t)(end - p) - HEAD;
}

static bool take_kinds(struct zone *z, const unsigned char *kinds, const char *names, size_t n_names)
{
    for (size_t i = 0; i < z->n_kinds; i++, kinds += 6) {
        struct kind *k = &z->kinds[i];
        k->offset = (int32_t)get4(kinds);
        size_t at = kinds[5];
        if (k->offset <= -OFFSET_MAX || k->offset >= OFFSET_MAX || at >= n_names)
            return false;
        for (size_t c = 0; c + 1 < sizeof k->name && at < n_names && names[at]; c++)
            k->name[c] = names[at++];
    }
    return true;
}

static bool take_changes(struct zone *z, const unsigned char *p)
{
    const unsigned char *to = p + z->n_changes * 8;
    for (size_t i = 0; i < z->n_changes; i++) {
        z->at[i] = get8(p + i * 8);
        z->to[i] = to[i];
        if (z->to[i] >= z->n_kinds || (i && z->at[i] <= z->at[i - 1]))
            return false;
    }
    return true;
}

static struct zone *zone_new(size_t n_changes, size_t n_kinds)
{
    struct zone *z = calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->n_changes = n_changes;
    z->n_kinds = n_kinds;
    z->at = calloc(n_changes + 1, sizeof *z->at);
    z->to = calloc(n_changes + 1, 1);
    z->kinds = calloc(n_kinds, sizeof *z->kinds);
    if (z->at && z->to && z->kinds)
        return z;
    zone_free(z);
    return NULL;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    free(z->at);
    free(z->to);
    free(z->kinds);
    free(z);
}

/* What is behind the second header: the changes of 64 bits, and the rule in a line of its own. */
static struct zone *read_second(const unsigned char *p, const unsigned char *end, const struct counts *c,
                                size_t body)
{
    struct zone *z = zone_new(c->changes, c->kinds);
    const unsigned char *kinds = p + (size_t)c->changes * 9, *rule = p + body;
    const unsigned char *line =
        rule < end && *rule == '\n' ? memchr(rule + 1, '\n', (size_t)(end - rule - 1)) : NULL;
    if (z && line && take_changes(z, p) &&
        take_kinds(z, kinds, (const char *)kinds + (size_t)c->kinds * 6, c->chars) &&
        rule_read(&z->rule, (const char *)rule + 1, (size_t)(line - rule - 1)))
        return z;
    zone_free(z);
    return NULL;
}

struct zone *zone_read(const void *bytes, size_t n, char *why, size_t cap)
{
    const unsigned char *p = bytes, *end = p + n;
    struct counts c;
    size_t body;
    struct zone *z = NULL;
    if (head(p, end, 4, &c, &body)) {
        p += HEAD + body;
        if (head(p, end, 8, &c, &body) && c.kinds > 0 && c.leaps == 0)
            z = read_second(p + HEAD, end, &c, body);
    }
    if (!z)
        (void)snprintf(why, cap, "it is no time zone file of version 2 or later without leap seconds");
    return z;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static struct zone *zone_fixed(int32_t offset, const char *name, char *why, size_t cap)
{
    struct zone *z = zone_new(0, 1);
    if (!z) {
        (void)snprintf(why, cap, "there is no memory for it");
        return NULL;
    }
    z->kinds[0].offset = offset;
    (void)snprintf(z->kinds[0].name, sizeof z->kinds[0].name, "%s", name);
    return z;
}

/* +02:00, -0330, +05 */
static bool is_offset(const char *name, int32_t *ret)
{
    int d[4] = {0, 0, 0, 0}, n = 0;
    const char *p = name + 1;
    for (; *p && n < 4; p++) {
        if (*p == ':' && n == 2 && p[1])
            continue;
        if (*p < '0' || *p > '9')
            return false;
        d[n++] = *p - '0';
    }
    int h = d[0] * 10 + d[1], m = d[2] * 10 + d[3];
    if (*p || (n != 2 && n != 4) || h > 23 || m > 59)
        return false;
    *ret = (h * 3600 + m * 60) * (name[0] == '-' ? -1 : 1);
    return true;
}

/* A path below the folder, and no way out of it. */
static bool is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/");
    return is_letter(name[0]) && name[n] == '\0' && n < 100;
}

static struct zone *zone_of_file(const char *name, char *why, size_t cap)
{
    char path[200];
    struct zone *z = NULL;
    char *bytes = malloc(FILE_MAX);
    (void)snprintf(path, sizeof path, FOLDER "/%s", name);
    FILE *f = bytes ? fopen(path, "rbe") : NULL;
    if (f) {
        size_t n = fread(bytes, 1, FILE_MAX, f);
        z = zone_read(bytes, n, why, cap);
        fclose(f);
    } else {
        (void)snprintf(
            why, cap,
            "%s can't be read (%s): a zone is UTC, +02:00, or a name as Europe/Berlin, whose rules the "
            "package tzdata has",
            path, strerror(errno));
    }
    free(bytes);
    return z;
}

struct zone *zone_open(const char *name, char *why, size_t cap)
{
    int32_t offset;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0)
        return zone_fixed(0, "UTC", why, cap);
    if (name[0] == '+' || name[0] == '-') {
        if (is_offset(name, &offset))
            return zone_fixed(offset, name, why, cap);
    } else if (is_name(name)) {
        return zone_of_file(name, why, cap);
    }
    (void)snprintf(why, cap, "a zone is UTC, +02:00, or a name as Europe/Berlin");
    return NULL;
}

/* ---- what holds when ------------------------------------------------------------------------------------------- */

static const struct kind *kind_at(const struct zone *z, int64_t sec)
{
    size_t low = 0, high = z->n_changes; /* of changes not behind sec */
    if (z->rule.is && (!high || sec >= z->at[high - 1]))
        return rule_at(&z->rule, sec);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (z->at[middle] <= sec)
            low = middle + 1;
        else
            high = middle;
    }
    return &z->kinds[low ? z->to[low - 1] : 0];
}

int32_t zone_at(const struct zone *z, int64_t sec, const char **ret_name)
{
    const struct kind *k = kind_at(z, sec);
    if (ret_name)
        *ret_name = k->name;
    return k->offset;
}

int32_t zone_of_local(const struct zone *z, int64_t local)
{
    int32_t before = kind_at(z, local - DAY_SECONDS)->offset,
            behind = kind_at(z, local + DAY_SECONDS)->offset;
    if (before == behind || kind_at(z, local - before)->offset == before)
        return before;
    return kind_at(z, local - behind)->offset == behind ? behind : before;
}
